/* SPDX-License-Identifier: MIT */
/* Finding, opening and closing a device. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xf86drm.h>

#include "internal.h"

#define DRIVER_NAME "tide"
#define MAX_NODES 64

int
tide_device_create(struct tide_kmd *kmd, struct tide_device **device)
{
   const long page = sysconf(_SC_PAGESIZE);
   struct tide_device *made = calloc(1, sizeof(*made));
   int ret;

   if (!made)
      return -ENOMEM;

   made->kmd = kmd;
   ret = kmd->ops->info(kmd, &made->limits);
   if (ret)
      goto fail;
   /* A later driver does what this library knows; an older one does not. */
   if (made->limits.uapi_version < DRM_TIDE_UAPI_VERSION || !made->limits.max_handles) {
      ret = -EPROTO;
      goto fail;
   }

   uint8_t *alive = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
   if (alive == MAP_FAILED) {
      ret = -ENOMEM;
      goto fail;
   }
   if (madvise(alive, page, MADV_WIPEONFORK)) {
      ret = -errno;
      munmap(alive, page);
      goto fail;
   }
   *alive = 1;
   made->alive = alive;

   atomic_init(&made->refs, 1);
   atomic_init(&made->unsent_count, 0);
   atomic_init(&made->offer_clock, 0);
   tide_list_init(&made->unsent);
   pthread_mutex_init(&made->share_lock, NULL);
   pthread_cond_init(&made->share_closed, NULL);
   pthread_mutex_init(&made->unsent_lock, NULL);
   pthread_mutex_init(&made->wait_lock, NULL);
   pthread_cond_init(&made->turn_over, NULL);
   pthread_mutex_init(&made->map_lock, NULL);
   pthread_mutex_init(&made->trim_lock, NULL);
   tide_list_init(&made->trimmers);
   pthread_mutex_init(&made->event_lock, NULL);
   pthread_mutex_init(&made->residency_lock, NULL);
   *device = made;
   return 0;

fail:
   free(made);
   return ret;
}

static bool
is_tide(int fd)
{
   drmVersionPtr version = drmGetVersion(fd);
   bool is = version && version->name && !strcmp(version->name, DRIVER_NAME);

   drmFreeVersion(version);
   return is;
}

/* Takes over @fd, also if it fails. */
static int
device_of_fd(int fd, struct tide_device **device)
{
   struct tide_kmd *kmd;
   int ret;

   ret = is_tide(fd) ? tide_kmd_drm_create(fd, &kmd) : -ENODEV;
   if (ret) {
      close(fd);
      return ret;
   }
   ret = tide_device_create(kmd, device);
   if (ret)
      kmd->ops->destroy(kmd);
   return ret;
}

int
tide_device_open(int fd, struct tide_device **device)
{
   if (!device)
      return -EINVAL;

   int own = fcntl(fd, F_DUPFD_CLOEXEC, 3);

   return own < 0 ? -errno : device_of_fd(own, device);
}

int
tide_device_open_first(struct tide_device **device)
{
   drmDevicePtr nodes[MAX_NODES];
   bool denied = false;
   int ret = -ENODEV;

   if (!device)
      return -EINVAL;

   int count = drmGetDevices2(0, nodes, MAX_NODES);

   if (count < 0)
      return count == -ENOENT ? -ENODEV : count;
   if (count > MAX_NODES)
      count = MAX_NODES;

   for (int i = 0; i < count && ret == -ENODEV; i++) {
      if (!(nodes[i]->available_nodes & (1 << DRM_NODE_RENDER)))
         continue;

      int fd = open(nodes[i]->nodes[DRM_NODE_RENDER], O_RDWR | O_CLOEXEC);

      /* It may be another driver's: go on. */
      if (fd < 0)
         denied |= errno == EACCES;
      else
         ret = device_of_fd(fd, device);
   }
   drmFreeDevices(nodes, count);
   return ret == -ENODEV && denied ? -EACCES : ret;
}

struct tide_device *
tide_device_ref(struct tide_device *device)
{
   atomic_fetch_add(&device->refs, 1);
   return device;
}

void
tide_device_unref(struct tide_device *device)
{
   if (!device || tide_device_stale(device) || atomic_fetch_sub(&device->refs, 1) != 1)
      return;

   device->kmd->ops->destroy(device->kmd);
   munmap((void *)device->alive, sysconf(_SC_PAGESIZE));
   pthread_mutex_destroy(&device->share_lock);
   pthread_cond_destroy(&device->share_closed);
   pthread_mutex_destroy(&device->unsent_lock);
   pthread_mutex_destroy(&device->wait_lock);
   pthread_cond_destroy(&device->turn_over);
   pthread_mutex_destroy(&device->map_lock);
   pthread_mutex_destroy(&device->trim_lock);
   pthread_mutex_destroy(&device->event_lock);
   pthread_mutex_destroy(&device->residency_lock);
   free(device->shared);
   free(device);
}

int
tide_device_fd(const struct tide_device *device)
{
   return device->kmd->fd;
}

int
tide_device_segment(struct tide_device *device, uint32_t index, struct tide_segment *segment)
{
   struct drm_tide_segment_info info = {.segment = index};
   int ret;

   if (!device || !segment)
      return -EINVAL;
   if (tide_device_stale(device))
      return -ESTALE;

   ret = device->kmd->ops->segment_info(device->kmd, &info);
   if (ret)
      return ret;
   segment->size = info.size;
   segment->usage = info.usage;
   return 0;
}
