import Glibc
import Synchronization

/// Numbers of pieces of a file, `salvagePieceByteCount` bytes each, from 0 on.
package typealias PieceNumbers = Set<Int>

/// Reads a file of which the medium may not give every byte.
///
/// A read that fails is made again, then in pieces. A piece that stays unreadable reads as zeros,
/// under which no hash is good, and is remembered: nobody may take it for bytes that were never
/// written. Holes are not read at all. Calls that change the file go through.
package final class SalvagingFile: DiskFile {
  private let base: any DiskFile
  private let maximumPieces: Int
  private let holes: PieceNumbers
  /// What could not be read, without holes.
  private let hidden = Mutex<PieceNumbers>([])

  /// `holes`: what is not to be read. `maximumPieces`: how many unreadable pieces are borne beside
  /// them; with one more the read throws.
  package init(
    _ base: any DiskFile, holes: PieceNumbers = [],
    maximumPieces: Int = IngestLimits.maximumUnreadablePieces
  ) {
    self.base = base
    self.holes = holes
    self.maximumPieces = maximumPieces
  }

  /// Whether some byte of the range is in a hole.
  package func isInHole(_ range: Range<Int>) -> Bool { Self.overlaps(holes, range) }

  /// Whether some byte of the range could not be read that is in no hole; only of what was read.
  package func isHidden(_ range: Range<Int>) -> Bool {
    hidden.withLock { Self.overlaps($0, range) }
  }

  package func isUnreadable(_ range: Range<Int>) -> Bool { isInHole(range) || isHidden(range) }

  /// The pieces of these ranges that could not be read and are no holes.
  package func hiddenPieces(of ranges: [Range<Int>]) -> PieceNumbers {
    hidden.withLock { pieces in
      pieces.filter { piece in ranges.contains { $0.overlaps(Self.range(ofPiece: piece)) } }
    }
  }

  private static func overlaps(_ pieces: PieceNumbers, _ range: Range<Int>) -> Bool {
    guard !pieces.isEmpty, !range.isEmpty else { return false }
    let size = IngestLimits.salvagePieceByteCount
    let wanted = range.lowerBound / size...(range.upperBound - 1) / size
    return wanted.count < pieces.count
      ? wanted.contains(where: pieces.contains) : pieces.contains(where: wanted.contains)
  }

  private static func range(ofPiece piece: Int) -> Range<Int> {
    let size = IngestLimits.salvagePieceByteCount
    return piece * size..<(piece + 1) * size
  }

  package func read(
    into buffer: UnsafeMutableRawBufferPointer, at offset: Int
  ) throws(DiskError) -> Int {
    if !isUnreadable(offset..<offset + buffer.count) {
      do throws(DiskError) {
        return try attempt(buffer, at: offset)
      } catch {
        guard error.isUnreadable else { throw error }
      }
    }
    let end = min(offset + buffer.count, try base.byteCount())
    var position = offset
    while position < end {
      let piece = position / IngestLimits.salvagePieceByteCount
      let count = min(Self.range(ofPiece: piece).upperBound, end) - position
      let start = position - offset
      let part = UnsafeMutableRawBufferPointer(rebasing: buffer[start..<start + count])
      if try !readPiece(piece, into: part, at: position) {
        part.initializeMemory(as: UInt8.self, repeating: 0)
      }
      position += count
    }
    return max(0, position - offset)
  }

  /// False when it cannot be read.
  private func readPiece(
    _ piece: Int, into buffer: UnsafeMutableRawBufferPointer, at offset: Int
  ) throws(DiskError) -> Bool {
    if holes.contains(piece) || hidden.withLock({ $0.contains(piece) }) { return false }
    do throws(DiskError) {
      return try attempt(buffer, at: offset) == buffer.count
    } catch {
      let isBorne = hidden.withLock { pieces in
        guard error.isUnreadable, pieces.count < maximumPieces else { return false }
        pieces.insert(piece)
        return true
      }
      guard isBorne else { throw error }
      return false
    }
  }

  private func attempt(
    _ buffer: UnsafeMutableRawBufferPointer, at offset: Int
  ) throws(DiskError) -> Int {
    for _ in 1..<IngestLimits.readAttempts {
      do throws(DiskError) {
        return try base.read(into: buffer, at: offset)
      } catch {
        guard error.isUnreadable else { throw error }
      }
    }
    return try base.read(into: buffer, at: offset)
  }

  package func byteCount() throws(DiskError) -> Int { try base.byteCount() }

  package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(DiskError) {
    try base.write(bytes, at: offset)
  }

  package func write(pieces: [UnsafeRawBufferPointer], at offset: Int) throws(DiskError) {
    try base.write(pieces: pieces, at: offset)
  }

  package func preallocate(offset: Int, count: Int) throws(DiskError) {
    try base.preallocate(offset: offset, count: count)
  }

  package func truncate(to byteCount: Int) throws(DiskError) { try base.truncate(to: byteCount) }
  package func sync() throws(DiskError) { try base.sync() }

  package func dropCache(offset: Int, count: Int) { base.dropCache(offset: offset, count: count) }
}

extension DiskError {
  /// The medium does not give the bytes, or the file system finds them damaged.
  package var isUnreadable: Bool { call == .read && [EIO, EBADMSG, EUCLEAN].contains(errno) }
}
