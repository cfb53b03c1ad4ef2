import Service
import SimulationModels

/// The way back from a model to its world, which it must not keep alive.
///
/// `@unchecked Sendable`: one thread.
final class WorldHooks: @unchecked Sendable {
  weak var world: World?
}

/// The store's clock: who sleeps lets the others work.
///
/// `@unchecked Sendable`: one thread.
final class WorldClock: StoreClock, @unchecked Sendable {
  private let time: ManualTime
  private let hooks: WorldHooks

  init(time: ManualTime, hooks: WorldHooks) {
    self.time = time
    self.hooks = hooks
  }

  var wallSeconds: Double { time.wallSeconds }
  var uptime: Duration { time.uptime }
  func sleep(_ duration: Duration) { hooks.world?.pass(duration) }
  func interrupt() {}
}
