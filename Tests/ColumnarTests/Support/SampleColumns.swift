import SimulationModels

@testable import Columnar

/// A random column: what the writer is given and what a reader must find.
struct SampleColumn {
  var kind: ColumnKind
  var cells: [CellValue]

  /// `rowCount` rows in runs of up to `longestRun`, a share of them null.
  init(
    _ kind: ColumnKind, rowCount: Int, distinctCount: Int, longestRun: Int, nullShare: Double,
    random: inout SeededRandom
  ) {
    self.kind = kind
    cells = []
    while cells.count < rowCount {
      let count = min(rowCount - cells.count, Int.random(in: 1...longestRun, using: &random))
      let isNull = Double.random(in: 0..<1, using: &random) < nullShare
      let cell =
        isNull ? .null : Self.value(kind, Int.random(in: 0..<distinctCount, using: &random))
      cells += [CellValue](repeating: cell, count: count)
    }
  }

  private static func value(_ kind: ColumnKind, _ number: Int) -> CellValue {
    switch kind {
    case .string: .text(text(number))
    case .int32: .integer(Int64(number) - 5)
    case .int64, .timestampMicros: .integer(Int64(number - 5) << 33)
    case .double: .double((Double(number - 5) / 7).bitPattern)
    case .stringList: .list((0..<number % 11).map { text(number + $0) })
    }
  }

  /// Some long, some with code points of several bytes.
  private static func text(_ number: Int) -> [UInt8] {
    let head = number % 7 == 0 ? String(repeating: "日", count: 30) : "v-"
    return Array((head + "\(number)é").utf8)
  }

  /// Appends the column in the way that suits its kind; `byRow`: as entries, not as runs.
  func append(to group: RowGroupWriter, byRow: Bool) throws {
    switch kind {
    case .string:
      let dictionary = TextDictionary()
      let entries = cells.map { cell -> UInt32 in
        guard case .text(let bytes) = cell else { return nullEntry }
        return bytes.withUnsafeBytes { dictionary.intern($0) }
      }
      if byRow {
        try entries.withUnsafeBufferPointer {
          try group.append(entries: $0, dictionary: dictionary)
        }
      } else {
        try group.append(runs: Self.runs(entries), dictionary: dictionary)
      }
    case .int32, .int64, .timestampMicros:
      let dictionary = NumberDictionary()
      let entries = cells.map { cell -> UInt32 in
        guard case .integer(let value) = cell else { return nullEntry }
        return dictionary.intern(value)
      }
      if byRow {
        try entries.withUnsafeBufferPointer {
          try group.append(entries: $0, dictionary: dictionary)
        }
      } else {
        try group.append(runs: Self.runs(entries), dictionary: dictionary)
      }
    case .double:
      let numbers = cells.map { cell in
        if case .double(let bits) = cell { Double(bitPattern: bits) } else { 0.0 }
      }
      let presence = cells.map { UInt8($0 == .null ? 0b01 : 0b11) }
      try numbers.withUnsafeBufferPointer { numbers in
        try presence.withUnsafeBufferPointer {
          try group.append(numbers: numbers, presence: $0, mask: 0b10)
        }
      }
    case .stringList:
      let dictionary = TextDictionary()
      var lists = ListTable()
      var known: [[[UInt8]]: UInt32] = [:]
      let entries = cells.map { cell -> UInt32 in
        guard case .list(let elements) = cell else { return nullEntry }
        if let list = known[elements] { return list }
        for element in elements {
          lists.append(element.withUnsafeBytes { dictionary.intern($0) })
        }
        let list = lists.endList()
        known[elements] = list
        return list
      }
      try group.append(listRuns: Self.runs(entries), lists: lists, dictionary: dictionary)
    }
  }

  private static func runs(_ entries: [UInt32]) -> [EntryRun] {
    var runs: [EntryRun] = []
    for entry in entries { runs.append(entry, rowCount: 1) }
    return runs
  }
}
