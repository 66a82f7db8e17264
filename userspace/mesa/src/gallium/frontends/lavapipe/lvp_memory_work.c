/* SPDX-License-Identifier: MIT */

/* Units of work, and the memory that they use: see lvp_memory_tracker.h. */

#include "frontend/sw_winsys.h"

#include "lvp_private.h"
#include "vk_common_entrypoints.h"

/* Batches that are kept: recording and submitting take turns with few. */
#define LVP_MAX_IDLE_WORK 16

static const struct sw_memory_ops *
tracker_ops(const struct lvp_memory_tracker *tracker)
{
   return tracker->winsys->memory;
}

static void
work_destroy(struct lvp_work *work)
{
   tracker_ops(work->tracker)->batch_destroy(work->batch);
   util_dynarray_fini(&work->mems);
   free(work);
}

void
lvp_memory_tracker_trim(struct lvp_memory_tracker *tracker)
{
   struct list_head idle;

   simple_mtx_lock(&tracker->work_lock);
   list_replace(&tracker->idle, &idle);
   list_inithead(&tracker->idle);
   tracker->idle_count = 0;
   simple_mtx_unlock(&tracker->work_lock);

   list_for_each_entry_safe(struct lvp_work, work, &idle, link)
      work_destroy(work);
}

static void
work_done(struct lp_fence_callback *done)
{
   lvp_work_end(container_of(done, struct lvp_work, done));
}

struct lvp_work *
lvp_work_get(struct lvp_memory_tracker *tracker)
{
   struct lvp_work *work = NULL;

   simple_mtx_lock(&tracker->work_lock);
   if (!list_is_empty(&tracker->idle)) {
      work = list_first_entry(&tracker->idle, struct lvp_work, link);
      list_del(&work->link);
      tracker->idle_count--;
   }
   simple_mtx_unlock(&tracker->work_lock);

   if (!work) {
      work = calloc(1, sizeof(*work));
      if (!work)
         return NULL;
      work->done.func = work_done;
      work->tracker = tracker;
      util_dynarray_init(&work->mems, NULL);
      work->batch = tracker_ops(tracker)->batch_create(tracker->winsys);
      if (!work->batch) {
         free(work);
         return NULL;
      }
   }
   tracker_ops(tracker)->batch_begin(work->batch);
   return work;
}

void
lvp_work_end(struct lvp_work *work)
{
   struct lvp_memory_tracker *tracker = work->tracker;
   bool keep;

   tracker_ops(tracker)->batch_end(work->batch);
   util_dynarray_clear(&work->mems);

   simple_mtx_lock(&tracker->work_lock);
   keep = tracker->idle_count < LVP_MAX_IDLE_WORK;
   if (keep) {
      list_add(&work->link, &tracker->idle);
      tracker->idle_count++;
   }
   simple_mtx_unlock(&tracker->work_lock);
   if (!keep)
      work_destroy(work);
}

void
lvp_work_submit(struct lvp_work *work, uint32_t command_buffers)
{
   struct lvp_memory_tracker *tracker = work->tracker;

   work->command_buffers = command_buffers;
   simple_mtx_lock(&tracker->work_lock);
   list_addtail(&work->link, &tracker->submitted);
   simple_mtx_unlock(&tracker->work_lock);
}

void
lvp_work_unsubmit(struct lvp_work *work, uint32_t command_buffers)
{
   struct lvp_memory_tracker *tracker = work->tracker;
   bool untouched;

   /* What the queue has begun ends later than it had to, but not too early. */
   simple_mtx_lock(&tracker->work_lock);
   untouched = work->command_buffers == command_buffers;
   if (untouched)
      list_del(&work->link);
   simple_mtx_unlock(&tracker->work_lock);
   if (untouched)
      lvp_work_end(work);
}

/* See lvp_memory_tracker.h for why. */
static void
offer_executed(struct lvp_work *work)
{
   struct lvp_memory_tracker *tracker = work->tracker;
   struct list_head list;

   if (!work->mems.size)
      return;

   list_inithead(&list);
   mtx_lock(&tracker->lock);
   util_dynarray_foreach(&work->mems, struct lvp_device_memory *, mem) {
      if (*mem && (*mem)->offered)
         list_addtail(&(*mem)->use_link, &list);
   }
   lvp_memory_offer_again(tracker, &list);
   list_for_each_entry_safe(struct lvp_device_memory, mem, &list, use_link)
      list_delinit(&mem->use_link);
   mtx_unlock(&tracker->lock);
}

void
lvp_memory_tracker_executed(struct lvp_memory_tracker *tracker, uint32_t command_buffers,
                            struct pipe_fence_handle *fence)
{
   while (command_buffers) {
      struct lvp_work *work = NULL;

      simple_mtx_lock(&tracker->work_lock);
      if (!list_is_empty(&tracker->submitted)) {
         work = list_first_entry(&tracker->submitted, struct lvp_work, link);

         const uint32_t count = MIN2(command_buffers, work->command_buffers);
         work->command_buffers -= count;
         command_buffers -= count;
         if (work->command_buffers)
            work = NULL;
      } else {
         command_buffers = 0;
      }
      simple_mtx_unlock(&tracker->work_lock);
      if (!work)
         continue;

      /* Until then memory that is freed is taken off it. */
      offer_executed(work);
      simple_mtx_lock(&tracker->work_lock);
      list_del(&work->link);
      simple_mtx_unlock(&tracker->work_lock);
      if (!lp_fence_add_callback((struct lp_fence *)fence, &work->done))
         lvp_work_end(work);
   }
}

/*
 * Use of memory by work
 */

struct use_list {
   struct list_head list;
   /* offers from before that are not in the way: those who record command
    * buffers reclaim it before they submit them */
   uint64_t offered_since;
};

static void
use_list_add(struct lvp_device_memory *mem, void *data)
{
   struct use_list *use = data;

   if (!mem->memory || !list_is_empty(&mem->use_link))
      return;
   if (mem->offered && mem->offered_at < use->offered_since)
      return;
   list_addtail(&mem->use_link, &use->list);
}

static void
use_list_add_addressable(struct lvp_memory_tracker *tracker, struct use_list *use)
{
   list_for_each_entry(struct lvp_device_memory, mem, &tracker->addressable, addressable_link)
      use_list_add(mem, use);
}

/* Has work use the memory of a list, which is empty then. */
static void
use_list_consume(struct lvp_memory_tracker *tracker, struct use_list *use, struct lvp_work *work)
{
   lvp_memory_lift(tracker, &use->list);
   list_for_each_entry(struct lvp_device_memory, mem, &use->list, use_link) {
      tracker_ops(tracker)->batch_use(work->batch, mem->memory);
      if (tracker->offers)
         util_dynarray_append(&work->mems, struct lvp_device_memory *, mem);
   }
   lvp_memory_offer_again(tracker, &use->list);
   list_for_each_entry_safe(struct lvp_device_memory, mem, &use->list, use_link)
      list_delinit(&mem->use_link);
}

VkResult
lvp_cmd_buffer_begin_use(struct lvp_cmd_buffer *cmd_buffer)
{
   struct lvp_memory_tracker *tracker = &cmd_buffer->device->tracker;

   if (!tracker->offers)
      return VK_SUCCESS;

   cmd_buffer->use = lvp_work_get(tracker);
   if (!cmd_buffer->use)
      return VK_ERROR_OUT_OF_HOST_MEMORY;

   mtx_lock(&tracker->lock);
   cmd_buffer->begun_at = ++tracker->clock;
   list_addtail(&cmd_buffer->recording_link, &tracker->recording);
   mtx_unlock(&tracker->lock);
   return VK_SUCCESS;
}

void
lvp_cmd_buffer_end_use(struct lvp_cmd_buffer *cmd_buffer)
{
   struct lvp_memory_tracker *tracker = &cmd_buffer->device->tracker;

   if (!cmd_buffer->use)
      return;

   struct lvp_work *guess = cmd_buffer->use;
   struct lvp_work *use = lvp_work_get(tracker);
   struct use_list list = {.offered_since = cmd_buffer->begun_at};

   mtx_lock(&tracker->lock);
   list_delinit(&cmd_buffer->recording_link);
   /* Without memory for better, all that was offered meanwhile stays in use. */
   if (use) {
      list_inithead(&list.list);
      lvp_cmd_buffer_foreach_memory(cmd_buffer, use_list_add, &list);
      use_list_add_addressable(tracker, &list);
      use_list_consume(tracker, &list, use);
      cmd_buffer->use = use;
   }
   mtx_unlock(&tracker->lock);
   if (use)
      lvp_work_end(guess);
}

void
lvp_cmd_buffer_release(struct lvp_cmd_buffer *cmd_buffer)
{
   struct lvp_memory_tracker *tracker = &cmd_buffer->device->tracker;

   if (!cmd_buffer->use)
      return;

   mtx_lock(&tracker->lock);
   list_delinit(&cmd_buffer->recording_link);
   struct lvp_work *use = cmd_buffer->use;
   cmd_buffer->use = NULL;
   mtx_unlock(&tracker->lock);
   lvp_work_end(use);
}

/* A submission has taken over, also from what it executes. */
static void
release_submitted(struct lvp_cmd_buffer *cmd_buffer)
{
   list_for_each_entry(struct vk_cmd_queue_entry, cmd, &cmd_buffer->vk.cmd_queue.cmds, cmd_link) {
      if (cmd->type != VK_CMD_EXECUTE_COMMANDS)
         continue;
      for (uint32_t i = 0; i < cmd->u.execute_commands.command_buffer_count; i++)
         release_submitted(lvp_cmd_buffer_from_handle(cmd->u.execute_commands.command_buffers[i]));
   }
   lvp_cmd_buffer_release(cmd_buffer);
}

VKAPI_ATTR VkResult VKAPI_CALL
lvp_QueueSubmit2(VkQueue _queue, uint32_t submitCount, const VkSubmitInfo2 *pSubmits,
                 VkFence fence)
{
   LVP_FROM_HANDLE(lvp_queue, queue, _queue);
   struct lvp_memory_tracker *tracker = &queue->device->tracker;
   struct use_list list = {.offered_since = 0};
   uint32_t command_buffers = 0;

   for (uint32_t i = 0; i < submitCount; i++)
      command_buffers += pSubmits[i].commandBufferInfoCount;
   if (!tracker->winsys || !command_buffers)
      return vk_common_QueueSubmit2(_queue, submitCount, pSubmits, fence);

   struct lvp_work *work = lvp_work_get(tracker);
   if (!work)
      return vk_error(queue, VK_ERROR_OUT_OF_HOST_MEMORY);

   mtx_lock(&tracker->lock);
   list_inithead(&list.list);
   for (uint32_t i = 0; i < submitCount; i++) {
      for (uint32_t j = 0; j < pSubmits[i].commandBufferInfoCount; j++) {
         LVP_FROM_HANDLE(lvp_cmd_buffer, cmd_buffer,
                         pSubmits[i].pCommandBufferInfos[j].commandBuffer);
         lvp_cmd_buffer_foreach_memory(cmd_buffer, use_list_add, &list);
      }
   }
   use_list_add_addressable(tracker, &list);
   use_list_consume(tracker, &list, work);
   mtx_unlock(&tracker->lock);

   if (tracker->offers) {
      for (uint32_t i = 0; i < submitCount; i++) {
         for (uint32_t j = 0; j < pSubmits[i].commandBufferInfoCount; j++)
            release_submitted(lvp_cmd_buffer_from_handle(
               pSubmits[i].pCommandBufferInfos[j].commandBuffer));
      }
   }

   lvp_work_submit(work, command_buffers);
   VkResult result = vk_common_QueueSubmit2(_queue, submitCount, pSubmits, fence);
   if (result != VK_SUCCESS)
      lvp_work_unsubmit(work, command_buffers);
   return result;
}

VKAPI_ATTR VkResult VKAPI_CALL
lvp_QueueBindSparse(VkQueue _queue, uint32_t bindInfoCount, const VkBindSparseInfo *pBindInfo,
                    VkFence fence)
{
   LVP_FROM_HANDLE(lvp_queue, queue, _queue);
   struct lvp_memory_tracker *tracker = &queue->device->tracker;

   for (uint32_t i = 0; i < bindInfoCount && tracker->winsys; i++) {
      const VkBindSparseInfo *info = &pBindInfo[i];

      for (uint32_t j = 0; j < info->bufferBindCount; j++)
         for (uint32_t k = 0; k < info->pBufferBinds[j].bindCount; k++)
            lvp_memory_set_addressable(tracker,
               lvp_device_memory_from_handle(info->pBufferBinds[j].pBinds[k].memory));
      for (uint32_t j = 0; j < info->imageOpaqueBindCount; j++)
         for (uint32_t k = 0; k < info->pImageOpaqueBinds[j].bindCount; k++)
            lvp_memory_set_addressable(tracker,
               lvp_device_memory_from_handle(info->pImageOpaqueBinds[j].pBinds[k].memory));
      for (uint32_t j = 0; j < info->imageBindCount; j++)
         for (uint32_t k = 0; k < info->pImageBinds[j].bindCount; k++)
            lvp_memory_set_addressable(tracker,
               lvp_device_memory_from_handle(info->pImageBinds[j].pBinds[k].memory));
   }
   return vk_common_QueueBindSparse(_queue, bindInfoCount, pBindInfo, fence);
}
