import CShims
import Columnar

/// A value of a row, as the reader below finds it.
package enum CellValue: Equatable {
  case null
  case integer(Int64)
  case double(UInt64)
  case text([UInt8])
  case list([[UInt8]])
}

/// A slow reader of what the writer writes: V1 pages, one way through, every length checked.
package struct FileReader {
  package struct Damaged: Error {
    package var reason: String
    package init(_ reason: String) { self.reason = reason }
  }

  package struct Page {
    package var offset: Int
    package var byteCount: Int
    package var encoding: Int
    package var cells: [CellValue]
  }

  package let bytes: [UInt8]
  package let footer: ThriftValue

  package init(_ bytes: [UInt8]) throws {
    self.bytes = bytes
    guard bytes.starts(with: Array("PAR1".utf8)), bytes.suffix(4) == Array("PAR1".utf8) else {
      throw Damaged("magic")
    }
    let length = Self.littleEndian(bytes, bytes.count - 8, 4)
    var position = bytes.count - 8 - length
    footer = try ThriftValue.structure(bytes, &position)
    guard position == bytes.count - 8 else { throw Damaged("footer length") }
  }

  package var rowGroups: [ThriftValue] { footer[4]?.list ?? [] }

  package func chunk(_ group: Int, _ column: Int) -> ThriftValue {
    rowGroups[group][1]?.list[column] ?? .structure([:])
  }

  /// The thrift struct at a chunk's offset index (fields 4, 5) or column index (6, 7).
  package func index(_ chunk: ThriftValue, offsetField: Int) throws -> ThriftValue? {
    guard let offset = chunk[offsetField]?.integer else { return nil }
    var position = offset
    let value = try ThriftValue.structure(bytes, &position)
    guard position - offset == chunk[offsetField + 1]?.integer else {
      throw Damaged("index length")
    }
    return value
  }

  /// Reads a chunk's pages from its first offset on, by their headers alone.
  package func pages(_ group: Int, _ column: Int, kind: ColumnKind) throws -> [Page] {
    guard let meta = chunk(group, column)[3] else { throw Damaged("no metadata") }
    var position = meta[11]?.integer ?? meta[9]?.integer ?? -1
    let end = position + (meta[7]?.integer ?? 0)
    var dictionary: [CellValue]?
    var pages: [Page] = []
    while position < end {
      let start = position
      let header = try ThriftValue.structure(bytes, &position)
      let body = try uncompressed(
        Array(bytes[position..<position + (header[3]?.integer ?? 0)]), header[2]?.integer ?? 0)
      position += header[3]?.integer ?? 0
      if header[1]?.integer == 2 {
        guard pages.isEmpty, dictionary == nil, let count = header[7]?[1]?.integer else {
          throw Damaged("dictionary page")
        }
        dictionary = try Self.plain(body, count, kind)
        continue
      }
      guard let data = header[5], let count = data[1]?.integer, let encoding = data[2]?.integer
      else { throw Damaged("data page") }
      if pages.isEmpty && meta[9]?.integer != start { throw Damaged("data page offset") }
      let cells = try Self.cells(body, count, encoding, kind, dictionary)
      pages.append(
        Page(offset: start, byteCount: position - start, encoding: encoding, cells: cells))
    }
    guard position == end else { throw Damaged("chunk length") }
    return pages
  }

  private func uncompressed(_ compressed: [UInt8], _ count: Int) throws -> [UInt8] {
    var output = [UInt8](repeating: 0, count: count + 1)
    var written = count
    guard cshims_snappy_uncompress(compressed, compressed.count, &output, &written),
      written == count
    else { throw Damaged("snappy") }
    output.removeLast()
    return output
  }

  private static func cells(
    _ body: [UInt8], _ count: Int, _ encoding: Int, _ kind: ColumnKind, _ dictionary: [CellValue]?
  ) throws -> [CellValue] {
    var position = 0
    let repetitions = kind.isList ? try levels(body, &position, 1, count) : []
    let definitions = try levels(body, &position, kind.isList ? 2 : 1, count)
    let present = definitions.count { $0 == (kind.isList ? 3 : 1) }
    var values: [CellValue] = []
    switch encoding {
    case 8:
      guard let dictionary else { throw Damaged("no dictionary") }
      let width = Int(body[position])
      let indexes = try HybridDecoder.decode(
        Array(body[(position + 1)...]), bitWidth: width, count: present)
      values = indexes.map { dictionary[Int($0)] }
    case 5:
      guard kind.physicalType == .int64 else { throw Damaged("encoding of the type") }
      values = try DeltaDecoder.decode(Array(body[position...]), count: present)
        .map { .integer($0) }
    case 9:
      let joined = try DeltaDecoder.joined(Array(body[position...]), count: present)
      values = try plain(joined, present, kind)
    case 0:
      values = try plain(Array(body[position...]), present, kind)
    default: throw Damaged("encoding")
    }
    var rest = values[...]
    guard kind.isList else {
      return definitions.map { $0 == 0 ? .null : rest.removeFirst() }
    }
    var lists: [CellValue] = []
    for (definition, repetition) in zip(definitions, repetitions) {
      if repetition == 0 { lists.append(definition == 0 ? .null : .list([])) }
      if definition == 3 {
        guard case .list(let elements) = lists.removeLast(),
          case .text(let element) = rest.removeFirst()
        else { throw Damaged("a page must begin with a row") }
        lists.append(.list(elements + [element]))
      }
    }
    return lists
  }

  private static func levels(
    _ body: [UInt8], _ position: inout Int, _ width: Int, _ count: Int
  ) throws -> [UInt32] {
    let length = littleEndian(body, position, 4)
    let start = position + 4
    position = start + length
    return try HybridDecoder.decode(Array(body[start..<position]), bitWidth: width, count: count)
  }

  package static func plain(_ bytes: [UInt8], _ count: Int, _ kind: ColumnKind) throws
    -> [CellValue]
  {
    var position = 0
    let values = (0..<count).map { _ -> CellValue in
      switch kind.physicalType {
      case .int32:
        position += 4
        return .integer(Int64(Int32(truncatingIfNeeded: littleEndian(bytes, position - 4, 4))))
      case .int64:
        position += 8
        return .integer(Int64(littleEndian(bytes, position - 8, 8)))
      case .double:
        position += 8
        return .double(UInt64(bitPattern: Int64(littleEndian(bytes, position - 8, 8))))
      case .byteArray:
        let length = littleEndian(bytes, position, 4)
        position += 4 + length
        return .text(Array(bytes[position - length..<position]))
      }
    }
    guard position == bytes.count else { throw Damaged("bytes behind the values") }
    return values
  }

  package static func littleEndian(_ bytes: [UInt8], _ offset: Int, _ count: Int) -> Int {
    var value: UInt64 = 0
    for index in 0..<count { value |= UInt64(bytes[offset + index]) << UInt64(8 * index) }
    return Int(truncatingIfNeeded: value)
  }
}

/// A sink that keeps everything.
package final class ArraySink: ByteSink {
  package private(set) var bytes: [UInt8] = []

  package init() {}

  package func write(_ bytes: UnsafeRawBufferPointer) { self.bytes += bytes }
}
