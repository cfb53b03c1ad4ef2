import Glibc

/// The bytes that a transfer sends, read piece by piece, and again from any place when the
/// connection broke before the server took them.
enum UploadBody {
  case bytes([UInt8], position: Int = 0)
  case source(any HTTPBodySource, position: Int = 0)

  var count: Int {
    switch self {
    case .bytes(let bytes, _): bytes.count
    case .source(let source, _): source.byteCount
    }
  }

  /// Bytes put into `buffer`, 0 at the end; nil: the source cannot be read or has become shorter.
  mutating func read(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
    switch self {
    case .bytes(let bytes, let position):
      let count = min(buffer.count, bytes.count - position)
      bytes.withUnsafeBytes {
        buffer.copyMemory(from: .init(rebasing: $0[position..<position + count]))
      }
      self = .bytes(bytes, position: position + count)
      return count
    case .source(let source, let position):
      let wanted = min(buffer.count, source.byteCount - position)
      guard wanted > 0 else { return 0 }
      let room = UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted])
      guard let count = source.read(into: room, at: position), (1...wanted).contains(count) else {
        return nil
      }
      self = .source(source, position: position + count)
      return count
    }
  }

  /// False when `offset` lies outside.
  mutating func rewind(to offset: Int64) -> Bool {
    guard let position = Int(exactly: offset), (0...count).contains(position) else { return false }
    switch self {
    case .bytes(let bytes, _): self = .bytes(bytes, position: position)
    case .source(let source, _): self = .source(source, position: position)
    }
    return true
  }
}

/// A range of a file, open for reading. The file may grow behind the range meanwhile.
final class UploadFile: HTTPBodySource {
  let byteCount: Int

  private let descriptor: Int32
  private let offset: Int

  /// nil: the file cannot be opened (errno tells why), or the range is no range.
  init?(path: String, offset: Int, count: Int) {
    guard offset >= 0, count >= 0, !offset.addingReportingOverflow(count).overflow else {
      errno = EINVAL
      return nil
    }
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    self.offset = offset
    byteCount = count
    if descriptor < 0 { return nil }
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  func read(into buffer: UnsafeMutableRawBufferPointer, at position: Int) -> Int? {
    while true {
      let got = pread(descriptor, buffer.baseAddress, buffer.count, offset + position)
      if got > 0 { return got }
      if got < 0, errno == EINTR { continue }
      return nil
    }
  }
}
