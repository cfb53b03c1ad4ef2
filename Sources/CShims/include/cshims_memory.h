// What Swift cannot say about memory: prefetching, comparison without a call, and malloc's figures,
// which the Glibc module does not show.
#ifndef CSHIMS_MEMORY_H
#define CSHIMS_MEMORY_H

#include <malloc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// Asks for the cache line at `address` without waiting for it. Any address is allowed.
static inline void cshims_prefetch(const void *address) { __builtin_prefetch(address); }

// The bits in which eight bytes differ.
static inline uint64_t cshims_difference(const uint8_t *left, const uint8_t *right) {
  uint64_t a, b;
  memcpy(&a, left, sizeof a);
  memcpy(&b, right, sizeof b);
  return a ^ b;
}

// Whether `count` bytes are the same. For short texts, where a call of memcmp would take most of
// the time (in Swift even one of a known length is a call): words, of which the last overlaps.
static inline bool cshims_is_equal(const void *left, const void *right, size_t count) {
  const uint8_t *a = (const uint8_t *)left, *b = (const uint8_t *)right;
  if (count >= 8) {
    uint64_t difference = cshims_difference(a + count - 8, b + count - 8);
    for (size_t at = 0; at + 8 < count; at += 8) difference |= cshims_difference(a + at, b + at);
    return difference == 0;
  }
  if (count >= 4) {
    uint32_t first[2], last[2];
    memcpy(&first[0], a, 4);
    memcpy(&first[1], b, 4);
    memcpy(&last[0], a + count - 4, 4);
    memcpy(&last[1], b + count - 4, 4);
    return ((first[0] ^ first[1]) | (last[0] ^ last[1])) == 0;
  }
  uint32_t difference = 0;
  for (size_t at = 0; at < count; at += 1) difference |= (uint32_t)(a[at] ^ b[at]);
  return difference == 0;
}

// Bytes that malloc has given out, mapped ones included.
static inline size_t cshims_heap_byte_count(void) {
  struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

// Bytes of the block that malloc gave out at `block`, at least as many as were asked for.
static inline size_t cshims_block_byte_count(const void *block) {
  return malloc_usable_size((void *)block);
}

// Gives free memory back to the system.
static inline void cshims_heap_trim(void) { malloc_trim(0); }

#endif
