/* SPDX-License-Identifier: MIT */
/* VK_MESAX_memory_offer: what offers, reclaims, trims and priorities do, and what is told of memory. */
#include "igt.h"
#include "igt_tide.h"
#include "mesa_test_offer.h"

IGT_TEST_DESCRIPTION("Vulkan device memory is offered, discarded and reclaimed");

#define COUNT 80 /* more than go to the kernel at a time */

/* A device of its own for each, so that nothing is left of another one. */
static void
with_device(void (*body)(const struct mesa_offer_vk *o))
{
   struct mesa_offer_vk o;

   mesa_offer_open(&o, NULL);
   body(&o);
   mesa_offer_close(&o);
}

static void
test_features(const struct mesa_offer_vk *o)
{
   VkPhysicalDeviceMemoryOfferFeaturesMESAX offer = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_OFFER_FEATURES_MESAX,
   };
   VkPhysicalDeviceFeatures2 features = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
      .pNext = &offer,
   };

   igt_assert(mesa_vk_has_extension(&o->vk, VK_MESAX_MEMORY_OFFER_EXTENSION_NAME));
   vkGetPhysicalDeviceFeatures2(o->vk.physical, &features);
   igt_assert(offer.memoryOffer);
   igt_assert(offer.memoryOfferDecommit);
}

static void
test_kept(const struct mesa_offer_vk *o)
{
   struct mesa_offer_buffer b = mesa_offer_buffer_create(o, 1);

   mesa_offer(o, b.memory, VK_MEMORY_OFFER_PRIORITY_LOW_MESAX);
   igt_assert_eq_u64(mesa_offer_discardable(o), MESA_OFFER_SIZE);
   igt_assert_eq(mesa_reclaim(o, b.memory), VK_MEMORY_RECLAIM_RESULT_OK_MESAX);
   igt_assert_eq_u64(mesa_offer_discardable(o), 0);
   mesa_offer_buffer_check(o, &b, 1);
   mesa_offer_buffer_destroy(o, &b);
}

static void
test_discarded(const struct mesa_offer_vk *o)
{
   struct mesa_offer_buffer b = mesa_offer_buffer_create(o, 1);

   mesa_offer(o, b.memory, VK_MEMORY_OFFER_PRIORITY_HIGH_MESAX);
   mesa_offer_discard(o, MESA_OFFER_SIZE);
   igt_assert_eq(mesa_reclaim(o, b.memory), VK_MEMORY_RECLAIM_RESULT_DISCARDED_MESAX);
   mesa_offer_buffer_check_zero(o, &b);
   /* told once; and the same memory goes on */
   igt_assert_eq(mesa_reclaim(o, b.memory), VK_MEMORY_RECLAIM_RESULT_OK_MESAX);
   mesa_offer_buffer_fill(o, &b, 2);
   mesa_offer(o, b.memory, VK_MEMORY_OFFER_PRIORITY_HIGH_MESAX);
   igt_assert_eq(mesa_reclaim(o, b.memory), VK_MEMORY_RECLAIM_RESULT_OK_MESAX);
   mesa_offer_buffer_check(o, &b, 2);
   mesa_offer_buffer_destroy(o, &b);
}

static void
test_not_offered(const struct mesa_offer_vk *o)
{
   struct mesa_offer_buffer b = mesa_offer_buffer_create(o, 1);

   igt_assert_eq(mesa_reclaim(o, b.memory), VK_MEMORY_RECLAIM_RESULT_OK_MESAX);
   mesa_offer_buffer_check(o, &b, 1);
   mesa_offer_buffer_destroy(o, &b);
}

/* Memory that is too small for an allocation of its own is never discarded. */
static void
test_small(const struct mesa_offer_vk *o)
{
   VkDeviceMemory memory = mesa_vk_memory(&o->vk, 256, NULL);

   memset(mesa_vk_map(&o->vk, memory), 0x5a, 256);
   vkUnmapMemory(o->vk.device, memory);
   mesa_offer(o, memory, VK_MEMORY_OFFER_PRIORITY_LOW_MESAX);
   mesa_discard_offered(o->fd);
   igt_assert_eq(mesa_reclaim(o, memory), VK_MEMORY_RECLAIM_RESULT_OK_MESAX);
   igt_assert_eq(((uint8_t *)mesa_vk_map(&o->vk, memory))[255], 0x5a);
   vkFreeMemory(o->vk.device, memory, NULL);
}

/* Lists longer than the driver hands on at once, with one entry twice and one not offered. */
static void
test_list(const struct mesa_offer_vk *o)
{
   struct mesa_offer_buffer b[COUNT];
   VkMemoryOfferMESAX offers[COUNT];
   VkDeviceMemory memories[COUNT + 1];
   VkMemoryReclaimResultMESAX results[COUNT + 1];
   const VkMemoryOfferInfoMESAX offer = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_OFFER_INFO_MESAX,
      .offerCount = COUNT - 1,
      .pOffers = offers,
   };
   const VkMemoryReclaimInfoMESAX reclaim = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_RECLAIM_INFO_MESAX,
      .memoryCount = COUNT + 1,
      .pMemories = memories,
   };

   for (uint32_t i = 0; i < COUNT; i++) {
      b[i] = mesa_offer_buffer_create(o, i);
      memories[i] = b[i].memory;
      offers[i].memory = b[i].memory;
      offers[i].priority = i % 3;
   }
   memories[COUNT] = memories[0];
   igt_assert_vk(o->offer(o->vk.device, &offer));
   mesa_offer_discard(o, (COUNT - 1ull) * MESA_OFFER_SIZE);
   igt_assert_vk(o->reclaim(o->vk.device, &reclaim, results));
   for (uint32_t i = 0; i <= COUNT; i++)
      igt_assert_eq(results[i], i < COUNT - 1 ? VK_MEMORY_RECLAIM_RESULT_DISCARDED_MESAX
                                              : VK_MEMORY_RECLAIM_RESULT_OK_MESAX);
   mesa_offer_buffer_check_zero(o, &b[0]);
   mesa_offer_buffer_check(o, &b[COUNT - 1], COUNT - 1);
   for (uint32_t i = 0; i < COUNT; i++)
      mesa_offer_buffer_destroy(o, &b[i]);
}

/* LOW goes before NORMAL before HIGH, whatever was offered first, also when that is said later. */
static void
test_priority(const struct mesa_offer_vk *o)
{
   static const VkMemoryOfferPriorityMESAX first[] = {
      VK_MEMORY_OFFER_PRIORITY_HIGH_MESAX,
      VK_MEMORY_OFFER_PRIORITY_NORMAL_MESAX,
      VK_MEMORY_OFFER_PRIORITY_HIGH_MESAX,
   };
   struct mesa_offer_buffer b[ARRAY_SIZE(first)];

   for (uint32_t i = 0; i < ARRAY_SIZE(b); i++) {
      b[i] = mesa_offer_buffer_create(o, i);
      mesa_offer(o, b[i].memory, first[i]);
   }
   mesa_offer(o, b[2].memory, VK_MEMORY_OFFER_PRIORITY_LOW_MESAX);
   /* HIGH, NORMAL, LOW: the last one goes first */
   for (uint32_t i = ARRAY_SIZE(b); i--;) {
      igt_assert_eq_u64(mesa_offer_discardable(o), (i + 1) * MESA_OFFER_SIZE);
      while (mesa_offer_discardable(o) > i * MESA_OFFER_SIZE)
         tide_shrink(o->fd, 1);
      igt_assert_eq(mesa_reclaim(o, b[i].memory), VK_MEMORY_RECLAIM_RESULT_DISCARDED_MESAX);
   }
   for (uint32_t i = 0; i < ARRAY_SIZE(b); i++)
      mesa_offer_buffer_destroy(o, &b[i]);
}

/* The semaphore gets its value, whether there is something to bring in or not. */
static void
test_semaphore(const struct mesa_offer_vk *o)
{
   struct mesa_offer_buffer b = mesa_offer_buffer_create(o, 1);
   VkSemaphore semaphore = mesa_timeline(o);
   VkMemoryReclaimInfoMESAX info = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_RECLAIM_INFO_MESAX,
      .memoryCount = 1,
      .pMemories = &b.memory,
      .semaphore = semaphore,
   };
   uint64_t value;

   for (info.value = 3; info.value < 12; info.value += 3) {
      VkMemoryReclaimResultMESAX result;

      if (info.value > 3)
         mesa_offer(o, b.memory, VK_MEMORY_OFFER_PRIORITY_LOW_MESAX);
      if (info.value > 6)
         mesa_offer_discard(o, MESA_OFFER_SIZE);
      igt_assert_vk(o->reclaim(o->vk.device, &info, &result));
      igt_assert_eq(result, info.value > 6 ? VK_MEMORY_RECLAIM_RESULT_DISCARDED_MESAX
                                           : VK_MEMORY_RECLAIM_RESULT_OK_MESAX);
      mesa_timeline_wait(o, semaphore, info.value);
      igt_assert_vk(vkGetSemaphoreCounterValue(o->vk.device, semaphore, &value));
      igt_assert_eq_u64(value, info.value);
   }
   vkDestroySemaphore(o->vk.device, semaphore, NULL);
   mesa_offer_buffer_destroy(o, &b);
}

/* Work of a queue can wait for the page-ins, and other work for that. */
static void
test_semaphore_queue(const struct mesa_offer_vk *o)
{
   struct mesa_offer_buffer src = mesa_offer_buffer_create(o, 1);
   struct mesa_offer_buffer dst = mesa_offer_buffer_create(o, 2);
   VkCommandBuffer copy = mesa_record_copy(o, &dst, &src);
   VkSemaphore semaphore = mesa_timeline(o);
   const VkMemoryReclaimInfoMESAX info = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_RECLAIM_INFO_MESAX,
      .memoryCount = 1,
      .pMemories = &src.memory,
      .semaphore = semaphore,
      .value = 7,
   };
   VkMemoryReclaimResultMESAX result;

   mesa_submit_after(o, copy, semaphore, 7);
   mesa_offer(o, src.memory, VK_MEMORY_OFFER_PRIORITY_LOW_MESAX);
   igt_assert_vk(o->reclaim(o->vk.device, &info, &result));
   igt_assert_eq(result, VK_MEMORY_RECLAIM_RESULT_OK_MESAX);
   igt_assert_vk(vkQueueWaitIdle(o->vk.queue));
   mesa_offer_buffer_check(o, &dst, 1);
   vkDestroySemaphore(o->vk.device, semaphore, NULL);
   mesa_offer_buffer_destroy(o, &src);
   mesa_offer_buffer_destroy(o, &dst);
}

/* What was freed is kept for reuse, and can be discarded; a trim frees it. */
static void
test_trim(const struct mesa_offer_vk *o)
{
   VkDeviceTrimInfoMESAX info = {.sType = VK_STRUCTURE_TYPE_DEVICE_TRIM_INFO_MESAX};
   struct mesa_offer_buffer b;
   uint64_t total;

   igt_assert_vk(o->trim(o->vk.device, &info));
   b = mesa_offer_buffer_create(o, 1);
   total = mesa_memory("drm-total-system");
   mesa_offer_buffer_destroy(o, &b);
   igt_assert_eq_u64(mesa_memory("drm-purgeable-system"), MESA_OFFER_SIZE);

   igt_assert_vk(o->trim(o->vk.device, &info));
   igt_assert_lte_u64(MESA_OFFER_SIZE, info.bytesBefore);
   igt_assert_eq_u64(info.bytesAfter, 0);
   igt_assert_lte_u64(mesa_memory("drm-total-system"), total - MESA_OFFER_SIZE);
   igt_assert_eq_u64(mesa_memory("drm-purgeable-system"), 0);

   igt_assert_vk(o->trim(o->vk.device, &info));
   igt_assert_eq_u64(info.bytesBefore, 0);
}

/* Freeing offered memory ends the offer, and the next one does not find it. */
static void
test_free(const struct mesa_offer_vk *o)
{
   for (uint32_t i = 0; i < 16; i++) {
      struct mesa_offer_buffer b = mesa_offer_buffer_create(o, i);

      mesa_offer(o, b.memory, VK_MEMORY_OFFER_PRIORITY_HIGH_MESAX);
      if (i % 2)
         mesa_discard_offered(o->fd);
      mesa_offer_buffer_destroy(o, &b);
      b = mesa_offer_buffer_create(o, i);
      igt_assert_eq(mesa_reclaim(o, b.memory), VK_MEMORY_RECLAIM_RESULT_OK_MESAX);
      mesa_offer_buffer_check(o, &b, i);
      mesa_offer_buffer_destroy(o, &b);
   }
}

static VkPhysicalDeviceMemoryBudgetPropertiesEXT
query_budget(const struct mesa_offer_vk *o, VkDeviceSize *size)
{
   VkPhysicalDeviceMemoryBudgetPropertiesEXT budget = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT,
   };
   VkPhysicalDeviceMemoryProperties2 properties = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2,
      .pNext = &budget,
   };

   vkGetPhysicalDeviceMemoryProperties2(o->vk.physical, &properties);
   igt_assert_eq_u32(properties.memoryProperties.memoryHeapCount, 1);
   *size = properties.memoryProperties.memoryHeaps[0].size;
   return budget;
}

/* VK_EXT_memory_budget tells the kernel's segment, and grows with memory that work uses. */
static void
test_budget(const struct mesa_offer_vk *o)
{
   const struct drm_tide_segment_info segment = tide_segment_info(o->fd, 0);
   VkPhysicalDeviceMemoryBudgetPropertiesEXT before, after;
   struct mesa_offer_buffer a, b;
   VkCommandBuffer copy;
   VkDeviceSize size;

   before = query_budget(o, &size);
   igt_assert_eq_u64(size, segment.size);
   igt_assert_lt_u64(0, before.heapBudget[0]);
   igt_assert_lte_u64(before.heapBudget[0], size);

   a = mesa_offer_buffer_create(o, 1);
   b = mesa_offer_buffer_create(o, 2);
   copy = mesa_record_copy(o, &a, &b);
   mesa_submit_after(o, copy, VK_NULL_HANDLE, 0);
   igt_assert_vk(vkQueueWaitIdle(o->vk.queue));
   after = query_budget(o, &size);
   igt_assert_lte_u64(before.heapUsage[0] + 2 * MESA_OFFER_SIZE, after.heapUsage[0]);
   mesa_offer_buffer_destroy(o, &a);
   mesa_offer_buffer_destroy(o, &b);
}

igt_main
{
   static const struct {
      const char *name;
      void (*body)(const struct mesa_offer_vk *o);
      const char *what;
   } tests[] = {
      {"features", test_features, "The extension and its features are told"},
      {"kept", test_kept, "Without pressure an offer is reclaimed as it was"},
      {"discarded", test_discarded, "Discarded memory says so once, is zeros, and goes on"},
      {"not-offered", test_not_offered, "Reclaiming what is not offered changes nothing"},
      {"small", test_small, "Memory without an allocation of its own can be offered"},
      {"list", test_list, "Long lists answer entry by entry"},
      {"priority", test_priority, "Priorities order the discards"},
      {"semaphore", test_semaphore, "A reclaim signals a timeline semaphore"},
      {"semaphore-queue", test_semaphore_queue, "Submitted work waits for a reclaim"},
      {"trim", test_trim, "A trim frees what the driver keeps, and tells how much"},
      {"free", test_free, "Offered memory can be freed"},
      {"budget", test_budget, "The budget is the kernel's"},
   };

   for (uint32_t i = 0; i < ARRAY_SIZE(tests); i++) {
      igt_describe(tests[i].what);
      igt_subtest(tests[i].name)
         with_device(tests[i].body);
   }
}
