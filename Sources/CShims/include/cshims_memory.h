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

// Whether `count` bytes are the same. For short texts, where a call of memcmp would take most of
// the time: words that overlap, so that there is no loop over what is left.
static inline bool cshims_is_equal(const void *left, const void *right, size_t count) {
  const uint8_t *a = (const uint8_t *)left, *b = (const uint8_t *)right;
  if (count >= 16) {
    // A comparison of a known length is one of vectors.
    for (size_t at = 0; at + 16 < count; at += 16) {
      if (memcmp(a + at, b + at, 16) != 0) return false;
    }
    return memcmp(a + count - 16, b + count - 16, 16) == 0;
  }
  if (count >= 8) return memcmp(a, b, 8) == 0 && memcmp(a + count - 8, b + count - 8, 8) == 0;
  if (count >= 4) return memcmp(a, b, 4) == 0 && memcmp(a + count - 4, b + count - 4, 4) == 0;
  for (size_t at = 0; at < count; at += 1) {
    if (a[at] != b[at]) return false;
  }
  return true;
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
