/// One environment variable: what `--help` says of it and how the start logs it.
struct SettingVariable: Sendable {
  var name: String
  /// As `--help` shows it.
  var defaultText: String
  var meaning: String
  /// Neither the start line nor an error shows its value.
  var isSecret = false
}

/// All variables that the service reads, in the order of `--help`.
enum SettingsTable {
  static let variables: [SettingVariable] = [
    SettingVariable(
      name: "S3_BUCKET", defaultText: "k8s-usage-data", meaning: "S3 bucket of the table"),
    SettingVariable(
      name: "S3_PREFIX", defaultText: "k8s-metrics/",
      meaning: "prefix of all keys, as given; may hold {cluster_name} and {date}; empty: none"),
    SettingVariable(name: "AWS_REGION", defaultText: "us-east-1", meaning: "region of the bucket"),
    SettingVariable(
      name: "AWS_ENDPOINT_URL", defaultText: "AWS",
      meaning: "http:// or https:// address of another S3 store (MinIO, LocalStack, ...)"),
    SettingVariable(
      name: "AWS_ACCESS_KEY_ID", defaultText: "the credential chain",
      meaning: "access key, together with AWS_SECRET_ACCESS_KEY", isSecret: true),
    SettingVariable(
      name: "AWS_SECRET_ACCESS_KEY", defaultText: "the credential chain",
      meaning: "secret of the access key", isSecret: true),
    SettingVariable(
      name: "AWS_SESSION_TOKEN", defaultText: "none",
      meaning: "session token of a temporary access key", isSecret: true),
    SettingVariable(
      name: "AWS_ROLE_ARN", defaultText: "none",
      meaning: "with AWS_WEB_IDENTITY_TOKEN_FILE: role of a web identity (IRSA)"),
    SettingVariable(
      name: "AWS_WEB_IDENTITY_TOKEN_FILE", defaultText: "none",
      meaning: "token file of the web identity"),
    SettingVariable(
      name: "AWS_PROFILE", defaultText: "default",
      meaning: "profile in AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE (~/.aws/...)"),
    SettingVariable(
      name: "AWS_CONTAINER_CREDENTIALS_FULL_URI", defaultText: "none",
      meaning: "container credentials (EKS Pod Identity); then the instance's (IMDSv2)"),
    SettingVariable(
      name: "STORAGE_URL", defaultText: "S3",
      meaning: "file:///dir writes the same keys under a directory instead of S3"),
    SettingVariable(
      name: "AWS_CA_BUNDLE", defaultText: "system roots",
      meaning: "PEM file of further certificate authorities for the store"),
    SettingVariable(
      name: "CLUSTER_NAME", defaultText: "unknown",
      meaning: "cluster_id of rows whose node does not name its cluster"),
    SettingVariable(name: "HOST", defaultText: "0.0.0.0", meaning: "address to listen on"),
    SettingVariable(
      name: "PORT", defaultText: "8888", meaning: "port to listen on; 0 takes a free one"),
    SettingVariable(
      name: "DATA_DIR", defaultText: "/var/lib/aggregator",
      meaning: "write-ahead log, objects not yet stored, writer identity"),
    SettingVariable(
      name: "SPOOL_MAX_BYTES", defaultText: "10737418240",
      meaning: "allocated bytes in DATA_DIR at which reports get 503"),
    SettingVariable(
      name: "FLUSH_INTERVAL_SECONDS", defaultText: "300",
      meaning: "longest wait of a row for its object's completion, 1 to 3600"),
    SettingVariable(
      name: "FLUSH_MAX_BYTES", defaultText: "134217728",
      meaning: "size of an object at which its segment ends early"),
    SettingVariable(
      name: "MAX_BODY_BYTES", defaultText: "10485760",
      meaning: "largest report, as sent and decompressed; more gets 413"),
    SettingVariable(
      name: "PARQUET_ENCODINGS", defaultText: "default",
      meaning: "default, or modern: smaller files that not every reader can read (README)"),
    SettingVariable(
      name: "KUBECONFIG", defaultText: "~/.kube/config",
      meaning: "used outside a cluster; inside, the mounted service account is used"),
    SettingVariable(
      name: "DEBUG_K8S_API", defaultText: "false",
      meaning: "logs all traffic with the Kubernetes API, objects included"),
    SettingVariable(
      name: "LOG_LEVEL", defaultText: "info",
      meaning: "trace, debug, info, notice, warning, error or critical"),
    SettingVariable(
      name: "LOG_FORMAT", defaultText: "text", meaning: "text, or json: one JSON object a line"),
  ]

  /// The variables as `--help` lists them: name and default, then the meaning.
  static var help: String {
    let lines = variables.map { variable in
      "  \(variable.name)  [\(variable.defaultText)]\n      \(variable.meaning)"
    }
    return "ENVIRONMENT VARIABLES  [default]\n" + lines.joined(separator: "\n")
      + "\n\nAn empty variable counts as unset, but an empty S3_PREFIX means none."
  }

  static func variable(_ name: String) -> SettingVariable? {
    variables.first { $0.name == name }
  }
}
