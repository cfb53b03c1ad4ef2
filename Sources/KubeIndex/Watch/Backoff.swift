/// Growing waits between tries, with jitter: 0.8 s, doubled up to 30 s, each stretched by a random
/// part of itself so that many clients do not come back together. After 120 s without a failure it
/// begins again. These are client-go's figures.
package struct Backoff: Sendable {
  private let base: Duration
  private let maximum: Duration
  private let resetAfter: Duration
  private var next: Duration
  /// When the last wait was over, on the caller's clock.
  private var waitedUntil: Duration?

  package init(
    base: Duration = KubeIndexLimits.backoffBase,
    maximum: Duration = KubeIndexLimits.backoffMaximum,
    resetAfter: Duration = KubeIndexLimits.backoffResetAfter
  ) {
    self.base = base
    self.maximum = maximum
    self.resetAfter = resetAfter
    next = base
  }

  /// The wait after a failure at `now` (time since any fixed start): between the current step and
  /// twice that. `jitter` is random in 0..<1.
  package mutating func delay(now: Duration, jitter: Double) -> Duration {
    if let waitedUntil, now - waitedUntil >= resetAfter { next = base }
    let delay = next + next * max(0, min(jitter, 1))
    next = min(next * 2, maximum)
    waitedUntil = now + delay
    return delay
  }
}
