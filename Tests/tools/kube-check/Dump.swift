import Foundation
import KubeIndex

/// The index as JSON.
enum Dump {
  static func objects(of index: ClusterIndex) -> [String: Any] {
    var pods: [[String: Any]] = []
    var nodes: [[String: Any]] = []
    var claims: [[String: Any]] = []
    var volumes: [[String: Any]] = []
    index.forEachLive { record in
      switch record {
      case .pod(let pod): pods.append(self.pod(pod))
      case .node(let node):
        nodes.append([
          "name": node.name.string, "cluster_name": text(node.clusterName),
          "instance_id": text(node.instanceID), "instance_type": text(node.instanceType),
          "zone": text(node.zone), "capacity_type": text(node.capacityType),
        ])
      case .claim(let claim):
        claims.append([
          "namespace": claim.namespace.string, "name": claim.name.string,
          "storage_bytes": claim.storageBytes, "volume_name": text(claim.volumeName),
        ])
      case .volume(let volume):
        volumes.append(["name": volume.name.string, "volume_id": text(volume.volumeID)])
      }
    }
    return ["pods": pods, "nodes": nodes, "claims": claims, "volumes": volumes]
  }

  private static func pod(_ pod: PodRecord) -> [String: Any] {
    let template = pod.template
    return [
      "uid": pod.uid.string, "namespace": template.namespace.string,
      "owner": text(template.owner), "owner_kind": text(template.ownerKind),
      "workload": template.workload.string, "workload_kind": template.workloadKind.string,
      "labels": texts(template.labels), "annotations": texts(pod.annotations),
      "claims": texts(pod.claims), "qos_class": text(template.qosClass),
      "priority_class": text(template.priorityClass),
      "requests_cpu_millicores": template.requestsCPUMillicores,
      "requests_memory_bytes": template.requestsMemoryBytes,
      "limits_cpu_millicores": template.limitsCPUMillicores,
      "limits_memory_bytes": template.limitsMemoryBytes,
      "requests_storage_bytes": template.requestsStorageBytes,
      "limits_storage_bytes": template.limitsStorageBytes, "gpu_requests": template.gpuRequests,
    ]
  }

  static func watchers(_ statuses: WatcherStatuses, _ counters: KubeCounters) -> [String: Any] {
    var watchers: [String: Any] = [:]
    for kind in ObjectKind.allCases {
      let counts = counters.kind(kind)
      watchers[kind.resource] = [
        "ready": statuses[kind].isReady, "reason": statuses[kind].reason ?? "",
        "lists": counts.lists.current, "watches": counts.watches.current,
        "failures": counts.failures.current, "restarts": counts.restarts.current,
        "relists": counts.relists.current, "malformed": counts.malformedEvents.current,
        "events": counts.events.current,
      ]
    }
    return watchers
  }

  private static func text(_ text: Text?) -> Any {
    if let text { text.string } else { NSNull() }
  }

  private static func texts(_ list: TextList) -> [String] { list.elements.map(\.string) }
}

/// An event as one line.
struct EventLine: CustomStringConvertible {
  let event: KubeEvent

  init(_ event: KubeEvent) { self.event = event }

  var description: String {
    switch event {
    case .requested(let kind, let verb, let url): "requested \(verb) \(kind.resource) \(url)"
    case .responded(let kind, let verb, let status, let milliseconds):
      "responded \(verb) \(kind.resource) \(status) \(milliseconds) ms"
    case .received(let kind, let type, let object):
      "received \(kind.resource) \(type) \(String(decoding: object, as: UTF8.self))"
    case .cacheUpdated(let kind, let type, let key, let hits, let misses):
      "updated \(kind.resource) \(type) \(key) hits=\(hits) misses=\(misses)"
    case .listed(let kind, let objects, let milliseconds):
      "listed \(kind.resource) \(objects) in \(milliseconds) ms"
    case .failed(let kind, let verb, let reason, let retry):
      "failed \(verb) \(kind.resource) \(reason); again in \(retry) ms"
    case .resumed(let kind, let reason): "resumed \(kind.resource) \(reason)"
    case .relisting(let kind, let reason): "relisting \(kind.resource) \(reason)"
    case .objectFault(let kind, let key, let reason): "fault \(kind.resource) \(key) \(reason)"
    case .credentialsUnreadable(let path, let reason): "credentials \(path) \(reason)"
    }
  }
}
