/* SPDX-License-Identifier: MIT */
/* Residency sets: lists of allocations that are used together. */

#include <errno.h>
#include <stdlib.h>

#include "internal.h"

struct tide_residency_set {
   struct tide_residency *residency;
   struct tide_device *device;

   pthread_mutex_t lock;
   struct tide_allocation **allocations; /* each with a reference */
   size_t count, capacity;
   bool begun;
};

int
tide_residency_set_create(struct tide_residency *residency, struct tide_residency_set **set)
{
   if (!residency || !set)
      return -EINVAL;

   struct tide_device *device = tide_residency_device(residency);

   if (tide_device_stale(device))
      return -ESTALE;

   struct tide_residency_set *made = calloc(1, sizeof(*made));

   if (!made)
      return -ENOMEM;
   made->residency = tide_residency_ref(residency);
   made->device = device;
   pthread_mutex_init(&made->lock, NULL);
   *set = made;
   return 0;
}

static void
end_locked(struct tide_residency_set *set)
{
   if (set->begun)
      tide_residency_end(set->residency, set->allocations, set->count);
   set->begun = false;
}

static void
reset_locked(struct tide_residency_set *set)
{
   end_locked(set);
   while (set->count)
      tide_allocation_unref(set->allocations[--set->count]);
}

void
tide_residency_set_destroy(struct tide_residency_set *set)
{
   if (!set || tide_device_stale(set->device))
      return;

   pthread_mutex_lock(&set->lock);
   reset_locked(set);
   pthread_mutex_unlock(&set->lock);
   pthread_mutex_destroy(&set->lock);
   free(set->allocations);
   tide_residency_unref(set->residency);
   free(set);
}

static int
add_locked(struct tide_residency_set *set, struct tide_allocation *allocation)
{
   if (set->begun)
      return -EBUSY;
   if (set->count == set->capacity) {
      const size_t capacity = set->capacity ? set->capacity * 2 : 16;
      struct tide_allocation **grown = NULL;

      if (capacity <= SIZE_MAX / sizeof(*grown))
         grown = realloc(set->allocations, capacity * sizeof(*grown));
      if (!grown)
         return -ENOMEM;
      set->allocations = grown;
      set->capacity = capacity;
   }
   set->allocations[set->count++] = tide_allocation_ref(allocation);
   return 0;
}

int
tide_residency_set_add(struct tide_residency_set *set, struct tide_allocation *allocation)
{
   int ret;

   if (!set || !allocation || allocation->device != set->device)
      return -EINVAL;
   if (tide_device_stale(set->device))
      return -ESTALE;

   pthread_mutex_lock(&set->lock);
   ret = add_locked(set, allocation);
   pthread_mutex_unlock(&set->lock);
   return ret;
}

int
tide_residency_set_begin(struct tide_residency_set *set, struct tide_fence *fence)
{
   uint64_t value;
   int ret = -EBUSY;

   if (!set)
      return -EINVAL;
   if (tide_device_stale(set->device))
      return -ESTALE;

   pthread_mutex_lock(&set->lock);
   if (!set->begun)
      ret = tide_residency_begin(set->residency, set->allocations, set->count, &value);
   if (!ret) {
      set->begun = true;
      if (fence)
         *fence = tide_paging_queue_fence(tide_residency_queue(set->residency), value);
   }
   pthread_mutex_unlock(&set->lock);
   return ret;
}

int
tide_residency_set_end(struct tide_residency_set *set)
{
   int ret = 0;

   if (!set)
      return -EINVAL;
   if (tide_device_stale(set->device))
      return -ESTALE;

   pthread_mutex_lock(&set->lock);
   if (set->begun)
      end_locked(set);
   else
      ret = -EALREADY;
   pthread_mutex_unlock(&set->lock);
   return ret;
}

int
tide_residency_set_reset(struct tide_residency_set *set)
{
   if (!set)
      return -EINVAL;
   if (tide_device_stale(set->device))
      return -ESTALE;

   pthread_mutex_lock(&set->lock);
   reset_locked(set);
   pthread_mutex_unlock(&set->lock);
   return 0;
}
