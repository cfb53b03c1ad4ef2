/// Writes the Thrift compact protocol, as far as Parquet's metadata uses it.
///
/// A struct is a sequence of fields, each `(delta of field id << 4 | type)` or, for a delta beyond
/// 15, the type alone and the id as a zigzag varint; a zero byte ends it. Numbers are zigzag
/// varints, binaries have a varint length, a bool field's value is its type.
/// https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
package struct ThriftCompactWriter {
  /// The protocol's type codes.
  package enum FieldType: UInt8 {
    case boolTrue = 1
    case boolFalse = 2
    case i16 = 4
    case i32 = 5
    case i64 = 6
    case binary = 8
    case list = 9
    case structure = 12
  }

  private let output: GrowingBytes
  private var lastFieldID: Int16 = 0

  package init(to output: GrowingBytes) {
    self.output = output
  }

  // MARK: Values

  private func writeZigzag(_ value: Int64) {
    output.appendVarint(UInt64(bitPattern: (value << 1) ^ (value >> 63)))
  }

  private func writeBinary(_ bytes: UnsafeRawBufferPointer) {
    output.appendVarint(UInt64(bytes.count))
    output.append(bytes)
  }

  // MARK: Fields

  private mutating func beginField(_ id: Int16, _ type: FieldType) {
    let delta = id - lastFieldID
    if delta > 0 && delta <= 15 {
      output.append(UInt8(delta) << 4 | type.rawValue)
    } else {
      output.append(type.rawValue)
      writeZigzag(Int64(id))
    }
    lastFieldID = id
  }

  package mutating func field(_ id: Int16, bool value: Bool) {
    beginField(id, value ? .boolTrue : .boolFalse)
  }

  package mutating func field(_ id: Int16, i16 value: Int16) {
    beginField(id, .i16)
    writeZigzag(Int64(value))
  }

  package mutating func field(_ id: Int16, i32 value: Int32) {
    beginField(id, .i32)
    writeZigzag(Int64(value))
  }

  package mutating func field(_ id: Int16, i64 value: Int64) {
    beginField(id, .i64)
    writeZigzag(value)
  }

  package mutating func field(_ id: Int16, binary value: [UInt8]) {
    beginField(id, .binary)
    value.withUnsafeBytes { writeBinary($0) }
  }

  package mutating func field(_ id: Int16, string value: String) {
    beginField(id, .binary)
    var copy = value
    copy.withUTF8 { writeBinary(UnsafeRawBufferPointer($0)) }
  }

  package mutating func field(
    _ id: Int16, structure body: (inout ThriftCompactWriter) -> Void
  ) {
    beginField(id, .structure)
    writeStructure(body)
  }

  package mutating func field<Element>(
    _ id: Int16, structures elements: some Collection<Element>,
    _ body: (inout ThriftCompactWriter, Element) -> Void
  ) {
    beginList(id, .structure, count: elements.count)
    for element in elements { writeStructure { body(&$0, element) } }
  }

  package mutating func field(_ id: Int16, i32s values: [Int32]) {
    beginList(id, .i32, count: values.count)
    for value in values { writeZigzag(Int64(value)) }
  }

  package mutating func field(_ id: Int16, i64s values: [Int64]) {
    beginList(id, .i64, count: values.count)
    for value in values { writeZigzag(value) }
  }

  package mutating func field(_ id: Int16, bools values: [Bool]) {
    beginList(id, .boolTrue, count: values.count)
    for value in values {
      output.append(value ? FieldType.boolTrue.rawValue : FieldType.boolFalse.rawValue)
    }
  }

  package mutating func field(_ id: Int16, binaries values: [[UInt8]]) {
    beginList(id, .binary, count: values.count)
    for value in values { value.withUnsafeBytes { writeBinary($0) } }
  }

  package mutating func field(_ id: Int16, strings values: [String]) {
    field(id, binaries: values.map { Array($0.utf8) })
  }

  private mutating func beginList(_ id: Int16, _ type: FieldType, count: Int) {
    beginField(id, .list)
    if count < 15 {
      output.append(UInt8(count) << 4 | type.rawValue)
    } else {
      output.append(0xF0 | type.rawValue)
      output.appendVarint(UInt64(count))
    }
  }

  // MARK: Structs

  /// A struct that is not a field: the root of a message or an element of a list.
  package mutating func writeStructure(_ body: (inout ThriftCompactWriter) -> Void) {
    let outer = lastFieldID
    lastFieldID = 0
    body(&self)
    output.append(0)
    lastFieldID = outer
  }
}
