import KubeIndex
import Synchronization

/// Carries out one S3 request: dates and signs it, sends it, and does what can be done about a
/// failure at once: a few tries with growing waits, the clock's offset, other credentials, another
/// region.
///
/// What remains is the caller's: it gets a `StoreFailure`, whose kind says whether the request may
/// have been carried out.
final class S3Exchange: Sendable {
  private struct State {
    var address: S3Address
    /// Added to this machine's clock.
    var clockOffset = 0.0
    var sendsIfNoneMatch = true
  }

  let credentials: CredentialChain
  private let tls: TLSTrust
  private let connection: any StoreTransport
  private let clock: any StoreClock
  private let events: StoreEventSink
  private let counters: DeliveryCounters
  private let random: @Sendable () -> Double
  private let state: Mutex<State>
  private let quota = RetryQuota()

  init(
    address: S3Address, credentials: CredentialChain, tls: TLSTrust, connection: any StoreTransport,
    clock: any StoreClock, events: @escaping StoreEventSink, counters: DeliveryCounters,
    random: @escaping @Sendable () -> Double = { Double.random(in: 0..<1) }
  ) {
    self.credentials = credentials
    self.tls = tls
    self.connection = connection
    self.clock = clock
    self.events = events
    self.counters = counters
    self.random = random
    state = Mutex(State(address: address))
  }

  var address: S3Address { state.withLock { $0.address } }

  /// The answer to the request, its status in 200...299 and its body no `<Error>`.
  func perform(_ request: S3Request) throws(StoreFailure) -> HTTPResponse {
    let payloadHash = try Self.payloadHash(of: request.body)
    var remedies = Remedies()
    var tries = 0
    var paid = 0
    while true {
      tries += 1
      let used = try loadCredentials()
      let outcome = send(request, payloadHash: payloadHash, used)
      let failure: StoreFailure
      switch outcome {
      case .answer(let response):
        guard let error = S3Error(response) else {
          quota.give(max(1, paid))
          return response
        }
        if tryRemedy(&remedies, error, response, request, used) { continue }
        let kind = Self.kind(error, of: request)
        failure = StoreFailure(kind, Self.text(request, error.text))
      case .failed(let error):
        failure = StoreFailure(
          Self.kind(error.reason), Self.text(request, TLSAdvice.text(error)))
      }
      guard mayRetry(failure.kind, request), tries < ServiceLimits.triesPerRequest else {
        throw failure
      }
      let cost = failure.kind == .unknown ? 10 : 5
      guard quota.tryTake(cost) else { throw failure }
      paid = cost
      counters.requestRetries.add(1, ordering: .relaxed)
      let backoff = Backoff(
        base: failure.kind == .throttled ? 1 : 0.05, maximum: ServiceLimits.retryDelaySeconds)
      clock.sleep(
        .seconds(backoff.seconds(afterFailures: tries, random: random())))
    }
  }

  // MARK: One try

  private enum Outcome {
    case answer(HTTPResponse)
    case failed(TransportError)
  }

  private func send(
    _ request: S3Request, payloadHash: String, _ credentials: Credentials
  ) -> Outcome {
    let now = state.withLock { $0 }
    let wallSeconds = clock.wallSeconds + now.clockOffset
    let path = now.address.path(request.key)
    let query = URIEncoding.query(request.query)
    var headers = request.headers
    headers.append(("x-amz-content-sha256", payloadHash))
    headers.append(("x-amz-date", UTCTime(secondsSince1970: wallSeconds).basicFormat))
    if let token = credentials.sessionToken {
      headers.append(("x-amz-security-token", token.revealed))
    }
    if request.createsOnce, now.sendsIfNoneMatch { headers.append(("If-None-Match", "*")) }
    let authorization = SigV4(region: now.address.region, service: "s3").authorization(
      SigV4.Request(
        method: request.method, path: path, query: query,
        headers: headers + [("host", now.address.host)], payloadHash: payloadHash),
      credentials: credentials, wallSeconds: wallSeconds)
    headers.append(("Authorization", authorization))
    var http = HTTPRequest(
      method: request.method,
      url: now.address.url + path + (query.isEmpty ? "" : "?" + query), headers: headers, tls: tls,
      connectTimeout: ServiceLimits.storeConnectTimeout, totalTimeout: request.totalTimeout)
    http.isSentOnce = !request.isIdempotent
    switch request.body {
    case .none: http.body = .none
    case .bytes(let bytes): http.body = .bytes(bytes)
    case .source(let source):
      http.body = .source(source)
      // A slow line is given up by its speed, not by a fixed time.
      http.totalTimeout = nil
      http.minimumSpeed = (
        ServiceLimits.minimumUploadBytesPerSecond, ServiceLimits.minimumUploadSpeedSeconds
      )
    }
    do {
      return .answer(
        try connection.send(http, maximumBodyByteCount: request.maximumAnswerByteCount))
    } catch {
      return .failed(error)
    }
  }

  private func loadCredentials() throws(StoreFailure) -> Credentials {
    do {
      return try credentials.credentials()
    } catch {
      events(.credentialsFailed(reason: error.message))
      throw StoreFailure(error.isPassing ? .unreachable : .accessDenied, error.message)
    }
  }

  private static func payloadHash(of body: S3Request.Body) throws(StoreFailure) -> String {
    switch body {
    case .none: SigV4.hash("")
    case .bytes(let bytes): SigV4.hash(bytes)
    case .source(let source): try source.sha256()
    }
  }

  // MARK: After a failure

  /// What has been tried already: each thing once a request.
  private struct Remedies {
    var clock = false
    var credentials = false
    var region = false
    var condition = false
  }

  /// Whether something has been put right, so that the request is worth sending again at once.
  private func tryRemedy(
    _ remedies: inout Remedies, _ error: S3Error, _ response: HTTPResponse, _ request: S3Request,
    _ used: Credentials
  ) -> Bool {
    // HEAD answers have no body and so no code: what a code would say is guessed, once.
    let isBareRefusal = error.code.isEmpty && (error.status == 403 || error.status == 400)
    if !remedies.clock, error.code == "RequestTimeTooSkewed" || isBareRefusal {
      remedies.clock = true
      if correctClock(by: response) { return true }
    }
    if !remedies.credentials, error.asksForOtherCredentials || isBareRefusal {
      remedies.credentials = true
      if used.expiration != nil || error.asksForOtherCredentials, credentials.invalidate(used) {
        return true
      }
    }
    if !remedies.region, changeAddress(error, response) {
      remedies.region = true
      return true
    }
    if !remedies.condition, request.createsOnce, error.kind == .notImplemented {
      remedies.condition = true
      let wasOn = state.withLock { state in
        defer { state.sendsIfNoneMatch = false }
        return state.sendsIfNoneMatch
      }
      if wasOn { events(.conditionalWritesOff(reason: error.text)) }
      return true
    }
    return false
  }

  private func correctClock(by response: HTTPResponse) -> Bool {
    guard let date = response.head["Date"].flatMap(UTCTime.init(httpDate:)) else { return false }
    let offset = date.secondsSince1970 - clock.wallSeconds
    return state.withLock { state in
      // Within what S3 tolerates (15 minutes) by far: the clock was not the cause.
      guard abs(offset - state.clockOffset) > ServiceLimits.clockToleranceSeconds else {
        return false
      }
      state.clockOffset = offset
      events(.clockCorrected(seconds: offset))
      return true
    }
  }

  private func changeAddress(_ error: S3Error, _ response: HTTPResponse) -> Bool {
    let isRedirect = error.status == 301 || error.status == 307 || error.status == 308
    guard
      isRedirect || error.code == "AuthorizationHeaderMalformed"
        || error.code == "IllegalLocationConstraintException" || error.code == "PermanentRedirect"
        || (error.status == 400 && error.code.isEmpty)
    else { return false }
    return state.withLock { state in
      let old = state.address
      if let region = error.region, region != old.region, Self.isRegion(region) {
        state.address = old.inRegion(region)
        events(.regionChanged(from: old.region, to: region))
        return true
      }
      guard isRedirect, let location = response.head["Location"],
        let next = old.redirected(to: location)
      else { return false }
      state.address = next
      return true
    }
  }

  /// It becomes part of a host name, so it must not hold anything else.
  private static func isRegion(_ text: String) -> Bool {
    (1...32).contains(text.utf8.count)
      && text.utf8.allSatisfy {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
          || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: "-")
      }
  }

  private func mayRetry(_ kind: StoreFailure.Kind, _ request: S3Request) -> Bool {
    switch kind {
    case .unreachable, .throttled: true
    case .unknown: request.isIdempotent
    default: false
    }
  }

  private static func kind(_ error: S3Error, of request: S3Request) -> StoreFailure.Kind {
    // Without a key in the request, what is missing is the bucket.
    error.kind == .noSuchKey && request.key == nil ? .noSuchBucket : error.kind
  }

  private static func kind(_ reason: TransportError.Reason) -> StoreFailure.Kind {
    switch reason {
    case .resolve, .connect, .tls: .unreachable
    case .timedOut, .reset, .protocolViolation, .bodyTooLarge: .unknown
    case .cancelled: .cancelled
    case .file: .file
    }
  }

  private static func text(_ request: S3Request, _ cause: String) -> String {
    let step = request.query.first.map { "\(request.method) ?\($0.name)" } ?? request.method
    return "\(step): \(cause)"
  }
}
