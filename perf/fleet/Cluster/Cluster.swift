import Synchronization

/// The simulated cluster: its objects, their versions and what the collectors see of its pods.
///
/// One thread, the driver, changes it and reads it freely; it holds the lock while it changes what
/// the API shows. Every other thread reads under the lock, through `read`. That makes it sendable.
final class Cluster: @unchecked Sendable {
  let seed: UInt64
  let workloadCount: Int
  let nodeCount: Int
  let podCount: Int

  var workloads: [Workload] = []
  var namespaces: [String] = []
  var nodes: [Node] = []
  /// Pods by position; those of node `n` are at `nodeStarts[n] ..< nodeStarts[n + 1]`. A position's
  /// pod is replaced by churn, but it always has one, so each round reports exactly `podCount`
  /// rows.
  var samples: [PodSample] = []
  var nodeStarts: [Int] = []

  var pods: SlotTable<PodObject>
  var claims: SlotTable<Claim>
  var history: History
  var livePods = 0
  var liveClaims = 0

  /// Draws what churn does.
  var random: Random
  /// Counts generated names, so that no two pods share one.
  var nameCounter: UInt32 = 0

  private(set) var arena: [UInt8] = []
  private let lock = Mutex<Void>(())

  /// Pods that churn created and deleted so far.
  var createdPods = 0
  var deletedPods = 0

  /// `history`: changes that a watch can resume over; `startMicros`: the simulated time at which
  /// the cluster is first seen.
  init(nodeCount: Int, podCount: Int, seed: UInt64, history: Int, startMicros: Int64) {
    self.seed = seed
    self.nodeCount = nodeCount
    self.podCount = podCount
    random = Random(seed: seed, label: 1)
    pods = SlotTable(capacity: podCount + max(history / 2, podCount / 8) + 1)
    claims = SlotTable(capacity: podCount / 4 + max(history / 4, 64))
    self.history = History(capacity: history, version: 0)
    var plan = ClusterPlan(nodeCount: nodeCount, podCount: podCount, seed: seed)
    let assignments = plan.makeWorkloads()
    namespaces = plan.namespaces
    workloadCount = plan.workloads.count
    for planned in plan.workloads { workloads.append(add(planned)) }
    build(assignments: assignments, historyCapacity: history, startMicros: startMicros)
  }

  /// Reads on a thread that is not the driver.
  func read<Result>(_ body: (borrowing Cluster) -> Result) -> Result {
    lock.withLock { _ in body(self) }
  }

  /// Changes what the API shows; on the driver's thread only.
  func change<Result>(_ body: () -> Result) -> Result {
    lock.withLock { _ in body() }
  }

  // MARK: Text

  func intern(_ text: String) -> TextRange {
    let offset = arena.count
    arena.append(contentsOf: text.utf8)
    return TextRange(offset: UInt32(offset), count: UInt32(arena.count - offset))
  }

  @inline(__always)
  func append(_ range: TextRange, to writer: inout ByteWriter) {
    arena.withUnsafeBytes { bytes in
      let start = Int(range.offset)
      writer.append(UnsafeRawBufferPointer(rebasing: bytes[start..<start + Int(range.count)]))
    }
  }

  func text(_ range: TextRange) -> String {
    let start = Int(range.offset)
    return String(decoding: arena[start..<start + Int(range.count)], as: UTF8.self)
  }

  private func add(_ planned: ClusterPlan.PlannedWorkload) -> Workload {
    let namespace = namespaces[planned.namespace]
    return Workload(
      kind: planned.kind, namespace: UInt32(planned.namespace), name: intern(planned.name),
      reportMiddle: intern("\", \"namespace\": \"\(namespace)\", \"name\": \"\(planned.name)"),
      seed: planned.seed)
  }

  // MARK: Names

  /// A number that `append(nameLettersOf:)` turns into five letters no other pod has.
  func nextSuffix() -> UInt32 {
    nameCounter = (nameCounter &+ 1) % nameSuffixCount
    // A factor that is not a multiple of 3 maps the numbers below 27^5 onto themselves.
    return UInt32((UInt64(nameCounter) * 8_121_701 + seed % 1_000_003) % UInt64(nameSuffixCount))
  }

  /// What follows the workload's name in the name of one of its pods.
  @inline(__always)
  func appendNameTail(_ identity: PodIdentity, of workload: Workload, to writer: inout ByteWriter) {
    let dash = UInt8(ascii: "-")
    switch workload.kind {
    case .deployment:
      writer.append(byte: dash)
      appendTemplateHash(revision: identity.revision, of: workload, to: &writer)
      writer.append(byte: dash)
      writer.append(nameLettersOf: UInt64(identity.suffix), count: 5)
    case .statefulSet:
      writer.append(byte: dash)
      writer.append(decimal: UInt64(identity.suffix))
    case .daemonSet, .bare:
      writer.append(byte: dash)
      writer.append(nameLettersOf: UInt64(identity.suffix), count: 5)
    case .cronJob, .job:
      writer.append(byte: dash)
      writer.append(decimal: UInt64(identity.revision))
      writer.append(byte: dash)
      writer.append(nameLettersOf: UInt64(identity.suffix), count: 5)
    case .mirror:
      writer.append(byte: dash)
      append(nodes[Int(identity.node)].name, to: &writer)
    }
  }

  /// The ReplicaSet's hash, which the API server calls `pod-template-hash`.
  @inline(__always)
  func appendTemplateHash(revision: UInt32, of workload: Workload, to writer: inout ByteWriter) {
    let hash = Random.mix(workload.seed, UInt64(revision))
    writer.append(nameLettersOf: hash, count: hash >> 60 == 0 ? 9 : 10)
  }

  func appendName(_ identity: PodIdentity, to writer: inout ByteWriter) {
    let workload = workloads[Int(identity.workload)]
    append(workload.name, to: &writer)
    appendNameTail(identity, of: workload, to: &writer)
  }
}
