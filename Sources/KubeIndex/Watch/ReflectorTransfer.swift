/// One request of a reflector and what comes back: cuts the answer into what the reflector takes.
final class ReflectorTransfer: HTTPTransferDelegate {
  let request: WatchRequest
  var id: HTTPMulti.TransferID?
  /// The reflector has given it up: what still comes is dropped.
  var isAbandoned = false
  /// When bytes came last, on a clock that stands still while changes are handed over.
  private(set) var lastByteAt: Duration
  /// What it is authorized with; nil: nothing.
  let authorization: String?
  /// The head has arrived, with status 200.
  private(set) var isOpen = false

  private let reflector: Reflector
  private let startedAt: Duration
  private var head: HTTPHead?
  private var lines = LineSplitter()
  private var page = PageBuffer(maximumByteCount: KubeIndexLimits.maximumPageByteCount)
  private var errorBody = PageBuffer(maximumByteCount: KubeIndexLimits.maximumErrorByteCount)

  init(request: WatchRequest, authorization: String?, reflector: Reflector) {
    self.request = request
    self.authorization = authorization
    self.reflector = reflector
    startedAt = reflector.context.now
    lastByteAt = startedAt - reflector.context.blockedTime
  }

  private func noteBytes() {
    lastByteAt = reflector.context.now - reflector.context.blockedTime
  }

  func transferDidReceiveHead(_ head: HTTPHead) {
    guard !isAbandoned else { return }
    self.head = head
    noteBytes()
    let duration = reflector.context.now - startedAt
    count(duration, isFailure: head.status != 200)
    if reflector.context.isDebug {
      reflector.context.emit(
        .responded(
          reflector.kind, request.verb, status: head.status,
          milliseconds: duration.wholeMilliseconds))
    }
    guard head.status == 200 else { return }
    isOpen = true
    reflector.opened(self)
  }

  func transferDidReceive(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard !isAbandoned else { return false }
    noteBytes()
    guard isOpen else {
      // What is beyond the limit of an error's text is of no interest.
      _ = errorBody.append(bytes)
      return true
    }
    if request.isStream {
      switch lines.take(bytes, onLine: { reflector.received(line: $0) }) {
      case .taken: return true
      case .stopped: return false
      case .tooLong: reflector.tooLong()
      }
    } else {
      if page.append(bytes) { return true }
      reflector.tooLong()
    }
    return false
  }

  func transferDidEnd(_ error: TransportError?) {
    guard !isAbandoned else { return }
    guard let head else {
      count(reflector.context.now - startedAt, isFailure: true)
      reflector.broke(
        error ?? TransportError(reason: .protocolViolation, message: "no answer at all"))
      return
    }
    if head.status != 200 {
      reflector.refused(
        APIStatus(
          status: head.status, head: head, body: errorBody.bytes, parser: reflector.context.parser),
        of: self)
    } else if let error {
      reflector.broke(error)
    } else if request.isStream {
      reflector.ended()
    } else {
      reflector.received(page: page.bytes)
    }
  }

  private func count(_ duration: Duration, isFailure: Bool) {
    let counters = reflector.counters
    let microseconds = Int(duration / .microseconds(1))
    switch request.verb {
    case .list:
      counters.lists.add(1)
      counters.listMicroseconds.add(microseconds)
    case .watch:
      counters.watches.add(1)
      counters.watchMicroseconds.add(microseconds)
    }
    if isFailure { counters.failures.add(1) }
  }
}
