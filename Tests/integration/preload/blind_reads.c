// Loaded before a program by the tests (LD_PRELOAD): pread fails with EIO like a bad sector does,
// where the file that BLIND_READS names says so, in one line: end of a path, from, up to. Nothing
// fails while there is no such file.
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int is_blind(int fd, size_t count, off_t offset) {
  const char *control = getenv("BLIND_READS");
  FILE *file = control == NULL ? NULL : fopen(control, "r");
  if (file == NULL) return 0;
  char suffix[256];
  long long from, up_to;
  int found = fscanf(file, "%255s %lld %lld", suffix, &from, &up_to);
  fclose(file);
  if (found != 3 || offset >= up_to || offset + (long long)count <= from) return 0;
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  size_t wanted = strlen(suffix);
  if (length < (ssize_t)wanted) return 0;
  return memcmp(path + length - wanted, suffix, wanted) == 0;
}

static ssize_t read_at(const char *name, int fd, void *buffer, size_t count, off_t offset) {
  ssize_t (*next)(int, void *, size_t, off_t);
  *(void **)&next = dlsym(RTLD_NEXT, name);
  if (is_blind(fd, count, offset)) {
    errno = EIO;
    return -1;
  }
  return next(fd, buffer, count, offset);
}

ssize_t pread(int fd, void *buffer, size_t count, off_t offset) {
  return read_at("pread", fd, buffer, count, offset);
}

ssize_t pread64(int fd, void *buffer, size_t count, off_t offset) {
  return read_at("pread64", fd, buffer, count, offset);
}
