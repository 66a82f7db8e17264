/* SPDX-License-Identifier: MIT */
#include "igt.h"
#include "igt_tide.h"
#include "mesa_test_vk.h"

#include <sys/sysmacros.h>

#define DEVICES_MAX 8

/* Whether it says that tide's render node is what it is behind. */
static bool
is_tide(VkPhysicalDevice physical)
{
   VkPhysicalDeviceDrmPropertiesEXT drm = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRM_PROPERTIES_EXT,
   };
   VkPhysicalDeviceProperties2 properties = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
      .pNext = &drm,
   };
   const char *node = __tide_node(false);
   struct stat st;

   igt_require_f(node, "no render node of tide\n");
   do_or_die(stat(node, &st));
   vkGetPhysicalDeviceProperties2(physical, &properties);
   return drm.hasRender && drm.renderMajor == major(st.st_rdev) &&
          drm.renderMinor == minor(st.st_rdev);
}

VkPhysicalDevice
mesa_vk_physical(const struct mesa_vk *vk)
{
   VkPhysicalDevice all[DEVICES_MAX], ours = VK_NULL_HANDLE;
   uint32_t count = DEVICES_MAX, found = 0;

   igt_assert_vk(vkEnumeratePhysicalDevices(vk->instance, &count, all));
   if (mesa_is_reference()) {
      igt_assert_eq_u32(count, 1);
      igt_assert(!is_tide(all[0]));
      return all[0];
   }
   for (uint32_t i = 0; i < count; i++)
      if (is_tide(all[i])) {
         ours = all[i];
         found++;
      }
   igt_assert_f(found == 1, "%" PRIu32 " of %" PRIu32 " devices are tide's\n", found, count);
   return ours;
}

static uint32_t
queue_family(VkPhysicalDevice physical)
{
   const VkQueueFlags wanted = VK_QUEUE_GRAPHICS_BIT | VK_QUEUE_COMPUTE_BIT;
   VkQueueFamilyProperties families[8];
   uint32_t count = ARRAY_SIZE(families), i = 0;

   vkGetPhysicalDeviceQueueFamilyProperties(physical, &count, families);
   while (i < count && (families[i].queueFlags & wanted) != wanted)
      i++;
   igt_assert_lt(i, count);
   return i;
}

void
mesa_vk_open(struct mesa_vk *vk, const char *const *extensions, uint32_t count,
             const void *features)
{
   const VkApplicationInfo application = {
      .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
      .apiVersion = VK_API_VERSION_1_3,
   };
   const VkInstanceCreateInfo instance = {
      .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
      .pApplicationInfo = &application,
   };

   igt_assert_vk(vkCreateInstance(&instance, NULL, &vk->instance));
   vk->physical = mesa_vk_physical(vk);
   vk->family = queue_family(vk->physical);

   const VkDeviceQueueCreateInfo queue = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
      .queueFamilyIndex = vk->family,
      .queueCount = 1,
      .pQueuePriorities = (const float[]){1.0},
   };
   const VkDeviceCreateInfo device = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
      .pNext = features,
      .queueCreateInfoCount = 1,
      .pQueueCreateInfos = &queue,
      .enabledExtensionCount = count,
      .ppEnabledExtensionNames = extensions,
   };
   const VkCommandPoolCreateInfo pool = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
      .queueFamilyIndex = vk->family,
   };

   igt_assert_vk(vkCreateDevice(vk->physical, &device, NULL, &vk->device));
   vkGetDeviceQueue(vk->device, vk->family, 0, &vk->queue);
   igt_assert_vk(vkCreateCommandPool(vk->device, &pool, NULL, &vk->pool));
}

void
mesa_vk_close(struct mesa_vk *vk)
{
   vkDestroyCommandPool(vk->device, vk->pool, NULL);
   vkDestroyDevice(vk->device, NULL);
   vkDestroyInstance(vk->instance, NULL);
   *vk = (struct mesa_vk){};
}

bool
mesa_vk_has_extension(const struct mesa_vk *vk, const char *name)
{
   VkExtensionProperties *all;
   uint32_t count, i = 0;
   bool has;

   igt_assert_vk(vkEnumerateDeviceExtensionProperties(vk->physical, NULL, &count, NULL));
   all = calloc(count, sizeof(*all));
   igt_assert(all);
   igt_assert_vk(vkEnumerateDeviceExtensionProperties(vk->physical, NULL, &count, all));
   while (i < count && strcmp(all[i].extensionName, name))
      i++;
   has = i < count;
   free(all);
   return has;
}

PFN_vkVoidFunction
mesa_vk_load(const struct mesa_vk *vk, const char *name)
{
   PFN_vkVoidFunction function = vkGetDeviceProcAddr(vk->device, name);

   igt_assert_f(function, "there is no %s\n", name);
   return function;
}

uint32_t
mesa_vk_memory_type(const struct mesa_vk *vk, uint32_t allowed, VkMemoryPropertyFlags flags)
{
   VkPhysicalDeviceMemoryProperties memory;
   uint32_t i = 0;

   vkGetPhysicalDeviceMemoryProperties(vk->physical, &memory);
   while (i < memory.memoryTypeCount &&
          !(allowed & 1u << i && (memory.memoryTypes[i].propertyFlags & flags) == flags))
      i++;
   igt_assert_lt(i, memory.memoryTypeCount);
   return i;
}

VkDeviceMemory
mesa_vk_memory(const struct mesa_vk *vk, VkDeviceSize size, const void *next)
{
   const VkMemoryAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
      .pNext = next,
      .allocationSize = size,
      .memoryTypeIndex = mesa_vk_memory_type(
         vk, ~0u, VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT),
   };
   VkDeviceMemory memory;

   igt_assert_vk(vkAllocateMemory(vk->device, &info, NULL, &memory));
   return memory;
}

void *
mesa_vk_map(const struct mesa_vk *vk, VkDeviceMemory memory)
{
   void *map;

   igt_assert_vk(vkMapMemory(vk->device, memory, 0, VK_WHOLE_SIZE, 0, &map));
   return map;
}

VkBuffer
mesa_vk_buffer(const struct mesa_vk *vk, VkDeviceSize size, VkDeviceMemory memory)
{
   const VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
      .size = size,
      .usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT |
               VK_BUFFER_USAGE_STORAGE_BUFFER_BIT,
   };
   VkBuffer buffer;

   igt_assert_vk(vkCreateBuffer(vk->device, &info, NULL, &buffer));
   igt_assert_vk(vkBindBufferMemory(vk->device, buffer, memory, 0));
   return buffer;
}

VkCommandBuffer
mesa_vk_begin(const struct mesa_vk *vk)
{
   const VkCommandBufferAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
      .commandPool = vk->pool,
      .commandBufferCount = 1,
   };
   const VkCommandBufferBeginInfo begin = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
   };
   VkCommandBuffer commands;

   igt_assert_vk(vkAllocateCommandBuffers(vk->device, &info, &commands));
   igt_assert_vk(vkBeginCommandBuffer(commands, &begin));
   return commands;
}

void
mesa_vk_run(const struct mesa_vk *vk, VkCommandBuffer commands)
{
   const VkSubmitInfo submit = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
      .commandBufferCount = 1,
      .pCommandBuffers = &commands,
   };

   igt_assert_vk(vkEndCommandBuffer(commands));
   igt_assert_vk(vkQueueSubmit(vk->queue, 1, &submit, VK_NULL_HANDLE));
   igt_assert_vk(vkQueueWaitIdle(vk->queue));
   vkFreeCommandBuffers(vk->device, vk->pool, 1, &commands);
}
