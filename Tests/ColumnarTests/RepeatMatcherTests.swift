import CShims
import SimulationModels
import Testing

@testable import Columnar

/// What the matcher writes is Snappy: the library restores it, byte for byte.
@Suite struct RepeatMatcherTests {
  private let matcher = RepeatMatcher()

  /// The compressed size of `bytes`, after they came back.
  private func expectRoundTrip(
    _ bytes: [UInt8], valuesOffset: Int, stride: Int, _ comment: Comment
  ) -> Int {
    let output = GrowingBytes(capacity: 1)
    bytes.withUnsafeBytes {
      matcher.compress($0, valuesOffset: valuesOffset, stride: stride, to: output)
    }
    #expect(output.count <= cshims_snappy_maximum_compressed(bytes.count), comment)
    var restored = [UInt8](repeating: 0xAA, count: bytes.count + 1)
    var count = bytes.count
    let isIntact = cshims_snappy_uncompress(output.base, output.count, &restored, &count)
    #expect(isIntact && count == bytes.count, comment)
    #expect(restored.dropLast() == bytes[...], comment)
    return output.count
  }

  @Test(arguments: Array(0...80) + [255, 256, 257, 316, 317, 65_535, 65_536, 65_537, 200_000])
  func everyLength(_ count: Int) {
    var random = SeededRandom(seed: UInt64(count))
    for stride in 1...4 {
      let noise = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
      _ = expectRoundTrip(noise, valuesOffset: min(count, 7), stride: stride, "noise")
      let zeros = [UInt8](repeating: 0, count: count)
      _ = expectRoundTrip(zeros, valuesOffset: 0, stride: stride, "zeros")
      let few = (0..<count).map { _ in UInt8.random(in: 0...1, using: &random) }
      _ = expectRoundTrip(few, valuesOffset: min(count, 3), stride: stride, "bits")
    }
  }

  @Test func randomRepeats() {
    for seed: UInt64 in 0..<150 {
      var random = SeededRandom(seed: seed)
      let stride = Int.random(in: 1...4, using: &random)
      let words = (0..<Int.random(in: 1...300, using: &random)).map { _ in
        (0..<Int.random(in: 1...60, using: &random) * stride).map { _ in
          UInt8.random(in: 0...255, using: &random)
        }
      }
      var bytes = [UInt8](repeating: 3, count: Int.random(in: 0...40, using: &random))
      let valuesOffset = bytes.count
      for _ in 0..<Int.random(in: 1...2000, using: &random) {
        bytes += words[Int.random(in: 0..<words.count, using: &random)]
      }
      _ = expectRoundTrip(bytes, valuesOffset: valuesOffset, stride: stride, "seed \(seed)")
    }
  }

  /// The case it is for: sequences of 20 indexes of 1,000 nodes, in no order.
  @Test func repeatsThatAreFarApartAreFound() {
    var random = SeededRandom(seed: 1)
    var bytes: [UInt8] = []
    for _ in 0..<6_000 {
      let node = UInt16.random(in: 0..<1_000, using: &random)
      for report in 0..<20 as Range<UInt16> {
        withUnsafeBytes(of: (report * 1_000 + node).littleEndian) { bytes += $0 }
      }
    }
    let found = expectRoundTrip(bytes, valuesOffset: 0, stride: 2, "nodes")
    let library = GrowingBytes()
    bytes.withUnsafeBytes { Snappy.compress($0, to: library) }
    #expect(found * 2 < library.count, "\(found) against \(library.count) bytes")
  }

  /// Repeats of a sequence from beyond what an offset of 2 bytes reaches are found too, and what
  /// follows them near by is found near by.
  @Test func repeatsFromFarAwayAreFound() {
    var random = SeededRandom(seed: 2)
    let first = (0..<80_000).map { _ in UInt8.random(in: 0...255, using: &random) }
    let twice = expectRoundTrip(first + first, valuesOffset: 0, stride: 2, "twice")
    // Copies of 5 bytes for each 64, but where a hash had two takers.
    #expect(twice < first.count * 5 / 4, "\(twice) bytes")
    let near = (0..<20).flatMap { _ in first[14..<3_014] }
    let found = expectRoundTrip(first + first + near, valuesOffset: 0, stride: 2, "near")
    // Only the first of them is far away; copies of 3 bytes for each 64 of the others.
    #expect(found - twice < near.count * 4 / 64, "\(found - twice) bytes for \(near.count)")
  }
}
