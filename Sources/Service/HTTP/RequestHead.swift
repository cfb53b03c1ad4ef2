/// What a request's head says, as far as this server cares.
struct RequestHead: Equatable {
  enum Method: Equatable {
    case get, head, post, other
  }

  /// How the body's end is found (RFC 9112, section 6.3).
  enum Framing: Equatable {
    case none
    case length(Int)
    case chunked
  }

  enum ContentEncoding: Equatable {
    case identity, gzip, unknown
  }

  enum Expectation: Equatable {
    case none, continue100, unknown
  }

  var method: Method
  /// nil: no such path.
  var route: Route?
  /// HTTP/1.1 or a later minor version.
  var isVersion11: Bool
  var framing: Framing = .none
  var keepAlive: Bool
  var contentEncoding: ContentEncoding = .identity
  /// False: a Content-Type that is not JSON.
  var isJSON = true
  var expectation: Expectation = .none
}

/// The paths that are served.
enum Route: CaseIterable, Equatable {
  case metrics, health, livez, readyz, schema

  var path: StaticString {
    switch self {
    case .metrics: "/metrics"
    case .health: "/health"
    case .livez: "/livez"
    case .readyz: "/readyz"
    case .schema: "/schema"
    }
  }

  /// The Allow field of a 405.
  var allowed: String {
    self == .metrics ? "GET, HEAD, POST" : "GET, HEAD"
  }

  /// The route of an absolute path without its query, compared byte by byte.
  init?(path: UnsafeRawBufferPointer) {
    for route in Route.allCases where path.equals(route.path) {
      self = route
      return
    }
    return nil
  }
}

/// A request that is refused for its head or its framing.
struct HTTPRefusal: Error, Equatable {
  var status: Int
  var message: String
  /// Where the next request begins is not known: the connection ends.
  var closes = true
}

extension UnsafeRawBufferPointer {
  /// Equal to an ASCII text, byte by byte.
  func equals(_ text: StaticString) -> Bool {
    count == text.utf8CodeUnitCount
      && (count == 0 || elementsEqual(UnsafeBufferPointer(start: text.utf8Start, count: count)))
  }

  /// Equal to a lower-case ASCII text, whatever the case of these bytes.
  func equalsIgnoringCase(_ text: StaticString) -> Bool {
    guard count == text.utf8CodeUnitCount else { return false }
    for offset in 0..<count where self[offset].asciiLowercased != text.utf8Start[offset] {
      return false
    }
    return true
  }

  /// Without spaces and tabs at both ends.
  var trimmed: UnsafeRawBufferPointer {
    var start = 0
    var end = count
    while start < end, self[start] == 0x20 || self[start] == 0x09 { start += 1 }
    while end > start, self[end - 1] == 0x20 || self[end - 1] == 0x09 { end -= 1 }
    return UnsafeRawBufferPointer(rebasing: self[start..<end])
  }

  /// Calls `body` for each element of a comma-separated list that is not empty, until it returns
  /// false.
  func forEachListElement(_ body: (UnsafeRawBufferPointer) -> Bool) {
    var start = 0
    while start <= count {
      var end = start
      while end < count, self[end] != UInt8(ascii: ",") { end += 1 }
      let element = UnsafeRawBufferPointer(rebasing: self[start..<end]).trimmed
      if !element.isEmpty, !body(element) { return }
      start = end + 1
    }
  }
}

extension UInt8 {
  @inline(__always) var asciiLowercased: UInt8 {
    self >= 0x41 && self <= 0x5A ? self | 0x20 : self
  }

  /// `tchar` of RFC 9110, section 5.6.2.
  @inline(__always) var isTokenCharacter: Bool {
    switch self {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x5E, 0x5F, 0x60, 0x7C, 0x7E: true
    default: false
    }
  }

  /// A byte that may stand in a field value: no control character but the tab.
  @inline(__always) var isFieldCharacter: Bool {
    self >= 0x20 ? self != 0x7F : self == 0x09
  }
}
