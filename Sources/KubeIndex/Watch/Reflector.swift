import Glibc

/// Keeps one kind up to date: carries out what its `WatchMachine` says.
final class Reflector {
  let kind: ObjectKind
  let context: ReflectorContext
  private var machine = WatchMachine()
  private var transfer: ReflectorTransfer?
  /// When the machine's wait is over.
  private var timer: Duration?
  private var listStart = Duration.zero
  private var listedCount = 0
  private var listCount = 0
  private var hasWatched = false

  init(kind: ObjectKind, context: ReflectorContext) {
    self.kind = kind
    self.context = context
  }

  var counters: KubeCounters.Kind { context.counters.kind(kind) }

  // MARK: Time

  func start() { perform(machine.start()) }

  func stop() {
    machine.stop()
    abandonTransfer()
    timer = nil
  }

  /// The next moment at which `tick` has something to do.
  var deadline: Duration? {
    let silence = silenceDeadline
    guard let timer else { return silence }
    return silence.map { min($0, timer) } ?? timer
  }

  /// Until its initial events have ended, a streaming list must not fall silent.
  private var silenceDeadline: Duration? {
    guard machine.isListing, let transfer, transfer.request.isStream, transfer.isOpen else {
      return nil
    }
    return transfer.lastByteAt + context.blockedTime
      + .seconds(KubeIndexLimits.streamSilenceSeconds)
  }

  func tick(now: Duration) {
    if let timer, timer <= now {
      self.timer = nil
      perform(machine.timerFired())
    } else if let silenceDeadline, silenceDeadline <= now {
      fail(.notStreaming, reason: "the initial events have stopped")
    }
  }

  // MARK: The transfer's inputs

  func opened(_ transfer: ReflectorTransfer) {
    perform(transfer.request.isStream ? machine.opened(now: context.now) : machine.pageOpened())
    context.statuses.succeeded(kind, isReady: !machine.isListing)
  }

  /// False: the stream is given up.
  func received(line: UnsafeRawBufferPointer) -> Bool {
    counters.lastEventSeconds.set(time(nil))
    do {
      try received(WatchLine(line, parser: context.parser))
    } catch {
      if context.isDebug { context.emit(.received(kind, type: "MALFORMED", object: Array(line))) }
      switch error {
      case let fault as JSONFault: failMalformed(fault.message)
      case let fault as RecordBuilder.Fault: failMalformed(fault.message)
      default: failMalformed("\(error)")
      }
    }
    return transfer != nil
  }

  private func received(_ line: WatchLine) throws {
    counters.events.add(1)
    switch line {
    case .applied(let isNew, let object, let version):
      let record = try context.record(kind, object)
      take(.applied(resourceVersion: version), record, isNew ? "ADDED" : "MODIFIED", object)
    case .deleted(let object, let version):
      let record = try context.record(kind, object)
      take(.deleted(resourceVersion: version), record, "DELETED", object)
    case .bookmark(let object, let version, let isEnd):
      if context.isDebug {
        context.emit(.received(kind, type: "BOOKMARK", object: object.text))
      }
      perform(
        machine.received(
          .bookmark(resourceVersion: version, initialEventsEnd: isEnd), now: context.now,
          jitter: context.jitter))
    case .error(let status, let object):
      guard let transfer else { return }
      if context.isDebug { context.emit(.received(kind, type: "ERROR", object: object.text)) }
      fail(
        .status(status.code, retryAfterSeconds: status.retryAfterSeconds),
        reason: status.reason(request: transfer.request, kind: kind))
    }
  }

  private func take(
    _ input: WatchInput, _ record: ObjectRecord, _ type: String, _ object: JSONValue
  ) {
    let action = machine.received(input, now: context.now, jitter: context.jitter)
    switch action {
    case .apply:
      if machine.isListing { listedCount += 1 }
      context.send(.applied(record))
      context.emitObject(kind, type: type, object)
    case .delete:
      context.send(.deleted(record))
      context.emitObject(kind, type: type, object)
    default: perform(action)
    }
  }

  func received(page body: UnsafeRawBufferPointer) {
    transfer = nil
    counters.lastEventSeconds.set(time(nil))
    do {
      let page = try ListPage(body, parser: context.parser)
      var fault: String?
      page.forEachItem { item in
        guard fault == nil else { return }
        do throws(RecordBuilder.Fault) {
          context.send(.applied(try context.record(kind, item)))
          listedCount += 1
          context.emitObject(kind, type: "LISTED", item)
        } catch {
          fault = error.message
        }
      }
      if let fault {
        failMalformed(fault)
      } else {
        perform(
          machine.page(
            resourceVersion: page.resourceVersion, continueToken: page.continueToken))
      }
    } catch {
      failMalformed(error.message)
    }
  }

  func refused(_ status: APIStatus, of refused: ReflectorTransfer) {
    transfer = nil
    let failure: WatchFailure
    if status.code == 401,
      context.credentials.refresh(
        refused: refused.authorization, nowSeconds: context.nowSeconds)
    {
      failure = .unauthorizedWithFreshToken
    } else {
      failure = .status(status.code, retryAfterSeconds: status.retryAfterSeconds)
    }
    fail(failure, reason: status.reason(request: refused.request, kind: kind))
  }

  func broke(_ error: TransportError) {
    transfer = nil
    fail(.transport, reason: error.message)
  }

  func ended() {
    transfer = nil
    if machine.isListing {
      return fail(.notStreaming, reason: "the initial events have no end")
    }
    perform(machine.ended(now: context.now, jitter: context.jitter))
    context.emit(.resumed(kind, reason: "the stream has ended"))
  }

  func tooLong() {
    fail(
      .tooLong,
      reason: "more than \(KubeIndexLimits.maximumLineByteCount) bytes in one event")
  }

  // MARK: Failures

  private func failMalformed(_ message: String) {
    counters.malformedEvents.add(1)
    fail(.malformed, reason: "malformed answer: \(message)")
  }

  private func fail(_ failure: WatchFailure, reason: String) {
    context.statuses.failed(kind, reason: reason)
    let verb: KubeEvent.Verb = machine.isListing ? .list : .watch
    let action = machine.failed(failure, now: context.now, jitter: context.jitter)
    guard case .wait(let delay, let relists) = action else { return perform(action) }
    wait(delay)
    context.emit(
      .failed(kind, verb, reason: reason, retryMilliseconds: delay.wholeMilliseconds))
    if relists, verb == .watch { context.emit(.relisting(kind, reason: reason)) }
  }

  // MARK: Actions

  private func perform(_ action: WatchAction) {
    switch action {
    case .nothing, .apply, .delete: break
    case .send(let request): send(request)
    case .beginRelist:
      listedCount = 0
      context.send(.relistBegan(kind))
    case .endRelist:
      endList()
      hasWatched = true
    case .endRelistAndSend(let request):
      endList()
      send(request)
    case .wait(let delay, _): wait(delay)
    }
  }

  private func wait(_ delay: Duration) {
    abandonTransfer()
    timer = context.now + delay
  }

  private func endList() {
    context.send(.relistEnded(kind))
    context.flush()
    listCount += 1
    context.emit(
      .listed(
        kind, objects: listedCount,
        milliseconds: (context.now - listStart).wholeMilliseconds))
  }

  private func abandonTransfer() {
    guard let transfer else { return }
    self.transfer = nil
    transfer.isAbandoned = true
    if let id = transfer.id { context.multi.cancel(id) }
  }

  private func send(_ request: WatchRequest) {
    abandonTransfer()
    count(request)
    let timeout = Int.random(in: KubeIndexLimits.watchTimeoutSeconds)
    let url = request.url(base: context.endpoint.baseURL, kind: kind, timeoutSeconds: timeout)
    var headers = [
      (name: "Accept", value: "application/json"), (name: "User-Agent", value: "aggregator"),
    ]
    let authorization = context.credentials.authorization(nowSeconds: context.nowSeconds)
    if let authorization { headers.append((name: "Authorization", value: authorization)) }
    let limit =
      request.isStream
      ? timeout + KubeIndexLimits.watchGraceSeconds : KubeIndexLimits.listTimeoutSeconds
    let http = HTTPRequest(
      url: url, headers: headers, tls: context.credentials.tls(nowSeconds: context.nowSeconds),
      totalTimeout: .seconds(limit), acceptsCompressed: !request.isStream)
    if context.isDebug { context.emit(.requested(kind, request.verb, url: url)) }
    let transfer = ReflectorTransfer(
      request: request, authorization: authorization, reflector: self)
    self.transfer = transfer
    transfer.id = context.multi.start(http, delegate: transfer)
  }

  private func count(_ request: WatchRequest) {
    switch request {
    case .stream, .list:
      listStart = context.now
      if listCount > 0 { counters.relists.add(1) }
      hasWatched = false
    case .watch:
      if hasWatched { counters.restarts.add(1) }
      hasWatched = true
    case .listMore: break
    }
  }
}
