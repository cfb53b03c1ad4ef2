/// Lists the frames of one log, one after the other, with what their payloads say.
package final class FrameLister {
  package enum Entry: Sendable, Equatable {
    case frame(Frame)
    /// A stretch without a frame: damaged, or behind the last frame, torn or under way.
    case gap(Range<Int>)
  }

  package struct Frame: Sendable, Equatable {
    package var offset: Int
    package var header: FrameHeader
    package var isPayloadGood: Bool
    /// Of the report; nil for a witness and when the payload is not a report.
    package var nodeName: String?
    package var timestamp: String?
  }

  private let file: any DiskFile
  private let seed: UInt64
  private let walker: FrameWalker
  private let decoder = ReportDecoder(writerSeed: 0)
  private var waiting: FrameWalker.Frame?
  private var isAtEnd = false
  private var buffer: UnsafeMutableRawBufferPointer

  /// `disk` is only read. Throws when there is no such log.
  package init(disk: any Disk, writer: WriterID, segment: UInt64) throws(DiskError) {
    file = try ReadOnlyDisk(disk).open(FileName.log(segment).text)
    seed = writer.seed(segment: segment)
    walker = FrameWalker(file: file, seed: seed, limit: try file.byteCount())
    buffer = .allocate(byteCount: 64 << 10, alignment: 64)
  }

  deinit { buffer.deallocate() }

  /// The next entry; nil at the end.
  package func next() throws(DiskError) -> Entry? {
    if let frame = waiting {
      waiting = nil
      return .frame(try read(frame))
    }
    guard !isAtEnd else { return nil }
    guard let frame = try walker.next() else {
      isAtEnd = true
      return walker.position < walker.limit ? .gap(walker.position..<walker.limit) : nil
    }
    if let skipped = walker.skipped {
      waiting = frame
      return .gap(skipped)
    }
    return .frame(try read(frame))
  }

  private func read(_ frame: FrameWalker.Frame) throws(DiskError) -> Frame {
    var entry = Frame(offset: frame.offset, header: frame.header, isPayloadGood: true)
    guard !frame.header.isWitness else { return entry }
    let count = frame.header.payloadByteCount
    if buffer.count < count + ReportBody.paddingByteCount {
      buffer.deallocate()
      buffer = .allocate(byteCount: 2 * count + ReportBody.paddingByteCount, alignment: 64)
    }
    let read = try file.read(
      into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]), at: frame.payloadOffset)
    let padding = buffer[count..<count + ReportBody.paddingByteCount]
    UnsafeMutableRawBufferPointer(rebasing: padding).initializeMemory(as: UInt8.self, repeating: 0)
    let payload = UnsafeRawBufferPointer(rebasing: buffer[..<count])
    entry.isPayloadGood =
      read == count && FrameHeader.hash(payload, seed: seed) == frame.header.payloadHash
    if entry.isPayloadGood, let names = try? decoder.names(payload) {
      entry.nodeName = names.node
      entry.timestamp = names.timestamp
    }
    return entry
  }
}

extension Inspector {
  /// The directory's writer, as `run` tells it.
  package func writer() throws(DiskError) -> WriterID? {
    try WriterIdentity(disk: disk).find(names: disk.list().map { FileName($0) }).id
  }
}
