// Snappy block compression (the raw format that Parquet uses, not the framed one).
#ifndef CSHIMS_SNAPPY_H
#define CSHIMS_SNAPPY_H

#include <stdbool.h>
#include <stddef.h>

// The most bytes that `count` bytes can become.
size_t cshims_snappy_maximum_compressed(size_t count);

// Compresses `count` bytes at `input` to `output`, which has room for `*output_count` bytes, at
// least the maximum above; `*output_count` becomes what was written. False: no room.
bool cshims_snappy_compress(const void *input, size_t count, void *output, size_t *output_count);

// Restores `count` compressed bytes; `*output_count` as above. False: damaged, or no room.
bool cshims_snappy_uncompress(const void *input, size_t count, void *output, size_t *output_count);

#endif
