import KubeIndex
import Synchronization

/// Everything that others send to the writer, through bounded queues: reports, index changes, and
/// notices from the log, the encoder and the delivery (bounded by what the writer itself started).
package final class WriterInbox: ReportIntake, IndexMailbox, DeliveryObserver {
  struct Submission: Sendable {
    var body: ReportBody
    var token: UInt64
    var sink: any ReportReplySink
    var arrival: Duration
  }

  private struct Reports {
    var waiting: [Submission] = []
    var byteCount = 0
    /// Reports that the writer holds but has not gone through.
    var heldCount = 0
    var heldByteCount = 0
    var resumptions: [@Sendable () -> Void] = []

    /// When those who wait are called: not one by one, and so that the largest report fits.
    var isHalfEmpty: Bool {
      waiting.count + heldCount <= IngestLimits.maximumInboxReports / 2
        && byteCount + heldByteCount <= IngestLimits.maximumInboxByteCount / 2
    }

    func hasRoom(for byteCount: Int) -> Bool {
      let count = waiting.count + heldCount
      let total = self.byteCount + heldByteCount
      guard count < IngestLimits.maximumInboxReports else { return false }
      return count == 0 || byteCount <= IngestLimits.maximumInboxByteCount - total
    }
  }

  private struct Changes {
    var waiting: [IndexChange] = []
    var isClosed = false
  }

  let wakeup = Wakeup()
  private let gate: IntakeGate
  private let time: any TimeSource
  private let counters: IngestCounters
  private let reports = Mutex(Reports())
  private let changes = Mutex(Changes())
  private let changesTaken = Wakeup()
  private let notices = Mutex<[WriterNotice]>([])

  package init(gate: IntakeGate, time: any TimeSource, counters: IngestCounters) {
    self.gate = gate
    self.time = time
    self.counters = counters
  }

  // MARK: Reports

  package var refusal: String? { gate.refusal }

  package func trySubmit(
    _ body: ReportBody, token: UInt64, sink: any ReportReplySink
  ) -> Bool {
    let submission = Submission(body: body, token: token, sink: sink, arrival: time.monotonic())
    let position = reports.withLock { reports -> Int? in
      guard reports.hasRoom(for: body.count) else { return nil }
      reports.waiting.append(submission)
      reports.byteCount += body.count
      publish(reports)
      return reports.waiting.count
    }
    guard let position else { return false }
    if position == IngestLimits.hastyReportCount {
      wakeup.set(isUrgent: true)
    } else if position == 1 {
      wakeup.set()
    }
    return true
  }

  package func whenRoom(_ resume: @escaping @Sendable () -> Void) {
    let isNow = reports.withLock { reports in
      if reports.isHalfEmpty { return true }
      reports.resumptions.append(resume)
      return false
    }
    if isNow { resume() }
  }

  /// Takes up to `maximumCount` reports into `taken`, which must be empty; they count as waiting
  /// until `settle`.
  func takeReports(_ maximumCount: Int, into taken: inout [Submission]) {
    precondition(taken.isEmpty)
    reports.withLock { reports in
      taken.append(contentsOf: reports.waiting.prefix(maximumCount))
      reports.waiting.removeFirst(taken.count)
      let byteCount = taken.reduce(0) { $0 + $1.body.count }
      reports.byteCount -= byteCount
      reports.heldByteCount += byteCount
      reports.heldCount += taken.count
    }
  }

  /// The writer has gone through these; whoever waits for room is called.
  func settle(count: Int, byteCount: Int) {
    guard count > 0 else { return }
    let resumptions = reports.withLock { reports in
      reports.heldCount -= count
      reports.heldByteCount -= byteCount
      publish(reports)
      guard reports.isHalfEmpty else { return [@Sendable () -> Void]() }
      let resumptions = reports.resumptions
      reports.resumptions = []
      return resumptions
    }
    for resume in resumptions { resume() }
  }

  /// No report waits, and the writer has gone through all that it took.
  var isEmpty: Bool { reports.withLock { $0.waiting.isEmpty && $0.heldCount == 0 } }

  var hasReports: Bool { reports.withLock { !$0.waiting.isEmpty } }

  private func publish(_ reports: Reports) {
    counters.inboxReports.set(reports.waiting.count + reports.heldCount)
    counters.inboxBytes.set(reports.byteCount + reports.heldByteCount)
  }

  // MARK: Index changes

  package func send(_ changes: [IndexChange]) {
    while !changes.isEmpty {
      let isDone = self.changes.withLock { state in
        if state.isClosed { return true }
        guard state.waiting.count < IngestLimits.maximumMailboxChanges else { return false }
        state.waiting.append(contentsOf: changes)
        counters.mailboxChanges.set(state.waiting.count)
        return true
      }
      if isDone { break }
      changesTaken.wait(timeout: IngestLimits.maximumThreadWait)
    }
    wakeup.set()
  }

  func takeChanges(_ maximumCount: Int) -> [IndexChange] {
    let taken = changes.withLock { state in
      let taken = Array(state.waiting.prefix(maximumCount))
      state.waiting.removeFirst(taken.count)
      counters.mailboxChanges.set(state.waiting.count)
      return taken
    }
    if !taken.isEmpty { changesTaken.set() }
    return taken
  }

  /// Changes sent from here on are dropped.
  func closeMailbox() {
    changes.withLock { state in
      state.isClosed = true
      state.waiting = []
    }
    changesTaken.set()
  }

  // MARK: Notices

  package func segmentDelivered(_ segment: UInt64) { notify(.delivered(segment)) }

  func notify(_ notice: WriterNotice) {
    notices.withLock { $0.append(notice) }
    wakeup.set()
  }

  /// Swaps what waits for `taken`, which must be empty: its memory serves what comes next.
  func takeNotices(into taken: inout [WriterNotice]) {
    precondition(taken.isEmpty)
    notices.withLock { swap(&$0, &taken) }
  }
}

/// What the writer is told, in order.
enum WriterNotice: Sendable {
  case log(LogNotice)
  case encoder(EncoderNotice)
  case delivered(UInt64)
}
