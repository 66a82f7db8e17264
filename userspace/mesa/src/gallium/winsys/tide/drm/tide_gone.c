/* SPDX-License-Identifier: MIT */

/*
 * Memory that the kernel does not give back: because the device is gone, because
 * there is no memory, or because its commit charge, which the application had
 * allowed to be given up, could not be had again. An access would raise SIGBUS, so
 * there is something else in its place, until it is destroyed.
 */

#include "util/macros.h"
#include "util/os_mman.h"
#include "util/u_atomic.h"

#include "tide_winsys.h"

/* A mapping that takes no commit charge, for what has just failed to get one. */
#define DUMP_SIZE (2ull * 1024 * 1024)

bool
tide_gone_prepare(struct tide_winsys *ws)
{
   struct tide_allocation *dump;

   if (p_atomic_read(&ws->dump))
      return true;
   if (tide_allocation_create(ws->device, DUMP_SIZE, 0, &dump))
      return false;
   if (p_atomic_cmpxchg_ptr(&ws->dump, NULL, dump))
      tide_allocation_unref(dump);
   return true;
}

void
tide_gone_finish(struct tide_winsys *ws)
{
   tide_allocation_unref(ws->dump);
}

/* The same little memory all over the range. */
static void
map_dump(struct tide_winsys *ws, struct tide_memory *memory)
{
   uint64_t offset;

   if (!p_atomic_read(&ws->dump) || tide_allocation_mmap_offset(ws->dump, &offset))
      return;
   for (uint64_t at = 0; at < memory->base.size; at += DUMP_SIZE)
      os_mmap((char *)memory->base.map + at, MIN2(DUMP_SIZE, memory->base.size - at),
              PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, tide_device_fd(ws->device), offset);
}

void
tide_memory_gone(struct tide_winsys *ws, struct tide_memory *memory)
{
   if (p_atomic_read(&memory->gone))
      return;
   /* One mapping in the place of another cannot fail for want of mappings. */
   if (os_mmap(memory->base.map, memory->base.size, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
      map_dump(ws, memory);
   p_atomic_set(&memory->gone, true);
}
