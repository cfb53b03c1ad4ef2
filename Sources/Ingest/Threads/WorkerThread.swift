import CShims
import Glibc

/// A named thread that runs one closure; `join` waits for its end.
///
/// `@unchecked Sendable`: `handle` is set once, before anyone else holds the object, and `join` is
/// called once, by the owner.
package final class WorkerThread: @unchecked Sendable {
  private final class Start {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
      self.name = name
      self.body = body
    }
  }

  private var handle = pthread_t()
  private var isRunning = false

  /// `name`: at most 15 bytes, as the system shows it.
  package init(name: String, body: @escaping @Sendable () -> Void) {
    let start = Unmanaged.passRetained(Start(name: name, body: body))
    let failure = pthread_create(
      &handle, nil,
      { argument in
        guard let argument else { return nil }
        let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
        cshims_name_thread(start.name)
        start.body()
        return nil
      }, start.toOpaque())
    // Threads are made at the start only; without one there is no service.
    precondition(failure == 0, "pthread_create: errno \(failure)")
    isRunning = true
  }

  package func join() {
    guard isRunning else { return }
    isRunning = false
    pthread_join(handle, nil)
  }

  /// As `join`, but waits no longer than `seconds`; false: it still runs, and can be joined later.
  package func join(within seconds: Int32) -> Bool {
    guard isRunning else { return true }
    guard cshims_join_thread(handle, seconds) == 0 else { return false }
    isRunning = false
    return true
  }
}
