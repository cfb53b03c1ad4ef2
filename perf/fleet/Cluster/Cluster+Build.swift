/// Fills a new cluster with the objects that are there at its first version.
extension Cluster {
  func build(
    assignments: [ClusterPlan.Assignment], historyCapacity: Int, startMicros: Int64
  ) {
    let startSeconds = startMicros / CalendarTime.microsPerSecond
    // Real clusters do not begin at 1 either.
    var version = 1000
    makeNodes(startSeconds: startSeconds, version: &version)
    let places = spread(assignments)
    let filler = PodSample(
      identity: PodIdentity(
        uid: UID(of: 0, label: 0), workload: 0, revision: 0, suffix: 0, node: 0),
      startMicros: nil, memoryPages: 0, usualNanocores: 0, slot: 0)
    samples = Array(repeating: filler, count: podCount)
    var position = 0
    for node in 0..<nodeCount {
      nodeStarts.append(position)
      for workload in places[node] {
        // Pods are up to 20 days old, most of them much younger.
        let age = Int64(random.below(1 + random.below(20 * 86_400)))
        let pod = makePod(
          workload: Int(workload), node: node, createdSeconds: startSeconds - 120 - age,
          version: &version)
        samples[position] = sample(of: pod.object, slot: pod.slot)
        // What it has sent and received since it started, at up to 64 KiB a second.
        samples[position].transmittedBytes = UInt64(age) * UInt64(random.below(1 << 16))
        samples[position].receivedBytes = UInt64(age) * UInt64(random.below(1 << 16))
        position += 1
      }
    }
    nodeStarts.append(position)
    livePods = podCount
    history = History(capacity: historyCapacity, version: version)
  }

  private func makeNodes(startSeconds: Int64, version: inout Int) {
    for node in 0..<nodeCount {
      version += 1
      // A walk over the addresses that meets each once.
      let address = (node &* 40_503 &+ 4357) & 0xFFFF | (node >> 16) << 16
      let name = "ip-10-\(address >> 16 & 255)-\(address >> 8 & 255)-\(address & 255).ec2.internal"
      nodes.append(
        Node(
          seed: random.next(), uid: UID(from: &random), name: intern(name),
          createdVersion: version, version: version, heartbeatSeconds: startSeconds))
    }
  }

  /// The workloads of each node's pods: daemons and static pods where they belong, the others so
  /// that all nodes have the same number of pods, give or take one.
  private func spread(_ assignments: [ClusterPlan.Assignment]) -> [[UInt32]] {
    var places = Array(repeating: [UInt32](), count: nodeCount)
    var free: [UInt32] = []
    for assignment in assignments {
      let workload = UInt32(assignment.workload)
      if let targets = assignment.nodes {
        for node in targets { places[node].append(workload) }
      } else {
        free.append(contentsOf: repeatElement(workload, count: assignment.replicas))
      }
    }
    for index in stride(from: free.count - 1, to: 0, by: -1) {
      free.swapAt(index, random.below(index + 1))
    }
    var remaining = free.makeIterator()
    for node in 0..<nodeCount {
      let target = podCount * (node + 1) / nodeCount - podCount * node / nodeCount
      while places[node].count < target, let workload = remaining.next() {
        places[node].append(workload)
      }
    }
    var node = 0
    while let workload = remaining.next() {
      places[node % nodeCount].append(workload)
      node += 1
    }
    return places
  }

  /// A pod of the initial state, running, with its claims.
  private func makePod(
    workload index: Int, node: Int, createdSeconds: Int64, version: inout Int
  ) -> (object: PodObject, slot: UInt32) {
    let identity = nextIdentity(workload: index, node: node, seconds: createdSeconds)
    version += 1
    var pod = PodObject(
      identity: identity, createdSeconds: createdSeconds, createdVersion: version,
      runningVersion: version)
    let count = PodShape(of: workloads[index]).claimCount
    for claim in 0..<count {
      let slot = claims.insert(
        Claim(
          uid: UID(from: &random), workload: identity.workload, revision: identity.revision,
          suffix: identity.suffix, node: identity.node, index: UInt32(claim),
          createdSeconds: createdSeconds, createdVersion: version),
        history: &history)
      if claim == 0 { pod.firstClaim = Int32(slot) }
      version += 2
    }
    pod.claimCount = Int32(count)
    liveClaims += count
    let slot = pods.insert(pod, history: &history)
    return (pod, slot)
  }

  /// The identity of one more pod of a workload.
  func nextIdentity(workload index: Int, node: Int, seconds: Int64) -> PodIdentity {
    var identity = PodIdentity(
      uid: UID(from: &random), workload: UInt32(index), revision: 0, suffix: 0, node: UInt32(node))
    switch workloads[index].kind {
    case .deployment:
      identity.revision = workloads[index].revision
      identity.suffix = nextSuffix()
    case .statefulSet:
      identity.suffix = workloads[index].sequence
      workloads[index].sequence += 1
    case .daemonSet, .bare, .mirror:
      identity.suffix = nextSuffix()
    case .cronJob:
      // A CronJob's run is named by the minute it was due, here a full ten minutes.
      identity.revision = UInt32(clamping: seconds / 600 * 10)
      identity.suffix = nextSuffix()
    case .job:
      identity.revision = workloads[index].sequence
      workloads[index].sequence += 1
      identity.suffix = nextSuffix()
    }
    return identity
  }

  /// What the collector sees of a pod that has just started.
  func sample(of pod: PodObject, slot: UInt32) -> PodSample {
    let shape = PodShape(of: workloads[Int(pod.identity.workload)])
    var random = Random(seed: pod.identity.uid.low, label: 3)
    var start: Int64? =
      (pod.createdSeconds + 1 + Int64(random.below(20))) * CalendarTime.microsPerSecond
    if random.oneIn(4) { start = start.map { $0 + Int64(random.below(1_000_000)) } }
    if random.oneIn(200) { start = nil }
    return PodSample(
      identity: pod.identity, startMicros: start, memoryPages: 2048 + random.below(1 << 18),
      usualNanocores: 1 + random.below(shape.usualNanocores), slot: slot)
  }
}
