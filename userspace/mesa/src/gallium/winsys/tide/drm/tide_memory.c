/* SPDX-License-Identifier: MIT */

/* Memory objects: their life, sharing, offers and accesses. */

#include <errno.h>

#include "util/hash_table.h"
#include "util/macros.h"
#include "util/os_mman.h"
#include "util/os_time.h"
#include "util/u_atomic.h"
#include "util/u_math.h"
#include "util/u_memory.h"

#include "tide_winsys.h"

static_assert((int)PIPE_MEMORY_PRIORITY_LOW == (int)TIDE_PRIORITY_LOW &&
              (int)PIPE_MEMORY_PRIORITY_NORMAL == (int)TIDE_PRIORITY_NORMAL &&
              (int)PIPE_MEMORY_PRIORITY_HIGH == (int)TIDE_PRIORITY_HIGH,
              "priorities go to the library as they are");

/* Takes the allocation over, also when it fails. */
static struct tide_memory *
memory_new(struct tide_winsys *ws, struct tide_allocation *allocation)
{
   struct tide_memory *memory = CALLOC_STRUCT(tide_memory);
   const uint64_t size = tide_allocation_size(allocation);
   uint64_t offset;
   void *map;

   if (!memory)
      goto fail;
   if (tide_stats_mappings(ws, 1) > TIDE_MAX_MAPPINGS) {
      tide_cache_trim(ws);
      if (tide_stats_mappings(ws, 0) > TIDE_MAX_MAPPINGS)
         goto fail_map;
   }
   if (size > SIZE_MAX || tide_allocation_mmap_offset(allocation, &offset))
      goto fail_map;
   map = os_mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, tide_device_fd(ws->device),
                 offset);
   if (map == MAP_FAILED)
      goto fail_map;

   memory->base.map = map;
   memory->base.size = size;
   memory->base.fd = tide_device_fd(ws->device);
   memory->base.offset = offset;
   memory->allocation = allocation;
   memory->refs = 1;
   return memory;

fail_map:
   tide_stats_mappings(ws, -1);
fail:
   FREE(memory);
   tide_allocation_unref(allocation);
   return NULL;
}

void
tide_memory_free(struct tide_winsys *ws, struct tide_memory *memory)
{
   tide_residency_forget(ws, memory);
   os_munmap(memory->base.map, memory->base.size);
   tide_stats_mappings(ws, -1);
   tide_allocation_unref(memory->allocation);
   FREE(memory);
}

static struct sw_memory *
tide_create(struct sw_winsys *sws, uint64_t size, bool *zeroed)
{
   struct tide_winsys *ws = tide_winsys(sws);
   struct tide_allocation *allocation;
   struct tide_memory *memory;

   memory = tide_cache_get(ws, align64(size, ws->page_size), zeroed);
   if (!memory) {
      if (tide_allocation_create(ws->device, size, 0, &allocation))
         return NULL;
      memory = memory_new(ws, allocation);
      if (!memory)
         return NULL;
      *zeroed = true;
   }

   memory->requested = size;
   memory->refs = 1;
   memory->priority = PIPE_MEMORY_PRIORITY_NORMAL;
   memory->lost = false;
   tide_stats_created(ws, size, memory->base.size);
   return &memory->base;
}

static void
tide_destroy(struct sw_winsys *sws, struct sw_memory *sw_memory)
{
   struct tide_winsys *ws = tide_winsys(sws);
   struct tide_memory *memory = tide_memory(sw_memory);
   bool last, shared;

   simple_mtx_lock(&ws->shared_lock);
   last = !--memory->refs;
   shared = memory->shared;
   if (last && shared)
      _mesa_hash_table_remove_key(ws->shared, memory->allocation);
   simple_mtx_unlock(&ws->shared_lock);
   if (!last)
      return;

   tide_stats_destroyed(ws, memory);
   tide_stats_offered(ws, memory, false);
   if (shared)
      tide_memory_free(ws, memory);
   else
      tide_cache_put(ws, memory);
}

static struct sw_memory *
tide_from_handle(struct sw_winsys *sws, const struct winsys_handle *handle)
{
   struct tide_winsys *ws = tide_winsys(sws);
   struct tide_allocation *allocation;
   struct tide_memory *memory = NULL;

   if (handle->type != WINSYS_HANDLE_TYPE_FD ||
       tide_allocation_import(ws->device, handle->handle, &allocation))
      return NULL;

   simple_mtx_lock(&ws->shared_lock);
   struct hash_entry *entry = _mesa_hash_table_search(ws->shared, allocation);

   if (entry) {
      memory = entry->data;
      memory->refs++;
      tide_allocation_unref(allocation);
   } else if ((memory = memory_new(ws, allocation))) {
      memory->shared = true;
      memory->requested = memory->base.size;
      memory->priority = PIPE_MEMORY_PRIORITY_NORMAL;
      _mesa_hash_table_insert(ws->shared, allocation, memory);
      tide_stats_created(ws, memory->requested, memory->base.size);
   }
   simple_mtx_unlock(&ws->shared_lock);
   return memory ? &memory->base : NULL;
}

static bool
tide_get_handle(struct sw_winsys *sws, struct sw_memory *sw_memory, struct winsys_handle *handle)
{
   struct tide_winsys *ws = tide_winsys(sws);
   struct tide_memory *memory = tide_memory(sw_memory);
   int fd;

   switch (handle->type) {
   case WINSYS_HANDLE_TYPE_FD:
      if (tide_allocation_export(memory->allocation, &fd))
         return false;
      handle->handle = fd;
      break;
   case WINSYS_HANDLE_TYPE_KMS:
      handle->handle = tide_allocation_handle(memory->allocation);
      break;
   default:
      return false;
   }

   simple_mtx_lock(&ws->shared_lock);
   if (!memory->shared) {
      memory->shared = true;
      _mesa_hash_table_insert(ws->shared, memory->allocation, memory);
   }
   simple_mtx_unlock(&ws->shared_lock);
   return true;
}

static bool
tide_offer_memories(struct sw_winsys *sws, struct sw_memory *const *memories, unsigned n,
                    enum pipe_memory_priority priority, bool decommit)
{
   struct tide_winsys *ws = tide_winsys(sws);
   struct tide_allocation *stack[64];
   struct tide_allocation **allocations = stack;
   unsigned live = 0;
   bool ok = true;

   if (n > ARRAY_SIZE(stack))
      allocations = MALLOC(n * sizeof(*allocations));
   if (!allocations)
      return false;

   decommit = decommit && tide_gone_prepare(ws);
   for (unsigned i = 0; i < n; i++) {
      struct tide_memory *memory = tide_memory(memories[i]);

      if (p_atomic_read(&memory->gone))
         continue;
      tide_stats_offered(ws, memory, true);
      allocations[live++] = memory->allocation;
   }
   if (live)
      ok = !tide_offer(ws->device, allocations, live, (enum tide_priority)priority,
                       decommit ? TIDE_OFFER_ALLOW_DECOMMIT : 0);

   if (allocations != stack)
      FREE(allocations);
   return ok;
}

/* What the caller is told of a memory, given what the library was told. */
static enum pipe_reclaim_result
told_locked(struct tide_winsys *ws, struct tide_memory *memory, enum tide_reclaim_result result)
{
   if (p_atomic_read(&memory->gone))
      return PIPE_RECLAIM_NOT_COMMITTED;

   switch (result) {
   case TIDE_RECLAIM_OK:
      if (!memory->lost)
         return PIPE_RECLAIM_OK;
      memory->lost = false;
      return PIPE_RECLAIM_DISCARDED;
   case TIDE_RECLAIM_DISCARDED:
      tide_stats_discarded(ws);
      memory->lost = false;
      return PIPE_RECLAIM_DISCARDED;
   case TIDE_RECLAIM_NOT_COMMITTED:
      tide_stats_discarded(ws);
      tide_memory_gone(ws, memory);
      return PIPE_RECLAIM_NOT_COMMITTED;
   default:
      return PIPE_RECLAIM_FAILED;
   }
}

static bool
tide_reclaim_memories(struct sw_winsys *sws, struct sw_memory *const *memories, unsigned n,
                      enum pipe_reclaim_result *results, uint64_t *paging)
{
   struct tide_winsys *ws = tide_winsys(sws);
   struct tide_allocation *stack[64];
   enum tide_reclaim_result result_stack[64];
   struct tide_allocation **allocations = stack;
   enum tide_reclaim_result *answers = result_stack;
   uint64_t value, later = 0;
   bool ok;

   for (unsigned i = 0; i < n; i++)
      results[i] = PIPE_RECLAIM_FAILED;
   if (n > ARRAY_SIZE(stack)) {
      allocations = MALLOC(n * sizeof(*allocations));
      answers = MALLOC(n * sizeof(*answers));
   }

   ok = allocations && answers;
   if (ok && n) {
      for (unsigned i = 0; i < n; i++) {
         struct tide_memory *memory = tide_memory(memories[i]);

         allocations[i] = memory->allocation;
         if (paging)
            later = MAX2(later, tide_residency_use(ws, memory));
      }

      simple_mtx_lock(&ws->reclaim_lock);
      tide_reclaim(ws->device, ws->queue, allocations, n, answers, &value);
      for (unsigned i = 0; i < n; i++) {
         struct tide_memory *memory = tide_memory(memories[i]);

         results[i] = told_locked(ws, memory, answers[i]);
         ok &= results[i] != PIPE_RECLAIM_FAILED;
         if (answers[i] != TIDE_RECLAIM_FAILED)
            tide_stats_offered(ws, memory, false);
      }
      simple_mtx_unlock(&ws->reclaim_lock);
      later = MAX2(later, value);
   }
   if (paging)
      *paging = later;

   if (n > ARRAY_SIZE(stack)) {
      FREE(allocations);
      FREE(answers);
   }
   return ok;
}

static bool
tide_paging_wait(struct sw_winsys *sws, uint64_t paging, uint64_t timeout_ns)
{
   struct tide_winsys *ws = tide_winsys(sws);

   return !paging ||
          !tide_paging_queue_wait(ws->queue, paging,
                                  timeout_ns == OS_TIMEOUT_INFINITE ? TIDE_WAIT_FOREVER
                                                                    : timeout_ns);
}

void
tide_memory_reclaim_for_use(struct tide_winsys *ws, struct tide_memory *memory)
{
   enum tide_reclaim_result result;
   uint64_t value;

   simple_mtx_lock(&ws->reclaim_lock);
   tide_reclaim(ws->device, ws->queue, &memory->allocation, 1, &result, &value);
   if (result == TIDE_RECLAIM_DISCARDED) {
      tide_stats_discarded(ws);
      memory->lost = true;
   }
   simple_mtx_unlock(&ws->reclaim_lock);
   if (result == TIDE_RECLAIM_OK || result == TIDE_RECLAIM_DISCARDED)
      tide_stats_offered(ws, memory, false);
   else
      tide_memory_gone(ws, memory);
}

static void
tide_access_begin(struct sw_winsys *sws, struct sw_memory *sw_memory)
{
   struct tide_memory *memory = tide_memory(sw_memory);

   while (!p_atomic_read(&memory->gone) &&
          tide_allocation_hold(memory->allocation) == -ENODATA)
      tide_memory_reclaim_for_use(tide_winsys(sws), memory);
}

static void
tide_access_end(struct sw_winsys *sws, struct sw_memory *sw_memory)
{
   struct tide_memory *memory = tide_memory(sw_memory);

   /* Memory that is gone was offered when it went, and so had no accesses. */
   if (!p_atomic_read(&memory->gone))
      tide_allocation_release(memory->allocation);
}

const struct sw_memory_ops tide_memory_ops = {
   .name = "tide",
   .create = tide_create,
   .destroy = tide_destroy,
   .min_size = TIDE_MIN_SIZE,
   .from_handle = tide_from_handle,
   .get_handle = tide_get_handle,
   .offer = tide_offer_memories,
   .reclaim = tide_reclaim_memories,
   .paging_wait = tide_paging_wait,
   .access_begin = tide_access_begin,
   .access_end = tide_access_end,
   .batch_create = tide_ws_batch_create,
   .batch_destroy = tide_ws_batch_destroy,
   .batch_begin = tide_ws_batch_begin,
   .batch_use = tide_ws_batch_use,
   .batch_end = tide_ws_batch_end,
   .set_priority = tide_ws_set_priority,
   .trim = tide_ws_trim,
   .query_stats = tide_ws_query_stats,
   .query_budget = tide_ws_query_budget,
};
