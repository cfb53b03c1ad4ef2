/// The extremes of a page or chunk of dictionary entries, by rank.
struct EntryExtremes {
  private var minimumRank = UInt32.max
  private var maximumRank: UInt32 = 0
  private(set) var minimum = nullEntry
  private(set) var maximum = nullEntry

  @inline(__always)
  mutating func add(_ entry: UInt32, rank: UInt32) {
    if rank < minimumRank {
      minimumRank = rank
      minimum = entry
    }
    if rank >= maximumRank {
      maximumRank = rank
      maximum = entry
    }
  }

  mutating func add(_ other: EntryExtremes) {
    guard other.minimum != nullEntry else { return }
    add(other.minimum, rank: other.minimumRank)
    add(other.maximum, rank: other.maximumRank)
  }

  /// The same by the entries' values, where there are no ranks.
  @inline(__always)
  mutating func add(_ entry: UInt32, valueIn dictionary: some ValueDictionary) {
    guard minimum != nullEntry else {
      minimum = entry
      maximum = entry
      return
    }
    if dictionary.isBefore(maximum, entry) {
      maximum = entry
    } else if dictionary.isBefore(entry, minimum) {
      minimum = entry
    }
  }

  mutating func add(_ other: EntryExtremes, valuesIn dictionary: some ValueDictionary) {
    guard other.minimum != nullEntry else { return }
    add(other.minimum, valueIn: dictionary)
    add(other.maximum, valueIn: dictionary)
  }

  func bounds(_ dictionary: some ValueDictionary, as type: PhysicalType) -> ValueBounds? {
    guard minimum != nullEntry else { return nil }
    return dictionary.bounds(minimum: minimum, maximum: maximum, as: type)
  }
}

extension ColumnChunkWriter {
  /// Writes a chunk from runs of entries.
  consuming func encode(
    runs: [EntryRun], dictionary: some ValueDictionary, rowCount: Int
  ) throws -> ColumnChunkMetadata {
    let type = metadata.schema.kind.physicalType
    let usesDictionary = Self.prefersDictionary(runs, dictionary, type)
    if usesDictionary { try writeDictionary(dictionary) }
    // Ranks come by sorting all entries, which does not pay where each is met once or so.
    let comparesValues = runs.count < dictionary.count * 4
    let ranks = comparesValues ? nil : dictionary.ranks()
    let bitWidth = BitPacking.bitWidth(forCount: dictionary.count)
    let scratch = self.scratch
    var chunkExtremes = EntryExtremes()
    var cursor = RunCursor(runs)
    var remaining = rowCount
    while remaining > 0 {
      let levels = scratch.definitionLevels
      let indexes = scratch.indexes
      let values = scratch.elements
      levels.reset(bitWidth: 1)
      indexes.reset(bitWidth: bitWidth)
      values.reset()
      var page = DataPage(rowCount: 0, valueCount: 0, nullCount: 0, bounds: nil)
      var extremes = EntryExtremes()
      let pageRows = min(remaining, ColumnarLimits.maximumPageRows)
      while page.rowCount < pageRows && values.count < ColumnarLimits.maximumPageBytes {
        // PLAIN text goes value by value, so that a page ends soon after it is full.
        let run = cursor.take(atMost: usesDictionary ? pageRows - page.rowCount : 1)
        let count = Int(run.rowCount)
        page.rowCount += count
        if run.entry == nullEntry {
          levels.append(0, count: count)
          page.nullCount += count
          continue
        }
        levels.append(Levels.flatPresent, count: count)
        if usesDictionary {
          indexes.append(run.entry, count: count)
        } else {
          dictionary.appendPlain(run.entry, as: type, to: values)
        }
        if comparesValues {
          extremes.add(run.entry, valueIn: dictionary)
        } else {
          extremes.add(run.entry, rank: ranks.map { $0[Int(run.entry)] } ?? run.entry)
        }
      }
      page.valueCount = page.rowCount
      page.bounds = extremes.bounds(dictionary, as: type)
      if comparesValues {
        chunkExtremes.add(extremes, valuesIn: dictionary)
      } else {
        chunkExtremes.add(extremes)
      }
      scratch.page.reset()
      Levels.append(levels, to: scratch.page)
      if usesDictionary {
        scratch.page.append(UInt8(bitWidth))
        indexes.finish()
        scratch.page.append(indexes.output.bytes)
      } else {
        scratch.page.append(values.bytes)
      }
      try writeData(page)
      remaining -= page.rowCount
    }
    return finish(rowCount: rowCount, bounds: chunkExtremes.bounds(dictionary, as: type))
  }

  /// Whether dictionary indexes take fewer bytes than PLAIN values do. Text that is not short
  /// always takes the dictionary: it is the row group that bounds its size.
  private static func prefersDictionary(
    _ runs: [EntryRun], _ dictionary: some ValueDictionary, _ type: PhysicalType
  ) -> Bool {
    guard dictionary.count > 0 else { return false }
    var valueCount = 0
    for run in runs where run.entry != nullEntry { valueCount += Int(run.rowCount) }
    if dictionary.count * 2 <= valueCount { return true }
    let dictionaryBytes = dictionary.plainByteCount(as: type)
    if type == .byteArray
      && dictionaryBytes > dictionary.count * (ColumnarLimits.maximumPlainTextBytes + 4)
    {
      return true
    }
    var plainBytes = 0
    for run in runs where run.entry != nullEntry {
      plainBytes += Int(run.rowCount) * dictionary.plainByteCount(of: run.entry, as: type)
    }
    let bitWidth = BitPacking.bitWidth(forCount: dictionary.count)
    let indexBytes = min(runs.count * (1 + (bitWidth + 7) / 8), valueCount * bitWidth / 8)
    return dictionaryBytes + indexBytes < plainBytes
  }
}

/// Walks runs in pieces.
struct RunCursor {
  private let runs: [EntryRun]
  private var index = 0
  private var taken: UInt32 = 0

  init(_ runs: [EntryRun]) {
    self.runs = runs
  }

  /// The entry that comes next; there must be one.
  var entry: UInt32 { runs[index].entry }

  /// The next rows of one entry, at most `limit` (at least 1) of them.
  @inline(__always)
  mutating func take(atMost limit: Int) -> EntryRun {
    let run = runs[index]
    let left = run.rowCount - taken
    if Int(left) <= limit {
      index += 1
      taken = 0
      return EntryRun(entry: run.entry, rowCount: left)
    }
    taken += UInt32(limit)
    return EntryRun(entry: run.entry, rowCount: UInt32(limit))
  }
}
