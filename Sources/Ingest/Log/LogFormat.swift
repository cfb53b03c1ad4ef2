import CShims

/// The write-ahead log: one file a segment, a header and then frames, all integers little-endian,
/// all hashes XXH3-64 under the seed of (writer, segment).
///
///     file    ┌───────────┬─────────────┬─────────┬─────────────┬─────────┬ ─ ─
///             │ LogHeader │ FrameHeader │ payload │ FrameHeader │ payload │
///             └───────────┴─────────────┴─────────┴─────────────┴─────────┴ ─ ─
///     header  magic u64 │ version u32 │ cut distance u32 │ writer 2×u64 │ segment u64
///             │ previous good up to u64 │ created i64 │ hash u64                        = 64 bytes
///     frame   magic u32 │ payload length u32 │ sequence u64 │ durable up to u64 │ retry id 2×u64
///             │ node id u64 │ payload hash u64 │ header hash u64                        = 64 bytes
///
/// A frame without payload is a witness: it only says how far the file was fsynced before it.

package struct LogHeader: Sendable, Equatable {
  package static let byteCount = 64
  static let magic: UInt64 = 0x0A31_474F_4C52_4741  // "AGRLOG1\n"
  static let version: UInt32 = 1
  private static let none = UInt64.max

  /// An earlier segment whose file failed, and the offset up to which its bytes count: what follows
  /// was answered with 503, though a later start may still read it.
  package struct Cut: Sendable, Equatable {
    package var segment: UInt64
    package var goodUpTo: Int
  }

  package var writer: WriterID
  package var segment: UInt64
  package var cut: Cut?
  /// Arrival of the segment's first report, seconds since 1970.
  package var createdSeconds: Int64

  package func encoded() -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: Self.byteCount)
    bytes.withUnsafeMutableBytes { buffer in
      guard let base = buffer.baseAddress else { return }
      base.store(Self.magic, at: 0)
      base.store(Self.version, at: 8)
      base.store(cut.map { UInt32(clamping: segment - $0.segment) } ?? 0, at: 12)
      base.store(writer.high, at: 16)
      base.store(writer.low, at: 24)
      base.store(segment, at: 32)
      base.store(cut.map { UInt64($0.goodUpTo) } ?? Self.none, at: 40)
      base.store(createdSeconds, at: 48)
      base.store(cshims_xxh3_64(base, 56, writer.seed(segment: segment)), at: 56)
    }
    return bytes
  }

  /// nil unless `bytes` begins with an undamaged header of this version.
  package init?(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count >= Self.byteCount, let base = bytes.baseAddress,
      base.load(UInt64.self, at: 0) == Self.magic,
      base.load(UInt32.self, at: 8) == Self.version
    else { return nil }
    writer = WriterID(high: base.load(UInt64.self, at: 16), low: base.load(UInt64.self, at: 24))
    segment = base.load(UInt64.self, at: 32)
    guard base.load(UInt64.self, at: 56) == cshims_xxh3_64(base, 56, writer.seed(segment: segment))
    else { return nil }
    let distance = UInt64(base.load(UInt32.self, at: 12))
    let goodUpTo = base.load(UInt64.self, at: 40)
    cut =
      if distance > 0, distance <= segment, let offset = Int(exactly: goodUpTo) {
        Cut(segment: segment - distance, goodUpTo: offset)
      } else {
        nil
      }
    createdSeconds = base.load(Int64.self, at: 48)
  }

  /// The version of an undamaged header that is not of this one; nil for any other bytes. Magic,
  /// version, writer, segment and hash have these places in every version.
  package static func foreignVersion(_ bytes: UnsafeRawBufferPointer) -> UInt32? {
    guard bytes.count >= byteCount, let base = bytes.baseAddress,
      base.load(UInt64.self, at: 0) == magic
    else { return nil }
    let version = base.load(UInt32.self, at: 8)
    let writer = WriterID(
      high: base.load(UInt64.self, at: 16), low: base.load(UInt64.self, at: 24))
    let seed = writer.seed(segment: base.load(UInt64.self, at: 32))
    guard version != Self.version,
      base.load(UInt64.self, at: 56) == cshims_xxh3_64(base, 56, seed)
    else { return nil }
    return version
  }

  package init(writer: WriterID, segment: UInt64, cut: Cut?, createdSeconds: Int64) {
    self.writer = writer
    self.segment = segment
    self.cut = cut
    self.createdSeconds = createdSeconds
  }
}

package struct FrameHeader: Sendable, Equatable {
  package static let byteCount = 64
  static let magic: UInt32 = 0xF4A3_E51D

  package var payloadByteCount: Int
  /// From 1 in each segment, without gaps.
  package var sequence: UInt64
  /// Offset in this file up to which it was fsynced when the frame was written.
  package var durableUpTo: Int
  package var retryID: RetryID
  /// XXH3-64 of node_name.
  package var nodeID: UInt64
  package var payloadHash: UInt64

  package init(
    payloadByteCount: Int, sequence: UInt64, durableUpTo: Int, retryID: RetryID, nodeID: UInt64,
    payloadHash: UInt64
  ) {
    self.payloadByteCount = payloadByteCount
    self.sequence = sequence
    self.durableUpTo = durableUpTo
    self.retryID = retryID
    self.nodeID = nodeID
    self.payloadHash = payloadHash
  }

  package var isWitness: Bool { payloadByteCount == 0 }
  /// Bytes of header and payload.
  package var frameByteCount: Int { Self.byteCount + payloadByteCount }

  /// Writes the header to the 64 bytes at `base`.
  package func encode(to base: UnsafeMutableRawPointer, seed: UInt64) {
    base.store(Self.magic, at: 0)
    base.store(UInt32(payloadByteCount), at: 4)
    base.store(sequence, at: 8)
    base.store(UInt64(durableUpTo), at: 16)
    base.store(retryID.low, at: 24)
    base.store(retryID.high, at: 32)
    base.store(nodeID, at: 40)
    base.store(payloadHash, at: 48)
    base.store(cshims_xxh3_64(base, 56, seed), at: 56)
  }

  /// nil unless `bytes` begins with an undamaged frame header.
  package init?(_ bytes: UnsafeRawBufferPointer, seed: UInt64) {
    guard bytes.count >= Self.byteCount, let base = bytes.baseAddress,
      base.load(UInt32.self, at: 0) == Self.magic
    else { return nil }
    let length = base.load(UInt32.self, at: 4)
    // Checked before the hash, and before anything is allocated by it.
    guard length <= UInt32(IngestLimits.maximumPayloadByteCount),
      base.load(UInt64.self, at: 56) == cshims_xxh3_64(base, 56, seed),
      let durable = Int(exactly: base.load(UInt64.self, at: 16))
    else { return nil }
    payloadByteCount = Int(length)
    sequence = base.load(UInt64.self, at: 8)
    durableUpTo = durable
    retryID = RetryID(
      low: base.load(UInt64.self, at: 24), high: base.load(UInt64.self, at: 32))
    nodeID = base.load(UInt64.self, at: 40)
    payloadHash = base.load(UInt64.self, at: 48)
  }

  /// Hash of a payload, as its header holds it.
  package static func hash(_ payload: UnsafeRawBufferPointer, seed: UInt64) -> UInt64 {
    cshims_xxh3_64(payload.baseAddress, payload.count, seed)
  }
}
