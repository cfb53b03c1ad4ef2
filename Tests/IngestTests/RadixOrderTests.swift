import Testing

@testable import Ingest

/// Protects: what is sorted without comparing comes out as if it had been compared.
@Suite struct RadixOrderTests {
  @Test func randomKeys() {
    for seed: UInt64 in 0..<40 {
      var random = SeededGenerator(state: seed)
      let low = Int.random(in: 0...12, using: &random)
      let high = Int.random(in: low...64, using: &random)
      let count = UInt32.random(in: 0...3000, using: &random)
      let items = (0..<count).map { ordinal -> KeyedOrdinal in
        let key = UInt64.random(in: 0 ... .max, using: &random)
        return KeyedOrdinal(
          key: key >> UInt64.random(in: 0...63, using: &random), ordinal: ordinal)
      }
      var sorted = items
      RadixOrder.sort(&sorted, bits: low..<high)
      func part(_ key: UInt64) -> UInt64 {
        (high == 64 ? key : key & ((1 << high) - 1)) >> UInt64(low)
      }
      let expected = items.sorted {
        let (left, right) = (part($0.key), part($1.key))
        return left != right ? left < right : $0.ordinal < $1.ordinal
      }
      #expect(sorted.map(\.ordinal) == expected.map(\.ordinal), "seed \(seed)")
      #expect(sorted.map(\.key) == expected.map(\.key), "seed \(seed)")
    }
  }

  /// A prefix never says the opposite of the bytes, whatever characters they are, and tells
  /// hexadecimal ones apart.
  @Test func prefixesOrderLikeTheirTexts() {
    var random = SeededGenerator(state: 5)
    let characters = Array("0019abf/:`gz -".utf8) + [0, 0x7F, 0xC3]
    let texts = (0..<400).map { _ -> [UInt8] in
      (0..<Int.random(in: 0...10, using: &random)).map { _ in
        characters[Int.random(in: 0..<Int.random(in: 1...characters.count, using: &random))]
      }
    }
    let keys = texts.map { $0.withUnsafeBytes { HexPrefix.key($0) } }
    for (left, leftKey) in zip(texts, keys) {
      for (right, rightKey) in zip(texts, keys) where left.lexicographicallyPrecedes(right) {
        #expect(leftKey <= rightKey, "\(left) \(right)")
        let areHex = (left.prefix(8) + right.prefix(8)).allSatisfy {
          (0x30...0x39).contains($0) || (0x61...0x66).contains($0)
        }
        if areHex && left.count >= 8 && right.count >= 8 && left.prefix(8) != right.prefix(8) {
          #expect(leftKey < rightKey, "\(left) \(right)")
        }
      }
    }
  }

  @Test func reportsInTheOrderOfTime() {
    for seed: UInt64 in 0..<20 {
      var random = SeededGenerator(state: seed)
      let instants = (0..<Int.random(in: 1...500, using: &random)).map { _ -> Int64 in
        switch Int.random(in: 0..<10, using: &random) {
        case 0: ReportTimes.none
        case 1: .random(in: -2_208_988_800_000_000...253_402_300_799_999_999, using: &random)
        default: .random(in: 1_795_478_400_000_000...1_795_478_400_000_300, using: &random)
        }
      }
      let times = ReportTimes(instants)
      func expected(_ reports: [UInt32]) -> [UInt32] {
        reports.sorted { (instants[Int($0)], $0) < (instants[Int($1)], $1) }
      }
      let all = instants.indices.map { UInt32($0) }
      for reports in [all.shuffled(using: &random), all.filter { $0 % 3 == 1 }, [0], []] {
        var sorted = reports
        times.sort(&sorted)
        #expect(sorted == expected(reports), "seed \(seed)")
      }
    }
  }
}
