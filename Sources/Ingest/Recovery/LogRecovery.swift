/// Brings one log without a seal into a state that can be relied on: what counts is known, on the
/// medium, and what does not is cut off or set aside.
struct LogRecovery {
  let disk: any Disk
  let writer: WriterID
  let segment: UInt64
  let cut: Int?
  let counters: IngestCounters
  let events: @Sendable (IngestEvent) -> Void

  private var name: String { FileName.log(segment).text }

  /// `report` is called for each report that counts. nil: there is none, and the file is gone.
  func run(report: (FrameHeader, Range<Int>) -> Void) throws(DiskError) -> LogScan? {
    let file = try disk.open(name)
    let scan = try LogScan.scan(
      file: file, writer: writer, segment: segment, cut: cut, frame: report)
    self.report(scan, file)
    if let cut { try cutOff(cut, file) }
    if scan.reportCount == 0 {
      // It may hold reports where it cannot be read.
      if !scan.hidden.isEmpty { return scan }
      if scan.damaged.isEmpty, scan.suspect.isEmpty {
        try disk.remove(name)
      } else {
        try Quarantine(disk: disk).set(aside: name)
      }
      try disk.syncDirectory()
      return nil
    }
    if cut == nil { try makeDurable(scan) }
    return scan
  }

  private func report(_ scan: LogScan, _ file: any DiskFile) {
    let quarantine = Quarantine(disk: disk)
    for range in scan.damaged {
      counters.damagedFrames.add(1)
      events(.logDamaged(segment: segment, offset: range.lowerBound, byteCount: range.count))
      quarantine.keep(range, of: file, segment: segment)
    }
    for range in scan.suspect {
      counters.tailSuspects.add(1)
      events(.tailSuspect(segment: segment, offset: range.lowerBound, byteCount: range.count))
      quarantine.keep(range, of: file, segment: segment)
    }
    for range in scan.hidden {
      counters.tailSuspects.add(1)
      events(.logUnreadable(segment: segment, offset: range.lowerBound, byteCount: range.count))
    }
    if let torn = scan.torn {
      // The last write of a process that died, which nobody was told of.
      counters.tornBytes.add(torn.count)
      events(.logTorn(segment: segment, offset: torn.lowerBound, byteCount: torn.count))
    }
    guard scan.header == nil, scan.frameCount > 0, scan.hidden.first?.lowerBound != 0
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
    let file = SalvagingFile(try disk.openForUpdate(name))
    // Around what cannot be read: its bytes stay as they are.
    let pieceByteCount =
      scan.hidden.isEmpty ? IngestLimits.scanWindowByteCount : IngestLimits.salvagePieceByteCount
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
    try file.truncate(to: scan.replayLimit)
    try file.sync()
  }
}
