/// What happened in this module that an operator may want to read; Service makes log lines of it.
package enum IngestEvent: Sendable {
  /// The start has gone through DATA_DIR.
  case recovered(RecoverySummary)
  /// Entries of DATA_DIR that are not ours; they are left alone.
  case unknownFile(name: String)
  /// A damaged file was set aside.
  case fileQuarantined(name: String, reason: String)
  /// A seal cannot be read: its segment waits for a start that can.
  case sealUnreadable(segment: UInt64, error: String)
  /// A stretch of a log holds no good frame though it was acknowledged; at most one frame each.
  case logDamaged(segment: UInt64, offset: Int, byteCount: Int)
  /// The medium does not give all of a file: the start reads it again for so long.
  case fileUnreadable(name: String, seconds: Int)
  /// The medium did not give all of this stretch of a log, to this start or an earlier one: it
  /// counts no more, whatever it holds.
  case logGivenUp(segment: UInt64, offset: Int, byteCount: Int)
  /// The end of a log is the beginning of a write that was never acknowledged; it was cut off.
  case logTorn(segment: UInt64, offset: Int, byteCount: Int)
  /// The last group of a log may have lost an acknowledged report; it cannot be told.
  case tailSuspect(segment: UInt64, offset: Int, byteCount: Int)
  /// A report of a log no longer decodes.
  case replayRefused(segment: UInt64, reason: String)
  /// The log file of a segment was given up; its reports that were not durable got 503.
  case logFailed(segment: UInt64, error: String)
  /// The disk has no room for the log; reports get 503 until it has.
  case diskFull
  case diskHasRoom
  /// The spool has reached its limit, or is below it again.
  case spoolFull(byteCount: Int, limit: Int)
  case spoolHasRoom(byteCount: Int, limit: Int)
  /// The volume is too small for the spool as set.
  case spoolLimitLowered(wanted: Int, effective: Int)
  /// The index is there: reports are joined from here on.
  case indexReady(waitingSegments: Int)
  /// A valid report that had been accepted before. `node`: nil where its name is not at hand.
  case duplicateReport(node: String?)
  /// All objects of a segment are complete and committed.
  case segmentSealed(segment: UInt64, objects: Int, rows: Int, byteCount: Int, fromBacklog: Bool)
  /// Encoding failed before the commit; the segment is encoded again from its log.
  case segmentAbandoned(segment: UInt64, error: String)
  /// A file that is no longer needed could not be removed; the next start tries again.
  case removalFailed(name: String, error: String)
  /// The log cannot be written: the process must end, with a non-zero status.
  case fatal(String)
}

/// What the start found.
package struct RecoverySummary: Sendable, Equatable {
  package var writer: String
  package var nextSegment: UInt64
  /// Segments with a seal, and their objects.
  package var sealedSegments = 0
  package var sealedObjects = 0
  /// Segments to encode from their logs, with the reports and bytes in them.
  package var backlogSegments = 0
  package var backlogReports = 0
  package var backlogByteCount = 0
  package var retryNodes = 0
}
