import CShims
import Glibc

/// One transfer inside an `HTTPMulti`: its libcurl handle, what it sends and what it has received.
///
/// libcurl holds an unretained pointer to it; `HTTPMulti` keeps it until the handle is removed.
final class HTTPTransfer {
  let id: HTTPMulti.TransferID
  let delegate: any HTTPTransferDelegate
  private(set) var easy: OpaquePointer?
  var isAdded = false

  private let request: HTTPRequest
  private let host: String
  private var body: UploadBody?
  private var head = HeadParser()
  /// Why a callback ended the transfer, when it was not the delegate's wish.
  private var failure: TransportError?

  init(
    id: HTTPMulti.TransferID, request: HTTPRequest, delegate: any HTTPTransferDelegate
  ) {
    self.id = id
    self.request = request
    self.delegate = delegate
    host = URLAuthority(of: request.url).map(\.hostAndPort) ?? "unknown host"
  }

  deinit { release() }

  /// Frees the handle; it must have been removed from the multi handle.
  func release() {
    if let easy { cshims_curl_easy_destroy(easy) }
    easy = nil
  }

  func error(_ reason: TransportError.Reason, _ cause: String) -> TransportError {
    TransportError(reason: reason, message: "\(host): \(cause)")
  }

  /// Makes the libcurl handle.
  func prepare() throws(TransportError) {
    guard let authority = URLAuthority(of: request.url) else {
      throw error(.protocolViolation, "no http or https URL")
    }
    var callbacks = cshims_curl_callbacks(
      context: Unmanaged.passUnretained(self).toOpaque(),
      head_line: { line, count, context in
        HTTPTransfer.of(context)?.receiveHeadLine(UnsafeRawBufferPointer(start: line, count: count))
          ?? false
      },
      body: { bytes, count, context in
        HTTPTransfer.of(context)?.receiveBody(UnsafeRawBufferPointer(start: bytes, count: count))
          ?? false
      },
      read: { buffer, capacity, context in
        HTTPTransfer.of(context)?.send(
          UnsafeMutableRawBufferPointer(start: buffer, count: capacity))
          ?? -1
      },
      rewind: { offset, context in
        HTTPTransfer.of(context)?.rewind(to: offset) ?? false
      })
    guard let easy = cshims_curl_easy_create(&callbacks) else {
      throw error(.file, "libcurl gives no handle")
    }
    self.easy = easy
    try configure(easy, authority)
  }

  private func configure(
    _ easy: OpaquePointer, _ authority: URLAuthority
  ) throws(TransportError) {
    var isSet = cshims_curl_easy_set_method(easy, request.method)
    var url = request.url
    if let serverName = request.tls.serverName, authority.isSecure, serverName != authority.host {
      // The URL names whom to verify, `connect_to` where that is, and Host stays what it was.
      url = authority.replacingHost(in: url, with: serverName)
      isSet =
        isSet && cshims_curl_easy_set_connect_to(easy, authority.connectEntry(for: serverName))
        && cshims_curl_easy_add_header(easy, "Host: \(authority.hostAndPort)")
    }
    isSet = isSet && cshims_curl_easy_set_url(easy, url)
    if authority.isLocal { isSet = isSet && cshims_curl_easy_set_direct(easy) }
    for (name, value) in request.headers {
      guard HeadParser.isSafe(name: name, value: value) else {
        throw error(.protocolViolation, "the header field \(name) holds a control character")
      }
      isSet = isSet && cshims_curl_easy_add_header(easy, "\(name): \(value)")
    }
    if request.isSentOnce { isSet = isSet && cshims_curl_easy_set_fresh(easy) }
    if request.acceptsCompressed { isSet = isSet && cshims_curl_easy_set_gzip(easy) }
    isSet = isSet && setLimits(easy)
    isSet = try setBody(easy) && isSet
    isSet = try setTrust(easy) && isSet
    guard isSet else { throw error(.protocolViolation, "libcurl refuses the request") }
  }

  private func setLimits(_ easy: OpaquePointer) -> Bool {
    let connect = Int64(max(1, request.connectTimeout.wholeMilliseconds))
    let total = request.totalTimeout.map { Int64(max(1, $0.wholeMilliseconds)) } ?? 0
    guard cshims_curl_easy_set_timeouts(easy, connect, total) else { return false }
    guard let speed = request.minimumSpeed else { return true }
    return cshims_curl_easy_set_minimum_speed(
      easy, Int64(speed.bytesPerSecond), Int64(speed.seconds))
  }

  private func setBody(_ easy: OpaquePointer) throws(TransportError) -> Bool {
    let body: UploadBody
    switch request.body {
    case .none:
      // A method that is sent with a body elsewhere says that there is none: some servers insist.
      guard ["POST", "PUT", "PATCH"].contains(request.method) else { return true }
      body = .bytes([])
    case .bytes(let bytes):
      body = .bytes(bytes)
    case .file(let path, let offset, let count):
      guard let file = UploadFile(path: path, offset: offset, count: count) else {
        throw error(.file, "cannot open \(path) for sending: errno \(errno)")
      }
      body = .source(file)
    case .source(let source):
      body = .source(source)
    }
    self.body = body
    var isSet = cshims_curl_easy_set_upload(easy, Int64(body.count))
    if body.count <= KubeIndexLimits.maximumByteCountWithoutContinue {
      isSet = isSet && cshims_curl_easy_add_header(easy, "Expect:")
    }
    return isSet
  }

  private func setTrust(_ easy: OpaquePointer) throws(TransportError) -> Bool {
    let tls = request.tls
    var isSet = true
    if var roots = tls.rootsPEM {
      if let further = tls.furtherRootsPEM { roots += [0x0A] + further }
      isSet = cshims_curl_easy_set_roots(easy, roots, roots.count, true)
    } else if let further = tls.furtherRootsPEM {
      // Text beside text, not a verification callback: libcurl compares it before it reuses a
      // connection, so requests with other trust never share one.
      let roots = SystemRoots.pem + [0x0A] + further
      isSet = cshims_curl_easy_set_roots(easy, roots, roots.count, false)
    }
    if let certificate = tls.clientCertificatePEM {
      isSet =
        isSet && cshims_curl_easy_set_client_certificate(easy, certificate, certificate.count)
    }
    if let key = tls.clientKeyPEM {
      isSet = isSet && cshims_curl_easy_set_client_key(easy, key, key.count)
    }
    return isSet
  }

  /// What the end means to the delegate; nil: a whole answer.
  func ending(_ result: cshims_curl_result) -> TransportError? {
    if let failure { return failure }
    let cause = easy.map { String(cString: cshims_curl_easy_message($0)) } ?? ""
    switch result {
    case CSHIMS_CURL_OK:
      return head.isComplete ? nil : error(.protocolViolation, "the answer has no head")
    case CSHIMS_CURL_RESOLVE: return error(.resolve, cause)
    case CSHIMS_CURL_CONNECT: return error(.connect, cause)
    case CSHIMS_CURL_TLS: return error(.tls, cause)
    case CSHIMS_CURL_TIMED_OUT: return error(.timedOut, cause)
    case CSHIMS_CURL_RESET: return error(.reset, cause)
    case CSHIMS_CURL_CALLBACK: return error(.cancelled, "cancelled")
    default: return error(.protocolViolation, cause)
    }
  }

  // MARK: Called by libcurl

  private static func of(_ context: UnsafeMutableRawPointer?) -> HTTPTransfer? {
    context.map { Unmanaged<HTTPTransfer>.fromOpaque($0).takeUnretainedValue() }
  }

  private func receiveHeadLine(_ line: UnsafeRawBufferPointer) -> Bool {
    switch head.append(line) {
    case .more: return true
    case .head(let head):
      delegate.transferDidReceiveHead(head)
      return true
    case .tooLarge:
      failure = error(.protocolViolation, "the answer's head is too large")
      return false
    case .malformed:
      failure = error(.protocolViolation, "the answer's status line is malformed")
      return false
    }
  }

  private func receiveBody(_ bytes: UnsafeRawBufferPointer) -> Bool {
    bytes.isEmpty || delegate.transferDidReceive(bytes)
  }

  private func send(_ buffer: UnsafeMutableRawBufferPointer) -> Int64 {
    guard let count = body?.read(into: buffer) else {
      failure = error(.file, "the file being sent is shorter than announced or unreadable")
      return -1
    }
    return Int64(count)
  }

  private func rewind(to offset: Int64) -> Bool { body?.rewind(to: offset) ?? false }
}
