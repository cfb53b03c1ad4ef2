import SimulationModels
import Testing

@testable import Columnar

/// Compares what the footer and the page index say of a chunk with the chunk's own pages.
struct ChunkChecks {
  var reader: FileReader
  var chunk: ThriftValue
  var kind: ColumnKind
  var pages: [FileReader.Page]

  func run(_ comment: Comment) throws {
    let meta = try #require(chunk[3])
    #expect(meta[4]?.integer == 1)
    #expect(meta[5]?.integer == pages.reduce(0) { $0 + levelCount($1.cells) }, comment)
    let nullCount = pages.reduce(0) { $0 + self.nullCount($1.cells) }
    #expect(meta[12]?[3]?.integer == nullCount, comment)
    #expect(chunk[2]?.integer == 0 && meta[12]?[1] == nil && meta[12]?[2] == nil)
    let encodings = Set(meta[2]?.list.map(\.integer) ?? [])
    let used = Set(pages.map(\.encoding) + [3] + (meta[11] == nil ? [] : [0]))
    #expect(encodings == used, comment)
    let statistics = meta[13]?.list ?? []
    #expect(
      statistics.reduce(0) { $0 + ($1[3]?.integer ?? 0) } == pages.count + (meta[11] == nil ? 0 : 1)
    )
    try checkOffsets(comment)
    try checkBounds(meta, comment)
  }

  private func checkOffsets(_ comment: Comment) throws {
    let index = try #require(try reader.index(chunk, offsetField: 4))
    let locations = index[1]?.list ?? []
    #expect(locations.map { $0[1]?.integer } == pages.map { $0.offset }, comment)
    #expect(locations.map { $0[2]?.integer } == pages.map { $0.byteCount }, comment)
    var row = 0
    for (location, page) in zip(locations, pages) {
      #expect(location[3]?.integer == row, comment)
      row += page.cells.count
    }
  }

  private func checkBounds(_ meta: ThriftValue, _ comment: Comment) throws {
    guard !kind.isList else {
      #expect(meta[12]?[5] == nil && meta[12]?[6] == nil && chunk[6] == nil)
      return
    }
    let all = pages.flatMap(\.cells).compactMap(plain)
    let index = try #require(try reader.index(chunk, offsetField: 6))
    if let minimum = meta[12]?[6]?.bytes, let maximum = meta[12]?[5]?.bytes {
      expectCovered(all, minimum, maximum, comment)
      for (bound, isExact) in [(minimum, meta[12]?[8]?.bool), (maximum, meta[12]?[7]?.bool)] {
        let isValue = all.contains(bound) || isZero(bound)
        #expect(isExact == isValue || (isValue && bound.count == 64), comment)
      }
    } else {
      #expect(all.isEmpty, comment)
    }
    for (number, page) in pages.enumerated() {
      let values = page.cells.compactMap(plain)
      let minimum = index[2]?.list[number].bytes ?? []
      let maximum = index[3]?.list[number].bytes ?? []
      #expect(index[1]?.list[number] == .bool(values.isEmpty), comment)
      #expect(index[5]?.list[number].integer == nullCount(page.cells), comment)
      if values.isEmpty {
        #expect(minimum.isEmpty && maximum.isEmpty)
      } else {
        expectCovered(values, minimum, maximum, comment)
      }
    }
    checkBoundaryOrder(index, comment)
  }

  private func checkBoundaryOrder(_ index: ThriftValue, _ comment: Comment) {
    let isNull = index[1]?.list.map { $0.bool ?? false } ?? []
    func column(_ field: Int) -> [[UInt8]] {
      zip(isNull, index[field]?.list ?? []).filter { !$0.0 }.compactMap { $0.1.bytes }
    }
    func isOrdered(_ sign: Int) -> Bool {
      [column(2), column(3)].allSatisfy { bounds in
        zip(bounds, bounds.dropFirst()).allSatisfy {
          ValueBounds.compare($0, $1, as: kind.physicalType) * sign <= 0
        }
      }
    }
    let expected = isOrdered(1) ? 1 : (isOrdered(-1) ? 2 : 0)
    #expect(index[4]?.integer == expected, comment)
  }

  private func expectCovered(
    _ values: [[UInt8]], _ minimum: [UInt8], _ maximum: [UInt8], _ comment: Comment
  ) {
    let type = kind.physicalType
    #expect(values.allSatisfy { ValueBounds.compare(minimum, $0, as: type) <= 0 }, comment)
    #expect(values.allSatisfy { ValueBounds.compare($0, maximum, as: type) <= 0 }, comment)
  }

  private func isZero(_ bound: [UInt8]) -> Bool {
    kind == .double && bound.dropLast().allSatisfy { $0 == 0 } && (bound.last ?? 1) & 0x7F == 0
  }

  /// A value as statistics hold it.
  private func plain(_ cell: CellValue) -> [UInt8]? {
    func bytes(_ value: UInt64) -> [UInt8] {
      withUnsafeBytes(of: value.littleEndian) {
        Array($0.prefix(Plain.width(of: kind.physicalType)))
      }
    }
    return switch cell {
    case .text(let text): text
    case .integer(let value): bytes(UInt64(bitPattern: value))
    case .double(let bits): bytes(bits)
    case .null, .list: nil
    }
  }

  private func levelCount(_ cells: [CellValue]) -> Int {
    cells.reduce(0) {
      if case .list(let elements) = $1 { $0 + max(1, elements.count) } else { $0 + 1 }
    }
  }

  private func nullCount(_ cells: [CellValue]) -> Int {
    cells.count { $0 == .null || $0 == .list([]) }
  }
}
