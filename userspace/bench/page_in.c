/* SPDX-License-Identifier: MIT */

/* What it costs for each page to have memory again after a discard, until it can be used. */

#include <stdlib.h>
#include <unistd.h>

#include "bench.h"
#include "device.h"
#include "memory.h"

#define UNIT "instructions/page"

struct work {
   size_t size;
   uint32_t count;
};

static size_t
work_bytes(const struct work *work)
{
   return work->size * work->count;
}

static void
print(const struct meter *meter, const struct work *work, const char *subject, const char *way)
{
   figure_metered(meter, work_bytes(work) / PAGE, UNIT, "%s.%s.%s", subject, size_name(work->size),
                  way);
}

static struct work
work_of(size_t size)
{
   return (struct work){size, size > MIB(8) ? 1 : MIB(8) / size};
}

static const size_t sizes[] = {KIB(4), KIB(64), MIB(1), MIB(64)};

static int
work_repetitions(const struct work *work)
{
   return bench_short ? 1 : work_bytes(work) > MIB(16) ? 3 : 7;
}

/* For the GPU: reclaim, and wait for the paging fence */
static void
page_in_tide(const struct work *work)
{
   struct meter meter;
   struct list list;
   int fd = device_open();

   list_create(&list, fd, work->count, work->size);
   list_unmap(&list);
   list_wait(&list, list_make_resident(&list, 0, list.count));

   for (meter_start(&meter, work_repetitions(work)); meter_next(&meter);) {
      list_offer(&list, 0, list.count);
      device_shrink(list_pages(&list));

      clock_own();
      meter_begin(&meter);
      list_wait(&list, list_reclaim(&list, 0, list.count));
      meter_end(&meter);
      clock_share();
      list_expect(&list, 1);
   }
   print(&meter, work, "page_in", "tide");
   list_destroy(&list);
   close(fd);
}

/* For the CPU: touching a mapping that was there before */
static void
first_touch_tide(const struct work *work)
{
   struct meter meter;
   struct list list;
   int fd = device_open();

   list_create(&list, fd, work->count, work->size);
   for (meter_start(&meter, work_repetitions(work)); meter_next(&meter);) {
      list_offer(&list, 0, list.count);
      device_shrink(list_pages(&list));
      list_reclaim(&list, 0, list.count);
      list_expect(&list, 1);

      clock_own();
      meter_begin(&meter);
      list_touch(&list);
      meter_end(&meter);
      clock_share();
   }
   print(&meter, work, "first_touch", "tide");
   list_destroy(&list);
   close(fd);
}

/* As the GPU has brought it in, for the CPU as well */
static void
resident_touch_tide(const struct work *work)
{
   struct meter meter;
   struct list list;
   int fd = device_open();

   list_create(&list, fd, work->count, work->size);
   list_wait(&list, list_make_resident(&list, 0, list.count));
   for (meter_start(&meter, work_repetitions(work)); meter_next(&meter);) {
      list_unmap(&list);
      list_map(&list);
      clock_own();
      meter_begin(&meter);
      list_touch(&list);
      meter_end(&meter);
      clock_share();
   }
   print(&meter, work, "resident_touch", "tide");
   list_destroy(&list);
   close(fd);
}

struct way {
   const char *name;
   struct memory (*get)(size_t size);
   bool getting_counts; /* it is what brings the pages in */
};

static const struct way ways[] = {
   {"memfd", memory_memfd, false},
   {"anonymous", memory_anonymous, false},
   {"anonymous_small", memory_small, false},
   {"populate", memory_populated, true},
};

static void
touch_memory(const struct way *way, const struct work *work)
{
   struct memory *memories = allocate(work->count * sizeof(*memories));
   struct meter meter;

   for (meter_start(&meter, work_repetitions(work)); meter_next(&meter);) {
      if (!way->getting_counts) {
         for (uint32_t i = 0; i < work->count; i++)
            memories[i] = way->get(work->size);
      }

      clock_own();
      meter_begin(&meter);
      for (uint32_t i = 0; i < work->count; i++) {
         if (way->getting_counts)
            memories[i] = way->get(work->size);
         touch(memories[i].map, work->size);
      }
      meter_end(&meter);
      clock_share();

      for (uint32_t i = 0; i < work->count; i++)
         memory_free(&memories[i]);
   }
   print(&meter, work, "page_in", way->name);
   print(&meter, work, "first_touch", way->name);
   free(memories);
   clock_settle();
}

/* Touching what the page cache has, in a new mapping */
static void
retouch_memfd(const struct work *work)
{
   struct memory *memories = allocate(work->count * sizeof(*memories));
   struct meter meter;

   for (uint32_t i = 0; i < work->count; i++) {
      memories[i] = memory_memfd(work->size);
      touch(memories[i].map, work->size);
   }
   for (meter_start(&meter, work_repetitions(work)); meter_next(&meter);) {
      for (uint32_t i = 0; i < work->count; i++) {
         memory_unmap(&memories[i]);
         memory_map(&memories[i]);
      }
      clock_own();
      meter_begin(&meter);
      for (uint32_t i = 0; i < work->count; i++)
         touch(memories[i].map, work->size);
      meter_end(&meter);
      clock_share();
   }
   print(&meter, work, "resident_touch", "memfd");
   for (uint32_t i = 0; i < work->count; i++)
      memory_free(&memories[i]);
   free(memories);
   clock_settle();
}

/* The least that it could take: clearing the pages, as the kernel does on this CPU */
static void
clear_only(const struct work *work)
{
   struct memory memory = memory_anonymous(work_bytes(work));
   struct meter meter;

   touch(memory.map, memory.size);
   for (meter_start(&meter, work_repetitions(work)); meter_next(&meter);) {
      void *at = memory.map;
      clock_own();
      meter_begin(&meter);
      for (size_t page = 0; page < memory.size / PAGE; page++) {
         size_t words = PAGE / 8;
         __asm__ volatile("rep stosq" : "+D"(at), "+c"(words) : "a"(0) : "memory");
      }
      meter_end(&meter);
      clock_share();
   }
   print(&meter, work, "page_in", "clearing");
   memory_free(&memory);
}

void
bench_page_in(void)
{
   for (size_t s = 0; s < ARRAY_SIZE(sizes); s++) {
      struct work work = work_of(sizes[s]);

      page_in_tide(&work);
      first_touch_tide(&work);
      resident_touch_tide(&work);
      for (size_t w = 0; w < ARRAY_SIZE(ways); w++)
         touch_memory(&ways[w], &work);
      retouch_memfd(&work);
      clear_only(&work);
   }
}
