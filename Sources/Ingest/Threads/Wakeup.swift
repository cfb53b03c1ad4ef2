/// A latch that one thread sleeps on and others set: a set that comes before the wait is not lost.
///
/// `@unchecked Sendable`: the flags are touched only under the condition's lock.
package final class Wakeup: @unchecked Sendable {
  private let condition = MonotonicCondition()
  private var isSet = false
  private var isUrgent = false
  private var isPausing = false

  package init() {}

  /// `isUrgent`: ends a pause, too.
  package func set(isUrgent: Bool = false) {
    condition.lock()
    // Who pauses is left asleep: the wait behind the pause sees the latch.
    let mustTell = isPausing ? isUrgent && !self.isUrgent : !isSet
    isSet = true
    if isUrgent { self.isUrgent = true }
    condition.unlock()
    if mustTell { condition.broadcast() }
  }

  /// Returns at `moment`, or earlier if the latch is set urgently. The latch stays as it is.
  package func pause(until moment: MonotonicCondition.Moment) {
    condition.lock()
    isPausing = true
    while !isUrgent, condition.wait(until: moment) {}
    isPausing = false
    condition.unlock()
  }

  /// Returns once set, or after `timeout` of real time (at most a day), and clears the latch.
  package func wait(timeout: Duration) {
    condition.lock()
    if !isSet {
      let end = MonotonicCondition.Moment(after: timeout)
      while !isSet, condition.wait(until: end) {}
    }
    isSet = false
    isUrgent = false
    condition.unlock()
  }
}
