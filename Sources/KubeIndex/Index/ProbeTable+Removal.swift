extension ProbeTable {
  /// Removes an entry. Buckets found before are void afterwards.
  mutating func remove(at bucket: Bucket) {
    if bucket.isOld {
      guard let old, old.start[bucket.offset].value != nil else {
        preconditionFailure("bucket \(bucket.offset) is free")
      }
      old.start[bucket.offset] = Slot(hash: 0, mark: ProbeTable.moved, value: nil)
    } else {
      closeGap(bucket.offset)
    }
    count -= 1
    moveSome()
  }

  /// Empties a slot: each entry of the run behind it that may lie in the gap moves there, so that
  /// no probe meets a free slot too early.
  private mutating func closeGap(_ start: Int) {
    precondition(slots[start].value != nil, "bucket is free")
    var gap = start
    var offset = gap
    while true {
      offset = current.next(offset)
      guard slots[offset].value != nil else { break }
      let home = current.home(slots[offset].hash)
      // Distances are cyclic: the entry may move when its home is not between gap and itself.
      if current.distance(from: home, to: offset) >= current.distance(from: gap, to: offset) {
        slots[gap] = slots[offset]
        gap = offset
      }
    }
    slots[gap] = Slot(hash: 0, mark: 0, value: nil)
  }
}
