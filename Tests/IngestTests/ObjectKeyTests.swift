import SimulationModels
import Testing

@testable import Ingest

/// Keys are what Hive-like readers expect, whatever a cluster is called.
@Suite struct ObjectKeyTests {
  let writer = WriterID(high: 0x0123_4567_89ab_4def, low: 0x8123_4567_89ab_cdef)

  @Test(arguments: [
    ("blue", "blue"), ("", "__HIVE_DEFAULT_PARTITION__"), ("a/b", "a%2Fb"), ("a=b", "a%3Db"),
    ("_hidden", "%5Fhidden"), (".hidden", "%2Ehidden"), (".", "%2E"), ("..", "%2E."),
    ("a_b.c", "a_b.c"), ("100%", "100%25"), ("{x}", "%7Bx}"), ("ü", "ü"), ("a b", "a b"),
    ("\u{1}\u{7F}", "%01%7F"), ("[a]^\\?*:'\"#", "%5Ba%5D%5E%5C%3F%2A%3A%27%22%23"),
    ("__HIVE_DEFAULT_PARTITION__", "%5F_HIVE_DEFAULT_PARTITION__"),
  ])
  func escapes(value: String, escaped: String) {
    #expect(HiveName.escape(value) == escaped)
  }

  @Test func escapingRoundTripsAndNeverAddsASlash() throws {
    let seed: UInt64 = 20_261_124
    var random = SeededRandom(seed: seed)
    let alphabet = Array("ab_.%/={}[]^\\\"'*:?#\u{0}\u{1F}\u{7F} ü漢🙂").map(String.init)
    let keys = try ObjectKey(prefix: "p/{cluster_name}/{date}/", writer: writer)
    for _ in 0..<20_000 {
      let length = Int.random(in: 0..<12, using: &random)
      let value = (0..<length).map { _ in alphabet.randomElement(using: &random) ?? "" }.joined()
      let escaped = HiveName.escape(value)
      #expect(HiveName.unescape(escaped) == value, "seed \(seed)")
      #expect(escaped.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "/") })
      #expect(!escaped.hasPrefix("_") || value.isEmpty)
      #expect(!escaped.hasPrefix("."))
      let key = keys.key(cluster: value, day: 20_000, segment: 1)
      #expect(key.utf8.count { $0 == UInt8(ascii: "/") } == 5, "seed \(seed)")
    }
  }

  @Test func theWholeKey() throws {
    let plain = try ObjectKey(prefix: "usage-", writer: writer)
    #expect(
      plain.key(cluster: "blue", day: 20_781, segment: 42)
        == "usage-cluster_name=blue/dt=2026-11-24/01234567-89ab-4def-8123-456789abcdef"
        + "-00000000000000000042.parquet")
    let both = try ObjectKey(prefix: "{date}/{cluster_name}/", writer: writer)
    #expect(
      both.key(cluster: "a/b", day: 0, segment: 0)
        .hasPrefix("1970-01-01/a%2Fb/cluster_name=a%2Fb/dt=1970-01-01/"))
  }

  @Test func otherPlaceholdersAreRefused() {
    #expect(throws: ObjectKey.PrefixError.unknownPlaceholder("node_name")) {
      try ObjectKey.check(prefix: "x/{node_name}/")
    }
    #expect(throws: ObjectKey.PrefixError.openPlaceholder) {
      try ObjectKey.check(prefix: "x/{date")
    }
    #expect(throws: ObjectKey.PrefixError.tooLong(byteCount: 600)) {
      try ObjectKey.check(prefix: String(repeating: "a", count: 600))
    }
  }

  @Test func longClusterNamesAreCutAndStayApart() throws {
    let keys = try ObjectKey(prefix: "{cluster_name}/", writer: writer)
    var seen: Set<String> = []
    for ending in ["a", "b", "/", "ü", "🙂"] {
      for length in [60, 100, 300, 400, 500, 5_000] {
        let name = String(repeating: "ü/", count: length) + ending
        let key = keys.key(cluster: name, day: 1, segment: 1)
        #expect(key.utf8.count <= IngestLimits.maximumKeyByteCount)
        // One that is longer is no name of a directory.
        #expect(key.split(separator: "/").allSatisfy { $0.utf8.count <= 255 })
        #expect(seen.insert(key).inserted)
      }
    }
  }

  @Test func datesAgreeWithACountedCalendar() {
    var (year, month, day) = (1970, 1, 1)
    for number in 0..<150_000 as Range<Int32> {
      let date = CivilDate(day: number)
      #expect((date.year, date.month, date.dayOfMonth) == (year, month, day))
      let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
      let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
      day += 1
      if day > lengths[month - 1] { (month, day) = (month + 1, 1) }
      if month > 12 { (year, month) = (year + 1, 1) }
    }
    #expect(CivilDate(day: -719_162).description == "0001-01-01")
    #expect(CivilDate(day: -1).description == "1969-12-31")
    #expect(CivilDate(day: 2_932_896).description == "9999-12-31")
  }
}
