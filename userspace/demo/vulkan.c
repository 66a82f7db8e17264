/* SPDX-License-Identifier: MIT */

#include "vulkan.h"

#include <stdbool.h>
#include <string.h>

#include "util.h"

static bool
can_offer(VkPhysicalDevice physical)
{
   VkExtensionProperties extensions[512];
   uint32_t count = ARRAY_SIZE(extensions);

   check_vk(vkEnumerateDeviceExtensionProperties(physical, NULL, &count, extensions),
            "asking for extensions");
   for (uint32_t i = 0; i < count; i++) {
      if (!strcmp(extensions[i].extensionName, VK_MESAX_MEMORY_OFFER_EXTENSION_NAME))
         return true;
   }
   return false;
}

static void
make_instance(struct gpu *gpu)
{
   const VkApplicationInfo application = {
      .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
      .apiVersion = VK_API_VERSION_1_3,
   };
   const VkInstanceCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
      .pApplicationInfo = &application,
   };
   VkPhysicalDevice all[8];
   uint32_t count = ARRAY_SIZE(all);

   check_vk(vkCreateInstance(&info, NULL, &gpu->instance), "creating an instance");
   check_vk(vkEnumeratePhysicalDevices(gpu->instance, &count, all), "looking for devices");
   for (uint32_t i = 0; i < count && !gpu->physical; i++) {
      if (can_offer(all[i]))
         gpu->physical = all[i];
   }
   if (!gpu->physical)
      die("no Vulkan device has " VK_MESAX_MEMORY_OFFER_EXTENSION_NAME);
}

static void
make_device(struct gpu *gpu)
{
   static const char *const extensions[] = {
      VK_MESAX_MEMORY_OFFER_EXTENSION_NAME,
      VK_KHR_PUSH_DESCRIPTOR_EXTENSION_NAME,
   };
   const VkPhysicalDeviceMemoryOfferFeaturesMESAX offer = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_OFFER_FEATURES_MESAX,
      .memoryOffer = VK_TRUE,
   };
   const VkPhysicalDeviceVulkan13Features features = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES,
      .pNext = (void *)&offer,
      .dynamicRendering = VK_TRUE,
      .synchronization2 = VK_TRUE,
   };
   const VkDeviceQueueCreateInfo queue = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
      .queueCount = 1,
      .pQueuePriorities = (const float[]){1},
   };
   const VkDeviceCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
      .pNext = &features,
      .queueCreateInfoCount = 1,
      .pQueueCreateInfos = &queue,
      .enabledExtensionCount = ARRAY_SIZE(extensions),
      .ppEnabledExtensionNames = extensions,
   };

   check_vk(vkCreateDevice(gpu->physical, &info, NULL, &gpu->device), "creating a device");
   vkGetDeviceQueue(gpu->device, 0, 0, &gpu->queue);
}

void
gpu_open(struct gpu *gpu)
{
   *gpu = (struct gpu){0};
   make_instance(gpu);
   make_device(gpu);
   gpu->offer = (PFN_vkOfferDeviceMemoryMESAX)vkGetDeviceProcAddr(gpu->device,
                                                                  "vkOfferDeviceMemoryMESAX");
   gpu->reclaim = (PFN_vkReclaimDeviceMemoryMESAX)vkGetDeviceProcAddr(
      gpu->device, "vkReclaimDeviceMemoryMESAX");
   gpu->push_descriptors = (PFN_vkCmdPushDescriptorSetKHR)vkGetDeviceProcAddr(
      gpu->device, "vkCmdPushDescriptorSetKHR");
}

void
gpu_close(struct gpu *gpu)
{
   vkDestroyDevice(gpu->device, NULL);
   vkDestroyInstance(gpu->instance, NULL);
}

uint32_t
gpu_memory_type(const struct gpu *gpu, uint32_t allowed, VkMemoryPropertyFlags flags)
{
   VkPhysicalDeviceMemoryProperties memory;

   vkGetPhysicalDeviceMemoryProperties(gpu->physical, &memory);
   for (uint32_t i = 0; i < memory.memoryTypeCount; i++) {
      if (allowed & 1u << i && (memory.memoryTypes[i].propertyFlags & flags) == flags)
         return i;
   }
   die("no memory of the kind that is needed");
}

VkDeviceMemory
gpu_allocate(const struct gpu *gpu, const VkMemoryRequirements *needs)
{
   const VkMemoryAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
      .allocationSize = needs->size,
      .memoryTypeIndex = gpu_memory_type(gpu, needs->memoryTypeBits,
                                         VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
                                            VK_MEMORY_PROPERTY_HOST_COHERENT_BIT),
   };
   VkDeviceMemory memory;

   check_vk(vkAllocateMemory(gpu->device, &info, NULL, &memory), "allocating device memory");
   return memory;
}

VkImageView
gpu_view_create(const struct gpu *gpu, VkImage image)
{
   const VkImageViewCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
      .image = image,
      .viewType = VK_IMAGE_VIEW_TYPE_2D,
      .format = VK_FORMAT_R8G8B8A8_UNORM,
      .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1},
   };
   VkImageView view;

   check_vk(vkCreateImageView(gpu->device, &info, NULL, &view), "making a view");
   return view;
}

void
gpu_image_create(const struct gpu *gpu, int size, struct gpu_image *image)
{
   const VkImageCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
      .imageType = VK_IMAGE_TYPE_2D,
      .format = VK_FORMAT_R8G8B8A8_UNORM,
      .extent = {size, size, 1},
      .mipLevels = 1,
      .arrayLayers = 1,
      .samples = VK_SAMPLE_COUNT_1_BIT,
      .tiling = VK_IMAGE_TILING_LINEAR,
      .usage = VK_IMAGE_USAGE_SAMPLED_BIT,
      .initialLayout = VK_IMAGE_LAYOUT_PREINITIALIZED,
   };
   const VkImageSubresource subresource = {.aspectMask = VK_IMAGE_ASPECT_COLOR_BIT};
   VkMemoryRequirements needs;
   VkSubresourceLayout layout;

   check_vk(vkCreateImage(gpu->device, &info, NULL, &image->image), "making an image");
   vkGetImageSubresourceLayout(gpu->device, image->image, &subresource, &layout);
   if (layout.offset || layout.rowPitch != 4u * size)
      die("images have gaps between their rows");
   vkGetImageMemoryRequirements(gpu->device, image->image, &needs);
   image->memory = gpu_allocate(gpu, &needs);
   check_vk(vkBindImageMemory(gpu->device, image->image, image->memory, 0), "binding an image");
   image->view = gpu_view_create(gpu, image->image);
}

void
gpu_image_destroy(const struct gpu *gpu, struct gpu_image *image)
{
   vkDestroyImageView(gpu->device, image->view, NULL);
   vkDestroyImage(gpu->device, image->image, NULL);
   vkFreeMemory(gpu->device, image->memory, NULL);
}
