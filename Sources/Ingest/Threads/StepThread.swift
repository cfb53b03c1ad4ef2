/// Repeats one step on a thread of its own, and sleeps while there is nothing to do.
final class StepThread: Sendable {
  private let wakeup: Wakeup
  private let stopFlag = StopFlag()
  private let thread: WorkerThread

  /// `worker` belongs to the thread from here on. `step` returns how long the thread may sleep
  /// unless `wakeup` is set; `mayEnd`: asked once `stop` was called. `pace`: after a step that
  /// leaves nothing to do, the next one comes no earlier than this after it began, so that what
  /// arrives bit by bit is worked on in groups, unless `wakeup` is set urgently; what comes after a
  /// longer silence does not wait.
  init<Worker>(
    name: String, wakeup: Wakeup, _ worker: Worker, pace: Duration = .zero,
    mayEnd: @escaping @Sendable () -> Bool = { true },
    step: @escaping @Sendable (Worker) -> Duration
  ) {
    let owned = Handover(worker)
    let stopFlag = stopFlag
    self.wakeup = wakeup
    thread = WorkerThread(name: name) {
      while !stopFlag.isSet || !mayEnd() {
        let due = pace > .zero ? MonotonicCondition.Moment(after: pace) : nil
        let sleep = step(owned.value)
        guard sleep > .zero else { continue }
        if let due {
          wakeup.pause(until: sleep < pace ? MonotonicCondition.Moment(after: sleep) : due)
        }
        wakeup.wait(timeout: sleep)
      }
    }
  }

  /// Ends the thread after the step it is at, and once it may.
  func stop() {
    stopFlag.set()
    wakeup.set(isUrgent: true)
    thread.join()
  }
}
