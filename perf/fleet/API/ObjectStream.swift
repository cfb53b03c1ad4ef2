/// A list or a watch in progress, which gives its bytes a chunk at a time. It holds no lock between
/// two chunks, and what it gives is consistent nevertheless: everything is rendered as of a
/// version.
enum ObjectStream {
  case list(ListStream)
  case watch(WatchStream)
}

/// One list, or one page of it.
struct ListStream {
  let kind: ObjectKind
  let namespace: String?
  let version: Int
  private var slot: Int
  private var remaining: Int
  private let limit: Int
  private var written = 0
  private var hasBegun = false
  private(set) var isFinished = false

  init(query: ListQuery, version: Int, slot: Int, remaining: Int) {
    kind = query.kind
    namespace = query.namespace
    self.version = version
    self.slot = slot
    self.remaining = remaining
    limit = query.limit ?? .max
  }

  /// Appends some more objects, at the end what closes the list; `cluster` is locked.
  mutating func appendChunk(of cluster: borrowing Cluster, to writer: inout ByteWriter) {
    if !hasBegun {
      hasBegun = true
      // The page's metadata comes first, so what is left is known before it is written.
      let total = namespace == nil ? remaining : cluster.count(kind, namespace, version, from: slot)
      remaining = total
      appendHead(of: cluster, to: &writer)
    }
    let end = cluster.slotCount(of: kind)
    var chunk = 0
    while slot < end, written < limit, chunk < FleetLimits.objectsPerChunk {
      let current = UInt32(slot)
      slot += 1
      guard matches(cluster, current) else { continue }
      if written > 0 { writer.append(",") }
      cluster.appendObject(kind, slot: current, at: version, withType: false, to: &writer)
      written += 1
      chunk += 1
    }
    if slot >= end || written >= limit {
      writer.append("]}\n")
      isFinished = true
    }
  }

  private func matches(_ cluster: borrowing Cluster, _ slot: UInt32) -> Bool {
    cluster.isListed(kind, slot: slot, at: version)
      && (namespace == nil || cluster.namespace(of: kind, slot: slot) == namespace)
  }

  private func appendHead(of cluster: borrowing Cluster, to writer: inout ByteWriter) {
    writer.append("{\"kind\":\"")
    writer.append(kind.kindName)
    writer.append("List\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"")
    writer.append(decimal: version)
    writer.append("\"")
    if remaining > limit {
      let token = ContinueToken(
        version: version, slot: slotAfterPage(of: cluster), remaining: remaining - limit)
      writer.append(",\"continue\":\"")
      writer.append(token.text)
      writer.append("\",\"remainingItemCount\":")
      writer.append(decimal: remaining - limit)
    }
    writer.append("},\"items\":[")
  }

  /// Where the page that begins here ends.
  private func slotAfterPage(of cluster: borrowing Cluster) -> Int {
    var position = slot
    var left = limit
    let end = cluster.slotCount(of: kind)
    while position < end, left > 0 {
      if matches(cluster, UInt32(position)) { left -= 1 }
      position += 1
    }
    return position
  }
}

extension Cluster {
  /// Objects of a namespace from a slot on.
  func count(_ kind: ObjectKind, _ namespace: String?, _ version: Int, from slot: Int) -> Int {
    (slot..<max(slotCount(of: kind), slot)).reduce(0) { sum, slot in
      let slot = UInt32(slot)
      let matches =
        isListed(kind, slot: slot, at: version)
        && (namespace == nil || self.namespace(of: kind, slot: slot) == namespace)
      return sum + (matches ? 1 : 0)
    }
  }
}

/// One watch, with the objects that are there already in front if it asked for them.
struct WatchStream {
  let kind: ObjectKind
  let namespace: String?
  let allowsBookmarks: Bool
  /// The version up to which everything was sent.
  private(set) var version: Int
  /// The next slot of the initial events; nil: there are none, or they are all sent.
  private var initialSlot: Int?
  private let announcesInitialEnd: Bool
  /// Nothing more comes: the history it needs is gone.
  private(set) var isExpired = false
  private(set) var eventCount = 0

  init(query: ListQuery, version: Int, startsWithObjects: Bool) {
    kind = query.kind
    namespace = query.namespace
    allowsBookmarks = query.allowsBookmarks
    self.version = version
    initialSlot = startsWithObjects ? 0 : nil
    announcesInitialEnd = query.sendsInitialEvents
  }

  /// Appends some more events; `cluster` is locked. Nothing appended: there is nothing new.
  mutating func appendChunk(of cluster: borrowing Cluster, to writer: inout ByteWriter) {
    if version < cluster.history.start {
      writer.append("{\"type\":\"ERROR\",\"object\":")
      writer.append(Status.watchExpired(version: version, oldest: cluster.history.start))
      writer.append("}\n")
      isExpired = true
      return
    }
    if initialSlot != nil {
      appendInitialEvents(of: cluster, to: &writer)
      return
    }
    var chunk = 0
    // Other kinds' changes cost little, but not nothing: look at a bounded number of them, too.
    let last = min(cluster.history.newest, version + 64 * FleetLimits.objectsPerChunk)
    while version < last, chunk < FleetLimits.objectsPerChunk {
      let next = version + 1
      version = next
      guard let change = cluster.history.change(at: next), change.kind == kind,
        namespace == nil || cluster.namespace(of: kind, slot: change.slot) == namespace
      else { continue }
      cluster.appendEvent(change, at: next, to: &writer)
      chunk += 1
      eventCount += 1
    }
  }

  private mutating func appendInitialEvents(
    of cluster: borrowing Cluster, to writer: inout ByteWriter
  ) {
    var slot = initialSlot ?? 0
    let end = cluster.slotCount(of: kind)
    var chunk = 0
    while slot < end, chunk < FleetLimits.objectsPerChunk {
      let current = UInt32(slot)
      slot += 1
      guard cluster.isListed(kind, slot: current, at: version),
        namespace == nil || cluster.namespace(of: kind, slot: current) == namespace
      else { continue }
      cluster.appendEvent(
        Change(kind: kind, event: .added, slot: current), at: version, to: &writer)
      chunk += 1
      eventCount += 1
    }
    initialSlot = slot
    if slot >= end {
      initialSlot = nil
      if announcesInitialEnd {
        Cluster.appendBookmark(kind, at: version, endsInitialEvents: true, to: &writer)
      }
    }
  }

  /// Whether there is something to send.
  func isBehind(_ cluster: borrowing Cluster) -> Bool {
    initialSlot != nil || version < cluster.history.newest
  }

  func appendBookmark(to writer: inout ByteWriter) {
    Cluster.appendBookmark(kind, at: version, endsInitialEvents: false, to: &writer)
  }
}
