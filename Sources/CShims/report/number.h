// JSON numbers: one walk over the digits that checks the grammar and yields an integer or an
// exactly rounded double.
#ifndef CSHIMS_REPORT_NUMBER_H
#define CSHIMS_REPORT_NUMBER_H

#include <charconv>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

namespace cshims_report_internal {

struct Number {
  // Where the number begins and ends.
  const uint8_t *start;
  const uint8_t *end;
  // Digits before and behind the point as one integer, when there are at most 19.
  uint64_t significand;
  // Digits in `significand`, leading zeros included.
  size_t digit_count;
  size_t fraction_digit_count;
  bool negative;
  // Written with a fraction or an exponent.
  bool is_real;
  bool has_exponent;
};

// More digits than this may not fit 64 bits.
constexpr size_t maximum_exact_digits = 19;

inline bool is_digit(uint8_t c) { return uint8_t(c - '0') <= 9; }

// Whether the eight bytes are digits, and their value (little endian: the first is the lowest
// byte).
inline bool eight_digits(uint64_t word, uint64_t *value) {
  uint64_t high = word & 0xf0f0f0f0f0f0f0f0u;
  uint64_t carried = (word + 0x0606060606060606u) & 0xf0f0f0f0f0f0f0f0u;
  if (high != 0x3030303030303030u || carried != 0x3030303030303030u) return false;
  word -= 0x3030303030303030u;
  word = word * 10 + (word >> 8);
  uint64_t low = (word & 0x000000ff000000ffu) * (100 + (uint64_t(1000000) << 32));
  uint64_t next = (word >> 16 & 0x000000ff000000ffu) * (1 + (uint64_t(10000) << 32));
  *value = (low + next) >> 32;
  return true;
}

// Whether the `count` (1 to 16) bytes at `text` are digits, and their value. What lies behind them
// must be readable and does not matter. No loop, so nothing to mispredict.
inline bool known_digits(const uint8_t *text, size_t count, uint64_t *value) {
  constexpr uint64_t zeros = 0x3030303030303030u;
  uint64_t word, upper = 0, lower;
  if (count > 8) {
    size_t leading = count - 8;
    memcpy(&word, text, 8);
    word = leading == 8 ? word : word << (64 - 8 * leading) | zeros >> 8 * leading;
    if (!eight_digits(word, &upper)) return false;
    memcpy(&word, text + leading, 8);
  } else {
    memcpy(&word, text, 8);
    word = count == 8 ? word : word << (64 - 8 * count) | zeros >> 8 * count;
  }
  if (!eight_digits(word, &lower)) return false;
  *value = upper * 100000000 + lower;
  return true;
}

// Reads digits into `value` (wrapping when there are too many) and returns their end. At least
// eight bytes behind the digits must be readable.
inline const uint8_t *read_digits(const uint8_t *text, uint64_t *value) {
  uint64_t word, eight;
  memcpy(&word, text, 8);
  while (eight_digits(word, &eight)) {
    *value = *value * 100000000 + eight;
    text += 8;
    memcpy(&word, text, 8);
  }
  while (is_digit(*text)) {
    *value = *value * 10 + (*text - uint64_t('0'));
    text += 1;
  }
  return text;
}

// Checks RFC 8259's grammar (section 6) from `text` on; false when it is no number. What follows
// the number is the caller's matter.
inline bool read_number(const uint8_t *text, Number *number) {
  number->start = text;
  number->negative = *text == '-';
  if (number->negative) text += 1;
  uint64_t significand = 0;
  const uint8_t *first = text;
  text = read_digits(text, &significand);
  size_t digits = size_t(text - first);
  if (digits == 0 || (*first == '0' && digits > 1)) return false;
  number->is_real = false;
  number->has_exponent = false;
  number->fraction_digit_count = 0;
  if (*text == '.') {
    number->is_real = true;
    const uint8_t *fraction = text + 1;
    text = read_digits(fraction, &significand);
    number->fraction_digit_count = size_t(text - fraction);
    if (number->fraction_digit_count == 0) return false;
    digits += number->fraction_digit_count;
  }
  if ((*text | 0x20) == 'e') {
    number->is_real = true;
    number->has_exponent = true;
    text += 1;
    if (*text == '+' || *text == '-') text += 1;
    const uint8_t *exponent = text;
    while (is_digit(*text)) text += 1;
    if (text == exponent) return false;
  }
  number->significand = significand;
  number->digit_count = digits;
  number->end = text;
  return true;
}

// Whether a number that is not 0 lies nearer to 0 than 1 does. Asked only of numbers whose exponent
// is far out, so a saturated exponent is as good as the true one.
inline bool is_below_one(const Number &number) {
  constexpr int64_t saturated = int64_t(1) << 40;
  const uint8_t *text = number.start + (number.negative ? 1 : 0);
  // Decimal places between the first digit that is not 0 and the point.
  int64_t magnitude = 0;
  bool found = false, behind_point = false;
  for (; text < number.end && (is_digit(*text) || *text == '.'); text += 1) {
    if (*text == '.') {
      behind_point = true;
    } else if (behind_point) {
      if (!found) magnitude -= 1;
      found = found || *text != '0';
    } else {
      if (found) magnitude += 1;
      found = found || *text != '0';
    }
  }
  int64_t exponent = 0;
  bool down = false;
  if (text < number.end) {
    text += 1;
    down = *text == '-';
    if (*text == '-' || *text == '+') text += 1;
    for (; text < number.end; text += 1) {
      if (exponent < saturated) exponent = exponent * 10 + (*text - '0');
    }
  }
  return magnitude + (down ? -exponent : exponent) < 0;
}

constexpr double powers_of_ten[23] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                      1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                      1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
// 10^`places`, for at most 19 of them; a double holds each up to 22 exactly.
inline uint64_t integer_power_of_ten(size_t places) { return uint64_t(powers_of_ten[places]); }
// Up to here every integer is a double.
constexpr uint64_t maximum_exact_integer = uint64_t(1) << 53;

// The usual integer: a token of `count` bytes, all digits. False says nothing but that it is
// another.
inline bool usual_integer(const uint8_t *text, size_t count, uint64_t *value) {
  return count - 1 < 16 && (*text != '0' || count == 1) && known_digits(text, count, value);
}

// The usual fraction: a token of `count` bytes, one digit, a point, and up to 15 digits.
inline bool usual_fraction(const uint8_t *text, size_t count, double *value) {
  if (count - 3 > 14 || text[1] != '.' || !is_digit(text[0])) return false;
  uint64_t fraction;
  size_t places = count - 2;
  if (!known_digits(text + 2, places, &fraction)) return false;
  uint64_t significand = (text[0] - uint64_t('0')) * integer_power_of_ten(places) + fraction;
  if (significand > maximum_exact_integer) return false;
  *value = double(significand) / powers_of_ten[places];
  return true;
}

// The nearest double; infinity when it is beyond the largest.
inline double to_double(const Number &number) {
  // Both operands are exact, so one division rounds once (Clinger 1990).
  if (!number.has_exponent && number.digit_count <= maximum_exact_digits &&
      number.significand <= maximum_exact_integer && number.fraction_digit_count <= 22) {
    double value = double(number.significand) / powers_of_ten[number.fraction_digit_count];
    return number.negative ? -value : value;
  }
  double value = 0;
  const char *start = reinterpret_cast<const char *>(number.start);
  const char *end = reinterpret_cast<const char *>(number.end);
  auto answer = std::from_chars(start, end, value, std::chars_format::general);
  if (answer.ec == std::errc::result_out_of_range) {
    // Too large or too small for a double; only the magnitude of the exponent tells which.
    value = is_below_one(number) ? 0.0 : __builtin_inf();
    if (number.negative) value = -value;
  }
  return value;
}

} // namespace cshims_report_internal

#endif
