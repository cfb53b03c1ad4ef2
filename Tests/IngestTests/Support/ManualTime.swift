import Ingest
import Synchronization

/// Clocks that stand still until they are moved. Each look costs a microsecond, so that a loop that
/// waits for time to pass ends.
final class ManualTime: TimeSource {
  private let now = Mutex(Duration.seconds(1_000))

  func monotonic() -> Duration {
    now.withLock { now in
      now += .microseconds(1)
      return now
    }
  }

  func epochSeconds() -> Int64 { now.withLock { 1_700_000_000 + $0.components.seconds } }

  func advance(_ duration: Duration) { now.withLock { $0 += duration } }
}
