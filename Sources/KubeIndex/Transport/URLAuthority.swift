/// Scheme, host and port of an absolute http or https URL.
package struct URLAuthority: Sendable, Equatable {
  package var isSecure: Bool
  /// As the URL spells it; an IPv6 address in its brackets.
  package var host: String
  /// nil: the scheme's own (80, 443).
  package var port: Int?
  /// Where the authority begins and ends in the URL's UTF-8.
  private var range: Range<String.Index>

  /// nil: no http or https URL, user information in it, an empty host or a port out of range.
  package init?(of url: String) {
    guard let schemeEnd = url.range(ofASCII: "://") else { return nil }
    switch url[..<schemeEnd.lowerBound].lowercased() {
    case "http": isSecure = false
    case "https": isSecure = true
    default: return nil
    }
    let end =
      url[schemeEnd.upperBound...].firstIndex { $0 == "/" || $0 == "?" || $0 == "#" }
      ?? url.endIndex
    range = schemeEnd.upperBound..<end
    let authority = url[range]
    guard !authority.contains("@"), !authority.contains(where: \.isWhitespace) else { return nil }
    let portSeparator =
      authority.hasPrefix("[")
      ? authority.lastIndex(of: "]").map { authority.index(after: $0) }
      : authority.firstIndex(of: ":") ?? authority.endIndex
    guard let portSeparator else { return nil }
    host = String(authority[..<portSeparator])
    let rest = authority[portSeparator...]
    guard !host.isEmpty, host != "[]" else { return nil }
    if rest.isEmpty {
      port = nil
    } else {
      guard rest.first == ":", let number = UInt16(rest.dropFirst()) else { return nil }
      port = Int(number)
    }
  }

  /// As a Host field has it.
  package var hostAndPort: String { port.map { "\(host):\($0)" } ?? host }

  /// The port that is connected to.
  package var effectivePort: Int { port ?? (isSecure ? 443 : 80) }

  /// The machine itself or its link: never behind a proxy (as Go's and botocore's clients have it).
  package var isLocal: Bool {
    let name = host.lowercased()
    return name == "localhost" || name.hasSuffix(".localhost") || name.hasPrefix("127.")
      || name.hasPrefix("169.254.") || name == "[::1]" || name.hasPrefix("[fe80:")
      || name.hasPrefix("[fd00:ec2:")
  }

  /// The URL with `name` for its host, port kept.
  func replacingHost(in url: String, with name: String) -> String {
    let authority = port.map { "\(name):\($0)" } ?? name
    return url[..<range.lowerBound] + authority + url[range.upperBound...]
  }

  /// libcurl's CONNECT_TO entry: connections for `name` go to this host.
  func connectEntry(for name: String) -> String {
    "\(name):\(effectivePort):\(host):\(effectivePort)"
  }
}

extension String {
  /// The first occurrence of an ASCII text.
  fileprivate func range(ofASCII wanted: String) -> Range<String.Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(wanted),
        let end = index(start, offsetBy: wanted.count, limitedBy: endIndex)
      {
        return start..<end
      }
      start = index(after: start)
    }
    return nil
  }
}
