import Glibc

/// Times as S3 spells them, by the C library and not by the code that is under test.
enum StoreTime {
  /// `20261124T100000Z`.
  static func seconds(ofBasicFormat text: String) -> Double? {
    let digits = text.utf8.filter { $0 != UInt8(ascii: "T") && $0 != UInt8(ascii: "Z") }
    guard digits.count == 14, let number = Int(String(decoding: digits, as: UTF8.self)) else {
      return nil
    }
    var fields = tm()
    fields.tm_year = CInt(number / 10_000_000_000 - 1_900)
    fields.tm_mon = CInt(number / 100_000_000 % 100 - 1)
    fields.tm_mday = CInt(number / 1_000_000 % 100)
    fields.tm_hour = CInt(number / 10_000 % 100)
    fields.tm_min = CInt(number / 100 % 100)
    fields.tm_sec = CInt(number % 100)
    return Double(timegm(&fields))
  }

  /// `2026-11-24T10:00:00Z`.
  static func extendedFormat(_ seconds: Double) -> String { format(seconds, "%Y-%m-%dT%H:%M:%SZ") }

  /// `Tue, 24 Nov 2026 10:00:00 GMT`.
  static func httpDate(_ seconds: Double) -> String { format(seconds, "%a, %d %b %Y %H:%M:%S GMT") }

  private static func format(_ seconds: Double, _ pattern: String) -> String {
    var time = time_t(seconds)
    var fields = tm()
    gmtime_r(&time, &fields)
    var buffer = [CChar](repeating: 0, count: 64)
    let count = strftime(&buffer, buffer.count, pattern, &fields)
    return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
