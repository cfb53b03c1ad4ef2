import Synchronization

/// Runs the steps on a thread each.
///
/// `@unchecked Sendable`: the steps are given to their threads in `start`, under the lock, and not
/// touched by anyone else.
final class AggregationWorkers: @unchecked Sendable {
  private struct Running {
    var writer: WorkerThread
    var log: LogThread
    var encoder: EncoderThread
    var replay: ReplayThread
  }

  private let steps: AggregationCore.Steps
  private let running = Mutex<Running?>(nil)
  private let stopFlag = StopFlag()

  init(_ steps: AggregationCore.Steps) { self.steps = steps }

  func start(_ core: AggregationCore) {
    running.withLock { running in
      guard running == nil else { return }
      let log = Handover(steps.log)
      let encoder = Handover(steps.encoder)
      let replay = Handover(steps.replay)
      let writer = Handover(steps.writer)
      let stopFlag = stopFlag
      let inbox = core.inbox
      running = Running(
        writer: WorkerThread(name: "writer") {
          while !stopFlag.isSet {
            let sleep = writer.value.step()
            if sleep > .zero { inbox.wakeup.wait(timeout: sleep) }
          }
        },
        log: LogThread(queue: core.log, committer: log),
        encoder: EncoderThread(queue: core.encoderQueue, encoder: encoder),
        replay: ReplayThread(queue: core.replayQueue, reader: replay))
    }
  }

  /// True as soon as `condition` holds; false at `deadline`.
  func wait(
    until deadline: Duration, _ core: AggregationCore, _ condition: () -> Bool
  ) -> Bool {
    let pause = Wakeup()
    while !condition() {
      guard core.time.monotonic() < deadline else { return false }
      pause.wait(timeout: .milliseconds(5))
    }
    return true
  }

  func stop(_ core: AggregationCore) {
    let stopping = running.withLock { running in
      defer { running = nil }
      return running
    }
    guard let stopping else { return }
    stopFlag.set()
    core.inbox.closeMailbox()
    core.inbox.wakeup.set()
    stopping.writer.join()
    stopping.replay.stop()
    stopping.encoder.stop()
    stopping.log.stop()
  }
}
