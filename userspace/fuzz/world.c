// SPDX-License-Identifier: MIT
#include "world.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>

#include "ops.h"
#include "program.h"

struct fuzz_world w;

static __thread sigjmp_buf fault;
static __thread volatile sig_atomic_t may_fault;
__thread uint64_t fuzz_calls_made;

static void
on_fault(int sig)
{
   if (may_fault)
      siglongjmp(fault, 1);
   signal(sig, SIG_DFL);
   raise(sig);
}

uint32_t
client_of(uint64_t arg)
{
   return arg % CLIENTS;
}

int
fd_of(uint64_t arg)
{
   return w.fds[client_of(arg)];
}

uint32_t
handle_of(uint64_t client, uint64_t arg)
{
   return arg < 1024 ? w.handles[client_of(client)][arg % HANDLES] : (uint32_t)arg;
}

uint32_t
queue_of(uint64_t client, uint64_t arg)
{
   return arg < 1024 ? w.queues[client_of(client)][arg % QUEUES] : (uint32_t)arg;
}

uint32_t
syncobj_of(uint64_t client, uint64_t arg)
{
   return arg < 1024 ? w.syncobjs[client_of(client)][arg % SYNCOBJS] : (uint32_t)arg;
}

uint64_t
size_of(uint64_t arg)
{
   static const uint64_t sizes[] = {1, 4096, 16384, 65536, 1 << 20, 2 << 20, 5 << 20, 100};

   if (arg < 1024)
      return sizes[arg % 8];
   return arg < 1ull << 40 ? arg % (4 << 20) : arg;
}

uint32_t
flags_of(uint64_t arg, uint32_t known)
{
   return arg < 128 ? arg & known : arg < 256 ? 0 : (uint32_t)arg;
}

int
call(int fd, unsigned long request, void *arg)
{
   fuzz_calls_made++;
   return ioctl(fd, request, arg);
}

/* The accesses of a thread: a fault ends them. */
void
touch(volatile uint8_t *at, size_t size, const uint64_t *a)
{
   size_t step = a[1] % 8 ? PAGE : PAGE * 64;

   if (size > 4 << 20)
      size = 4 << 20;
   if (sigsetjmp(fault, 1)) {
      may_fault = 0;
      return;
   }
   may_fault = 1;
   for (size_t i = a[0] % 4 * 100; i < size; i += step) {
      if (a[2] & 1)
         at[i] = a[2];
      else
         (void)at[i];
   }
   may_fault = 0;
   fuzz_calls_made++;
}

const struct fuzz_op fuzz_ops[] = {
   {"open", op_open, 1},
   {"close_file", op_close_file, 1},
   {"info", op_info, 1},
   {"reserve", op_reserve, 1},
   {"suspend", op_suspend, 1},
   {"read", op_read, 1},
   {"fdinfo", op_fdinfo, 1},
   {"create", op_create, 6},
   {"dumb", op_dumb, 1},
   {"close", op_close, 2},
   {"bo_info", op_bo_info, 1},
   {"mmap", op_mmap, 4},
   {"munmap", op_munmap, 2},
   {"touch", op_touch, 5},
   {"pipe", op_pipe, 1},
   {"offer", op_offer, 6},
   {"reclaim", op_reclaim, 6},
   {"make_resident", op_make_resident, 6},
   {"evict", op_evict, 4},
   {"queue_create", op_queue_create, 2},
   {"queue_destroy", op_queue_destroy, 1},
   {"queue_info", op_queue_info, 1},
   {"submit", op_submit, 6},
   {"syncobj", op_syncobj, 3},
   {"wait", op_wait, 2},
   {"export", op_export, 2},
   {"import", op_import, 2},
   {"dmabuf", op_dmabuf, 1},
   {"flink", op_flink, 1},
   {"raw", op_raw, 3},
   {"shrink", op_shrink, 4},
   {"memory_reclaim", op_memory_reclaim, 1},
   {"fork", op_fork, 1},
   {"sleep", op_sleep, 1},
};

const uint32_t fuzz_op_count = sizeof(fuzz_ops) / sizeof(fuzz_ops[0]);

/* A world that most calls can do something in: two clients with a queue and two allocations each */
void
fuzz_world_begin(const char *render, const char *primary, int shrink_fd, int reclaim_fd)
{
   struct sigaction action = {.sa_handler = on_fault, .sa_flags = SA_NODEFER};

   sigaction(SIGBUS, &action, NULL);
   sigaction(SIGSEGV, &action, NULL);
   memset(&w, 0, sizeof(w));
   w.render = render;
   w.primary = primary;
   w.shrink_fd = shrink_fd;
   w.reclaim_fd = reclaim_fd;
   for (uint32_t i = 0; i < DMABUFS; i++)
      w.dmabufs[i] = -1;
   for (uint32_t c = 0; c < CLIENTS; c++) {
      w.fds[c] = -1;
      if (c == CLIENTS - 1)
         break;
      op_open((uint64_t[]){c, 1 - c});
      op_queue_create((uint64_t[]){c, 0, 1, 0});
      for (uint64_t h = 0; h < 2; h++) {
         op_create((uint64_t[]){c, h, 2 + h, 0, 0});
         op_mmap((uint64_t[]){c, h, c * 2 + h, 1, 0, 1});
      }
   }
}
