import Glibc
import Ingest
import SimulationModels
import Testing

@testable import Service

/// An upload that exists is named by its record, or found by its key, whatever the disk did.
struct UploadRecordFaultTests {
  private static let id = ObjectID(segment: 1, partition: 0)
  private static let file = DeliveryCore.File(id: id, key: "k", fileName: "f")

  private func runner(_ disk: ModelDisk) -> DeliveryRunner {
    DeliveryRunner(
      store: CreatingStore(), disk: disk, directory: nil, checkLine: { _ in "" }, events: { _ in })
  }

  /// What a failed sync lost would not be written by a later sync of the same file.
  @Test func aRecordOutlivesASyncThatFailedBefore() throws {
    let disk = ModelDisk()
    let runner = runner(disk)
    disk.observe { $0.call == .sync ? .error(EIO) : nil }
    let failed = runner.run(.object(.create(key: "k"), Self.file))
    #expect(failed.answer == .failed(.file))
    disk.observe { _ in nil }
    let created = runner.run(.object(.create(key: "k"), Self.file))
    #expect(created.answer == .created(uploadID: "u"))
    for seed in UInt64(0)..<20 {
      var random = SeededRandom(seed: seed)
      disk.restart(random: &random)
      let records = runner.run(.loadRecords).records
      #expect(records.last?.1 == UploadRecord(key: "k", uploadID: "u"), "seed \(seed)")
    }
  }

  /// Without the records leftovers would be forgotten for good, so delivery waits for them.
  @Test func recordsAreLoadedAgainWhenTheDirectoryCannotBeListed() throws {
    let disk = ModelDisk()
    let counters = DeliveryCounters()
    disk.observe { $0.call == .list ? .error(EIO) : nil }
    var core = Self.core()
    guard case .run(let first) = core.next(now: .zero) else { Issue.record("no job"); return }
    _ = core.finish(
      first, runner(disk).run(first.work), now: .zero, wallSeconds: 0, counters: counters)
    let later = ServiceLimits.recordsRetryInterval
    #expect(core.next(now: .zero) == .wait(until: later))
    guard case .run(let second) = core.next(now: later) else { Issue.record("no job"); return }
    #expect(second.work == .loadRecords)
  }

  /// Only what a record says is sure, so one bad read of it is not the last.
  @Test func aRecordThatCanBeReadLaterIsUsed() throws {
    let disk = ModelDisk()
    disk.setBytes(
      UploadRecord.beginning(key: "k") + UploadRecord.answer(uploadID: "u"),
      of: UploadRecord.name(of: Self.id))
    disk.observe { $0.call == .read ? .error(EIO) : nil }
    let cleanUps = cleanUps(of: disk, sealedAt: 0, readableAt: 2)
    #expect(cleanUps == [.init(key: "k", uploadIDs: ["u"], mayHoldUnknown: false)])
  }

  /// A record that cannot be read is removed with its object; what it named is listed before. The
  /// object may be made later than the records are read, when its log waits for the index.
  @Test(arguments: [0, ServiceLimits.triesOfUnreadableRecord + 1])
  func anUnreadableRecordIsMadeUpForByListing(sealedAt: Int) throws {
    let disk = ModelDisk()
    disk.setBytes(UploadRecord.beginning(key: "k"), of: UploadRecord.name(of: Self.id))
    disk.observe { $0.call == .read ? .error(EIO) : nil }
    let cleanUps = cleanUps(of: disk, sealedAt: sealedAt, readableAt: nil)
    #expect(cleanUps.contains { $0.key == "k" && $0.mayHoldUnknown })
  }

  /// The request of a process that was killed may arrive after its successor has looked, while the
  /// log waits for the index: it is looked for again when the object is made.
  @Test func aLostCreationIsLookedForAgainWhenItsObjectIsMadeLater() throws {
    let disk = ModelDisk()
    disk.setBytes(UploadRecord.beginning(key: "k"), of: UploadRecord.name(of: Self.id))
    let unknown = MultipartMachine.Leftover(key: "k", uploadIDs: [], mayHoldUnknown: true)
    #expect(cleanUps(of: disk, sealedAt: 3, readableAt: nil) == [unknown, unknown])
  }

  /// What is aborted for an object that is sealed in one round, one second a round, of a store in
  /// which it is not.
  private func cleanUps(
    of disk: ModelDisk, sealedAt: Int, readableAt: Int?
  ) -> [MultipartMachine.Leftover] {
    let counters = DeliveryCounters()
    var core = Self.core()
    var cleanUps: [MultipartMachine.Leftover] = []
    for round in 0..<(2 * ServiceLimits.triesOfUnreadableRecord) {
      let now = Duration.seconds(round)
      if round == readableAt { disk.observe { _ in nil } }
      if round == sealedAt {
        let object = SealedObject(
          id: Self.id, key: "k", fileName: "f", byteCount: 100, rowCount: 1, sha256: "",
          attempt: "", oldestRowSeconds: 0)
        core.sealed(1, objects: [object], recovered: true, now: now)
      }
      for _ in 0..<5 {
        guard case .run(let ticket) = core.next(now: now) else { break }
        var outcome = DeliveryCore.Outcome(answer: .done)
        switch ticket.work {
        case .loadRecords: outcome = runner(disk).run(.loadRecords)
        case .object(.prove, _): outcome.answer = .proof(.absent)
        case .object(.cleanUp(let leftovers, _), _): cleanUps += leftovers
        default: break
        }
        _ = core.finish(ticket, outcome, now: now, wallSeconds: 0, counters: counters)
      }
    }
    return cleanUps
  }

  private static func core() -> DeliveryCore {
    DeliveryCore(
      settings: MultipartMachine.Settings(
        partByteCount: 16, minimumMultipartByteCount: 8, maximumPartsInFlight: 3, takesParts: true),
      store: "S3", random: { 0.5 })
  }
}

/// A store that begins every upload and does nothing else.
private final class CreatingStore: ObjectStore {
  private static let refusal = StoreFailure(.rejected, "not here")

  var description: String { "S3" }
  var credentialSource: String? { nil }
  var takesParts: Bool { true }

  func check() throws(StoreFailure) {}
  func head(_ key: String) throws(StoreFailure) -> ObjectFacts? { nil }
  func read(
    _ key: String, facts: ObjectFacts, offset: Int, byteCount: Int
  ) throws(StoreFailure) -> [UInt8] { throw Self.refusal }
  func put(_ key: String, _ source: PartSource) throws(StoreFailure) { throw Self.refusal }
  func createMultipart(_ key: String) throws(StoreFailure) -> String { "u" }
  func uploadPart(
    _ key: String, uploadID: String, number: Int, _ source: PartSource
  ) throws(StoreFailure) -> CompletedPart { throw Self.refusal }
  func complete(
    _ key: String, uploadID: String, parts: [CompletedPart]
  ) throws(StoreFailure) { throw Self.refusal }
  func abort(_ key: String, uploadID: String) throws(StoreFailure) {}
  func uploadIDs(ofKey key: String) throws(StoreFailure) -> [String] { [] }
  func cancel() {}
}
