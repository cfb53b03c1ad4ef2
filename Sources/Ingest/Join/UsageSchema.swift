import Columnar

/// The columns of a usage row. The first 21 are the described ones; later versions append columns
/// and change none. Every file has all of them, also where a column is all null.
package enum UsageSchema {
  /// Grows with each appended column; kept in every file's key-value metadata.
  package static let version = 1

  /// The form that parquet-java parses: name, version, build.
  package static let createdBy =
    "k8s-usage-aggregator version \(ProductVersion.text) (build schema-\(version))"

  package static let schema = ParquetSchema([
    ColumnSchema("timestamp", .string),
    ColumnSchema("cluster_id", .string),
    ColumnSchema("node_name", .string),
    ColumnSchema("ec2_instance_id", .string),
    ColumnSchema("pod_id", .string),
    ColumnSchema("namespace", .string),
    ColumnSchema("owner", .string),
    ColumnSchema("cpu_usage_cores", .double),
    ColumnSchema("memory_usage_bytes", .int64),
    ColumnSchema("net_tx_bytes", .int64),
    ColumnSchema("net_rx_bytes", .int64),
    ColumnSchema("requests_cpu_millicores", .int64),
    ColumnSchema("requests_memory_bytes", .int64),
    ColumnSchema("limits_cpu_millicores", .int64),
    ColumnSchema("limits_memory_bytes", .int64),
    ColumnSchema("labels", .stringList),
    ColumnSchema("annotations", .stringList),
    ColumnSchema("pvc_count", .int32),
    ColumnSchema("total_pvc_storage_bytes", .int64),
    ColumnSchema("pvc_names", .stringList),
    ColumnSchema("aws_volume_ids", .stringList),
    ColumnSchema("pod_name", .string),
    ColumnSchema("owner_kind", .string),
    ColumnSchema("pod_start_time", .timestampMicros),
    ColumnSchema("collected_at", .timestampMicros),
    ColumnSchema("requests_storage_bytes", .int64),
    ColumnSchema("limits_storage_bytes", .int64),
    ColumnSchema("node_instance_type", .string),
    ColumnSchema("node_zone", .string),
    ColumnSchema("node_capacity_type", .string),
    ColumnSchema("workload", .string),
    ColumnSchema("workload_kind", .string),
    ColumnSchema("qos_class", .string),
    ColumnSchema("priority_class", .string),
    ColumnSchema("gpu_requests", .int64),
  ])

  /// The described columns alone: what the benchmark writes to compare with programs that make
  /// no others.
  package static let described = ParquetSchema(Array(schema.columns.prefix(21)))

  /// Positions of namespace, pod_id, collected_at: the order of the rows of a row group.
  static let sortingColumns = ["namespace", "pod_id", "collected_at"].compactMap {
    schema.position(of: $0)
  }
}
