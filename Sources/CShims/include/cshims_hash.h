// XXH3-64 (xxHash 0.8), the one hash of the project: tables, retry ids, log checksums.
#ifndef CSHIMS_HASH_H
#define CSHIMS_HASH_H

#include <stddef.h>
#include <stdint.h>

// XXH3-64 of `count` bytes at `bytes` with `seed`. `bytes` may be null when `count` is 0.
uint64_t cshims_xxh3_64(const void *bytes, size_t count, uint64_t seed);

typedef struct cshims_hash128 {
  uint64_t low;
  uint64_t high;
} cshims_hash128;

// XXH3-128 of `count` bytes at `bytes` with `seed`.
cshims_hash128 cshims_xxh3_128(const void *bytes, size_t count, uint64_t seed);

#endif
