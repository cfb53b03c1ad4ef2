import CShims
import Glibc

/// The commit of one segment: its objects, all complete in DATA_DIR, and the ids of the reports
/// that are durable. From its rename on, no byte of an object changes.
///
///     magic u64 │ version u32 │ its complement u32 │ writer 2×u64 │ segment u64 │ list length u64
///     │ list │ list hash u64
///     │ nodes u32 │ 0 u32 │ ids length u64 │ ids │ ids hash u64
///     │ list │ list hash u64 │ list length u64
///
/// The list stands at both ends, so that damage to one part of the file costs nothing, and damage
/// to the ids costs only the ids. Hashes are seeded as in the log.
package struct Seal: Sendable, Equatable {
  private static let magic: UInt64 = 0x0A31_4C41_4553_4741  // "AGSEAL1\n"
  static let version: UInt32 = 1
  private static let headByteCount = 48

  package var writer: WriterID
  package var segment: UInt64
  package var objects: [SealedObject]
  /// How far the logs of failed segments count; kept until those logs are gone.
  package var cuts: [LogHeader.Cut]
  /// nil after reading when its part of the file is damaged.
  package var retryIDs: RetrySnapshot?

  package init(
    writer: WriterID, segment: UInt64, objects: [SealedObject], cuts: [LogHeader.Cut],
    retryIDs: RetrySnapshot
  ) {
    self.writer = writer
    self.segment = segment
    self.objects = objects
    self.cuts = cuts
    self.retryIDs = retryIDs
  }

  // MARK: Bytes

  package func encoded() -> [UInt8] { encodedParts().flatMap(\.self) }

  /// What stands before the ids, the ids, which are most of it and not copied, and what follows.
  private func encodedParts() -> [[UInt8]] {
    let list = encodedList()
    let ids = retryIDs ?? .empty
    let seed = writer.seed(segment: segment)
    let listHash = Self.hash(list, seed: seed)
    var front = ByteBuilder()
    front.reserve(Self.headByteCount + list.count + 24)
    front.append(Self.magic)
    front.append(Self.version)
    front.append(~Self.version)
    front.append(writer.high)
    front.append(writer.low)
    front.append(segment)
    front.append(UInt64(list.count))
    front.append(raw: list)
    front.append(listHash)
    front.append(ids.nodeCount)
    front.append(UInt32(0))
    front.append(UInt64(ids.bytes.count))
    var back = ByteBuilder()
    back.reserve(list.count + 24)
    back.append(Self.hash(ids.bytes, seed: seed ^ UInt64(ids.nodeCount)))
    back.append(raw: list)
    back.append(listHash)
    back.append(UInt64(list.count))
    return [front.bytes, ids.bytes, back.bytes]
  }

  private func encodedList() -> [UInt8] {
    var builder = ByteBuilder()
    builder.append(UInt32(objects.count))
    for object in objects {
      builder.append(object.id.partition)
      builder.append(object.key)
      builder.append(object.fileName)
      builder.append(UInt64(object.byteCount))
      builder.append(UInt64(object.rowCount))
      builder.append(object.sha256)
      builder.append(object.attempt)
      builder.append(object.oldestRowSeconds)
    }
    builder.append(UInt32(cuts.count))
    for cut in cuts {
      builder.append(cut.segment)
      builder.append(UInt64(cut.goodUpTo))
    }
    return builder.bytes
  }

  /// Reads the seal of `segment`; nil when both lists are damaged, or it is another's.
  package init?(_ bytes: UnsafeRawBufferPointer, writer: WriterID, segment: UInt64) {
    let seed = writer.seed(segment: segment)
    guard let list = Self.firstList(bytes, seed: seed) ?? Self.lastList(bytes, seed: seed),
      let (objects, cuts) = Self.decode(list, segment: segment)
    else { return nil }
    self.writer = writer
    self.segment = segment
    self.objects = objects
    self.cuts = cuts
    retryIDs = Self.ids(bytes, listByteCount: list.count, seed: seed)
  }

  /// The writer that the bytes say they are of; not checked.
  static func claimedWriter(_ bytes: UnsafeRawBufferPointer) -> WriterID? {
    guard bytes.count >= headByteCount, let base = bytes.baseAddress else { return nil }
    return WriterID(high: base.load(UInt64.self, at: 16), low: base.load(UInt64.self, at: 24))
  }

  private static func firstList(
    _ bytes: UnsafeRawBufferPointer, seed: UInt64
  ) -> UnsafeRawBufferPointer? {
    guard bytes.count >= headByteCount, let base = bytes.baseAddress,
      base.load(UInt64.self, at: 0) == magic, base.load(UInt32.self, at: 8) == version,
      let count = Int(exactly: base.load(UInt64.self, at: 40))
    else { return nil }
    return checked(bytes, offset: headByteCount, count: count, seed: seed)
  }

  private static func lastList(
    _ bytes: UnsafeRawBufferPointer, seed: UInt64
  ) -> UnsafeRawBufferPointer? {
    guard bytes.count >= headByteCount + 16, let base = bytes.baseAddress,
      let count = Int(exactly: base.load(UInt64.self, at: bytes.count - 8)),
      count <= bytes.count - 16
    else { return nil }
    return checked(bytes, offset: bytes.count - 16 - count, count: count, seed: seed)
  }

  /// `count` bytes at `offset` if the hash behind them is theirs.
  private static func checked(
    _ bytes: UnsafeRawBufferPointer, offset: Int, count: Int, seed: UInt64
  ) -> UnsafeRawBufferPointer? {
    guard count >= 0, offset >= 0, offset <= bytes.count, count <= bytes.count - offset - 8,
      let base = bytes.baseAddress
    else { return nil }
    let part = bytes[offset..<offset + count].rebased
    let hash = cshims_xxh3_64(part.baseAddress, part.count, seed)
    return base.load(UInt64.self, at: offset + count) == hash ? part : nil
  }

  private static func ids(
    _ bytes: UnsafeRawBufferPointer, listByteCount: Int, seed: UInt64
  ) -> RetrySnapshot? {
    let head = headByteCount + listByteCount + 8
    guard head <= bytes.count - 16, let base = bytes.baseAddress else { return nil }
    let nodeCount = base.load(UInt32.self, at: head)
    guard let count = Int(exactly: base.load(UInt64.self, at: head + 8)),
      let part = checked(
        bytes, offset: head + 16, count: count, seed: seed ^ UInt64(nodeCount))
    else { return nil }
    return RetrySnapshot(nodeCount: nodeCount, bytes: Array(part))
  }

  private static func decode(
    _ list: UnsafeRawBufferPointer, segment: UInt64
  ) -> ([SealedObject], [LogHeader.Cut])? {
    var scanner = ByteScanner(list)
    guard let objectCount = scanner.next(UInt32.self) else { return nil }
    var objects: [SealedObject] = []
    for _ in 0..<objectCount {
      guard let partition = scanner.next(UInt32.self), let key = scanner.nextText(),
        let fileName = scanner.nextText(), let byteCount = scanner.next(UInt64.self),
        let rowCount = scanner.next(UInt64.self), let sha256 = scanner.nextText(),
        let attempt = scanner.nextText(), let oldest = scanner.next(Int64.self)
      else { return nil }
      objects.append(
        SealedObject(
          id: ObjectID(segment: segment, partition: partition), key: key, fileName: fileName,
          byteCount: Int(clamping: byteCount), rowCount: Int(clamping: rowCount), sha256: sha256,
          attempt: attempt, oldestRowSeconds: oldest))
    }
    guard let cutCount = scanner.next(UInt32.self) else { return nil }
    var cuts: [LogHeader.Cut] = []
    for _ in 0..<cutCount {
      guard let segment = scanner.next(UInt64.self), let goodUpTo = scanner.next(UInt64.self)
      else { return nil }
      cuts.append(LogHeader.Cut(segment: segment, goodUpTo: Int(clamping: goodUpTo)))
    }
    return scanner.remaining == 0 ? (objects, cuts) : nil
  }

  private static func hash(_ bytes: [UInt8], seed: UInt64) -> UInt64 {
    bytes.withUnsafeBytes { cshims_xxh3_64($0.baseAddress, $0.count, seed) }
  }

  // MARK: Disk

  /// Makes the seal durable under its name: from its return on the segment is committed.
  package func write(to disk: any Disk) throws(DiskError) {
    let name = FileName.seal(segment).text
    try disk.replace(name, with: encodedParts())
  }

  package enum Reading {
    /// `isMissingIDs`: the medium does not give them; a later reading may.
    case whole(Seal, isMissingIDs: Bool)
    case damaged
    /// The medium does not give what is needed of it; a later reading may.
    case unreadable(DiskError)

    /// A later reading would give nothing more that is needed.
    func isFinal(needsIDs: Bool) -> Bool {
      switch self {
      case .whole(_, let isMissingIDs): !isMissingIDs || !needsIDs
      case .damaged: true
      case .unreadable: false
      }
    }
  }

  package static func read(
    _ segment: UInt64, writer: WriterID, from disk: any Disk
  ) throws(DiskError) -> Reading {
    let name = FileName.seal(segment).text
    let file = SalvagingFile(try disk.open(name))
    let bytes = try file.contents(maximumByteCount: IngestLimits.maximumSealByteCount)
    if let seal = bytes?.withUnsafeBytes({ Seal($0, writer: writer, segment: segment) }) {
      return .whole(
        seal, isMissingIDs: seal.retryIDs == nil && file.isUnreadable(0..<Int.max))
    }
    guard file.isUnreadable(0..<Int.max) else { return .damaged }
    return .unreadable(DiskError(call: .read, name: name, errno: EIO))
  }

  /// The first seal of DATA_DIR that another version of this software has written. Magic, version
  /// with its complement, writer, segment and the first list with its length and hash have these
  /// places in every version. A version that is not its complement's is damage, of which the second
  /// list makes up.
  package static func foreign(
    on disk: any Disk
  ) throws(DiskError) -> (name: String, version: UInt32)? {
    for name in try disk.list().sorted() {
      guard case .seal = FileName(name) else { continue }
      let file = SalvagingFile(try disk.open(name))
      guard try file.byteCount() >= headByteCount else { continue }
      let head = try file.bytes(0..<headByteCount)
      guard head.count == headByteCount,
        let (version, count) = head.withUnsafeBytes({ foreignHead($0) }),
        count <= IngestLimits.maximumSealByteCount
      else { continue }
      let bytes = try file.bytes(0..<headByteCount + count + 8)
      let isWhole = bytes.withUnsafeBytes { buffer in
        guard let writer = claimedWriter(buffer), let base = buffer.baseAddress else {
          return false
        }
        let seed = writer.seed(segment: base.load(UInt64.self, at: 32))
        return checked(buffer, offset: headByteCount, count: count, seed: seed) != nil
      }
      if isWhole { return (name, version) }
    }
    return nil
  }

  private static func foreignHead(
    _ head: UnsafeRawBufferPointer
  ) -> (version: UInt32, listByteCount: Int)? {
    guard let base = head.baseAddress, base.load(UInt64.self, at: 0) == magic,
      base.load(UInt32.self, at: 8) != version,
      base.load(UInt32.self, at: 12) == ~base.load(UInt32.self, at: 8),
      let count = Int(exactly: base.load(UInt64.self, at: 40))
    else { return nil }
    return (base.load(UInt32.self, at: 8), count)
  }
}

extension Seal {
  /// Parts of the file `bytes`, from which this seal was read, that are not as they were written,
  /// though the seal can be read without them.
  package func damagedParts(of bytes: [UInt8]) -> (lists: [Range<Int>], idsHead: Range<Int>?) {
    let parts = encodedParts()
    let listByteCount = encodedList().count
    let front = 0..<Self.headByteCount + listByteCount + 8
    let back = max(0, bytes.count - listByteCount - 16)..<bytes.count
    let lists = [
      (front, parts[0].prefix(front.count)), (back, parts[2].suffix(listByteCount + 16)),
    ].filter { range, written in
      range.upperBound > bytes.count || !bytes[range].elementsEqual(written)
    }.map(\.0)
    let head = front.upperBound..<front.upperBound + 16
    guard retryIDs != nil, head.upperBound <= bytes.count,
      !bytes[head].elementsEqual(parts[0].suffix(head.count))
    else { return (lists, nil) }
    return (lists, head)
  }
}
