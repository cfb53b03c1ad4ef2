import CShims

/// A compressor to the Snappy format for pages of 8-byte numbers of which neighbours share bytes:
/// counters that grow, amounts that hardly change.
///
/// It compares each number with the one before and with no other. What the library finds beyond
/// that is next to nothing where the low bytes are noise, and costs it three times the time.
package enum NeighbourMatcher {
  private static let width = 8
  /// Shortest copy that is shorter than its bytes.
  private static let minimumCopy = 4

  /// Replaces what is in `output` by the compressed form of `input`, whose numbers begin at
  /// `valuesOffset` and reach to its end.
  package static func compress(
    _ input: UnsafeRawBufferPointer, valuesOffset: Int, to output: GrowingBytes
  ) {
    precondition(valuesOffset <= input.count)
    output.reset()
    output.reserve(cshims_snappy_maximum_compressed(input.count))
    output.appendVarint(UInt64(input.count))
    guard let base = input.baseAddress else { return }
    var elements = SnappyElements(target: output.base + output.count)
    var literalStart = 0
    // The last number is left to the end, so that the one behind may always be looked at.
    var position = valuesOffset + width
    while position + 2 * width <= input.count {
      let number = word(base, position)
      let difference = number ^ word(base, position - width)
      let shared = difference.leadingZeroBitCount >> 3
      guard shared >= minimumCopy else {
        position += width
        continue
      }
      let start = max(position + width - shared, literalStart)
      var end = position + width
      let next = word(base, end) ^ number
      end += next.trailingZeroBitCount >> 3
      if next == 0 { end = endOfRun(base, end, input.count) }
      if end - start >= minimumCopy {
        elements.appendShortLiteral(base + literalStart, start - literalStart)
        elements.appendCopy(offset: width, length: end - start)
        literalStart = end
      }
      position += (end - position) / width * width
    }
    elements.appendLiteral(base + literalStart, input.count - literalStart)
    output.count = elements.target - output.base
    assert(output.count <= output.capacity)
  }

  @inline(__always)
  private static func word(_ base: UnsafeRawPointer, _ offset: Int) -> UInt64 {
    UInt64(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  /// Where the bytes from `position` on stop being those of 8 before; `position` lies at a number.
  private static func endOfRun(_ base: UnsafeRawPointer, _ position: Int, _ limit: Int) -> Int {
    var end = position
    while end + width <= limit {
      let difference = word(base, end) ^ word(base, end - width)
      if difference != 0 { return end + difference.trailingZeroBitCount >> 3 }
      end += width
    }
    return end
  }
}
