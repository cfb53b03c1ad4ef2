import Ingest
import NIOCore

/// One connection: reads requests one by one, gathers reports, writes answers in order.
///
/// One request is in flight at a time: while a report waits for its answer, bytes of the next
/// request stay in `inbound` and the socket is read no further. All methods run on the event loop.
/// What happens to a report's body is in `HTTPConnection+Body.swift`.
final class HTTPConnection: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  enum State: Equatable {
    /// Between two requests, or inside a head.
    case head
    /// Inside a report's body.
    case body
    /// The body needs memory that is not to be had now.
    case waitingForMemory(MemoryNeed)
    /// The body is whole, but the writer's queue is full.
    case waitingForRoom
    /// Submitted.
    case waitingForReply
    /// Answered early: the rest of an unwanted body is read and dropped.
    case discarding
    /// Answered for the last time: what still comes is dropped until the other side ends.
    case lingering
    case closed
  }

  enum MemoryNeed: Equatable {
    /// For the body as its length says.
    case start
    /// For a body of unknown length that is no longer small.
    case grow
    /// For what the compressed body becomes.
    case inflate
  }

  let loop: LoopContext
  var shared: HTTPShared { loop.shared }
  var state = State.head
  /// Uptime in nanoseconds at which the state has lasted too long.
  var deadline = UInt64.max
  private(set) var context: ChannelHandlerContext?
  private var slot = 0
  private var isActive = false
  private var isReading = false
  private var inputEnded = false
  private var headHasBegun = false
  /// Something was written and may not have left yet.
  private var mayHaveUnsent = false
  private var writeDeadline = UInt64.max
  private var parser = RequestHeadParser()
  /// Bytes received and not yet taken.
  private var inbound = ByteBuffer()

  // The request in flight.
  var request = HTTPConnection.noRequest
  var body: ReportBody?
  var reservation: BodyBudget.Reservation?
  /// Bytes of the body, as its length says, that have not been taken.
  var remaining = 0
  var chunks = ChunkedDecoder(maximumByteCount: 0)
  var bodyStart: UInt64 = 0
  var token: UInt64 = 0

  static let noRequest = RequestHead(
    method: .other, route: nil, isVersion11: true, keepAlive: true)

  init(loop: LoopContext) {
    self.loop = loop
  }

  // MARK: - Channel events

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    self.context = nil
  }

  func channelActive(context: ChannelHandlerContext) {
    isActive = true
    slot = loop.add(self)
    deadline = uptime(plus: ServiceLimits.idleTimeout)
    readIfWanted()
  }

  func channelInactive(context: ChannelHandlerContext) {
    if isActive { loop.remove(slot) }
    isActive = false
    if state == .waitingForReply { loop.detach(token) }
    releaseBody()
    inbound = ByteBuffer()
    state = .closed
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    isReading = false
    var bytes = unwrapInboundIn(data)
    if state == .lingering || state == .closed { return drop(bytes.readableBytes) }
    if inbound.readableBytes == 0 {
      process(&bytes)
      guard bytes.readableBytes > 0, state != .closed else { return }
      if state == .lingering { return drop(bytes.readableBytes) }
      // A copy, so that NIO's receive buffer stays free for the next read.
      if inbound.capacity < bytes.readableBytes {
        inbound = context.channel.allocator.buffer(capacity: bytes.readableBytes)
      }
      inbound.clear()
      inbound.writeBuffer(&bytes)
      startHeadClock()
    } else {
      inbound.writeBuffer(&bytes)
      processInbound()
    }
    // We stop reading long before this, but once the other side has ended, NIO reads all that the
    // system holds of it, which is megabytes.
    if inbound.readableBytes > ServiceLimits.maximumWaitingByteCount { close() }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    readIfWanted()
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable { resume() }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case ChannelEvent.inputClosed = event {
      inputEnded = true
      switch state {
      case .head, .body, .discarding, .lingering: close()
      default: break
      }
    }
    context.fireUserInboundEventTriggered(event)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    close()
  }

  // MARK: - Input

  /// Goes on with bytes that had to wait, then reads more.
  func resume() {
    processInbound()
    readIfWanted()
  }

  private func processInbound() {
    var bytes = inbound
    inbound = ByteBuffer()
    process(&bytes)
    if state == .closed || state == .lingering { return drop(bytes.readableBytes) }
    if bytes.readableBytes > 0 {
      bytes.discardReadBytes()
      inbound = bytes
      startHeadClock()
    }
    if inputEnded, state == .head || state == .body || state == .discarding { close() }
  }

  /// A head has begun. Further bytes of it do not move its deadline. While earlier answers are not
  /// read it is we who do not read the head.
  private func startHeadClock() {
    guard state == .head, !headHasBegun, context?.channel.isWritable == true else { return }
    headHasBegun = true
    deadline = uptime(plus: ServiceLimits.headTimeout)
  }

  /// Takes what can be taken of `bytes`.
  private func process(_ bytes: inout ByteBuffer) {
    while true {
      switch state {
      case .head:
        guard bytes.readableBytes > 0, context?.channel.isWritable == true else { return }
        guard readHead(&bytes) else { return }
      case .body:
        guard takeBody(&bytes) else { return }
      case .discarding:
        let count = min(remaining, bytes.readableBytes)
        bytes.moveReaderIndex(forwardBy: count)
        remaining -= count
        guard remaining == 0 else { return }
        requestEnded()
      case .waitingForMemory, .waitingForRoom, .waitingForReply, .lingering, .closed:
        return
      }
    }
  }

  /// False: the head is not whole yet.
  private func readHead(_ bytes: inout ByteBuffer) -> Bool {
    switch bytes.withUnsafeReadableBytes({ parser.parse($0) }) {
    case .incomplete:
      return false
    case .head(let head, let byteCount):
      bytes.moveReaderIndex(forwardBy: byteCount)
      request = head
      beginRequest()
    case .refused(let refusal):
      request = Self.noRequest
      answerLast(HTTPAnswer(error: refusal.message, status: refusal.status))
    }
    return true
  }

  /// Bytes that come after the last answer are dropped, and no more of them than a fixed number.
  private func drop(_ count: Int) {
    remaining -= count
    if state == .lingering, remaining <= 0 { close() }
  }

  private var wantsInput: Bool {
    switch state {
    case .head: context?.channel.isWritable == true
    case .body, .discarding, .lingering: true
    // One read ahead, so that a client which has gone is noticed; no more while that waits.
    case .waitingForRoom, .waitingForReply: inbound.readableBytes == 0
    case .waitingForMemory, .closed: false
    }
  }

  func readIfWanted() {
    guard !isReading, wantsInput, let context else { return }
    isReading = true
    context.read()
  }

  // MARK: - Requests

  private func beginRequest() {
    guard let route = request.route else {
      return answerEarly(HTTPAnswer(error: "no such path", status: 404))
    }
    switch request.method {
    case .get, .head:
      answerEarly(shared.answer(to: route))
    case .post where route == .metrics:
      beginReport()
    case .post, .other:
      answerEarly(
        HTTPAnswer(
          error: "this path allows \(route.allowed)", status: 405,
          fields: "Allow: \(route.allowed)\r\n"))
    }
  }

  /// The request has been answered and all of it has been read.
  func requestEnded() {
    request = Self.noRequest
    state = .head
    headHasBegun = false
    deadline = uptime(plus: ServiceLimits.idleTimeout)
  }

  // MARK: - Answers

  /// Answers a request whose body, if any, is not wanted.
  func answerEarly(_ answer: HTTPAnswer) {
    switch request.framing {
    case .none, .length(0):
      self.answer(answer)
    case .length(let count)
    where count <= ServiceLimits.maximumDiscardByteCount && request.expectation == .none
      && request.keepAlive && shared.phase == .serving:
      write(answer, closes: false)
      remaining = count
      state = .discarding
      deadline = uptime(plus: ServiceLimits.headTimeout)
    case .length, .chunked:
      answerLast(answer)
    }
  }

  /// Answers a request of which nothing is left to read.
  func answer(_ answer: HTTPAnswer) {
    if closesAfterAnswer {
      answerLast(answer, isWhole: true)
    } else {
      write(answer, closes: false)
      requestEnded()
    }
  }

  /// Answers and ends the connection. Unless the request `isWhole`, its rest is dropped first: the
  /// system answers unread bytes with a reset, which can overtake the answer.
  func answerLast(_ answer: HTTPAnswer, isWhole: Bool = false) {
    let promise = context?.eventLoop.makePromise(of: Void.self)
    beginLast(isWhole: isWhole, promise)
    write(answer, closes: true, promise)
  }

  /// The answer to an accepted report, which is kept ready.
  func answerAccepted() {
    shared.counters.countAnswer(status: 200, isReport: true)
    mayHaveUnsent = true
    guard closesAfterAnswer else {
      context?.writeAndFlush(wrapOutboundOut(loop.accepted), promise: nil)
      return requestEnded()
    }
    let promise = context?.eventLoop.makePromise(of: Void.self)
    beginLast(isWhole: true, promise)
    context?.writeAndFlush(wrapOutboundOut(loop.acceptedLast), promise: promise)
  }

  private var closesAfterAnswer: Bool {
    !request.keepAlive || shared.phase != .serving
  }

  private func beginLast(isWhole: Bool, _ written: EventLoopPromise<Void>?) {
    releaseBody()
    state = .lingering
    remaining = ServiceLimits.maximumDiscardByteCount
    deadline = uptime(plus: ServiceLimits.writeTimeout)
    let isDone = inputEnded || (isWhole && inbound.readableBytes == 0)
    written?.futureResult.assumeIsolated().whenComplete { _ in
      guard self.state == .lingering, !isDone, !self.inputEnded else { return self.close() }
      self.deadline = self.uptime(plus: ServiceLimits.lingerTimeout)
      self.context?.close(mode: .output, promise: nil)
      self.readIfWanted()
    }
  }

  private func write(
    _ answer: HTTPAnswer, closes: Bool, _ promise: EventLoopPromise<Void>? = nil
  ) {
    guard let context else {
      promise?.succeed()
      return
    }
    shared.counters.countAnswer(
      status: answer.status, isReport: request.method == .post && request.route == .metrics)
    var buffer = context.channel.allocator.buffer(capacity: answer.body.count + 256)
    answer.write(
      to: &buffer, date: loop.date, closes: closes, isHead: request.method == .head)
    mayHaveUnsent = true
    context.writeAndFlush(wrapOutboundOut(buffer), promise: promise)
  }

  func writeContinue() {
    guard let context else { return }
    context.writeAndFlush(
      wrapOutboundOut(ByteBuffer(staticString: "HTTP/1.1 100 Continue\r\n\r\n")), promise: nil)
  }

  // MARK: - The end

  func close() {
    guard state != .closed else { return }
    if state == .waitingForReply { loop.detach(token) }
    state = .closed
    releaseBody()
    context?.close(promise: nil)
  }

  /// At the end of the service: nothing is in flight here.
  func closeIfIdle() {
    if state == .head && inbound.readableBytes == 0 { close() }
  }

  /// Looks at the deadlines.
  func tick(_ now: UInt64) {
    if mayHaveUnsent, readerIsTooSlow(now) {
      shared.counters.slowConnections.add()
      return close()
    }
    switch state {
    case .body where bodyIsTooSlow(now):
      shared.counters.slowConnections.add()
      shared.counters.countRefusal(.tooSlow)
      answerLast(HTTPAnswer(error: "the body came too slowly", status: 408))
    case .head where now >= deadline && inbound.readableBytes > 0:
      shared.counters.slowConnections.add()
      answerLast(HTTPAnswer(error: "the request head came too slowly", status: 408))
    case .waitingForReply where now >= deadline:
      replyIsLate()
    case .head, .discarding, .lingering:
      if now >= deadline { close() }
    case .body, .waitingForMemory, .waitingForRoom, .waitingForReply, .closed:
      break
    }
  }

  /// Whether bytes have been unsent at every look for as long as is allowed. That a reader takes
  /// some of them now and then does not help it.
  private func readerIsTooSlow(_ now: UInt64) -> Bool {
    let unsent = try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)
    guard let unsent, unsent > 0 else {
      mayHaveUnsent = false
      writeDeadline = .max
      return false
    }
    if writeDeadline == .max { writeDeadline = uptime(plus: shared.writeTimeout) }
    return now >= writeDeadline
  }

  func uptime(plus duration: Duration) -> UInt64 {
    NIODeadline.now().uptimeNanoseconds + UInt64(clamping: TimeAmount(duration).nanoseconds)
  }
}
