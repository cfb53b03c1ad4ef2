import Columnar
import Foundation
import Ingest
import KubeIndex

/// Reports, as they are posted, and what the index knows of their pods and nodes.
struct BatchDescription: Decodable {
  /// Bodies of POST /metrics.
  var reports: [String]
  /// By pod_id; a pod that is absent is not in the index.
  var pods: [String: PodDescription]
  /// By node_name.
  var nodes: [String: NodeDescription]
}

struct PodDescription: Decodable {
  var name: String?
  var owner: String?
  var owner_kind: String?
  var workload: String
  var workload_kind: String
  var labels: [String]
  var annotations: [String]
  var qos_class: String?
  var priority_class: String?
  /// Columns `requests_…`, `limits_…` and `gpu_requests`; 0 where absent.
  var resources: [String: Int64]?
  var claims: [ClaimDescription]?
}

struct ClaimDescription: Decodable {
  var name: String
  /// Absent: the claim is not in the index.
  var storage_bytes: Int64?
  /// Absent: unbound, or no EBS volume.
  var volume_id: String?
}

struct NodeDescription: Decodable {
  var cluster: String?
  var instance_id: String?
  var instance_type: String?
  var zone: String?
  var capacity_type: String?
}

extension BatchDescription {
  /// Decodes the reports and looks every pod and node up.
  func resolved(clusterName: String?) throws -> ResolvedBatch {
    let batch = ReportBatch(rowCapacity: 1 << 20)
    let decoder = ReportDecoder(writerSeed: 1)
    for report in reports {
      let padded = Array(report.utf8) + [UInt8](repeating: 0, count: 64)
      try padded.withUnsafeBytes { bytes in
        _ = try decoder.decode(
          UnsafeRawBufferPointer(rebasing: bytes[..<report.utf8.count]), into: batch)
      }
    }
    var records = Records()
    let resolvedPods = (0..<batch.podCount).map { pod -> ResolvedPod? in
      let id = String(decoding: batch.podID(pod), as: UTF8.self)
      let namespace = String(decoding: batch.podNamespace(pod), as: UTF8.self)
      return pods[id].map { records.pod(id, namespace, $0) }
    }
    let resolvedNodes = (0..<batch.nodeCount).map { node -> NodeRecord? in
      let name = String(decoding: batch.nodeName(node), as: UTF8.self)
      return nodes[name].map { records.node(name, $0) }
    }
    return ResolvedBatch(
      batch: batch, rowCount: batch.rows.count, pods: ResolvedPods(resolvedPods),
      nodes: resolvedNodes,
      clusterName: clusterName)
  }
}

/// Makes records as the index does: texts, lists and templates once each.
private struct Records {
  private var texts: [String: Text] = [:]
  private var lists: [[String]: TextList] = [[]: .empty]
  private var templates: [String: PodTemplate] = [:]

  private mutating func text(_ string: String) -> Text {
    if let text = texts[string] { return text }
    let text = Text(string)
    texts[string] = text
    return text
  }

  private mutating func list(_ strings: [String]) -> TextList {
    if let list = lists[strings] { return list }
    let list = TextList(strings.map { text($0) })
    lists[strings] = list
    return list
  }

  private mutating func optional(_ string: String?) -> Text? { string.map { text($0) } }

  private mutating func template(_ namespace: String, _ pod: PodDescription) -> PodTemplate {
    let resources = (pod.resources ?? [:]).sorted { $0.key < $1.key }
    let key =
      "\([namespace, pod.owner, pod.owner_kind, pod.workload, pod.workload_kind])"
      + "\(pod.labels)\([pod.qos_class, pod.priority_class])\(resources)"
    if let template = templates[key] { return template }
    var amounts = PodResources()
    let values = pod.resources ?? [:]
    amounts.requestsCPUMillicores = values["requests_cpu_millicores"] ?? 0
    amounts.requestsMemoryBytes = values["requests_memory_bytes"] ?? 0
    amounts.limitsCPUMillicores = values["limits_cpu_millicores"] ?? 0
    amounts.limitsMemoryBytes = values["limits_memory_bytes"] ?? 0
    amounts.requestsStorageBytes = values["requests_storage_bytes"] ?? 0
    amounts.limitsStorageBytes = values["limits_storage_bytes"] ?? 0
    amounts.gpuRequests = values["gpu_requests"] ?? 0
    let template = PodTemplate(
      namespace: text(namespace), owner: optional(pod.owner), ownerKind: optional(pod.owner_kind),
      workload: text(pod.workload), workloadKind: text(pod.workload_kind),
      labels: list(pod.labels), qosClass: optional(pod.qos_class),
      priorityClass: optional(pod.priority_class), resources: amounts)
    templates[key] = template
    return template
  }

  mutating func pod(_ id: String, _ namespace: String, _ pod: PodDescription) -> ResolvedPod {
    let claims = pod.claims ?? []
    let record = PodRecord(
      uid: PodUID(Text(id)), template: template(namespace, pod),
      annotations: list(pod.annotations), claims: list(claims.map(\.name)))
    let claimRecords = claims.map { claim -> ClaimRecord? in
      guard let storageBytes = claim.storage_bytes else { return nil }
      return ClaimRecord(
        namespace: text(namespace), name: text(claim.name), storageBytes: storageBytes,
        volumeName: optional(claim.volume_id))
    }
    let volumes = claims.map { claim -> VolumeRecord? in
      guard let id = claim.volume_id else { return nil }
      return VolumeRecord(name: text("pv-" + id), volumeID: text(id))
    }
    return ResolvedPod(record: record, claims: claimRecords, volumes: volumes)
  }

  mutating func node(_ name: String, _ node: NodeDescription) -> NodeRecord {
    NodeRecord(
      name: text(name), clusterName: optional(node.cluster),
      instanceID: optional(node.instance_id), instanceType: optional(node.instance_type),
      zone: optional(node.zone), capacityType: optional(node.capacity_type))
  }
}
