import Glibc

/// Brings one log without a seal into a state that can be relied on: what counts is known, on the
/// medium, and what does not is cut off or set aside.
struct LogRecovery {
  let disk: any Disk
  let writer: WriterID
  let segment: UInt64
  /// How far it counts, where its file was given up.
  var cut: Int?
  let patience: ReadPatience
  /// What a start has given up of it.
  private(set) var holes: PieceNumbers
  let counters: IngestCounters
  let events: @Sendable (IngestEvent) -> Void

  private var name: String { FileName.log(segment).text }

  /// Adds the ids of the reports that count to `ids`, but if `isKnown`: it has them. nil: there are
  /// none, and the file is gone.
  mutating func run(ids: inout RetryIDs, isKnown: Bool) throws(DiskError) -> LogScan? {
    let file = try disk.open(name)
    let scan = try settle(file) { header in
      if !isKnown { ids.insert(header.retryID, node: header.nodeID) }
    }
    self.report(scan, file)
    if let cut { try cutOff(cut, file) }
    if scan.reportCount == 0 {
      if scan.damaged.isEmpty, scan.suspect.isEmpty {
        try disk.remove(name)
      } else {
        try Quarantine(disk: disk).set(aside: name)
      }
      try disk.syncDirectory()
      if !holes.isEmpty { try disk.remove(FileName.holes(segment).text) }
      return nil
    }
    if cut == nil { try makeDurable(scan) }
    return scan
  }

  /// What the header of this log says of another one. A header that cannot be read is given up: a
  /// start that could read it later must not count otherwise than this one. `isHeld`: nothing of
  /// the log's segment is touched.
  mutating func cutOfAnother(isHeld: Bool) throws(DiskError) -> LogHeader.Cut? {
    let range = 0..<LogHeader.byteCount
    let holes = holes
    let (header, file) = try patience.read(name) { () throws(DiskError) in
      let file = SalvagingFile(try disk.open(name), holes: holes)
      let header = try LogScan.readHeader(file, writer: writer, segment: segment)
      return ((header, file), isWhole: !file.isHidden(range))
    }
    if file.isHidden(range), !isHeld {
      try giveUp(file.hiddenPieces(of: [range]))
    }
    return header?.cut
  }

  /// Reads the log until nothing is hidden: the medium gives it, or it is given up, durably, before
  /// a report can be taken that may be in it. No piece is given up that was hidden only once.
  private mutating func settle(
    _ file: any DiskFile, _ report: (FrameHeader) -> Void
  ) throws(DiskError) -> LogScan {
    var before: PieceNumbers = []
    while true {
      let holes = holes
      var lasting: PieceNumbers = []
      let scan = try patience.read(name) { () throws(DiskError) in
        let scan = try LogScan.scan(
          file: file, writer: writer, segment: segment, cut: cut, holes: holes
        ) { header, _ in report(header) }
        lasting = scan.hiddenPieces.intersection(before)
        before = scan.hiddenPieces
        return (scan, isWhole: scan.hidden.isEmpty)
      }
      if scan.hidden.isEmpty { return scan }
      let mayExtend = patience.extend(name)
      if lasting.isEmpty, mayExtend { continue }
      try giveUp(mayExtend ? lasting : scan.hiddenPieces)
    }
  }

  private mutating func giveUp(_ pieces: PieceNumbers) throws(DiskError) {
    holes.formUnion(pieces)
    guard holes.count <= IngestLimits.maximumUnreadablePieces else {
      throw DiskError(call: .read, name: name, errno: EIO)
    }
    try LogHoles(writer: writer, segment: segment, pieces: holes).write(to: disk)
  }

  private func report(_ scan: LogScan, _ file: any DiskFile) {
    let salvaging = SalvagingFile(file, holes: holes)
    let quarantine = Quarantine(disk: disk)
    counters.damagedFrames.add(scan.damaged.count)
    counters.tailSuspects.add(scan.suspect.count)
    for range in scan.damaged + scan.suspect {
      let (offset, count) = (range.lowerBound, range.count)
      if salvaging.isInHole(range) {
        // No copy: a log with holes is kept in whole.
        events(.logGivenUp(segment: segment, offset: offset, byteCount: count))
        continue
      }
      events(
        offset < scan.witnessedUpTo
          ? .logDamaged(segment: segment, offset: offset, byteCount: count)
          : .tailSuspect(segment: segment, offset: offset, byteCount: count))
      quarantine.keep(range, of: file, segment: segment)
    }
    if let torn = scan.torn {
      // The last write of a process that died, which nobody was told of.
      counters.tornBytes.add(torn.count)
      events(.logTorn(segment: segment, offset: torn.lowerBound, byteCount: torn.count))
    }
    guard scan.header == nil, scan.frameCount > 0,
      !salvaging.isInHole(0..<LogHeader.byteCount)
    else { return }
    if scan.witnessedUpTo >= LogHeader.byteCount {
      counters.damagedFrames.add(1)
      events(.logDamaged(segment: segment, offset: 0, byteCount: LogHeader.byteCount))
    } else {
      counters.tailSuspects.add(1)
      events(.tailSuspect(segment: segment, offset: 0, byteCount: LogHeader.byteCount))
    }
  }

  /// What got 503 goes for good: the file that records how far this one counts may hold nothing
  /// else, and then goes itself.
  private func cutOff(_ cut: Int, _ read: any DiskFile) throws(DiskError) {
    guard try read.byteCount() > cut else { return }
    let file = try disk.openForUpdate(name)
    try file.truncate(to: cut)
    try file.sync()
  }

  /// Frames that no later one witnesses may be in memory only: the last process may have died
  /// between write and sync, or after a sync that failed, when the kernel has marked their pages
  /// clean. From here on their ids answer retries, so they are written again, and synced.
  private func makeDurable(_ scan: LogScan) throws(DiskError) {
    guard scan.end > scan.witnessedUpTo || scan.tornByteCount > 0 else { return }
    let file = SalvagingFile(try disk.openForUpdate(name), holes: holes, maximumPieces: 0)
    // Around holes: their bytes stay as they are. All else was read a moment ago.
    let pieceByteCount =
      holes.isEmpty ? IngestLimits.scanWindowByteCount : IngestLimits.salvagePieceByteCount
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: IngestLimits.scanWindowByteCount, alignment: 64)
    defer { buffer.deallocate() }
    var offset = scan.witnessedUpTo
    while offset < scan.end {
      let piece = UnsafeMutableRawBufferPointer(
        rebasing: buffer[
          ..<min(pieceByteCount - offset % pieceByteCount, scan.end - offset)])
      let count = try file.read(into: piece, at: offset)
      guard count > 0 else { break }
      if !file.isUnreadable(offset..<offset + count) {
        try file.write(UnsafeRawBufferPointer(rebasing: piece[..<count]), at: offset)
      }
      offset += count
    }
    try file.truncate(to: scan.keptUpTo)
    try file.sync()
  }
}
