/* SPDX-License-Identifier: MIT */
/* Mesa within its budget: what it is told, what it does, and what it tells the application. */
#include "igt.h"
#include "igt_tide.h"
#include "mesa_test_gl.h"
#include "mesa_test_offer.h"

#include <sys/wait.h>

IGT_TEST_DESCRIPTION("Budgets, trim events, and memory that cannot be committed again");

#define SEGMENT_MIB 64u
#define LARGE       TIDE_MIB(40)
#define LOSE        TIDE_MIB(32)
#define SLACK       TIDE_MIB(8)

/*
 * Trim events
 */

/* Another client, that wants more than its half. */
struct other {
   int fd;
   struct tide_queue queue;
};

static struct other
other_open(void)
{
   struct other other = {.fd = tide_open_render()};

   other.queue = tide_queue_create(other.fd);
   tide_make_resident_one(other.fd, &other.queue, tide_bo_create(other.fd, LARGE));
   return other;
}

/* Mesa keeps something, and uses more than it may: by itself it gives back both. */
static void
check_trimmed(void)
{
   const int64_t end = tide_deadline(TIDE_LIVENESS_S * NSEC_PER_SEC);
   const int node = mesa_node(-1);
   const uint64_t total = mesa_memory("drm-total-system");
   const uint64_t kept = mesa_memory("drm-purgeable-system");
   struct drm_tide_budget budget = tide_budget(node, 0);
   struct other other;

   igt_assert_lt_u64(0, kept);
   igt_assert_lte_u64(TIDE_MIB(SEGMENT_MIB / 2) + 1, budget.usage);
   igt_assert_lte_u64(budget.usage, budget.budget);

   other = other_open();
   do {
      igt_assert_f(tide_deadline(0) < end, "not trimmed: usage %" PRIu64 ", budget %" PRIu64 "\n",
                   (uint64_t)budget.usage, (uint64_t)budget.budget);
      usleep(1000);
      budget = tide_budget(node, 0);
   } while (budget.usage > budget.budget || tide_fdinfo(node, "drm-purgeable-system"));
   igt_assert_eq_u64(tide_fdinfo(node, "drm-total-system"), total - kept);
   close(other.fd);
}

static void
trim_vulkan(void)
{
   struct mesa_offer_vk o;
   struct mesa_offer_buffer kept;
   VkDeviceMemory memory;
   VkCommandBuffer commands;
   VkBuffer buffer;
   const uint32_t *map;

   mesa_offer_open(&o, NULL);
   /* It is not Mesa's. */
   close(o.fd);
   memory = mesa_vk_memory(&o.vk, LARGE, NULL);
   buffer = mesa_vk_buffer(&o.vk, LARGE, memory);
   commands = mesa_vk_begin(&o.vk);
   vkCmdFillBuffer(commands, buffer, 0, LARGE, 0x01020304);
   mesa_vk_run(&o.vk, commands);
   kept = mesa_offer_buffer_create(&o, 1);
   mesa_offer_buffer_destroy(&o, &kept);

   check_trimmed();
   map = mesa_vk_map(&o.vk, memory);
   for (uint32_t i = 0; i < LARGE / 4; i++)
      igt_assert_eq_u32(map[i], 0x01020304);
   vkUnmapMemory(o.vk.device, memory);
   vkDestroyBuffer(o.vk.device, buffer, NULL);
   vkFreeMemory(o.vk.device, memory, NULL);
   o.fd = tide_open_render();
   mesa_offer_close(&o);
}

/* In a process of its own: EGL keeps the node open. */
static void
trim_gl(void)
{
   const uint32_t side = 2048, small = 512;
   EGLContext context = mesa_context_start(MESA_GLES);
   static uint32_t pixels[512 * 512], is[16];
   GLuint textures[3], kept;

   for (unsigned int i = 0; i < ARRAY_SIZE(textures); i++) {
      textures[i] = mesa_texture(side, side, NULL);
      mesa_framebuffer(textures[i], side, side);
      glClearColor(0, i, 1, 1);
      glClear(GL_COLOR_BUFFER_BIT);
      glFinish();
   }
   kept = mesa_texture(small, small, pixels);
   glFinish();
   glDeleteTextures(1, &kept);

   check_trimmed();
   for (unsigned int i = 0; i < ARRAY_SIZE(textures); i++) {
      mesa_framebuffer(textures[i], side, side);
      mesa_read_pixels(4, 4, is);
      for (unsigned int j = 0; j < ARRAY_SIZE(is); j++)
         igt_assert_eq_u32(is[j], i ? 0xffffff00u : 0xffff0000u);
   }
   mesa_context_destroy(context);
}

/*
 * Budgets
 */

static VkPhysicalDeviceMemoryBudgetPropertiesEXT
query_budget(const struct mesa_offer_vk *o)
{
   VkPhysicalDeviceMemoryBudgetPropertiesEXT budget = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT,
   };
   VkPhysicalDeviceMemoryProperties2 properties = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2,
      .pNext = &budget,
   };

   vkGetPhysicalDeviceMemoryProperties2(o->vk.physical, &properties);
   igt_assert_eq_u64(properties.memoryProperties.memoryHeaps[0].size, TIDE_MIB(SEGMENT_MIB));
   return budget;
}

/* What VK_EXT_memory_budget tells moves with the clients that there are. */
static void
budget_vulkan(void)
{
   struct mesa_offer_vk o;
   struct other other;
   int node;

   mesa_offer_open(&o, NULL);
   node = mesa_node(o.fd);
   igt_assert_eq_u64(query_budget(&o).heapBudget[0], TIDE_MIB(SEGMENT_MIB));
   other = other_open();
   /* What the other one has may be had as far as it is more than its half. */
   igt_assert_eq_u64(query_budget(&o).heapBudget[0], tide_budget(node, 0).budget);
   igt_assert_lt_u64(query_budget(&o).heapBudget[0], TIDE_MIB(SEGMENT_MIB));
   close(other.fd);
   igt_assert_eq_u64(query_budget(&o).heapBudget[0], TIDE_MIB(SEGMENT_MIB));
   mesa_offer_close(&o);
}

/*
 * Decommit
 */

static void
write_sysctl(const char *name, uint64_t value)
{
   char path[64];
   FILE *file;

   snprintf(path, sizeof(path), "/proc/sys/vm/%s", name);
   file = fopen(path, "w");
   igt_assert_f(file, "%s\n", path);
   fprintf(file, "%" PRIu64 "\n", value);
   igt_assert_eq(fclose(file), 0);
}

static void
restore(int sig)
{
   write_sysctl("overcommit_memory", 0);
}

static uint64_t
committed_kib(void)
{
   FILE *file = fopen("/proc/meminfo", "r");
   uint64_t kib = 0;
   char line[128];

   igt_assert(file);
   while (fgets(line, sizeof(line), file))
      sscanf(line, "Committed_AS: %" SCNu64 " kB", &kib);
   fclose(file);
   igt_assert_lt_u64(0, kib);
   return kib;
}

static void
offer_flags(const struct mesa_offer_vk *o, VkDeviceMemory memory, VkMemoryOfferFlagsMESAX flags)
{
   const VkMemoryOfferMESAX offer = {memory, VK_MEMORY_OFFER_PRIORITY_NORMAL_MESAX};
   const VkMemoryOfferInfoMESAX info = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_OFFER_INFO_MESAX,
      .flags = flags,
      .offerCount = 1,
      .pOffers = &offer,
   };

   igt_assert_vk(o->offer(o->vk.device, &info));
}

/* The charge goes with the content if the application allows it, and may not come back. */
static void
decommit_vulkan(void)
{
   static const VkMemoryOfferFlagsMESAX flags[] = {0, VK_MEMORY_OFFER_ALLOW_DECOMMIT_BIT_MESAX};

   igt_install_exit_handler(restore);
   for (unsigned int i = 0; i < ARRAY_SIZE(flags); i++) {
      const VkMemoryReclaimResultMESAX expected = flags[i]
                                                     ? VK_MEMORY_RECLAIM_RESULT_NOT_COMMITTED_MESAX
                                                     : VK_MEMORY_RECLAIM_RESULT_DISCARDED_MESAX;
      struct mesa_offer_vk o;
      VkDeviceMemory memory;
      VkCommandBuffer commands;
      VkBuffer buffer;

      mesa_offer_open(&o, NULL);
      memory = mesa_vk_memory(&o.vk, LOSE, NULL);
      buffer = mesa_vk_buffer(&o.vk, LOSE, memory);
      memset(mesa_vk_map(&o.vk, memory), 0x5a, LOSE);
      vkUnmapMemory(o.vk.device, memory);
      commands = mesa_vk_begin(&o.vk);
      vkCmdFillBuffer(commands, buffer, 0, LOSE, 0x01020304);
      igt_assert_vk(vkEndCommandBuffer(commands));
      mesa_submit_after(&o, commands, VK_NULL_HANDLE, 0);
      igt_assert_vk(vkQueueWaitIdle(o.vk.queue));

      offer_flags(&o, memory, flags[i]);
      mesa_offer_discard(&o, LOSE);
      write_sysctl("overcommit_kbytes", committed_kib() + SLACK / 1024);
      write_sysctl("overcommit_memory", 2);
      igt_assert_eq(mesa_reclaim(&o, memory), expected);

      /* No access is a signal, by whomever. */
      memset(mesa_vk_map(&o.vk, memory), 1, LOSE);
      vkUnmapMemory(o.vk.device, memory);
      mesa_submit_after(&o, commands, VK_NULL_HANDLE, 0);
      igt_assert_vk(vkQueueWaitIdle(o.vk.queue));
      write_sysctl("overcommit_memory", 0);

      /* It stays so. */
      offer_flags(&o, memory, flags[i]);
      igt_assert_eq(mesa_reclaim(&o, memory),
                    flags[i] ? expected : VK_MEMORY_RECLAIM_RESULT_OK_MESAX);
      vkDestroyBuffer(o.vk.device, buffer, NULL);
      vkFreeMemory(o.vk.device, memory, NULL);
      mesa_offer_close(&o);
   }
}

igt_main
{
   if (mesa_task()) {
      trim_gl();
      _exit(0);
   }

   igt_fixture {
      char parameters[32];

      snprintf(parameters, sizeof(parameters), "system_mib=%u", SEGMENT_MIB);
      tide_reload(parameters);
   }

   igt_describe("VK_EXT_memory_budget tells the budget that the kernel gives to this client");
   igt_subtest("d6-budget-vulkan")
      budget_vulkan();

   igt_describe("A trim event empties the cache, and the list of what is required");
   igt_subtest("d6-g3-trim-event-vulkan")
      trim_vulkan();

   igt_describe("The same for OpenGL");
   igt_subtest("d6-g3-trim-event-gl") {
      int status;
      pid_t child = mesa_start("trim", false);

      igt_assert_eq(waitpid(child, &status, 0), child);
      igt_assert_eq(status, 0);
   }

   igt_describe("Memory that could not be committed again says so, and is no signal");
   igt_subtest("b9-c1-not-committed-vulkan")
      decommit_vulkan();
}
