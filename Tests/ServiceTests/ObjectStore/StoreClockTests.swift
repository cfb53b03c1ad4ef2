import Foundation
import Testing

@testable import Service

/// A wait of the delivery ends when the service does.
struct StoreClockTests {
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
