import Glibc

/// Repeats one step on a thread of its own, and sleeps while there is nothing to do.
final class StepThread: Sendable {
  private let wakeup: Wakeup
  private let stopFlag = StopFlag()
  private let thread: WorkerThread

  /// `worker` belongs to the thread from here on. `step` returns how long the thread may sleep
  /// unless `wakeup` is set; `mayEnd`: asked once `stop` was called. `pace`: after a step that
  /// leaves nothing to do, the next one comes no earlier than this after it began, so that what
  /// arrives bit by bit is worked on in groups; what comes after a longer silence does not wait.
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
        let start = pace > .zero ? Self.now() : 0
        let sleep = step(owned.value)
        guard sleep > .zero else { continue }
        if pace > .zero { Self.sleep(until: start + min(pace, sleep).nanoseconds) }
        wakeup.wait(timeout: sleep)
      }
    }
  }

  /// CLOCK_MONOTONIC in nanoseconds.
  private static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  /// Sleeps whoever calls; at once over when the moment has passed.
  private static func sleep(until moment: Int64) {
    var time = timespec(
      tv_sec: Int(moment / 1_000_000_000), tv_nsec: Int(moment % 1_000_000_000))
    while clock_nanosleep(CLOCK_MONOTONIC, Int32(TIMER_ABSTIME), &time, nil) == EINTR {}
  }

  /// Ends the thread after the step it is at, and once it may.
  func stop() {
    stopFlag.set()
    wakeup.set()
    thread.join()
  }
}
