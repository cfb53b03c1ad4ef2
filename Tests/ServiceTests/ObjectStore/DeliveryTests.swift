import Foundation
import Ingest
import Synchronization
import Testing

@testable import Service

/// The delivery with its threads, and with a store that refuses.
struct DeliveryTests {
  /// The end of the service looks every 100 ms whether all is stored: that must not make the store
  /// hear the same refused request as often. And the metrics say that the store is of no use now.
  @Test func drainingOftenIsNoStorm() throws {
    let blocked = NSTemporaryDirectory() + "/delivery-\(UUID().uuidString)"
    _ = FileManager.default.createFile(atPath: blocked, contents: nil)
    defer { try? FileManager.default.removeItem(atPath: blocked) }
    let disk = MemoryDisk()
    let file = try disk.create("f")
    try [UInt8](repeating: 1, count: 9).withUnsafeBytes { try file.write($0, at: 0) }
    let failures = Mutex(0)
    let counters = DeliveryCounters()
    let delivery = Delivery(
      runner: DeliveryRunner(
        store: DirectoryStore(root: blocked), disk: disk, directory: nil, checkLine: { _ in "" },
        events: { _ in }),
      maximumFileByteCount: 1 << 20, clock: SystemStoreClock(),
      events: { if case .uploadFailed = $0 { failures.withLock { $0 += 1 } } },
      counters: counters)
    delivery.segmentSealed(
      1,
      objects: [
        SealedObject(
          id: ObjectID(segment: 1, partition: 0), key: "k", fileName: "f", byteCount: 9,
          rowCount: 1, sha256: "", attempt: "", oldestRowSeconds: 5)
      ], recovered: false)
    #expect(counters.oldestPendingRowSeconds.load(ordering: .relaxed) == 5)
    counters.isStoreUsable.store(1, ordering: .relaxed)
    delivery.start(observer: NoObserver())
    for _ in 0..<10 { #expect(!delivery.drain(within: .milliseconds(50))) }
    delivery.stop()
    #expect((1...2).contains(failures.withLock { $0 }))
    #expect(counters.isStoreUsable.load(ordering: .relaxed) == 0)
  }

  /// A store that refuses uploads for hours must not make the record of them grow.
  @Test func refusedCreationLeavesNoLine() throws {
    let disk = MemoryDisk()
    let id = ObjectID(segment: 1, partition: 0)
    let runner = DeliveryRunner(
      store: DirectoryStore(root: "/nowhere"), disk: disk, directory: nil,
      checkLine: { _ in "" }, events: { _ in })
    for _ in 0..<3 {
      let outcome = runner.run(
        .object(.create(key: "k"), DeliveryCore.File(id: id, key: "k", fileName: "f")))
      #expect(outcome.answer == .failed(.notImplemented))
      #expect(try disk.open(UploadRecord.name(of: id)).byteCount() == 0)
    }
  }
}

private final class NoObserver: DeliveryObserver {
  func segmentDelivered(_ segment: UInt64) {}
}
