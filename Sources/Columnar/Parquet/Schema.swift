/// The columns of a file: flat values and lists of text, all optional, for ever.
///
/// A list column `name` is `optional group name (LIST) { repeated group list { optional binary
/// element (STRING) } }`, the one three-level form that every reader takes for an array.
/// https://github.com/apache/parquet-format/blob/master/LogicalTypes.md#lists

/// How values lie in pages; raw values are parquet.thrift's.
package enum PhysicalType: Int32, Sendable {
  case int32 = 1
  case int64 = 2
  case double = 5
  case byteArray = 6
}

/// What a column's values mean.
package enum ColumnKind: Sendable, Equatable {
  /// UTF-8, BYTE_ARRAY annotated STRING.
  case string
  /// INT32 without annotation.
  case int32
  /// INT64 without annotation.
  case int64
  case double
  /// INT64 annotated TIMESTAMP(MICROS, adjusted to UTC): microseconds since 1970-01-01T00:00:00Z.
  case timestampMicros
  /// Three-level list of strings.
  case stringList

  /// The type of the leaf column.
  package var physicalType: PhysicalType {
    switch self {
    case .string, .stringList: .byteArray
    case .int32: .int32
    case .int64, .timestampMicros: .int64
    case .double: .double
    }
  }

  package var isList: Bool { self == .stringList }
}

/// One column, optional at every level.
package struct ColumnSchema: Sendable, Equatable {
  package let name: String
  package let kind: ColumnKind

  package init(_ name: String, _ kind: ColumnKind) {
    self.name = name
    self.kind = kind
  }

  /// The leaf's path: what `path_in_schema` holds.
  package var leafPath: [String] { kind.isList ? [name, "list", "element"] : [name] }
}

/// The columns of a file in order. Every column has exactly one leaf, so a column's position is
/// also its leaf's.
package struct ParquetSchema: Sendable, Equatable {
  package let columns: [ColumnSchema]

  package init(_ columns: [ColumnSchema]) {
    precondition(!columns.isEmpty)
    precondition(Set(columns.map(\.name)).count == columns.count, "column names must differ")
    self.columns = columns
  }

  /// The position of the column of that name.
  package func position(of name: String) -> Int? {
    columns.firstIndex { $0.name == name }
  }
}

// MARK: - Schema elements

extension ParquetSchema {
  private enum Repetition: Int32 {
    case optional = 1
    case repeated = 2
  }

  private enum ConvertedType: Int32 {
    case utf8 = 0
    case list = 3
    case timestampMicros = 10
  }

  /// Logical types, by their field in parquet.thrift's union.
  private enum LogicalType: Int16 {
    case string = 1
    case list = 3
    case timestamp = 8
  }

  /// A flattened schema element; the tree is written depth first.
  private struct Element {
    var name: String
    var type: PhysicalType?
    var repetition: Repetition?
    var childCount: Int?
    var convertedType: ConvertedType?
    var logicalType: LogicalType?
  }

  private var elements: [Element] {
    var elements = [Element(name: "schema", childCount: columns.count)]
    for column in columns {
      switch column.kind {
      case .stringList:
        elements.append(
          Element(
            name: column.name, repetition: .optional, childCount: 1, convertedType: .list,
            logicalType: .list))
        elements.append(Element(name: "list", repetition: .repeated, childCount: 1))
        elements.append(leaf("element", .string))
      default:
        elements.append(leaf(column.name, column.kind))
      }
    }
    return elements
  }

  private func leaf(_ name: String, _ kind: ColumnKind) -> Element {
    var element = Element(name: name, type: kind.physicalType, repetition: .optional)
    switch kind {
    case .string:
      element.convertedType = .utf8
      element.logicalType = .string
    case .timestampMicros:
      element.convertedType = .timestampMicros
      element.logicalType = .timestamp
    default: break
    }
    return element
  }

  /// Writes the schema as field `id`, a list of SchemaElement.
  func write(to thrift: inout ThriftCompactWriter, field id: Int16) {
    thrift.field(id, structures: elements) { thrift, element in
      if let type = element.type { thrift.field(1, i32: type.rawValue) }
      if let repetition = element.repetition { thrift.field(3, i32: repetition.rawValue) }
      thrift.field(4, string: element.name)
      if let count = element.childCount { thrift.field(5, i32: Int32(count)) }
      if let type = element.convertedType { thrift.field(6, i32: type.rawValue) }
      if let type = element.logicalType {
        thrift.field(10) { union in
          union.field(type.rawValue) { logical in
            guard type == .timestamp else { return }
            logical.field(1, bool: true)
            logical.field(2) { unit in unit.field(2) { _ in } }
          }
        }
      }
    }
  }
}
