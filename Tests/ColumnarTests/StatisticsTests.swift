import SimulationModels
import Testing

@testable import Columnar

/// Bounds must cover what they stand for, and say so when they are not values.
@Suite struct StatisticsTests {
  private func bound(
    _ text: String, _ of: (UnsafeRawBufferPointer) -> TextBounds.Bound?
  ) -> (text: String, isExact: Bool)? {
    var copy = text
    return copy.withUTF8 { of(UnsafeRawBufferPointer($0)) }
      .map { (String(decoding: $0.bytes, as: UTF8.self), $0.isExact) }
  }

  @Test(arguments: ["", "a", String(repeating: "x", count: 64), String(repeating: "é", count: 32)])
  func shortTextIsItsOwnBound(_ text: String) {
    #expect(bound(text, TextBounds.minimum)?.text == text)
    #expect(bound(text, TextBounds.maximum)?.text == text)
    #expect(bound(text, TextBounds.minimum)?.isExact == true)
    #expect(bound(text, TextBounds.maximum)?.isExact == true)
  }

  /// Texts and what is left of them: the cut, and the cut with its last code point raised.
  static let cuts: [(String, String, String)] = [
    ("a" * 65, "a" * 64, "a" * 63 + "b"),
    ("a" * 63 + "é!", "a" * 63, "a" * 62 + "b"),
    ("é" * 33, "é" * 32, "é" * 31 + "ê"),
    ("a" * 62 + "\u{D7FF}!!", "a" * 62, "a" * 61 + "b"),
    ("a" * 61 + "\u{D7FF}!", "a" * 61 + "\u{D7FF}", "a" * 61 + "\u{E000}"),
    // No code point above: the one before is raised.
    ("a" * 60 + "\u{10FFFF}!", "a" * 60 + "\u{10FFFF}", "a" * 59 + "b"),
    // The raised one would not fit: the one before is raised.
    ("a" * 63 + "\u{7F}!", "a" * 63 + "\u{7F}", "a" * 62 + "b"),
    ("a" * 62 + "\u{7F}!!", "a" * 62 + "\u{7F}!", "a" * 62 + "\u{7F}\""),
  ]

  @Test(arguments: cuts)
  func longTextIsCut(_ text: String, _ minimum: String, _ maximum: String) {
    #expect(bound(text, TextBounds.minimum)?.text == minimum)
    #expect(bound(text, TextBounds.maximum)?.text == maximum)
    #expect(bound(text, TextBounds.minimum)?.isExact == false)
    #expect(bound(text, TextBounds.maximum)?.isExact == false)
  }

  @Test func aTextWithoutUpperBoundHasNone() {
    #expect(bound("\u{10FFFF}" * 17, TextBounds.maximum) == nil)
    #expect(bound("\u{10FFFF}" * 17, TextBounds.minimum)?.text == "\u{10FFFF}" * 16)
    #expect(bound("\u{10FFFF}" * 16, TextBounds.maximum)?.isExact == true)
  }

  @Test func randomBoundsCover() {
    for seed: UInt64 in 0..<300 {
      var random = SeededRandom(seed: seed)
      let points: [UInt32] = [
        0x20, 0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x10FFFF,
      ]
      let common = (0..<Int.random(in: 0...60, using: &random)).map { _ in
        points[Int.random(in: 0..<points.count, using: &random)]
      }
      var texts: [[UInt8]] = []
      for _ in 0..<20 {
        let own = (0..<Int.random(in: 0...40, using: &random)).map { _ in
          points[Int.random(in: 0..<points.count, using: &random)]
        }
        let scalars = (common + own).compactMap { Unicode.Scalar($0) }
        texts.append(Array(String(String.UnicodeScalarView(scalars)).utf8))
      }
      for text in texts {
        let minimum = text.withUnsafeBytes { TextBounds.minimum($0)?.bytes }
        let maximum = text.withUnsafeBytes { TextBounds.maximum($0)?.bytes }
        guard let minimum else {
          Issue.record("no lower bound, seed \(seed)")
          return
        }
        #expect(!text.lexicographicallyPrecedes(minimum), "seed \(seed)")
        #expect(minimum.count <= 64 && String(validating: minimum, as: UTF8.self) != nil)
        if let maximum {
          #expect(!maximum.lexicographicallyPrecedes(text), "seed \(seed)")
          #expect(maximum.count <= 64 && String(validating: maximum, as: UTF8.self) != nil)
        }
      }
    }
  }

  @Test func zeroBoundsCoverBothZeros() {
    let zeros = ValueBounds(minimum: 0.0, maximum: -0.0)
    #expect(zeros.minimum == [0, 0, 0, 0, 0, 0, 0, 0x80])
    #expect(zeros.maximum == [UInt8](repeating: 0, count: 8))
  }

  @Test func integersAreSignedAndAsWideAsTheirType() {
    let narrow = ValueBounds(minimum: -2, maximum: 3, as: .int32)
    #expect(narrow.minimum == [0xFE, 0xFF, 0xFF, 0xFF] && narrow.maximum == [3, 0, 0, 0])
    let wide = ValueBounds(minimum: .min, maximum: .max, as: .int64)
    #expect(ValueBounds.compare(wide.minimum, wide.maximum, as: .int64) < 0)
    #expect(ValueBounds.compare(narrow.minimum, narrow.maximum, as: .int32) < 0)
  }
}

extension String {
  fileprivate static func * (text: String, count: Int) -> String {
    String(repeating: text, count: count)
  }
}
