/* SPDX-License-Identifier: MIT */

#include "vk_descriptor_update_template.h"

#include "lvp_private.h"

/*
 * What memory the commands of a command buffer use. The list of commands has to
 * be that of lvp_add_enqueue_cmd_entrypoints(), less those that use no memory,
 * and those that take device addresses: addressable memory is used by all work.
 */

struct use_walk {
   struct lvp_memory_tracker *tracker;
   lvp_memory_func func;
   void *data;
   /* what was found last */
   struct lvp_device_memory *mem;
};

static void
use_address(struct use_walk *walk, const void *address)
{
   struct lvp_device_memory *mem = lvp_memory_tracker_find(walk->tracker, address);

   if (mem && mem != walk->mem) {
      walk->mem = mem;
      walk->func(mem, walk->data);
   }
}

static void
use_buffer(struct use_walk *walk, VkBuffer _buffer)
{
   LVP_FROM_HANDLE(lvp_buffer, buffer, _buffer);

   if (buffer)
      use_address(walk, buffer->map);
}

static void
use_buffers(struct use_walk *walk, uint32_t count, const VkBuffer *buffers)
{
   for (uint32_t i = 0; i < count && buffers; i++)
      use_buffer(walk, buffers[i]);
}

static void
use_lvp_image(struct use_walk *walk, const struct lvp_image *image)
{
   for (unsigned i = 0; i < image->plane_count; i++) {
      const struct llvmpipe_memory_allocation *alloc = (void *)image->planes[i].pmem;

      if (alloc)
         use_address(walk, alloc->cpu_addr);
   }
}

static void
use_image(struct use_walk *walk, VkImage _image)
{
   LVP_FROM_HANDLE(lvp_image, image, _image);

   if (image)
      use_lvp_image(walk, image);
}

static void
use_image_view(struct use_walk *walk, VkImageView _view)
{
   LVP_FROM_HANDLE(lvp_image_view, view, _view);

   if (view)
      use_lvp_image(walk, view->image);
}

static void
use_buffer_view(struct use_walk *walk, VkBufferView _view)
{
   LVP_FROM_HANDLE(lvp_buffer_view, view, _view);

   if (view)
      use_address(walk, ((struct lvp_buffer *)view->vk.buffer)->map);
}

/* Each kind of descriptor begins with the address of what it describes. */
static void
use_descriptor_set(struct use_walk *walk, VkDescriptorSet _set)
{
   LVP_FROM_HANDLE(lvp_descriptor_set, set, _set);

   STATIC_ASSERT(offsetof(struct lp_descriptor, texture.base) == 0);
   STATIC_ASSERT(offsetof(struct lp_descriptor, image.base) == 0);
   STATIC_ASSERT(offsetof(struct lp_descriptor, buffer.u) == 0);

   if (!set)
      return;
   for (uint32_t i = 0; i < set->layout->size; i++) {
      const struct lp_descriptor *desc = (const struct lp_descriptor *)set->map + i;

      if (desc->buffer.u)
         use_address(walk, desc->buffer.u);
   }
}

/* A descriptor as the application gives it. Acceleration structures are
 * addressable memory. */
static void
use_descriptor(struct use_walk *walk, VkDescriptorType type, const void *info)
{
   switch (type) {
   case VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER:
   case VK_DESCRIPTOR_TYPE_SAMPLED_IMAGE:
   case VK_DESCRIPTOR_TYPE_STORAGE_IMAGE:
   case VK_DESCRIPTOR_TYPE_INPUT_ATTACHMENT:
      use_image_view(walk, ((const VkDescriptorImageInfo *)info)->imageView);
      break;
   case VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER:
   case VK_DESCRIPTOR_TYPE_STORAGE_TEXEL_BUFFER:
      use_buffer_view(walk, *(const VkBufferView *)info);
      break;
   case VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER:
   case VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER_DYNAMIC:
   case VK_DESCRIPTOR_TYPE_STORAGE_BUFFER:
   case VK_DESCRIPTOR_TYPE_STORAGE_BUFFER_DYNAMIC:
      use_buffer(walk, ((const VkDescriptorBufferInfo *)info)->buffer);
      break;
   default:
      break;
   }
}

static void
use_descriptor_write(struct use_walk *walk, const VkWriteDescriptorSet *write)
{
   for (uint32_t i = 0; i < write->descriptorCount; i++) {
      switch (write->descriptorType) {
      case VK_DESCRIPTOR_TYPE_INLINE_UNIFORM_BLOCK:
      case VK_DESCRIPTOR_TYPE_ACCELERATION_STRUCTURE_KHR:
         return;
      case VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER:
      case VK_DESCRIPTOR_TYPE_STORAGE_TEXEL_BUFFER:
         use_descriptor(walk, write->descriptorType, &write->pTexelBufferView[i]);
         break;
      case VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER:
      case VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER_DYNAMIC:
      case VK_DESCRIPTOR_TYPE_STORAGE_BUFFER:
      case VK_DESCRIPTOR_TYPE_STORAGE_BUFFER_DYNAMIC:
         use_descriptor(walk, write->descriptorType, &write->pBufferInfo[i]);
         break;
      default:
         use_descriptor(walk, write->descriptorType, &write->pImageInfo[i]);
         break;
      }
   }
}

static void
use_descriptor_template(struct use_walk *walk, const VkPushDescriptorSetWithTemplateInfo *info)
{
   LVP_FROM_HANDLE(vk_descriptor_update_template, templ, info->descriptorUpdateTemplate);

   for (uint32_t i = 0; i < templ->entry_count; i++) {
      const struct vk_descriptor_template_entry *entry = &templ->entries[i];

      for (uint32_t j = 0; j < entry->array_count; j++)
         use_descriptor(walk, entry->type,
                        (const char *)info->pData + entry->offset + j * entry->stride);
   }
}

static void
use_attachment(struct use_walk *walk, const VkRenderingAttachmentInfo *attachment)
{
   if (attachment) {
      use_image_view(walk, attachment->imageView);
      use_image_view(walk, attachment->resolveImageView);
   }
}

static void
use_rendering(struct use_walk *walk, const VkRenderingInfo *info)
{
   for (uint32_t i = 0; i < info->colorAttachmentCount; i++)
      use_attachment(walk, &info->pColorAttachments[i]);
   use_attachment(walk, info->pDepthAttachment);
   use_attachment(walk, info->pStencilAttachment);
}

static void
use_commands(struct use_walk *walk, const struct lvp_cmd_buffer *cmd_buffer);

static void
use_command(struct use_walk *walk, const struct vk_cmd_queue_entry *cmd)
{
   switch (cmd->type) {
   case VK_CMD_BIND_DESCRIPTOR_SETS2: {
      const VkBindDescriptorSetsInfo *info =
         cmd->u.bind_descriptor_sets2.bind_descriptor_sets_info;
      for (uint32_t i = 0; i < info->descriptorSetCount; i++)
         use_descriptor_set(walk, info->pDescriptorSets[i]);
      break;
   }
   case VK_CMD_PUSH_DESCRIPTOR_SET2: {
      const VkPushDescriptorSetInfo *info = cmd->u.push_descriptor_set2.push_descriptor_set_info;
      for (uint32_t i = 0; i < info->descriptorWriteCount; i++)
         use_descriptor_write(walk, &info->pDescriptorWrites[i]);
      break;
   }
   case VK_CMD_PUSH_DESCRIPTOR_SET_WITH_TEMPLATE2:
      use_descriptor_template(walk, cmd->u.push_descriptor_set_with_template2
                                       .push_descriptor_set_with_template_info);
      break;
   case VK_CMD_BIND_INDEX_BUFFER:
      use_buffer(walk, cmd->u.bind_index_buffer.buffer);
      break;
   case VK_CMD_BIND_INDEX_BUFFER2:
      use_buffer(walk, cmd->u.bind_index_buffer2.buffer);
      break;
   case VK_CMD_BIND_VERTEX_BUFFERS2:
      use_buffers(walk, cmd->u.bind_vertex_buffers2.binding_count,
                  cmd->u.bind_vertex_buffers2.buffers);
      break;
   case VK_CMD_BIND_TRANSFORM_FEEDBACK_BUFFERS_EXT:
      use_buffers(walk, cmd->u.bind_transform_feedback_buffers_ext.binding_count,
                  cmd->u.bind_transform_feedback_buffers_ext.buffers);
      break;
   case VK_CMD_BEGIN_TRANSFORM_FEEDBACK_EXT:
      use_buffers(walk, cmd->u.begin_transform_feedback_ext.counter_buffer_count,
                  cmd->u.begin_transform_feedback_ext.counter_buffers);
      break;
   case VK_CMD_END_TRANSFORM_FEEDBACK_EXT:
      use_buffers(walk, cmd->u.end_transform_feedback_ext.counter_buffer_count,
                  cmd->u.end_transform_feedback_ext.counter_buffers);
      break;
   case VK_CMD_BEGIN_CONDITIONAL_RENDERING_EXT:
      use_buffer(walk, cmd->u.begin_conditional_rendering_ext.conditional_rendering_begin->buffer);
      break;
   case VK_CMD_BEGIN_RENDERING:
      use_rendering(walk, cmd->u.begin_rendering.rendering_info);
      break;
   case VK_CMD_DRAW_INDIRECT:
      use_buffer(walk, cmd->u.draw_indirect.buffer);
      break;
   case VK_CMD_DRAW_INDEXED_INDIRECT:
      use_buffer(walk, cmd->u.draw_indexed_indirect.buffer);
      break;
   case VK_CMD_DRAW_INDIRECT_COUNT:
      use_buffer(walk, cmd->u.draw_indirect_count.buffer);
      use_buffer(walk, cmd->u.draw_indirect_count.count_buffer);
      break;
   case VK_CMD_DRAW_INDEXED_INDIRECT_COUNT:
      use_buffer(walk, cmd->u.draw_indexed_indirect_count.buffer);
      use_buffer(walk, cmd->u.draw_indexed_indirect_count.count_buffer);
      break;
   case VK_CMD_DRAW_INDIRECT_BYTE_COUNT_EXT:
      use_buffer(walk, cmd->u.draw_indirect_byte_count_ext.counter_buffer);
      break;
   case VK_CMD_DRAW_MESH_TASKS_INDIRECT_EXT:
      use_buffer(walk, cmd->u.draw_mesh_tasks_indirect_ext.buffer);
      break;
   case VK_CMD_DRAW_MESH_TASKS_INDIRECT_COUNT_EXT:
      use_buffer(walk, cmd->u.draw_mesh_tasks_indirect_count_ext.buffer);
      use_buffer(walk, cmd->u.draw_mesh_tasks_indirect_count_ext.count_buffer);
      break;
   case VK_CMD_DISPATCH_INDIRECT:
      use_buffer(walk, cmd->u.dispatch_indirect.buffer);
      break;
   case VK_CMD_COPY_BUFFER2:
      use_buffer(walk, cmd->u.copy_buffer2.copy_buffer_info->srcBuffer);
      use_buffer(walk, cmd->u.copy_buffer2.copy_buffer_info->dstBuffer);
      break;
   case VK_CMD_COPY_IMAGE2:
      use_image(walk, cmd->u.copy_image2.copy_image_info->srcImage);
      use_image(walk, cmd->u.copy_image2.copy_image_info->dstImage);
      break;
   case VK_CMD_BLIT_IMAGE2:
      use_image(walk, cmd->u.blit_image2.blit_image_info->srcImage);
      use_image(walk, cmd->u.blit_image2.blit_image_info->dstImage);
      break;
   case VK_CMD_RESOLVE_IMAGE2:
      use_image(walk, cmd->u.resolve_image2.resolve_image_info->srcImage);
      use_image(walk, cmd->u.resolve_image2.resolve_image_info->dstImage);
      break;
   case VK_CMD_COPY_BUFFER_TO_IMAGE2:
      use_buffer(walk, cmd->u.copy_buffer_to_image2.copy_buffer_to_image_info->srcBuffer);
      use_image(walk, cmd->u.copy_buffer_to_image2.copy_buffer_to_image_info->dstImage);
      break;
   case VK_CMD_COPY_IMAGE_TO_BUFFER2:
      use_image(walk, cmd->u.copy_image_to_buffer2.copy_image_to_buffer_info->srcImage);
      use_buffer(walk, cmd->u.copy_image_to_buffer2.copy_image_to_buffer_info->dstBuffer);
      break;
   case VK_CMD_UPDATE_BUFFER:
      use_buffer(walk, cmd->u.update_buffer.dst_buffer);
      break;
   case VK_CMD_FILL_BUFFER:
      use_buffer(walk, cmd->u.fill_buffer.dst_buffer);
      break;
   case VK_CMD_CLEAR_COLOR_IMAGE:
      use_image(walk, cmd->u.clear_color_image.image);
      break;
   case VK_CMD_CLEAR_DEPTH_STENCIL_IMAGE:
      use_image(walk, cmd->u.clear_depth_stencil_image.image);
      break;
   case VK_CMD_COPY_QUERY_POOL_RESULTS:
      use_buffer(walk, cmd->u.copy_query_pool_results.dst_buffer);
      break;
   case VK_CMD_EXECUTE_COMMANDS:
      for (uint32_t i = 0; i < cmd->u.execute_commands.command_buffer_count; i++)
         use_commands(walk, lvp_cmd_buffer_from_handle(cmd->u.execute_commands.command_buffers[i]));
      break;
   default:
      break;
   }
}

static void
use_commands(struct use_walk *walk, const struct lvp_cmd_buffer *cmd_buffer)
{
   list_for_each_entry(struct vk_cmd_queue_entry, cmd, &cmd_buffer->vk.cmd_queue.cmds, cmd_link)
      use_command(walk, cmd);
}

void
lvp_cmd_buffer_foreach_memory(struct lvp_cmd_buffer *cmd_buffer, lvp_memory_func func, void *data)
{
   struct use_walk walk = {
      .tracker = &cmd_buffer->device->tracker,
      .func = func,
      .data = data,
   };

   use_commands(&walk, cmd_buffer);
}
