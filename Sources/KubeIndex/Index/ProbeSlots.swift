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

  /// Releases the values that are still there, and the memory.
  func release() {
    start.deinitialize(count: count)
    releaseEmpty()
  }

  /// Releases the memory alone: no slot holds a value.
  func releaseEmpty() {
    let byteCount = count * MemoryLayout<Slot>.stride
    if byteCount >= KubeIndexLimits.mappedSlotsByteCount {
      munmap(start, byteCount)
      MappedSlots.add(-byteCount)
    } else {
      free(start)
    }
  }
}
