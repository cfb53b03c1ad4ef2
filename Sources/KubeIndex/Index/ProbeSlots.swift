import Glibc
import Synchronization

/// What all tables of the process have mapped, beside malloc, whose figures leave it out.
package enum MappedSlots {
  private static let total = Atomic<Int>(0)

  package static var byteCount: Int { total.load(ordering: .relaxed) }

  static func add(_ byteCount: Int) { total.add(byteCount, ordering: .relaxed) }
}

/// The memory of a table's slots, all bits zero at first: a free slot. Large ones are mapped, so
/// that neither making nor releasing them touches every page at once.
struct ProbeSlots<Slot> {
  let start: UnsafeMutablePointer<Slot>
  let count: Int

  /// `count` is at least 1.
  init(count: Int) {
    self.count = count
    let byteCount = count * MemoryLayout<Slot>.stride
    let memory: UnsafeMutableRawPointer?
    if byteCount >= KubeIndexLimits.mappedSlotsByteCount {
      let mapped = mmap(
        nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
      memory = mapped == MAP_FAILED ? nil : mapped
      MappedSlots.add(byteCount)
    } else {
      memory = calloc(count, MemoryLayout<Slot>.stride)
    }
    guard let memory else {
      // As anywhere else: without memory there is no going on.
      preconditionFailure("out of memory")
    }
    start = memory.bindMemory(to: Slot.self, capacity: count)
  }

  /// The bucket of a hash: the hash as a fraction of 2^32, of the slots.
  @inline(__always)
  func home(_ hash: UInt32) -> Int {
    Int(truncatingIfNeeded: (UInt64(hash) &* UInt64(truncatingIfNeeded: count)) >> 32)
  }

  /// The slot behind one, the first behind the last.
  @inline(__always)
  func next(_ offset: Int) -> Int { offset + 1 == count ? 0 : offset + 1 }

  /// How far `offset` lies behind `start`, around the end.
  func distance(from start: Int, to offset: Int) -> Int {
    offset >= start ? offset - start : offset - start + count
  }

  /// Gives back the memory of a range that holds no value; it reads as zero afterwards. In bytes
  /// both ends are multiples of any page's size.
  func giveBack(_ range: Range<Int>) {
    let stride = MemoryLayout<Slot>.stride
    guard count * stride >= KubeIndexLimits.mappedSlotsByteCount else { return }
    madvise(start + range.lowerBound, range.count * stride, MADV_DONTNEED)
    MappedSlots.add(-range.count * stride)
  }

  /// Releases the values that are still there, and the memory. What is below `givenBack` holds
  /// none and has been given back.
  func release(givenBack: Int = 0) {
    (start + givenBack).deinitialize(count: count - givenBack)
    releaseEmpty(givenBack: givenBack)
  }

  /// Releases the memory alone: no slot holds a value.
  func releaseEmpty(givenBack: Int) {
    let stride = MemoryLayout<Slot>.stride
    if count * stride >= KubeIndexLimits.mappedSlotsByteCount {
      munmap(start, count * stride)
      MappedSlots.add((givenBack - count) * stride)
    } else {
      free(start)
    }
  }
}
