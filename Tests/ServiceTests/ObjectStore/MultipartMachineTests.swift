import Testing

@testable import Service

/// The upload of one object as a table of inputs and actions: what is done after each answer, and
/// above all what is never done: nothing visible before the seal, nothing twice without proof,
/// nothing deleted while it is unknown whether it was stored.
struct MultipartMachineTests {
  private typealias Job = MultipartMachine.Job
  private typealias Answer = MultipartMachine.Answer

  private static let settings = MultipartMachine.Settings(
    partByteCount: 10, minimumMultipartByteCount: 5, maximumPartsInFlight: 2, takesParts: true)

  private static func machine() -> MultipartMachine {
    MultipartMachine(key: "k", settings: settings)
  }

  private static func part(_ number: Int, _ byteCount: Int = 10, upload: String = "u") -> Job {
    .part(uploadID: upload, number: number, offset: (number - 1) * 10, byteCount: byteCount)
  }

  private static func done(_ number: Int) -> Answer {
    .uploaded(CompletedPart(number: number, eTag: "e\(number)"))
  }

  private static func parts(_ count: Int) -> [CompletedPart] {
    (1...count).map { CompletedPart(number: $0, eTag: "e\($0)") }
  }

  /// Runs one job after the other: each step names the job wanted, its answer and the verdict.
  private func run(
    _ machine: inout MultipartMachine,
    _ steps: [(job: Job, answer: Answer, verdict: MultipartMachine.Verdict)],
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    for (ordinal, step) in steps.enumerated() {
      let job = machine.next()
      #expect(job == step.job, "step \(ordinal)", sourceLocation: sourceLocation)
      guard let job else { return }
      let verdict = machine.finish(job, generation: machine.generation, step.answer)
      #expect(verdict == step.verdict, "step \(ordinal)", sourceLocation: sourceLocation)
    }
  }

  @Test func streamsWhileGrowing() {
    var machine = Self.machine()
    machine.grow(to: 9)
    #expect(machine.next() == nil)
    machine.grow(to: 25)
    run(
      &machine,
      [
        (.create(key: "k"), .created(uploadID: "u"), .progress),
        (Self.part(1), Self.done(1), .progress),
        (Self.part(2), Self.done(2), .progress),
      ])
    // Nothing is completed before the seal, however complete it looks.
    machine.grow(to: 29)
    #expect(machine.next() == nil)
    machine.seal(byteCount: 29, isRecovered: false)
    run(
      &machine,
      [
        (Self.part(3, 9), Self.done(3), .progress),
        (.complete(uploadID: "u", parts: Self.parts(3)), .done, .stored(.multipart)),
        (.removeFiles, .done, .finished),
      ])
    #expect(machine.isDone)
    #expect(machine.storedPartCount == 3)
    #expect(machine.next() == nil)
  }

  @Test(arguments: [0, 1, 4])
  func smallGoesInOneRequest(byteCount: Int) {
    var machine = Self.machine()
    machine.grow(to: byteCount)
    #expect(machine.next() == nil)
    machine.seal(byteCount: byteCount, isRecovered: false)
    run(
      &machine,
      [(.put(byteCount: byteCount), .done, .stored(.put)), (.removeFiles, .done, .finished)])
  }

  @Test(arguments: [(5, 1), (10, 1), (11, 2), (20, 2), (21, 3)])
  func countsParts(byteCount: Int, partCount: Int) {
    var machine = Self.machine()
    machine.seal(byteCount: byteCount, isRecovered: false)
    run(&machine, [(.create(key: "k"), .created(uploadID: "u"), .progress)])
    for number in 1...partCount {
      run(
        &machine,
        [
          (
            Self.part(number, min(10, byteCount - (number - 1) * 10)), Self.done(number),
            .progress
          )
        ])
    }
    run(
      &machine,
      [(.complete(uploadID: "u", parts: Self.parts(partCount)), .done, .stored(.multipart))])
  }

  @Test func partsRunBesideEachOtherUpToTheBound() {
    var machine = Self.machine()
    machine.seal(byteCount: 35, isRecovered: false)
    run(&machine, [(.create(key: "k"), .created(uploadID: "u"), .progress)])
    #expect(machine.next() == Self.part(1))
    #expect(machine.next() == Self.part(2))
    #expect(machine.next() == nil)
    #expect(machine.finish(Self.part(2), generation: 0, .failed(.unknown)) == .again)
    // Sent again; parts are the same bytes whatever happened to the first.
    #expect(machine.next() == Self.part(2))
  }

  /// Whether Complete was done is not known: it is proved, and only then done again.
  @Test(arguments: [StoreFailure.Kind.unknown, .cancelled, .preconditionFailed])
  func doubtfulCompleteIsProved(kind: StoreFailure.Kind) {
    for (proof, rest) in [
      (
        MultipartMachine.Proof.ours, [Job.cleanUp([Self.leftover("u")], isAll: true), .removeFiles]
      ),
      (.absent, [.complete(uploadID: "u", parts: Self.parts(1))]),
    ] {
      var machine = Self.machine()
      machine.seal(byteCount: 8, isRecovered: false)
      run(
        &machine,
        [
          (.create(key: "k"), .created(uploadID: "u"), .progress),
          (Self.part(1, 8), Self.done(1), .progress),
          (.complete(uploadID: "u", parts: Self.parts(1)), .failed(kind), .again),
          (.prove(byteCount: 8), .failed(.unreachable), .again),
          (
            .prove(byteCount: 8), .proof(proof), proof == .ours ? .stored(.proved) : .progress
          ),
        ])
      for job in rest {
        #expect(machine.next() == job)
        _ = machine.finish(job, generation: 0, .done)
      }
    }
  }

  @Test(arguments: [StoreFailure.Kind.unknown, .preconditionFailed])
  func doubtfulPutIsProved(kind: StoreFailure.Kind) {
    var machine = Self.machine()
    machine.seal(byteCount: 3, isRecovered: false)
    run(
      &machine,
      [
        (.put(byteCount: 3), .failed(kind), .again),
        (.prove(byteCount: 3), .proof(.absent), .progress),
        (.put(byteCount: 3), .failed(kind), .again),
        (.prove(byteCount: 3), .proof(.ours), .stored(.proved)),
        (.removeFiles, .done, .finished),
      ])
  }

  /// What certainly was not done needs no proof.
  @Test(arguments: [StoreFailure.Kind.unreachable, .throttled, .accessDenied, .noSuchBucket, .file])
  func refusedPutIsRepeated(kind: StoreFailure.Kind) {
    var machine = Self.machine()
    machine.seal(byteCount: 3, isRecovered: false)
    run(
      &machine,
      [(.put(byteCount: 3), .failed(kind), .again), (.put(byteCount: 3), .done, .stored(.put))])
  }

  @Test func foreignContentIsQuarantined() {
    var machine = Self.machine()
    machine.seal(byteCount: 8, isRecovered: false)
    run(
      &machine,
      [
        (.create(key: "k"), .created(uploadID: "u"), .progress),
        (Self.part(1, 8), Self.done(1), .progress),
        (.complete(uploadID: "u", parts: Self.parts(1)), .failed(.preconditionFailed), .again),
        (.prove(byteCount: 8), .proof(.foreign), .quarantined),
        (.cleanUp([Self.leftover("u")], isAll: true), .done, .progress),
      ])
    // The file is kept, and nothing more is tried.
    #expect(machine.next() == nil)
    #expect(!machine.isDone)
    #expect(machine.isQuarantined)
  }

  /// 409 and lost parts: a new upload with all parts again, the old one aborted first.
  @Test(arguments: [StoreFailure.Kind.conflict, .invalidPart])
  func conflictBeginsAnew(kind: StoreFailure.Kind) {
    var machine = Self.machine()
    machine.seal(byteCount: 8, isRecovered: false)
    run(
      &machine,
      [
        (.create(key: "k"), .created(uploadID: "u"), .progress),
        (Self.part(1, 8), Self.done(1), .progress),
        (.complete(uploadID: "u", parts: Self.parts(1)), .failed(kind), .again),
        (.cleanUp([Self.leftover("u")], isAll: true), .done, .progress),
        (.create(key: "k"), .created(uploadID: "v"), .progress),
        (Self.part(1, 8, upload: "v"), Self.done(1), .progress),
        (.complete(uploadID: "v", parts: Self.parts(1)), .done, .stored(.multipart)),
      ])
  }

  @Test func lostUploadIsProvedThenBegunAnew() {
    var machine = Self.machine()
    machine.grow(to: 12)
    run(
      &machine,
      [
        (.create(key: "k"), .created(uploadID: "u"), .progress),
        (Self.part(1), .failed(.noSuchUpload), .again),
        // Not sealed: nothing can be there under the key.
        (.create(key: "k"), .created(uploadID: "v"), .progress),
      ])
    machine.seal(byteCount: 12, isRecovered: false)
    run(
      &machine,
      [
        (Self.part(1, upload: "v"), .failed(.noSuchUpload), .again),
        (.prove(byteCount: 12), .proof(.absent), .progress),
        (.create(key: "k"), .created(uploadID: "w"), .progress),
        (Self.part(1, upload: "w"), Self.done(1), .progress),
        (Self.part(2, 2, upload: "w"), Self.done(2), .progress),
        (.complete(uploadID: "w", parts: Self.parts(2)), .failed(.noSuchUpload), .again),
        (.prove(byteCount: 12), .proof(.ours), .stored(.proved)),
      ])
  }

  /// A 404 that does not say what is missing may come from something in between: the upload may be
  /// there, and must not stay for ever.
  @Test func a404OfNobodyKnowsWhomLeavesNoUpload() {
    var machine = Self.machine()
    machine.grow(to: 12)
    run(
      &machine,
      [
        (.create(key: "k"), .created(uploadID: "u"), .progress),
        (Self.part(1), .failed(.noSuchKey), .again),
        (.cleanUp([Self.leftover("u")], isAll: true), .done, .progress),
        (.create(key: "k"), .created(uploadID: "v"), .progress),
        (Self.part(1, upload: "v"), Self.done(1), .progress),
      ])
    machine.seal(byteCount: 12, isRecovered: false)
    run(
      &machine,
      [
        (Self.part(2, 2, upload: "v"), Self.done(2), .progress),
        (.complete(uploadID: "v", parts: Self.parts(2)), .failed(.noSuchKey), .again),
        (.prove(byteCount: 12), .proof(.absent), .progress),
        (.cleanUp([Self.leftover("v")], isAll: true), .done, .progress),
        (.create(key: "k"), .created(uploadID: "w"), .progress),
      ])
  }

  /// The answer to the creation was lost: what may have come of it is looked for before the next
  /// one and once more at the end.
  @Test func lostCreationIsLookedFor() {
    var machine = Self.machine()
    machine.seal(byteCount: 8, isRecovered: false)
    let unknown = MultipartMachine.Leftover(key: "k", uploadIDs: [], mayHoldUnknown: true)
    run(
      &machine,
      [
        (.create(key: "k"), .failed(.unknown), .again),
        (.cleanUp([unknown], isAll: true), .failed(.unknown), .again),
        (.cleanUp([unknown], isAll: true), .done, .progress),
        (.create(key: "k"), .created(uploadID: "u"), .progress),
        (Self.part(1, 8), Self.done(1), .progress),
        (.complete(uploadID: "u", parts: Self.parts(1)), .done, .stored(.multipart)),
        (.cleanUp([unknown], isAll: true), .done, .progress), (.removeFiles, .done, .finished),
      ])
  }

  /// The request of a process that was killed may still be under way when its successor looks: it
  /// looks again once the object is stored.
  @Test func lostCreationOfAnEarlierProcessIsLookedForAgain() {
    var machine = Self.machine()
    let unknown = MultipartMachine.Leftover(key: "k", uploadIDs: [], mayHoldUnknown: true)
    machine.found(unknown)
    machine.seal(byteCount: 8, isRecovered: true)
    run(
      &machine,
      [
        (.prove(byteCount: 8), .proof(.absent), .progress),
        (.cleanUp([unknown], isAll: true), .done, .progress),
        (.create(key: "k"), .created(uploadID: "u"), .progress),
        (Self.part(1, 8), Self.done(1), .progress),
        (.complete(uploadID: "u", parts: Self.parts(1)), .done, .stored(.multipart)),
        (.cleanUp([unknown], isAll: true), .done, .progress), (.removeFiles, .done, .finished),
      ])
  }

  /// No permission to list or abort must not keep rows out of the store.
  @Test func leftoversThatCannotGoAreLeft() {
    var machine = Self.machine()
    machine.found(Self.leftover("old"))
    machine.seal(byteCount: 8, isRecovered: false)
    run(
      &machine,
      [
        (.cleanUp([Self.leftover("old")], isAll: true), .failed(.accessDenied), .progress),
        (.create(key: "k"), .created(uploadID: "u"), .progress),
        (Self.part(1, 8), Self.done(1), .progress),
        (.complete(uploadID: "u", parts: Self.parts(1)), .done, .stored(.multipart)),
      ])
    for count in 1...ServiceLimits.triesOfRefusedCleanUp {
      run(
        &machine,
        [
          (
            .cleanUp([Self.leftover("old")], isAll: true), .failed(.accessDenied),
            count == ServiceLimits.triesOfRefusedCleanUp ? .leftoversKept : .again
          )
        ])
    }
    run(&machine, [(.removeFiles, .done, .finished)])
  }

  /// A bucket that is missing for long is no refusal: what is left in it goes when it is back.
  @Test func leftoversOutlastABucketThatIsMissing() {
    var machine = Self.machine()
    machine.seal(byteCount: 8, isRecovered: false)
    run(
      &machine,
      [
        (.create(key: "k"), .created(uploadID: "u"), .progress),
        (Self.part(1, 8), .fileDamaged, .damaged),
      ])
    let leftover = MultipartMachine.Leftover(key: "k", uploadIDs: ["u"], mayHoldUnknown: false)
    for _ in 0...ServiceLimits.triesOfRefusedCleanUp {
      run(&machine, [(.cleanUp([leftover], isAll: true), .failed(.noSuchBucket), .again)])
    }
    run(&machine, [(.cleanUp([leftover], isAll: true), .done, .progress)])
  }

  @Test func recoveredIsProvedFirst() {
    var machine = Self.machine()
    machine.found(Self.leftover("old"))
    machine.seal(byteCount: 8, isRecovered: true)
    run(
      &machine,
      [
        (.prove(byteCount: 8), .proof(.absent), .progress),
        (.cleanUp([Self.leftover("old")], isAll: true), .done, .progress),
        (.create(key: "k"), .created(uploadID: "u"), .progress),
      ])
  }

  @Test func recoveredWithoutFileWasStored() {
    var machine = Self.machine()
    machine.seal(byteCount: 8, isRecovered: true)
    run(
      &machine,
      [
        (.prove(byteCount: 8), .fileAbsent, .stored(.earlier)), (.removeFiles, .done, .finished),
      ])
    // Of an object of this process, a file that is gone is a fault and no success.
    var fresh = Self.machine()
    fresh.seal(byteCount: 3, isRecovered: false)
    run(&fresh, [(.put(byteCount: 3), .fileAbsent, .again)])
    #expect(!fresh.isStored)
  }

  /// The encoder renames the file when it is whole; parts wait for the name that the seal tells.
  @Test func renamedFileWaitsForTheSeal() {
    var machine = Self.machine()
    machine.grow(to: 20)
    run(
      &machine,
      [
        (.create(key: "k"), .created(uploadID: "u"), .progress),
        (Self.part(1), .fileAbsent, .progress),
      ])
    #expect(machine.next() == nil)
    machine.seal(byteCount: 20, isRecovered: false)
    #expect(machine.next() == Self.part(1))
  }

  /// Its new name is no new file: the upload and its parts stay.
  @Test func renamedFileKeepsItsUpload() {
    var machine = Self.machine()
    machine.grow(to: 20)
    run(
      &machine,
      [
        (.create(key: "k"), .created(uploadID: "u"), .progress),
        (Self.part(1), Self.done(1), .progress), (Self.part(2), .fileAbsent, .progress),
      ])
    #expect(machine.rename(key: "other") == false)
    #expect(machine.rename(key: "k") == true)
    run(&machine, [(Self.part(2), .renamed, .progress), (Self.part(2), Self.done(2), .progress)])
    machine.seal(byteCount: 20, isRecovered: false)
    #expect(machine.rename(key: "k") == false)
    run(
      &machine,
      [(.complete(uploadID: "u", parts: Self.parts(2)), .done, .stored(.multipart))])
    #expect(machine.leftovers.isEmpty)
  }

  @Test func leftoversOfOneKeyAreOne() {
    var machine = Self.machine()
    machine.found(Self.leftover("a"))
    machine.found(MultipartMachine.Leftover(key: "k", uploadIDs: [], mayHoldUnknown: true))
    machine.found(Self.leftover("b"))
    machine.found(Self.leftover("a"))
    machine.found(MultipartMachine.Leftover(key: "l", uploadIDs: ["c"], mayHoldUnknown: false))
    #expect(
      machine.leftovers == [
        MultipartMachine.Leftover(key: "k", uploadIDs: ["a", "b"], mayHoldUnknown: true),
        MultipartMachine.Leftover(key: "l", uploadIDs: ["c"], mayHoldUnknown: false),
      ])
  }

  /// The key that the creation was asked with is the one to abort under.
  @Test func lateAnswerIsALeftoverOfItsOwnKey() {
    var machine = Self.machine()
    machine.grow(to: 20)
    #expect(machine.next() == .create(key: "k"))
    machine.reopen(key: "other")
    _ = machine.finish(.create(key: "k"), generation: 0, .created(uploadID: "old"))
    #expect(machine.leftovers == [Self.leftover("old")])
  }

  @Test func abandonedIsAborted() {
    var machine = Self.machine()
    machine.grow(to: 20)
    run(&machine, [(.create(key: "k"), .created(uploadID: "u"), .progress)])
    #expect(machine.next() == Self.part(1))
    machine.abandon()
    // Not while a part is under way: it could outlive the abort.
    #expect(machine.next() == nil)
    #expect(machine.finish(Self.part(1), generation: 0, Self.done(1)) == .progress)
    run(&machine, [(.cleanUp([Self.leftover("u")], isAll: true), .done, .finished)])
    #expect(machine.isDone)
  }

  /// The file begins anew while the creation of its first upload is under way.
  @Test func lateAnswerOfAnAbandonedFileIsALeftover() {
    var machine = Self.machine()
    machine.grow(to: 20)
    #expect(machine.next() == .create(key: "k"))
    machine.abandon()
    machine.reopen(key: "k")
    machine.grow(to: 10)
    #expect(machine.next() == nil)
    #expect(
      machine.finish(.create(key: "k"), generation: 0, .created(uploadID: "old")) == .progress)
    run(
      &machine,
      [
        (.cleanUp([Self.leftover("old")], isAll: true), .done, .progress),
        (.create(key: "k"), .created(uploadID: "new"), .progress),
        (Self.part(1, upload: "new"), Self.done(1), .progress),
      ])
  }

  private static func leftover(_ id: String) -> MultipartMachine.Leftover {
    MultipartMachine.Leftover(key: "k", uploadIDs: [id], mayHoldUnknown: false)
  }
}
