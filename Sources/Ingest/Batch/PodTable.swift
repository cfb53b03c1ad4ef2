import CShims
import Columnar
import Glibc

/// The distinct pods of a batch: (pod_id, namespace, name, pod_start_time) to ordinals 0, 1, 2 …
///
/// Open addressing with linear probing. A slot holds the 16-byte key, so that a probe of a known pod
/// touches one cache line of the table and the pod's own record:
///
///     slot    | key low 8 | key high 8 | start micros 8 | record offset 4 | ordinal + 1 4 |
///     record  | start micros 8 | id 4 | namespace 4 | name 4 | is UUID 4 | namespace name id |
///
/// Records lie in the batch's text arena. Load is at most one half. Ordinals are only ever taken back
/// newest first (`truncate`), by backward shift, so there are no tombstones.
struct PodTable: ~Copyable {
  struct Slot {
    var low: UInt64
    var high: UInt64
    var startMicros: Int64
    var recordOffset: UInt32
    var ordinalPlusOne: UInt32
  }

  struct RecordHeader {
    var startMicros: Int64
    var podIDCount: UInt32
    var namespaceCount: UInt32
    var nameCount: UInt32
    var isUUID: UInt32
  }

  static let recordHeaderByteCount = MemoryLayout<RecordHeader>.size
  /// No instant: pod_start_time is null or before 1900.
  static let noInstant = Int64.min
  private static let minimumSlotCount = 1 << 12

  private(set) var count = 0
  let capacity: Int
  /// Record offsets by ordinal.
  private let offsets: UnsafeMutablePointer<UInt32>
  private let offsetMemory: MappedMemory
  private var slotMemory: MappedMemory
  private var slots: UnsafeMutablePointer<Slot>
  private(set) var slotCount: Int
  private let seed: UInt64
  /// Keys and hashes of the pods being probed together.
  private let keys: UnsafeMutablePointer<PodKey>
  private let hashes: UnsafeMutablePointer<UInt64>

  /// `capacity` distinct pods fit. `seed` decides where keys go; it should be hard to guess.
  init(capacity: Int, seed: UInt64) {
    self.capacity = capacity
    self.seed = seed
    offsetMemory = MappedMemory(byteCount: capacity * MemoryLayout<UInt32>.stride)
    offsets = offsetMemory.base.bindMemory(to: UInt32.self, capacity: capacity)
    slotCount = Self.minimumSlotCount
    slotMemory = Self.slotMemory(slotCount)
    slots = slotMemory.base.bindMemory(to: Slot.self, capacity: slotCount)
    keys = .allocate(capacity: IngestLimits.probeGroupSize)
    hashes = .allocate(capacity: IngestLimits.probeGroupSize)
  }

  deinit {
    keys.deallocate()
    hashes.deallocate()
  }

  /// Fresh memory reads as zero: every slot is empty.
  private static func slotMemory(_ slotCount: Int) -> MappedMemory {
    MappedMemory(byteCount: slotCount * MemoryLayout<Slot>.stride)
  }

  // MARK: Probing

  /// Writes the ordinal of each of `pods`, new ones included, to `ordinals`. The caller made sure
  /// that `arena` and the table have room even if all are new.
  mutating func probe(
    _ pods: UnsafeBufferPointer<cshims_report_pod>, ordinals: UnsafeMutablePointer<UInt32>,
    arena: inout TextArena
  ) {
    precondition(pods.count <= capacity - count)
    reserve(count + pods.count)
    var start = 0
    while start < pods.count {
      let end = min(start + IngestLimits.probeGroupSize, pods.count)
      let group = UnsafeBufferPointer(rebasing: pods[start..<end])
      prefetch(group, arena: arena)
      for index in group.indices {
        ordinals[start + index] = ordinal(
          of: group[index], key: keys[index], hash: hashes[index], arena: &arena)
      }
      start = end
    }
  }

  /// Computes keys and hashes, and asks for the slots and then the records they lead to.
  private func prefetch(
    _ group: UnsafeBufferPointer<cshims_report_pod>, arena: borrowing TextArena
  ) {
    let (keys, hashes, slots, mask) = (keys, hashes, slots, slotCount - 1)
    for index in group.indices {
      let pod = group[index]
      let key = PodKey(
        UnsafeRawBufferPointer(start: pod.pod_id, count: Int(pod.pod_id_count)), seed: seed)
      let hash = key.hash(seed: seed)
      keys[index] = key
      hashes[index] = hash
      cshims_prefetch(slots + Int(truncatingIfNeeded: hash) & mask)
    }
    for index in group.indices {
      let slot = slots + Int(truncatingIfNeeded: hashes[index]) & mask
      let record = arena.base + Int(slot.pointee.recordOffset)
      cshims_prefetch(record)
      cshims_prefetch(record + 64)
    }
  }

  private mutating func ordinal(
    of pod: cshims_report_pod, key: PodKey, hash: UInt64, arena: inout TextArena
  ) -> UInt32 {
    let mask = slotCount - 1
    var bucket = Int(truncatingIfNeeded: hash) & mask
    while true {
      let slot = slots + bucket
      if slot.pointee.ordinalPlusOne == 0 { break }
      if slot.pointee.low == key.low, slot.pointee.high == key.high,
        slot.pointee.startMicros == pod.start_micros,
        Self.isSame(pod, key, arena.base + Int(slot.pointee.recordOffset))
      {
        return slot.pointee.ordinalPlusOne - 1
      }
      bucket = (bucket + 1) & mask
    }
    let offset = Self.appendRecord(pod, key, arena: &arena)
    let ordinal = UInt32(count)
    offsets[count] = offset
    count += 1
    slots[bucket] = Slot(
      low: key.low, high: key.high, startMicros: pod.start_micros, recordOffset: offset,
      ordinalPlusOne: ordinal + 1)
    return ordinal
  }

  /// Compares everything that the slot did not: texts byte by byte.
  private static func isSame(
    _ pod: cshims_report_pod, _ key: PodKey, _ record: UnsafeMutableRawPointer
  ) -> Bool {
    let header = record.assumingMemoryBound(to: RecordHeader.self).pointee
    guard header.namespaceCount == pod.namespace_count, header.nameCount == pod.name_count,
      (header.isUUID != 0) == key.isUUID
    else { return false }
    var text = record + recordHeaderByteCount
    guard memcmp(text, pod.pod_namespace, Int(header.namespaceCount)) == 0 else { return false }
    text += Int(header.namespaceCount)
    guard memcmp(text, pod.name, Int(header.nameCount)) == 0 else { return false }
    if key.isUUID { return true }
    text += Int(header.nameCount)
    return header.podIDCount == pod.pod_id_count
      && memcmp(text, pod.pod_id, Int(header.podIDCount)) == 0
  }

  private static func appendRecord(
    _ pod: cshims_report_pod, _ key: PodKey, arena: inout TextArena
  ) -> UInt32 {
    let (idCount, namespaceCount, nameCount) = (
      Int(pod.pod_id_count), Int(pod.namespace_count), Int(pod.name_count)
    )
    let offset = arena.allocate(recordHeaderByteCount + idCount + namespaceCount + nameCount)
    let record = arena.base + Int(offset)
    record.storeBytes(
      of: RecordHeader(
        startMicros: pod.start_micros, podIDCount: pod.pod_id_count,
        namespaceCount: pod.namespace_count, nameCount: pod.name_count,
        isUUID: key.isUUID ? 1 : 0),
      as: RecordHeader.self)
    var text = record + recordHeaderByteCount
    if let bytes = pod.pod_namespace { text.copyMemory(from: bytes, byteCount: namespaceCount) }
    text += namespaceCount
    if let bytes = pod.name { text.copyMemory(from: bytes, byteCount: nameCount) }
    text += nameCount
    if let bytes = pod.pod_id { text.copyMemory(from: bytes, byteCount: idCount) }
    return offset
  }

  // MARK: Size

  /// Grows until `podCount` pods fill at most half of the slots.
  private mutating func reserve(_ podCount: Int) {
    guard podCount * 2 > slotCount else { return }
    var newCount = slotCount
    while podCount * 2 > newCount { newCount *= 2 }
    let memory = Self.slotMemory(newCount)
    let fresh = memory.base.bindMemory(to: Slot.self, capacity: newCount)
    let mask = newCount - 1
    for bucket in 0..<slotCount where slots[bucket].ordinalPlusOne != 0 {
      var target = home(slots[bucket], mask: mask)
      while fresh[target].ordinalPlusOne != 0 { target = (target + 1) & mask }
      fresh[target] = slots[bucket]
    }
    slotMemory = memory
    slots = fresh
    slotCount = newCount
  }

  /// The bucket where the search for a slot's key begins.
  private func home(_ slot: Slot, mask: Int) -> Int {
    let key = PodKey(low: slot.low, high: slot.high, isUUID: false)
    return Int(truncatingIfNeeded: key.hash(seed: seed)) & mask
  }

  // MARK: Taking back

  /// Forgets the newest pods, until `newCount` are left. Their records must still be in the arena.
  mutating func truncate(to newCount: Int, arena: borrowing TextArena) {
    precondition(newCount >= 0 && newCount <= count)
    while count > newCount {
      count -= 1
      remove(UInt32(count), record: arena.base + Int(offsets[count]))
    }
  }

  private func remove(_ ordinal: UInt32, record: UnsafeMutableRawPointer) {
    let mask = slotCount - 1
    let header = record.load(as: RecordHeader.self)
    let idStart = Self.recordHeaderByteCount + Int(header.namespaceCount) + Int(header.nameCount)
    let key = PodKey(
      UnsafeRawBufferPointer(start: record + idStart, count: Int(header.podIDCount)), seed: seed)
    var hole = Int(truncatingIfNeeded: key.hash(seed: seed)) & mask
    while slots[hole].ordinalPlusOne != ordinal + 1 {
      precondition(slots[hole].ordinalPlusOne != 0)
      hole = (hole + 1) & mask
    }
    // Backward shift: whatever the hole would cut off from its home moves into it.
    var bucket = hole
    while true {
      bucket = (bucket + 1) & mask
      if slots[bucket].ordinalPlusOne == 0 { break }
      let distance = (bucket - home(slots[bucket], mask: mask)) & mask
      if distance >= (bucket - hole) & mask {
        slots[hole] = slots[bucket]
        hole = bucket
      }
    }
    slots[hole].ordinalPlusOne = 0
  }

  /// Forgets all pods. A table much larger than they needed becomes small again.
  mutating func reset() {
    if slotCount > Self.minimumSlotCount, count * 16 < slotCount {
      slotCount = Self.minimumSlotCount
      while count * 4 > slotCount { slotCount *= 2 }
      slotMemory = Self.slotMemory(slotCount)
      slots = slotMemory.base.bindMemory(to: Slot.self, capacity: slotCount)
    } else {
      memset(slots, 0, slotCount * MemoryLayout<Slot>.stride)
    }
    count = 0
  }

  /// Gives the memory back; the table must be empty.
  mutating func releaseMemory() {
    precondition(count == 0)
    offsetMemory.release()
    slotCount = Self.minimumSlotCount
    slotMemory = Self.slotMemory(slotCount)
    slots = slotMemory.base.bindMemory(to: Slot.self, capacity: slotCount)
  }

  // MARK: Records

  func header(_ ordinal: Int, arena: borrowing TextArena) -> RecordHeader {
    precondition(ordinal >= 0 && ordinal < count)
    return (arena.base + Int(offsets[ordinal])).load(as: RecordHeader.self)
  }

  /// Which of a record's texts.
  enum Field { case podID, namespace, name }

  func text(_ field: Field, _ ordinal: Int, arena: borrowing TextArena) -> UnsafeRawBufferPointer {
    let header = header(ordinal, arena: arena)
    let text = UnsafeRawPointer(arena.base + Int(offsets[ordinal]) + Self.recordHeaderByteCount)
    let (namespaceCount, nameCount) = (Int(header.namespaceCount), Int(header.nameCount))
    return switch field {
    case .namespace: UnsafeRawBufferPointer(start: text, count: namespaceCount)
    case .name: UnsafeRawBufferPointer(start: text + namespaceCount, count: nameCount)
    case .podID:
      UnsafeRawBufferPointer(
        start: text + namespaceCount + nameCount, count: Int(header.podIDCount))
    }
  }

  // MARK: Invariants

  /// For tests: traps unless every ordinal is found from its home, exactly once, and nothing else is.
  func checkInvariants(arena: borrowing TextArena) {
    precondition(slotCount & (slotCount - 1) == 0 && count * 2 <= slotCount)
    let mask = slotCount - 1
    var seen = [Bool](repeating: false, count: count)
    for bucket in 0..<slotCount where slots[bucket].ordinalPlusOne != 0 {
      let slot = slots[bucket]
      let ordinal = Int(slot.ordinalPlusOne) - 1
      precondition(ordinal < count && !seen[ordinal])
      seen[ordinal] = true
      precondition(slot.recordOffset == offsets[ordinal])
      let header = header(ordinal, arena: arena)
      precondition(header.startMicros == slot.startMicros)
      let key = PodKey(text(.podID, ordinal, arena: arena), seed: seed)
      precondition(key.low == slot.low && key.high == slot.high)
      precondition(key.isUUID == (header.isUUID != 0))
      var step = home(slot, mask: mask)
      while step != bucket {
        precondition(slots[step].ordinalPlusOne != 0)
        step = (step + 1) & mask
      }
    }
    precondition(seen.allSatisfy { $0 })
  }
}

extension PodKey {
  init(low: UInt64, high: UInt64, isUUID: Bool) {
    self.low = low
    self.high = high
    self.isUUID = isUUID
  }
}
