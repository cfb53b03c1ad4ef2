import Testing

@testable import Ingest

/// Waits must end by themselves, and at once when they are woken.
struct MonotonicConditionTests {
  @Test(arguments: [Duration.zero, .seconds(-1), .milliseconds(20), .milliseconds(1_500)])
  func waitEnds(duration: Duration) {
    let condition = MonotonicCondition()
    let start = ContinuousClock.now
    condition.lock()
    let moment = MonotonicCondition.Moment(after: duration)
    while condition.wait(until: moment) {}
    condition.unlock()
    #expect(ContinuousClock.now - start >= duration)
  }

  @Test func aLatchThatWasSetBeforeIsNotLost() {
    let latch = Wakeup()
    latch.set()
    let start = ContinuousClock.now
    latch.wait(timeout: .seconds(60))
    #expect(ContinuousClock.now - start < .seconds(30))
    latch.wait(timeout: .milliseconds(20))
    #expect(ContinuousClock.now - start >= .milliseconds(20), "cleared by the first wait")
  }

  @Test func aLatchWakesItsSleeper() {
    let latch = Wakeup()
    let start = ContinuousClock.now
    let setter = WorkerThread(name: "setter") { latch.set() }
    latch.wait(timeout: .seconds(60))
    setter.join()
    #expect(ContinuousClock.now - start < .seconds(30))
  }
}
