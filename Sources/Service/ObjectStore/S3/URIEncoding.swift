/// Percent-encoding as SigV4 demands it: all bytes but A-Z a-z 0-9 - . _ ~, in upper-case hex.
/// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
enum URIEncoding {
  /// One query name or value, or form field.
  static func component(_ text: String) -> String { encode(text, keepsSlash: false) }

  /// A key in a path: slashes stay, nothing is folded.
  static func path(_ text: String) -> String { encode(text, keepsSlash: true) }

  private static let digits = Array("0123456789ABCDEF".utf8)

  private static func encode(_ text: String, keepsSlash: Bool) -> String {
    var result: [UInt8] = []
    result.reserveCapacity(text.utf8.count)
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
        UInt8(ascii: "_"), UInt8(ascii: "~"):
        result.append(byte)
      case UInt8(ascii: "/") where keepsSlash:
        result.append(byte)
      default:
        result.append(UInt8(ascii: "%"))
        result.append(digits[Int(byte >> 4)])
        result.append(digits[Int(byte & 15)])
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// `a=b&c=d`, sorted as SigV4 sorts: by encoded name, then by encoded value.
  static func query(_ items: [(name: String, value: String)]) -> String {
    items.map { (component($0.name), component($0.value)) }
      .sorted {
        Array($0.0.utf8).lexicographicallyPrecedes(Array($1.0.utf8))
          || ($0.0 == $1.0 && Array($0.1.utf8).lexicographicallyPrecedes(Array($1.1.utf8)))
      }
      .map { "\($0.0)=\($0.1)" }
      .joined(separator: "&")
  }
}
