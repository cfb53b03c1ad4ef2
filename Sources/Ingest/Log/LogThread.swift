/// The one thread that writes and syncs the log: drives a `LogCommitter`.
final class LogThread: Sendable {
  private let queue: LogQueue
  private let isStopping: StopFlag
  private let thread: WorkerThread

  init(queue: LogQueue, committer owned: Handover<LogCommitter>) {
    let stopFlag = StopFlag()
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
  func stop() {
    isStopping.set()
    queue.wakeup.set()
    thread.join()
  }
}
