/* SPDX-License-Identifier: MIT */

/*
 * A Vulkan device on which memory can be offered, and images that have device memory of their own.
 */

#ifndef DEMO_VULKAN_H
#define DEMO_VULKAN_H

#include <vulkan/vulkan.h>

#include "vulkan/vulkan_mesax_memory_offer.h"

struct gpu {
   VkInstance instance;
   VkPhysicalDevice physical;
   VkDevice device;
   VkQueue queue;
   PFN_vkOfferDeviceMemoryMESAX offer;
   PFN_vkReclaimDeviceMemoryMESAX reclaim;
   PFN_vkCmdPushDescriptorSetKHR push_descriptors;
};

/* The first device that memory can be offered on. */
void
gpu_open(struct gpu *gpu);
void
gpu_close(struct gpu *gpu);

#define check_vk(result, what)                                                                     \
   do {                                                                                            \
      VkResult result_ = (result);                                                                 \
      if (result_)                                                                                 \
         die("%s: VkResult %d", (what), result_);                                                  \
   } while (0)

/* Memory type with these properties, of the allowed ones. */
uint32_t
gpu_memory_type(const struct gpu *gpu, uint32_t allowed, VkMemoryPropertyFlags flags);

/* Memory for what needs it. */
VkDeviceMemory
gpu_allocate(const struct gpu *gpu, const VkMemoryRequirements *needs);

/* RGBA in linear rows without gaps. */
struct gpu_image {
   VkDeviceMemory memory;
   VkImage image;
   VkImageView view;
};

void
gpu_image_create(const struct gpu *gpu, int size, struct gpu_image *image);
/* Also what was never created. */
void
gpu_image_destroy(const struct gpu *gpu, struct gpu_image *image);

VkImageView
gpu_view_create(const struct gpu *gpu, VkImage image);

#endif
