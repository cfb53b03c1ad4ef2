extension Cluster {
  /// A Node object; `withType`: with `kind` and `apiVersion`, as in watch events.
  func appendNode(_ slot: UInt32, at version: Int, withType: Bool, to writer: inout ByteWriter) {
    let node = nodes[Int(slot)]
    let shape = NodeShape(of: node)
    writer.append(withType ? "{\"kind\":\"Node\",\"apiVersion\":\"v1\"," : "{")
    writer.append("\"metadata\":{\"name\":\"")
    append(node.name, to: &writer)
    writer.append("\",\"uid\":\"")
    writer.append(uid: node.uid)
    writer.append("\",\"resourceVersion\":\"")
    writer.append(decimal: node.version <= version ? node.version : node.createdVersion)
    writer.append("\",\"creationTimestamp\":\"2026-10-01T06:12:44Z\",\"labels\":{")
    appendNodeLabels(node, shape, to: &writer)
    writer.append(
      "},\"annotations\":{\"csi.volume.kubernetes.io/nodeid\":\"{\\\"ebs.csi.aws.com\\\": \\\"")
    writer.append(instanceID: shape.instanceID)
    writer.append(
      """
      \\"}","node.alpha.kubernetes.io/ttl":"0",\
      "volumes.kubernetes.io/controller-managed-attach-detach":"true"},\
      "managedFields":[{"manager":"kubelet","operation":"Update","apiVersion":"v1","time":"
      """)
    writer.append(rfc3339Seconds: node.heartbeatSeconds)
    writer.append(
      """
      ","fieldsType":"FieldsV1","fieldsV1":{"f:status":{"f:allocatable":{"f:memory":{}},\
      "f:conditions":{"k:{\\"type\\":\\"Ready\\"}":{"f:lastHeartbeatTime":{}}}}},\
      "subresource":"status"}]},"spec":{"podCIDR":"10.244.0.0/24","podCIDRs":["10.244.0.0/24"],\
      "providerID":"aws:///
      """)
    writer.append(shape.zone)
    writer.append("/")
    writer.append(instanceID: shape.instanceID)
    writer.append("\"},\"status\":{")
    appendNodeStatus(node, shape, to: &writer)
    writer.append("}}")
  }

  private func appendNodeLabels(
    _ node: Node, _ shape: NodeShape, to writer: inout ByteWriter
  ) {
    writer.append("\"beta.kubernetes.io/arch\":\"amd64\",\"beta.kubernetes.io/instance-type\":\"")
    writer.append(shape.type.name)
    writer.append("\",\"beta.kubernetes.io/os\":\"linux\",")
    if shape.isKarpenter {
      writer.append(
        shape.isSpot
          ? "\"karpenter.sh/capacity-type\":\"spot\",\"karpenter.sh/nodepool\":\"general\","
          : "\"karpenter.sh/capacity-type\":\"on-demand\",\"karpenter.sh/nodepool\":\"general\",")
    } else {
      writer.append(
        shape.isSpot
          ? "\"eks.amazonaws.com/capacityType\":\"SPOT\",\"eks.amazonaws.com/nodegroup\":\"spot\","
          : """
          "eks.amazonaws.com/capacityType":"ON_DEMAND","eks.amazonaws.com/nodegroup":"general",
          """)
    }
    writer.append(
      """
      "failure-domain.beta.kubernetes.io/region":"us-east-1",\
      "failure-domain.beta.kubernetes.io/zone":"
      """)
    writer.append(shape.zone)
    writer.append("\",\"kubernetes.io/arch\":\"amd64\",\"kubernetes.io/hostname\":\"")
    append(node.name, to: &writer)
    writer.append("\",\"kubernetes.io/os\":\"linux\",\"node.kubernetes.io/instance-type\":\"")
    writer.append(shape.type.name)
    writer.append(
      "\",\"topology.kubernetes.io/region\":\"us-east-1\",\"topology.kubernetes.io/zone\":\"")
    writer.append(shape.zone)
    writer.append("\"")
  }

  private func appendNodeStatus(
    _ node: Node, _ shape: NodeShape, to writer: inout ByteWriter
  ) {
    writer.append("\"capacity\":{\"cpu\":\"")
    writer.append(shape.type.cores)
    writer.append(
      """
      ","ephemeral-storage":"83873772Ki","hugepages-1Gi":"0","hugepages-2Mi":"0","memory":"
      """)
    writer.append(shape.type.memory)
    appendGPUs(shape, to: &writer)
    writer.append("\",\"pods\":\"110\"},\"allocatable\":{\"cpu\":\"")
    writer.append(shape.type.allocatable)
    writer.append(
      """
      ","ephemeral-storage":"76224326324","hugepages-1Gi":"0","hugepages-2Mi":"0","memory":"
      """)
    writer.append(shape.type.memory)
    appendGPUs(shape, to: &writer)
    writer.append("\",\"pods\":\"110\"},\"conditions\":[")
    appendCondition(
      """
      {"type":"MemoryPressure","status":"False","lastHeartbeatTime":"
      """,
      """
      ","lastTransitionTime":"2026-10-01T06:12:50Z","reason":"KubeletHasSufficientMemory",\
      "message":"kubelet has sufficient memory available"},
      """, node, to: &writer)
    appendCondition(
      """
      {"type":"DiskPressure","status":"False","lastHeartbeatTime":"
      """,
      """
      ","lastTransitionTime":"2026-10-01T06:12:50Z","reason":"KubeletHasNoDiskPressure",\
      "message":"kubelet has no disk pressure"},
      """, node, to: &writer)
    appendCondition(
      """
      {"type":"Ready","status":"True","lastHeartbeatTime":"
      """,
      """
      ","lastTransitionTime":"2026-10-01T06:13:05Z","reason":"KubeletReady",\
      "message":"kubelet is posting ready status"}],"addresses":[{"type":"InternalIP","address":"
      """, node, to: &writer)
    writer.append(addressOf: shape)
    writer.append("\"},{\"type\":\"InternalDNS\",\"address\":\"")
    append(node.name, to: &writer)
    writer.append("\"},{\"type\":\"Hostname\",\"address\":\"")
    append(node.name, to: &writer)
    writer.append(
      """
      "}],"daemonEndpoints":{"kubeletEndpoint":{"Port":10250}},"nodeInfo":{"machineID":"
      """)
    writer.append(hex: node.uid.high, digits: 16)
    writer.append(hex: node.uid.low, digits: 16)
    writer.append("\",\"systemUUID\":\"")
    writer.append(uid: UID(of: node.seed, label: 6))
    writer.append("\",\"bootID\":\"")
    writer.append(uid: UID(of: node.seed, label: 7))
    writer.append(
      """
      ","kernelVersion":"6.1.112-122.189.amzn2023.x86_64",\
      "osImage":"Amazon Linux 2023.6.20241010","containerRuntimeVersion":"containerd://1.7.22",\
      "kubeletVersion":"v1.36.2","kubeProxyVersion":"","operatingSystem":"linux",\
      "architecture":"amd64"},"images":[
      """)
    for image in 0..<12 as Range<UInt64> {
      writer.append(
        image == 0
          ? "{\"names\":[\"registry.example.com/app-" : ",{\"names\":[\"registry.example.com/app-")
      writer.append(decimal: image)
      writer.append("@sha256:")
      for part in 0..<4 as Range<UInt64> {
        writer.append(hex: Random.mix(image, part), digits: 16)
      }
      writer.append("\"],\"sizeBytes\":")
      writer.append(decimal: 40_000_000 + Random.mix(image, 9) % 900_000_000)
      writer.append("}")
    }
    writer.append("]")
  }

  private func appendGPUs(_ shape: NodeShape, to writer: inout ByteWriter) {
    guard let gpus = shape.type.gpus else { return }
    writer.append("\",\"nvidia.com/gpu\":\"")
    writer.append(gpus)
  }

  private func appendCondition(
    _ head: StaticString, _ tail: StaticString, _ node: Node, to writer: inout ByteWriter
  ) {
    writer.append(head)
    writer.append(rfc3339Seconds: node.heartbeatSeconds)
    writer.append(tail)
  }
}
