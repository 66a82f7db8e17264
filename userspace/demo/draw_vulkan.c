/* SPDX-License-Identifier: MIT */

/* The painter that draws by Vulkan. Purgeable are textures whose memory is offered. */

#include "draw.h"

#include <stdlib.h>
#include <string.h>

#include "image-frag.h"
#include "image-vert.h"
#include "util.h"
#include "vulkan.h"

struct painter {
   const struct wall *wall;
   struct gpu gpu;
   struct gpu_image *images; /* of each image that has a texture, else without memory */
   struct gpu_image *unused; /* textures of images that went out of sight, for those that come in */
   int unused_count;
   char *renderer;

   VkSampler sampler;
   VkDescriptorSetLayout set_layout;
   VkPipelineLayout layout;
   VkPipeline pipeline;
   VkCommandPool pool;
   VkCommandBuffer commands;

   VkImage target;
   VkImageView target_view;
   VkBuffer frame; /* the target's content, for the CPU */
   VkDeviceMemory target_memory, frame_memory;
};

static VkShaderModule
make_shader(const struct painter *painter, const uint32_t *code, size_t size)
{
   const VkShaderModuleCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
      .codeSize = size,
      .pCode = code,
   };
   VkShaderModule module;

   check_vk(vkCreateShaderModule(painter->gpu.device, &info, NULL, &module), "making a shader");
   return module;
}

static void
make_layout(struct painter *painter)
{
   VkDevice device = painter->gpu.device;
   const VkSamplerCreateInfo sampler = {
      .sType = VK_STRUCTURE_TYPE_SAMPLER_CREATE_INFO,
      .magFilter = VK_FILTER_LINEAR,
      .minFilter = VK_FILTER_LINEAR,
      .addressModeU = VK_SAMPLER_ADDRESS_MODE_CLAMP_TO_EDGE,
      .addressModeV = VK_SAMPLER_ADDRESS_MODE_CLAMP_TO_EDGE,
   };
   const VkDescriptorSetLayoutBinding binding = {
      .descriptorType = VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER,
      .descriptorCount = 1,
      .stageFlags = VK_SHADER_STAGE_FRAGMENT_BIT,
   };
   const VkDescriptorSetLayoutCreateInfo set = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
      .flags = VK_DESCRIPTOR_SET_LAYOUT_CREATE_PUSH_DESCRIPTOR_BIT_KHR,
      .bindingCount = 1,
      .pBindings = &binding,
   };
   const VkPushConstantRange constants = {VK_SHADER_STAGE_VERTEX_BIT, 0, 4 * sizeof(float)};

   check_vk(vkCreateSampler(device, &sampler, NULL, &painter->sampler), "making a sampler");
   check_vk(vkCreateDescriptorSetLayout(device, &set, NULL, &painter->set_layout),
            "making a descriptor set's layout");
   const VkPipelineLayoutCreateInfo layout = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
      .setLayoutCount = 1,
      .pSetLayouts = &painter->set_layout,
      .pushConstantRangeCount = 1,
      .pPushConstantRanges = &constants,
   };
   check_vk(vkCreatePipelineLayout(device, &layout, NULL, &painter->layout),
            "making a pipeline's layout");
}

static void
make_pipeline(struct painter *painter)
{
   VkDevice device = painter->gpu.device;
   const float spread = 0.25f / TILE_SIZE;
   const VkSpecializationMapEntry entry = {.size = sizeof(spread)};
   const VkSpecializationInfo specialization = {1, &entry, sizeof(spread), &spread};
   const VkPipelineShaderStageCreateInfo stages[] = {
      {
         .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
         .stage = VK_SHADER_STAGE_VERTEX_BIT,
         .module = make_shader(painter, image_vert, sizeof(image_vert)),
         .pName = "main",
      },
      {
         .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
         .stage = VK_SHADER_STAGE_FRAGMENT_BIT,
         .module = make_shader(painter, image_frag, sizeof(image_frag)),
         .pName = "main",
         .pSpecializationInfo = &specialization,
      },
   };
   const VkPipelineVertexInputStateCreateInfo vertices = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_VERTEX_INPUT_STATE_CREATE_INFO,
   };
   const VkPipelineInputAssemblyStateCreateInfo assembly = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_INPUT_ASSEMBLY_STATE_CREATE_INFO,
      .topology = VK_PRIMITIVE_TOPOLOGY_TRIANGLE_STRIP,
   };
   const VkViewport area = {0, 0, FRAME_WIDTH, FRAME_HEIGHT, 0, 1};
   const VkRect2D scissor = {.extent = {FRAME_WIDTH, FRAME_HEIGHT}};
   const VkPipelineViewportStateCreateInfo viewport = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_VIEWPORT_STATE_CREATE_INFO,
      .viewportCount = 1,
      .pViewports = &area,
      .scissorCount = 1,
      .pScissors = &scissor,
   };
   const VkPipelineRasterizationStateCreateInfo rasterization = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_RASTERIZATION_STATE_CREATE_INFO,
      .lineWidth = 1,
   };
   const VkPipelineMultisampleStateCreateInfo multisample = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_MULTISAMPLE_STATE_CREATE_INFO,
      .rasterizationSamples = VK_SAMPLE_COUNT_1_BIT,
   };
   const VkPipelineColorBlendAttachmentState attachment = {.colorWriteMask = 0xf};
   const VkPipelineColorBlendStateCreateInfo blend = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_COLOR_BLEND_STATE_CREATE_INFO,
      .attachmentCount = 1,
      .pAttachments = &attachment,
   };
   const VkFormat format = VK_FORMAT_R8G8B8A8_UNORM;
   const VkPipelineRenderingCreateInfo rendering = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_RENDERING_CREATE_INFO,
      .colorAttachmentCount = 1,
      .pColorAttachmentFormats = &format,
   };
   const VkGraphicsPipelineCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_CREATE_INFO,
      .pNext = &rendering,
      .stageCount = ARRAY_SIZE(stages),
      .pStages = stages,
      .pVertexInputState = &vertices,
      .pInputAssemblyState = &assembly,
      .pViewportState = &viewport,
      .pRasterizationState = &rasterization,
      .pMultisampleState = &multisample,
      .pColorBlendState = &blend,
      .layout = painter->layout,
   };

   check_vk(vkCreateGraphicsPipelines(device, VK_NULL_HANDLE, 1, &info, NULL, &painter->pipeline),
            "making a pipeline");
   for (int i = 0; i < (int)ARRAY_SIZE(stages); i++)
      vkDestroyShaderModule(device, stages[i].module, NULL);
}

static void
make_target(struct painter *painter)
{
   VkDevice device = painter->gpu.device;
   const VkImageCreateInfo image = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
      .imageType = VK_IMAGE_TYPE_2D,
      .format = VK_FORMAT_R8G8B8A8_UNORM,
      .extent = {FRAME_WIDTH, FRAME_HEIGHT, 1},
      .mipLevels = 1,
      .arrayLayers = 1,
      .samples = VK_SAMPLE_COUNT_1_BIT,
      .usage = VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT | VK_IMAGE_USAGE_TRANSFER_SRC_BIT,
   };
   const VkBufferCreateInfo buffer = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
      .size = FRAME_BYTES,
      .usage = VK_BUFFER_USAGE_TRANSFER_DST_BIT,
   };
   VkMemoryRequirements needs;

   check_vk(vkCreateImage(device, &image, NULL, &painter->target), "making the target");
   vkGetImageMemoryRequirements(device, painter->target, &needs);
   painter->target_memory = gpu_allocate(&painter->gpu, &needs);
   check_vk(vkBindImageMemory(device, painter->target, painter->target_memory, 0), "binding");
   painter->target_view = gpu_view_create(&painter->gpu, painter->target);

   check_vk(vkCreateBuffer(device, &buffer, NULL, &painter->frame), "making a buffer");
   vkGetBufferMemoryRequirements(device, painter->frame, &needs);
   painter->frame_memory = gpu_allocate(&painter->gpu, &needs);
   check_vk(vkBindBufferMemory(device, painter->frame, painter->frame_memory, 0), "binding");
}

static void
make_commands(struct painter *painter)
{
   const VkCommandPoolCreateInfo pool = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
      .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
   };

   check_vk(vkCreateCommandPool(painter->gpu.device, &pool, NULL, &painter->pool),
            "making a command pool");
   const VkCommandBufferAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
      .commandPool = painter->pool,
      .commandBufferCount = 1,
   };
   check_vk(vkAllocateCommandBuffers(painter->gpu.device, &info, &painter->commands),
            "making a command buffer");
}

struct painter *
painter_create(const struct wall *wall, bool purgeable)
{
   (void)purgeable; /* any texture can be: there is one Vulkan only */

   struct painter *painter = allocate(sizeof(*painter));
   VkPhysicalDeviceProperties properties;

   painter->wall = wall;
   painter->images = allocate(wall->image_count * sizeof(*painter->images));
   painter->unused = allocate(wall->image_count * sizeof(*painter->unused));
   gpu_open(&painter->gpu);
   vkGetPhysicalDeviceProperties(painter->gpu.physical, &properties);
   painter->renderer = format("%s, Vulkan", properties.deviceName);
   make_layout(painter);
   make_pipeline(painter);
   make_target(painter);
   make_commands(painter);
   return painter;
}

void
painter_destroy(struct painter *painter)
{
   VkDevice device = painter->gpu.device;

   for (int i = 0; i < painter->wall->image_count; i++)
      gpu_image_destroy(&painter->gpu, &painter->images[i]);
   for (int i = 0; i < painter->unused_count; i++)
      gpu_image_destroy(&painter->gpu, &painter->unused[i]);
   vkDestroyCommandPool(device, painter->pool, NULL);
   vkDestroyBuffer(device, painter->frame, NULL);
   vkDestroyImageView(device, painter->target_view, NULL);
   vkDestroyImage(device, painter->target, NULL);
   vkFreeMemory(device, painter->frame_memory, NULL);
   vkFreeMemory(device, painter->target_memory, NULL);
   vkDestroyPipeline(device, painter->pipeline, NULL);
   vkDestroyPipelineLayout(device, painter->layout, NULL);
   vkDestroyDescriptorSetLayout(device, painter->set_layout, NULL);
   vkDestroySampler(device, painter->sampler, NULL);
   gpu_close(&painter->gpu);
   free(painter->images);
   free(painter->unused);
   free(painter->renderer);
   free(painter);
}

const char *
painter_renderer(const struct painter *painter)
{
   return painter->renderer;
}

void
painter_show(struct painter *painter, int image, const void *pixels)
{
   struct gpu_image *texture = &painter->images[image];
   void *map;

   if (!texture->memory && painter->unused_count)
      *texture = painter->unused[--painter->unused_count];
   else if (!texture->memory)
      gpu_image_create(&painter->gpu, IMAGE_SIZE, texture);

   /* Mapped no longer than needed: memory that is mapped cannot be discarded. */
   check_vk(vkMapMemory(painter->gpu.device, texture->memory, 0, VK_WHOLE_SIZE, 0, &map),
            "mapping a texture");
   memcpy(map, pixels, IMAGE_BYTES);
   vkUnmapMemory(painter->gpu.device, texture->memory);
}

void
painter_hide(struct painter *painter, int image)
{
   painter->unused[painter->unused_count++] = painter->images[image];
   painter->images[image] = (struct gpu_image){0};
}

void
painter_offer(struct painter *painter, int image)
{
   const VkMemoryOfferMESAX offer = {
      .memory = painter->images[image].memory,
      .priority = VK_MEMORY_OFFER_PRIORITY_NORMAL_MESAX,
   };
   const VkMemoryOfferInfoMESAX info = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_OFFER_INFO_MESAX,
      .offerCount = 1,
      .pOffers = &offer,
   };

   check_vk(painter->gpu.offer(painter->gpu.device, &info), "offering a texture");
}

enum painter_content
painter_reclaim(struct painter *painter, int image)
{
   const VkMemoryReclaimInfoMESAX info = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_RECLAIM_INFO_MESAX,
      .memoryCount = 1,
      .pMemories = &painter->images[image].memory,
   };
   VkMemoryReclaimResultMESAX result;

   if (!painter->images[image].memory)
      return PAINTER_NONE;
   check_vk(painter->gpu.reclaim(painter->gpu.device, &info, &result), "reclaiming a texture");
   return result == VK_MEMORY_RECLAIM_RESULT_OK_MESAX ? PAINTER_KEPT : PAINTER_LOST;
}

static void
clear(const struct painter *painter, int x, int y, int width, int height, const float color[4])
{
   const int left = x < 0 ? 0 : x, right = x + width > FRAME_WIDTH ? FRAME_WIDTH : x + width;
   VkClearAttachment attachment = {.aspectMask = VK_IMAGE_ASPECT_COLOR_BIT};
   const VkClearRect rect = {{{left, y}, {right - left, height}}, 0, 1};

   memcpy(attachment.clearValue.color.float32, color, 4 * sizeof(*color));
   if (left < right)
      vkCmdClearAttachments(painter->commands, 1, &attachment, 1, &rect);
}

static void
draw_image(const struct painter *painter, int x, int image)
{
   const int top = WALL_MARGIN + image % WALL_ROWS * TILE_SIZE;
   const float rectangle[] = {
      (painter->wall->image_x[image] - x) * 2.0f / FRAME_WIDTH - 1.0f,
      top * 2.0f / FRAME_HEIGHT - 1.0f,
      TILE_SIZE * 2.0f / FRAME_WIDTH,
      TILE_SIZE * 2.0f / FRAME_HEIGHT,
   };
   const VkDescriptorImageInfo info = {
      .sampler = painter->sampler,
      .imageView = painter->images[image].view,
      .imageLayout = VK_IMAGE_LAYOUT_GENERAL,
   };
   const VkWriteDescriptorSet write = {
      .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
      .descriptorCount = 1,
      .descriptorType = VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER,
      .pImageInfo = &info,
   };

   painter->gpu.push_descriptors(painter->commands, VK_PIPELINE_BIND_POINT_GRAPHICS,
                                  painter->layout, 0, 1, &write);
   vkCmdPushConstants(painter->commands, painter->layout, VK_SHADER_STAGE_VERTEX_BIT, 0,
                      sizeof(rectangle), rectangle);
   vkCmdDraw(painter->commands, 4, 1, 0, 0);
}

static void
record(const struct painter *painter, int x)
{
   static const float wall_color[] = {0.16f, 0.15f, 0.14f, 1.0f};
   static const float mat_color[] = {0.93f, 0.92f, 0.89f, 1.0f};
   const int border = 2;
   const struct wall *wall = painter->wall;
   const VkRenderingAttachmentInfo attachment = {
      .sType = VK_STRUCTURE_TYPE_RENDERING_ATTACHMENT_INFO,
      .imageView = painter->target_view,
      .imageLayout = VK_IMAGE_LAYOUT_GENERAL,
      .storeOp = VK_ATTACHMENT_STORE_OP_STORE,
      .loadOp = VK_ATTACHMENT_LOAD_OP_DONT_CARE,
   };
   const VkRenderingInfo rendering = {
      .sType = VK_STRUCTURE_TYPE_RENDERING_INFO,
      .renderArea = {.extent = {FRAME_WIDTH, FRAME_HEIGHT}},
      .layerCount = 1,
      .colorAttachmentCount = 1,
      .pColorAttachments = &attachment,
   };

   vkCmdBeginRendering(painter->commands, &rendering);
   clear(painter, 0, 0, FRAME_WIDTH, FRAME_HEIGHT, wall_color);
   for (int i = 0; i < wall->photograph_count; i++) {
      const struct photograph *photograph = &wall->photographs[i];
      clear(painter, photograph->x - x - border, WALL_MARGIN - border,
            photograph->columns * TILE_SIZE + 2 * border, WALL_ROWS * TILE_SIZE + 2 * border,
            mat_color);
   }
   vkCmdBindPipeline(painter->commands, VK_PIPELINE_BIND_POINT_GRAPHICS, painter->pipeline);
   int count, first = wall_visible(wall, x, &count);
   for (int i = first; i < first + count; i++)
      draw_image(painter, x, i);
   vkCmdEndRendering(painter->commands);

   const VkMemoryBarrier2 drawn = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER_2,
      .srcStageMask = VK_PIPELINE_STAGE_2_COLOR_ATTACHMENT_OUTPUT_BIT,
      .srcAccessMask = VK_ACCESS_2_COLOR_ATTACHMENT_WRITE_BIT,
      .dstStageMask = VK_PIPELINE_STAGE_2_COPY_BIT,
      .dstAccessMask = VK_ACCESS_2_TRANSFER_READ_BIT,
   };
   const VkDependencyInfo dependency = {
      .sType = VK_STRUCTURE_TYPE_DEPENDENCY_INFO,
      .memoryBarrierCount = 1,
      .pMemoryBarriers = &drawn,
   };
   const VkBufferImageCopy region = {
      .imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1},
      .imageExtent = {FRAME_WIDTH, FRAME_HEIGHT, 1},
   };
   vkCmdPipelineBarrier2(painter->commands, &dependency);
   vkCmdCopyImageToBuffer(painter->commands, painter->target, VK_IMAGE_LAYOUT_GENERAL,
                          painter->frame, 1, &region);
}

void
painter_draw(struct painter *painter, int x, uint8_t frame[FRAME_BYTES])
{
   const VkCommandBufferBeginInfo begin = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
      .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT,
   };
   const VkSubmitInfo submit = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
      .commandBufferCount = 1,
      .pCommandBuffers = &painter->commands,
   };
   VkDevice device = painter->gpu.device;
   void *pixels;

   check_vk(vkBeginCommandBuffer(painter->commands, &begin), "recording");
   record(painter, x);
   check_vk(vkEndCommandBuffer(painter->commands), "recording");
   check_vk(vkQueueSubmit(painter->gpu.queue, 1, &submit, VK_NULL_HANDLE), "drawing");
   check_vk(vkQueueWaitIdle(painter->gpu.queue), "drawing");
   check_vk(vkMapMemory(device, painter->frame_memory, 0, VK_WHOLE_SIZE, 0, &pixels), "reading");
   memcpy(frame, pixels, FRAME_BYTES);
   vkUnmapMemory(device, painter->frame_memory);
}
