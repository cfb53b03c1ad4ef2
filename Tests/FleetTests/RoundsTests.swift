import Testing

@testable import fleet

/// Protects rows sent = rows stored: no node reports twice under one time, none is left out.
@Suite struct RoundsTests {
  @Test func eachRoundHasEachNodeOnceInANewOrder() {
    let interval: Int64 = 300_000_000
    var rounds = Rounds(
      clock: .simulated(startMicros: 0, endMicros: 24 * interval), intervalMicros: interval,
      nodeCount: 40, seed: 9)
    var seen: Set<String> = []
    var orders: Set<[Int]> = []
    for round in 0..<24 as Range<Int64> {
      var order: [Int] = []
      var last: Int64 = -1
      #expect(rounds.isAtRoundStart)
      for _ in 0..<40 {
        guard let (node, timestamp) = rounds.next() else {
          Issue.record("the rounds end too early")
          return
        }
        order.append(node)
        #expect(timestamp >= round * interval && timestamp < (round + 1) * interval)
        #expect(timestamp - timestamp % 1_000_000 >= last - last % 1_000_000)
        last = timestamp
        #expect(seen.insert("\(node) \(timestamp)").inserted)
      }
      #expect(Set(order).count == 40)
      orders.insert(order)
    }
    #expect(orders.count == 24)
    #expect(rounds.next() == nil)
  }

  @Test func anUnevenEndStillHasItsLastRound() {
    let rounds = Rounds(
      clock: .simulated(startMicros: 0, endMicros: 2_500_000), intervalMicros: 1_000_000,
      nodeCount: 1, seed: 1)
    #expect(rounds.roundCount == 3)
  }

  @Test func theWallClockNeverGivesATimeTwice() {
    var rounds = Rounds(clock: .wall, intervalMicros: 1, nodeCount: 2, seed: 1)
    var last: Int64 = 0
    for _ in 0..<10_000 {
      guard let (_, timestamp) = rounds.next() else { return }
      #expect(timestamp > last)
      last = timestamp
    }
  }
}
