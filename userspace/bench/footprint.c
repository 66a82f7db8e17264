/* SPDX-License-Identifier: MIT */

/* Kernel memory that an allocation takes besides its pages. */

#include <stdlib.h>
#include <unistd.h>

#include "bench.h"
#include "device.h"
#include "memory.h"

#define UNIT "bytes/allocation"

static uint64_t
slab(void)
{
   clock_settle();
   return read_number("/proc/meminfo", "Slab:") * 1024;
}

static void
print(uint64_t before, uint32_t count, const char *what, const char *way)
{
   figure((double)(slab() - before) / count, UNIT, "footprint.%s.%s", what, way);
}

static void
footprint_tide(uint32_t count)
{
   struct buffer *buffers = allocate(count * sizeof(*buffers));
   int fd = device_open();
   uint64_t before = slab();

   for (uint32_t i = 0; i < count; i++)
      buffer_create(&buffers[i], fd, PAGE);
   print(before, count, "created", "tide");
   for (uint32_t i = 0; i < count; i++)
      buffer_map(&buffers[i]);
   print(before, count, "mapped", "tide");

   for (uint32_t i = 0; i < count; i++)
      buffer_destroy(&buffers[i]);
   free(buffers);
   close(fd);
}

static void
footprint_vgem(uint32_t count)
{
   struct buffer *buffers = allocate(count * sizeof(*buffers));
   int fd = vgem_open();
   uint64_t before = slab();

   for (uint32_t i = 0; i < count; i++)
      vgem_create(&buffers[i], fd, PAGE);
   print(before, count, "mapped", "vgem");

   for (uint32_t i = 0; i < count; i++)
      buffer_destroy(&buffers[i]);
   free(buffers);
   close(fd);
}

static void
footprint_memfd(uint32_t count)
{
   struct memory *memories = allocate(count * sizeof(*memories));
   uint64_t before = slab();

   for (uint32_t i = 0; i < count; i++)
      memories[i] = memory_memfd(PAGE);
   print(before, count, "mapped", "memfd");

   for (uint32_t i = 0; i < count; i++)
      memory_free(&memories[i]);
   free(memories);
}

void
bench_footprint(void)
{
   uint32_t count = bench_short ? 1000 : 20000;

   footprint_tide(count);
   footprint_vgem(count);
   footprint_memfd(count);
}
