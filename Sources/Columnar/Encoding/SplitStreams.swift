/// The compression of BYTE_STREAM_SPLIT pages, stream by stream, to one Snappy stream.
///
/// The library takes 64 KiB at a time and looks ever less closely while it finds nothing, so that
/// in a whole page the streams behind noise would be compressed badly. One at a time none is, and
/// those that are noise are not searched at all.
struct SplitStreams {
  /// The streams that the library makes smaller: bit n for the n-th lowest byte.
  private(set) var compressible: UInt8 = 0
  /// More than the bytes by which a stream alone may exceed its share of a whole page's maximum.
  private static let streamOverhead = 64

  /// Bytes of the sample, compressed in this way.
  private(set) var sampleByteCount = 0

  /// Looks at a page of `numberCount` numbers without levels; uses `scratch`.
  init(sample: UnsafeRawBufferPointer, numberCount: Int, scratch: GrowingBytes) {
    for stream in 0..<ByteStreamSplit.width {
      let start = stream * numberCount
      Snappy.compress(
        UnsafeRawBufferPointer(rebasing: sample[start..<start + numberCount]), to: scratch)
      let pays =
        scratch.count + numberCount / ColumnarLimits.worthwhileSavingDivisor < numberCount
      if pays { compressible |= 1 << UInt8(stream) }
      sampleByteCount += pays ? scratch.count : numberCount
    }
  }

  /// Replaces what is in `output` by the compressed form of `page`, whose streams begin at
  /// `valuesOffset` and reach to its end; uses `scratch`.
  func compress(
    _ page: UnsafeRawBufferPointer, valuesOffset: Int, scratch: GrowingBytes,
    to output: GrowingBytes
  ) {
    let numberCount = (page.count - valuesOffset) / ByteStreamSplit.width
    output.reset()
    output.reserve(
      Snappy.maximumByteCount(page.count) + ByteStreamSplit.width * Self.streamOverhead)
    output.appendVarint(UInt64(page.count))
    guard let base = page.baseAddress else { return }
    var elements = SnappyElements(target: output.base + output.count)
    var literalStart = 0
    for stream in 0..<ByteStreamSplit.width where compressible >> UInt8(stream) & 1 == 1 {
      let start = valuesOffset + stream * numberCount
      elements.appendLiteral(base + literalStart, start - literalStart)
      literalStart = start + numberCount
      Snappy.compress(UnsafeRawBufferPointer(rebasing: page[start..<literalStart]), to: scratch)
      elements.append(scratch.bytes, of: numberCount)
    }
    elements.appendLiteral(base + literalStart, page.count - literalStart)
    output.count = elements.target - output.base
    assert(output.count <= output.capacity)
  }
}
