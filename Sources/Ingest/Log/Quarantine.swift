/// Copies of damaged stretches, for a human: `<segment>-<offset>.quarantine`. Made at most once a
/// stretch, and so many in all; a copy that fails is not missed.
package struct Quarantine {
  package let disk: any Disk

  package init(disk: any Disk) { self.disk = disk }

  /// Why a log is kept in whole.
  static let unreadableReason = "a part of it cannot be read"

  /// The copy's name, when one could be made.
  package static func fileName(segment: UInt64, offset: Int) -> String {
    "\(FileName.number(segment))-\(offset).quarantine"
  }

  /// There are not too many yet.
  var hasRoom: Bool { (try? disk.list()).map(Self.hasRoom) ?? false }

  private static func hasRoom(_ names: [String]) -> Bool {
    names.count(where: { if case .quarantine = FileName($0) { true } else { false } })
      < IngestLimits.maximumQuarantineFiles
  }

  /// Copies the range as far as it can be read; zeros stand for the rest.
  package func keep(_ range: Range<Int>, of file: any DiskFile, segment: UInt64) {
    let file = SalvagingFile(file)
    guard let names = try? disk.list(), Self.hasRoom(names) else { return }
    let name = Self.fileName(segment: segment, offset: range.lowerBound)
    guard !names.contains(name), let copy = try? disk.create(name) else { return }
    let end = range.lowerBound + min(range.count, IngestLimits.maximumQuarantineByteCount)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 8)
    defer { buffer.deallocate() }
    var offset = range.lowerBound
    do {
      while offset < end {
        let piece = UnsafeMutableRawBufferPointer(
          rebasing: buffer[..<min(buffer.count, end - offset)])
        let count = try file.read(into: piece, at: offset)
        guard count > 0 else { break }
        try copy.write(
          UnsafeRawBufferPointer(rebasing: piece[..<count]), at: offset - range.lowerBound)
        offset += count
      }
      try copy.sync()
    } catch {
      try? disk.remove(name)
    }
  }

  /// Keeps a whole file under another name.
  package func set(aside name: String) throws(DiskError) {
    try disk.rename(name, to: "\(name).quarantine")
    try disk.syncDirectory()
  }
}
