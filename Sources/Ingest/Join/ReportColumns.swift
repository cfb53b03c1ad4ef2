import Columnar

/// The columns that hang on a report: `timestamp` and `collected_at`.
///
/// Their dictionaries are filled in the order of time, so that they need no ranks and rows of
/// neighbouring times have neighbouring indexes.
final class ReportColumns {
  private let timestamps = TextDictionary()
  private let instants = NumberDictionary()
  /// Entries by report ordinal; `unused` for reports without rows in this row group.
  @exclusivity(unchecked) private var timestampEntries: [UInt32] = []
  @exclusivity(unchecked) private var instantEntries: [UInt32] = []
  /// Reports of the row group.
  @exclusivity(unchecked) private var used: [UInt32] = []
  private var entries = ScratchColumn<UInt32>()
  private var runs: [EntryRun] = []

  /// Whether each report of the row group has an instant.
  private(set) var hasAllInstants = true

  /// Starts a row group whose rows came with `reports`. Costs next to nothing for reports without
  /// rows in it, but for the first row group of a larger batch.
  func fill(_ reports: UnsafeBufferPointer<UInt32>, of batch: ReportBatch, _ times: ReportTimes) {
    timestamps.reset()
    instants.reset()
    let unused = nullEntry
    for report in used {
      timestampEntries[Int(report)] = unused
      instantEntries[Int(report)] = nullEntry
    }
    used.removeAll(keepingCapacity: true)
    let newCount = max(batch.reportCount - timestampEntries.count, 0)
    timestampEntries.append(contentsOf: repeatElement(unused, count: newCount))
    instantEntries.append(contentsOf: repeatElement(nullEntry, count: newCount))
    timestampEntries.withUnsafeMutableBufferPointer { entries in
      for report in reports where entries[Int(report)] == unused {
        entries[Int(report)] = 0
        used.append(report)
      }
    }
    times.sort(&used)
    hasAllInstants = true
    for (index, report) in used.enumerated() {
      let ahead = index + IngestLimits.podPrefetchDistance
      if ahead < used.count { batch.prefetch(report: Int(used[ahead])) }
      let ordinal = Int(report)
      let time = times.instants[ordinal]
      let isNew = index == 0 || times.instants[Int(used[index - 1])] != time
      let isLast = index + 1 == used.count || times.instants[Int(used[index + 1])] != time
      timestampEntries[ordinal] = entry(
        ofTimestamp: batch.reportTimestamp(ordinal), isOnlyOfTime: isNew && isLast)
      if time == ReportTimes.none {
        hasAllInstants = false
      } else {
        instantEntries[ordinal] =
          isNew ? instants.append(distinct: time) : UInt32(instants.count - 1)
      }
    }
  }

  /// Equal timestamps have equal times: one whose time no other has needs no search.
  private func entry(ofTimestamp text: UnsafeRawBufferPointer, isOnlyOfTime: Bool) -> UInt32 {
    isOnlyOfTime ? timestamps.append(distinct: text) : timestamps.intern(text)
  }

  func writeTimestamps(_ reports: UnsafeBufferPointer<UInt32>, to group: RowGroupWriter) throws {
    if let rows = gather(reports, timestampEntries) {
      try group.append(entries: rows, dictionary: timestamps)
    } else {
      try group.append(runs: runs, dictionary: timestamps)
    }
  }

  func writeInstants(_ reports: UnsafeBufferPointer<UInt32>, to group: RowGroupWriter) throws {
    if let rows = gather(reports, instantEntries) {
      try group.append(entries: rows, dictionary: instants)
    } else {
      try group.append(runs: runs, dictionary: instants)
    }
  }

  /// The entry of each row; nil where few rows differ from the one before, and `runs` has them.
  private func gather(
    _ reports: UnsafeBufferPointer<UInt32>, _ entryOfReport: [UInt32]
  ) -> UnsafeBufferPointer<UInt32>? {
    entries.reserve(reports.count)
    let target = entries.base
    var changeCount = 0
    entryOfReport.withUnsafeBufferPointer { entryOfReport in
      var previous = entryOfReport[Int(reports[0])]
      for (row, report) in reports.enumerated() {
        let entry = entryOfReport[Int(report)]
        target[row] = entry
        changeCount += entry == previous ? 0 : 1
        previous = entry
      }
    }
    let rows = UnsafeBufferPointer(start: target, count: reports.count)
    if changeCount * 8 > reports.count { return rows }
    runs.removeAll(keepingCapacity: true)
    for entry in rows { runs.append(entry, rowCount: 1) }
    return nil
  }
}
