/// `spec` and `status` of a pod.
extension Cluster {
  func appendPodSpec(
    _ pod: PodObject, _ workload: Workload, _ shape: PodShape, isScheduled: Bool,
    to writer: inout ByteWriter
  ) {
    let isMirror = workload.kind == .mirror
    appendVolumes(pod, shape, isMirror: isMirror, to: &writer)
    appendInitContainers(workload, shape, to: &writer)
    writer.append("\"containers\":[")
    appendContainer("main", workload, shape.resources, restarts: false, to: &writer)
    if shape.hasSidecar {
      writer.append(",")
      appendContainer(
        "proxy", workload, Catalog.sidecarResources, restarts: false, to: &writer)
    }
    let isJob = workload.kind == .job || workload.kind == .cronJob
    writer.append(isJob ? "],\"restartPolicy\":\"Never\"" : "],\"restartPolicy\":\"Always\"")
    writer.append(
      """
      ,"terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst",\
      "serviceAccountName":"default","serviceAccount":"default"
      """)
    if isScheduled || isMirror {
      writer.append(",\"nodeName\":\"")
      append(nodes[Int(pod.identity.node)].name, to: &writer)
      writer.append("\"")
    }
    if isMirror || workload.kind == .daemonSet { writer.append(",\"hostNetwork\":true") }
    writer.append(
      """
      ,"securityContext":{},"schedulerName":"default-scheduler","tolerations":[\
      {"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute",\
      "tolerationSeconds":300},{"key":"node.kubernetes.io/unreachable","operator":"Exists",\
      "effect":"NoExecute","tolerationSeconds":300}]
      """)
    if let priorityClass = shape.priorityClass {
      writer.append(",\"priorityClassName\":\"")
      writer.append(priorityClass)
      writer.append("\",\"priority\":")
      writer.append(
        priorityClass.utf8CodeUnitCount == StaticString("high-priority").utf8CodeUnitCount
          ? "100000" : "2000001000")
    } else {
      writer.append(",\"priority\":0")
    }
    writer.append(",\"enableServiceLinks\":true,\"preemptionPolicy\":\"PreemptLowerPriority\"")
  }

  private func appendVolumes(
    _ pod: PodObject, _ shape: PodShape, isMirror: Bool, to writer: inout ByteWriter
  ) {
    writer.append("\"volumes\":[")
    if isMirror {
      writer.append(
        """
        {"name":"etc-kubernetes","hostPath":{"path":"/etc/kubernetes","type":"DirectoryOrCreate"}}],
        """)
      return
    }
    for index in 0..<pod.claimCount {
      if shape.claimsAreEphemeral {
        writer.append(
          """
          {"name":"scratch","ephemeral":{"volumeClaimTemplate":{"metadata":{},"spec":\
          {"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"10Gi"}},\
          "storageClassName":"gp3","volumeMode":"Filesystem"}}}},
          """)
      } else {
        writer.append("{\"name\":\"")
        writer.append(Catalog.claimNames[Int(index)])
        writer.append("\",\"persistentVolumeClaim\":{\"claimName\":\"")
        appendClaimName(claims[UInt32(pod.firstClaim + index)], to: &writer)
        writer.append("\"}},")
      }
    }
    writer.append("{\"name\":\"kube-api-access-")
    writer.append(nameLettersOf: pod.identity.uid.low, count: 5)
    writer.append(
      """
      ","projected":{"sources":[{"serviceAccountToken":{"expirationSeconds":3607,\
      "path":"token"}},{"configMap":{"name":"kube-root-ca.crt","items":[{"key":"ca.crt",\
      "path":"ca.crt"}]}},{"downwardAPI":{"items":[{"path":"namespace","fieldRef":\
      {"apiVersion":"v1","fieldPath":"metadata.namespace"}}]}}],"defaultMode":420}}],
      """)
  }

  private func appendInitContainers(
    _ workload: Workload, _ shape: PodShape, to writer: inout ByteWriter
  ) {
    guard shape.hasInit || shape.hasRestartableInit else { return }
    writer.append("\"initContainers\":[")
    if shape.hasRestartableInit {
      appendContainer(
        "mesh", workload, Catalog.sidecarResources, restarts: true, to: &writer)
      if shape.hasInit { writer.append(",") }
    }
    if shape.hasInit {
      appendContainer("setup", workload, Catalog.initResources, restarts: false, to: &writer)
    }
    writer.append("],")
  }

  private func appendContainer(
    _ name: StaticString, _ workload: Workload, _ resources: Catalog.Resources, restarts: Bool,
    to writer: inout ByteWriter
  ) {
    writer.append("{\"name\":\"")
    writer.append(name)
    writer.append("\",\"image\":\"registry.example.com/")
    append(workload.name, to: &writer)
    writer.append("/")
    writer.append(name)
    writer.append(":v1.")
    writer.append(decimal: workload.seed >> 32 % 40)
    writer.append("\",\"resources\":{")
    appendResources(resources, to: &writer)
    writer.append(restarts ? "},\"restartPolicy\":\"Always\"," : "},")
    writer.append(
      """
      "terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File",\
      "imagePullPolicy":"IfNotPresent"}
      """)
  }

  private func appendResources(_ resources: Catalog.Resources, to writer: inout ByteWriter) {
    let hasLimits =
      resources.limitedCPU != nil || resources.limitedMemory != nil
      || resources.limitedStorage != nil || resources.gpus != nil
    let hasRequests =
      resources.requestedCPU != nil || resources.requestedMemory != nil
      || resources.requestedStorage != nil || resources.gpus != nil
    if hasLimits {
      writer.append("\"limits\":{")
      appendQuantities(
        cpu: resources.limitedCPU, storage: resources.limitedStorage,
        memory: resources.limitedMemory, gpus: resources.gpus, to: &writer)
      writer.append(hasRequests ? "}," : "}")
    }
    if hasRequests {
      writer.append("\"requests\":{")
      appendQuantities(
        cpu: resources.requestedCPU, storage: resources.requestedStorage,
        memory: resources.requestedMemory, gpus: resources.gpus, to: &writer)
      writer.append("}")
    }
  }

  private func appendQuantities(
    cpu: StaticString?, storage: StaticString?, memory: StaticString?, gpus: StaticString?,
    to writer: inout ByteWriter
  ) {
    let start = writer.count
    appendQuantity("\"cpu\":\"", cpu, to: &writer)
    appendQuantity("\"ephemeral-storage\":\"", storage, to: &writer)
    appendQuantity("\"memory\":\"", memory, to: &writer)
    appendQuantity("\"nvidia.com/gpu\":\"", gpus, to: &writer)
    // The last one's comma.
    if writer.count > start { writer.truncate(to: writer.count - 1) }
  }

  private func appendQuantity(
    _ name: StaticString, _ quantity: StaticString?, to writer: inout ByteWriter
  ) {
    guard let quantity else { return }
    writer.append(name)
    writer.append(quantity)
    writer.append("\",")
  }

  func appendPodStatus(
    _ pod: PodObject, _ workload: Workload, _ shape: PodShape, _ nodeShape: NodeShape,
    isRunning: Bool, to writer: inout ByteWriter
  ) {
    guard isRunning else {
      writer.append("\"phase\":\"Pending\",\"qosClass\":\"")
      writer.append(shape.qosClass)
      writer.append("\"")
      return
    }
    writer.append("\"phase\":\"Running\",\"conditions\":[")
    for (number, type) in Cluster.podConditions.enumerated() {
      writer.append(number == 0 ? "{\"type\":\"" : ",{\"type\":\"")
      writer.append(type)
      writer.append("\",\"status\":\"True\",\"lastProbeTime\":null,\"lastTransitionTime\":\"")
      writer.append(rfc3339Seconds: pod.createdSeconds + 20)
      writer.append("\"}")
    }
    writer.append("],\"hostIP\":\"")
    writer.append(addressOf: nodeShape)
    writer.append("\",\"hostIPs\":[{\"ip\":\"")
    writer.append(addressOf: nodeShape)
    writer.append("\"}],\"podIP\":\"")
    appendAddress(pod, to: &writer)
    writer.append("\",\"podIPs\":[{\"ip\":\"")
    appendAddress(pod, to: &writer)
    writer.append("\"}],\"startTime\":\"")
    writer.append(rfc3339Seconds: pod.createdSeconds)
    writer.append(
      """
      ","containerStatuses":[{"name":"main","state":{"running":{"startedAt":"
      """)
    writer.append(rfc3339Seconds: pod.createdSeconds + 10)
    writer.append(
      """
      "}},"lastState":{},"ready":true,"restartCount":0,"image":"registry.example.com/
      """)
    append(workload.name, to: &writer)
    writer.append("/main:v1.")
    writer.append(decimal: workload.seed >> 32 % 40)
    writer.append("\",\"imageID\":\"registry.example.com/")
    append(workload.name, to: &writer)
    writer.append("/main@sha256:")
    for part in 0..<4 as Range<UInt64> {
      writer.append(hex: Random.mix(workload.seed, part), digits: 16)
    }
    writer.append("\",\"containerID\":\"containerd://")
    for part in 0..<4 as Range<UInt64> {
      writer.append(hex: Random.mix(pod.identity.uid.high, part), digits: 16)
    }
    writer.append("\",\"started\":true}],\"qosClass\":\"")
    writer.append(shape.qosClass)
    writer.append("\"")
  }

  private static let podConditions: [StaticString] = [
    "PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled",
  ]
}
