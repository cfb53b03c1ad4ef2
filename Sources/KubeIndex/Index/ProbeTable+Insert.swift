extension ProbeTable {
  /// Adds an entry whose key is not in the table. Buckets found before are void afterwards.
  mutating func insert(hash: UInt64, value: Value, mark: UInt32 = 0) {
    if count >= capacity { grow() }
    place(Slot(hash: UInt32(truncatingIfNeeded: hash), mark: mark, value: value))
    count += 1
    moveSome()
  }
}
