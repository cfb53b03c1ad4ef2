/// What the API reads of the cluster, a bounded piece at a time; the caller holds the lock.
extension Cluster {
  func slotCount(of kind: ObjectKind) -> Int {
    switch kind {
    case .nodes: nodes.count
    case .pods: pods.elements.count
    case .persistentVolumeClaims, .persistentVolumes: claims.elements.count
    }
  }

  func liveCount(of kind: ObjectKind) -> Int {
    switch kind {
    case .nodes: nodes.count
    case .pods: livePods
    case .persistentVolumeClaims, .persistentVolumes: liveClaims
    }
  }

  func isListed(_ kind: ObjectKind, slot: UInt32, at version: Int) -> Bool {
    switch kind {
    case .nodes: true
    case .pods: pods[slot].isListed(at: version)
    case .persistentVolumeClaims: claims[slot].isClaimListed(at: version)
    case .persistentVolumes: claims[slot].isVolumeListed(at: version)
    }
  }

  func namespace(of kind: ObjectKind, slot: UInt32) -> String? {
    switch kind {
    case .nodes, .persistentVolumes: nil
    case .pods: namespaces[Int(workloads[Int(pods[slot].identity.workload)].namespace)]
    case .persistentVolumeClaims: namespaces[Int(workloads[Int(claims[slot].workload)].namespace)]
    }
  }

  func appendObject(
    _ kind: ObjectKind, slot: UInt32, at version: Int, withType: Bool, to writer: inout ByteWriter
  ) {
    switch kind {
    case .nodes: appendNode(slot, at: version, withType: withType, to: &writer)
    case .pods: appendPod(slot, at: version, withType: withType, to: &writer)
    case .persistentVolumeClaims:
      appendClaim(slot, at: version, withType: withType, to: &writer)
    case .persistentVolumes: appendVolume(slot, at: version, withType: withType, to: &writer)
    }
  }

  /// The event of one version as a line of a watch.
  func appendEvent(_ change: Change, at version: Int, to writer: inout ByteWriter) {
    switch change.event {
    case .added: writer.append("{\"type\":\"ADDED\",\"object\":")
    case .modified: writer.append("{\"type\":\"MODIFIED\",\"object\":")
    case .deleted: writer.append("{\"type\":\"DELETED\",\"object\":")
    }
    appendObject(change.kind, slot: change.slot, at: version, withType: true, to: &writer)
    writer.append("}\n")
  }

  static func appendBookmark(
    _ kind: ObjectKind, at version: Int, endsInitialEvents: Bool, to writer: inout ByteWriter
  ) {
    writer.append("{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"")
    writer.append(kind.kindName)
    writer.append("\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"")
    writer.append(decimal: version)
    writer.append("\"")
    if endsInitialEvents {
      writer.append(",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}")
    }
    switch kind {
    case .nodes:
      writer.append(
        """
        },"spec":{},"status":{"daemonEndpoints":{"kubeletEndpoint":{"Port":0}},"nodeInfo":\
        {"machineID":"","systemUUID":"","bootID":"","kernelVersion":"","osImage":"",\
        "containerRuntimeVersion":"","kubeletVersion":"","kubeProxyVersion":"",\
        "operatingSystem":"","architecture":""}}}}
        """)
    case .pods: writer.append("},\"spec\":{\"containers\":null},\"status\":{}}}")
    case .persistentVolumeClaims:
      writer.append("},\"spec\":{\"resources\":{}},\"status\":{}}}")
    case .persistentVolumes: writer.append("},\"spec\":{},\"status\":{}}}")
    }
    writer.append("\n")
  }
}
