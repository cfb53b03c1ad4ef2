/// The page index of one column chunk: where its pages are, and what they span.
/// https://github.com/apache/parquet-format/blob/master/PageIndex.md
struct PageIndex: Sendable {
  /// One data page.
  struct Page: Sendable {
    /// Absolute offset of the page's header in the file.
    var offset: Int64
    /// Bytes of header and compressed body.
    var compressedByteCount: Int32
    /// The page's first row, counted from the start of the row group.
    var firstRow: Int64
    var nullCount: Int64
    /// Nil when all values are null, or no bounds can be given.
    var bounds: ValueBounds?
    var isAllNull: Bool
  }

  private enum BoundaryOrder: Int32 {
    case unordered = 0
    case ascending = 1
    case descending = 2
  }

  var pages: [Page] = []

  /// Whether every page that has a value has bounds: otherwise there is no column index.
  var hasBounds: Bool { pages.allSatisfy { $0.isAllNull || $0.bounds != nil } }

  func writeOffsetIndex(to output: GrowingBytes) {
    var thrift = ThriftCompactWriter(to: output)
    thrift.writeStructure { thrift in
      thrift.field(1, structures: pages) { thrift, page in
        thrift.field(1, i64: page.offset)
        thrift.field(2, i32: page.compressedByteCount)
        thrift.field(3, i64: page.firstRow)
      }
    }
  }

  func writeColumnIndex(as type: PhysicalType, to output: GrowingBytes) {
    var thrift = ThriftCompactWriter(to: output)
    thrift.writeStructure { thrift in
      thrift.field(1, bools: pages.map(\.isAllNull))
      thrift.field(2, binaries: pages.map { $0.bounds?.minimum ?? [] })
      thrift.field(3, binaries: pages.map { $0.bounds?.maximum ?? [] })
      thrift.field(4, i32: boundaryOrder(as: type).rawValue)
      thrift.field(5, i64s: pages.map(\.nullCount))
    }
  }

  /// The order of the written bounds, pages without values left out.
  private func boundaryOrder(as type: PhysicalType) -> BoundaryOrder {
    let bounds = pages.compactMap(\.bounds)
    var isAscending = true
    var isDescending = true
    for (previous, next) in zip(bounds, bounds.dropFirst()) {
      let minimum = ValueBounds.compare(previous.minimum, next.minimum, as: type)
      let maximum = ValueBounds.compare(previous.maximum, next.maximum, as: type)
      if minimum > 0 || maximum > 0 { isAscending = false }
      if minimum < 0 || maximum < 0 { isDescending = false }
    }
    return isAscending ? .ascending : (isDescending ? .descending : .unordered)
  }
}
