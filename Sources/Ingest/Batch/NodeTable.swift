import Columnar
import Glibc

/// The distinct nodes of a batch: node_name to ordinals 0, 1, 2 …
///
/// Open addressing with linear probing over 16-byte slots, load at most one half; names lie in the
/// batch's text arena.
struct NodeTable: ~Copyable {
  private struct Slot {
    var hash: UInt64
    var ordinalPlusOne: UInt32
  }

  private struct Name {
    var offset: UInt32
    var count: UInt32
    var hash: UInt64
    var firstPod: UInt32
  }

  private static let minimumSlotCount = 1 << 10

  private(set) var count = 0
  let capacity: Int
  private let names: UnsafeMutablePointer<Name>
  private let nameMemory: MappedMemory
  private var slotMemory: MappedMemory
  private var slots: UnsafeMutablePointer<Slot>
  private var slotCount: Int

  init(capacity: Int) {
    self.capacity = capacity
    nameMemory = MappedMemory(byteCount: capacity * MemoryLayout<Name>.stride)
    names = nameMemory.base.bindMemory(to: Name.self, capacity: capacity)
    slotCount = Self.minimumSlotCount
    slotMemory = MappedMemory(byteCount: slotCount * MemoryLayout<Slot>.stride)
    slots = slotMemory.base.bindMemory(to: Slot.self, capacity: slotCount)
  }

  /// The node's ordinal, a new one if the batch does not know it. `hash` is the same for the same
  /// name; the name decides.
  mutating func ordinal(
    of name: UnsafeRawBufferPointer, hash: UInt64, arena: inout TextArena
  ) -> UInt32 {
    reserve(count + 1)
    let mask = slotCount - 1
    var bucket = Int(truncatingIfNeeded: hash) & mask
    while slots[bucket].ordinalPlusOne != 0 {
      if slots[bucket].hash == hash {
        let known = names[Int(slots[bucket].ordinalPlusOne) - 1]
        let bytes = arena.bytes(at: known.offset, count: known.count)
        if bytes.count == name.count, let left = bytes.baseAddress, let right = name.baseAddress,
          memcmp(left, right, name.count) == 0
        {
          return slots[bucket].ordinalPlusOne - 1
        }
      }
      bucket = (bucket + 1) & mask
    }
    precondition(count < capacity)
    let ordinal = UInt32(count)
    names[count] = Name(
      offset: arena.append(name), count: UInt32(name.count), hash: hash, firstPod: .max)
    count += 1
    slots[bucket] = Slot(hash: hash, ordinalPlusOne: ordinal + 1)
    return ordinal
  }

  func name(_ ordinal: Int, arena: borrowing TextArena) -> UnsafeRawBufferPointer {
    precondition(ordinal >= 0 && ordinal < count)
    return arena.bytes(at: names[ordinal].offset, count: names[ordinal].count)
  }

  /// The pod that the node's last report named first; it may have been forgotten since.
  func firstPod(_ ordinal: UInt32) -> UInt32 { names[Int(ordinal)].firstPod }

  func setFirstPod(_ ordinal: UInt32, _ pod: UInt32) { names[Int(ordinal)].firstPod = pod }

  private mutating func reserve(_ nodeCount: Int) {
    guard nodeCount * 2 > slotCount else { return }
    let newCount = slotCount * 2
    let memory = MappedMemory(byteCount: newCount * MemoryLayout<Slot>.stride)
    let fresh = memory.base.bindMemory(to: Slot.self, capacity: newCount)
    for bucket in 0..<slotCount where slots[bucket].ordinalPlusOne != 0 {
      var target = Int(truncatingIfNeeded: slots[bucket].hash) & (newCount - 1)
      while fresh[target].ordinalPlusOne != 0 { target = (target + 1) & (newCount - 1) }
      fresh[target] = slots[bucket]
    }
    slotMemory = memory
    slots = fresh
    slotCount = newCount
  }

  /// Forgets the newest nodes, until `newCount` are left.
  mutating func truncate(to newCount: Int) {
    precondition(newCount >= 0 && newCount <= count)
    let mask = slotCount - 1
    while count > newCount {
      count -= 1
      var hole = Int(truncatingIfNeeded: names[count].hash) & mask
      while slots[hole].ordinalPlusOne != UInt32(count) + 1 {
        precondition(slots[hole].ordinalPlusOne != 0)
        hole = (hole + 1) & mask
      }
      var bucket = hole
      while true {
        bucket = (bucket + 1) & mask
        if slots[bucket].ordinalPlusOne == 0 { break }
        let home = Int(truncatingIfNeeded: slots[bucket].hash) & mask
        if (bucket - home) & mask >= (bucket - hole) & mask {
          slots[hole] = slots[bucket]
          hole = bucket
        }
      }
      slots[hole].ordinalPlusOne = 0
    }
  }

  mutating func reset() {
    memset(slots, 0, slotCount * MemoryLayout<Slot>.stride)
    count = 0
  }

  mutating func releaseMemory() {
    precondition(count == 0)
    nameMemory.release()
    slotCount = Self.minimumSlotCount
    slotMemory = MappedMemory(byteCount: slotCount * MemoryLayout<Slot>.stride)
    slots = slotMemory.base.bindMemory(to: Slot.self, capacity: slotCount)
  }

  /// For tests: traps unless every ordinal is found from its home, exactly once.
  func checkInvariants() {
    precondition(slotCount & (slotCount - 1) == 0 && count * 2 <= slotCount)
    var seen = [Bool](repeating: false, count: count)
    for bucket in 0..<slotCount where slots[bucket].ordinalPlusOne != 0 {
      let ordinal = Int(slots[bucket].ordinalPlusOne) - 1
      precondition(ordinal < count && !seen[ordinal])
      seen[ordinal] = true
      precondition(names[ordinal].hash == slots[bucket].hash)
      var step = Int(truncatingIfNeeded: slots[bucket].hash) & (slotCount - 1)
      while step != bucket {
        precondition(slots[step].ordinalPlusOne != 0)
        step = (step + 1) & (slotCount - 1)
      }
    }
    precondition(seen.allSatisfy { $0 })
  }
}
