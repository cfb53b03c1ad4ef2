import SimulationModels
import Testing

@testable import Ingest

/// The promise: whatever disk call is the last before power goes, or fails, every acknowledged row
/// is in the stored objects exactly once, and nothing else is there twice.
///
/// Report i has 4^i rows, so the number of stored rows tells which reports are there, and how
/// often.
@Suite struct CrashTests {
  static let reportCount = 5

  private static func report(_ number: Int) -> TestReport {
    TestReport(
      node: "node-\(number)", timestamp: "2026-11-2\(3 + number % 2)T10:00:00Z",
      podCount: 1 << (2 * number))
  }

  /// How often each report is in `rowCount` rows.
  private static func copies(_ rowCount: Int) -> [Int] {
    (0..<reportCount).map { rowCount >> (2 * $0) & 3 }
  }

  /// Posts reports 0 to 4 in two segments, the first of them before the index is there. Returns
  /// which were acknowledged.
  private func play(_ harness: Harness, startingWith acknowledged: Set<Int> = []) -> Set<Int> {
    var acknowledged = acknowledged
    for number in 0..<Self.reportCount {
      if number == 1 { harness.makeIndexReady() }
      let outcome = harness.submitAndRun(Self.report(number), token: UInt64(number))
      if case .accepted(_, let isDuplicate) = outcome {
        if acknowledged.contains(number), !isDuplicate {
          Issue.record("report \(number) was acknowledged before and is taken as new")
        }
        acknowledged.insert(number)
      }
      if number == 2 {
        harness.time.advance(.milliseconds(200))
        harness.run()
        harness.time.advance(.seconds(301))
        harness.run()
      }
    }
    harness.flush()
    return acknowledged
  }

  private func finish(
    _ disk: ModelDisk, _ time: ManualTime, _ delivery: StoringDelivery, _ acknowledged: Set<Int>
  ) throws -> [Int] {
    let harness = try Harness(disk: disk, time: time, delivery: delivery)
    let all = play(harness, startingWith: acknowledged)
    #expect(all.count == Self.reportCount)
    // A flush does not wait for what is retried later.
    harness.time.advance(.seconds(10))
    harness.flush()
    let logs = try disk.list().filter { $0.hasSuffix(".log") }
    #expect(logs == [], "logs left behind")
    return Self.copies(delivery.rowCount)
  }

  private static let once = [Int](repeating: 1, count: reportCount)

  @Test func withoutFaults() throws {
    let disk = ModelDisk()
    let delivery = StoringDelivery(disk: disk)
    let harness = try Harness(disk: disk, time: ManualTime(), delivery: delivery)
    #expect(play(harness).count == Self.reportCount)
    #expect(Self.copies(delivery.rowCount) == Self.once)
    #expect(delivery.faults == [])
  }

  private func callCount() throws -> Int { try calls().count }

  /// The disk calls of a run without faults.
  private func calls() throws -> [DiskError.Call] {
    let disk = ModelDisk()
    let harness = try Harness(
      disk: disk, time: ManualTime(), delivery: StoringDelivery(disk: disk))
    _ = play(harness)
    return (1...disk.callCount).compactMap { disk.call($0) }
  }

  @Test(arguments: [1, 2] as [UInt64])
  func powerCutAtEveryCall(seed: UInt64) throws {
    for call in 1...(try callCount()) {
      try crash(at: call, .crash, seed: seed &* 1_000 &+ UInt64(call))
    }
  }

  @Test func powerCutInsideEveryWrite() throws {
    for (index, call) in try calls().enumerated() where call == .write {
      for byteCount in [1, 64, 100, 513] {
        try crash(at: index + 1, .crashInWrite(byteCount: byteCount), seed: UInt64(index))
      }
    }
  }

  private func crash(at call: Int, _ fault: ModelDisk.Fault, seed: UInt64) throws {
    let disk = ModelDisk()
    let time = ManualTime()
    let delivery = StoringDelivery(disk: disk)
    disk.plan([call: fault])
    var acknowledged: Set<Int> = []
    if let harness = try? Harness(disk: disk, time: time, delivery: delivery) {
      acknowledged = play(harness)
    }
    var random = SeededRandom(seed: seed)
    disk.restart(random: &random)
    let copies = try finish(disk, time, delivery, acknowledged)
    #expect(copies == Self.once, "\(fault) at call \(call), seed \(seed)")
    #expect(delivery.faults == [], "\(fault) at call \(call), seed \(seed)")
  }

  @Test func processKilledAtEveryCallThenPowerCutInTheRecovery() throws {
    for call in 1...(try callCount()) {
      let disk = ModelDisk()
      let time = ManualTime()
      let delivery = StoringDelivery(disk: disk)
      disk.plan([call: .crash])
      var acknowledged: Set<Int> = []
      if let harness = try? Harness(disk: disk, time: time, delivery: delivery) {
        acknowledged = play(harness)
      }
      var random = SeededRandom(seed: UInt64(call))
      // The page cache outlives the process.
      disk.restart(keepingUnsynced: true, random: &random)
      disk.plan([1 + call % 23: .crash])
      if let harness = try? Harness(disk: disk, time: time, delivery: delivery) {
        acknowledged = play(harness, startingWith: acknowledged)
      }
      disk.restart(random: &random)
      let copies = try finish(disk, time, delivery, acknowledged)
      #expect(copies == Self.once, "call \(call)")
      #expect(delivery.faults == [], "call \(call)")
    }
  }

  @Test(arguments: [5, 28] as [Int32])
  func everyCallFailsOnce(code: Int32) throws {
    for call in 1...(try callCount()) {
      let disk = ModelDisk()
      let time = ManualTime()
      let delivery = StoringDelivery(disk: disk)
      disk.plan([call: .error(code)])
      var acknowledged: Set<Int> = []
      let harness = try? Harness(disk: disk, time: time, delivery: delivery)
      if let harness { acknowledged = play(harness) }
      #expect(harness?.log.fatal == nil, "errno \(code) at call \(call)")
      var random = SeededRandom(seed: UInt64(call))
      disk.restart(random: &random)
      let copies = try finish(disk, time, delivery, acknowledged)
      #expect(copies == Self.once, "errno \(code) at call \(call)")
      #expect(delivery.faults == [], "errno \(code) at call \(call)")
    }
  }
}
