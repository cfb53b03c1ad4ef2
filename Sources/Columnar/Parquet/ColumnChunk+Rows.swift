extension ColumnChunkWriter {
  /// Writes a chunk from an entry for each row. The indexes of a page are one packed run:
  /// neighbours differ. It is of whole bytes, so that the compression finds what repeats, unless
  /// it finds so little that as many bits as needed are shorter.
  consuming func encode(
    entries: UnsafeBufferPointer<UInt32>, dictionary: some ValueDictionary
  ) throws -> ColumnChunkMetadata {
    let type = metadata.schema.kind.physicalType
    let hasDictionary = dictionary.count > 0
    if hasDictionary { try writeDictionary(dictionary) }
    let ranks = dictionary.ranks()
    let byteWidth = BitPacking.byteWidth(forCount: dictionary.count)
    let bitWidth = BitPacking.bitWidth(forCount: dictionary.count)
    let pageRows = min(
      ColumnarLimits.maximumEntryPageRows, ColumnarLimits.maximumPageBytes / byteWidth)
    var usesWholeBytes = true
    let scratch = self.scratch
    var chunkExtremes = EntryExtremes()
    var start = 0
    while start < entries.count {
      let end = min(entries.count, start + pageRows)
      var rows = UnsafeBufferPointer(rebasing: entries[start..<end])
      var page = DataPage(
        rowCount: rows.count, valueCount: rows.count, nullCount: 0, bounds: nil)
      let levels = scratch.definitionLevels
      levels.reset(bitWidth: 1)
      if rows.contains(nullEntry) {
        rows = Self.appendLevels(rows, to: levels, present: scratch.elements)
        page.nullCount = page.rowCount - rows.count
      } else {
        levels.append(Levels.flatPresent, count: rows.count)
      }
      scratch.page.reset()
      Levels.append(levels, to: scratch.page)
      let extremes = Self.extremes(of: rows, ranks: ranks)
      if usesWholeBytes {
        let levelsByteCount = scratch.page.count
        let valuesOffset =
          hasDictionary
          ? Self.appendWholeBytes(rows, byteWidth: byteWidth, to: scratch.page) : levelsByteCount
        scratch.matcher.compress(
          scratch.page.bytes, valuesOffset: valuesOffset, stride: byteWidth,
          to: scratch.compressed)
        if bitWidth % 8 != 0
          && scratch.compressed.count > levelsByteCount + rows.count * bitWidth / 8
        {
          usesWholeBytes = false
          scratch.page.count = levelsByteCount
        }
      }
      if !usesWholeBytes {
        if hasDictionary {
          Self.appendBits(rows, bitWidth: bitWidth, scratch.indexes, to: scratch.page)
        }
        Snappy.compress(scratch.page.bytes, to: scratch.compressed)
      }
      page.bounds = extremes.bounds(dictionary, as: type)
      chunkExtremes.add(extremes)
      try writeCompressedData(page)
      start = end
    }
    return finish(rowCount: entries.count, bounds: chunkExtremes.bounds(dictionary, as: type))
  }

  /// Appends definition levels and gives the entries that are not null, which lie in `present`.
  private static func appendLevels(
    _ entries: UnsafeBufferPointer<UInt32>, to levels: RunLengthEncoder, present: GrowingBytes
  ) -> UnsafeBufferPointer<UInt32> {
    present.reset()
    present.reserve(entries.count * MemoryLayout<UInt32>.stride)
    let target = present.base.bindMemory(to: UInt32.self, capacity: entries.count)
    var count = 0
    for entry in entries {
      levels.append(entry == nullEntry ? 0 : Levels.flatPresent, count: 1)
      target[count] = entry
      count += entry == nullEntry ? 0 : 1
    }
    return UnsafeBufferPointer(start: target, count: count)
  }

  /// Appends indexes and gives the offset in the page at which they begin.
  private static func appendWholeBytes(
    _ entries: UnsafeBufferPointer<UInt32>, byteWidth: Int, to page: GrowingBytes
  ) -> Int {
    page.append(UInt8(byteWidth * 8))
    guard !entries.isEmpty else { return page.count }
    BitPacking.appendHeader(valueCount: entries.count, to: page)
    let start = page.count
    BitPacking.append(entries, byteWidth: byteWidth, to: page)
    BitPacking.appendPadding(valueCount: entries.count, byteWidth: byteWidth, to: page)
    return start
  }

  private static func appendBits(
    _ entries: UnsafeBufferPointer<UInt32>, bitWidth: Int, _ encoder: RunLengthEncoder,
    to page: GrowingBytes
  ) {
    page.append(UInt8(bitWidth))
    encoder.reset(bitWidth: bitWidth)
    for entry in entries { encoder.append(entry, count: 1) }
    encoder.finish()
    page.append(encoder.output.bytes)
  }

  private static func extremes(
    of entries: UnsafeBufferPointer<UInt32>, ranks: [UInt32]?
  ) -> EntryExtremes {
    var extremes = EntryExtremes()
    guard let ranks else {
      var minimum = nullEntry
      var maximum: UInt32 = 0
      for entry in entries {
        minimum = min(minimum, entry)
        maximum = max(maximum, entry)
      }
      if !entries.isEmpty {
        extremes.add(minimum, rank: minimum)
        extremes.add(maximum, rank: maximum)
      }
      return extremes
    }
    ranks.withUnsafeBufferPointer { ranks in
      for entry in entries { extremes.add(entry, rank: ranks[Int(entry)]) }
    }
    return extremes
  }
}
