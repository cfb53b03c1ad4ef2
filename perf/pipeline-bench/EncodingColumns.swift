import Columnar
import Ingest

/// One made-up column a kind of encoding, in the shapes that the join hands on.
final class EncodingColumns {
  private static let entryCount = 1_000
  private static let listLength = 8

  private let rowCount: Int
  private var numbers: [Int64] = []
  private var doubles: [Double] = []
  private let presence: [UInt8]
  private let dictionary = TextDictionary()
  /// Ten rows an entry.
  private var runs: [EntryRun] = []
  /// An entry a row, no neighbours alike.
  private var entries: [UInt32] = []
  private var lists = ListTable()
  private let scratch = EncodingScratch()
  private let sink = MemorySink()

  init(rowCount: Int) {
    self.rowCount = rowCount
    presence = [UInt8](repeating: 1, count: rowCount)
    var random = SplitMix64(state: 1)
    var value: Int64 = 0
    for row in 0..<rowCount {
      value += Int64.random(in: 0...4 << 20, using: &random)
      numbers.append(value)
      doubles.append(Double(value % 1_000_003) / 1e6)
      entries.append(UInt32(row % Self.entryCount))
      if row % 10 == 0 {
        runs.append(EntryRun(entry: UInt32(row / 10 % Self.entryCount), rowCount: 10))
      }
    }
    for entry in 0..<Self.entryCount {
      _ = dictionary.intern("example.com/key-\(entry % 20)=value-\(entry)")
      for element in 0..<Self.listLength {
        lists.append(UInt32((entry + element * 61) % Self.entryCount))
      }
      _ = lists.endList()
    }
  }

  /// Each kind with what writes a column of it.
  static let kinds: [(title: String, write: @Sendable (EncodingColumns) throws -> Void)] = [
    ("numbers, PLAIN", { try $0.writeNumbers() }),
    ("numbers, DELTA_BINARY_PACKED", { try $0.writeNumbers(.modern) }),
    ("numbers, BYTE_STREAM_SPLIT", { try $0.writeDoubles() }),
    ("dictionary indexes, all different", { try $0.writeEntries() }),
    ("dictionary indexes in runs", { try $0.writeRuns() }),
    ("lists in runs", { try $0.writeLists() }),
  ]

  /// Integers that grow: PLAIN, or with modern encodings DELTA_BINARY_PACKED.
  func writeNumbers(_ encodings: NumberEncodings = .standard) throws {
    try write(.int64, encodings) { group in
      try numbers.withUnsafeBufferPointer { numbers in
        try presence.withUnsafeBufferPointer {
          try group.append(numbers: numbers, presence: $0, mask: 1)
        }
      }
    }
  }

  /// Fractions: BYTE_STREAM_SPLIT.
  func writeDoubles() throws {
    try write(.double, .modern) { group in
      try doubles.withUnsafeBufferPointer { numbers in
        try presence.withUnsafeBufferPointer {
          try group.append(numbers: numbers, presence: $0, mask: 1)
        }
      }
    }
  }

  /// Dictionary indexes that change from row to row.
  func writeEntries() throws {
    try write(.string) { group in
      try entries.withUnsafeBufferPointer { try group.append(entries: $0, dictionary: dictionary) }
    }
  }

  /// Dictionary indexes in runs.
  func writeRuns() throws {
    try write(.string) { try $0.append(runs: runs, dictionary: dictionary) }
  }

  /// Lists in runs.
  func writeLists() throws {
    try write(.stringList) {
      try $0.append(listRuns: runs, lists: lists, dictionary: dictionary)
    }
  }

  /// Writes a file of one column.
  private func write(
    _ kind: ColumnKind, _ encodings: NumberEncodings = .standard,
    _ column: (RowGroupWriter) throws -> Void
  ) throws {
    sink.reset()
    let file = try ParquetFileWriter(
      schema: ParquetSchema([ColumnSchema("column", kind)]), sink: sink,
      createdBy: UsageSchema.createdBy, encodings: encodings)
    try file.appendRowGroup(rowCount: rowCount, scratch: scratch) {
      try column($0)
      return []
    }
    try file.finish(metadata: [])
  }
}
