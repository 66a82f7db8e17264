/* SPDX-License-Identifier: MIT */
/* Threads that offer and reclaim Vulkan memory while others use it, under pressure. */
#include "igt.h"
#include "igt_tide.h"
#include "mesa_test_vk_use.h"

#include <pthread.h>
#include <stdatomic.h>

IGT_TEST_DESCRIPTION("Offers and reclaims of Vulkan memory by many threads under pressure");

#define THREADS 4
#define BUFFERS 6 /* of each thread */
#define OK VK_MEMORY_RECLAIM_RESULT_OK_MESAX
#define DISCARDED VK_MEMORY_RECLAIM_RESULT_DISCARDED_MESAX

struct race {
   struct mesa_offer_vk o;
   pthread_mutex_t queue_lock;
   int64_t end;
   atomic_uint kept, discarded;
   atomic_bool stop;
};

struct worker {
   struct race *race;
   struct mesa_offer_vk o; /* with a command pool of its own */
   uint32_t seed;
   struct mesa_offer_buffer buffers[BUFFERS], copy;
   uint32_t content[BUFFERS];
   bool offered[BUFFERS];
};

/* After it the buffer is not offered, and has its content. */
static void
take_back(struct worker *w, uint32_t i)
{
   const VkMemoryReclaimResultMESAX result = mesa_reclaim(&w->o, w->buffers[i].memory);

   if (result == DISCARDED) {
      igt_assert(w->offered[i]);
      atomic_fetch_add(&w->race->discarded, 1);
      mesa_offer_buffer_check_zero(&w->o, &w->buffers[i]);
      w->content[i] = w->seed++;
      mesa_offer_buffer_fill(&w->o, &w->buffers[i], w->content[i]);
   } else {
      igt_assert_eq(result, OK);
      if (w->offered[i])
         atomic_fetch_add(&w->race->kept, 1);
   }
   w->offered[i] = false;
}

static void
submit_copy(struct worker *w, uint32_t i, bool offer_before, bool offer_after)
{
   VkCommandBuffer commands = mesa_record_copy(&w->o, &w->copy, &w->buffers[i]);
   const VkFenceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
   const VkSubmitInfo submit = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
      .commandBufferCount = 1,
      .pCommandBuffers = &commands,
   };
   VkFence fence;

   igt_assert_vk(vkCreateFence(w->o.vk.device, &info, NULL, &fence));
   if (offer_before)
      mesa_offer(&w->o, w->buffers[i].memory, i % 3);
   pthread_mutex_lock(&w->race->queue_lock);
   igt_assert_vk(vkQueueSubmit(w->o.vk.queue, 1, &submit, fence));
   if (offer_after)
      mesa_queue_offer(&w->o, w->buffers[i].memory);
   pthread_mutex_unlock(&w->race->queue_lock);
   w->offered[i] = offer_before || offer_after;
   igt_assert_vk(vkWaitForFences(w->o.vk.device, 1, &fence, VK_TRUE, UINT64_MAX));
   mesa_offer_buffer_check(&w->o, &w->copy, w->content[i]);
   vkDestroyFence(w->o.vk.device, fence, NULL);
   vkFreeCommandBuffers(w->o.vk.device, w->o.vk.pool, 1, &commands);
}

static void *
work(void *data)
{
   struct worker *w = data;
   unsigned int random = w->seed;

   while (tide_deadline(0) < w->race->end) {
      const uint32_t i = rand_r(&random) % BUFFERS;

      take_back(w, i);
      switch (rand_r(&random) % 4) {
      case 0:
         submit_copy(w, i, true, false);
         break;
      case 1:
         submit_copy(w, i, false, true);
         break;
      case 2:
         submit_copy(w, i, true, true);
         break;
      default:
         mesa_offer_buffer_check(&w->o, &w->buffers[i], w->content[i]);
         mesa_offer(&w->o, w->buffers[i].memory, i % 3);
         w->offered[i] = true;
      }
   }
   for (uint32_t i = 0; i < BUFFERS; i++) {
      take_back(w, i);
      mesa_offer_buffer_check(&w->o, &w->buffers[i], w->content[i]);
   }
   return NULL;
}

/* Discards a part of what is offered, again and again. */
static void *
press(void *data)
{
   struct race *race = data;

   while (!atomic_load(&race->stop)) {
      tide_shrink(race->o.fd, 2 * MESA_OFFER_SIZE / TIDE_PAGE);
      usleep(2000);
   }
   return NULL;
}

static void
test_threads(void)
{
   const VkCommandPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
   struct race race = {.queue_lock = PTHREAD_MUTEX_INITIALIZER};
   struct worker workers[THREADS] = {};
   pthread_t threads[THREADS], presser;

   mesa_offer_open(&race.o, NULL);
   race.end = tide_deadline((getenv("TIDE_LONG") ? 60 : 10) * NSEC_PER_SEC);
   for (uint32_t t = 0; t < THREADS; t++) {
      struct worker *w = &workers[t];

      w->race = &race;
      w->o = race.o;
      w->seed = (t + 1) * 1000000;
      igt_assert_vk(vkCreateCommandPool(w->o.vk.device, &pool, NULL, &w->o.vk.pool));
      w->copy = mesa_offer_buffer_create(&w->o, 0);
      for (uint32_t i = 0; i < BUFFERS; i++) {
         w->content[i] = w->seed++;
         w->buffers[i] = mesa_offer_buffer_create(&w->o, w->content[i]);
      }
   }
   igt_assert_eq(pthread_create(&presser, NULL, press, &race), 0);
   for (uint32_t t = 0; t < THREADS; t++)
      igt_assert_eq(pthread_create(&threads[t], NULL, work, &workers[t]), 0);
   for (uint32_t t = 0; t < THREADS; t++)
      pthread_join(threads[t], NULL);
   atomic_store(&race.stop, true);
   pthread_join(presser, NULL);

   igt_info("%u kept, %u discarded\n", race.kept, race.discarded);
   igt_assert_lte_u32(1, race.kept);
   igt_assert_lte_u32(1, race.discarded);
   for (uint32_t t = 0; t < THREADS; t++) {
      struct worker *w = &workers[t];

      for (uint32_t i = 0; i < BUFFERS; i++)
         mesa_offer_buffer_destroy(&w->o, &w->buffers[i]);
      mesa_offer_buffer_destroy(&w->o, &w->copy);
      vkDestroyCommandPool(w->o.vk.device, w->o.vk.pool, NULL);
   }
   mesa_offer_close(&race.o);
}

igt_main
{
   igt_describe("Threads offer, use and reclaim memory while it is discarded: no answer is wrong");
   igt_subtest("threads")
      test_threads();
}
