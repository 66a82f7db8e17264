/* SPDX-License-Identifier: MIT */
/* Vulkan memory that is bound sparsely, exported and imported. */
#include "igt.h"
#include "igt_tide.h"
#include "mesa_test_vk_use.h"

IGT_TEST_DESCRIPTION("Sparse binding, dma-bufs and opaque file descriptors");

#define LOW VK_MEMORY_OFFER_PRIORITY_LOW_MESAX
#define OK VK_MEMORY_RECLAIM_RESULT_OK_MESAX
#define DISCARDED VK_MEMORY_RECLAIM_RESULT_DISCARDED_MESAX
#define HALF (MESA_OFFER_SIZE / 2)

static const char *const extensions[] = {
   VK_KHR_EXTERNAL_MEMORY_FD_EXTENSION_NAME,
   VK_EXT_EXTERNAL_MEMORY_DMA_BUF_EXTENSION_NAME,
};

static void
bind_sparse(const struct mesa_offer_vk *o, VkBuffer buffer, VkDeviceSize resource_offset,
            VkDeviceMemory memory, VkDeviceSize memory_offset, VkDeviceSize size)
{
   const VkSparseMemoryBind bind = {
      .resourceOffset = resource_offset,
      .size = size,
      .memory = memory,
      .memoryOffset = memory_offset,
   };
   const VkSparseBufferMemoryBindInfo buffer_bind = {buffer, 1, &bind};
   const VkBindSparseInfo info = {
      .sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO,
      .bufferBindCount = 1,
      .pBufferBinds = &buffer_bind,
   };

   igt_assert_vk(vkQueueBindSparse(o->vk.queue, 1, &info, VK_NULL_HANDLE));
}

/* The halves of one memory, the other way round, are the content of a sparse buffer. */
static void
test_sparse(bool discard)
{
   VkPhysicalDeviceFeatures2 features = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
      .features = {.sparseBinding = VK_TRUE, .sparseResidencyBuffer = VK_TRUE},
   };
   const VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
      .flags = VK_BUFFER_CREATE_SPARSE_BINDING_BIT | VK_BUFFER_CREATE_SPARSE_RESIDENCY_BIT,
      .size = MESA_OFFER_SIZE,
      .usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT,
   };
   struct mesa_offer_buffer src, dst, sparse = {};
   const uint32_t *is, *should;
   struct mesa_offer_vk o;
   VkCommandBuffer copy;

   mesa_offer_open(&o, &features);
   src = mesa_offer_buffer_create(&o, 1);
   dst = mesa_offer_buffer_create(&o, 2);
   igt_assert_vk(vkCreateBuffer(o.vk.device, &info, NULL, &sparse.buffer));
   bind_sparse(&o, sparse.buffer, 0, src.memory, HALF, HALF);
   bind_sparse(&o, sparse.buffer, HALF, src.memory, 0, HALF);
   copy = mesa_record_copy(&o, &dst, &sparse);

   if (discard) {
      mesa_submit_after(&o, copy, VK_NULL_HANDLE, 0);
      igt_assert_vk(vkQueueWaitIdle(o.vk.queue));
      mesa_offer(&o, src.memory, LOW);
      mesa_offer_discard(&o, MESA_OFFER_SIZE);
      igt_assert_eq(mesa_reclaim(&o, src.memory), DISCARDED);
      mesa_offer_buffer_fill(&o, &src, 7);
   } else {
      /* the recorded copy holds it back, though it names the sparse buffer only */
      mesa_offer(&o, src.memory, LOW);
      mesa_offer_check_held(&o);
   }
   mesa_submit_after(&o, copy, VK_NULL_HANDLE, 0);
   igt_assert_vk(vkQueueWaitIdle(o.vk.queue));
   igt_assert_eq(mesa_reclaim(&o, src.memory), OK);

   is = mesa_vk_map(&o.vk, dst.memory);
   should = mesa_vk_map(&o.vk, src.memory);
   igt_assert(!memcmp(is, (const char *)should + HALF, HALF));
   igt_assert(!memcmp((const char *)is + HALF, should, HALF));
   vkUnmapMemory(o.vk.device, dst.memory);
   vkUnmapMemory(o.vk.device, src.memory);

   vkDestroyBuffer(o.vk.device, sparse.buffer, NULL);
   mesa_offer_buffer_destroy(&o, &src);
   mesa_offer_buffer_destroy(&o, &dst);
   mesa_offer_close(&o);
}

/* A sparse buffer in use while its memory, offered, is discarded: zeros, no signal. */
static void
test_sparse_misuse(void)
{
   VkPhysicalDeviceFeatures2 features = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
      .features = {.sparseBinding = VK_TRUE},
   };
   const VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
      .flags = VK_BUFFER_CREATE_SPARSE_BINDING_BIT,
      .size = MESA_OFFER_SIZE,
      .usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT,
   };
   struct mesa_offer_buffer src, dst, sparse = {};
   struct mesa_offer_vk o;
   VkCommandBuffer copy;

   mesa_offer_open(&o, &features);
   src = mesa_offer_buffer_create(&o, 1);
   dst = mesa_offer_buffer_create(&o, 2);
   igt_assert_vk(vkCreateBuffer(o.vk.device, &info, NULL, &sparse.buffer));
   bind_sparse(&o, sparse.buffer, 0, src.memory, 0, MESA_OFFER_SIZE);
   igt_assert_vk(vkQueueWaitIdle(o.vk.queue));
   mesa_offer(&o, src.memory, LOW);
   mesa_offer_discard(&o, MESA_OFFER_SIZE);
   copy = mesa_record_copy(&o, &dst, &sparse);
   mesa_submit_after(&o, copy, VK_NULL_HANDLE, 0);
   igt_assert_vk(vkQueueWaitIdle(o.vk.queue));
   mesa_offer_buffer_check_zero(&o, &dst);
   igt_assert_eq(mesa_reclaim(&o, src.memory), DISCARDED);
   vkDestroyBuffer(o.vk.device, sparse.buffer, NULL);
   mesa_offer_buffer_destroy(&o, &src);
   mesa_offer_buffer_destroy(&o, &dst);
   mesa_offer_close(&o);
}

struct shared {
   struct mesa_vk vk;
   VkDeviceMemory memory;
   VkBuffer buffer;
};

static void
shared_make(struct shared *s, VkExternalMemoryHandleTypeFlags type, const void *memory_next)
{
   const VkExternalMemoryBufferCreateInfo external = {
      .sType = VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO,
      .handleTypes = type,
   };
   const VkBufferCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
      .pNext = &external,
      .size = MESA_OFFER_SIZE,
      .usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT,
   };

   mesa_vk_open(&s->vk, extensions, ARRAY_SIZE(extensions), NULL);
   s->memory = mesa_vk_memory(&s->vk, MESA_OFFER_SIZE, memory_next);
   igt_assert_vk(vkCreateBuffer(s->vk.device, &info, NULL, &s->buffer));
   igt_assert_vk(vkBindBufferMemory(s->vk.device, s->buffer, s->memory, 0));
}

static void
shared_end(struct shared *s)
{
   vkDestroyBuffer(s->vk.device, s->buffer, NULL);
   vkFreeMemory(s->vk.device, s->memory, NULL);
   mesa_vk_close(&s->vk);
}

static void
fill(const struct shared *s, uint32_t word)
{
   VkCommandBuffer commands = mesa_vk_begin(&s->vk);

   vkCmdFillBuffer(commands, s->buffer, 0, VK_WHOLE_SIZE, word);
   mesa_vk_run(&s->vk, commands);
}

static void
check_filled(const struct shared *s, uint32_t word)
{
   const uint32_t *map = mesa_vk_map(&s->vk, s->memory);

   for (uint32_t i = 0; i < MESA_OFFER_SIZE / 4; i++)
      igt_assert_eq_u32(map[i], word);
   vkUnmapMemory(s->vk.device, s->memory);
}

/* What one device writes, another one, with an instance of its own, reads, and the other way. */
static void
test_share(VkExternalMemoryHandleTypeFlagBits type)
{
   const VkExportMemoryAllocateInfo export = {
      .sType = VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO,
      .handleTypes = type,
   };
   VkImportMemoryFdInfoKHR import = {
      .sType = VK_STRUCTURE_TYPE_IMPORT_MEMORY_FD_INFO_KHR,
      .handleType = type,
   };
   VkMemoryGetFdInfoKHR get = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_GET_FD_INFO_KHR,
      .handleType = type,
   };
   struct shared a, b;
   int render = tide_open_render();
   uint32_t handle;

   shared_make(&a, type, &export);
   fill(&a, 0x11223344);
   get.memory = a.memory;
   igt_assert_vk(MESA_VK_LOAD(&a.vk, vkGetMemoryFdKHR)(a.vk.device, &get, &import.fd));
   /* it is tide's memory */
   igt_assert_eq(__tide_prime_import(render, import.fd, &handle), 0);
   igt_assert(tide_bo_flags(render, handle) & DRM_TIDE_BO_EXPORTED);

   shared_make(&b, type, &import);
   check_filled(&b, 0x11223344);
   fill(&b, 0x55667788);
   check_filled(&a, 0x55667788);
   shared_end(&a);
   fill(&b, 0x99aabbcc);
   check_filled(&b, 0x99aabbcc);
   shared_end(&b);
   close(render);
}

/* Memory that others have is never discarded, though it was offered. */
static void
test_share_offered(void)
{
   const VkExportMemoryAllocateInfo export = {
      .sType = VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO,
      .handleTypes = VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT,
   };
   struct mesa_offer_vk o;
   VkDeviceMemory memory;
   uint8_t *map;

   mesa_offer_open(&o, NULL);
   memory = mesa_vk_memory(&o.vk, MESA_OFFER_SIZE, &export);
   map = mesa_vk_map(&o.vk, memory);
   memset(map, 0x5a, MESA_OFFER_SIZE);
   vkUnmapMemory(o.vk.device, memory);
   mesa_offer(&o, memory, LOW);
   tide_shrink(o.fd, MESA_OFFER_SIZE / TIDE_PAGE);
   igt_assert_eq(mesa_reclaim(&o, memory), OK);
   map = mesa_vk_map(&o.vk, memory);
   for (uint32_t i = 0; i < MESA_OFFER_SIZE; i++)
      igt_assert_eq(map[i], 0x5a);
   vkFreeMemory(o.vk.device, memory, NULL);
   mesa_offer_close(&o);
}

igt_main
{
   igt_describe("Memory of a sparse buffer is used by what uses the buffer");
   igt_subtest("sparse")
      test_sparse(false);
   igt_describe("Discarded memory stays bound, and is filled again");
   igt_subtest("sparse-discarded")
      test_sparse(true);
   igt_describe("Offered memory of a sparse buffer in use is zeros, not a signal");
   igt_subtest("sparse-misuse")
      test_sparse_misuse();
   igt_describe("Devices share memory by dma-buf");
   igt_subtest("dma-buf")
      test_share(VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT);
   igt_describe("Devices share memory by an opaque file descriptor");
   igt_subtest("opaque-fd")
      test_share(VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT);
   igt_describe("Shared memory is not discarded");
   igt_subtest("dma-buf-offered")
      test_share_offered();
}
