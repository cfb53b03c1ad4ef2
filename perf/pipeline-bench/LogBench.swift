import Glibc
import Ingest

/// The log thread's work by itself, on real files in a directory of its own under `.build`.
final class LogBench {
  private static let reportsPerGroup: UInt64 = 16
  private static let spoolLimit = 1 << 40

  private let path = ".build/log-bench-\(getpid())"
  private let disk: RealDisk
  private let queue = LogQueue()
  private let committer: LogCommitter
  private var bodies: [ReportBody] = []
  private var ticket: UInt64 = 0
  private var segment: UInt64 = 0

  /// Makes the directory, which `remove()` takes away again.
  init(_ bodies: inout ReportBodies) throws {
    disk = try RealDisk(path: path)
    let counters = IngestCounters()
    let gate = IntakeGate()
    committer = LogCommitter(
      disk: disk, writer: WriterID(high: 1, low: 1), queue: queue,
      ledger: ReplyLedger(counters: counters), gate: gate,
      spool: Spool(limit: Self.spoolLimit, gate: gate, counters: counters) { _ in },
      time: SystemTime(), counters: counters, events: { _ in }, notify: { _ in })
    bodies.forEach {
      let body = ReportBody(capacity: $0.count)
      let isAppended = body.tryAppend($0)
      precondition(isAppended)
      self.bodies.append(body)
    }
  }

  /// All bodies into a log, a sync for 16 of them; then the log is deleted.
  func append() throws {
    segment += 1
    for body in bodies {
      ticket += 1
      queue.add(
        .frame(
          LogQueue.Frame(
            ticket: ticket, segment: segment, body: body,
            retryID: RetryID(low: ticket, high: 1), nodeID: ticket % 1000)))
      if ticket.isMultiple(of: Self.reportsPerGroup) { _ = committer.step() }
    }
    queue.add(.end(segment))
    _ = committer.step()
    for name in try disk.list() { try disk.remove(name) }
  }

  func remove() { rmdir(path) }
}
