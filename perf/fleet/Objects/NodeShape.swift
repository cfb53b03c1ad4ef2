/// What a node is: a function of its seed.
struct NodeShape {
  var type: Catalog.InstanceType
  var zone: StaticString
  var isSpot: Bool
  /// Labelled by Karpenter instead of by an EKS managed node group.
  var isKarpenter: Bool
  var instanceID: UInt64
  /// What its collector can find out about the instance.
  var reportsInstanceID: Bool
  var addressLow: UInt64

  init(of node: Node) {
    var random = Random(seed: node.seed, label: 5)
    type = random.oneIn(30) ? Catalog.gpuInstanceType : random.pick(Catalog.instanceTypes)
    zone = random.pick(Catalog.zones)
    isSpot = random.below(10) < 4
    isKarpenter = random.oneIn(2)
    instanceID = random.next()
    reportsInstanceID = !random.oneIn(16)
    addressLow = random.next()
  }
}

extension ByteWriter {
  /// A node's address within the cluster.
  mutating func append(addressOf shape: NodeShape) {
    append("10.0.")
    append(decimal: shape.addressLow >> 8 & 255)
    append(".")
    append(decimal: shape.addressLow & 255)
  }

  /// `i-` and 17 hexadecimal digits.
  mutating func append(instanceID: UInt64) {
    append("i-0")
    append(hex: instanceID, digits: 16)
  }
}
