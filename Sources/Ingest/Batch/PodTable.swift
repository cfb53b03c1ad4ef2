import CShims
import Columnar
import Glibc

/// The distinct pods of a batch: (pod_id, namespace, name, pod_start_time) to ordinals 0, 1, 2 …
///
/// Open addressing with linear probing over 8-byte slots, eight a cache line. Everything that
/// decides lies in the pod's record, in the batch's text arena; a known pod costs one line of the
/// table and the one or two of its record:
///
///     slot    | hash 4 | record offset 4, 0: empty |
///     record  | key 16 | start micros 8 | id 4 | namespace 4 | name 4 | ordinal 4 | texts |
///
/// The search for a pod begins where its pod_id says. Only the oldest pod of a pod_id lies there;
/// others of the same pod_id, which a report may make up without end, each lie where their whole
/// identity says, so that no search is long. Load is at most one half. Ordinals are only ever taken
/// back newest first (`truncate`), by backward shift, so there are no tombstones.
struct PodTable: ~Copyable {
  struct Slot {
    /// Its low bits are the bucket where the search begins, the others tell slots apart.
    var hash: UInt32
    var recordOffset: UInt32
  }

  struct RecordHeader {
    var low: UInt64
    var high: UInt64
    var startMicros: Int64
    var podIDCount: UInt32
    var namespaceCount: UInt32
    var nameCount: UInt32
    /// The highest bit is set when the key is a packed UUID, the next when the pod is not the
    /// oldest of its pod_id, the third when it is and others came.
    var ordinalAndKind: UInt32

    static let uuidBit: UInt32 = 1 << 31
    static let laterBit: UInt32 = 1 << 30
    static let followedBit: UInt32 = 1 << 29
    var ordinal: UInt32 { ordinalAndKind & (Self.followedBit - 1) }
    var isUUID: Bool { ordinalAndKind & Self.uuidBit != 0 }
    var isLater: Bool { ordinalAndKind & Self.laterBit != 0 }
    /// No other pod of the batch has its pod_id. One that had it and was taken back counts.
    var isOnlyOfID: Bool { ordinalAndKind & (Self.laterBit | Self.followedBit) == 0 }
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
  /// Keys of the pods being probed together.
  private let keys: UnsafeMutablePointer<PodKey>
  /// The record that a pod's hash leads to; 0 when it leads to none.
  private let candidates: UnsafeMutablePointer<UInt32>

  /// `capacity` distinct pods fit. `seed` decides where keys go; it should be hard to guess.
  init(capacity: Int, seed: UInt64) {
    precondition(capacity < Int(RecordHeader.followedBit))
    self.capacity = capacity
    self.seed = seed
    offsetMemory = MappedMemory(byteCount: capacity * MemoryLayout<UInt32>.stride)
    offsets = offsetMemory.base.bindMemory(to: UInt32.self, capacity: capacity)
    slotCount = Self.minimumSlotCount
    slotMemory = Self.slotMemory(slotCount)
    slots = slotMemory.base.bindMemory(to: Slot.self, capacity: slotCount)
    keys = .allocate(capacity: IngestLimits.probeGroupSize)
    candidates = .allocate(capacity: IngestLimits.probeGroupSize)
  }

  deinit {
    keys.deallocate()
    candidates.deallocate()
  }

  /// Fresh memory reads as zero: every slot is empty.
  private static func slotMemory(_ slotCount: Int) -> MappedMemory {
    MappedMemory(byteCount: slotCount * MemoryLayout<Slot>.stride)
  }

  // MARK: Probing

  /// Writes the ordinal of each of `pods`, new ones included, to `ordinals`. The caller made sure
  /// that `arena` and the table have room even if all are new.
  ///
  /// A collector mostly lists the pods of its node in the same order each time, and then their
  /// ordinals follow each other: what a pod is compared with first is the one behind the pod
  /// before, and the first with `guess`, which may be any number. Only when that is another, the
  /// table is asked, for a group at once.
  mutating func probe(
    _ pods: UnsafeBufferPointer<cshims_report_pod>, ordinals: UnsafeMutablePointer<UInt32>,
    guess: UInt32, arena: inout TextArena
  ) {
    precondition(pods.count <= capacity - count)
    reserve(count + pods.count)
    var start = follow(pods, from: 0, ordinals: ordinals, guess: Int(guess), arena: arena)
    while start < pods.count {
      let end = min(start + IngestLimits.probeGroupSize, pods.count)
      let group = UnsafeBufferPointer(rebasing: pods[start..<end])
      prefetch(group, arena: arena)
      for index in group.indices {
        let candidate = candidates[index]
        let record = arena.base + Int(candidate)
        if candidate != 0, Self.isSame(group[index], keys[index], record) {
          ordinals[start + index] =
            record.assumingMemoryBound(to: RecordHeader.self).pointee.ordinal
        } else {
          ordinals[start + index] = ordinal(of: group[index], key: keys[index], arena: &arena)
        }
      }
      start = follow(
        pods, from: end, ordinals: ordinals, guess: Int(ordinals[end - 1]) + 1, arena: arena)
    }
  }

  /// Takes pods from `start` on for as long as they are `guess` and those behind it. Gives the
  /// place of the first that is another.
  private func follow(
    _ pods: UnsafeBufferPointer<cshims_report_pod>, from start: Int,
    ordinals: UnsafeMutablePointer<UInt32>, guess: Int, arena: borrowing TextArena
  ) -> Int {
    let (offsets, base) = (offsets, arena.base)
    let limit = min(pods.count - start, count - guess)
    guard limit > 0 else { return start }
    func prefetch(_ step: Int) {
      let record = base + Int(offsets[guess + step])
      cshims_prefetch(record)
      cshims_prefetch(record + 64)
    }
    for step in 0..<min(limit, IngestLimits.podPrefetchDistance) { prefetch(step) }
    for step in 0..<limit {
      let ahead = step + IngestLimits.podPrefetchDistance
      if ahead < limit { prefetch(ahead) }
      guard Self.isSame(pods[start + step], base + Int(offsets[guess + step])) else {
        return start + step
      }
      ordinals[start + step] = UInt32(truncatingIfNeeded: guess + step)
    }
    return start + limit
  }

  /// Computes keys and asks for their slots; then finds candidates by hash and asks for their
  /// records.
  private func prefetch(
    _ group: UnsafeBufferPointer<cshims_report_pod>, arena: borrowing TextArena
  ) {
    let (keys, candidates, slots, seed) = (keys, candidates, slots, seed)
    let (mask, base) = (slotCount - 1, arena.base)
    for index in group.indices {
      let key = PodKey(
        UnsafeRawBufferPointer(
          start: group[index].pod_id, count: Int(group[index].pod_id_count)), seed: seed)
      keys[index] = key
      candidates[index] = key.hash
      cshims_prefetch(slots + Int(key.hash) & mask)
    }
    for index in group.indices {
      let hash = candidates[index]
      var bucket = Int(hash) & mask
      while slots[bucket].recordOffset != 0, slots[bucket].hash != hash {
        bucket = (bucket + 1) & mask
      }
      candidates[index] = slots[bucket].recordOffset
      let record = base + Int(slots[bucket].recordOffset)
      cshims_prefetch(record)
      cshims_prefetch(record + 64)
    }
  }

  /// The general path: an equal hash may be another pod's, and there may be none.
  @inline(never)
  private mutating func ordinal(
    of pod: cshims_report_pod, key: PodKey, arena: inout TextArena
  ) -> UInt32 {
    let mask = slotCount - 1
    var hash = key.hash
    var isLater = false
    var bucket = Int(hash) & mask
    while slots[bucket].recordOffset != 0 {
      if slots[bucket].hash == hash {
        let record = arena.base + Int(slots[bucket].recordOffset)
        let header = record.assumingMemoryBound(to: RecordHeader.self)
        if Self.isSame(pod, key, record) { return header.pointee.ordinal }
        if !isLater && !header.pointee.isLater && Self.hasKey(header, key) {
          isLater = true
          header.pointee.ordinalAndKind |= RecordHeader.followedBit
          hash = identityHash(of: pod, key)
          bucket = Int(hash) & mask
          continue
        }
      }
      bucket = (bucket + 1) & mask
    }
    let ordinal = UInt32(count)
    let offset = Self.appendRecord(pod, key, ordinal: ordinal, isLater: isLater, arena: &arena)
    offsets[count] = offset
    count += 1
    slots[bucket] = Slot(hash: hash, recordOffset: offset)
    return ordinal
  }

  @inline(__always)
  private static func hasKey(_ header: UnsafePointer<RecordHeader>, _ key: PodKey) -> Bool {
    header.pointee.low == key.low && header.pointee.high == key.high
      && header.pointee.isUUID == key.isUUID
  }

  /// Where a pod lies that is not the oldest of its pod_id.
  private func identityHash(of pod: cshims_report_pod, _ key: PodKey) -> UInt32 {
    key.identityHash(
      namespace: UnsafeRawBufferPointer(
        start: pod.pod_namespace, count: Int(pod.namespace_count)),
      name: UnsafeRawBufferPointer(start: pod.name, count: Int(pod.name_count)),
      startMicros: pod.start_micros, seed: seed)
  }

  /// Where the pod of a record lies.
  private func hash(_ ordinal: Int, arena: borrowing TextArena) -> UInt32 {
    let header = header(ordinal, arena: arena)
    let key = PodKey(low: header.low, high: header.high, seed: seed)
    guard header.isLater else { return key.hash }
    return key.identityHash(
      namespace: text(.namespace, ordinal, arena: arena),
      name: text(.name, ordinal, arena: arena), startMicros: header.startMicros, seed: seed)
  }

  /// Compares everything: texts byte by byte, but for a UUID, whose key is its text.
  @inline(__always)
  private static func isSame(
    _ pod: cshims_report_pod, _ key: PodKey, _ record: UnsafeMutableRawPointer
  ) -> Bool {
    let header = record.assumingMemoryBound(to: RecordHeader.self)
    guard hasKey(header, key),
      header.pointee.startMicros == pod.start_micros,
      header.pointee.namespaceCount == pod.namespace_count,
      header.pointee.nameCount == pod.name_count
    else { return false }
    let namespace = record + recordHeaderByteCount
    let name = namespace + Int(pod.namespace_count)
    guard cshims_is_equal(namespace, pod.pod_namespace, Int(pod.namespace_count)),
      cshims_is_equal(name, pod.name, Int(pod.name_count))
    else { return false }
    if key.isUUID { return true }
    let podID = name + Int(pod.name_count)
    return header.pointee.podIDCount == pod.pod_id_count
      && cshims_is_equal(podID, pod.pod_id, Int(pod.pod_id_count))
  }

  /// The same without a key.
  @inline(__always)
  private static func isSame(_ pod: cshims_report_pod, _ record: UnsafeMutableRawPointer) -> Bool {
    let header = record.assumingMemoryBound(to: RecordHeader.self)
    guard header.pointee.startMicros == pod.start_micros,
      header.pointee.podIDCount == pod.pod_id_count,
      header.pointee.namespaceCount == pod.namespace_count,
      header.pointee.nameCount == pod.name_count
    else { return false }
    let namespace = record + recordHeaderByteCount
    let name = namespace + Int(pod.namespace_count)
    let podID = name + Int(pod.name_count)
    return cshims_is_equal(podID, pod.pod_id, Int(pod.pod_id_count))
      && cshims_is_equal(namespace, pod.pod_namespace, Int(pod.namespace_count))
      && cshims_is_equal(name, pod.name, Int(pod.name_count))
  }

  private static func appendRecord(
    _ pod: cshims_report_pod, _ key: PodKey, ordinal: UInt32, isLater: Bool,
    arena: inout TextArena
  ) -> UInt32 {
    let (idCount, namespaceCount, nameCount) = (
      Int(pod.pod_id_count), Int(pod.namespace_count), Int(pod.name_count)
    )
    let offset = arena.allocate(recordHeaderByteCount + idCount + namespaceCount + nameCount)
    let record = arena.base + Int(offset)
    record.storeBytes(
      of: RecordHeader(
        low: key.low, high: key.high, startMicros: pod.start_micros,
        podIDCount: pod.pod_id_count, namespaceCount: pod.namespace_count,
        nameCount: pod.name_count,
        ordinalAndKind: ordinal | (key.isUUID ? RecordHeader.uuidBit : 0)
          | (isLater ? RecordHeader.laterBit : 0)),
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
    for bucket in 0..<slotCount where slots[bucket].recordOffset != 0 {
      var target = Int(slots[bucket].hash) & mask
      while fresh[target].recordOffset != 0 { target = (target + 1) & mask }
      fresh[target] = slots[bucket]
    }
    slotMemory = memory
    slots = fresh
    slotCount = newCount
  }

  // MARK: Taking back

  /// Forgets the newest pods, until `newCount` are left. Their records must still be in the arena.
  mutating func truncate(to newCount: Int, arena: borrowing TextArena) {
    precondition(newCount >= 0 && newCount <= count)
    while count > newCount {
      remove(offsets[count - 1], hash: hash(count - 1, arena: arena))
      count -= 1
    }
  }

  private func remove(_ offset: UInt32, hash: UInt32) {
    let mask = slotCount - 1
    var hole = Int(hash) & mask
    while slots[hole].recordOffset != offset {
      precondition(slots[hole].recordOffset != 0)
      hole = (hole + 1) & mask
    }
    // Backward shift: whatever the hole would cut off from its home moves into it.
    var bucket = hole
    while true {
      bucket = (bucket + 1) & mask
      if slots[bucket].recordOffset == 0 { break }
      let distance = (bucket - Int(slots[bucket].hash) & mask) & mask
      if distance >= (bucket - hole) & mask {
        slots[hole] = slots[bucket]
        hole = bucket
      }
    }
    slots[hole].recordOffset = 0
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

  /// Asks for the pod's record.
  @inline(__always)
  func prefetch(_ ordinal: Int, arena: borrowing TextArena) {
    let record = arena.base + Int(offsets[ordinal])
    cshims_prefetch(record)
    cshims_prefetch(record + 64)
  }

  /// All of a record at once.
  func reported(_ ordinal: Int, arena: borrowing TextArena) -> ReportedPod {
    let header = header(ordinal, arena: arena)
    let text = UnsafeRawPointer(arena.base + Int(offsets[ordinal]) + Self.recordHeaderByteCount)
    let (namespaceCount, nameCount) = (Int(header.namespaceCount), Int(header.nameCount))
    return ReportedPod(
      ordinal: ordinal,
      id: UnsafeRawBufferPointer(
        start: text + namespaceCount + nameCount, count: Int(header.podIDCount)),
      namespace: UnsafeRawBufferPointer(start: text, count: namespaceCount),
      name: UnsafeRawBufferPointer(start: text + namespaceCount, count: nameCount),
      startMicros: header.startMicros == Self.noInstant ? nil : header.startMicros,
      isOnlyOfID: header.isOnlyOfID)
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

  /// For tests: traps unless every ordinal is found from its home, exactly once, and nothing else
  /// is.
  func checkInvariants(arena: borrowing TextArena) {
    precondition(slotCount & (slotCount - 1) == 0 && count * 2 <= slotCount)
    let mask = slotCount - 1
    var seen = [Bool](repeating: false, count: count)
    for bucket in 0..<slotCount where slots[bucket].recordOffset != 0 {
      let slot = slots[bucket]
      let header = (arena.base + Int(slot.recordOffset)).load(as: RecordHeader.self)
      let ordinal = Int(header.ordinal)
      precondition(ordinal < count && !seen[ordinal] && offsets[ordinal] == slot.recordOffset)
      seen[ordinal] = true
      let key = PodKey(text(.podID, ordinal, arena: arena), seed: seed)
      precondition(key.low == header.low && key.high == header.high)
      precondition(key.isUUID == header.isUUID && slot.hash == hash(ordinal, arena: arena))
      var step = Int(slot.hash) & mask
      while step != bucket {
        precondition(slots[step].recordOffset != 0)
        step = (step + 1) & mask
      }
    }
    precondition(seen.allSatisfy { $0 })
  }
}
