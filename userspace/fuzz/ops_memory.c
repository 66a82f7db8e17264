// SPDX-License-Identifier: MIT
/*
 * Files, allocations, mappings, sharing, and what takes memory from them
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ops.h"
#include "world.h"

/* Device */

void
op_open(const uint64_t *a)
{
   int fd = open(a[1] % 4 ? w.render : w.primary, O_RDWR | O_CLOEXEC | O_NONBLOCK);
   uint32_t c = client_of(a[0]);

   if (fd < 0)
      return;
   if (w.fds[c] >= 0)
      close(w.fds[c]);
   w.fds[c] = fd;
}

void
op_close_file(const uint64_t *a)
{
   uint32_t c = client_of(a[0]);
   int fd = w.fds[c];

   w.fds[c] = -1;
   close(fd);
}

void
op_info(const uint64_t *a)
{
   struct drm_tide_info info = {};
   struct drm_tide_segment_info segment = {.segment = a[1], .pad = a[2] == 7};
   struct drm_tide_budget budget = {.segment = a[1], .pad = a[2] == 6};

   call(fd_of(a[0]), DRM_IOCTL_TIDE_INFO, &info);
   call(fd_of(a[0]), DRM_IOCTL_TIDE_SEGMENT_INFO, &segment);
   call(fd_of(a[0]), DRM_IOCTL_TIDE_BUDGET, &budget);
}

void
op_reserve(const uint64_t *a)
{
   struct drm_tide_reserve reserve = {.segment = a[1], .bytes = size_of(a[2])};

   call(fd_of(a[0]), DRM_IOCTL_TIDE_RESERVE, &reserve);
}

void
op_suspend(const uint64_t *a)
{
   struct drm_tide_suspend suspend = {.client = a[1] < 4 ? 0 : a[1], .flags = a[2] == 7};

   call(fd_of(a[0]), DRM_IOCTL_TIDE_SUSPEND, &suspend);
}

void
op_read(const uint64_t *a)
{
   struct pollfd poll_fd = {.fd = fd_of(a[0]), .events = POLLIN};
   char buffer[256];

   poll(&poll_fd, 1, 0);
   if (read(fd_of(a[0]), buffer, a[1] % sizeof(buffer)) > 0)
      fuzz_calls_made++;
}

void
op_fdinfo(const uint64_t *a)
{
   char path[64], buffer[4096];
   int fd;

   snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd_of(a[0]));
   fd = open(path, O_RDONLY | O_CLOEXEC);
   if (fd >= 0 && read(fd, buffer, sizeof(buffer)) > 0)
      fuzz_calls_made++;
   close(fd);
}

/* Allocations */

void
op_create(const uint64_t *a)
{
   struct drm_tide_bo_create create = {
      .size = size_of(a[2]),
      .segments = a[3] < 128 ? a[3] % 4 : a[3],
      .flags = a[4] == 255,
      .pad = a[4] == 254,
   };

   if (!call(fd_of(a[0]), DRM_IOCTL_TIDE_BO_CREATE, &create))
      w.handles[client_of(a[0])][a[1] % HANDLES] = create.handle;
}

void
op_dumb(const uint64_t *a)
{
   struct drm_mode_create_dumb dumb = {
      .width = a[2] < 1024 ? a[2] : a[2] % 65536,
      .height = a[3] % 1024,
      .bpp = a[4] % 65,
   };

   if (!call(fd_of(a[0]), DRM_IOCTL_MODE_CREATE_DUMB, &dumb))
      w.handles[client_of(a[0])][a[1] % HANDLES] = dumb.handle;
}

void
op_close(const uint64_t *a)
{
   struct drm_gem_close args = {.handle = handle_of(a[0], a[1])};

   call(fd_of(a[0]), DRM_IOCTL_GEM_CLOSE, &args);
}

void
op_bo_info(const uint64_t *a)
{
   struct drm_tide_bo_info info = {.handle = handle_of(a[0], a[1]), .pad = a[2] == 7};

   call(fd_of(a[0]), DRM_IOCTL_TIDE_BO_INFO, &info);
}

static void
put_map(uint64_t slot, uint8_t *at, size_t size)
{
   uint8_t *old = w.maps[slot % MAPS].at;

   if (at == MAP_FAILED)
      return;
   if (old)
      munmap(old, w.maps[slot % MAPS].size);
   w.maps[slot % MAPS].at = at;
   w.maps[slot % MAPS].size = size;
}

void
op_mmap(const uint64_t *a)
{
   struct drm_tide_bo_mmap_offset args = {.handle = handle_of(a[0], a[1])};
   struct drm_tide_bo_info info = {.handle = args.handle};
   uint64_t first = a[3] % 4 ? 0 : a[3] / 4 * PAGE, size;

   call(fd_of(a[0]), DRM_IOCTL_TIDE_BO_INFO, &info);
   if (call(fd_of(a[0]), DRM_IOCTL_TIDE_BO_MMAP_OFFSET, &args))
      args.offset = a[4];
   size = a[5] % 4 ? info.size : size_of(a[5]);
   if (size > 1 << 30)
      size = PAGE;
   put_map(a[2],
           mmap(NULL, size, PROT_READ | PROT_WRITE, a[3] == 255 ? MAP_PRIVATE : MAP_SHARED,
                fd_of(a[0]), (args.offset + first) & ~(PAGE - 1)),
           size);
}

void
op_munmap(const uint64_t *a)
{
   uint8_t *at = w.maps[a[0] % MAPS].at;
   size_t size = w.maps[a[0] % MAPS].size;

   if (!at)
      return;
   switch (a[1] % 4) {
   case 0:
      w.maps[a[0] % MAPS].at = NULL;
      munmap(at, size);
      break;
   case 1:
      madvise(at, size, a[2] % 26);
      break;
   case 2:
      /* A hole, and the rest stays mapped */
      munmap(at + (a[2] * PAGE) % size / PAGE * PAGE, PAGE);
      break;
   default:
      at = mremap(at, size, size_of(a[2]) % (4 << 20) + 1, MREMAP_MAYMOVE);
      if (at != MAP_FAILED) {
         w.maps[a[0] % MAPS].at = at;
         w.maps[a[0] % MAPS].size = size_of(a[2]) % (4 << 20) + 1;
      }
      break;
   }
   fuzz_calls_made++;
}

void
op_touch(const uint64_t *a)
{
   uint8_t *at = w.maps[a[0] % MAPS].at;

   if (at)
      touch(at, w.maps[a[0] % MAPS].size, a + 1);
}

/* The kernel's own access, to and from an allocation */
void
op_pipe(const uint64_t *a)
{
   void *at = w.maps[a[0] % MAPS].at;
   int pipes[2];
   char byte[512];

   if (!at || pipe2(pipes, O_NONBLOCK | O_CLOEXEC))
      return;
   if (write(pipes[1], at, a[1] % 65536) > 0 && read(pipes[0], byte, sizeof(byte)) > 0 &&
       read(pipes[0], at, a[2] % 4096) > 0)
      fuzz_calls_made++;
   close(pipes[0]);
   close(pipes[1]);
}

/* Sharing */

void
op_export(const uint64_t *a)
{
   struct drm_prime_handle args = {
      .handle = handle_of(a[0], a[1]),
      .flags = a[3] % 4 ? DRM_RDWR | DRM_CLOEXEC : 0,
   };

   if (call(fd_of(a[0]), DRM_IOCTL_PRIME_HANDLE_TO_FD, &args))
      return;
   close(w.dmabufs[a[2] % DMABUFS]);
   w.dmabufs[a[2] % DMABUFS] = args.fd;
}

void
op_import(const uint64_t *a)
{
   struct drm_prime_handle args = {.fd = w.dmabufs[a[2] % DMABUFS]};

   if (!call(fd_of(a[0]), DRM_IOCTL_PRIME_FD_TO_HANDLE, &args))
      w.handles[client_of(a[0])][a[1] % HANDLES] = args.handle;
}

void
op_dmabuf(const uint64_t *a)
{
   int *fd = &w.dmabufs[a[0] % DMABUFS];

   if (a[1] % 4) {
      put_map(a[2], mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0), PAGE);
   } else {
      close(*fd);
      *fd = -1;
   }
}

void
op_flink(const uint64_t *a)
{
   struct drm_gem_flink flink = {.handle = handle_of(a[0], a[1])};
   struct drm_gem_open open_name = {.name = w.names[a[2] % DMABUFS]};

   if (a[3] % 2) {
      if (!call(fd_of(a[0]), DRM_IOCTL_GEM_FLINK, &flink))
         w.names[a[2] % DMABUFS] = flink.name;
   } else if (!call(fd_of(a[0]), DRM_IOCTL_GEM_OPEN, &open_name)) {
      w.handles[client_of(a[0])][a[1] % HANDLES] = open_name.handle;
   }
}

/* Pressure */

static void
write_number(int fd, uint64_t number)
{
   char text[24];
   int length = snprintf(text, sizeof(text), "%llu", (unsigned long long)number);

   if (fd >= 0 && pwrite(fd, text, length, 0) > 0)
      fuzz_calls_made++;
}

void
op_shrink(const uint64_t *a)
{
   write_number(w.shrink_fd, a[0] % 2 ? a[1] % 16 : a[1] % 4096);
}

void
op_memory_reclaim(const uint64_t *a)
{
   if (__atomic_fetch_add(&w.memory_reclaims, 1, __ATOMIC_RELAXED) >= MEMORY_RECLAIMS_MAX)
      return;
   write_number(w.reclaim_fd, a[0] % 32 * PAGE);
}

/* Processes: one that has all the files and mappings, and goes away */
void
op_fork(const uint64_t *a)
{
   struct drm_tide_bo_info info = {.handle = handle_of(a[0], a[1])};
   pid_t pid;

   if (__atomic_fetch_add(&w.forks, 1, __ATOMIC_RELAXED) >= FORKS_MAX)
      return;
   pid = fork();
   if (pid < 0)
      return;
   if (!pid) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      call(fd_of(a[0]), DRM_IOCTL_TIDE_BO_INFO, &info);
      op_touch(&a[2]);
      if (a[1] % 2)
         _exit(0);
      /* The parent may have been killed before that held. */
      poll(NULL, 0, 1000);
      _exit(0);
   }
   if (a[1] % 2 == 0) {
      usleep(a[2] % 2000);
      kill(pid, SIGKILL);
   }
   waitpid(pid, NULL, 0);
}

void
op_sleep(const uint64_t *a)
{
   usleep(a[0] % 3000);
}
