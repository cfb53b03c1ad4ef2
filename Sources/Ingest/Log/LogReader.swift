/// Replays the reports of one log file, in order, with their bytes checked.
package final class LogReader {
  package enum Step {
    /// The report's bytes, valid until the next call, with `ReportBody.paddingByteCount` readable
    /// bytes behind them.
    case report(FrameHeader, UnsafeRawBufferPointer)
    /// A stretch without a good frame.
    case damaged(Range<Int>)
    case end
  }

  /// Bytes gone through so far.
  package var position: Int { walker.position }
  package let limit: Int
  /// Where the frame of the report given last is.
  package private(set) var frame = 0..<0

  private let walker: FrameWalker
  private let file: any DiskFile
  private let seed: UInt64
  private var waiting: FrameWalker.Frame?
  private var hasToldOfEnd = false
  private var forgottenUpTo = 0
  private var buffer: UnsafeMutableRawBufferPointer

  /// `limit`: offset behind the last frame that counts. `holes`: what a start has given up, which
  /// is damage. `isSalvaging`: what else cannot be read is given as damage, too; else it throws.
  package init(
    disk: any Disk, writer: WriterID, segment: UInt64, limit: Int, holes: PieceNumbers = [],
    isSalvaging: Bool = false
  ) throws(DiskError) {
    file = SalvagingFile(
      try disk.open(FileName.log(segment).text), holes: holes,
      maximumPieces: isSalvaging ? IngestLimits.maximumUnreadablePieces : 0)
    seed = writer.seed(segment: segment)
    self.limit = limit
    walker = FrameWalker(file: file, seed: seed, limit: limit)
    buffer = .allocate(byteCount: 64 << 10, alignment: 64)
  }

  deinit { buffer.deallocate() }

  /// Tells the system that what was gone through so far is not read again soon.
  func forgetRead() {
    file.dropCache(offset: forgottenUpTo, count: frame.lowerBound - forgottenUpTo)
    forgottenUpTo = frame.lowerBound
  }

  package func next() throws(DiskError) -> Step {
    if let frame = waiting {
      waiting = nil
      return try read(frame)
    }
    while let frame = try walker.next() {
      if let skipped = walker.skipped {
        waiting = frame
        return .damaged(skipped)
      }
      if !frame.header.isWitness { return try read(frame) }
    }
    // What is good ends at the limit: a last frame that is not found was damaged since.
    if walker.position < limit, !hasToldOfEnd {
      hasToldOfEnd = true
      return .damaged(walker.position..<limit)
    }
    return .end
  }

  private func read(_ frame: FrameWalker.Frame) throws(DiskError) -> Step {
    self.frame = frame.offset..<frame.end
    let count = frame.header.payloadByteCount
    guard count > 0 else { return try next() }
    if buffer.count < count + ReportBody.paddingByteCount {
      buffer.deallocate()
      buffer = .allocate(byteCount: 2 * count + ReportBody.paddingByteCount, alignment: 64)
    }
    let payload = UnsafeMutableRawBufferPointer(rebasing: buffer[..<count])
    let isWhole = try file.read(into: payload, at: frame.payloadOffset) == count
    guard isWhole,
      FrameHeader.hash(UnsafeRawBufferPointer(payload), seed: seed) == frame.header.payloadHash
    else { return .damaged(frame.offset..<frame.end) }
    let padding = buffer[count..<count + ReportBody.paddingByteCount]
    UnsafeMutableRawBufferPointer(rebasing: padding).initializeMemory(as: UInt8.self, repeating: 0)
    return .report(frame.header, UnsafeRawBufferPointer(payload))
  }
}
