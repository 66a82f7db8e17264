/* SPDX-License-Identifier: MIT */
/* What Vulkan draws from memory that was offered, discarded, and filled again. */
#include "igt.h"
#include "igt_tide.h"
#include "mesa_test_offer.h"

IGT_TEST_DESCRIPTION("Images in memory that is offered and discarded are drawn as on Debian's Mesa");

#define IMAGES 4
#define SIZE 256u /* of each image, and of the picture */
#define BYTES (4 * SIZE * SIZE)

struct drawing {
   struct mesa_offer_vk o; /* for a reference only its vk */
   VkImage images[IMAGES], target;
   VkDeviceMemory memories[IMAGES], target_memory;
   struct mesa_offer_buffer pixels;
};

static VkImage
make_image(struct drawing *d, VkImageTiling tiling, VkImageUsageFlags usage, VkDeviceMemory *memory)
{
   const VkImageCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
      .imageType = VK_IMAGE_TYPE_2D,
      .format = VK_FORMAT_R8G8B8A8_UNORM,
      .extent = {SIZE, SIZE, 1},
      .mipLevels = 1,
      .arrayLayers = 1,
      .samples = VK_SAMPLE_COUNT_1_BIT,
      .tiling = tiling,
      .usage = usage,
      .initialLayout = VK_IMAGE_LAYOUT_PREINITIALIZED,
   };
   const struct mesa_vk *vk = &d->o.vk;
   VkMemoryRequirements needs;
   VkImage image;

   igt_assert_vk(vkCreateImage(vk->device, &info, NULL, &image));
   vkGetImageMemoryRequirements(vk->device, image, &needs);
   *memory = mesa_vk_memory(vk, needs.size, NULL);
   igt_assert_vk(vkBindImageMemory(vk->device, image, *memory, 0));
   return image;
}

/* Texels that tell the image and their place. */
static void
fill(struct drawing *d, uint32_t image)
{
   const VkImageSubresource subresource = {.aspectMask = VK_IMAGE_ASPECT_COLOR_BIT};
   VkSubresourceLayout layout;
   uint8_t *map = mesa_vk_map(&d->o.vk, d->memories[image]);

   vkGetImageSubresourceLayout(d->o.vk.device, d->images[image], &subresource, &layout);
   for (uint32_t y = 0; y < SIZE; y++)
      for (uint32_t x = 0; x < SIZE; x++) {
         uint8_t *texel = map + layout.offset + y * layout.rowPitch + 4 * x;

         texel[0] = x * (image + 1);
         texel[1] = y ^ x;
         texel[2] = 60 * image + (x * y >> 8);
         texel[3] = 255;
      }
   vkUnmapMemory(d->o.vk.device, d->memories[image]);
}

/* Each image in a corner, smaller and filtered; and one more across all of them. */
static void
record(struct drawing *d, VkCommandBuffer commands)
{
   const VkImageSubresourceLayers layers = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1};
   const VkBufferImageCopy copy = {.imageSubresource = layers, .imageExtent = {SIZE, SIZE, 1}};
   const VkMemoryBarrier barrier = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
      .srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
      .dstAccessMask = VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
   };

   for (int32_t i = 0; i <= IMAGES; i++) {
      const int32_t left = i % 2 * SIZE / 2, top = i / 2 % 2 * SIZE / 2;
      const VkImageBlit blit = {
         .srcSubresource = layers,
         .srcOffsets = {{0, 0, 0}, {SIZE, SIZE, 1}},
         .dstSubresource = layers,
         .dstOffsets = {{left, top, 0}, {left + SIZE / 2, top + SIZE / 2, 1}},
      };
      const VkImageBlit across = {
         .srcSubresource = layers,
         .srcOffsets = {{20, 30, 0}, {90, 70, 1}},
         .dstSubresource = layers,
         .dstOffsets = {{SIZE - 30, 40, 0}, {30, SIZE - 40, 1}},
      };

      vkCmdBlitImage(commands, d->images[i % IMAGES], VK_IMAGE_LAYOUT_GENERAL, d->target,
                     VK_IMAGE_LAYOUT_GENERAL, 1, i < IMAGES ? &blit : &across, VK_FILTER_LINEAR);
      vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT,
                           VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 1, &barrier, 0, NULL, 0, NULL);
   }
   vkCmdCopyImageToBuffer(commands, d->target, VK_IMAGE_LAYOUT_GENERAL, d->pixels.buffer, 1, &copy);
}

/* All are offered; half of them at a time when they can be discarded. */
static void
offer_and_reclaim(struct drawing *d)
{
   for (uint32_t i = 0; i < IMAGES; i++) {
      mesa_offer(&d->o, d->memories[i], i % 3);
      if (i == IMAGES / 2)
         mesa_discard_offered(d->o.fd);
   }
   for (uint32_t i = 0; i < IMAGES; i++) {
      const VkMemoryReclaimResultMESAX result = mesa_reclaim(&d->o, d->memories[i]);

      igt_assert_eq(result, i <= IMAGES / 2 ? VK_MEMORY_RECLAIM_RESULT_DISCARDED_MESAX
                                            : VK_MEMORY_RECLAIM_RESULT_OK_MESAX);
      if (result == VK_MEMORY_RECLAIM_RESULT_DISCARDED_MESAX)
         fill(d, i);
   }
}

static void
draw(const struct mesa_picture *picture, uint32_t *pixels)
{
   struct drawing d = {};
   const struct mesa_vk *vk = &d.o.vk;

   if (mesa_is_reference())
      mesa_vk_open(&d.o.vk, NULL, 0, NULL);
   else
      mesa_offer_open(&d.o, NULL);
   for (uint32_t i = 0; i < IMAGES; i++) {
      d.images[i] = make_image(&d, VK_IMAGE_TILING_LINEAR, VK_IMAGE_USAGE_TRANSFER_SRC_BIT,
                               &d.memories[i]);
      fill(&d, i);
   }
   d.target = make_image(&d, VK_IMAGE_TILING_OPTIMAL,
                         VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT,
                         &d.target_memory);
   d.pixels.memory = mesa_vk_memory(vk, BYTES, NULL);
   d.pixels.buffer = mesa_vk_buffer(vk, BYTES, d.pixels.memory);

   for (uint32_t round = 0; round < 3; round++) {
      VkCommandBuffer commands;

      if (!mesa_is_reference())
         offer_and_reclaim(&d);
      commands = mesa_vk_begin(vk);
      record(&d, commands);
      mesa_vk_run(vk, commands);
   }
   memcpy(pixels, mesa_vk_map(vk, d.pixels.memory), BYTES);

   vkDestroyBuffer(vk->device, d.pixels.buffer, NULL);
   vkFreeMemory(vk->device, d.pixels.memory, NULL);
   vkDestroyImage(vk->device, d.target, NULL);
   vkFreeMemory(vk->device, d.target_memory, NULL);
   for (uint32_t i = 0; i < IMAGES; i++) {
      vkDestroyImage(vk->device, d.images[i], NULL);
      vkFreeMemory(vk->device, d.memories[i], NULL);
   }
   if (mesa_is_reference())
      mesa_vk_close(&d.o.vk);
   else
      mesa_offer_close(&d.o);
}

static const struct mesa_picture pictures[] = {
   {"discarded", SIZE, SIZE, draw, NULL},
};

igt_main
{
   mesa_serve_references(pictures, ARRAY_SIZE(pictures));

   igt_describe("Images whose memory was discarded and filled again make the same picture");
   igt_subtest("discarded")
      mesa_check_picture(&pictures[0]);
}
