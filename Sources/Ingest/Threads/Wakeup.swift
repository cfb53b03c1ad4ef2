import Glibc

/// A latch that one thread sleeps on and others set: a set that comes before the wait is not lost.
///
/// `@unchecked Sendable`: `isSet` is touched only under `mutex`.
package final class Wakeup: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var isSet = false

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

  package func set() {
    pthread_mutex_lock(mutex)
    let wasSet = isSet
    isSet = true
    pthread_mutex_unlock(mutex)
    if !wasSet { pthread_cond_signal(condition) }
  }

  /// Returns once set, or after `timeout` of real time, and clears the latch.
  package func wait(timeout: Duration) {
    var deadline = timespec()
    clock_gettime(CLOCK_MONOTONIC, &deadline)
    let nanoseconds = Int64(deadline.tv_nsec) + max(0, timeout.nanoseconds)
    deadline.tv_sec += Int(nanoseconds / 1_000_000_000)
    deadline.tv_nsec = Int(nanoseconds % 1_000_000_000)
    pthread_mutex_lock(mutex)
    while !isSet {
      if pthread_cond_timedwait(condition, mutex, &deadline) == ETIMEDOUT { break }
    }
    isSet = false
    pthread_mutex_unlock(mutex)
  }
}
