extension ProbeTable {
  /// The entry with this hash for which `matches` holds; nil: none.
  func find(hash: UInt64, matches: (Value) -> Bool) -> Bucket? {
    let short = UInt32(truncatingIfNeeded: hash)
    var offset = Int(short) & mask
    while let value = slots[offset].value {
      if slots[offset].hash == short, matches(value) { return Bucket(offset: offset) }
      offset = (offset + 1) & mask
    }
    return old == nil ? nil : findOld(short, matches: matches)
  }

  private func findOld(_ short: UInt32, matches: (Value) -> Bool) -> Bucket? {
    guard let old else { return nil }
    let mask = old.count - 1
    var offset = Int(short) & mask
    while true {
      let slot = old.start + offset
      if let value = slot.pointee.value {
        if slot.pointee.hash == short, matches(value) {
          return Bucket(offset: offset, isOld: true)
        }
      } else if slot.pointee.mark != ProbeTable.moved {
        return nil
      }
      offset = (offset + 1) & mask
    }
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
