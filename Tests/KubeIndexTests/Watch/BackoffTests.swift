import Testing

@testable import KubeIndex

/// Waits double up to 30 s, are stretched by jitter, and begin again after two quiet minutes.
@Suite struct BackoffTests {
  @Test func doublesUpToItsMaximum() {
    var backoff = Backoff()
    var now = Duration.zero
    var delays: [Duration] = []
    for _ in 0..<8 {
      let delay = backoff.delay(now: now, jitter: 0)
      delays.append(delay)
      now += delay
    }
    #expect(
      delays
        == [800, 1600, 3200, 6400, 12800, 25600, 30000, 30000].map { .milliseconds($0) })
  }

  @Test func jitterStretchesUpToTwice() {
    var backoff = Backoff()
    #expect(backoff.delay(now: .zero, jitter: 0.5) == .milliseconds(1200))
    #expect(backoff.delay(now: .seconds(1), jitter: 1) == .milliseconds(3200))
  }

  @Test func beginsAgainAfterTwoQuietMinutes() {
    var backoff = Backoff()
    for _ in 0..<3 { _ = backoff.delay(now: .zero, jitter: 0) }
    #expect(backoff.delay(now: .seconds(100), jitter: 0) == .milliseconds(6400))
    #expect(backoff.delay(now: .seconds(100 + 6.4 + 120), jitter: 0) == .milliseconds(800))
  }

  /// Four watchers of a server that is down ask less than once in ten seconds together.
  @Test func isGentleWhileTheServerIsDown() {
    var requests = 0
    for watcher in 0..<4 {
      var backoff = Backoff()
      var random = SeededGenerator(seed: UInt64(watcher))
      var now = Duration.zero
      while now < .seconds(3600) {
        now += backoff.delay(now: now, jitter: .random(in: 0..<1, using: &random))
        requests += 1
      }
    }
    #expect(Double(requests) / 3600 < 0.11)
  }
}
