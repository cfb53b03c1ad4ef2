import CShims
import Glibc

/// A compressor to the Snappy format for pages of packed indexes.
///
/// The library's compressor hashes few positions once it finds nothing for a while, and forgets
/// everything every 64 KiB; among indexes whose repeats are far apart (the reports of a node, seen
/// again at each of its pods) it finds next to none. This one looks at every value, from which
/// repeats begin, and back over the whole page: the format's copies reach that far.
package final class RepeatMatcher {
  /// Shortest repeat that is looked for.
  private static let minimumMatch = 8
  /// Shortest repeat from beyond `SnappyElements.maximumMiddleOffset`, whose copies are longer.
  private static let minimumFarMatch = 12
  private static let tableBits = 17

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
    var elements = SnappyElements(target: output.base + output.count)
    var literalStart = 0
    var position = valuesOffset == 0 ? stride : 1
    while position + Self.minimumMatch <= input.count {
      let key = base.loadUnaligned(fromByteOffset: position, as: UInt64.self)
      let slot = table + Self.slot(key)
      let candidate = Int(slot.pointee)
      slot.pointee = UInt32(truncatingIfNeeded: position)
      guard base.loadUnaligned(fromByteOffset: candidate, as: UInt64.self) == key else {
        position += position < valuesOffset ? 1 : stride
        continue
      }
      let offset = position - candidate
      let isFar = offset > SnappyElements.maximumMiddleOffset
      // A far repeat is taken a copy at a time, so no more of it is compared: else each of its
      // copies would look through the rest of the page.
      let limit = isFar ? min(input.count, position + SnappyElements.maximumCopy) : input.count
      let length = Self.matchLength(base, candidate, position, limit)
      if isFar {
        guard length >= Self.minimumFarMatch else {
          position += position < valuesOffset ? 1 : stride
          continue
        }
        // What comes from far away is made known here, where the next may have it from near by.
        noteValues(in: position..<position + length, base, stride, input.count)
      }
      elements.appendLiteral(base + literalStart, position - literalStart)
      elements.appendCopy(offset: offset, length: length)
      position += length
      literalStart = position
      if position > valuesOffset {
        // The next value that begins here or behind.
        let odd = (position - valuesOffset) % stride
        if odd != 0 { position += stride - odd }
      }
    }
    elements.appendLiteral(base + literalStart, input.count - literalStart)
    output.count = elements.target - output.base
    assert(output.count <= output.capacity)
  }

  @inline(__always)
  private static func slot(_ key: UInt64) -> Int {
    Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> UInt64(64 - tableBits))
  }

  private func noteValues(
    in range: Range<Int>, _ base: UnsafeRawPointer, _ stride: Int, _ limit: Int
  ) {
    for position in Swift.stride(from: range.lowerBound, to: range.upperBound, by: stride)
    where position + Self.minimumMatch <= limit {
      let key = base.loadUnaligned(fromByteOffset: position, as: UInt64.self)
      table[Self.slot(key)] = UInt32(truncatingIfNeeded: position)
    }
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
}
