/* SPDX-License-Identifier: MIT */

/*
 * Destroyed memory is kept, mapped, for the next create of that size: a new
 * object costs system calls and a page fault for each page. It is offered while
 * it is here, so that what an idle application keeps costs it nothing when
 * memory runs short.
 */

#include "util/macros.h"
#include "util/u_atomic.h"

#include "tide_winsys.h"

#define MAX_CACHE_BYTES (256ull * 1024 * 1024)

static struct list_head *
bucket_of(struct tide_winsys *ws, uint64_t size)
{
   return &ws->cache.buckets[(size / ws->page_size) % TIDE_CACHE_BUCKETS];
}

void
tide_cache_init(struct tide_winsys *ws)
{
   struct tide_segment system;

   simple_mtx_init(&ws->cache.lock, mtx_plain);
   list_inithead(&ws->cache.lru);
   for (unsigned i = 0; i < TIDE_CACHE_BUCKETS; i++)
      list_inithead(&ws->cache.buckets[i]);

   ws->cache.max_bytes = MAX_CACHE_BYTES;
   if (!tide_device_segment(ws->device, 0, &system))
      ws->cache.max_bytes = MIN2(MAX_CACHE_BYTES, system.size / 8);
}

static void
remove_locked(struct tide_winsys *ws, struct tide_memory *memory)
{
   list_del(&memory->lru_link);
   list_del(&memory->bucket_link);
   ws->cache.bytes -= memory->base.size;
}

/* Takes out what was destroyed longest ago, down to so many bytes. */
static void
shrink(struct tide_winsys *ws, uint64_t max_bytes)
{
   struct list_head surplus;

   list_inithead(&surplus);
   simple_mtx_lock(&ws->cache.lock);
   while (ws->cache.bytes > max_bytes) {
      struct tide_memory *memory =
         list_first_entry(&ws->cache.lru, struct tide_memory, lru_link);

      remove_locked(ws, memory);
      list_add(&memory->lru_link, &surplus);
   }
   simple_mtx_unlock(&ws->cache.lock);

   list_for_each_entry_safe(struct tide_memory, memory, &surplus, lru_link)
      tide_memory_free(ws, memory);
}

void
tide_cache_put(struct tide_winsys *ws, struct tide_memory *memory)
{
   if (memory->gone || tide_allocation_in_use(memory->allocation) || memory->base.size > ws->cache.max_bytes ||
       tide_offer(ws->device, &memory->allocation, 1, TIDE_PRIORITY_LOW, 0)) {
      tide_memory_free(ws, memory);
      return;
   }

   simple_mtx_lock(&ws->cache.lock);
   list_addtail(&memory->lru_link, &ws->cache.lru);
   list_addtail(&memory->bucket_link, bucket_of(ws, memory->base.size));
   ws->cache.bytes += memory->base.size;
   simple_mtx_unlock(&ws->cache.lock);

   if (p_atomic_read(&ws->cache.bytes) > ws->cache.max_bytes)
      shrink(ws, ws->cache.max_bytes);
}

static struct tide_memory *
take(struct tide_winsys *ws, uint64_t size)
{
   struct tide_memory *found = NULL;

   simple_mtx_lock(&ws->cache.lock);
   /* The last is the likeliest to be there still, and in the CPU's caches. */
   list_for_each_entry_rev(struct tide_memory, memory, bucket_of(ws, size), bucket_link) {
      if (memory->base.size == size) {
         found = memory;
         remove_locked(ws, memory);
         break;
      }
   }
   simple_mtx_unlock(&ws->cache.lock);
   return found;
}

struct tide_memory *
tide_cache_get(struct tide_winsys *ws, uint64_t size, bool *zeroed)
{
   struct tide_memory *memory;

   while ((memory = take(ws, size))) {
      enum tide_reclaim_result result;
      uint64_t value;

      tide_reclaim(ws->device, ws->queue, &memory->allocation, 1, &result, &value);
      if (result == TIDE_RECLAIM_OK || result == TIDE_RECLAIM_DISCARDED) {
         *zeroed = result == TIDE_RECLAIM_DISCARDED;
         return memory;
      }
      tide_memory_free(ws, memory);
   }
   return NULL;
}

void
tide_cache_trim(struct tide_winsys *ws)
{
   shrink(ws, 0);
}

/* By who calls tide_ws_trim(), or by the watcher's thread when the kernel wants less. */
void
tide_ws_trimmed(void *data, const struct tide_trim *trim)
{
   struct tide_winsys *ws = data;

   tide_cache_trim(ws);
   if (trim->reason == TIDE_TRIM_BUDGET)
      tide_residency_trim(ws, trim->segment);
}

void
tide_ws_trim(struct sw_winsys *sws, uint64_t *before, uint64_t *after)
{
   struct tide_winsys *ws = tide_winsys(sws);

   *before = p_atomic_read(&ws->cache.bytes);
   tide_device_trim(ws->device);
   *after = p_atomic_read(&ws->cache.bytes);
}
