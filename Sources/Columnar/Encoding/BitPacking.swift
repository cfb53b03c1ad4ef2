/// Widths of packed values, and packed runs of whole bytes.
///
/// A packed run's width may be larger than its values need. Whole bytes cost at most 7 bits a
/// value before compression and save more after it: rows that repeat begin at the same bit of a
/// byte, so Snappy, which sees only bytes, finds them.
/// https://github.com/apache/parquet-format/blob/master/Encodings.md#RLE
package enum BitPacking {
  /// Bits that hold every index below `count`; at least 1, as some readers refuse a width of 0.
  package static func bitWidth(forCount count: Int) -> Int {
    count <= 2 ? 1 : Int.bitWidth - (count - 1).leadingZeroBitCount
  }

  /// The same in whole bytes, 1 to 4.
  package static func byteWidth(forCount count: Int) -> Int {
    (bitWidth(forCount: count) + 7) / 8
  }

  /// Appends the header of a packed run of `valueCount` values.
  package static func appendHeader(valueCount: Int, to output: GrowingBytes) {
    output.appendVarint(UInt64((valueCount + 7) / 8) << 1 | 1)
  }

  /// Appends the zeros that fill the last group of a packed run of whole bytes.
  package static func appendPadding(valueCount: Int, byteWidth: Int, to output: GrowingBytes) {
    let missing = (8 - valueCount % 8) % 8
    for _ in 0..<missing * byteWidth { output.append(UInt8(0)) }
  }

  /// Appends `values`, each in `byteWidth` bytes.
  package static func append(
    _ values: UnsafeBufferPointer<UInt32>, byteWidth: Int, to output: GrowingBytes
  ) {
    // Each store writes 4 bytes and the next one overwrites what it does not need.
    output.reserve(values.count * byteWidth + 4)
    var target = output.base + output.count
    switch byteWidth {
    case 1:
      for value in values {
        target.storeBytes(of: UInt8(truncatingIfNeeded: value), as: UInt8.self)
        target += 1
      }
    case 2:
      for value in values {
        target.storeBytes(of: UInt16(truncatingIfNeeded: value).littleEndian, as: UInt16.self)
        target += 2
      }
    default:
      for value in values {
        target.storeBytes(of: value.littleEndian, as: UInt32.self)
        target += byteWidth
      }
    }
    output.count += values.count * byteWidth
  }

  /// Appends `values` as above and then again, `repetitions` times in all.
  package static func append(
    _ values: UnsafeBufferPointer<UInt32>, repetitions: Int, byteWidth: Int,
    to output: GrowingBytes
  ) {
    let start = output.count
    append(values, byteWidth: byteWidth, to: output)
    let once = output.count - start
    let total = once * repetitions
    output.reserve(total - once + 4)
    let first = output.base + start
    var filled = once
    // Doubling copies: few calls even for one short list on very many rows.
    while filled < total {
      let count = min(filled, total - filled)
      (first + filled).copyMemory(from: first, byteCount: count)
      filled += count
    }
    output.count = start + total
  }
}
