/* SPDX-License-Identifier: MIT */
#ifndef MESA_TEST_VK_USE_H
#define MESA_TEST_VK_USE_H

#include "mesa_test_offer.h"

/* The ways in which commands can use memory: each copies one buffer's memory to another buffer. */

enum mesa_use {
   MESA_USE_COPY,       /* by a command that names it */
   MESA_USE_SECONDARY,  /* the same in a secondary command buffer */
   MESA_USE_DESCRIPTOR, /* by a shader and a descriptor set */
   MESA_USE_PUSH,       /* by a pushed descriptor */
   MESA_USE_IMAGE,      /* as an image, by a shader and a descriptor set */
   MESA_USE_ADDRESS,    /* by a shader that is given its address */
   MESA_USE_COUNT,
};

extern const char *const mesa_use_names[MESA_USE_COUNT];

struct mesa_use_commands {
   VkCommandBuffer commands; /* executable, or recording */
   VkCommandBuffer secondary;
   VkDescriptorSetLayout set_layout;
   VkPipelineLayout layout;
   VkPipeline pipeline;
   VkDescriptorPool pool;
   VkDescriptorSet set;
   VkImage image;
   VkImageView view;
   VkSampler sampler;
};

struct mesa_use_commands mesa_use_record(const struct mesa_offer_vk *o, enum mesa_use use,
                                         const struct mesa_offer_buffer *dst,
                                         const struct mesa_offer_buffer *src);
/* Ends it: only then it can be submitted. */
void mesa_use_end(struct mesa_use_commands *commands);
void mesa_use_destroy(const struct mesa_offer_vk *o, struct mesa_use_commands *commands);

#endif
