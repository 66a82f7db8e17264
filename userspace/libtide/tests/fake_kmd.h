/* SPDX-License-Identifier: MIT */
#ifndef TIDE_FAKE_KMD_H
#define TIDE_FAKE_KMD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "kmd.h"

/*
 * A kernel that is not there: it keeps the rules of the uAPI's text, notes what
 * it was asked for, fails on request, and complains about what must not happen.
 */

enum fake_op {
   FAKE_INFO,
   FAKE_SEGMENT_INFO,
   FAKE_BUDGET,
   FAKE_RESERVE,
   FAKE_READ_TRIMS,
   FAKE_BO_CREATE,
   FAKE_BO_CLOSE,
   FAKE_BO_MAP,
   FAKE_BO_UNMAP,
   FAKE_BO_MMAP_OFFSET,
   FAKE_BO_INFO,
   FAKE_BO_EXPORT,
   FAKE_BO_IMPORT,
   FAKE_QUEUE_CREATE,
   FAKE_QUEUE_DESTROY,
   FAKE_QUEUE_INFO,
   FAKE_OFFER,
   FAKE_RECLAIM,
   FAKE_MAKE_RESIDENT,
   FAKE_EVICT,
   FAKE_SUBMIT,
   FAKE_SYNCOBJ_CREATE,
   FAKE_SYNCOBJ_DESTROY,
   FAKE_SYNCOBJ_SIGNAL,
   FAKE_SYNCOBJ_WAIT,
   FAKE_OP_COUNT,
};

/* Where an allocation is in the file of the node. */
#define FAKE_MMAP_OFFSET(handle) ((uint64_t)(handle) << 32)

struct fake_bo {
   bool open;
   bool offered;
   bool discarded;
   bool exported;
   bool mapped;
   bool not_committed;
   uint32_t segment;
   uint32_t priority;
   uint32_t offer_flags;
   uint32_t residency;
   uint32_t discards;
   uint32_t page_in_error;
   uint64_t size;
   uint64_t age;
   uint8_t *memory;
   /* what the test knows to be in batches under construction */
   atomic_int held;
};

struct fake_queue {
   bool open;
   uint32_t syncobj;
   uint64_t last, completed;
   uint64_t bad_value;
   uint32_t bad_errno;
};

struct fake_syncobj {
   bool open;
   uint64_t point;
};

struct fake_event {
   enum fake_op op;
   uint32_t count;
   uint32_t first;    /* handle of the first entry */
   uint32_t priority; /* OFFER's, or EVICT's flags */
   pthread_t thread;
};

#define FAKE_SEGMENTS 2
#define FAKE_MAX_QUEUES 16
#define FAKE_MAX_SYNCOBJS 64
#define FAKE_MAX_EVENTS (1u << 10)

struct fake {
   struct tide_kmd kmd;
   struct tide_kmd_ops ops;
   pthread_mutex_t lock;
   pthread_cond_t changed;
   struct drm_tide_info limits;
   bool closed;

   struct fake_bo *bos;                       /* by handle; 0 is none */
   uint32_t max_bos, next_bo;                 /* none below next_bo is free */
   struct fake_queue queues[FAKE_MAX_QUEUES]; /* by id; 0 is none */
   struct fake_syncobj syncobjs[FAKE_MAX_SYNCOBJS];
   struct drm_tide_event_trim trims[FAKE_SEGMENTS];
   uint32_t trim_count;
   uint64_t clock;

   /* for tests to set */
   bool manual_paging;  /* values are over by fake_complete() only */
   bool all_resident;   /* there is nothing to page in: values are over already */
   bool count_holds;    /* SUBMIT lets go of what it names, see fake_hold() */
   uint32_t odd_answer; /* RECLAIM's answer for handle odd_handle */
   uint32_t odd_handle;
   bool no_memory; /* RECLAIM cannot commit what was offered with leave to decommit */
   uint64_t budgets[FAKE_SEGMENTS], sizes[FAKE_SEGMENTS];
   int late_error; /* RECLAIM fails with it after having done it all */
   struct {
      unsigned int after, times;
      int error;
   } fail[FAKE_OP_COUNT];
   /* called without locks, before the kernel does it */
   void (*hook)(struct fake *fake, enum fake_op op, void *data);
   void *hook_data;

   /* for tests to look at */
   atomic_uint calls[FAKE_OP_COUNT];
   atomic_uint violations;
   uint64_t reservation;
   uint32_t required_flags; /* of MAKE_RESIDENT, all that came */
   struct fake_event events[FAKE_MAX_EVENTS];
   unsigned int event_count;
};

struct fake *
fake_create(uint32_t max_bos);
/* Complains about what was not given back. */
void
fake_destroy(struct fake *fake);

/* The next call but @after fails, @times times in all. */
void
fake_fail(struct fake *fake, enum fake_op op, unsigned int after, unsigned int times, int error);
/* Forgets calls and events. */
void
fake_forget(struct fake *fake);

/* What memory pressure does; whether there was something to take. */
bool
fake_discard(struct fake *fake, uint32_t handle);
void
fake_complete(struct fake *fake, uint32_t queue, uint64_t value);
/* A page-in that fails. */
void
fake_break_value(struct fake *fake, uint32_t queue, uint64_t value, int error);

/* Sends a trim event; the file is readable then. */
void
fake_send_trim(struct fake *fake, uint32_t segment, uint64_t bytes);
/* Of the allocations that are required and not offered. */
uint64_t
fake_usage(struct fake *fake, uint32_t segment);

bool
fake_offered(struct fake *fake, uint32_t handle);
uint32_t
fake_priority(struct fake *fake, uint32_t handle);
uint64_t
fake_age(struct fake *fake, uint32_t handle);

/* The test says that a batch under construction refers to it: no OFFER may come. */
void
fake_hold(struct fake *fake, uint32_t handle);
void
fake_drop(struct fake *fake, uint32_t handle);

#endif /* TIDE_FAKE_KMD_H */
