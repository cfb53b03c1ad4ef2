extension ProbeTable {
  /// The entry with this hash for which `matches` holds; nil: none.
  func find(hash: UInt64, matches: (Value) -> Bool) -> Bucket? {
    let short = UInt32(truncatingIfNeeded: hash)
    var offset = Int(short) & mask
    while let value = slots[offset].value {
      if slots[offset].hash == short, matches(value) { return Bucket(offset: offset) }
      offset = (offset + 1) & mask
    }
    return nil
  }

  /// The value of an entry.
  func value(at bucket: Bucket) -> Value {
    guard let value = slots[bucket.offset].value else {
      preconditionFailure("bucket \(bucket.offset) is free")
    }
    return value
  }

  func mark(at bucket: Bucket) -> UInt32 { slots[bucket.offset].mark }

  mutating func setMark(_ mark: UInt32, at bucket: Bucket) { slots[bucket.offset].mark = mark }

  /// Puts another value with the same key in an entry's place.
  mutating func replace(at bucket: Bucket, with value: Value) {
    precondition(slots[bucket.offset].value != nil, "bucket is free")
    slots[bucket.offset].value = value
  }
}
