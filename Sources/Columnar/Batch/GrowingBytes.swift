import Glibc

/// Bytes that grow at the end and keep their capacity over `reset`.
///
/// Encoders take a destination of this kind and reuse it for every page. Not thread-safe.
///
/// Exclusivity of its properties is not checked at run time: every access is a load or a store of
/// one word and none lasts over a call, so there is nothing that could overlap; the checks took a
/// fifth of the encoder's time.
package final class GrowingBytes {
  @exclusivity(unchecked) package private(set) var base: UnsafeMutableRawPointer
  @exclusivity(unchecked) package private(set) var capacity: Int
  /// Bytes present. Writers that used `reserve` and `base` move it themselves.
  @exclusivity(unchecked) package var count = 0

  package init(capacity: Int = 4096) {
    precondition(capacity > 0)
    base = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
    self.capacity = capacity
  }

  deinit { base.deallocate() }

  /// What was appended; valid until the next append.
  package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

  package func reset() { count = 0 }

  /// Makes room for `additional` bytes behind `count`.
  @inline(__always)
  package func reserve(_ additional: Int) {
    if additional > capacity - count { grow(to: count + additional) }
  }

  @inline(never)
  private func grow(to needed: Int) {
    let newCapacity = max(needed, capacity * 2)
    let newBase = UnsafeMutableRawPointer.allocate(byteCount: newCapacity, alignment: 16)
    newBase.copyMemory(from: base, byteCount: count)
    base.deallocate()
    base = newBase
    capacity = newCapacity
  }

  package func append(_ byte: UInt8) {
    reserve(1)
    base.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
    count += 1
  }

  package func append(_ bytes: UnsafeRawBufferPointer) {
    guard let source = bytes.baseAddress, !bytes.isEmpty else { return }
    reserve(bytes.count)
    (base + count).copyMemory(from: source, byteCount: bytes.count)
    count += bytes.count
  }

  package func append(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { append($0) }
  }

  /// Least significant byte first.
  package func appendLittleEndian<T: FixedWidthInteger>(_ value: T) {
    reserve(MemoryLayout<T>.size)
    base.storeBytes(of: value.littleEndian, toByteOffset: count, as: T.self)
    count += MemoryLayout<T>.size
  }

  /// Unsigned LEB128.
  package func appendVarint(_ value: UInt64) {
    reserve(10)
    var rest = value
    while rest >= 0x80 {
      base.storeBytes(
        of: UInt8(truncatingIfNeeded: rest) | 0x80, toByteOffset: count, as: UInt8.self)
      count += 1
      rest >>= 7
    }
    base.storeBytes(of: UInt8(truncatingIfNeeded: rest), toByteOffset: count, as: UInt8.self)
    count += 1
  }
}
