import Testing

@testable import KubeIndex

/// The table agrees with a dictionary whatever is done to it, and every entry stays reachable.
@Suite struct ProbeTableTests {
  final class Item {
    let key: Int
    init(_ key: Int) { self.key = key }
  }

  /// Few distinct hashes make long runs and wrap-around the rule.
  static func hash(_ key: Int, spread: UInt64) -> UInt64 {
    UInt64(key) &* 0x9E37_79B9_7F4A_7C15 % spread
  }

  @Test(arguments: [3, 17, 64, 1 << 40] as [UInt64])
  func agreesWithADictionary(spread: UInt64) throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    print("seed \(seed)")
    var random = SeededGenerator(seed: seed)
    var table = ProbeTable<Item>()
    var model: [Int: Item] = [:]
    for step in 0..<6_000 {
      let key = Int.random(in: 0..<200, using: &random)
      let hash = Self.hash(key, spread: spread)
      let bucket = table.find(hash: hash) { $0.key == key }
      #expect((bucket == nil) == (model[key] == nil))
      // Phases of growing and of shrinking.
      let adds = Int.random(in: 0..<10, using: &random) < ((step / 1000) % 2 == 0 ? 7 : 3)
      if adds {
        let item = Item(key)
        if let bucket {
          table.replace(at: bucket, with: item)
        } else {
          table.insert(hash: hash, value: item, mark: UInt32(key))
        }
        model[key] = item
      } else if let bucket {
        #expect(table.value(at: bucket) === model[key])
        #expect(table.mark(at: bucket) == UInt32(key))
        table.remove(at: bucket)
        model[key] = nil
        if step % 50 == 0 { table.trim() }
      }
      #expect(table.count == model.count)
      if let fault = table.checkInvariants() {
        Issue.record("step \(step): \(fault)")
        return
      }
    }
    for (key, item) in model {
      let bucket = try #require(table.find(hash: Self.hash(key, spread: spread)) { $0.key == key })
      #expect(table.value(at: bucket) === item)
    }
  }

  /// Every count around the sizes at which the table grows.
  @Test(arguments: [0, 1, 6, 7, 8, 13, 14, 15, 55, 56, 57, 447, 448, 449])
  func growsAtSevenEighths(count: Int) {
    var table = ProbeTable<Item>()
    for key in 0..<count { table.insert(hash: UInt64(key) &* 0x9E37_79B9, value: Item(key)) }
    #expect(table.count == count && table.count <= table.capacity)
    #expect(table.checkInvariants() == nil)
    var seen: Set<Int> = []
    table.forEach { _, item, _ in seen.insert(item.key) }
    #expect(seen.count == count)
  }

  /// Growing to millions of entries must not stop the writer: each step is a bounded part of it,
  /// and it is over long before the next one is due.
  @Test func growsInBoundedSteps() {
    var table = ProbeTable<Item>()
    var resizes = 0
    var wasResizing = false
    func check(_ table: borrowing ProbeTable<Item>, _ before: Int) {
      guard let old = table.old else {
        wasResizing = false
        return
      }
      let remaining = old.count - table.oldCursor
      if wasResizing {
        #expect(before - remaining <= KubeIndexLimits.slotsMovedPerChange)
      } else {
        resizes += 1
        #expect(remaining >= old.count - KubeIndexLimits.slotsMovedPerChange)
      }
      wasResizing = true
    }
    for key in 0..<100_000 {
      let before = table.old.map { $0.count - table.oldCursor } ?? 0
      table.insert(hash: UInt64(key) &* 0x9E37_79B9, value: Item(key))
      check(table, before)
    }
    #expect(resizes >= 10)
    #expect(table.checkInvariants() == nil)
    let grown = table.slotCount
    for key in 0..<99_990 {
      let found = table.find(hash: UInt64(key) &* 0x9E37_79B9) { $0.key == key }
      guard let found else {
        Issue.record("\(key) is lost")
        return
      }
      let before = table.old.map { $0.count - table.oldCursor } ?? 0
      table.remove(at: found)
      check(table, before)
      if key % 1000 == 0 { table.trim() }
    }
    #expect(table.slotCount <= grown / 16)
    #expect(table.count == 10 && table.checkInvariants() == nil)
  }

  /// A list that ends while a table moves sees all entries, once.
  @Test func marksAreReplacedInBothPlaces() {
    var table = ProbeTable<Item>()
    var key = 0
    while table.old == nil || key < 1000 {
      table.insert(hash: UInt64(key) &* 0x9E37_79B9, value: Item(key), mark: UInt32(key % 3))
      key += 1
    }
    var seen: [Int] = []
    table.replaceMarks(with: 0, where: { $0 == 2 }) { seen.append($0.key) }
    #expect(seen.sorted() == (0..<key).filter { $0 % 3 == 2 })
    var count = 0
    table.forEach { _, item, mark in
      count += 1
      #expect(mark == (item.key % 3 == 2 ? 0 : UInt32(item.key % 3)))
    }
    #expect(count == key)
  }

  @Test func reservesItsCapacity() {
    let table = ProbeTable<Item>(minimumCapacity: 1000)
    #expect(table.capacity >= 1000)
  }

  /// 16 bytes a slot: what the memory of millions of pods is counted on.
  @Test func slotIsTwoWords() { #expect(MemoryLayout<ProbeTable<Item>.Slot>.stride == 16) }

  @Test func valuesAreReleased() {
    weak var weakItem: Item?
    do {
      var table = ProbeTable<Item>()
      let item = Item(1)
      weakItem = item
      table.insert(hash: 1, value: item)
      for key in 2..<100 { table.insert(hash: UInt64(key), value: Item(key)) }
    }
    #expect(weakItem == nil)
  }
}
