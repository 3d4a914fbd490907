/*
 * Measures the CPU time of each turn of an event loop: the time of its thread from the end of one
 * wait to the beginning of the next. Loaded with LD_PRELOAD, this library replaces libuv's calls of
 * epoll_pwait in all threads. turn-clock.js reads the file named by TURN_CLOCK_FILE.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* turn-clock.js has the same constants. */
#define THREADS 16
#define STEPS 10000
#define STEP_NS 10000

struct thread {
  uint64_t id;
  uint64_t longest_ns;
  /* The last step includes all longer turns. */
  uint32_t counts[STEPS];
};

struct file {
  uint64_t threads;
  struct thread thread[THREADS];
};

typedef int (*epoll_call)(int, struct epoll_event *, int, int, const sigset_t *);

static struct file *file;
static epoll_call wait_for_events;
static __thread struct thread *mine;
static __thread uint64_t turn_began;

__attribute__((constructor)) static void open_file(void) {
  wait_for_events = (epoll_call)dlsym(RTLD_NEXT, "epoll_pwait");
  const char *path = getenv("TURN_CLOCK_FILE");
  int descriptor = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
  if (descriptor < 0) return;
  void *mapped = mmap(NULL, sizeof *file, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (mapped != MAP_FAILED) file = mapped;
  close(descriptor);
}

static uint64_t cpu_time(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * 1000000000ull + now.tv_nsec;
}

static void count_turn(uint64_t duration) {
  if (mine == NULL) {
    uint64_t index = __atomic_fetch_add(&file->threads, 1, __ATOMIC_RELAXED);
    /* turn-clock.js reports too many threads. */
    mine = &file->thread[index < THREADS ? index : THREADS - 1];
    mine->id = gettid();
    return;
  }
  uint64_t step = duration / STEP_NS;
  mine->counts[step < STEPS ? step : STEPS - 1]++;
  if (duration > mine->longest_ns) mine->longest_ns = duration;
}

int epoll_pwait(int epoll, struct epoll_event *events, int most, int timeout, const sigset_t *mask) {
  if (file == NULL) return wait_for_events(epoll, events, most, timeout, mask);
  count_turn(cpu_time() - turn_began);
  int ready = wait_for_events(epoll, events, most, timeout, mask);
  turn_began = cpu_time();
  return ready;
}
