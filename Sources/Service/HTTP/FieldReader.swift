/// Takes the header fields of one request, one by one, and judges them together.
struct FieldReader {
  let isVersion11: Bool
  private var count = 0
  private var hostCount = 0
  private var contentLength: Int?
  private var transferCoding = TransferCoding.none
  private var contentTypeCount = 0
  private var isJSON = true
  private var contentEncoding = RequestHead.ContentEncoding.identity
  private var expectation = RequestHead.Expectation.none
  private var closes = false

  private enum TransferCoding {
    case none, chunked, unknown
  }

  init(isVersion11: Bool) {
    self.isVersion11 = isVersion11
  }

  private static func bad(_ message: String) -> HTTPRefusal {
    HTTPRefusal(status: 400, message: message)
  }

  /// One line without its CR LF: `field-name ":" OWS field-value OWS`.
  mutating func read(_ line: UnsafeRawBufferPointer) throws(HTTPRefusal) {
    count += 1
    guard count <= ServiceLimits.maximumFieldCount else {
      throw HTTPRefusal(
        status: 431,
        message: "the request has more than \(ServiceLimits.maximumFieldCount) header fields")
    }
    let (name, value) = try Self.split(line)
    switch name.count {
    case 4 where name.equalsIgnoringCase("host"):
      try readHost(value)
    case 6 where name.equalsIgnoringCase("expect"):
      expectation =
        expectation == .none && value.equalsIgnoringCase("100-continue") ? .continue100 : .unknown
    case 10 where name.equalsIgnoringCase("connection"):
      readConnection(value)
    case 12 where name.equalsIgnoringCase("content-type"):
      contentTypeCount += 1
      isJSON = contentTypeCount == 1 && Self.isJSON(value)
    case 14 where name.equalsIgnoringCase("content-length"):
      try readContentLength(value)
    case 16 where name.equalsIgnoringCase("content-encoding"):
      readContentEncoding(value)
    case 17 where name.equalsIgnoringCase("transfer-encoding"):
      try readTransferEncoding(value)
    default: break
    }
  }

  /// Splits a field line, which also trailers are made of.
  static func split(
    _ line: UnsafeRawBufferPointer
  ) throws(HTTPRefusal) -> (name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
    var offset = 0
    while offset < line.count, line[offset].isTokenCharacter { offset += 1 }
    guard offset > 0, offset < line.count, line[offset] == UInt8(ascii: ":") else {
      throw bad(
        line.first == 0x20 || line.first == 0x09
          ? "a header field is folded over two lines"
          : "a header field does not begin with a name and a colon")
    }
    let value = UnsafeRawBufferPointer(rebasing: line[(offset + 1)...])
    for byte in value where !byte.isFieldCharacter {
      throw bad("a header field holds a control character")
    }
    return (UnsafeRawBufferPointer(rebasing: line[0..<offset]), value.trimmed)
  }

  /// The whole head has been read: puts what the fields said into `head`.
  func finish(_ head: inout RequestHead) throws(HTTPRefusal) {
    guard hostCount == 1 || (hostCount == 0 && !isVersion11) else {
      throw Self.bad(
        hostCount == 0 ? "the Host header field is missing" : "there are two Host header fields")
    }
    switch transferCoding {
    case .none:
      head.framing = contentLength.map(RequestHead.Framing.length) ?? RequestHead.Framing.none
    case .chunked, .unknown:
      guard contentLength == nil else {
        throw Self.bad("Content-Length and Transfer-Encoding exclude each other")
      }
      guard isVersion11 else {
        throw Self.bad("HTTP/1.0 has no Transfer-Encoding")
      }
      guard transferCoding == .chunked else {
        throw HTTPRefusal(status: 501, message: "the only transfer coding known is chunked")
      }
      head.framing = .chunked
    }
    // HTTP/1.0 connections end with their answer.
    head.keepAlive = isVersion11 && !closes
    head.isJSON = isJSON
    head.contentEncoding = contentEncoding
    // HTTP/1.0 knows no interim answers.
    head.expectation = isVersion11 ? expectation : .none
  }

  // MARK: - Fields

  /// `uri-host [ ":" port ]`; which host it is does not matter here.
  private mutating func readHost(_ value: UnsafeRawBufferPointer) throws(HTTPRefusal) {
    hostCount += 1
    for byte in value {
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x21, 0x24...0x2A, 0x2B, 0x2D, 0x2E, 0x3A, 0x3B,
        0x3D, 0x5B, 0x5D, 0x5F, 0x7E:
        continue
      default:
        throw Self.bad("the Host header field is not a host")
      }
    }
  }

  private mutating func readConnection(_ value: UnsafeRawBufferPointer) {
    value.forEachListElement { element in
      if element.equalsIgnoringCase("close") { closes = true }
      return true
    }
  }

  /// `1*DIGIT`. A number beyond 64 bits stands for the largest: it is too large in any case.
  private mutating func readContentLength(_ value: UnsafeRawBufferPointer) throws(HTTPRefusal) {
    guard contentLength == nil else { throw Self.bad("there are two Content-Length fields") }
    guard !value.isEmpty else { throw Self.bad("Content-Length is empty") }
    var length = 0
    for byte in value {
      guard byte.isDigit else { throw Self.bad("Content-Length is not a number") }
      let (product, overflow) = length.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.addingReportingOverflow(Int(byte - 0x30))
      length = overflow || carry ? Int.max : sum
    }
    contentLength = length
  }

  private mutating func readTransferEncoding(_ value: UnsafeRawBufferPointer) throws(HTTPRefusal) {
    var elementCount = 0
    value.forEachListElement { element in
      elementCount += 1
      if !element.equalsIgnoringCase("chunked") {
        transferCoding = .unknown
      } else if transferCoding == .chunked {
        elementCount = -1
        return false
      } else if transferCoding == .none {
        transferCoding = .chunked
      }
      return true
    }
    guard elementCount > 0 else {
      throw Self.bad("Transfer-Encoding is empty or names chunked twice")
    }
  }

  private mutating func readContentEncoding(_ value: UnsafeRawBufferPointer) {
    value.forEachListElement { element in
      if element.equalsIgnoringCase("identity") { return true }
      contentEncoding =
        contentEncoding == .identity && element.equalsIgnoringCase("gzip") ? .gzip : .unknown
      return true
    }
  }

  /// `application/json` or a type that ends with `+json`, with any parameters.
  static func isJSON(_ value: UnsafeRawBufferPointer) -> Bool {
    var end = 0
    while end < value.count, value[end] != UInt8(ascii: ";") { end += 1 }
    let type = UnsafeRawBufferPointer(rebasing: value[0..<end]).trimmed
    if type.equalsIgnoringCase("application/json") { return true }
    guard type.count > 6,
      UnsafeRawBufferPointer(rebasing: type[(type.count - 5)...]).equalsIgnoringCase("+json")
    else { return false }
    // token "/" token
    var slashes = 0
    for byte in type {
      if byte == UInt8(ascii: "/") {
        slashes += 1
      } else if !byte.isTokenCharacter {
        return false
      }
    }
    return slashes == 1 && type[0] != UInt8(ascii: "/") && type[type.count - 6] != UInt8(ascii: "/")
  }
}
