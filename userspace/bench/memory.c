/* SPDX-License-Identifier: MIT */

#include "memory.h"

#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"

static void *
map_anonymous(size_t size, int flags)
{
   void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
   if (map == MAP_FAILED)
      die_errno("mmap of %zu bytes", size);
   return map;
}

struct memory
memory_anonymous(size_t size)
{
   return (struct memory){.map = map_anonymous(size, 0), .size = size, .fd = -1};
}

struct memory
memory_small(size_t size)
{
   struct memory memory = memory_anonymous(size);
   memory_advise(&memory, MADV_NOHUGEPAGE);
   return memory;
}

struct memory
memory_populated(size_t size)
{
   return (struct memory){.map = map_anonymous(size, MAP_POPULATE), .size = size, .fd = -1};
}

void
memory_map(struct memory *memory)
{
   memory->map = mmap(NULL, memory->size, PROT_READ | PROT_WRITE, MAP_SHARED, memory->fd, 0);
   if (memory->map == MAP_FAILED)
      die_errno("mmap of a memfd");
}

void
memory_unmap(struct memory *memory)
{
   munmap(memory->map, memory->size);
   memory->map = NULL;
}

struct memory
memory_memfd_unmapped(size_t size)
{
   struct memory memory = {.size = size, .fd = memfd_create("bench", MFD_CLOEXEC)};
   if (memory.fd < 0 || ftruncate(memory.fd, size))
      die_errno("memfd");
   return memory;
}

struct memory
memory_memfd(size_t size)
{
   struct memory memory = memory_memfd_unmapped(size);
   memory_map(&memory);
   return memory;
}

void
memory_free(struct memory *memory)
{
   munmap(memory->map, memory->size);
   if (memory->fd >= 0)
      close(memory->fd);
}

void
memory_advise(const struct memory *memory, int advice)
{
   if (madvise(memory->map, memory->size, advice))
      die_errno("madvise");
}

void
memory_punch(const struct memory *memory)
{
   if (fallocate(memory->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, memory->size))
      die_errno("punching a hole");
}
