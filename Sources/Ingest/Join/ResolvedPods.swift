import CShims
import Columnar
import KubeIndex

/// What the index knew of a batch's pods at sealing, by pod ordinal.
///
/// It retains the records, and so all that hangs on them, once for all; whoever reads it goes by
/// addresses and counts no references. The records of a row group are looked at in another order
/// than they came in, and each is a cache miss, so what the join needs of one lies here.
///
/// `Sendable`: one owner appends to it, hands it on, and it never changes again.
package final class ResolvedPods: @unchecked Sendable {
  /// A pod that the index knew.
  struct Pod {
    fileprivate let record: Unmanaged<PodRecord>
    let parts: PodRecord.Parts
    /// Where its claims begin in `claims` and `volumes`; as many as `parts.claims` has.
    let firstClaim: UInt32
  }

  private var pods = GrowingColumn<Pod?>(capacity: 1024)
  /// nil: not in the index.
  private(set) var claims: [ClaimRecord?] = []
  /// The volume that each claim is bound to; nil: unbound or not in the index.
  private(set) var volumes: [VolumeRecord?] = []

  package init() {}

  deinit {
    for pod in 0..<pods.count {
      // Counting a record's references down meets its memory.
      let ahead = pod + IngestLimits.podPrefetchDistance
      if ahead < pods.count { cshims_prefetch(pods[ahead]?.record.toOpaque()) }
      pods[pod]?.record.release()
    }
  }

  package var count: Int { pods.count }

  /// Adds the next pod; nil: not in the index.
  package func append(_ record: PodRecord?) {
    guard let record else { return pods.append(nil) }
    pods.append(
      Pod(
        record: .passRetained(record), parts: record.parts, firstClaim: UInt32(claims.count)))
  }

  /// Adds a claim of the pod that was added last, in the order of its record's.
  package func append(claim: ClaimRecord?, volume: VolumeRecord?) {
    claims.append(claim)
    volumes.append(volume)
  }

  subscript(_ pod: Int) -> Pod? {
    @inline(__always)
    get { pods[pod] }
  }

  /// Asks for what `subscript` reads.
  @inline(__always)
  func prefetch(_ pod: Int) { pods.prefetch(pod) }
}

/// A pod of a batch, as the index knew it at sealing.
package struct ResolvedPod: Sendable {
  package var record: PodRecord
  /// In the order of `record.claims`; nil: not in the index.
  package var claims: [ClaimRecord?]
  /// The volume that each claim is bound to; nil: unbound or not in the index.
  package var volumes: [VolumeRecord?]

  package init(record: PodRecord, claims: [ClaimRecord?], volumes: [VolumeRecord?]) {
    precondition(claims.count == record.claims.elements.count && volumes.count == claims.count)
    self.record = record
    self.claims = claims
    self.volumes = volumes
  }
}

extension ResolvedPods {
  /// The pods one by one.
  package convenience init(_ pods: [ResolvedPod?]) {
    self.init()
    for pod in pods {
      append(pod?.record)
      guard let pod else { continue }
      for (claim, volume) in zip(pod.claims, pod.volumes) { append(claim: claim, volume: volume) }
    }
  }
}
