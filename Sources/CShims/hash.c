#define XXH_INLINE_ALL
#include <xxhash.h>

#include "cshims_hash.h"

uint64_t cshims_xxh3_64(const void *bytes, size_t count, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes, count, seed);
}

cshims_hash128 cshims_xxh3_128(const void *bytes, size_t count, uint64_t seed) {
  XXH128_hash_t hash = XXH3_128bits_withSeed(bytes, count, seed);
  cshims_hash128 result = {hash.low64, hash.high64};
  return result;
}
