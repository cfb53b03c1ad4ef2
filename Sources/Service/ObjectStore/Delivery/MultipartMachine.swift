/// What to do next to bring one object to the store: a state machine without input or output.
///
/// ```
/// growing ──▶ create ──▶ part, part, … ─┐ sealed
///    │ sealed, small                    ├──▶ complete ──▶ stored ──▶ clean up ──▶ remove files
///    └────────────────▶ put ────────────┘        │
///                        │ may have been done, or the key is taken
///                        └──────▶ prove ──▶ ours: stored │ absent: again │ foreign: quarantined
/// ```
/// Nothing visible is made before `seal`: no put, no complete. Whatever may have been done is
/// proved before it is done again. An upload that is given up becomes a leftover, and leftovers are
/// aborted before a new upload is created and before the record of them is removed.
struct MultipartMachine: Sendable {
  /// One thing to do; the answer comes back through `finish`.
  enum Job: Equatable, Sendable {
    /// Record the key, create an upload, record its id.
    case create(key: String)
    case part(uploadID: String, number: Int, offset: Int, byteCount: Int)
    case put(byteCount: Int)
    case complete(uploadID: String, parts: [CompletedPart])
    /// Compare the stored object with the file.
    case prove(byteCount: Int)
    /// Abort these uploads; if they are all that the record names, then remove it.
    case cleanUp([Leftover], isAll: Bool)
    /// Remove the file, then the record.
    case removeFiles
    /// Give the file a name under which it stays for a human, and remove the record.
    case setAside
  }

  /// Uploads that are of no use any more.
  struct Leftover: Equatable, Sendable {
    var key: String
    var uploadIDs: [String]
    /// More may exist: the store is asked for all of this key.
    var mayHoldUnknown: Bool
  }

  enum Answer: Equatable, Sendable {
    case done
    case created(uploadID: String)
    case uploaded(CompletedPart)
    case proof(Proof)
    /// The file is not in DATA_DIR.
    case fileAbsent
    /// The file had got another name meanwhile.
    case renamed
    /// The file is not any more what its seal says; nothing of it was made visible by this job.
    case fileDamaged
    case failed(StoreFailure.Kind)
  }

  enum Proof: Equatable, Sendable {
    case ours, absent, foreign
  }

  /// What an answer means for those who watch.
  enum Verdict: Equatable, Sendable {
    /// Go on.
    case progress
    /// The object is in the store now.
    case stored(StoreEvent.Manner)
    /// Not done; try again after a wait.
    case again
    /// Other content lies under the key.
    case quarantined
    /// Leftovers cannot be aborted, and are forgotten.
    case leftoversKept
    /// The medium has changed the file since it was sealed: it is not stored.
    case damaged
    /// Nothing is left to be done for this object.
    case finished
  }

  struct Settings: Equatable, Sendable {
    /// Bytes of each part but the last.
    var partByteCount: Int
    /// Smaller objects go in one request.
    var minimumMultipartByteCount: Int
    /// Of one object at a time.
    var maximumPartsInFlight: Int
    /// Whether the store takes parts at all.
    var takesParts: Bool
  }

  private enum State: Equatable {
    case open
    case stored
    case quarantined
    case damaged
    /// The file is gone before it was sealed.
    case abandoned
    case finished
  }

  private struct Upload {
    var id: String
    var done: [Int: CompletedPart] = [:]
    var inFlight: Set<Int> = []
  }

  private let settings: Settings
  private(set) var key: String
  /// Bytes of the file that are final.
  private(set) var byteCount = 0
  private(set) var isSealed = false
  private var state = State.open
  private var isRecovered = false
  /// Something visible may have been made.
  private var mustProve = false
  /// The file goes by another name now; wait until it is told.
  private var isFileLost = false
  private var upload: Upload?
  private(set) var leftovers: [Leftover] = []
  /// Leftovers that could not be aborted, for the end.
  private var postponed: [Leftover] = []
  private var refusedCleanUps = 0
  /// A creation was not answered, and has been looked for once at most.
  private(set) var hadUnknownCreate = false
  private var jobsInFlight = 0
  /// A job that none may run beside.
  private var isExclusive = false
  /// Raised when the file begins anew; answers for an earlier one are of no use but for uploads.
  private(set) var generation = 0

  init(key: String, settings: Settings) {
    precondition(settings.partByteCount > 0 && settings.maximumPartsInFlight > 0)
    self.key = key
    self.settings = settings
  }

  // MARK: Inputs

  /// A record of an earlier process.
  mutating func found(_ leftover: Leftover) {
    add(leftover)
    // Its request may be under way yet, and outlive the first look.
    hadUnknownCreate = hadUnknownCreate || leftover.mayHoldUnknown
  }

  /// The growing file goes by another name, its bytes are the same: the upload goes on. False: it
  /// is no growing file of this key, so what was told of is a new one.
  mutating func rename(key: String) -> Bool {
    guard state == .open, !isSealed, key == self.key else { return false }
    isFileLost = false
    return true
  }

  /// A new file takes the place of an abandoned one.
  mutating func reopen(key: String) {
    giveUpUpload()
    generation += 1
    self.key = key
    byteCount = 0
    isSealed = false
    state = .open
    mustProve = false
    isFileLost = false
  }

  mutating func grow(to byteCount: Int) {
    if state == .open, !isSealed { self.byteCount = max(self.byteCount, byteCount) }
  }

  /// `mustProve`: an earlier process may have stored it.
  mutating func seal(byteCount: Int, isRecovered: Bool) {
    guard state == .open, !isSealed else { return }
    isSealed = true
    self.byteCount = byteCount
    self.isRecovered = isRecovered
    mustProve = isRecovered
    isFileLost = false
  }

  mutating func abandon() {
    guard state == .open, !isSealed else { return }
    giveUpUpload()
    recallPostponed()
    generation += 1
    state = .abandoned
  }

  // MARK: The next thing to do

  var isStored: Bool { state == .stored || state == .finished }
  var isQuarantined: Bool { state == .quarantined }
  /// Nothing is under way and nothing will be: the object can be forgotten.
  var isDone: Bool {
    state == .finished || (state == .abandoned && leftovers.isEmpty && jobsInFlight == 0)
  }
  /// How many parts the stored object was made of; 0: none, or not known.
  private(set) var storedPartCount = 0

  /// The next job, which counts as begun; nil: nothing can be done before an answer or an input.
  mutating func next() -> Job? {
    guard !isExclusive, let job = wanted() else { return nil }
    if case .part(_, let number, _, _) = job {
      upload?.inFlight.insert(number)
    } else {
      guard jobsInFlight == 0 else { return nil }
      isExclusive = true
    }
    jobsInFlight += 1
    return job
  }

  private func wanted() -> Job? {
    switch state {
    case .finished: return nil
    case .quarantined, .abandoned: return leftovers.isEmpty ? nil : cleanUp
    case .stored: return leftovers.isEmpty ? .removeFiles : cleanUp
    case .damaged: return leftovers.isEmpty ? .setAside : cleanUp
    case .open: break
    }
    if mustProve { return .prove(byteCount: byteCount) }
    if isFileLost { return nil }
    if let upload { return wanted(upload) }
    if isSealed, !settings.takesParts || byteCount < settings.minimumMultipartByteCount {
      return leftovers.isEmpty ? .put(byteCount: byteCount) : cleanUp
    }
    guard settings.takesParts, isSealed || byteCount >= settings.partByteCount else { return nil }
    return leftovers.isEmpty ? .create(key: key) : cleanUp
  }

  private var cleanUp: Job { .cleanUp(leftovers, isAll: postponed.isEmpty) }

  private func wanted(_ upload: Upload) -> Job? {
    let size = settings.partByteCount
    let wholeParts = byteCount / size
    let partCount = isSealed ? max(1, (byteCount + size - 1) / size) : wholeParts
    if upload.done.count == partCount, isSealed {
      return .complete(
        uploadID: upload.id,
        parts: upload.done.values.sorted { $0.number < $1.number })
    }
    guard upload.inFlight.count < settings.maximumPartsInFlight else { return nil }
    var number = 1
    while number <= partCount {
      if upload.done[number] == nil, !upload.inFlight.contains(number) {
        let offset = (number - 1) * size
        return .part(
          uploadID: upload.id, number: number, offset: offset,
          byteCount: min(size, byteCount - offset))
      }
      number += 1
    }
    return nil
  }

  // MARK: Answers

  /// Takes the answer to a job that `next` gave in `generation`.
  mutating func finish(_ job: Job, generation: Int, _ answer: Answer) -> Verdict {
    jobsInFlight -= 1
    if case .part = job {} else { isExclusive = false }
    guard generation == self.generation else {
      finishStale(job, answer)
      return .progress
    }
    if answer == .fileDamaged { return damaged() }
    switch job {
    case .create: return finishCreate(answer)
    case .part(let uploadID, let number, _, _): return finishPart(uploadID, number, answer)
    case .put: return finishPut(answer)
    case .complete: return finishComplete(answer)
    case .prove: return finishProve(answer)
    case .cleanUp(let cleaned, _): return finishCleanUp(cleaned, answer)
    case .removeFiles, .setAside:
      guard answer == .done else { return .again }
      state = .finished
      return .finished
    }
  }

  /// Of a file that is gone only the uploads matter.
  private mutating func finishStale(_ job: Job, _ answer: Answer) {
    switch (job, answer) {
    // The key may be another by now.
    case (.create(let key), .created(let id)):
      add(Leftover(key: key, uploadIDs: [id], mayHoldUnknown: false))
    case (.create(let key), .failed(.unknown)), (.create(let key), .failed(.cancelled)):
      add(Leftover(key: key, uploadIDs: [], mayHoldUnknown: true))
    case (.cleanUp(let cleaned, _), .done):
      leftovers.removeAll { cleaned.contains($0) }
    default: break
    }
  }

  private mutating func finishCreate(_ answer: Answer) -> Verdict {
    switch answer {
    case .created(let id):
      upload = Upload(id: id)
      return .progress
    case .failed(.unknown), .failed(.cancelled):
      add(Leftover(key: key, uploadIDs: [], mayHoldUnknown: true))
      hadUnknownCreate = true
      return .again
    default: return .again
    }
  }

  private mutating func finishPart(
    _ uploadID: String, _ number: Int, _ answer: Answer
  ) -> Verdict {
    // The upload may have been given up while this part was on its way.
    guard upload?.id == uploadID else { return .progress }
    upload?.inFlight.remove(number)
    switch answer {
    case .uploaded(let part):
      upload?.done[number] = part
      return .progress
    case .failed(.noSuchUpload), .failed(.noSuchKey):
      loseUpload(answer)
      mustProve = isSealed
      return .again
    case .renamed: return .progress
    case .fileAbsent where !isSealed:
      isFileLost = true
      return .progress
    default: return .again
    }
  }

  private mutating func finishPut(_ answer: Answer) -> Verdict {
    switch answer {
    case .done: return stored(.put)
    case .failed(.unknown), .failed(.cancelled), .failed(.preconditionFailed):
      mustProve = true
      return .again
    default: return .again
    }
  }

  private mutating func finishComplete(_ answer: Answer) -> Verdict {
    switch answer {
    case .done:
      return stored(.multipart)
    case .failed(.unknown), .failed(.cancelled), .failed(.preconditionFailed):
      mustProve = true
      return .again
    case .failed(.noSuchUpload), .failed(.noSuchKey):
      loseUpload(answer)
      mustProve = true
      return .again
    case .failed(.conflict), .failed(.invalidPart):
      giveUpUpload()
      return .again
    default: return .again
    }
  }

  private mutating func finishProve(_ answer: Answer) -> Verdict {
    switch answer {
    case .proof(.ours):
      // Aborting an upload that was completed finds nothing; one that was not must not stay.
      giveUpUpload()
      return stored(.proved)
    case .proof(.absent):
      mustProve = false
      return .progress
    case .proof(.foreign):
      giveUpUpload()
      recallPostponed()
      state = .quarantined
      return .quarantined
    case .fileAbsent where isRecovered:
      return stored(.earlier)
    default: return .again
    }
  }

  private mutating func finishCleanUp(_ cleaned: [Leftover], _ answer: Answer) -> Verdict {
    switch answer {
    case .done:
      leftovers.removeAll { cleaned.contains($0) }
    case .failed(.accessDenied), .failed(.rejected), .failed(.notImplemented),
      .failed(.noSuchBucket):
      // What cannot be aborted must not keep the rows back: it is tried again once they are stored,
      // and left alone after some tries.
      if state == .open {
        leftovers.removeAll { cleaned.contains($0) }
        postponed += cleaned
        return .progress
      }
      // A bucket that is gone takes nothing else either: that ends, or nothing goes on.
      if answer == .failed(.noSuchBucket) { return .again }
      refusedCleanUps += 1
      guard refusedCleanUps >= ServiceLimits.triesOfRefusedCleanUp else { return .again }
      leftovers.removeAll { cleaned.contains($0) }
      finishIfAbandoned()
      return .leftoversKept
    default: return .again
    }
    finishIfAbandoned()
    return state == .finished ? .finished : .progress
  }

  private mutating func finishIfAbandoned() {
    if state == .abandoned, leftovers.isEmpty { state = .finished }
  }

  private mutating func stored(_ manner: StoreEvent.Manner) -> Verdict {
    storedPartCount = manner == .multipart ? upload?.done.count ?? 0 : 0
    upload = nil
    if hadUnknownCreate {
      // An upload whose answer was lost may have come into being after it was looked for.
      add(Leftover(key: key, uploadIDs: [], mayHoldUnknown: true))
      hadUnknownCreate = false
    }
    recallPostponed()
    state = .stored
    return .stored(manner)
  }

  private mutating func damaged() -> Verdict {
    giveUpUpload()
    recallPostponed()
    state = .damaged
    return .damaged
  }

  private mutating func recallPostponed() {
    for leftover in postponed { add(leftover) }
    postponed = []
  }

  /// The store has no such upload; or something in between says 404, and then the store may have it
  /// yet.
  private mutating func loseUpload(_ answer: Answer) {
    if answer == .failed(.noSuchUpload) { upload = nil } else { giveUpUpload() }
  }

  private mutating func giveUpUpload() {
    guard let upload else { return }
    add(Leftover(key: key, uploadIDs: [upload.id], mayHoldUnknown: false))
    self.upload = nil
  }

  /// One leftover a key, so that a long outage does not ask the store for the same list many times.
  private mutating func add(_ leftover: Leftover) {
    guard let place = leftovers.firstIndex(where: { $0.key == leftover.key }) else {
      leftovers.append(leftover)
      return
    }
    let known = leftovers[place].uploadIDs
    leftovers[place].uploadIDs += leftover.uploadIDs.filter { !known.contains($0) }
    leftovers[place].mayHoldUnknown = leftovers[place].mayHoldUnknown || leftover.mayHoldUnknown
  }
}
