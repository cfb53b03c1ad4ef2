import CShims
import SimulationModels
import Testing

@testable import Columnar

/// What the matcher of neighbouring numbers writes is Snappy: the library restores it.
@Suite struct NeighbourMatcherTests {
  /// The compressed size of `bytes`, after they came back.
  private func expectRoundTrip(
    _ bytes: [UInt8], valuesOffset: Int, _ comment: Comment
  ) -> Int {
    let output = GrowingBytes(capacity: 1)
    bytes.withUnsafeBytes {
      NeighbourMatcher.compress($0, valuesOffset: valuesOffset, to: output)
    }
    #expect(output.count <= cshims_snappy_maximum_compressed(bytes.count), comment)
    var restored = [UInt8](repeating: 0xAA, count: bytes.count + 1)
    var count = bytes.count
    let isIntact = cshims_snappy_uncompress(output.base, output.count, &restored, &count)
    #expect(isIntact && count == bytes.count, comment)
    #expect(restored.dropLast() == bytes[...], comment)
    return output.count
  }

  private func bytes(_ levels: Int, _ numbers: [Int64]) -> [UInt8] {
    var bytes = (0..<levels).map { UInt8(truncatingIfNeeded: $0 * 37) }
    for number in numbers { withUnsafeBytes(of: number.littleEndian) { bytes += $0 } }
    return bytes
  }

  /// Numbers of which any bytes at all are those of the one before.
  @Test func anyBytesShared() {
    for seed: UInt64 in 0..<300 {
      var random = SeededRandom(seed: seed)
      var number = Int64.random(in: .min ... .max, using: &random)
      let changed = Int.random(in: 0...8, using: &random)
      let numbers = (0..<Int.random(in: 0...700, using: &random)).map { _ in
        for _ in 0..<changed where Bool.random(using: &random) {
          let shift = Int64(8 * Int.random(in: 0...7, using: &random))
          number ^= Int64.random(in: 0...255, using: &random) << shift
        }
        return number
      }
      let levels = Int.random(in: 0...40, using: &random)
      _ = expectRoundTrip(bytes(levels, numbers), valuesOffset: levels, "seed \(seed)")
    }
  }

  @Test func anyByteCount() {
    for count in 0...100 {
      var random = SeededRandom(seed: UInt64(count))
      let noise = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
      let zeros = [UInt8](repeating: 0, count: count)
      for valuesOffset in 0...min(count, 9) {
        _ = expectRoundTrip(noise, valuesOffset: valuesOffset, "\(count) of noise")
        _ = expectRoundTrip(zeros, valuesOffset: valuesOffset, "\(count) zeros")
      }
    }
  }

  /// Numbers that stay are next to nothing; of counters that grow only the low bytes are left.
  @Test func countersAndConstants() {
    let constant = [Int64](repeating: 1_234_567_890_123, count: 32_768)
    let still = expectRoundTrip(bytes(6, constant), valuesOffset: 6, "constant")
    #expect(still < constant.count * 8 / 20)
    var random = SeededRandom(seed: 1)
    var counter: Int64 = 17_000_000_000
    let counters = (0..<32_768).map { _ in
      counter += Int64.random(in: 0..<4 << 20, using: &random)
      return counter
    }
    let growing = expectRoundTrip(bytes(6, counters), valuesOffset: 6, "counters")
    #expect(growing < counters.count * 25 / 4, "three bytes of noise and three of tags")
  }
}
