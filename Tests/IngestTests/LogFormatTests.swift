import SimulationModels
import Testing

@testable import Ingest

/// Headers of logs and frames come back as they were, and nothing else passes for one.
@Suite struct LogFormatTests {
  let writer = WriterID(high: 0x0123_4567_89ab_4def, low: 0x8123_4567_89ab_cdef)

  @Test(arguments: [nil, LogHeader.Cut(segment: 6, goodUpTo: 1_234_567)])
  func logHeaderRoundTrip(cut: LogHeader.Cut?) {
    let header = LogHeader(writer: writer, segment: 7, cut: cut, createdSeconds: 1_764_000_000)
    let bytes = header.encoded()
    #expect(bytes.count == LogHeader.byteCount)
    #expect(bytes.withUnsafeBytes { LogHeader($0) } == header)
  }

  @Test func everyFlippedBitOfALogHeaderIsNoticed() {
    let bytes = LogHeader(writer: writer, segment: 7, cut: nil, createdSeconds: 1).encoded()
    for bit in 0..<bytes.count * 8 {
      var flipped = bytes
      flipped[bit / 8] ^= 1 << UInt8(bit % 8)
      let read = flipped.withUnsafeBytes { LogHeader($0) }
      // A flip in the bytes that nothing is stored in does not pass either: they are hashed.
      #expect(read == nil, "bit \(bit)")
    }
  }

  @Test func frameHeaderRoundTrip() {
    let header = FrameHeader(
      payloadByteCount: 7_000, sequence: 42, durableUpTo: 64_000,
      retryID: RetryID(low: 1, high: 2), nodeID: 3, payloadHash: 4)
    let seed = writer.seed(segment: 7)
    withFrame(header, seed: seed) { bytes in
      #expect(FrameHeader(bytes, seed: seed) == header)
      #expect(FrameHeader(bytes, seed: writer.seed(segment: 8)) == nil, "another segment's")
    }
  }

  @Test func zerosNeverValidate() {
    let zeros = [UInt8](repeating: 0, count: 4_096)
    for segment in 0..<1_000 as Range<UInt64> {
      let seed = writer.seed(segment: segment)
      zeros.withUnsafeBytes { #expect(FrameHeader($0, seed: seed) == nil) }
    }
    zeros.withUnsafeBytes { #expect(LogHeader($0) == nil) }
  }

  @Test func aLengthBeyondTheLimitIsRefusedWhateverTheHash() {
    let seed = writer.seed(segment: 1)
    let header = FrameHeader(
      payloadByteCount: IngestLimits.maximumPayloadByteCount + 1, sequence: 1, durableUpTo: 64,
      retryID: RetryID(low: 0, high: 0), nodeID: 0, payloadHash: 0)
    withFrame(header, seed: seed) { #expect(FrameHeader($0, seed: seed) == nil) }
  }

  @Test func writerIDsAreVersion4AndReadBack() {
    var random = SeededRandom(seed: 7)
    for _ in 0..<100 {
      let id = WriterID(random: { random.next() })
      let text = Array(id.description)
      #expect(text.count == 36 && text[14] == "4" && "89ab".contains(text[19]))
      #expect(WriterID(id.description) == id)
    }
    #expect(WriterID("01234567-89AB-4def-8123-456789abcdef") == nil)
    #expect(WriterID("0123456789ab4def8123456789abcdef") == nil)
  }

  @Test(arguments: [
    FileName.lock, .writer, .log(0), .log(.max / 2), .seal(3),
    .object(ObjectID(segment: 12, partition: 0)),
    .objectTemporary(ObjectID(segment: 12, partition: 4_095)),
    .uploadRecord(ObjectID(segment: 1, partition: 2)),
  ])
  func fileNamesRoundTrip(name: FileName) {
    #expect(FileName(name.text) == name)
  }

  @Test(arguments: [
    "1.log", "00000000000000000001", "00000000000000000001-01.parquet", "lost+found",
    "99999999999999999999.log", "00000000000000000001-.parquet", ".log", "",
    "00000000000000000001-1.parquet.bak",
  ])
  func otherNamesAreNotOurs(text: String) {
    #expect(FileName(text) == .unknown(text))
  }

  private func withFrame(
    _ header: FrameHeader, seed: UInt64, _ body: (UnsafeRawBufferPointer) -> Void
  ) {
    withUnsafeTemporaryAllocation(byteCount: FrameHeader.byteCount, alignment: 8) { buffer in
      if let base = buffer.baseAddress { header.encode(to: base, seed: seed) }
      body(UnsafeRawBufferPointer(buffer))
    }
  }
}
