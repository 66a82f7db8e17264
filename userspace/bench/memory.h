/* SPDX-License-Identifier: MIT */

/* Memory as applications get it without tide. A failure ends the program. */

#ifndef BENCH_MEMORY_H
#define BENCH_MEMORY_H

#include <stddef.h>

struct memory {
   void *map;
   size_t size;
   int fd; /* of a memfd, or -1 */
};

/* Anonymous memory, aligned as huge pages want it */
struct memory
memory_anonymous(size_t size);
/* The same in small pages only */
struct memory
memory_small(size_t size);
/* Anonymous memory that mmap() itself fills */
struct memory
memory_populated(size_t size);
struct memory
memory_memfd(size_t size);
struct memory
memory_memfd_unmapped(size_t size);
void
memory_free(struct memory *memory);
/* The mapping of a memfd alone */
void
memory_map(struct memory *memory);
void
memory_unmap(struct memory *memory);

void
memory_advise(const struct memory *memory, int advice);
/* Frees the pages of a memfd and keeps the mapping. */
void
memory_punch(const struct memory *memory);

#endif
