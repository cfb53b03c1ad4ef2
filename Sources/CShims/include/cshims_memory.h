// What Swift cannot say about memory: prefetching.
#ifndef CSHIMS_MEMORY_H
#define CSHIMS_MEMORY_H

// Asks for the cache line at `address` without waiting for it. Any address is allowed.
static inline void cshims_prefetch(const void *address) { __builtin_prefetch(address); }

#endif
