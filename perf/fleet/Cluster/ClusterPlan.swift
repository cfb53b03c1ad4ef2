/// Decides which workloads a cluster of a given size runs, and how many pods each has.
///
/// Pods of daemons run on every node, static pods on the control plane; a tenth of the pods have
/// claims; the rest are Deployments with a few large ones and many small ones, and some Jobs.
struct ClusterPlan {
  struct PlannedWorkload {
    var kind: WorkloadKind
    var namespace: Int
    var name: String
    var seed: UInt64
  }

  /// Where the pods of one workload go.
  struct Assignment {
    var workload: Int
    /// One pod on each of these nodes, or `replicas` pods anywhere.
    var nodes: Range<Int>?
    var replicas: Int
  }

  let nodeCount: Int
  let podCount: Int
  private(set) var namespaces: [String] = []
  private(set) var workloads: [PlannedWorkload] = []
  private var random: Random
  private var used: [String: Int] = [:]

  init(nodeCount: Int, podCount: Int, seed: UInt64) {
    self.nodeCount = nodeCount
    self.podCount = podCount
    random = Random(seed: seed, label: 2)
  }

  mutating func makeWorkloads() -> [Assignment] {
    makeNamespaces()
    var assignments: [Assignment] = []
    var left = podCount
    for name in Catalog.daemons where left >= nodeCount * 4 {
      assignments.append(
        Assignment(
          workload: add(.daemonSet, namespace: name == "node-exporter" ? 1 : 0, name: name),
          nodes: 0..<nodeCount, replicas: nodeCount))
      left -= nodeCount
    }
    let controlPlane = min(3, nodeCount / 10)
    for name in Catalog.staticPods where controlPlane > 0 && left > controlPlane * 4 {
      assignments.append(
        Assignment(
          workload: add(.mirror, namespace: 0, name: name), nodes: 0..<controlPlane,
          replicas: controlPlane))
      left -= controlPlane
    }
    var claiming = 0
    while left > 0 {
      // A tenth of all pods have claims: a StatefulSet is next whenever there are fewer.
      let isShort = claiming * 10 < podCount - left
      let (kind, wanted) = isShort ? (.statefulSet, 2 + random.below(5)) : nextShape()
      let replicas = min(wanted, left)
      let namespace = kind == .bare ? 3 : pickNamespace()
      assignments.append(
        Assignment(
          workload: add(kind, namespace: namespace, name: pickName(kind)), nodes: nil,
          replicas: replicas))
      left -= replicas
      if PodShape(kind: kind, seed: workloads[assignments[assignments.count - 1].workload].seed)
        .claimCount > 0
      {
        claiming += replicas
      }
    }
    return assignments
  }

  private mutating func makeNamespaces() {
    namespaces = Catalog.systemNamespaces
    let wanted = max(8, min(600, podCount / 120))
    var number = 1
    outer: while true {
      for environment in Catalog.environments {
        for team in Catalog.teams {
          if namespaces.count >= wanted + Catalog.systemNamespaces.count { break outer }
          namespaces.append(number == 1 ? team + environment : "\(team)\(environment)-\(number)")
        }
      }
      number += 1
    }
  }

  /// Kind and replicas of the next workload that is not there for its claims.
  private mutating func nextShape() -> (WorkloadKind, Int) {
    switch random.below(100) {
    case 0..<12: return (.cronJob, 1 + random.below(3))
    case 12..<20: return (.job, 1 + random.below(8))
    case 20..<23: return (.bare, 1)
    default:
      // Half have at most three replicas; one in a hundred has hundreds.
      let scale = random.below(100)
      if scale < 50 { return (.deployment, 1 + random.below(3)) }
      if scale < 90 { return (.deployment, 3 + random.below(10)) }
      if scale < 99 { return (.deployment, 10 + random.below(40)) }
      return (.deployment, 50 + random.below(max(podCount / 200, 50)))
    }
  }

  private mutating func pickNamespace() -> Int {
    if random.oneIn(20) { return 1 + random.below(2) }
    // Squaring makes the first namespaces the big ones.
    let teams = namespaces.count - Catalog.systemNamespaces.count
    let first = random.below(teams)
    let second = random.below(teams)
    return Catalog.systemNamespaces.count + min(first, second)
  }

  private mutating func pickName(_ kind: WorkloadKind) -> String {
    switch kind {
    case .statefulSet: random.pick(Catalog.stores)
    case .cronJob: random.pick(Catalog.periodicTasks)
    case .job: random.pick(Catalog.jobs)
    case .bare: "notebook"
    default: random.pick(Catalog.components)
    }
  }

  /// Adds a workload under a name that is free in its namespace.
  private mutating func add(_ kind: WorkloadKind, namespace: Int, name: String) -> Int {
    let key = "\(namespace)/\(name)"
    let number = used[key, default: 0] + 1
    used[key] = number
    workloads.append(
      PlannedWorkload(
        kind: kind, namespace: namespace, name: number == 1 ? name : "\(name)-v\(number)",
        seed: random.next()))
    return workloads.count - 1
  }
}
