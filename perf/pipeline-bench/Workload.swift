import Glibc
import KubeIndex

/// The workload as files that any program can read.
///
///     bodies.ndjson   the POST bodies in order of arrival, one a line
///     pods.ndjson     what Kubernetes says of each pod, rendered as the columns hold it
///
/// Every report of the workload names its instance, and no node names its cluster, so that nothing
/// of the nodes is needed.
enum Workload {
  static func export(_ options: BenchOptions, to directory: String) throws {
    var generator = options.generator()
    let index = ClusterIndex(counters: KubeCounters())
    var metadata = MetadataGenerator(seed: options.seed)
    var pods = JSONLines()
    metadata.fill(index, from: generator.nodes) { pods.append($0, $1) }
    try pods.bytes.write(to: directory + "/pods.ndjson")
    var bodies = ReportBodies()
    for _ in 0..<options.intervals { generator.appendInterval(to: &bodies) }
    var lines: [UInt8] = []
    lines.reserveCapacity(bodies.byteCount + bodies.count)
    bodies.forEach {
      lines.append(contentsOf: $0)
      lines.append(UInt8(ascii: "\n"))
    }
    try lines.write(to: directory + "/bodies.ndjson")
    print("\(options.podCount * options.intervals) rows, \(bodies.count) bodies,")
    print("\(bodies.byteCount) bytes, \(pods.bytes.count) bytes of metadata")
  }

  /// The bodies of `bodies.ndjson`.
  static func bodies(of path: String) throws -> ReportBodies {
    let lines = try [UInt8](contentsOf: path)
    var bodies = ReportBodies(capacity: lines.count)
    var start = 0
    while start < lines.count {
      guard let end = lines[start...].firstIndex(of: UInt8(ascii: "\n")) else { break }
      bodies.append(lines[start..<end])
      bodies.finishBody()
      start = end + 1
    }
    return bodies
  }
}

/// JSON objects, one a line, of text that needs no escapes.
private struct JSONLines {
  private(set) var bytes: [UInt8] = []

  mutating func append(_ pod: PodRecord, _ claim: MetadataGenerator.Claim?) {
    let template = pod.template
    bytes.append(UInt8(ascii: "{"))
    append("pod_id", Self.quoted(pod.uid.string))
    append("owner", template.owner.map { Self.quoted($0.string) } ?? "null")
    append("requests_cpu_millicores", template.requestsCPUMillicores)
    append("requests_memory_bytes", template.requestsMemoryBytes)
    append("limits_cpu_millicores", template.limitsCPUMillicores)
    append("limits_memory_bytes", template.limitsMemoryBytes)
    append("labels", Self.list(template.labels))
    append("annotations", Self.list(pod.annotations))
    append("pvc_count", claim == nil ? 0 : 1)
    append("total_pvc_storage_bytes", claim?.storageBytes ?? 0)
    append("pvc_names", Self.list(pod.claims))
    append("aws_volume_ids", claim.map { "[\(Self.quoted($0.volumeID.string))]" } ?? "[]")
    bytes[bytes.count - 1] = UInt8(ascii: "}")
    bytes.append(UInt8(ascii: "\n"))
  }

  private mutating func append(_ name: String, _ value: Int64) { append(name, String(value)) }

  private mutating func append(_ name: String, _ value: String) {
    bytes.append(contentsOf: "\"\(name)\":\(value),".utf8)
  }

  private static func list(_ list: TextList) -> String {
    "[" + list.elements.map { quoted($0.string) }.joined(separator: ",") + "]"
  }

  private static func quoted(_ text: String) -> String {
    precondition(
      text.utf8.allSatisfy { $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") })
    return "\"\(text)\""
  }
}
