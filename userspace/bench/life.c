/* SPDX-License-Identifier: MIT */

/* The whole life of a piece of memory: create, map, write to each page, unmap, close. */

#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench.h"
#include "device.h"
#include "memory.h"

#define UNIT "instructions/allocation"

static int tide, vgem;

static void
live_tide(size_t size)
{
   struct buffer buffer;

   buffer_create(&buffer, tide, size);
   buffer_map(&buffer);
   touch(buffer.map, size);
   buffer_destroy(&buffer);
}

static void
live_vgem(size_t size)
{
   struct buffer buffer;

   vgem_create(&buffer, vgem, size);
   touch(buffer.map, size);
   buffer_destroy(&buffer);
}

static void
live_memfd(size_t size)
{
   struct memory memory = memory_memfd(size);
   touch(memory.map, size);
   memory_free(&memory);
}

static void
live_heap(size_t size)
{
   void *memory = malloc(size);
   touch(memory, size);
   free(memory);
}

static const struct {
   const char *name;
   void (*live)(size_t size);
} ways[] = {
   {"tide", live_tide},
   {"vgem", live_vgem},
   {"memfd", live_memfd},
   {"heap", live_heap},
};

/* What the parts of a life of 4 KiB cost */

#define STEP_COUNT 64

enum step { CREATE, MAP, TOUCH, UNMAP, CLOSE, STEPS };

static const char *const step_names[STEPS] = {"create", "map", "touch", "unmap", "close"};

static void
step_tide(enum step step, struct buffer *buffer)
{
   switch (step) {
   case CREATE:
      buffer_create(buffer, tide, PAGE);
      break;
   case MAP:
      buffer_map(buffer);
      break;
   case TOUCH:
      touch(buffer->map, PAGE);
      break;
   case UNMAP:
      buffer_unmap(buffer);
      break;
   default:
      buffer_destroy(buffer);
   }
}

static void
step_memfd(enum step step, struct memory *memory)
{
   switch (step) {
   case CREATE:
      *memory = memory_memfd_unmapped(PAGE);
      break;
   case MAP:
      memory_map(memory);
      break;
   case TOUCH:
      touch(memory->map, PAGE);
      break;
   case UNMAP:
      memory_unmap(memory);
      break;
   default:
      close(memory->fd);
   }
}

static void
measure_steps(bool ours)
{
   struct buffer buffers[STEP_COUNT];
   struct memory memories[STEP_COUNT];
   struct meter meters[STEPS];

   for (int step = 0; step < STEPS; step++)
      meter_start(&meters[step], repetitions(PAGE));
   clock_own();
   while (meter_next(&meters[CREATE])) {
      for (int step = 0; step < STEPS; step++) {
         meter_begin(&meters[step]);
         for (int i = 0; i < STEP_COUNT; i++) {
            if (ours)
               step_tide(step, &buffers[i]);
            else
               step_memfd(step, &memories[i]);
         }
         meter_end(&meters[step]);
      }
   }
   clock_share();
   clock_settle();
   for (int step = 0; step < STEPS; step++)
      figure_metered(&meters[step], STEP_COUNT, UNIT, "life_steps.%s.%s", step_names[step],
                     ours ? "tide" : "memfd");
}

void
bench_life(void)
{
   static const size_t sizes[] = {KIB(4), KIB(64), MIB(1), MIB(64)};

   tide = device_open();
   vgem = vgem_open();
   /* As it starts: the threshold grows with what was freed. */
   mallopt(M_MMAP_THRESHOLD, 128 * 1024);

   for (size_t s = 0; s < ARRAY_SIZE(sizes); s++) {
      int passes = sizes[s] < MIB(1) ? 64 : 1;
      for (size_t w = 0; w < ARRAY_SIZE(ways); w++) {
         struct meter meter;

         clock_own();
         for (meter_start(&meter, repetitions(sizes[s])); meter_next(&meter);) {
            meter_begin(&meter);
            for (int pass = 0; pass < passes; pass++)
               ways[w].live(sizes[s]);
            meter_end(&meter);
         }
         clock_share();
         clock_settle();
         figure_metered(&meter, passes, UNIT, "life.%s.%s", size_name(sizes[s]), ways[w].name);
      }
   }
   measure_steps(true);
   measure_steps(false);
   close(tide);
   close(vgem);
}
