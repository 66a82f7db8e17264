/* SPDX-License-Identifier: MIT */
/* The library on a real device: that both sides mean the same. Skipped where there is none. */

#include <stdio.h>
#include <unistd.h>

#include "fixture.h"

#define MIB (1u << 20)

static struct tide_device *device;
static struct tide_paging_queue *queue;
static struct tide_context *context;

/* That it came in; the queue's books may be a moment behind its fence. */
static void
wait_for_pages(uint64_t value)
{
   int ret;

   assert_ok(tide_paging_queue_wait(queue, value, TIDE_WAIT_FOREVER));
   do
      ret = tide_paging_queue_error(queue, value);
   while (ret == -EINPROGRESS);
   assert_ok(ret);
}

static struct tide_allocation *
new_resident(uint64_t size)
{
   struct tide_allocation *a;
   uint64_t value;
   size_t done;

   assert_ok(tide_allocation_create(device, size, 0, &a));
   assert_ok(tide_make_resident(device, queue, &a, 1, &value, &done));
   assert_int_equal(done, 1);
   wait_for_pages(value);
   return a;
}

static struct tide_batch *
new_batch(enum tide_batch_kind kind)
{
   struct tide_batch *batch;

   assert_ok(tide_batch_create(context, kind, &batch));
   return batch;
}

static uint32_t
flags(struct tide_allocation *a)
{
   struct tide_allocation_info info;

   assert_ok(tide_allocation_query(a, &info));
   return info.flags;
}

/* Runs the shrinkers, as memory pressure would; false where that cannot be done. */
static bool
discard_all(void)
{
   FILE *file = fopen("/proc/sys/vm/drop_caches", "w");
   bool done = file && fputs("2", file) > 0;

   if (file)
      done &= !fclose(file);
   return done;
}

static void
commands_reach_the_memory(void **state)
{
   struct tide_allocation *a = new_resident(MIB), *b = new_resident(MIB);
   struct tide_batch *batch = new_batch(TIDE_BATCH_ENGINE);
   struct tide_fence fence;
   uint8_t *p, *q;

   (void)state;
   assert_int_equal(flags(a), TIDE_ALLOCATION_RESIDENT);
   assert_ok(tide_allocation_map(a, (void **)&p));
   assert_ok(tide_allocation_map(b, (void **)&q));
   p[MIB - 1] = 9;
   assert_ok(tide_batch_fill(batch, a, 1, MIB - 2, 0x04030201));
   assert_ok(tide_batch_copy(batch, b, 0, a, 1, MIB - 1));
   assert_ok(tide_batch_delay(batch, 1000000));
   assert_ok(tide_batch_submit(batch, NULL, 0, NULL, 0, &fence));
   assert_ok(tide_fence_wait(device, &fence, 1, TIDE_WAIT_FOREVER));
   assert_int_equal(p[0], 0);
   for (unsigned int i = 0; i < MIB - 2; i++)
      assert_int_equal(q[i], 1 + i % 4);
   assert_int_equal(q[MIB - 2], 9);

   /* A fence of the paging queue and one of the context, waited for by a job. */
   struct tide_fence waits[] = {fence, tide_paging_queue_fence(queue, 1)};

   assert_ok(tide_batch_reset(batch));
   assert_ok(tide_batch_fill(batch, a, 0, MIB, 7));
   assert_ok(tide_batch_submit(batch, waits, 2, NULL, 0, &fence));
   assert_ok(tide_fence_wait(device, &fence, 1, TIDE_WAIT_FOREVER));
   assert_int_equal(p[4], 7);
   tide_batch_destroy(batch);
   tide_allocation_unref(a);
   tide_allocation_unref(b);
}

static void
held_back_offer_reaches_the_kernel(void **state)
{
   struct tide_allocation *a = new_resident(MIB);
   struct tide_batch *batch = new_batch(TIDE_BATCH_ENGINE);
   struct tide_batch *cpu = new_batch(TIDE_BATCH_CPU);
   enum tide_reclaim_result result;
   uint64_t value;
   int fd;

   (void)state;
   assert_ok(tide_batch_reference(batch, a, TIDE_READ));
   assert_ok(tide_batch_reference(cpu, a, TIDE_WRITE));
   assert_ok(tide_offer(device, &a, 1, TIDE_PRIORITY_LOW, 0));
   assert_int_equal(flags(a),
                    TIDE_ALLOCATION_OFFERED | TIDE_ALLOCATION_DEFERRED | TIDE_ALLOCATION_RESIDENT);
   assert_ok(tide_batch_submit(batch, NULL, 0, NULL, 0, NULL));
   assert_true(flags(a) & TIDE_ALLOCATION_DEFERRED);
   assert_ok(tide_batch_end(cpu));
   assert_int_equal(flags(a) & (TIDE_ALLOCATION_OFFERED | TIDE_ALLOCATION_DEFERRED),
                    TIDE_ALLOCATION_OFFERED);
   assert_error(tide_allocation_export(a, &fd), EBUSY);

   /* The kernel thinks so too. */
   struct drm_tide_bo_info info = {.handle = tide_allocation_handle(a)};

   assert_ok(device->kmd->ops->bo_info(device->kmd, &info));
   assert_true(info.flags & DRM_TIDE_BO_OFFERED);
   assert_int_equal(info.priority, DRM_TIDE_PRIORITY_LOW);
   assert_ok(tide_reclaim(device, queue, &a, 1, &result, &value));
   wait_for_pages(value);
   assert_ok(device->kmd->ops->bo_info(device->kmd, &info));
   assert_false(info.flags & DRM_TIDE_BO_OFFERED);
   tide_batch_destroy(batch);
   tide_batch_destroy(cpu);
   tide_allocation_unref(a);
}

/* The pointer stays, whatever became of the content. */
static void
discarded_and_kept(void **state)
{
   struct tide_allocation *list[2] = {new_resident(MIB), new_resident(MIB)};
   enum tide_reclaim_result results[2];
   uint64_t value;
   uint8_t *p[2];

   (void)state;
   for (unsigned int i = 0; i < 2; i++) {
      assert_ok(tide_allocation_map(list[i], (void **)&p[i]));
      memset(p[i], 0x55, MIB);
   }
   assert_ok(tide_offer(device, list, 1, TIDE_PRIORITY_LOW, 0));
   if (!discard_all())
      skip();
   assert_ok(tide_reclaim(device, queue, list, 2, results, &value));
   assert_int_equal(results[0], TIDE_RECLAIM_DISCARDED);
   assert_int_equal(results[1], TIDE_RECLAIM_OK);
   wait_for_pages(value);
   assert_int_equal(p[0][MIB / 2], 0);
   assert_int_equal(p[1][MIB / 2], 0x55);
   memset(p[0], 0x66, MIB);
   assert_ok(tide_reclaim(device, queue, list, 2, results, &value));
   assert_int_equal(results[0], TIDE_RECLAIM_OK);
   assert_int_equal(p[0][MIB - 1], 0x66);
   for (unsigned int i = 0; i < 2; i++)
      tide_allocation_unref(list[i]);
}

static bool
write_sysctl(const char *name, uint64_t value)
{
   char path[64];
   FILE *file;
   bool done;

   snprintf(path, sizeof(path), "/proc/sys/vm/%s", name);
   file = fopen(path, "w");
   done = file && fprintf(file, "%llu", (unsigned long long)value) > 0;
   if (file)
      done &= !fclose(file);
   return done;
}

static uint64_t
committed_kib(void)
{
   FILE *file = fopen("/proc/meminfo", "r");
   unsigned long long kib = 0;
   char line[128];

   while (file && fgets(line, sizeof(line), file))
      sscanf(line, "Committed_AS: %llu kB", &kib);
   if (file)
      fclose(file);
   assert_true(kib);
   return kib;
}

/* The charge goes with the content, and somebody else takes it. */
static void
not_committed_again(void **state)
{
   struct tide_allocation *list[2] = {new_resident(64 * MIB), new_resident(MIB)};
   struct tide_batch *batch = new_batch(TIDE_BATCH_CPU);
   enum tide_reclaim_result results[2];
   uint64_t value;
   uint8_t *p;
   size_t done;

   (void)state;
   assert_ok(tide_allocation_map(list[0], (void **)&p));
   memset(p, 1, 64 * MIB);
   assert_ok(tide_offer(device, list, 1, TIDE_PRIORITY_LOW, TIDE_OFFER_ALLOW_DECOMMIT));
   if (!discard_all() || !write_sysctl("overcommit_kbytes", committed_kib() + 8 * 1024) ||
       !write_sysctl("overcommit_memory", 2))
      skip();
   const int ret = tide_reclaim(device, queue, list, 2, results, &value);

   assert_true(write_sysctl("overcommit_memory", 0));
   assert_ok(ret);
   assert_int_equal(results[0], TIDE_RECLAIM_NOT_COMMITTED);
   assert_int_equal(results[1], TIDE_RECLAIM_OK);

   /* Good for nothing, and in nobody's way. */
   assert_error(tide_batch_reference(batch, list[0], TIDE_READ), ENODATA);
   assert_error(tide_make_resident(device, queue, list, 2, &value, &done), EIO);
   assert_ok(tide_offer(device, list, 2, TIDE_PRIORITY_LOW, 0));
   assert_true(flags(list[1]) & TIDE_ALLOCATION_OFFERED);
   assert_ok(tide_reclaim(device, queue, list, 2, results, &value));
   assert_int_equal(results[0], TIDE_RECLAIM_NOT_COMMITTED);
   assert_true(results[1] == TIDE_RECLAIM_OK);
   tide_batch_destroy(batch);
   for (unsigned int i = 0; i < 2; i++)
      tide_allocation_unref(list[i]);
}

static void
shared_between_devices(void **state)
{
   struct tide_allocation *a, *same, *other;
   struct tide_device *second;
   uint8_t *p, *q;
   int fd;

   (void)state;
   assert_ok(tide_device_open_first(&second));
   assert_ok(tide_allocation_create(device, MIB, 0, &a));
   assert_ok(tide_allocation_export(a, &fd));
   assert_ok(tide_allocation_import(device, fd, &same));
   assert_ptr_equal(a, same);
   assert_ok(tide_allocation_import(second, fd, &other));
   close(fd);
   assert_int_equal(tide_allocation_size(other), MIB);
   assert_ok(tide_allocation_map(a, (void **)&p));
   assert_ok(tide_allocation_map(other, (void **)&q));
   p[MIB - 1] = 0x77;
   assert_int_equal(q[MIB - 1], 0x77);
   assert_true(flags(other) & TIDE_ALLOCATION_EXPORTED);
   tide_allocation_unref(a);
   tide_allocation_unref(same);
   assert_int_equal(q[MIB - 1], 0x77);
   tide_allocation_unref(other);
   tide_device_unref(second);
}

static void
errors_come_through(void **state)
{
   struct tide_allocation *a;
   struct tide_batch *batch = new_batch(TIDE_BATCH_ENGINE);
   struct tide_fence fence, none = {123456, 1};
   size_t done;

   (void)state;
   assert_ok(tide_allocation_create(device, 1, 0, &a));
   assert_ok(tide_batch_fill(batch, a, 0, 1, 0));
   assert_error(tide_batch_submit(batch, NULL, 0, NULL, 0, &fence), ENXIO);
   assert_error(tide_evict(device, &a, 1, &done), ERANGE);
   assert_ok(tide_batch_reset(batch));
   assert_error(tide_batch_submit(batch, &none, 1, NULL, 0, &fence), ENOENT);
   assert_error(tide_fence_wait(device, &none, 1, 0), ENOENT);
   assert_ok(tide_batch_delay(
      batch, device->limits.max_delay_ns < 300000000 ? device->limits.max_delay_ns : 300000000));
   assert_ok(tide_batch_submit(batch, NULL, 0, NULL, 0, &fence));
   assert_error(tide_fence_wait(device, &fence, 1, 0), ETIME);
   assert_error(tide_fence_wait(device, &fence, 1, 1000000), ETIME);
   assert_ok(tide_fence_wait(device, &fence, 1, TIDE_WAIT_FOREVER));
   tide_batch_destroy(batch);
   tide_allocation_unref(a);
}

static void
long_list(void **state)
{
   enum { COUNT = 70000 };
   struct tide_allocation *a = new_resident(1), **list = calloc(COUNT, sizeof(*list));
   enum tide_reclaim_result *results = calloc(COUNT, sizeof(*results));
   uint64_t value;
   size_t done;

   (void)state;
   for (unsigned int i = 0; i < COUNT; i++)
      list[i] = a;
   assert_ok(tide_make_resident(device, queue, list, COUNT, &value, &done));
   assert_ok(tide_offer(device, list, COUNT, TIDE_PRIORITY_HIGH, 0));
   assert_ok(tide_reclaim(device, queue, list, COUNT, results, &value));
   for (unsigned int i = 1; i < COUNT; i++)
      assert_int_equal(results[i], TIDE_RECLAIM_OK);
   assert_ok(tide_evict(device, list, COUNT, &done));
   assert_int_equal(done, COUNT);
   tide_allocation_unref(a);
   free(results);
   free(list);
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      cmocka_unit_test(commands_reach_the_memory),
      cmocka_unit_test(held_back_offer_reaches_the_kernel),
      cmocka_unit_test(discarded_and_kept),
      cmocka_unit_test(not_committed_again),
      cmocka_unit_test(shared_between_devices),
      cmocka_unit_test(errors_come_through),
      cmocka_unit_test(long_list),
   };
   struct tide_segment segment;
   int ret = tide_device_open_first(&device);

   if (ret) {
      fprintf(stderr, "no tide device: %s\n", strerror(-ret));
      return 77;
   }
   if (tide_paging_queue_create(device, &queue) || tide_context_create(device, &context) ||
       tide_device_segment(device, 0, &segment) || !segment.size)
      return 1;

   ret = cmocka_run_group_tests_name("device", tests, NULL, NULL);
   tide_context_destroy(context);
   tide_paging_queue_destroy(queue);
   tide_device_unref(device);
   return ret;
}
