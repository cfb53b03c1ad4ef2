import Ingest
import NIOCore

/// A report's way from its head to the writer and back.
extension HTTPConnection {
  // MARK: - Checks before the body

  func beginReport() {
    bodyStart = NIODeadline.now().uptimeNanoseconds
    shared.noteReport(at: bodyStart)
    let limit = shared.maximumBodyByteCount
    switch request.framing {
    case .none:
      shared.counters.countRefusal(.noLength)
      return answerEarly(
        HTTPAnswer(error: "send Content-Length or Transfer-Encoding: chunked", status: 411))
    case .length(let count) where count > limit:
      shared.counters.countRefusal(.tooLarge)
      return answerLast(tooLarge)
    case .length, .chunked:
      break
    }
    if let unsupported {
      shared.counters.countRefusal(.unsupported)
      return answerEarly(unsupported)
    }
    if let refusal = shared.refusal {
      shared.counters.countRefusal(.turnedAway)
      return answerEarly(HTTPAnswer(unavailable: refusal))
    }
    startBody()
  }

  /// The answer to a head that asks for what is not spoken here.
  private var unsupported: HTTPAnswer? {
    if !request.isJSON {
      return HTTPAnswer(error: "send Content-Type: application/json, or none", status: 415)
    }
    if request.contentEncoding == .unknown {
      return HTTPAnswer(
        error: "send Content-Encoding: gzip or identity, or none", status: 415,
        fields: "Accept-Encoding: gzip, identity\r\n")
    }
    if request.expectation == .unknown {
      return HTTPAnswer(error: "the only expectation known is 100-continue", status: 417)
    }
    return nil
  }

  private var tooLarge: HTTPAnswer {
    HTTPAnswer(
      error: "the body is larger than \(shared.maximumBodyByteCount) bytes", status: 413)
  }

  /// Reserves memory for the body as sent and begins to read it. A body of unknown length begins
  /// small.
  private func startBody() {
    var capacity = min(ServiceLimits.smallBodyByteCount, shared.maximumBodyByteCount)
    if case .length(let count) = request.framing { capacity = count }
    guard
      let reservation = shared.budget.tryReserve(
        capacity + ReportBody.paddingByteCount,
        from: capacity <= ServiceLimits.smallBodyByteCount ? .small : .large)
    else {
      return waitForMemory(.start)
    }
    self.reservation = reservation
    body = ReportBody(capacity: capacity)
    remaining = capacity
    chunks = ChunkedDecoder(maximumByteCount: shared.maximumBodyByteCount)
    if request.expectation == .continue100 { writeContinue() }
    startBodyClock()
    state = .body
  }

  private func startBodyClock() {
    bodyStart = NIODeadline.now().uptimeNanoseconds
    deadline = uptime(plus: ServiceLimits.bodyTimeout)
  }

  // MARK: - Reading

  /// Takes bytes of the body; false when more must come.
  func takeBody(_ bytes: inout ByteBuffer) -> Bool {
    guard case .length = request.framing else { return takeChunks(&bytes) }
    let count = min(remaining, bytes.readableBytes)
    let isTaken = bytes.readWithUnsafeReadableBytes { source -> (Int, Bool) in
      (count, body?.tryAppend(UnsafeRawBufferPointer(rebasing: source[0..<count])) ?? false)
    }
    precondition(isTaken, "the body was made as large as its length")
    remaining -= count
    guard remaining == 0 else { return false }
    bodyEnded()
    return true
  }

  private func takeChunks(_ bytes: inout ByteBuffer) -> Bool {
    while state == .body {
      let before = chunks
      switch bytes.withUnsafeReadableBytes({ chunks.next($0) }) {
      case .needsMore:
        return false
      case .skip(let count):
        bytes.moveReaderIndex(forwardBy: count)
      case .data(let count):
        guard let body else { return false }
        guard count <= body.capacity - body.count else {
          chunks = before
          growBody()
          continue
        }
        _ = bytes.readWithUnsafeReadableBytes { source -> (Int, Bool) in
          (count, body.tryAppend(UnsafeRawBufferPointer(rebasing: source[0..<count])))
        }
      case .end:
        bodyEnded()
      case .refused(let refusal):
        let isTooLarge = refusal.status == 413
        shared.counters.countRefusal(isTooLarge ? .tooLarge : .badEncoding)
        answerLast(
          isTooLarge ? tooLarge : HTTPAnswer(error: refusal.message, status: refusal.status))
      }
    }
    return true
  }

  /// A chunked body is no longer small: it moves to a buffer for the largest.
  private func growBody() {
    let limit = shared.maximumBodyByteCount
    guard let body,
      let larger = shared.budget.tryReserve(limit + ReportBody.paddingByteCount, from: .large)
    else {
      return waitForMemory(.grow)
    }
    let grown = ReportBody(capacity: limit)
    _ = grown.tryAppend(body.bytes)
    releaseBody()
    self.body = grown
    reservation = larger
    startBodyClock()
    state = .body
  }

  func bodyIsTooSlow(_ now: UInt64) -> Bool {
    if now >= deadline { return true }
    let elapsed = now - min(now, bodyStart)
    if elapsed > UInt64(TimeAmount(ServiceLimits.bodyGrace).nanoseconds) {
      let needed = elapsed / 1_000_000_000 * UInt64(ServiceLimits.minimumBodyBytesPerSecond)
      if UInt64(body?.count ?? 0) < needed { return true }
    }
    return shared.isMemoryShort
      && elapsed > UInt64(TimeAmount(ServiceLimits.bodyTimeoutUnderPressure).nanoseconds)
  }

  // MARK: - To the writer

  private func bodyEnded() {
    shared.counters.bodyBytes.add(body?.count ?? 0)
    if request.contentEncoding == .gzip { inflate() } else { shrinkAndSubmit() }
  }

  /// Puts what the compressed body holds in its place.
  private func inflate() {
    guard let compressed = body else { return }
    let limit = shared.maximumBodyByteCount
    let capacity = GzipDecoder.claimedByteCount(compressed.bytes, limit: limit)
    guard
      let inflated = shared.budget.tryReserve(
        capacity + ReportBody.paddingByteCount, from: .inflated)
    else {
      return waitForMemory(.inflate)
    }
    let output = ReportBody(capacity: capacity)
    do throws(GzipDecoder.Failure) {
      guard let gzip = loop.gzip else { throw .noMemory }
      try gzip.decode(compressed.bytes, into: output, limit: limit)
    } catch {
      shared.budget.release(inflated)
      releaseBody()
      switch error {
      case .tooLarge:
        shared.counters.countRefusal(.tooLarge)
        return answerLast(tooLarge)
      case .bad(let reason):
        shared.counters.countRefusal(.badEncoding)
        return answer(HTTPAnswer(error: reason, status: 400, path: ""))
      case .noMemory:
        shared.counters.countRefusal(.turnedAway)
        return answer(HTTPAnswer(unavailable: "no memory to decompress the body"))
      }
    }
    releaseBody()
    body = output
    reservation = inflated
    submit()
  }

  /// A body of unknown length has been given more room than it needs, which others can use.
  private func shrinkAndSubmit() {
    if let body, request.framing == .chunked, body.capacity > 2 * body.count + 4096,
      let smaller = shared.budget.tryReserve(
        body.count + ReportBody.paddingByteCount, from: .inflated)
    {
      let exact = ReportBody(capacity: body.count)
      _ = exact.tryAppend(body.bytes)
      releaseBody()
      self.body = exact
      reservation = smaller
    }
    submit()
  }

  private func submit() {
    bodyStart = NIODeadline.now().uptimeNanoseconds
    if !trySubmit() {
      state = .waitingForRoom
      loop.waitForRoom(self)
    }
  }

  private func trySubmit() -> Bool {
    guard let body else { return true }
    token = loop.register(self, reservation)
    guard shared.intake.trySubmit(body, token: token, sink: loop) else {
      loop.unregister(token)
      return false
    }
    // From here on the writer owns the body, and the loop gives its memory back with the answer.
    self.body = nil
    reservation = nil
    state = .waitingForReply
    deadline = uptime(plus: ServiceLimits.replyTimeout)
    return true
  }

  // MARK: - Waiting

  private func waitForMemory(_ need: MemoryNeed) {
    state = .waitingForMemory(need)
    loop.waitForMemory(self)
  }

  /// Some memory has come back: try again what had to wait.
  func memoryMayBeFree() {
    guard case .waitingForMemory(let need) = state else { return }
    switch need {
    case .start: startBody()
    case .grow: growBody()
    case .inflate: inflate()
    }
    if case .waitingForMemory = state { return }
    resume()
  }

  /// The writer's queue has room: false when it is full again.
  func roomMayBeFree() -> Bool {
    guard state == .waitingForRoom else { return true }
    return trySubmit()
  }

  func releaseBody() {
    body = nil
    if let reservation { shared.budget.release(reservation) }
    reservation = nil
  }

  // MARK: - The answer

  /// What became of the submitted report.
  func reportEnded(_ outcome: ReportOutcome) {
    guard state == .waitingForReply else { return }
    shared.counters.replySeconds.observe(
      nanoseconds: NIODeadline.now().uptimeNanoseconds - bodyStart)
    switch outcome {
    case .accepted:
      answerAccepted()
    case .refused(let path, let message):
      answer(HTTPAnswer(error: message, status: 400, path: path))
    case .unavailable(let message):
      answer(HTTPAnswer(unavailable: message))
    }
    resume()
  }

  /// The report is not durable in time. It may still become so; then its retry is a duplicate.
  func replyIsLate() {
    loop.detach(token)
    shared.counters.replyTimeouts.add()
    answer(HTTPAnswer(unavailable: "the report is not yet durable"))
    resume()
  }
}
