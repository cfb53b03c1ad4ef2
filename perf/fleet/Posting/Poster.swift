import CFleet
import Glibc

/// Posts reports over many keep-alive connections, one report on each at a time, on one thread: an
/// edge-triggered epoll loop. When an answer is there, the connection's next report is rendered and
/// sent at once.
final class Poster {
  struct Options {
    var connectionCount: Int
    var timeoutNanos: Int64
    var retries: Bool
    var compresses: Bool
    /// Latencies of reports due earlier do not count.
    var measureFromNanos: Int64 = 0
  }

  /// Whose a body is.
  struct Report {
    var node: Int
    var timestampMicros: Int64
    var rows: Int
  }

  private let target: Target
  private let options: Options
  private let head: String
  private let epoll: Int32
  private var connections: [Connection] = []
  private var idle: [Connection] = []
  private var events: UnsafeMutablePointer<epoll_event>
  private let compressor: Compressor?
  private var body = ByteWriter(capacity: 64 * 1024)
  private var lastSweepNanos: Int64 = 0
  /// Connections that wait for a time, not for an event.
  private var waitingCount = 0

  private(set) var tally = Tally()
  /// Called for every acknowledged report.
  var onAcknowledged: (Connection) throws -> Void = { _ in }

  private static let eventCapacity = 256
  /// Room before the body for the request's head.
  private static let headRoom = 1024
  private static let sweepNanos: Int64 = 5_000_000
  private static let restNanos: Int64 = 20_000_000

  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  init(target: Target, options: Options) throws {
    self.target = target
    self.options = options
    head = target.requestHead(compressed: options.compresses)
    guard head.utf8.count + 24 < Poster.headRoom else {
      throw Failure(description: "the target's URL is too long")
    }
    compressor = options.compresses ? try Compressor() : nil
    epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
    guard epoll >= 0 else {
      throw Failure(description: "epoll: \(String(cString: strerror(errno)))")
    }
    events = .allocate(capacity: Poster.eventCapacity)
    for number in 0..<options.connectionCount {
      connections.append(Connection(number: number))
    }
    idle = connections.reversed()
  }

  deinit {
    for connection in connections where connection.descriptor >= 0 { close(connection.descriptor) }
    close(epoll)
    events.deallocate()
  }

  var hasIdleConnection: Bool {
    !idle.isEmpty
  }

  /// Reports sent or waiting to be.
  var inFlightCount: Int {
    connections.count - idle.count
  }

  /// Takes an idle connection, lets `render` write a body for it, and sends it. There must be one.
  /// Returns false if `render` has no more reports.
  func post(
    dueNanos: Int64?, render: (inout ByteWriter) throws -> Report?
  ) throws -> Bool {
    guard let connection = idle.popLast() else { return true }
    connection.request.clear()
    _ = connection.request.reserve(Poster.headRoom)
    connection.request.advance(Poster.headRoom)
    let report: Report?
    if let compressor {
      body.clear()
      report = try render(&body)
      compressor.append(
        UnsafeMutableRawBufferPointer(start: body.base, count: body.count), to: &connection.request)
    } else {
      report = try render(&connection.request)
    }
    guard let report else {
      idle.append(connection)
      return false
    }
    connection.node = report.node
    connection.timestampMicros = report.timestampMicros
    connection.rows = report.rows
    connection.attempt = 0
    prependHead(to: connection)
    connection.startNanos = dueNanos ?? CalendarTime.monotonicNanos()
    try begin(connection)
    return true
  }

  /// Writes the head right before the body.
  private func prependHead(to connection: Connection) {
    let length = connection.request.count - Poster.headRoom
    var digits = 1
    var limit = 10
    while length >= limit {
      digits += 1
      limit *= 10
    }
    let headCount = head.utf8.count
    connection.requestStart = Poster.headRoom - headCount - digits - 4
    var cursor = connection.request.base + connection.requestStart
    var head = head
    head.withUTF8 { bytes in
      if let source = bytes.baseAddress { memcpy(cursor, source, headCount) }
    }
    cursor += headCount
    var rest = length
    for position in stride(from: digits - 1, through: 0, by: -1) {
      cursor[position] = UInt8(ascii: "0") + UInt8(rest % 10)
      rest /= 10
    }
    cursor += digits
    cursor[0] = 13
    cursor[1] = 10
    cursor[2] = 13
    cursor[3] = 10
  }

  /// Starts an attempt to send what the connection holds.
  private func begin(_ connection: Connection) throws {
    connection.attempt += 1
    tally.attempts += 1
    if connection.attempt > 1 { tally.retries += 1 }
    connection.sentCount = 0
    connection.answer.clear()
    connection.state = .sending
    connection.deadlineNanos = CalendarTime.monotonicNanos() + options.timeoutNanos
    if connection.descriptor < 0 {
      guard let descriptor = target.connectSocket() else {
        tally.connectFailures += 1
        try fail(connection, retryAfterNanos: nil)
        return
      }
      connection.descriptor = descriptor
      tally.connections += 1
      var event = epoll_event()
      event.events =
        EPOLLIN.rawValue | EPOLLOUT.rawValue | EPOLLRDHUP.rawValue | EPOLLET.rawValue
      event.data.u64 = UInt64(connection.number)
      guard epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) == 0 else {
        throw Failure(description: "epoll_ctl: \(String(cString: strerror(errno)))")
      }
      // The first edge tells that the connection stands.
      return
    }
    try send(connection)
  }

  private func send(_ connection: Connection) throws {
    let total = connection.request.count - connection.requestStart
    while connection.sentCount < total {
      let written = Glibc.send(
        connection.descriptor,
        connection.request.base + connection.requestStart + connection.sentCount,
        total - connection.sentCount, Int32(MSG_NOSIGNAL))
      if written < 0 {
        if errno == EINTR { continue }
        if errno == EAGAIN || errno == ENOTCONN { return }
        // A refusal may have come before the body was sent whole: read it first.
        try receive(connection, isClosed: true)
        return
      }
      connection.sentCount += written
      tally.bytesSent += written
    }
    connection.state = .awaitingAnswer
  }

  /// Reads what is there. `isClosed`: nothing more will come.
  private func receive(_ connection: Connection, isClosed: Bool) throws {
    var isClosed = isClosed
    while connection.descriptor >= 0 {
      let room = connection.answer.reserve(1024)
      let free = connection.answer.capacity - connection.answer.count
      let received = recv(connection.descriptor, room, free, 0)
      if received < 0 {
        if errno == EINTR { continue }
        if errno != EAGAIN { isClosed = true }
        break
      }
      if received == 0 {
        isClosed = true
        break
      }
      connection.answer.advance(received)
      if connection.answer.count > FleetLimits.maximumAnswerBytes { break }
      if received < free { break }
    }
    switch connection.state {
    case .sending, .awaitingAnswer:
      try settle(connection, isClosed: isClosed)
    case .idle, .waitingToRetry, .resting:
      // The server ended a connection that had nothing to do.
      if isClosed { disconnect(connection) }
    }
  }

  /// Decides what an attempt came to, if its answer is whole.
  private func settle(_ connection: Connection, isClosed: Bool) throws {
    switch Answer.parse(connection.answer.bytes) {
    case .incomplete:
      if connection.answer.count > FleetLimits.maximumAnswerBytes {
        tally.malformedAnswers += 1
        try fail(connection, retryAfterNanos: nil)
      } else if isClosed {
        tally.closedEarly += 1
        try fail(connection, retryAfterNanos: nil)
      }
    case .malformed:
      tally.malformedAnswers += 1
      try fail(connection, retryAfterNanos: nil)
    case .complete(let answer):
      let isWhole = connection.state == .awaitingAnswer
      tally.statuses[answer.status, default: 0] += 1
      if answer.closes || isClosed || !isWhole { disconnect(connection) }
      if answer.status == 200 {
        try acknowledge(connection)
        return
      }
      if tally.firstRefusal == nil { tally.firstRefusal = excerpt(connection, answer) }
      let retryable = answer.status == 503 || answer.status == 429 || answer.status == 500
      let delay = answer.retryAfterSeconds.map { $0 * 1_000_000_000 }
      try giveUpOrRetry(connection, retryable: retryable, retryAfterNanos: delay)
    }
  }

  private func excerpt(_ connection: Connection, _ answer: Answer) -> String {
    let end = min(answer.byteCount, answer.bodyStart + 300, connection.answer.count)
    let bytes = connection.answer.bytes[answer.bodyStart..<max(end, answer.bodyStart)]
    return "\(answer.status) \(String(decoding: bytes, as: UTF8.self))"
  }

  private func acknowledge(_ connection: Connection) throws {
    let elapsed = CalendarTime.monotonicNanos() - connection.startNanos
    if connection.startNanos >= options.measureFromNanos {
      tally.latency.record(micros: UInt64(max(elapsed, 0) / 1000))
    }
    tally.acknowledgedReports += 1
    tally.acknowledgedRows += connection.rows
    try onAcknowledged(connection)
    connection.state = .idle
    idle.append(connection)
  }

  /// The connection is of no more use; the report may be.
  private func fail(_ connection: Connection, retryAfterNanos: Int64?) throws {
    disconnect(connection)
    try giveUpOrRetry(connection, retryable: true, retryAfterNanos: retryAfterNanos)
  }

  private func giveUpOrRetry(
    _ connection: Connection, retryable: Bool, retryAfterNanos: Int64?
  ) throws {
    let now = CalendarTime.monotonicNanos()
    if options.retries && retryable {
      let doublings = min(connection.attempt - 1, 10)
      let backoff = min(
        FleetLimits.firstRetryMilliseconds << Int64(doublings),
        FleetLimits.maximumRetryMilliseconds)
      connection.state = .waitingToRetry
      connection.deadlineNanos = now + (retryAfterNanos ?? backoff * 1_000_000)
      waitingCount += 1
      return
    }
    tally.lostReports += 1
    tally.lostRows += connection.rows
    connection.state = .resting
    connection.deadlineNanos = now + (retryable ? Poster.restNanos : 0)
    waitingCount += 1
  }

  private func disconnect(_ connection: Connection) {
    if connection.descriptor >= 0 { close(connection.descriptor) }
    connection.descriptor = -1
  }

  /// Waits for events for at most `maximumNanos` and deals with them.
  func poll(maximumNanos: Int64) throws {
    var wait = max(maximumNanos, 0)
    if waitingCount > 0 { wait = min(wait, Poster.sweepNanos) }
    let milliseconds = Int32(clamping: (wait + 999_999) / 1_000_000)
    let count = epoll_wait(epoll, events, Int32(Poster.eventCapacity), milliseconds)
    for index in 0..<Int(max(count, 0)) {
      let event = events[index]
      let connection = connections[Int(event.data.u64)]
      try handle(event.events, on: connection)
    }
    try sweep()
  }

  private func handle(_ flags: UInt32, on connection: Connection) throws {
    guard connection.descriptor >= 0 else { return }
    if connection.state == .sending && connection.sentCount == 0
      && flags & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0 && connection.answer.count == 0
    {
      var code: Int32 = 0
      var length = socklen_t(MemoryLayout<Int32>.size)
      getsockopt(connection.descriptor, SOL_SOCKET, SO_ERROR, &code, &length)
      if code != 0 {
        tally.connectFailures += 1
        try fail(connection, retryAfterNanos: nil)
        return
      }
    }
    if flags & EPOLLOUT.rawValue != 0 && connection.state == .sending { try send(connection) }
    let readable =
      EPOLLIN.rawValue | EPOLLRDHUP.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue
    if flags & readable != 0 && connection.descriptor >= 0 {
      let ended = flags & (EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0
      try receive(connection, isClosed: ended)
    }
  }

  /// Ends attempts that took too long, makes those again that have waited long enough.
  private func sweep() throws {
    let now = CalendarTime.monotonicNanos()
    guard now - lastSweepNanos >= Poster.sweepNanos else { return }
    lastSweepNanos = now
    for connection in connections where connection.state != .idle {
      guard now >= connection.deadlineNanos else { continue }
      switch connection.state {
      case .idle: break
      case .sending, .awaitingAnswer:
        tally.timeouts += 1
        try fail(connection, retryAfterNanos: nil)
      case .waitingToRetry:
        waitingCount -= 1
        try begin(connection)
      case .resting:
        waitingCount -= 1
        connection.state = .idle
        idle.append(connection)
      }
    }
  }

  /// Gives up what is in flight, as when the end has come: those reports are lost.
  func abandon() {
    for connection in connections where connection.state != .idle {
      if connection.state != .resting {
        tally.lostReports += 1
        tally.lostRows += connection.rows
      }
      disconnect(connection)
      connection.state = .idle
    }
    waitingCount = 0
    idle = connections
  }
}
