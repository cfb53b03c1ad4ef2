import Synchronization

/// Counts of this module, readable from any thread. Times are microseconds.
package final class IngestCounters: Sendable {
  /// One number, changed and read without order.
  package struct Counter: ~Copyable, Sendable {
    private let value = Atomic<Int>(0)

    package func add(_ amount: Int) { value.wrappingAdd(amount, ordering: .relaxed) }

    package func set(_ newValue: Int) { value.store(newValue, ordering: .relaxed) }

    package var current: Int { value.load(ordering: .relaxed) }
  }

  // MARK: Reports

  /// Reports accepted as new and durable, their rows and their bytes.
  package let reportsAccepted = Counter()
  package let rowsAccepted = Counter()
  package let bytesAccepted = Counter()
  /// Valid reports that had been accepted before.
  package let reportsDuplicate = Counter()
  /// Reports refused with 400.
  package let reportsRefused = Counter()
  /// Reports answered with 503 after their body was read, and the rows of those whose log write
  /// failed.
  package let reportsUnavailable = Counter()
  package let rowsUnavailable = Counter()
  /// Reports and bytes that wait for the writer.
  package let inboxReports = Counter()
  package let inboxBytes = Counter()
  /// Index changes that wait for the writer.
  package let mailboxChanges = Counter()
  /// Reports accepted that wait because the index is not there yet.
  package let reportsWaitingForIndex = Counter()
  /// Nodes with remembered ids, and nodes forgotten because there were too many.
  package let retryNodes = Counter()
  package let retryNodesForgotten = Counter()

  // MARK: Log

  /// Group commits that became durable, and their fsync time.
  package let groupCommits = Counter()
  package let fsyncMicroseconds = Counter()
  /// Longest fsync so far.
  package let fsyncMaximumMicroseconds = Counter()
  /// Bytes handed to the log thread and not yet durable.
  package let outstandingBytes = Counter()
  /// Log files given up after a failed call.
  package let logFailures = Counter()
  /// Bytes of all log files, preallocation included.
  package let logBytes = Counter()
  /// Damaged stretches of logs; stretches of a last group that are whole in length but bad.
  package let damagedFrames = Counter()
  package let tailSuspects = Counter()
  /// Bytes dropped from torn ends, never acknowledged.
  package let tornBytes = Counter()
  /// Reports of a log that do not decode any more.
  package let replayRefused = Counter()

  // MARK: Segments and objects

  /// Allocated bytes in DATA_DIR, and the effective limit.
  package let spoolBytes = Counter()
  package let spoolLimitBytes = Counter()
  /// Arrival of the oldest row that is not in the store, Unix seconds; 0: there is none.
  package let oldestUnsentRowSeconds = Counter()
  /// Rows accepted whose object is not sealed yet (live, or waiting for its commit).
  package let rowsUnsealed = Counter()
  package let rowGroups = Counter()
  /// Times that idle memory was given back.
  package let memoryReleases = Counter()
  /// Rows and bytes of sealed objects.
  package let rowsSealed = Counter()
  package let objectsSealed = Counter()
  package let objectBytesSealed = Counter()
  package let segmentsSealed = Counter()
  /// Segments sealed whose objects are not all stored.
  package let segmentsUndelivered = Counter()
  /// Segments whose encoding failed and starts again from the log.
  package let segmentsAbandoned = Counter()
  /// Segments that wait to be encoded from the log, and the bytes of their logs.
  package let backlogSegments = Counter()
  package let backlogBytes = Counter()
  /// Time the encoder worked, and time the writer resolved pods at sealing.
  package let encodeMicroseconds = Counter()
  package let resolveMicroseconds = Counter()
  /// Entries of DATA_DIR that are not ours.
  package let unknownFiles = Counter()
  /// Damaged files set aside.
  package let quarantinedFiles = Counter()
  /// 1 when reports are joined as they come, 0 while they wait in the log for the index.
  package let indexReady = Counter()

  package init() {}
}
