import Foundation
import Simulation

/// What one worker process hands back, as JSON.
struct WorkerReport: Codable {
  struct Failure: Codable {
    var seed: UInt64
    var texts: [String]
  }

  var seedCount = 0
  var failures: [Failure] = []
  var counts: [String: Int] = [:]
  var acknowledged = 0
  var lost = 0
  var twice = 0
  var missingByDamage = 0
  var refusedStarts = 0

  static func make(first: UInt64, count: Int) -> WorkerReport {
    var report = WorkerReport()
    var tally = Tally()
    for seed in first..<first + UInt64(count) {
      let result = World.run(seed: seed)
      report.seedCount += 1
      if !result.failures.isEmpty {
        report.failures.append(Failure(seed: seed, texts: result.failures))
      }
      tally.merge(result.tally)
      report.acknowledged += result.acknowledged
      report.lost += result.lost
      report.twice += result.twice
      report.missingByDamage += result.missingByDamage
      report.refusedStarts += result.refusedStarts
    }
    report.counts = tally.counts
    return report
  }

  func write() throws {
    FileHandle.standardOutput.write(try JSONEncoder().encode(self))
  }

  mutating func merge(_ other: WorkerReport) {
    seedCount += other.seedCount
    failures += other.failures
    counts.merge(other.counts) { $0 + $1 }
    acknowledged += other.acknowledged
    lost += other.lost
    twice += other.twice
    missingByDamage += other.missingByDamage
    refusedStarts += other.refusedStarts
  }
}
