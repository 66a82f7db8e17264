/* SPDX-License-Identifier: MIT */
/* Taking offered allocations back. */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

enum step {
   STEP_CANCELLED, /* the kernel never knew of the offer */
   STEP_TAKEN,     /* the turn is this call's */
   STEP_OTHERS_TURN,
};

static enum step
begin_reclaim(struct tide_offer_call *call, struct tide_allocation *allocation)
{
   enum step step = STEP_TAKEN;

   pthread_mutex_lock(&allocation->lock);
   if (!allocation->turn) {
      if (allocation->wanted && !allocation->offered)
         step = STEP_CANCELLED;
      else
         allocation->turn = &call->turn;
      allocation->wanted = 0;
   } else if (allocation->turn != &call->turn) {
      step = STEP_OTHERS_TURN;
   }
   pthread_mutex_unlock(&allocation->lock);
   return step;
}

/* What goes to the kernel in one call, with the place of each in the whole list. */
struct portion {
   uint32_t count, max;
   uint32_t *handles;
   uint32_t *answers;
   size_t *places;
};

static bool
portion_init(struct portion *portion, uint32_t max)
{
   portion->count = 0;
   portion->max = max;
   portion->handles = malloc(max * sizeof(*portion->handles));
   portion->answers = malloc(max * sizeof(*portion->answers));
   portion->places = malloc(max * sizeof(*portion->places));
   return portion->handles && portion->answers && portion->places;
}

static void
portion_fini(struct portion *portion)
{
   free(portion->handles);
   free(portion->answers);
   free(portion->places);
}

/* An answer that this library does not know is no answer. */
static enum tide_reclaim_result
result_of_answer(uint32_t answer)
{
   switch (answer) {
   case DRM_TIDE_RECLAIM_OK:
      return TIDE_RECLAIM_OK;
   case DRM_TIDE_RECLAIM_DISCARDED:
      return TIDE_RECLAIM_DISCARDED;
   case DRM_TIDE_RECLAIM_NOT_COMMITTED:
      return TIDE_RECLAIM_NOT_COMMITTED;
   default:
      return TIDE_RECLAIM_FAILED;
   }
}

static int
reclaim_portion(struct tide_offer_call *call, struct tide_paging_queue *queue,
                struct tide_allocation *const *allocations, const struct portion *portion,
                enum tide_reclaim_result *results, uint64_t *value)
{
   struct tide_device *device = call->device;
   uint64_t returned = 0;
   int ret, error;

   memset(portion->answers, 0xff, portion->count * sizeof(*portion->answers));
   error = device->kmd->ops->reclaim(device->kmd, queue->id, portion->handles, portion->count,
                                     portion->answers, &returned);
   if (returned)
      tide_paging_queue_returned(queue, returned, value);

   ret = error;
   for (uint32_t i = 0; i < portion->count; i++) {
      struct tide_allocation *allocation = allocations[portion->places[i]];
      enum tide_reclaim_result result =
         error ? TIDE_RECLAIM_FAILED : result_of_answer(portion->answers[i]);

      if (!error && result == TIDE_RECLAIM_FAILED)
         ret = -EPROTO;
      results[portion->places[i]] = result;

      pthread_mutex_lock(&allocation->lock);
      if (allocation->turn == &call->turn) {
         /* Without an answer it stays offered: nobody may take it for intact. Without memory, too.
          */
         allocation->lost |= result == TIDE_RECLAIM_NOT_COMMITTED;
         if (result == TIDE_RECLAIM_OK || result == TIDE_RECLAIM_DISCARDED)
            allocation->offered = false;
         tide_turn_end_unlock(call, allocation);
      } else {
         pthread_mutex_unlock(&allocation->lock);
      }
   }
   tide_offer_call_finish(call);
   return ret;
}

int
tide_reclaim(struct tide_device *device, struct tide_paging_queue *queue,
             struct tide_allocation *const *allocations, size_t count,
             enum tide_reclaim_result *results, uint64_t *value)
{
   struct tide_offer_call call;
   struct portion portion;
   int ret = 0;

   if (value)
      *value = 0;
   for (size_t i = 0; results && i < count; i++)
      results[i] = TIDE_RECLAIM_FAILED;
   if (!results || !value || !queue || queue->device != device ||
       !tide_list_valid(device, allocations, count))
      return -EINVAL;
   if (tide_device_stale(device))
      return -ESTALE;

   const uint32_t max = device->limits.max_handles;

   assert(count); /* A list that is valid is not empty: nothing of 0 bytes is allocated. */
   *value = tide_paging_queue_past(queue);
   if (!portion_init(&portion, count < max ? count : max)) {
      portion_fini(&portion);
      return -ENOMEM;
   }

   tide_offer_call_init(&call, device, false);
   for (size_t i = 0; i < count && !ret;) {
      enum step step = STEP_TAKEN;

      for (portion.count = 0; i < count && portion.count < portion.max; i++) {
         step = begin_reclaim(&call, allocations[i]);
         if (step == STEP_OTHERS_TURN)
            break;
         if (step == STEP_CANCELLED) {
            results[i] = TIDE_RECLAIM_OK;
            continue;
         }
         portion.handles[portion.count] = allocations[i]->handle;
         portion.places[portion.count++] = i;
      }

      /* What was taken goes first: nothing is held while waiting. */
      if (portion.count)
         ret = reclaim_portion(&call, queue, allocations, &portion, results, value);
      else if (step == STEP_OTHERS_TURN)
         tide_turn_wait(allocations[i]);
   }
   portion_fini(&portion);
   return ret;
}
