/* SPDX-License-Identifier: MIT */
/* Trim events: read by who polls, or by a watcher, which is a thread that does. */

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "internal.h"

#define MAX_EVENTS 32 /* the kernel has one for each segment at most */

struct tide_watcher {
   struct tide_device *device;
   pthread_t thread;
   int stop; /* an eventfd */
};

static int
dispatch(struct tide_device *device)
{
   struct drm_tide_event_trim events[MAX_EVENTS];
   int count;

   /* Of two threads that see an event, the second finds none. */
   pthread_mutex_lock(&device->event_lock);
   count = device->kmd->ops->read_trims(device->kmd, events, MAX_EVENTS);
   pthread_mutex_unlock(&device->event_lock);

   for (int i = 0; i < count; i++) {
      const struct tide_trim trim = {
         .reason = TIDE_TRIM_BUDGET,
         .segment = events[i].segment,
         .bytes = events[i].bytes,
      };

      tide_trim_run(device, &trim);
   }
   return count < 0 ? count : 0;
}

int
tide_device_dispatch(struct tide_device *device)
{
   if (!device)
      return -EINVAL;
   if (tide_device_stale(device))
      return -ESTALE;
   return dispatch(device);
}

static void *
watch(void *data)
{
   struct tide_watcher *watcher = data;
   struct pollfd fds[] = {
      {.fd = watcher->stop, .events = POLLIN},
      {.fd = watcher->device->kmd->fd, .events = POLLIN},
   };

   while (true) {
      if (poll(fds, 2, -1) < 0)
         continue;
      if (fds[0].revents)
         return NULL;
      /* From a file that is broken there is nothing to come. */
      if (fds[1].revents & ~POLLIN || dispatch(watcher->device))
         fds[1].fd = -1;
   }
}

int
tide_watcher_create(struct tide_device *device, struct tide_watcher **watcher)
{
   int ret;

   if (!device || !watcher)
      return -EINVAL;
   if (tide_device_stale(device))
      return -ESTALE;

   struct tide_watcher *made = calloc(1, sizeof(*made));

   if (!made)
      return -ENOMEM;
   made->device = tide_device_ref(device);
   made->stop = eventfd(0, EFD_CLOEXEC);
   ret = made->stop < 0 ? -errno : tide_thread_create(&made->thread, watch, made);
   if (ret) {
      if (made->stop >= 0)
         close(made->stop);
      tide_device_unref(device);
      free(made);
      return ret;
   }
   *watcher = made;
   return 0;
}

void
tide_watcher_destroy(struct tide_watcher *watcher)
{
   if (!watcher || tide_device_stale(watcher->device))
      return;

   eventfd_write(watcher->stop, 1);
   pthread_join(watcher->thread, NULL);
   close(watcher->stop);
   tide_device_unref(watcher->device);
   free(watcher);
}
