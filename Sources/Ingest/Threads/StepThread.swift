/// Repeats one step on a thread of its own, and sleeps while there is nothing to do.
final class StepThread: Sendable {
  private let wakeup: Wakeup
  private let stopFlag = StopFlag()
  private let thread: WorkerThread

  /// `worker` belongs to the thread from here on. `step` returns how long the thread may sleep
  /// unless `wakeup` is set; `mayEnd`: asked once `stop` was called.
  init<Worker>(
    name: String, wakeup: Wakeup, _ worker: Worker,
    mayEnd: @escaping @Sendable () -> Bool = { true },
    step: @escaping @Sendable (Worker) -> Duration
  ) {
    let owned = Handover(worker)
    let stopFlag = stopFlag
    self.wakeup = wakeup
    thread = WorkerThread(name: name) {
      while !stopFlag.isSet || !mayEnd() {
        let sleep = step(owned.value)
        if sleep > .zero { wakeup.wait(timeout: sleep) }
      }
    }
  }

  /// Ends the thread after the step it is at, and once it may.
  func stop() {
    stopFlag.set()
    wakeup.set()
    thread.join()
  }
}
