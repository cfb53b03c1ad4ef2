/// What the index knows of the four kinds of objects. Records are immutable: an update is a new
/// record, so a reader that retains one needs no lock and sees no change.

/// The four kinds that are listed and watched.
package enum ObjectKind: Int, Sendable, CaseIterable {
  case nodes, pods, persistentVolumeClaims, persistentVolumes

  /// The plural name in API paths and messages.
  package var resource: String {
    switch self {
    case .nodes: "nodes"
    case .pods: "pods"
    case .persistentVolumeClaims: "persistentvolumeclaims"
    case .persistentVolumes: "persistentvolumes"
    }
  }
}

/// What pods of one owner have in common, and so most pods of a cluster share with others.
///
/// Interned as a whole: two templates of one pool are equal exactly when they are the same object.
package final class PodTemplate: Sendable {
  package let namespace: Text
  /// Name of the controlling owner reference, else of the first; nil: none.
  package let owner: Text?
  package let ownerKind: Text?
  /// The owner as people know it: Deployment rather than ReplicaSet, CronJob rather than Job; a pod
  /// without an owner is its own workload.
  package let workload: Text
  /// `Pod` for a pod without an owner.
  package let workloadKind: Text
  /// `key=value`, sorted by key.
  package let labels: TextList
  /// `status.qosClass`.
  package let qosClass: Text?
  /// `spec.priorityClassName`.
  package let priorityClass: Text?
  package let resources: PodResources
  package let hash: UInt64

  package init(
    namespace: Text, owner: Text?, ownerKind: Text?, workload: Text, workloadKind: Text,
    labels: TextList, qosClass: Text?, priorityClass: Text?, resources: PodResources
  ) {
    self.namespace = namespace
    self.owner = owner
    self.ownerKind = ownerKind
    self.workload = workload
    self.workloadKind = workloadKind
    self.labels = labels
    self.qosClass = qosClass
    self.priorityClass = priorityClass
    self.resources = resources
    var hash = HashMixer(seed: labels.hash)
    for text in [namespace, owner, ownerKind, workload, workloadKind, qosClass, priorityClass] {
      hash.mix(text?.hash ?? 0)
    }
    resources.mix(into: &hash)
    self.hash = hash.value
  }

  package var requestsCPUMillicores: Int64 { resources.requestsCPUMillicores }
  package var requestsMemoryBytes: Int64 { resources.requestsMemoryBytes }
  package var limitsCPUMillicores: Int64 { resources.limitsCPUMillicores }
  package var limitsMemoryBytes: Int64 { resources.limitsMemoryBytes }
  /// Ephemeral storage.
  package var requestsStorageBytes: Int64 { resources.requestsStorageBytes }
  package var limitsStorageBytes: Int64 { resources.limitsStorageBytes }
  /// Effective requests of resources named `…/gpu` or `nvidia.com/mig-…`, added.
  package var gpuRequests: Int64 { resources.gpuRequests }

  /// Equal in every member. Texts and lists of both must come from one pool.
  func isSame(as other: PodTemplate) -> Bool {
    hash == other.hash && namespace === other.namespace && owner === other.owner
      && ownerKind === other.ownerKind && workload === other.workload
      && workloadKind === other.workloadKind && labels === other.labels
      && qosClass === other.qosClass && priorityClass === other.priorityClass
      && resources == other.resources
  }
}

/// The effective resources of a pod, as Kubernetes' resource helper computes them. Not set = 0;
/// values beyond 2^63-1 stay there.
package struct PodResources: Sendable, Equatable {
  package var requestsCPUMillicores: Int64 = 0
  package var requestsMemoryBytes: Int64 = 0
  package var limitsCPUMillicores: Int64 = 0
  package var limitsMemoryBytes: Int64 = 0
  package var requestsStorageBytes: Int64 = 0
  package var limitsStorageBytes: Int64 = 0
  package var gpuRequests: Int64 = 0

  package init() {}

  func mix(into hash: inout HashMixer) {
    hash.mix(requestsCPUMillicores)
    hash.mix(requestsMemoryBytes)
    hash.mix(limitsCPUMillicores)
    hash.mix(limitsMemoryBytes)
    hash.mix(requestsStorageBytes)
    hash.mix(limitsStorageBytes)
    hash.mix(gpuRequests)
  }
}

/// A pod: 56 bytes, which malloc takes from its size class of 64. Its name is not kept, since rows
/// have it from the reports.
package final class PodRecord: Sendable {
  private let high: UInt64
  private let low: UInt64
  package let template: PodTemplate
  /// `key=value`, sorted by key.
  package let annotations: TextList
  private let rest: Rest

  /// One word: the claims, beside which a UID that is no UUID finds a place when there is one.
  private enum Rest {
    case claims(TextList)
    case textual(TextualRest)
  }

  private final class TextualRest: Sendable {
    let uid: Text
    let claims: TextList

    init(uid: Text, claims: TextList) {
      self.uid = uid
      self.claims = claims
    }
  }

  package init(uid: PodUID, template: PodTemplate, annotations: TextList, claims: TextList) {
    high = uid.high
    low = uid.low
    self.template = template
    self.annotations = annotations
    rest = uid.text.map { .textual(TextualRest(uid: $0, claims: claims)) } ?? .claims(claims)
  }

  package var uid: PodUID {
    switch rest {
    case .claims: PodUID(high: high, low: low)
    case .textual(let rest): PodUID(text: rest.uid)
    }
  }

  /// Whether the UID is exactly `id`, of which `packed` is the packed form, nil if it has none.
  func hasUID(_ id: UnsafeRawBufferPointer, packed: PodUID?) -> Bool {
    switch rest {
    case .claims: high == packed?.high && low == packed?.low
    case .textual(let rest): rest.uid.equals(id)
    }
  }

  /// Names of the claims in the pod's volumes, in spec order, each once.
  package var claims: TextList {
    switch rest {
    case .claims(let claims): claims
    case .textual(let rest): rest.claims
    }
  }
}

extension PodRecord {
  /// What a pod consists of, by address: valid as long as its record is retained.
  package struct Parts: @unchecked Sendable, BitwiseCopyable {
    package let template: Unmanaged<PodTemplate>
    package let annotations: Unmanaged<TextList>
    package let claims: Unmanaged<TextList>
  }

  package var parts: Parts {
    Parts(
      template: .passUnretained(template), annotations: .passUnretained(annotations),
      claims: .passUnretained(claims))
  }
}

/// A node.
package final class NodeRecord: Sendable {
  package let name: Text
  /// Annotation `cluster.x-k8s.io/cluster-name`.
  package let clusterName: Text?
  /// `i-…` of a providerID that begins with `aws://`.
  package let instanceID: Text?
  /// Label `node.kubernetes.io/instance-type`.
  package let instanceType: Text?
  /// Label `topology.kubernetes.io/zone`.
  package let zone: Text?
  /// Label `eks.amazonaws.com/capacityType`, else `karpenter.sh/capacity-type`, in lower case with
  /// `-` for `_`.
  package let capacityType: Text?
  /// Hash of `metadata.uid`: tells a node from another that had its name.
  let incarnation: UInt64

  package init(
    name: Text, clusterName: Text? = nil, instanceID: Text? = nil, instanceType: Text? = nil,
    zone: Text? = nil, capacityType: Text? = nil, incarnation: UInt64 = 0
  ) {
    self.name = name
    self.clusterName = clusterName
    self.instanceID = instanceID
    self.instanceType = instanceType
    self.zone = zone
    self.capacityType = capacityType
    self.incarnation = incarnation
  }
}

/// A PersistentVolumeClaim.
package final class ClaimRecord: Sendable {
  package let namespace: Text
  package let name: Text
  /// `spec.resources.requests.storage`, rounded up to whole bytes; not set = 0.
  package let storageBytes: Int64
  /// `spec.volumeName`; nil while unbound.
  package let volumeName: Text?
  let incarnation: UInt64

  package init(
    namespace: Text, name: Text, storageBytes: Int64, volumeName: Text?, incarnation: UInt64 = 0
  ) {
    self.namespace = namespace
    self.name = name
    self.storageBytes = storageBytes
    self.volumeName = volumeName
    self.incarnation = incarnation
  }
}

/// A PersistentVolume.
package final class VolumeRecord: Sendable {
  package let name: Text
  /// `vol-…` of CSI driver `ebs.csi.aws.com` or in-tree `awsElasticBlockStore`; nil: no EBS volume.
  package let volumeID: Text?
  let incarnation: UInt64

  package init(name: Text, volumeID: Text?, incarnation: UInt64 = 0) {
    self.name = name
    self.volumeID = volumeID
    self.incarnation = incarnation
  }
}
