import SimulationModels
import Testing

@testable import Columnar

/// Levels and indexes come back from an independent decoder, whatever the runs are.
@Suite struct RunLengthTests {
  static let lengths = [
    1, 2, 3, 7, 8, 9, 15, 16, 17, 63, 64, 65, 255, 256, 257, 503, 504, 505, 4096,
  ]
  static let widths = [1, 2, 3, 7, 8, 9, 12, 15, 16, 17, 20, 24, 31, 32]

  private func encode(_ runs: [(UInt32, Int)], bitWidth: Int) -> [UInt8] {
    let encoder = RunLengthEncoder()
    encoder.reset(bitWidth: bitWidth)
    for (value, count) in runs { encoder.append(value, count: count) }
    encoder.finish()
    return Array(encoder.output.bytes)
  }

  private func expectRoundTrip(_ runs: [(UInt32, Int)], bitWidth: Int, _ comment: Comment) throws {
    let values = runs.flatMap { [UInt32](repeating: $0.0, count: $0.1) }
    let bytes = encode(runs, bitWidth: bitWidth)
    let decoded = try HybridDecoder.decode(bytes, bitWidth: bitWidth, count: values.count)
    #expect(decoded == values, comment)
  }

  @Test(arguments: lengths)
  func oneRunOfEveryLengthAndWidth(_ length: Int) throws {
    for width in Self.widths {
      let top = UInt32(truncatingIfNeeded: (UInt64(1) << UInt64(width)) - 1)
      try expectRoundTrip([(top, length)], bitWidth: width, "width \(width)")
      // A run behind an open group, and a group behind a run.
      try expectRoundTrip([(0, 3), (top, length), (0, 3)], bitWidth: width, "width \(width)")
    }
  }

  @Test(arguments: lengths)
  func alternatingValuesOfEveryLength(_ length: Int) throws {
    for width in Self.widths {
      let runs = (0..<length).map { (UInt32($0 & 1), 1) }
      try expectRoundTrip(runs, bitWidth: width, "width \(width)")
    }
  }

  @Test func randomRuns() throws {
    for seed: UInt64 in 0..<200 {
      var random = SeededRandom(seed: seed)
      let width = Int.random(in: 1...32, using: &random)
      let top = UInt32(truncatingIfNeeded: (UInt64(1) << UInt64(width)) - 1)
      let runs = (0..<Int.random(in: 1...60, using: &random)).map { _ in
        let long = Bool.random(using: &random)
        return (
          UInt32.random(in: 0...top, using: &random),
          Int.random(in: 1...(long ? 600 : 9), using: &random)
        )
      }
      try expectRoundTrip(runs, bitWidth: width, "seed \(seed)")
    }
  }

  @Test func bitsMixWithRuns() throws {
    for seed: UInt64 in 0..<200 {
      var random = SeededRandom(seed: seed)
      let encoder = RunLengthEncoder()
      encoder.reset(bitWidth: 1)
      var values: [UInt32] = []
      for _ in 0..<Int.random(in: 1...40, using: &random) {
        if Bool.random(using: &random) {
          let count = Int.random(in: 1...56, using: &random)
          let bits = UInt64.random(in: 0..<1 << UInt64(count), using: &random)
          encoder.appendBits(bits, bitCount: count)
          values += (0..<count).map { UInt32(bits >> UInt64($0) & 1) }
        } else {
          let count = Int.random(in: 1...300, using: &random)
          let value = UInt32.random(in: 0...1, using: &random)
          encoder.append(value, count: count)
          values += [UInt32](repeating: value, count: count)
        }
      }
      encoder.finish()
      let bytes = Array(encoder.output.bytes)
      let decoded = try HybridDecoder.decode(bytes, bitWidth: 1, count: values.count)
      #expect(decoded == values, "seed \(seed)")
    }
  }

  @Test func aLongRunIsAFewBytes() {
    #expect(encode([(1, 1_000_000)], bitWidth: 1) == [0x80, 0x89, 0x7A, 1])
    #expect(encode([(5, 20)], bitWidth: 15) == [40, 5, 0])
  }

  @Test func nothingIsNoBytes() {
    #expect(encode([], bitWidth: 3) == [])
  }
}

/// Packed runs of whole bytes, once and repeated.
@Suite struct BitPackingTests {
  @Test(arguments: [
    (0, 1), (1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (255, 8), (256, 8), (257, 9), (65_536, 16),
    (65_537, 17), (1 << 24, 24), ((1 << 24) + 1, 25),
  ])
  func widths(_ count: Int, _ bits: Int) {
    #expect(BitPacking.bitWidth(forCount: count) == bits)
    #expect(BitPacking.byteWidth(forCount: count) == (bits + 7) / 8)
  }

  @Test(arguments: 1...4)
  func packedRunsComeBack(_ byteWidth: Int) throws {
    var random = SeededRandom(seed: UInt64(byteWidth))
    let top = UInt32(truncatingIfNeeded: (UInt64(1) << UInt64(8 * byteWidth)) - 1)
    for count in RunLengthTests.lengths {
      for repetitions in [1, 2, 3, 8, 20] {
        let values = (0..<count).map { _ in UInt32.random(in: 0...top, using: &random) }
        let output = GrowingBytes(capacity: 1)
        let total = count * repetitions
        BitPacking.appendHeader(valueCount: total, to: output)
        values.withUnsafeBufferPointer {
          BitPacking.append($0, repetitions: repetitions, byteWidth: byteWidth, to: output)
        }
        BitPacking.appendPadding(valueCount: total, byteWidth: byteWidth, to: output)
        let decoded = try HybridDecoder.decode(
          Array(output.bytes), bitWidth: 8 * byteWidth, count: total)
        #expect(decoded == Array((0..<repetitions).map { _ in values }.joined()))
      }
    }
  }
}

/// Repetition levels of rows of any number of elements.
@Suite struct LevelsTests {
  @Test func repetitionsOfEveryListLength() throws {
    for elementCount in Array(0...70) + [255, 256, 1000] {
      for rowCount in [1, 2, 7, 8, 9, 20, 63, 64, 65] {
        let encoder = RunLengthEncoder()
        encoder.reset(bitWidth: 1)
        // Whatever came before must not matter.
        encoder.append(1, count: elementCount % 5)
        Levels.appendRepetitions(elementCount: elementCount, rowCount: rowCount, to: encoder)
        encoder.finish()
        let levelCount = max(1, elementCount)
        var expected = [UInt32](repeating: 1, count: elementCount % 5)
        for _ in 0..<rowCount {
          expected += [0] + [UInt32](repeating: 1, count: levelCount - 1)
        }
        let decoded = try HybridDecoder.decode(
          Array(encoder.output.bytes), bitWidth: 1, count: expected.count)
        #expect(decoded == expected, "\(elementCount) elements, \(rowCount) rows")
      }
    }
  }
}
