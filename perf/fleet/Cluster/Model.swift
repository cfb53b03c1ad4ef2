/// What the simulated cluster keeps of its objects. Only what cannot be computed again is stored;
/// names, labels, annotations and resources are functions of the numbers here, so that a million
/// pods fit in a few hundred megabytes and their JSON is made when it is asked for.

/// What owns a pod.
enum WorkloadKind: UInt8 {
  case deployment, statefulSet, daemonSet, cronJob, job, bare, mirror
}

/// A run of bytes in the cluster's text arena.
struct TextRange {
  var offset: UInt32
  var count: UInt32
}

/// A Deployment, StatefulSet, DaemonSet, CronJob, Job, a family of bare pods or of static pods.
struct Workload {
  var kind: WorkloadKind
  var namespace: UInt32
  var name: TextRange
  /// `", "namespace": "<namespace>", "name": "<name>`: what a report says between a pod's UID and
  /// the part of its name that is its own.
  var reportMiddle: TextRange
  var seed: UInt64
  /// The revision that new pods get: it decides the ReplicaSet's hash.
  var revision: UInt32 = 1
  /// The next ordinal or number.
  var sequence: UInt32 = 0
}

/// A node. Its instance type, zone and capacity type are functions of the seed.
struct Node {
  var seed: UInt64
  var uid: UID
  var name: TextRange
  var createdVersion: Int
  /// The version of its newest heartbeat, and that heartbeat's time.
  var version: Int
  var heartbeatSeconds: Int64
}

/// Which pod of its workload a pod is.
struct PodIdentity {
  var uid: UID
  var workload: UInt32
  /// Deployment: revision of the template. CronJob: minutes since 1970 of the run. Job: its number.
  var revision: UInt32
  /// Five generated letters as a number, or the ordinal of a StatefulSet's pod.
  var suffix: UInt32
  var node: UInt32
}

/// A pod in the API: what it is, and the versions at which it changed. What a list or watch at
/// version V shows follows from these alone, so a paged list is a true snapshot.
struct PodObject {
  var identity: PodIdentity
  var createdSeconds: Int64
  var terminatingSeconds: Int64 = 0
  var createdVersion: Int
  var runningVersion: Int
  /// 0: not yet.
  var terminatingVersion = 0
  /// 0: not yet.
  var deletedVersion = 0
  /// Slot of its first claim, or -1.
  var firstClaim: Int32 = -1
  var claimCount: Int32 = 0

  /// Whether a list at `version` holds it.
  func isListed(at version: Int) -> Bool {
    createdVersion <= version && (deletedVersion == 0 || deletedVersion > version)
  }
}

/// A claim and the volume bound to it. The claim is created at `createdVersion`, its volume one
/// version later, and the claim is bound one later still.
struct Claim {
  var uid: UID
  var workload: UInt32
  /// As the pod's, whose name is part of the claim's.
  var revision: UInt32
  var suffix: UInt32
  var node: UInt32
  /// Which of the pod's claims.
  var index: UInt32
  var createdSeconds: Int64
  var createdVersion: Int
  /// 0: not yet. The volume goes one version later.
  var deletedVersion = 0

  func isClaimListed(at version: Int) -> Bool {
    createdVersion <= version && (deletedVersion == 0 || deletedVersion > version)
  }

  func isVolumeListed(at version: Int) -> Bool {
    createdVersion < version && (deletedVersion == 0 || deletedVersion + 1 > version)
  }
}

/// A pod as its node's collector sees it.
struct PodSample {
  var identity: PodIdentity
  /// Microseconds since 1970; nil: no container has started.
  var startMicros: Int64?
  var transmittedBytes: UInt64 = 0
  var receivedBytes: UInt64 = 0
  var memoryPages: UInt32
  /// What it uses on average, in billionths of a core.
  var usualNanocores: UInt32
  var slot: UInt32
}

/// The four kinds that the API serves.
enum ObjectKind: Int, CaseIterable {
  case nodes, pods, persistentVolumeClaims, persistentVolumes

  var kindName: String {
    switch self {
    case .nodes: "Node"
    case .pods: "Pod"
    case .persistentVolumeClaims: "PersistentVolumeClaim"
    case .persistentVolumes: "PersistentVolume"
    }
  }

  var isNamespaced: Bool {
    self == .pods || self == .persistentVolumeClaims
  }

  init?(resource: Substring) {
    switch resource {
    case "nodes": self = .nodes
    case "pods": self = .pods
    case "persistentvolumeclaims": self = .persistentVolumeClaims
    case "persistentvolumes": self = .persistentVolumes
    default: return nil
    }
  }
}

/// What happened at one version.
struct Change {
  enum Event: UInt8 {
    case added, modified, deleted
  }

  var kind: ObjectKind
  var event: Event
  var slot: UInt32
}
