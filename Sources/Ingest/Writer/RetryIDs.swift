/// The ids of the last reports of each node, by which a retry is known.
///
/// Ids of durable reports are kept, the newest 30 a node; when there are too many nodes the one
/// that has been silent longest is forgotten. Ids of reports on their way to the disk are kept
/// apart until the writer knows how that ended. One owner.
///
///     slots by node id ──▶ slot: 30 ids as a ring, and its place in the list from silent to recent
package struct RetryIDs {
  /// What is known of a report's id.
  package enum Standing: Equatable {
    case new
    /// The same report is on its way to the disk, under this ticket.
    case pending(ticket: UInt64)
    case durable
  }

  private struct Slot {
    var nodeID: UInt64
    /// Ids present, at most `perNode`; `next` is where the next one goes.
    var count: UInt8 = 0
    var next: UInt8 = 0
    var older: Int32 = none
    var newer: Int32 = none
  }

  private static let none: Int32 = -1
  /// Ids grow by this many slots at a time, so that growth never copies what is there.
  private static let slotsPerChunk = 1_024

  package let perNode: Int
  package let maximumNodes: Int
  /// Nodes forgotten because there were too many.
  package private(set) var forgottenNodes = 0

  private var slotByNode: [UInt64: Int32] = [:]
  private var slots: [Slot] = []
  private var chunks: [[RetryID]] = []
  private var oldest = none
  private var newest = none
  private var pending: [RetryID: UInt64] = [:]

  package init(
    perNode: Int = IngestLimits.retryIDsPerNode,
    maximumNodes: Int = IngestLimits.maximumRetryNodes
  ) {
    precondition(perNode > 0 && perNode <= Int(UInt8.max))
    precondition(maximumNodes > 0 && maximumNodes < Int(Int32.max))
    self.perNode = perNode
    self.maximumNodes = maximumNodes
  }

  package var nodeCount: Int { slots.count }

  // MARK: Reports

  package func standing(of id: RetryID, node: UInt64) -> Standing {
    if let ticket = pending[id] { return .pending(ticket: ticket) }
    guard let slot = slotByNode[node] else { return .new }
    return holds(id, slot: slot) ? .durable : .new
  }

  private func holds(_ id: RetryID, slot: Int32) -> Bool {
    let base = Int(slot) % Self.slotsPerChunk * perNode
    let range = base..<base + Int(slots[Int(slot)].count)
    return chunks[Int(slot) / Self.slotsPerChunk][range].contains(id)
  }

  /// The report is on its way to the disk.
  package mutating func begin(_ id: RetryID, ticket: UInt64) { pending[id] = ticket }

  /// The report is durable.
  package mutating func commit(_ id: RetryID, node: UInt64) {
    pending[id] = nil
    insert(id, node: node)
  }

  /// The report will never be durable.
  package mutating func rollBack(_ id: RetryID) { pending[id] = nil }

  /// Remembers the id of a durable report as its node's newest. One that is known stays where it
  /// is: a start meets ids in the newest seal and again in the logs behind it.
  package mutating func insert(_ id: RetryID, node: UInt64) {
    let slot = slotByNode[node] ?? makeSlot(node)
    makeNewest(slot)
    if holds(id, slot: slot) { return }
    let chunk = Int(slot) / Self.slotsPerChunk
    let base = Int(slot) % Self.slotsPerChunk * perNode
    let next = Int(slots[Int(slot)].next)
    chunks[chunk][base + next] = id
    slots[Int(slot)].next = UInt8((next + 1) % perNode)
    slots[Int(slot)].count = UInt8(min(Int(slots[Int(slot)].count) + 1, perNode))
  }

  // MARK: Snapshot

  /// Nodes by their slots, the one that has been silent longest first.
  func slotsBySilence() -> [Int32] {
    var order: [Int32] = []
    order.reserveCapacity(slots.count)
    var slot = oldest
    while slot != Self.none {
      order.append(slot)
      slot = slots[Int(slot)].newer
    }
    return order
  }

  /// Appends the ids of these slots as a seal holds them, each node's oldest first; only durable
  /// ones.
  ///
  /// An id lies in memory as in the file: two words, in the little-endian order of every processor
  /// that Swift runs on. So a ring is two pieces to copy; 150,000 nodes take 0.1 s in 293 slices,
  /// most of it the first touch of the copy.
  func append(slots some: ArraySlice<Int32>, to builder: inout ByteBuilder) {
    for slot in some.lazy.map(Int.init) {
      let state = slots[slot]
      let count = Int(state.count)
      let start = count < perNode ? 0 : Int(state.next)
      builder.append(state.nodeID)
      builder.append(state.count)
      chunks[slot / Self.slotsPerChunk].withUnsafeBytes { chunk in
        let size = MemoryLayout<RetryID>.stride
        let base = slot % Self.slotsPerChunk * perNode * size
        let ring = base..<base + count * size
        builder.append(raw: chunk[ring.dropFirst(start * size)].rebased)
        builder.append(raw: chunk[ring.prefix(start * size)].rebased)
      }
    }
  }

  // MARK: Slots

  private mutating func makeSlot(_ node: UInt64) -> Int32 {
    let slot: Int32
    if slots.count < maximumNodes {
      slot = Int32(slots.count)
      slots.append(Slot(nodeID: node))
      if Int(slot) % Self.slotsPerChunk == 0 {
        chunks.append(
          [RetryID](repeating: RetryID(low: 0, high: 0), count: Self.slotsPerChunk * perNode))
      }
    } else {
      slot = oldest
      unlink(slot)
      slotByNode[slots[Int(slot)].nodeID] = nil
      slots[Int(slot)] = Slot(nodeID: node)
      forgottenNodes += 1
    }
    slotByNode[node] = slot
    return slot
  }

  private mutating func makeNewest(_ slot: Int32) {
    guard newest != slot else { return }
    unlink(slot)
    slots[Int(slot)].older = newest
    slots[Int(slot)].newer = Self.none
    if newest != Self.none { slots[Int(newest)].newer = slot }
    newest = slot
    if oldest == Self.none { oldest = slot }
  }

  private mutating func unlink(_ slot: Int32) {
    let (older, newer) = (slots[Int(slot)].older, slots[Int(slot)].newer)
    if older != Self.none { slots[Int(older)].newer = newer }
    if newer != Self.none { slots[Int(newer)].older = older }
    if oldest == slot { oldest = newer }
    if newest == slot { newest = older }
    slots[Int(slot)].older = Self.none
    slots[Int(slot)].newer = Self.none
  }
}

/// A copy of all durable ids as a seal holds it, from the node that has been silent longest to the
/// last that was heard, so that a start which reads it knows whom to forget first.
///
/// Made in slices: nodes and ids that come while it is being made may be in it or not, since the
/// logs of later segments hold them too.
package struct RetrySnapshotBuilder {
  /// Taken at once, for nodes change their places while slices are made; nil: not begun.
  private var order: [Int32]?
  private var nextPlace = 0
  private var builder = ByteBuilder()

  package init() {}

  /// Copies some more; true when all is copied.
  package mutating func step(_ ids: RetryIDs) -> Bool {
    let order = self.order ?? ids.slotsBySilence()
    if self.order == nil {
      self.order = order
      // Once, so that no slice pays for moving what is there.
      builder.reserve(order.count * (9 + ids.perNode * MemoryLayout<RetryID>.size))
    }
    let end = min(order.count, nextPlace + IngestLimits.retryNodesPerSlice)
    ids.append(slots: order[nextPlace..<end], to: &builder)
    nextPlace = end
    return end == order.count
  }

  /// Once `step` has copied all.
  var snapshot: RetrySnapshot {
    RetrySnapshot(nodeCount: UInt32(nextPlace), bytes: builder.bytes)
  }
}

/// Durable ids by node: `nodeCount` times {node id u64, count u8, ids 2×u64}, little-endian.
package struct RetrySnapshot: Sendable, Equatable {
  package var nodeCount: UInt32
  package var bytes: [UInt8]

  package static let empty = RetrySnapshot(nodeCount: 0, bytes: [])

  /// Calls `body` with each id, a node's oldest first; false when the bytes end too early.
  package func forEach(_ body: (_ node: UInt64, _ id: RetryID) -> Void) -> Bool {
    bytes.withUnsafeBytes { buffer in
      var scanner = ByteScanner(buffer)
      for _ in 0..<nodeCount {
        guard let node = scanner.next(UInt64.self), let count = scanner.next(UInt8.self) else {
          return false
        }
        for _ in 0..<count {
          guard let low = scanner.next(UInt64.self), let high = scanner.next(UInt64.self) else {
            return false
          }
          body(node, RetryID(low: low, high: high))
        }
      }
      return true
    }
  }
}
