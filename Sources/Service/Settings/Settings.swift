import Columnar
import Logging

/// The effective settings of the service: checked, and constant from the start on.
struct Settings: Sendable {
  enum Storage: Equatable, Sendable {
    /// The S3 bucket of the settings below.
    case s3
    /// A directory, as an absolute path.
    case directory(String)
  }

  enum LogFormat: String, CaseIterable, Sendable {
    case text, json
  }

  var bucket = "k8s-usage-data"
  /// Used as given, `{cluster_name}` and `{date}` apart; empty: none.
  var prefix = "k8s-metrics/"
  var region = "us-east-1"
  /// `http://…` or `https://…` without a path; nil: AWS itself.
  var endpointURL: String?
  /// `cluster_id` of rows whose node does not name its cluster.
  var clusterName: String?
  var debugKubernetesAPI = false
  var storage = Storage.s3
  /// PEM file of CAs for the store, beyond the system's.
  var caBundle: String?
  /// HOST as given.
  var host = "0.0.0.0"
  /// The numeric address that HOST stands for.
  var listenAddress = "0.0.0.0"
  var port = 8888
  var dataDirectory = "/var/lib/aggregator"
  var spoolMaximumByteCount = 10_737_418_240
  var flushIntervalSeconds = 300
  var flushMaximumByteCount = 134_217_728
  var bodyMaximumByteCount = 10_485_760
  var parquetEncodings = NumberEncodings.standard
  /// As KUBECONFIG gives it: one path, or several separated by colons.
  var kubeconfig: String?
  var logLevel = Logger.Level.info
  var logFormat = LogFormat.text

  /// All of the environment that the credential chain may look at.
  var environment: [String: String] = [:]

  /// What is worth a word at the start, though the service can run with it.
  var warnings: [String] {
    var warnings: [String] = []
    if clusterName == nil {
      warnings.append(
        "CLUSTER_NAME is not set: rows whose node does not name its cluster get cluster_id unknown")
    }
    if !prefix.isEmpty && !prefix.hasSuffix("/") {
      warnings.append(
        "S3_PREFIX does not end with /: keys begin with \(prefix)cluster_name=…, no slash is added")
    }
    if case .s3 = storage, endpointURL?.hasPrefix("http://") == true {
      warnings.append("AWS_ENDPOINT_URL is http://: objects travel unencrypted")
    }
    return warnings
  }
}
