import Ingest

/// A disk call named by what it does in the life of a segment, as in "sync log" or "rename seal".
/// The numbers are gone, so that the same step of two segments is one.
package struct DiskStep: Hashable, Sendable, Comparable, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }

  /// A directory sync, by the change that it makes durable.
  package init(syncAfter change: String?) {
    description = change.map { "sync directory after \($0)" } ?? "sync directory unchanged"
  }

  /// What sort of file has this name; a temporary one counts as what it becomes.
  package static func kind(of name: String) -> String {
    switch FileName(name) {
    case .lock: "lock"
    case .writer: "writer"
    case .log: "log"
    case .object, .objectTemporary: "object"
    case .uploadRecord: "upload"
    case .seal: "seal"
    case .holes: "holes"
    case .temporary(let text): kind(of: String(text.dropLast(".tmp".count)))
    case .quarantine: "quarantine"
    case .unknown(let text): text.isEmpty ? "directory" : "unknown"
    }
  }

  package static func < (left: DiskStep, right: DiskStep) -> Bool {
    left.description < right.description
  }
}
