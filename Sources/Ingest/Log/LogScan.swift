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
  /// Stretches without a good frame of which some bytes cannot be read: no more than that is known
  /// of them, and a later reading may find frames.
  package var hidden: [Range<Int>] = []
  /// The beginning of a frame, or zeros, where the file ends: written by a process that ended
  /// before its fsync, and never acknowledged. nil: there is none.
  package var torn: Range<Int>?
  /// Bytes behind `end`, within the limit: `torn`, and what of the others lies there.
  package var tornByteCount = 0
  /// Offset up to which a replay has to look: `end`, or behind what is hidden there.
  package var replayLimit = LogHeader.byteCount

  /// Reads `file`; `frame` is called for each report that counts, in order. `cut`: offset behind
  /// which nothing counts, from a later file's header, and before which all was fsynced.
  package static func scan(
    file: any DiskFile, writer: WriterID, segment: UInt64, cut: Int?,
    frame: (FrameHeader, Range<Int>) -> Void
  ) throws(DiskError) -> LogScan {
    var scan = LogScan()
    let file = SalvagingFile(file)
    let byteCount = try file.byteCount()
    let limit = min(byteCount, cut ?? byteCount)
    let seed = writer.seed(segment: segment)
    scan.header = try readHeader(file: file, writer: writer, segment: segment)
    scan.witnessedUpTo = cut ?? 0

    let walker = FrameWalker(file: file, seed: seed, limit: limit)
    // Frames that nothing has witnessed yet, at most one group.
    var tail: [FrameWalker.Frame] = []
    var gaps: [Range<Int>] = []
    while let next = try walker.next() {
      if let skipped = walker.skipped { gaps.append(skipped) }
      scan.witnessedUpTo = max(scan.witnessedUpTo, next.header.durableUpTo)
      tail.append(next)
      let witnessed = tail.prefix { $0.end <= scan.witnessedUpTo }
      for old in witnessed { scan.count(old, frame) }
      tail.removeFirst(witnessed.count)
    }
    for last in tail {
      if try payloadIsGood(last, file: file, seed: seed) {
        scan.count(last, frame)
      } else {
        scan.note(last.offset..<last.end, isHidden: file.isUnreadable(last.offset..<last.end))
      }
    }
    for gap in gaps { scan.note(gap, isHidden: file.isUnreadable(gap)) }
    if walker.position < max(limit, scan.witnessedUpTo) {
      let rest = walker.position..<max(limit, scan.witnessedUpTo)
      if file.isUnreadable(rest) {
        scan.hidden.append(rest)
      } else if rest.lowerBound >= scan.witnessedUpTo, try walker.endsTorn() {
        scan.torn = rest
      } else {
        scan.note(rest, isHidden: false)
      }
    }
    if file.isUnreadable(0..<LogHeader.byteCount) {
      scan.hidden.insert(0..<LogHeader.byteCount, at: 0)
    }
    scan.replayLimit = scan.hidden.reduce(scan.end) { max($0, min($1.upperBound, limit)) }
    scan.tornByteCount = max(0, limit - scan.replayLimit)
    return scan
  }

  /// A stretch without a good frame that no torn write explains.
  private mutating func note(_ range: Range<Int>, isHidden: Bool) {
    if isHidden {
      hidden.append(range)
    } else if range.lowerBound < witnessedUpTo {
      damaged.append(range)
    } else {
      suspect.append(range)
    }
  }

  private mutating func count(
    _ frame: FrameWalker.Frame, _ body: (FrameHeader, Range<Int>) -> Void
  ) {
    frameCount += 1
    end = frame.end
    guard !frame.header.isWitness else { return }
    reportCount += 1
    body(frame.header, frame.offset..<frame.end)
  }

  /// The header of the log file of `segment`; nil when it is damaged or another file's.
  package static func readHeader(
    file: any DiskFile, writer: WriterID, segment: UInt64
  ) throws(DiskError) -> LogHeader? {
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: LogHeader.byteCount, alignment: 8)
    defer { buffer.deallocate() }
    let count = try SalvagingFile(file).read(into: buffer, at: 0)
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
