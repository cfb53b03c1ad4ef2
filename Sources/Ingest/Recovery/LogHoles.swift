import CShims

/// The pieces of one log that a start has given up, since the medium did not give them for as long
/// as it waited. They never count again, should the medium give them one day: what is in them may
/// have been taken again by then. Gone with the log.
///
///     magic u64 │ writer 2×u64 │ segment u64 │ bytes of a piece u64 │ count u64
///     │ numbers of pieces u64 each, rising │ hash u64 │ zeros up to a whole piece
///
/// All of it twice, little-endian; the hash is seeded as in the log.
package struct LogHoles: Sendable, Equatable {
  private static let magic: UInt64 = 0x0A31_4C4F_4853_4741  // "AGSHOL1\n"
  private static let headWordCount = 6
  /// No file is as long.
  private static let maximumPiece = UInt64(1) << 40

  package let writer: WriterID
  package let segment: UInt64
  package var pieces: PieceNumbers

  package init(writer: WriterID, segment: UInt64, pieces: PieceNumbers) {
    self.writer = writer
    self.segment = segment
    self.pieces = pieces
  }

  // MARK: Bytes

  package func encoded() -> [UInt8] {
    let size = IngestLimits.salvagePieceByteCount
    var builder = ByteBuilder()
    for word in [
      Self.magic, writer.high, writer.low, segment, UInt64(size), UInt64(pieces.count),
    ] {
      builder.append(word)
    }
    for piece in pieces.sorted() { builder.append(UInt64(piece)) }
    builder.append(Self.hash(builder.bytes[...], seed: writer.seed(segment: segment)))
    let padding = (size - builder.bytes.count % size) % size
    let copy = builder.bytes + [UInt8](repeating: 0, count: padding)
    return copy + copy
  }

  /// nil: both copies are damaged, or another log's.
  package init?(_ bytes: [UInt8], writer: WriterID, segment: UInt64) {
    let half = bytes.count / 2
    for copy in [bytes[..<half], bytes[half...]] {
      if let pieces = Self.pieces(copy, writer: writer, segment: segment) {
        self.init(writer: writer, segment: segment, pieces: pieces)
        return
      }
    }
    return nil
  }

  private static func pieces(
    _ bytes: ArraySlice<UInt8>, writer: WriterID, segment: UInt64
  ) -> PieceNumbers? {
    var words: [UInt64] = []
    bytes.withUnsafeBytes { buffer in
      var scanner = ByteScanner(buffer)
      while let word = scanner.next(UInt64.self) { words.append(word) }
    }
    let head = [
      magic, writer.high, writer.low, segment, UInt64(IngestLimits.salvagePieceByteCount),
    ]
    guard words.starts(with: head), words.count > headWordCount,
      words[head.count] < UInt64(words.count - headWordCount)
    else { return nil }
    let end = headWordCount + Int(words[head.count])
    let hash = hash(bytes.prefix(8 * end), seed: writer.seed(segment: segment))
    let numbers = words[headWordCount..<end]
    guard words[end] == hash, numbers.allSatisfy({ $0 <= maximumPiece }) else { return nil }
    return Set(numbers.map { Int($0) })
  }

  private static func hash(_ bytes: ArraySlice<UInt8>, seed: UInt64) -> UInt64 {
    bytes.withUnsafeBytes { cshims_xxh3_64($0.baseAddress, $0.count, seed) }
  }

  // MARK: Disk

  func write(to disk: any Disk) throws(DiskError) {
    try disk.replace(FileName.holes(segment).text, with: encoded())
  }

  /// nil: no copy is good. `isWhole`: a later reading would give no more.
  static func read(
    _ segment: UInt64, writer: WriterID, from disk: any Disk
  ) throws(DiskError) -> (holes: LogHoles?, isWhole: Bool) {
    let file = SalvagingFile(try disk.open(FileName.holes(segment).text))
    let bytes = try file.contents(maximumByteCount: IngestLimits.maximumHolesByteCount)
    let holes = bytes.flatMap { LogHoles($0, writer: writer, segment: segment) }
    return (holes, holes != nil || !file.isUnreadable(0..<Int.max))
  }
}
