/* SPDX-License-Identifier: MIT */
/* Offers of memory that Vulkan work uses: they wait, and nobody waits for them. */
#include "igt.h"
#include "igt_tide.h"
#include "mesa_test_vk_use.h"

IGT_TEST_DESCRIPTION("Offers take effect when the work is over that uses the memory");

#define LOW VK_MEMORY_OFFER_PRIORITY_LOW_MESAX
#define OK VK_MEMORY_RECLAIM_RESULT_OK_MESAX
#define DISCARDED VK_MEMORY_RECLAIM_RESULT_DISCARDED_MESAX

struct scene {
   struct mesa_offer_vk o;
   uint32_t use;
   struct mesa_offer_buffer src, dst;
   struct mesa_use_commands work; /* copies src to dst */
   VkSemaphore cork;              /* 1 lets go what waits for it */
};

static void
uncork(struct scene *s)
{
   mesa_timeline_signal(&s->o, s->cork, 1);
   igt_assert_vk(vkQueueWaitIdle(s->o.vk.queue));
}

/* The offer has taken effect by now, and content that the work has read was right. */
static void
check_offered(struct scene *s)
{
   mesa_offer_buffer_check(&s->o, &s->dst, 1);
   mesa_offer_discard(&s->o, MESA_OFFER_SIZE);
   igt_assert_eq(mesa_reclaim(&s->o, s->src.memory), DISCARDED);
}

static void
test_pending(struct scene *s)
{
   mesa_use_end(&s->work);
   mesa_submit_after(&s->o, s->work.commands, s->cork, 1);
   mesa_offer(&s->o, s->src.memory, LOW);
   mesa_offer_check_held(&s->o);
   uncork(s);
   check_offered(s);
}

static void
test_recorded(struct scene *s)
{
   mesa_use_end(&s->work);
   mesa_offer(&s->o, s->src.memory, LOW);
   mesa_offer_check_held(&s->o);
   mesa_submit_after(&s->o, s->work.commands, s->cork, 1);
   mesa_offer_check_held(&s->o);
   uncork(s);
   check_offered(s);
}

static void
test_recording(struct scene *s)
{
   mesa_offer(&s->o, s->src.memory, LOW);
   mesa_offer_check_held(&s->o);
   mesa_use_end(&s->work);
   mesa_offer_check_held(&s->o);
   mesa_submit_after(&s->o, s->work.commands, s->cork, 1);
   mesa_offer_check_held(&s->o);
   uncork(s);
   check_offered(s);
}

/* Memory that the command buffer does not use is not held back once that is known. */
static void
test_recording_other(struct scene *s)
{
   struct mesa_offer_buffer other = mesa_offer_buffer_create(&s->o, 3);

   mesa_offer(&s->o, other.memory, LOW);
   mesa_offer_check_held(&s->o);
   mesa_use_end(&s->work);
   igt_assert_eq_u64(mesa_offer_discardable(&s->o), MESA_OFFER_SIZE);
   igt_assert_eq(mesa_reclaim(&s->o, other.memory), OK);
   mesa_offer(&s->o, other.memory, LOW);
   igt_assert_eq_u64(mesa_offer_discardable(&s->o), MESA_OFFER_SIZE);
   mesa_offer_buffer_destroy(&s->o, &other);
}

static void
test_freed(struct scene *s)
{
   mesa_use_end(&s->work);
   mesa_offer(&s->o, s->src.memory, LOW);
   mesa_offer_check_held(&s->o);
   igt_assert_vk(vkResetCommandPool(s->o.vk.device, s->o.vk.pool, 0));
   mesa_offer_discard(&s->o, MESA_OFFER_SIZE);
}

/* Only the first submission counts. */
static void
test_again(struct scene *s)
{
   mesa_use_end(&s->work);
   for (uint32_t i = 0; i < 3; i++) {
      mesa_submit_after(&s->o, s->work.commands, VK_NULL_HANDLE, 0);
      igt_assert_vk(vkQueueWaitIdle(s->o.vk.queue));
      mesa_offer_buffer_check(&s->o, &s->dst, 1);
      mesa_offer(&s->o, s->src.memory, LOW);
      mesa_offer_discard(&s->o, MESA_OFFER_SIZE);
      igt_assert_eq(mesa_reclaim(&s->o, s->src.memory), DISCARDED);
      mesa_offer_buffer_fill(&s->o, &s->src, 1);
   }
}

static void
test_cancel(struct scene *s)
{
   mesa_use_end(&s->work);
   mesa_submit_after(&s->o, s->work.commands, s->cork, 1);
   mesa_offer(&s->o, s->src.memory, LOW);
   igt_assert_eq(mesa_reclaim(&s->o, s->src.memory), OK);
   uncork(s);
   igt_assert_eq_u64(mesa_offer_discardable(&s->o), 0);
   mesa_offer_buffer_check(&s->o, &s->src, 1);
   mesa_offer_buffer_check(&s->o, &s->dst, 1);
}

static void
test_queue(struct scene *s)
{
   mesa_use_end(&s->work);
   mesa_submit_after(&s->o, s->work.commands, s->cork, 1);
   mesa_queue_offer(&s->o, s->src.memory);
   mesa_offer_check_held(&s->o);
   uncork(s);
   check_offered(s);
}

/* Against the rules: the content is there for the work, and the offer goes on after it. */
static void
test_misuse(struct scene *s)
{
   mesa_use_end(&s->work);
   mesa_submit_after(&s->o, s->work.commands, VK_NULL_HANDLE, 0);
   igt_assert_vk(vkQueueWaitIdle(s->o.vk.queue));
   mesa_offer_buffer_fill(&s->o, &s->dst, 2);

   mesa_offer(&s->o, s->src.memory, LOW);
   igt_assert_eq_u64(mesa_offer_discardable(&s->o), MESA_OFFER_SIZE);
   mesa_submit_after(&s->o, s->work.commands, s->cork, 1);
   mesa_offer_check_held(&s->o);
   uncork(s);
   mesa_offer_buffer_check(&s->o, &s->dst, 1);
   igt_assert_eq_u64(mesa_offer_discardable(&s->o), MESA_OFFER_SIZE);
   igt_assert_eq(mesa_reclaim(&s->o, s->src.memory), OK);
}

/* The same with content that is gone: the work finds zeros, and the reclaim tells. */
static void
test_misuse_discarded(struct scene *s)
{
   mesa_use_end(&s->work);
   mesa_submit_after(&s->o, s->work.commands, VK_NULL_HANDLE, 0);
   igt_assert_vk(vkQueueWaitIdle(s->o.vk.queue));

   mesa_offer(&s->o, s->src.memory, LOW);
   mesa_offer_discard(&s->o, MESA_OFFER_SIZE);
   mesa_submit_after(&s->o, s->work.commands, VK_NULL_HANDLE, 0);
   igt_assert_vk(vkQueueWaitIdle(s->o.vk.queue));
   mesa_offer_buffer_check_zero(&s->o, &s->dst);
   igt_assert_eq(mesa_reclaim(&s->o, s->src.memory), DISCARDED);
   igt_assert_eq(mesa_reclaim(&s->o, s->src.memory), OK);
}

/* What is written, too. */
static void
test_misuse_destination(struct scene *s)
{
   mesa_use_end(&s->work);
   mesa_submit_after(&s->o, s->work.commands, VK_NULL_HANDLE, 0);
   igt_assert_vk(vkQueueWaitIdle(s->o.vk.queue));

   mesa_offer(&s->o, s->dst.memory, LOW);
   mesa_offer_discard(&s->o, MESA_OFFER_SIZE);
   mesa_submit_after(&s->o, s->work.commands, VK_NULL_HANDLE, 0);
   igt_assert_vk(vkQueueWaitIdle(s->o.vk.queue));
   igt_assert_eq(mesa_reclaim(&s->o, s->dst.memory), DISCARDED);
   mesa_offer_buffer_check(&s->o, &s->dst, 1);
}

/* Discarded in the middle: reclaimed, filled again, and used again, over and over. */
static void
test_refill(struct scene *s)
{
   mesa_use_end(&s->work);
   for (uint32_t i = 0; i < 8; i++) {
      mesa_offer(&s->o, s->src.memory, i % 3);
      if (i % 2)
         mesa_discard_offered(s->o.fd);
      if (mesa_reclaim(&s->o, s->src.memory) == DISCARDED)
         mesa_offer_buffer_fill(&s->o, &s->src, i);
      else
         mesa_offer_buffer_check(&s->o, &s->src, i ? i - 1 : 1);
      mesa_submit_after(&s->o, s->work.commands, VK_NULL_HANDLE, 0);
      igt_assert_vk(vkQueueWaitIdle(s->o.vk.queue));
      mesa_offer_buffer_check(&s->o, &s->dst, i % 2 ? i : i ? i - 1 : 1);
   }
}

/* With each way of using memory; one device for all, for that takes time. */
static void
run(uint32_t first, uint32_t count, void (*body)(struct scene *s))
{
   struct scene s;

   mesa_offer_open(&s.o, NULL);
   for (s.use = first; s.use < first + count; s.use++) {
      igt_debug("use: %s\n", mesa_use_names[s.use]);
      s.src = mesa_offer_buffer_create(&s.o, 1);
      s.dst = mesa_offer_buffer_create(&s.o, 2);
      s.cork = mesa_timeline(&s.o);
      s.work = mesa_use_record(&s.o, s.use, &s.dst, &s.src);
      body(&s);
      mesa_use_destroy(&s.o, &s.work);
      vkDestroySemaphore(s.o.vk.device, s.cork, NULL);
      mesa_offer_buffer_destroy(&s.o, &s.src);
      mesa_offer_buffer_destroy(&s.o, &s.dst);
   }
   mesa_offer_close(&s.o);
}

/* What a queue does after the offer does not hold it back. */
static void
test_queue_order(void)
{
   struct mesa_offer_vk o;
   struct mesa_offer_buffer a, b, c;
   VkSemaphore cork, later;
   VkCommandBuffer copy;

   mesa_offer_open(&o, NULL);
   a = mesa_offer_buffer_create(&o, 1);
   b = mesa_offer_buffer_create(&o, 2);
   c = mesa_offer_buffer_create(&o, 3);
   cork = mesa_timeline(&o);
   later = mesa_timeline(&o);
   copy = mesa_record_copy(&o, &b, &c);
   mesa_submit_after(&o, copy, cork, 1);
   mesa_queue_offer(&o, a.memory);
   mesa_submit_after(&o, copy, later, 1);
   mesa_offer_check_held(&o);
   mesa_timeline_signal(&o, cork, 1);
   mesa_offer_wait(&o, MESA_OFFER_SIZE);
   mesa_timeline_signal(&o, later, 1);
   igt_assert_vk(vkQueueWaitIdle(o.vk.queue));
   igt_assert_eq(mesa_reclaim(&o, a.memory), OK);
   mesa_offer_buffer_check(&o, &a, 1);
   mesa_offer_buffer_check(&o, &b, 3);
   mesa_offer_buffer_destroy(&o, &a);
   mesa_offer_buffer_destroy(&o, &b);
   mesa_offer_buffer_destroy(&o, &c);
   vkDestroySemaphore(o.vk.device, cork, NULL);
   vkDestroySemaphore(o.vk.device, later, NULL);
   mesa_offer_close(&o);
}

/* An idle queue makes an offer at once; waiting for the queue covers it. */
static void
test_queue_idle(void)
{
   struct mesa_offer_vk o;
   struct mesa_offer_buffer a;

   mesa_offer_open(&o, NULL);
   a = mesa_offer_buffer_create(&o, 1);
   for (uint32_t i = 0; i < 8; i++) {
      mesa_queue_offer(&o, a.memory);
      igt_assert_vk(vkQueueWaitIdle(o.vk.queue));
      mesa_offer_discard(&o, MESA_OFFER_SIZE);
      igt_assert_eq(mesa_reclaim(&o, a.memory), DISCARDED);
      mesa_offer_buffer_fill(&o, &a, i);
   }
   mesa_offer_buffer_destroy(&o, &a);
   mesa_offer_close(&o);
}

static void
test_mapped(void)
{
   struct mesa_offer_vk o;
   struct mesa_offer_buffer a;
   uint8_t *map;

   mesa_offer_open(&o, NULL);
   a = mesa_offer_buffer_create(&o, 1);
   map = mesa_vk_map(&o.vk, a.memory);
   mesa_offer(&o, a.memory, LOW);
   mesa_offer_check_held(&o);
   memset(map, 0x5a, MESA_OFFER_SIZE);
   vkUnmapMemory(o.vk.device, a.memory);
   mesa_offer_discard(&o, MESA_OFFER_SIZE);

   /* Against the rules: zeros and no signal, and then it is offered as it was. */
   map = mesa_vk_map(&o.vk, a.memory);
   for (uint32_t i = 0; i < MESA_OFFER_SIZE; i++)
      igt_assert_eq(map[i], 0);
   mesa_offer_check_held(&o);
   memset(map, 0x5b, MESA_OFFER_SIZE);
   vkUnmapMemory(o.vk.device, a.memory);
   igt_assert_eq_u64(mesa_offer_discardable(&o), MESA_OFFER_SIZE);
   igt_assert_eq(mesa_reclaim(&o, a.memory), DISCARDED);
   igt_assert_eq(((uint8_t *)mesa_vk_map(&o.vk, a.memory))[MESA_OFFER_SIZE - 1], 0x5b);
   mesa_offer_buffer_destroy(&o, &a); /* mapped */
   mesa_offer_close(&o);
}

/* Offered memory can be bound, and a command buffer that uses it be recorded. */
static void
test_bind(void)
{
   struct mesa_offer_vk o;
   struct mesa_offer_buffer a, b;
   VkCommandBuffer copy;

   mesa_offer_open(&o, NULL);
   a.memory = mesa_vk_memory(&o.vk, MESA_OFFER_SIZE, NULL);
   mesa_offer(&o, a.memory, LOW);
   a.buffer = mesa_vk_buffer(&o.vk, MESA_OFFER_SIZE, a.memory);
   b = mesa_offer_buffer_create(&o, 2);
   copy = mesa_record_copy(&o, &b, &a);
   mesa_discard_offered(o.fd);
   igt_assert_neq(mesa_reclaim(&o, a.memory), VK_MEMORY_RECLAIM_RESULT_FAILED_MESAX);
   mesa_offer_buffer_fill(&o, &a, 1);
   mesa_submit_after(&o, copy, VK_NULL_HANDLE, 0);
   igt_assert_vk(vkQueueWaitIdle(o.vk.queue));
   mesa_offer_buffer_check(&o, &b, 1);
   mesa_offer_buffer_destroy(&o, &a);
   mesa_offer_buffer_destroy(&o, &b);
   mesa_offer_close(&o);
}

igt_main
{
   static const struct {
      const char *name;
      void (*body)(struct scene *s);
   } uses[] = {
      {"pending", test_pending},
      {"recorded", test_recorded},
      {"recording", test_recording},
      {"freed", test_freed},
      {"again", test_again},
      {"cancel", test_cancel},
      {"queue", test_queue},
      {"misuse", test_misuse},
      {"misuse-discarded", test_misuse_discarded},
      {"misuse-destination", test_misuse_destination},
      {"refill", test_refill},
   };

   for (uint32_t i = 0; i < ARRAY_SIZE(uses); i++) {
      igt_describe("Offered while, before, or after work uses it in one of many ways");
      igt_subtest(uses[i].name)
         run(0, MESA_USE_COUNT, uses[i].body);
   }

   igt_describe("Recording holds back only what it turns out to use");
   igt_subtest("recording-other")
      run(MESA_USE_COPY, 1, test_recording_other);
   igt_describe("An offer in the order of a queue waits for nothing behind it");
   igt_subtest("queue-order")
      test_queue_order();
   igt_describe("An offer in the order of an idle queue is made");
   igt_subtest("queue-idle")
      test_queue_idle();
   igt_describe("Mapped memory is offered when it is unmapped, and offered memory can be mapped");
   igt_subtest("mapped")
      test_mapped();
   igt_describe("Offered memory can be bound and recorded");
   igt_subtest("bind")
      test_bind();
}
