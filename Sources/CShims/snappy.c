#include "cshims_snappy.h"

#include <snappy-c.h>

size_t cshims_snappy_maximum_compressed(size_t count) {
  return snappy_max_compressed_length(count);
}

bool cshims_snappy_compress(const void *input, size_t count, void *output, size_t *output_count) {
  return snappy_compress(input, count, output, output_count) == SNAPPY_OK;
}

bool cshims_snappy_uncompress(const void *input, size_t count, void *output, size_t *output_count) {
  return snappy_uncompress(input, count, output, output_count) == SNAPPY_OK;
}
