/// Small files, written and read whole.
extension Disk {
  /// Durably gives `name` these bytes: a temporary file, synced, renamed, directory synced. A crash
  /// leaves the old file or the new one.
  package func replace(_ name: String, with bytes: [UInt8]) throws(DiskError) {
    try replace(name, with: [bytes])
  }

  /// The same with the bytes of several arrays, one after the other.
  package func replace(_ name: String, with parts: [[UInt8]]) throws(DiskError) {
    let temporary = "\(name).tmp"
    try remove(temporary)
    let file = try create(temporary)
    var offset = 0
    for part in parts {
      let result: Result<Void, DiskError> = part.withUnsafeBytes { bytes in
        do throws(DiskError) {
          try Self.write(bytes, to: file, at: offset)
          return .success(())
        } catch {
          return .failure(error)
        }
      }
      try result.get()
      offset += part.count
    }
    try file.sync()
    try rename(temporary, to: name)
    try syncDirectory()
  }

  /// In steps, so that a large file is on its way to the medium before it is synced.
  private static func write(
    _ bytes: UnsafeRawBufferPointer, to file: any DiskFile, at offset: Int
  ) throws(DiskError) {
    var done = 0
    while done < bytes.count {
      let step = bytes[done..<min(bytes.count, done + IngestLimits.writebackStep)]
      try file.write(step.rebased, at: offset + done)
      if step.count == IngestLimits.writebackStep {
        file.startWriteback(offset: offset + done, count: step.count)
      }
      done += step.count
    }
  }

  /// The bytes of `name`; nil when there are more than `maximumByteCount`. Up to
  /// `maximumUnreadablePieces` pieces that cannot be read are zeros.
  package func contents(
    of name: String, maximumByteCount: Int, maximumUnreadablePieces: Int = 0
  ) throws(DiskError) -> [UInt8]? {
    try SalvagingFile(open(name), maximumPieces: maximumUnreadablePieces)
      .contents(maximumByteCount: maximumByteCount)
  }
}

extension DiskFile {
  /// All bytes; nil when there are more than `maximumByteCount`.
  func contents(maximumByteCount: Int) throws(DiskError) -> [UInt8]? {
    let count = try byteCount()
    return count <= maximumByteCount ? try bytes(0..<count) : nil
  }

  /// The bytes of the range that are there.
  func bytes(_ range: Range<Int>) throws(DiskError) -> [UInt8] {
    // Read into its place: a seal may be 70 MB.
    var failure: DiskError?
    let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, initialized in
      do throws(DiskError) {
        initialized = try read(
          into: UnsafeMutableRawBufferPointer(buffer), at: range.lowerBound)
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return bytes
  }
}
