import Columnar
import KubeIndex

/// Looks up the pods and nodes of a batch in the index, in slices, so that live work goes on.
package struct BatchResolver {
  /// Lookups between two looks at the clock: pods are looked up that many together.
  private static let lookupsPerCheck = 64

  private var nodes: [NodeRecord?] = []
  private let pods = ResolvedPods()

  package init() {}

  /// Goes on until `isOver` says so; true when the batch is resolved.
  package mutating func step(_ batch: ReportBatch, index: ClusterIndex, isOver: () -> Bool) -> Bool
  {
    var lookups = 0
    while nodes.count < batch.nodeCount {
      nodes.append(index.node(name: batch.nodeName(nodes.count)))
      lookups += 1
      if lookups % Self.lookupsPerCheck == 0, isOver() { return false }
    }
    while pods.count < batch.podCount {
      let end = min(pods.count + Self.lookupsPerCheck, batch.podCount)
      resolve(pods.count..<end, of: batch, index)
      if pods.count < batch.podCount, isOver() { return false }
    }
    return true
  }

  private func resolve(_ range: Range<Int>, of batch: ReportBatch, _ index: ClusterIndex) {
    withUnsafeTemporaryAllocation(of: ClusterIndex.PodQuery.self, capacity: range.count) {
      queries in
      for (offset, pod) in range.enumerated() {
        let packed = batch.podUUID(pod).map { PodUID(high: $0.high, low: $0.low) }
        queries.initializeElement(
          at: offset, to: ClusterIndex.PodQuery(id: batch.podID(pod), packed: packed))
      }
      index.pods(UnsafeBufferPointer(queries)) { record in
        pods.append(record)
        if let record { resolveClaims(of: record, index) }
      }
      queries.deinitialize()
    }
  }

  private func resolveClaims(of record: PodRecord, _ index: ClusterIndex) {
    let names = record.claims.elements
    for name in names {
      let claim = index.claim(namespace: record.template.namespace, name: name)
      let volume = claim?.volumeName.flatMap { index.volume(name: $0) }
      pods.append(claim: claim, volume: volume)
    }
  }

  /// What was looked up, once `step` has returned true.
  package func resolved(_ batch: ReportBatch, clusterName: String?) -> ResolvedBatch {
    ResolvedBatch(
      batch: batch, rowCount: batch.rows.count, pods: pods, nodes: nodes,
      clusterName: clusterName)
  }
}
