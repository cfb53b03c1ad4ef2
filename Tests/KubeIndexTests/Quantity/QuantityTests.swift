import Foundation
import Testing

@testable import KubeIndex

/// Quantities are read as the API server reads them: a wrong factor would be a wrong bill.
@Suite struct QuantityTests {
  static let accepted: [(text: String, milli: Int64, value: Int64)] = [
    ("0", 0, 0), ("1", 1000, 1), ("100m", 100, 1), ("1500m", 1500, 2), ("+1", 1000, 1),
    (".5", 500, 1), ("5.", 5000, 5), ("0001.500", 1500, 2), ("0.0001", 1, 1), ("1.25", 1250, 2),
    ("1n", 1, 1), ("123456789n", 124, 1), ("1500u", 2, 1), ("500u", 1, 1), ("0.1n", 1, 1),
    ("1k", 1_000_000, 1000), ("1M", 1_000_000_000, 1_000_000),
    ("2G", 2_000_000_000_000, 2_000_000_000),
    ("1T", 1_000_000_000_000_000, 1_000_000_000_000),
    ("1P", 1_000_000_000_000_000_000, 1_000_000_000_000_000),
    ("1E", .max, 1_000_000_000_000_000_000),
    ("1Ki", 1_024_000, 1024), ("1Mi", 1_048_576_000, 1_048_576),
    ("1.5Gi", 1_610_612_736_000, 1_610_612_736), ("0.5Ki", 512_000, 512), (".5Ki", 512_000, 512),
    ("0.0001Ki", 103, 1), ("1Ti", 1_099_511_627_776_000, 1_099_511_627_776),
    ("1Pi", 1_125_899_906_842_624_000, 1_125_899_906_842_624),
    ("7Ei", .max, 8_070_450_532_247_928_832),
    ("8Ei", .max, .max), ("100E", .max, .max), ("10E", .max, .max),
    ("9223372036854775807", .max, .max), ("9223372036854775808", .max, .max),
    ("2e3", 2_000_000, 2000), ("1E3", 1_000_000, 1000), ("5e-3", 5, 1), ("1e-1", 100, 1),
    ("1e+2", 100_000, 100), ("12e-12", 1, 1), ("1e30", .max, .max), ("1e-30", 1, 1),
    ("0e99", 0, 0), ("0.000e2147483647", 0, 0), ("1e4294967296", 1000, 1),
    ("1e2147483647", .max, .max), ("1e-2147483648", 1, 1),
    ("128974848000m", 128_974_848_000, 128_974_848), (" 1 ", 1000, 1), ("-1", -1000, -1),
    ("-1.5", -1500, -2), ("-100E", -.max, -.max),
    // Laxer than the documented grammar, as the server is.
    ("+", 0, 0), (".", 0, 0), ("k", 0, 0),
  ]

  @Test(arguments: accepted)
  func isRead(text: String, milli: Int64, value: Int64) throws {
    let quantity = try #require(Quantity(text), "\(text)")
    #expect(quantity.milliValue == milli)
    #expect(quantity.value == value)
  }

  @Test(arguments: [
    "", " ", "1K", "1KB", "1 Gi", "2e3m", "1ki", "1mi", "1i", "1Ki3", "1ee3", "1e", "1e-", "1e+",
    "--1", "1-", "1.1.1", "1,5", "0x10", "1Mii", "abc", "1e99999999999999999999", "1E3i", "NaN",
    "1\u{0}", "١",
  ])
  func isRefused(text: String) { #expect(Quantity(text) == nil) }

  @Test func thousandsOfDigitsAreExact() throws {
    let zeros = String(repeating: "0", count: 5000)
    #expect(try #require(Quantity("\(zeros)7")).value == 7)
    #expect(try #require(Quantity("1.\(zeros)")).value == 1)
    // A digit after any number of zeros still rounds up.
    #expect(try #require(Quantity("1.\(zeros)1")).milliValue == 1001)
    #expect(try #require(Quantity("1.\(zeros)1Ki")).value == 1025)
    #expect(try #require(Quantity("1\(zeros)")).value == .max)
    #expect(try #require(Quantity("0.\(zeros)1e5001")).value == 1)
  }

  /// Added first, rounded once.
  @Test func sumsAreExact() throws {
    var sum = Quantity.zero
    for _ in 0..<3 { sum += try #require(Quantity("0.4m")) }
    #expect(sum.milliValue == 2)
    var large = Quantity.zero
    for _ in 0..<1000 { large += try #require(Quantity("100E")) }
    #expect(large.value == .max)
  }

  /// What the server made of a quantity equals what we make of what was sent.
  @Test func agreesWithTheServer() throws {
    let names = try Recording.manifest().keys.filter { $0.hasPrefix("quantities/") }
    #expect(names.count == 25)
    for name in names.sorted() {
      let recording = try Recording(name)
      let sent = try #require(Recording.manifest()[name]?["sent"] as? [String: Any])
      let resource = try #require(sent.keys.first)
      let text = sent[resource].map { "\($0)" } ?? ""
      if recording.status == 400 {
        #expect(Quantity(text) == nil, "\(name)")
      } else if recording.status == 201 {
        let answer = try #require(
          JSONSerialization.jsonObject(with: Data(recording.body)) as? [String: Any])
        let spec = try #require(answer["spec"] as? [String: Any])
        let container = try #require((spec["containers"] as? [[String: Any]])?.first)
        let requests = try #require(
          (container["resources"] as? [String: Any])?["requests"] as? [String: String])
        let ours = try #require(Quantity(text), "\(name)")
        let theirs = try #require(Quantity(requests[resource] ?? ""), "\(name)")
        #expect(ours.milliValue == theirs.milliValue, "\(name)")
        #expect(ours.value == theirs.value, "\(name)")
      }
    }
  }

  @Test func randomBytesNeverTrap() {
    let seed = UInt64.random(in: 0...UInt64.max)
    print("seed \(seed)")
    var random = SeededGenerator(seed: seed)
    let alphabet = Array("0123456789.+-eEinumkKMGTP ".utf8)
    for _ in 0..<100_000 {
      let count = Int.random(in: 0...24, using: &random)
      let text = (0..<count).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &random)]
      }
      if let quantity = text.withUnsafeBytes({ Quantity(utf8: $0) }) {
        _ = quantity.value
        _ = quantity.milliValue
      }
    }
  }

  /// Whole numbers with decimal places and every suffix, against plain wide arithmetic.
  @Test func randomNumbersAgreeWithWideArithmetic() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    print("seed \(seed)")
    var random = SeededGenerator(seed: seed)
    let suffixes: [(String, Int128)] = [
      ("", 1), ("k", 1000), ("M", 1_000_000), ("G", 1_000_000_000), ("Ki", 1 << 10),
      ("Mi", 1 << 20), ("Gi", 1 << 30), ("Ti", 1 << 40),
    ]
    for _ in 0..<20_000 {
      let units = Int128(Int64.random(in: 0...99_999_999, using: &random))
      let places = Int.random(in: 0...9, using: &random)
      let scale = (0..<places).reduce(Int128(1)) { power, _ in power * 10 }
      let fraction = places == 0 ? 0 : Int128(Int64.random(in: 0..<Int64(scale), using: &random))
      let digits = String(fraction)
      let text =
        "\(units)"
        + (places == 0 ? "" : "." + String(repeating: "0", count: places - digits.count) + digits)
      let (suffix, factor) = suffixes[Int.random(in: 0..<suffixes.count, using: &random)]
      let numerator = (units * scale + fraction) * factor
      let expected = Int64(clamping: (numerator + scale - 1) / scale)
      let milli = Int64(clamping: (numerator * 1000 + scale - 1) / scale)
      let quantity = try #require(Quantity(text + suffix), "\(text + suffix)")
      #expect(quantity.value == expected, "\(text + suffix)")
      #expect(quantity.milliValue == milli, "\(text + suffix)")
    }
  }
}
