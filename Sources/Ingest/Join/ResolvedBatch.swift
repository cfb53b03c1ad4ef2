import Columnar
import KubeIndex

/// A sealed batch and what the index knew of its pods and nodes. Nothing of it changes any more.
package struct ResolvedBatch {
  package let batch: ReportBatch
  /// Rows to write: the durable ones, the first of the batch.
  package let rowCount: Int
  package let pods: ResolvedPods
  /// By node ordinal; nil: not in the index.
  package let nodes: [NodeRecord?]
  /// CLUSTER_NAME.
  package let clusterName: String?

  package init(
    batch: ReportBatch, rowCount: Int, pods: ResolvedPods, nodes: [NodeRecord?],
    clusterName: String?
  ) {
    precondition(rowCount >= 0 && rowCount <= batch.rows.count)
    precondition(pods.count == batch.podCount && nodes.count == batch.nodeCount)
    self.batch = batch
    self.rowCount = rowCount
    self.pods = pods
    self.nodes = nodes
    self.clusterName = clusterName
  }

  /// Asks for the memory that holds the pod's text and what is known of it. Pods are written in
  /// another order than they came in, so that each would be waited for.
  @inline(__always)
  func prefetch(pod: Int) {
    batch.prefetch(pod: pod)
    pods.prefetch(pod)
  }

  /// cluster_id of a node's rows.
  func cluster(ofNode node: Int) -> String {
    if let name = nodes[node]?.clusterName, name.count > 0 { return name.string }
    if let clusterName, !clusterName.isEmpty { return clusterName }
    return "unknown"
  }

  /// The clusters of the nodes.
  func clusters() -> NodeClusters {
    let known = TextDictionary()
    var names: [String] = []
    let ofNode = nodes.indices.map { node in
      let name = cluster(ofNode: node)
      let number = Int(known.intern(name))
      if number == names.count { names.append(name) }
      return number
    }
    return NodeClusters(names: names, ofNode: ofNode)
  }
}

/// The distinct clusters of a batch's nodes, told apart by their bytes.
struct NodeClusters {
  let names: [String]
  /// Index in `names` by node ordinal.
  let ofNode: [Int]
}

/// A partition of one batch; `cluster` is an index in `NodeClusters.names`.
struct PartitionCut: Hashable {
  var cluster: Int
  var day: Int32
}

/// What all rows of an object share. Clusters are told apart and ordered by their UTF-8 bytes: two
/// spellings of a name that look the same are two names.
package struct PartitionKey: Hashable, Comparable, Sendable {
  /// cluster_id.
  package var cluster: String
  /// Days since 1970-01-01 in UTC: `dt`.
  package var day: Int32

  package init(cluster: String, day: Int32) {
    self.cluster = cluster
    self.day = day
  }

  package static func == (left: Self, right: Self) -> Bool {
    left.day == right.day && left.cluster.utf8.elementsEqual(right.cluster.utf8)
  }

  package static func < (left: Self, right: Self) -> Bool {
    left.day != right.day
      ? left.day < right.day : left.cluster.utf8.lexicographicallyPrecedes(right.cluster.utf8)
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(day)
    for byte in cluster.utf8 { hasher.combine(byte) }
  }
}
