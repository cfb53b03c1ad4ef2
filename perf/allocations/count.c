// Preloaded (LD_PRELOAD), counts what a program asks of malloc and its kin.
//
// `allocation_count()` gives the calls so far. With ALLOCATION_STACKS=FILE the stack of every call
// is counted too, and written to FILE at SIGUSR2, which also begins the count anew: one line a
// distinct stack,
//
//     COUNT THREAD-NAME ADDRESS...
//
// innermost first, behind a copy of /proc/self/maps that ends with an empty line.
#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

// Frames kept of a stack, our own left out.
#define FRAMES 24
#define OWN_FRAMES 2
// Distinct stacks; a power of two. Those beyond three quarters of it are counted as lost.
#define STACKS 16384

struct stack {
  uint64_t hash;
  uint64_t count;
  char thread[16];
  int depth;
  void *frames[FRAMES];
};

static atomic_uint_fast64_t calls;
static const char *stacks_path;
static struct stack *stacks;
static size_t stack_count;
static uint64_t lost;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
// Set while a thread is in here, as backtrace and stdio allocate themselves.
static __thread int inside __attribute__((tls_model("initial-exec")));

uint64_t allocation_count(void) { return atomic_load_explicit(&calls, memory_order_relaxed); }

static void note_stack(void) {
  void *frames[FRAMES + OWN_FRAMES];
  const int found = backtrace(frames, FRAMES + OWN_FRAMES);
  if (found <= OWN_FRAMES) return;
  char thread[16] = "";
  prctl(PR_GET_NAME, thread);
  uint64_t hash = 14695981039346656037u;
  for (int frame = OWN_FRAMES; frame < found; frame++) {
    hash = (hash ^ (uint64_t)(uintptr_t)frames[frame]) * 1099511628211u;
  }
  for (const char *byte = thread; *byte != 0; byte++) {
    hash = (hash ^ (uint64_t)*byte) * 1099511628211u;
  }
  pthread_mutex_lock(&lock);
  size_t slot = hash & (STACKS - 1);
  while (stacks[slot].count > 0 && stacks[slot].hash != hash) slot = (slot + 1) & (STACKS - 1);
  struct stack *entry = &stacks[slot];
  if (entry->count == 0) {
    if (stack_count >= STACKS / 4 * 3) {
      lost++;
      pthread_mutex_unlock(&lock);
      return;
    }
    stack_count++;
    entry->hash = hash;
    entry->depth = found - OWN_FRAMES;
    memcpy(entry->thread, thread, sizeof thread);
    memcpy(entry->frames, frames + OWN_FRAMES, (size_t)entry->depth * sizeof *frames);
  }
  entry->count++;
  pthread_mutex_unlock(&lock);
}

static inline void note(void) {
  atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed);
  if (stacks == NULL || inside) return;
  inside = 1;
  note_stack();
  inside = 0;
}

void *malloc(size_t size) {
  note();
  return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
  note();
  return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size) {
  note();
  return __libc_realloc(memory, size);
}

void *memalign(size_t alignment, size_t size) {
  note();
  return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  note();
  return __libc_memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
  note();
  *memory = __libc_memalign(alignment, size);
  return *memory == NULL ? 12 : 0;
}

static void write_stacks(void) {
  FILE *output = fopen(stacks_path, "w");
  if (output == NULL) return;
  FILE *maps = fopen("/proc/self/maps", "r");
  char line[512];
  while (maps != NULL && fgets(line, sizeof line, maps) != NULL) fputs(line, output);
  if (maps != NULL) fclose(maps);
  fputs("\n", output);
  pthread_mutex_lock(&lock);
  for (size_t slot = 0; slot < STACKS; slot++) {
    const struct stack *entry = &stacks[slot];
    if (entry->count == 0) continue;
    fprintf(output, "%llu %s", (unsigned long long)entry->count, entry->thread);
    for (int frame = 0; frame < entry->depth; frame++) fprintf(output, " %p", entry->frames[frame]);
    fputs("\n", output);
  }
  if (lost > 0) fprintf(output, "%llu lost\n", (unsigned long long)lost);
  memset(stacks, 0, STACKS * sizeof *stacks);
  stack_count = 0;
  lost = 0;
  pthread_mutex_unlock(&lock);
  fclose(output);
}

// Waits for the signal, so that nothing is written from within a handler.
static void *wait_for_signal(void *signals) {
  inside = 1;
  prctl(PR_SET_NAME, "alloc-count");
  for (;;) {
    int signal = 0;
    if (sigwait(signals, &signal) == 0) write_stacks();
  }
  return NULL;
}

__attribute__((constructor)) static void begin(void) {
  stacks_path = getenv("ALLOCATION_STACKS");
  if (stacks_path == NULL) return;
  static sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR2);
  // Threads that are made later inherit it: only the one below takes the signal.
  pthread_sigmask(SIG_BLOCK, &signals, NULL);
  inside = 1;
  void *frames[4];
  (void)backtrace(frames, 4);  // Loads what it needs while nothing is counted.
  struct stack *table = __libc_calloc(STACKS, sizeof *table);
  pthread_t thread;
  if (table != NULL && pthread_create(&thread, NULL, wait_for_signal, &signals) == 0) {
    stacks = table;
  }
  inside = 0;
}
