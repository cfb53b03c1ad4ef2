#include "cshims_gzip.h"

#include <stdlib.h>
#include <zlib.h>

struct cshims_gzip {
  z_stream stream;
};

cshims_gzip *cshims_gzip_new(void) {
  cshims_gzip *decoder = calloc(1, sizeof *decoder);
  if (decoder == NULL) return NULL;
  // 16 selects the gzip format alone: neither zlib's own nor raw deflate.
  if (inflateInit2(&decoder->stream, 16 + MAX_WBITS) != Z_OK) {
    free(decoder);
    return NULL;
  }
  return decoder;
}

void cshims_gzip_free(cshims_gzip *decoder) {
  if (decoder == NULL) return;
  inflateEnd(&decoder->stream);
  free(decoder);
}

void cshims_gzip_start(cshims_gzip *decoder, const void *input, size_t count) {
  inflateReset(&decoder->stream);
  decoder->stream.next_in = (Bytef *)input;
  decoder->stream.avail_in = (uInt)count;
}

cshims_gzip_status cshims_gzip_read(
    cshims_gzip *decoder, void *output, size_t capacity, size_t *produced) {
  z_stream *stream = &decoder->stream;
  stream->next_out = output;
  stream->avail_out = (uInt)capacity;
  int status = inflate(stream, Z_NO_FLUSH);
  *produced = capacity - stream->avail_out;
  switch (status) {
    case Z_STREAM_END:
      return cshims_gzip_end;
    case Z_OK:
    case Z_BUF_ERROR:
      return stream->avail_out == 0 ? cshims_gzip_output_full : cshims_gzip_truncated;
    case Z_MEM_ERROR:
      return cshims_gzip_no_memory;
    default:
      return cshims_gzip_bad;
  }
}

size_t cshims_gzip_unread(const cshims_gzip *decoder) { return decoder->stream.avail_in; }
