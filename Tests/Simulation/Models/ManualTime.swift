import Ingest
import Synchronization

/// Clocks that stand still until they are moved. Each look costs a microsecond, so that a loop that
/// waits for time to pass ends.
package final class ManualTime: TimeSource {
  private struct State {
    var now = Duration.seconds(1_000)
    /// Seconds since 1970 at monotonic zero; changes when someone sets the wall clock.
    var wallOffset: Int64 = 1_700_000_000
    var onSleep: (@Sendable (Duration) -> Void)?
  }

  private let state = Mutex(State())

  package init() {}

  package func monotonic() -> Duration {
    state.withLock { state in
      state.now += .microseconds(1)
      return state.now
    }
  }

  /// The monotonic clock, looked at without cost.
  package var uptime: Duration { state.withLock { $0.now } }

  package func epochSeconds() -> Int64 {
    state.withLock { $0.wallOffset + $0.now.components.seconds }
  }

  /// Seconds since 1970, with fractions.
  package var wallSeconds: Double {
    state.withLock { state in
      let (seconds, attoseconds) = state.now.components
      return Double(state.wallOffset + seconds) + Double(attoseconds) * 1e-18
    }
  }

  /// Goes on at once, later. `onSleep` makes the time pass where there is one.
  package func sleep(_ duration: Duration) {
    if let onSleep = state.withLock({ $0.onSleep }) { onSleep(duration) } else { advance(duration) }
  }

  /// What is done by a thread that sleeps, instead of moving the clock on.
  package func setSleep(_ body: (@Sendable (Duration) -> Void)?) {
    state.withLock { $0.onSleep = body }
  }

  package func advance(_ duration: Duration) { state.withLock { $0.now += duration } }

  /// The wall clock jumps; the monotonic one does not notice.
  package func setWallClock(forwardBy seconds: Int64) {
    state.withLock { $0.wallOffset += seconds }
  }
}
