/// Writes the pages of one column chunk and keeps what the footer says of them.
///
///     chunk := dictionary-page? data-page+
///     page  := header (Thrift) body (Snappy)
///
/// Pages are V1 and begin at row boundaries.
/// https://github.com/apache/parquet-format/blob/master/README.md#data-pages
struct ColumnChunkWriter: ~Copyable {
  /// A data page that `scratch.page` holds.
  struct DataPage {
    var rowCount: Int
    /// Levels: rows, or for a list its elements and its null or empty rows.
    var valueCount: Int
    var nullCount: Int
    var bounds: ValueBounds?
  }

  var metadata: ColumnChunkMetadata
  private let output: FileOutput
  let scratch: EncodingScratch
  private var rowCount: Int64 = 0

  init(_ schema: ColumnSchema, output: FileOutput, scratch: EncodingScratch) {
    metadata = ColumnChunkMetadata(schema: schema)
    self.output = output
    self.scratch = scratch
  }

  /// Writes the dictionary page, to which all data pages then refer; before any of them.
  mutating func writeDictionary(_ dictionary: any ValueDictionary) throws {
    assert(metadata.index.pages.isEmpty)
    precondition(dictionary.count > 0, "a chunk without values has no dictionary page")
    metadata.dataEncoding = .rleDictionary
    metadata.dictionaryPageOffset = output.offset
    let page = scratch.page
    page.reset()
    dictionary.appendPage(as: metadata.schema.kind.physicalType, to: page)
    Snappy.compress(page.bytes, to: scratch.compressed)
    try writePage(.dictionary) { thrift in
      thrift.field(7) { header in
        header.field(1, i32: Int32(dictionary.count))
        header.field(2, i32: Encoding.plain.rawValue)
      }
    }
  }

  /// Writes the page whose levels and values are in `scratch.page`.
  mutating func writeData(_ page: DataPage) throws {
    Snappy.compress(scratch.page.bytes, to: scratch.compressed)
    try writeCompressedData(page)
  }

  /// Writes the page that is in `scratch.page` and, compressed, in `scratch.compressed`.
  mutating func writeCompressedData(_ page: DataPage) throws {
    let offset = output.offset
    if metadata.index.pages.isEmpty { metadata.firstDataPageOffset = offset }
    let encoding = metadata.dataEncoding
    try writePage(.data) { thrift in
      thrift.field(5) { header in
        header.field(1, i32: Int32(page.valueCount))
        header.field(2, i32: encoding.rawValue)
        header.field(3, i32: Encoding.rle.rawValue)
        header.field(4, i32: Encoding.rle.rawValue)
      }
    }
    metadata.index.pages.append(
      PageIndex.Page(
        offset: offset, compressedByteCount: Int32(output.offset - offset), firstRow: rowCount,
        nullCount: Int64(page.nullCount), bounds: page.bounds,
        isAllNull: page.nullCount == page.valueCount))
    metadata.valueCount += Int64(page.valueCount)
    metadata.nullCount += Int64(page.nullCount)
    rowCount += Int64(page.rowCount)
  }

  private mutating func writePage(
    _ type: PageType, _ typeHeader: (inout ThriftCompactWriter) -> Void
  ) throws {
    let header = scratch.header
    header.reset()
    var thrift = ThriftCompactWriter(to: header)
    thrift.writeStructure { thrift in
      thrift.field(1, i32: type.rawValue)
      thrift.field(2, i32: Int32(scratch.page.count))
      thrift.field(3, i32: Int32(scratch.compressed.count))
      typeHeader(&thrift)
    }
    try output.write(header.bytes)
    try output.write(scratch.compressed.bytes)
    metadata.uncompressedByteCount += Int64(header.count + scratch.page.count)
    metadata.compressedByteCount += Int64(header.count + scratch.compressed.count)
  }

  /// Ends the chunk of `rowCount` rows.
  consuming func finish(rowCount: Int, bounds: ValueBounds?) -> ColumnChunkMetadata {
    precondition(self.rowCount == Int64(rowCount), "a column must have every row of its group")
    var metadata = metadata
    metadata.bounds = bounds
    return metadata
  }
}

/// Buffers that encoding one page after another needs, reused for all files of one thread.
package final class EncodingScratch {
  /// A page's body before compression.
  let page = GrowingBytes(capacity: 1 << 16)
  let compressed = GrowingBytes(capacity: 1 << 16)
  let header = GrowingBytes()
  let definitionLevels = RunLengthEncoder()
  let repetitionLevels = RunLengthEncoder()
  let indexes = RunLengthEncoder()
  /// Dictionary indexes of a list's elements, packed; or numbers that are not null.
  let elements = GrowingBytes()
  /// One compressed stream of a BYTE_STREAM_SPLIT page.
  let stream = GrowingBytes()
  let matcher = RepeatMatcher()

  package init() {}
}
