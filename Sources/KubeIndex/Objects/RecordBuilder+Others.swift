extension RecordBuilder {
  /// The record of a node.
  func node(_ object: JSONValue) throws(Fault) -> NodeRecord {
    let identity = try identity(object)
    let labels = identity.metadata["labels"]
    let capacityType =
      labels?["eks.amazonaws.com/capacityType"]?.string
      ?? labels?["karpenter.sh/capacity-type"]?.string
    return NodeRecord(
      name: pool.text(identity.name),
      clusterName: text(
        identity.metadata["annotations"]?["cluster.x-k8s.io/cluster-name"]?.filledString),
      instanceID: text(instanceID(object["spec"]?["providerID"]?.string)),
      instanceType: text(labels?["node.kubernetes.io/instance-type"]?.string),
      zone: text(labels?["topology.kubernetes.io/zone"]?.string),
      capacityType: capacityType.map { normalizedCapacityType($0) },
      incarnation: Text.hash(identity.uid))
  }

  /// `i-…` of `aws:///us-east-1a/i-…`.
  private func instanceID(_ providerID: UnsafeRawBufferPointer?) -> UnsafeRawBufferPointer? {
    guard let providerID, providerID.hasPrefix("aws://") else { return nil }
    let part = providerID.lastPathPart
    return part.hasPrefix("i-") ? part : nil
  }

  /// EKS writes `ON_DEMAND`, Karpenter `on-demand`.
  private func normalizedCapacityType(_ value: UnsafeRawBufferPointer) -> Text {
    scratch.removeAll(keepingCapacity: true)
    for byte in value {
      switch byte {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): scratch.append(byte | 0x20)
      case UInt8(ascii: "_"): scratch.append(UInt8(ascii: "-"))
      default: scratch.append(byte)
      }
    }
    return scratch.withUnsafeBytes { pool.text($0) }
  }

  /// The record of a PersistentVolumeClaim.
  func claim(_ object: JSONValue) throws(Fault) -> ClaimRecord {
    let identity = try identity(object)
    let spec = object["spec"]
    var storage = Quantity.zero
    if let request = spec?["resources"]?["requests"]?["storage"] {
      if let quantity = Quantity(json: request) {
        storage = quantity
      } else {
        onFault("spec.resources.requests.storage: not a quantity")
      }
    }
    return ClaimRecord(
      namespace: try namespace(identity.metadata), name: pool.text(identity.name),
      storageBytes: storage.value, volumeName: text(spec?["volumeName"]?.filledString),
      incarnation: Text.hash(identity.uid))
  }

  /// The record of a PersistentVolume.
  func volume(_ object: JSONValue) throws(Fault) -> VolumeRecord {
    let identity = try identity(object)
    let spec = object["spec"]
    var handle: UnsafeRawBufferPointer?
    if let csi = spec?["csi"], csi["driver"]?.string?.equals("ebs.csi.aws.com") == true {
      handle = csi["volumeHandle"]?.string
    } else {
      handle = spec?["awsElasticBlockStore"]?["volumeID"]?.string
    }
    // In-tree volumes are written `aws://us-east-1a/vol-…` as well.
    let volumeID = handle?.lastPathPart
    return VolumeRecord(
      name: pool.text(identity.name),
      volumeID: volumeID?.hasPrefix("vol-") == true ? text(volumeID) : nil,
      incarnation: Text.hash(identity.uid))
  }
}
