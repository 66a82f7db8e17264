/* SPDX-License-Identifier: MIT */

/* What giving memory back costs for each page, mapped by the CPU and not. */

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"
#include "device.h"
#include "memory.h"

#define UNIT "instructions/page"

struct work {
   size_t size;
   uint32_t count;
};

static int
work_repetitions(const struct work *work)
{
   return bench_short ? 1 : work->size * work->count > MIB(16) ? 3 : 7;
}

static void
print(const struct meter *meter, const struct work *work, const char *state, const char *way)
{
   figure_metered(meter, (double)work->count * (work->size / PAGE), UNIT, "discard.%s.%s.%s",
                  size_name(work->size), state, way);
}

enum state {
   UNMAPPED,
   MAPPED,
   RESIDENT, /* and not mapped */
};

static const char *const state_names[] = {"unmapped", "mapped", "resident"};

static void
discard_tide(const struct work *work, enum state state)
{
   struct meter meter;
   struct list list;
   int fd = device_open();

   list_create(&list, fd, work->count, work->size);
   if (state == RESIDENT)
      list_wait(&list, list_make_resident(&list, 0, list.count));

   for (meter_start(&meter, work_repetitions(work)); meter_next(&meter);) {
      if (state != MAPPED)
         list_unmap(&list);
      list_offer(&list, 0, list.count);

      clock_own();
      meter_begin(&meter);
      device_shrink(list_pages(&list));
      meter_end(&meter);
      clock_share();

      list_wait(&list, list_reclaim(&list, 0, list.count));
      list_expect(&list, 1);
      if (state != MAPPED)
         list_map(&list);
      list_touch(&list);
   }
   print(&meter, work, state_names[state], "tide");
   list_destroy(&list);
   close(fd);
}

static void
discard_vgem(const struct work *work)
{
   struct buffer *buffers = allocate(work->count * sizeof(*buffers));
   int fd = vgem_open();
   struct meter meter;

   for (meter_start(&meter, work_repetitions(work)); meter_next(&meter);) {
      for (uint32_t i = 0; i < work->count; i++) {
         vgem_create(&buffers[i], fd, work->size);
         touch(buffers[i].map, work->size);
         buffer_unmap(&buffers[i]);
      }
      clock_own();
      meter_begin(&meter);
      for (uint32_t i = 0; i < work->count; i++)
         buffer_destroy(&buffers[i]);
      meter_end(&meter);
      clock_share();
   }
   print(&meter, work, state_names[UNMAPPED], "vgem_close");
   free(buffers);
   close(fd);
}

static void
unmap(struct memory *memory)
{
   munmap(memory->map, memory->size);
}

static void
punch(struct memory *memory)
{
   memory_punch(memory);
}

struct way {
   const char *name;
   enum state state;
   struct memory (*get)(size_t size);
   void (*discard)(struct memory *memory);
};

static const struct way ways[] = {
   {"munmap", MAPPED, memory_anonymous, unmap},
   {"memfd_punch", MAPPED, memory_memfd, punch},
   {"memfd_punch", UNMAPPED, memory_memfd, punch},
};

static void
discard_memory(const struct way *way, const struct work *work)
{
   struct memory *memories = allocate(work->count * sizeof(*memories));
   struct meter meter;

   for (meter_start(&meter, work_repetitions(work)); meter_next(&meter);) {
      for (uint32_t i = 0; i < work->count; i++) {
         memories[i] = way->get(work->size);
         touch(memories[i].map, work->size);
         if (way->state == UNMAPPED)
            munmap(memories[i].map, work->size);
      }
      clock_own();
      meter_begin(&meter);
      for (uint32_t i = 0; i < work->count; i++)
         way->discard(&memories[i]);
      meter_end(&meter);
      clock_share();

      for (uint32_t i = 0; i < work->count; i++)
         memory_free(&memories[i]);
   }
   print(&meter, work, state_names[way->state], way->name);
   free(memories);
   clock_settle();
}

void
bench_discard(void)
{
   static const size_t sizes[] = {KIB(4), KIB(64), MIB(1), MIB(64)};

   for (size_t s = 0; s < ARRAY_SIZE(sizes); s++) {
      struct work work = {sizes[s], sizes[s] > MIB(8) ? 1 : MIB(8) / sizes[s]};

      discard_tide(&work, UNMAPPED);
      discard_tide(&work, MAPPED);
      discard_tide(&work, RESIDENT);
      discard_vgem(&work);
      for (size_t w = 0; w < ARRAY_SIZE(ways); w++)
         discard_memory(&ways[w], &work);
   }
}
