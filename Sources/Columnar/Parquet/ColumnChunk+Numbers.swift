/// A number that lies in pages as it lies in memory.
protocol PlainNumber: Comparable, BitwiseCopyable {
  static var physicalType: PhysicalType { get }
  static func bounds(minimum: Self, maximum: Self) -> ValueBounds
}

extension Int64: PlainNumber {
  static var physicalType: PhysicalType { .int64 }
  static func bounds(minimum: Int64, maximum: Int64) -> ValueBounds {
    ValueBounds(minimum: minimum, maximum: maximum, as: .int64)
  }
}

extension Double: PlainNumber {
  static var physicalType: PhysicalType { .double }
  static func bounds(minimum: Double, maximum: Double) -> ValueBounds {
    ValueBounds(minimum: minimum, maximum: maximum)
  }
}

extension ColumnChunkWriter {
  /// Writes a chunk of PLAIN numbers.
  consuming func encode<Number: PlainNumber>(
    numbers: UnsafeBufferPointer<Number>, presence: UnsafeBufferPointer<UInt8>, mask: UInt8
  ) throws -> ColumnChunkMetadata {
    let type = Number.physicalType
    let scratch = self.scratch
    var chunkBounds: ValueBounds?
    var comparesNeighbours: Bool?
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
      let valuesOffset = scratch.page.count
      if presentCount == rows.count {
        scratch.page.append(UnsafeRawBufferPointer(rows))
      } else {
        Self.appendPresent(rows, flags, mask: mask, to: scratch.page)
      }
      let bounds = Self.bounds(
        of: scratch.page.base + valuesOffset, count: presentCount, as: Number.self)
      if let bounds {
        if chunkBounds == nil { chunkBounds = bounds }
        chunkBounds?.formUnion(bounds, as: type)
      }
      comparesNeighbours = compress(valuesOffset: valuesOffset, comparesNeighbours)
      try writeCompressedData(
        DataPage(
          rowCount: rows.count, valueCount: rows.count, nullCount: rows.count - presentCount,
          bounds: bounds))
      start = end
    }
    return finish(rowCount: numbers.count, bounds: chunkBounds)
  }

  /// Compresses the page by the neighbour matcher, or by the library if that saves more than its
  /// time is worth, which the beginning of the chunk's first page decides.
  private func compress(valuesOffset: Int, _ comparesNeighbours: Bool?) -> Bool {
    let page = scratch.page.bytes
    let decision = comparesNeighbours ?? neighboursSuffice(page, valuesOffset)
    if decision {
      NeighbourMatcher.compress(page, valuesOffset: valuesOffset, to: scratch.compressed)
    } else {
      Snappy.compress(page, to: scratch.compressed)
    }
    return decision
  }

  private func neighboursSuffice(_ page: UnsafeRawBufferPointer, _ valuesOffset: Int) -> Bool {
    let count = min(page.count, valuesOffset + ColumnarLimits.compressionSampleByteCount)
    let sample = UnsafeRawBufferPointer(rebasing: page[..<count])
    NeighbourMatcher.compress(sample, valuesOffset: valuesOffset, to: scratch.compressed)
    let ours = scratch.compressed.count
    Snappy.compress(sample, to: scratch.compressed)
    return scratch.compressed.count + ours / ColumnarLimits.worthwhileSavingDivisor >= ours
  }

  /// Appends definition levels and returns how many rows have a value.
  static func appendLevels(
    _ presence: UnsafeBufferPointer<UInt8>, mask: UInt8, to levels: RunLengthEncoder
  ) -> Int {
    var everywhere = mask
    for flags in presence { everywhere &= flags }
    if everywhere == mask {
      levels.append(Levels.flatPresent, count: presence.count)
      return presence.count
    }
    var count = 0
    for flags in presence {
      let isPresent = flags & mask != 0
      levels.append(isPresent ? Levels.flatPresent : 0, count: 1)
      count += isPresent ? 1 : 0
    }
    return count
  }

  static func appendPresent<Number: PlainNumber>(
    _ numbers: UnsafeBufferPointer<Number>, _ presence: UnsafeBufferPointer<UInt8>, mask: UInt8,
    to page: GrowingBytes
  ) {
    page.reserve(numbers.count * MemoryLayout<Number>.size)
    var target = page.base + page.count
    for index in numbers.indices where presence[index] & mask != 0 {
      target.storeBytes(of: numbers[index], as: Number.self)
      target += MemoryLayout<Number>.size
    }
    page.count = target - page.base
  }

  /// Bounds of `count` numbers that lie at `values`, at any alignment.
  static func bounds<Number: PlainNumber>(
    of values: UnsafeRawPointer, count: Int, as: Number.Type
  ) -> ValueBounds? {
    guard count > 0 else { return nil }
    let width = MemoryLayout<Number>.size
    var minimum = values.loadUnaligned(as: Number.self)
    var maximum = minimum
    for index in 1..<max(1, count) {
      let value = values.loadUnaligned(fromByteOffset: index * width, as: Number.self)
      minimum = value < minimum ? value : minimum
      maximum = value > maximum ? value : maximum
    }
    return Number.bounds(minimum: minimum, maximum: maximum)
  }
}
