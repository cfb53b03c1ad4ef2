/// Where the API server is, whom it is trusted as, and as whom we come.
package struct APIServerEndpoint: Sendable {
  /// Scheme, host, port and a path prefix, if any, without `/` at the end: `https://10.0.0.1:443`.
  package var baseURL: String
  /// Trust, and the client certificate if that is how we authenticate.
  package var tls: TLSTrust
  /// PEM file that replaces `tls.rootsPEM`; read again as a token file is, so that a rotated CA is
  /// followed. nil: `tls` stays as it is.
  package var rootsFile: String?
  package var credentials: Credentials

  package init(
    baseURL: String, tls: TLSTrust = TLSTrust(), rootsFile: String? = nil,
    credentials: Credentials = .none
  ) {
    var baseURL = baseURL
    while baseURL.hasSuffix("/") { baseURL.removeLast() }
    self.baseURL = baseURL
    self.tls = tls
    self.rootsFile = rootsFile
    self.credentials = credentials
  }

  /// What goes into the Authorization header. Never printed: its description has no secret.
  package enum Credentials: Sendable {
    /// No header: a client certificate in `tls`, or nothing.
    case none
    case token(String)
    /// A file that is read again after at most 60 s, and at once when the server says 401.
    case tokenFile(String)
  }
}

extension APIServerEndpoint.Credentials: CustomStringConvertible, CustomDebugStringConvertible,
  CustomReflectable
{
  package var description: String {
    switch self {
    case .none: "none"
    case .token: "token"
    case .tokenFile(let path): "token file \(path)"
    }
  }

  package var debugDescription: String { description }

  package var customMirror: Mirror { Mirror(self, children: [:]) }
}
