/* SPDX-License-Identifier: MIT */
#include "igt.h"
#include "igt_tide.h"
#include "mesa_test_vk_use.h"

#include "copy-0.h"
#include "copy-1.h"
#include "copy-2.h"

#define IMAGE_WIDTH 512u
#define GROUPS      (MESA_OFFER_SIZE / 4 / 256)

const char *const mesa_use_names[MESA_USE_COUNT] = {
   [MESA_USE_COPY] = "copy",       [MESA_USE_SECONDARY] = "secondary",
   [MESA_USE_DESCRIPTOR] = "descriptor", [MESA_USE_PUSH] = "push",
   [MESA_USE_IMAGE] = "image",     [MESA_USE_ADDRESS] = "address",
};

static const struct {
   const uint32_t *words;
   size_t size;
   VkDescriptorType source; /* COUNT: none */
} shaders[] = {
   {copy_0, sizeof(copy_0), VK_DESCRIPTOR_TYPE_STORAGE_BUFFER},
   {copy_1, sizeof(copy_1), VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER},
   {copy_2, sizeof(copy_2), VK_DESCRIPTOR_TYPE_MAX_ENUM},
};

static void
make_pipeline(const struct mesa_offer_vk *o, struct mesa_use_commands *c, uint32_t shader, bool push)
{
   const VkDescriptorSetLayoutBinding bindings[] = {
      {1, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, NULL},
      {0, shaders[shader].source, 1, VK_SHADER_STAGE_COMPUTE_BIT, NULL},
   };
   const VkDescriptorSetLayoutCreateInfo set_info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
      .flags = push ? VK_DESCRIPTOR_SET_LAYOUT_CREATE_PUSH_DESCRIPTOR_BIT_KHR : 0,
      .bindingCount = shaders[shader].source == VK_DESCRIPTOR_TYPE_MAX_ENUM ? 1 : 2,
      .pBindings = bindings,
   };
   const VkPushConstantRange range = {VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof(VkDeviceAddress)};
   const VkPipelineLayoutCreateInfo layout_info = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
      .setLayoutCount = 1,
      .pSetLayouts = &c->set_layout,
      .pushConstantRangeCount = 1,
      .pPushConstantRanges = &range,
   };
   const VkShaderModuleCreateInfo module_info = {
      .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
      .codeSize = shaders[shader].size,
      .pCode = shaders[shader].words,
   };
   VkComputePipelineCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
      .stage = {
         .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
         .stage = VK_SHADER_STAGE_COMPUTE_BIT,
         .pName = "main",
      },
   };
   VkDevice device = o->vk.device;

   igt_assert_vk(vkCreateDescriptorSetLayout(device, &set_info, NULL, &c->set_layout));
   igt_assert_vk(vkCreatePipelineLayout(device, &layout_info, NULL, &c->layout));
   igt_assert_vk(vkCreateShaderModule(device, &module_info, NULL, &info.stage.module));
   info.layout = c->layout;
   igt_assert_vk(vkCreateComputePipelines(device, VK_NULL_HANDLE, 1, &info, NULL, &c->pipeline));
   vkDestroyShaderModule(device, info.stage.module, NULL);
}

static void
make_set(const struct mesa_offer_vk *o, struct mesa_use_commands *c)
{
   const VkDescriptorPoolSize sizes[] = {
      {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 2},
      {VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER, 1},
   };
   const VkDescriptorPoolCreateInfo pool_info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
      .maxSets = 1,
      .poolSizeCount = ARRAY_SIZE(sizes),
      .pPoolSizes = sizes,
   };
   VkDescriptorSetAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
      .descriptorSetCount = 1,
      .pSetLayouts = &c->set_layout,
   };

   igt_assert_vk(vkCreateDescriptorPool(o->vk.device, &pool_info, NULL, &c->pool));
   info.descriptorPool = c->pool;
   igt_assert_vk(vkAllocateDescriptorSets(o->vk.device, &info, &c->set));
}

/* The memory as an image whose texels are the buffer's words. */
static void
make_image(const struct mesa_offer_vk *o, struct mesa_use_commands *c, VkDeviceMemory memory)
{
   const VkImageCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
      .imageType = VK_IMAGE_TYPE_2D,
      .format = VK_FORMAT_R32_UINT,
      .extent = {IMAGE_WIDTH, MESA_OFFER_SIZE / 4 / IMAGE_WIDTH, 1},
      .mipLevels = 1,
      .arrayLayers = 1,
      .samples = VK_SAMPLE_COUNT_1_BIT,
      .tiling = VK_IMAGE_TILING_LINEAR,
      .usage = VK_IMAGE_USAGE_SAMPLED_BIT,
      .initialLayout = VK_IMAGE_LAYOUT_PREINITIALIZED,
   };
   const VkImageSubresource subresource = {.aspectMask = VK_IMAGE_ASPECT_COLOR_BIT};
   VkImageViewCreateInfo view_info = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
      .viewType = VK_IMAGE_VIEW_TYPE_2D,
      .format = VK_FORMAT_R32_UINT,
      .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1},
   };
   const VkSamplerCreateInfo sampler_info = {
      .sType = VK_STRUCTURE_TYPE_SAMPLER_CREATE_INFO,
   };
   VkSubresourceLayout layout;

   igt_assert_vk(vkCreateImage(o->vk.device, &info, NULL, &c->image));
   vkGetImageSubresourceLayout(o->vk.device, c->image, &subresource, &layout);
   igt_assert_eq_u64(layout.rowPitch, 4 * IMAGE_WIDTH);
   igt_assert_vk(vkBindImageMemory(o->vk.device, c->image, memory, 0));
   view_info.image = c->image;
   igt_assert_vk(vkCreateImageView(o->vk.device, &view_info, NULL, &c->view));
   igt_assert_vk(vkCreateSampler(o->vk.device, &sampler_info, NULL, &c->sampler));
}

static void
record_shader(const struct mesa_offer_vk *o, struct mesa_use_commands *c, enum mesa_use use,
              const struct mesa_offer_buffer *dst, const struct mesa_offer_buffer *src)
{
   const uint32_t shader = use == MESA_USE_ADDRESS ? 2 : use == MESA_USE_IMAGE ? 1 : 0;
   const VkDescriptorBufferInfo dst_info = {dst->buffer, 0, VK_WHOLE_SIZE};
   const VkDescriptorBufferInfo src_info = {src->buffer, 0, VK_WHOLE_SIZE};
   VkDescriptorImageInfo image_info = {.imageLayout = VK_IMAGE_LAYOUT_GENERAL};
   VkWriteDescriptorSet writes[2] = {};

   make_pipeline(o, c, shader, use == MESA_USE_PUSH);
   vkCmdBindPipeline(c->commands, VK_PIPELINE_BIND_POINT_COMPUTE, c->pipeline);
   if (use == MESA_USE_IMAGE) {
      make_image(o, c, src->memory);
      image_info.imageView = c->view;
      image_info.sampler = c->sampler;
   }
   if (use != MESA_USE_PUSH)
      make_set(o, c);
   for (uint32_t i = 0; i < 2; i++)
      writes[i] = (VkWriteDescriptorSet) {
         .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
         .dstSet = c->set,
         .dstBinding = 1 - i,
         .descriptorCount = 1,
         .descriptorType = i ? shaders[shader].source : VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
         .pBufferInfo = i ? &src_info : &dst_info,
         .pImageInfo = &image_info,
      };

   const uint32_t count = use == MESA_USE_ADDRESS ? 1 : 2;

   if (use == MESA_USE_PUSH) {
      MESA_VK_LOAD(&o->vk, vkCmdPushDescriptorSetKHR)
      (c->commands, VK_PIPELINE_BIND_POINT_COMPUTE, c->layout, 0, count, writes);
   } else {
      vkUpdateDescriptorSets(o->vk.device, count, writes, 0, NULL);
      vkCmdBindDescriptorSets(c->commands, VK_PIPELINE_BIND_POINT_COMPUTE, c->layout, 0, 1,
                              &c->set, 0, NULL);
   }
   if (use == MESA_USE_ADDRESS) {
      const VkBufferDeviceAddressInfo info = {
         .sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO,
         .buffer = src->buffer,
      };
      const VkDeviceAddress address = vkGetBufferDeviceAddress(o->vk.device, &info);

      vkCmdPushConstants(c->commands, c->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof(address),
                         &address);
   }
   vkCmdDispatch(c->commands, GROUPS, 1, 1);
}

static void
record_secondary(const struct mesa_offer_vk *o, struct mesa_use_commands *c,
                 const struct mesa_offer_buffer *dst, const struct mesa_offer_buffer *src)
{
   const VkBufferCopy region = {.size = MESA_OFFER_SIZE};
   const VkCommandBufferAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
      .commandPool = o->vk.pool,
      .level = VK_COMMAND_BUFFER_LEVEL_SECONDARY,
      .commandBufferCount = 1,
   };
   const VkCommandBufferInheritanceInfo inheritance = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_INHERITANCE_INFO,
   };
   const VkCommandBufferBeginInfo begin = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
      .pInheritanceInfo = &inheritance,
   };

   igt_assert_vk(vkAllocateCommandBuffers(o->vk.device, &info, &c->secondary));
   igt_assert_vk(vkBeginCommandBuffer(c->secondary, &begin));
   vkCmdCopyBuffer(c->secondary, src->buffer, dst->buffer, 1, &region);
   igt_assert_vk(vkEndCommandBuffer(c->secondary));
   vkCmdExecuteCommands(c->commands, 1, &c->secondary);
}

struct mesa_use_commands
mesa_use_record(const struct mesa_offer_vk *o, enum mesa_use use,
                const struct mesa_offer_buffer *dst, const struct mesa_offer_buffer *src)
{
   const VkBufferCopy region = {.size = MESA_OFFER_SIZE};
   struct mesa_use_commands c = {.commands = mesa_vk_begin(&o->vk)};

   switch (use) {
   case MESA_USE_COPY:
      vkCmdCopyBuffer(c.commands, src->buffer, dst->buffer, 1, &region);
      break;
   case MESA_USE_SECONDARY:
      record_secondary(o, &c, dst, src);
      break;
   default:
      record_shader(o, &c, use, dst, src);
   }
   return c;
}

void
mesa_use_end(struct mesa_use_commands *c)
{
   igt_assert_vk(vkEndCommandBuffer(c->commands));
}

void
mesa_use_destroy(const struct mesa_offer_vk *o, struct mesa_use_commands *c)
{
   VkDevice device = o->vk.device;

   vkFreeCommandBuffers(device, o->vk.pool, 1, &c->commands);
   if (c->secondary)
      vkFreeCommandBuffers(device, o->vk.pool, 1, &c->secondary);
   vkDestroySampler(device, c->sampler, NULL);
   vkDestroyImageView(device, c->view, NULL);
   vkDestroyImage(device, c->image, NULL);
   vkDestroyDescriptorPool(device, c->pool, NULL);
   vkDestroyPipeline(device, c->pipeline, NULL);
   vkDestroyPipelineLayout(device, c->layout, NULL);
   vkDestroyDescriptorSetLayout(device, c->set_layout, NULL);
}
