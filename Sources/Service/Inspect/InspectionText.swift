import Ingest

/// An inspection as tables for people.
enum InspectionText {
  /// Whether a service may be writing: when the kernel's list cannot be read it may.
  static func mayRun(_ holder: LockHolder) -> Bool { holder != .nobody }

  static func text(_ report: InspectionReport) -> String {
    let inspection = report.inspection
    let parts = [
      head(report),
      section("Segments", segments(inspection)),
      section("Logs", logs(inspection)),
      section("Objects", objects(inspection)),
      section("Uploads", uploads(report.uploads)),
      section("Other files", others(inspection)),
      section("Damage", damage(inspection.damage)),
      verdict(report),
    ]
    return parts.filter { !$0.isEmpty }.joined(separator: "\n")
  }

  private static func head(_ report: InspectionReport) -> String {
    let service =
      switch report.holder {
      case .process(let pid): "running, process \(pid)"
      case .nobody: "none seen: no process that is visible from here holds the lock"
      case .unknown: "cannot be told: the list of locks cannot be read"
      }
    let inspection = report.inspection
    return """
      directory  \(LogText.escaped(report.directory))
      service    \(service)
      writer     \(inspection.writer?.description ?? "none")
      allocated  \(ByteText.text(inspection.allocatedByteCount))

      """
  }

  private static func section(_ title: String, _ table: TextTable) -> String {
    table.rows.isEmpty ? "" : "\(title)\n\(table.text)"
  }

  // MARK: Tables

  private static func segments(_ inspection: Inspection) -> TextTable {
    var table = TextTable([
      .number("segment"), .text("state"), .number("reports in log"), .number("rows sealed"),
      .number("objects"), .number("here"), .number("retry ids"), .number("seal"),
    ])
    for segment in inspection.segments {
      let here = segment.objects.count { $0.state != .stored }
      table.add([
        "\(segment.number)", segment.state.rawValue,
        segment.log.map { "\($0.reportCount)" } ?? "",
        segment.seal.map { "\($0.rowCount)" } ?? "",
        "\(segment.objects.count)", "\(here)",
        segment.seal.map { $0.retryIDCount.map { "\($0)" } ?? "damaged" } ?? "",
        segment.seal.map { ByteText.text($0.byteCount) } ?? "",
      ])
    }
    let all = inspection.segments
    table.sums = [
      "in all", "\(all.count)", sum(all.compactMap { $0.log?.reportCount }),
      sum(all.compactMap { $0.seal?.rowCount }), sum(all.map(\.objects.count)),
      sum(all.map { $0.objects.count { $0.state != .stored } }), "",
      bytes(all.compactMap { $0.seal?.byteCount }),
    ]
    return table
  }

  private static func logs(_ inspection: Inspection) -> TextTable {
    var table = TextTable([
      .number("segment"), .text("created (UTC)"), .number("frames"), .number("reports"),
      .number("bytes"), .number("allocated"), .number("synced to"), .number("open end"),
      .text("note"),
    ])
    for segment in inspection.segments {
      guard let log = segment.log else { continue }
      table.add([
        "\(segment.number)",
        log.header.map {
          String(LogTime.text(seconds: $0.createdSeconds, nanoseconds: 0).prefix(19))
        }
          ?? "?",
        "\(log.frameCount)", "\(log.reportCount)", ByteText.text(log.byteCount),
        ByteText.text(log.allocatedByteCount), "\(log.witnessedUpTo)",
        ByteText.text(log.tornByteCount), note(log, segment.state),
      ])
    }
    let all = inspection.segments.compactMap(\.log)
    table.sums = [
      "in all", "\(all.count)", sum(all.map(\.frameCount)), sum(all.map(\.reportCount)),
      bytes(all.map(\.byteCount)), bytes(all.map(\.allocatedByteCount)), "",
      bytes(all.map(\.tornByteCount)), "",
    ]
    return table
  }

  private static func note(_ log: Inspection.Log, _ state: Inspection.Segment.State) -> String {
    if let version = log.foreignVersion { return "of version \(version) of this format" }
    var notes: [String] = []
    if state == .open { notes.append("being written") }
    if state == .sealed || state == .stored { notes.append("sealed: no longer needed") }
    if let cut = log.cut { notes.append("counts up to \(cut)") }
    if log.tornByteCount > 0, state == .log { notes.append("torn end, cut at the next start") }
    return notes.joined(separator: ", ")
  }

  private static func objects(_ inspection: Inspection) -> TextTable {
    var table = TextTable([
      .text("object"), .text("state"), .number("rows"), .number("bytes"), .text("good"),
      .text("key"),
    ])
    let all = inspection.segments.flatMap(\.objects)
    for object in all {
      table.add([
        "\(object.id.segment)-\(object.id.partition)", object.state.rawValue,
        object.sealed.map { "\($0.rowCount)" } ?? "", ByteText.text(object.byteCount),
        object.isGood.map { $0 ? "yes" : "NO" } ?? "",
        shortened(key: object.sealed?.key ?? ""),
      ])
    }
    table.sums = [
      "in all", "\(all.count)", sum(all.compactMap { $0.sealed?.rowCount }),
      bytes(all.map(\.byteCount)), "", "",
    ]
    return table
  }

  /// The end of a key, which tells objects of one directory apart no less than their number does,
  /// is cut so that a row fits a terminal; --json has all of it.
  private static func shortened(key: String) -> String {
    let text = LogText.escaped(key)
    let limit = ServiceLimits.inspectKeyCharacterCount
    return text.count <= limit ? text : text.prefix(limit - 3) + "..."
  }

  private static func uploads(_ uploads: [UploadListing]) -> TextTable {
    var table = TextTable([.text("object"), .text("upload"), .text("key")])
    for upload in uploads {
      table.add([
        "\(upload.id.segment)-\(upload.id.partition)",
        upload.uploadID.map { LogText.cut(LogText.escaped($0)) } ?? "answer lost",
        shortened(key: upload.key),
      ])
    }
    return table
  }

  private static func others(_ inspection: Inspection) -> TextTable {
    var table = TextTable([.text("kind"), .number("allocated"), .text("file")])
    let kinds = [
      ("quarantine", inspection.quarantine), ("temporary", inspection.temporaries),
      ("unknown", inspection.unknown),
    ]
    for (kind, files) in kinds {
      for file in files {
        table.add([kind, ByteText.text(file.byteCount), LogText.escaped(file.name)])
      }
    }
    return table
  }

  private static func damage(_ damage: [Inspection.Damage]) -> TextTable {
    var table = TextTable([
      .text("file"), .number("offset"), .number("bytes"), .text("kind"), .text("what was found"),
    ])
    for one in damage {
      table.add([
        LogText.escaped(one.file), one.range.map { "\($0.lowerBound)" } ?? "",
        one.range.map { "\($0.count)" } ?? "", one.kind.rawValue, LogText.escaped(one.text),
      ])
    }
    return table
  }

  private static func verdict(_ report: InspectionReport) -> String {
    let damage = report.inspection.damage
    let found =
      if !damage.isEmpty {
        "\(damage.count) damaged\n"
      } else if report.isChecked {
        "sound: every report and object was verified\n"
      } else {
        "no damage found; --check verifies every report and object\n"
      }
    return found + aside(report.inspection.quarantine.count)
  }

  private static func aside(_ count: Int) -> String {
    guard count > 0 else { return "" }
    return count == 1
      ? "1 file set aside earlier: it holds a damaged stretch in which a report may be lost\n"
      : "\(count) files set aside earlier: each holds a damaged stretch in which a report may be "
        + "lost\n"
  }

  // MARK: Sums

  private static func total(_ numbers: [Int]) -> Int {
    numbers.reduce(0) { sum, next in
      let (value, overflow) = sum.addingReportingOverflow(next)
      return overflow ? Int.max : value
    }
  }

  private static func sum(_ numbers: [Int]) -> String { "\(total(numbers))" }
  private static func bytes(_ numbers: [Int]) -> String { ByteText.text(total(numbers)) }
}
