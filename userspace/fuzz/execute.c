// SPDX-License-Identifier: MIT
#include "execute.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/kcov.h>

#include "ops.h"

#define COVER_WORDS (64u << 10)
#define LONGEST_MS 3000
#define LAST_CALLS_MS 50
#define KILL_MS 60000

static struct {
   int fd;
   uint64_t *cover;
} kcov[THREADS];

/* Shared with the process that runs a program */
static struct {
   uint64_t calls;
   uint32_t done;
} * shared;

static struct fuzz_program program;
static bool learning;
static char render[64], primary[64], debugfs[128];
static int shrink_fd, reclaim_fd, kmsg_fd;

/* The node is found by its driver's name, as everywhere. */
static bool
find_nodes(void)
{
   glob_t found;
   bool ok = false;

   if (glob("/sys/bus/platform/drivers/tide/tide/drm/*", 0, NULL, &found))
      return false;
   for (size_t i = 0; i < found.gl_pathc; i++) {
      const char *name = strrchr(found.gl_pathv[i], '/') + 1;

      if (!strncmp(name, "renderD", 7)) {
         snprintf(render, sizeof(render), "/dev/dri/%s", name);
         ok = true;
      } else if (!strncmp(name, "card", 4)) {
         snprintf(primary, sizeof(primary), "/dev/dri/%s", name);
         snprintf(debugfs, sizeof(debugfs), "/sys/kernel/debug/dri/%s", name + 4);
      }
   }
   globfree(&found);
   return ok;
}

static int
open_debugfs(const char *name, int flags)
{
   char path[192];

   snprintf(path, sizeof(path), "%s/%s", debugfs, name);
   return open(path, flags | O_CLOEXEC);
}

static bool
open_kcov(void)
{
   for (int i = 0; i < THREADS; i++) {
      kcov[i].fd = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);
      if (kcov[i].fd < 0 || ioctl(kcov[i].fd, KCOV_INIT_TRACE, (long)COVER_WORDS))
         return false;
      kcov[i].cover =
         mmap(NULL, COVER_WORDS * 8, PROT_READ | PROT_WRITE, MAP_SHARED, kcov[i].fd, 0);
      if (kcov[i].cover == MAP_FAILED)
         return false;
   }
   return true;
}

bool
fuzz_execute_init(void)
{
   sigset_t set;

   if (!open_kcov()) {
      puts("this kernel has no KCOV");
      return false;
   }
   if (!find_nodes() || (shrink_fd = open_debugfs("shrink", O_WRONLY)) < 0) {
      puts("there is no tide, or no debugfs");
      return false;
   }
   reclaim_fd = open("/sys/fs/cgroup/fuzz/memory.reclaim", O_WRONLY | O_CLOEXEC);
   kmsg_fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
   if (kmsg_fd < 0 || lseek(kmsg_fd, 0, SEEK_END) < 0) {
      puts("there is no /dev/kmsg");
      return false;
   }
   shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
   if (shared == MAP_FAILED)
      return false;
   sigemptyset(&set);
   sigaddset(&set, SIGCHLD);
   sigprocmask(SIG_BLOCK, &set, NULL);
   return true;
}

/* In the child */

static void *
run_thread(void *arg)
{
   uint32_t thread = (uintptr_t)arg;
   uint64_t before = 0;

   /* What the buffer has beyond its end is not written: so much is enough. */
   ioctl(kcov[thread].fd, KCOV_ENABLE, learning ? KCOV_TRACE_CMP : KCOV_TRACE_PC);
   for (uint32_t i = 0; i < program.count; i++) {
      const struct fuzz_call *c = &program.calls[i];

      if (c->thread != thread)
         continue;
      fuzz_ops[c->op].run(c->args);
      __atomic_add_fetch(&shared->calls, fuzz_calls_made - before, __ATOMIC_RELAXED);
      before = fuzz_calls_made;
   }
   ioctl(kcov[thread].fd, KCOV_DISABLE, 0);
   __atomic_add_fetch(&shared->done, 1, __ATOMIC_RELEASE);
   return NULL;
}

static void
run_program(void)
{
   pthread_t thread;
   uint32_t used = 1;

   prctl(PR_SET_PDEATHSIG, SIGKILL);
   fuzz_world_begin(render, primary, shrink_fd, reclaim_fd);
   fuzz_calls_made = 0;
   for (uint32_t i = 0; i < program.count; i++)
      used |= 1u << program.calls[i].thread;
   for (uint32_t i = 1; i < THREADS; i++)
      if (used >> i & 1)
         pthread_create(&thread, NULL, run_thread, (void *)(uintptr_t)i);
   run_thread(NULL);
   for (int ms = 0; ms < LAST_CALLS_MS; ms++) {
      if (__atomic_load_n(&shared->done, __ATOMIC_ACQUIRE) == (uint32_t)__builtin_popcount(used))
         break;
      usleep(1000);
   }
   /* As a rule by a kill: whoever closes its files itself waits for its jobs, for up to a second.
    */
   if (program.count % 8)
      kill(getpid(), SIGKILL);
   _exit(0);
}

/* In the parent */

static bool
wait_for(pid_t pid, int ms)
{
   struct timespec timeout = {ms / 1000, ms % 1000 * 1000000};
   sigset_t set;

   sigemptyset(&set);
   sigaddset(&set, SIGCHLD);
   for (;;) {
      if (waitpid(pid, NULL, WNOHANG) == pid)
         return true;
      if (sigtimedwait(&set, NULL, &timeout) < 0 && errno == EAGAIN)
         return waitpid(pid, NULL, WNOHANG) == pid;
   }
}

static void
learn(void)
{
   for (int t = 0; t < THREADS; t++) {
      uint64_t count = kcov[t].cover[0];

      for (uint64_t i = 0; i < count && i * 4 + 4 < COVER_WORDS; i++)
         if (kcov[t].cover[i * 4 + 1] & KCOV_CMP_CONST)
            fuzz_learn(kcov[t].cover[i * 4 + 2]);
      kcov[t].cover[0] = 0;
   }
}

bool
fuzz_execute(const struct fuzz_program *p, bool learn_too)
{
   bool ended;
   pid_t pid;

   program = *p;
   learning = learn_too;
   shared->done = 0;
   for (int t = 0; t < THREADS; t++)
      kcov[t].cover[0] = 0;

   fflush(NULL);
   pid = fork();
   if (pid < 0)
      return true;
   if (!pid)
      run_program();
   ended = wait_for(pid, LONGEST_MS);
   if (!ended) {
      kill(pid, SIGKILL);
      ended = wait_for(pid, KILL_MS);
   }
   if (learning)
      learn();
   return ended;
}

uint32_t
fuzz_edges_add(struct fuzz_edges *edges)
{
   uint32_t added = 0;

   for (int t = 0; t < THREADS; t++) {
      uint64_t count = kcov[t].cover[0], last = 0;

      if (count > COVER_WORDS - 1)
         count = COVER_WORDS - 1;
      for (uint64_t i = 1; i <= count; i++) {
         uint64_t place = kcov[t].cover[i] * 0x9e3779b97f4a7c15ull >> 20;
         uint32_t edge = (last ^ place) % EDGES;

         if (!(edges->seen[edge / 8] >> edge % 8 & 1)) {
            edges->seen[edge / 8] |= 1u << edge % 8;
            added++;
         }
         last = place >> 1;
      }
   }
   return added;
}

uint64_t
fuzz_calls(void)
{
   return shared->calls;
}

bool
fuzz_nothing_left(void)
{
   char byte;

   for (int ms = 0; ms < 30000; ms += 10) {
      int fd = open_debugfs("allocations", O_RDONLY);
      ssize_t n = fd < 0 ? 0 : read(fd, &byte, 1);

      close(fd);
      if (!n)
         return true;
      usleep(10000);
   }
   return false;
}

const char *
fuzz_kernel_report(void)
{
   static const char *const words[] = {
      "BUG:",       "BUG ",       "WARNING:",           "KASAN",
      "UBSAN",      "ODEBUG",     "refcount_t:",        "blocked for more than",
      "rcu: INFO:", "corruption", "general protection", "still mapped",
      "Bad page",   "Bad rss",
   };
   static char line[1024];
   const char *report = NULL;
   ssize_t n;

   while ((n = read(kmsg_fd, line, sizeof(line) - 1)) > 0 || (n < 0 && errno == EPIPE)) {
      if (n < 0)
         continue;
      line[n] = 0;
      for (size_t i = 0; i < sizeof(words) / sizeof(words[0]) && !report; i++)
         if (strstr(line, words[i]))
            report = strdup(line);
   }
   return report;
}
