extension ColumnChunkWriter {
  /// Writes a chunk of numbers in the encoding that makes a sample of them the smallest.
  consuming func encodeModern<Number: PlainNumber>(
    numbers: UnsafeBufferPointer<Number>, presence: UnsafeBufferPointer<UInt8>, mask: UInt8
  ) throws -> ColumnChunkMetadata {
    let type = Number.physicalType
    let scratch = self.scratch
    let sample = Self.sample(numbers, presence, mask: mask, into: scratch.elements)
    guard
      let choice = NumberEncodingChoice(
        sample: sample, isInteger: type == .int64, scratch: scratch)
    else { return try encode(numbers: numbers, presence: presence, mask: mask) }
    metadata.dataEncoding = choice.encoding
    var chunkBounds: ValueBounds?
    var start = 0
    while start < numbers.count {
      let end = min(numbers.count, start + ColumnarLimits.maximumPageRows)
      let rows = UnsafeBufferPointer(rebasing: numbers[start..<end])
      let flags = UnsafeBufferPointer(rebasing: presence[start..<end])
      let levels = scratch.definitionLevels
      levels.reset(bitWidth: 1)
      scratch.page.reset()
      let presentCount = Self.appendLevels(flags, mask: mask, to: levels)
      Levels.append(levels, to: scratch.page)
      let values =
        presentCount == rows.count
        ? Self.words(rows) : Self.present(rows, flags, mask: mask, into: scratch.elements)
      var bounds: ValueBounds?
      if let base = values.baseAddress {
        bounds = Self.bounds(of: base, count: values.count, as: Number.self)
      }
      if let bounds {
        if chunkBounds == nil { chunkBounds = bounds }
        chunkBounds?.formUnion(bounds, as: type)
      }
      choice.finishPage(values, scratch: scratch)
      try writeCompressedData(
        DataPage(
          rowCount: rows.count, valueCount: rows.count, nullCount: rows.count - presentCount,
          bounds: bounds))
      start = end
    }
    return finish(rowCount: numbers.count, bounds: chunkBounds)
  }

  /// The first numbers that are not null, as many as a compressor is chosen by.
  private static func sample<Number: PlainNumber>(
    _ numbers: UnsafeBufferPointer<Number>, _ presence: UnsafeBufferPointer<UInt8>, mask: UInt8,
    into bytes: GrowingBytes
  ) -> UnsafeBufferPointer<UInt64> {
    let maximum = ColumnarLimits.compressionSampleByteCount / MemoryLayout<Number>.size
    var end = 0
    var presentCount = 0
    while end < numbers.count && presentCount < maximum {
      presentCount += presence[end] & mask == 0 ? 0 : 1
      end += 1
    }
    return present(
      UnsafeBufferPointer(rebasing: numbers[..<end]), presence, mask: mask, into: bytes)
  }

  /// The numbers that are not null, back to back in `bytes`.
  private static func present<Number: PlainNumber>(
    _ numbers: UnsafeBufferPointer<Number>, _ presence: UnsafeBufferPointer<UInt8>, mask: UInt8,
    into bytes: GrowingBytes
  ) -> UnsafeBufferPointer<UInt64> {
    bytes.reset()
    appendPresent(numbers, presence, mask: mask, to: bytes)
    return words(
      UnsafeRawBufferPointer(bytes.bytes).assumingMemoryBound(to: Number.self))
  }

  /// Numbers of 8 bytes as words.
  private static func words<Number: PlainNumber>(
    _ numbers: UnsafeBufferPointer<Number>
  ) -> UnsafeBufferPointer<UInt64> {
    precondition(MemoryLayout<Number>.size == MemoryLayout<UInt64>.size)
    return UnsafeRawBufferPointer(numbers).assumingMemoryBound(to: UInt64.self)
  }
}
