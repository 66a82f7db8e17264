/* SPDX-License-Identifier: MIT */
/* Allocations: their life, mapping and sharing. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* Takes over @handle if it succeeds. */
static struct tide_allocation *
allocation_new(struct tide_device *device, uint32_t handle, uint64_t size)
{
   struct tide_allocation *allocation = calloc(1, sizeof(*allocation));

   if (!allocation)
      return NULL;
   allocation->device = tide_device_ref(device);
   allocation->handle = handle;
   allocation->size = size;
   allocation->users = 1;
   pthread_mutex_init(&allocation->lock, NULL);
   tide_list_init(&allocation->follow_link);
   tide_list_init(&allocation->unsent_link);
   tide_list_init(&allocation->lru_link);
   return allocation;
}

int
tide_allocation_create(struct tide_device *device, uint64_t size, uint32_t flags,
                       struct tide_allocation **allocation)
{
   uint32_t handle;
   int ret;

   if (!device || !allocation || !size || flags)
      return -EINVAL;
   if (tide_device_stale(device))
      return -ESTALE;

   ret = device->kmd->ops->bo_create(device->kmd, size, &handle, &size);
   if (ret)
      return ret;

   struct tide_allocation *made = allocation_new(device, handle, size);

   if (!made) {
      device->kmd->ops->bo_close(device->kmd, handle);
      return -ENOMEM;
   }
   *allocation = made;
   return 0;
}

struct tide_allocation *
tide_allocation_ref(struct tide_allocation *allocation)
{
   pthread_mutex_lock(&allocation->lock);
   allocation->users++;
   pthread_mutex_unlock(&allocation->lock);
   return allocation;
}

void
tide_allocation_unref(struct tide_allocation *allocation)
{
   bool dead = false;

   if (!allocation || tide_device_stale(allocation->device))
      return;

   pthread_mutex_lock(&allocation->lock);
   if (!--allocation->users) {
      allocation->wanted = 0;
      dead = !allocation->batch_refs && !allocation->turn;
      allocation->dying = dead;
   }
   pthread_mutex_unlock(&allocation->lock);

   if (dead)
      tide_allocation_free(allocation);
}

void
tide_allocation_free(struct tide_allocation *allocation)
{
   struct tide_device *device = allocation->device;
   const struct tide_kmd_ops *ops = device->kmd->ops;

   pthread_mutex_lock(&device->unsent_lock);
   if (!tide_list_empty(&allocation->unsent_link)) {
      tide_list_remove(&allocation->unsent_link);
      atomic_fetch_sub(&device->unsent_count, 1);
   }
   pthread_mutex_unlock(&device->unsent_lock);

   tide_residency_forget(allocation);
   if (allocation->map)
      ops->bo_unmap(device->kmd, allocation->map, allocation->size);

   if (allocation->shared) {
      /* An import gives the same handle as long as it is open: not in between. */
      pthread_mutex_lock(&device->share_lock);
      device->shared[allocation->handle] = NULL;
      ops->bo_close(device->kmd, allocation->handle);
      pthread_cond_broadcast(&device->share_closed);
      pthread_mutex_unlock(&device->share_lock);
   } else {
      ops->bo_close(device->kmd, allocation->handle);
   }

   pthread_mutex_destroy(&allocation->lock);
   free(allocation);
   tide_device_unref(device);
}

uint64_t
tide_allocation_size(const struct tide_allocation *allocation)
{
   return allocation->size;
}

uint32_t
tide_allocation_handle(const struct tide_allocation *allocation)
{
   return allocation->handle;
}

int
tide_allocation_map(struct tide_allocation *allocation, void **pointer)
{
   int ret = 0;

   if (!allocation || !pointer)
      return -EINVAL;

   struct tide_device *device = allocation->device;

   if (tide_device_stale(device))
      return -ESTALE;

   pthread_mutex_lock(&device->map_lock);
   if (!allocation->map)
      ret = device->kmd->ops->bo_map(device->kmd, allocation->handle, allocation->size,
                                     &allocation->map);
   if (!ret) {
      allocation->map_count++;
      *pointer = allocation->map;
   }
   pthread_mutex_unlock(&device->map_lock);
   return ret;
}

void
tide_allocation_unmap(struct tide_allocation *allocation)
{
   struct tide_device *device = allocation->device;

   if (tide_device_stale(device))
      return;

   pthread_mutex_lock(&device->map_lock);
   if (allocation->map_count && !--allocation->map_count) {
      device->kmd->ops->bo_unmap(device->kmd, allocation->map, allocation->size);
      allocation->map = NULL;
   }
   pthread_mutex_unlock(&device->map_lock);
}

int
tide_allocation_mmap_offset(struct tide_allocation *allocation, uint64_t *offset)
{
   if (!allocation || !offset)
      return -EINVAL;

   struct tide_device *device = allocation->device;

   if (tide_device_stale(device))
      return -ESTALE;
   return device->kmd->ops->bo_mmap_offset(device->kmd, allocation->handle, offset);
}

int
tide_allocation_hold(struct tide_allocation *allocation)
{
   if (!allocation)
      return -EINVAL;
   if (tide_device_stale(allocation->device))
      return -ESTALE;
   return tide_offer_hold(allocation);
}

void
tide_allocation_release(struct tide_allocation *allocation)
{
   uint32_t scratch[1];

   if (!tide_device_stale(allocation->device))
      tide_offer_release(allocation->device, &allocation, scratch, 1);
}

bool
tide_allocation_in_use(struct tide_allocation *allocation)
{
   bool in_use;

   if (tide_device_stale(allocation->device))
      return true;

   pthread_mutex_lock(&allocation->lock);
   in_use = allocation->batch_refs;
   pthread_mutex_unlock(&allocation->lock);
   return in_use;
}

/* Makes room for @handle in the table of what is shared. */
static int
reserve_shared_locked(struct tide_device *device, uint32_t handle)
{
   if (handle < device->shared_size)
      return 0;

   struct tide_allocation **table = NULL;
   const uint64_t size = (uint64_t)handle + handle / 2 + 16;

   if (size <= UINT32_MAX && size <= SIZE_MAX / sizeof(*table))
      table = realloc(device->shared, size * sizeof(*table));
   if (!table)
      return -ENOMEM;
   memset(&table[device->shared_size], 0, (size - device->shared_size) * sizeof(*table));
   device->shared = table;
   device->shared_size = size;
   return 0;
}

static void
add_shared_locked(struct tide_device *device, struct tide_allocation *allocation)
{
   device->shared[allocation->handle] = allocation;
   pthread_mutex_lock(&allocation->lock);
   allocation->shared = true;
   pthread_mutex_unlock(&allocation->lock);
}

int
tide_allocation_export(struct tide_allocation *allocation, int *fd)
{
   bool offered;
   int ret;

   if (!allocation || !fd)
      return -EINVAL;

   struct tide_device *device = allocation->device;

   if (tide_device_stale(device))
      return -ESTALE;

   pthread_mutex_lock(&allocation->lock);
   offered = tide_allocation_offered_locked(allocation);
   pthread_mutex_unlock(&allocation->lock);
   if (offered)
      return -EBUSY;

   pthread_mutex_lock(&device->share_lock);
   ret = reserve_shared_locked(device, allocation->handle);
   if (!ret) {
      add_shared_locked(device, allocation);
      ret = device->kmd->ops->bo_export(device->kmd, allocation->handle, fd);
   }
   pthread_mutex_unlock(&device->share_lock);
   return ret;
}

/* Makes an object of a handle that the device did not have, or closes it. */
static int
import_new_locked(struct tide_device *device, uint32_t handle, struct tide_allocation **allocation)
{
   struct drm_tide_bo_info info = {.handle = handle};
   struct tide_allocation *made = NULL;
   int ret;

   ret = device->kmd->ops->bo_info(device->kmd, &info);
   if (!ret)
      ret = reserve_shared_locked(device, handle);
   if (!ret) {
      made = allocation_new(device, handle, info.size);
      ret = made ? 0 : -ENOMEM;
   }
   if (ret) {
      device->kmd->ops->bo_close(device->kmd, handle);
      return ret;
   }
   add_shared_locked(device, made);
   *allocation = made;
   return 0;
}

int
tide_allocation_import(struct tide_device *device, int fd, struct tide_allocation **allocation)
{
   uint32_t handle;
   int ret;

   if (!device || !allocation)
      return -EINVAL;
   if (tide_device_stale(device))
      return -ESTALE;

   pthread_mutex_lock(&device->share_lock);
   while (true) {
      ret = device->kmd->ops->bo_import(device->kmd, fd, &handle);
      if (ret)
         break;

      struct tide_allocation *known = handle < device->shared_size ? device->shared[handle] : NULL;

      if (!known) {
         ret = import_new_locked(device, handle, allocation);
         break;
      }

      bool dying;

      pthread_mutex_lock(&known->lock);
      dying = known->dying;
      if (!dying)
         known->users++;
      pthread_mutex_unlock(&known->lock);
      if (!dying) {
         *allocation = known;
         break;
      }
      /* Another thread is about to close the handle; then there is a new one. */
      pthread_cond_wait(&device->share_closed, &device->share_lock);
   }
   pthread_mutex_unlock(&device->share_lock);
   return ret;
}

int
tide_allocation_query(struct tide_allocation *allocation, struct tide_allocation_info *info)
{
   static const struct {
      uint32_t kernel, flag;
   } flags[] = {
      {DRM_TIDE_BO_DISCARDED, TIDE_ALLOCATION_DISCARDED},
      {DRM_TIDE_BO_DISCARD_UNTOLD, TIDE_ALLOCATION_DISCARDED},
      {DRM_TIDE_BO_RESIDENT, TIDE_ALLOCATION_RESIDENT},
      {DRM_TIDE_BO_EXPORTED, TIDE_ALLOCATION_EXPORTED},
      {DRM_TIDE_BO_BUSY, TIDE_ALLOCATION_BUSY},
   };
   int ret;

   if (!allocation || !info)
      return -EINVAL;

   struct tide_device *device = allocation->device;
   struct drm_tide_bo_info bo = {.handle = allocation->handle};

   if (tide_device_stale(device))
      return -ESTALE;

   ret = device->kmd->ops->bo_info(device->kmd, &bo);
   if (ret)
      return ret;

   *info = (struct tide_allocation_info){
      .present = bo.present,
      .discard_count = bo.discard_count,
      .residency_count = bo.residency_count,
      .page_in_error = -(int32_t)bo.page_in_error,
   };
   for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
      if (bo.flags & flags[i].kernel)
         info->flags |= flags[i].flag;

   /* Whether it is offered the library knows better: the kernel may not know yet. */
   pthread_mutex_lock(&allocation->lock);
   if (tide_allocation_offered_locked(allocation))
      info->flags |= TIDE_ALLOCATION_OFFERED;
   if (allocation->wanted && !allocation->offered)
      info->flags |= TIDE_ALLOCATION_DEFERRED;
   pthread_mutex_unlock(&allocation->lock);
   return 0;
}

bool
tide_list_valid(const struct tide_device *device, struct tide_allocation *const *allocations,
                size_t count)
{
   if (!device || !allocations || !count)
      return false;
   for (size_t i = 0; i < count; i++)
      if (!allocations[i] || allocations[i]->device != device)
         return false;
   return true;
}
