/* SPDX-License-Identifier: MIT */
/* The kernel interface of a DRM node. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xf86drm.h>

#include "kmd.h"

static int
call(struct tide_kmd *kmd, unsigned long request, void *argument)
{
   if (!drmIoctl(kmd->fd, request, argument))
      return 0;
   return errno == ESTALE ? -EIO : -errno;
}

static uint64_t
user_pointer(const void *pointer)
{
   return (uintptr_t)pointer;
}

static void
drm_destroy(struct tide_kmd *kmd)
{
   close(kmd->fd);
   free(kmd);
}

static int
drm_info(struct tide_kmd *kmd, struct drm_tide_info *info)
{
   memset(info, 0, sizeof(*info));
   return call(kmd, DRM_IOCTL_TIDE_INFO, info);
}

static int
drm_segment_info(struct tide_kmd *kmd, struct drm_tide_segment_info *info)
{
   return call(kmd, DRM_IOCTL_TIDE_SEGMENT_INFO, info);
}

static int
drm_budget(struct tide_kmd *kmd, struct drm_tide_budget *budget)
{
   return call(kmd, DRM_IOCTL_TIDE_BUDGET, budget);
}

static int
drm_reserve(struct tide_kmd *kmd, uint32_t segment, uint64_t bytes)
{
   struct drm_tide_reserve args = {.segment = segment, .bytes = bytes};

   return call(kmd, DRM_IOCTL_TIDE_RESERVE, &args);
}

/* A read alone would wait for an event. */
static int
drm_read_trims(struct tide_kmd *kmd, struct drm_tide_event_trim *trims, uint32_t max)
{
   struct pollfd poll_fd = {.fd = kmd->fd, .events = POLLIN};
   char buffer[1024];
   uint32_t count = 0;
   ssize_t size;

   if (poll(&poll_fd, 1, 0) <= 0 || !(poll_fd.revents & POLLIN))
      return 0;
   do
      size = read(kmd->fd, buffer, sizeof(buffer));
   while (size < 0 && errno == EINTR);
   if (size < 0)
      return errno == EAGAIN ? 0 : -errno;

   for (size_t at = 0; at + sizeof(struct drm_event) <= (size_t)size;) {
      struct drm_event event;

      memcpy(&event, &buffer[at], sizeof(event));
      if (event.length < sizeof(event) || event.length > (size_t)size - at)
         break;
      /* A later driver may tell other things, and more of this. */
      if (event.type == DRM_TIDE_EVENT_TRIM && event.length >= sizeof(*trims) && count < max)
         memcpy(&trims[count++], &buffer[at], sizeof(*trims));
      at += event.length;
   }
   return count;
}

static int
drm_bo_create(struct tide_kmd *kmd, uint64_t size, uint32_t *handle, uint64_t *actual_size)
{
   struct drm_tide_bo_create args = {.size = size};
   int ret = call(kmd, DRM_IOCTL_TIDE_BO_CREATE, &args);

   if (ret)
      return ret;
   *handle = args.handle;
   *actual_size = args.actual_size;
   return 0;
}

static void
drm_bo_close(struct tide_kmd *kmd, uint32_t handle)
{
   struct drm_gem_close args = {.handle = handle};

   call(kmd, DRM_IOCTL_GEM_CLOSE, &args);
}

static int
drm_bo_mmap_offset(struct tide_kmd *kmd, uint32_t handle, uint64_t *offset)
{
   struct drm_tide_bo_mmap_offset args = {.handle = handle};
   int ret = call(kmd, DRM_IOCTL_TIDE_BO_MMAP_OFFSET, &args);

   if (!ret)
      *offset = args.offset;
   return ret;
}

static int
drm_bo_map(struct tide_kmd *kmd, uint32_t handle, uint64_t size, void **pointer)
{
   uint64_t offset;
   int ret;

   if (size > SIZE_MAX)
      return -ENOMEM;
   ret = drm_bo_mmap_offset(kmd, handle, &offset);
   if (ret)
      return ret;

   _Static_assert(sizeof(off_t) == 8, "offsets of DRM nodes have 64 bits");
   void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, kmd->fd, offset);

   if (map == MAP_FAILED)
      return -errno;
   *pointer = map;
   return 0;
}

static void
drm_bo_unmap(struct tide_kmd *kmd, void *pointer, uint64_t size)
{
   (void)kmd;
   munmap(pointer, size);
}

static int
drm_bo_info(struct tide_kmd *kmd, struct drm_tide_bo_info *info)
{
   return call(kmd, DRM_IOCTL_TIDE_BO_INFO, info);
}

static int
drm_bo_export(struct tide_kmd *kmd, uint32_t handle, int *fd)
{
   struct drm_prime_handle args = {.handle = handle, .flags = DRM_CLOEXEC | DRM_RDWR, .fd = -1};
   int ret = call(kmd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &args);

   if (ret)
      return ret;
   *fd = args.fd;
   return 0;
}

static int
drm_bo_import(struct tide_kmd *kmd, int fd, uint32_t *handle)
{
   struct drm_prime_handle args = {.fd = fd};
   int ret = call(kmd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &args);

   if (ret)
      return ret;
   *handle = args.handle;
   return 0;
}

static int
drm_queue_create(struct tide_kmd *kmd, uint32_t *queue, uint32_t *syncobj)
{
   struct drm_tide_queue_create args = {0};
   int ret = call(kmd, DRM_IOCTL_TIDE_QUEUE_CREATE, &args);

   if (ret)
      return ret;
   *queue = args.queue;
   *syncobj = args.syncobj;
   return 0;
}

static void
drm_queue_destroy(struct tide_kmd *kmd, uint32_t queue)
{
   struct drm_tide_queue_destroy args = {.queue = queue};

   call(kmd, DRM_IOCTL_TIDE_QUEUE_DESTROY, &args);
}

static int
drm_queue_info(struct tide_kmd *kmd, struct drm_tide_queue_info *info)
{
   return call(kmd, DRM_IOCTL_TIDE_QUEUE_INFO, info);
}

static int
drm_offer(struct tide_kmd *kmd, const uint32_t *handles, uint32_t count, uint32_t priority,
          uint32_t flags)
{
   struct drm_tide_offer args = {
      .handles = user_pointer(handles),
      .count = count,
      .priority = priority,
      .flags = flags,
   };

   return call(kmd, DRM_IOCTL_TIDE_OFFER, &args);
}

static int
drm_reclaim(struct tide_kmd *kmd, uint32_t queue, const uint32_t *handles, uint32_t count,
            uint32_t *results, uint64_t *value)
{
   struct drm_tide_reclaim args = {
      .handles = user_pointer(handles),
      .results = user_pointer(results),
      .count = count,
      .queue = queue,
   };
   int ret = call(kmd, DRM_IOCTL_TIDE_RECLAIM, &args);

   *value = args.value;
   return ret;
}

static int
drm_make_resident(struct tide_kmd *kmd, struct drm_tide_make_resident *args)
{
   return call(kmd, DRM_IOCTL_TIDE_MAKE_RESIDENT, args);
}

static int
drm_evict(struct tide_kmd *kmd, const uint32_t *handles, uint32_t count, uint32_t flags)
{
   struct drm_tide_evict args = {
      .handles = user_pointer(handles),
      .count = count,
      .flags = flags,
   };

   return call(kmd, DRM_IOCTL_TIDE_EVICT, &args);
}

static int
drm_submit(struct tide_kmd *kmd, struct drm_tide_submit *submit)
{
   return call(kmd, DRM_IOCTL_TIDE_SUBMIT, submit);
}

static int
drm_syncobj_create(struct tide_kmd *kmd, uint32_t *syncobj)
{
   struct drm_syncobj_create args = {0};
   int ret = call(kmd, DRM_IOCTL_SYNCOBJ_CREATE, &args);

   if (ret)
      return ret;
   *syncobj = args.handle;
   return 0;
}

static void
drm_syncobj_destroy(struct tide_kmd *kmd, uint32_t syncobj)
{
   struct drm_syncobj_destroy args = {.handle = syncobj};

   call(kmd, DRM_IOCTL_SYNCOBJ_DESTROY, &args);
}

static int
drm_syncobj_signal(struct tide_kmd *kmd, uint32_t syncobj, uint64_t point)
{
   struct drm_syncobj_timeline_array args = {
      .handles = user_pointer(&syncobj),
      .points = user_pointer(&point),
      .count_handles = 1,
   };

   return call(kmd, DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, &args);
}

static int
drm_syncobj_wait(struct tide_kmd *kmd, const uint32_t *syncobjs, const uint64_t *points,
                 uint32_t count, int64_t deadline_ns)
{
   struct drm_syncobj_timeline_wait args = {
      .handles = user_pointer(syncobjs),
      .points = user_pointer(points),
      .count_handles = count,
      .timeout_nsec = deadline_ns,
      .flags = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL | DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT,
   };

   return call(kmd, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &args);
}

static const struct tide_kmd_ops drm_ops = {
   .destroy = drm_destroy,
   .info = drm_info,
   .segment_info = drm_segment_info,
   .budget = drm_budget,
   .reserve = drm_reserve,
   .read_trims = drm_read_trims,
   .bo_create = drm_bo_create,
   .bo_close = drm_bo_close,
   .bo_map = drm_bo_map,
   .bo_unmap = drm_bo_unmap,
   .bo_mmap_offset = drm_bo_mmap_offset,
   .bo_info = drm_bo_info,
   .bo_export = drm_bo_export,
   .bo_import = drm_bo_import,
   .queue_create = drm_queue_create,
   .queue_destroy = drm_queue_destroy,
   .queue_info = drm_queue_info,
   .offer = drm_offer,
   .reclaim = drm_reclaim,
   .make_resident = drm_make_resident,
   .evict = drm_evict,
   .submit = drm_submit,
   .syncobj_create = drm_syncobj_create,
   .syncobj_destroy = drm_syncobj_destroy,
   .syncobj_signal = drm_syncobj_signal,
   .syncobj_wait = drm_syncobj_wait,
};

int
tide_kmd_drm_create(int fd, struct tide_kmd **kmd)
{
   struct tide_kmd *made = calloc(1, sizeof(*made));

   if (!made)
      return -ENOMEM;
   made->ops = &drm_ops;
   made->fd = fd;
   *kmd = made;
   return 0;
}
