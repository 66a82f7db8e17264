/* SPDX-License-Identifier: MIT */

/*
 * Batches, and what is resident for them.
 *
 * What a batch uses is on the residency list until the batch ends. Most of it
 * is used by the next batch again, so it stays on the list for some time, and a
 * frame like the one before makes no system calls. Memory that the kernel wants
 * back it takes in this order: offered, on nobody's list, on a list. Hence
 * priority: what is LOW leaves the list soon, what is HIGH does not.
 *
 * Threads of the CPU execute a batch, and no page has to be there for them
 * before they touch it: nobody waits for a page-in.
 */

#include <assert.h>
#include <errno.h>

#include "util/macros.h"
#include "util/u_atomic.h"
#include "util/u_memory.h"

#include "tide_winsys.h"

/* How often, in batches, the list is looked through for what is used no more. */
#define SWEEP_INTERVAL 64

struct sw_batch {
   struct tide_winsys *ws;
   struct tide_batch *batch;

   /* Under residency.lock: its number, and whether it is open. */
   uint64_t serial;
   struct list_head open_link;
};

void
tide_residency_init(struct tide_winsys *ws)
{
   simple_mtx_init(&ws->residency.lock, mtx_plain);
   list_inithead(&ws->residency.memories);
   list_inithead(&ws->residency.open_batches);
}

static void
remove_locked(struct tide_winsys *ws, struct tide_memory *memory)
{
   memory->resident = false;
   list_del(&memory->resident_link);
}

void
tide_residency_forget(struct tide_winsys *ws, struct tide_memory *memory)
{
   simple_mtx_lock(&ws->residency.lock);
   if (memory->resident)
      remove_locked(ws, memory);
   simple_mtx_unlock(&ws->residency.lock);
}

static bool
stays_locked(struct tide_winsys *ws, const struct tide_memory *memory, uint64_t interval)
{
   const struct sw_batch *oldest =
      list_is_empty(&ws->residency.open_batches)
         ? NULL
         : list_first_entry(&ws->residency.open_batches, struct sw_batch, open_link);

   if (oldest && memory->last_use >= oldest->serial)
      return true;
   switch (memory->priority) {
   case PIPE_MEMORY_PRIORITY_LOW:
      return false;
   case PIPE_MEMORY_PRIORITY_HIGH:
      return interval > 0;
   default:
      return memory->last_use + interval > ws->residency.serial;
   }
}

/* Takes off the list what no open batch uses, nor one of the last so many. */
static void
sweep_locked(struct tide_winsys *ws, uint64_t interval)
{
   struct tide_allocation *evicted[64];
   size_t count = 0, done;

   list_for_each_entry_safe(struct tide_memory, memory, &ws->residency.memories, resident_link) {
      if (stays_locked(ws, memory, interval))
         continue;
      remove_locked(ws, memory);
      evicted[count++] = memory->allocation;
      if (count == ARRAY_SIZE(evicted)) {
         tide_evict(ws->device, evicted, count, &done);
         count = 0;
      }
   }
   if (count)
      tide_evict(ws->device, evicted, count, &done);
}

static bool
over_budget(struct tide_winsys *ws, uint32_t segment)
{
   struct tide_budget budget;

   return !tide_device_budget(ws->device, segment, &budget) && budget.usage > budget.budget;
}

void
tide_residency_trim(struct tide_winsys *ws, uint32_t segment)
{
   for (uint64_t interval = SWEEP_INTERVAL; interval && over_budget(ws, segment);) {
      interval /= 4;
      simple_mtx_lock(&ws->residency.lock);
      sweep_locked(ws, interval);
      simple_mtx_unlock(&ws->residency.lock);
   }
}

static bool
add_locked(struct tide_winsys *ws, struct tide_memory *memory, uint64_t *value)
{
   size_t done;

   if (tide_make_resident(ws->device, ws->queue, &memory->allocation, 1, value, &done))
      return false;
   memory->resident = true;
   list_addtail(&memory->resident_link, &ws->residency.memories);
   return true;
}

uint64_t
tide_residency_use(struct tide_winsys *ws, struct tide_memory *memory)
{
   uint64_t value = 0;

   if (p_atomic_read(&memory->gone))
      return 0;

   simple_mtx_lock(&ws->residency.lock);
   memory->last_use = ws->residency.serial;
   /* Where there is no room it works all the same, though the page-in is later. */
   if (!memory->resident && !add_locked(ws, memory, &value)) {
      sweep_locked(ws, 0);
      add_locked(ws, memory, &value);
   }
   simple_mtx_unlock(&ws->residency.lock);
   return value;
}

void
tide_ws_set_priority(struct sw_winsys *sws, struct sw_memory *sw_memory,
                  enum pipe_memory_priority priority)
{
   struct tide_winsys *ws = tide_winsys(sws);
   struct tide_memory *memory = tide_memory(sw_memory);

   simple_mtx_lock(&ws->residency.lock);
   memory->priority = priority;
   simple_mtx_unlock(&ws->residency.lock);
}

struct sw_batch *
tide_ws_batch_create(struct sw_winsys *sws)
{
   struct tide_winsys *ws = tide_winsys(sws);
   struct sw_batch *batch = CALLOC_STRUCT(sw_batch);

   if (!batch)
      return NULL;
   batch->ws = ws;
   list_inithead(&batch->open_link);
   if (tide_batch_create(ws->context, TIDE_BATCH_CPU, &batch->batch)) {
      FREE(batch);
      return NULL;
   }
   tide_batch_end(batch->batch);
   return batch;
}

void
tide_ws_batch_destroy(struct sw_batch *batch)
{
   tide_ws_batch_end(batch);
   tide_batch_destroy(batch->batch);
   FREE(batch);
}

void
tide_ws_batch_begin(struct sw_batch *batch)
{
   struct tide_winsys *ws = batch->ws;

   assert(list_is_empty(&batch->open_link));
   tide_batch_reset(batch->batch);

   simple_mtx_lock(&ws->residency.lock);
   batch->serial = ws->residency.serial + 1;
   p_atomic_set(&ws->residency.serial, batch->serial);
   list_addtail(&batch->open_link, &ws->residency.open_batches);
   if (batch->serial % SWEEP_INTERVAL == 0)
      sweep_locked(ws, SWEEP_INTERVAL);
   simple_mtx_unlock(&ws->residency.lock);
}

void
tide_ws_batch_use(struct sw_batch *batch, struct sw_memory *sw_memory)
{
   struct tide_memory *memory = tide_memory(sw_memory);
   int ret = 0;

   while (!p_atomic_read(&memory->gone)) {
      ret = tide_batch_reference(batch->batch, memory->allocation, TIDE_READ | TIDE_WRITE);
      if (ret != -ENODATA)
         break;
      tide_memory_reclaim_for_use(batch->ws, memory);
   }
   /* Rather kept for ever than discarded in use. */
   if (ret == -ENOMEM)
      tide_allocation_hold(memory->allocation);

   /* Used since the newest batch began: nobody has taken it off the list. */
   if (p_atomic_read(&memory->last_use) != p_atomic_read(&batch->ws->residency.serial))
      tide_residency_use(batch->ws, memory);
}

void
tide_ws_batch_end(struct sw_batch *batch)
{
   struct tide_winsys *ws = batch->ws;
   bool open;

   simple_mtx_lock(&ws->residency.lock);
   open = !list_is_empty(&batch->open_link);
   list_delinit(&batch->open_link);
   simple_mtx_unlock(&ws->residency.lock);

   if (open)
      tide_batch_end(batch->batch);
}
