import CShims
import Glibc

/// Distinct values of one column chunk, in order of first use: entry n of the dictionary page is
/// the n-th value that was interned. Every entry must be used by the chunk, because its
/// statistics are the dictionary's.
package protocol ValueDictionary: AnyObject {
  /// Entries present.
  var count: Int { get }
  /// Bytes of all entries in PLAIN.
  func plainByteCount(as type: PhysicalType) -> Int
  /// Bytes of one entry in PLAIN.
  func plainByteCount(of entry: UInt32, as type: PhysicalType) -> Int
  /// Appends all entries in PLAIN: the dictionary page.
  func appendPage(as type: PhysicalType, to output: GrowingBytes)
  /// Appends one entry in PLAIN.
  func appendPlain(_ entry: UInt32, as type: PhysicalType, to output: GrowingBytes)
  /// Whether the value of `left` comes before that of `right` in the column's order.
  func isBefore(_ left: UInt32, _ right: UInt32) -> Bool
  /// Rank of each entry in the column's order; nil when the entries are in that order already.
  func ranks() -> [UInt32]?
  /// The bounds of a page or chunk that spans these two entries; nil when there are none.
  func bounds(minimum: UInt32, maximum: UInt32, as type: PhysicalType) -> ValueBounds?
}

/// Marks the absence of an entry: null.
package let nullEntry = UInt32.max

/// What hashes of values depend on: drawn once a process, so that nobody who chooses values can
/// choose ones that lie together. The output never depends on it.
enum HashSeed {
  static let text = UInt64.random(in: .min ... .max)
  static let number = UInt64.random(in: .min ... .max)
  /// Odd, so that no two numbers have the same product.
  static let factor = UInt64.random(in: .min ... .max) | 1
}

/// Open addressing from hash to entry, at most half full.
///
/// A slot is one word, half of the hash and the entry, so that a search meets one line of memory
/// and another only where it ends: with the entry it looked for.
struct EntryTable: ~Copyable {
  private static let minimumSlotCount = 64
  private static let empty = UInt64(nullEntry)

  private var slots: UnsafeMutablePointer<UInt64>
  private var slotCount: Int
  /// Slots in use, in order of use.
  private var taken = GrowingColumn<UInt32>()

  init() {
    slotCount = Self.minimumSlotCount
    slots = .allocate(capacity: slotCount)
    slots.initialize(repeating: Self.empty, count: slotCount)
  }

  deinit { slots.deallocate() }

  /// The entry of `hash` for which `isEqual` holds, or `next`, which is kept from now on, and
  /// whether it is that.
  @inline(__always)
  mutating func intern(
    _ hash: UInt64, next: Int, isEqual: (UInt32) -> Bool
  ) -> (entry: UInt32, isNew: Bool) {
    if (taken.count + 1) * 2 > slotCount { grow() }
    let mask = slotCount - 1
    let half = UInt32(truncatingIfNeeded: hash)
    var slot = Int(half) & mask
    while slots[slot] != Self.empty {
      let entry = UInt32(truncatingIfNeeded: slots[slot])
      if UInt32(truncatingIfNeeded: slots[slot] >> 32) == half && isEqual(entry) {
        return (entry, false)
      }
      slot = (slot + 1) & mask
    }
    let entry = UInt32(next)
    slots[slot] = UInt64(half) << 32 | UInt64(entry)
    taken.append(UInt32(truncatingIfNeeded: slot))
    return (entry, true)
  }

  /// Costs no more than the entries did, however large the table once was.
  mutating func reset() {
    if taken.count * 8 < slotCount {
      for index in 0..<taken.count { slots[Int(taken[index])] = Self.empty }
    } else {
      slots.update(repeating: Self.empty, count: slotCount)
    }
    taken.reset()
  }

  @inline(never)
  private mutating func grow() {
    let (old, oldCount) = (slots, slotCount)
    slotCount *= 2
    slots = .allocate(capacity: slotCount)
    slots.initialize(repeating: Self.empty, count: slotCount)
    taken.reset()
    let mask = slotCount - 1
    for word in UnsafeBufferPointer(start: old, count: oldCount) where word != Self.empty {
      var slot = Int(truncatingIfNeeded: word >> 32) & mask
      while slots[slot] != Self.empty { slot = (slot + 1) & mask }
      slots[slot] = word
      taken.append(UInt32(truncatingIfNeeded: slot))
    }
    old.deallocate()
  }
}

/// How much text the dictionaries of a row group hold, each as its page: the joiner looks at it for
/// every pod, and would have to go through all of them.
package final class TextMeter {
  /// Bytes of the largest page.
  @exclusivity(unchecked) package private(set) var largest = 0
  /// Bytes of all pages.
  @exclusivity(unchecked) package private(set) var sum = 0

  package init() {}

  /// A page has grown by `added` bytes to `byteCount`.
  @inline(__always)
  fileprivate func note(_ added: Int, byteCount: Int) {
    sum += added
    largest = max(largest, byteCount)
  }

  /// When all dictionaries are reset.
  package func reset() {
    largest = 0
    sum = 0
  }
}

/// Distinct texts, ordered by unsigned bytes.
package final class TextDictionary: ValueDictionary {
  /// All entries in PLAIN, back to back: the dictionary page itself.
  private let plain = GrowingBytes()
  /// Where each entry's bytes begin, behind its length.
  @exclusivity(unchecked) private var starts = GrowingColumn<Int>()
  @exclusivity(unchecked) private var table = EntryTable()
  private let seed = HashSeed.text
  private let meter: TextMeter

  /// What it holds is counted by `meter` too.
  package init(meter: TextMeter = TextMeter()) {
    self.meter = meter
  }

  package var count: Int { starts.count }

  /// Bytes of the dictionary page: all texts, each with 4 bytes for its length.
  package var pageByteCount: Int { plain.count }

  /// Forgets all entries, keeps the memory.
  package func reset() {
    plain.reset()
    starts.reset()
    table.reset()
  }

  /// The entry of `text`, made if it is new. Amortised O(bytes).
  package func intern(_ text: UnsafeRawBufferPointer) -> UInt32 {
    let hash = cshims_xxh3_64(text.baseAddress, text.count, seed)
    let (entry, isNew) = table.intern(hash, next: starts.count) { isEqual($0, text) }
    return isNew ? append(distinct: text) : entry
  }

  /// The entry, a new one, of a text that is interned once and never again before `reset`, as the
  /// caller knows: it needs no search. O(bytes).
  @discardableResult
  package func append(distinct text: UnsafeRawBufferPointer) -> UInt32 {
    let entry = UInt32(starts.count)
    starts.append(plain.count + 4)
    Plain.append(text, to: plain)
    meter.note(text.count + 4, byteCount: plain.count)
    return entry
  }

  package func intern(_ text: String) -> UInt32 {
    var copy = text
    return copy.withUTF8 { intern(UnsafeRawBufferPointer($0)) }
  }

  /// The bytes of an entry; valid until the next `intern`.
  package subscript(entry: UInt32) -> UnsafeRawBufferPointer {
    let start = starts[Int(entry)]
    return UnsafeRawBufferPointer(start: plain.base + start, count: end(of: entry) - start)
  }

  private func end(of entry: UInt32) -> Int {
    let next = Int(entry) + 1
    return next < starts.count ? starts[next] - 4 : plain.count
  }

  private func isEqual(_ entry: UInt32, _ text: UnsafeRawBufferPointer) -> Bool {
    let own = self[entry]
    guard own.count == text.count else { return false }
    guard let ours = own.baseAddress, let theirs = text.baseAddress, text.count > 0 else {
      return true
    }
    return memcmp(ours, theirs, text.count) == 0
  }

  // MARK: ValueDictionary

  package func plainByteCount(as type: PhysicalType) -> Int { plain.count }

  package func plainByteCount(of entry: UInt32, as type: PhysicalType) -> Int {
    end(of: entry) - starts[Int(entry)] + 4
  }

  package func appendPage(as type: PhysicalType, to output: GrowingBytes) {
    output.append(plain.bytes)
  }

  package func appendPlain(_ entry: UInt32, as type: PhysicalType, to output: GrowingBytes) {
    let start = starts[Int(entry)] - 4
    output.append(
      UnsafeRawBufferPointer(start: plain.base + start, count: end(of: entry) - start))
  }

  package func isBefore(_ left: UInt32, _ right: UInt32) -> Bool {
    TextOrder.isBefore(self[left], self[right])
  }

  package func ranks() -> [UInt32]? {
    TextOrder.ranks(count: count) { self[$0] }
  }

  package func bounds(minimum: UInt32, maximum: UInt32, as type: PhysicalType) -> ValueBounds? {
    guard let low = TextBounds.minimum(self[minimum]), let high = TextBounds.maximum(self[maximum])
    else { return nil }
    return ValueBounds(
      minimum: low.bytes, maximum: high.bytes, isMinimumExact: low.isExact,
      isMaximumExact: high.isExact)
  }
}

/// Distinct integers of an INT32 or INT64 column, in signed order.
package final class NumberDictionary: ValueDictionary {
  @exclusivity(unchecked) package private(set) var values: [Int64] = []
  @exclusivity(unchecked) private var table = EntryTable()
  private let seed = HashSeed.number
  private let factor = HashSeed.factor

  package init() {}

  package var count: Int { values.count }

  /// Forgets all entries, keeps the memory.
  package func reset() {
    values.removeAll(keepingCapacity: true)
    table.reset()
  }

  /// The entry of `value`, made if it is new.
  package func intern(_ value: Int64) -> UInt32 {
    // Folded so that the table's low bits depend on all of the value's.
    let product = (UInt64(bitPattern: value) ^ seed).multipliedFullWidth(by: factor)
    let hash = product.high ^ product.low
    let (entry, isNew) = table.intern(hash, next: values.count) { values[Int($0)] == value }
    if isNew { values.append(value) }
    return entry
  }

  /// The entry, a new one, of a value that is interned once and never again before `reset`, as the
  /// caller knows.
  package func append(distinct value: Int64) -> UInt32 {
    values.append(value)
    return UInt32(values.count - 1)
  }

  package func plainByteCount(as type: PhysicalType) -> Int { count * Plain.width(of: type) }

  package func plainByteCount(of entry: UInt32, as type: PhysicalType) -> Int {
    Plain.width(of: type)
  }

  package func appendPage(as type: PhysicalType, to output: GrowingBytes) {
    for value in values { Plain.append(value, as: type, to: output) }
  }

  package func appendPlain(_ entry: UInt32, as type: PhysicalType, to output: GrowingBytes) {
    Plain.append(values[Int(entry)], as: type, to: output)
  }

  package func isBefore(_ left: UInt32, _ right: UInt32) -> Bool {
    values[Int(left)] < values[Int(right)]
  }

  package func ranks() -> [UInt32]? {
    if zip(values, values.dropFirst()).allSatisfy({ $0 < $1 }) { return nil }
    let order = (0..<UInt32(count)).sorted { values[Int($0)] < values[Int($1)] }
    var ranks = [UInt32](repeating: 0, count: count)
    for (rank, entry) in order.enumerated() { ranks[Int(entry)] = UInt32(rank) }
    return ranks
  }

  package func bounds(minimum: UInt32, maximum: UInt32, as type: PhysicalType) -> ValueBounds? {
    ValueBounds(minimum: values[Int(minimum)], maximum: values[Int(maximum)], as: type)
  }
}
