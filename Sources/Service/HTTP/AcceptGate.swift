import Synchronization

/// Pauses accepting while as many connections are open as descriptors allow.
///
/// Count, verdict and the order to the listening socket are one step under one lock: loops that
/// open and close connections at once would else give their orders in another order than they
/// counted in, and leave the socket paused with nobody to wake it. Thread-safe.
final class AcceptGate: Sendable {
  private struct State {
    var openCount = 0
    var isPaused = false
    /// Takes the order to pause or to go on; must not block nor call back.
    var order: (@Sendable (_ isPaused: Bool) -> Void)?
  }

  private let limit: Int
  /// At so many open connections accepting goes on.
  private let resumeCount: Int
  private let state = Mutex(State())

  init(limit: Int) {
    self.limit = max(1, limit)
    resumeCount = self.limit - max(1, self.limit / 64)
  }

  var openCount: Int { state.withLock { $0.openCount } }

  /// Who is to be paused from now on; told at once when that is due already.
  func attach(_ order: @escaping @Sendable (_ isPaused: Bool) -> Void) {
    state.withLock { state in
      state.order = order
      if state.isPaused { order(true) }
    }
  }

  func opened() { change(by: 1) }
  func closed() { change(by: -1) }

  private func change(by amount: Int) {
    state.withLock { state in
      state.openCount += amount
      let isPaused =
        state.isPaused ? state.openCount > resumeCount : state.openCount >= limit
      guard isPaused != state.isPaused else { return }
      state.isPaused = isPaused
      state.order?(isPaused)
    }
  }
}
