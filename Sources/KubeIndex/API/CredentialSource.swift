import Glibc

/// The token and the CA of an endpoint as they are now: files are read again after at most a
/// minute, and at once when the server says 401. When a file cannot be read, its last contents
/// stay.
struct CredentialSource {
  private let endpoint: APIServerEndpoint
  private var token: String?
  private var roots: [UInt8]?
  private var readAtSeconds: Int64?
  private let onFault: (_ path: String, _ reason: String) -> Void

  init(
    _ endpoint: APIServerEndpoint,
    onFault: @escaping (_ path: String, _ reason: String) -> Void
  ) {
    self.endpoint = endpoint
    self.onFault = onFault
    if case .token(let token) = endpoint.credentials { self.token = token }
  }

  /// The Authorization header's value; nil: none is sent.
  mutating func authorization(nowSeconds: Int64) -> String? {
    readIfOld(nowSeconds: nowSeconds)
    return header
  }

  mutating func tls(nowSeconds: Int64) -> TLSTrust {
    readIfOld(nowSeconds: nowSeconds)
    var tls = endpoint.tls
    if let roots { tls.rootsPEM = roots }
    return tls
  }

  /// After a request with that Authorization value was refused: whether there is another value now.
  /// Reads the files again unless another request has already done so.
  mutating func refresh(refused: String?, nowSeconds: Int64) -> Bool {
    if header != refused { return true }
    read(nowSeconds: nowSeconds)
    return header != refused
  }

  private var header: String? { token.map { "Bearer \($0)" } }

  private mutating func readIfOld(nowSeconds: Int64) {
    if let readAtSeconds, nowSeconds - readAtSeconds < KubeIndexLimits.tokenReuseSeconds { return }
    read(nowSeconds: nowSeconds)
  }

  private mutating func read(nowSeconds: Int64) {
    readAtSeconds = nowSeconds
    if case .tokenFile(let path) = endpoint.credentials, let bytes = contents(of: path) {
      // Editors leave a line break behind the token; inside it only visible ASCII can be sent.
      let isBlank: (UInt8) -> Bool = { $0 <= 0x20 }
      let visible = bytes.drop(while: isBlank).reversed().drop(while: isBlank).reversed()
      if visible.isEmpty || visible.contains(where: { !(0x21...0x7E).contains($0) }) {
        onFault(path, "holds no token")
      } else {
        token = String(decoding: Array(visible), as: UTF8.self)
      }
    }
    if let path = endpoint.rootsFile, let bytes = contents(of: path) {
      if bytes.isEmpty { onFault(path, "is empty") } else { roots = bytes }
    }
  }

  private func contents(of path: String) -> [UInt8]? {
    let limit = KubeIndexLimits.maximumCredentialFileByteCount
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      onFault(path, "cannot be opened: \(String(cString: strerror(errno)))")
      return nil
    }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16 << 10)
    while true {
      let count = chunk.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else {
        onFault(path, "cannot be read: \(String(cString: strerror(errno)))")
        return nil
      }
      if count == 0 { return bytes }
      bytes.append(contentsOf: chunk[..<count])
      guard bytes.count <= limit else {
        onFault(path, "is larger than \(limit) bytes")
        return nil
      }
    }
  }
}
