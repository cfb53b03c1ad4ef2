/// What a start learns of a log file: which frames count, and what was damaged.
///
/// Every frame that is whole counts, acknowledged or not: its id is known from here on, so that it
/// is kept once either way. Headers alone are read, but for the frames that no later one witnesses:
/// their payloads are hashed too, since a crash may have torn them.
package struct LogScan: Sendable {
  /// nil when the file's header is damaged; the frames do not depend on it.
  package var header: LogHeader?
  package var frameCount = 0
  /// Frames with a report.
  package var reportCount = 0
  /// Offset behind the last frame that counts.
  package var end = LogHeader.byteCount
  /// The largest offset that some frame says was fsynced.
  package var witnessedUpTo = 0
  /// Stretches of acknowledged bytes that hold no good frame.
  package var damaged: [Range<Int>] = []
  /// Frames of the unwitnessed tail that are there in whole length with a bad payload: torn, or
  /// damaged after they were acknowledged; nobody can tell.
  package var suspect: [Range<Int>] = []
  /// Bytes behind `end`, within the limit.
  package var tornByteCount = 0

  /// Reads `file`; `frame` is called for each report that counts, in order. `cut`: offset behind
  /// which nothing counts, from a later file's header.
  package static func scan(
    file: any DiskFile, writer: WriterID, segment: UInt64, cut: Int?,
    frame: (FrameHeader) -> Void
  ) throws(DiskError) -> LogScan {
    var scan = LogScan()
    let byteCount = try file.byteCount()
    let limit = min(byteCount, cut ?? byteCount)
    let seed = writer.seed(segment: segment)
    scan.header = try readHeader(file: file, writer: writer, segment: segment)

    let walker = FrameWalker(file: file, seed: seed, limit: limit)
    // Frames that no later one has witnessed yet, at most one group.
    var tail: [FrameWalker.Frame] = []
    var gaps: [Range<Int>] = []
    while let next = try walker.next() {
      if let skipped = walker.skipped { gaps.append(skipped) }
      if next.header.durableUpTo > scan.witnessedUpTo {
        scan.witnessedUpTo = next.header.durableUpTo
        let witnessed = tail.prefix { $0.end <= next.header.durableUpTo }
        for old in witnessed { scan.count(old, frame) }
        tail.removeFirst(witnessed.count)
      }
      tail.append(next)
    }
    for last in tail {
      if try payloadIsGood(last, file: file, seed: seed) {
        scan.count(last, frame)
      } else {
        scan.suspect.append(last.offset..<last.end)
      }
    }
    for gap in gaps where gap.upperBound <= scan.end {
      if gap.lowerBound < scan.witnessedUpTo {
        scan.damaged.append(gap)
      } else {
        scan.suspect.append(gap)
      }
    }
    // Bytes that were fsynced but lie behind the last good frame: only a cut can say so.
    scan.tornByteCount = max(0, limit - scan.end)
    return scan
  }

  private mutating func count(_ frame: FrameWalker.Frame, _ body: (FrameHeader) -> Void) {
    frameCount += 1
    end = frame.end
    guard !frame.header.isWitness else { return }
    reportCount += 1
    body(frame.header)
  }

  /// The header of the log file of `segment`; nil when it is damaged or another file's.
  package static func readHeader(
    file: any DiskFile, writer: WriterID, segment: UInt64
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
      let count = try disk.open(name).read(into: buffer, at: 0)
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
