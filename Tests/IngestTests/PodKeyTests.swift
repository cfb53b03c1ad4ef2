import Testing

@testable import Ingest

/// Protects: only the canonical lower-case UUID is packed, and no two of them to the same bytes.
struct PodKeyTests {
  private func pack(_ text: String) -> (low: UInt64, high: UInt64)? {
    Array(text.utf8).withUnsafeBytes { bytes in
      bytes.baseAddress.flatMap { bytes.count == 36 ? PodKey.pack($0) : nil }
    }
  }

  /// The slow way: digit by digit.
  private func isCanonical(_ text: [UInt8]) -> Bool {
    text.count == 36
      && text.enumerated().allSatisfy { place, byte in
        [8, 13, 18, 23].contains(place)
          ? byte == UInt8(ascii: "-")
          : (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
      }
  }

  @Test func everyByteAtEveryPlace() {
    let base = Array("0f9a64b3-40d5-491e-99b0-da01ff1f3341".utf8)
    var packed: Set<[UInt64]> = []
    for place in base.indices {
      for byte in UInt8.min ... .max {
        var text = base
        text[place] = byte
        let key = text.withUnsafeBytes { $0.baseAddress.flatMap { PodKey.pack($0) } }
        #expect((key != nil) == isCanonical(text), "byte \(byte) at \(place)")
        if let key { packed.insert([key.low, key.high]) }
      }
    }
    // The base itself, and 15 others at each of 32 places.
    #expect(packed.count == 1 + 15 * 32)
  }

  @Test func otherTextIsHashed() {
    for text in [
      "", "web-0", "0F9A64B3-40D5-491E-99B0-DA01FF1F3341", "0f9a64b340d5491e99b0da01ff1f3341",
    ] {
      let key = Array(text.utf8).withUnsafeBytes { PodKey($0, seed: 1) }
      #expect(!key.isUUID)
    }
    #expect(pack("0f9a64b3-40d5-491e-99b0-da01ff1f3341") != nil)
  }
}
