import KubeIndex
import Service
import SimulationModels

/// The store, and the place that credentials come from, at the other end of the wire: it reads the
/// requests that the service has made and signed, and answers in S3's words.
///
/// `@unchecked Sendable`: the protocol asks for it; a simulation is one thread.
final class ModelS3: StoreTransport, @unchecked Sendable {
  /// What the world decides.
  struct World {
    /// The sender has no power any more.
    var isDown: () -> Bool
    /// Others work while the request is on its way.
    var meanwhile: () -> Void
    /// The fault of this request, before and after its effect.
    var fault: (StoreRequest.Operation) -> StoreFault?
    /// Before anything else is done about it.
    var arrived: (StoreRequest) -> Void
    /// Before and after the effect: power may go.
    var crashes: (_ operation: StoreRequest.Operation, _ isAfter: Bool) -> Bool
    /// Someone waits that long.
    var pass: (Duration) -> Void
    /// Seconds since 1970, as the store believes.
    var seconds: () -> Double
    /// For the trace.
    var note: (String) -> Void
  }

  static let endpoint = "http://127.0.0.1:9000"
  static let bucketName = "bucket"
  static let environment = [
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9001/credentials"
  ]
  private static let credentialsPrefix = "http://127.0.0.1:9001/"
  private static let tokenSeconds = 3_600.0
  private static let toleratedSkewSeconds = 900.0

  var bucket = ModelBucket()
  var manner = StoreManner.strict
  var outage: StoreOutage? {
    didSet { outageRequestCount = 0 }
  }
  /// Requests that the outage at hand has met.
  private(set) var outageRequestCount = 0
  private(set) var requestCount = 0
  /// Requests whose sender waits no more, in the order in which they were sent.
  private(set) var late: [StoreRequest] = []
  private let world: World
  private let minimumPartByteCount: Int
  private var tokenVersion = 1

  init(minimumPartByteCount: Int, world: World) {
    self.minimumPartByteCount = minimumPartByteCount
    self.world = world
  }

  func cancel() {}

  /// A request that was on its way for long arrives.
  func deliverLate(at place: Int) {
    let request = late.remove(at: place)
    _ = effect(of: request)
  }

  // MARK: Requests

  func send(
    _ request: HTTPRequest, maximumBodyByteCount: Int
  ) throws(TransportError) -> HTTPResponse {
    try checkPower()
    if request.url.hasPrefix(Self.credentialsPrefix) { return credentials() }
    guard let parsed = StoreRequest(request, body: try body(of: request)) else {
      return failure(400, "InvalidRequest")
    }
    requestCount += 1
    world.meanwhile()
    try checkPower()
    if world.crashes(parsed.operation, false) { try checkPower() }
    world.arrived(parsed)
    let answer: HTTPResponse
    do {
      answer = try self.answer(parsed)
    } catch {
      world.note("\(parsed): \(error)")
      throw error
    }
    world.note("\(parsed): \(answer.status)")
    if world.crashes(parsed.operation, true) { try checkPower() }
    guard answer.body.count <= maximumBodyByteCount else {
      throw TransportError(reason: .bodyTooLarge, message: "too large")
    }
    return answer
  }

  private func checkPower() throws(TransportError) {
    if world.isDown() { throw TransportError(reason: .cancelled, message: "no power") }
  }

  private func body(of request: HTTPRequest) throws(TransportError) -> [UInt8] {
    switch request.body {
    case .none: return []
    case .bytes(let bytes): return bytes
    case .file: throw TransportError(reason: .file, message: "no files here")
    case .source(let source):
      var bytes = [UInt8](repeating: 0, count: source.byteCount)
      var position = 0
      while position < bytes.count {
        let count = bytes.withUnsafeMutableBytes { buffer in
          source.read(into: .init(rebasing: buffer[position...]), at: position)
        }
        guard let count, count > 0 else {
          throw TransportError(reason: .file, message: "the file cannot be read")
        }
        position += count
      }
      return bytes
    }
  }

  private func answer(_ request: StoreRequest) throws(TransportError) -> HTTPResponse {
    if outage != nil { outageRequestCount += 1 }
    switch outage {
    case .down:
      world.pass(.seconds(5))
      throw TransportError(reason: .connect, message: "connection refused")
    case .denied: return failure(403, "AccessDenied")
    case .noBucket: return failure(404, "NoSuchBucket")
    case nil: break
    }
    if let refusal = refusal(request) { return refusal }
    guard let fault = world.fault(request.operation) else { return effect(of: request) }
    return try answer(request, fault)
  }

  /// Token and clock, as S3 looks at them before anything else.
  private func refusal(_ request: StoreRequest) -> HTTPResponse? {
    guard request.headers["x-amz-security-token"] == token else {
      return failure(400, "ExpiredToken")
    }
    let date = request.headers["x-amz-date"].flatMap(StoreTime.seconds(ofBasicFormat:))
    guard let date, abs(date - world.seconds()) <= Self.toleratedSkewSeconds else {
      return failure(403, "RequestTimeTooSkewed")
    }
    if manner == .refuses, request.headers["if-none-match"] != nil {
      return failure(501, "NotImplemented")
    }
    return nil
  }

  private func answer(
    _ request: StoreRequest, _ fault: StoreFault
  ) throws(TransportError) -> HTTPResponse {
    switch fault {
    case .internalError: return failure(500, "InternalError")
    case .lateInternalError:
      _ = effect(of: request)
      return failure(500, "InternalError")
    case .slowDown: return failure(503, "SlowDown")
    case .gateway: return reply(502, "<html>bad gateway</html>")
    case .refused: throw TransportError(reason: .connect, message: "connection refused")
    case .resetBefore: throw TransportError(reason: .reset, message: "reset")
    case .resetAfter:
      _ = effect(of: request)
      throw TransportError(reason: .reset, message: "reset")
    case .timeoutBefore, .late:
      if fault == .late { late.append(request) }
      world.pass(.seconds(60))
      throw TransportError(reason: .timedOut, message: "timed out")
    case .timeoutAfter:
      _ = effect(of: request)
      world.pass(.seconds(60))
      throw TransportError(reason: .timedOut, message: "timed out")
    case .errorInOK: return reply(200, Self.error("InternalError"))
    case .errorInOKAfter:
      _ = effect(of: request)
      return reply(200, Self.error("InternalError"))
    case .truncated:
      let answer = effect(of: request)
      if answer.body.isEmpty { throw TransportError(reason: .reset, message: "reset") }
      var cut = answer
      cut.body.removeLast((answer.body.count + 1) / 2)
      return cut
    case .conflict: return failure(409, "ConditionalRequestConflict")
    case .uploadGone:
      if let id = request.query["uploadId"] { bucket.expire(id) }
      return failure(404, "NoSuchUpload")
    case .wrongETag, .noETag:
      var answer = effect(of: request)
      answer.head.headers.removeAll { $0.name == "ETag" }
      if fault == .wrongETag { answer.head.headers.append(("ETag", "\"other\"")) }
      return answer
    case .expiredToken:
      tokenVersion += 1
      return failure(400, "ExpiredToken")
    }
  }

  // MARK: Effects

  private func effect(of request: StoreRequest) -> HTTPResponse {
    let key = request.key
    let id = request.query["uploadId"] ?? ""
    let onlyNew = manner == .strict && request.headers["if-none-match"] != nil
    do throws(ModelBucket.Refusal) {
      switch request.operation {
      case .check: return reply(200, "<ListBucketResult></ListBucketResult>")
      case .head: return head(key)
      case .read: return read(key, range: request.headers["range"])
      case .put:
        return tagged(try bucket.put(key, request.body, onlyNew: onlyNew))
      case .create:
        let id = bucket.createUpload(key)
        return reply(
          200,
          "<InitiateMultipartUploadResult><UploadId>\(id)</UploadId>"
            + "</InitiateMultipartUploadResult>")
      case .part:
        let number = request.query["partNumber"].flatMap { Int($0) } ?? 0
        return tagged(try bucket.putPart(key, id, number, request.body))
      case .complete:
        let eTag = try bucket.complete(
          key, id, request.completedParts, onlyNew: onlyNew,
          minimumPartByteCount: minimumPartByteCount)
        return reply(
          200,
          "<CompleteMultipartUploadResult><ETag>\(eTag)</ETag></CompleteMultipartUploadResult>")
      case .abort:
        try bucket.abort(key, id)
        return reply(204, "")
      case .list: return list(prefix: request.query["prefix"] ?? "")
      }
    } catch {
      switch error {
      case .taken: return failure(412, "PreconditionFailed")
      case .noSuchUpload: return failure(404, "NoSuchUpload")
      case .invalidPart: return failure(400, "InvalidPart")
      case .tooSmall: return failure(400, "EntityTooSmall")
      }
    }
  }

  private func head(_ key: String) -> HTTPResponse {
    guard let object = bucket.objects[key] else { return reply(404, "") }
    return HTTPResponse(
      head: HTTPHead(
        status: 200,
        headers: [("ETag", object.eTag), ("Content-Length", "\(object.bytes.count)")]),
      body: [])
  }

  private func read(_ key: String, range: String?) -> HTTPResponse {
    guard let object = bucket.objects[key] else { return failure(404, "NoSuchKey") }
    let bounds = (range ?? "").drop { $0 != "=" }.dropFirst().split(separator: "-")
      .compactMap { Int($0) }
    guard bounds.count == 2, bounds[0] <= bounds[1], bounds[1] < object.bytes.count else {
      return failure(416, "InvalidRange")
    }
    return HTTPResponse(
      head: HTTPHead(status: 206, headers: [("ETag", object.eTag)]),
      body: Array(object.bytes[bounds[0]...bounds[1]]))
  }

  private func list(prefix: String) -> HTTPResponse {
    let uploads = bucket.uploadIDs(prefix: prefix).map {
      "<Upload><Key>\($0.key)</Key><UploadId>\($0.id)</UploadId></Upload>"
    }
    return reply(
      200,
      "<ListMultipartUploadsResult>\(uploads.joined())<IsTruncated>false</IsTruncated>"
        + "</ListMultipartUploadsResult>")
  }

  // MARK: Answers

  private var token: String { "token-\(tokenVersion)" }

  private func credentials() -> HTTPResponse {
    let expiration = StoreTime.extendedFormat(world.seconds() + Self.tokenSeconds)
    return reply(
      200,
      #"{"AccessKeyId":"key","SecretAccessKey":"secret","Token":"\#(token)","#
        + #""Expiration":"\#(expiration)"}"#)
  }

  private func tagged(_ eTag: String) -> HTTPResponse {
    HTTPResponse(head: HTTPHead(status: 200, headers: [("ETag", eTag)]), body: [])
  }

  private func reply(_ status: Int, _ text: String) -> HTTPResponse {
    HTTPResponse(
      head: HTTPHead(
        status: status, headers: [("Date", StoreTime.httpDate(world.seconds()))]),
      body: Array(text.utf8))
  }

  private func failure(_ status: Int, _ code: String) -> HTTPResponse {
    reply(status, Self.error(code))
  }

  private static func error(_ code: String) -> String {
    "<Error><Code>\(code)</Code><Message>simulated</Message></Error>"
  }
}
