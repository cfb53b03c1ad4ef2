extension ProbeTable {
  /// Adds an entry whose key is not in the table. Buckets found before are void afterwards.
  mutating func insert(hash: UInt64, value: Value, mark: UInt32 = 0) {
    if count >= capacity { resize(toSlots: slotCount * 2) }
    place(Slot(hash: UInt32(truncatingIfNeeded: hash), mark: mark, value: value))
    count += 1
  }

  /// Gives memory back after many removals; keeps room to double.
  mutating func trim() {
    let wanted = ProbeTable.slotCount(forEntries: count * 2)
    if wanted * 4 <= slotCount { resize(toSlots: wanted) }
  }

  private mutating func place(_ slot: consuming Slot) {
    var offset = Int(slot.hash) & mask
    while slots[offset].value != nil { offset = (offset + 1) & mask }
    slots[offset] = slot
  }

  private mutating func resize(toSlots newCount: Int) {
    precondition(
      ProbeTable.capacity(ofSlots: newCount) <= KubeIndexLimits.maximumTableEntries,
      "table too large")
    let old = slots
    let oldCount = slotCount
    slots = ProbeTable.allocate(newCount)
    slotCount = newCount
    for offset in 0..<oldCount where old[offset].value != nil {
      // Moved, not copied: no reference count changes.
      let slot = (old + offset).move()
      (old + offset).initialize(to: Slot(hash: 0, mark: 0, value: nil))
      place(slot)
    }
    old.deinitialize(count: oldCount)
    old.deallocate()
  }
}
