import SimulationModels
import Testing

@testable import Columnar

/// Dictionaries give each distinct value one entry, in order of first use, and rank them right.
@Suite struct DictionaryTests {
  @Test func randomTexts() {
    for seed: UInt64 in 0..<50 {
      var random = SeededRandom(seed: seed)
      let dictionary = TextDictionary()
      for round in 0..<2 {
        dictionary.reset()
        var known: [String: UInt32] = [:]
        var order: [String] = []
        for _ in 0..<Int.random(in: 1...2000, using: &random) {
          let length = Int.random(in: 0...12, using: &random)
          let text = String((0..<length).map { _ in "abé".randomElement(using: &random) ?? "a" })
          let entry = dictionary.intern(text)
          if known[text] == nil {
            known[text] = UInt32(order.count)
            order.append(text)
          }
          #expect(entry == known[text], "seed \(seed), round \(round)")
        }
        #expect(dictionary.count == order.count)
        #expect(dictionary.pageByteCount == order.reduce(0) { $0 + $1.utf8.count + 4 })
        for (entry, text) in order.enumerated() {
          #expect(Array(dictionary[UInt32(entry)]) == Array(text.utf8))
        }
        let sorted = order.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
        let ranks = dictionary.ranks() ?? Array(0..<UInt32(order.count))
        #expect(order.indices.allSatisfy { sorted[Int(ranks[$0])] == order[$0] }, "seed \(seed)")
      }
    }
  }

  /// Texts put in without a search lie beside those that are searched for, which are found however
  /// many of the others there are, also after a reset; and the meter counts both.
  @Test func distinctTexts() {
    let meter = TextMeter()
    let dictionary = TextDictionary(meter: meter)
    let other = TextDictionary(meter: meter)
    for round in 0..<3 {
      dictionary.reset()
      other.reset()
      meter.reset()
      for number in 0..<500 {
        var text = "distinct \(round) \(number)"
        let entry = text.withUTF8 { dictionary.append(distinct: UnsafeRawBufferPointer($0)) }
        #expect(entry == UInt32(number + min(number, 7)))
        #expect(Array(dictionary[entry]) == Array(text.utf8))
        if number < 7 { #expect(dictionary.intern("shared \(number)") == entry + 1) }
        #expect(dictionary.intern("shared \(number % 7)") == UInt32(number % 7 * 2 + 1))
      }
      #expect(dictionary.count == 507)
      _ = other.intern("x")
      #expect(meter.largest == dictionary.pageByteCount)
      #expect(meter.sum == dictionary.pageByteCount + other.pageByteCount)
    }
  }

  @Test func textsThatShareALongPrefixRankByWhatFollows() {
    let dictionary = TextDictionary()
    let prefix = String(repeating: "p", count: 100)
    for end in ["zz", "", "a", "aaaaaaaab", "aaaaaaaaa", "é"] {
      _ = dictionary.intern(prefix + end)
    }
    #expect(dictionary.ranks() == [4, 0, 1, 3, 2, 5])
  }

  @Test func entriesInOrderNeedNoRanks() {
    let texts = TextDictionary()
    let numbers = NumberDictionary()
    for value in [-5, 0, 7] as [Int64] {
      _ = numbers.intern(value)
      _ = texts.intern("\(value)")
    }
    #expect(texts.ranks() == nil && numbers.ranks() == nil)
  }

  @Test func randomNumbers() {
    var random = SeededRandom(seed: 3)
    let dictionary = NumberDictionary()
    var order: [Int64] = []
    for _ in 0..<5000 {
      let value = Int64.random(in: -900...900, using: &random) << 40
      let entry = dictionary.intern(value)
      if Int(entry) == order.count { order.append(value) }
      #expect(order[Int(entry)] == value)
    }
    #expect(Set(order).count == order.count)
    let sorted = order.sorted()
    let ranks = dictionary.ranks() ?? []
    #expect(order.indices.allSatisfy { sorted[Int(ranks[$0])] == order[$0] })
  }

  /// Numbers that a fixed multiplier's inverse sends to multiples of 2^44, so that their hashes
  /// shared the low bits that a table looks at, must not lie together: with 2^17 of them this took
  /// minutes.
  @Test func numbersMadeToCollideDoNot() {
    let multiplier: UInt64 = 0x9E37_79B9_7F4A_7C15
    var inverse = multiplier
    for _ in 0..<6 { inverse = inverse &* (2 &- multiplier &* inverse) }
    #expect(inverse &* multiplier == 1)
    let dictionary = NumberDictionary()
    let elapsed = ContinuousClock().measure {
      for number in UInt64(0)..<1 << 17 {
        // A product whose two halves fold to zero in the low 20 bits.
        let high = (number & 0xfff) << 20 | number >> 12
        let product = high << 32 | (high & 0xf_ffff)
        _ = dictionary.intern(Int64(bitPattern: product &* inverse))
      }
    }
    #expect(dictionary.count == 1 << 17)
    #expect(elapsed < .seconds(60))
  }
}
