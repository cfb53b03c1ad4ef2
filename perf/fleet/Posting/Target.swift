import Glibc

/// Where the collectors post to.
struct Target {
  var host: String
  var port: UInt16
  var path: String
  private var address: sockaddr_storage
  private var addressLength: socklen_t

  struct Invalid: Error, CustomStringConvertible {
    var description: String
  }

  /// Reads `http://host:port[/path]` and resolves the host; the path is `/metrics` if there is
  /// none.
  init(url: String) throws {
    guard url.hasPrefix("http://") else {
      throw Invalid(description: "\(url): want http://host:port[/path]")
    }
    let rest = url.dropFirst("http://".count)
    let slash = rest.firstIndex(of: "/") ?? rest.endIndex
    let tail = String(rest[slash...])
    path = tail.isEmpty || tail == "/" ? "/metrics" : tail
    var authority = rest[..<slash]
    port = 80
    if let colon = authority.lastIndex(of: ":"), authority.last != "]" {
      guard let number = UInt16(authority[authority.index(after: colon)...]), number > 0 else {
        throw Invalid(description: "\(url): the port is not a number from 1 to 65535")
      }
      port = number
      authority = authority[..<colon]
    }
    host = String(authority)
    let bare = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
    (address, addressLength) = try Target.resolve(bare, port: port)
  }

  private static func resolve(
    _ host: String, port: UInt16
  ) throws -> (sockaddr_storage, socklen_t) {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_NUMERICSERV
    var found: UnsafeMutablePointer<addrinfo>?
    let code = getaddrinfo(host, String(port), &hints, &found)
    guard code == 0, let found, let source = found.pointee.ai_addr else {
      throw Invalid(description: "\(host): \(String(cString: gai_strerror(code)))")
    }
    defer { freeaddrinfo(found) }
    var storage = sockaddr_storage()
    withUnsafeMutableBytes(of: &storage) { bytes in
      if let base = bytes.baseAddress {
        memcpy(base, source, min(Int(found.pointee.ai_addrlen), bytes.count))
      }
    }
    return (storage, found.pointee.ai_addrlen)
  }

  /// A socket on its way to the target, or nil with `errno` set.
  func connectSocket() -> Int32? {
    let flags = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    let descriptor = socket(Int32(address.ss_family), flags, 0)
    guard descriptor >= 0 else { return nil }
    var one: Int32 = 1
    let size = socklen_t(MemoryLayout<Int32>.size)
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, size)
    var address = address
    let length = addressLength
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, length)
      }
    }
    if result == 0 || errno == EINPROGRESS { return descriptor }
    let reason = errno
    close(descriptor)
    errno = reason
    return nil
  }

  /// What the stock collector's HTTP library sends, up to the length's digits.
  func requestHead(compressed: Bool) -> String {
    """
    POST \(path) HTTP/1.1\r
    Host: \(host):\(port)\r
    User-Agent: python-requests/2.32.3\r
    Accept-Encoding: gzip, deflate\r
    Accept: */*\r
    Connection: keep-alive\r
    Content-Type: application/json\r
    \(compressed ? "Content-Encoding: gzip\r\n" : "")Content-Length: 
    """
  }
}
