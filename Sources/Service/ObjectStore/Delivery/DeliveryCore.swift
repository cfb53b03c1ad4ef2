import Ingest
import Synchronization

/// Which object needs what next, over all segments: the delivery without threads, clock or store.
///
/// Whoever drives it asks `next`, runs the job, and brings the answer to `finish`; any number of
/// jobs may run at a time. All times are given.
struct DeliveryCore {
  enum Work: Equatable, Sendable {
    /// Read the upload records that an earlier process left.
    case loadRecords
    case check
    case object(MultipartMachine.Job, File)
  }

  /// What a job needs to know about the object besides the job.
  struct File: Equatable, Sendable {
    var id: ObjectID
    var key: String
    var fileName: String
    /// Lower-case hex SHA-256 as the seal has it; empty: not sealed yet.
    var sha256 = ""
  }

  struct Ticket: Equatable, Sendable {
    var work: Work
    fileprivate var generation = 0
  }

  enum Next: Equatable, Sendable {
    case run(Ticket)
    /// Nothing can be begun before that time (nil: ever), an answer or an input.
    case wait(until: Duration?)
  }

  /// The answer to a job, with the reason when it failed.
  struct Outcome: Sendable {
    var answer: MultipartMachine.Answer
    var message = ""
    /// Of a clean-up: uploads aborted.
    var abortedCount = 0
    /// Of `loadRecords`: what was found.
    var records: [(ObjectID, UploadRecord)] = []
    /// Of `loadRecords`: whose records are there and cannot be read.
    var unreadableRecords: [ObjectID] = []
  }

  private struct Entry {
    var machine: MultipartMachine
    var fileName: String
    var sha256 = ""
    var rowCount: Int?
    var oldestRowSeconds: Int64 = 0
    var failureCount = 0
    var notBefore: Duration = .zero
    var began: Duration?
  }

  private let settings: MultipartMachine.Settings
  private let store: String
  private let random: @Sendable () -> Double
  private var entries: [ObjectID: Entry] = [:]
  private var known: [UInt64: Set<ObjectID>] = [:]
  private var queue = DeliveryQueue()
  private var tally = DeliveryTally()
  /// Objects of sealed segments that are not finished.
  private var remaining: [UInt64: Set<ObjectID>] = [:]
  private var delivered: [UInt64] = []
  private var areRecordsLoaded = false
  private var isLoadingRecords = false
  private var nextLoad = Duration.zero
  private var loadCount = 0
  /// Whose records could not be read: found by the object's key, once that is known.
  private var unreadable: Set<ObjectID> = []
  /// Keys of given-up objects of which a creation was not answered: it may arrive after it was
  /// looked for, so it is looked for again when the object is made anew.
  private var lostCreations: [ObjectID: String] = [:]
  private var nextCheck: Duration? = .zero
  private var isChecking = false
  /// The store is out of reach or refuses us: for no object before this time.
  private var pausedUntil: Duration = .zero
  private var pauseCount = 0

  init(
    settings: MultipartMachine.Settings, store: String, random: @escaping @Sendable () -> Double
  ) {
    self.settings = settings
    self.store = store
    self.random = random
  }

  // MARK: Inputs

  mutating func opened(_ id: ObjectID, key: String, fileName: String) {
    if entries[id] == nil {
      insert(id, Entry(machine: MultipartMachine(key: key, settings: settings), fileName: fileName))
    } else if entries[id]?.machine.rename(key: key) == true {
      entries[id]?.fileName = fileName
    } else {
      entries[id]?.machine.reopen(key: key)
      entries[id]?.fileName = fileName
      entries[id]?.sha256 = ""
      entries[id]?.rowCount = nil
      entries[id]?.failureCount = 0
      entries[id]?.notBefore = .zero
    }
    changed(id)
  }

  mutating func grew(_ id: ObjectID, byteCount: Int) {
    entries[id]?.machine.grow(to: byteCount)
    changed(id)
  }

  mutating func sealed(_ segment: UInt64, objects: [SealedObject], recovered: Bool, now: Duration) {
    let listed = Set(objects.map(\.id))
    for id in known[segment] ?? [] where !listed.contains(id) { abandon(id) }
    for object in objects {
      if entries[object.id] == nil {
        let machine = MultipartMachine(key: object.key, settings: settings)
        insert(object.id, Entry(machine: machine, fileName: object.fileName))
      } else if entries[object.id]?.machine.key != object.key || recovered {
        // Known only by a record of an earlier process, or another file than was opened.
        entries[object.id]?.machine.reopen(key: object.key)
      }
      entries[object.id]?.fileName = object.fileName
      entries[object.id]?.sha256 = object.sha256
      entries[object.id]?.rowCount = object.rowCount
      entries[object.id]?.oldestRowSeconds = object.oldestRowSeconds
      entries[object.id]?.notBefore = .zero
      entries[object.id]?.began = now
      entries[object.id]?.machine.seal(byteCount: object.byteCount, isRecovered: recovered)
      changed(object.id)
    }
    if listed.isEmpty { delivered.append(segment) } else { remaining[segment] = listed }
  }

  mutating func abandoned(_ segment: UInt64) {
    for id in known[segment] ?? [] { abandon(id) }
  }

  private mutating func abandon(_ id: ObjectID) {
    entries[id]?.machine.abandon()
    if entries[id]?.machine.isDone == true { remove(id) } else { changed(id) }
  }

  // MARK: Jobs

  mutating func next(now: Duration) -> Next {
    if !areRecordsLoaded {
      guard !isLoadingRecords else { return .wait(until: nil) }
      guard nextLoad <= now else { return .wait(until: nextLoad) }
      isLoadingRecords = true
      return .run(Ticket(work: .loadRecords))
    }
    if let due = nextCheck, !isChecking, due <= now {
      isChecking = true
      return .run(Ticket(work: .check))
    }
    var wake = isChecking ? nil : nextCheck
    guard pausedUntil <= now else {
      return .wait(until: min(wake ?? pausedUntil, pausedUntil))
    }
    while let id = queue.takeDue(now: now) { changed(id) }
    while let (id, isSealed) = queue.first {
      guard let entry = entries[id] else {
        queue.removeFirst()
        continue
      }
      if entry.machine.isSealed != isSealed {
        queue.removeFirst()
        changed(id)
        continue
      }
      if entry.notBefore > now {
        queue.removeFirst()
        queue.insert(id, at: entry.notBefore)
        continue
      }
      guard let job = entries[id]?.machine.next() else {
        queue.removeFirst()
        continue
      }
      if entry.began == nil { entries[id]?.began = now }
      let file = File(
        id: id, key: entry.machine.key, fileName: entry.fileName, sha256: entry.sha256)
      return .run(
        Ticket(work: .object(job, file), generation: entry.machine.generation))
    }
    if let due = queue.nextTime { wake = min(wake ?? due, due) }
    return .wait(until: wake)
  }

  /// Takes the answer; the events are for the log.
  mutating func finish(
    _ ticket: Ticket, _ outcome: Outcome, now: Duration, wallSeconds: Double,
    counters: DeliveryCounters
  ) -> [StoreEvent] {
    switch ticket.work {
    case .loadRecords:
      isLoadingRecords = false
      if outcome.answer == .done { loadCount += 1 }
      let isHopeless = loadCount >= ServiceLimits.triesOfUnreadableRecord
      guard outcome.answer == .done, outcome.unreadableRecords.isEmpty || isHopeless else {
        // Without them leftovers would be forgotten for good.
        nextLoad = now + ServiceLimits.recordsRetryInterval
        return []
      }
      areRecordsLoaded = true
      for (id, record) in outcome.records { take(record, id) }
      for id in outcome.unreadableRecords { takeUnreadableRecord(id) }
      return []
    case .check:
      isChecking = false
      if outcome.answer == .done {
        nextCheck = nil
        counters.isStoreUsable.store(1, ordering: .relaxed)
        resume()
      } else {
        nextCheck = now + ServiceLimits.storeCheckInterval
      }
      return []
    case .object(let job, let file):
      return finish(job, file, ticket, outcome, now, wallSeconds, counters)
    }
  }

  /// Segments of which everything is stored and removed, each named once.
  mutating func takeDelivered() -> [UInt64] {
    defer { delivered = [] }
    return delivered
  }

  /// Whether nothing sealed waits, but for quarantined objects.
  var isDrained: Bool { tally.openCount == 0 && delivered.isEmpty }

  /// Lets nothing wait for a later try: the service is ending, and this is the last chance.
  mutating func hurry() {
    resume()
    for id in entries.keys {
      entries[id]?.notBefore = .zero
      changed(id)
    }
  }

  mutating func updateGauges(_ counters: DeliveryCounters) {
    let oldest = tally.oldestRowSeconds() ?? 0
    counters.pendingObjects.store(tally.pendingCount, ordering: .relaxed)
    counters.pendingBytes.store(tally.pendingByteCount, ordering: .relaxed)
    counters.oldestPendingRowSeconds.store(Int(oldest), ordering: .relaxed)
  }

  // MARK: Answers

  private mutating func finish(
    _ job: MultipartMachine.Job, _ file: File, _ ticket: Ticket, _ outcome: Outcome,
    _ now: Duration, _ wallSeconds: Double, _ counters: DeliveryCounters
  ) -> [StoreEvent] {
    guard var entry = entries[file.id] else { return [] }
    let isLate = outcome.answer == .fileAbsent && file.fileName != entry.fileName
    let verdict = entry.machine.finish(
      job, generation: ticket.generation, isLate ? .renamed : outcome.answer)
    var events: [StoreEvent] = []
    let object = StoreEvent.Object(
      key: file.key, rowCount: entry.rowCount, byteCount: entry.machine.byteCount)
    switch verdict {
    case .progress, .finished:
      entry.notBefore = .zero
      switch job {
      // Steps on the way back after a failure do not undo its count: the waits go on growing.
      case .cleanUp, .prove: break
      default: entry.failureCount = 0
      }
      switch job {
      case .removeFiles, .setAside: break
      default: resume()
      }
      if outcome.abortedCount > 0 {
        events.append(.leftoverAborted(key: file.key, count: outcome.abortedCount))
      }
    case .stored(let manner):
      entry.failureCount = 0
      entry.notBefore = .zero
      resume()
      let seconds = (now - (entry.began ?? now)).inSeconds
      count(manner, object, seconds, wallSeconds, counters)
      events.append(
        .uploadEnded(
          object, store: store, manner: manner, seconds: seconds,
          partCount: entry.machine.storedPartCount))
    case .again:
      entry.failureCount += 1
      let (delay, isLasting) = wait(for: outcome.answer, of: job, entry.failureCount, now)
      entry.notBefore = now + .seconds(delay)
      let step = Self.name(of: job)
      if isLasting {
        counters.failures.add(1, ordering: .relaxed)
        // Uploads may go on without the right to abort them.
        if case .cleanUp = job {} else { counters.isStoreUsable.store(0, ordering: .relaxed) }
      } else {
        counters.retries.add(1, ordering: .relaxed)
      }
      events.append(
        isLasting
          ? .uploadFailed(
            object, store: store, step: step, reason: outcome.message, delaySeconds: delay)
          : .uploadRetried(
            object, store: store, step: step, reason: outcome.message, delaySeconds: delay))
    case .quarantined:
      counters.quarantined.add(1, ordering: .relaxed)
      events.append(.uploadQuarantined(object, store: store, fileName: entry.fileName))
    case .damaged:
      counters.damaged.add(1, ordering: .relaxed)
      events.append(.objectDamaged(object, store: store, fileName: entry.fileName))
    case .leftoversKept:
      events.append(.leftoverKept(key: file.key, reason: outcome.message))
    }
    entries[file.id] = entry
    if entry.machine.isDone { finished(file.id) } else { changed(file.id) }
    return events
  }

  private func count(
    _ manner: StoreEvent.Manner, _ object: StoreEvent.Object, _ seconds: Double,
    _ wallSeconds: Double, _ counters: DeliveryCounters
  ) {
    switch manner {
    case .put, .multipart:
      counters.stored.add(1, ordering: .relaxed)
      counters.storedBytes.add(object.byteCount, ordering: .relaxed)
      counters.storedRows.add(object.rowCount ?? 0, ordering: .relaxed)
      counters.uploadMilliseconds.add(
        Int(max(0, min(seconds, 1e9)) * 1000), ordering: .relaxed)
    case .proved, .earlier:
      counters.proved.add(1, ordering: .relaxed)
    }
    counters.isStoreUsable.store(1, ordering: .relaxed)
    counters.lastSuccessSeconds.store(
      Int(max(0, min(wallSeconds, 1e12))), ordering: .relaxed)
  }

  /// How long to wait, and whether the cause is one that time alone does not mend.
  private mutating func wait(
    for answer: MultipartMachine.Answer, of job: MultipartMachine.Job, _ failureCount: Int,
    _ now: Duration
  ) -> (seconds: Double, isLasting: Bool) {
    let backoff = Backoff(
      base: ServiceLimits.deliveryDelayBaseSeconds,
      maximum: ServiceLimits.deliveryDelayMaximumSeconds)
    guard case .failed(let kind) = answer else {
      return (backoff.seconds(afterFailures: failureCount, random: random()), false)
    }
    switch kind {
    case .accessDenied, .noSuchBucket:
      let delay = ServiceLimits.refusedDelaySeconds
      // Aborting needs a permission of its own, so its refusal says nothing about the others.
      if case .cleanUp = job { return (delay, true) }
      pausedUntil = max(pausedUntil, now + .seconds(delay))
      return (delay, true)
    case .rejected, .notImplemented:
      return (ServiceLimits.refusedDelaySeconds, true)
    case .unreachable, .throttled:
      // It is the store that fails, not this object: one object finds out for all when it is back.
      pauseCount += 1
      let delay = backoff.seconds(afterFailures: pauseCount, random: random())
      pausedUntil = max(pausedUntil, now + .seconds(delay))
      return (delay, false)
    default:
      return (backoff.seconds(afterFailures: failureCount, random: random()), false)
    }
  }

  private mutating func resume() {
    pausedUntil = .zero
    pauseCount = 0
  }

  private mutating func take(_ record: UploadRecord, _ id: ObjectID) {
    if entries[id] == nil {
      var machine = MultipartMachine(key: record.key, settings: settings)
      machine.abandon()
      insert(id, Entry(machine: machine, fileName: ""))
    }
    entries[id]?.machine.found(
      MultipartMachine.Leftover(
        key: record.key, uploadIDs: record.uploadID.map { [$0] } ?? [],
        mayHoldUnknown: record.uploadID == nil))
    changed(id)
  }

  /// What it names is found by the object's key; of a file that is gone nobody knows the key, and
  /// the next start tries again. A log that waits becomes such an object later.
  private mutating func takeUnreadableRecord(_ id: ObjectID) {
    guard let key = entries[id]?.machine.key else {
      unreadable.insert(id)
      return
    }
    entries[id]?.machine.found(
      MultipartMachine.Leftover(key: key, uploadIDs: [], mayHoldUnknown: true))
    changed(id)
  }

  private mutating func finished(_ id: ObjectID) {
    remove(id)
    guard var left = remaining[id.segment] else { return }
    left.remove(id)
    if left.isEmpty {
      remaining[id.segment] = nil
      delivered.append(id.segment)
    } else {
      remaining[id.segment] = left
    }
  }

  private mutating func insert(_ id: ObjectID, _ entry: Entry) {
    entries[id] = entry
    known[id.segment, default: []].insert(id)
    if unreadable.remove(id) != nil { takeUnreadableRecord(id) }
    if let key = lostCreations.removeValue(forKey: id) {
      entries[id]?.machine.found(
        MultipartMachine.Leftover(key: key, uploadIDs: [], mayHoldUnknown: true))
    }
  }

  private mutating func remove(_ id: ObjectID) {
    if let machine = entries[id]?.machine, machine.hadUnknownCreate {
      lostCreations[id] = machine.key
    }
    entries[id] = nil
    tally.set(id, nil)
    known[id.segment]?.remove(id)
    if known[id.segment]?.isEmpty == true { known[id.segment] = nil }
  }

  /// After every change of an object: it may have something to do now, and count otherwise.
  private mutating func changed(_ id: ObjectID) {
    guard let entry = entries[id] else { return }
    let machine = entry.machine
    queue.insert(id, isSealed: machine.isSealed)
    tally.set(
      id,
      DeliveryTally.Share(
        isPending: machine.isSealed && !machine.isStored,
        isOpen: machine.isSealed && !machine.isQuarantined, byteCount: machine.byteCount,
        oldestRowSeconds: entry.oldestRowSeconds))
  }

  private static func name(of job: MultipartMachine.Job) -> String {
    switch job {
    case .create: "create"
    case .part(_, let number, _, _): "part \(number)"
    case .put: "put"
    case .complete: "complete"
    case .prove: "prove"
    case .cleanUp: "abort leftovers"
    case .removeFiles: "remove file"
    case .setAside: "set aside"
    }
  }
}
