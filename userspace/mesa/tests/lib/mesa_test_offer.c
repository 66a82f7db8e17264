/* SPDX-License-Identifier: MIT */
#include "igt.h"
#include "igt_tide.h"
#include "mesa_test_offer.h"

void
mesa_offer_open(struct mesa_offer_vk *o, void *features)
{
   VkPhysicalDeviceVulkan12Features vulkan12 = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES,
      .pNext = features,
      .timelineSemaphore = VK_TRUE,
      .bufferDeviceAddress = VK_TRUE,
   };
   const VkPhysicalDeviceMemoryOfferFeaturesMESAX offer = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_OFFER_FEATURES_MESAX,
      .pNext = &vulkan12,
      .memoryOffer = VK_TRUE,
   };
   const char *const extensions[] = {
      VK_MESAX_MEMORY_OFFER_EXTENSION_NAME,
      VK_KHR_PUSH_DESCRIPTOR_EXTENSION_NAME,
   };

   o->fd = tide_open_render();
   mesa_vk_open(&o->vk, extensions, ARRAY_SIZE(extensions), &offer);
   o->offer = MESA_VK_LOAD(&o->vk, vkOfferDeviceMemoryMESAX);
   o->queue_offer = MESA_VK_LOAD(&o->vk, vkQueueOfferDeviceMemoryMESAX);
   o->reclaim = MESA_VK_LOAD(&o->vk, vkReclaimDeviceMemoryMESAX);
   o->trim = MESA_VK_LOAD(&o->vk, vkTrimDeviceMESAX);
}

void
mesa_offer_close(struct mesa_offer_vk *o)
{
   mesa_vk_close(&o->vk);
   close(o->fd);
}

static uint32_t
pattern(uint32_t seed, uint32_t index)
{
   return (seed + 1) * 0x9e3779b1u ^ index * 0x85ebca6bu;
}

void
mesa_offer_buffer_fill(const struct mesa_offer_vk *o, const struct mesa_offer_buffer *b,
                       uint32_t seed)
{
   uint32_t *map = mesa_vk_map(&o->vk, b->memory);

   for (uint32_t i = 0; i < MESA_OFFER_SIZE / 4; i++)
      map[i] = pattern(seed, i);
   vkUnmapMemory(o->vk.device, b->memory);
}

struct mesa_offer_buffer
mesa_offer_buffer_create(const struct mesa_offer_vk *o, uint32_t seed)
{
   struct mesa_offer_buffer b;
   const VkMemoryAllocateFlagsInfo flags = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO,
      .flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT,
   };
   const VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
      .size = MESA_OFFER_SIZE,
      .usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT |
               VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT |
               VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT,
   };

   b.memory = mesa_vk_memory(&o->vk, MESA_OFFER_SIZE, &flags);
   igt_assert_vk(vkCreateBuffer(o->vk.device, &info, NULL, &b.buffer));
   igt_assert_vk(vkBindBufferMemory(o->vk.device, b.buffer, b.memory, 0));
   mesa_offer_buffer_fill(o, &b, seed);
   return b;
}

void
mesa_offer_buffer_destroy(const struct mesa_offer_vk *o, struct mesa_offer_buffer *b)
{
   vkDestroyBuffer(o->vk.device, b->buffer, NULL);
   vkFreeMemory(o->vk.device, b->memory, NULL);
}

static void
check(const struct mesa_offer_vk *o, const struct mesa_offer_buffer *b, bool zero, uint32_t seed)
{
   const uint32_t *map = mesa_vk_map(&o->vk, b->memory);

   for (uint32_t i = 0; i < MESA_OFFER_SIZE / 4; i++) {
      const uint32_t should = zero ? 0 : pattern(seed, i);

      igt_assert_f(map[i] == should, "word %u is %#x, not %#x\n", i, map[i], should);
   }
   vkUnmapMemory(o->vk.device, b->memory);
}

void
mesa_offer_buffer_check(const struct mesa_offer_vk *o, const struct mesa_offer_buffer *b,
                        uint32_t seed)
{
   check(o, b, false, seed);
}

void
mesa_offer_buffer_check_zero(const struct mesa_offer_vk *o, const struct mesa_offer_buffer *b)
{
   check(o, b, true, 0);
}

void
mesa_offer(const struct mesa_offer_vk *o, VkDeviceMemory memory,
           VkMemoryOfferPriorityMESAX priority)
{
   const VkMemoryOfferMESAX offer = {memory, priority};
   const VkMemoryOfferInfoMESAX info = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_OFFER_INFO_MESAX,
      .offerCount = 1,
      .pOffers = &offer,
   };

   igt_assert_vk(o->offer(o->vk.device, &info));
}

void
mesa_queue_offer(const struct mesa_offer_vk *o, VkDeviceMemory memory)
{
   const VkMemoryOfferMESAX offer = {memory, VK_MEMORY_OFFER_PRIORITY_NORMAL_MESAX};
   const VkMemoryOfferInfoMESAX info = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_OFFER_INFO_MESAX,
      .offerCount = 1,
      .pOffers = &offer,
   };

   igt_assert_vk(o->queue_offer(o->vk.queue, &info));
}

VkMemoryReclaimResultMESAX
mesa_reclaim(const struct mesa_offer_vk *o, VkDeviceMemory memory)
{
   const VkMemoryReclaimInfoMESAX info = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_RECLAIM_INFO_MESAX,
      .memoryCount = 1,
      .pMemories = &memory,
   };
   VkMemoryReclaimResultMESAX result = VK_MEMORY_RECLAIM_RESULT_FAILED_MESAX;

   igt_assert_vk(o->reclaim(o->vk.device, &info, &result));
   return result;
}

uint64_t
mesa_offer_discardable(const struct mesa_offer_vk *o)
{
   VkDeviceTrimInfoMESAX info = {.sType = VK_STRUCTURE_TYPE_DEVICE_TRIM_INFO_MESAX};

   igt_assert_vk(o->trim(o->vk.device, &info));
   return mesa_memory("drm-purgeable-system");
}

void
mesa_offer_discard(const struct mesa_offer_vk *o, uint64_t bytes)
{
   igt_assert_eq_u64(mesa_offer_discardable(o), bytes);
   mesa_discard_offered(o->fd);
}

void
mesa_offer_check_held(const struct mesa_offer_vk *o)
{
   igt_assert_eq_u64(mesa_offer_discardable(o), 0);
   tide_shrink(o->fd, MESA_OFFER_SIZE / TIDE_PAGE);
}

void
mesa_offer_wait(const struct mesa_offer_vk *o, uint64_t bytes)
{
   const int64_t end = tide_deadline(TIDE_LIVENESS_S * NSEC_PER_SEC);

   while (mesa_offer_discardable(o) != bytes) {
      igt_assert_f(tide_deadline(0) < end, "%" PRIu64 " bytes are offered, not %" PRIu64 "\n",
                   mesa_offer_discardable(o), bytes);
      usleep(1000);
   }
}

VkSemaphore
mesa_timeline(const struct mesa_offer_vk *o)
{
   const VkSemaphoreTypeCreateInfo type = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
      .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE,
   };
   const VkSemaphoreCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO,
      .pNext = &type,
   };
   VkSemaphore semaphore;

   igt_assert_vk(vkCreateSemaphore(o->vk.device, &info, NULL, &semaphore));
   return semaphore;
}

void
mesa_timeline_signal(const struct mesa_offer_vk *o, VkSemaphore semaphore, uint64_t value)
{
   const VkSemaphoreSignalInfo info = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO,
      .semaphore = semaphore,
      .value = value,
   };

   igt_assert_vk(vkSignalSemaphore(o->vk.device, &info));
}

void
mesa_timeline_wait(const struct mesa_offer_vk *o, VkSemaphore semaphore, uint64_t value)
{
   const VkSemaphoreWaitInfo info = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
      .semaphoreCount = 1,
      .pSemaphores = &semaphore,
      .pValues = &value,
   };

   igt_assert_vk(vkWaitSemaphores(o->vk.device, &info, TIDE_LIVENESS_S * NSEC_PER_SEC));
}

void
mesa_submit_after(const struct mesa_offer_vk *o, VkCommandBuffer commands, VkSemaphore semaphore,
                  uint64_t value)
{
   const VkTimelineSemaphoreSubmitInfo timeline = {
      .sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
      .waitSemaphoreValueCount = 1,
      .pWaitSemaphoreValues = &value,
   };
   const VkPipelineStageFlags stage = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
   const VkSubmitInfo submit = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
      .pNext = semaphore ? &timeline : NULL,
      .waitSemaphoreCount = semaphore ? 1 : 0,
      .pWaitSemaphores = &semaphore,
      .pWaitDstStageMask = &stage,
      .commandBufferCount = 1,
      .pCommandBuffers = &commands,
   };

   igt_assert_vk(vkQueueSubmit(o->vk.queue, 1, &submit, VK_NULL_HANDLE));
}

VkCommandBuffer
mesa_record_copy(const struct mesa_offer_vk *o, const struct mesa_offer_buffer *dst,
                 const struct mesa_offer_buffer *src)
{
   const VkBufferCopy region = {.size = MESA_OFFER_SIZE};
   VkCommandBuffer commands = mesa_vk_begin(&o->vk);

   vkCmdCopyBuffer(commands, src->buffer, dst->buffer, 1, &region);
   igt_assert_vk(vkEndCommandBuffer(commands));
   return commands;
}
