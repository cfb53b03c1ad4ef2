import Columnar
import Testing

@testable import Ingest

/// The row's columns are a promise: names, order and types, the described 21 first.
@Suite struct UsageSchemaTests {
  static let columns: [(String, ColumnKind)] = [
    ("timestamp", .string), ("cluster_id", .string), ("node_name", .string),
    ("ec2_instance_id", .string), ("pod_id", .string), ("namespace", .string), ("owner", .string),
    ("cpu_usage_cores", .double), ("memory_usage_bytes", .int64), ("net_tx_bytes", .int64),
    ("net_rx_bytes", .int64), ("requests_cpu_millicores", .int64),
    ("requests_memory_bytes", .int64), ("limits_cpu_millicores", .int64),
    ("limits_memory_bytes", .int64), ("labels", .stringList), ("annotations", .stringList),
    ("pvc_count", .int32), ("total_pvc_storage_bytes", .int64), ("pvc_names", .stringList),
    ("aws_volume_ids", .stringList), ("pod_name", .string), ("owner_kind", .string),
    ("pod_start_time", .timestampMicros), ("collected_at", .timestampMicros),
    ("requests_storage_bytes", .int64), ("limits_storage_bytes", .int64),
    ("node_instance_type", .string), ("node_zone", .string), ("node_capacity_type", .string),
    ("workload", .string), ("workload_kind", .string), ("qos_class", .string),
    ("priority_class", .string), ("gpu_requests", .int64),
  ]

  @Test func all35Columns() {
    #expect(UsageSchema.schema.columns.count == 35)
    #expect(UsageSchema.schema.columns == Self.columns.map { ColumnSchema($0.0, $0.1) })
  }

  @Test func sortedByNamespacePodAndTime() {
    let names = UsageSchema.sortingColumns.map { UsageSchema.schema.columns[$0].name }
    #expect(names == ["namespace", "pod_id", "collected_at"])
  }

  /// parquet-java parses `NAME version VERSION (build HASH)` and distrusts statistics of others.
  @Test func createdByIsOfTheFormThatReadersParse() throws {
    let pattern =
      /^(?!parquet-mr|parquet-cpp)[a-z0-9-]+ version \d+\.\d+\.\d+ \(build [a-z0-9-]+\)$/
    #expect(try pattern.wholeMatch(in: UsageSchema.createdBy) != nil)
  }
}
