import Testing

@testable import fleet

/// Protects the load figures: a quantile may be off by the width of a bucket, never by more.
@Suite struct HistogramTests {
  @Test func bucketsCoverEveryValueOnce() {
    for value in Array(0..<5000) + [1 << 20, 1 << 30, 1 << 39 + 12345] as [UInt64] {
      let bucket = LatencyHistogram.bucket(of: value)
      #expect(LatencyHistogram.upperEnd(of: bucket) >= value)
      if bucket > 0 { #expect(LatencyHistogram.upperEnd(of: bucket - 1) < value) }
    }
  }

  @Test func quantilesOfAKnownSet() {
    var histogram = LatencyHistogram()
    for value in 1...10_000 as ClosedRange<UInt64> { histogram.record(micros: value) }
    for (fraction, exact) in [(0.5, 5000.0), (0.99, 9900.0), (0.999, 9990.0), (1.0, 10_000.0)] {
      let found = Double(histogram.quantile(fraction))
      #expect(found >= exact && found <= exact * (1 + 1.0 / 64) + 1)
    }
    #expect(histogram.maximum == 10_000)
    #expect(histogram.count == 10_000)
  }

  @Test func bucketsHandedOnHoldEveryValueOnce() {
    var histogram = LatencyHistogram()
    for value in [0, 7, 7, 5000, 1 << 30] as [UInt64] { histogram.record(micros: value) }
    let buckets = histogram.occupied
    #expect(buckets.map(\.count) == [1, 2, 1, 1])
    #expect(buckets.map(\.upperEnd) == buckets.map(\.upperEnd).sorted())
    #expect(buckets[1].upperEnd == 7)
  }
}
