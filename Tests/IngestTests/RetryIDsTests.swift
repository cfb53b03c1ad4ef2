import SimulationModels
import Testing

@testable import Ingest

/// Retries are known for the newest reports of each node, and nothing else is taken for one.
@Suite struct RetryIDsTests {
  /// The same in the plainest way.
  struct Model {
    let perNode: Int
    let maximumNodes: Int
    var ids: [UInt64: [RetryID]] = [:]
    /// From silent longest to most recent.
    var order: [UInt64] = []

    mutating func insert(_ id: RetryID, _ node: UInt64) {
      order.removeAll { $0 == node }
      if ids[node] == nil, order.count == maximumNodes { ids[order.removeFirst()] = nil }
      order.append(node)
      ids[node, default: []].append(id)
      if ids[node, default: []].count > perNode { ids[node]?.removeFirst() }
    }
  }

  @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
  func agreesWithTheModel(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let perNode = Int.random(in: 1...5, using: &random)
    let maximumNodes = Int.random(in: 1...9, using: &random)
    var ids = RetryIDs(perNode: perNode, maximumNodes: maximumNodes)
    var model = Model(perNode: perNode, maximumNodes: maximumNodes)
    var pending: [(id: RetryID, node: UInt64)] = []
    var known: [(id: RetryID, node: UInt64)] = []
    for step in 1...5_000 as ClosedRange<UInt64> {
      let node = UInt64.random(in: 0..<14, using: &random)
      switch Int.random(in: 0..<4, using: &random) {
      case 0, 1:
        let id = RetryID(low: step, high: seed)
        ids.begin(id, ticket: step)
        pending.append((id, node))
        #expect(ids.standing(of: id, node: node) == .pending(ticket: step))
      case 2 where !pending.isEmpty:
        let (id, node) = pending.removeFirst()
        ids.commit(id, node: node)
        model.insert(id, node)
        known.append((id, node))
      case 3 where !pending.isEmpty:
        let (id, node) = pending.removeLast()
        ids.rollBack(id)
        #expect(ids.standing(of: id, node: node) == .new)
      default: break
      }
      if let (id, node) = known.randomElement(using: &random) {
        let isKnown = model.ids[node]?.contains(id) == true
        #expect(ids.standing(of: id, node: node) == (isKnown ? .durable : .new), "seed \(seed)")
      }
    }
    #expect(ids.nodeCount == model.ids.count, "seed \(seed)")

    var copy: [UInt64: [RetryID]] = [:]
    let isWhole = Self.snapshot(ids).forEach { copy[$0, default: []].append($1) }
    #expect(isWhole && copy == model.ids, "seed \(seed)")
  }

  static func snapshot(_ ids: RetryIDs) -> RetrySnapshot {
    var builder = RetrySnapshotBuilder()
    while !builder.step(ids) {}
    return builder.snapshot
  }

  @Test func aSnapshotReadBackKnowsTheSameIDs() {
    var ids = RetryIDs()
    for node in 0..<3_000 as Range<UInt64> {
      for number in 0..<40 as Range<UInt64> {
        ids.insert(RetryID(low: number, high: node), node: node)
      }
    }
    var copy = RetryIDs()
    #expect(Self.snapshot(ids).forEach { copy.insert($1, node: $0) })
    #expect(copy.nodeCount == 3_000)
    for node in 0..<3_000 as Range<UInt64> {
      #expect(copy.standing(of: RetryID(low: 9, high: node), node: node) == .new)
      #expect(copy.standing(of: RetryID(low: 10, high: node), node: node) == .durable)
      #expect(copy.standing(of: RetryID(low: 39, high: node), node: node) == .durable)
    }
  }

  /// The writer copies the ids between live work: no slice may be long. 150,000 nodes are 73 MB.
  @Test func aSnapshotOfAllNodesIsMadeInShortSlices() {
    var ids = RetryIDs()
    for node in 0..<UInt64(IngestLimits.maximumRetryNodes) {
      ids.insert(RetryID(low: node, high: 1), node: node)
    }
    var builder = RetrySnapshotBuilder()
    var slices = 1
    while !builder.step(ids) { slices += 1 }
    #expect(
      slices == (IngestLimits.maximumRetryNodes + IngestLimits.retryNodesPerSlice - 1)
        / IngestLimits.retryNodesPerSlice)
    let snapshot = builder.snapshot
    #expect(snapshot.nodeCount == UInt32(IngestLimits.maximumRetryNodes))
    #expect(snapshot.bytes.count == IngestLimits.maximumRetryNodes * 25)
    let sliceByteCount =
      IngestLimits.retryNodesPerSlice * (9 + IngestLimits.retryIDsPerNode * 16)
    #expect(sliceByteCount <= 1 << 18, "a millisecond or two, with the first touch of its pages")
  }

  /// With as many nodes as there may be, a start must forget the one that has been silent longest,
  /// not the one that came first.
  @Test func aSnapshotKeepsWhoHasBeenSilentLongest() {
    var ids = RetryIDs(perNode: 3, maximumNodes: 3)
    for (number, node) in [1, 2, 3, 1, 2].enumerated() as EnumeratedSequence<[UInt64]> {
      ids.insert(RetryID(low: UInt64(number), high: node), node: node)
    }
    var copy = RetryIDs(perNode: 3, maximumNodes: 3)
    #expect(Self.snapshot(ids).forEach { copy.insert($1, node: $0) })
    copy.insert(RetryID(low: 9, high: 4), node: 4)
    #expect(copy.standing(of: RetryID(low: 2, high: 3), node: 3) == .new)
    #expect(copy.standing(of: RetryID(low: 0, high: 1), node: 1) == .durable)
    #expect(copy.standing(of: RetryID(low: 1, high: 2), node: 2) == .durable)
  }

  @Test func idsMetTwiceTakeOnePlace() {
    var ids = RetryIDs(perNode: 3, maximumNodes: 2)
    for number in [1, 2, 3, 1, 2, 3, 3, 1] as [UInt64] {
      ids.insert(RetryID(low: number, high: 0), node: 1)
    }
    for number in 1...3 as ClosedRange<UInt64> {
      #expect(ids.standing(of: RetryID(low: number, high: 0), node: 1) == .durable)
    }
  }

  @Test func pendingIDsAreNotInASnapshot() {
    var ids = RetryIDs()
    ids.begin(RetryID(low: 1, high: 1), ticket: 1)
    #expect(Self.snapshot(ids).nodeCount == 0)
  }
}
