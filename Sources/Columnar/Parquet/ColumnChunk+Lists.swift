extension ColumnChunkWriter {
  /// Writes a chunk from runs of lists. A list's indexes are packed once and its bytes repeated
  /// for all rows of the run.
  consuming func encode(
    listRuns: [EntryRun], lists: ListTable, dictionary: TextDictionary, rowCount: Int
  ) throws -> ColumnChunkMetadata {
    let dictionary = Self.neverEmpty(dictionary, listRuns)
    let hasDictionary = dictionary.count > 0
    if hasDictionary { try writeDictionary(dictionary) }
    let byteWidth = BitPacking.byteWidth(forCount: dictionary.count)
    let scratch = self.scratch
    var cursor = RunCursor(listRuns)
    var remaining = rowCount
    while remaining > 0 {
      scratch.definitionLevels.reset(bitWidth: Levels.listDefinitionBitWidth)
      scratch.repetitionLevels.reset(bitWidth: 1)
      scratch.elements.reset()
      var page = DataPage(rowCount: 0, valueCount: 0, nullCount: 0, bounds: nil)
      let pageRows = min(remaining, ColumnarLimits.maximumPageRows)
      while page.rowCount < pageRows
        && scratch.elements.count < ColumnarLimits.maximumPageBytes
      {
        let limit = pageRows - page.rowCount
        if cursor.entry == nullEntry {
          let rows = Int(cursor.take(atMost: limit).rowCount)
          Self.appendLevels(
            definition: Levels.listNull, elementCount: 0, rowCount: rows, &page, scratch)
        } else {
          lists.withElements(of: cursor.entry) { elements in
            let rowBytes = max(1, elements.count * byteWidth)
            let room = ColumnarLimits.maximumPageBytes - scratch.elements.count
            let rows = Int(cursor.take(atMost: min(limit, max(1, room / rowBytes))).rowCount)
            Self.appendLevels(
              definition: elements.isEmpty ? Levels.listEmpty : Levels.listElement,
              elementCount: elements.count, rowCount: rows, &page, scratch)
            BitPacking.append(
              elements, repetitions: rows, byteWidth: byteWidth, to: scratch.elements)
          }
        }
      }
      let elementCount = page.valueCount - page.nullCount
      let body = scratch.page
      body.reset()
      Levels.append(scratch.repetitionLevels, to: body)
      Levels.append(scratch.definitionLevels, to: body)
      var valuesOffset = body.count
      if hasDictionary {
        body.append(UInt8(byteWidth * 8))
        if elementCount > 0 {
          BitPacking.appendHeader(valueCount: elementCount, to: body)
          valuesOffset = body.count
          body.append(scratch.elements.bytes)
          BitPacking.appendPadding(valueCount: elementCount, byteWidth: byteWidth, to: body)
        }
      }
      scratch.matcher.compress(
        body.bytes, valuesOffset: valuesOffset, stride: byteWidth, to: scratch.compressed)
      try writeCompressedData(page)
      remaining -= page.rowCount
    }
    // No bounds: engines differ in what those of a list's elements mean.
    return finish(rowCount: rowCount, bounds: nil)
  }

  /// The dictionary, or where no list has an element but some are there, one of a text that no row
  /// uses: fastparquet takes a PLAIN page of empty lists for one of nulls, and a dictionary page
  /// without entries is what other readers stumble over.
  private static func neverEmpty(
    _ dictionary: TextDictionary, _ listRuns: [EntryRun]
  ) -> TextDictionary {
    guard dictionary.count == 0, listRuns.contains(where: { $0.entry != nullEntry }) else {
      return dictionary
    }
    let placeholder = TextDictionary()
    _ = placeholder.intern("")
    return placeholder
  }

  private static func appendLevels(
    definition: UInt32, elementCount: Int, rowCount: Int, _ page: inout DataPage,
    _ scratch: EncodingScratch
  ) {
    let levelCount = max(1, elementCount) * rowCount
    scratch.definitionLevels.append(definition, count: levelCount)
    Levels.appendRepetitions(
      elementCount: elementCount, rowCount: rowCount, to: scratch.repetitionLevels)
    page.rowCount += rowCount
    page.valueCount += levelCount
    if elementCount == 0 { page.nullCount += levelCount }
  }
}
