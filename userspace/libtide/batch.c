/* SPDX-License-Identifier: MIT */
/* Batches: what they refer to, and their life. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "batch.h"

int
tide_batch_create(struct tide_context *context, enum tide_batch_kind kind,
                  struct tide_batch **batch)
{
   if (!context || !batch || (kind != TIDE_BATCH_ENGINE && kind != TIDE_BATCH_CPU))
      return -EINVAL;
   if (tide_device_stale(context->device))
      return -ESTALE;

   struct tide_batch *made = calloc(1, sizeof(*made));

   if (!made)
      return -ENOMEM;
   made->context = tide_context_ref(context);
   made->kind = kind;
   made->state = TIDE_BATCH_BUILDING;
   pthread_mutex_init(&made->lock, NULL);
   *batch = made;
   return 0;
}

/* Lets go of what it refers to, and so lets held back offers go. */
static void
release_locked(struct tide_batch *batch)
{
   /* The table of slots has room for two entries an allocation, and has done its work. */
   if (batch->count)
      tide_offer_release(batch->context->device, batch->allocations, batch->slots, batch->count);
   if (batch->slots)
      memset(batch->slots, 0, (batch->slot_mask + 1) * sizeof(*batch->slots));
   batch->count = 0;
   batch->command_count = 0;
}

void
tide_batch_over_locked(struct tide_batch *batch)
{
   batch->state = TIDE_BATCH_OVER;
   release_locked(batch);
}

void
tide_batch_move_locked(struct tide_batch *to, struct tide_batch *from)
{
   to->allocations = from->allocations;
   to->bos = from->bos;
   to->count = from->count;
   to->capacity = from->capacity;
   to->slots = from->slots;
   to->slot_mask = from->slot_mask;
   to->commands = from->commands;
   to->command_count = from->command_count;
   to->command_capacity = from->command_capacity;

   from->allocations = NULL;
   from->bos = NULL;
   from->slots = NULL;
   from->commands = NULL;
   from->count = from->capacity = from->slot_mask = 0;
   from->command_count = from->command_capacity = 0;
   from->state = TIDE_BATCH_OVER;
}

void
tide_batch_destroy(struct tide_batch *batch)
{
   if (!batch || tide_device_stale(batch->context->device))
      return;

   pthread_mutex_lock(&batch->lock);
   release_locked(batch);
   pthread_mutex_unlock(&batch->lock);

   tide_context_unref(batch->context);
   pthread_mutex_destroy(&batch->lock);
   free(batch->allocations);
   free(batch->bos);
   free(batch->slots);
   free(batch->commands);
   free(batch);
}

int
tide_batch_reset(struct tide_batch *batch)
{
   int ret = 0;

   if (!batch)
      return -EINVAL;
   if (tide_device_stale(batch->context->device))
      return -ESTALE;

   pthread_mutex_lock(&batch->lock);
   if (batch->state == TIDE_BATCH_SUBMITTING) {
      ret = -EBUSY;
   } else {
      release_locked(batch);
      batch->state = TIDE_BATCH_BUILDING;
   }
   pthread_mutex_unlock(&batch->lock);
   return ret;
}

int
tide_batch_end(struct tide_batch *batch)
{
   int ret = 0;

   if (!batch || batch->kind != TIDE_BATCH_CPU)
      return -EINVAL;
   if (tide_device_stale(batch->context->device))
      return -ESTALE;

   pthread_mutex_lock(&batch->lock);
   if (batch->state == TIDE_BATCH_BUILDING)
      tide_batch_over_locked(batch);
   else
      ret = -EALREADY;
   pthread_mutex_unlock(&batch->lock);
   return ret;
}

static uint32_t
first_slot(const struct tide_batch *batch, const struct tide_allocation *allocation)
{
   /* The multiplier is 2^32 by the golden ratio: neighbours in memory land far apart. */
   const uint32_t hash = (uint32_t)((uintptr_t)allocation >> 4) * 2654435769u;

   return (hash >> 8) & batch->slot_mask;
}

/* The slot of @allocation, or the empty one where it would be. */
static uint32_t *
find_slot(const struct tide_batch *batch, const struct tide_allocation *allocation)
{
   uint32_t i = first_slot(batch, allocation);

   while (batch->slots[i] && batch->allocations[batch->slots[i] - 1] != allocation)
      i = (i + 1) & batch->slot_mask;
   return &batch->slots[i];
}

static bool
grow_array(void *array, size_t entry_size, uint32_t capacity)
{
   void **pointer = array;
   void *grown = NULL;

   if (capacity <= SIZE_MAX / entry_size)
      grown = realloc(*pointer, capacity * entry_size);
   if (grown)
      *pointer = grown;
   return grown;
}

/* Makes room for one more allocation. */
static int
reserve_reference(struct tide_batch *batch)
{
   if (batch->count < batch->capacity)
      return 0;

   const uint32_t capacity = batch->capacity ? batch->capacity * 2 : 16;
   uint32_t *slots;

   if (capacity > UINT32_MAX / 4 ||
       !grow_array(&batch->allocations, sizeof(*batch->allocations), capacity) ||
       !grow_array(&batch->bos, sizeof(*batch->bos), capacity))
      return -ENOMEM;
   slots = calloc(capacity, 2 * sizeof(*slots));
   if (!slots)
      return -ENOMEM;
   free(batch->slots);
   batch->slots = slots;
   batch->slot_mask = capacity * 2 - 1;
   batch->capacity = capacity;
   for (uint32_t i = 0; i < batch->count; i++)
      *find_slot(batch, batch->allocations[i]) = i + 1;
   return 0;
}

int
tide_batch_reference_locked(struct tide_batch *batch, struct tide_allocation *allocation,
                            uint32_t access, struct reference *reference)
{
   const struct tide_device *device = batch->context->device;
   uint32_t *slot = batch->count ? find_slot(batch, allocation) : NULL;
   int ret;

   if (slot && *slot) {
      bool offered;

      pthread_mutex_lock(&allocation->lock);
      offered = tide_allocation_offered_locked(allocation);
      pthread_mutex_unlock(&allocation->lock);
      if (offered)
         return -ENODATA;

      *reference = (struct reference){
         .index = *slot - 1,
         .old_access = batch->bos[*slot - 1].flags,
      };
      batch->bos[*slot - 1].flags |= access;
      return 0;
   }

   if (batch->kind == TIDE_BATCH_ENGINE && batch->count >= device->limits.max_submit_bos)
      return -E2BIG;
   ret = reserve_reference(batch);
   if (ret)
      return ret;
   ret = tide_offer_hold(allocation);
   if (ret)
      return ret;

   *reference = (struct reference){.index = batch->count};
   batch->allocations[batch->count] = allocation;
   batch->bos[batch->count] = (struct drm_tide_submit_bo){
      .handle = allocation->handle,
      .flags = access,
   };
   *find_slot(batch, allocation) = ++batch->count;
   return 0;
}

void
tide_batch_unreference_locked(struct tide_batch *batch, const struct reference *reference)
{
   struct tide_allocation *allocation = batch->allocations[reference->index];
   uint32_t scratch[1];

   if (reference->old_access) {
      batch->bos[reference->index].flags = reference->old_access;
      return;
   }
   /* It was the last to be added, so no probing goes past its slot. */
   *find_slot(batch, allocation) = 0;
   batch->count--;
   tide_offer_release(batch->context->device, &allocation, scratch, 1);
}

int
tide_batch_reference(struct tide_batch *batch, struct tide_allocation *allocation, uint32_t access)
{
   struct reference reference;
   int ret;

   if (!batch || !allocation || allocation->device != batch->context->device || !access ||
       access & ~(TIDE_READ | TIDE_WRITE))
      return -EINVAL;
   if (tide_device_stale(allocation->device))
      return -ESTALE;

   pthread_mutex_lock(&batch->lock);
   ret = batch->state == TIDE_BATCH_BUILDING
            ? tide_batch_reference_locked(batch, allocation, access, &reference)
            : -EALREADY;
   pthread_mutex_unlock(&batch->lock);
   return ret;
}
