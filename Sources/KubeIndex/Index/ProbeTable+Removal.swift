extension ProbeTable {
  /// Removes an entry and closes the gap: each entry of the run behind it that may lie in the gap
  /// moves there, so that no probe meets a free slot too early.
  mutating func remove(at bucket: Bucket) {
    precondition(slots[bucket.offset].value != nil, "bucket is free")
    var gap = bucket.offset
    var offset = gap
    while true {
      offset = (offset + 1) & mask
      guard slots[offset].value != nil else { break }
      let home = Int(slots[offset].hash) & mask
      // Distances are cyclic: the entry may move when its home is not between gap and itself.
      if (offset - home) & mask >= (offset - gap) & mask {
        slots[gap] = slots[offset]
        gap = offset
      }
    }
    slots[gap] = Slot(hash: 0, mark: 0, value: nil)
    count -= 1
  }
}
