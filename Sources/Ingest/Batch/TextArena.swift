import CShims
import Columnar

/// Append-only bytes at fixed addresses: text of one batch, named by 32-bit offsets.
///
/// Offset 0 is never handed out. `truncate` forgets the newest bytes, `reset` all of them.
struct TextArena: ~Copyable {
  let base: UnsafeMutableRawPointer
  let capacity: Int
  private let memory: MappedMemory
  /// Bytes in use, a multiple of 8.
  private(set) var count = Self.firstOffset

  static let firstOffset = 8

  init(capacity: Int) {
    precondition(capacity > Self.firstOffset && capacity <= Int(UInt32.max))
    let memory = MappedMemory(byteCount: capacity)
    self.memory = memory
    self.capacity = capacity
    base = memory.base
  }

  var availableByteCount: Int { capacity - count }

  /// Takes `byteCount` bytes, aligned to 8; the caller made sure of the room.
  mutating func allocate(_ byteCount: Int) -> UInt32 {
    let offset = count
    count += (byteCount + 7) & ~7
    precondition(count <= capacity)
    return UInt32(truncatingIfNeeded: offset)
  }

  mutating func append(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    let offset = allocate(bytes.count)
    if let start = bytes.baseAddress {
      (base + Int(offset)).copyMemory(from: start, byteCount: bytes.count)
    }
    return offset
  }

  func bytes(at offset: UInt32, count: UInt32) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: base + Int(offset), count: Int(count))
  }

  /// Asks for the memory at `offset`.
  @inline(__always)
  func prefetch(_ offset: UInt32) { cshims_prefetch(base + Int(offset)) }

  mutating func truncate(to mark: Int) {
    precondition(mark >= Self.firstOffset && mark <= count)
    count = mark
  }

  mutating func reset() { count = Self.firstOffset }

  mutating func releaseMemory() {
    precondition(count == Self.firstOffset)
    memory.release()
  }
}
