import Columnar
import Foundation
import Ingest

/// A row as JSON gives it: absent or null columns are null.
typealias PlainRow = [String: PlainValue?]

enum PlainValue: Decodable {
  case text(String)
  case integer(Int64)
  case double(Double)
  case list([String])

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let value = try? container.decode(Int64.self) {
      self = .integer(value)
    } else if let value = try? container.decode(Double.self) {
      self = .double(value)
    } else if let value = try? container.decode(String.self) {
      self = .text(value)
    } else {
      self = .list(try container.decode([String].self))
    }
  }
}

/// Writes rows as they come, without a join: the writer's own interface, one row a run.
///
/// With fewer columns than the schema has it writes what an older version, which lacked the last
/// ones, would have written.
struct PlainRows {
  let columnCount: Int

  func write(_ rowGroups: [[PlainRow]], to url: URL) throws {
    let schema = ParquetSchema(Array(UsageSchema.schema.columns.prefix(columnCount)))
    let file = try SampleFile(url, schema: schema)
    let scratch = EncodingScratch()
    for rows in rowGroups {
      try file.writer.appendRowGroup(rowCount: rows.count, scratch: scratch) { group in
        for column in schema.columns { try append(column, rows, to: group) }
        return []
      }
    }
    try file.finish()
  }

  private func append(
    _ column: ColumnSchema, _ rows: [PlainRow], to group: RowGroupWriter
  ) throws {
    let values = rows.map { $0[column.name] ?? nil }
    switch column.kind {
    case .string:
      let dictionary = TextDictionary()
      try group.append(runs: runs(values) { dictionary.intern($0.text) }, dictionary: dictionary)
    case .int32, .int64, .timestampMicros:
      let dictionary = NumberDictionary()
      try group.append(
        runs: runs(values) { dictionary.intern($0.integer) }, dictionary: dictionary)
    case .double:
      let numbers = values.map { $0?.double ?? 0 }
      let presence = values.map { UInt8($0 == nil ? 0 : 1) }
      try numbers.withUnsafeBufferPointer { numbers in
        try presence.withUnsafeBufferPointer { presence in
          try group.append(numbers: numbers, presence: presence, mask: 1)
        }
      }
    case .stringList:
      let dictionary = TextDictionary()
      var lists = ListTable()
      let listRuns = runs(values) { value in
        for element in value.list { lists.append(dictionary.intern(element)) }
        return lists.endList()
      }
      try group.append(listRuns: listRuns, lists: lists, dictionary: dictionary)
    }
  }

  private func runs(_ values: [PlainValue?], _ intern: (PlainValue) -> UInt32) -> [EntryRun] {
    values.map { EntryRun(entry: $0.map(intern) ?? nullEntry, rowCount: 1) }
  }
}

extension PlainValue {
  var text: String {
    if case .text(let value) = self { return value }
    preconditionFailure("text expected, found \(self)")
  }
  var integer: Int64 {
    if case .integer(let value) = self { return value }
    preconditionFailure("integer expected, found \(self)")
  }
  var double: Double {
    switch self {
    case .double(let value): return value
    case .integer(let value): return Double(value)
    default: preconditionFailure("number expected, found \(self)")
    }
  }
  var list: [String] {
    if case .list(let value) = self { return value }
    preconditionFailure("list expected, found \(self)")
  }
}
