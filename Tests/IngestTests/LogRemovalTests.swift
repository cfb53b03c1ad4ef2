import SimulationModels
import Testing

@testable import Ingest

/// The removal of a large log must not be one long transaction of the file system: every sync of
/// the live log would wait for it.
@Suite struct LogRemovalTests {
  @Test func aSealedLogIsCutOffInSteps() throws {
    let disk = ModelDisk()
    let harness = try Harness(disk: disk, time: ManualTime(), delivery: StoringDelivery(disk: disk))
    harness.makeIndexReady()
    let padding = String(repeating: "x", count: 12 << 20)
    for number in 0..<4 {
      let text = TestReport(node: "node-\(number)").text.dropLast() + #","more":"\#(padding)"}"#
      let bytes = Array(text.utf8)
      let body = ReportBody(capacity: bytes.count)
      #expect(bytes.withUnsafeBytes { body.tryAppend($0) })
      _ = harness.core.inbox.trySubmit(body, token: UInt64(number), sink: harness.sink)
      harness.run()
    }
    let before = disk.callCount
    harness.flush()
    let calls = (before..<disk.callCount).compactMap { disk.call($0 + 1) }
    // One gives the reservation back; the others leave at most one step to the removal.
    #expect(calls.filter { $0 == .truncate }.count == 1 + (48 << 20) / IngestLimits.removalStep)
    #expect(try disk.list().allSatisfy { !$0.hasSuffix(".log") })
  }
}
