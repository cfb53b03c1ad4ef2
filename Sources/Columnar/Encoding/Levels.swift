/// Definition and repetition levels of a V1 data page: each a length in 4 bytes, then the hybrid
/// of run length and bit packing.
/// https://github.com/apache/parquet-format/blob/master/README.md#data-pages
///
/// A flat column has definition levels 0 (null) and 1. A list has 0 (null), 1 (empty), 2 (a null
/// element, which is never written) and 3 (an element), and repetition levels 0 (a row begins)
/// and 1 (the row goes on).
package enum Levels {
  package static let flatPresent: UInt32 = 1
  package static let listNull: UInt32 = 0
  package static let listEmpty: UInt32 = 1
  package static let listElement: UInt32 = 3
  /// Bits of a list's definition level.
  package static let listDefinitionBitWidth = 2

  /// Appends finished levels as they stand in a page.
  package static func append(_ encoder: RunLengthEncoder, to page: GrowingBytes) {
    encoder.finish()
    page.appendLittleEndian(UInt32(encoder.output.count))
    page.append(encoder.output.bytes)
  }

  /// Appends the repetition levels of `rowCount` rows of `elementCount` elements each: a zero,
  /// then ones. Null and empty lists are one level, as one element is.
  package static func appendRepetitions(
    elementCount: Int, rowCount: Int, to encoder: RunLengthEncoder
  ) {
    let levelCount = max(1, elementCount)
    guard levelCount > 1 else {
      encoder.append(0, count: rowCount)
      return
    }
    guard levelCount <= 28 else {
      for _ in 0..<rowCount {
        encoder.append(0, count: 1)
        encoder.append(1, count: levelCount - 1)
      }
      return
    }
    // As many rows as fit a word are put down at once.
    let row = (UInt64(1) << UInt64(levelCount)) - 2
    let rowsPerWord = 56 / levelCount
    var word = row
    for _ in 1..<rowsPerWord { word = word << UInt64(levelCount) | row }
    let (words, rest) = rowCount.quotientAndRemainder(dividingBy: rowsPerWord)
    for _ in 0..<words { encoder.appendBits(word, bitCount: rowsPerWord * levelCount) }
    for _ in 0..<rest { encoder.appendBits(row, bitCount: levelCount) }
  }
}
