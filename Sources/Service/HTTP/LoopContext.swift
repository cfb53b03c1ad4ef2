import Ingest
import NIOCore
import Synchronization

/// What the connections of one event loop share: the table of their deadlines, the reports that
/// wait for an answer, and the answers that are always the same.
///
/// All mutable state but `inbox` is touched on the event loop alone, which every entry from outside
/// reaches by way of `eventLoop.execute`; `inbox` is guarded by its lock. That makes the unchecked
/// conformance sound.
final class LoopContext: ReportReplySink, @unchecked Sendable {
  let eventLoop: any EventLoop
  let shared: HTTPShared
  let gzip: GzipDecoder?

  private struct Inbox {
    var replies: [ReportReply] = []
    var isScheduled = false
  }
  private let inbox = Mutex(Inbox())
  /// The other of the two arrays that replies travel in.
  private var drained: [ReportReply] = []

  /// A report on its way: who posted it, and the memory that its body holds until it is answered.
  private struct PendingReport {
    var connection: HTTPConnection?
    var reservation: BodyBudget.Reservation?
    var generation: UInt32
  }
  private var pending: [PendingReport] = []
  private var freePending: [Int] = []

  private var connections: [HTTPConnection?] = []
  private var freeConnections: [Int] = []
  private var memoryWaiters: [HTTPConnection] = []
  private var roomWaiters: [HTTPConnection] = []
  private var isRetryScheduled = false
  private var isRoomAwaited = false

  private(set) var date = ""
  private var dateSeconds: Int64 = -1
  /// The answer to an accepted report, on a connection that stays open and on one that closes.
  private(set) var accepted = ByteBuffer()
  private(set) var acceptedLast = ByteBuffer()

  init(eventLoop: any EventLoop, shared: HTTPShared) {
    self.eventLoop = eventLoop
    self.shared = shared
    gzip = GzipDecoder()
    refreshDate()
  }

  /// Begins to look at deadlines. Called on the event loop.
  func start() {
    scheduleTick()
  }

  private func scheduleTick() {
    eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(ServiceLimits.tickInterval)) {
      self.tick()
    }
  }

  private func tick() {
    refreshDate()
    let now = NIODeadline.now().uptimeNanoseconds
    for connection in connections {
      connection?.tick(now)
    }
    scheduleTick()
  }

  private func refreshDate() {
    let seconds = WallClock.seconds()
    guard seconds != dateSeconds else { return }
    dateSeconds = seconds
    date = HTTPDate.text(seconds)
    let answer = HTTPAnswer(status: 200, body: Array(#"{"status":"ok"}"#.utf8))
    accepted.clear(minimumCapacity: 256)
    answer.write(to: &accepted, date: date, closes: false, isHead: false)
    acceptedLast.clear(minimumCapacity: 256)
    answer.write(to: &acceptedLast, date: date, closes: true, isHead: false)
  }

  // MARK: - Connections

  func add(_ connection: HTTPConnection) -> Int {
    shared.gate.opened()
    shared.counters.connections.add()
    if let slot = freeConnections.popLast() {
      connections[slot] = connection
      return slot
    }
    connections.append(connection)
    return connections.count - 1
  }

  func remove(_ slot: Int) {
    shared.gate.closed()
    connections[slot] = nil
    freeConnections.append(slot)
  }

  /// Closes connections that wait for a request; others close with their answer.
  func closeIdleConnections() {
    for connection in connections {
      connection?.closeIfIdle()
    }
  }

  // MARK: - Reports

  /// The token of a report that `connection` is about to submit.
  func register(
    _ connection: HTTPConnection, _ reservation: BodyBudget.Reservation?
  ) -> UInt64 {
    let slot: Int
    if let free = freePending.popLast() {
      slot = free
      pending[slot].connection = connection
      pending[slot].reservation = reservation
    } else {
      slot = pending.count
      pending.append(
        PendingReport(connection: connection, reservation: reservation, generation: 0))
    }
    return UInt64(pending[slot].generation) << 32 | UInt64(slot)
  }

  /// Forgets a report: answered, or not submitted after all. Returns what it held.
  @discardableResult
  func unregister(_ token: UInt64) -> (HTTPConnection?, BodyBudget.Reservation?) {
    let slot = Int(token & 0xFFFF_FFFF)
    guard slot < pending.count, pending[slot].generation == UInt32(token >> 32) else {
      return (nil, nil)
    }
    let report = pending[slot]
    pending[slot].connection = nil
    pending[slot].reservation = nil
    pending[slot].generation &+= 1
    freePending.append(slot)
    return (report.connection, report.reservation)
  }

  /// The connection no longer waits for the report, whose memory stays taken until it is answered.
  func detach(_ token: UInt64) {
    let slot = Int(token & 0xFFFF_FFFF)
    guard slot < pending.count, pending[slot].generation == UInt32(token >> 32) else { return }
    pending[slot].connection = nil
  }

  /// From the writer or the log thread: one wake-up for all answers of a group commit.
  func deliver(_ replies: [ReportReply]) {
    let mustSchedule = inbox.withLock { inbox in
      inbox.replies.append(contentsOf: replies)
      defer { inbox.isScheduled = true }
      return !inbox.isScheduled
    }
    if mustSchedule { eventLoop.execute { self.drainReplies() } }
  }

  private func drainReplies() {
    inbox.withLock { inbox in
      swap(&inbox.replies, &drained)
      inbox.isScheduled = false
    }
    for reply in drained {
      let (connection, reservation) = unregister(reply.token)
      if let reservation { shared.budget.release(reservation) }
      connection?.reportEnded(reply.outcome)
    }
    drained.removeAll(keepingCapacity: drained.count < 4096)
    if !memoryWaiters.isEmpty { retryMemory() }
  }

  // MARK: - Waiting

  /// Offers `connection` memory again when some has been given back.
  func waitForMemory(_ connection: HTTPConnection) {
    shared.changeMemoryWaiters(by: 1)
    memoryWaiters.append(connection)
    scheduleRetry()
  }

  /// Memory may come back on another loop, which does not know who waits here: so it is asked for
  /// at intervals while somebody waits.
  private func scheduleRetry() {
    guard !isRetryScheduled else { return }
    isRetryScheduled = true
    eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(ServiceLimits.retryInterval)) {
      self.isRetryScheduled = false
      self.retryMemory()
    }
  }

  private func retryMemory() {
    let waiters = memoryWaiters
    memoryWaiters = []
    shared.changeMemoryWaiters(by: -waiters.count)
    // First come, first served, within what each asks for; who gets none lines up again in order.
    for connection in waiters { connection.memoryMayBeFree() }
    if !memoryWaiters.isEmpty { scheduleRetry() }
  }

  /// Resumes `connection` when the writer's queue has room.
  func waitForRoom(_ connection: HTTPConnection) {
    roomWaiters.append(connection)
    awaitRoom()
  }

  private func awaitRoom() {
    guard !isRoomAwaited else { return }
    isRoomAwaited = true
    shared.intake.whenRoom { [self] in
      eventLoop.execute { self.roomIsFree() }
    }
  }

  private func roomIsFree() {
    isRoomAwaited = false
    let waiters = roomWaiters
    roomWaiters = []
    for (index, connection) in waiters.enumerated() {
      guard connection.roomMayBeFree() else {
        // Full again: the rest keeps its order.
        roomWaiters.append(contentsOf: waiters[index...])
        awaitRoom()
        return
      }
    }
  }
}
