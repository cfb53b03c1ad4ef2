extension ProbeTable {
  /// What a slot of before is marked with when its entry is removed: those behind are still found.
  static var moved: UInt32 { .max }

  /// Gives memory back after many removals; keeps room to double.
  mutating func trim() {
    guard old == nil else { return }
    // By no more than an eighth: moving is over before the room for new entries is.
    let wanted = max(ProbeTable.slotCount(forEntries: count * 2), slotCount / 64 * 8)
    if wanted * 4 <= slotCount { beginResize(toSlots: wanted) }
  }

  mutating func grow() {
    // Moving took fewer insertions than there was room for; this is for sizes yet to come.
    while old != nil { moveSome() }
    beginResize(toSlots: ProbeTable.larger(slotCount))
  }

  private mutating func beginResize(toSlots newCount: Int) {
    precondition(
      ProbeTable.capacity(ofSlots: newCount) <= KubeIndexLimits.maximumTableEntries,
      "table too large")
    old = current
    oldCursor = 0
    current = ProbeSlots(count: newCount)
  }

  /// Moves what the next few slots of before hold; at most `KubeIndexLimits.slotsMovedPerChange`.
  mutating func moveSome() {
    guard let old else { return }
    let end = min(oldCursor + KubeIndexLimits.slotsMovedPerChange, old.count)
    for offset in oldCursor..<end where old.start[offset].value != nil {
      // Moved, not copied: no reference count changes.
      let slot = (old.start + offset).move()
      (old.start + offset).initialize(to: Slot(hash: 0, mark: 0, value: nil))
      place(slot)
    }
    // A part at a time, so that the memory of before is not all there until the end, nor released
    // at a single insertion.
    let given = givenBack
    oldCursor = end
    if givenBack > given { old.giveBack(given..<givenBack) }
    guard end == old.count else { return }
    old.releaseEmpty(givenBack: givenBack)
    self.old = nil
  }

  mutating func place(_ slot: consuming Slot) {
    var offset = current.home(slot.hash)
    while slots[offset].value != nil { offset = current.next(offset) }
    slots[offset] = slot
  }
}
