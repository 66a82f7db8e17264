/* SPDX-License-Identifier: MIT */
#ifndef MESA_TEST_VK_H
#define MESA_TEST_VK_H

#include <stdbool.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

#include "mesa_test.h"

/* A Vulkan device without a surface, and a few things that every Vulkan program needs. */

#define igt_assert_vk(call)                                                                        \
   do {                                                                                            \
      VkResult __result = (call);                                                                  \
      igt_assert_f(__result == VK_SUCCESS, "VkResult %d\n", __result);                             \
   } while (0)

struct mesa_vk {
   VkInstance instance;
   VkPhysicalDevice physical;
   VkDevice device;
   uint32_t family; /* of the queue, which can do everything */
   VkQueue queue;
   VkCommandPool pool;
};

/*
 * The physical device of tide's render node, which there must be exactly one of; for a reference the
 * only one, which must not be tide's. Needs vk->instance.
 */
VkPhysicalDevice mesa_vk_physical(const struct mesa_vk *vk);
/* Instance, device with one queue, and a pool. `features`: a pNext chain of vkCreateDevice(). */
void mesa_vk_open(struct mesa_vk *vk, const char *const *extensions, uint32_t count,
                  const void *features);
void mesa_vk_close(struct mesa_vk *vk);
bool mesa_vk_has_extension(const struct mesa_vk *vk, const char *name);
/* A function of an extension: MESA_VK_LOAD(&vk, vkSetDeviceMemoryPriorityEXT)(...) */
#define MESA_VK_LOAD(vk, name) ((PFN_##name)mesa_vk_load(vk, #name))
PFN_vkVoidFunction mesa_vk_load(const struct mesa_vk *vk, const char *name);

/* The first memory type with these flags among the allowed ones. */
uint32_t mesa_vk_memory_type(const struct mesa_vk *vk, uint32_t allowed,
                             VkMemoryPropertyFlags flags);
/* Visible and coherent memory, and the same mapped. `next`: a pNext chain */
VkDeviceMemory mesa_vk_memory(const struct mesa_vk *vk, VkDeviceSize size, const void *next);
void *mesa_vk_map(const struct mesa_vk *vk, VkDeviceMemory memory);
/* A buffer for transfers and storage, bound at the memory's begin. */
VkBuffer mesa_vk_buffer(const struct mesa_vk *vk, VkDeviceSize size, VkDeviceMemory memory);

/* A command buffer that has begun; may be submitted more than once. */
VkCommandBuffer mesa_vk_begin(const struct mesa_vk *vk);
/* Ends, submits, waits and frees it. */
void mesa_vk_run(const struct mesa_vk *vk, VkCommandBuffer commands);

#endif
