/// What the footer says of a file, and its Thrift form.
/// https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift

/// Encodings in use; raw values are parquet.thrift's.
enum Encoding: Int32, Sendable {
  case plain = 0
  case rle = 3
  case deltaBinaryPacked = 5
  case rleDictionary = 8
  case byteStreamSplit = 9
}

enum PageType: Int32, Sendable {
  case data = 0
  case dictionary = 2
}

private let snappyCodec: Int32 = 1

/// One column of one row group.
struct ColumnChunkMetadata: Sendable {
  var schema: ColumnSchema
  /// Values and nulls; for a list its levels.
  var valueCount: Int64 = 0
  var nullCount: Int64 = 0
  var uncompressedByteCount: Int64 = 0
  var compressedByteCount: Int64 = 0
  var firstDataPageOffset: Int64 = 0
  /// Nil without a dictionary page.
  var dictionaryPageOffset: Int64?
  var dataEncoding = Encoding.plain
  var bounds: ValueBounds?
  var index = PageIndex()
  /// Places of the two indexes, known once they are written.
  var columnIndex: (offset: Int64, byteCount: Int32)?
  var offsetIndex: (offset: Int64, byteCount: Int32)?

  /// Offset of the chunk's first page, dictionary included.
  var firstPageOffset: Int64 { dictionaryPageOffset ?? firstDataPageOffset }

  private var encodings: [Encoding] {
    dictionaryPageOffset == nil ? [.rle, dataEncoding] : [.rle, .plain, dataEncoding]
  }

  private var encodingStatistics: [(type: PageType, encoding: Encoding, count: Int)] {
    let data = (type: PageType.data, encoding: dataEncoding, count: index.pages.count)
    return dictionaryPageOffset == nil ? [data] : [(.dictionary, .plain, 1), data]
  }

  /// Writes a ColumnChunk's fields.
  func write(to thrift: inout ThriftCompactWriter) {
    thrift.field(2, i64: 0)
    thrift.field(3) { writeMetadata(to: &$0) }
    if let offsetIndex {
      thrift.field(4, i64: offsetIndex.offset)
      thrift.field(5, i32: offsetIndex.byteCount)
    }
    if let columnIndex {
      thrift.field(6, i64: columnIndex.offset)
      thrift.field(7, i32: columnIndex.byteCount)
    }
  }

  private func writeMetadata(to thrift: inout ThriftCompactWriter) {
    thrift.field(1, i32: schema.kind.physicalType.rawValue)
    thrift.field(2, i32s: encodings.map(\.rawValue))
    thrift.field(3, strings: schema.leafPath)
    thrift.field(4, i32: snappyCodec)
    thrift.field(5, i64: valueCount)
    thrift.field(6, i64: uncompressedByteCount)
    thrift.field(7, i64: compressedByteCount)
    thrift.field(9, i64: firstDataPageOffset)
    if let offset = dictionaryPageOffset { thrift.field(11, i64: offset) }
    thrift.field(12) { statistics in
      statistics.field(3, i64: nullCount)
      guard let bounds else { return }
      statistics.field(5, binary: bounds.maximum)
      statistics.field(6, binary: bounds.minimum)
      statistics.field(7, bool: bounds.isMaximumExact)
      statistics.field(8, bool: bounds.isMinimumExact)
    }
    thrift.field(13, structures: encodingStatistics) { thrift, statistics in
      thrift.field(1, i32: statistics.type.rawValue)
      thrift.field(2, i32: statistics.encoding.rawValue)
      thrift.field(3, i32: Int32(statistics.count))
    }
  }
}

/// One row group.
struct RowGroupMetadata: Sendable {
  var rowCount: Int64
  var chunks: [ColumnChunkMetadata]
  /// Positions of the columns by which the rows are in ascending order.
  var sortingColumns: [Int]

  var compressedByteCount: Int64 { chunks.reduce(0) { $0 + $1.compressedByteCount } }
  var uncompressedByteCount: Int64 { chunks.reduce(0) { $0 + $1.uncompressedByteCount } }

  /// Writes a RowGroup's fields.
  func write(to thrift: inout ThriftCompactWriter, ordinal: Int) {
    thrift.field(1, structures: chunks) { thrift, chunk in chunk.write(to: &thrift) }
    thrift.field(2, i64: uncompressedByteCount)
    thrift.field(3, i64: rowCount)
    if !sortingColumns.isEmpty {
      thrift.field(4, structures: sortingColumns) { thrift, column in
        thrift.field(1, i32: Int32(column))
        thrift.field(2, bool: false)
        thrift.field(3, bool: false)
      }
    }
    thrift.field(5, i64: chunks.first?.firstPageOffset ?? 0)
    thrift.field(6, i64: compressedByteCount)
    if let ordinal = Int16(exactly: ordinal) { thrift.field(7, i16: ordinal) }
  }
}

/// The whole footer.
struct FileMetadata: Sendable {
  var schema: ParquetSchema
  var rowGroups: [RowGroupMetadata]
  var keyValues: [(key: String, value: String)]
  var createdBy: String

  /// The format's version: 2, as dictionary indexes use RLE_DICTIONARY.
  private let version: Int32 = 2

  init(
    schema: ParquetSchema, rowGroups: [RowGroupMetadata],
    keyValues: [(key: String, value: String)], createdBy: String
  ) {
    self.schema = schema
    self.rowGroups = rowGroups
    self.keyValues = keyValues
    self.createdBy = createdBy
  }

  func write(to output: GrowingBytes) {
    var thrift = ThriftCompactWriter(to: output)
    thrift.writeStructure { thrift in
      thrift.field(1, i32: version)
      schema.write(to: &thrift, field: 2)
      thrift.field(3, i64: rowGroups.reduce(0) { $0 + $1.rowCount })
      thrift.field(4, structures: rowGroups.enumerated().map { $0 }) { thrift, rowGroup in
        rowGroup.element.write(to: &thrift, ordinal: rowGroup.offset)
      }
      if !keyValues.isEmpty {
        thrift.field(5, structures: keyValues) { thrift, pair in
          thrift.field(1, string: pair.key)
          thrift.field(2, string: pair.value)
        }
      }
      thrift.field(6, string: createdBy)
      // Every column is in its type's own order.
      thrift.field(7, structures: schema.columns) { thrift, _ in
        thrift.field(1) { _ in }
      }
    }
  }
}
