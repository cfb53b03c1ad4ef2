/// Open-addressing table of objects, keyed by the low 32 bits of their key's XXH3-64.
///
///     slot, 16 bytes:  | hash u32 | mark u32 | reference to the value |
///
/// A key's bucket is its hash scaled to the number of slots, the next free slot is taken (linear
/// probing), and at most 7/8 of the slots are in use, so that every probe ends. It grows by half,
/// so that at least 7/12 are once it has grown. Removal shifts the following run back, so there are
/// no gravestones to skip. The caller compares keys: the table knows hashes only.
///
/// It changes its size little by little: the slots of before stay beside the new ones, entries move
/// over with each insertion and removal, and until all have, a probe that misses looks there too.
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
    /// Among the slots of before.
    var isOld = false
  }

  /// Number of entries, in both places.
  var count = 0
  var current: ProbeSlots<Slot>
  /// The slots of before, until they are empty.
  var old: ProbeSlots<Slot>?
  /// Slots of `old` below this have been emptied.
  var oldCursor = 0

  /// Slots of `old` whose memory has been given back.
  var givenBack: Int {
    oldCursor / KubeIndexLimits.slotsGivenBackAtOnce * KubeIndexLimits.slotsGivenBackAtOnce
  }

  /// Room for `minimumCapacity` entries without growing.
  init(minimumCapacity: Int = 0) {
    current = ProbeSlots(count: ProbeTable.slotCount(forEntries: minimumCapacity))
  }

  deinit {
    current.release()
    old?.release(givenBack: givenBack)
  }

  /// Number of slots: a multiple of 8.
  var slotCount: Int { current.count }
  var slots: UnsafeMutablePointer<Slot> { current.start }

  /// Entries that fit before the table grows.
  var capacity: Int { ProbeTable.capacity(ofSlots: slotCount) }

  static func capacity(ofSlots slotCount: Int) -> Int { slotCount / 8 * 7 }

  /// A number of slots whose capacity is at least `count`, at most half as large again; never
  /// below 8.
  static func slotCount(forEntries count: Int) -> Int {
    precondition(count >= 0 && count <= KubeIndexLimits.maximumTableEntries, "table too large")
    var slotCount = 8
    while capacity(ofSlots: slotCount) < count { slotCount = larger(slotCount) }
    return slotCount
  }

  /// The next size: half as many slots more, a multiple of 8.
  static func larger(_ slotCount: Int) -> Int { (slotCount * 3 / 2 + 7) / 8 * 8 }

  /// Calls `body` for every entry, in no order. The table must not change meanwhile.
  func forEach(_ body: (Bucket, Value, UInt32) -> Void) {
    for offset in 0..<slotCount {
      if let value = slots[offset].value {
        body(Bucket(offset: offset), value, slots[offset].mark)
      }
    }
    guard let old else { return }
    for offset in oldCursor..<old.count {
      if let value = old.start[offset].value {
        body(Bucket(offset: offset, isOld: true), value, old.start[offset].mark)
      }
    }
  }

  /// Gives every entry whose mark `isDue` the mark `mark`, and hands its value on.
  mutating func replaceMarks(
    with mark: UInt32, where isDue: (UInt32) -> Bool, _ body: (Value) -> Void
  ) {
    replaceMarks(in: slots, 0..<slotCount, mark, isDue, body)
    if let old { replaceMarks(in: old.start, oldCursor..<old.count, mark, isDue, body) }
  }

  private func replaceMarks(
    in slots: UnsafeMutablePointer<Slot>, _ range: Range<Int>, _ mark: UInt32,
    _ isDue: (UInt32) -> Bool, _ body: (Value) -> Void
  ) {
    for offset in range {
      // The mark first: it is in the slot, while a value is a line of memory of its own.
      guard isDue(slots[offset].mark), let value = slots[offset].value else { continue }
      slots[offset].mark = mark
      body(value)
    }
  }
}
