extension ProbeTable {
  /// What is wrong with the table; nil: every entry is reachable and counted. O(slots x run
  /// length), for tests.
  func checkInvariants() -> String? {
    guard slotCount.nonzeroBitCount == 1 else { return "\(slotCount) slots: no power of two" }
    guard count <= capacity else { return "\(count) entries, capacity \(capacity)" }
    var found = 0
    for offset in 0..<slotCount where slots[offset].value != nil {
      found += 1
      if let fault = gap(before: offset, in: current) { return fault }
    }
    if let old {
      for offset in 0..<old.count where old.start[offset].value != nil {
        found += 1
        if offset < oldCursor { return "entry at old \(offset), emptied up to \(oldCursor)" }
        if let fault = gap(before: offset, in: old) { return "old: \(fault)" }
      }
    }
    return found == count ? nil : "\(found) entries found, \(count) counted"
  }

  private func gap(before offset: Int, in place: ProbeSlots<Slot>) -> String? {
    let mask = place.count - 1
    var probe = Int(place.start[offset].hash) & mask
    while probe != offset {
      if place.start[probe].value == nil, place.start[probe].mark != ProbeTable.moved {
        return "entry at \(offset) is cut off by the free slot \(probe)"
      }
      probe = (probe + 1) & mask
    }
    return nil
  }
}
