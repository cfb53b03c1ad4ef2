/// Which encodings the writer may use for measured numbers; the raw values are those of the
/// setting PARQUET_ENCODINGS.
package enum NumberEncodings: String, CaseIterable, Sendable {
  /// PLAIN, which every reader knows.
  case standard = "default"
  /// The smallest of PLAIN, BYTE_STREAM_SPLIT and, for integers, DELTA_BINARY_PACKED.
  case modern
}

/// How the numbers of one column chunk are encoded and compressed, if not in PLAIN: in the way that
/// makes a sample of its first numbers the smallest.
enum NumberEncodingChoice {
  /// BYTE_STREAM_SPLIT, each stream compressed by itself or not at all.
  case split(SplitStreams)
  /// DELTA_BINARY_PACKED, compressed by the library or not at all.
  case delta(compresses: Bool)

  /// Chooses by `sample`, whose memory stays as it is; uses `scratch`. Nil, and so PLAIN, where the
  /// others do not save a part of it that is worth a reader's while.
  init?(sample: UnsafeBufferPointer<UInt64>, isInteger: Bool, scratch: EncodingScratch) {
    guard sample.count > 1 else { return nil }
    var choice: NumberEncodingChoice?
    let plain = UnsafeRawBufferPointer(sample)
    NeighbourMatcher.compress(plain, valuesOffset: 0, to: scratch.compressed)
    var least = scratch.compressed.count
    Snappy.compress(plain, to: scratch.compressed)
    least = min(least, scratch.compressed.count)
    least -= least / ColumnarLimits.worthwhileSavingDivisor

    let page = scratch.page
    page.reset()
    ByteStreamSplit.append(sample, to: page)
    let streams = SplitStreams(
      sample: page.bytes, numberCount: sample.count, scratch: scratch.stream)
    if streams.sampleByteCount < least {
      least = streams.sampleByteCount
      choice = .split(streams)
    }
    if isInteger {
      page.reset()
      sample.withMemoryRebound(to: Int64.self) { DeltaBinaryPacked.append($0, to: page) }
      Snappy.compress(page.bytes, to: scratch.compressed)
      let compresses =
        scratch.compressed.count + page.count / ColumnarLimits.worthwhileSavingDivisor
        < page.count
      if (compresses ? scratch.compressed.count : page.count) < least {
        choice = .delta(compresses: compresses)
      }
    }
    guard let choice else { return nil }
    self = choice
  }

  var encoding: Encoding {
    switch self {
    case .split: .byteStreamSplit
    case .delta: .deltaBinaryPacked
    }
  }

  /// Appends `numbers` to the page in `scratch.page` and compresses it to `scratch.compressed`.
  func finishPage(_ numbers: UnsafeBufferPointer<UInt64>, scratch: EncodingScratch) {
    let page = scratch.page
    let valuesOffset = page.count
    switch self {
    case .split(let streams):
      ByteStreamSplit.append(numbers, to: page)
      streams.compress(
        page.bytes, valuesOffset: valuesOffset, scratch: scratch.stream, to: scratch.compressed)
    case .delta(let compresses):
      numbers.withMemoryRebound(to: Int64.self) { DeltaBinaryPacked.append($0, to: page) }
      if compresses {
        Snappy.compress(page.bytes, to: scratch.compressed)
      } else {
        Snappy.store(page.bytes, to: scratch.compressed)
      }
    }
  }
}
