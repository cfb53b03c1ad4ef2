/// Goes through a DATA_DIR and tells what is there. Changes nothing, takes no lock, and holds no
/// file open longer than it reads it.
///
/// Safe beside a running service: a file that has gone since it was listed is left out, and a
/// segment that looks damaged is looked at again, since the service may have changed it in between.
package struct Inspector {
  package struct Options: Sendable {
    /// Verify every payload, and every object against its seal.
    package var checksAll: Bool
    /// Whether the newest log may be in the middle of a write.
    package var isServiceRunning: Bool

    package init(checksAll: Bool, isServiceRunning: Bool) {
      self.checksAll = checksAll
      self.isServiceRunning = isServiceRunning
    }
  }

  let disk: any Disk
  let options: Options
  /// Called while all bytes are checked, with how many more are.
  let progress: (_ byteCount: Int) -> Void

  package init(
    disk: any Disk, options: Options, progress: @escaping (_ byteCount: Int) -> Void = { _ in }
  ) {
    self.disk = ReadOnlyDisk(disk)
    self.options = options
    self.progress = progress
  }

  /// Bytes that a check of everything reads, by what is there now.
  package func checkedByteCount() throws(DiskError) -> Int {
    var total = 0
    for name in try disk.list() {
      switch FileName(name) {
      case .log, .object: total += try size(of: name) ?? 0
      default: break
      }
    }
    return total
  }

  package func run() throws(DiskError) -> Inspection {
    let names = try disk.list().map { FileName($0) }.sorted { $0.text < $1.text }
    var inspection = Inspection()
    inspection.isDataDirectory = names.contains { name in
      switch name {
      case .writer, .lock, .log, .seal: true
      default: false
      }
    }
    try list(names, &inspection)
    let (writer, isWhole) = try WriterIdentity(disk: disk).find(names: names)
    inspection.writer = writer
    let numbers = Set(names.filter { !$0.isQuarantine }.compactMap(\.segment)).sorted()
    if !isWhole, names.contains(.writer) || !numbers.isEmpty {
      inspection.damage.append(
        Inspection.Damage(
          file: FileName.writer.text, kind: .writerFile,
          text: names.contains(.writer)
            ? "one of its records is wrong" : "absent, though there are files of segments"))
    }
    let cuts = try gatherCuts(names, writer)
    var newestLog: UInt64?
    for case .log(let number) in names { newestLog = max(number, newestLog ?? 0) }
    for number in numbers {
      try inspect(
        number, isNewest: number == newestLog, writer: writer, cut: cuts[number], &inspection)
    }
    return inspection
  }

  // MARK: The directory

  private func list(_ names: [FileName], _ inspection: inout Inspection) throws(DiskError) {
    for name in names {
      guard let allocated = try allocated(name.text) else { continue }
      inspection.allocatedByteCount += allocated
      let plain = Inspection.Plain(name: name.text, byteCount: allocated)
      switch name {
      case .quarantine: inspection.quarantine.append(plain)
      case .temporary: inspection.temporaries.append(plain)
      case .unknown: inspection.unknown.append(plain)
      default: break
      }
    }
  }

  /// How far the logs of failed segments count, by the headers of later logs and by the seals.
  private func gatherCuts(
    _ names: [FileName], _ writer: WriterID?
  ) throws(DiskError) -> [UInt64: Int] {
    guard let writer else { return [:] }
    var cuts: [UInt64: Int] = [:]
    for name in names {
      switch name {
      case .seal(let segment):
        guard let seal = try reading({ () throws(DiskError) in try sealFile(segment, writer) })
        else { continue }
        for cut in seal.seal?.cuts ?? [] { cuts[cut.segment] = cut.goodUpTo }
      case .log(let segment):
        let header = try reading { () throws(DiskError) in
          let isHoled = names.contains(.holes(segment))
          let holes =
            isHoled ? try LogHoles.read(segment, writer: writer, from: disk).holes : nil
          return try LogScan.readHeader(
            SalvagingFile(disk.open(name.text), holes: holes?.pieces ?? []), writer: writer,
            segment: segment)
        }
        if let cut = header??.cut { cuts[cut.segment] = cut.goodUpTo }
      default: continue
      }
    }
    return cuts
  }

  // MARK: Segments

  private func inspect(
    _ number: UInt64, isNewest: Bool, writer: WriterID?, cut: Int?,
    _ inspection: inout Inspection
  ) throws(DiskError) {
    for attempt in 1...IngestLimits.inspectionAttempts {
      let names = try disk.list().map { FileName($0) }.filter { $0.segment == number }
      var inspector = SegmentInspector(
        inspector: self, number: number, writer: writer, cut: cut,
        isNewestLog: isNewest, mayBeWritten: options.isServiceRunning && isNewest)
      let segment = try inspector.run(names)
      if attempt < IngestLimits.inspectionAttempts, options.isServiceRunning,
        !inspector.damage.isEmpty
      {
        continue
      }
      if let segment { inspection.segments.append(segment) }
      inspection.damage += inspector.damage
      return
    }
  }

  // MARK: Reading

  /// What `read` gives; nil when the file has gone, or cannot be read (which another look at the
  /// same file reports).
  func reading<Result>(_ read: () throws(DiskError) -> Result) throws(DiskError) -> Result? {
    do {
      return try read()
    } catch {
      return nil
    }
  }

  /// nil: it has gone.
  func allocated(_ name: String) throws(DiskError) -> Int? {
    do {
      return try disk.allocatedByteCount(of: name)
    } catch {
      if error.isAbsent { return nil }
      throw error
    }
  }

  /// Bytes in the file; nil: it has gone or cannot be opened.
  func size(of name: String) throws(DiskError) -> Int? {
    try reading { () throws(DiskError) in try disk.open(name).byteCount() }
  }

  /// A seal's file as it is, and what it says: nil when it is damaged. The file's bytes are empty
  /// when there are more than a seal ever has.
  func sealFile(
    _ segment: UInt64, _ writer: WriterID
  ) throws(DiskError) -> (byteCount: Int, bytes: [UInt8], seal: Seal?) {
    let name = FileName.seal(segment).text
    let byteCount = try disk.open(name).byteCount()
    let bytes =
      try disk.contents(of: name, maximumByteCount: IngestLimits.maximumSealByteCount) ?? []
    let seal = bytes.withUnsafeBytes { Seal($0, writer: writer, segment: segment) }
    return (byteCount, bytes, seal)
  }
}

extension FileName {
  fileprivate var isQuarantine: Bool { if case .quarantine = self { true } else { false } }
}
