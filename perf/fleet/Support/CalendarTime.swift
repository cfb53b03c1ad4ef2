import Glibc

/// Times of the proleptic Gregorian calendar in UTC, as microseconds since 1970.
enum CalendarTime {
  static let microsPerSecond: Int64 = 1_000_000
  static let secondsPerDay: Int64 = 86_400

  /// The wall clock, in microseconds since 1970.
  static func nowMicros() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * microsPerSecond + Int64(time.tv_nsec) / 1000
  }

  /// A clock that only goes forward, in nanoseconds.
  static func monotonicNanos() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  /// Year, month and day of a day counted from 1970-01-01
  /// (https://howardhinnant.github.io/date_algorithms.html, `civil_from_days`).
  static func civil(day: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let shifted = day + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra =
      (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
  }

  /// Day number of a date; the inverse of `civil`.
  static func day(year: Int64, month: Int64, day: Int64) -> Int64 {
    let shiftedYear = month <= 2 ? year - 1 : year
    let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
    let yearOfEra = shiftedYear - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }

  /// Reads `2026-11-24`, `2026-11-24T10:00`, `2026-11-24T10:00:05`, each in UTC and with an
  /// optional `Z` or `+00:00` at its end, or `now`.
  static func parse(_ text: String) -> Int64? {
    if text == "now" { return nowMicros() }
    var text = Substring(text)
    for suffix in ["Z", "+00:00"] where text.hasSuffix(suffix) {
      text = text.dropLast(suffix.count)
      break
    }
    let halves = text.split(separator: "T", omittingEmptySubsequences: false)
    guard halves.count == 1 || halves.count == 2 else { return nil }
    let date = halves[0].split(separator: "-", omittingEmptySubsequences: false)
    guard date.count == 3, let year = Int64(date[0]), let month = Int64(date[1]),
      let dayOfMonth = Int64(date[2]), (1970...9998).contains(year), (1...12).contains(month),
      (1...31).contains(dayOfMonth)
    else { return nil }
    let dayNumber = day(year: year, month: month, day: dayOfMonth)
    guard civil(day: dayNumber) == (year, month, dayOfMonth) else { return nil }
    var seconds = dayNumber * secondsPerDay
    if halves.count == 2 {
      let time = halves[1].split(separator: ":", omittingEmptySubsequences: false)
      guard time.count == 2 || time.count == 3, let hour = Int64(time[0]),
        let minute = Int64(time[1]), (0...23).contains(hour), (0...59).contains(minute),
        let second = time.count == 3 ? Int64(time[2]) : 0, (0...59).contains(second)
      else { return nil }
      seconds += hour * 3600 + minute * 60 + second
    }
    return seconds * microsPerSecond
  }
}

extension ByteWriter {
  /// `YYYY-MM-DDTHH:MM:SS`.
  private mutating func append(dateTimeSeconds seconds: Int64) {
    var day = seconds / CalendarTime.secondsPerDay
    var rest = seconds % CalendarTime.secondsPerDay
    if rest < 0 {
      rest += CalendarTime.secondsPerDay
      day -= 1
    }
    let date = CalendarTime.civil(day: day)
    append(decimal: UInt64(clamping: date.year), digits: 4)
    append(byte: UInt8(ascii: "-"))
    append(decimal: UInt64(date.month), digits: 2)
    append(byte: UInt8(ascii: "-"))
    append(decimal: UInt64(date.day), digits: 2)
    append(byte: UInt8(ascii: "T"))
    append(decimal: UInt64(rest / 3600), digits: 2)
    append(byte: UInt8(ascii: ":"))
    append(decimal: UInt64(rest / 60 % 60), digits: 2)
    append(byte: UInt8(ascii: ":"))
    append(decimal: UInt64(rest % 60), digits: 2)
  }

  /// Python's `datetime.isoformat()` in UTC: microseconds only if there are any.
  mutating func append(isoFormatMicros micros: Int64) {
    var seconds = micros / CalendarTime.microsPerSecond
    var fraction = micros % CalendarTime.microsPerSecond
    if fraction < 0 {
      fraction += CalendarTime.microsPerSecond
      seconds -= 1
    }
    append(dateTimeSeconds: seconds)
    if fraction != 0 {
      append(byte: UInt8(ascii: "."))
      append(decimal: UInt64(fraction), digits: 6)
    }
    append("+00:00")
  }

  /// RFC 3339 to the second, as Kubernetes' `metav1.Time`.
  mutating func append(rfc3339Seconds seconds: Int64) {
    append(dateTimeSeconds: seconds)
    append(byte: UInt8(ascii: "Z"))
  }
}
