/// The index: pods by UID or mirror annotation, nodes and volumes by name, claims by namespace and
/// name; what was deleted stays usable for a while.
///
/// Owned by the writer's thread. Claims and volumes are looked up when a row group is sealed, so
/// the order in which pods, claims and volumes arrive does not matter.
package final class ClusterIndex {
  private var nodes = RecordTable<NodeRecord>()
  private var pods = RecordTable<PodRecord>()
  private var claims = RecordTable<ClaimRecord>()
  private var volumes = RecordTable<VolumeRecord>()
  private var mirrors = MirrorTable()
  private var tombstones = Tombstones()
  /// Records were forgotten since the tables were last trimmed.
  private var hasForgotten = false
  private let counters: KubeCounters
  private let maximumTombstones: Int

  package init(
    counters: KubeCounters, maximumTombstones: Int = KubeIndexLimits.maximumTombstones
  ) {
    self.counters = counters
    self.maximumTombstones = maximumTombstones
  }

  // MARK: Changes

  /// Takes in one change. `nowSeconds` is the writer's monotonic clock and never goes back.
  package func apply(_ change: IndexChange, nowSeconds: Int64) {
    switch change {
    case .relistBegan(let kind): beginRelist(kind)
    case .applied(let record): apply(record)
    case .deleted(let record): delete(record, nowSeconds: nowSeconds)
    case .relistEnded(let kind): endRelist(kind, nowSeconds: nowSeconds)
    }
  }

  private func apply(_ record: ObjectRecord) {
    switch record {
    case .node(let node):
      _ = nodes.apply(node, hash: node.name.hash) { $0.name == node.name }
    case .pod(let pod):
      let old = pods.apply(pod, hash: pod.uid.hash) { $0.uid == pod.uid }
      mirrors.replace(old, with: pod, isDeleted: false)
    case .claim(let claim):
      _ = claims.apply(claim, hash: claim.keyHash) { $0.hasKey(of: claim) }
    case .volume(let volume):
      _ = volumes.apply(volume, hash: volume.name.hash) { $0.name == volume.name }
    }
    publishCount(record.kind)
  }

  private func delete(_ record: ObjectRecord, nowSeconds: Int64) {
    let isBuried: Bool
    switch record {
    case .node(let node):
      isBuried =
        nodes.delete(
          node, hash: node.name.hash, matches: { $0.name == node.name },
          isSameObject: { $0.incarnation == node.incarnation }
        ).isBuried
    case .pod(let pod):
      let deletion = pods.delete(
        pod, hash: pod.uid.hash, matches: { $0.uid == pod.uid }, isSameObject: { _ in true })
      if case .buried(let old) = deletion {
        mirrors.replace(old, with: pod, isDeleted: true)
      }
      isBuried = deletion.isBuried
    case .claim(let claim):
      isBuried =
        claims.delete(
          claim, hash: claim.keyHash, matches: { $0.hasKey(of: claim) },
          isSameObject: { $0.incarnation == claim.incarnation }
        ).isBuried
    case .volume(let volume):
      isBuried =
        volumes.delete(
          volume, hash: volume.name.hash, matches: { $0.name == volume.name },
          isSameObject: { $0.incarnation == volume.incarnation }
        ).isBuried
    }
    if isBuried { bury(record, nowSeconds: nowSeconds) }
    publishCount(record.kind)
  }

  private func beginRelist(_ kind: ObjectKind) {
    switch kind {
    case .nodes: nodes.beginRelist()
    case .pods: pods.beginRelist()
    case .persistentVolumeClaims: claims.beginRelist()
    case .persistentVolumes: volumes.beginRelist()
    }
  }

  private func endRelist(_ kind: ObjectKind, nowSeconds: Int64) {
    switch kind {
    case .nodes: for node in nodes.endRelist() { bury(.node(node), nowSeconds: nowSeconds) }
    case .pods: for pod in pods.endRelist() { bury(.pod(pod), nowSeconds: nowSeconds) }
    case .persistentVolumeClaims:
      for claim in claims.endRelist() { bury(.claim(claim), nowSeconds: nowSeconds) }
    case .persistentVolumes:
      for volume in volumes.endRelist() { bury(.volume(volume), nowSeconds: nowSeconds) }
    }
    publishCount(kind)
  }

  // MARK: Tombstones

  private func bury(_ record: ObjectRecord, nowSeconds: Int64) {
    if tombstones.count >= maximumTombstones, let oldest = tombstones.removeFirst() {
      if forget(oldest.record) { counters.tombstonesDropped.add(1) }
    }
    tombstones.append(Tombstones.Entry(seconds: nowSeconds, record: record))
  }

  /// Forgets what was deleted more than 10 minutes ago and, by then, before the oldest row that
  /// still waits to be joined: `oldestRowSeconds` is when that row arrived, on the clock of
  /// `nowSeconds`; nil: no row waits.
  ///
  /// Looks at no more than `KubeIndexLimits.tombstonesPerExpiry`, since a million can be due at
  /// once; false: more are due, call again.
  @discardableResult
  package func expire(nowSeconds: Int64, oldestRowSeconds: Int64?) -> Bool {
    let horizon = min(nowSeconds, oldestRowSeconds ?? nowSeconds)
    var remaining = KubeIndexLimits.tombstonesPerExpiry
    while let oldest = tombstones.first,
      oldest.seconds + KubeIndexLimits.tombstoneSeconds <= horizon
    {
      guard remaining > 0 else { return false }
      remaining -= 1
      _ = tombstones.removeFirst()
      if forget(oldest.record) { hasForgotten = true }
    }
    if hasForgotten { trim() }
    return true
  }

  private func trim() {
    hasForgotten = false
    nodes.table.trim()
    pods.table.trim()
    claims.table.trim()
    volumes.table.trim()
  }

  /// True if the record was still there as deleted.
  private func forget(_ record: ObjectRecord) -> Bool {
    switch record {
    case .node(let node): return nodes.forget(node, hash: node.name.hash)
    case .pod(let pod):
      guard pods.forget(pod, hash: pod.uid.hash) else { return false }
      mirrors.remove(pod)
      return true
    case .claim(let claim): return claims.forget(claim, hash: claim.keyHash)
    case .volume(let volume): return volumes.forget(volume, hash: volume.name.hash)
    }
  }

  // MARK: Lookups

  /// The pod with this UID, else the static pod whose mirror pod carries it; deleted ones included.
  package func pod(id: UnsafeRawBufferPointer) -> PodRecord? {
    counted(find(PodQuery(id: id, packed: PodUID(packing: id))))
  }

  /// A pod that is looked for by its UID.
  package struct PodQuery {
    let id: UnsafeRawBufferPointer
    let packed: PodUID?
    let hash: UInt64

    /// `packed` is the UID's packed form, nil if it has none. The bytes must outlive the query.
    package init(id: UnsafeRawBufferPointer, packed: PodUID?) {
      self.id = id
      self.packed = packed
      hash = Text.hash(id)
    }
  }

  /// Gives what `pod(id:)` gives for each query to `body`, in order. Asks for the memory of all
  /// of them first, so that they should be tens.
  package func pods(
    _ queries: UnsafeBufferPointer<PodQuery>, _ body: (PodRecord?) -> Void
  ) {
    for query in queries { pods.table.prefetchSlot(hash: query.hash) }
    for query in queries { pods.table.prefetchValue(hash: query.hash) }
    var missCount = 0
    for query in queries {
      let record = find(query)
      missCount += record == nil ? 1 : 0
      body(record)
    }
    counters.lookups.add(queries.count)
    counters.misses.add(missCount)
  }

  private func find(_ query: PodQuery) -> PodRecord? {
    pods.find(hash: query.hash) { $0.hasUID(query.id, packed: query.packed) }
      ?? mirrors.find(id: query.id, hash: query.hash)
  }

  /// The node of this name.
  package func node(name: UnsafeRawBufferPointer) -> NodeRecord? {
    counted(nodes.find(hash: Text.hash(name)) { $0.name.equals(name) })
  }

  /// The claim of this name in a namespace.
  package func claim(namespace: Text, name: Text) -> ClaimRecord? {
    let hash = ClaimRecord.keyHash(namespace: namespace, name: name)
    return counted(claims.find(hash: hash) { $0.namespace == namespace && $0.name == name })
  }

  /// The volume of this name.
  package func volume(name: Text) -> VolumeRecord? {
    counted(volumes.find(hash: name.hash) { $0.name == name })
  }

  private func counted<Record>(_ record: Record?) -> Record? {
    counters.lookups.add(1)
    if record == nil { counters.misses.add(1) }
    return record
  }

  // MARK: State

  /// Every kind has been listed in whole once.
  package var isReady: Bool { ObjectKind.allCases.allSatisfy { isReady($0) } }

  /// This kind has been listed in whole once.
  package func isReady(_ kind: ObjectKind) -> Bool {
    switch kind {
    case .nodes: nodes.isReady
    case .pods: pods.isReady
    case .persistentVolumeClaims: claims.isReady
    case .persistentVolumes: volumes.isReady
    }
  }

  /// Objects that exist, deleted ones not counted.
  package func liveCount(_ kind: ObjectKind) -> Int {
    switch kind {
    case .nodes: nodes.liveCount
    case .pods: pods.liveCount
    case .persistentVolumeClaims: claims.liveCount
    case .persistentVolumes: volumes.liveCount
    }
  }

  /// Deleted objects that are still usable.
  package var tombstoneCount: Int {
    nodes.deletedCount + pods.deletedCount + claims.deletedCount + volumes.deletedCount
  }

  private func publishCount(_ kind: ObjectKind) {
    counters.kind(kind).objects.set(liveCount(kind))
  }

  /// Calls `body` with every object that exists, in no order.
  package func forEachLive(_ body: (ObjectRecord) -> Void) {
    nodes.table.forEach { _, record, mark in if mark != 0 { body(.node(record)) } }
    pods.table.forEach { _, record, mark in if mark != 0 { body(.pod(record)) } }
    claims.table.forEach { _, record, mark in if mark != 0 { body(.claim(record)) } }
    volumes.table.forEach { _, record, mark in if mark != 0 { body(.volume(record)) } }
  }

  /// What is wrong inside; nil: nothing. For tests.
  func checkInvariants() -> String? {
    if let fault = nodes.table.checkInvariants() { return "nodes: \(fault)" }
    if let fault = pods.table.checkInvariants() { return "pods: \(fault)" }
    if let fault = claims.table.checkInvariants() { return "claims: \(fault)" }
    if let fault = volumes.table.checkInvariants() { return "volumes: \(fault)" }
    if let fault = mirrors.table.checkInvariants() { return "mirrors: \(fault)" }
    if tombstoneCount > tombstones.count { return "deleted objects without a tombstone" }
    return nil
  }
}

extension RecordTable.Deletion {
  var isBuried: Bool {
    if case .buried = self { true } else { false }
  }
}

extension ClaimRecord {
  var keyHash: UInt64 { ClaimRecord.keyHash(namespace: namespace, name: name) }

  static func keyHash(namespace: Text, name: Text) -> UInt64 {
    var hash = HashMixer(seed: namespace.hash)
    hash.mix(name.hash)
    return hash.value
  }

  func hasKey(of other: ClaimRecord) -> Bool {
    name == other.name && namespace == other.namespace
  }
}
