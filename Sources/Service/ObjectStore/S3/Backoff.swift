import Synchronization

/// Waits between tries: full jitter, a random time from 0 to a bound that doubles up to a cap.
/// https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
struct Backoff: Sendable {
  var base: Double
  var maximum: Double

  /// Seconds before try number `attempt` + 1; `attempt` counts the failed ones from 1. `random` is
  /// in
  /// 0..<1.
  func seconds(afterFailures attempt: Int, random: Double) -> Double {
    var bound = base
    for _ in 1..<max(1, min(attempt, 64)) where bound < maximum { bound *= 2 }
    return min(bound, maximum) * random
  }
}

/// A common allowance for tries beyond the first, so that a store in trouble is not asked ever
/// more. A retry costs 5, twice that after a timeout; each success gives 1 back, or what its retry
/// took.
final class RetryQuota: Sendable {
  private let left = Mutex(ServiceLimits.retryQuota)

  func tryTake(_ cost: Int) -> Bool {
    left.withLock { left in
      guard left >= cost else { return false }
      left -= cost
      return true
    }
  }

  func give(_ amount: Int) {
    left.withLock { $0 = min(ServiceLimits.retryQuota, $0 + amount) }
  }
}
