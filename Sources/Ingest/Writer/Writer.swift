import KubeIndex
import Synchronization

/// Owns batches, index, retry ids and the order of the log: the one place where a report's fate is
/// decided. It never waits: it takes messages from its inbox and hands frames to the log thread and
/// batches to the encoder.
///
///     report ─▶ decode into the current batch ─▶ retry? ─▶ frame to the log ┄┄ durable ┄▶ answer
///     batch full, or segment over ─▶ SealTask.rowGroup ─▶ resolve in slices ─▶ encoder
///     segment over                ─▶ SealTask.finish   ─▶ snapshot in slices ─▶ encoder commits
///     segment not joined, or its encoding failed ─▶ backlog: the same from its log
///
/// `step` does a bounded piece of each; one thread at a time. Extensions hold the pieces.
package final class Writer {
  let settings: IngestSettings
  let disk: any Disk
  let writer: WriterID
  let inbox: WriterInbox
  let log: LogQueue
  let ledger: ReplyLedger
  let encoder: EncoderQueue
  let replayQueue: ReplayQueue
  let spool: Spool
  let time: any TimeSource
  let counters: IngestCounters
  let events: @Sendable (IngestEvent) -> Void
  let decoder: ReportDecoder
  let index: ClusterIndex
  let status: WriterStatus

  var retryIDs: RetryIDs
  var nextSegment: UInt64
  var nextTicket: UInt64 = 1
  var nextEncoding: EncodingID = 1

  // MARK: Live

  var live: LiveSegment?
  var current: OwnedBatch?
  var freeBatches: [OwnedBatch] = []
  var madeBatches = 0
  /// Empty between steps.
  private var notices: [WriterNotice] = []
  /// Reports taken from the inbox, from `nextArrival` on not gone through.
  var arrivals: [WriterInbox.Submission] = []
  var nextArrival = 0
  var pending = Fifo<PendingFrame>()
  /// Retries of `pending` reports, in no order.
  var waiters: [Waiter] = []
  var replies = ReplyBatch()
  /// Latched: once joined, later segments are.
  var isIndexReady = false

  // MARK: Sealing

  var tasks: [SealTask] = []
  var resolver: BatchResolver?
  var snapshot: RetrySnapshotBuilder?
  /// Encodings in work, by segment; gone when sealed or failed.
  var encodings: [UInt64: EncodingID] = [:]
  /// Live segments handed to the encoder in whole.
  var committing: [UInt64: LiveSegment] = [:]
  /// How far failed logs count, while those logs exist.
  var cuts: [UInt64: Int] = [:]
  /// Lengths of closed logs whose segments were ended.
  var endedLogs: [UInt64: Int] = [:]

  // MARK: Backlog

  var backlog: [BacklogSegment] = []
  var replay: Replay?
  var backlogBatch: OwnedBatch?

  // MARK: Sealed

  /// Sealed segments whose objects are not all stored, with the oldest arrival in them.
  var undelivered: [UInt64: Int64] = [:]
  /// The segment whose seal carries the retry ids; its seal stays.
  var newestSeal: UInt64?
  /// The objects of `newestSeal` are stored.
  var isNewestDelivered = false
  /// Files of undelivered segments, for the spool.
  var objectFiles: [UInt64: [String]] = [:]

  // MARK: Clock

  var lastRow = Duration.zero
  var nextExpiry = Duration.zero
  var isMemoryReleased = true

  init(
    settings: IngestSettings, disk: any Disk, writer: WriterID, recovered: RecoveredState,
    parts: WriterParts, index: ClusterIndex
  ) {
    self.settings = settings
    self.disk = disk
    self.writer = writer
    inbox = parts.inbox
    log = parts.log
    ledger = parts.ledger
    encoder = parts.encoder
    replayQueue = parts.replay
    spool = parts.spool
    time = parts.time
    counters = parts.counters
    events = parts.events
    status = parts.status
    self.index = index
    // A segment number that is never used: ids must not depend on the segment.
    decoder = ReportDecoder(writerSeed: writer.seed(segment: .max))
    retryIDs = recovered.retryIDs
    nextSegment = recovered.nextSegment
    cuts = recovered.cuts
    backlog = recovered.backlog
    newestSeal = recovered.seals.last?.segment
    for seal in recovered.seals {
      let oldest = seal.objects.map(\.oldestRowSeconds).min()
      if let oldest {
        undelivered[seal.segment] = oldest
        objectFiles[seal.segment] = seal.objects.map(\.fileName)
      }
    }
    isNewestDelivered = newestSeal.map { undelivered[$0] == nil } ?? false
    publish()
  }

  // MARK: Steps

  /// Does some of what there is to do. Returns how long the caller may sleep when nothing new
  /// comes; zero: there is more.
  package func step() -> Duration {
    let now = time.monotonic()
    var isBusy = false
    inbox.takeNotices(into: &notices)
    for notice in notices {
      take(notice, now: now)
      isBusy = true
    }
    notices.removeAll(keepingCapacity: true)
    if takeChanges(now: now) { isBusy = true }
    if takeReports(now: now) { isBusy = true }
    log.tell()
    endSegmentIfDue(now: now)
    if sealSlice() { isBusy = true }
    if backlogSlice(now: now) { isBusy = true }
    keepTime(now: now)
    replies.deliver()
    log.tell()
    updateStatus()
    return isBusy ? .zero : sleep(now: now)
  }

  private func take(_ notice: WriterNotice, now: Duration) {
    switch notice {
    case .log(let notice): take(notice)
    case .encoder(let notice): take(notice, now: now)
    case .delivered(let segment): takeDelivered(segment)
    }
  }

  private func takeChanges(now: Duration) -> Bool {
    let changes = inbox.takeChanges(IngestLimits.maximumChangesPerStep)
    guard !changes.isEmpty else { return false }
    let seconds = now.components.seconds
    for change in changes { index.apply(change, nowSeconds: seconds) }
    if !isIndexReady, index.isReady { beginJoining() }
    return true
  }

  /// The index is there: what waits in the log becomes backlog, what comes is joined.
  private func beginJoining() {
    isIndexReady = true
    endSegment()
    counters.indexReady.set(1)
    events(.indexReady(waitingSegments: backlog.count))
    publish()
  }

  // MARK: Time

  private func keepTime(now: Duration) {
    ledger.expire(now: now)
    answerWaiters(
      .unavailable(message: "the log was not written in time; the report may still be stored")
    ) { $0.deadline <= now }
    if now >= nextExpiry {
      let isDone = index.expire(
        nowSeconds: now.components.seconds, oldestRowSeconds: oldestBatchedSeconds)
      // What is left is due with the next step, after live work.
      nextExpiry = isDone ? now + IngestLimits.expiryPeriod : now
      publish()
    }
    releaseIdleMemory(now: now)
  }

  /// Arrival of the oldest row that waits in a batch to be joined, on the monotonic clock.
  private var oldestBatchedSeconds: Int64? {
    var starts = tasks.map(\.segment.start)
    if current != nil, let live { starts.append(live.start) }
    return starts.min()?.components.seconds
  }

  private func releaseIdleMemory(now: Duration) {
    // A batch that still has rows keeps its memory; when it comes back from the encoder, this
    // happens again.
    guard !isMemoryReleased, now >= lastRow + IngestLimits.idleMemoryDelay, tasks.isEmpty,
      encoder.isIdle
    else { return }
    isMemoryReleased = true
    for batch in freeBatches { batch.batch.releaseMemory() }
    decoder.releaseMemory()
    encoder.add(.releaseMemory)
  }

  private func sleep(now: Duration) -> Duration {
    var wake = now + IngestLimits.maximumThreadWait
    wake = min(wake, nextExpiry)
    if let deadline = ledger.nextDeadline { wake = min(wake, deadline) }
    for waiter in waiters { wake = min(wake, waiter.deadline) }
    if let due = segmentDue(now: now) { wake = min(wake, due) }
    return max(wake - now, .milliseconds(1))
  }

  // MARK: State for others

  func answer(_ outcome: ReportOutcome, token: UInt64, sink: any ReportReplySink) {
    if case .unavailable = outcome { counters.reportsUnavailable.add(1) }
    replies.add(outcome, token: token, sink: sink)
  }

  func publish() {
    counters.retryNodes.set(retryIDs.nodeCount)
    counters.retryNodesForgotten.set(retryIDs.forgottenNodes)
    counters.backlogSegments.set(backlog.count)
    counters.backlogBytes.set(backlog.reduce(0) { $0 + ($1.limit ?? 0) })
    counters.segmentsUndelivered.set(undelivered.count)
    let waiting = live.flatMap { $0.isJoined ? nil : $0.reportCount } ?? 0
    counters.reportsWaitingForIndex.set(
      isIndexReady ? 0 : backlog.reduce(waiting) { $0 + $1.reportCount })
    counters.rowsUnsealed.set(unsealedRowCount)
    var oldest: Int64?
    func consider(_ seconds: Int64?) {
      if let seconds { oldest = min(oldest ?? seconds, seconds) }
    }
    consider(live?.startSeconds)
    consider(tasks.map(\.segment.startSeconds).min())
    consider(backlog.map(\.startSeconds).min())
    consider(committing.values.map(\.startSeconds).min())
    consider(undelivered.values.min())
    counters.oldestUnsentRowSeconds.set(Int(clamping: oldest ?? 0))
  }

  /// Rows of the live segment and of those that end; what waits as a log is counted in reports.
  private var unsealedRowCount: Int {
    let ending = tasks.reduce(0) { sum, task in
      if case .finish(let segment) = task { sum + segment.rowCount } else { sum }
    }
    return (live?.rowCount ?? 0) + ending + committing.values.reduce(0) { $0 + $1.rowCount }
  }

  private func updateStatus() {
    let isFlushed =
      live == nil && tasks.isEmpty && encodings.isEmpty && replay == nil
      && nextArrival == arrivals.count && !inbox.hasReports && pending.isEmpty
      && (backlog.isEmpty || !isIndexReady)
    status.set(isFlushed: isFlushed)
  }
}

/// What the writer works with, made by `Aggregation`.
struct WriterParts {
  let inbox: WriterInbox
  let log: LogQueue
  let ledger: ReplyLedger
  let encoder: EncoderQueue
  let replay: ReplayQueue
  let spool: Spool
  let time: any TimeSource
  let counters: IngestCounters
  let status: WriterStatus
  let events: @Sendable (IngestEvent) -> Void
}

/// What others see of the writer, and how they tell it to end.
package final class WriterStatus: Sendable {
  private let flushed = Atomic<Bool>(false)
  private let flushing = Atomic<Bool>(false)

  package init() {}

  /// Nothing waits: every row that can be is in a sealed object.
  package var isFlushed: Bool { flushed.load(ordering: .acquiring) }

  func set(isFlushed: Bool) { flushed.store(isFlushed, ordering: .releasing) }

  /// The live segment ends without waiting for its interval.
  package var isFlushing: Bool { flushing.load(ordering: .acquiring) }

  package func flush() {
    flushed.store(false, ordering: .releasing)
    flushing.store(true, ordering: .releasing)
  }
}

/// A queue that drops its taken front now and then.
struct Fifo<Element> {
  private var elements: [Element] = []
  private var taken = 0

  var isEmpty: Bool { taken == elements.count }
  var first: Element? { isEmpty ? nil : elements[taken] }
  var rest: ArraySlice<Element> { elements[taken...] }

  mutating func append(_ element: Element) { elements.append(element) }

  mutating func removeFirst() {
    taken += 1
    if taken == elements.count {
      elements.removeAll(keepingCapacity: true)
      taken = 0
    } else if taken > 1_024, 2 * taken > elements.count {
      elements.removeFirst(taken)
      taken = 0
    }
  }

  mutating func removeAll(where matches: (Element) -> Bool) {
    elements.removeFirst(taken)
    taken = 0
    elements.removeAll(where: matches)
  }
}
