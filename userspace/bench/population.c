/* SPDX-License-Identifier: MIT */

/* What the work costs when many allocations are offered, and when many clients are there. */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench.h"
#include "device.h"
#include "trace.h"

#define LIST 64
#define MOST 65536 /* that one call takes */
#define UNIT "instructions/allocation"

static void
offer_all(const struct list *list)
{
   for (uint32_t first = 0; first < list->count; first += MOST)
      list_offer(list, first, list->count - first < MOST ? list->count - first : MOST);
}

static void
measure_pair(struct list *lists, int count, const char *key)
{
   struct meter meter;

   clock_own();
   for (meter_start(&meter, bench_short ? 1 : 11); meter_next(&meter);) {
      meter_begin(&meter);
      for (int i = 0; i < count; i++) {
         list_offer(&lists[i], 0, lists[i].count);
         list_reclaim(&lists[i], 0, lists[i].count);
      }
      meter_end(&meter);
   }
   clock_share();
   figure_metered(&meter, (double)count * LIST, UNIT, "%s", key);
}

/* What tracing the two ends of a function adds: the shortest call of one that does next to nothing
 */
static uint64_t
probe_cost(int fd)
{
   struct series series;

   trace_function("nothing", "tide_info_ioctl");
   trace_clear();
   for (int i = 0; i < SERIES_MAX; i++)
      device_ask(fd);
   trace_durations("nothing", &series);
   trace_end();
   return series_least(&series);
}

static void
reclaim_all(const struct list *list)
{
   for (uint32_t first = 0; first < list->count; first += MOST)
      list_reclaim(list, first, list->count - first < MOST ? list->count - first : MOST);
}

/* The first call of a function; returns false if there was none. */
static bool
first_duration(const char *name, uint64_t *duration)
{
   struct series series;

   trace_durations(name, &series);
   if (series.count)
      *duration = series.values[0];
   return series.count;
}

/* Memory reclaim goes over the shrinkers. What is little, it may only take note of at first. */
static void
reclaim_slabs(struct series *count, struct series *scan)
{
   uint64_t counted, scanned;

   trace_clear();
   for (int tries = 0; tries < 4; tries++) {
      write_file("/proc/sys/vm/drop_caches", "2");
      if (first_duration("count", &counted) && first_duration("scan", &scanned)) {
         series_add(count, counted);
         series_add(scan, scanned);
         return;
      }
   }
   die("the shrinker was not called");
}

/* The shrinker as memory reclaim calls it; what it discards is there again for the next time. */
static void
measure_shrinker(const struct list *list)
{
   uint64_t cost = probe_cost(list->fd);
   struct series count = {0}, scan = {0};

   trace_function("count", "tide_discard_count");
   trace_function("scan", "tide_discard_scan");
   for (int i = 0; i < (bench_short ? 1 : 5); i++) {
      reclaim_slabs(&count, &scan);
      reclaim_all(list);
      list_touch(list);
      offer_all(list);
   }
   trace_end();

   figure(series_median(&count) - cost, "instructions/call", "population.%u.shrinker_count.tide",
          list->count);
   figure(series_median(&scan) - cost, "instructions/call", "population.%u.shrinker_scan.tide",
          list->count);
}

void
bench_population(void)
{
   static const uint32_t populations[] = {10, 100, 1000, 100000};
   int fd = device_open();

   for (size_t p = 0; p < ARRAY_SIZE(populations); p++) {
      struct list others, list;
      char key[64];

      if (bench_short && populations[p] > 1000)
         break;
      snprintf(key, sizeof(key), "population.%u.keep.tide", populations[p]);
      list_create(&others, fd, populations[p], PAGE);
      offer_all(&others);
      list_create(&list, fd, LIST, PAGE);
      measure_pair(&list, 1, key);
      list_destroy(&list);
      measure_shrinker(&others);
      list_destroy(&others);
   }
   close(fd);
}

/* Each client has a thousand more allocations offered. */
void
bench_clients(void)
{
   static const int counts[] = {1, 4, 16};

   for (size_t c = 0; c < ARRAY_SIZE(counts); c++) {
      struct list lists[16], others[16];
      char key[64];

      for (int i = 0; i < counts[c]; i++) {
         int fd = device_open();
         list_create(&others[i], fd, bench_short ? 10 : 1000, PAGE);
         list_offer(&others[i], 0, others[i].count);
         list_create(&lists[i], fd, LIST, PAGE);
      }
      snprintf(key, sizeof(key), "clients.%d.keep.tide", counts[c]);
      measure_pair(lists, counts[c], key);

      for (int i = 0; i < counts[c]; i++) {
         list_destroy(&lists[i]);
         list_destroy(&others[i]);
         close(lists[i].fd);
      }
   }
}
