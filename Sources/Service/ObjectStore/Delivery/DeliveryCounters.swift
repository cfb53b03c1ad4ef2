import Synchronization

/// Figures of the delivery, for the metrics page. All relaxed: each is read by itself.
final class DeliveryCounters: Sendable {
  /// Objects stored by a request of this process.
  let stored = Atomic<Int>(0)
  /// Objects found stored by an earlier attempt, or stored before the restart.
  let proved = Atomic<Int>(0)
  /// Objects whose key holds other content.
  let quarantined = Atomic<Int>(0)
  /// Objects whose file the medium has damaged since it was sealed.
  let damaged = Atomic<Int>(0)
  /// Steps that failed for a reason that time does not mend (access, bucket, refusal).
  let failures = Atomic<Int>(0)
  /// Steps of an upload that are done again after a wait.
  let retries = Atomic<Int>(0)
  /// Requests sent again at once, within a step.
  let requestRetries = Atomic<Int>(0)
  /// Bytes of stored objects.
  let storedBytes = Atomic<Int>(0)
  /// Rows of stored objects.
  let storedRows = Atomic<Int>(0)
  /// From the first request for an object, or its seal, to its end, added up.
  let uploadMilliseconds = Atomic<Int>(0)
  /// Seconds since 1970; 0: never.
  let lastSuccessSeconds = Atomic<Int>(0)
  /// Sealed objects that are not in the store yet.
  let pendingObjects = Atomic<Int>(0)
  let pendingBytes = Atomic<Int>(0)
  /// Arrival of the oldest row in them, seconds since 1970; 0: none pending.
  let oldestPendingRowSeconds = Atomic<Int>(0)
  /// 1: the check of the bucket, or an upload since, has succeeded; 0: none has yet, or an upload
  /// failed since for a reason that time does not mend.
  let isStoreUsable = Atomic<Int>(0)
}
