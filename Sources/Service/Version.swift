/// The service's version, as `--version`, the start's log line and the metrics give it.
enum ServiceVersion {
  static let text = "0.1.0"
}
