/// Appends frames to the file of one segment and syncs it. After any error the file is given up: it
/// is neither written nor synced again (the kernel has marked the lost pages clean).
package final class LogWriter {
  package let segment: UInt64
  package let fileName: String
  /// Offset up to which the file is fsynced; 0: not even its header.
  package private(set) var durableUpTo = 0
  /// Offset behind the last byte written.
  package private(set) var end = 0
  /// Offset up to which the system's copy was given up.
  private var droppedUpTo = 0
  /// Bytes reserved from offset 0.
  package private(set) var preallocatedUpTo = 0
  /// Frames, witnesses included.
  package private(set) var lastSequence: UInt64 = 0
  /// The last frame was a witness of everything before it.
  package private(set) var isWitnessed = true

  private let seed: UInt64
  private let file: any DiskFile
  /// Headers of the frames of one write.
  private let headers: UnsafeMutableRawPointer
  /// Headers and payloads of one write; empty between writes.
  private var pieces: [UnsafeRawBufferPointer] = []

  /// Creates the file with its header; neither is durable before `sync()`.
  package init(disk: any Disk, header: LogHeader) throws(DiskError) {
    segment = header.segment
    fileName = FileName.log(header.segment).text
    seed = header.writer.seed(segment: header.segment)
    file = try disk.create(fileName)
    headers = .allocate(
      byteCount: IngestLimits.maximumFramesPerWrite * FrameHeader.byteCount, alignment: 64)
    // From here on `deinit` runs, also when one of these throws.
    try reserve(LogHeader.byteCount)
    let bytes = header.encoded()
    var failure: DiskError?
    bytes.withUnsafeBytes { buffer in
      do throws(DiskError) { try file.write(buffer, at: 0) } catch { failure = error }
    }
    if let failure { throw failure }
    end = LogHeader.byteCount
    try disk.syncDirectory()
    // Were a cut to become durable only with the first frames, a power cut in that write could tear
    // it off, and what got 503 and came again in this file would count in both.
    if header.cut != nil { try file.sync() }
  }

  deinit { headers.deallocate() }

  /// One report for the log.
  package struct Entry {
    package var payload: UnsafeRawBufferPointer
    package var retryID: RetryID
    package var nodeID: UInt64

    package init(payload: UnsafeRawBufferPointer, retryID: RetryID, nodeID: UInt64) {
      self.payload = payload
      self.retryID = retryID
      self.nodeID = nodeID
    }
  }

  /// Writes one frame an entry, in order. Not durable before `sync()`.
  package func append(_ entries: some RandomAccessCollection<Entry>) throws(DiskError) {
    var rest = entries[...]
    while !rest.isEmpty {
      let group = rest.prefix(IngestLimits.maximumFramesPerWrite)
      rest = rest.dropFirst(group.count)
      try write(group)
    }
  }

  private func write(_ group: some Collection<Entry>) throws(DiskError) {
    defer { pieces.removeAll(keepingCapacity: true) }
    var byteCount = 0
    for (index, entry) in group.enumerated() {
      precondition(entry.payload.count <= IngestLimits.maximumPayloadByteCount)
      let header = FrameHeader(
        payloadByteCount: entry.payload.count, sequence: lastSequence + UInt64(index) + 1,
        durableUpTo: durableUpTo, retryID: entry.retryID, nodeID: entry.nodeID,
        payloadHash: FrameHeader.hash(entry.payload, seed: seed))
      let base = headers + index * FrameHeader.byteCount
      header.encode(to: base, seed: seed)
      pieces.append(UnsafeRawBufferPointer(start: base, count: FrameHeader.byteCount))
      if !entry.payload.isEmpty { pieces.append(entry.payload) }
      byteCount += header.frameByteCount
    }
    try reserve(byteCount)
    try file.write(pieces: pieces, at: end)
    end += byteCount
    lastSequence += UInt64(group.count)
    isWitnessed = false
  }

  /// Writes a witness of what is durable.
  package func appendWitness() throws(DiskError) {
    let none = UnsafeRawBufferPointer(start: nil, count: 0)
    try append(
      CollectionOfOne(Entry(payload: none, retryID: RetryID(low: 0, high: 0), nodeID: 0)))
    isWitnessed = true
  }

  package func sync() throws(DiskError) {
    try file.sync()
    durableUpTo = end
  }

  /// Gives up the system's copy of what is durable, in steps: nothing reads it again unless the
  /// index is not there, and to drop a whole segment's copy at its removal holds up other syncs.
  package func dropCache() {
    guard durableUpTo - droppedUpTo >= IngestLimits.cacheDropStep else { return }
    file.dropCache(offset: droppedUpTo, count: durableUpTo - droppedUpTo)
    droppedUpTo = durableUpTo
  }

  /// Gives the reservation behind the end back.
  package func trim() throws(DiskError) {
    try file.truncate(to: end)
    preallocatedUpTo = end
  }

  /// Reserves room for `byteCount` more bytes, in whole steps, so that a full disk shows before
  /// anything is written.
  private func reserve(_ byteCount: Int) throws(DiskError) {
    let needed = end + byteCount
    guard needed > preallocatedUpTo else { return }
    let step = IngestLimits.preallocationStep
    let target = (needed + step - 1) / step * step
    try file.preallocate(offset: preallocatedUpTo, count: target - preallocatedUpTo)
    preallocatedUpTo = target
  }
}
