/* SPDX-License-Identifier: MIT */
/* Caches of the library's users, and emptying them. */

#include <errno.h>
#include <stdlib.h>

#include "internal.h"

int
tide_trimmer_create(struct tide_device *device, tide_trim_callback callback, void *data,
                    struct tide_trimmer **trimmer)
{
   if (!device || !callback || !trimmer)
      return -EINVAL;
   if (tide_device_stale(device))
      return -ESTALE;

   struct tide_trimmer *made = calloc(1, sizeof(*made));

   if (!made)
      return -ENOMEM;
   made->device = tide_device_ref(device);
   made->callback = callback;
   made->data = data;

   pthread_mutex_lock(&device->trim_lock);
   tide_list_add_tail(&device->trimmers, &made->link);
   pthread_mutex_unlock(&device->trim_lock);
   *trimmer = made;
   return 0;
}

void
tide_trimmer_destroy(struct tide_trimmer *trimmer)
{
   if (!trimmer || tide_device_stale(trimmer->device))
      return;

   struct tide_device *device = trimmer->device;

   pthread_mutex_lock(&device->trim_lock);
   tide_list_remove(&trimmer->link);
   pthread_mutex_unlock(&device->trim_lock);
   free(trimmer);
   tide_device_unref(device);
}

void
tide_trim_run(struct tide_device *device, const struct tide_trim *trim)
{
   pthread_mutex_lock(&device->trim_lock);
   for (struct tide_list *l = device->trimmers.next; l != &device->trimmers; l = l->next) {
      struct tide_trimmer *trimmer = TIDE_CONTAINER(l, struct tide_trimmer, link);

      trimmer->callback(trimmer->data, trim);
   }
   pthread_mutex_unlock(&device->trim_lock);
}

int
tide_device_trim(struct tide_device *device)
{
   const struct tide_trim trim = {.reason = TIDE_TRIM_REQUEST};

   if (!device)
      return -EINVAL;
   if (tide_device_stale(device))
      return -ESTALE;

   tide_trim_run(device, &trim);
   return 0;
}
