/* SPDX-License-Identifier: MIT */

/* Lifting offers for a use: see lvp_memory_tracker.h. */

#include "frontend/sw_winsys.h"

#include "lvp_private.h"

void
lvp_memory_chunk_add(struct lvp_memory_chunk *chunk, struct lvp_device_memory *mem)
{
   chunk->mems[chunk->count] = mem;
   chunk->memories[chunk->count++] = mem->memory;
}

bool
lvp_memory_chunk_reclaim(struct lvp_memory_tracker *tracker, struct lvp_memory_chunk *chunk,
                         enum pipe_reclaim_result *results, uint64_t *paging)
{
   uint64_t value = 0;
   bool ok = true;

   if (chunk->count)
      ok = tracker->winsys->memory->reclaim(tracker->winsys, chunk->memories, chunk->count,
                                            results, paging ? &value : NULL);
   if (paging)
      *paging = MAX2(*paging, value);
   chunk->count = 0;
   return ok;
}

/* For a use: notes what the application is to be told later. */
static void
chunk_lift(struct lvp_memory_tracker *tracker, struct lvp_memory_chunk *chunk)
{
   enum pipe_reclaim_result results[LVP_MEMORY_CHUNK_SIZE];
   const unsigned count = chunk->count;

   /* Where it fails, the use finds zeros, and the winsys tells so later. */
   lvp_memory_chunk_reclaim(tracker, chunk, results, NULL);
   for (unsigned i = 0; i < count; i++)
      chunk->mems[i]->lost = MAX2(chunk->mems[i]->lost, results[i]);
}

static bool
chunk_offer(struct lvp_memory_tracker *tracker, struct lvp_memory_chunk *chunk,
            enum pipe_memory_priority priority, bool decommit)
{
   bool ok = true;

   if (chunk->count)
      ok = tracker->winsys->memory->offer(tracker->winsys, chunk->memories, chunk->count,
                                          priority, decommit);
   chunk->count = 0;
   return ok;
}

void
lvp_memory_lift(struct lvp_memory_tracker *tracker, struct list_head *list)
{
   struct lvp_memory_chunk chunk = {.count = 0};

   list_for_each_entry(struct lvp_device_memory, mem, list, use_link) {
      if (!mem->offered)
         continue;
      lvp_memory_chunk_add(&chunk, mem);
      if (chunk.count == LVP_MEMORY_CHUNK_SIZE)
         chunk_lift(tracker, &chunk);
   }
   chunk_lift(tracker, &chunk);
}

/* Offers again what of the list was offered in that way. */
static bool
offer_alike(struct lvp_memory_tracker *tracker, struct list_head *list,
            enum pipe_memory_priority priority, bool decommit)
{
   struct lvp_memory_chunk chunk = {.count = 0};
   bool ok = true;

   list_for_each_entry(struct lvp_device_memory, mem, list, use_link) {
      if (!mem->offered || mem->offer_priority != priority || mem->offer_decommit != decommit)
         continue;
      lvp_memory_chunk_add(&chunk, mem);
      if (chunk.count == LVP_MEMORY_CHUNK_SIZE)
         ok = chunk_offer(tracker, &chunk, priority, decommit) && ok;
   }
   return chunk_offer(tracker, &chunk, priority, decommit) && ok;
}

bool
lvp_memory_offer_again(struct lvp_memory_tracker *tracker, struct list_head *list)
{
   bool ok = true;

   for (enum pipe_memory_priority priority = PIPE_MEMORY_PRIORITY_LOW;
        priority <= PIPE_MEMORY_PRIORITY_HIGH; priority++) {
      ok = offer_alike(tracker, list, priority, false) && ok;
      ok = offer_alike(tracker, list, priority, true) && ok;
   }
   return ok;
}
