import Synchronization

/// Whether each watcher is ready and, if not, why not. Readable from any thread.
package final class WatcherStatuses: Sendable {
  /// State of one watcher.
  package struct Status: Sendable, Equatable {
    /// All objects have been listed once since the start.
    package var isReady: Bool
    /// The last failure since the last success, such as `403: cannot list pods`; nil: none.
    package var reason: String?
  }

  private let statuses = Mutex(
    [Status](
      repeating: Status(isReady: false, reason: "not listed yet"),
      count: ObjectKind.allCases.count))

  package init() {}

  package subscript(kind: ObjectKind) -> Status {
    statuses.withLock { $0[kind.rawValue] }
  }

  func succeeded(_ kind: ObjectKind, isReady: Bool) {
    statuses.withLock {
      $0[kind.rawValue].reason = isReady ? nil : "listing"
      $0[kind.rawValue].isReady = isReady || $0[kind.rawValue].isReady
    }
  }

  func failed(_ kind: ObjectKind, reason: String) {
    statuses.withLock { $0[kind.rawValue].reason = reason }
  }
}
