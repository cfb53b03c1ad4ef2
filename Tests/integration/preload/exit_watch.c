// Loaded before a program by the tests (LD_PRELOAD):
// - when exit handlers run, it says on stderr how many threads the process has, because a thread
//   that works on while libraries take themselves apart crashes now and then, and only then;
// - with SLOW_LOOKUP=SECONDS the name localhost is looked up as slowly as when no DNS server
//   answers.
#include <dirent.h>
#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

__attribute__((destructor)) static void count_threads(void) {
  DIR *tasks = opendir("/proc/self/task");
  if (tasks == NULL) return;
  int count = 0;
  for (struct dirent *entry; (entry = readdir(tasks)) != NULL;) count += entry->d_name[0] != '.';
  closedir(tasks);
  dprintf(STDERR_FILENO, "threads at exit: %d\n", count);
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **result) {
  static int (*next)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
  if (next == NULL) *(void **)&next = dlsym(RTLD_NEXT, "getaddrinfo");
  const char *seconds = getenv("SLOW_LOOKUP");
  if (seconds != NULL && node != NULL && strcmp(node, "localhost") == 0) {
    sleep((unsigned)atoi(seconds));
  }
  return next(node, service, hints, result);
}
