import Ingest

/// An inspection as one JSON document. Its members are a promise: they are added to, not renamed.
enum InspectionJSON {
  /// Every member of the document, where it is, and what it says.
  static let members: [(path: String, meaning: String)] = [
    ("data_dir", "the directory, as given"),
    ("service.state", "running, none_seen or unknown"),
    ("service.pid", "the process that holds the lock, or null"),
    ("writer", "UUID of the directory, part of every key; null when nothing tells it"),
    ("allocated_bytes", "on the volume, preallocation included"),
    ("checked", "whether --check was given"),
    ("sound", "whether no damage was found"),
    ("segments[].segment", "number, rising with time"),
    ("segments[].state", "open, log, sealed, stored, leftover or damaged"),
    ("segments[].log.bytes", "size of the file; log is null when there is none"),
    ("segments[].log.allocated_bytes", "on the volume"),
    ("segments[].log.created", "arrival of the first report, seconds since 1970; null: damaged"),
    ("segments[].log.version", "of the format, when another version of the software wrote it"),
    ("segments[].log.frames", "whole frames, witnesses included"),
    ("segments[].log.reports", "frames that hold a report"),
    ("segments[].log.end", "offset behind the last whole frame"),
    ("segments[].log.synced_to", "offset that later frames witness as synced"),
    ("segments[].log.cut", "offset behind which nothing counts, after a failed write; or null"),
    ("segments[].log.torn_bytes", "behind the end: a write cut short, or under way"),
    ("segments[].seal.bytes", "size of the file; seal is null when there is none"),
    ("segments[].seal.good_copies", "of the two copies of its list; one is enough"),
    ("segments[].seal.objects", "number of objects that it commits"),
    ("segments[].seal.rows", "in these objects"),
    ("segments[].seal.object_bytes", "of these objects"),
    ("segments[].seal.retry_ids", "reports that it remembers; null: damaged"),
    ("segments[].seal.retry_nodes", "nodes of these reports; null: damaged"),
    ("segments[].seal.cuts[].segment", "a segment whose log failed"),
    ("segments[].seal.cuts[].good_up_to", "how far that log counts"),
    ("segments[].objects[].partition", "number within the segment"),
    ("segments[].objects[].file", "name in the directory"),
    ("segments[].objects[].state", "writing, waiting, stored or uncommitted"),
    ("segments[].objects[].bytes", "size of the file, or of the stored object"),
    ("segments[].objects[].rows", "by the seal; null without one"),
    ("segments[].objects[].key", "by the seal; null without one"),
    ("segments[].objects[].sha256", "by the seal; null without one"),
    ("segments[].objects[].good", "whether size and hash are the seal's; null: not compared"),
    ("segments[].uploads[].partition", "of the object that is uploaded"),
    ("segments[].uploads[].key", "where to"),
    ("segments[].uploads[].upload_id", "null when the store's answer was lost"),
    ("quarantine[].file", "bytes set aside for a human"),
    ("quarantine[].bytes", "on the volume; so for temporary and unknown"),
    ("temporary[].file", "was being written under another name"),
    ("temporary[].bytes", "on the volume"),
    ("unknown[].file", "not a name that the service makes"),
    ("unknown[].bytes", "on the volume"),
    ("damage[].file", "name in the directory"),
    (
      "damage[].kind",
      "writer_file, log_header, log_frames, log_suspect, log_payload, log_holes, seal, seal_copy, "
        + "seal_retry_ids, object_size, object_hash or unreadable"
    ),
    ("damage[].offset", "first byte meant; null: the whole file"),
    ("damage[].bytes", "number of bytes meant; null: the whole file"),
    ("damage[].text", "what was found"),
  ]

  /// The members as `--help` lists them.
  static var help: String {
    members.map { "  \($0.path)\n      \($0.meaning)" }.joined(separator: "\n") + "\n\n"
      + FrameOutput.help
  }

  static func text(_ report: InspectionReport) -> String {
    let inspection = report.inspection
    return JSONValue.object([
      ("data_dir", .text(report.directory)),
      ("service", service(report.holder)),
      ("writer", .optional(inspection.writer?.description)),
      ("allocated_bytes", .integer(inspection.allocatedByteCount)),
      ("checked", .bool(report.isChecked)),
      ("sound", .bool(inspection.isSound)),
      ("segments", .list(inspection.segments.map { segment($0, report.uploads) })),
      ("quarantine", .list(inspection.quarantine.map(plain))),
      ("temporary", .list(inspection.temporaries.map(plain))),
      ("unknown", .list(inspection.unknown.map(plain))),
      ("damage", .list(inspection.damage.map(damage))),
    ]).pretty
  }

  private static func service(_ holder: LockHolder) -> JSONValue {
    switch holder {
    case .process(let pid): .object([("state", .text("running")), ("pid", .integer(Int(pid)))])
    case .nobody: .object([("state", .text("none_seen")), ("pid", .null)])
    case .unknown: .object([("state", .text("unknown")), ("pid", .null)])
    }
  }

  private static func segment(
    _ segment: Inspection.Segment, _ uploads: [UploadListing]
  ) -> JSONValue {
    .object([
      ("segment", .unsigned(segment.number)),
      ("state", .text(segment.state.rawValue)),
      ("log", segment.log.map(log) ?? .null),
      ("seal", segment.seal.map(seal) ?? .null),
      ("objects", .list(segment.objects.map(object))),
      (
        "uploads",
        .list(
          uploads.filter { $0.id.segment == segment.number }.map {
            .object([
              ("partition", .integer(Int($0.id.partition))), ("key", .text($0.key)),
              ("upload_id", .optional($0.uploadID)),
            ])
          })
      ),
    ])
  }

  private static func log(_ log: Inspection.Log) -> JSONValue {
    .object([
      ("bytes", .integer(log.byteCount)),
      ("allocated_bytes", .integer(log.allocatedByteCount)),
      ("created", .optional(log.header.map { Int($0.createdSeconds) })),
      ("version", .optional(log.foreignVersion.map { Int($0) })),
      ("frames", .integer(log.frameCount)),
      ("reports", .integer(log.reportCount)),
      ("end", .integer(log.end)),
      ("synced_to", .integer(log.witnessedUpTo)),
      ("cut", .optional(log.cut)),
      ("torn_bytes", .integer(log.tornByteCount)),
    ])
  }

  private static func seal(_ seal: Inspection.SealFile) -> JSONValue {
    .object([
      ("bytes", .integer(seal.byteCount)),
      ("good_copies", .integer(seal.goodCopyCount)),
      ("objects", .integer(seal.objectCount)),
      ("rows", .integer(seal.rowCount)),
      ("object_bytes", .integer(seal.objectByteCount)),
      ("retry_ids", .optional(seal.retryIDCount)),
      ("retry_nodes", .optional(seal.retryNodeCount)),
      (
        "cuts",
        .list(
          seal.cuts.map {
            .object([
              ("segment", .unsigned($0.segment)), ("good_up_to", .integer($0.goodUpTo)),
            ])
          })
      ),
    ])
  }

  private static func object(_ object: Inspection.Object) -> JSONValue {
    .object([
      ("partition", .integer(Int(object.id.partition))),
      ("file", .text(object.fileName)),
      ("state", .text(object.state.rawValue)),
      ("bytes", .integer(object.byteCount)),
      ("rows", .optional(object.sealed?.rowCount)),
      ("key", .optional(object.sealed?.key)),
      ("sha256", .optional(object.sealed?.sha256)),
      ("good", object.isGood.map { .bool($0) } ?? .null),
    ])
  }

  private static func plain(_ file: Inspection.Plain) -> JSONValue {
    .object([("file", .text(file.name)), ("bytes", .integer(file.byteCount))])
  }

  private static func damage(_ damage: Inspection.Damage) -> JSONValue {
    .object([
      ("file", .text(damage.file)),
      ("kind", .text(damage.kind.rawValue)),
      ("offset", .optional(damage.range?.lowerBound)),
      ("bytes", .optional(damage.range?.count)),
      ("text", .text(damage.text)),
    ])
  }
}
