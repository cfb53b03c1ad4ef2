import Glibc

/// A lock with a condition whose waits end by the monotonic clock: setting the wall clock back must
/// not make a thread sleep for as long.
///
/// `@unchecked Sendable`: both pointers are constant, and pthread guards what they point to.
package final class MonotonicCondition: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  package init() {
    mutex.initialize(to: pthread_mutex_t())
    condition.initialize(to: pthread_cond_t())
    pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(condition, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  package func lock() { pthread_mutex_lock(mutex) }
  package func unlock() { pthread_mutex_unlock(mutex) }
  package func broadcast() { pthread_cond_broadcast(condition) }

  /// Waits for a broadcast (or for no reason). The lock is held.
  package func wait() { pthread_cond_wait(condition, mutex) }

  /// Waits as `wait()` does; false: `moment` of the monotonic clock has passed.
  package func wait(until moment: Moment) -> Bool {
    var time = moment.time
    return pthread_cond_timedwait(condition, mutex, &time) != ETIMEDOUT
  }

  /// A time of CLOCK_MONOTONIC.
  package struct Moment {
    fileprivate let time: timespec

    /// At most a day ahead.
    package init(after duration: Duration) {
      var now = timespec()
      clock_gettime(CLOCK_MONOTONIC, &now)
      let (seconds, attoseconds) = min(max(duration, .zero), .seconds(86_400)).components
      let nanoseconds = now.tv_nsec + Int(attoseconds / 1_000_000_000)
      time = timespec(
        tv_sec: now.tv_sec + Int(seconds) + nanoseconds / 1_000_000_000,
        tv_nsec: nanoseconds % 1_000_000_000)
    }
  }
}
