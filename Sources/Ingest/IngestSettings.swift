import Columnar

/// What the operator sets for this module.
package struct IngestSettings: Sendable {
  /// S3_PREFIX, with its placeholders.
  package var prefix: String
  /// CLUSTER_NAME; nil when unset.
  package var clusterName: String?
  /// SPOOL_MAX_BYTES.
  package var spoolMaximumByteCount: Int
  /// FLUSH_INTERVAL_SECONDS.
  package var flushInterval: Duration
  /// FLUSH_MAX_BYTES.
  package var flushMaximumByteCount: Int
  /// PARQUET_ENCODINGS.
  package var encodings: NumberEncodings
  /// Rows of a batch, which is one row group.
  package var batchRowCapacity: Int
  /// Distinct dates at which a segment ends at once, each of them an open file: fewer where the
  /// process may not open as many.
  package var maximumOpenObjects: Int

  package init(
    prefix: String, clusterName: String?, spoolMaximumByteCount: Int = 10 << 30,
    flushInterval: Duration = .seconds(300), flushMaximumByteCount: Int = 128 << 20,
    encodings: NumberEncodings = .standard,
    batchRowCapacity: Int = IngestLimits.batchRowCapacity,
    maximumOpenObjects: Int = IngestLimits.maximumOpenObjects
  ) {
    self.prefix = prefix
    self.clusterName = clusterName
    self.spoolMaximumByteCount = spoolMaximumByteCount
    self.flushInterval = flushInterval
    self.flushMaximumByteCount = flushMaximumByteCount
    self.encodings = encodings
    self.batchRowCapacity = batchRowCapacity
    self.maximumOpenObjects = maximumOpenObjects
  }
}
