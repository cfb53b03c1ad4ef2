import Ingest
import Synchronization

/// Recovers DATA_DIR beside the main thread, which keeps an eye on signals meanwhile.
final class RecoveryThread: Sendable {
  enum Outcome: Sendable {
    case recovered
    case failed(Aggregation.StartError)
  }

  private let outcome = Mutex<Outcome?>(nil)
  private let isDone = Wakeup()

  /// Starts at once.
  init(_ aggregation: Aggregation) {
    _ = WorkerThread(name: "recovery") { [self] in
      let result: Outcome
      do throws(Aggregation.StartError) {
        try aggregation.recover()
        result = .recovered
      } catch {
        result = .failed(error)
      }
      outcome.withLock { $0 = result }
      isDone.set()
    }
  }

  /// What came of it; nil: it was not done within `limit`.
  func wait(_ limit: Duration) -> Outcome? {
    if outcome.withLock({ $0 }) == nil { isDone.wait(timeout: limit) }
    return outcome.withLock { $0 }
  }
}
