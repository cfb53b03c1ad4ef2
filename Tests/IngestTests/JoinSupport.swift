import Columnar
import KubeIndex

@testable import Ingest

/// What the join's tests share: batches from reports, and what the index would know.
enum JoinSupport {
  struct Row {
    var pod: String
    var namespace = "default"
    var name = "name"
    var start: String?
  }

  /// A batch of reports: (timestamp, node, rows).
  static func batch(_ reports: [(String, String, [Row])]) throws -> ReportBatch {
    let batch = ReportBatch(rowCapacity: 1 << 12, seed: 1)
    let decoder = ReportDecoder(writerSeed: 1)
    for (timestamp, node, rows) in reports {
      let pods = rows.enumerated().map { index, row in
        let start = row.start.map { #","pod_start_time":"\#($0)""# } ?? ""
        return #"{"pod_id":"\#(row.pod)","namespace":"\#(row.namespace)","name":"\#(row.name)","#
          + #""cpu_usage_cores":\#(index).5\#(start)}"#
      }
      let body =
        #"{"timestamp":"\#(timestamp)","node_name":"\#(node)","hostname":"h","pods":["#
        + pods.joined(separator: ",") + "]}"
      _ = try DecodeSupport.decode(Array(body.utf8), decoder, into: batch).get()
    }
    return batch
  }

  /// The batch with nothing of it in the index, but for `pods` by pod_id and `nodes` by name.
  static func resolved(
    _ batch: ReportBatch, pods: [String: ResolvedPod] = [:], nodes: [String: NodeRecord] = [:],
    rowCount: Int? = nil, clusterName: String? = nil
  ) -> ResolvedBatch {
    ResolvedBatch(
      batch: batch, rowCount: rowCount ?? batch.rows.count,
      pods: ResolvedPods((0..<batch.podCount).map { pods[text(batch.podID($0))] }),
      nodes: (0..<batch.nodeCount).map { nodes[text(batch.nodeName($0))] },
      clusterName: clusterName)
  }

  static func pod(annotations: TextList = .empty, claims: [ClaimRecord?] = []) -> ResolvedPod {
    let template = PodTemplate(
      namespace: Text("default"), owner: nil, ownerKind: nil, workload: Text("w"),
      workloadKind: Text("Pod"), labels: .empty, qosClass: nil, priorityClass: nil,
      resources: PodResources())
    let names = TextList(claims.indices.map { Text("claim-\($0)") })
    let record = PodRecord(
      uid: PodUID(Text("u")), template: template, annotations: annotations,
      claims: names)
    return ResolvedPod(
      record: record, claims: claims, volumes: [VolumeRecord?](repeating: nil, count: claims.count))
  }

  static func text(_ bytes: UnsafeRawBufferPointer) -> String {
    String(decoding: bytes, as: UTF8.self)
  }

  static func times(_ batch: ReportBatch) -> [Int64] {
    (0..<batch.reportCount).map { batch.reportCollectedAtMicros($0) ?? .min }
  }

  /// A sink that keeps nothing.
  final class NoSink: ByteSink {
    func write(_ bytes: UnsafeRawBufferPointer) {}
  }

  /// A sink that keeps all.
  final class BytesSink: ByteSink {
    private(set) var bytes: [UInt8] = []
    func write(_ bytes: UnsafeRawBufferPointer) { self.bytes.append(contentsOf: bytes) }
  }

  /// The finished files that `joiner` makes of a batch.
  static func bytes(
    _ resolved: ResolvedBatch, _ joiner: RowGroupJoiner
  ) throws -> [PartitionKey: [UInt8]] {
    var files: [PartitionKey: (sink: BytesSink, writer: ParquetFileWriter)] = [:]
    try joiner.append(resolved) { key in
      if let file = files[key] { return file.writer }
      let sink = BytesSink()
      let writer = try ParquetFileWriter(
        schema: UsageSchema.schema, sink: sink, createdBy: UsageSchema.createdBy)
      files[key] = (sink, writer)
      return writer
    }
    return try files.mapValues { file in
      try file.writer.finish(metadata: [])
      return file.sink.bytes
    }
  }

  /// The files that the joiner makes of a batch: rows and row groups by partition.
  static func join(_ resolved: ResolvedBatch) throws -> [PartitionKey: ParquetFileWriter] {
    var files: [PartitionKey: ParquetFileWriter] = [:]
    try RowGroupJoiner().append(resolved) { key in
      if let file = files[key] { return file }
      let file = try ParquetFileWriter(
        schema: UsageSchema.schema, sink: NoSink(), createdBy: UsageSchema.createdBy)
      files[key] = file
      return file
    }
    return files
  }
}
