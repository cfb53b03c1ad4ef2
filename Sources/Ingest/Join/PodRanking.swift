import Columnar

/// The pods of a batch in the order of (namespace, pod_id), unsigned bytes. Pods that are equal in
/// both, one pod reported under two names or start times, share a rank.
struct PodRanking {
  /// Rank by pod ordinal.
  private(set) var ranks: [UInt32] = []
  /// By rank: the pod's ordinal; `nullEntry` where several share it.
  private(set) var podOfRank: [UInt32] = []

  private struct Key {
    /// The namespace's rank and the first 4 bytes of pod_id.
    var high: UInt64
    /// The next 8 bytes of pod_id.
    var low: UInt64
    var pod: UInt32
  }

  /// Ranks all pods. O(pods * log pods).
  init(_ batch: ReportBatch) {
    let podCount = batch.podCount
    let namespaces = TextDictionary()
    let entries = (0..<podCount).map { namespaces.intern(batch.podNamespace($0)) }
    let namespaceRanks = namespaces.ranks() ?? Array(0..<UInt32(namespaces.count))
    var keys = (0..<podCount).map { pod in
      let id = batch.podID(pod)
      return Key(
        high: UInt64(namespaceRanks[Int(entries[pod])]) << 32 | TextOrder.key(id, from: 0) >> 32,
        low: TextOrder.key(id, from: 4), pod: UInt32(pod))
    }
    func order(_ left: Key, _ right: Key) -> Int {
      if left.high != right.high { return left.high < right.high ? -1 : 1 }
      if left.low != right.low { return left.low < right.low ? -1 : 1 }
      return TextOrder.compare(batch.podID(Int(left.pod)), batch.podID(Int(right.pod)))
    }
    keys.sort {
      let order = order($0, $1)
      return order != 0 ? order < 0 : $0.pod < $1.pod
    }
    ranks = [UInt32](repeating: 0, count: podCount)
    podOfRank.reserveCapacity(podCount)
    for (index, key) in keys.enumerated() {
      if index > 0 && order(keys[index - 1], key) == 0 {
        podOfRank[podOfRank.count - 1] = nullEntry
      } else {
        podOfRank.append(key.pod)
      }
      ranks[Int(key.pod)] = UInt32(podOfRank.count - 1)
    }
  }
}
