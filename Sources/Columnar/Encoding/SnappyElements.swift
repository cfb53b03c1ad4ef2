/// The elements of a Snappy stream, put down where `target` points; the caller made room.
///
///     literal := (length - 1) << 2, or 60...63 << 2 and length - 1 in 1...4 bytes; the bytes
///     copy    := (length - 4) << 2 | offset >> 8 << 5 | 1, offset & 255      4 to 11 from near by
///              | (length - 1) << 2 | 2, offset in 2 bytes                    1 to 64 bytes
///              | (length - 1) << 2 | 3, offset in 4 bytes                    1 to 64 bytes
///
/// https://github.com/google/snappy/blob/main/format_description.txt
struct SnappyElements {
  /// The most bytes of one copy.
  static let maximumCopy = 64
  /// The farthest that the copies of 2 and of 3 bytes reach.
  static let maximumNearOffset = 2_047
  static let maximumMiddleOffset = 65_535

  var target: UnsafeMutableRawPointer

  @inline(__always)
  mutating func appendLiteral(_ source: UnsafeRawPointer, _ count: Int) {
    guard count > 0 else { return }
    appendLiteralTag(count)
    target.copyMemory(from: source, byteCount: count)
    target += count
  }

  /// Appends all elements of a Snappy stream that stands for `byteCount` bytes.
  mutating func append(_ stream: UnsafeRawBufferPointer, of byteCount: Int) {
    // The stream's own length comes first, 7 bits a byte.
    let lengthByteCount = max(1, (Int.bitWidth - byteCount.leadingZeroBitCount + 6) / 7)
    guard let base = stream.baseAddress, stream.count > lengthByteCount else { return }
    target.copyMemory(from: base + lengthByteCount, byteCount: stream.count - lengthByteCount)
    target += stream.count - lengthByteCount
  }

  /// Appends a literal that is mostly a few bytes; 8 bytes from `source` are readable, and there is
  /// room for 8 more than are written.
  @inline(__always)
  mutating func appendShortLiteral(_ source: UnsafeRawPointer, _ count: Int) {
    guard count <= 8 else { return appendLiteral(source, count) }
    if count == 0 { return }
    target.storeBytes(of: UInt8((count - 1) << 2), as: UInt8.self)
    (target + 1).storeBytes(of: source.loadUnaligned(as: UInt64.self), as: UInt64.self)
    target += 1 + count
  }

  private mutating func appendLiteralTag(_ count: Int) {
    let last = count - 1
    if last < 60 {
      target.storeBytes(of: UInt8(last << 2), as: UInt8.self)
      target += 1
      return
    }
    let byteCount = last < 1 << 8 ? 1 : (last < 1 << 16 ? 2 : (last < 1 << 24 ? 3 : 4))
    target.storeBytes(of: UInt8((59 + byteCount) << 2), as: UInt8.self)
    for index in 0..<byteCount {
      target.storeBytes(
        of: UInt8(truncatingIfNeeded: last >> (8 * index)), toByteOffset: 1 + index,
        as: UInt8.self)
    }
    target += 1 + byteCount
  }

  /// Appends copies of `length` bytes, at least 4, from `offset` bytes back.
  @inline(__always)
  mutating func appendCopy(offset: Int, length: Int) {
    if length < 12 && offset <= Self.maximumNearOffset {
      let tag = UInt16(truncatingIfNeeded: 1 | (length - 4) << 2 | (offset >> 8) << 5 | offset << 8)
      target.storeBytes(of: tag.littleEndian, as: UInt16.self)
      target += 2
    } else {
      appendLongCopy(offset: offset, length: length)
    }
  }

  private mutating func appendLongCopy(offset: Int, length: Int) {
    var left = length
    while left > 0 {
      let count = min(left, Self.maximumCopy)
      left -= count
      if offset <= Self.maximumMiddleOffset {
        target.storeBytes(of: UInt8((count - 1) << 2 | 2), as: UInt8.self)
        target.storeBytes(of: UInt16(offset).littleEndian, toByteOffset: 1, as: UInt16.self)
        target += 3
      } else {
        target.storeBytes(of: UInt8((count - 1) << 2 | 3), as: UInt8.self)
        target.storeBytes(of: UInt32(offset).littleEndian, toByteOffset: 1, as: UInt32.self)
        target += 5
      }
    }
  }
}
