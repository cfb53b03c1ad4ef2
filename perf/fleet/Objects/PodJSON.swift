/// Pods as the API server shows them.
extension Cluster {
  /// What a pod is at one version.
  private struct PodState {
    var version: Int
    var isRunning: Bool
    var isTerminating: Bool
    var isDeleted: Bool
  }

  private func state(of pod: PodObject, at version: Int) -> PodState {
    let isDeleted = pod.deletedVersion != 0 && version >= pod.deletedVersion
    let isTerminating = pod.terminatingVersion != 0 && version >= pod.terminatingVersion
    let isRunning = version >= pod.runningVersion
    return PodState(
      version: isDeleted
        ? pod.deletedVersion
        : isTerminating
          ? pod.terminatingVersion : isRunning ? pod.runningVersion : pod.createdVersion,
      isRunning: isRunning, isTerminating: isTerminating, isDeleted: isDeleted)
  }

  /// A Pod object; `withType`: with `kind` and `apiVersion`, as in watch events.
  func appendPod(_ slot: UInt32, at version: Int, withType: Bool, to writer: inout ByteWriter) {
    let pod = pods[slot]
    let workload = workloads[Int(pod.identity.workload)]
    let shape = PodShape(of: workload)
    let node = nodes[Int(pod.identity.node)]
    let nodeShape = NodeShape(of: node)
    let state = state(of: pod, at: version)
    writer.append(withType ? "{\"kind\":\"Pod\",\"apiVersion\":\"v1\"," : "{")
    writer.append("\"metadata\":{\"name\":\"")
    appendName(pod.identity, to: &writer)
    appendGenerateName(pod.identity, workload, to: &writer)
    writer.append("\",\"namespace\":\"")
    writer.append(namespaces[Int(workload.namespace)])
    writer.append("\",\"uid\":\"")
    writer.append(uid: pod.identity.uid)
    writer.append("\",\"resourceVersion\":\"")
    writer.append(decimal: state.version)
    writer.append("\",\"generation\":")
    writer.append(state.isTerminating ? "2" : "1")
    writer.append(",\"creationTimestamp\":\"")
    writer.append(rfc3339Seconds: pod.createdSeconds)
    if state.isTerminating {
      writer.append("\",\"deletionTimestamp\":\"")
      writer.append(rfc3339Seconds: pod.terminatingSeconds)
      writer.append("\",\"deletionGracePeriodSeconds\":")
      writer.append(state.isDeleted ? "0" : "30")
      writer.append(",")
    } else {
      writer.append("\",")
    }
    appendLabels(
      pod.identity, workload, shape, zone: state.isRunning ? nodeShape.zone : nil, to: &writer)
    appendAnnotations(pod, workload, shape, isRunning: state.isRunning, to: &writer)
    appendOwner(pod.identity, workload, to: &writer)
    appendManagedFields(pod, to: &writer)
    writer.append("},\"spec\":{")
    appendPodSpec(pod, workload, shape, isScheduled: state.isRunning, to: &writer)
    writer.append("},\"status\":{")
    appendPodStatus(pod, workload, shape, nodeShape, isRunning: state.isRunning, to: &writer)
    writer.append("}}")
  }

  private func appendGenerateName(
    _ identity: PodIdentity, _ workload: Workload, to writer: inout ByteWriter
  ) {
    switch workload.kind {
    case .bare, .mirror: return
    case .deployment, .statefulSet, .daemonSet, .cronJob, .job: break
    }
    writer.append("\",\"generateName\":\"")
    appendOwnerName(identity, workload, to: &writer)
    writer.append("-")
  }

  /// The name of what owns the pod directly: for a Deployment that is its ReplicaSet.
  private func appendOwnerName(
    _ identity: PodIdentity, _ workload: Workload, to writer: inout ByteWriter
  ) {
    append(workload.name, to: &writer)
    switch workload.kind {
    case .deployment:
      writer.append("-")
      appendTemplateHash(revision: identity.revision, of: workload, to: &writer)
    case .cronJob, .job:
      writer.append("-")
      writer.append(decimal: UInt64(identity.revision))
    case .statefulSet, .daemonSet, .bare, .mirror: break
    }
  }

  private func ownerUID(_ identity: PodIdentity, _ workload: Workload) -> UID {
    switch workload.kind {
    case .mirror: nodes[Int(identity.node)].uid
    default: UID(of: Random.mix(workload.seed, UInt64(identity.revision)), label: 9)
    }
  }

  private func appendOwner(
    _ identity: PodIdentity, _ workload: Workload, to writer: inout ByteWriter
  ) {
    let version: StaticString
    let kind: StaticString
    switch workload.kind {
    case .deployment: (version, kind) = ("apps/v1", "ReplicaSet")
    case .statefulSet: (version, kind) = ("apps/v1", "StatefulSet")
    case .daemonSet: (version, kind) = ("apps/v1", "DaemonSet")
    case .cronJob, .job: (version, kind) = ("batch/v1", "Job")
    case .mirror: (version, kind) = ("v1", "Node")
    case .bare: return
    }
    writer.append("\"ownerReferences\":[{\"apiVersion\":\"")
    writer.append(version)
    writer.append("\",\"kind\":\"")
    writer.append(kind)
    writer.append("\",\"name\":\"")
    if workload.kind == .mirror {
      append(nodes[Int(identity.node)].name, to: &writer)
    } else {
      appendOwnerName(identity, workload, to: &writer)
    }
    writer.append("\",\"uid\":\"")
    writer.append(uid: ownerUID(identity, workload))
    writer.append(
      workload.kind == .mirror
        ? "\",\"controller\":true}],"
        : "\",\"controller\":true,\"blockOwnerDeletion\":true}],")
  }

  /// Six to ten labels, sorted by key as the API server writes them. Those about the zone are the
  /// node's, so a pod has them once it is scheduled.
  private func appendLabels(
    _ identity: PodIdentity, _ workload: Workload, _ shape: PodShape, zone: StaticString?,
    to writer: inout ByteWriter
  ) {
    // What a kind brings along leaves more or less room up to ten.
    let extra =
      switch workload.kind {
      case .deployment, .mirror: shape.extraLabels
      case .statefulSet: min(shape.extraLabels, 2)
      case .daemonSet: min(shape.extraLabels, 3)
      case .cronJob, .job: min(shape.extraLabels, 1)
      case .bare: max(shape.extraLabels, 1)
      }
    writer.append("\"labels\":{")
    if extra >= 3 { writer.append("\"app.kubernetes.io/component\":\"server\",") }
    writer.append("\"app.kubernetes.io/instance\":\"")
    append(workload.name, to: &writer)
    writer.append("\",\"app.kubernetes.io/name\":\"")
    append(workload.name, to: &writer)
    writer.append("\",")
    if extra >= 2 {
      writer.append("\"app.kubernetes.io/version\":\"v1.")
      writer.append(decimal: workload.seed >> 32 % 40)
      writer.append(".")
      writer.append(decimal: UInt64(identity.revision % 1000))
      writer.append("\",")
    }
    appendKindLabels(identity, workload, extra: extra, to: &writer)
    writer.append("\"team\":\"")
    writer.append(namespaces[Int(workload.namespace)])
    if workload.kind == .mirror { writer.append("\",\"tier\":\"control-plane") }
    if let zone {
      writer.append(
        "\",\"topology.kubernetes.io/region\":\"us-east-1\",\"topology.kubernetes.io/zone\":\"")
      writer.append(zone)
    }
    writer.append("\"},")
  }

  /// The labels between `app…` and `team` in the order of keys.
  private func appendKindLabels(
    _ identity: PodIdentity, _ workload: Workload, extra: Int, to writer: inout ByteWriter
  ) {
    switch workload.kind {
    case .statefulSet:
      writer.append("\"apps.kubernetes.io/pod-index\":\"")
      writer.append(decimal: UInt64(identity.suffix))
      writer.append("\",\"controller-revision-hash\":\"")
      append(workload.name, to: &writer)
      writer.append("-")
      appendTemplateHash(revision: 1, of: workload, to: &writer)
      writer.append("\",")
    case .daemonSet:
      writer.append("\"controller-revision-hash\":\"")
      appendTemplateHash(revision: 1, of: workload, to: &writer)
      writer.append("\",")
    case .cronJob, .job:
      writer.append("\"batch.kubernetes.io/controller-uid\":\"")
      writer.append(uid: ownerUID(identity, workload))
      writer.append("\",\"batch.kubernetes.io/job-name\":\"")
      appendOwnerName(identity, workload, to: &writer)
      writer.append("\",\"controller-uid\":\"")
      writer.append(uid: ownerUID(identity, workload))
      writer.append("\",")
    case .mirror:
      writer.append("\"component\":\"")
      append(workload.name, to: &writer)
      writer.append("\",")
    case .deployment, .bare: break
    }
    if extra >= 1 {
      writer.append("\"cost-center\":\"cc-")
      writer.append(decimal: 1000 + UInt64(workload.namespace) * 37 % 9000)
      writer.append("\",")
    }
    if extra >= 4 { writer.append("\"env\":\"production\",") }
    switch workload.kind {
    case .cronJob, .job:
      writer.append("\"job-name\":\"")
      appendOwnerName(identity, workload, to: &writer)
      writer.append("\",")
    case .daemonSet:
      writer.append("\"pod-template-generation\":\"1\",")
    case .deployment:
      writer.append("\"pod-template-hash\":\"")
      appendTemplateHash(revision: identity.revision, of: workload, to: &writer)
      writer.append("\",")
    case .statefulSet:
      writer.append("\"statefulset.kubernetes.io/pod-name\":\"")
      appendName(identity, to: &writer)
      writer.append("\",")
    case .bare, .mirror: break
    }
  }

  /// Two to five annotations; a fifth of the pods have one of some 500 bytes that no other pod has.
  private func appendAnnotations(
    _ pod: PodObject, _ workload: Workload, _ shape: PodShape, isRunning: Bool,
    to writer: inout ByteWriter
  ) {
    let uid = pod.identity.uid
    writer.append("\"annotations\":{")
    if workload.kind == .mirror {
      writer.append("\"kubernetes.io/config.hash\":\"")
      writer.append(plainHex: uid.ofStaticPod)
      writer.append("\",\"kubernetes.io/config.mirror\":\"")
      writer.append(plainHex: uid.ofStaticPod)
      writer.append("\",\"kubernetes.io/config.seen\":\"")
      writer.append(rfc3339Seconds: pod.createdSeconds)
      writer.append("\",\"kubernetes.io/config.source\":\"file\"},")
      return
    }
    if shape.hasConfigChecksum {
      writer.append("\"checksum/config\":\"")
      for part in 0..<4 as Range<UInt64> {
        writer.append(
          hex: Random.mix(workload.seed &+ part, UInt64(pod.identity.revision)), digits: 16)
      }
      writer.append("\",")
    }
    writer.append("\"example.com/owner-contact\":\"")
    writer.append(namespaces[Int(workload.namespace)])
    writer.append("-oncall@example.com\",")
    if isRunning && uid.low % 5 == 0 {
      appendNetworkStatus(pod, to: &writer)
    }
    if shape.hasRestartedAt {
      writer.append("\"kubectl.kubernetes.io/restartedAt\":\"2026-11-02T09:30:11Z\",")
    }
    writer.append("\"prometheus.io/scrape\":\"")
    writer.append(shape.hasPrometheus ? "true\"}," : "false\"},")
  }

  /// What a CNI plugin says of the pod's interfaces: JSON in a string, about 500 bytes.
  private func appendNetworkStatus(_ pod: PodObject, to writer: inout ByteWriter) {
    let uid = pod.identity.uid
    writer.append(
      """
      "k8s.v1.cni.cncf.io/network-status":"[{\\n    \\"name\\": \\"aws-cni\\",\\n    \
      \\"interface\\": \\"dummy
      """)
    writer.append(hex: uid.low, digits: 11)
    writer.append("\\\",\\n    \\\"ips\\\": [\\n        \\\"")
    appendAddress(pod, to: &writer)
    writer.append("\\\"\\n    ],\\n    \\\"mac\\\": \\\"")
    for byte in 0..<6 as Range<UInt64> {
      if byte > 0 { writer.append(":") }
      writer.append(hex: byte == 0 ? 2 : uid.high >> (byte * 8), digits: 2)
    }
    writer.append(
      """
      \\",\\n    \\"default\\": true,\\n    \\"dns\\": {},\\n    \\"trace\\": \\"
      """)
    for part in 0..<20 as Range<UInt64> {
      writer.append(hex: Random.mix(uid.low, part), digits: 16)
    }
    writer.append("\\\"\\n}]\",")
  }

  func appendAddress(_ pod: PodObject, to writer: inout ByteWriter) {
    writer.append("10.")
    writer.append(decimal: 128 + (pod.identity.uid.high >> 56 & 63))
    writer.append(".")
    writer.append(decimal: pod.identity.uid.high >> 48 & 255)
    writer.append(".")
    writer.append(decimal: pod.identity.uid.high >> 40 & 255)
  }

  private func appendManagedFields(_ pod: PodObject, to writer: inout ByteWriter) {
    writer.append(
      """
      "managedFields":[{"manager":"kube-controller-manager","operation":"Update",\
      "apiVersion":"v1","time":"
      """)
    writer.append(rfc3339Seconds: pod.createdSeconds)
    writer.append(
      """
      ","fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:annotations":{".":{},\
      "f:prometheus.io/scrape":{}},"f:generateName":{},"f:labels":{".":{},\
      "f:app.kubernetes.io/name":{}}},"f:spec":{"f:containers":{"k:{\\"name\\":\\"main\\"}":\
      {".":{},"f:image":{},"f:name":{},"f:resources":{".":{},"f:requests":{".":{},"f:cpu":{}}}}},\
      "f:dnsPolicy":{},"f:restartPolicy":{},"f:schedulerName":{}}}},{"manager":"kubelet",\
      "operation":"Update","apiVersion":"v1","time":"
      """)
    writer.append(rfc3339Seconds: pod.createdSeconds)
    writer.append(
      """
      ","fieldsType":"FieldsV1","fieldsV1":{"f:status":{"f:conditions":{\
      "k:{\\"type\\":\\"Ready\\"}":{".":{},"f:status":{},"f:type":{}}},"f:containerStatuses":{},\
      "f:phase":{},"f:podIP":{},"f:startTime":{}}},"subresource":"status"}]
      """)
  }
}

extension UID {
  /// What the kubelet calls a static pod whose mirror pod has this UID.
  var ofStaticPod: UID {
    UID(of: high, label: low)
  }
}
