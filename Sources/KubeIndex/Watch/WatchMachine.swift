/// List and watch of one kind as a state machine without I/O: each input returns one action.
///
///     idle ──▶ streaming ──(initial events end)──▶ watching(version)
///       │         │ 422: not offered                 │   ▲  │ ended, broken: resume
///       └──▶ listing(pages) ──(last page)────────────┘   └──┘
///
/// 410, as status, as ERROR event or for a continue token, and whatever cannot be trusted, leads
/// back to a list of everything. Behaviour follows client-go's reflector; backoff is `Backoff`.
package struct WatchMachine: Sendable {
  private enum State: Equatable {
    case idle
    /// A streaming list's initial events. `opened`: its head has arrived.
    case streaming(opened: Bool)
    case listing(first: Bool)
    case watching(version: String)
    /// Backoff; then `next` is sent.
    case waiting(next: WatchRequest)
    case stopped
  }

  private var state = State.idle
  private var backoff = Backoff()
  /// The server has not refused streaming lists.
  private var mayStream = true
  /// The last version known to the index: a list must not be older.
  private var knownVersion: String?
  /// What was sent last.
  private var sent: WatchRequest?
  /// Watches in a row that the server refused without saying 410.
  private var refusedWatches = 0
  /// Streaming lists in a row that broke behind their head.
  private var brokenStreams = 0
  /// Failures in a row of one further page.
  private var failedPages = 0
  private var pageLimit = KubeIndexLimits.listPageSize
  private var openedAt = Duration.zero

  package init() {}

  // MARK: Inputs

  /// The beginning.
  package mutating func start() -> WatchAction {
    precondition(state == .idle, "started twice")
    return send(listRequest())
  }

  /// The wait is over.
  package mutating func timerFired() -> WatchAction {
    guard case .waiting(let next) = state else { return .nothing }
    return send(next)
  }

  /// The head of a stream's answer has arrived, with status 200.
  package mutating func opened(now: Duration) -> WatchAction {
    openedAt = now
    guard case .streaming = state else { return .nothing }
    state = .streaming(opened: true)
    return .beginRelist
  }

  /// An event of the stream.
  package mutating func received(
    _ input: WatchInput, now: Duration, jitter: Double
  ) -> WatchAction {
    switch state {
    case .streaming(opened: true):
      switch input {
      case .applied: return .apply
      case .deleted: return .delete
      case .bookmark(let version, initialEventsEnd: true):
        knownVersion = version
        brokenStreams = 0
        state = .watching(version: version)
        return .endRelist
      case .bookmark(_, initialEventsEnd: false):
        // An old server ignores sendInitialEvents: this is an ordinary watch.
        return failed(.notStreaming, now: now, jitter: jitter)
      }
    case .watching:
      refusedWatches = 0
      switch input {
      case .applied(let version):
        advance(to: version)
        return .apply
      case .deleted(let version):
        advance(to: version)
        return .delete
      case .bookmark(let version, _):
        advance(to: version)
        return .nothing
      }
    case .idle, .streaming(opened: false), .listing, .waiting, .stopped:
      // Events that were under way when the stream was given up.
      return .nothing
    }
  }

  /// The head of a page has arrived with status 200: it begins a list when it is the first page.
  package mutating func pageOpened() -> WatchAction {
    guard case .listing(first: true) = state else { return .nothing }
    return .beginRelist
  }

  /// A page is read, and its objects are handed over. `continueToken`: nil or empty: it was the
  /// last.
  package mutating func page(resourceVersion: String, continueToken: String?) -> WatchAction {
    guard case .listing = state else { return .nothing }
    failedPages = 0
    if let continueToken, !continueToken.isEmpty {
      return send(.listMore(limit: pageLimit, continueToken: continueToken))
    }
    knownVersion = resourceVersion
    pageLimit = KubeIndexLimits.listPageSize
    // Why the last stream was none may have passed; a server that has no streams says so at once.
    mayStream = true
    brokenStreams = 0
    let watch = WatchRequest.watch(resourceVersion: resourceVersion)
    state = .watching(version: resourceVersion)
    sent = watch
    return .endRelistAndSend(watch)
  }

  /// The stream has ended as it should: its timeout, or the server going down.
  package mutating func ended(now: Duration, jitter: Double) -> WatchAction {
    switch state {
    case .watching(let version):
      let next = WatchRequest.watch(resourceVersion: version)
      // A watch that lived its time is renewed at once, one that did not after a wait.
      if now - openedAt >= KubeIndexLimits.backoffResetAfter { return send(next) }
      return wait(next, relists: false, now: now, jitter: jitter)
    case .streaming:
      return failed(.notStreaming, now: now, jitter: jitter)
    case .idle, .listing, .waiting, .stopped:
      return .nothing
    }
  }

  /// The request, or the stream, failed.
  package mutating func failed(
    _ failure: WatchFailure, now: Duration, jitter: Double
  ) -> WatchAction {
    guard let sent else { return .nothing }
    switch state {
    case .waiting, .stopped, .idle: return .nothing
    case .streaming, .listing: return listFailed(failure, of: sent, now: now, jitter: jitter)
    case .watching(let version):
      return watchFailed(failure, version: version, now: now, jitter: jitter)
    }
  }

  /// The end.
  package mutating func stop() { state = .stopped }

  // MARK: State, for the driver

  /// Initial events are coming, or pages.
  package var isListing: Bool {
    switch state {
    case .streaming, .listing: true
    case .idle, .watching, .waiting, .stopped: false
    }
  }

  // MARK: Failures

  private mutating func listFailed(
    _ failure: WatchFailure, of request: WatchRequest, now: Duration, jitter: Double
  ) -> WatchAction {
    if case .unauthorizedWithFreshToken = failure { return send(request) }
    if case .listMore = request, mayAskAgain(failure) {
      // The snapshot is still there: what has been listed of it stays.
      failedPages += 1
      return wait(
        request, relists: false, retryAfter: failure.retryAfterSeconds, now: now, jitter: jitter)
    }
    failedPages = 0
    if state == .streaming(opened: true) {
      brokenStreams += 1
      // Too much for one go, for the server or for what is between us: pages are smaller.
      if brokenStreams >= KubeIndexLimits.maximumBrokenStreams { mayStream = false }
    }
    var retryAfter: Int?
    switch failure {
    case .status(let status, let seconds):
      retryAfter = seconds
      switch (request, status) {
      case (.stream, 400), (.stream, 404), (.stream, 405), (.stream, 422), (.stream, 501):
        mayStream = false
        return send(listRequest())
      case (.listMore, 400), (.listMore, 410):
        // The list took longer than the server keeps its snapshot: larger pages next time.
        pageLimit = min(pageLimit * 2, KubeIndexLimits.maximumPageSize)
        knownVersion = nil
      case (_, 400), (_, 410), (_, 422), (_, 504):
        // The version is unknown there, or this server lags behind it ("too large resource
        // version"): the most recent state is asked for instead.
        knownVersion = nil
      default: break
      }
    case .notStreaming:
      mayStream = false
      return wait(listRequest(), relists: true, now: now, jitter: jitter)
    case .tooLong:
      // Pages have no lines.
      mayStream = false
    case .transport, .malformed, .unauthorizedWithFreshToken: break
    }
    return wait(
      listRequest(), relists: true, retryAfter: retryAfter, now: now, jitter: jitter)
  }

  private mutating func watchFailed(
    _ failure: WatchFailure, version: String, now: Duration, jitter: Double
  ) -> WatchAction {
    let again = WatchRequest.watch(resourceVersion: version)
    switch failure {
    case .unauthorizedWithFreshToken:
      return send(again)
    case .status(410, let seconds):
      knownVersion = nil
      return wait(
        listRequest(), relists: true, retryAfter: seconds, now: now, jitter: jitter)
    case .status(let status, let seconds):
      refusedWatches += [401, 403, 429, 503, 504].contains(status) ? 0 : 1
      if refusedWatches >= KubeIndexLimits.maximumRefusedWatches || status == 400 || status == 422 {
        // The server does not like the version, and does not say 410.
        refusedWatches = 0
        knownVersion = nil
        return wait(
          listRequest(), relists: true, retryAfter: seconds, now: now, jitter: jitter)
      }
      return wait(again, relists: false, retryAfter: seconds, now: now, jitter: jitter)
    case .transport:
      return wait(again, relists: false, now: now, jitter: jitter)
    case .malformed, .tooLong, .notStreaming:
      return wait(listRequest(), relists: true, now: now, jitter: jitter)
    }
  }

  // MARK: Steps

  private func listRequest() -> WatchRequest {
    mayStream
      ? .stream(notOlderThan: knownVersion)
      : .list(limit: pageLimit, notOlderThan: knownVersion)
  }

  /// A further page failed in a way that says nothing against the list it belongs to.
  private func mayAskAgain(_ failure: WatchFailure) -> Bool {
    guard failedPages < KubeIndexLimits.maximumPageRetries else { return false }
    switch failure {
    case .transport, .status(429, _), .status(500...599, _): return true
    case .status, .unauthorizedWithFreshToken, .malformed, .tooLong, .notStreaming: return false
    }
  }

  private mutating func advance(to version: String) {
    state = .watching(version: version)
    knownVersion = version
  }

  private mutating func send(_ request: WatchRequest) -> WatchAction {
    sent = request
    switch request {
    case .stream: state = .streaming(opened: false)
    case .list: state = .listing(first: true)
    case .listMore: state = .listing(first: false)
    case .watch(let version): state = .watching(version: version)
    }
    return .send(request)
  }

  private mutating func wait(
    _ next: WatchRequest, relists: Bool, retryAfter: Int? = nil, now: Duration, jitter: Double
  ) -> WatchAction {
    var delay = backoff.delay(now: now, jitter: jitter)
    if let retryAfter {
      let asked = max(0, min(retryAfter, KubeIndexLimits.maximumRetryAfterSeconds))
      delay = max(delay, .seconds(asked))
    }
    state = .waiting(next: next)
    return .wait(delay, relists: relists)
  }
}
