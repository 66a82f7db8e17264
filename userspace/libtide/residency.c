/* SPDX-License-Identifier: MIT */
/*
 * Residency managers: what is required, and for how long.
 *
 * What is used is required of the kernel, and stays so after its use, until the
 * budget is needed for something else: then what was used longest ago goes. So
 * what is used again and again costs no call. A use is short: from before a
 * submission until the kernel has it, from when on the kernel keeps what the job
 * names. Hence what can be evicted is all that is not in use, and nobody waits for
 * the GPU.
 *
 * Where nothing is left to evict, the budget is exceeded: first as far as the
 * segment goes, and where others are in the way, further. Budgets are advice, and
 * what is resident at one time is the kernel's business, which refuses a job that
 * could never run.
 */

#include <errno.h>
#include <stdlib.h>

#include "internal.h"

struct tide_residency {
   struct tide_device *device;
   struct tide_paging_queue *queue;
   struct tide_trimmer *trimmer;
   atomic_uint refs;
   struct tide_list lru; /* under residency_lock; used last is last */
};

#define EVICT_PORTION 64

/* Least recently used ones that are leaving. */
struct eviction {
   uint32_t handles[EVICT_PORTION];
   uint32_t count;
};

static void
evict_now(struct tide_device *device, struct eviction *eviction)
{
   const struct tide_kmd_ops *ops = device->kmd->ops;
   const uint32_t flags = DRM_TIDE_EVICT_ONLY_IF_NECESSARY;

   /* One that the kernel refuses must not keep the others. */
   if (eviction->count && ops->evict(device->kmd, eviction->handles, eviction->count, flags))
      for (uint32_t i = 0; i < eviction->count; i++)
         ops->evict(device->kmd, &eviction->handles[i], 1, flags);
   eviction->count = 0;
}

static void
evict_locked(struct tide_allocation *allocation, struct eviction *eviction)
{
   tide_list_remove(&allocation->lru_link);
   allocation->required = false;
   allocation->residency = NULL;
   eviction->handles[eviction->count++] = allocation->handle;
   if (eviction->count == EVICT_PORTION)
      evict_now(allocation->device, eviction);
}

/* What is offered is no part of the usage. */
static bool
is_used_bytes(struct tide_allocation *allocation)
{
   bool offered;

   pthread_mutex_lock(&allocation->lock);
   offered = allocation->offered;
   pthread_mutex_unlock(&allocation->lock);
   return !offered;
}

/* Evicts at least so many bytes of a segment, if there are; whether it has evicted any. */
static bool
trim_locked(struct tide_residency *residency, uint32_t segment, uint64_t bytes)
{
   struct eviction eviction = {.count = 0};
   struct tide_list *link = residency->lru.next;
   uint64_t evicted = 0;

   while (link != &residency->lru && evicted < bytes) {
      struct tide_allocation *allocation = TIDE_CONTAINER(link, struct tide_allocation, lru_link);

      link = link->next;
      if (allocation->segment != segment)
         continue;
      if (is_used_bytes(allocation))
         evicted += allocation->size;
      evict_locked(allocation, &eviction);
   }
   evict_now(residency->device, &eviction);
   return evicted;
}

static void
trim_to_budget(void *data, const struct tide_trim *trim)
{
   struct tide_residency *residency = data;
   struct tide_device *device = residency->device;
   struct tide_budget budget;

   if (trim->reason != TIDE_TRIM_BUDGET)
      return;

   /* What the event has told may be long past. */
   pthread_mutex_lock(&device->residency_lock);
   if (!tide_device_budget(device, trim->segment, &budget) && budget.usage > budget.budget)
      trim_locked(residency, trim->segment, budget.usage - budget.budget);
   pthread_mutex_unlock(&device->residency_lock);
}

int
tide_residency_create(struct tide_device *device, struct tide_residency **residency)
{
   int ret;

   if (!device || !residency)
      return -EINVAL;
   if (tide_device_stale(device))
      return -ESTALE;

   struct tide_residency *made = calloc(1, sizeof(*made));

   if (!made)
      return -ENOMEM;
   made->device = device;
   atomic_init(&made->refs, 1);
   tide_list_init(&made->lru);
   ret = tide_paging_queue_create(device, &made->queue);
   if (!ret) {
      ret = tide_trimmer_create(device, trim_to_budget, made, &made->trimmer);
      if (ret)
         tide_paging_queue_destroy(made->queue);
   }
   if (ret) {
      free(made);
      return ret;
   }
   *residency = made;
   return 0;
}

struct tide_residency *
tide_residency_ref(struct tide_residency *residency)
{
   atomic_fetch_add(&residency->refs, 1);
   return residency;
}

/* Nothing is in use any more. */
void
tide_residency_unref(struct tide_residency *residency)
{
   struct tide_device *device = residency->device;
   struct eviction eviction = {.count = 0};

   if (atomic_fetch_sub(&residency->refs, 1) != 1)
      return;

   tide_trimmer_destroy(residency->trimmer);
   pthread_mutex_lock(&device->residency_lock);
   while (!tide_list_empty(&residency->lru)) {
      struct tide_allocation *allocation =
         TIDE_CONTAINER(residency->lru.next, struct tide_allocation, lru_link);

      evict_locked(allocation, &eviction);
   }
   evict_now(device, &eviction);
   pthread_mutex_unlock(&device->residency_lock);
   tide_paging_queue_destroy(residency->queue);
   free(residency);
}

void
tide_residency_destroy(struct tide_residency *residency)
{
   if (residency && !tide_device_stale(residency->device))
      tide_residency_unref(residency);
}

struct tide_device *
tide_residency_device(const struct tide_residency *residency)
{
   return residency->device;
}

struct tide_paging_queue *
tide_residency_queue(struct tide_residency *residency)
{
   return residency->queue;
}

/* Finds out what there is to know of one that is used for the first time. */
static int
adopt_locked(struct tide_residency *residency, struct tide_allocation *allocation)
{
   struct tide_device *device = residency->device;
   struct drm_tide_bo_info info = {.handle = allocation->handle};
   int ret;

   if (allocation->residency)
      return allocation->residency == residency ? 0 : -EBUSY;

   if (device->limits.segment_count > 1) {
      ret = device->kmd->ops->bo_info(device->kmd, &info);
      if (ret)
         return ret;
   }
   allocation->segment = info.segment;
   allocation->residency = residency;
   return 0;
}

/* What the kernel is asked for: all that is not required yet. */
struct wish {
   struct tide_allocation **allocations;
   uint32_t *handles;
   size_t count, granted;
};

static uint32_t
next_flags(uint32_t flags)
{
   return flags ? DRM_TIDE_MAKE_RESIDENT_MUST_SUCCEED : DRM_TIDE_MAKE_RESIDENT_CANT_TRIM;
}

static int
require_locked(struct tide_residency *residency, struct wish *wish, uint64_t *value)
{
   struct tide_device *device = residency->device;
   uint32_t flags = 0;

   while (wish->granted < wish->count) {
      const size_t left = wish->count - wish->granted;
      const size_t max = flags ? 1 : device->limits.max_handles;
      struct drm_tide_make_resident args = {
         .handles = (uintptr_t)&wish->handles[wish->granted],
         .count = left < max ? left : max,
         .queue = residency->queue->id,
         .flags = flags,
      };
      int ret = device->kmd->ops->make_resident(device->kmd, &args);

      if (ret && ret != -ENOSPC)
         return ret;
      tide_paging_queue_returned(residency->queue, args.value, value);
      wish->granted += args.taken;
      if (!ret) {
         flags = 0;
         continue;
      }
      /* The next one does not fit. */
      if (flags & DRM_TIDE_MAKE_RESIDENT_MUST_SUCCEED)
         return ret;
      if (!trim_locked(residency, wish->allocations[wish->granted]->segment, args.trim_bytes))
         flags = next_flags(flags);
   }
   return 0;
}

/* Uses no more. */
static void
end_locked(struct tide_allocation *allocation)
{
   if (--allocation->uses)
      return;
   if (allocation->required)
      tide_list_add_tail(&allocation->residency->lru, &allocation->lru_link);
   else
      allocation->residency = NULL;
}

static void
undo_locked(struct tide_residency *residency, const struct wish *wish)
{
   struct tide_device *device = residency->device;

   for (size_t i = 0; i < wish->count; i++) {
      wish->allocations[i]->required = false;
      if (i < wish->granted)
         device->kmd->ops->evict(device->kmd, &wish->handles[i], 1,
                                 DRM_TIDE_EVICT_ONLY_IF_NECESSARY);
   }
}

static int
begin_locked(struct tide_residency *residency, struct tide_allocation *const *allocations,
             size_t count, struct wish *wish, uint64_t *value)
{
   size_t begun;
   int ret = 0;

   for (begun = 0; begun < count && !ret; begun++) {
      struct tide_allocation *allocation = allocations[begun];

      ret = adopt_locked(residency, allocation);
      if (ret)
         break;
      if (!allocation->uses++)
         tide_list_remove(&allocation->lru_link);
      if (!allocation->required) {
         allocation->required = true;
         wish->handles[wish->count] = allocation->handle;
         wish->allocations[wish->count++] = allocation;
      }
   }
   if (!ret)
      ret = require_locked(residency, wish, value);
   if (ret) {
      undo_locked(residency, wish);
      while (begun)
         end_locked(allocations[--begun]);
   }
   return ret;
}

int
tide_residency_begin(struct tide_residency *residency, struct tide_allocation *const *allocations,
                     size_t count, uint64_t *value)
{
   struct tide_device *device = residency->device;
   struct wish wish = {.count = 0};
   int ret = -ENOMEM;

   *value = tide_paging_queue_past(residency->queue);
   if (!count)
      return 0;

   wish.handles = malloc(count * sizeof(*wish.handles));
   wish.allocations = malloc(count * sizeof(*wish.allocations));
   if (wish.handles && wish.allocations) {
      pthread_mutex_lock(&device->residency_lock);
      ret = begin_locked(residency, allocations, count, &wish, value);
      pthread_mutex_unlock(&device->residency_lock);
   }
   free(wish.handles);
   free(wish.allocations);
   return ret;
}

void
tide_residency_end(struct tide_residency *residency, struct tide_allocation *const *allocations,
                   size_t count)
{
   pthread_mutex_lock(&residency->device->residency_lock);
   for (size_t i = 0; i < count; i++)
      end_locked(allocations[i]);
   pthread_mutex_unlock(&residency->device->residency_lock);
}

void
tide_residency_retry(struct tide_residency *residency, struct tide_allocation *const *allocations,
                     size_t count)
{
   struct eviction eviction = {.count = 0};

   pthread_mutex_lock(&residency->device->residency_lock);
   for (size_t i = 0; i < count; i++) {
      struct tide_allocation *allocation = allocations[i];

      if (allocation->residency == residency && allocation->required && !allocation->uses)
         evict_locked(allocation, &eviction);
   }
   evict_now(residency->device, &eviction);
   pthread_mutex_unlock(&residency->device->residency_lock);
}

void
tide_residency_forget(struct tide_allocation *allocation)
{
   pthread_mutex_lock(&allocation->device->residency_lock);
   tide_list_remove(&allocation->lru_link);
   pthread_mutex_unlock(&allocation->device->residency_lock);
}
