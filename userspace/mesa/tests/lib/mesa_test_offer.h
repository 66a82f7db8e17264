/* SPDX-License-Identifier: MIT */
#ifndef MESA_TEST_OFFER_H
#define MESA_TEST_OFFER_H

#include "mesa_test_vk.h"
#include "vulkan/vulkan_mesax_memory_offer.h"

/* A Vulkan device with VK_MESAX_memory_offer, and buffers whose memory is offered. */

struct mesa_offer_vk {
   struct mesa_vk vk;
   int fd; /* a render node of tide's, to discard by */
   PFN_vkOfferDeviceMemoryMESAX offer;
   PFN_vkQueueOfferDeviceMemoryMESAX queue_offer;
   PFN_vkReclaimDeviceMemoryMESAX reclaim;
   PFN_vkTrimDeviceMESAX trim;
};

/* Large enough to be an allocation of its own. */
#define MESA_OFFER_SIZE (1u << 20)

struct mesa_offer_buffer {
   VkDeviceMemory memory;
   VkBuffer buffer;
};

/* With timeline semaphores, device addresses, push descriptors, and what a chain of features says. */
void mesa_offer_open(struct mesa_offer_vk *o, void *features);
void mesa_offer_close(struct mesa_offer_vk *o);

/* MESA_OFFER_SIZE of a pattern that tells the seed. */
struct mesa_offer_buffer mesa_offer_buffer_create(const struct mesa_offer_vk *o, uint32_t seed);
void mesa_offer_buffer_destroy(const struct mesa_offer_vk *o, struct mesa_offer_buffer *b);
void mesa_offer_buffer_fill(const struct mesa_offer_vk *o, const struct mesa_offer_buffer *b,
                            uint32_t seed);
/* All of it is the pattern; all of it is zero. */
void mesa_offer_buffer_check(const struct mesa_offer_vk *o, const struct mesa_offer_buffer *b,
                             uint32_t seed);
void mesa_offer_buffer_check_zero(const struct mesa_offer_vk *o,
                                  const struct mesa_offer_buffer *b);

void mesa_offer(const struct mesa_offer_vk *o, VkDeviceMemory memory,
                VkMemoryOfferPriorityMESAX priority);
void mesa_queue_offer(const struct mesa_offer_vk *o, VkDeviceMemory memory);
VkMemoryReclaimResultMESAX mesa_reclaim(const struct mesa_offer_vk *o, VkDeviceMemory memory);

/* Bytes that the kernel may discard: what was offered, and has reached it. Trims first. */
uint64_t mesa_offer_discardable(const struct mesa_offer_vk *o);
/* Has the kernel discard these bytes, which are all there are. */
void mesa_offer_discard(const struct mesa_offer_vk *o, uint64_t bytes);
/* The kernel may discard nothing, and discards nothing when asked to. */
void mesa_offer_check_held(const struct mesa_offer_vk *o);
/* Waits until the kernel has got an offer of that many bytes. */
void mesa_offer_wait(const struct mesa_offer_vk *o, uint64_t bytes);

VkSemaphore mesa_timeline(const struct mesa_offer_vk *o);
void mesa_timeline_signal(const struct mesa_offer_vk *o, VkSemaphore semaphore, uint64_t value);
void mesa_timeline_wait(const struct mesa_offer_vk *o, VkSemaphore semaphore, uint64_t value);
/* Submits once the semaphore has the value; VK_NULL_HANDLE: at once. */
void mesa_submit_after(const struct mesa_offer_vk *o, VkCommandBuffer commands,
                       VkSemaphore semaphore, uint64_t value);

/* A new command buffer, ended, which copies all of one buffer to another. */
VkCommandBuffer mesa_record_copy(const struct mesa_offer_vk *o, const struct mesa_offer_buffer *dst,
                                 const struct mesa_offer_buffer *src);

#endif
