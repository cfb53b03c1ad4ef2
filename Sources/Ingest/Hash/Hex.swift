import CShims

/// Numbers as 16 lower-case hexadecimal digits.
package enum Hex {
  package static func text(_ number: UInt64) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 16 - digits.utf8.count) + digits
  }
}

extension String {
  /// XXH3-64 of the UTF-8 bytes, seed 0.
  var xxh3: UInt64 {
    var copy = self
    return copy.withUTF8 { cshims_xxh3_64($0.baseAddress, $0.count, 0) }
  }
}
