import Columnar
import KubeIndex

/// Looks up the pods and nodes of a batch in the index, in slices, so that live work goes on.
package struct BatchResolver {
  /// Lookups between two looks at the clock.
  private static let lookupsPerCheck = 64

  private var nodes: [NodeRecord?] = []
  private var pods: [ResolvedPod?] = []

  package init() {}

  /// Goes on until `isOver` says so; true when the batch is resolved.
  package mutating func step(_ batch: ReportBatch, index: ClusterIndex, isOver: () -> Bool) -> Bool
  {
    if pods.isEmpty { pods.reserveCapacity(batch.podCount) }
    var lookups = 0
    while nodes.count < batch.nodeCount {
      nodes.append(index.node(name: batch.nodeName(nodes.count)))
      lookups += 1
      if lookups % Self.lookupsPerCheck == 0, isOver() { return false }
    }
    while pods.count < batch.podCount {
      pods.append(Self.resolve(batch.podID(pods.count), index))
      lookups += 1
      if lookups % Self.lookupsPerCheck == 0, isOver() { return false }
    }
    return true
  }

  private static func resolve(
    _ id: UnsafeRawBufferPointer, _ index: ClusterIndex
  ) -> ResolvedPod? {
    guard let record = index.pod(id: id) else { return nil }
    let names = record.claims.elements
    if names.isEmpty { return ResolvedPod(record: record, claims: [], volumes: []) }
    let claims = names.map { index.claim(namespace: record.template.namespace, name: $0) }
    let volumes = claims.map { $0?.volumeName.flatMap { index.volume(name: $0) } }
    return ResolvedPod(record: record, claims: claims, volumes: volumes)
  }

  /// What was looked up, once `step` has returned true.
  package func resolved(_ batch: ReportBatch, clusterName: String?) -> ResolvedBatch {
    ResolvedBatch(
      batch: batch, rowCount: batch.rows.count, pods: pods, nodes: nodes,
      clusterName: clusterName)
  }
}
