/// An element of a small XML document, as S3 and STS answer: names without prefixes, attributes
/// dropped, text with its references resolved.
///
/// Not a validator: it takes what those services send and refuses what does not close. No external
/// or declared entity is ever resolved. https://www.w3.org/TR/xml/
struct XMLElement: Equatable, Sendable {
  var name: String
  var text = ""
  var children: [XMLElement] = []

  /// The first child of that name.
  subscript(name: String) -> XMLElement? { children.first { $0.name == name } }

  /// The root element; nil: no well-closed document, or one beyond the bounds.
  static func parse(_ bytes: [UInt8]) -> XMLElement? {
    guard bytes.count <= ServiceLimits.maximumXMLByteCount else { return nil }
    var parser = XMLParser(bytes)
    return parser.document()
  }
}

/// One pass over the bytes, with the open elements on a stack of bounded depth.
private struct XMLParser {
  private let bytes: [UInt8]
  private var position = 0
  private var open: [XMLElement] = []
  private var openText: [[UInt8]] = []
  private var root: XMLElement?
  private var elementCount = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  mutating func document() -> XMLElement? {
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    while position < bytes.count {
      let isDone = bytes[position] == UInt8(ascii: "<") ? markup() : text()
      guard isDone else { return nil }
    }
    return open.isEmpty ? root : nil
  }

  private mutating func markup() -> Bool {
    if skip("<!--", through: "-->") || skip("<?", through: "?>") { return true }
    if at("<![CDATA[") {
      let start = position + 9
      guard !open.isEmpty, let end = find("]]>", from: start) else { return false }
      openText[openText.count - 1] += bytes[start..<end]
      position = end + 3
      return true
    }
    // A document type may hold a subset in brackets; these services send none.
    if at("<!") { return false }
    if at("</") { return endTag() }
    return startTag()
  }

  private mutating func startTag() -> Bool {
    position += 1
    guard let name = name() else { return false }
    elementCount += 1
    guard root == nil, open.count < ServiceLimits.maximumXMLDepth,
      elementCount <= ServiceLimits.maximumXMLElements
    else { return false }
    // Attributes are passed over; their values may hold ">".
    var quote: UInt8?
    var isEmpty = false
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      if let mark = quote {
        if byte == mark { quote = nil }
      } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
        quote = byte
      } else if byte == UInt8(ascii: ">") {
        open.append(XMLElement(name: name))
        openText.append([])
        if isEmpty { close() }
        return true
      }
      isEmpty = byte == UInt8(ascii: "/")
    }
    return false
  }

  private mutating func endTag() -> Bool {
    position += 2
    guard let name = name(), open.last?.name == name else { return false }
    while position < bytes.count, Self.isSpace(bytes[position]) { position += 1 }
    guard position < bytes.count, bytes[position] == UInt8(ascii: ">") else { return false }
    position += 1
    close()
    return true
  }

  private mutating func close() {
    guard var element = open.popLast(), let text = openText.popLast() else { return }
    element.text = String(decoding: text, as: UTF8.self)
    if open.isEmpty { root = element } else { open[open.count - 1].children.append(element) }
  }

  private mutating func text() -> Bool {
    if bytes[position] == UInt8(ascii: "&") {
      guard let end = bytes[position...].prefix(12).firstIndex(of: UInt8(ascii: ";")),
        let character = Self.reference(bytes[(position + 1)..<end]), !open.isEmpty
      else { return false }
      openText[openText.count - 1] += Array(String(character).utf8)
      position = end + 1
      return true
    }
    let start = position
    while position < bytes.count, bytes[position] != UInt8(ascii: "<"),
      bytes[position] != UInt8(ascii: "&")
    {
      position += 1
    }
    guard open.isEmpty else {
      openText[openText.count - 1] += bytes[start..<position]
      return true
    }
    return bytes[start..<position].allSatisfy(Self.isSpace)
  }

  /// Reads a name and drops its prefix.
  private mutating func name() -> String? {
    let start = position
    while position < bytes.count, !Self.isSpace(bytes[position]),
      !"/>=<&\"'".utf8.contains(bytes[position])
    {
      position += 1
    }
    let name = bytes[start..<position]
    let local = name.split(separator: UInt8(ascii: ":")).last ?? []
    return local.isEmpty ? nil : String(decoding: local, as: UTF8.self)
  }

  private static func reference(_ name: ArraySlice<UInt8>) -> Unicode.Scalar? {
    let text = String(decoding: name, as: UTF8.self)
    switch text {
    case "lt": return "<"
    case "gt": return ">"
    case "amp": return "&"
    case "quot": return "\""
    case "apos": return "'"
    default:
      let isHex = text.hasPrefix("#x")
      guard text.hasPrefix("#"),
        let value = UInt32(text.dropFirst(isHex ? 2 : 1), radix: isHex ? 16 : 10), value > 0
      else { return nil }
      return Unicode.Scalar(value)
    }
  }

  private func at(_ mark: String) -> Bool { bytes[position...].starts(with: mark.utf8) }

  private func find(_ mark: String, from start: Int) -> Int? {
    let mark = Array(mark.utf8)
    var place = start
    while place + mark.count <= bytes.count {
      if bytes[place..<place + mark.count].elementsEqual(mark) { return place }
      place += 1
    }
    return nil
  }

  private mutating func skip(_ begin: String, through end: String) -> Bool {
    guard at(begin), let place = find(end, from: position + begin.utf8.count) else { return false }
    position = place + end.utf8.count
    return true
  }

  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
  }
}
