/// What the pods of one workload have in common: a function of the workload's seed.
struct PodShape {
  var resources: Catalog.Resources
  var hasSidecar: Bool
  /// A sidecar of the native kind: an init container that restarts.
  var hasRestartableInit: Bool
  var hasInit: Bool
  /// How many claims each pod has, and whether they live and die with it.
  var claimCount: Int
  var claimsAreEphemeral: Bool
  /// Labels beyond those of its kind.
  var extraLabels: Int
  var hasConfigChecksum: Bool
  var hasPrometheus: Bool
  var hasRestartedAt: Bool
  /// An upper bound of the average use, in billionths of a core.
  var usualNanocores: UInt32
  var priorityClass: StaticString?

  init(of workload: Workload) {
    self.init(kind: workload.kind, seed: workload.seed)
  }

  init(kind: WorkloadKind, seed: UInt64) {
    var random = Random(seed: seed, label: 4)
    resources = random.pick(Catalog.resources)
    hasSidecar = random.oneIn(5)
    hasRestartableInit = random.oneIn(20)
    hasInit = random.oneIn(6)
    claimCount = 0
    claimsAreEphemeral = false
    usualNanocores = 10_000_000 << random.below(7)
    extraLabels = random.below(5)
    hasConfigChecksum = random.oneIn(2)
    hasPrometheus = random.oneIn(2)
    hasRestartedAt = random.oneIn(4)
    let isGPU = random.oneIn(12)
    let isEphemeral = random.oneIn(40)
    switch kind {
    case .statefulSet:
      claimCount = random.oneIn(4) ? 2 : 1
    case .deployment:
      claimCount = isEphemeral ? 1 : 0
      claimsAreEphemeral = isEphemeral
      if isGPU { resources = Catalog.gpuResources }
    case .job:
      if isGPU || random.oneIn(3) { resources = Catalog.gpuResources }
    case .daemonSet:
      hasSidecar = false
      priorityClass = "system-node-critical"
    case .mirror:
      hasSidecar = false
      hasInit = false
      hasRestartableInit = false
      extraLabels = 0
      hasConfigChecksum = false
      hasPrometheus = false
      hasRestartedAt = false
      resources = Catalog.Resources(requestedCPU: "250m")
      priorityClass = "system-node-critical"
    case .cronJob, .bare: break
    }
    if priorityClass == nil && random.oneIn(10) { priorityClass = "high-priority" }
  }

  /// `status.qosClass`, as Kubernetes computes it.
  var qosClass: StaticString {
    var all = [resources]
    if hasSidecar { all.append(Catalog.sidecarResources) }
    if hasRestartableInit { all.append(Catalog.sidecarResources) }
    if hasInit { all.append(Catalog.initResources) }
    if all.allSatisfy({ !$0.isSet }) { return "BestEffort" }
    return all.allSatisfy(\.isGuaranteed) ? "Guaranteed" : "Burstable"
  }
}
