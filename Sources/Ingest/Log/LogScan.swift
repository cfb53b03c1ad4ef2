/// What a start learns of a log file: which frames count, and what was damaged.
///
/// Every frame that is whole counts, acknowledged or not: its id is known from here on, so that it
/// is kept once either way. Headers alone are read, but for the frames that nothing witnesses:
/// their payloads are hashed too, since a crash may have torn them.
///
///     │ frames, fsynced before a later one was written │ last group │ bytes without a frame │
///                                         witnessedUpTo ┘        end ┘                 limit ┘
///       bad here: damaged                                suspect     torn, or suspect
package struct LogScan: Sendable {
  /// nil when the file's header is damaged; the frames do not depend on it.
  package var header: LogHeader?
  package var frameCount = 0
  /// Frames with a report.
  package var reportCount = 0
  /// Offset behind the last frame that counts.
  package var end = LogHeader.byteCount
  /// The largest offset that is known to have been fsynced: some frame says so, or a cut.
  package var witnessedUpTo = 0
  /// Stretches of acknowledged bytes that hold no good frame.
  package var damaged: [Range<Int>] = []
  /// Stretches of the last group that are there in whole length and bad: torn, or damaged after
  /// they were acknowledged; nobody can tell.
  package var suspect: [Range<Int>] = []
  /// Stretches without a good frame of which some bytes cannot be read, and no start has given them
  /// up: no more than that is known of them, and a later reading may find frames.
  package var hidden: [Range<Int>] = []
  /// What could not be read of these stretches.
  package var hiddenPieces: PieceNumbers = []
  /// The beginning of a frame, or zeros, where the file ends: written by a process that ended
  /// before its fsync, and never acknowledged. nil: there is none.
  package var torn: Range<Int>?
  /// Offset up to which the file stays as it is: `end`, or behind what cannot be read there.
  package var keptUpTo = LogHeader.byteCount
  /// Bytes behind `keptUpTo`, within the limit: `torn`, and what of the others lies there.
  package var tornByteCount = 0
  /// Frames with a report that are good as far as was read, and partly in pieces that were not.
  private var doubtful: [(FrameHeader, Range<Int>)] = []

  /// Reads `file`; `frame` is called for each report that counts, in order. Where something is
  /// hidden it is not called for those that count only if this comes back. `cut`: offset behind
  /// which nothing counts, from a later file's header, and before which all was fsynced. `holes`:
  /// what a start has given up of the file.
  package static func scan(
    file: any DiskFile, writer: WriterID, segment: UInt64, cut: Int?, holes: PieceNumbers = [],
    frame: (FrameHeader, Range<Int>) -> Void
  ) throws(DiskError) -> LogScan {
    var scan = LogScan()
    let file = SalvagingFile(file, holes: holes)
    let byteCount = try file.byteCount()
    let limit = min(byteCount, cut ?? byteCount)
    let seed = writer.seed(segment: segment)
    scan.header = try readHeader(file, writer: writer, segment: segment)
    scan.witnessedUpTo = cut ?? 0

    let walker = FrameWalker(file: file, seed: seed, limit: limit)
    // Frames that nothing has witnessed yet, at most one group, and the last one.
    var tail: [FrameWalker.Frame] = []
    var gaps: [Range<Int>] = []
    while let next = try walker.next() {
      if let skipped = walker.skipped { gaps.append(skipped) }
      scan.witnessedUpTo = max(scan.witnessedUpTo, next.header.durableUpTo)
      let witnessed = tail.prefix { $0.end <= scan.witnessedUpTo }
      for old in witnessed { scan.count(old, file, frame) }
      tail.removeFirst(witnessed.count)
      tail.append(next)
    }
    for last in tail {
      let isWitnessed = last.end <= scan.witnessedUpTo
      if try isWitnessed ? true : payloadIsGood(last, file: file, seed: seed) {
        scan.count(last, file, frame)
      } else {
        scan.note(last.offset..<last.end, file)
      }
    }
    for gap in gaps { scan.note(gap, file) }
    if walker.position < max(limit, scan.witnessedUpTo) {
      let rest = walker.position..<max(limit, scan.witnessedUpTo)
      if rest.lowerBound >= scan.witnessedUpTo, try walker.endsTorn(), !file.isUnreadable(rest) {
        scan.torn = rest
      } else {
        scan.note(rest, file)
      }
    }
    if scan.header == nil, file.isHidden(0..<LogHeader.byteCount) {
      scan.hidden.insert(0..<LogHeader.byteCount, at: 0)
    }
    scan.hiddenPieces = file.hiddenPieces(of: scan.hidden)
    if scan.hidden.isEmpty { for (header, range) in scan.doubtful { frame(header, range) } }
    scan.doubtful = []
    scan.keptUpTo = (scan.hidden + scan.damaged + scan.suspect).reduce(scan.end) {
      file.isUnreadable($1) ? max($0, min($1.upperBound, limit)) : $0
    }
    scan.tornByteCount = max(0, limit - scan.keptUpTo)
    return scan
  }

  /// A stretch without a good frame that no torn write explains.
  private mutating func note(_ range: Range<Int>, _ file: SalvagingFile) {
    if file.isHidden(range) {
      hidden.append(range)
    } else if range.lowerBound < witnessedUpTo {
      damaged.append(range)
    } else {
      suspect.append(range)
    }
  }

  private mutating func count(
    _ frame: FrameWalker.Frame, _ file: SalvagingFile,
    _ body: (FrameHeader, Range<Int>) -> Void
  ) {
    // Its payload cannot be whole: its report is gone, and may come again.
    if file.isInHole(frame.offset..<frame.end) {
      note(frame.offset..<frame.end, file)
      return
    }
    frameCount += 1
    end = frame.end
    guard !frame.header.isWitness else { return }
    reportCount += 1
    // All of the piece behind it was read, or tried, on the way to the frame that follows.
    if file.isHidden(frame.offset..<frame.end) {
      doubtful.append((frame.header, frame.offset..<frame.end))
    } else {
      body(frame.header, frame.offset..<frame.end)
    }
  }

  /// The header of the log file of `segment`; nil when it is damaged or another file's.
  static func readHeader(
    _ file: SalvagingFile, writer: WriterID, segment: UInt64
  ) throws(DiskError) -> LogHeader? {
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: LogHeader.byteCount, alignment: 8)
    defer { buffer.deallocate() }
    let count = try file.read(into: buffer, at: 0)
    guard let header = LogHeader(UnsafeRawBufferPointer(buffer)[..<count].rebased),
      header.writer == writer, header.segment == segment
    else { return nil }
    return header
  }

  /// The first log of DATA_DIR that another version of this software has written.
  package static func foreignLog(
    on disk: any Disk
  ) throws(DiskError) -> (name: String, version: UInt32)? {
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: LogHeader.byteCount, alignment: 8)
    defer { buffer.deallocate() }
    for name in try disk.list().sorted() {
      guard case .log = FileName(name) else { continue }
      let count = try SalvagingFile(disk.open(name)).read(into: buffer, at: 0)
      if let version = LogHeader.foreignVersion(UnsafeRawBufferPointer(buffer)[..<count].rebased) {
        return (name, version)
      }
    }
    return nil
  }

  private static func payloadIsGood(
    _ frame: FrameWalker.Frame, file: any DiskFile, seed: UInt64
  ) throws(DiskError) -> Bool {
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: frame.header.payloadByteCount, alignment: 8)
    defer { buffer.deallocate() }
    let count = try file.read(into: buffer, at: frame.payloadOffset)
    return count == buffer.count
      && FrameHeader.hash(UnsafeRawBufferPointer(buffer), seed: seed) == frame.header.payloadHash
  }
}
