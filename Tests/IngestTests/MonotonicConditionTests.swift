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

  @Test("A pause lasts, whoever sets the latch, unless it is urgent; the latch outlives it")
  func pauses() {
    let latch = Wakeup()
    let start = ContinuousClock.now
    latch.set()
    latch.pause(until: .init(after: .milliseconds(20)))
    #expect(ContinuousClock.now - start >= .milliseconds(20))
    let setter = WorkerThread(name: "setter") {
      latch.set()
      latch.set(isUrgent: true)
    }
    latch.pause(until: .init(after: .seconds(60)))
    setter.join()
    latch.wait(timeout: .seconds(60))
    #expect(ContinuousClock.now - start < .seconds(30))
    let cleared = ContinuousClock.now
    latch.pause(until: .init(after: .milliseconds(20)))
    #expect(ContinuousClock.now - cleared >= .milliseconds(20), "the wait clears the urgency")
  }
}
