import Ingest
import Testing

@testable import Service

/// The order of work and the sums are kept step by step: they must be what a full look would find.
struct DeliveryQueueTests {
  @Test func heapSorts() {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SplitMix(seed: seed)
    var heap = BinaryHeap<Int>()
    var wanted: [Int] = []
    for _ in 0..<2_000 {
      if Int.random(in: 0..<3, using: &random) > 0 {
        let number = Int.random(in: 0..<100, using: &random)
        heap.insert(number)
        wanted.append(number)
        wanted.sort()
      } else {
        let least = wanted.isEmpty ? nil : wanted.removeFirst()
        #expect(heap.least == least, "seed \(seed)")
        #expect(heap.removeLeast() == least, "seed \(seed)")
      }
      #expect(heap.count == wanted.count, "seed \(seed)")
    }
  }

  @Test func sealedComeFirstAndStayUntilRemoved() {
    var queue = DeliveryQueue()
    let ids = (1...3).map { ObjectID(segment: UInt64($0), partition: 0) }
    queue.insert(ids[0], isSealed: false)
    queue.insert(ids[2], isSealed: true)
    queue.insert(ids[1], isSealed: true)
    queue.insert(ids[1], isSealed: true)
    for id in [ids[1], ids[2], ids[0]] {
      #expect(queue.first?.id == id)
      #expect(queue.first?.id == id)
      queue.removeFirst()
    }
    #expect(queue.first == nil)
    queue.insert(ids[1], at: .seconds(2))
    queue.insert(ids[0], at: .seconds(1))
    #expect(queue.takeDue(now: .milliseconds(999)) == nil)
    #expect(queue.nextTime == .seconds(1))
    #expect(queue.takeDue(now: .seconds(1)) == ids[0])
    #expect(queue.takeDue(now: .seconds(1)) == nil)
  }

  @Test func tallyIsTheSum() {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SplitMix(seed: seed)
    var tally = DeliveryTally()
    var shares: [ObjectID: DeliveryTally.Share] = [:]
    for _ in 0..<2_000 {
      let id = ObjectID(segment: UInt64.random(in: 0..<20, using: &random), partition: 0)
      let share =
        Int.random(in: 0..<4, using: &random) == 0
        ? nil
        : DeliveryTally.Share(
          isPending: Bool.random(using: &random), isOpen: Bool.random(using: &random),
          byteCount: Int.random(in: 0..<100, using: &random),
          oldestRowSeconds: Int64.random(in: 0..<50, using: &random))
      shares[id] = share
      tally.set(id, share)
      let pending = shares.values.filter(\.isPending)
      #expect(tally.pendingCount == pending.count, "seed \(seed)")
      #expect(tally.pendingByteCount == pending.reduce(0) { $0 + $1.byteCount }, "seed \(seed)")
      #expect(tally.openCount == shares.values.count { $0.isOpen }, "seed \(seed)")
      #expect(tally.oldestRowSeconds() == pending.map(\.oldestRowSeconds).min(), "seed \(seed)")
    }
  }
}
