/// The HTTP client of the project: requests, answers and the delegate that receives them.
///
/// `HTTPMulti` (the libcurl multi handle) carries them out. The API client and the object store
/// both speak through these types.

/// One request. Built, handed to an `HTTPMulti`, never changed afterwards.
package struct HTTPRequest: Sendable {
  /// What is sent after the head.
  package enum Body: Sendable {
    case none
    case bytes([UInt8])
    /// `count` bytes of the file at `path` from `offset`, read as they are sent.
    case file(path: String, offset: Int, count: Int)
    /// All bytes of a source, read as they are sent.
    case source(any HTTPBodySource)
  }

  package var method: String
  /// Absolute URL, already percent-encoded; it is sent byte for byte.
  package var url: String
  package var headers: [(name: String, value: String)]
  package var body: Body
  package var tls: TLSTrust
  /// Longest wait for TCP and TLS to be established.
  package var connectTimeout: Duration
  /// Longest duration of the whole transfer; nil: no limit (a watch).
  package var totalTimeout: Duration?
  /// The transfer ends with `.timedOut` when fewer than `bytesPerSecond` pass for `seconds`.
  package var minimumSpeed: (bytesPerSecond: Int, seconds: Int)?
  /// Asks for gzip and delivers the body decompressed.
  package var acceptsCompressed: Bool
  /// The client never sends it twice by itself, as it does when a kept connection turns out to be
  /// closed: for what must not be done twice unnoticed. It costs a new connection.
  package var isSentOnce = false

  package init(
    method: String = "GET", url: String, headers: [(name: String, value: String)] = [],
    body: Body = .none, tls: TLSTrust = TLSTrust(), connectTimeout: Duration = .seconds(10),
    totalTimeout: Duration? = nil, minimumSpeed: (bytesPerSecond: Int, seconds: Int)? = nil,
    acceptsCompressed: Bool = false
  ) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
    self.tls = tls
    self.connectTimeout = connectTimeout
    self.totalTimeout = totalTimeout
    self.minimumSpeed = minimumSpeed
    self.acceptsCompressed = acceptsCompressed
  }
}

/// Bytes to be sent that come from elsewhere. Read on the thread that calls `HTTPMulti.poll`, from
/// the start again when the connection broke before the server took them.
package protocol HTTPBodySource: AnyObject, Sendable {
  /// Fixed while the transfer lasts.
  var byteCount: Int { get }
  /// Puts up to `buffer.count` bytes from `offset` into it; their number, at least 1 before the
  /// end; nil: they cannot be read, which ends the transfer.
  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) -> Int?
}

/// Whom a TLS connection trusts, and as whom it presents itself. Verification cannot be switched
/// off.
package struct TLSTrust: Sendable, Equatable {
  /// PEM text that replaces the system's roots; nil: the system's roots.
  package var rootsPEM: [UInt8]?
  /// PEM text of CAs trusted in addition to the system's roots.
  package var furtherRootsPEM: [UInt8]?
  /// Client certificate chain and key, both PEM.
  package var clientCertificatePEM: [UInt8]?
  package var clientKeyPEM: [UInt8]?
  /// Name to verify instead of the URL's host (kubeconfig `tls-server-name`).
  package var serverName: String?

  package init(
    rootsPEM: [UInt8]? = nil, furtherRootsPEM: [UInt8]? = nil,
    clientCertificatePEM: [UInt8]? = nil, clientKeyPEM: [UInt8]? = nil, serverName: String? = nil
  ) {
    self.rootsPEM = rootsPEM
    self.furtherRootsPEM = furtherRootsPEM
    self.clientCertificatePEM = clientCertificatePEM
    self.clientKeyPEM = clientKeyPEM
    self.serverName = serverName
  }
}

/// Status line and header fields of an answer (of the final one, not of a 1xx).
package struct HTTPHead: Sendable {
  package var status: Int
  package var headers: [(name: String, value: String)]

  package init(status: Int, headers: [(name: String, value: String)]) {
    self.status = status
    self.headers = headers
  }

  /// The first field of that name, compared without case.
  package subscript(name: String) -> String? {
    headers.first { $0.name.lowercased() == name.lowercased() }?.value
  }
}

/// Why a transfer ended without a whole answer. `message` names host and cause, never a secret.
package struct TransportError: Error, Sendable, CustomStringConvertible {
  package enum Reason: Sendable {
    case resolve, connect, tls, timedOut, reset, protocolViolation, cancelled, bodyTooLarge, file
  }

  package var reason: Reason
  package var message: String

  package init(reason: Reason, message: String) {
    self.reason = reason
    self.message = message
  }

  package var description: String { message }
}

/// Receives one transfer's answer, on the thread that calls `HTTPMulti.poll`.
package protocol HTTPTransferDelegate: AnyObject {
  func transferDidReceiveHead(_ head: HTTPHead)
  /// The bytes are valid during the call. Returning false ends the transfer as cancelled.
  func transferDidReceive(_ bytes: UnsafeRawBufferPointer) -> Bool
  /// Called exactly once, last.
  func transferDidEnd(_ error: TransportError?)
}
