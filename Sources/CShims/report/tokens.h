// Tokens of a good structural index: names, strings, numbers, literals, and values that the schema
// does not name. In a header, so that the walk above it becomes one function for the compiler.
#ifndef CSHIMS_REPORT_TOKENS_H
#define CSHIMS_REPORT_TOKENS_H

#include <math.h>
#include <memory>
#include <new>
#include <string.h>

#include "../include/cshims_report.h"
#include "date_time.h"
#include "escape.h"
#include "number.h"

namespace cshims_report_internal {

// Bytes that unescaped strings go to; never more than the body has.
struct TextBuffer {
  std::unique_ptr<uint8_t[]> bytes;
  size_t capacity = 0;
  size_t count = 0;

  // Room for `needed` bytes in all, keeping nothing; false when memory is refused.
  bool reserve(size_t needed) {
    count = 0;
    if (needed <= capacity) return true;
    bytes.reset(new (std::nothrow) uint8_t[needed]);
    capacity = bytes == nullptr ? 0 : needed;
    return bytes != nullptr;
  }
};

// A value of a string member: its text, or why it is none.
struct StringValue {
  cshims_report_reason reason = CSHIMS_REPORT_OK;
  bool is_null = false;
  const uint8_t *bytes = nullptr;
  size_t count = 0;
};

// The tokens of one body, taken in order. A method that returns false has met bad JSON. `depth` is
// that of the container around a value.
class Tokens {
public:
  Tokens(const uint8_t *body, const uint32_t *index, size_t index_count, bool has_escapes,
         TextBuffer &text)
      : body(body), next(index), end(index + index_count), has_escapes(has_escapes), text(text) {}

protected:
  const uint8_t *body;
  // The next token's place in the index, and the end of the index. The index has one entry more,
  // the body's length, so a token's successor can always be looked at.
  const uint32_t *next;
  const uint32_t *end;
  bool has_escapes;
  TextBuffer &text;

  uint8_t peek() const { return body[*next]; }
  bool take(uint8_t expected) {
    if (peek() != expected) return false;
    next += 1;
    return true;
  }
  // After a closing bracket another token must follow: the last one closes the root.
  bool close() {
    next += 1;
    return next < end;
  }

  bool name(const uint8_t **bytes, size_t *length);
  bool skip(unsigned depth);
  bool string_value(bool nullable, bool may_be_empty, unsigned depth, StringValue *value);
  bool instant_value(bool nullable, unsigned depth, StringValue *value, int64_t *micros,
                     int32_t *day);
  bool cpu_value(unsigned depth, double *cpu, bool *is_null, cshims_report_reason *reason);
  bool integer_value(unsigned depth, int64_t *integer, bool *is_null,
                     cshims_report_reason *reason);

private:
  size_t string_end() const;
  bool is_ended(const uint8_t *value_end) const;
  bool literal(const char *word, size_t length) const;
  bool skip_string();
  bool skip_scalar();
  bool general_cpu_value(unsigned depth, double *cpu, bool *is_null,
                         cshims_report_reason *reason);
  bool general_integer_value(unsigned depth, int64_t *integer, bool *is_null,
                             cshims_report_reason *reason);
  bool number_token(Number *number, bool *is_null, bool *is_number, unsigned depth);
};

inline bool is_whitespace(uint8_t c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

// Where the string at the current token has its closing quote. Between that and the next token
// there is only whitespace: anything else would be a token.
inline size_t Tokens::string_end() const {
  size_t at = next[1] - 1;
  while (body[at] != '"') at -= 1;
  return at;
}

// Whether a number or literal that starts at the current token ends where it says.
inline bool Tokens::is_ended(const uint8_t *value_end) const {
  return value_end == body + next[1] || is_whitespace(*value_end);
}

inline bool Tokens::literal(const char *word, size_t length) const {
  const uint8_t *start = body + *next;
  return memcmp(start, word, length) == 0 && is_ended(start + length);
}

// A member's name, unescaped, and its colon.
inline bool Tokens::name(const uint8_t **bytes, size_t *length) {
  if (peek() != '"') return false;
  size_t start = *next + 1, stop = string_end();
  *bytes = body + start;
  *length = stop - start;
  if (has_escapes && memchr(*bytes, '\\', *length) != nullptr) {
    uint8_t *out = text.bytes.get() + text.count;
    uint8_t *out_end = unescape<true>(*bytes, *length, out);
    if (out_end == nullptr) return false;
    // The space is used again: nobody keeps a name.
    *bytes = out;
    *length = size_t(out_end - out);
  }
  next += 1;
  return take(':');
}

inline bool Tokens::skip_string() {
  if (has_escapes) {
    size_t start = *next + 1;
    if (unescape<false>(body + start, string_end() - start, nullptr) == nullptr) return false;
  }
  next += 1;
  return true;
}

inline bool Tokens::skip_scalar() {
  switch (peek()) {
  case '"':
    return skip_string();
  case 't':
    if (!literal("true", 4)) return false;
    break;
  case 'f':
    if (!literal("false", 5)) return false;
    break;
  case 'n':
    if (!literal("null", 4)) return false;
    break;
  default: {
    Number number;
    if (!read_number(body + *next, &number) || !is_ended(number.end)) return false;
  }
  }
  next += 1;
  return true;
}

// Walks a value that lies inside a container at `depth`. Bit d of `is_object` tells what is open at
// depth d.
__attribute__((noinline)) inline bool Tokens::skip(unsigned depth) {
  static_assert(CSHIMS_REPORT_MAXIMUM_DEPTH < 64, "the nesting fits a word");
  const unsigned outer = depth;
  uint64_t is_object = 0;
  const uint8_t *bytes;
  size_t length;
  for (;;) {
    uint8_t c = peek();
    if (c == '{' || c == '[') {
      if (depth == CSHIMS_REPORT_MAXIMUM_DEPTH) return false;
      depth += 1;
      uint64_t bit = uint64_t(1) << depth;
      is_object = c == '{' ? is_object | bit : is_object & ~bit;
      next += 1;
      if (peek() != (c == '{' ? '}' : ']')) {
        if (c == '{' && !name(&bytes, &length)) return false;
        continue;
      }
      depth -= 1;
      if (!close()) return false;
    } else if (!skip_scalar()) {
      return false;
    }
    for (;;) {
      if (depth == outer) return true;
      bool object = (is_object >> depth & 1) != 0;
      if (peek() == (object ? '}' : ']')) {
        depth -= 1;
        if (!close()) return false;
        continue;
      }
      if (!take(',')) return false;
      if (object && !name(&bytes, &length)) return false;
      break;
    }
  }
}

inline bool Tokens::string_value(bool nullable, bool may_be_empty, unsigned depth,
                                 StringValue *value) {
  if (peek() != '"') {
    if (peek() == 'n' && nullable) {
      value->is_null = true;
    } else {
      value->reason =
          nullable ? CSHIMS_REPORT_NOT_STRING_OR_NULL : CSHIMS_REPORT_NOT_STRING;
    }
    return skip(depth);
  }
  size_t start = *next + 1;
  value->bytes = body + start;
  value->count = string_end() - start;
  next += 1;
  if (has_escapes && memchr(value->bytes, '\\', value->count) != nullptr) {
    uint8_t *out = text.bytes.get() + text.count;
    uint8_t *out_end = unescape<true>(value->bytes, value->count, out);
    if (out_end == nullptr) return false;
    value->bytes = out;
    value->count = size_t(out_end - out);
    text.count += value->count;
    // A raw U+0000 is a control character, so only an escape can bring one.
    if (memchr(out, 0, value->count) != nullptr) value->reason = CSHIMS_REPORT_NUL;
  }
  if (value->count == 0 && !may_be_empty) value->reason = CSHIMS_REPORT_EMPTY_STRING;
  return true;
}

// A date-time; `micros` is `CSHIMS_REPORT_NO_INSTANT` before 1900 and for null.
inline bool Tokens::instant_value(bool nullable, unsigned depth, StringValue *value,
                                  int64_t *micros,
                         int32_t *day) {
  *micros = CSHIMS_REPORT_NO_INSTANT;
  if (!string_value(nullable, false, depth, value)) return false;
  if (value->is_null || value->reason != CSHIMS_REPORT_OK) return true;
  Instant instant;
  if (!parse_date_time(value->bytes, value->count, &instant)) {
    value->reason = CSHIMS_REPORT_NOT_DATE_TIME;
    return true;
  }
  if (instant.seconds >= first_kept_second) *micros = instant.total_micros();
  *day = instant.day();
  return true;
}

// A number, null, or something else, which is then walked.
inline bool Tokens::number_token(Number *number, bool *is_null, bool *is_number, unsigned depth) {
  uint8_t c = peek();
  *is_null = c == 'n';
  *is_number = is_digit(c) || c == '-';
  if (!*is_number) return skip(depth);
  if (!read_number(body + *next, number) || !is_ended(number->end)) return false;
  next += 1;
  return true;
}

inline bool Tokens::cpu_value(unsigned depth, double *cpu, bool *is_null,
                              cshims_report_reason *reason) {
  size_t start = *next;
  if (usual_fraction(body + start, next[1] - start, cpu)) {
    *is_null = false;
    next += 1;
    return true;
  }
  return general_cpu_value(depth, cpu, is_null, reason);
}

__attribute__((noinline)) inline bool Tokens::general_cpu_value(
    unsigned depth, double *cpu, bool *is_null, cshims_report_reason *reason) {
  Number number;
  bool is_number;
  if (!number_token(&number, is_null, &is_number, depth)) return false;
  if (*is_null) return true;
  if (!is_number) {
    *reason = CSHIMS_REPORT_NOT_NUMBER_OR_NULL;
    return true;
  }
  double value = to_double(number);
  if (value < 0) {
    *reason = CSHIMS_REPORT_NEGATIVE;
  } else if (isinf(value)) {
    *reason = CSHIMS_REPORT_TOO_LARGE;
  } else {
    // Zero has no sign in a column.
    *cpu = value + 0.0;
  }
  return true;
}

inline bool Tokens::integer_value(unsigned depth, int64_t *integer, bool *is_null,
                                  cshims_report_reason *reason) {
  size_t start = *next;
  uint64_t value;
  if (usual_integer(body + start, next[1] - start, &value)) {
    *integer = int64_t(value);
    *is_null = false;
    next += 1;
    return true;
  }
  return general_integer_value(depth, integer, is_null, reason);
}

__attribute__((noinline)) inline bool Tokens::general_integer_value(
    unsigned depth, int64_t *integer, bool *is_null, cshims_report_reason *reason) {
  Number number;
  bool is_number;
  if (!number_token(&number, is_null, &is_number, depth)) return false;
  if (*is_null) return true;
  if (!is_number) {
    *reason = CSHIMS_REPORT_NOT_INTEGER_OR_NULL;
    return true;
  }
  if (!number.is_real) {
    if (number.negative && (number.digit_count > 1 || number.significand != 0)) {
      *reason = CSHIMS_REPORT_NEGATIVE;
    } else if (number.digit_count > maximum_exact_digits || number.significand > INT64_MAX) {
      *reason = CSHIMS_REPORT_TOO_LARGE;
    } else {
      *integer = int64_t(number.significand);
    }
    return true;
  }
  double value = to_double(number);
  if (!isinf(value) && value != trunc(value)) {
    *reason = CSHIMS_REPORT_NOT_INTEGER_OR_NULL;
  } else if (value < 0) {
    *reason = CSHIMS_REPORT_NEGATIVE;
  } else if (value >= 0x1p63) {
    *reason = CSHIMS_REPORT_TOO_LARGE;
  } else {
    *integer = int64_t(value);
  }
  return true;
}

} // namespace cshims_report_internal

#endif
