/* SPDX-License-Identifier: MIT */

/* The DRM devices that are measured, by their plain ioctls. A failure ends the program. */

#ifndef BENCH_DEVICE_H
#define BENCH_DEVICE_H

#include <stddef.h>
#include <stdint.h>

/* tide's render node */
int
device_open(void);
/* vgem's primary node: dumb buffers are not for render nodes. */
int
vgem_open(void);

/* A call that does next to nothing, on tide's device */
void
device_ask(int fd);

/* Allocations, tide's and vgem's */

struct buffer {
   int fd; /* device */
   uint32_t handle;
   size_t size;
   uint8_t *map; /* or NULL */
};

/* tide */
void
buffer_create(struct buffer *buffer, int fd, size_t size);
void
buffer_map(struct buffer *buffer);
void
buffer_unmap(struct buffer *buffer);
void
buffer_destroy(struct buffer *buffer);

/* vgem, whose buffers are dumb ones, and mapped at once */
void
vgem_create(struct buffer *buffer, int fd, size_t size);

/* Lists of tide's allocations */

struct list {
   int fd;
   uint32_t count;
   size_t size; /* of each */
   struct buffer *buffers;
   uint32_t *handles, *results;
   uint32_t queue, syncobj;
};

/* Creates and maps them, and writes to each page. */
void
list_create(struct list *list, int fd, uint32_t count, size_t size);
void
list_destroy(struct list *list);
void
list_touch(const struct list *list);
void
list_map(struct list *list);
void
list_unmap(struct list *list);
size_t
list_pages(const struct list *list);

/* The calls on `count` allocations from number `first` on */
void
list_offer(const struct list *list, uint32_t first, uint32_t count);
/* Returns the paging fence value. */
uint64_t
list_reclaim(const struct list *list, uint32_t first, uint32_t count);
uint64_t
list_make_resident(const struct list *list, uint32_t first, uint32_t count);
void
list_evict(const struct list *list, uint32_t first, uint32_t count);
void
list_wait(const struct list *list, uint64_t value);
/* Ends the program if they were not all kept, or all discarded, at the last reclaim. */
void
list_expect(const struct list *list, uint32_t result);

/* Memory pressure on tide for that many pages, as in memory reclaim */
void
device_shrink(size_t pages);

/* Writes to each page. */
void
touch(void *memory, size_t size);

#endif
