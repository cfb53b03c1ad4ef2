import Glibc

/// Reads request heads (RFC 9112, sections 2 to 6), and nothing that could be read in two ways.
///
/// The grammar is taken strictly: a bare CR or LF, a folded line, white space before a colon, a
/// control character, two lengths, a length beside a transfer coding: each is refused with 400 and
/// the end of the connection, so that no proxy before this server can be made to see another
/// request than it does. It works on the bytes where they lie and allocates nothing.
struct RequestHeadParser {
  enum Result: Equatable {
    /// The head is not whole yet.
    case incomplete
    /// The head, and the bytes that it takes at the front.
    case head(RequestHead, byteCount: Int)
    case refused(HTTPRefusal)
  }

  /// Bytes that hold no end of the head, so a head that comes byte by byte is searched once.
  private var searched = 0
  /// Where the current line begins.
  private var lineStart = 0
  /// Where the request line begins: empty lines before it are skipped.
  private var headStart = 0

  /// Looks for a whole head at the front of `bytes`, which hold what earlier calls saw and more.
  mutating func parse(_ bytes: UnsafeRawBufferPointer) -> Result {
    guard let base = bytes.baseAddress else { return .incomplete }
    while searched < bytes.count {
      guard let found = memchr(base + searched, 0x0A, bytes.count - searched) else {
        searched = bytes.count
        break
      }
      let newline = UnsafeRawPointer(found) - base
      guard newline < ServiceLimits.maximumHeadByteCount else { return tooLarge(bytes) }
      guard newline > lineStart, bytes[newline - 1] == 0x0D else {
        return .refused(HTTPRefusal(status: 400, message: "a line does not end with CR LF"))
      }
      let isEmpty = newline - 1 == lineStart
      searched = newline + 1
      lineStart = searched
      guard isEmpty else { continue }
      if newline - 1 == headStart {
        headStart = lineStart
        continue
      }
      // The lines, without the empty one that ends the head.
      let lines = UnsafeRawBufferPointer(rebasing: bytes[headStart..<newline - 1])
      let byteCount = searched
      self = RequestHeadParser()
      do throws(HTTPRefusal) {
        return .head(try Self.readHead(lines), byteCount: byteCount)
      } catch {
        return .refused(error)
      }
    }
    guard bytes.count < ServiceLimits.maximumHeadByteCount else { return tooLarge(bytes) }
    if targetIsTooLong(bytes) { return .refused(Self.targetTooLong) }
    return .incomplete
  }

  private static let targetTooLong = HTTPRefusal(
    status: 414,
    message: "the request target is longer than \(ServiceLimits.maximumTargetByteCount) bytes")

  /// The head is over its limit: 414 if the target alone is to blame.
  private func tooLarge(_ bytes: UnsafeRawBufferPointer) -> Result {
    if targetIsTooLong(bytes) { return .refused(Self.targetTooLong) }
    return .refused(
      HTTPRefusal(
        status: 431,
        message: "the request head is larger than \(ServiceLimits.maximumHeadByteCount) bytes"))
  }

  private func targetIsTooLong(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard bytes.count - headStart > ServiceLimits.maximumTargetByteCount else { return false }
    var offset = headStart
    let limit = min(bytes.count, headStart + ServiceLimits.maximumMethodByteCount + 1)
    while offset < limit, bytes[offset] != 0x20 { offset += 1 }
    guard offset < limit else { return false }
    let start = offset + 1
    offset = start
    while offset < bytes.count, bytes[offset] > 0x20 { offset += 1 }
    return offset - start > ServiceLimits.maximumTargetByteCount
  }

  // MARK: - A whole head

  /// `lines` are the request line and the fields, each with its CR LF.
  private static func readHead(_ lines: UnsafeRawBufferPointer) throws(HTTPRefusal) -> RequestHead {
    let requestLineEnd = lineEnd(lines, from: 0)
    var head = try readRequestLine(UnsafeRawBufferPointer(rebasing: lines[0..<requestLineEnd]))
    var fields = FieldReader(isVersion11: head.isVersion11)
    var offset = requestLineEnd + 2
    while offset < lines.count {
      let end = lineEnd(lines, from: offset)
      try fields.read(UnsafeRawBufferPointer(rebasing: lines[offset..<end]))
      offset = end + 2
    }
    try fields.finish(&head)
    return head
  }

  /// Offset of the CR that ends the line; the caller has seen that each LF has one.
  private static func lineEnd(_ lines: UnsafeRawBufferPointer, from start: Int) -> Int {
    var offset = start
    while offset < lines.count, lines[offset] != 0x0A { offset += 1 }
    return offset - 1
  }

  private static func bad(_ message: String) -> HTTPRefusal {
    HTTPRefusal(status: 400, message: message)
  }

  /// `method SP request-target SP HTTP-version`.
  private static func readRequestLine(
    _ line: UnsafeRawBufferPointer
  ) throws(HTTPRefusal) -> RequestHead {
    var offset = 0
    while offset < line.count, line[offset].isTokenCharacter { offset += 1 }
    let method = UnsafeRawBufferPointer(rebasing: line[0..<offset])
    guard !method.isEmpty, offset < line.count, line[offset] == 0x20,
      method.count <= ServiceLimits.maximumMethodByteCount
    else {
      throw bad("the request line does not begin with a method and one space")
    }
    let targetStart = offset + 1
    offset = targetStart
    while offset < line.count, line[offset] > 0x20, line[offset] < 0x7F { offset += 1 }
    let target = UnsafeRawBufferPointer(rebasing: line[targetStart..<offset])
    guard target.count <= ServiceLimits.maximumTargetByteCount else { throw targetTooLong }
    guard !target.isEmpty, offset < line.count, line[offset] == 0x20 else {
      throw bad("the request target is not visible ASCII between single spaces")
    }
    let version = UnsafeRawBufferPointer(rebasing: line[(offset + 1)...])
    guard version.count == 8, UnsafeRawBufferPointer(rebasing: version[0..<5]).equals("HTTP/"),
      version[5].isDigit, version[6] == UInt8(ascii: "."), version[7].isDigit
    else {
      throw bad("the request line does not end with an HTTP version")
    }
    guard version[5] == UInt8(ascii: "1") else {
      throw HTTPRefusal(status: 505, message: "this server speaks HTTP/1.1")
    }
    let isVersion11 = version[7] != UInt8(ascii: "0")
    return RequestHead(
      method: method.equals("POST")
        ? .post : method.equals("GET") ? .get : method.equals("HEAD") ? .head : .other,
      route: try route(of: target, method: method), isVersion11: isVersion11,
      keepAlive: isVersion11)
  }

  /// The route that a target names, in any of its four forms (RFC 9112, section 3.2).
  private static func route(
    of target: UnsafeRawBufferPointer, method: UnsafeRawBufferPointer
  ) throws(HTTPRefusal) -> Route? {
    for byte in target where byte == UInt8(ascii: "#") {
      throw bad("the request target holds a fragment")
    }
    var path = target
    if target[0] != UInt8(ascii: "/") {
      // `*` is for OPTIONS and an authority for CONNECT: neither names anything here.
      if target.equals("*") || method.equals("CONNECT") { return nil }
      let scheme = UnsafeRawBufferPointer(rebasing: target[0..<min(7, target.count)])
      guard scheme.equalsIgnoringCase("http://") else {
        throw bad("the request target is neither a path nor an http URL")
      }
      var offset = 7
      while offset < target.count, target[offset] != UInt8(ascii: "/") { offset += 1 }
      path = UnsafeRawBufferPointer(rebasing: target[offset...])
    }
    var end = 0
    while end < path.count, path[end] != UInt8(ascii: "?") { end += 1 }
    return Route(path: UnsafeRawBufferPointer(rebasing: path[0..<end]))
  }
}

extension UInt8 {
  @inline(__always) var isDigit: Bool { self >= 0x30 && self <= 0x39 }
}
