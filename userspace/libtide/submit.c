/* SPDX-License-Identifier: MIT */
/* Commands of the GPU, and submitting them. */

#include <errno.h>
#include <stdlib.h>

#include "batch.h"

_Static_assert(TIDE_READ == DRM_TIDE_SUBMIT_READ && TIDE_WRITE == DRM_TIDE_SUBMIT_WRITE,
               "access flags go to the kernel as they are");

/* Whether @batch can take commands that name these allocations at all. */
static int
check_batch(const struct tide_batch *batch, const struct tide_allocation *const *allocations,
            size_t count)
{
   if (!batch || batch->kind != TIDE_BATCH_ENGINE)
      return -EINVAL;
   for (size_t i = 0; i < count; i++)
      if (!allocations[i] || allocations[i]->device != batch->context->device)
         return -EINVAL;
   return tide_device_stale(batch->context->device) ? -ESTALE : 0;
}

static bool
in_range(const struct tide_allocation *allocation, uint64_t offset, uint64_t size)
{
   return size && offset <= allocation->size && size <= allocation->size - offset;
}

/* Makes room for one more command. */
static int
reserve_command_locked(struct tide_batch *batch)
{
   if (batch->state != TIDE_BATCH_BUILDING)
      return -EALREADY;
   if (batch->command_count >= batch->context->device->limits.max_submit_commands)
      return -E2BIG;
   if (batch->command_count < batch->command_capacity)
      return 0;

   const size_t capacity = batch->command_capacity ? batch->command_capacity * (size_t)2 : 16;
   struct drm_tide_command *commands =
      capacity <= SIZE_MAX / sizeof(*commands) && capacity <= UINT32_MAX
         ? realloc(batch->commands, capacity * sizeof(*commands))
         : NULL;

   if (!commands)
      return -ENOMEM;
   batch->commands = commands;
   batch->command_capacity = capacity;
   return 0;
}

int
tide_batch_fill(struct tide_batch *batch, struct tide_allocation *dst, uint64_t offset,
                uint64_t size, uint32_t pattern)
{
   const struct tide_allocation *named[] = {dst};
   struct reference reference;
   int ret = check_batch(batch, named, 1);

   if (ret)
      return ret;
   if (!in_range(dst, offset, size))
      return -ERANGE;

   pthread_mutex_lock(&batch->lock);
   ret = reserve_command_locked(batch);
   if (!ret)
      ret = tide_batch_reference_locked(batch, dst, TIDE_WRITE, &reference);
   if (!ret)
      batch->commands[batch->command_count++] = (struct drm_tide_command){
         .op = DRM_TIDE_CMD_FILL,
         .pattern = pattern,
         .dst = reference.index,
         .dst_offset = offset,
         .length = size,
      };
   pthread_mutex_unlock(&batch->lock);
   return ret;
}

int
tide_batch_copy(struct tide_batch *batch, struct tide_allocation *dst, uint64_t dst_offset,
                struct tide_allocation *src, uint64_t src_offset, uint64_t size)
{
   const struct tide_allocation *named[] = {dst, src};
   struct reference to, from;
   int ret = check_batch(batch, named, 2);

   if (ret)
      return ret;
   if (!in_range(dst, dst_offset, size) || !in_range(src, src_offset, size))
      return -ERANGE;

   pthread_mutex_lock(&batch->lock);
   ret = reserve_command_locked(batch);
   if (!ret)
      ret = tide_batch_reference_locked(batch, dst, TIDE_WRITE, &to);
   if (!ret) {
      ret = tide_batch_reference_locked(batch, src, TIDE_READ, &from);
      if (ret)
         tide_batch_unreference_locked(batch, &to);
   }
   if (!ret)
      batch->commands[batch->command_count++] = (struct drm_tide_command){
         .op = DRM_TIDE_CMD_COPY,
         .dst = to.index,
         .src = from.index,
         .dst_offset = dst_offset,
         .src_offset = src_offset,
         .length = size,
      };
   pthread_mutex_unlock(&batch->lock);
   return ret;
}

int
tide_batch_delay(struct tide_batch *batch, uint64_t time_ns)
{
   int ret = check_batch(batch, NULL, 0);

   if (ret)
      return ret;
   if (time_ns > batch->context->device->limits.max_delay_ns)
      return -ERANGE;

   pthread_mutex_lock(&batch->lock);
   ret = reserve_command_locked(batch);
   if (!ret)
      batch->commands[batch->command_count++] = (struct drm_tide_command){
         .op = DRM_TIDE_CMD_DELAY,
         .length = time_ns,
      };
   pthread_mutex_unlock(&batch->lock);
   return ret;
}

static void
copy_syncs(struct drm_tide_sync *syncs, const struct tide_fence *fences, size_t count)
{
   for (size_t i = 0; i < count; i++)
      syncs[i] = (struct drm_tide_sync){.handle = fences[i].syncobj, .point = fences[i].point};
}

int
tide_batch_submit(struct tide_batch *batch, const struct tide_fence *waits, size_t wait_count,
                  const struct tide_fence *signals, size_t signal_count, struct tide_fence *fence)
{
   int ret = check_batch(batch, NULL, 0);

   if (ret)
      return ret;
   if ((wait_count && !waits) || (signal_count && !signals))
      return -EINVAL;

   const uint32_t max_syncs = batch->context->device->limits.max_submit_syncs;

   /* One signal is the context's own. */
   if (wait_count > max_syncs || signal_count >= max_syncs)
      return -E2BIG;

   struct drm_tide_sync *syncs = malloc((wait_count + signal_count + 1) * sizeof(*syncs));

   if (!syncs)
      return -ENOMEM;
   copy_syncs(syncs, waits, wait_count);
   copy_syncs(&syncs[wait_count], signals, signal_count);
   syncs[wait_count + signal_count] = (struct drm_tide_sync){0};

   struct tide_submitter *submitter = batch->context->submitter;

   /* The call may last long. Until it is over, the batch is nobody's to change. */
   pthread_mutex_lock(&batch->lock);
   ret = batch->state == TIDE_BATCH_BUILDING ? 0 : -EALREADY;
   if (!ret && submitter) {
      ret =
         tide_submitter_submit_locked(submitter, batch, syncs, wait_count, signal_count + 1, fence);
      if (!ret)
         syncs = NULL;
   } else if (!ret)
      batch->state = TIDE_BATCH_SUBMITTING;
   pthread_mutex_unlock(&batch->lock);

   if (!ret && !submitter) {
      struct drm_tide_submit submit = {
         .bos = (uintptr_t)batch->bos,
         .commands = (uintptr_t)batch->commands,
         .waits = (uintptr_t)syncs,
         .signals = (uintptr_t)&syncs[wait_count],
         .bo_count = batch->count,
         .command_count = batch->command_count,
         .wait_count = wait_count,
         .signal_count = signal_count + 1,
      };

      ret = tide_context_submit(batch->context, &submit, &syncs[wait_count + signal_count], fence);

      pthread_mutex_lock(&batch->lock);
      if (ret)
         batch->state = TIDE_BATCH_BUILDING;
      else
         tide_batch_over_locked(batch);
      pthread_mutex_unlock(&batch->lock);
   }
   free(syncs);
   return ret;
}
