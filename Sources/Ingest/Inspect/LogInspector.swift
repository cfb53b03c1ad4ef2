/// Reads one log as a start would, without what a start does about it.
struct LogInspector {
  let disk: any Disk
  let writer: WriterID
  let segment: UInt64
  let cut: Int?
  /// What a start has given up of it.
  let holes: PieceNumbers

  /// `checksAll`: also the payloads that the scan takes from their headers. The last value is the
  /// frames whose payload is bad, without those that the scan has found already.
  func run(
    checksAll: Bool, progress: (_ byteCount: Int) -> Void
  ) throws(DiskError) -> (log: Inspection.Log, scan: LogScan, badPayloads: [Range<Int>]) {
    let name = FileName.log(segment).text
    let allocated = try disk.allocatedByteCount(of: name)
    let file = try disk.open(name)
    let byteCount = try file.byteCount()
    let scan = try LogScan.scan(
      file: file, writer: writer, segment: segment, cut: cut, holes: holes,
      frame: { _, _ in })
    let log = Inspection.Log(
      byteCount: byteCount, allocatedByteCount: allocated, header: scan.header,
      foreignVersion: try Self.foreignVersion(file), frameCount: scan.frameCount,
      reportCount: scan.reportCount, end: scan.end, witnessedUpTo: scan.witnessedUpTo, cut: cut,
      tornByteCount: scan.tornByteCount, isChecked: checksAll)
    guard checksAll, log.foreignVersion == nil else { return (log, scan, []) }
    return (log, scan, try badPayloads(scan, progress))
  }

  private func badPayloads(
    _ scan: LogScan, _ progress: (_ byteCount: Int) -> Void
  ) throws(DiskError) -> [Range<Int>] {
    let reader = try LogReader(
      disk: disk, writer: writer, segment: segment, limit: scan.end, holes: holes,
      isSalvaging: true)
    let known = Set(scan.damaged + scan.suspect)
    var bad: [Range<Int>] = []
    var done = 0
    while true {
      let step = try reader.next()
      progress(reader.position - done)
      done = reader.position
      switch step {
      case .report: continue
      case .damaged(let range): if !known.contains(range) { bad.append(range) }
      case .end: return bad
      }
    }
  }

  private static func foreignVersion(_ file: any DiskFile) throws(DiskError) -> UInt32? {
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: LogHeader.byteCount, alignment: 8)
    defer { buffer.deallocate() }
    let count = try SalvagingFile(file).read(into: buffer, at: 0)
    return LogHeader.foreignVersion(UnsafeRawBufferPointer(buffer)[..<count].rebased)
  }
}
