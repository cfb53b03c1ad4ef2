import KubeIndex
import Synchronization

/// What carries requests to the store and to the places for credentials. Thread-safe.
package protocol StoreTransport: AnyObject, Sendable {
  /// Sends one request and waits for the answer; blocks.
  func send(
    _ request: HTTPRequest, maximumBodyByteCount: Int
  ) throws(TransportError) -> HTTPResponse
  /// Ends the running requests and all later ones.
  func cancel()
}

/// HTTP clients for several threads: each call borrows one, and with it its kept connections.
final class S3Connection: StoreTransport {
  private struct State {
    var idle: [HTTPMulti] = []
    var busy: [ObjectIdentifier: HTTPMulti] = [:]
  }

  private let state = Mutex(State())
  private let isCancelled = Atomic<Bool>(false)

  func send(
    _ request: HTTPRequest, maximumBodyByteCount: Int
  ) throws(TransportError) -> HTTPResponse {
    let multi = try borrow()
    defer { giveBack(multi) }
    return try multi.perform(request, maximumBodyByteCount: maximumBodyByteCount) {
      isCancelled.load(ordering: .acquiring)
    }
  }

  func cancel() {
    isCancelled.store(true, ordering: .releasing)
    state.withLock { state in
      for multi in state.busy.values { multi.wakeup() }
    }
  }

  private func borrow() throws(TransportError) -> HTTPMulti {
    let kept = state.withLock { $0.idle.popLast() }
    let multi: HTTPMulti
    if let kept { multi = kept } else { multi = try HTTPMulti() }
    state.withLock { $0.busy[ObjectIdentifier(multi)] = multi }
    return multi
  }

  private func giveBack(_ multi: HTTPMulti) {
    state.withLock { state in
      state.busy[ObjectIdentifier(multi)] = nil
      state.idle.append(multi)
    }
  }
}
