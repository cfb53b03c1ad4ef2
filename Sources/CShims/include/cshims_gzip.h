// gzip decoding (RFC 1952) by zlib. The shim exists because zlib's initialisers are macros, and its
// stream struct is best kept out of Swift.
#ifndef CSHIMS_GZIP_H
#define CSHIMS_GZIP_H

#include <stddef.h>
#include <stdint.h>

typedef struct cshims_gzip cshims_gzip;

typedef enum cshims_gzip_status {
  cshims_gzip_end,          // the member is whole and its checksum and length are right
  cshims_gzip_output_full,  // more output is to come, but there is no room for it
  cshims_gzip_truncated,    // the input ended inside the member
  cshims_gzip_bad,          // not gzip, or damaged
  cshims_gzip_no_memory,
} cshims_gzip_status;

// A decoder, or null when there is no memory. It is reused by `cshims_gzip_start`.
cshims_gzip *cshims_gzip_new(void);
void cshims_gzip_free(cshims_gzip *decoder);

// Begins a member that lies in `input`, which must stay valid until the last `cshims_gzip_read`.
// `count` is at most UINT32_MAX.
void cshims_gzip_start(cshims_gzip *decoder, const void *input, size_t count);

// Writes up to `capacity` (at most UINT32_MAX) decoded bytes to `output`; `produced` tells how
// many.
cshims_gzip_status cshims_gzip_read(
    cshims_gzip *decoder, void *output, size_t capacity, size_t *produced);

// Input bytes that the decoder has not taken: behind the end, they do not belong to the member.
size_t cshims_gzip_unread(const cshims_gzip *decoder);

#endif
