import Glibc

/// The time of day, in UTC, without Foundation.
enum WallClock {
  /// Seconds since 1970-01-01T00:00:00Z.
  static func seconds() -> Int64 {
    now().seconds
  }

  /// Seconds since 1970-01-01T00:00:00Z and the nanoseconds beyond.
  static func now() -> (seconds: Int64, nanoseconds: Int) {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return (Int64(time.tv_sec), time.tv_nsec)
  }
}

/// A moment taken apart by the proleptic Gregorian calendar in UTC.
struct CalendarTime {
  var year: Int
  var month: Int
  var day: Int
  var hour: Int
  var minute: Int
  var second: Int
  /// 0 is Sunday.
  var weekday: Int

  init(secondsSince1970 seconds: Int64) {
    var time = time_t(seconds)
    var parts = tm()
    gmtime_r(&time, &parts)
    year = Int(parts.tm_year) + 1900
    month = Int(parts.tm_mon) + 1
    day = Int(parts.tm_mday)
    hour = Int(parts.tm_hour)
    minute = Int(parts.tm_min)
    second = Int(parts.tm_sec)
    weekday = Int(parts.tm_wday)
  }
}

/// The `Date` field (RFC 9110, section 5.6.7).
enum HTTPDate {
  private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  static func text(_ secondsSince1970: Int64) -> String {
    let time = CalendarTime(secondsSince1970: secondsSince1970)
    let day = "\(weekdays[time.weekday]), \(padded(time.day, 2)) \(months[time.month - 1])"
    let clock = "\(padded(time.hour, 2)):\(padded(time.minute, 2)):\(padded(time.second, 2))"
    return "\(day) \(padded(time.year, 4)) \(clock) GMT"
  }
}

/// `2026-01-31T23:59:59.123Z`.
enum LogTime {
  static func text(seconds: Int64, nanoseconds: Int) -> String {
    let time = CalendarTime(secondsSince1970: seconds)
    let day = "\(padded(time.year, 4))-\(padded(time.month, 2))-\(padded(time.day, 2))"
    let clock = "\(padded(time.hour, 2)):\(padded(time.minute, 2)):\(padded(time.second, 2))"
    return "\(day)T\(clock).\(padded(nanoseconds / 1_000_000, 3))Z"
  }
}

/// `number` in decimal with zeros in front up to `width` digits.
func padded(_ number: Int, _ width: Int) -> String {
  let digits = String(number)
  return String(repeating: "0", count: max(0, width - digits.count)) + digits
}
