import CShims

/// The identity of one DATA_DIR, made once (a version 4 UUID, RFC 9562). It is part of every
/// object's key, so that two directories never meet, and of every hash in the directory's files, so
/// that zeros, or frames of another file, never validate.
package struct WriterID: Hashable, Sendable, CustomStringConvertible {
  package var high: UInt64
  package var low: UInt64

  package init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// A new identity out of 128 random bits.
  package init(random next: () -> UInt64) {
    high = next() & ~0xF000 | 0x4000
    low = next() & ~(0b11 << 62) | 0b10 << 62
  }

  /// nil unless `text` is the canonical lower-case form.
  package init?(_ text: some StringProtocol) {
    let characters = Array(text.utf8)
    guard characters.count == 36 else { return nil }
    var digits: [UInt64] = []
    for (index, character) in characters.enumerated() {
      if [8, 13, 18, 23].contains(index) {
        guard character == UInt8(ascii: "-") else { return nil }
        continue
      }
      switch character {
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        digits.append(UInt64(character - UInt8(ascii: "0")))
      case UInt8(ascii: "a")...UInt8(ascii: "f"):
        digits.append(UInt64(character - UInt8(ascii: "a") + 10))
      default: return nil
      }
    }
    high = digits[..<16].reduce(0) { $0 << 4 | $1 }
    low = digits[16...].reduce(0) { $0 << 4 | $1 }
  }

  package var description: String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for index in 0..<32 {
      if [8, 12, 16, 20].contains(index) { text.append(UInt8(ascii: "-")) }
      let word = index < 16 ? high : low
      text.append(digits[Int(word >> UInt64(60 - 4 * (index % 16)) & 15)])
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// Seed of every hash in the files of `segment`.
  package func seed(segment: UInt64) -> UInt64 {
    withUnsafeBytes(of: (high.littleEndian, low.littleEndian)) {
      cshims_xxh3_64($0.baseAddress, $0.count, segment)
    }
  }
}
