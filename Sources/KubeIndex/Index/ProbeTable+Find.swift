import CShims

extension ProbeTable {
  /// The entry with this hash for which `matches` holds; nil: none.
  func find(hash: UInt64, matches: (Value) -> Bool) -> Bucket? {
    let short = UInt32(truncatingIfNeeded: hash)
    var offset = current.home(short)
    while slots[offset].value != nil {
      // The hash first: it is in the slot, while a value is a line of memory of its own.
      if slots[offset].hash == short, let value = slots[offset].value, matches(value) {
        return Bucket(offset: offset)
      }
      offset = current.next(offset)
    }
    return old == nil ? nil : findOld(short, matches: matches)
  }

  /// Asks for the memory where the search for `hash` begins.
  func prefetchSlot(hash: UInt64) {
    cshims_prefetch(slots + current.home(UInt32(truncatingIfNeeded: hash)))
  }

  /// Asks for the value that a search for `hash` would compare first. It only looks at the first
  /// slots: as a hint that is enough.
  func prefetchValue(hash: UInt64) {
    let short = UInt32(truncatingIfNeeded: hash)
    var offset = current.home(short)
    for _ in 0..<8 {
      let slot = UnsafeRawPointer(slots + offset)
      if slot.load(as: UInt32.self) == short {
        // Behind hash and mark; by its address, so that no reference is counted.
        let value = slot.load(fromByteOffset: 8, as: UInt.self)
        return cshims_prefetch(UnsafeRawPointer(bitPattern: value))
      }
      offset = current.next(offset)
    }
  }

  private func findOld(_ short: UInt32, matches: (Value) -> Bool) -> Bucket? {
    guard let old else { return nil }
    // What is below the cursor has moved, and its memory may be gone: a probe goes on behind it,
    // and ends at a free slot or when it has seen the rest.
    let home = old.home(short)
    var offset = max(home, oldCursor)
    for _ in oldCursor..<old.count {
      let slot = old.start + offset
      if slot.pointee.value == nil {
        if slot.pointee.mark != ProbeTable.moved { return nil }
      } else if slot.pointee.hash == short, let value = slot.pointee.value, matches(value) {
        return Bucket(offset: offset, isOld: true)
      }
      offset = offset + 1 == old.count ? oldCursor : offset + 1
    }
    return nil
  }

  private func slot(_ bucket: Bucket) -> UnsafeMutablePointer<Slot> {
    guard bucket.isOld else { return slots + bucket.offset }
    guard let old else { preconditionFailure("bucket \(bucket.offset) is of a table before") }
    return old.start + bucket.offset
  }

  /// The value of an entry.
  func value(at bucket: Bucket) -> Value {
    guard let value = slot(bucket).pointee.value else {
      preconditionFailure("bucket \(bucket.offset) is free")
    }
    return value
  }

  func mark(at bucket: Bucket) -> UInt32 { slot(bucket).pointee.mark }

  mutating func setMark(_ mark: UInt32, at bucket: Bucket) { slot(bucket).pointee.mark = mark }

  /// Puts another value with the same key in an entry's place.
  mutating func replace(at bucket: Bucket, with value: Value) {
    precondition(slot(bucket).pointee.value != nil, "bucket is free")
    slot(bucket).pointee.value = value
  }
}
