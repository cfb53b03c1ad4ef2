/// Any value of the Thrift compact protocol, read without a schema.
package indirect enum ThriftValue: Equatable {
  case bool(Bool)
  case integer(Int64)
  case binary([UInt8])
  case list([ThriftValue])
  case structure([Int: ThriftValue])

  package struct Damaged: Error {}

  /// Reads the struct that begins at `position`, which moves behind it.
  package static func structure(_ bytes: [UInt8], _ position: inout Int) throws -> ThriftValue {
    var fields: [Int: ThriftValue] = [:]
    var id = 0
    while true {
      let head = try byte(bytes, &position)
      if head == 0 { return .structure(fields) }
      if head >> 4 == 0 {
        id = Int(try zigzag(bytes, &position))
      } else {
        id += Int(head >> 4)
      }
      guard fields[id] == nil else { throw Damaged() }
      fields[id] =
        switch head & 15 {
        case 1: .bool(true)
        case 2: .bool(false)
        default: try value(head & 15, bytes, &position)
        }
    }
  }

  private static func value(
    _ type: UInt8, _ bytes: [UInt8], _ position: inout Int
  ) throws -> ThriftValue {
    switch type {
    case 1, 2: return .bool(try byte(bytes, &position) == 1)
    case 4, 5, 6: return .integer(try zigzag(bytes, &position))
    case 8:
      let count = Int(try HybridDecoder.varint(bytes, &position))
      guard position + count <= bytes.count else { throw Damaged() }
      defer { position += count }
      return .binary(Array(bytes[position..<position + count]))
    case 9:
      let head = try byte(bytes, &position)
      var count = Int(head >> 4)
      if count == 15 { count = Int(try HybridDecoder.varint(bytes, &position)) }
      return .list(try (0..<count).map { _ in try value(head & 15, bytes, &position) })
    case 12: return try structure(bytes, &position)
    default: throw Damaged()
    }
  }

  private static func byte(_ bytes: [UInt8], _ position: inout Int) throws -> UInt8 {
    guard position < bytes.count else { throw Damaged() }
    defer { position += 1 }
    return bytes[position]
  }

  private static func zigzag(_ bytes: [UInt8], _ position: inout Int) throws -> Int64 {
    let raw = try HybridDecoder.varint(bytes, &position)
    return Int64(raw >> 1) ^ -Int64(raw & 1)
  }

  package subscript(_ id: Int) -> ThriftValue? {
    if case .structure(let fields) = self { return fields[id] }
    return nil
  }
  package var integer: Int { if case .integer(let value) = self { Int(value) } else { -1 } }
  package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
  package var bytes: [UInt8]? { if case .binary(let value) = self { value } else { nil } }
  package var string: String? { bytes.map { String(decoding: $0, as: UTF8.self) } }
  package var list: [ThriftValue] { if case .list(let value) = self { value } else { [] } }
}
