import Synchronization

/// The one thread that writes and syncs the log: drives a `LogCommitter`.
package final class LogThread: Sendable {
  private let queue: LogQueue
  private let isStopping: StopFlag
  private let thread: WorkerThread

  package init(queue: LogQueue, committer: sending LogCommitter) {
    let stopFlag = StopFlag()
    let owned = Handover(committer)
    self.queue = queue
    isStopping = stopFlag
    thread = WorkerThread(name: "log") {
      let committer = owned.value
      while true {
        let sleep = committer.step()
        if stopFlag.isSet, queue.isEmpty { return }
        if sleep > .zero { queue.wakeup.wait(timeout: sleep) }
      }
    }
  }

  /// Ends the thread once its queue is empty.
  package func stop() {
    isStopping.set()
    queue.wakeup.set()
    thread.join()
  }
}

/// Set once, by whoever ends a thread.
final class StopFlag: Sendable {
  private let flag = Atomic<Bool>(false)

  func set() { flag.store(true, ordering: .releasing) }

  var isSet: Bool { flag.load(ordering: .acquiring) }
}

/// Carries an object that is not thread-safe to the one thread that will use it.
///
/// `@unchecked Sendable`: the maker gives the object up (`sending`) before the thread starts.
final class Handover<Value>: @unchecked Sendable {
  let value: Value

  init(_ value: sending Value) { self.value = value }
}
