/// The BYTE_STREAM_SPLIT encoding of 8-byte numbers: the lowest byte of each, then the next byte of
/// each, and so on. A page is eight streams of as many bytes as there are numbers.
///
/// What neighbours share comes to lie together, and what is noise lies apart.
/// https://github.com/apache/parquet-format/blob/master/Encodings.md#BYTESTREAMSPLIT
package enum ByteStreamSplit {
  /// Bytes of a number, and streams of a page.
  package static let width = 8

  /// Appends `numbers`.
  package static func append(_ numbers: UnsafeBufferPointer<UInt64>, to output: GrowingBytes) {
    let count = numbers.count
    output.reserve(count * width)
    let target = output.base + output.count
    let wholeCount = count / width * width
    for index in stride(from: 0, to: wholeCount, by: width) {
      splitEight(numbers, from: index, to: target + index, stride: count)
    }
    for index in wholeCount..<count {
      for stream in 0..<width {
        target.storeBytes(
          of: UInt8(truncatingIfNeeded: numbers[index] >> UInt64(8 * stream)),
          toByteOffset: stream * count + index, as: UInt8.self)
      }
    }
    output.count += count * width
  }

  /// Puts the bytes of eight numbers into eight streams that lie `stride` bytes apart: a matrix of
  /// 8 x 8 bytes changes rows for columns by exchanging quarters of 4, of 2 and of 1 byte a side.
  @inline(__always)
  private static func splitEight(
    _ numbers: UnsafeBufferPointer<UInt64>, from index: Int, to target: UnsafeMutableRawPointer,
    stride: Int
  ) {
    var (a, b, c, d) = (
      numbers[index], numbers[index + 1], numbers[index + 2], numbers[index + 3]
    )
    var (e, f, g, h) = (
      numbers[index + 4], numbers[index + 5], numbers[index + 6], numbers[index + 7]
    )
    exchange(&a, &e, 32, 0x0000_0000_FFFF_FFFF)
    exchange(&b, &f, 32, 0x0000_0000_FFFF_FFFF)
    exchange(&c, &g, 32, 0x0000_0000_FFFF_FFFF)
    exchange(&d, &h, 32, 0x0000_0000_FFFF_FFFF)
    exchange(&a, &c, 16, 0x0000_FFFF_0000_FFFF)
    exchange(&b, &d, 16, 0x0000_FFFF_0000_FFFF)
    exchange(&e, &g, 16, 0x0000_FFFF_0000_FFFF)
    exchange(&f, &h, 16, 0x0000_FFFF_0000_FFFF)
    exchange(&a, &b, 8, 0x00FF_00FF_00FF_00FF)
    exchange(&c, &d, 8, 0x00FF_00FF_00FF_00FF)
    exchange(&e, &f, 8, 0x00FF_00FF_00FF_00FF)
    exchange(&g, &h, 8, 0x00FF_00FF_00FF_00FF)
    store(a, to: target)
    store(b, to: target + stride)
    store(c, to: target + 2 * stride)
    store(d, to: target + 3 * stride)
    store(e, to: target + 4 * stride)
    store(f, to: target + 5 * stride)
    store(g, to: target + 6 * stride)
    store(h, to: target + 7 * stride)
  }

  /// Exchanges what `mask` covers of `low` behind `shift` bits with what it covers of `high`.
  @inline(__always)
  private static func exchange(
    _ low: inout UInt64, _ high: inout UInt64, _ shift: UInt64, _ mask: UInt64
  ) {
    let difference = (low &>> shift ^ high) & mask
    high ^= difference
    low ^= difference &<< shift
  }

  @inline(__always)
  private static func store(_ bytes: UInt64, to target: UnsafeMutableRawPointer) {
    target.storeBytes(of: bytes.littleEndian, as: UInt64.self)
  }
}
