import Ingest
import KubeIndex

/// A range of a file in DATA_DIR, as something to send.
///
/// It holds the file open, so a rename or removal meanwhile does not matter.
final class PartSource: HTTPBodySource {
  let byteCount: Int
  /// Path of the file when the range is all of it and the file lies in a real directory.
  let wholeFilePath: String?

  private let file: any DiskFile
  private let offset: Int

  init(file: any DiskFile, offset: Int, byteCount: Int, wholeFilePath: String? = nil) {
    precondition(offset >= 0 && byteCount >= 0)
    self.file = file
    self.offset = offset
    self.byteCount = byteCount
    self.wholeFilePath = wholeFilePath
  }

  func read(into buffer: UnsafeMutableRawBufferPointer, at position: Int) -> Int? {
    let wanted = min(buffer.count, byteCount - position)
    guard wanted > 0 else { return 0 }
    let room = UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted])
    guard let count = try? file.read(into: room, at: offset + position), count > 0 else {
      return nil
    }
    return count
  }

  /// Calls `body` with all bytes, piece by piece; `.file` when they cannot be read.
  func forEachPiece(
    _ body: (UnsafeRawBufferPointer) throws(StoreFailure) -> Void
  ) throws(StoreFailure) {
    let piece = UnsafeMutableRawBufferPointer.allocate(
      byteCount: max(1, min(byteCount, ServiceLimits.filePieceByteCount)), alignment: 16)
    defer { piece.deallocate() }
    var position = 0
    while position < byteCount {
      guard let count = read(into: piece, at: position), count > 0 else {
        throw StoreFailure(.file, "the file to send is shorter than it was, or cannot be read")
      }
      try body(UnsafeRawBufferPointer(rebasing: piece[..<count]))
      position += count
    }
  }

  /// Lower-case hex SHA-256 of all bytes.
  func sha256() throws(StoreFailure) -> String {
    let hash = SHA256()
    try forEachPiece { (bytes) throws(StoreFailure) in hash.update(bytes) }
    return SHA256.hex(hash.finish())
  }
}
