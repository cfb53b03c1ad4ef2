import Synchronization
import Testing

@testable import Ingest

/// Protects what gathers work into groups: the pace of a thread, and when the log thread is woken.
@Suite struct StepThreadTests {
  @Test("A paced thread works in groups, however often it is woken")
  func pace() {
    let wakeup = Wakeup()
    let (waiting, done) = (Counter(), Counter())
    let steps = Counter()
    let thread = StepThread(
      name: "paced", wakeup: wakeup, waiting, pace: .milliseconds(20)
    ) { waiting in
      steps.value.wrappingAdd(1, ordering: .relaxed)
      done.value.wrappingAdd(
        waiting.value.exchange(0, ordering: .relaxed), ordering: .relaxed)
      return .seconds(1)
    }
    let start = ContinuousClock.now
    for _ in 0..<2_000 {
      waiting.value.wrappingAdd(1, ordering: .relaxed)
      wakeup.set()
    }
    while done.value.load(ordering: .relaxed) < 2_000, ContinuousClock.now - start < .seconds(20) {
      Wakeup().wait(timeout: .milliseconds(1))
    }
    #expect(done.value.load(ordering: .relaxed) == 2_000)
    let elapsed = ContinuousClock.now - start
    thread.stop()
    // One a pace; those before the start and after the end, and rounding, come on top.
    let most = Int(elapsed / .milliseconds(20)) + 5
    #expect((1...most).contains(steps.value.load(ordering: .relaxed)))
  }

  @Test("As many reports as make a group end the writer's pause, fewer do not")
  func hasty() {
    let inbox = WriterInbox(gate: IntakeGate(), time: SystemTime(), counters: IngestCounters())
    let sink = RecordingSink()
    /// How long a pause of at most `most` lasts once `count` more reports are there.
    func pause(after count: Int, most: Duration) -> Duration {
      for number in 0..<count {
        #expect(inbox.trySubmit(ReportBody(capacity: 1), token: UInt64(number), sink: sink))
      }
      let start = ContinuousClock.now
      inbox.wakeup.pause(until: .init(after: most))
      return ContinuousClock.now - start
    }
    let group = IngestLimits.hastyReportCount
    #expect(pause(after: group - 1, most: .milliseconds(20)) >= .milliseconds(20))
    #expect(pause(after: 1, most: .seconds(60)) < .seconds(30))
  }

  @Test("Frames wake the log thread as a group, and none is left untold")
  func groups() {
    let queue = LogQueue()
    /// Whether the latch is set; looking clears it.
    func isAwake() -> Bool {
      let start = ContinuousClock.now
      queue.wakeup.wait(timeout: .seconds(2))
      return ContinuousClock.now - start < .seconds(1)
    }
    queue.add(.end(1))
    queue.tell()
    #expect(isAwake())
    // Nothing new: nobody is woken.
    queue.tell()
    for _ in 1..<IngestLimits.maximumUntoldFrames { queue.add(.end(1)) }
    #expect(!isAwake())
    queue.add(.end(1))
    #expect(isAwake())
    queue.add(.end(1))
    queue.tell()
    #expect(isAwake())
  }

  private final class Counter: Sendable {
    let value = Atomic<Int>(0)
  }
}
