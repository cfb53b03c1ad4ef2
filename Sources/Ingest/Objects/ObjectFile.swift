import Columnar

/// The file of one object while it is written: bytes are gathered, written in large pieces and
/// hashed on the way. After an error the file is given up.
final class ObjectFile: ByteSink {
  /// Small, since a segment of many dates has many files.
  private static let bufferByteCount = 128 << 10

  let id: ObjectID
  let key: String
  /// Bytes handed to the disk.
  private(set) var byteCount = 0
  var temporaryName: String { FileName.objectTemporary(id).text }
  var name: String { FileName.object(id).text }

  private let file: any DiskFile
  private var hash = SHA256()
  private let buffer: UnsafeMutableRawBufferPointer
  private var buffered = 0
  /// Offset up to which the system was asked to write.
  private var writebackUpTo = 0

  init(disk: any Disk, id: ObjectID, key: String) throws(DiskError) {
    self.id = id
    self.key = key
    file = try disk.create(FileName.objectTemporary(id).text)
    buffer = .allocate(byteCount: Self.bufferByteCount, alignment: 64)
  }

  deinit { buffer.deallocate() }

  func write(_ bytes: UnsafeRawBufferPointer) throws {
    if bytes.count > buffer.count - buffered { try flush() }
    if bytes.count >= buffer.count {
      try put(bytes)
    } else {
      UnsafeMutableRawBufferPointer(rebasing: buffer[buffered...]).copyMemory(from: bytes)
      buffered += bytes.count
    }
  }

  /// Hands everything to the disk; not durable yet.
  func flush() throws(DiskError) {
    try put(UnsafeRawBufferPointer(rebasing: buffer[..<buffered]))
    buffered = 0
  }

  private func put(_ bytes: UnsafeRawBufferPointer) throws(DiskError) {
    guard !bytes.isEmpty else { return }
    try file.write(bytes, at: byteCount)
    hash.update(bytes)
    byteCount += bytes.count
    // Left to the end, the sync of a whole object would hold up the log's syncs behind it.
    if byteCount - writebackUpTo >= IngestLimits.writebackStep {
      file.startWriteback(offset: writebackUpTo, count: byteCount - writebackUpTo)
      writebackUpTo = byteCount
    }
  }

  /// Flushes and syncs. Returns the SHA-256 of the whole file in hex.
  func finish() throws(DiskError) -> String {
    try flush()
    try file.sync()
    return SHA256.hex(hash.finish())
  }
}
