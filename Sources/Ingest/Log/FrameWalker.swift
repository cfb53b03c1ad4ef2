import CShims

/// Walks the frames of one log file by their headers, in order, and finds the next one behind a
/// damaged stretch by its magic.
///
/// A frame counts when its header's hash is good, it lies whole inside the limit and its sequence
/// number is above that of the frame before it. Payloads are not read.
package final class FrameWalker {
  package struct Frame: Sendable, Equatable {
    package var offset: Int
    package var header: FrameHeader

    package var end: Int { offset + header.frameByteCount }
    package var payloadOffset: Int { offset + FrameHeader.byteCount }
  }

  /// Where the next frame is looked for; behind the last good frame once `next` has given nil.
  package private(set) var position: Int
  /// Stretch between the previous frame and the one just given; nil when they touch.
  package private(set) var skipped: Range<Int>?
  package let limit: Int

  private let file: any DiskFile
  private let seed: UInt64
  private var lastSequence: UInt64 = 0
  private let window: UnsafeMutableRawBufferPointer
  private var windowOffset = 0
  private var windowCount = 0

  /// `limit`: offset up to which the file's bytes count, at most its size.
  package init(file: any DiskFile, seed: UInt64, limit: Int) {
    self.file = file
    self.seed = seed
    self.limit = limit
    position = LogHeader.byteCount
    window = .allocate(byteCount: IngestLimits.scanWindowByteCount, alignment: 64)
  }

  deinit { window.deallocate() }

  /// The next frame; nil when no further one begins before the limit.
  package func next() throws(DiskError) -> Frame? {
    skipped = nil
    if let frame = try frame(at: position) { return take(frame) }
    guard let frame = try search(from: position + 1) else { return nil }
    skipped = position..<frame.offset
    return take(frame)
  }

  /// Whether what lies between `position` and the limit, once `next` has given nil, is what a write
  /// leaves that did not come to its end: less than a header, a good header whose payload goes
  /// beyond the limit, or zeros.
  package func endsTorn() throws(DiskError) -> Bool {
    guard limit - position >= FrameHeader.byteCount else { return true }
    let bytes = try load(position, count: FrameHeader.byteCount)
    if let header = FrameHeader(bytes, seed: seed), header.sequence > lastSequence,
      header.frameByteCount > limit - position
    {
      return true
    }
    var offset = position
    while offset < limit {
      let bytes = try load(offset, count: min(IngestLimits.scanWindowByteCount, limit - offset))
      guard !bytes.isEmpty, bytes.allSatisfy({ $0 == 0 }) else { return false }
      offset += bytes.count
    }
    return true
  }

  private func take(_ frame: Frame) -> Frame {
    lastSequence = frame.header.sequence
    position = frame.end
    return frame
  }

  private func frame(at offset: Int) throws(DiskError) -> Frame? {
    guard limit - offset >= FrameHeader.byteCount else { return nil }
    let bytes = try load(offset, count: FrameHeader.byteCount)
    guard let header = FrameHeader(bytes, seed: seed), header.sequence > lastSequence,
      header.durableUpTo <= offset, header.frameByteCount <= limit - offset
    else { return nil }
    return Frame(offset: offset, header: header)
  }

  private func search(from start: Int) throws(DiskError) -> Frame? {
    var offset = start
    var magic = FrameHeader.magic.littleEndian
    while limit - offset >= FrameHeader.byteCount {
      let count = min(IngestLimits.scanWindowByteCount, limit - offset)
      let bytes = try load(offset, count: count)
      guard bytes.count >= FrameHeader.byteCount, let base = bytes.baseAddress else { return nil }
      guard let found = cshims_find(base, bytes.count, &magic, MemoryLayout<UInt32>.size) else {
        // The last three bytes may begin a magic that the next window ends.
        offset += bytes.count - (MemoryLayout<UInt32>.size - 1)
        continue
      }
      offset += UnsafeRawPointer(found) - base
      if let frame = try frame(at: offset) { return frame }
      offset += 1
    }
    return nil
  }

  /// Up to `count` bytes at `offset`, valid until the next call.
  private func load(_ offset: Int, count: Int) throws(DiskError) -> UnsafeRawBufferPointer {
    if offset < windowOffset || offset + count > windowOffset + windowCount {
      windowOffset = offset
      windowCount = 0
      windowCount = try file.read(into: window, at: offset)
    }
    let start = offset - windowOffset
    return UnsafeRawBufferPointer(window)[start..<min(start + count, windowCount)].rebased
  }
}

extension Slice where Base == UnsafeRawBufferPointer {
  var rebased: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: self) }
}
