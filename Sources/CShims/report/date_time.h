// RFC 3339 date-time (section 5.6) to an instant.
#ifndef CSHIMS_REPORT_DATE_TIME_H
#define CSHIMS_REPORT_DATE_TIME_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

namespace cshims_report_internal {

constexpr int64_t seconds_per_day = 86400;
constexpr int64_t micros_per_second = 1000000;
// The instants accepted, and the first that is kept: seconds since 1970.
constexpr int64_t first_second = -62135596800;       // 0001-01-01T00:00:00Z
constexpr int64_t end_second = 253402300800;         // 10000-01-01T00:00:00Z
constexpr int64_t first_kept_second = -2208988800;   // 1900-01-01T00:00:00Z

struct Instant {
  int64_t seconds;
  int32_t micros;

  int64_t total_micros() const { return seconds * micros_per_second + micros; }
  // Days since 1970-01-01, rounded down.
  int32_t day() const {
    int64_t days = seconds / seconds_per_day;
    return int32_t(seconds % seconds_per_day < 0 ? days - 1 : days);
  }
};

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first byte is the lowest");

// Eight bytes of a date-time at once. `digits` has 1 in each byte that must be a digit,
// `separators` the bytes that must be there else. False unless all are as wanted; else byte i of
// `pairs` is the number that the digits at i and i + 1 make.
template <uint64_t digits, uint64_t separators>
inline bool read_pairs(const uint8_t *text, uint64_t *pairs) {
  constexpr uint64_t high = 0x8080808080808080u;
  // Added to these, a digit above 9 and a separator above 0 set their byte's highest bit.
  constexpr uint64_t limits = 0x7f7f7f7f7f7f7f7fu - digits * 9;
  uint64_t word;
  memcpy(&word, text, 8);
  word ^= separators | digits * 0x30;
  if (((word | ((word & ~high) + limits)) & high) != 0) return false;
  *pairs = word * 10 + (word >> 8);
  return true;
}

// The pair at byte `at`.
inline uint32_t pair(uint64_t pairs, unsigned at) { return uint32_t(pairs >> 8 * at & 0xff); }

// Two digits at `text`; above 99 when one is none.
inline uint32_t two_digits(const uint8_t *text) {
  uint32_t tens = text[0] - uint32_t('0'), ones = text[1] - uint32_t('0');
  return (tens > 9 || ones > 9) ? 1000 : tens * 10 + ones;
}

// Days from 1970-01-01 to a date of the proleptic Gregorian calendar, year 0 and later, counted in
// years that begin in March, so that the leap day comes last.
__attribute__((always_inline)) inline int64_t days_since_1970(
    uint32_t year, uint32_t month, uint32_t day) {
  uint32_t shifted = month <= 2 ? year + 399 : year + 400;
  uint32_t century = shifted / 100;
  uint32_t of_year = (153 * (month <= 2 ? month + 9 : month - 3) + 2) / 5 + day - 1;
  int64_t days = int64_t(shifted) * 365 + shifted / 4 - century + century / 4 + of_year;
  // 719468 days lie between 0000-03-01 and 1970-01-01, 146097 in 400 years.
  return days - 719468 - 146097;
}

// False when `text` is not a date-time whose instant lies in the years 0001 to 9999 in UTC. A
// second of 60 is taken at 23:59 UTC only, as the second that follows.
__attribute__((always_inline)) inline bool read_date_time(
    const uint8_t *text, size_t count, Instant *instant) {
  // The shortest is `YYYY-MM-DDThh:mm:ssZ`.
  if (count < 20) return false;
  uint64_t date, time;
  if (!read_pairs<0x0001010001010101, 0x2d00002d00000000>(text, &date) ||
      !read_pairs<0x0101000101000101, 0x00003a00003a0000>(text + 11, &time)) {
    return false;
  }
  uint32_t year = pair(date, 0) * 100 + pair(date, 2);
  uint32_t month = pair(date, 5), day = two_digits(text + 8);
  uint32_t hour = pair(time, 0), minute = pair(time, 3), second = pair(time, 6);
  if ((text[10] | 0x20) != 't' || month - 1 > 11 || day - 1 > 30 || hour > 23 || minute > 59 ||
      second > 60) {
    return false;
  }
  if (day > 28) {
    static const uint8_t lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (day > uint32_t(lengths[month - 1] + (month == 2 && leap ? 1 : 0))) return false;
  }

  size_t at = 19;
  int32_t micros = 0;
  if (text[at] == '.') {
    at += 1;
    int32_t weight = 100000;
    size_t first = at;
    for (; at < count; at += 1) {
      uint32_t digit = text[at] - uint32_t('0');
      if (digit > 9) break;
      micros += int32_t(digit) * weight;
      weight /= 10;
    }
    if (at == first) return false;
  }

  int64_t offset = 0;
  if (at + 6 == count && memcmp(text + at, "+00:00", 6) == 0) {
    // Python's way to write UTC.
  } else if (at + 1 == count && (text[at] | 0x20) == 'z') {
  } else if (at + 6 == count && (text[at] == '+' || text[at] == '-') && text[at + 3] == ':') {
    uint32_t hours = two_digits(text + at + 1), minutes = two_digits(text + at + 4);
    if (hours > 23 || minutes > 59) return false;
    offset = int64_t(hours) * 3600 + int64_t(minutes) * 60;
    if (text[at] == '-') offset = -offset;
  } else {
    return false;
  }

  int64_t seconds = days_since_1970(year, month, day) * seconds_per_day + hour * 3600 +
                    minute * 60 + second - offset;
  if (second == 60 && seconds % seconds_per_day != 0) return false;
  if (seconds < first_second || seconds >= end_second) return false;
  *instant = {seconds, micros};
  return true;
}

// The same as a call: inside the walk it would take the registers of what is around it.
__attribute__((noinline)) inline bool parse_date_time(
    const uint8_t *text, size_t count, Instant *instant) {
  return read_date_time(text, count, instant);
}

} // namespace cshims_report_internal

#endif
