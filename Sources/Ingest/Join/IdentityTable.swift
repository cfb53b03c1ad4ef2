import Columnar

/// Small numbers by object identity: what a record became in the row group in the making.
///
/// Open addressing, at most half full. It does not retain: whoever fills it keeps the objects alive
/// until `reset`.
struct IdentityTable {
  private struct Slot {
    var identity: UInt
    var number: UInt32
  }

  private static let empty = Slot(identity: 0, number: nullEntry)
  private var slots = [Slot](repeating: Self.empty, count: 64)
  private var shift = UInt64.bitWidth - 6
  /// Slots that are taken.
  private var taken: [Int] = []

  /// The number of the object at `address`, `make`'s if it has none yet.
  @inline(__always)
  mutating func number(of address: UnsafeRawPointer, make: () -> UInt32) -> UInt32 {
    let identity = UInt(bitPattern: address)
    var slot = home(identity)
    while slots[slot].identity != 0 {
      if slots[slot].identity == identity { return slots[slot].number }
      slot = (slot + 1) & (slots.count - 1)
    }
    let number = make()
    slots[slot] = Slot(identity: identity, number: number)
    taken.append(slot)
    if taken.count * 2 > slots.count { grow() }
    return number
  }

  /// Whether the object at `address` has a number.
  func contains(_ address: UnsafeRawPointer) -> Bool {
    let identity = UInt(bitPattern: address)
    var slot = home(identity)
    while slots[slot].identity != 0 {
      if slots[slot].identity == identity { return true }
      slot = (slot + 1) & (slots.count - 1)
    }
    return false
  }

  /// Costs no more than the objects did, however large the table once was.
  mutating func reset() {
    if taken.count * 8 < slots.count {
      for slot in taken { slots[slot] = Self.empty }
    } else {
      slots.withUnsafeMutableBufferPointer { $0.update(repeating: Self.empty) }
    }
    taken.removeAll(keepingCapacity: true)
  }

  /// Fibonacci hashing: the product's high bits depend on all of the address.
  private func home(_ identity: UInt) -> Int {
    Int(truncatingIfNeeded: (UInt64(identity) &* 0x9E37_79B9_7F4A_7C15) >> UInt64(shift))
  }

  private mutating func grow() {
    let old = slots
    slots = [Slot](repeating: Self.empty, count: old.count * 2)
    shift -= 1
    taken.removeAll(keepingCapacity: true)
    for item in old where item.identity != 0 {
      var slot = home(item.identity)
      while slots[slot].identity != 0 { slot = (slot + 1) & (slots.count - 1) }
      slots[slot] = item
      taken.append(slot)
    }
  }
}
