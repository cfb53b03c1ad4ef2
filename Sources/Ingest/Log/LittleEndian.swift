/// Fixed-width little-endian fields of the files in DATA_DIR.

extension UnsafeMutableRawPointer {
  func store<Value: FixedWidthInteger>(_ value: Value, at offset: Int) {
    storeBytes(of: value.littleEndian, toByteOffset: offset, as: Value.self)
  }
}

extension UnsafeRawPointer {
  func load<Value: FixedWidthInteger>(_ type: Value.Type, at offset: Int) -> Value {
    Value(littleEndian: loadUnaligned(fromByteOffset: offset, as: type))
  }
}

/// Appends fields to a growing buffer.
struct ByteBuilder {
  private(set) var bytes: [UInt8] = []

  mutating func reserve(_ count: Int) { bytes.reserveCapacity(bytes.count + count) }

  mutating func append<Value: FixedWidthInteger>(_ value: Value) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  /// A length (u32) and the UTF-8 bytes.
  mutating func append(_ text: String) {
    append(UInt32(clamping: text.utf8.count))
    bytes.append(contentsOf: text.utf8)
  }

  mutating func append(raw: some Sequence<UInt8>) { bytes.append(contentsOf: raw) }
}

/// Reads fields back; nil as soon as the bytes end, whatever they say.
struct ByteScanner {
  let bytes: UnsafeRawBufferPointer
  private(set) var offset = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  var remaining: Int { bytes.count - offset }

  mutating func next<Value: FixedWidthInteger>(_ type: Value.Type) -> Value? {
    let size = MemoryLayout<Value>.size
    guard remaining >= size, let base = bytes.baseAddress else { return nil }
    defer { offset += size }
    return base.load(type, at: offset)
  }

  mutating func nextText() -> String? {
    guard let count = next(UInt32.self), Int(count) <= remaining else { return nil }
    defer { offset += Int(count) }
    return String(
      validating: UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + Int(count)]),
      as: UTF8.self)
  }
}
