/// Writes one row group, column by column in the schema's order.
///
/// Which way a column comes decides what it costs: runs of entries cost per run, entries and
/// numbers per row.
package final class RowGroupWriter {
  package let rowCount: Int
  let output: FileOutput
  let scratch: EncodingScratch
  private let schema: ParquetSchema
  private let encodings: NumberEncodings
  private var chunks: [ColumnChunkMetadata] = []

  init(
    schema: ParquetSchema, encodings: NumberEncodings, rowCount: Int, output: FileOutput,
    scratch: EncodingScratch
  ) {
    precondition(rowCount > 0 && rowCount <= ColumnarLimits.maximumRowGroupRows)
    self.schema = schema
    self.encodings = encodings
    self.rowCount = rowCount
    self.output = output
    self.scratch = scratch
    chunks.reserveCapacity(schema.columns.count)
  }

  /// The column that comes next.
  private var nextColumn: ColumnSchema {
    precondition(chunks.count < schema.columns.count, "all columns are written")
    return schema.columns[chunks.count]
  }

  // One entry point a type, so that the encoders behind them are specialised in this module.

  /// Writes a flat text column from runs that add up to `rowCount`.
  package func append(runs: [EntryRun], dictionary: TextDictionary) throws {
    try appendRuns(runs, dictionary)
  }

  /// Writes an integer column from runs that add up to `rowCount`.
  package func append(runs: [EntryRun], dictionary: NumberDictionary) throws {
    try appendRuns(runs, dictionary)
  }

  /// Writes a flat text column from an entry for each row.
  package func append(
    entries: UnsafeBufferPointer<UInt32>, dictionary: TextDictionary
  ) throws {
    try appendEntries(entries, dictionary)
  }

  /// Writes an integer column from an entry for each row.
  package func append(
    entries: UnsafeBufferPointer<UInt32>, dictionary: NumberDictionary
  ) throws {
    try appendEntries(entries, dictionary)
  }

  /// Writes an INT64 column from a number for each row; a row is null unless its presence has a
  /// bit of `mask`.
  package func append(
    numbers: UnsafeBufferPointer<Int64>, presence: UnsafeBufferPointer<UInt8>, mask: UInt8
  ) throws {
    try appendNumbers(numbers, presence, mask)
  }

  /// Writes a DOUBLE column in the same way. No number is NaN.
  package func append(
    numbers: UnsafeBufferPointer<Double>, presence: UnsafeBufferPointer<UInt8>, mask: UInt8
  ) throws {
    try appendNumbers(numbers, presence, mask)
  }

  /// Writes a list column from runs of lists that add up to `rowCount`.
  package func append(
    listRuns: [EntryRun], lists: ListTable, dictionary: TextDictionary
  ) throws {
    let column = nextColumn
    precondition(column.kind == .stringList)
    let chunk = ColumnChunkWriter(column, output: output, scratch: scratch)
    chunks.append(
      try chunk.encode(
        listRuns: listRuns, lists: lists, dictionary: dictionary, rowCount: rowCount))
  }

  private func appendRuns(_ runs: [EntryRun], _ dictionary: some ValueDictionary) throws {
    let column = nextColumn
    precondition(!column.kind.isList && column.kind != .double)
    let chunk = ColumnChunkWriter(column, output: output, scratch: scratch)
    chunks.append(try chunk.encode(runs: runs, dictionary: dictionary, rowCount: rowCount))
  }

  private func appendEntries(
    _ entries: UnsafeBufferPointer<UInt32>, _ dictionary: some ValueDictionary
  ) throws {
    let column = nextColumn
    precondition(!column.kind.isList && column.kind != .double && entries.count == rowCount)
    let chunk = ColumnChunkWriter(column, output: output, scratch: scratch)
    chunks.append(try chunk.encode(entries: entries, dictionary: dictionary))
  }

  private func appendNumbers<Number: PlainNumber>(
    _ numbers: UnsafeBufferPointer<Number>, _ presence: UnsafeBufferPointer<UInt8>,
    _ mask: UInt8
  ) throws {
    let column = nextColumn
    precondition(!column.kind.isList && column.kind.physicalType == Number.physicalType)
    precondition(numbers.count == rowCount && presence.count == rowCount)
    let chunk = ColumnChunkWriter(column, output: output, scratch: scratch)
    switch encodings {
    case .standard:
      chunks.append(try chunk.encode(numbers: numbers, presence: presence, mask: mask))
    case .modern:
      chunks.append(try chunk.encodeModern(numbers: numbers, presence: presence, mask: mask))
    }
  }

  func finish(sortingColumns: [Int]) -> RowGroupMetadata {
    precondition(chunks.count == schema.columns.count, "every column must be written")
    for column in sortingColumns {
      precondition(chunks[column].nullCount == 0, "a sorting column has no nulls")
    }
    return RowGroupMetadata(
      rowCount: Int64(rowCount), chunks: chunks, sortingColumns: sortingColumns)
  }
}
