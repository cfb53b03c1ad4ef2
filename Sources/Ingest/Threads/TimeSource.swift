import Glibc

/// The clocks, injected so that a simulation can run on its own.
package protocol TimeSource: AnyObject, Sendable {
  /// Time since some fixed point; never goes back, keeps running while the wall clock is set.
  func monotonic() -> Duration
  /// Seconds since 1970-01-01 UTC; may jump.
  func epochSeconds() -> Int64
  /// Blocks the calling thread for so long.
  func sleep(_ duration: Duration)
}

/// The system's clocks.
package final class SystemTime: TimeSource {
  package init() {}

  package func monotonic() -> Duration {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
  }

  package func epochSeconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec)
  }

  package func sleep(_ duration: Duration) {
    let (seconds, rest) = duration.nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
    var wanted = timespec(tv_sec: Int(seconds), tv_nsec: Int(rest))
    var left = timespec()
    // A signal that this thread takes does not end the sleep.
    while nanosleep(&wanted, &left) != 0, errno == EINTR { wanted = left }
  }
}

extension Duration {
  /// Whole nanoseconds; the durations here stay far below 292 years.
  package var nanoseconds: Int64 {
    let (seconds, attoseconds) = components
    return seconds &* 1_000_000_000 &+ attoseconds / 1_000_000_000
  }
}
