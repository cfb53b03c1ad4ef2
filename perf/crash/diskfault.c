// Loaded into a program by LD_PRELOAD: kills it at the n-th call of a kind on a file of one
// directory, or lets that call fail. The program knows nothing of it.
//
//   DISKFAULT_DIR   the directory; calls on other files are passed on untouched
//   DISKFAULT_LOG   a file; each fault adds the line "<rule> <call> <name>" before it happens
//   DISKFAULT       rules, separated by ';'; each a list of words
//       do=kill | do=<errno name>
//       call=pwritev,fdatasync,…   any of these
//       name=<pattern>             of the file in the directory, as fnmatch(3); "." is itself
//       when=before | middle | after   for kill: `middle` writes half of the bytes
//       at=<n>                     from the n-th match on (1, unless told)
//       count=<n>                  so many matches (1, unless told); 0: all that follow
//       while=<path>               matches count only while this file exists
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum { MAXIMUM_RULES = 16, MAXIMUM_WORD = 256, MAXIMUM_PIECES = 1024 };
enum moment { BEFORE, MIDDLE, AFTER };

struct rule {
  char calls[MAXIMUM_WORD];
  char name[MAXIMUM_WORD];
  char gate[PATH_MAX];
  enum moment when;
  int failure;  // 0: kill
  long at;
  long count;
  atomic_long seen;
};

static struct rule rules[MAXIMUM_RULES];
static int rule_count;
static char directory[PATH_MAX];
static char log_path[PATH_MAX];

static int errno_of(const char *name) {
  static const struct {
    const char *name;
    int value;
  } known[] = {{"ENOSPC", ENOSPC}, {"EIO", EIO}, {"EDQUOT", EDQUOT}, {"EINTR", EINTR}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (strcmp(known[i].name, name) == 0) return known[i].value;
  fprintf(stderr, "diskfault: do=%s is not known\n", name);
  abort();
}

static void copy(char *to, const char *from, size_t size) {
  if (strlen(from) >= size) {
    fprintf(stderr, "diskfault: %s is too long\n", from);
    abort();
  }
  strcpy(to, from);
}

static void parse_word(struct rule *rule, const char *word) {
  const char *value = strchr(word, '=');
  if (value == NULL) {
    fprintf(stderr, "diskfault: %s is no rule\n", word);
    abort();
  }
  size_t length = (size_t)(value++ - word);
#define IS(key) (length == strlen(key) && strncmp(word, key, length) == 0)
  if (IS("do")) rule->failure = strcmp(value, "kill") == 0 ? 0 : errno_of(value);
  else if (IS("call")) snprintf(rule->calls, sizeof rule->calls, ",%s,", value);
  else if (IS("name")) copy(rule->name, value, sizeof rule->name);
  else if (IS("while")) copy(rule->gate, value, sizeof rule->gate);
  else if (IS("at")) rule->at = atol(value);
  else if (IS("count")) rule->count = atol(value);
  else if (IS("when"))
    rule->when = *value == 'a' ? AFTER : *value == 'm' ? MIDDLE : BEFORE;
  else abort();
#undef IS
}

__attribute__((constructor)) static void load(void) {
  const char *text = getenv("DISKFAULT"), *place = getenv("DISKFAULT_DIR");
  const char *log = getenv("DISKFAULT_LOG");
  if (text == NULL || place == NULL) return;
  if (realpath(place, directory) == NULL) copy(directory, place, sizeof directory);
  if (log != NULL) copy(log_path, log, sizeof log_path);
  char *all = strdup(text), *next_rule = NULL;
  for (char *one = strtok_r(all, ";", &next_rule); one; one = strtok_r(NULL, ";", &next_rule)) {
    if (rule_count == MAXIMUM_RULES) abort();
    struct rule *rule = &rules[rule_count++];
    rule->at = rule->count = 1;
    strcpy(rule->name, "*");
    char *next_word = NULL;
    for (char *word = strtok_r(one, " ", &next_word); word; word = strtok_r(NULL, " ", &next_word))
      parse_word(rule, word);
  }
  free(all);
}

// The name inside the directory; NULL for a file elsewhere. `path` is absolute.
static const char *inside(const char *path) {
  size_t length = strlen(directory);
  if (strncmp(path, directory, length) != 0) return NULL;
  if (path[length] == 0) return ".";
  return path[length] == '/' ? path + length + 1 : NULL;
}

// `buffer` has PATH_MAX bytes.
static const char *name_of(int descriptor, char *buffer) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t count = readlink(link, buffer, PATH_MAX - 1);
  if (count < 0) return NULL;
  buffer[count] = 0;
  return inside(buffer);
}

// A name for a call that takes a directory's descriptor and a path.
static const char *name_at(int descriptor, const char *path, char *buffer) {
  if (path[0] == '/') return inside(path);
  const char *parent = descriptor == AT_FDCWD ? NULL : name_of(descriptor, buffer);
  return parent != NULL && strcmp(parent, ".") == 0 ? path : NULL;
}

static void note(int number, const char *call, const char *name) {
  if (log_path[0] == 0) return;
  int file = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (file < 0) return;
  char line[PATH_MAX];
  int count = snprintf(line, sizeof line, "%d %s %s\n", number, call, name);
  if (write(file, line, (size_t)count) < 0) abort();
  close(file);
}

static void die(void) {
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

struct verdict {
  int failure;
  bool kill_middle;
  bool kill_after;
};

// Decides about one call; does not return when the process dies before it.
static struct verdict decide(const char *call, const char *name) {
  struct verdict verdict = {0, false, false};
  if (name == NULL) return verdict;
  char wanted[MAXIMUM_WORD];
  snprintf(wanted, sizeof wanted, ",%s,", call);
  for (int i = 0; i < rule_count; i++) {
    struct rule *rule = &rules[i];
    if (strstr(rule->calls, wanted) == NULL || fnmatch(rule->name, name, 0) != 0) continue;
    if (rule->gate[0] != 0 && access(rule->gate, F_OK) != 0) continue;
    long seen = atomic_fetch_add(&rule->seen, 1) + 1;
    if (seen < rule->at || (rule->count > 0 && seen >= rule->at + rule->count)) continue;
    note(i, call, name);
    if (rule->failure != 0) verdict.failure = rule->failure;
    else if (rule->when == BEFORE) die();
    else if (rule->when == MIDDLE) verdict.kill_middle = true;
    else verdict.kill_after = true;
  }
  return verdict;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define ON_FILE(result_type, name, descriptor, arguments)                 \
  do {                                                                    \
    char buffer[PATH_MAX];                                                \
    struct verdict verdict = decide(#name, name_of(descriptor, buffer));  \
    if (verdict.failure != 0) return errno = verdict.failure, -1;         \
    if (verdict.kill_middle) die();                                       \
    result_type result = REAL(name) arguments;                            \
    if (verdict.kill_after) die();                                        \
    return result;                                                        \
  } while (0)

ssize_t pread(int file, void *bytes, size_t count, off_t offset) {
  ON_FILE(ssize_t, pread, file, (file, bytes, count, offset));
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t offset) {
  char buffer[PATH_MAX];
  struct verdict verdict = decide("pwrite", name_of(file, buffer));
  if (verdict.failure != 0) return errno = verdict.failure, -1;
  ssize_t result = REAL(pwrite)(file, bytes, verdict.kill_middle ? count / 2 : count, offset);
  if (verdict.kill_middle || verdict.kill_after) die();
  return result;
}

ssize_t pwritev(int file, const struct iovec *pieces, int count, off_t offset) {
  char buffer[PATH_MAX];
  struct verdict verdict = decide("pwritev", name_of(file, buffer));
  if (verdict.failure != 0) return errno = verdict.failure, -1;
  if (verdict.kill_middle && count > 0 && count <= MAXIMUM_PIECES) {
    struct iovec half[MAXIMUM_PIECES];
    int kept = (count + 1) / 2;
    memcpy(half, pieces, (size_t)kept * sizeof *half);
    half[kept - 1].iov_len /= 2;
    REAL(pwritev)(file, half, kept, offset);
    die();
  }
  ssize_t result = REAL(pwritev)(file, pieces, count, offset);
  if (verdict.kill_after) die();
  return result;
}

int fdatasync(int file) { ON_FILE(int, fdatasync, file, (file)); }

int fsync(int file) { ON_FILE(int, fsync, file, (file)); }

int ftruncate(int file, off_t count) { ON_FILE(int, ftruncate, file, (file, count)); }

int fallocate(int file, int mode, off_t offset, off_t count) {
  ON_FILE(int, fallocate, file, (file, mode, offset, count));
}

int renameat(int old_place, const char *old_name, int new_place, const char *new_name) {
  char buffer[PATH_MAX];
  struct verdict verdict = decide("renameat", name_at(new_place, new_name, buffer));
  if (verdict.failure != 0) return errno = verdict.failure, -1;
  int result = REAL(renameat)(old_place, old_name, new_place, new_name);
  if (verdict.kill_after) die();
  return result;
}

int unlinkat(int place, const char *name, int flags) {
  char buffer[PATH_MAX];
  struct verdict verdict = decide("unlinkat", name_at(place, name, buffer));
  if (verdict.failure != 0) return errno = verdict.failure, -1;
  int result = REAL(unlinkat)(place, name, flags);
  if (verdict.kill_after) die();
  return result;
}
