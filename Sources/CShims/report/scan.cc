// RFC 8259 byte by byte: says where and why a body is not good JSON. Runs only on refused bodies.
#include "scan.h"

namespace cshims_report_internal {
namespace {

struct Scanner {
  const uint8_t *body;
  size_t count;
  size_t at = 0;
  cshims_report_reason reason = CSHIMS_REPORT_OK;
  size_t error = 0;

  bool fail(cshims_report_reason why, size_t where) {
    reason = why;
    error = where;
    return false;
  }

  void skip_whitespace() {
    while (at < count &&
           (body[at] == ' ' || body[at] == '\t' || body[at] == '\n' || body[at] == '\r')) {
      at += 1;
    }
  }

  bool expect_more() { return at < count || fail(CSHIMS_REPORT_END, count); }

  // Four hexadecimal digits at `at`.
  bool hex4(uint32_t &value, size_t escape) {
    value = 0;
    for (int digit = 0; digit < 4; digit += 1, at += 1) {
      if (!expect_more()) return false;
      uint8_t c = body[at];
      uint32_t nibble;
      if (c >= '0' && c <= '9') {
        nibble = c - '0';
      } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
        nibble = (c | 0x20) - 'a' + 10;
      } else {
        return fail(CSHIMS_REPORT_ESCAPE, escape);
      }
      value = value << 4 | nibble;
    }
    return true;
  }

  // An escape, `at` on its backslash.
  bool escape() {
    size_t start = at;
    at += 1;
    if (!expect_more()) return false;
    uint8_t c = body[at];
    at += 1;
    switch (c) {
    case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't':
      return true;
    case 'u':
      break;
    default:
      return fail(CSHIMS_REPORT_ESCAPE, start);
    }
    uint32_t unit;
    if (!hex4(unit, start)) return false;
    if (unit < 0xd800 || unit > 0xdfff) return true;
    if (unit >= 0xdc00) return fail(CSHIMS_REPORT_SURROGATE, start);
    if (count - at < 2 || body[at] != '\\' || body[at + 1] != 'u') {
      return fail(CSHIMS_REPORT_SURROGATE, start);
    }
    size_t second = at;
    at += 2;
    if (!hex4(unit, second)) return false;
    if (unit < 0xdc00 || unit > 0xdfff) return fail(CSHIMS_REPORT_SURROGATE, start);
    return true;
  }

  // A sequence of two to four bytes, `at` on its first (RFC 3629, section 4).
  bool utf8() {
    size_t start = at;
    uint8_t lead = body[at];
    size_t length;
    uint8_t low = 0x80, high = 0xbf;
    if (lead >= 0xc2 && lead <= 0xdf) {
      length = 2;
    } else if (lead >= 0xe0 && lead <= 0xef) {
      length = 3;
      if (lead == 0xe0) low = 0xa0;
      if (lead == 0xed) high = 0x9f;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
      length = 4;
      if (lead == 0xf0) low = 0x90;
      if (lead == 0xf4) high = 0x8f;
    } else {
      return fail(CSHIMS_REPORT_UTF8, start);
    }
    if (count - start < length) return fail(CSHIMS_REPORT_UTF8, start);
    for (size_t i = 1; i < length; i += 1) {
      uint8_t c = body[start + i];
      if (c < low || c > high) return fail(CSHIMS_REPORT_UTF8, start);
      low = 0x80;
      high = 0xbf;
    }
    at = start + length;
    return true;
  }

  // A string, `at` on its opening quote.
  bool string() {
    at += 1;
    while (expect_more()) {
      uint8_t c = body[at];
      if (c == '"') {
        at += 1;
        return true;
      }
      if (c < 0x20) return fail(CSHIMS_REPORT_CONTROL_CHARACTER, at);
      if (c == '\\') {
        if (!escape()) return false;
      } else if (c >= 0x80) {
        if (!utf8()) return false;
      } else {
        at += 1;
      }
    }
    return false;
  }

  bool digits(size_t number) {
    size_t first = at;
    while (at < count && body[at] >= '0' && body[at] <= '9') at += 1;
    return at > first || fail(CSHIMS_REPORT_NUMBER, number);
  }

  bool number() {
    size_t start = at;
    if (body[at] == '-') at += 1;
    if (at < count && body[at] == '0') {
      at += 1;
      if (at < count && body[at] >= '0' && body[at] <= '9') {
        return fail(CSHIMS_REPORT_NUMBER, start);
      }
    } else if (!digits(start)) {
      return false;
    }
    if (at < count && body[at] == '.') {
      at += 1;
      if (!digits(start)) return false;
    }
    if (at < count && (body[at] | 0x20) == 'e') {
      at += 1;
      if (at < count && (body[at] == '+' || body[at] == '-')) at += 1;
      if (!digits(start)) return false;
    }
    return true;
  }

  bool literal(const char *word) {
    size_t start = at;
    for (; *word != 0; word += 1, at += 1) {
      if (at >= count || body[at] != uint8_t(*word)) return fail(CSHIMS_REPORT_LITERAL, start);
    }
    return true;
  }

  bool scalar() {
    switch (body[at]) {
    case '"': return string();
    case 't': return literal("true");
    case 'f': return literal("false");
    case 'n': return literal("null");
    case '-': case '0': case '1': case '2': case '3': case '4':
    case '5': case '6': case '7': case '8': case '9':
      return number();
    default: return fail(CSHIMS_REPORT_UNEXPECTED, at);
    }
  }

  // A name and its colon; `at` behind whitespace.
  bool name() {
    if (!expect_more()) return false;
    if (body[at] != '"') return fail(CSHIMS_REPORT_UNEXPECTED, at);
    if (!string()) return false;
    skip_whitespace();
    if (!expect_more()) return false;
    if (body[at] != ':') return fail(CSHIMS_REPORT_UNEXPECTED, at);
    at += 1;
    skip_whitespace();
    return true;
  }

  // Nesting is kept in a word: bit d is set when the container at depth d is an object.
  bool document() {
    static_assert(CSHIMS_REPORT_MAXIMUM_DEPTH < 64, "the nesting fits a word");
    uint64_t is_object = 0;
    unsigned depth = 0;
    for (;;) {
      // A value is due.
      if (!expect_more()) return false;
      uint8_t c = body[at];
      if (c == '{' || c == '[') {
        if (depth == CSHIMS_REPORT_MAXIMUM_DEPTH) return fail(CSHIMS_REPORT_DEPTH, at);
        depth += 1;
        uint64_t bit = uint64_t(1) << depth;
        is_object = c == '{' ? is_object | bit : is_object & ~bit;
        at += 1;
        skip_whitespace();
        if (!expect_more()) return false;
        if (body[at] == (c == '{' ? '}' : ']')) {
          at += 1;
          depth -= 1;
        } else {
          if (c == '{' && !name()) return false;
          continue;
        }
      } else if (!scalar()) {
        return false;
      }
      // A value has ended; so may the containers around it.
      for (;;) {
        skip_whitespace();
        if (depth == 0) return at == count || fail(CSHIMS_REPORT_TRAILING, at);
        if (!expect_more()) return false;
        bool object = (is_object >> depth & 1) != 0;
        if (body[at] == (object ? '}' : ']')) {
          at += 1;
          depth -= 1;
          continue;
        }
        if (body[at] != ',') return fail(CSHIMS_REPORT_UNEXPECTED, at);
        at += 1;
        skip_whitespace();
        if (object && !name()) return false;
        break;
      }
    }
  }
};

} // namespace

cshims_report_reason scan(const uint8_t *body, size_t count, size_t *byte_offset) {
  Scanner scanner{body, count};
  if (count >= 3 && body[0] == 0xef && body[1] == 0xbb && body[2] == 0xbf) {
    scanner.fail(CSHIMS_REPORT_BOM, 0);
  } else {
    scanner.skip_whitespace();
    if (scanner.at == count) {
      scanner.fail(CSHIMS_REPORT_EMPTY, count);
    } else {
      scanner.document();
    }
  }
  *byte_offset = scanner.error;
  return scanner.reason;
}

} // namespace cshims_report_internal

extern "C" cshims_report_reason cshims_report_scan(
    const uint8_t *body, size_t count, size_t *byte_offset) {
  return cshims_report_internal::scan(body, count, byte_offset);
}
