import Ingest
import KubeIndex

/// What the API server would say of a generated cluster: 6 to 10 labels and 2 to 5 annotations a
/// pod (on every tenth one of 500 bytes that no other has), claims on EBS volumes for every tenth.
///
/// Texts, lists and templates are made once each, as the index's own interning does.
struct MetadataGenerator {
  private var random: SplitMix64
  private var texts: [String: Text] = [:]

  init(seed: UInt64) { random = SplitMix64(state: seed ^ 0x6d65_7461) }

  /// The one claim of a pod, bound to an EBS volume.
  struct Claim {
    var names: TextList
    var storageBytes: Int64
    var volumeID: Text
  }

  /// Fills `index` with the cluster's nodes, pods, claims and volumes, and shows each pod to `see`.
  mutating func fill(
    _ index: ClusterIndex, from nodes: [ReportGenerator.Node],
    see: (PodRecord, Claim?) -> Void = { _, _ in }
  ) {
    for kind in ObjectKind.allCases { index.apply(.relistBegan(kind), nowSeconds: 0) }
    let templates = (0..<ReportGenerator.workloadCount).map { template($0) }
    let notes = (0..<ReportGenerator.workloadCount).map { annotations($0) }
    var ordinal = 0
    for node in nodes {
      index.apply(.applied(.node(record(node))), nowSeconds: 0)
      for pod in node.pods {
        let own = ordinal % 10 == 3
        let claim = ordinal % 10 == 7 ? claim(pod, ordinal, in: index) : nil
        let record = PodRecord(
          uid: PodUID(Text(pod.uid)), template: templates[pod.workload],
          annotations: own ? noted(notes[pod.workload]) : notes[pod.workload],
          claims: claim?.names ?? .empty)
        index.apply(.applied(.pod(record)), nowSeconds: 0)
        see(record, claim)
        ordinal += 1
      }
    }
    for kind in ObjectKind.allCases { index.apply(.relistEnded(kind), nowSeconds: 0) }
  }

  private mutating func text(_ string: String) -> Text {
    if let text = texts[string] { return text }
    let text = Text(string)
    texts[string] = text
    return text
  }

  private mutating func record(_ node: ReportGenerator.Node) -> NodeRecord {
    NodeRecord(
      name: text(node.name), instanceID: text(node.instanceID),
      instanceType: text(["m6i.2xlarge", "c6g.4xlarge", "r6i.xlarge"].pick(&random)),
      zone: text("eu-central-1" + ["a", "b", "c"].pick(&random)),
      capacityType: text(["spot", "on-demand"].pick(&random)))
  }

  private mutating func template(_ workload: Int) -> PodTemplate {
    let hash = ReportGenerator.hex(10, &random)
    var labels = [
      "app.kubernetes.io/instance=service-\(workload)", "app.kubernetes.io/managed-by=Helm",
      "app.kubernetes.io/name=service-\(workload)",
      "app.kubernetes.io/version=1.\(workload % 30).2",
      "pod-template-hash=\(hash)", "team=team-\(workload % 40)",
    ]
    let further = [
      "topology.kubernetes.io/zone=eu-central-1a", "tier=backend", "track=stable",
      "cost-center=4711",
    ]
    labels += further.prefix(workload % 5)
    var resources = PodResources()
    resources.requestsCPUMillicores = Int64(50 * (1 + workload % 40))
    resources.requestsMemoryBytes = Int64(64 * (1 + workload % 64)) << 20
    resources.limitsCPUMillicores = workload % 3 == 0 ? 0 : resources.requestsCPUMillicores * 2
    resources.limitsMemoryBytes = resources.requestsMemoryBytes * 2
    return PodTemplate(
      namespace: text("team-\(workload % 40)"), owner: text("service-\(workload)-\(hash)"),
      ownerKind: text("ReplicaSet"), workload: text("service-\(workload)"),
      workloadKind: text("Deployment"), labels: TextList(labels.sorted().map { text($0) }),
      qosClass: text("Burstable"), priorityClass: workload % 20 == 0 ? text("high") : nil,
      resources: resources)
  }

  private mutating func annotations(_ workload: Int) -> TextList {
    let all = [
      "checksum/config=\(ReportGenerator.hex(64, &random))",
      "prometheus.io/port=\(8000 + workload % 90)",
      "prometheus.io/scrape=true", "sidecar.istio.io/inject=\(workload % 2 == 0)",
    ]
    return TextList(all.prefix(2 + workload % 3).map { text($0) })
  }

  /// The list with an annotation of 500 bytes that no other pod has.
  private mutating func noted(_ list: TextList) -> TextList {
    let own = Text("example.com/placement=" + ReportGenerator.hex(478, &random))
    return TextList([own] + list.elements)
  }

  /// A bound claim of the pod, entered in the index.
  private mutating func claim(
    _ pod: ReportGenerator.Pod, _ ordinal: Int, in index: ClusterIndex
  ) -> Claim {
    let namespace = text("team-\(pod.workload % 40)")
    let name = Text("data-\(pod.name)")
    let volume = Text("pvc-\(ReportGenerator.uuid(&random))")
    let size = Int64(10 * (1 + ordinal % 20)) << 30
    index.apply(
      .applied(
        .claim(
          ClaimRecord(namespace: namespace, name: name, storageBytes: size, volumeName: volume))),
      nowSeconds: 0)
    let id = Text("vol-0\(ReportGenerator.hex(16, &random))")
    index.apply(.applied(.volume(VolumeRecord(name: volume, volumeID: id))), nowSeconds: 0)
    return Claim(names: TextList([name]), storageBytes: size, volumeID: id)
  }
}

extension Array {
  fileprivate func pick(_ random: inout SplitMix64) -> Element {
    self[Int.random(in: indices, using: &random)]
  }
}
