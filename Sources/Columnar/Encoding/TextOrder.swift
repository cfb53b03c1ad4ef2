import Glibc

/// Ordering of texts by unsigned bytes, which is code point order for UTF-8.
package enum TextOrder {
  /// Whether `left` comes before `right`.
  package static func isBefore(
    _ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer
  ) -> Bool {
    compare(left, right) < 0
  }

  /// Negative, zero or positive as `left` is before, equal to or behind `right`.
  package static func compare(
    _ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer
  ) -> Int {
    let common = min(left.count, right.count)
    if common > 0, let a = left.baseAddress, let b = right.baseAddress {
      let order = memcmp(a, b, common)
      if order != 0 { return Int(order) }
    }
    return left.count - right.count
  }

  /// 8 bytes from `offset` as a number that orders like them; zeros stand for what is missing.
  package static func key(_ text: UnsafeRawBufferPointer, from offset: Int) -> UInt64 {
    if text.count - offset >= 8 {
      return text.loadUnaligned(fromByteOffset: offset, as: UInt64.self).bigEndian
    }
    var key: UInt64 = 0
    for index in offset..<max(offset, text.count) {
      key |= UInt64(text[index]) << UInt64(56 - 8 * (index - offset))
    }
    return key
  }

  /// Bytes that `left` and `right` share at the start.
  package static func commonPrefix(
    _ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer
  ) -> Int {
    let limit = min(left.count, right.count)
    var index = 0
    while index < limit && left[index] == right[index] { index += 1 }
    return index
  }

  /// Ranks of `count` distinct texts; nil when they are in order already.
  package static func ranks(
    count: Int, _ text: (UInt32) -> UnsafeRawBufferPointer
  ) -> [UInt32]? {
    guard count > 1 else { return nil }
    let first = text(0)
    var isAscending = true
    var prefix = first.count
    var previous = first
    for entry in 1..<UInt32(count) {
      let current = text(entry)
      if isAscending && !isBefore(previous, current) { isAscending = false }
      if prefix > 0 {
        prefix = commonPrefix(
          UnsafeRawBufferPointer(rebasing: first[..<prefix]), current)
      }
      previous = current
    }
    if isAscending { return nil }
    // Most comparisons end at the 8 bytes behind what all texts share.
    var keyed = (0..<UInt32(count)).map { (key: key(text($0), from: prefix), entry: $0) }
    keyed.sort { $0.key != $1.key ? $0.key < $1.key : isBefore(text($0.entry), text($1.entry)) }
    var ranks = [UInt32](repeating: 0, count: count)
    for (rank, item) in keyed.enumerated() { ranks[Int(item.entry)] = UInt32(rank) }
    return ranks
  }
}
