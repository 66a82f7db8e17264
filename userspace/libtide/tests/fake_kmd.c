/* SPDX-License-Identifier: MIT */
/* The fake kernel: what its calls have in common, and what tests ask of it. */

#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "fake_internal.h"

int
fake_enter(struct fake *fake, enum fake_op op, const uint32_t *handles, uint32_t count,
           uint32_t priority)
{
   int ret = 0;

   if (fake->hook)
      fake->hook(fake, op, fake->hook_data);

   pthread_mutex_lock(&fake->lock);
   if (fake->closed)
      COMPLAIN(fake, "call %d after close", op);
   atomic_fetch_add(&fake->calls[op], 1);
   if (fake->event_count < FAKE_MAX_EVENTS)
      fake->events[fake->event_count++] = (struct fake_event){
         .op = op,
         .count = count,
         .first = handles ? handles[0] : 0,
         .priority = priority,
         .thread = pthread_self(),
      };
   if (fake->fail[op].times) {
      if (fake->fail[op].after) {
         fake->fail[op].after--;
      } else {
         fake->fail[op].times--;
         ret = fake->fail[op].error;
      }
   }
   if (ret)
      pthread_mutex_unlock(&fake->lock);
   return ret;
}

int
fake_leave(struct fake *fake, int ret)
{
   pthread_mutex_unlock(&fake->lock);
   return ret;
}

static void
fake_kmd_destroy(struct tide_kmd *kmd)
{
   struct fake *fake = fake_of(kmd);

   pthread_mutex_lock(&fake->lock);
   if (fake->closed)
      COMPLAIN(fake, "closed twice");
   fake->closed = true;
   pthread_mutex_unlock(&fake->lock);
}

static int
fake_info(struct tide_kmd *kmd, struct drm_tide_info *info)
{
   struct fake *fake = fake_of(kmd);
   int ret = fake_enter(fake, FAKE_INFO, NULL, 0, 0);

   if (ret)
      return ret;
   *info = fake->limits;
   return fake_leave(fake, 0);
}

static int
fake_segment_info(struct tide_kmd *kmd, struct drm_tide_segment_info *info)
{
   struct fake *fake = fake_of(kmd);
   int ret = fake_enter(fake, FAKE_SEGMENT_INFO, NULL, 0, 0);

   if (ret)
      return ret;
   if (info->segment || info->pad)
      return fake_leave(fake, -EINVAL);
   info->size = 1 << 30;
   info->usage = 1 << 20;
   return fake_leave(fake, 0);
}

static uint64_t
usage_locked(struct fake *fake, uint32_t segment)
{
   uint64_t usage = 0;

   for (uint32_t i = 0; i < fake->max_bos; i++)
      if (fake->bos[i].open && fake->bos[i].segment == segment && fake->bos[i].residency &&
          !fake->bos[i].offered)
         usage += fake->bos[i].size;
   return usage;
}

static int
fake_budget(struct tide_kmd *kmd, struct drm_tide_budget *budget)
{
   struct fake *fake = fake_of(kmd);
   int ret = fake_enter(fake, FAKE_BUDGET, NULL, 0, 0);

   if (ret)
      return ret;
   if (budget->segment >= fake->limits.segment_count || budget->pad)
      return fake_leave(fake, -EINVAL);
   budget->budget = fake->budgets[budget->segment];
   budget->usage = usage_locked(fake, budget->segment);
   budget->reservation = fake->reservation;
   budget->available = fake->sizes[budget->segment] / 2;
   return fake_leave(fake, 0);
}

static int
fake_reserve(struct tide_kmd *kmd, uint32_t segment, uint64_t bytes)
{
   struct fake *fake = fake_of(kmd);
   int ret = fake_enter(fake, FAKE_RESERVE, NULL, 0, 0);

   if (ret)
      return ret;
   if (segment >= fake->limits.segment_count)
      return fake_leave(fake, -EINVAL);
   if (bytes > fake->sizes[segment] / 2)
      return fake_leave(fake, -ENOSPC);
   fake->reservation = bytes;
   return fake_leave(fake, 0);
}

static int
fake_read_trims(struct tide_kmd *kmd, struct drm_tide_event_trim *trims, uint32_t max)
{
   struct fake *fake = fake_of(kmd);
   int ret = fake_enter(fake, FAKE_READ_TRIMS, NULL, 0, 0);
   eventfd_t sent;

   if (ret)
      return ret;
   if (fake->trim_count > max)
      COMPLAIN(fake, "no room for %u events", fake->trim_count);
   eventfd_read(kmd->fd, &sent);
   memcpy(trims, fake->trims, fake->trim_count * sizeof(*trims));
   ret = fake->trim_count;
   fake->trim_count = 0;
   return fake_leave(fake, ret);
}

void
fake_send_trim(struct fake *fake, uint32_t segment, uint64_t bytes)
{
   pthread_mutex_lock(&fake->lock);
   fake->trims[fake->trim_count++] = (struct drm_tide_event_trim){
      .base = {.type = DRM_TIDE_EVENT_TRIM, .length = sizeof(fake->trims[0])},
      .segment = segment,
      .bytes = bytes,
   };
   eventfd_write(fake->kmd.fd, 1);
   pthread_mutex_unlock(&fake->lock);
}

uint64_t
fake_usage(struct fake *fake, uint32_t segment)
{
   uint64_t usage;

   pthread_mutex_lock(&fake->lock);
   usage = usage_locked(fake, segment);
   pthread_mutex_unlock(&fake->lock);
   return usage;
}

struct fake *
fake_create(uint32_t max_bos)
{
   struct fake *fake = calloc(1, sizeof(*fake));
   pthread_condattr_t attr;

   fake->ops = (struct tide_kmd_ops){
      .destroy = fake_kmd_destroy,
      .info = fake_info,
      .segment_info = fake_segment_info,
      .budget = fake_budget,
      .reserve = fake_reserve,
      .read_trims = fake_read_trims,
   };
   fake_memory_init(&fake->ops);
   fake_sync_init(&fake->ops);
   fake->kmd.ops = &fake->ops;
   fake->kmd.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
   for (unsigned int i = 0; i < FAKE_SEGMENTS; i++)
      fake->budgets[i] = fake->sizes[i] = 1 << 30;
   fake->limits = (struct drm_tide_info){
      .uapi_version = DRM_TIDE_UAPI_VERSION,
      .segment_count = 1,
      .max_handles = 65536,
      .max_submit_bos = 65536,
      .max_submit_commands = 65536,
      .max_submit_syncs = 16,
      .max_queues = FAKE_MAX_QUEUES - 1,
      .job_timeout_ms = 1000,
      .max_delay_ns = 1000000000,
   };
   fake->max_bos = max_bos + 1;
   fake->next_bo = 1;
   fake->bos = calloc(fake->max_bos, sizeof(*fake->bos));
   pthread_mutex_init(&fake->lock, NULL);
   pthread_condattr_init(&attr);
   pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
   pthread_cond_init(&fake->changed, &attr);
   pthread_condattr_destroy(&attr);
   return fake;
}

void
fake_destroy(struct fake *fake)
{
   for (uint32_t i = 0; i < fake->max_bos; i++)
      if (fake->bos[i].open)
         COMPLAIN(fake, "handle %u left open", i);
   for (uint32_t i = 0; i < FAKE_MAX_QUEUES; i++)
      if (fake->queues[i].open)
         COMPLAIN(fake, "queue %u left open", i);
   for (uint32_t i = 0; i < FAKE_MAX_SYNCOBJS; i++)
      if (fake->syncobjs[i].open)
         COMPLAIN(fake, "syncobj %u left open", i);
   if (atomic_load(&fake->violations))
      abort();
   pthread_mutex_destroy(&fake->lock);
   pthread_cond_destroy(&fake->changed);
   close(fake->kmd.fd);
   free(fake->bos);
   free(fake);
}

void
fake_fail(struct fake *fake, enum fake_op op, unsigned int after, unsigned int times, int error)
{
   pthread_mutex_lock(&fake->lock);
   fake->fail[op].after = after;
   fake->fail[op].times = times;
   fake->fail[op].error = error;
   pthread_mutex_unlock(&fake->lock);
}

void
fake_forget(struct fake *fake)
{
   pthread_mutex_lock(&fake->lock);
   for (unsigned int i = 0; i < FAKE_OP_COUNT; i++)
      atomic_store(&fake->calls[i], 0);
   fake->event_count = 0;
   pthread_mutex_unlock(&fake->lock);
}

void
fake_hold(struct fake *fake, uint32_t handle)
{
   atomic_fetch_add(&fake->bos[handle].held, 1);
}

void
fake_drop(struct fake *fake, uint32_t handle)
{
   atomic_fetch_sub(&fake->bos[handle].held, 1);
}
