/// An ordinal and what it is ordered by.
struct KeyedOrdinal {
  var key: UInt64
  var ordinal: UInt32
}

/// Sorts by keys without comparing them: a digit of 11 bits after the other, the lowest first, each
/// a counting sort. Equal keys stay in their order. O(count) for each digit.
enum RadixOrder {
  private static let digitBitCount = 11

  /// Sorts by the bits of `range` alone, of which 0 is the lowest.
  static func sort(_ items: inout [KeyedOrdinal], bits range: Range<Int>) {
    let count = items.count
    guard count > 1, !range.isEmpty else { return }
    var spare = [KeyedOrdinal](unsafeUninitializedCapacity: count) { buffer, initialized in
      buffer.initialize(repeating: KeyedOrdinal(key: 0, ordinal: 0))
      initialized = count
    }
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 1 << digitBitCount) { positions in
      var start = range.lowerBound
      while start < range.upperBound {
        let bitCount = min(digitBitCount, range.upperBound - start)
        items.withUnsafeBufferPointer { items in
          spare.withUnsafeMutableBufferPointer {
            distribute(items, to: $0, shift: UInt64(start), bitCount: bitCount, positions)
          }
        }
        swap(&items, &spare)
        start += bitCount
      }
    }
  }

  private static func distribute(
    _ items: UnsafeBufferPointer<KeyedOrdinal>, to target: UnsafeMutableBufferPointer<KeyedOrdinal>,
    shift: UInt64, bitCount: Int, _ positions: UnsafeMutableBufferPointer<UInt32>
  ) {
    let mask = UInt64(1 << bitCount) - 1
    positions.update(repeating: 0)
    for item in items { positions[Int(item.key &>> shift & mask)] += 1 }
    var position: UInt32 = 0
    for digit in 0...Int(mask) {
      let count = positions[digit]
      positions[digit] = position
      position += count
    }
    for item in items {
      let digit = Int(item.key &>> shift & mask)
      target[Int(positions[digit])] = item
      positions[digit] += 1
    }
  }

  /// Bits that hold every number up to `maximum`.
  static func bitCount(upTo maximum: UInt64) -> Int {
    UInt64.bitWidth - maximum.leadingZeroBitCount
  }
}
