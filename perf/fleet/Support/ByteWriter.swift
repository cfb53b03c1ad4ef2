import Glibc

/// A growing buffer of bytes that keeps its capacity when it is cleared.
struct ByteWriter: ~Copyable {
  private(set) var base: UnsafeMutablePointer<UInt8>
  private(set) var capacity: Int
  private(set) var count = 0

  init(capacity: Int = 4096) {
    self.capacity = max(capacity, 64)
    base = .allocate(capacity: self.capacity)
  }

  deinit {
    base.deallocate()
  }

  var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: base, count: count)
  }

  mutating func clear() {
    count = 0
  }

  /// Cuts to the first `newCount` bytes.
  mutating func truncate(to newCount: Int) {
    count = min(count, newCount)
  }

  /// Makes room for `additional` bytes and returns where they go; `advance` then counts them.
  @inline(__always)
  mutating func reserve(_ additional: Int) -> UnsafeMutablePointer<UInt8> {
    if capacity - count < additional { grow(additional) }
    return base + count
  }

  @inline(__always)
  mutating func advance(_ written: Int) {
    count += written
  }

  @inline(never)
  private mutating func grow(_ additional: Int) {
    let newCapacity = max(capacity * 2, count + additional)
    let grown = UnsafeMutablePointer<UInt8>.allocate(capacity: newCapacity)
    memcpy(grown, base, count)
    base.deallocate()
    base = grown
    capacity = newCapacity
  }

  @inline(__always)
  mutating func append(_ text: StaticString) {
    let length = text.utf8CodeUnitCount
    memcpy(reserve(length), text.utf8Start, length)
    count += length
  }

  @inline(__always)
  mutating func append(_ source: UnsafeRawBufferPointer) {
    guard let start = source.baseAddress else { return }
    memcpy(reserve(source.count), start, source.count)
    count += source.count
  }

  mutating func append(_ text: String) {
    var text = text
    text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
  }

  @inline(__always)
  mutating func append(byte: UInt8) {
    reserve(1).pointee = byte
    count += 1
  }

  /// What was written, as text.
  var text: String {
    String(decoding: bytes, as: UTF8.self)
  }
}
