/// The DELTA_BINARY_PACKED encoding: differences of neighbours, bit packed.
///
///     page      := block-values miniblocks count first-value block*       varints, zigzag the last
///     block     := least-difference(zigzag) width(1)*4 miniblock*4
///     miniblock := 32 differences less the least one, `width` bits each, LSB first
///
/// Differences wrap around, so any two numbers have one, and what is above the least is unsigned.
/// The last miniblock is filled with zeros; those behind it have width 0 and no bytes.
/// https://github.com/apache/parquet-format/blob/master/Encodings.md#DELTAENC
package enum DeltaBinaryPacked {
  static let blockValueCount = 128
  static let miniblockCount = 4
  static let miniblockValueCount = blockValueCount / miniblockCount

  /// Appends `values`, of an INT64 column.
  package static func append(_ values: UnsafeBufferPointer<Int64>, to output: GrowingBytes) {
    output.appendVarint(UInt64(blockValueCount))
    output.appendVarint(UInt64(miniblockCount))
    output.appendVarint(UInt64(values.count))
    output.appendVarint(zigzag(values.first ?? 0))
    withUnsafeTemporaryAllocation(of: Int64.self, capacity: blockValueCount) { differences in
      var position = 1
      while position < values.count {
        let count = min(blockValueCount, values.count - position)
        for index in 0..<count {
          differences[index] = values[position + index] &- values[position + index - 1]
        }
        appendBlock(UnsafeMutableBufferPointer(rebasing: differences[..<count]), to: output)
        position += count
      }
    }
  }

  private static func appendBlock(
    _ differences: UnsafeMutableBufferPointer<Int64>, to output: GrowingBytes
  ) {
    var least = differences[0]
    for difference in differences { least = min(least, difference) }
    output.appendVarint(zigzag(least))
    // The widths, at most 64 bits a difference, and the 8 bytes that the last store may overshoot.
    output.reserve(miniblockCount + blockValueCount * 8 + 8)
    let widths = output.base + output.count
    var target = widths + miniblockCount
    for miniblock in 0..<miniblockCount {
      let start = min(miniblock * miniblockValueCount, differences.count)
      let end = min(start + miniblockValueCount, differences.count)
      var bits: UInt64 = 0
      for index in start..<end {
        let above = differences[index] &- least
        differences[index] = above
        bits |= UInt64(bitPattern: above)
      }
      let width = UInt64.bitWidth - bits.leadingZeroBitCount
      widths.storeBytes(of: UInt8(width), toByteOffset: miniblock, as: UInt8.self)
      guard width > 0 else { continue }
      pack(UnsafeMutableBufferPointer(rebasing: differences[start..<end]), width: width, to: target)
      target += miniblockValueCount / 8 * width
    }
    output.count = target - output.base
  }

  /// Packs a miniblock, `width` bits a number, and the zeros that fill it.
  @inline(__always)
  private static func pack(
    _ numbers: UnsafeMutableBufferPointer<Int64>, width: Int, to start: UnsafeMutableRawPointer
  ) {
    var target = start
    var accumulator: UInt64 = 0
    var bitCount = 0
    for number in numbers {
      let bits = UInt64(bitPattern: number)
      accumulator |= bits &<< UInt64(bitCount)
      bitCount += width
      if bitCount >= 64 {
        target.storeBytes(of: accumulator.littleEndian, as: UInt64.self)
        target += 8
        bitCount -= 64
        accumulator = bitCount == 0 ? 0 : bits &>> UInt64(width - bitCount)
      }
    }
    let end = start + miniblockValueCount / 8 * width
    while target < end {
      target.storeBytes(of: accumulator.littleEndian, as: UInt64.self)
      accumulator = 0
      target += 8
    }
  }

  private static func zigzag(_ value: Int64) -> UInt64 {
    UInt64(bitPattern: value &<< 1 ^ value &>> 63)
  }
}
