/// Small files, written and read whole.
extension Disk {
  /// Durably gives `name` these bytes: a temporary file, synced, renamed, directory synced. A crash
  /// leaves the old file or the new one.
  package func replace(_ name: String, with bytes: [UInt8]) throws(DiskError) {
    let temporary = "\(name).tmp"
    try remove(temporary)
    let file = try create(temporary)
    let result: Result<Void, DiskError> = bytes.withUnsafeBytes { buffer in
      do throws(DiskError) {
        try file.write(buffer, at: 0)
        return .success(())
      } catch {
        return .failure(error)
      }
    }
    try result.get()
    try file.sync()
    try rename(temporary, to: name)
    try syncDirectory()
  }

  /// The bytes of `name`; nil when there are more than `maximumByteCount`.
  package func contents(of name: String, maximumByteCount: Int) throws(DiskError) -> [UInt8]? {
    let file = try open(name)
    let count = try file.byteCount()
    guard count <= maximumByteCount else { return nil }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 8)
    defer { buffer.deallocate() }
    let read = try file.read(into: buffer, at: 0)
    return Array(UnsafeRawBufferPointer(rebasing: buffer[..<read]))
  }
}
