/* SPDX-License-Identifier: MIT */
#ifndef TIDE_INTERNAL_H
#define TIDE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "kmd.h"
#include "libtide.h"
#include "list.h"

/**
 * DOC: offers inside the library
 *
 * What has to be kept apart is which offers the caller has made and which of
 * them the kernel knows. For each allocation the library keeps, under the lock
 * of that allocation alone:
 *
 * - batch_refs, how many batches under construction, and holds, refer to it. A draw call
 *   costs one uncontended lock, since no two contexts meet but on an allocation
 *   that both use.
 * - wanted, the priority and flags of an offer that is held back.
 * - offered, whether the kernel has it as offered.
 * - turn, who is calling the kernel about it. OFFER and RECLAIM of one
 *   allocation must reach the kernel in the order in which the library decides
 *   on them, but no lock is held over a kernel call: the one who has the turn
 *   calls, all others see that. An offer that meets a turn does not wait: it is
 *   held back, and is made by whoever has the turn. A reclaim has to wait,
 *   because its answer depends on the call, and holds no turn meanwhile, so that
 *   there are no cycles.
 *
 * An offer is due when it is wanted, no batch refers to the allocation and
 * nobody has the turn. Each of the places where the last of these comes true
 * (batch released, turn over, offer called) takes the turn in the same critical
 * section: hence never lost, and never twice. A reference is refused from the
 * moment at which the offer is wanted: hence never early, and never put off
 * without end.
 *
 * An offer that is due but that the kernel has failed to take goes on the
 * device's list unsent, and is tried again by the next who makes offers.
 *
 * Locks, outermost first; those on one line are never held together, nor are
 * two of a kind:
 *
 * - tide_device.trim_lock
 * - tide_context.submit_lock | tide_batch.lock | tide_residency_set.lock
 * - tide_submitter.lock
 * - tide_device.residency_lock | tide_device.event_lock
 * - tide_device.share_lock
 * - tide_device.wait_lock | tide_device.unsent_lock | tide_device.map_lock
 * - tide_allocation.lock | tide_paging_queue.lock
 *
 * The last two lines are never held over a kernel call, but for map_lock. The
 * first is the only one that is held over a callback.
 */

/* The right to call the kernel about an allocation; who it is, is the address. */
struct tide_turn {
   bool offers;
};

struct tide_device {
   struct tide_kmd *kmd;
   struct drm_tide_info limits;
   atomic_uint refs;

   /* one page that a fork wipes, so that a child sees a zero */
   volatile uint8_t *alive;

   /* what another client or this one can import, by handle */
   pthread_mutex_t share_lock;
   pthread_cond_t share_closed;
   struct tide_allocation **shared;
   uint32_t shared_size;

   /* offers that are due and that the kernel did not take */
   pthread_mutex_t unsent_lock;
   struct tide_list unsent;
   atomic_uint unsent_count;

   /* for reclaims that meet another thread's turn */
   pthread_mutex_t wait_lock;
   pthread_cond_t turn_over;

   pthread_mutex_t map_lock;

   /* age of offers that are held back */
   atomic_uint offer_clock;

   /* held while callbacks run */
   pthread_mutex_t trim_lock;
   struct tide_list trimmers;

   /* held while events are read */
   pthread_mutex_t event_lock;

   /* for all residency managers of the device */
   pthread_mutex_t residency_lock;
};

struct tide_trimmer {
   struct tide_device *device;
   tide_trim_callback callback;
   void *data;
   struct tide_list link;
};

struct tide_allocation {
   struct tide_device *device;
   uint64_t size;
   uint32_t handle;

   pthread_mutex_t lock;
   /* under lock; it lives while it has users, batch_refs or a turn */
   uint32_t users;
   uint32_t batch_refs;
   uint32_t wanted;
   uint32_t wanted_age;
   const struct tide_turn *turn;
   bool offered;
   bool awaited;
   bool dying;
   bool shared;
   /* reclaimed in vain; it stays offered */
   bool lost;

   /* of who has the turn: the offer under way, and what to want again if it fails */
   uint32_t sending;
   uint32_t sending_age;
   uint32_t restore;
   struct tide_list follow_link;

   /* under unsent_lock */
   struct tide_list unsent_link;

   /* under residency_lock: who manages it, NULL for nobody, how many use it */
   struct tide_residency *residency;
   uint32_t uses;
   uint32_t segment;
   bool required;
   struct tide_list lru_link; /* in the manager's list where it is required, and nobody uses it */

   /* under map_lock */
   void *map;
   uint32_t map_count;
};

struct tide_paging_queue {
   struct tide_device *device;
   uint32_t id;
   uint32_t syncobj;

   pthread_mutex_t lock;
   uint64_t completed; /* at least that far */
   uint64_t last;      /* newest value that was returned */
};

struct tide_context {
   struct tide_device *device;
   atomic_uint refs; /* the owner's and its batches' */
   uint32_t syncobj;

   /* submissions reach the kernel in the order of their points */
   pthread_mutex_t submit_lock;
   uint64_t last_point;

   /* NULL where callers see to residency themselves */
   struct tide_submitter *submitter;
};

enum tide_batch_state {
   TIDE_BATCH_BUILDING,
   TIDE_BATCH_SUBMITTING,
   TIDE_BATCH_OVER,
};

struct tide_batch {
   struct tide_context *context;
   enum tide_batch_kind kind;

   pthread_mutex_t lock;
   enum tide_batch_state state;

   /* what it refers to, as object and as the kernel wants it */
   struct tide_allocation **allocations;
   struct drm_tide_submit_bo *bos;
   uint32_t count;
   uint32_t capacity;
   /* finds an allocation's index: open addressing, index + 1, at most half full */
   uint32_t *slots;
   uint32_t slot_mask;

   struct drm_tide_command *commands;
   uint32_t command_count;
   uint32_t command_capacity;
};

/* device.c */

/* Takes over @kmd if it succeeds. */
int
tide_device_create(struct tide_kmd *kmd, struct tide_device **device);

/* Whether this is a child of the process that the device belongs to. */
static inline bool
tide_device_stale(const struct tide_device *device)
{
   return !*device->alive;
}

/* allocation.c */

/* Whether the parameters of a call about a list are what they have to be. */
bool
tide_list_valid(const struct tide_device *device, struct tide_allocation *const *allocations,
                size_t count);
/* For whoever has found that nothing keeps the allocation, with dying set. */
void
tide_allocation_free(struct tide_allocation *allocation);

/* offer.c */

/* A call about offers, and the offers that have become its to make meanwhile. */
struct tide_offer_call {
   struct tide_device *device;
   struct tide_turn turn;
   struct tide_turn follow_turn;
   struct tide_list follow_ups;
};

void
tide_offer_call_init(struct tide_offer_call *call, struct tide_device *device, bool offers);
/* Makes the offers that have become this call's to make. */
void
tide_offer_call_finish(struct tide_offer_call *call);

/* Gives the turn up; expects the allocation's lock and unlocks it. */
void
tide_turn_end_unlock(struct tide_offer_call *call, struct tide_allocation *allocation);
/* Waits until nobody has the turn. To be called without one. */
void
tide_turn_wait(struct tide_allocation *allocation);

/* Whether the caller has offered it. Expects the allocation's lock. */
static inline bool
tide_allocation_offered_locked(const struct tide_allocation *allocation)
{
   return allocation->offered || allocation->wanted ||
          (allocation->turn && allocation->turn->offers);
}

/* Counts a batch; -ENODATA where the allocation is offered. */
int
tide_offer_hold(struct tide_allocation *allocation);
/*
 * Uncounts a batch, and makes the offers that waited for it. Uses both arrays,
 * of @count entries, as its own.
 */
void
tide_offer_release(struct tide_device *device, struct tide_allocation **allocations,
                   uint32_t *scratch, uint32_t count);

/* trim.c */

/* Calls all callbacks. */
void
tide_trim_run(struct tide_device *device, const struct tide_trim *trim);

/* residency.c */

struct tide_device *
tide_residency_device(const struct tide_residency *residency);
struct tide_paging_queue *
tide_residency_queue(struct tide_residency *residency);
struct tide_residency *
tide_residency_ref(struct tide_residency *residency);
void
tide_residency_unref(struct tide_residency *residency);
/* Has a list required, and nothing of it evicted until tide_residency_end(). One may be named
 * twice. */
int
tide_residency_begin(struct tide_residency *residency, struct tide_allocation *const *allocations,
                     size_t count, uint64_t *value);
/* To be called while the allocations still have their references. */
void
tide_residency_end(struct tide_residency *residency, struct tide_allocation *const *allocations,
                   size_t count);
/* The GPU could not have it: what nobody else uses is to be brought in anew next time. */
void
tide_residency_retry(struct tide_residency *residency, struct tide_allocation *const *allocations,
                     size_t count);
/* For an allocation that is about to be freed. */
void
tide_residency_forget(struct tide_allocation *allocation);

/* submitter.c */

/* A thread that submits batches, each with what it refers to made resident before. */
int
tide_submitter_create(struct tide_context *context, struct tide_residency *residency,
                      struct tide_submitter **submitter);
/* Waits until all has been submitted. */
void
tide_submitter_destroy(struct tide_submitter *submitter);
/*
 * Takes over what is in the batch, whose lock is held, and leaves it over. Of @syncs, which it
 * takes over too, the last one is the context's to fill in.
 */
int
tide_submitter_submit_locked(struct tide_submitter *submitter, struct tide_batch *batch,
                             struct drm_tide_sync *syncs, uint32_t wait_count,
                             uint32_t signal_count, struct tide_fence *fence);

/* 0 where it was submitted, -EINPROGRESS where it will be, or why the kernel did not take it. */
int
tide_submitter_error(struct tide_submitter *submitter, uint64_t point);

/* thread.c */

/* One that takes no signals. */
int
tide_thread_create(pthread_t *thread, void *(*run)(void *data), void *data);

/* context.c */
struct tide_context *
tide_context_ref(struct tide_context *context);
void
tide_context_unref(struct tide_context *context);
/*
 * Submits with the context's next point in *@signal, which is one of @submit's,
 * and makes it *@fence if that is not NULL.
 */
int
tide_context_submit(struct tide_context *context, struct drm_tide_submit *submit,
                    struct drm_tide_sync *signal, struct tide_fence *fence);

/* paging.c */

/*
 * Notes a value that the kernel has returned, and makes @value, what to wait for, cover it: one
 * that the kernel returned before may be the later one.
 */
void
tide_paging_queue_returned(struct tide_paging_queue *queue, uint64_t returned, uint64_t *value);
/* A value that is over already. */
uint64_t
tide_paging_queue_past(struct tide_paging_queue *queue);

#endif /* TIDE_INTERNAL_H */
