/// Looks at all files of one segment, once.
struct SegmentInspector {
  let inspector: Inspector
  let number: UInt64
  let writer: WriterID?
  let cut: Int?
  /// Only the newest log ends wherever its process did.
  let isNewestLog: Bool
  /// A running service may be writing this segment's log.
  let mayBeWritten: Bool
  private(set) var damage: [Inspection.Damage] = []

  init(
    inspector: Inspector, number: UInt64, writer: WriterID?, cut: Int?, isNewestLog: Bool,
    mayBeWritten: Bool
  ) {
    self.inspector = inspector
    self.number = number
    self.writer = writer
    self.cut = cut
    self.isNewestLog = isNewestLog
    self.mayBeWritten = mayBeWritten
  }

  private var disk: any Disk { inspector.disk }

  /// `names`: the segment's files. nil: all have gone.
  mutating func run(_ names: [FileName]) throws(DiskError) -> Inspection.Segment? {
    var segment = Inspection.Segment(number: number, state: .leftover)
    var seal: Seal?
    if names.contains(.seal(number)) { (segment.seal, seal) = readSeal() }
    if names.contains(.log(number)) {
      segment.log = readLog(holes: names.contains(.holes(number)) ? readHoles() : [])
    }
    segment.objects = objects(names, seal: seal)
    for case .uploadRecord(let id) in names { segment.uploadRecords.append(id) }
    segment.uploadRecords.sort()
    if segment.seal != nil {
      let isStored = segment.objects.allSatisfy { $0.state == .stored }
      segment.state = seal == nil ? .damaged : isStored ? .stored : .sealed
    } else if segment.log != nil {
      segment.state = mayBeWritten ? .open : .log
    } else if segment.objects.isEmpty, segment.uploadRecords.isEmpty,
      !names.contains(.holes(number))
    {
      return nil
    }
    return segment
  }

  private mutating func note(
    _ file: String, _ kind: Inspection.Damage.Kind, _ text: String, at range: Range<Int>? = nil
  ) {
    damage.append(Inspection.Damage(file: file, kind: kind, range: range, text: text))
  }

  /// nil when the file has gone; any other error is damage of the file, not the end of the tour.
  private mutating func reading<Result>(
    _ name: String, _ read: () throws(DiskError) -> Result
  ) -> Result? {
    do {
      return try read()
    } catch {
      if !error.isAbsent { note(name, .unreadable, "\(error)") }
      return nil
    }
  }

  // MARK: Seal

  private mutating func readSeal() -> (Inspection.SealFile?, Seal?) {
    let name = FileName.seal(number).text
    guard let writer else {
      note(name, .unreadable, "the writer is not known")
      return (nil, nil)
    }
    let inspector = inspector
    let number = number
    guard
      let (byteCount, bytes, seal) = reading(
        name, { () throws(DiskError) in try inspector.sealFile(number, writer) })
    else { return (nil, nil) }
    var file = Inspection.SealFile(
      byteCount: byteCount, goodCopyCount: 0, objectCount: 0, rowCount: 0, objectByteCount: 0,
      cuts: [])
    guard let seal else {
      note(name, .seal, "both copies of its list are damaged")
      return (file, nil)
    }
    let parts = seal.damagedParts(of: bytes)
    for range in parts.lists {
      note(name, .sealCopy, "one of two copies is damaged; the other is used", at: range)
    }
    file.goodCopyCount = 2 - parts.lists.count
    if let range = parts.idsHead {
      note(name, .sealRetryIDs, "bytes before them changed; they do not depend on these", at: range)
    }
    file.objectCount = seal.objects.count
    file.rowCount = seal.objects.reduce(0) { Self.sum($0, $1.rowCount) }
    file.objectByteCount = seal.objects.reduce(0) { Self.sum($0, $1.byteCount) }
    file.cuts = seal.cuts
    if let ids = seal.retryIDs {
      var count = 0
      if !ids.forEach({ _, _ in count += 1 }) { note(name, .sealRetryIDs, "they end too early") }
      file.retryNodeCount = Int(ids.nodeCount)
      file.retryIDCount = count
    } else {
      note(name, .sealRetryIDs, "their hash is wrong; its objects do not depend on them")
    }
    return (file, seal)
  }

  // MARK: Log

  /// What a start has given up of the log.
  private mutating func readHoles() -> PieceNumbers {
    let name = FileName.holes(number).text
    guard let writer else { return [] }
    let (disk, number) = (disk, number)
    let holes = reading(name) { () throws(DiskError) in
      try LogHoles.read(number, writer: writer, from: disk)
    }
    guard let (holes, _) = holes else { return [] }
    guard let holes else {
      note(name, .logHoles, "both copies are damaged; a start reads all of the log")
      return []
    }
    let size = IngestLimits.salvagePieceByteCount
    for piece in holes.pieces.sorted() {
      let range = piece * size..<(piece + 1) * size
      note(name, .logHoles, "a start could not read this of the log: it counts no more", at: range)
    }
    return holes.pieces
  }

  private mutating func readLog(holes: PieceNumbers) -> Inspection.Log? {
    let name = FileName.log(number).text
    guard let writer else {
      note(name, .unreadable, "the writer is not known")
      return nil
    }
    let (disk, cut, number, checksAll, progress) = (
      disk, cut, number, inspector.options.checksAll, inspector.progress
    )
    let read = reading(name) { () throws(DiskError) in
      try LogInspector(disk: disk, writer: writer, segment: number, cut: cut, holes: holes)
        .run(checksAll: checksAll, progress: progress)
    }
    guard let (log, scan, badPayloads) = read else { return nil }
    guard log.foreignVersion == nil else { return log }
    for range in scan.damaged {
      note(name, .logFrames, "acknowledged, and no good frame", at: range)
    }
    for range in badPayloads {
      note(name, .logPayload, "the payload's hash is wrong, or it cannot be read", at: range)
    }
    if log.header == nil, log.reportCount > 0 {
      note(
        name, .logHeader, "its frames do not depend on it", at: 0..<LogHeader.byteCount)
    }
    for range in scan.hidden { note(name, .unreadable, "cannot be read", at: range) }
    if mayBeWritten { return log }
    for range in scan.suspect {
      note(
        name, .logSuspect, "in the last group: torn, or damaged after its answer", at: range)
    }
    if let torn = scan.torn, !isNewestLog {
      note(name, .logSuspect, "no frame, though a later log was begun", at: torn)
    }
    return log
  }

  // MARK: Objects

  private mutating func objects(_ names: [FileName], seal: Seal?) -> [Inspection.Object] {
    var objects: [Inspection.Object] = []
    for object in seal?.objects ?? [] {
      if let found = compare(object) { objects.append(found) }
    }
    let listed = Set((seal?.objects ?? []).map(\.fileName))
    for name in names where !listed.contains(name.text) {
      let state: Inspection.Object.State
      let id: ObjectID
      switch name {
      case .object(let objectID): (state, id) = (.uncommitted, objectID)
      case .objectTemporary(let objectID): (state, id) = (.writing, objectID)
      default: continue
      }
      let disk = disk
      let size = reading(name.text) { () throws(DiskError) in try disk.open(name.text).byteCount() }
      guard let size else { continue }
      objects.append(
        Inspection.Object(id: id, fileName: name.text, state: state, byteCount: size))
    }
    return objects.sorted { $0.id < $1.id }
  }

  private mutating func compare(_ object: SealedObject) -> Inspection.Object? {
    var found = Inspection.Object(
      id: object.id, fileName: object.fileName, state: .waiting, byteCount: object.byteCount,
      sealed: object)
    let file: any DiskFile
    do {
      file = try disk.open(object.fileName)
      found.byteCount = try file.byteCount()
      found.isGood = found.byteCount == object.byteCount
      if found.isGood == false {
        note(
          object.fileName, .objectSize,
          "\(found.byteCount) bytes, and its seal says \(object.byteCount)")
      } else if inspector.options.checksAll {
        let digest = try hash(file, byteCount: found.byteCount)
        found.isGood = digest == object.sha256
        if found.isGood == false { note(object.fileName, .objectHash, "its SHA-256 is \(digest)") }
      } else {
        found.isGood = nil
      }
    } catch {
      if error.isAbsent {
        found.state = .stored
      } else {
        note(object.fileName, .unreadable, "\(error)")
      }
    }
    return found
  }

  private func hash(_ file: any DiskFile, byteCount: Int) throws(DiskError) -> String {
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: IngestLimits.inspectionPieceByteCount, alignment: 64)
    defer { buffer.deallocate() }
    let hash = SHA256()
    var offset = 0
    while offset < byteCount {
      let piece = UnsafeMutableRawBufferPointer(
        rebasing: buffer[..<min(buffer.count, byteCount - offset)])
      let count = try file.read(into: piece, at: offset)
      guard count > 0 else { break }
      hash.update(UnsafeRawBufferPointer(rebasing: piece[..<count]))
      inspector.progress(count)
      offset += count
    }
    return SHA256.hex(hash.finish())
  }

  /// Numbers of a damaged file may be anything.
  private static func sum(_ left: Int, _ right: Int) -> Int {
    let (sum, overflow) = left.addingReportingOverflow(right)
    return overflow ? Int.max : sum
  }
}
