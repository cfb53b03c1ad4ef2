// What Swift cannot say about memory: prefetching, and malloc's figures, which the Glibc module
// does not show.
#ifndef CSHIMS_MEMORY_H
#define CSHIMS_MEMORY_H

#include <malloc.h>
#include <stddef.h>

// Asks for the cache line at `address` without waiting for it. Any address is allowed.
static inline void cshims_prefetch(const void *address) { __builtin_prefetch(address); }

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
