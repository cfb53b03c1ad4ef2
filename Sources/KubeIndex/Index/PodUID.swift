/// A pod's UID: 16 bytes when it is a UUID as the API server writes it, else its text.
package struct PodUID: Sendable, Equatable {
  let high: UInt64
  let low: UInt64
  /// nil: packed.
  let text: Text?

  /// The bytes must be UTF-8.
  package init(_ bytes: UnsafeRawBufferPointer) {
    if let packed = PodUID(packing: bytes) { self = packed } else { self.init(text: Text(bytes)) }
  }

  package init(_ text: Text) {
    self = text.withBytes { PodUID(packing: $0) } ?? PodUID(text: text)
  }

  init(text: Text) {
    high = 0
    low = 0
    self.text = text
  }

  /// A UUID whose first 8 bytes are `high`, the first of them highest, and the last 8 `low`.
  package init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
    text = nil
  }

  /// nil: not 36 bytes of lower-case hexadecimal digits and hyphens where they belong.
  init?(packing bytes: UnsafeRawBufferPointer) {
    guard bytes.count == 36 else { return nil }
    var (high, low): (UInt64, UInt64) = (0, 0)
    for (index, byte) in bytes.enumerated() {
      if PodUID.isHyphen(index) {
        guard byte == UInt8(ascii: "-") else { return nil }
        continue
      }
      let digit: UInt8
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
      default: return nil
      }
      high = high << 4 | low >> 60
      low = low << 4 | UInt64(digit)
    }
    self.high = high
    self.low = low
    text = nil
  }

  private static func isHyphen(_ index: Int) -> Bool {
    index == 8 || index == 13 || index == 18 || index == 23
  }

  /// Calls `body` with the UID's text, valid during the call.
  package func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    if let text { return try text.withBytes(body) }
    return try withUnsafeTemporaryAllocation(byteCount: 36, alignment: 1) { bytes in
      var (high, low) = (high, low)
      for index in 0..<36 {
        guard !PodUID.isHyphen(index) else {
          bytes[index] = UInt8(ascii: "-")
          continue
        }
        let digit = UInt8(truncatingIfNeeded: high >> 60)
        bytes[index] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
        high = high << 4 | low >> 60
        low <<= 4
      }
      return try body(UnsafeRawBufferPointer(bytes))
    }
  }

  /// As a text of these bytes has it.
  package var hash: UInt64 { withBytes { Text.hash($0) } }

  package var string: String { withBytes { String(decoding: $0, as: UTF8.self) } }

  /// True when the UID is exactly `bytes`.
  func equals(_ bytes: UnsafeRawBufferPointer) -> Bool {
    if let text { return text.equals(bytes) }
    return PodUID(packing: bytes) == self
  }
}
