/// The version of the product: `--version`, the start's log line, the metrics, and the writer that
/// every object's footer names.
package enum ProductVersion {
  package static let text = "0.1.0"
}
