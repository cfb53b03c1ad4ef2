/// The newest changes, one per version, in a ring: what a watch resumes from.
///
/// A watch from version V is possible while `start <= V <= newest`.
struct History {
  private var entries: [UInt64]
  /// The oldest version that a watch can resume from.
  private(set) var start: Int
  /// The version of the newest change.
  private(set) var newest: Int

  /// `capacity` is at least 1; `version`: that of the objects which are there already.
  init(capacity: Int, version: Int) {
    entries = Array(repeating: 0, count: capacity)
    start = version
    newest = version
  }

  /// Counts one more version and returns it.
  mutating func append(_ change: Change) -> Int {
    newest += 1
    entries[newest % entries.count] =
      UInt64(change.slot) << 8 | UInt64(change.kind.rawValue) << 4 | UInt64(change.event.rawValue)
    if newest - start > entries.count { start = newest - entries.count }
    return newest
  }

  /// Forgets all changes up to `version`, because what they speak of is about to be reused.
  mutating func forget(through version: Int) {
    start = max(start, min(version, newest))
  }

  /// The change at a version above `start`, up to `newest`.
  func change(at version: Int) -> Change? {
    guard version > start, version <= newest else { return nil }
    let entry = entries[version % entries.count]
    guard let kind = ObjectKind(rawValue: Int(entry >> 4 & 15)),
      let event = Change.Event(rawValue: UInt8(entry & 15))
    else { return nil }
    return Change(kind: kind, event: event, slot: UInt32(truncatingIfNeeded: entry >> 8))
  }
}

/// Slots of a table of objects. The slot of a deleted object keeps it until no watch can ask for it
/// any more; the one that was deleted longest ago is reused first.
struct SlotTable<Element> {
  private(set) var elements: [Element] = []
  private var released: [(slot: UInt32, version: Int)] = []
  private var firstReleased = 0
  let capacity: Int

  init(capacity: Int) {
    self.capacity = capacity
    elements.reserveCapacity(capacity)
  }

  subscript(slot: UInt32) -> Element {
    get { elements[Int(slot)] }
    set { elements[Int(slot)] = newValue }
  }

  /// Puts an element into a free slot. While the table is full, that is the slot released longest
  /// ago, whose changes the history then forgets.
  mutating func insert(_ element: Element, history: inout History) -> UInt32 {
    if elements.count < capacity || firstReleased == released.count {
      elements.append(element)
      return UInt32(elements.count - 1)
    }
    let (slot, version) = released[firstReleased]
    firstReleased += 1
    if firstReleased > 4096 && firstReleased * 2 > released.count {
      released.removeFirst(firstReleased)
      firstReleased = 0
    }
    history.forget(through: version)
    elements[Int(slot)] = element
    return slot
  }

  /// Gives a slot back, whose object was deleted at `version`.
  mutating func release(_ slot: UInt32, deletedAt version: Int) {
    released.append((slot, version))
  }
}
