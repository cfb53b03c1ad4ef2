/// Open-addressing table of objects, keyed by the low 32 bits of their key's XXH3-64.
///
///     slot, 16 bytes:  | hash u32 | mark u32 | reference to the value |
///
/// The number of slots is a power of two; the bucket of a key is the low bits of its hash, the next
/// free slot is taken (linear probing), and at most 7/8 of the slots are in use, so that every
/// probe ends. Removal shifts the following run back, so there are no gravestones to skip. The
/// caller compares keys: the table knows hashes only.
///
/// `mark` belongs to the caller (the index keeps the generation of the last list that held it).
struct ProbeTable<Value: AnyObject>: ~Copyable {
  struct Slot {
    var hash: UInt32
    var mark: UInt32
    /// nil: free.
    var value: Value?
  }

  /// The place of an entry until the next insertion or removal.
  struct Bucket: Equatable {
    var offset: Int
  }

  /// Number of entries.
  var count = 0
  /// Number of slots: a power of two.
  var slotCount: Int
  var slots: UnsafeMutablePointer<Slot>

  /// Room for `minimumCapacity` entries without growing.
  init(minimumCapacity: Int = 0) {
    slotCount = ProbeTable.slotCount(forEntries: minimumCapacity)
    slots = ProbeTable.allocate(slotCount)
  }

  deinit {
    slots.deinitialize(count: slotCount)
    slots.deallocate()
  }

  /// Entries that fit before the table grows.
  var capacity: Int { ProbeTable.capacity(ofSlots: slotCount) }

  static func capacity(ofSlots slotCount: Int) -> Int { slotCount / 8 * 7 }

  /// The smallest power of two whose capacity is at least `count`; never below 8.
  static func slotCount(forEntries count: Int) -> Int {
    precondition(count >= 0 && count <= KubeIndexLimits.maximumTableEntries, "table too large")
    var slotCount = 8
    while capacity(ofSlots: slotCount) < count { slotCount *= 2 }
    return slotCount
  }

  static func allocate(_ slotCount: Int) -> UnsafeMutablePointer<Slot> {
    let slots = UnsafeMutablePointer<Slot>.allocate(capacity: slotCount)
    slots.initialize(repeating: Slot(hash: 0, mark: 0, value: nil), count: slotCount)
    return slots
  }

  var mask: Int { slotCount - 1 }

  /// Calls `body` for every entry, in no order. The table must not change meanwhile.
  func forEach(_ body: (Bucket, Value, UInt32) -> Void) {
    for offset in 0..<slotCount {
      if let value = slots[offset].value {
        body(Bucket(offset: offset), value, slots[offset].mark)
      }
    }
  }
}
