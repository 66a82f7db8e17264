/* SPDX-License-Identifier: MIT */
#include "fake_kmd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COMPLAIN(fake, ...)                         \
   do {                                             \
      fprintf(stderr, "fake kernel: " __VA_ARGS__); \
      fputc('\n', stderr);                          \
      atomic_fetch_add(&(fake)->violations, 1);     \
   } while (0)

/* One page, so that what has no memory of its own yet can be mapped all the same. */
#define PAGE 4096u

static struct fake *
fake_of(struct tide_kmd *kmd)
{
   return (struct fake *)kmd;
}

/* The beginning of every call: notes it, and fails if that was asked for. */
static int
enter(struct fake *fake, enum fake_op op, const uint32_t *handles, uint32_t count,
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

static int
leave(struct fake *fake, int ret)
{
   pthread_mutex_unlock(&fake->lock);
   return ret;
}

static struct fake_bo *
find_bo(struct fake *fake, uint32_t handle)
{
   return handle && handle < fake->max_bos && fake->bos[handle].open ? &fake->bos[handle] : NULL;
}

static uint8_t *
memory_of(struct fake_bo *bo)
{
   if (!bo->memory)
      bo->memory = calloc(1, bo->size);
   return bo->memory;
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
   int ret = enter(fake, FAKE_INFO, NULL, 0, 0);

   if (ret)
      return ret;
   *info = fake->limits;
   return leave(fake, 0);
}

static int
fake_segment_info(struct tide_kmd *kmd, struct drm_tide_segment_info *info)
{
   struct fake *fake = fake_of(kmd);
   int ret = enter(fake, FAKE_SEGMENT_INFO, NULL, 0, 0);

   if (ret)
      return ret;
   if (info->segment || info->pad)
      return leave(fake, -EINVAL);
   info->size = 1 << 30;
   info->usage = 1 << 20;
   return leave(fake, 0);
}

static int
fake_bo_create(struct tide_kmd *kmd, uint64_t size, uint32_t *handle, uint64_t *actual_size)
{
   struct fake *fake = fake_of(kmd);
   int ret = enter(fake, FAKE_BO_CREATE, NULL, 0, 0);

   if (ret)
      return ret;
   /* The lowest free one, as in the kernel, so that handles come again. */
   while (fake->next_bo < fake->max_bos && fake->bos[fake->next_bo].open)
      fake->next_bo++;
   if (fake->next_bo == fake->max_bos)
      return leave(fake, -ENOMEM);

   const uint32_t i = fake->next_bo++;

   struct fake_bo *bo = &fake->bos[i];

   bo->open = true;
   bo->offered = bo->discarded = bo->exported = bo->mapped = false;
   bo->priority = bo->residency = bo->discards = bo->page_in_error = 0;
   bo->size = (size + PAGE - 1) / PAGE * PAGE;
   bo->memory = NULL;
   *handle = i;
   *actual_size = bo->size;
   return leave(fake, 0);
}

static void
fake_bo_close(struct tide_kmd *kmd, uint32_t handle)
{
   struct fake *fake = fake_of(kmd);

   enter(fake, FAKE_BO_CLOSE, &handle, 1, 0);

   struct fake_bo *bo = find_bo(fake, handle);

   if (!bo) {
      COMPLAIN(fake, "handle %u closed, which is not open", handle);
   } else {
      if (bo->mapped)
         COMPLAIN(fake, "handle %u closed while mapped", handle);
      if (atomic_load(&bo->held))
         COMPLAIN(fake, "handle %u closed while a batch refers to it", handle);
      free(bo->memory);
      bo->memory = NULL;
      bo->open = false;
      if (fake->next_bo > handle)
         fake->next_bo = handle;
   }
   leave(fake, 0);
}

static int
fake_bo_map(struct tide_kmd *kmd, uint32_t handle, uint64_t size, void **pointer)
{
   struct fake *fake = fake_of(kmd);
   int ret = enter(fake, FAKE_BO_MAP, &handle, 1, 0);

   if (ret)
      return ret;

   struct fake_bo *bo = find_bo(fake, handle);

   if (!bo || bo->size != size || bo->mapped) {
      COMPLAIN(fake, "handle %u cannot be mapped like that", handle);
      return leave(fake, -EINVAL);
   }
   bo->mapped = true;
   *pointer = memory_of(bo);
   return leave(fake, 0);
}

static void
fake_bo_unmap(struct tide_kmd *kmd, void *pointer, uint64_t size)
{
   struct fake *fake = fake_of(kmd);

   enter(fake, FAKE_BO_UNMAP, NULL, 0, 0);
   for (uint32_t i = 1; i < fake->max_bos; i++) {
      struct fake_bo *bo = &fake->bos[i];

      if (bo->open && bo->mapped && bo->memory == pointer && bo->size == size) {
         bo->mapped = false;
         leave(fake, 0);
         return;
      }
   }
   COMPLAIN(fake, "unmapped what is not mapped");
   leave(fake, 0);
}

static int
fake_bo_info(struct tide_kmd *kmd, struct drm_tide_bo_info *info)
{
   struct fake *fake = fake_of(kmd);
   int ret = enter(fake, FAKE_BO_INFO, &info->handle, 1, 0);

   if (ret)
      return ret;

   const struct fake_bo *bo = find_bo(fake, info->handle);

   if (!bo || info->pad)
      return leave(fake, bo ? -EINVAL : -ENOENT);
   info->size = bo->size;
   info->present = bo->discarded ? 0 : bo->size;
   info->flags = (bo->offered ? DRM_TIDE_BO_OFFERED : 0) |
                 (bo->discarded ? DRM_TIDE_BO_DISCARDED : 0) |
                 (bo->exported ? DRM_TIDE_BO_EXPORTED : 0) |
                 (bo->residency && !bo->offered ? DRM_TIDE_BO_RESIDENT : 0);
   info->priority = bo->offered ? bo->priority : 0;
   info->residency_count = bo->residency;
   info->page_in_error = bo->page_in_error;
   info->discard_count = bo->discards;
   return leave(fake, 0);
}

/* A dma-buf's fd is 1000 and the handle. */
static int
fake_bo_export(struct tide_kmd *kmd, uint32_t handle, int *fd)
{
   struct fake *fake = fake_of(kmd);
   int ret = enter(fake, FAKE_BO_EXPORT, &handle, 1, 0);

   if (ret)
      return ret;

   struct fake_bo *bo = find_bo(fake, handle);

   if (!bo || bo->offered)
      return leave(fake, bo ? -EBUSY : -ENOENT);
   bo->exported = true;
   *fd = 1000 + handle;
   return leave(fake, 0);
}

static int
fake_bo_import(struct tide_kmd *kmd, int fd, uint32_t *handle)
{
   struct fake *fake = fake_of(kmd);
   int ret = enter(fake, FAKE_BO_IMPORT, NULL, 0, 0);

   if (ret)
      return ret;
   if (fd <= 1000 || (uint32_t)fd - 1000 >= fake->max_bos)
      return leave(fake, -EBADF);

   struct fake_bo *bo = &fake->bos[fd - 1000];

   /* Closed here, but the dma-buf has kept it: a new handle, for simplicity the same. */
   if (!bo->open) {
      bo->open = true;
      bo->offered = bo->discarded = bo->mapped = false;
      bo->exported = true;
      bo->residency = 0;
   }
   *handle = fd - 1000;
   return leave(fake, 0);
}

static int
new_syncobj(struct fake *fake, uint64_t point, uint32_t *handle)
{
   for (uint32_t i = 1; i < FAKE_MAX_SYNCOBJS; i++) {
      if (!fake->syncobjs[i].open) {
         fake->syncobjs[i] = (struct fake_syncobj){.open = true, .point = point};
         *handle = i;
         return 0;
      }
   }
   return -ENOMEM;
}

static struct fake_syncobj *
find_syncobj(struct fake *fake, uint32_t handle)
{
   return handle && handle < FAKE_MAX_SYNCOBJS && fake->syncobjs[handle].open
             ? &fake->syncobjs[handle]
             : NULL;
}

static struct fake_queue *
find_queue(struct fake *fake, uint32_t id)
{
   return id && id < FAKE_MAX_QUEUES && fake->queues[id].open ? &fake->queues[id] : NULL;
}

static void
complete_locked(struct fake *fake, struct fake_queue *queue, uint64_t value)
{
   struct fake_syncobj *syncobj = find_syncobj(fake, queue->syncobj);

   if (queue->completed < value)
      queue->completed = value;
   if (syncobj && syncobj->point < value)
      syncobj->point = value;
   pthread_cond_broadcast(&fake->changed);
}

/* A value for work that is over at once, unless the test wants to do that. */
static uint64_t
new_value(struct fake *fake, struct fake_queue *queue)
{
   queue->last++;
   if (!fake->manual_paging)
      complete_locked(fake, queue, queue->last);
   return queue->last;
}

static int
fake_queue_create(struct tide_kmd *kmd, uint32_t *id, uint32_t *syncobj)
{
   struct fake *fake = fake_of(kmd);
   int ret = enter(fake, FAKE_QUEUE_CREATE, NULL, 0, 0);
   uint32_t i = 1;

   if (ret)
      return ret;
   while (i < FAKE_MAX_QUEUES && fake->queues[i].open)
      i++;
   if (i == FAKE_MAX_QUEUES)
      return leave(fake, -ENOSPC);
   ret = new_syncobj(fake, 1, syncobj);
   if (ret)
      return leave(fake, ret);
   fake->queues[i] = (struct fake_queue){
      .open = true,
      .syncobj = *syncobj,
      .last = 1,
      .completed = 1,
   };
   *id = i;
   return leave(fake, 0);
}

static void
fake_queue_destroy(struct tide_kmd *kmd, uint32_t id)
{
   struct fake *fake = fake_of(kmd);

   enter(fake, FAKE_QUEUE_DESTROY, NULL, 0, 0);

   struct fake_queue *queue = find_queue(fake, id);

   if (queue) {
      complete_locked(fake, queue, queue->last);
      queue->open = false;
   } else {
      COMPLAIN(fake, "queue %u destroyed, which is not there", id);
   }
   leave(fake, 0);
}

static int
fake_queue_info(struct tide_kmd *kmd, struct drm_tide_queue_info *info)
{
   struct fake *fake = fake_of(kmd);
   int ret = enter(fake, FAKE_QUEUE_INFO, NULL, 0, 0);

   if (ret)
      return ret;

   const struct fake_queue *queue = find_queue(fake, info->queue);

   if (!queue)
      return leave(fake, -ENOENT);
   if (info->pad || info->value > queue->last)
      return leave(fake, -EINVAL);
   info->completed = queue->completed;
   info->last = queue->last;
   info->error = info->value && info->value == queue->bad_value && info->value <= queue->completed
                    ? queue->bad_errno
                    : 0;
   info->pad2 = 0;
   return leave(fake, 0);
}

/* What all calls about a list check, before they do anything. */
static int
check_list(struct fake *fake, const uint32_t *handles, uint32_t count)
{
   if (!count)
      return -EINVAL;
   if (count > fake->limits.max_handles)
      return -E2BIG;
   for (uint32_t i = 0; i < count; i++)
      if (!find_bo(fake, handles[i]))
         return -ENOENT;
   return 0;
}

static int
fake_offer(struct tide_kmd *kmd, const uint32_t *handles, uint32_t count, uint32_t priority)
{
   struct fake *fake = fake_of(kmd);
   int ret = enter(fake, FAKE_OFFER, handles, count, priority);

   if (ret)
      return ret;
   ret = check_list(fake, handles, count);
   if (!ret && (priority < DRM_TIDE_PRIORITY_LOW || priority > DRM_TIDE_PRIORITY_HIGH))
      ret = -EINVAL;
   for (uint32_t i = 0; i < count && !ret; i++) {
      struct fake_bo *bo = &fake->bos[handles[i]];

      if (atomic_load(&bo->held))
         COMPLAIN(fake, "offer of %u, to which a batch refers", handles[i]);
      bo->offered = true;
      bo->priority = priority;
      bo->age = fake->clock++;
   }
   return leave(fake, ret);
}

static int
fake_reclaim(struct tide_kmd *kmd, uint32_t id, const uint32_t *handles, uint32_t count,
             uint32_t *results, uint64_t *value)
{
   struct fake *fake = fake_of(kmd);
   int ret;

   *value = 0;
   ret = enter(fake, FAKE_RECLAIM, handles, count, 0);
   if (ret)
      return ret;

   struct fake_queue *queue = find_queue(fake, id);

   ret = queue ? check_list(fake, handles, count) : -ENOENT;
   if (ret)
      return leave(fake, ret);
   for (uint32_t i = 0; i < count; i++) {
      struct fake_bo *bo = &fake->bos[handles[i]];
      uint32_t answer = bo->discarded ? DRM_TIDE_RECLAIM_DISCARDED : DRM_TIDE_RECLAIM_OK;

      if (fake->odd_handle == handles[i])
         answer = fake->odd_answer;
      bo->offered = false;
      if (!fake->late_error) {
         bo->discarded = false;
         results[i] = answer;
      }
   }
   *value = new_value(fake, queue);
   return leave(fake, fake->late_error);
}

static int
fake_make_resident(struct tide_kmd *kmd, uint32_t id, const uint32_t *handles, uint32_t count,
                   uint64_t *value)
{
   struct fake *fake = fake_of(kmd);
   int ret = enter(fake, FAKE_MAKE_RESIDENT, handles, count, 0);

   if (ret)
      return ret;

   struct fake_queue *queue = find_queue(fake, id);

   ret = queue ? check_list(fake, handles, count) : -ENOENT;
   for (uint32_t i = 0; i < count && !ret; i++)
      fake->bos[handles[i]].residency++;
   if (!ret)
      *value = new_value(fake, queue);
   return leave(fake, ret);
}

static int
fake_evict(struct tide_kmd *kmd, const uint32_t *handles, uint32_t count)
{
   struct fake *fake = fake_of(kmd);
   int ret = enter(fake, FAKE_EVICT, handles, count, 0);
   uint32_t i;

   if (ret)
      return ret;
   ret = check_list(fake, handles, count);
   for (i = 0; i < count && !ret; i++) {
      if (fake->bos[handles[i]].residency)
         fake->bos[handles[i]].residency--;
      else
         ret = -ERANGE;
   }
   /* All or nothing. */
   if (ret == -ERANGE)
      for (i--; i > 0; i--)
         fake->bos[handles[i - 1]].residency++;
   return leave(fake, ret);
}

static const struct drm_tide_submit_bo *
submit_bos(const struct drm_tide_submit *submit)
{
   return (const struct drm_tide_submit_bo *)(uintptr_t)submit->bos;
}

static int
check_submit_bos(struct fake *fake, const struct drm_tide_submit *submit)
{
   const struct drm_tide_submit_bo *bos = submit_bos(submit);

   for (uint32_t i = 0; i < submit->bo_count; i++) {
      const struct fake_bo *bo = find_bo(fake, bos[i].handle);

      if (!bo)
         return -ENOENT;
      if (!bos[i].flags || bos[i].flags & ~(DRM_TIDE_SUBMIT_READ | DRM_TIDE_SUBMIT_WRITE))
         return -EINVAL;
      if (!bo->residency)
         return -ENXIO;
      if (bo->offered)
         return -ENODATA;
      for (uint32_t j = 0; j < i && submit->bo_count < 1000; j++)
         if (bos[j].handle == bos[i].handle)
            return -EEXIST;
   }
   return 0;
}

static struct fake_bo *
command_bo(struct fake *fake, const struct drm_tide_submit *submit, uint32_t index, uint32_t access,
           uint64_t offset, uint64_t size)
{
   if (index >= submit->bo_count || !(submit_bos(submit)[index].flags & access))
      return NULL;

   struct fake_bo *bo = &fake->bos[submit_bos(submit)[index].handle];

   return size && offset <= bo->size && size <= bo->size - offset ? bo : NULL;
}

static int
execute(struct fake *fake, const struct drm_tide_submit *submit, const struct drm_tide_command *c)
{
   struct fake_bo *dst, *src;

   switch (c->op) {
   case DRM_TIDE_CMD_FILL:
      dst = command_bo(fake, submit, c->dst, DRM_TIDE_SUBMIT_WRITE, c->dst_offset, c->length);
      if (!dst || c->src || c->src_offset)
         return -EINVAL;
      for (uint64_t i = 0; i < c->length; i++)
         memory_of(dst)[c->dst_offset + i] = c->pattern >> i % 4 * 8;
      return 0;
   case DRM_TIDE_CMD_COPY:
      dst = command_bo(fake, submit, c->dst, DRM_TIDE_SUBMIT_WRITE, c->dst_offset, c->length);
      src = command_bo(fake, submit, c->src, DRM_TIDE_SUBMIT_READ, c->src_offset, c->length);
      if (!dst || !src || c->pattern)
         return -EINVAL;
      memmove(memory_of(dst) + c->dst_offset, memory_of(src) + c->src_offset, c->length);
      return 0;
   case DRM_TIDE_CMD_DELAY:
      return c->length > fake->limits.max_delay_ns ? -ERANGE : 0;
   default:
      return -EINVAL;
   }
}

static int
fake_submit(struct tide_kmd *kmd, struct drm_tide_submit *submit)
{
   struct fake *fake = fake_of(kmd);
   const struct drm_tide_command *commands =
      (const struct drm_tide_command *)(uintptr_t)submit->commands;
   const struct drm_tide_sync *waits = (const struct drm_tide_sync *)(uintptr_t)submit->waits;
   const struct drm_tide_sync *signals = (const struct drm_tide_sync *)(uintptr_t)submit->signals;
   int ret = enter(fake, FAKE_SUBMIT, submit->bo_count ? &submit_bos(submit)->handle : NULL,
                   submit->bo_count, 0);

   if (ret)
      return ret;
   if (submit->flags || submit->pad)
      return leave(fake, -EINVAL);
   if (submit->bo_count > fake->limits.max_submit_bos ||
       submit->command_count > fake->limits.max_submit_commands ||
       submit->wait_count > fake->limits.max_submit_syncs ||
       submit->signal_count > fake->limits.max_submit_syncs)
      return leave(fake, -E2BIG);

   ret = check_submit_bos(fake, submit);
   for (uint32_t i = 0; i < submit->wait_count && !ret; i++)
      if (!find_syncobj(fake, waits[i].handle) || waits[i].pad)
         ret = -ENOENT;
   for (uint32_t i = 0; i < submit->signal_count && !ret; i++)
      if (!find_syncobj(fake, signals[i].handle) || signals[i].pad)
         ret = -ENOENT;
   for (uint32_t i = 0; i < submit->command_count && !ret; i++)
      ret = execute(fake, submit, &commands[i]);

   for (uint32_t i = 0; i < submit->signal_count && !ret; i++) {
      struct fake_syncobj *syncobj = find_syncobj(fake, signals[i].handle);

      if (signals[i].point <= syncobj->point)
         COMPLAIN(fake, "point %llu after %llu", (unsigned long long)signals[i].point,
                  (unsigned long long)syncobj->point);
      syncobj->point = signals[i].point;
   }
   if (!ret && fake->count_holds)
      for (uint32_t i = 0; i < submit->bo_count; i++)
         atomic_fetch_sub(&fake->bos[submit_bos(submit)[i].handle].held, 1);
   pthread_cond_broadcast(&fake->changed);
   return leave(fake, ret);
}

static int
fake_syncobj_create(struct tide_kmd *kmd, uint32_t *syncobj)
{
   struct fake *fake = fake_of(kmd);
   int ret = enter(fake, FAKE_SYNCOBJ_CREATE, NULL, 0, 0);

   return ret ? ret : leave(fake, new_syncobj(fake, 0, syncobj));
}

static void
fake_syncobj_destroy(struct tide_kmd *kmd, uint32_t handle)
{
   struct fake *fake = fake_of(kmd);

   enter(fake, FAKE_SYNCOBJ_DESTROY, NULL, 0, 0);

   struct fake_syncobj *syncobj = find_syncobj(fake, handle);

   if (syncobj)
      syncobj->open = false;
   else
      COMPLAIN(fake, "syncobj %u destroyed, which is not there", handle);
   leave(fake, 0);
}

static int
fake_syncobj_wait(struct tide_kmd *kmd, const uint32_t *syncobjs, const uint64_t *points,
                  uint32_t count, int64_t deadline_ns)
{
   struct fake *fake = fake_of(kmd);
   struct timespec until = {deadline_ns / 1000000000, deadline_ns % 1000000000};
   int ret = enter(fake, FAKE_SYNCOBJ_WAIT, NULL, 0, 0);

   if (ret)
      return ret;
   for (uint32_t i = 0; i < count && !ret; i++) {
      const struct fake_syncobj *syncobj = find_syncobj(fake, syncobjs[i]);

      if (!syncobj)
         ret = -ENOENT;
      while (!ret && syncobj->point < points[i])
         ret = -pthread_cond_timedwait(&fake->changed, &fake->lock, &until);
      if (ret == -ETIMEDOUT)
         ret = -ETIME;
   }
   return leave(fake, ret);
}

static const struct tide_kmd_ops fake_ops = {
   .destroy = fake_kmd_destroy,
   .info = fake_info,
   .segment_info = fake_segment_info,
   .bo_create = fake_bo_create,
   .bo_close = fake_bo_close,
   .bo_map = fake_bo_map,
   .bo_unmap = fake_bo_unmap,
   .bo_info = fake_bo_info,
   .bo_export = fake_bo_export,
   .bo_import = fake_bo_import,
   .queue_create = fake_queue_create,
   .queue_destroy = fake_queue_destroy,
   .queue_info = fake_queue_info,
   .offer = fake_offer,
   .reclaim = fake_reclaim,
   .make_resident = fake_make_resident,
   .evict = fake_evict,
   .submit = fake_submit,
   .syncobj_create = fake_syncobj_create,
   .syncobj_destroy = fake_syncobj_destroy,
   .syncobj_wait = fake_syncobj_wait,
};

struct fake *
fake_create(uint32_t max_bos)
{
   struct fake *fake = calloc(1, sizeof(*fake));
   pthread_condattr_t attr;

   fake->kmd.ops = &fake_ops;
   fake->kmd.fd = -1;
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

bool
fake_discard(struct fake *fake, uint32_t handle)
{
   bool taken;

   pthread_mutex_lock(&fake->lock);

   struct fake_bo *bo = find_bo(fake, handle);

   taken = bo && bo->offered && !bo->discarded && !bo->exported;
   if (taken) {
      bo->discarded = true;
      bo->discards++;
      if (bo->memory)
         memset(bo->memory, 0, bo->size);
   }
   pthread_mutex_unlock(&fake->lock);
   return taken;
}

void
fake_complete(struct fake *fake, uint32_t queue, uint64_t value)
{
   pthread_mutex_lock(&fake->lock);
   complete_locked(fake, &fake->queues[queue], value);
   pthread_mutex_unlock(&fake->lock);
}

void
fake_break_value(struct fake *fake, uint32_t queue, uint64_t value, int error)
{
   pthread_mutex_lock(&fake->lock);
   fake->queues[queue].bad_value = value;
   fake->queues[queue].bad_errno = error;
   pthread_mutex_unlock(&fake->lock);
}

bool
fake_offered(struct fake *fake, uint32_t handle)
{
   bool offered;

   pthread_mutex_lock(&fake->lock);
   offered = find_bo(fake, handle) && fake->bos[handle].offered;
   pthread_mutex_unlock(&fake->lock);
   return offered;
}

uint32_t
fake_priority(struct fake *fake, uint32_t handle)
{
   uint32_t priority;

   pthread_mutex_lock(&fake->lock);
   priority = fake->bos[handle].priority;
   pthread_mutex_unlock(&fake->lock);
   return priority;
}

uint64_t
fake_age(struct fake *fake, uint32_t handle)
{
   uint64_t age;

   pthread_mutex_lock(&fake->lock);
   age = fake->bos[handle].age;
   pthread_mutex_unlock(&fake->lock);
   return age;
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
