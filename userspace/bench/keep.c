/* SPDX-License-Identifier: MIT */

/*
 * Memory that is given up for a while and taken back, and that nobody wanted in between: what does
 * that cost for each allocation?
 */

#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"
#include "device.h"
#include "memory.h"

#define UNIT "instructions/allocation"

struct work {
   size_t size;    /* of an allocation */
   uint32_t count; /* allocations in a list */
};

static size_t
work_bytes(const struct work *work)
{
   return work->size * work->count;
}

static void
print(const struct meter *meter, const struct work *work, uint32_t passes, const char *way)
{
   figure_metered(meter, (double)work->count * passes, UNIT, "keep.%s.list%u.%s",
                  size_name(work->size), work->count, way);
}

/* Short lists several times, for a measurable time */
static uint32_t
passes_of(const struct work *work)
{
   return work->count < 64 ? 64 / work->count : 1;
}

/* Resident: as for allocations that the GPU uses; they are on the residency list, and there. */
static void
keep_tide(const struct work *work, bool resident)
{
   uint32_t passes = passes_of(work);
   struct meter meter;
   struct list list;
   int fd = device_open();

   list_create(&list, fd, work->count, work->size);
   if (resident)
      list_wait(&list, list_make_resident(&list, 0, list.count));
   clock_own();
   for (meter_start(&meter, bench_short ? 1 : 11); meter_next(&meter);) {
      meter_begin(&meter);
      for (uint32_t pass = 0; pass < passes; pass++) {
         list_offer(&list, 0, list.count);
         list_reclaim(&list, 0, list.count);
      }
      meter_end(&meter);
      list_expect(&list, 0);
   }
   clock_share();
   print(&meter, work, passes, resident ? "tide_resident" : "tide");
   list_destroy(&list);
   close(fd);
}

/* Create, map, touch, unmap, destroy: what frees memory that is not needed for a while. */
static void
keep_vgem(const struct work *work)
{
   struct buffer *buffers = allocate(work->count * sizeof(*buffers));
   int fd = vgem_open();
   struct meter meter;

   clock_own();
   for (meter_start(&meter, repetitions(work_bytes(work))); meter_next(&meter);) {
      meter_begin(&meter);
      for (uint32_t i = 0; i < work->count; i++) {
         vgem_create(&buffers[i], fd, work->size);
         touch(buffers[i].map, work->size);
      }
      for (uint32_t i = 0; i < work->count; i++)
         buffer_destroy(&buffers[i]);
      meter_end(&meter);
   }
   clock_share();
   print(&meter, work, 1, "vgem");
   free(buffers);
   close(fd);
}

static void
give_free(const struct memory *memory)
{
   memory_advise(memory, MADV_FREE);
}

static void
give_dontneed(const struct memory *memory)
{
   memory_advise(memory, MADV_DONTNEED);
}

struct way {
   const char *name;
   struct memory (*get)(size_t size);
   void (*give_up)(const struct memory *memory);
   /* For the first time: MADV_FREE is cheaper when pages are free to go already. */
   bool first;
};

static const struct way ways[] = {
   {"madv_free", memory_anonymous, give_free, false},
   {"madv_free_first", memory_anonymous, give_free, true},
   {"madv_dontneed", memory_anonymous, give_dontneed, false},
   {"memfd_punch", memory_memfd, memory_punch, false},
};

static void
get_all(const struct way *way, const struct work *work, struct memory *memories)
{
   for (uint32_t i = 0; i < work->count; i++) {
      memories[i] = way->get(work->size);
      touch(memories[i].map, work->size);
   }
}

static void
free_all(const struct work *work, struct memory *memories)
{
   for (uint32_t i = 0; i < work->count; i++)
      memory_free(&memories[i]);
}

static void
give_up_and_touch(const struct way *way, const struct work *work, const struct memory *memories)
{
   for (uint32_t i = 0; i < work->count; i++)
      way->give_up(&memories[i]);
   for (uint32_t i = 0; i < work->count; i++)
      touch(memories[i].map, work->size);
}

static void
keep_memory(const struct way *way, const struct work *work)
{
   struct memory *memories = allocate(work->count * sizeof(*memories));
   uint32_t passes = work_bytes(work) < MIB(1) && !way->first ? passes_of(work) : 1;
   struct meter meter;

   get_all(way, work, memories);
   if (!way->first)
      give_up_and_touch(way, work, memories);
   for (meter_start(&meter, repetitions(work_bytes(work))); meter_next(&meter);) {
      if (way->first) {
         free_all(work, memories);
         get_all(way, work, memories);
      }

      clock_own();
      meter_begin(&meter);
      for (uint32_t pass = 0; pass < passes; pass++)
         give_up_and_touch(way, work, memories);
      meter_end(&meter);
      clock_share();
   }
   print(&meter, work, passes, way->name);

   free_all(work, memories);
   free(memories);
   clock_settle();
}

void
bench_keep(void)
{
   static const size_t sizes[] = {KIB(4), KIB(64), MIB(1), MIB(64)};
   static const uint32_t counts[] = {1, 16, 64, 1024, 65536};
   size_t limit = bench_short ? MIB(64) : MIB(1024);

   for (size_t s = 0; s < ARRAY_SIZE(sizes); s++) {
      for (size_t c = 0; c < ARRAY_SIZE(counts); c++) {
         struct work work = {sizes[s], counts[c]};
         if (work_bytes(&work) > limit)
            continue;

         keep_tide(&work, false);
         keep_tide(&work, true);
         keep_vgem(&work);
         for (size_t w = 0; w < ARRAY_SIZE(ways); w++)
            keep_memory(&ways[w], &work);
      }
   }
}
