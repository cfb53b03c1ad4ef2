import Testing

@testable import fleet

/// Protects the reports' bytes: numbers, times and identifiers are spelled as Python and Go do.
@Suite struct TextTests {
  func written(_ body: (inout ByteWriter) -> Void) -> String {
    var writer = ByteWriter()
    body(&writer)
    return writer.text
  }

  @Test(
    arguments: [
      (0, "0.0"), (1, "1e-09"), (12, "1.2e-08"), (510, "5.1e-07"), (1000, "1e-06"),
      (99_999, "9.9999e-05"), (100_000, "0.0001"), (123_456_789, "0.123456789"),
      (500_000_000, "0.5"), (1_000_000_000, "1.0"), (31_000_000_001, "31.000000001"),
      (90_000, "9e-05"), (10, "1e-08"),
    ] as [(UInt64, String)])
  func cores(nano: UInt64, expected: String) {
    #expect(written { $0.append(coresFromNano: nano) } == expected)
  }

  @Test func coresReadBackAsThePythonQuotient() {
    var random = Random(seed: 77)
    for _ in 0..<20_000 {
      let nano = random.next() >> UInt64(24 + random.below(40))
      let text = written { $0.append(coresFromNano: nano) }
      #expect(Double(text) == Double(nano) / 1e9, "\(nano): \(text), seed 77")
    }
  }

  @Test(
    arguments: [
      (0, "1970-01-01T00:00:00+00:00"), (1, "1970-01-01T00:00:00.000001+00:00"),
      (-1, "1969-12-31T23:59:59.999999+00:00"),
      (1_709_210_096_500_000, "2024-02-29T12:34:56.500000+00:00"),
      (4_102_444_800_000_000, "2100-01-01T00:00:00+00:00"),
    ] as [(Int64, String)])
  func isoFormat(micros: Int64, expected: String) {
    #expect(written { $0.append(isoFormatMicros: micros) } == expected)
  }

  @Test func everyDayOfFourCenturiesReadsBack() {
    for day in Int64(0)..<146_097 {
      let (year, month, dayOfMonth) = CalendarTime.civil(day: day)
      #expect(CalendarTime.day(year: year, month: month, day: dayOfMonth) == day)
    }
  }

  @Test(
    arguments: [
      ("2026-11-24", 1_795_478_400_000_000), ("2026-11-24T10:00", 1_795_514_400_000_000),
      ("2026-11-24T10:00:05Z", 1_795_514_405_000_000),
      ("2026-11-24T10:00:05+00:00", 1_795_514_405_000_000), ("2026-02-30", nil), ("24", nil),
      ("2026-11-24T25:00", nil), ("", nil), ("2026-11-24T10", nil),
    ] as [(String, Int64?)])
  func parsesTimes(text: String, expected: Int64?) {
    #expect(CalendarTime.parse(text) == expected)
  }

  @Test func decimalNumbers() {
    for number in [0, 9, 10, 99, 100, 12345, 9_999_999_999, UInt64.max] as [UInt64] {
      #expect(written { $0.append(decimal: number) } == String(number))
    }
    #expect(written { $0.append(decimal: -120) } == "-120")
    #expect(written { $0.append(decimal: 7, digits: 3) } == "007")
  }

  @Test func uidsAreVersionFourAndLowerCase() throws {
    var random = Random(seed: 5)
    for _ in 0..<1000 {
      let text = written { $0.append(uid: UID(from: &random)) }
      let pattern = try Regex(
        "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
      #expect(text.wholeMatch(of: pattern) != nil, "\(text)")
    }
  }

  @Test func theWriterGrowsAndKeepsWhatItHas() {
    var writer = ByteWriter(capacity: 1)
    for number in 0..<1000 { writer.append(decimal: number) }
    #expect(writer.text == (0..<1000).map(String.init).joined())
    writer.clear()
    #expect(writer.text.isEmpty)
  }
}
