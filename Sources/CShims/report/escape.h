// JSON strings: validation of escapes, and unescaping.
#ifndef CSHIMS_REPORT_ESCAPE_H
#define CSHIMS_REPORT_ESCAPE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

namespace cshims_report_internal {

// Value of a hexadecimal digit; above 15 when `c` is none.
inline uint32_t hex_digit(uint8_t c) {
  uint32_t digit = c - uint32_t('0');
  if (digit <= 9) return digit;
  uint32_t letter = (c | 0x20) - uint32_t('a');
  return letter <= 5 ? letter + 10 : 16;
}

// The UTF-16 unit of four hexadecimal digits; above 0xffff when one is none.
inline uint32_t hex_unit(const uint8_t *text) {
  uint32_t unit = 0, bad = 0;
  for (int i = 0; i < 4; i += 1) {
    uint32_t digit = hex_digit(text[i]);
    bad |= digit & 16;
    unit = unit << 4 | (digit & 15);
  }
  return bad != 0 ? 0x10000 : unit;
}

// Writes the UTF-8 of `code` (no surrogate) and returns the end.
inline uint8_t *append_utf8(uint32_t code, uint8_t *out) {
  if (code < 0x80) {
    *out++ = uint8_t(code);
  } else if (code < 0x800) {
    *out++ = uint8_t(0xc0 | code >> 6);
    *out++ = uint8_t(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    *out++ = uint8_t(0xe0 | code >> 12);
    *out++ = uint8_t(0x80 | (code >> 6 & 0x3f));
    *out++ = uint8_t(0x80 | (code & 0x3f));
  } else {
    *out++ = uint8_t(0xf0 | code >> 18);
    *out++ = uint8_t(0x80 | (code >> 12 & 0x3f));
    *out++ = uint8_t(0x80 | (code >> 6 & 0x3f));
    *out++ = uint8_t(0x80 | (code & 0x3f));
  }
  return out;
}

// Unescapes the `count` bytes between two quotes into `out`, which has room for as many, and
// returns the end; null when an escape is none or a surrogate is alone. With `out` null it only
// checks, and returns any pointer. UTF-8 and control characters are the structural index's matter.
template <bool writing>
inline uint8_t *unescape(const uint8_t *text, size_t count, uint8_t *out) {
  static uint8_t checked;
  const uint8_t *end = text + count;
  for (;;) {
    const void *found = text == end ? nullptr : memchr(text, '\\', size_t(end - text));
    const uint8_t *escape = found == nullptr ? end : static_cast<const uint8_t *>(found);
    if (writing) {
      memcpy(out, text, size_t(escape - text));
      out += escape - text;
    }
    if (escape == end) return writing ? out : &checked;
    if (end - escape < 2) return nullptr;
    uint8_t c = 0;
    switch (escape[1]) {
    case '"': c = '"'; break;
    case '\\': c = '\\'; break;
    case '/': c = '/'; break;
    case 'b': c = '\b'; break;
    case 'f': c = '\f'; break;
    case 'n': c = '\n'; break;
    case 'r': c = '\r'; break;
    case 't': c = '\t'; break;
    case 'u': break;
    default: return nullptr;
    }
    if (c != 0) {
      if (writing) *out++ = c;
      text = escape + 2;
      continue;
    }
    if (end - escape < 6) return nullptr;
    uint32_t code = hex_unit(escape + 2);
    text = escape + 6;
    if (code > 0xffff || (code >= 0xdc00 && code <= 0xdfff)) return nullptr;
    if (code >= 0xd800 && code <= 0xdbff) {
      if (end - text < 6 || text[0] != '\\' || text[1] != 'u') return nullptr;
      uint32_t low = hex_unit(text + 2);
      if (low < 0xdc00 || low > 0xdfff) return nullptr;
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
      text += 6;
    }
    if (writing) out = append_utf8(code, out);
  }
}

} // namespace cshims_report_internal

#endif
