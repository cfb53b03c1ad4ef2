extension ProbeTable {
  /// What is wrong with the table; nil: every entry is reachable and counted. O(slots x run
  /// length), for tests.
  func checkInvariants() -> String? {
    guard slotCount.nonzeroBitCount == 1 else { return "\(slotCount) slots: no power of two" }
    guard count <= capacity else { return "\(count) entries, capacity \(capacity)" }
    var found = 0
    for offset in 0..<slotCount where slots[offset].value != nil {
      found += 1
      var probe = Int(slots[offset].hash) & mask
      while probe != offset {
        if slots[probe].value == nil {
          return "entry at \(offset) is cut off by the free slot \(probe)"
        }
        probe = (probe + 1) & mask
      }
    }
    return found == count ? nil : "\(found) entries found, \(count) counted"
  }
}
