/// The file `writer`: the directory's identity, and a hash that tells a damaged one from another,
/// both of them twice (earlier files: once).
///
/// Should both be damaged, any log or seal still knows it; only a directory without either gets a
/// new one. Twice, because a young directory has one log, and its header may be damaged too: its
/// frames are good then, but only under the identity.
struct WriterIdentity {
  let disk: any Disk

  private static let maximumByteCount = 4_096

  /// The identity of the directory, made durable if it is new. `names`: all entries.
  func load(
    names: [FileName], random: () -> UInt64, damaged: () -> Void
  ) throws(DiskError) -> WriterID {
    if names.contains(.writer) {
      let found: (id: WriterID, isWhole: Bool)?
      do throws(DiskError) {
        found = try read()
      } catch {
        // A new identity would make every frame and seal another's: without one that tells it the
        // start ends, and the next may read the file.
        guard error.isUnreadable, let id = identity(inAny: names) else { throw error }
        found = (id, false)
      }
      if let found, found.isWhole { return found.id }
      damaged()
      if let found {
        try write(found.id)
        return found.id
      }
    }
    let id = identity(inAny: names) ?? WriterID(random: random)
    try write(id)
    return id
  }

  private func write(_ id: WriterID) throws(DiskError) {
    try disk.replace(FileName.writer.text, with: Array(Self.text(id).utf8))
  }

  /// The identity of the directory as far as it can be told without a change. `isWhole`: the file
  /// `writer` says it, undamaged, and not only a log or a seal.
  func find(names: [FileName]) throws(DiskError) -> (id: WriterID?, isWhole: Bool) {
    do throws(DiskError) {
      if names.contains(.writer), let found = try read() { return found }
    } catch {
      if !error.isAbsent { throw error }
    }
    return (identity(inAny: names), false)
  }

  /// The file of `id`.
  static func text(_ id: WriterID) -> String { record(id) + record(id) }

  private static func record(_ id: WriterID) -> String {
    "\(id)\n\(Hex.text(id.description.xxh3))\n"
  }

  private static let recordByteCount = 54

  /// What the file says; nil when no record is good.
  private func read() throws(DiskError) -> (id: WriterID, isWhole: Bool)? {
    guard
      let bytes = try disk.contents(
        of: FileName.writer.text, maximumByteCount: Self.maximumByteCount,
        maximumUnreadablePieces: 0)
    else { return nil }
    for start in [0, Self.recordByteCount] where bytes.count >= start + Self.recordByteCount {
      let record = bytes[start..<start + Self.recordByteCount]
      let text = String(decoding: record, as: UTF8.self)
      guard let id = WriterID(text.prefix(36)), Self.record(id) == text else { continue }
      let isWhole = [Self.record(id), Self.text(id)].contains { Array($0.utf8) == bytes }
      return (id, isWhole)
    }
    return nil
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
