// Sixteen bytes at once. Bit i of an answer is byte i's; the sixteen bytes must be readable.
#ifndef CSHIMS_REPORT_BLOCK_H
#define CSHIMS_REPORT_BLOCK_H

#include <stddef.h>
#include <stdint.h>
#if defined(__SSE2__) && defined(__x86_64__)
#include <emmintrin.h>
#endif

namespace cshims_report_internal {

constexpr size_t block_size = 16;

#if defined(__SSE2__) && defined(__x86_64__)

inline __m128i load_block(const uint8_t *text) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i *>(text));
}

// Which bytes end a run of plain text in a string: a quote, a backslash, a control character, or
// one that is not ASCII.
inline uint32_t ends_of_plain_text(const uint8_t *text) {
  __m128i block = load_block(text);
  // Signed, so that bytes from 0x80 on are below the space, too.
  __m128i ends = _mm_cmplt_epi8(block, _mm_set1_epi8(0x20));
  ends = _mm_or_si128(ends, _mm_cmpeq_epi8(block, _mm_set1_epi8('"')));
  ends = _mm_or_si128(ends, _mm_cmpeq_epi8(block, _mm_set1_epi8('\\')));
  return uint32_t(_mm_movemask_epi8(ends));
}

// Which bytes are no decimal digits.
inline uint32_t ends_of_digits(const uint8_t *text) {
  // Digits become the 10 lowest of the signed bytes.
  __m128i shifted = _mm_add_epi8(load_block(text), _mm_set1_epi8(char(0x80 - '0')));
  return uint32_t(_mm_movemask_epi8(_mm_cmpgt_epi8(shifted, _mm_set1_epi8(char(0x80 + 9)))));
}

inline uint32_t equal_bytes(const uint8_t *left, const uint8_t *right) {
  return uint32_t(_mm_movemask_epi8(_mm_cmpeq_epi8(load_block(left), load_block(right))));
}

// The value of the `count` (up to 16) digits before `end`. Sixteen bytes before it are readable.
__attribute__((always_inline)) inline uint64_t digits_before(const uint8_t *end, size_t count) {
  static const uint8_t masks[2 * block_size] = {
      0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,
      0,    0,    0,    0,    0,    0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  __m128i digits = _mm_sub_epi8(load_block(end - block_size), _mm_set1_epi8('0'));
  digits = _mm_and_si128(digits, load_block(masks + count));
  // Two, four, then eight digits to a number.
  __m128i tens = _mm_mullo_epi16(_mm_and_si128(digits, _mm_set1_epi16(0xff)), _mm_set1_epi16(10));
  __m128i pairs = _mm_add_epi16(tens, _mm_srli_epi16(digits, 8));
  __m128i fours = _mm_madd_epi16(pairs, _mm_set1_epi32(1 << 16 | 100));
  __m128i packed = _mm_packs_epi32(fours, fours);
  __m128i eights = _mm_madd_epi16(packed, _mm_set1_epi32(1 << 16 | 10000));
  uint64_t both = uint64_t(_mm_cvtsi128_si64(eights));
  return (both & 0xffffffffu) * 100000000 + (both >> 32);
}

#else

template <class Predicate>
inline uint32_t bits_where(Predicate holds) {
  uint32_t bits = 0;
  for (size_t i = 0; i < block_size; i += 1) bits |= uint32_t(holds(i)) << i;
  return bits;
}

inline uint32_t ends_of_plain_text(const uint8_t *text) {
  return bits_where([=](size_t i) {
    return text[i] < 0x20 || text[i] >= 0x80 || text[i] == '"' || text[i] == '\\';
  });
}

inline uint32_t ends_of_digits(const uint8_t *text) {
  return bits_where([=](size_t i) { return uint8_t(text[i] - '0') > 9; });
}

inline uint32_t equal_bytes(const uint8_t *left, const uint8_t *right) {
  return bits_where([=](size_t i) { return left[i] == right[i]; });
}

inline uint64_t digits_before(const uint8_t *end, size_t count) {
  uint64_t value = 0;
  for (const uint8_t *at = end - count; at < end; at += 1) value = value * 10 + (*at - '0');
  return value;
}

#endif

} // namespace cshims_report_internal

#endif
