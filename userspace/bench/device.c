/* SPDX-License-Identifier: MIT */

#include "device.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xf86drm.h>

#include "drm/tide_drm.h"

#include "bench.h"

static void
call(int fd, unsigned long request, void *args, const char *what)
{
   if (ioctl(fd, request, args))
      die_errno("%s", what);
}

static int
open_node(const char *pattern, int first, const char *driver)
{
   for (int minor = first; minor < first + 8; minor++) {
      char path[32];
      snprintf(path, sizeof(path), pattern, minor);
      int fd = open(path, O_RDWR | O_CLOEXEC);
      if (fd < 0)
         continue;

      drmVersion *version = drmGetVersion(fd);
      bool found = version && !strcmp(version->name, driver);
      drmFreeVersion(version);
      if (found)
         return fd;
      close(fd);
   }
   die("there is no device of %s", driver);
}

int
device_open(void)
{
   return open_node("/dev/dri/renderD%d", 128, "tide");
}

int
vgem_open(void)
{
   return open_node("/dev/dri/card%d", 0, "vgem");
}

void
device_ask(int fd)
{
   struct drm_tide_info args = {0};
   call(fd, DRM_IOCTL_TIDE_INFO, &args, "INFO");
}

void
buffer_create(struct buffer *buffer, int fd, size_t size)
{
   struct drm_tide_bo_create args = {.size = size};
   call(fd, DRM_IOCTL_TIDE_BO_CREATE, &args, "BO_CREATE");
   *buffer = (struct buffer){.fd = fd, .handle = args.handle, .size = size};
}

static void
buffer_map_at(struct buffer *buffer, uint64_t offset)
{
   buffer->map = mmap(NULL, buffer->size, PROT_READ | PROT_WRITE, MAP_SHARED, buffer->fd, offset);
   if (buffer->map == MAP_FAILED)
      die_errno("mmap");
}

void
buffer_map(struct buffer *buffer)
{
   struct drm_tide_bo_mmap_offset args = {.handle = buffer->handle};
   call(buffer->fd, DRM_IOCTL_TIDE_BO_MMAP_OFFSET, &args, "BO_MMAP_OFFSET");
   buffer_map_at(buffer, args.offset);
}

void
buffer_unmap(struct buffer *buffer)
{
   munmap(buffer->map, buffer->size);
   buffer->map = NULL;
}

void
buffer_destroy(struct buffer *buffer)
{
   struct drm_gem_close args = {.handle = buffer->handle};
   if (buffer->map)
      buffer_unmap(buffer);
   call(buffer->fd, DRM_IOCTL_GEM_CLOSE, &args, "GEM_CLOSE");
}

void
vgem_create(struct buffer *buffer, int fd, size_t size)
{
   struct drm_mode_create_dumb create = {.width = PAGE / 4, .height = size / PAGE, .bpp = 32};
   call(fd, DRM_IOCTL_MODE_CREATE_DUMB, &create, "CREATE_DUMB");
   *buffer = (struct buffer){.fd = fd, .handle = create.handle, .size = size};

   struct drm_mode_map_dumb map = {.handle = create.handle};
   call(fd, DRM_IOCTL_MODE_MAP_DUMB, &map, "MAP_DUMB");
   buffer_map_at(buffer, map.offset);
}

void
list_create(struct list *list, int fd, uint32_t count, size_t size)
{
   struct drm_tide_queue_create queue = {0};
   call(fd, DRM_IOCTL_TIDE_QUEUE_CREATE, &queue, "QUEUE_CREATE");

   *list = (struct list){
      .fd = fd,
      .count = count,
      .size = size,
      .buffers = allocate(count * sizeof(*list->buffers)),
      .handles = allocate(count * sizeof(*list->handles)),
      .results = allocate(count * sizeof(*list->results)),
      .queue = queue.queue,
      .syncobj = queue.syncobj,
   };
   for (uint32_t i = 0; i < count; i++) {
      buffer_create(&list->buffers[i], fd, size);
      list->handles[i] = list->buffers[i].handle;
   }
   list_map(list);
   list_touch(list);
}

void
list_destroy(struct list *list)
{
   struct drm_tide_queue_destroy queue = {.queue = list->queue};
   struct drm_syncobj_destroy syncobj = {.handle = list->syncobj};

   for (uint32_t i = 0; i < list->count; i++)
      buffer_destroy(&list->buffers[i]);
   call(list->fd, DRM_IOCTL_TIDE_QUEUE_DESTROY, &queue, "QUEUE_DESTROY");
   call(list->fd, DRM_IOCTL_SYNCOBJ_DESTROY, &syncobj, "SYNCOBJ_DESTROY");
   free(list->buffers);
   free(list->handles);
   free(list->results);
   clock_settle();
}

void
list_touch(const struct list *list)
{
   for (uint32_t i = 0; i < list->count; i++)
      touch(list->buffers[i].map, list->size);
}

void
list_map(struct list *list)
{
   for (uint32_t i = 0; i < list->count; i++)
      buffer_map(&list->buffers[i]);
}

void
list_unmap(struct list *list)
{
   for (uint32_t i = 0; i < list->count; i++)
      buffer_unmap(&list->buffers[i]);
}

size_t
list_pages(const struct list *list)
{
   return list->count * (list->size / PAGE);
}

void
list_offer(const struct list *list, uint32_t first, uint32_t count)
{
   struct drm_tide_offer args = {
      .handles = (uintptr_t)&list->handles[first],
      .count = count,
      .priority = DRM_TIDE_PRIORITY_NORMAL,
   };
   call(list->fd, DRM_IOCTL_TIDE_OFFER, &args, "OFFER");
}

uint64_t
list_reclaim(const struct list *list, uint32_t first, uint32_t count)
{
   struct drm_tide_reclaim args = {
      .handles = (uintptr_t)&list->handles[first],
      .results = (uintptr_t)&list->results[first],
      .count = count,
      .queue = list->queue,
   };
   call(list->fd, DRM_IOCTL_TIDE_RECLAIM, &args, "RECLAIM");
   return args.value;
}

uint64_t
list_make_resident(const struct list *list, uint32_t first, uint32_t count)
{
   struct drm_tide_make_resident args = {
      .handles = (uintptr_t)&list->handles[first],
      .count = count,
      .queue = list->queue,
      .flags = DRM_TIDE_MAKE_RESIDENT_MUST_SUCCEED,
   };
   call(list->fd, DRM_IOCTL_TIDE_MAKE_RESIDENT, &args, "MAKE_RESIDENT");
   return args.value;
}

void
list_evict(const struct list *list, uint32_t first, uint32_t count)
{
   struct drm_tide_evict args = {.handles = (uintptr_t)&list->handles[first], .count = count};
   call(list->fd, DRM_IOCTL_TIDE_EVICT, &args, "EVICT");
}

void
list_wait(const struct list *list, uint64_t value)
{
   struct drm_syncobj_timeline_wait args = {
      .handles = (uintptr_t)&list->syncobj,
      .points = (uintptr_t)&value,
      .timeout_nsec = INT64_MAX,
      .count_handles = 1,
      .flags = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT,
   };
   call(list->fd, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &args, "TIMELINE_WAIT");
}

void
list_expect(const struct list *list, uint32_t result)
{
   for (uint32_t i = 0; i < list->count; i++) {
      if (list->results[i] != result)
         die("allocation %u of %u was %s", i, list->count, result ? "kept" : "discarded");
   }
}

void
device_shrink(size_t pages)
{
   static int knob = -1;
   char text[24];

   if (knob < 0)
      knob = open("/sys/kernel/debug/dri/tide/shrink", O_WRONLY | O_CLOEXEC);
   if (knob < 0)
      die_errno("debugfs");
   int length = snprintf(text, sizeof(text), "%zu\n", pages);
   if (write(knob, text, length) != length)
      die_errno("shrink");
}

void
touch(void *memory, size_t size)
{
   volatile uint8_t *bytes = memory;
   for (size_t at = 0; at < size; at += PAGE)
      bytes[at] = 1;
}
