import Foundation
import Ingest
import Synchronization

/// Time as the object store and the delivery see it; a simulation gives them another.
package protocol StoreClock: AnyObject, Sendable {
  /// Seconds since 1970, as the system believes.
  var wallSeconds: Double { get }
  /// Time since any fixed moment; never goes back.
  var uptime: Duration { get }
  /// Waits; returns early, and at once from then on, after `interrupt`.
  func sleep(_ duration: Duration)
  func interrupt()
}

/// The system's clocks.
// Unchecked: `isInterrupted` is guarded by the condition's lock.
final class SystemStoreClock: StoreClock, @unchecked Sendable {
  private let condition = MonotonicCondition()
  private var isInterrupted = false
  private let start = ContinuousClock.now

  var wallSeconds: Double { Date().timeIntervalSince1970 }
  var uptime: Duration { ContinuousClock.now - start }

  func sleep(_ duration: Duration) {
    let end = MonotonicCondition.Moment(after: duration)
    condition.lock()
    defer { condition.unlock() }
    while !isInterrupted, condition.wait(until: end) {}
  }

  func interrupt() {
    condition.lock()
    isInterrupted = true
    condition.broadcast()
    condition.unlock()
  }
}

extension Duration {
  var inSeconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }
}
