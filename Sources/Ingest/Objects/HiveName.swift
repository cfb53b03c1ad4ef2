/// Partition values in object keys, escaped as Hive escapes them (`FileUtils.escapePathName` in
/// Apache Hive; Spark's `ExternalCatalogUtils` is the same), and more carefully at the beginning: a
/// leading `_` or `.` would hide the directory from every Hive-like reader.
package enum HiveName {
  /// Stands for an empty value.
  package static let defaultPartition = "__HIVE_DEFAULT_PARTITION__"

  package static func escape(_ value: String) -> String {
    guard !value.isEmpty else { return defaultPartition }
    let digits = Array("0123456789ABCDEF".utf8)
    var text: [UInt8] = []
    for (index, byte) in value.utf8.enumerated() {
      let hides = index == 0 && (byte == UInt8(ascii: "_") || byte == UInt8(ascii: "."))
      if mustEscape(byte) || hides {
        text.append(UInt8(ascii: "%"))
        text.append(digits[Int(byte >> 4)])
        text.append(digits[Int(byte & 15)])
      } else {
        text.append(byte)
      }
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// The value that `escape` made `text` from; nil when it is not such a text.
  package static func unescape(_ text: String) -> String? {
    if text == defaultPartition { return "" }
    var value: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        value.append(byte)
        continue
      }
      guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit)
      else { return nil }
      value.append(high << 4 | low)
    }
    return String(validating: value, as: UTF8.self)
  }

  private static func mustEscape(_ byte: UInt8) -> Bool {
    switch byte {
    case 0...0x1F, 0x7F: true
    case UInt8(ascii: "\""), UInt8(ascii: "#"), UInt8(ascii: "%"), UInt8(ascii: "'"),
      UInt8(ascii: "*"), UInt8(ascii: "/"), UInt8(ascii: ":"), UInt8(ascii: "="),
      UInt8(ascii: "?"), UInt8(ascii: "\\"), UInt8(ascii: "{"), UInt8(ascii: "["),
      UInt8(ascii: "]"), UInt8(ascii: "^"):
      true
    default: false
    }
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
