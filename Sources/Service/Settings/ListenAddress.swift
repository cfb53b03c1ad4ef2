import Glibc

/// Finds the address behind HOST: the first that this machine can listen on.
enum ListenAddress {
  /// Why a HOST cannot be listened on.
  enum Failure: Error, Equatable {
    /// With the resolver's reason.
    case notResolved(String)
    /// It resolves, but only to addresses of other machines, or of a family that is off here.
    case notHere(addresses: [String])

    /// What was wrong, and what is accepted.
    var explanation: String {
      let accepted =
        "accepted are an IP address of this machine, 0.0.0.0 or :: for all of them, and a name "
        + "of one"
      switch self {
      case .notResolved(let reason): return "does not resolve (\(reason)); \(accepted)"
      case .notHere(let addresses):
        let list = addresses.joined(separator: ", ")
        return "is not an address of this machine (\(list)); \(accepted)"
      }
    }
  }

  /// The numeric address that a server of `host` binds. Asks the resolver, which may take seconds
  /// for a name that no server knows; an IP address takes no time.
  static func find(_ host: String) throws(Failure) -> String {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    let status = getaddrinfo(host, nil, &hints, &list)
    guard status == 0, let list else {
      let reason: UnsafePointer<CChar>? =
        status == EAI_SYSTEM ? UnsafePointer(strerror(errno)) : gai_strerror(status)
      throw .notResolved(reason.map { String(cString: $0) } ?? "error \(status)")
    }
    defer { freeaddrinfo(list) }
    var addresses: [String] = []
    var next: UnsafeMutablePointer<addrinfo>? = list
    while let entry = next {
      next = entry.pointee.ai_next
      guard let text = text(of: entry.pointee) else { continue }
      if canListen(on: entry.pointee) { return text }
      addresses.append(text)
    }
    throw .notHere(addresses: addresses)
  }

  private static func text(of entry: addrinfo) -> String? {
    var bytes = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    let status = getnameinfo(
      entry.ai_addr, entry.ai_addrlen, &bytes, socklen_t(bytes.count), nil, 0, NI_NUMERICHOST)
    guard status == 0 else { return nil }
    return bytes.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } }
  }

  /// Binds a port that the system chooses (the resolver has set none), and gives it back.
  private static func canListen(on entry: addrinfo) -> Bool {
    let descriptor = socket(entry.ai_family, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    return bind(descriptor, entry.ai_addr, entry.ai_addrlen) == 0
  }
}
