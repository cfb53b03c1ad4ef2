/// Builds JSON text byte by byte: for answers and log lines, without Foundation.
struct JSONText {
  private(set) var bytes: [UInt8] = []

  mutating func append(raw text: StaticString) {
    bytes.append(
      contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// Text that is JSON already.
  mutating func append(json text: String) {
    bytes.append(contentsOf: text.utf8)
  }

  mutating func append(_ value: Bool) {
    append(raw: value ? "true" : "false")
  }

  /// A string with its quotes. Control characters, and those that some readers take for the end of
  /// a line, are escaped.
  mutating func append(_ text: String) {
    bytes.append(UInt8(ascii: "\""))
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": append(raw: "\\\"")
      case "\\": append(raw: "\\\\")
      case "\n": append(raw: "\\n")
      case "\r": append(raw: "\\r")
      case "\t": append(raw: "\\t")
      default:
        if scalar.isControlOrLineEnd {
          appendEscape(scalar.value)
        } else {
          bytes.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        }
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  /// `\u` and four digits; all control characters lie below U+10000.
  private mutating func appendEscape(_ value: UInt32) {
    append(raw: "\\u")
    for shift in [12, 8, 4, 0] as [UInt32] {
      bytes.append(Self.digits[Int(value >> shift & 0xF)])
    }
  }

  private static let digits = Array("0123456789abcdef".utf8)
}

extension Unicode.Scalar {
  /// A C0 or C1 control character, DEL, or a line or paragraph separator.
  var isControlOrLineEnd: Bool {
    value < 0x20 || (value >= 0x7F && value <= 0x9F) || value == 0x2028 || value == 0x2029
  }
}
