import Dispatch
import Foundation
import Simulation
import SimulationModels
import Synchronization

/// The two proofs that go through everything there is, and need no seed.
enum Sweeps {
  /// Each bit of a log of 64 KiB.
  static func runBits() throws -> Bool {
    let sweep = try BitSweep()
    let start = Date()
    let pieces = 256
    let results = Mutex(BitSweep.Result())
    DispatchQueue.concurrentPerform(iterations: pieces) { piece in
      let range = sweep.count * piece / pieces..<sweep.count * (piece + 1) / pieces
      do {
        let result = try sweep.run(range)
        results.withLock { $0.merge(result) }
      } catch {
        results.withLock { $0.refused.append(8 * range.lowerBound) }
      }
    }
    let result = results.withLock { $0 }
    let seconds = Int(Date().timeIntervalSince(start))
    print(
      """
      \(result.bitCount) bits turned over in \(seconds) s: \(result.undetected.count) undetected, \
      \(result.wrong.count) cost more than their frame, \(result.refused.count) refused a start, \
      \(result.costly) cost a report
      """)
    for (title, bits) in [
      ("undetected", result.undetected), ("wrong", result.wrong), ("refused", result.refused),
    ] where !bits.isEmpty {
      print("\(title): bits \(bits.prefix(10))")
    }
    return result.isGood && result.bitCount == 8 * BitSweep.byteCount
  }

  /// Each disk call of a course of events, with each fault.
  static func runCalls() -> Bool {
    let start = Date()
    let count = CallSweep.callCount()
    let failures = Mutex<[String]>([])
    let faults = CallSweep.Fault.allCases
    DispatchQueue.concurrentPerform(iterations: count * faults.count) { number in
      let (call, fault) = (1 + number / faults.count, faults[number % faults.count])
      let result = CallSweep.run(call: call, fault)
      guard !result.failures.isEmpty else { return }
      failures.withLock { $0.append("\(fault.rawValue) at call \(call): \(result.failures)") }
    }
    let failed = failures.withLock { $0.sorted() }
    for failure in failed.prefix(20) { print(failure) }
    let names = faults.map(\.rawValue).joined(separator: ", ")
    print(
      """
      \(count) disk calls, each with \(names): \(failed.count) of \(count * faults.count) failed, \
      \(Int(Date().timeIntervalSince(start))) s
      """)
    return failed.isEmpty && count >= CallSweep.minimumCallCount
  }
}
