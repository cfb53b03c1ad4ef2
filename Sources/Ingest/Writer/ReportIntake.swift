import CShims

/// What HTTP hands to the writer, and what comes back.

/// The bytes of one report: length-framed, decompressed, with readable padding behind the end.
///
/// Owned by one side at a time: the HTTP handler fills it, the writer decodes it, the log thread
/// writes it and releases it.
package final class ReportBody: @unchecked Sendable {
  /// Readable (and ignored) bytes behind `count` that simdjson needs.
  package static let paddingByteCount = 64

  /// `capacity + paddingByteCount` bytes are allocated here.
  package let base: UnsafeMutableRawPointer
  package let capacity: Int
  /// Bytes filled so far, at most `capacity`.
  package private(set) var count = 0

  package init(capacity: Int) {
    precondition(capacity >= 0)
    self.capacity = capacity
    base = .allocate(byteCount: capacity + Self.paddingByteCount, alignment: 64)
    // Padding is read by the parser; it must not be another report's bytes.
    (base + capacity).initializeMemory(as: UInt8.self, repeating: 0, count: Self.paddingByteCount)
  }

  deinit { base.deallocate() }

  package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

  /// Appends `source`; false when it would exceed `capacity`, and then nothing is appended.
  package func tryAppend(_ source: UnsafeRawBufferPointer) -> Bool {
    guard source.count <= capacity - count else { return false }
    if let start = source.baseAddress {
      (base + count).copyMemory(from: start, byteCount: source.count)
    }
    count += source.count
    return true
  }

  /// Lets `write` fill the free part in place; it returns how many bytes it has written there.
  package func appendInPlace(_ write: (UnsafeMutableRawBufferPointer) -> Int) {
    let room = UnsafeMutableRawBufferPointer(start: base + count, count: capacity - count)
    let written = write(room)
    precondition(written >= 0 && written <= room.count)
    count += written
  }
}

/// What became of a report.
package enum ReportOutcome: Sendable, Equatable {
  /// Durable: 200. `rows` is 0 for a retry (`duplicate`).
  case accepted(rows: Int, duplicate: Bool)
  /// Refused whole: 400 with the first violation.
  case refused(path: String, message: String)
  /// Not durable: 503. The log write or fsync failed, or the writer is stopping.
  case unavailable(message: String)
}

/// One answer on its way back to the connection that posted the report.
package struct ReportReply: Sendable {
  /// The value that `submit` was given.
  package var token: UInt64
  package var outcome: ReportOutcome

  package init(token: UInt64, outcome: ReportOutcome) {
    self.token = token
    self.outcome = outcome
  }
}

/// Where answers go: one per event loop, so that a group commit wakes each loop once.
package protocol ReportReplySink: AnyObject, Sendable {
  /// Called from the writer or the log thread; must not block.
  func deliver(_ replies: [ReportReply])
}

/// The writer's door, as HTTP sees it. Thread-safe.
package protocol ReportIntake: AnyObject, Sendable {
  /// nil: reports are taken; else why not (spool full, disk failing, stopping), for 503 before the
  /// body is read and for /readyz.
  var refusal: String? { get }
  /// Queues a report; false when the queue is full: the caller stops reading from the socket and
  /// offers it again after `whenRoom` has fired.
  func trySubmit(_ body: ReportBody, token: UInt64, sink: any ReportReplySink) -> Bool
  /// Calls `resume` once, from any thread, as soon as a submission can succeed again.
  func whenRoom(_ resume: @escaping @Sendable () -> Void)
}
