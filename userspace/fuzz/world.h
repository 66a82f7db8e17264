/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_WORLD_H
#define FUZZ_WORLD_H

#include <stddef.h>
#include <stdint.h>

#include "drm.h"
#include "drm_mode.h"
#include "tide_drm.h"

/*
 * What earlier calls have left. Threads share all of it, without locks: a call may
 * well use what another one closes meanwhile.
 */

#define CLIENTS 3
#define HANDLES 8
#define QUEUES 4
#define SYNCOBJS 4
#define DMABUFS 4
#define MAPS 8
#define LIST 8
#define PAGE 4096ull

/* Of a program: these take a hundred times as long as other calls. */
#define MEMORY_RECLAIMS_MAX 1
#define FORKS_MAX 1

extern struct fuzz_world {
   const char *render, *primary;
   int fds[CLIENTS];
   uint32_t handles[CLIENTS][HANDLES];
   uint32_t queues[CLIENTS][QUEUES];
   uint32_t syncobjs[CLIENTS][SYNCOBJS];
   uint64_t values[CLIENTS];
   uint32_t names[DMABUFS];
   int dmabufs[DMABUFS];
   struct {
      uint8_t *at;
      size_t size;
   } maps[MAPS];
   int shrink_fd, reclaim_fd;
   uint32_t memory_reclaims, forks;
} w;

/* Arguments: small ones are slots, and large ones what they say. */
uint32_t
client_of(uint64_t arg);
int
fd_of(uint64_t arg);
uint32_t
handle_of(uint64_t client, uint64_t arg);
uint32_t
queue_of(uint64_t client, uint64_t arg);
uint32_t
syncobj_of(uint64_t client, uint64_t arg);
/* As a rule a few pages; more than there is of memory only by far: what nearly fits takes long. */
uint64_t
size_of(uint64_t arg);
/* Mostly nothing that is unknown, else what it says */
uint32_t
flags_of(uint64_t arg, uint32_t known);

int
call(int fd, unsigned long request, void *arg);
/* Accesses a mapping; a fault that cannot be served ends that. */
void
touch(volatile uint8_t *at, size_t size, const uint64_t *a);

void
op_open(const uint64_t *a);
void
op_close_file(const uint64_t *a);
void
op_info(const uint64_t *a);
void
op_reserve(const uint64_t *a);
void
op_suspend(const uint64_t *a);
void
op_read(const uint64_t *a);
void
op_fdinfo(const uint64_t *a);
void
op_create(const uint64_t *a);
void
op_dumb(const uint64_t *a);
void
op_close(const uint64_t *a);
void
op_bo_info(const uint64_t *a);
void
op_mmap(const uint64_t *a);
void
op_munmap(const uint64_t *a);
void
op_touch(const uint64_t *a);
void
op_pipe(const uint64_t *a);
void
op_offer(const uint64_t *a);
void
op_reclaim(const uint64_t *a);
void
op_make_resident(const uint64_t *a);
void
op_evict(const uint64_t *a);
void
op_queue_create(const uint64_t *a);
void
op_queue_destroy(const uint64_t *a);
void
op_queue_info(const uint64_t *a);
void
op_submit(const uint64_t *a);
void
op_syncobj(const uint64_t *a);
void
op_wait(const uint64_t *a);
void
op_export(const uint64_t *a);
void
op_import(const uint64_t *a);
void
op_dmabuf(const uint64_t *a);
void
op_flink(const uint64_t *a);
void
op_raw(const uint64_t *a);
void
op_shrink(const uint64_t *a);
void
op_memory_reclaim(const uint64_t *a);
void
op_fork(const uint64_t *a);
void
op_sleep(const uint64_t *a);

#endif
