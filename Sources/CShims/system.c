#include "cshims_system.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

int cshims_preallocate(int descriptor, int64_t offset, int64_t count) {
  return fallocate(descriptor, FALLOC_FL_KEEP_SIZE, offset, count);
}

void cshims_start_writeback(int descriptor, int64_t offset, int64_t count) {
  (void)sync_file_range(descriptor, offset, count, SYNC_FILE_RANGE_WRITE);
}

const void *cshims_find(
    const void *bytes, size_t count, const void *needle, size_t needle_count) {
  return memmem(bytes, count, needle, needle_count);
}

void cshims_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }

int cshims_join_thread(pthread_t thread, int seconds) {
  struct timespec end;
  clock_gettime(CLOCK_MONOTONIC, &end);
  end.tv_sec += seconds;
  return pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &end);
}
