/* SPDX-License-Identifier: MIT */

/* Numbers: for queries, for budgets, and with TIDE_DEBUG=stats for reading. */

#include <inttypes.h>
#include <stdlib.h>

#include "util/log.h"
#include "util/macros.h"
#include "util/u_atomic.h"
#include "util/u_call_once.h"
#include "util/u_debug.h"

#include "tide_winsys.h"

#define DEBUG_STATS (1u << 0)

static const struct debug_named_value debug_options[] = {
   {"stats", DEBUG_STATS, "Print statistics of memory when a device is closed"},
   DEBUG_NAMED_VALUE_END,
};

DEBUG_GET_ONCE_FLAGS_OPTION(tide_debug, "TIDE_DEBUG", debug_options, 0)

/* Many applications do not close their devices. */
static simple_mtx_t live_lock = SIMPLE_MTX_INITIALIZER;
static struct list_head live = {&live, &live};

static void
print(struct tide_winsys *ws)
{
   struct sw_memory_stats stats;

   tide_ws_query_stats(&ws->base, &stats);
   mesa_logi("tide: created %" PRIu64 " bytes for %" PRIu64 " requested, at most %" PRIu64
             " at one time; now live %" PRIu64 ", cached %" PRIu64 ", offered %" PRIu64
             ", %" PRIu64 " mappings, %" PRIu64 " discards",
             ws->total_allocated, ws->total_requested, ws->peak_allocated, stats.allocated,
             stats.cached, stats.offered, stats.mappings, stats.discards);
}

static void
print_live(void)
{
   simple_mtx_lock(&live_lock);
   list_for_each_entry(struct tide_winsys, ws, &live, stats_link)
      print(ws);
   simple_mtx_unlock(&live_lock);
}

static void
print_at_exit(void)
{
   atexit(print_live);
}

void
tide_stats_init(struct tide_winsys *ws)
{
   static util_once_flag once = UTIL_ONCE_FLAG_INIT;

   simple_mtx_init(&ws->stats_lock, mtx_plain);
   list_inithead(&ws->stats_link);
   if (!(debug_get_option_tide_debug() & DEBUG_STATS))
      return;

   util_call_once(&once, print_at_exit);
   simple_mtx_lock(&live_lock);
   list_addtail(&ws->stats_link, &live);
   simple_mtx_unlock(&live_lock);
}

void
tide_stats_print(struct tide_winsys *ws)
{
   if (!list_is_empty(&ws->stats_link)) {
      simple_mtx_lock(&live_lock);
      list_del(&ws->stats_link);
      simple_mtx_unlock(&live_lock);
      print(ws);
   }
}

void
tide_stats_created(struct tide_winsys *ws, uint64_t requested, uint64_t allocated)
{
   simple_mtx_lock(&ws->stats_lock);
   ws->stats.requested += requested;
   ws->stats.allocated += allocated;
   ws->total_requested += requested;
   ws->total_allocated += allocated;
   ws->peak_allocated = MAX2(ws->peak_allocated, ws->stats.allocated);
   simple_mtx_unlock(&ws->stats_lock);
}

void
tide_stats_destroyed(struct tide_winsys *ws, const struct tide_memory *memory)
{
   simple_mtx_lock(&ws->stats_lock);
   ws->stats.requested -= memory->requested;
   ws->stats.allocated -= memory->base.size;
   simple_mtx_unlock(&ws->stats_lock);
}

void
tide_stats_offered(struct tide_winsys *ws, struct tide_memory *memory, bool offered)
{
   simple_mtx_lock(&ws->stats_lock);
   if (memory->offered != offered) {
      memory->offered = offered;
      if (offered)
         ws->stats.offered += memory->base.size;
      else
         ws->stats.offered -= memory->base.size;
   }
   simple_mtx_unlock(&ws->stats_lock);
}

void
tide_stats_discarded(struct tide_winsys *ws)
{
   simple_mtx_lock(&ws->stats_lock);
   ws->stats.discards++;
   simple_mtx_unlock(&ws->stats_lock);
}

uint64_t
tide_stats_mappings(struct tide_winsys *ws, int change)
{
   uint64_t mappings;

   simple_mtx_lock(&ws->stats_lock);
   mappings = ws->stats.mappings += change;
   simple_mtx_unlock(&ws->stats_lock);
   return mappings;
}

void
tide_ws_query_stats(struct sw_winsys *sws, struct sw_memory_stats *stats)
{
   struct tide_winsys *ws = tide_winsys(sws);

   simple_mtx_lock(&ws->stats_lock);
   *stats = ws->stats;
   simple_mtx_unlock(&ws->stats_lock);
   stats->cached = p_atomic_read(&ws->cache.bytes);
}

bool
tide_ws_query_budget(struct sw_winsys *sws, struct sw_memory_budget *budget)
{
   struct tide_winsys *ws = tide_winsys(sws);
   struct tide_segment segment;
   struct tide_budget ours;
   struct sw_memory_stats stats;

   /* The kernel chooses the segment of each memory, so they are one to the application. */
   *budget = (struct sw_memory_budget){0};
   for (uint32_t i = 0; !tide_device_segment(ws->device, i, &segment); i++) {
      if (tide_device_budget(ws->device, i, &ours))
         break;
      budget->size += segment.size;
      budget->budget += ours.budget;
   }
   tide_ws_query_stats(sws, &stats);
   budget->usage = stats.allocated;
   return budget->size;
}
