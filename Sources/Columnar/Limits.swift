/// Every capacity and bound of this module, in one place.
package enum ColumnarLimits {
  /// Rows of a data page: all columns of a row group are cut at the same rows unless a page's
  /// bytes end it before, so that a reader's row ranges line up.
  package static let maximumPageRows = 32_768
  /// Rows of a data page of a column that comes row by row, reports' times: each page spans about
  /// all times, so small ones would tell readers nothing, and each would hold anew what it repeats.
  package static let maximumEntryPageRows = 16 * maximumPageRows
  /// Bytes of a data page, before compression, at which it ends; the last row may overshoot.
  package static let maximumPageBytes = 1 << 20
  /// Bytes of a dictionary page. The joiner ends a row group before a column reaches it.
  package static let maximumDictionaryBytes = 16 << 20
  /// Bytes of a text statistic: longer bounds are cut at a code point.
  package static let maximumBoundBytes = 64
  /// Mean bytes of a text value up to which a mostly distinct column is written PLAIN.
  package static let maximumPlainTextBytes = 64
  /// What part of a page a slower compressor must save: one in this many bytes.
  package static let worthwhileSavingDivisor = 32
  /// Bytes of numbers by which a compressor is chosen for a column chunk: an eighth of a page.
  package static let compressionSampleByteCount = 32_768
  /// Rows of a row group: counts of rows and levels stay far inside Thrift's 32 bits.
  package static let maximumRowGroupRows = 1 << 24
  /// Row groups of a file: their ordinal is a 16-bit number.
  package static let maximumRowGroups = 32_767
  /// Bytes collected before they are handed to the sink.
  package static let writeBufferBytes = 1 << 20
  /// A page at least this large goes to the sink without being collected first.
  package static let directWriteBytes = 128 << 10
}
