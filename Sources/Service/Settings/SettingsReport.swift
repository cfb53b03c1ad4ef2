import Columnar
import Logging

extension Settings {
  /// Every variable with its effective value, for the start's log line. Secrets are masked.
  var effectiveValues: [(name: String, value: String)] {
    func secret(_ name: String) -> String { environment[name] == nil ? "unset" : "***" }
    func known(_ name: String) -> String { environment[name] ?? "unset" }
    var storageURL = "unset"
    if case .directory(let path) = storage { storageURL = "file://\(path)" }
    return [
      ("S3_BUCKET", bucket),
      ("S3_PREFIX", prefix),
      ("AWS_REGION", region),
      ("AWS_ENDPOINT_URL", endpointURL ?? "unset"),
      ("AWS_ACCESS_KEY_ID", secret("AWS_ACCESS_KEY_ID")),
      ("AWS_SECRET_ACCESS_KEY", secret("AWS_SECRET_ACCESS_KEY")),
      ("AWS_SESSION_TOKEN", secret("AWS_SESSION_TOKEN")),
      ("AWS_ROLE_ARN", known("AWS_ROLE_ARN")),
      ("AWS_WEB_IDENTITY_TOKEN_FILE", known("AWS_WEB_IDENTITY_TOKEN_FILE")),
      ("AWS_PROFILE", known("AWS_PROFILE")),
      ("AWS_CONTAINER_CREDENTIALS_FULL_URI", known("AWS_CONTAINER_CREDENTIALS_FULL_URI")),
      ("STORAGE_URL", storageURL),
      ("AWS_CA_BUNDLE", caBundle ?? "unset"),
      ("CLUSTER_NAME", clusterName ?? "unset"),
      ("HOST", host),
      ("PORT", String(port)),
      ("DATA_DIR", dataDirectory),
      ("SPOOL_MAX_BYTES", String(spoolMaximumByteCount)),
      ("FLUSH_INTERVAL_SECONDS", String(flushIntervalSeconds)),
      ("FLUSH_MAX_BYTES", String(flushMaximumByteCount)),
      ("MAX_BODY_BYTES", String(bodyMaximumByteCount)),
      ("PARQUET_ENCODINGS", parquetEncodings.rawValue),
      ("KUBECONFIG", kubeconfig ?? "unset"),
      ("DEBUG_K8S_API", String(debugKubernetesAPI)),
      ("LOG_LEVEL", logLevel.rawValue),
      ("LOG_FORMAT", logFormat.rawValue),
    ]
  }
}
