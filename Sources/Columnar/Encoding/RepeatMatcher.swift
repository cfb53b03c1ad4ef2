import CShims
import Glibc

/// A compressor to the Snappy format for pages of packed indexes.
///
/// The library's compressor hashes few positions once it finds nothing for a while, and forgets
/// everything every 64 KiB; among indexes whose repeats are far apart (the reports of a node, seen
/// again at each of its pods) it finds next to none. This one looks at every value, from which
/// repeats begin, and back over the whole window that a 2-byte offset reaches.
///
///     stream  := varint(byte count) element*
///     literal := (length - 1) << 2, or 60...62 << 2 and length - 1 in 1...3 bytes; the bytes
///     copy    := (length - 1) << 2 | 2, offset in 2 bytes; 1 to 64 bytes from `offset` back
///
/// https://github.com/google/snappy/blob/main/format_description.txt
package final class RepeatMatcher {
  /// Shortest repeat that is looked for.
  private static let minimumMatch = 8
  private static let maximumOffset = 65_535
  private static let maximumCopy = 64
  private static let tableBits = 15

  /// Last position of each hash.
  private let table: UnsafeMutablePointer<UInt32>

  package init() {
    table = .allocate(capacity: 1 << Self.tableBits)
  }

  deinit { table.deallocate() }

  /// Replaces what is in `output` by the compressed form of `input`, whose values of `stride`
  /// bytes begin at `valuesOffset`; before that any byte may begin a repeat.
  package func compress(
    _ input: UnsafeRawBufferPointer, valuesOffset: Int, stride: Int, to output: GrowingBytes
  ) {
    output.reset()
    output.reserve(cshims_snappy_maximum_compressed(input.count))
    output.appendVarint(UInt64(input.count))
    guard let base = input.baseAddress else { return }
    // Position 0 stands for none: it is compared like any other, and found unequal or equal.
    table.update(repeating: 0, count: 1 << Self.tableBits)
    var target = output.base + output.count
    var literalStart = 0
    var position = 1
    while position + Self.minimumMatch <= input.count {
      let key = base.loadUnaligned(fromByteOffset: position, as: UInt64.self)
      let slot =
        table
        + Int(
          truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> UInt64(64 - Self.tableBits))
      let candidate = Int(slot.pointee)
      slot.pointee = UInt32(truncatingIfNeeded: position)
      let offset = position - candidate
      guard offset <= Self.maximumOffset,
        base.loadUnaligned(fromByteOffset: candidate, as: UInt64.self) == key
      else {
        position += position < valuesOffset ? 1 : stride
        continue
      }
      let length = Self.matchLength(base, candidate, position, input.count)
      Self.appendLiteral(base + literalStart, position - literalStart, &target)
      Self.appendCopy(offset: offset, length: length, &target)
      position += length
      literalStart = position
      if position > valuesOffset {
        // The next value that begins here or behind.
        let odd = (position - valuesOffset) % stride
        if odd != 0 { position += stride - odd }
      }
    }
    Self.appendLiteral(base + literalStart, input.count - literalStart, &target)
    output.count = target - output.base
    assert(output.count <= output.capacity)
  }

  /// How many bytes from `candidate` and `position` on are equal, at least `minimumMatch`.
  @inline(__always)
  private static func matchLength(
    _ base: UnsafeRawPointer, _ candidate: Int, _ position: Int, _ end: Int
  ) -> Int {
    var length = minimumMatch
    while position + length + 8 <= end {
      let difference =
        base.loadUnaligned(fromByteOffset: candidate + length, as: UInt64.self)
        ^ base.loadUnaligned(fromByteOffset: position + length, as: UInt64.self)
      if difference != 0 {
        return length + UInt64(littleEndian: difference).trailingZeroBitCount / 8
      }
      length += 8
    }
    while position + length < end
      && base.load(fromByteOffset: candidate + length, as: UInt8.self)
        == base.load(fromByteOffset: position + length, as: UInt8.self)
    {
      length += 1
    }
    return length
  }

  private static func appendLiteral(
    _ source: UnsafeRawPointer, _ count: Int, _ target: inout UnsafeMutableRawPointer
  ) {
    guard count > 0 else { return }
    let last = count - 1
    if last < 60 {
      target.storeBytes(of: UInt8(last << 2), as: UInt8.self)
      target += 1
    } else {
      let byteCount = last < 1 << 8 ? 1 : (last < 1 << 16 ? 2 : (last < 1 << 24 ? 3 : 4))
      target.storeBytes(of: UInt8((59 + byteCount) << 2), as: UInt8.self)
      for index in 0..<byteCount {
        target.storeBytes(
          of: UInt8(truncatingIfNeeded: last >> (8 * index)), toByteOffset: 1 + index,
          as: UInt8.self)
      }
      target += 1 + byteCount
    }
    target.copyMemory(from: source, byteCount: count)
    target += count
  }

  private static func appendCopy(
    offset: Int, length: Int, _ target: inout UnsafeMutableRawPointer
  ) {
    var left = length
    while left > 0 {
      let count = min(left, maximumCopy)
      target.storeBytes(of: UInt8((count - 1) << 2 | 2), as: UInt8.self)
      target.storeBytes(of: UInt16(offset).littleEndian, toByteOffset: 1, as: UInt16.self)
      target += 3
      left -= count
    }
  }
}
