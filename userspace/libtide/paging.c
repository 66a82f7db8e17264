/* SPDX-License-Identifier: MIT */
/* Paging queues, and what they bring in: residency. */

#include <errno.h>
#include <stdlib.h>

#include "internal.h"

int
tide_paging_queue_create(struct tide_device *device, struct tide_paging_queue **queue)
{
   struct drm_tide_queue_info info = {0};
   int ret;

   if (!device || !queue)
      return -EINVAL;
   if (tide_device_stale(device))
      return -ESTALE;

   const struct tide_kmd_ops *ops = device->kmd->ops;
   struct tide_paging_queue *made = calloc(1, sizeof(*made));

   if (!made)
      return -ENOMEM;
   ret = ops->queue_create(device->kmd, &made->id, &made->syncobj);
   if (ret)
      goto fail;

   /* Its first point is over already, which is the value for 'nothing to wait for'. */
   info.queue = made->id;
   ret = ops->queue_info(device->kmd, &info);
   if (ret) {
      ops->queue_destroy(device->kmd, made->id);
      ops->syncobj_destroy(device->kmd, made->syncobj);
      goto fail;
   }
   made->completed = info.completed;
   made->last = info.completed;
   made->device = tide_device_ref(device);
   pthread_mutex_init(&made->lock, NULL);
   *queue = made;
   return 0;

fail:
   free(made);
   return ret;
}

void
tide_paging_queue_destroy(struct tide_paging_queue *queue)
{
   if (!queue || tide_device_stale(queue->device))
      return;

   struct tide_device *device = queue->device;

   device->kmd->ops->queue_destroy(device->kmd, queue->id);
   device->kmd->ops->syncobj_destroy(device->kmd, queue->syncobj);
   pthread_mutex_destroy(&queue->lock);
   free(queue);
   tide_device_unref(device);
}

struct tide_fence
tide_paging_queue_fence(const struct tide_paging_queue *queue, uint64_t value)
{
   return (struct tide_fence){.syncobj = queue->syncobj, .point = value};
}

void
tide_paging_queue_returned(struct tide_paging_queue *queue, uint64_t returned, uint64_t *value)
{
   pthread_mutex_lock(&queue->lock);
   if (queue->last < returned)
      queue->last = returned;
   pthread_mutex_unlock(&queue->lock);
   if (*value < returned)
      *value = returned;
}

uint64_t
tide_paging_queue_past(struct tide_paging_queue *queue)
{
   uint64_t value;

   pthread_mutex_lock(&queue->lock);
   value = queue->completed;
   pthread_mutex_unlock(&queue->lock);
   return value;
}

static void
note_completed(struct tide_paging_queue *queue, uint64_t value)
{
   pthread_mutex_lock(&queue->lock);
   if (queue->completed < value)
      queue->completed = value;
   pthread_mutex_unlock(&queue->lock);
}

int
tide_paging_queue_wait(struct tide_paging_queue *queue, uint64_t value, uint64_t timeout_ns)
{
   bool over, known;
   int ret;

   if (!queue)
      return -EINVAL;
   if (tide_device_stale(queue->device))
      return -ESTALE;

   pthread_mutex_lock(&queue->lock);
   known = value && value <= queue->last;
   over = value <= queue->completed;
   pthread_mutex_unlock(&queue->lock);
   if (!known)
      return -EINVAL;
   if (over)
      return 0;

   struct tide_fence fence = tide_paging_queue_fence(queue, value);

   ret = tide_fence_wait(queue->device, &fence, 1, timeout_ns);
   if (!ret)
      note_completed(queue, value);
   return ret;
}

int
tide_paging_queue_completed(struct tide_paging_queue *queue, uint64_t *value)
{
   int ret;

   if (!queue || !value)
      return -EINVAL;
   if (tide_device_stale(queue->device))
      return -ESTALE;

   struct tide_kmd *kmd = queue->device->kmd;
   struct drm_tide_queue_info info = {.queue = queue->id};

   ret = kmd->ops->queue_info(kmd, &info);
   if (ret)
      return ret;
   note_completed(queue, info.completed);
   *value = info.completed;
   return 0;
}

int
tide_paging_queue_error(struct tide_paging_queue *queue, uint64_t value)
{
   int ret;

   if (!queue || !value)
      return -EINVAL;
   if (tide_device_stale(queue->device))
      return -ESTALE;

   struct tide_kmd *kmd = queue->device->kmd;
   struct drm_tide_queue_info info = {.queue = queue->id, .value = value};

   ret = kmd->ops->queue_info(kmd, &info);
   if (ret)
      return ret;
   if (info.error)
      return -(int)info.error;
   return info.completed < value ? -EINPROGRESS : 0;
}

/* One portion of a list, as handles. */
typedef int (*list_call)(struct tide_kmd *kmd, struct tide_paging_queue *queue,
                         const uint32_t *handles, uint32_t count, uint64_t *value);

static int
call_make_resident(struct tide_kmd *kmd, struct tide_paging_queue *queue, const uint32_t *handles,
                   uint32_t count, uint64_t *value)
{
   struct drm_tide_make_resident args = {
      .handles = (uintptr_t)handles,
      .count = count,
      .queue = queue->id,
      .flags = DRM_TIDE_MAKE_RESIDENT_MUST_SUCCEED,
   };
   int ret = kmd->ops->make_resident(kmd, &args);

   if (!ret)
      tide_paging_queue_returned(queue, args.value, value);
   return ret;
}

static int
call_evict(struct tide_kmd *kmd, struct tide_paging_queue *queue, const uint32_t *handles,
           uint32_t count, uint64_t *value)
{
   (void)queue;
   (void)value;
   return kmd->ops->evict(kmd, handles, count, 0);
}

/* Calls for a list of any length, in portions that the kernel takes. */
static int
for_portions(struct tide_device *device, struct tide_paging_queue *queue,
             struct tide_allocation *const *allocations, size_t count, uint64_t *value,
             size_t *done, list_call call)
{
   const size_t max = count < device->limits.max_handles ? count : device->limits.max_handles;
   uint32_t *handles = malloc(max * sizeof(*handles));
   int ret = 0;

   if (!handles)
      return -ENOMEM;
   while (*done < count && !ret) {
      uint32_t n = 0;

      while (n < max && *done + n < count) {
         handles[n] = allocations[*done + n]->handle;
         n++;
      }
      ret = call(device->kmd, queue, handles, n, value);
      if (!ret)
         *done += n;
   }
   free(handles);
   return ret;
}

int
tide_make_resident(struct tide_device *device, struct tide_paging_queue *queue,
                   struct tide_allocation *const *allocations, size_t count, uint64_t *value,
                   size_t *done)
{
   if (value)
      *value = 0;
   if (done)
      *done = 0;
   if (!value || !done || !queue || queue->device != device ||
       !tide_list_valid(device, allocations, count))
      return -EINVAL;
   if (tide_device_stale(device))
      return -ESTALE;

   *value = tide_paging_queue_past(queue);
   return for_portions(device, queue, allocations, count, value, done, call_make_resident);
}

int
tide_evict(struct tide_device *device, struct tide_allocation *const *allocations, size_t count,
           size_t *done)
{
   if (done)
      *done = 0;
   if (!done || !tide_list_valid(device, allocations, count))
      return -EINVAL;
   if (tide_device_stale(device))
      return -ESTALE;

   return for_portions(device, NULL, allocations, count, NULL, done, call_evict);
}
