// Linux calls that the Glibc module does not show to Swift (they need _GNU_SOURCE).
#ifndef CSHIMS_SYSTEM_H
#define CSHIMS_SYSTEM_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

// fallocate(2) with FALLOC_FL_KEEP_SIZE: 0, or -1 with errno set.
int cshims_preallocate(int descriptor, int64_t offset, int64_t count);

// sync_file_range(2) with SYNC_FILE_RANGE_WRITE: starts writing dirty pages and does not wait. Not
// a promise that anything is durable; errors stay with the file for its next fsync.
void cshims_start_writeback(int descriptor, int64_t offset, int64_t count);

// memmem(3): the first occurrence of the needle, or null.
const void *cshims_find(
    const void *bytes, size_t count, const void *needle, size_t needle_count);

// Names the calling thread, as ps and top show it; at most 15 bytes.
void cshims_name_thread(const char *name);

// pthread_join(3) that waits no longer than `seconds`: 0, or an errno (ETIMEDOUT).
int cshims_join_thread(pthread_t thread, int seconds);

#endif
