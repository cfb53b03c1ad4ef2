import Columnar

/// The pods of a batch in the order of (namespace, pod_id), unsigned bytes. Pods that are equal in
/// both, one pod reported under two names or start times, share a rank.
struct PodRanking {
  /// Rank by pod ordinal.
  private(set) var ranks: [UInt32] = []
  /// By rank: the pod's ordinal; `nullEntry` where several share it.
  private(set) var podOfRank: [UInt32] = []

  /// Bits of a pod_id's prefix that pods are sorted by: for UUIDs that is enough that few share
  /// them, however many pods there are.
  private static let prefixBitCount = 22

  /// Ranks all pods: by namespace and a prefix of pod_id without comparing, and only those that are
  /// equal in both by comparing. O(pods), or where many share their prefix O(pods * log pods).
  init(_ batch: ReportBatch) {
    let podCount = batch.podCount
    let namespaces = TextDictionary()
    var keys: [KeyedOrdinal] = []
    keys.reserveCapacity(podCount)
    for ordinal in 0..<podCount {
      let pod = batch.reportedPod(ordinal)
      let namespace = UInt64(namespaces.intern(pod.namespace))
      keys.append(
        KeyedOrdinal(key: namespace << 32 | HexPrefix.key(pod.id), ordinal: UInt32(ordinal)))
    }
    if let ranks = namespaces.ranks() {
      for index in keys.indices {
        let key = keys[index].key
        keys[index].key = UInt64(ranks[Int(key >> 32)]) << 32 | key & 0xFFFF_FFFF
      }
    }
    let unsortedBitCount = 32 - Self.prefixBitCount
    let namespaceBitCount = RadixOrder.bitCount(upTo: UInt64(max(namespaces.count, 1) - 1))
    RadixOrder.sort(&keys, bits: unsortedBitCount..<32 + namespaceBitCount)
    rank(&keys, of: batch, unsortedBitCount: UInt64(unsortedBitCount))
  }

  private mutating func rank(
    _ keys: inout [KeyedOrdinal], of batch: ReportBatch, unsortedBitCount: UInt64
  ) {
    func id(_ key: KeyedOrdinal) -> UnsafeRawBufferPointer { batch.podID(Int(key.ordinal)) }
    ranks = [UInt32](repeating: 0, count: keys.count)
    podOfRank.reserveCapacity(keys.count)
    var start = 0
    while start < keys.count {
      let prefix = keys[start].key >> unsortedBitCount
      var end = start + 1
      while end < keys.count && keys[end].key >> unsortedBitCount == prefix { end += 1 }
      if end - start > 1 {
        keys[start..<end].sort {
          let order = TextOrder.compare(id($0), id($1))
          return order != 0 ? order < 0 : $0.ordinal < $1.ordinal
        }
      }
      for index in start..<end {
        if index > start && TextOrder.compare(id(keys[index - 1]), id(keys[index])) == 0 {
          podOfRank[podOfRank.count - 1] = nullEntry
        } else {
          podOfRank.append(keys[index].ordinal)
        }
        ranks[Int(keys[index].ordinal)] = UInt32(podOfRank.count - 1)
      }
      start = end
    }
  }
}

/// The first 8 characters of a text as 32 bits that never order two texts against their bytes, and
/// tell all lower-case hexadecimal ones apart.
enum HexPrefix {
  private static let digitCount = 8

  static func key(_ text: UnsafeRawBufferPointer) -> UInt64 {
    if text.count >= digitCount,
      let packed = PodKey.packed(text.loadUnaligned(as: UInt64.self))
    {
      // Two digits a byte, the first in the lowest.
      return UInt64(UInt32(truncatingIfNeeded: packed).byteSwapped)
    }
    return general(text)
  }

  /// A character that is no digit has the place of the next lower digit, and what follows it the
  /// highest one: whatever follows, it is not below texts with that digit there. One below all
  /// digits, and the end, has the lowest place, and so has what follows.
  private static func general(_ text: UnsafeRawBufferPointer) -> UInt64 {
    var key: UInt64 = 0
    for index in 0..<digitCount {
      let character = index < text.count ? text[index] : 0
      let left = UInt64(4 * (digitCount - 1 - index))
      switch character {
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        key |= UInt64(character - UInt8(ascii: "0")) << left
      case UInt8(ascii: "a")...UInt8(ascii: "f"):
        key |= UInt64(character - UInt8(ascii: "a") + 10) << left
      case ..<UInt8(ascii: "0"):
        return key
      default:
        let lower: UInt64 = character < UInt8(ascii: "a") ? 9 : 15
        return key | lower << left | (1 << left - 1)
      }
    }
    return key
  }
}
