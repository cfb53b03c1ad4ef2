import CShims
import Testing

@testable import Ingest

/// Protects: RFC 3339 to the instant, against a slow calendar that counts days one by one.
struct DateTimeTests {
  private func micros(_ text: String) -> Int64? {
    var result: Int64 = 0
    let bytes = Array(text.utf8)
    return cshims_report_date_time(bytes, bytes.count, &result) == 0 ? nil : result
  }

  @Test(
    arguments: [
      ("1970-01-01T00:00:00Z", 0), ("1970-01-01t00:00:00z", 0),
      ("1970-01-01T00:00:00.000001+00:00", 1), ("1969-12-31T23:59:59.999999Z", -1),
      ("1970-01-01T00:00:00.9999999Z", 999_999), ("1970-01-01T01:00:00+01:00", 0),
      ("1969-12-31T16:00:00-08:00", 0), ("0001-01-01T00:00:00Z", -62_135_596_800_000_000),
      ("0000-12-31T23:59:00-00:01", -62_135_596_800_000_000),
      ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
      ("2016-12-31T23:59:60Z", 1_483_228_800_000_000),
      ("2016-12-31T23:59:60.5Z", 1_483_228_800_500_000),
      ("2017-01-01T05:29:60+05:30", 1_483_228_800_000_000),
      ("2000-02-29T00:00:00Z", 951_782_400_000_000),
    ] as [(String, Int64)])
  func accepted(text: String, expected: Int64) {
    #expect(micros(text) == expected)
  }

  @Test(arguments: [
    "", "Z", "1970-01-01", "1970-01-01T00:00:00", "1970-01-01 00:00:00Z", "1970-01-01T00:00Z",
    "1970-01-01T00:00:00.Z", "1970-01-01T00:00:00,1Z", "1970-01-01T00:00:00+0000",
    "1970-01-01T00:00:00+24:00", "1970-01-01T00:00:00+00:60", "1970-01-01T00:00:00ZZ",
    "1970-01-01T00:00:00+00:00 ", "1970-00-01T00:00:00Z", "1970-13-01T00:00:00Z",
    "1970-01-00T00:00:00Z", "1970-01-32T00:00:00Z", "1970-04-31T00:00:00Z",
    "1970-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "1970-01-01T24:00:00Z",
    "1970-01-01T00:60:00Z", "1970-01-01T00:00:60Z", "1970-01-01T00:00:61Z",
    "2016-12-31T23:59:60+01:00", "9999-12-31T23:59:60Z", "9999-12-31T23:59:59-00:01",
    "0001-01-01T00:00:00+00:01", "0000-06-01T00:00:00Z", "10000-01-01T00:00:00Z",
    "197a-01-01T00:00:00Z", "1970-01-01T00:00:00\u{e9}", "1970/01/01T00:00:00Z",
  ])
  func refused(text: String) {
    #expect(micros(text) == nil)
  }

  @Test func everyDayOfFourHundredYears() {
    let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    var expected = Int64(-11_676_096_000) * 1_000_000  // 1600-01-01
    var wrong = 0
    for year in 1600..<2000 {
      let leap = year % 4 == 0 && (year % 100 != 0 || year == 1600)
      for month in 1...12 {
        for day in 1...(lengths[month - 1] + (month == 2 && leap ? 1 : 0)) {
          if micros("\(year)-\(two(month))-\(two(day))T00:00:00Z") != expected { wrong += 1 }
          expected += 86_400_000_000
        }
      }
    }
    #expect(wrong == 0 && expected == 946_684_800_000_000)
  }

  /// One wrong byte anywhere is noticed, or makes another date-time.
  @Test func everyByteIsLookedAt() {
    let text = Array("2026-11-24T13:55:07.5+00:00".utf8)
    for place in text.indices {
      for byte: UInt8 in [0, 0x20, 0x2f, 0x3a, 0x41, 0x60, 0x7f, 0x80, 0xb0, 0xff]
      where byte != text[place] {
        var changed = text
        changed[place] = byte
        var result: Int64 = 0
        let accepted = cshims_report_date_time(changed, changed.count, &result) != 0
        #expect(!accepted, "byte \(byte) at \(place)")
      }
    }
  }
}
