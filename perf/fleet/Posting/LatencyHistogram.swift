/// Latencies in buckets whose width is at most 1/64 of their value, from 1 microsecond to 2^40.
struct LatencyHistogram {
  private static let subBucketBits = 6
  private static let subBuckets = 1 << subBucketBits
  private static let maximumMicros: UInt64 = 1 << 40 - 1

  private var counts = [Int](repeating: 0, count: subBuckets * 36)
  private(set) var count = 0
  private(set) var maximum: UInt64 = 0
  private var sum: UInt64 = 0

  mutating func record(micros: UInt64) {
    let value = min(micros, LatencyHistogram.maximumMicros)
    counts[LatencyHistogram.bucket(of: value)] += 1
    count += 1
    sum &+= value
    maximum = max(maximum, value)
  }

  /// The upper end of the bucket that holds the value at `fraction` (0 to 1) of all, in
  /// microseconds.
  func quantile(_ fraction: Double) -> UInt64 {
    guard count > 0 else { return 0 }
    let rank = max(1, Int((fraction * Double(count)).rounded(.up)))
    var seen = 0
    for (bucket, number) in counts.enumerated() {
      seen += number
      if seen >= rank { return min(LatencyHistogram.upperEnd(of: bucket), maximum) }
    }
    return maximum
  }

  var mean: Double {
    count == 0 ? 0 : Double(sum) / Double(count)
  }

  /// The buckets that hold something, each with its upper end in microseconds.
  var occupied: [(upperEnd: UInt64, count: Int)] {
    counts.enumerated().filter { $0.element > 0 }.map {
      (LatencyHistogram.upperEnd(of: $0.offset), $0.element)
    }
  }

  mutating func reset() {
    self = LatencyHistogram()
  }

  /// Values below 64 have buckets of their own; above, each power of two has 64.
  static func bucket(of value: UInt64) -> Int {
    guard value >= UInt64(subBuckets) else { return Int(value) }
    let exponent = 63 - value.leadingZeroBitCount - subBucketBits
    return (exponent + 1) * subBuckets + Int(value >> UInt64(exponent)) - subBuckets
  }

  static func upperEnd(of bucket: Int) -> UInt64 {
    guard bucket >= subBuckets else { return UInt64(bucket) }
    let exponent = bucket / subBuckets - 1
    return UInt64(bucket % subBuckets + subBuckets + 1) << UInt64(exponent) - 1
  }
}
