/// Bounds of a page or column chunk as they are written: PLAIN without a length.
///
/// Orders: signed for integers, the usual one for doubles, unsigned bytes for text.
/// https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift (Statistics,
/// ColumnOrder)
package struct ValueBounds: Sendable, Equatable {
  package var minimum: [UInt8]
  package var maximum: [UInt8]
  /// False where text was cut.
  package var isMinimumExact = true
  package var isMaximumExact = true

  package init(
    minimum: [UInt8], maximum: [UInt8], isMinimumExact: Bool = true, isMaximumExact: Bool = true
  ) {
    self.minimum = minimum
    self.maximum = maximum
    self.isMinimumExact = isMinimumExact
    self.isMaximumExact = isMaximumExact
  }

  /// Bounds of integers; those of an INT32 column fit 32 bits.
  package init(minimum: Int64, maximum: Int64, as type: PhysicalType) {
    if type == .int32 {
      self.init(
        minimum: Self.bytes(of: UInt32(truncatingIfNeeded: minimum)),
        maximum: Self.bytes(of: UInt32(truncatingIfNeeded: maximum)))
    } else {
      self.init(
        minimum: Self.bytes(of: UInt64(bitPattern: minimum)),
        maximum: Self.bytes(of: UInt64(bitPattern: maximum)))
    }
  }

  /// Bounds of doubles, none of them NaN. Zero bounds get the sign that covers both zeros, as the
  /// format asks for.
  package init(minimum: Double, maximum: Double) {
    self.init(
      minimum: Self.bytes(of: (minimum == 0 ? -0.0 : minimum).bitPattern),
      maximum: Self.bytes(of: (maximum == 0 ? 0.0 : maximum).bitPattern))
  }

  private static func bytes<T: FixedWidthInteger>(of value: T) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }

  /// Negative, zero or positive as `left` is below, equal to or above `right` in the order of
  /// `type`.
  package static func compare(_ left: [UInt8], _ right: [UInt8], as type: PhysicalType) -> Int {
    func order<T: Comparable>(_ a: T, _ b: T) -> Int { a < b ? -1 : (a == b ? 0 : 1) }
    return left.withUnsafeBytes { a in
      right.withUnsafeBytes { b in
        switch type {
        case .byteArray:
          TextOrder.compare(a, b)
        case .int32:
          order(a.loadUnaligned(as: Int32.self), b.loadUnaligned(as: Int32.self))
        case .int64:
          order(a.loadUnaligned(as: Int64.self), b.loadUnaligned(as: Int64.self))
        case .double:
          order(a.loadUnaligned(as: Double.self), b.loadUnaligned(as: Double.self))
        }
      }
    }
  }

  /// Widens to cover `other` too.
  mutating func formUnion(_ other: ValueBounds, as type: PhysicalType) {
    if Self.compare(other.minimum, minimum, as: type) < 0 {
      minimum = other.minimum
      isMinimumExact = other.isMinimumExact
    }
    if Self.compare(other.maximum, maximum, as: type) > 0 {
      maximum = other.maximum
      isMaximumExact = other.isMaximumExact
    }
  }
}

/// Text bounds of at most `ColumnarLimits.maximumBoundBytes` bytes, cut at a code point.
package enum TextBounds {
  package typealias Bound = (bytes: [UInt8], isExact: Bool)

  /// A lower bound: the text or its first code points. Nil when there are none to keep.
  package static func minimum(_ text: UnsafeRawBufferPointer) -> Bound? {
    if text.count <= ColumnarLimits.maximumBoundBytes { return (Array(text), true) }
    let prefix = cut(text)
    return prefix.isEmpty ? nil : (Array(prefix), false)
  }

  /// An upper bound: the text, or the shortest change of its first code points that is above all
  /// texts that begin with them. Nil when there is none.
  package static func maximum(_ text: UnsafeRawBufferPointer) -> Bound? {
    if text.count <= ColumnarLimits.maximumBoundBytes { return (Array(text), true) }
    var prefix = cut(text)
    while let (start, scalar) = lastScalar(of: prefix) {
      let head = prefix[..<start]
      if let next = successor(of: scalar) {
        let bytes = Array(head) + Array(String(Character(next)).utf8)
        if bytes.count <= ColumnarLimits.maximumBoundBytes { return (bytes, false) }
      }
      prefix = head
    }
    return nil
  }

  /// The longest whole code points within the limit.
  private static func cut(_ text: UnsafeRawBufferPointer) -> Slice<UnsafeRawBufferPointer> {
    var end = ColumnarLimits.maximumBoundBytes
    while end > 0 && text[end] & 0xC0 == 0x80 { end -= 1 }
    return text[..<end]
  }

  /// The last code point of `text` and where it begins; nil when empty or not UTF-8.
  private static func lastScalar(
    of text: Slice<UnsafeRawBufferPointer>
  ) -> (start: Int, scalar: Unicode.Scalar)? {
    guard !text.isEmpty else { return nil }
    var start = text.endIndex - 1
    while start > text.startIndex && text[start] & 0xC0 == 0x80 { start -= 1 }
    guard let decoded = String(validating: text[start...], as: UTF8.self),
      let scalar = decoded.unicodeScalars.first, decoded.unicodeScalars.count == 1
    else { return nil }
    return (start, scalar)
  }

  /// The next code point that is a character; surrogates are skipped.
  private static func successor(of scalar: Unicode.Scalar) -> Unicode.Scalar? {
    let next = scalar.value + 1
    return Unicode.Scalar(next == 0xD800 ? 0xE000 : next)
  }
}
