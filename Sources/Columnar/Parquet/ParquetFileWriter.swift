/// Writes one Parquet file: row groups as they come, then both page indexes and the footer.
///
///     "PAR1" row-group* column-index* offset-index* footer length(4) "PAR1"
///
/// It lends a row-group writer for one group at a time. After an error of the sink the file is
/// beyond repair: drop writer and bytes. Not thread-safe.
/// https://github.com/apache/parquet-format#file-format
package final class ParquetFileWriter {
  private static let magic: [UInt8] = Array("PAR1".utf8)

  package let schema: ParquetSchema
  private let encodings: NumberEncodings
  private let output: FileOutput
  private let createdBy: String
  private var rowGroups: [RowGroupMetadata] = []
  private var isFinished = false

  /// Writes the magic to `sink`. `createdBy` has the form `NAME version X.Y.Z (build HASH)`, the
  /// one that parquet-java can parse.
  package init(
    schema: ParquetSchema, sink: any ByteSink, createdBy: String,
    encodings: NumberEncodings = .standard
  ) throws {
    self.schema = schema
    self.encodings = encodings
    self.createdBy = createdBy
    output = FileOutput(sink: sink)
    try Self.magic.withUnsafeBytes { try output.write($0) }
  }

  /// Bytes of the file so far, without the footer.
  package var byteCount: Int { Int(output.offset) }
  /// Rows of all finished row groups.
  package private(set) var rowCount = 0
  package var rowGroupCount: Int { rowGroups.count }

  /// Writes a row group of `rowCount` rows: `body` appends every column in order. At the end of
  /// the call the sink has all its bytes.
  ///
  /// `body` returns the positions of the columns by which it has verified the rows to be in
  /// ascending order, none of them with a null; empty when it has not.
  package func appendRowGroup(
    rowCount: Int, scratch: EncodingScratch, _ body: (RowGroupWriter) throws -> [Int]
  ) throws {
    precondition(!isFinished && rowGroups.count < ColumnarLimits.maximumRowGroups)
    let writer = RowGroupWriter(
      schema: schema, encodings: encodings, rowCount: rowCount, output: output, scratch: scratch)
    let sortingColumns = try body(writer)
    rowGroups.append(writer.finish(sortingColumns: sortingColumns))
    self.rowCount += rowCount
    try output.flush()
  }

  /// Writes indexes and footer with `metadata` as its key-values. The file is complete.
  package func finish(metadata: [(key: String, value: String)]) throws {
    precondition(!isFinished)
    isFinished = true
    try writeIndexes()
    let footer = GrowingBytes(capacity: 1 << 16)
    FileMetadata(schema: schema, rowGroups: rowGroups, keyValues: metadata, createdBy: createdBy)
      .write(to: footer)
    footer.appendLittleEndian(UInt32(footer.count))
    footer.append(Self.magic)
    try output.write(footer.bytes)
    try output.flush()
  }

  private func writeIndexes() throws {
    let bytes = GrowingBytes()
    for group in rowGroups.indices {
      for column in rowGroups[group].chunks.indices {
        let chunk = rowGroups[group].chunks[column]
        guard !chunk.schema.kind.isList && chunk.index.hasBounds else { continue }
        bytes.reset()
        chunk.index.writeColumnIndex(as: chunk.schema.kind.physicalType, to: bytes)
        rowGroups[group].chunks[column].columnIndex = (output.offset, Int32(bytes.count))
        try output.write(bytes.bytes)
      }
    }
    for group in rowGroups.indices {
      for column in rowGroups[group].chunks.indices {
        bytes.reset()
        rowGroups[group].chunks[column].index.writeOffsetIndex(to: bytes)
        rowGroups[group].chunks[column].offsetIndex = (output.offset, Int32(bytes.count))
        try output.write(bytes.bytes)
      }
    }
  }
}
