/// A latch that one thread sleeps on and others set: a set that comes before the wait is not lost.
///
/// `@unchecked Sendable`: `isSet` is touched only under the condition's lock.
package final class Wakeup: @unchecked Sendable {
  private let condition = MonotonicCondition()
  private var isSet = false

  package init() {}

  package func set() {
    condition.lock()
    let wasSet = isSet
    isSet = true
    condition.unlock()
    if !wasSet { condition.broadcast() }
  }

  /// Returns once set, or after `timeout` of real time (at most a day), and clears the latch.
  package func wait(timeout: Duration) {
    condition.lock()
    if !isSet {
      let end = MonotonicCondition.Moment(after: timeout)
      while !isSet, condition.wait(until: end) {}
    }
    isSet = false
    condition.unlock()
  }
}
