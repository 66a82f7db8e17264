/* SPDX-License-Identifier: MIT */

/* VK_MESAX_memory_offer. */

#include "frontend/sw_winsys.h"
#include "util/os_time.h"

#include "lvp_private.h"
#include "vk_common_entrypoints.h"

VkResult
lvp_memory_offer_init(struct lvp_memory_tracker *tracker, struct lvp_device *device)
{
   if (!device->vk.enabled_features.memoryOffer)
      return VK_SUCCESS;

   const VkCommandPoolCreateInfo pool_info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
   };
   VkDevice device_handle = lvp_device_to_handle(device);
   VkResult result = vk_common_CreateCommandPool(device_handle, &pool_info, NULL, &tracker->pool);
   if (result != VK_SUCCESS)
      return result;

   const VkCommandBufferAllocateInfo alloc_info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
      .commandPool = tracker->pool,
      .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
      .commandBufferCount = 1,
   };
   const VkCommandBufferBeginInfo begin_info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
      .flags = VK_COMMAND_BUFFER_USAGE_SIMULTANEOUS_USE_BIT,
   };
   result = vk_common_AllocateCommandBuffers(device_handle, &alloc_info, &tracker->marker);
   if (result == VK_SUCCESS)
      result = lvp_BeginCommandBuffer(tracker->marker, &begin_info);
   if (result == VK_SUCCESS)
      result = lvp_EndCommandBuffer(tracker->marker);

   /* From now on command buffers are looked at. */
   tracker->offers = result == VK_SUCCESS;
   return result;
}

void
lvp_memory_offer_finish(struct lvp_memory_tracker *tracker)
{
   if (tracker->has_paging_thread)
      util_queue_destroy(&tracker->paging_thread);
   vk_common_DestroyCommandPool(lvp_device_to_handle(tracker->device), tracker->pool, NULL);
}

/* Offers a list; what of it is not offered yet is used by @work, if there is any. */
static VkResult
offer_memory(struct lvp_memory_tracker *tracker, const VkMemoryOfferInfoMESAX *info,
             struct lvp_work *work)
{
   struct list_head list;
   bool ok;

   list_inithead(&list);
   mtx_lock(&tracker->lock);
   tracker->clock++;
   for (uint32_t i = 0; i < info->offerCount; i++) {
      LVP_FROM_HANDLE(lvp_device_memory, mem, info->pOffers[i].memory);

      if (!mem || !mem->memory)
         continue;
      if (!mem->offered) {
         if (work)
            tracker->winsys->memory->batch_use(work->batch, mem->memory);
         list_for_each_entry(struct lvp_cmd_buffer, cmd_buffer, &tracker->recording,
                             recording_link)
            tracker->winsys->memory->batch_use(cmd_buffer->use->batch, mem->memory);
      }
      mem->offered = true;
      mem->offered_at = tracker->clock;
      mem->offer_priority = PIPE_MEMORY_PRIORITY_LOW +
                            (info->pOffers[i].priority - VK_MEMORY_OFFER_PRIORITY_LOW_MESAX);
      mem->offer_decommit = info->flags & VK_MEMORY_OFFER_ALLOW_DECOMMIT_BIT_MESAX;
      if (list_is_empty(&mem->use_link))
         list_addtail(&mem->use_link, &list);
   }
   ok = lvp_memory_offer_again(tracker, &list);
   list_for_each_entry_safe(struct lvp_device_memory, mem, &list, use_link)
      list_delinit(&mem->use_link);
   mtx_unlock(&tracker->lock);
   return ok ? VK_SUCCESS : vk_error(tracker->device, VK_ERROR_OUT_OF_HOST_MEMORY);
}

VKAPI_ATTR VkResult VKAPI_CALL
lvp_OfferDeviceMemoryMESAX(VkDevice _device, const VkMemoryOfferInfoMESAX *pOfferInfo)
{
   LVP_FROM_HANDLE(lvp_device, device, _device);

   return offer_memory(&device->tracker, pOfferInfo, NULL);
}

VKAPI_ATTR VkResult VKAPI_CALL
lvp_QueueOfferDeviceMemoryMESAX(VkQueue _queue, const VkMemoryOfferInfoMESAX *pOfferInfo)
{
   LVP_FROM_HANDLE(lvp_queue, queue, _queue);
   struct lvp_memory_tracker *tracker = &queue->device->tracker;
   struct lvp_work *work = lvp_work_get(tracker);

   if (!work)
      return vk_error(queue, VK_ERROR_OUT_OF_HOST_MEMORY);

   /* The work is over when the queue has come to the marker: then they go. */
   const VkCommandBufferSubmitInfo marker = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_SUBMIT_INFO,
      .commandBuffer = tracker->marker,
   };
   const VkSubmitInfo2 submit = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO_2,
      .commandBufferInfoCount = 1,
      .pCommandBufferInfos = &marker,
   };
   VkResult result = offer_memory(tracker, pOfferInfo, work);

   lvp_work_submit(work, 1);
   VkResult submitted = vk_common_QueueSubmit2(_queue, 1, &submit, VK_NULL_HANDLE);
   if (submitted != VK_SUCCESS)
      lvp_work_unsubmit(work, 1);
   return result != VK_SUCCESS ? result : submitted;
}

/* A semaphore that waits for a page-in. */
struct paging_job {
   struct util_queue_fence fence;
   struct lvp_memory_tracker *tracker;
   VkSemaphoreSignalInfo signal;
   uint64_t paging;
};

static void
paging_job_execute(void *data, void *global_data, int thread_index)
{
   struct paging_job *job = data;
   struct lvp_memory_tracker *tracker = job->tracker;

   /* Over is over, whatever became of it: the CPU can use the memory anyway. */
   if (job->paging)
      tracker->winsys->memory->paging_wait(tracker->winsys, job->paging, OS_TIMEOUT_INFINITE);
   vk_common_SignalSemaphore(lvp_device_to_handle(tracker->device), &job->signal);
}

static void
paging_job_cleanup(void *data, void *global_data, int thread_index)
{
   struct paging_job *job = data;

   util_queue_fence_destroy(&job->fence);
   free(job);
}

/* Expects the lock. */
static bool
signal_after_paging(struct lvp_memory_tracker *tracker, const VkSemaphoreSignalInfo *signal,
                    uint64_t paging)
{
   struct paging_job *job;

   if (!tracker->has_paging_thread)
      tracker->has_paging_thread = util_queue_init(&tracker->paging_thread, "lvp:page", 8, 1,
                                                   UTIL_QUEUE_INIT_RESIZE_IF_FULL, NULL);
   job = tracker->has_paging_thread ? malloc(sizeof(*job)) : NULL;
   if (!job)
      return false;

   *job = (struct paging_job) {
      .tracker = tracker,
      .signal = *signal,
      .paging = paging,
   };
   util_queue_fence_init(&job->fence);
   util_queue_add_job(&tracker->paging_thread, job, &job->fence, paging_job_execute,
                      paging_job_cleanup, 0);
   return true;
}

static VkMemoryReclaimResultMESAX
vk_reclaim_result(enum pipe_reclaim_result result)
{
   switch (result) {
   case PIPE_RECLAIM_OK:
      return VK_MEMORY_RECLAIM_RESULT_OK_MESAX;
   case PIPE_RECLAIM_DISCARDED:
      return VK_MEMORY_RECLAIM_RESULT_DISCARDED_MESAX;
   case PIPE_RECLAIM_NOT_COMMITTED:
      return VK_MEMORY_RECLAIM_RESULT_NOT_COMMITTED_MESAX;
   case PIPE_RECLAIM_FAILED:
      break;
   }
   return VK_MEMORY_RECLAIM_RESULT_FAILED_MESAX;
}

/* Adds what was found when an offer was lifted. Expects the lock. */
static enum pipe_reclaim_result
finish_reclaim(struct lvp_device_memory *mem, enum pipe_reclaim_result result)
{
   if (result == PIPE_RECLAIM_FAILED)
      return result;

   result = MAX2(result, mem->lost);
   mem->offered = false;
   mem->lost = result == PIPE_RECLAIM_NOT_COMMITTED ? result : PIPE_RECLAIM_OK;
   return result;
}

VKAPI_ATTR VkResult VKAPI_CALL
lvp_ReclaimDeviceMemoryMESAX(VkDevice _device, const VkMemoryReclaimInfoMESAX *pReclaimInfo,
                             VkMemoryReclaimResultMESAX *pResults)
{
   LVP_FROM_HANDLE(lvp_device, device, _device);
   struct lvp_memory_tracker *tracker = &device->tracker;
   const VkSemaphoreSignalInfo signal = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO,
      .semaphore = pReclaimInfo->semaphore,
      .value = pReclaimInfo->value,
   };
   const bool page_in = signal.semaphore != VK_NULL_HANDLE;
   uint64_t paging = 0;
   bool ok = true;

   mtx_lock(&tracker->lock);
   for (uint32_t first = 0; first < pReclaimInfo->memoryCount; first += LVP_MEMORY_CHUNK_SIZE) {
      const uint32_t count = MIN2(pReclaimInfo->memoryCount - first, LVP_MEMORY_CHUNK_SIZE);
      enum pipe_reclaim_result results[LVP_MEMORY_CHUNK_SIZE];
      struct lvp_memory_chunk chunk = {.count = 0};
      unsigned done = 0;

      for (uint32_t i = 0; i < count; i++) {
         LVP_FROM_HANDLE(lvp_device_memory, mem, pReclaimInfo->pMemories[first + i]);

         if (mem && mem->memory)
            lvp_memory_chunk_add(&chunk, mem);
      }
      ok = lvp_memory_chunk_reclaim(tracker, &chunk, results, page_in ? &paging : NULL) && ok;
      for (uint32_t i = 0; i < count; i++) {
         LVP_FROM_HANDLE(lvp_device_memory, mem, pReclaimInfo->pMemories[first + i]);
         enum pipe_reclaim_result result = PIPE_RECLAIM_OK;

         if (mem && mem->memory)
            result = finish_reclaim(mem, results[done++]);
         pResults[first + i] = vk_reclaim_result(result);
      }
   }

   /* In order, so that those of a semaphore that an application signals with
    * growing values do not overtake each other. */
   if (ok && page_in)
      ok = signal_after_paging(tracker, &signal, paging);
   mtx_unlock(&tracker->lock);
   return ok ? VK_SUCCESS : vk_error(device, VK_ERROR_OUT_OF_HOST_MEMORY);
}

VKAPI_ATTR VkResult VKAPI_CALL
lvp_TrimDeviceMESAX(VkDevice _device, VkDeviceTrimInfoMESAX *pTrimInfo)
{
   LVP_FROM_HANDLE(lvp_device, device, _device);

   if (device->tracker.winsys)
      lvp_memory_tracker_trim(&device->tracker);
   pTrimInfo->bytesBefore = pTrimInfo->bytesAfter = 0;
   if (device->pscreen->trim_memory)
      device->pscreen->trim_memory(device->pscreen, &pTrimInfo->bytesBefore,
                                   &pTrimInfo->bytesAfter);
   return VK_SUCCESS;
}
