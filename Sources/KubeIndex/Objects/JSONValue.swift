import CShims
import Glibc

/// Parses JSON documents of the API server, one at a time.
final class JSONParser {
  /// Bytes that must be readable behind a document.
  static let paddingByteCount = Int(CSHIMS_JSON_PADDING)

  private let parser: OpaquePointer

  init() {
    guard let parser = cshims_json_parser_create() else {
      // As anywhere else: without memory there is no going on.
      preconditionFailure("out of memory")
    }
    self.parser = parser
  }

  deinit { cshims_json_parser_destroy(parser) }

  /// The root of the document: valid until the next `parse`. `paddingByteCount` bytes behind
  /// `bytes` must be readable.
  func parse(_ bytes: UnsafeRawBufferPointer) throws(JSONFault) -> JSONValue {
    guard let start = bytes.baseAddress, bytes.count > 0 else {
      throw JSONFault(message: "no JSON at all")
    }
    var root = cshims_json_element()
    if let message = cshims_json_parse(parser, start, bytes.count, &root) {
      throw JSONFault(message: String(cString: message))
    }
    return JSONValue(element: root)
  }
}

/// Why a document is no JSON.
struct JSONFault: Error {
  var message: String
}

/// A value of the document that was parsed last.
struct JSONValue {
  fileprivate let element: cshims_json_element

  fileprivate init(element: cshims_json_element) { self.element = element }

  /// The member of that name; nil: none, or no object.
  subscript(name: StaticString) -> JSONValue? {
    var value = cshims_json_element()
    let found = name.utf8Start.withMemoryRebound(
      to: CChar.self, capacity: name.utf8CodeUnitCount
    ) { cshims_json_find(element, $0, name.utf8CodeUnitCount, &value) }
    return found ? JSONValue(element: value) : nil
  }

  /// The bytes of a string; nil: no string. Valid until the next parse.
  var string: UnsafeRawBufferPointer? {
    var bytes: UnsafePointer<CChar>?
    var count = 0
    guard cshims_json_string(element, &bytes, &count) else { return nil }
    return UnsafeRawBufferPointer(start: bytes, count: count)
  }

  /// As `string`, but nil also when it is empty: Kubernetes writes "" for not set.
  var filledString: UnsafeRawBufferPointer? {
    guard let string, !string.isEmpty else { return nil }
    return string
  }

  var int: Int64? {
    var value: Int64 = 0
    return cshims_json_int64(element, &value) ? value : nil
  }

  var isTrue: Bool {
    var value = false
    return cshims_json_bool(element, &value) && value
  }

  var isNull: Bool { cshims_json_kind_of(element) == CSHIMS_JSON_NULL }

  var isObject: Bool { cshims_json_kind_of(element) == CSHIMS_JSON_OBJECT }

  /// The text of a number, as short as it reads back; nil: no number.
  var numberText: String? {
    switch cshims_json_kind_of(element) {
    case CSHIMS_JSON_INT64: return int.map { String($0) }
    case CSHIMS_JSON_UINT64:
      var value: UInt64 = 0
      return cshims_json_uint64(element, &value) ? String(value) : nil
    case CSHIMS_JSON_DOUBLE:
      var value = 0.0
      return cshims_json_double(element, &value) ? value.description : nil
    default: return nil
    }
  }

  /// The elements of an array, at most `limit`; none if it is no array.
  func forEachElement(
    limit: Int = KubeIndexLimits.maximumElements, _ body: (JSONValue) -> Void
  ) {
    var cursor = cshims_json_cursor()
    guard cshims_json_array_begin(element, &cursor) else { return }
    var value = cshims_json_element()
    var count = 0
    while count < limit, cshims_json_array_next(&cursor, &value) {
      body(JSONValue(element: value))
      count += 1
    }
  }

  /// The members of an object, at most `KubeIndexLimits.maximumElements`; none if it is no object.
  func forEachMember(_ body: (UnsafeRawBufferPointer, JSONValue) -> Void) {
    var cursor = cshims_json_cursor()
    guard cshims_json_object_begin(element, &cursor) else { return }
    var value = cshims_json_element()
    var name: UnsafePointer<CChar>?
    var nameCount = 0
    var count = 0
    while count < KubeIndexLimits.maximumElements,
      cshims_json_object_next(&cursor, &name, &nameCount, &value)
    {
      body(UnsafeRawBufferPointer(start: name, count: nameCount), JSONValue(element: value))
      count += 1
    }
  }

  /// The value as JSON text without spaces.
  var text: [UInt8] {
    var count = 0
    guard let text = cshims_json_text(element, &count) else { return [] }
    defer { free(text) }
    return Array(UnsafeRawBufferPointer(start: text, count: count))
  }
}

extension UnsafeRawBufferPointer {
  /// True when the bytes are exactly `other`.
  func equals(_ other: StaticString) -> Bool {
    count == other.utf8CodeUnitCount && hasPrefix(other)
  }

  func hasPrefix(_ prefix: StaticString) -> Bool {
    guard count >= prefix.utf8CodeUnitCount else { return false }
    guard let baseAddress else { return prefix.utf8CodeUnitCount == 0 }
    return memcmp(baseAddress, prefix.utf8Start, prefix.utf8CodeUnitCount) == 0
  }

  func hasSuffix(_ suffix: StaticString) -> Bool {
    let length = suffix.utf8CodeUnitCount
    guard count >= length else { return false }
    return UnsafeRawBufferPointer(rebasing: self[(count - length)...]).hasPrefix(suffix)
  }

  /// What is behind the last `/`; all when there is none.
  var lastPathPart: UnsafeRawBufferPointer {
    guard let slash = lastIndex(of: UInt8(ascii: "/")) else { return self }
    return UnsafeRawBufferPointer(rebasing: self[(slash + 1)...])
  }

  /// Compares as unsigned bytes; a prefix is smaller.
  func precedes(_ other: UnsafeRawBufferPointer) -> Bool {
    let common = Swift.min(count, other.count)
    if common > 0, let left = baseAddress, let right = other.baseAddress {
      let order = memcmp(left, right, common)
      if order != 0 { return order < 0 }
    }
    return count < other.count
  }
}
