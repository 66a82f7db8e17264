/* SPDX-License-Identifier: MIT */
/* When offers go to the kernel. internal.h says how this works. */

#include <errno.h>
#include <stdlib.h>

#include "internal.h"

_Static_assert(TIDE_OFFER_ALLOW_DECOMMIT == DRM_TIDE_OFFER_ALLOW_DECOMMIT,
               "flags go to the kernel as they are");

/* What an offer says, as a word that is not 0. */
static uint32_t
terms_of(enum tide_priority priority, uint32_t flags)
{
   return priority << 16 | flags;
}

static uint32_t
terms_priority(uint32_t terms)
{
   return terms >> 16;
}

static uint32_t
terms_flags(uint32_t terms)
{
   return terms & 0xffff;
}

void
tide_offer_call_init(struct tide_offer_call *call, struct tide_device *device, bool offers)
{
   call->device = device;
   call->turn.offers = offers;
   call->follow_turn.offers = true;
   tide_list_init(&call->follow_ups);
}

static bool
due_locked(const struct tide_allocation *allocation)
{
   return allocation->wanted && !allocation->batch_refs && !allocation->turn;
}

/* Takes the turn, to make the offer that is wanted. */
static void
take_wanted_locked(struct tide_allocation *allocation, const struct tide_turn *turn)
{
   allocation->turn = turn;
   allocation->sending = allocation->wanted;
   allocation->sending_age = allocation->wanted_age;
   allocation->restore = allocation->wanted;
   allocation->wanted = 0;
}

/* The end of a turn, for whoever was waiting for it, or for its being the last. */
static void
turn_over_unlock(struct tide_device *device, struct tide_allocation *allocation)
{
   const bool awaited = allocation->awaited;
   const bool dead = !allocation->users && !allocation->batch_refs;

   allocation->turn = NULL;
   allocation->awaited = false;
   allocation->dying = dead;
   pthread_mutex_unlock(&allocation->lock);

   if (awaited) {
      pthread_mutex_lock(&device->wait_lock);
      pthread_cond_broadcast(&device->turn_over);
      pthread_mutex_unlock(&device->wait_lock);
   }
   if (dead)
      tide_allocation_free(allocation);
}

void
tide_turn_end_unlock(struct tide_offer_call *call, struct tide_allocation *allocation)
{
   allocation->turn = NULL;
   if (due_locked(allocation)) {
      /* It was offered meanwhile, and who did that has left it to us. */
      take_wanted_locked(allocation, &call->follow_turn);
      tide_list_add_tail(&call->follow_ups, &allocation->follow_link);
      pthread_mutex_unlock(&allocation->lock);
   } else {
      turn_over_unlock(call->device, allocation);
   }
}

/*
 * The end of a turn in which the kernel has not taken the offer. It is tried again
 * later, unless there is nobody left to take it.
 */
static void
turn_end_unsent(struct tide_offer_call *call, struct tide_allocation *allocation, int error)
{
   struct tide_device *device = call->device;

   pthread_mutex_lock(&device->unsent_lock);
   pthread_mutex_lock(&allocation->lock);
   if (!allocation->wanted && allocation->users) {
      allocation->wanted = allocation->restore;
      allocation->wanted_age = allocation->sending_age;
   }
   if (allocation->wanted && error != -ENODEV && tide_list_empty(&allocation->unsent_link)) {
      tide_list_add_tail(&device->unsent, &allocation->unsent_link);
      atomic_fetch_add(&device->unsent_count, 1);
   }
   pthread_mutex_unlock(&device->unsent_lock);
   turn_over_unlock(device, allocation);
}

void
tide_turn_wait(struct tide_allocation *allocation)
{
   struct tide_device *device = allocation->device;

   pthread_mutex_lock(&device->wait_lock);
   while (true) {
      bool busy;

      pthread_mutex_lock(&allocation->lock);
      busy = allocation->turn;
      allocation->awaited |= busy;
      pthread_mutex_unlock(&allocation->lock);
      if (!busy)
         break;
      pthread_cond_wait(&device->turn_over, &device->wait_lock);
   }
   pthread_mutex_unlock(&device->wait_lock);
}

/* What the kernel said about an offer; nothing where the turn is not @turn. */
static void
offer_over(struct tide_offer_call *call, const struct tide_turn *turn,
           struct tide_allocation *allocation, int error)
{
   pthread_mutex_lock(&allocation->lock);
   if (allocation->turn != turn) {
      pthread_mutex_unlock(&allocation->lock);
   } else if (error) {
      pthread_mutex_unlock(&allocation->lock);
      turn_end_unsent(call, allocation, error);
   } else {
      allocation->offered = true;
      tide_turn_end_unlock(call, allocation);
   }
}

static int
offer_one(struct tide_device *device, const struct tide_allocation *allocation)
{
   return device->kmd->ops->offer(device->kmd, &allocation->handle, 1,
                                  terms_priority(allocation->sending),
                                  terms_flags(allocation->sending));
}

void
tide_offer_call_finish(struct tide_offer_call *call)
{
   while (!tide_list_empty(&call->follow_ups)) {
      struct tide_allocation *allocation =
         TIDE_CONTAINER(call->follow_ups.next, struct tide_allocation, follow_link);

      tide_list_remove(&allocation->follow_link);
      offer_over(call, &call->follow_turn, allocation, offer_one(call->device, allocation));
   }
}

/* Tries again, once each, what the kernel did not take before. */
static void
retry_unsent(struct tide_offer_call *call)
{
   struct tide_device *device = call->device;
   unsigned int count = atomic_load(&device->unsent_count);

   if (!count)
      return;

   pthread_mutex_lock(&device->unsent_lock);
   for (; count && !tide_list_empty(&device->unsent); count--) {
      struct tide_allocation *allocation =
         TIDE_CONTAINER(device->unsent.next, struct tide_allocation, unsent_link);

      tide_list_remove(&allocation->unsent_link);
      atomic_fetch_sub(&device->unsent_count, 1);

      /* Reclaimed, freed, or in use again: then it is on its way by itself. */
      pthread_mutex_lock(&allocation->lock);
      if (due_locked(allocation)) {
         take_wanted_locked(allocation, &call->follow_turn);
         tide_list_add_tail(&call->follow_ups, &allocation->follow_link);
      }
      pthread_mutex_unlock(&allocation->lock);
   }
   pthread_mutex_unlock(&device->unsent_lock);

   tide_offer_call_finish(call);
}

int
tide_offer_hold(struct tide_allocation *allocation)
{
   int ret = 0;

   pthread_mutex_lock(&allocation->lock);
   if (tide_allocation_offered_locked(allocation))
      ret = -ENODATA;
   else
      allocation->batch_refs++;
   pthread_mutex_unlock(&allocation->lock);
   return ret;
}

/* Whether the turn was taken for an offer that waited for this batch alone. */
static bool
release_one(struct tide_offer_call *call, struct tide_allocation *allocation)
{
   bool due, dead;

   pthread_mutex_lock(&allocation->lock);
   allocation->batch_refs--;
   due = due_locked(allocation);
   if (due)
      take_wanted_locked(allocation, &call->turn);
   dead = !allocation->users && !allocation->batch_refs && !allocation->turn;
   allocation->dying = dead;
   pthread_mutex_unlock(&allocation->lock);

   if (dead)
      tide_allocation_free(allocation);
   return due;
}

/* By priority, then in the order of the tide_offer() calls, whatever 32 bits wrap. */
static int
compare_sending(const void *pa, const void *pb)
{
   const struct tide_allocation *a = *(struct tide_allocation *const *)pa;
   const struct tide_allocation *b = *(struct tide_allocation *const *)pb;
   const int32_t age = (int32_t)(a->sending_age - b->sending_age);

   if (terms_priority(a->sending) != terms_priority(b->sending))
      return a->sending < b->sending ? -1 : 1;
   return age < 0 ? -1 : age > 0;
}

void
tide_offer_release(struct tide_device *device, struct tide_allocation **allocations,
                   uint32_t *scratch, uint32_t count)
{
   const struct tide_kmd_ops *ops = device->kmd->ops;
   const uint32_t max = device->limits.max_handles;
   struct tide_offer_call call;
   uint32_t due = 0;

   tide_offer_call_init(&call, device, true);
   retry_unsent(&call);

   for (uint32_t i = 0; i < count; i++)
      if (release_one(&call, allocations[i]))
         allocations[due++] = allocations[i];
   if (due > 1)
      qsort(allocations, due, sizeof(*allocations), compare_sending);

   for (uint32_t begin = 0, end; begin < due; begin = end) {
      const uint32_t terms = allocations[begin]->sending;
      uint32_t n = 0;
      int ret;

      for (end = begin; end < due && n < max && allocations[end]->sending == terms; end++)
         scratch[n++] = allocations[end]->handle;
      ret = ops->offer(device->kmd, scratch, n, terms_priority(terms), terms_flags(terms));

      for (uint32_t i = begin; i < end; i++) {
         int error = ret;

         /* One that the kernel cannot take must not keep back the others. */
         if (ret && ret != -ENODEV && n > 1)
            error = offer_one(device, allocations[i]);
         offer_over(&call, &call.turn, allocations[i], error);
      }
   }
   tide_offer_call_finish(&call);
}

/* Whether the turn is the call's, and so the offer goes to the kernel now. */
static bool
take_or_hold_back(struct tide_offer_call *call, struct tide_allocation *allocation, uint32_t terms)
{
   bool now;

   pthread_mutex_lock(&allocation->lock);
   if (allocation->lost) {
      /* There is nothing left to offer, and the kernel would refuse the list. */
      now = false;
   } else if (!allocation->turn && !allocation->batch_refs) {
      allocation->turn = &call->turn;
      allocation->sending = terms;
      allocation->sending_age = allocation->wanted_age;
      allocation->restore = allocation->wanted;
      allocation->wanted = 0;
      now = true;
   } else {
      /* Named before in this list: named again to the kernel. */
      now = allocation->turn == &call->turn;
      if (!now) {
         allocation->wanted = terms;
         allocation->wanted_age = atomic_fetch_add(&call->device->offer_clock, 1);
      }
   }
   pthread_mutex_unlock(&allocation->lock);
   return now;
}

int
tide_offer(struct tide_device *device, struct tide_allocation *const *allocations, size_t count,
           enum tide_priority priority, uint32_t flags)
{
   struct tide_offer_call call;
   uint32_t *handles;
   size_t max;
   int ret = 0;

   if (!tide_list_valid(device, allocations, count) || priority < TIDE_PRIORITY_LOW ||
       priority > TIDE_PRIORITY_HIGH || flags & ~TIDE_OFFER_ALLOW_DECOMMIT)
      return -EINVAL;
   if (tide_device_stale(device))
      return -ESTALE;

   max = count < device->limits.max_handles ? count : device->limits.max_handles;
   handles = malloc(max * sizeof(*handles));
   if (!handles)
      return -ENOMEM;

   tide_offer_call_init(&call, device, true);
   retry_unsent(&call);

   for (size_t begin = 0, end; begin < count && !ret; begin = end) {
      uint32_t n = 0;

      for (end = begin; end < count && n < max; end++)
         if (take_or_hold_back(&call, allocations[end], terms_of(priority, flags)))
            handles[n++] = allocations[end]->handle;
      if (!n)
         continue;

      ret = device->kmd->ops->offer(device->kmd, handles, n, priority, flags);
      for (size_t i = begin; i < end; i++)
         offer_over(&call, &call.turn, allocations[i], ret);
      tide_offer_call_finish(&call);
   }

   free(handles);
   return ret;
}
