import SimulationModels
import Synchronization
import Testing

@testable import Ingest

/// The removal of a large log must not be one long transaction of the file system: every sync of
/// the live log would wait for it.
@Suite struct LogRemovalTests {
  /// A service whose next flush seals a log of 48 MiB.
  private func harness(_ disk: ModelDisk) throws -> Harness {
    let harness = try Harness(
      disk: disk, time: ManualTime(), delivery: StoringDelivery(disk: disk))
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
    return harness
  }

  @Test func aSealedLogIsCutOffInSteps() throws {
    let disk = ModelDisk()
    let harness = try harness(disk)
    let before = disk.callCount
    harness.flush()
    let calls = (before..<disk.callCount).compactMap { disk.call($0 + 1) }
    // One gives the reservation back; the others leave at most one step to the removal.
    #expect(calls.filter { $0 == .truncate }.count == 1 + (48 << 20) / IngestLimits.removalStep)
    #expect(try disk.list().allSatisfy { !$0.contains(".log") })
    #expect(harness.counters.logBytes.current == 0)
  }

  /// A half of a log must never pass for the whole: should the seal be damaged too, its segment
  /// would be encoded again from what is left.
  @Test(arguments: 1...2 as ClosedRange<UInt64>)
  func aCrashBetweenTheStepsLeavesNoHalfLog(seed: UInt64) throws {
    let disk = ModelDisk()
    let harness = try harness(disk)
    // The first truncation is that of the reservation; power goes at the third.
    let truncations = Mutex(0)
    disk.observe { call in
      guard call.call == .truncate else { return nil }
      return truncations.withLock { count in
        count += 1
        return count == 3 ? .crash : nil
      }
    }
    harness.flush()
    #expect(disk.isDown)
    var random = SeededRandom(seed: seed)
    disk.restart(random: &random)
    #expect(try disk.list().allSatisfy { !$0.hasSuffix(".log") })
    #expect(try disk.list().contains { $0.hasSuffix(".log.tmp") })
    let again = try Harness(
      disk: disk, time: ManualTime(), delivery: StoringDelivery(disk: disk))
    again.flush()
    #expect(try disk.list().allSatisfy { !$0.contains(".log") })
  }
}
