/* SPDX-License-Identifier: MIT */
#ifndef TIDE_FAKE_INTERNAL_H
#define TIDE_FAKE_INTERNAL_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_kmd.h"

#define COMPLAIN(fake, ...)                         \
   do {                                             \
      fprintf(stderr, "fake kernel: " __VA_ARGS__); \
      fputc('\n', stderr);                          \
      atomic_fetch_add(&(fake)->violations, 1);     \
   } while (0)

static inline struct fake *
fake_of(struct tide_kmd *kmd)
{
   return (struct fake *)kmd;
}

/* The beginning of every call: notes it, and fails if that was asked for, else locks. */
int
fake_enter(struct fake *fake, enum fake_op op, const uint32_t *handles, uint32_t count,
           uint32_t priority);
/* The end, with its answer. */
int
fake_leave(struct fake *fake, int ret);

/* With the lock held. */
struct fake_bo *
fake_find_bo(struct fake *fake, uint32_t handle);
uint8_t *
fake_memory_of(struct fake_bo *bo);
struct fake_queue *
fake_find_queue(struct fake *fake, uint32_t id);
/* A value for work that is over at once, unless the test wants to do that. */
uint64_t
fake_new_value(struct fake *fake, struct fake_queue *queue);

void
fake_memory_init(struct tide_kmd_ops *ops);
void
fake_sync_init(struct tide_kmd_ops *ops);

#endif /* TIDE_FAKE_INTERNAL_H */
