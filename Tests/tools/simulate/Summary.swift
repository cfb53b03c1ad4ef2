import Foundation
import Simulation

/// What a run says at its end.
struct Summary {
  /// From so many seeds on, everything must have been hit.
  static let seedsForCoverage = 1_000
  private static let shownFailures = 10

  let report: WorkerReport
  let seconds: Double
  let first: UInt64
  let jobs: Int

  var unhit: [String] {
    guard report.seedCount >= Self.seedsForCoverage else { return [] }
    return Coverage.required.filter { report.counts[$0, default: 0] == 0 }
  }

  var isGood: Bool { report.failures.isEmpty && unhit.isEmpty }

  func printTable() {
    for (title, names) in Coverage.groups {
      print("\n\(title)")
      for name in names { printRow([report.counts[name, default: 0]], name) }
    }
    print("\nPower cut before and after each step")
    for step in Coverage.steps {
      let before = report.counts[Coverage.crash(step, isAfter: false), default: 0]
      let after = report.counts[Coverage.crash(step, isAfter: true), default: 0]
      printRow([before, after], step)
    }
    print(
      """

      \(report.seedCount) seeds from \(first) in \(Int(seconds)) s, \(report.failures.count) failed
      \(report.acknowledged) reports acknowledged: \(report.lost) lost, \(report.twice) twice, \
      \(report.missingByDamage) missing where the medium damaged bytes; \
      \(report.refusedStarts) starts refused
      """)
    for name in unhit { print("never hit: \(name)") }
    // Last, since that is what is shown of a long output.
    for failure in report.failures.prefix(Self.shownFailures) {
      print("seed \(failure.seed) failed; again: make simulate SEED=\(failure.seed)")
      for text in failure.texts.prefix(3) { print("  \(text)") }
    }
  }

  private func printRow(_ counts: [Int], _ name: String) {
    let columns = counts.map { count in
      let digits = String(count)
      return String(repeating: " ", count: max(0, 9 - digits.count)) + digits
    }
    print(columns.joined() + "  " + name)
  }

  var json: Data {
    get throws {
      struct Figures: Encodable {
        var first: UInt64
        var seconds: Double
        var jobs: Int
        var neverHit: [String]
        var report: WorkerReport
      }
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
      return try encoder.encode(
        Figures(first: first, seconds: seconds, jobs: jobs, neverHit: unhit, report: report))
    }
  }
}
