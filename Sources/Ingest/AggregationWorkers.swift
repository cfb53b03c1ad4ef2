import Synchronization

/// Runs the steps on a thread each.
///
/// `@unchecked Sendable`: the steps are given to their threads in `start`, under the lock, and not
/// touched by anyone else.
final class AggregationWorkers: @unchecked Sendable {
  private struct Running {
    var writer: StepThread
    var log: StepThread
    var encoder: StepThread
    var replay: StepThread
  }

  private let steps: AggregationCore.Steps
  private let running = Mutex<Running?>(nil)

  init(_ steps: AggregationCore.Steps) { self.steps = steps }

  func start(_ core: AggregationCore) {
    let log = core.log
    running.withLock { running in
      guard running == nil else { return }
      running = Running(
        writer: StepThread(
          name: "writer", wakeup: core.inbox.wakeup, steps.writer, pace: IngestLimits.writerPace
        ) { $0.step() },
        // What was taken is written and answered.
        log: StepThread(name: "log", wakeup: log.wakeup, steps.log, mayEnd: { log.isEmpty }) {
          $0.step()
        },
        encoder: StepThread(name: "encoder", wakeup: core.encoderQueue.wakeup, steps.encoder) {
          $0.step() ? .zero : IngestLimits.maximumThreadWait
        },
        replay: StepThread(name: "replay", wakeup: core.replayQueue.wakeup, steps.replay) {
          $0.step() ? .zero : IngestLimits.maximumThreadWait
        })
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
    core.inbox.closeMailbox()
    stopping.writer.stop()
    stopping.replay.stop()
    stopping.encoder.stop()
    stopping.log.stop()
  }
}
