/* SPDX-License-Identifier: MIT */
/* The fake kernel: paging queues, syncobjs, jobs. */

#include <time.h>

#include "fake_internal.h"

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

struct fake_queue *
fake_find_queue(struct fake *fake, uint32_t id)
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

uint64_t
fake_new_value(struct fake *fake, struct fake_queue *queue)
{
   if (fake->all_resident)
      return queue->completed;
   queue->last++;
   if (!fake->manual_paging)
      complete_locked(fake, queue, queue->last);
   return queue->last;
}

static int
fake_queue_create(struct tide_kmd *kmd, uint32_t *id, uint32_t *syncobj)
{
   struct fake *fake = fake_of(kmd);
   int ret = fake_enter(fake, FAKE_QUEUE_CREATE, NULL, 0, 0);
   uint32_t i = 1;

   if (ret)
      return ret;
   while (i < FAKE_MAX_QUEUES && fake->queues[i].open)
      i++;
   if (i == FAKE_MAX_QUEUES)
      return fake_leave(fake, -ENOSPC);
   ret = new_syncobj(fake, 1, syncobj);
   if (ret)
      return fake_leave(fake, ret);
   fake->queues[i] = (struct fake_queue){
      .open = true,
      .syncobj = *syncobj,
      .last = 1,
      .completed = 1,
   };
   *id = i;
   return fake_leave(fake, 0);
}

static void
fake_queue_destroy(struct tide_kmd *kmd, uint32_t id)
{
   struct fake *fake = fake_of(kmd);

   fake_enter(fake, FAKE_QUEUE_DESTROY, NULL, 0, 0);

   struct fake_queue *queue = fake_find_queue(fake, id);

   if (queue) {
      complete_locked(fake, queue, queue->last);
      queue->open = false;
   } else {
      COMPLAIN(fake, "queue %u destroyed, which is not there", id);
   }
   fake_leave(fake, 0);
}

static int
fake_queue_info(struct tide_kmd *kmd, struct drm_tide_queue_info *info)
{
   struct fake *fake = fake_of(kmd);
   int ret = fake_enter(fake, FAKE_QUEUE_INFO, NULL, 0, 0);

   if (ret)
      return ret;

   const struct fake_queue *queue = fake_find_queue(fake, info->queue);

   if (!queue)
      return fake_leave(fake, -ENOENT);
   if (info->pad || info->value > queue->last)
      return fake_leave(fake, -EINVAL);
   info->completed = queue->completed;
   info->last = queue->last;
   info->error = info->value && info->value == queue->bad_value && info->value <= queue->completed
                    ? queue->bad_errno
                    : 0;
   info->pad2 = 0;
   return fake_leave(fake, 0);
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
      const struct fake_bo *bo = fake_find_bo(fake, bos[i].handle);

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
         fake_memory_of(dst)[c->dst_offset + i] = c->pattern >> i % 4 * 8;
      return 0;
   case DRM_TIDE_CMD_COPY:
      dst = command_bo(fake, submit, c->dst, DRM_TIDE_SUBMIT_WRITE, c->dst_offset, c->length);
      src = command_bo(fake, submit, c->src, DRM_TIDE_SUBMIT_READ, c->src_offset, c->length);
      if (!dst || !src || c->pattern)
         return -EINVAL;
      memmove(fake_memory_of(dst) + c->dst_offset, fake_memory_of(src) + c->src_offset, c->length);
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
   int ret = fake_enter(fake, FAKE_SUBMIT, submit->bo_count ? &submit_bos(submit)->handle : NULL,
                        submit->bo_count, 0);

   if (ret)
      return ret;
   if (submit->flags || submit->pad)
      return fake_leave(fake, -EINVAL);
   if (submit->bo_count > fake->limits.max_submit_bos ||
       submit->command_count > fake->limits.max_submit_commands ||
       submit->wait_count > fake->limits.max_submit_syncs ||
       submit->signal_count > fake->limits.max_submit_syncs)
      return fake_leave(fake, -E2BIG);

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
   return fake_leave(fake, ret);
}

static int
fake_syncobj_create(struct tide_kmd *kmd, uint32_t *syncobj)
{
   struct fake *fake = fake_of(kmd);
   int ret = fake_enter(fake, FAKE_SYNCOBJ_CREATE, NULL, 0, 0);

   return ret ? ret : fake_leave(fake, new_syncobj(fake, 0, syncobj));
}

static void
fake_syncobj_destroy(struct tide_kmd *kmd, uint32_t handle)
{
   struct fake *fake = fake_of(kmd);

   fake_enter(fake, FAKE_SYNCOBJ_DESTROY, NULL, 0, 0);

   struct fake_syncobj *syncobj = find_syncobj(fake, handle);

   if (syncobj)
      syncobj->open = false;
   else
      COMPLAIN(fake, "syncobj %u destroyed, which is not there", handle);
   fake_leave(fake, 0);
}

static int
fake_syncobj_signal(struct tide_kmd *kmd, uint32_t handle, uint64_t point)
{
   struct fake *fake = fake_of(kmd);
   int ret = fake_enter(fake, FAKE_SYNCOBJ_SIGNAL, NULL, 0, 0);

   if (ret)
      return ret;

   struct fake_syncobj *syncobj = find_syncobj(fake, handle);

   if (!syncobj)
      return fake_leave(fake, -ENOENT);
   if (syncobj->point < point)
      syncobj->point = point;
   pthread_cond_broadcast(&fake->changed);
   return fake_leave(fake, 0);
}

static int
fake_syncobj_wait(struct tide_kmd *kmd, const uint32_t *syncobjs, const uint64_t *points,
                  uint32_t count, int64_t deadline_ns)
{
   struct fake *fake = fake_of(kmd);
   struct timespec until = {deadline_ns / 1000000000, deadline_ns % 1000000000};
   int ret = fake_enter(fake, FAKE_SYNCOBJ_WAIT, NULL, 0, 0);

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
   return fake_leave(fake, ret);
}

void
fake_sync_init(struct tide_kmd_ops *ops)
{
   ops->queue_create = fake_queue_create;
   ops->queue_destroy = fake_queue_destroy;
   ops->queue_info = fake_queue_info;
   ops->submit = fake_submit;
   ops->syncobj_create = fake_syncobj_create;
   ops->syncobj_destroy = fake_syncobj_destroy;
   ops->syncobj_signal = fake_syncobj_signal;
   ops->syncobj_wait = fake_syncobj_wait;
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
