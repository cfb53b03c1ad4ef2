extension ProbeTable {
  /// What is wrong with the table; nil: every entry is reachable and counted. O(slots x run
  /// length), for tests.
  func checkInvariants() -> String? {
    guard slotCount % 8 == 0 else { return "\(slotCount) slots: no multiple of 8" }
    guard count <= capacity else { return "\(count) entries, capacity \(capacity)" }
    var found = 0
    for offset in 0..<slotCount where slots[offset].value != nil {
      found += 1
      if let fault = gap(before: offset, in: current, from: 0) { return fault }
    }
    if let old {
      for offset in 0..<old.count where old.start[offset].value != nil {
        found += 1
        if offset < oldCursor { return "entry at old \(offset), emptied up to \(oldCursor)" }
        if let fault = gap(before: offset, in: old, from: oldCursor) { return "old: \(fault)" }
      }
    }
    return found == count ? nil : "\(found) entries found, \(count) counted"
  }

  /// Whether a probe for the entry at `offset` ends before it; slots below `start` are skipped.
  private func gap(
    before offset: Int, in place: ProbeSlots<Slot>, from start: Int
  ) -> String? {
    var probe = max(place.home(place.start[offset].hash), start)
    while probe != offset {
      if place.start[probe].value == nil, place.start[probe].mark != ProbeTable.moved {
        return "entry at \(offset) is cut off by the free slot \(probe)"
      }
      probe = probe + 1 == place.count ? start : probe + 1
    }
    return nil
  }
}
