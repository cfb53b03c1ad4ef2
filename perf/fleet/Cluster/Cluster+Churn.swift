/// What happens to the cluster as time passes; all of it on the driver's thread.
extension Cluster {
  /// Replaces `count` pods: each is deleted and its workload gets another one. Pods of daemons stay
  /// on their node, the others move among the places that become free, so that every node keeps its
  /// number of pods.
  func churn(count: Int, nowSeconds: Int64) {
    var positions: [Int] = []
    var chosen: Set<Int> = []
    for _ in 0..<(count * 4) where positions.count < count {
      let position = random.below(podCount)
      guard mayLeave(position), chosen.insert(position).inserted else { continue }
      positions.append(position)
    }
    let movable = positions.filter { kind(at: $0) != .daemonSet }
    var destinations = Dictionary(
      uniqueKeysWithValues: zip(movable, movable.dropFirst() + movable.prefix(1)))
    // Both halves of a move happen under one hold of the lock; a few hundred take a millisecond.
    var replaced: [(position: Int, workload: Int, old: PodObject)] = []
    change {
      for position in positions {
        let old = remove(at: position, nowSeconds: nowSeconds)
        let target = destinations.removeValue(forKey: position) ?? position
        replaced.append((target, Int(old.identity.workload), old))
      }
    }
    change {
      for (position, workload, old) in replaced {
        add(workload: workload, at: position, replacing: old, nowSeconds: nowSeconds)
      }
    }
  }

  /// A tenth of the nodes say that they are still there.
  func heartbeat(nowSeconds: Int64) {
    change {
      for _ in 0..<max(nodeCount / 10, 1) {
        let node = random.below(nodeCount)
        nodes[node].version = history.append(
          Change(kind: .nodes, event: .modified, slot: UInt32(node)))
        nodes[node].heartbeatSeconds = nowSeconds
      }
    }
  }

  private func kind(at position: Int) -> WorkloadKind {
    workloads[Int(samples[position].identity.workload)].kind
  }

  private func mayLeave(_ position: Int) -> Bool {
    switch kind(at: position) {
    case .mirror: false
    case .daemonSet: random.oneIn(10)
    case .statefulSet: random.oneIn(2)
    default: true
    }
  }

  /// Terminates and deletes the pod at a position, with the claims that die with it.
  private func remove(at position: Int, nowSeconds: Int64) -> PodObject {
    let slot = samples[position].slot
    pods[slot].terminatingSeconds = nowSeconds
    pods[slot].terminatingVersion = history.append(
      Change(kind: .pods, event: .modified, slot: slot))
    let version = history.append(Change(kind: .pods, event: .deleted, slot: slot))
    pods[slot].deletedVersion = version
    pods.release(slot, deletedAt: version)
    livePods -= 1
    deletedPods += 1
    let pod = pods[slot]
    if pod.claimCount > 0,
      PodShape(of: workloads[Int(pod.identity.workload)]).claimsAreEphemeral
    {
      removeClaims(of: pod)
    }
    return pod
  }

  private func removeClaims(of pod: PodObject) {
    for index in 0..<pod.claimCount {
      let slot = UInt32(pod.firstClaim + index)
      let version = history.append(
        Change(kind: .persistentVolumeClaims, event: .deleted, slot: slot))
      claims[slot].deletedVersion = version
      let last = history.append(Change(kind: .persistentVolumes, event: .deleted, slot: slot))
      claims.release(slot, deletedAt: last)
      liveClaims -= 1
    }
  }

  /// Creates the successor of `old` and runs it at a position.
  private func add(
    workload index: Int, at position: Int, replacing old: PodObject, nowSeconds: Int64
  ) {
    let node = Int(nodeOf(position: position))
    if workloads[index].kind == .deployment, random.oneIn(4) { workloads[index].revision += 1 }
    var identity = nextIdentity(workload: index, node: node, seconds: nowSeconds)
    var firstClaim: Int32 = -1
    if workloads[index].kind == .statefulSet {
      // The same name and the same claims, which it finds again.
      workloads[index].sequence -= 1
      identity.suffix = old.identity.suffix
      firstClaim = old.firstClaim
    } else if old.claimCount > 0 {
      firstClaim = addClaim(of: identity, nowSeconds: nowSeconds)
    }
    // Created within the interval that has just gone by, as its collector reports it from now on.
    let created = nowSeconds - 30
    let slot = pods.insert(
      PodObject(
        identity: identity, createdSeconds: created, createdVersion: 0, runningVersion: 0,
        firstClaim: firstClaim, claimCount: old.claimCount),
      history: &history)
    pods[slot].createdVersion = history.append(Change(kind: .pods, event: .added, slot: slot))
    pods[slot].runningVersion = history.append(Change(kind: .pods, event: .modified, slot: slot))
    livePods += 1
    createdPods += 1
    samples[position] = sample(of: pods[slot], slot: slot)
  }

  /// The one claim of a pod whose claims live and die with it.
  private func addClaim(of identity: PodIdentity, nowSeconds: Int64) -> Int32 {
    let slot = claims.insert(
      Claim(
        uid: UID(from: &random), workload: identity.workload, revision: identity.revision,
        suffix: identity.suffix, node: identity.node, index: 0, createdSeconds: nowSeconds - 30,
        createdVersion: 0),
      history: &history)
    claims[slot].createdVersion = history.append(
      Change(kind: .persistentVolumeClaims, event: .added, slot: slot))
    _ = history.append(Change(kind: .persistentVolumes, event: .added, slot: slot))
    _ = history.append(Change(kind: .persistentVolumeClaims, event: .modified, slot: slot))
    liveClaims += 1
    return Int32(slot)
  }

  private func nodeOf(position: Int) -> UInt32 {
    samples[position].identity.node
  }
}
