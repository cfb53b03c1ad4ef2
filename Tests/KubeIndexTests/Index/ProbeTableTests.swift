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
