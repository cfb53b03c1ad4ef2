import Foundation
import Testing

@testable import Service

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

  @Test func interruptedSleepEnds() {
    let clock = SystemStoreClock()
    let start = ContinuousClock.now
    let thread = Thread {
      Thread.sleep(forTimeInterval: 0.05)
      clock.interrupt()
    }
    thread.start()
    clock.sleep(.seconds(60))
    #expect(ContinuousClock.now - start < .seconds(30))
  }
}
