/// Rows in a row whose value is the same entry: how columns that hang on a pod reach the encoder.
package struct EntryRun: Sendable, Equatable {
  /// A dictionary entry, or the ordinal of a list; `nullEntry` for null.
  package var entry: UInt32
  /// At least 1.
  package var rowCount: UInt32

  package init(entry: UInt32, rowCount: UInt32) {
    self.entry = entry
    self.rowCount = rowCount
  }
}

extension [EntryRun] {
  /// Appends runs of keys as runs of the keys' entries; a null key stays null.
  package mutating func append(_ keyRuns: [EntryRun], mappedTo entries: [UInt32]) {
    var open = EntryRun(entry: 0, rowCount: 0)
    for run in keyRuns {
      let entry = run.entry == nullEntry ? nullEntry : entries[Int(run.entry)]
      if entry == open.entry {
        open.rowCount += run.rowCount
      } else {
        if open.rowCount > 0 { append(open) }
        open = EntryRun(entry: entry, rowCount: run.rowCount)
      }
    }
    if open.rowCount > 0 { append(open) }
  }

  /// Appends rows, to the last run if it has the same entry.
  package mutating func append(_ entry: UInt32, rowCount: UInt32) {
    if let last = indices.last, self[last].entry == entry {
      self[last].rowCount += rowCount
    } else {
      append(EntryRun(entry: entry, rowCount: rowCount))
    }
  }
}

/// Lists of dictionary entries, each stored once and known by its ordinal.
package struct ListTable: Sendable {
  /// Elements of all lists, back to back.
  private var elements: [UInt32] = []
  /// Where each list ends in `elements`.
  private var ends: [Int] = []

  package init() {}

  package var count: Int { ends.count }

  /// Adds an element to the list that `endList` will end.
  package mutating func append(_ entry: UInt32) { elements.append(entry) }

  /// Ends the list in the making and gives its ordinal.
  package mutating func endList() -> UInt32 {
    ends.append(elements.count)
    return UInt32(ends.count - 1)
  }

  /// Forgets all lists, keeps the memory.
  package mutating func reset() {
    elements.removeAll(keepingCapacity: true)
    ends.removeAll(keepingCapacity: true)
  }

  func withElements<R>(
    of list: UInt32, _ body: (UnsafeBufferPointer<UInt32>) throws -> R
  ) rethrows -> R {
    let index = Int(list)
    let start = index == 0 ? 0 : ends[index - 1]
    return try elements.withUnsafeBufferPointer {
      try body(UnsafeBufferPointer(rebasing: $0[start..<ends[index]]))
    }
  }
}
