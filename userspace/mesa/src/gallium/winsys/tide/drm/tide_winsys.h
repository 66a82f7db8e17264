/* SPDX-License-Identifier: MIT */
#ifndef TIDE_WINSYS_H
#define TIDE_WINSYS_H

#include <libtide.h>

#include "frontend/sw_winsys.h"
#include "util/list.h"
#include "util/simple_mtx.h"

/*
 * Memory objects are allocations of libtide, which knows what is offered, and
 * holds offers back while batches and accesses last. Here it is decided what is
 * kept for reuse (tide_cache.c) and what is resident (tide_batch.c).
 *
 * Locks, outermost first: shared_lock or reclaim_lock; cache.lock or
 * residency.lock; stats_lock.
 */

/* A page more than a multiple of it wastes an eighth at most. */
#define TIDE_MIN_SIZE (32 * 1024)

/* A quarter of what Linux allows a process, vm.max_map_count, by default. */
#define TIDE_MAX_MAPPINGS 16384

#define TIDE_CACHE_BUCKETS 64

struct tide_winsys {
   struct sw_winsys base;
   int fd;
   uint64_t page_size;
   void (*destroy_screen)(struct pipe_screen *screen);

   struct tide_device *device;
   struct tide_context *context;
   struct tide_paging_queue *queue;
   struct tide_trimmer *trimmer;
   struct tide_watcher *watcher;

   /* Atomic. What memory that is gone is mapped to, or NULL. */
   struct tide_allocation *dump;

   struct {
      simple_mtx_t lock;
      /* The one destroyed last is the last, in both. */
      struct list_head lru;
      struct list_head buckets[TIDE_CACHE_BUCKETS];
      uint64_t bytes;
      uint64_t max_bytes;
   } cache;

   struct {
      simple_mtx_t lock;
      struct list_head memories;
      /* The one begun first is the first. */
      struct list_head open_batches;
      /* How many batches were begun. */
      uint64_t serial;
   } residency;

   /* Held while content is found lost and the loss is noted, or told. */
   simple_mtx_t reclaim_lock;

   /* What other devices may know, by allocation. */
   simple_mtx_t shared_lock;
   struct hash_table *shared;

   simple_mtx_t stats_lock;
   struct list_head stats_link;
   struct sw_memory_stats stats;
   /* Sums over all that were ever created, and the most at one time. */
   uint64_t total_requested;
   uint64_t total_allocated;
   uint64_t peak_allocated;
};

struct tide_memory {
   struct sw_memory base;
   struct tide_allocation *allocation;
   uint64_t requested;

   /* Under shared_lock; refs counts from_handle. */
   bool shared;
   unsigned refs;

   /* Under stats_lock. */
   bool offered;

   /* Under reclaim_lock. The content was found lost, and nobody was told so. */
   bool lost;
   /* Atomic. It could not be reclaimed; the mapping is of other memory. */
   bool gone;

   enum pipe_memory_priority priority;

   /* Under residency.lock, but that last_use may be read. */
   bool resident;
   uint64_t last_use;
   struct list_head resident_link;

   /* Under cache.lock. */
   struct list_head lru_link;
   struct list_head bucket_link;
};

static inline struct tide_winsys *
tide_winsys(struct sw_winsys *ws)
{
   return (struct tide_winsys *)ws;
}

static inline struct tide_memory *
tide_memory(struct sw_memory *memory)
{
   return (struct tide_memory *)memory;
}

/* tide_memory.c */

extern const struct sw_memory_ops tide_memory_ops;

/* Expects that nobody can find it any more. */
void
tide_memory_free(struct tide_winsys *ws, struct tide_memory *memory);

/* Takes back what was found offered when it was to be used. */
void
tide_memory_reclaim_for_use(struct tide_winsys *ws, struct tide_memory *memory);

/* tide_gone.c */

/* Has there what is needed if the memory offered next could not be committed again. */
bool
tide_gone_prepare(struct tide_winsys *ws);
void
tide_gone_finish(struct tide_winsys *ws);

/* It could not be reclaimed: has something else in its place. */
void
tide_memory_gone(struct tide_winsys *ws, struct tide_memory *memory);

/* tide_cache.c */

void
tide_cache_init(struct tide_winsys *ws);

/* Keeps it, or frees it. */
void
tide_cache_put(struct tide_winsys *ws, struct tide_memory *memory);

/* NULL where there is none. */
struct tide_memory *
tide_cache_get(struct tide_winsys *ws, uint64_t size, bool *zeroed);

void
tide_cache_trim(struct tide_winsys *ws);

/* For tide_trimmer_create(). */
void
tide_ws_trimmed(void *ws, const struct tide_trim *trim);

void
tide_ws_trim(struct sw_winsys *ws, uint64_t *before, uint64_t *after);

/* tide_batch.c */

void
tide_residency_init(struct tide_winsys *ws);

/* It is about to be freed, and leaves the list with that. */
void
tide_residency_forget(struct tide_winsys *ws, struct tide_memory *memory);

/*
 * Puts it on the list as if a batch used it now. Returns a value of the queue
 * that covers the page-in, or 0.
 */
uint64_t
tide_residency_use(struct tide_winsys *ws, struct tide_memory *memory);

/* Takes off the list what was used longest ago, as far as the budget of the segment wants. */
void
tide_residency_trim(struct tide_winsys *ws, uint32_t segment);

void
tide_ws_set_priority(struct sw_winsys *ws, struct sw_memory *memory,
                     enum pipe_memory_priority priority);

struct sw_batch *
tide_ws_batch_create(struct sw_winsys *ws);
void
tide_ws_batch_destroy(struct sw_batch *batch);
void
tide_ws_batch_begin(struct sw_batch *batch);
void
tide_ws_batch_use(struct sw_batch *batch, struct sw_memory *memory);
void
tide_ws_batch_end(struct sw_batch *batch);

/* tide_stats.c */

void
tide_stats_init(struct tide_winsys *ws);
/* The end, and with TIDE_DEBUG=stats the numbers. */
void
tide_stats_print(struct tide_winsys *ws);

void
tide_stats_created(struct tide_winsys *ws, uint64_t requested, uint64_t allocated);
void
tide_stats_destroyed(struct tide_winsys *ws, const struct tide_memory *memory);
void
tide_stats_offered(struct tide_winsys *ws, struct tide_memory *memory, bool offered);
void
tide_stats_discarded(struct tide_winsys *ws);
/* Returns the new number. */
uint64_t
tide_stats_mappings(struct tide_winsys *ws, int change);

void
tide_ws_query_stats(struct sw_winsys *ws, struct sw_memory_stats *stats);
bool
tide_ws_query_budget(struct sw_winsys *ws, struct sw_memory_budget *budget);

#endif /* TIDE_WINSYS_H */
