/// The file `writer`: the directory's identity, and a hash that tells a damaged one from another.
///
/// Should it be damaged, any log or seal still knows it; only a directory without either gets a new
/// one.
struct WriterIdentity {
  let disk: any Disk

  private static let maximumByteCount = 4_096

  /// The identity of the directory, made durable if it is new. `names`: all entries.
  func load(
    names: [FileName], random: () -> UInt64, damaged: () -> Void
  ) throws(DiskError) -> WriterID {
    var isNew = true
    if names.contains(.writer) {
      isNew = false
      if let id = try read() { return id }
      damaged()
    }
    let id = identity(inAny: names) ?? WriterID(random: random)
    if !isNew { try disk.remove(FileName.writer.text) }
    try disk.replace(FileName.writer.text, with: Array(Self.text(id).utf8))
    return id
  }

  /// The identity of the directory as far as it can be told without a change. `isFileGood`: the
  /// file `writer` says it, and not only a log or a seal.
  func find(names: [FileName]) throws(DiskError) -> (id: WriterID?, isFileGood: Bool) {
    do throws(DiskError) {
      if names.contains(.writer), let id = try read() { return (id, true) }
    } catch {
      if !error.isAbsent { throw error }
    }
    return (identity(inAny: names), false)
  }

  static func text(_ id: WriterID) -> String {
    "\(id)\n\(Hex.text(id.description.xxh3))\n"
  }

  private func read() throws(DiskError) -> WriterID? {
    guard
      let bytes = try disk.contents(
        of: FileName.writer.text, maximumByteCount: Self.maximumByteCount)
    else { return nil }
    let text = String(decoding: bytes, as: UTF8.self)
    guard let id = WriterID(text.prefix(36)), Self.text(id) == text else { return nil }
    return id
  }

  /// Each file is read once: a second reading might fail.
  private func identity(inAny names: [FileName]) -> WriterID? {
    for name in names {
      if let id = identity(in: name) { return id }
    }
    return nil
  }

  private func identity(in name: FileName) -> WriterID? {
    switch name {
    case .log:
      let header = UnsafeMutableRawBufferPointer.allocate(
        byteCount: LogHeader.byteCount, alignment: 8)
      defer { header.deallocate() }
      guard let file = try? disk.open(name.text),
        (try? file.read(into: header, at: 0)) == LogHeader.byteCount
      else { return nil }
      return LogHeader(UnsafeRawBufferPointer(header))?.writer
    case .seal(let segment):
      guard
        let bytes = try? disk.contents(
          of: name.text, maximumByteCount: IngestLimits.maximumSealByteCount)
      else { return nil }
      return bytes.withUnsafeBytes { buffer in
        Seal.claimedWriter(buffer).flatMap {
          Seal(buffer, writer: $0, segment: segment) == nil ? nil : $0
        }
      }
    default: return nil
    }
  }
}
