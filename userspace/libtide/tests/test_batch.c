/* SPDX-License-Identifier: MIT */
/* Batches: recording, submitting, failing. */

#include "fixture.h"

static void
commands(void **state)
{
   struct fixture *f = *state;
   struct tide_batch *batch = fixture_batch(f, 0, TIDE_BATCH_ENGINE);
   struct tide_fence fence, first;
   uint8_t *p, *q;

   assert_ok(tide_allocation_map(f->a[0], (void **)&p));
   assert_ok(tide_allocation_map(f->a[1], (void **)&q));
   assert_ok(tide_batch_fill(batch, f->a[0], 3, 6, 0x44332211));
   assert_ok(tide_batch_copy(batch, f->a[1], 8190, f->a[0], 4, 2));
   assert_ok(tide_batch_copy(batch, f->a[0], 4, f->a[0], 3, 6));
   assert_ok(tide_batch_delay(batch, 0));
   assert_ok(tide_batch_submit(batch, NULL, 0, NULL, 0, &first));
   assert_memory_equal(p, "\0\0\0\x11\x11\x22\x33\x44\x11\x22\0", 11);
   assert_memory_equal(q + 8188, "\0\0\x22\x33", 4);

   /* Again, with the same memory, and the next point. */
   assert_ok(tide_batch_reset(batch));
   assert_ok(tide_batch_fill(batch, f->a[0], 0, 4096, 0));
   assert_ok(tide_batch_submit(batch, NULL, 0, NULL, 0, &fence));
   assert_int_equal(p[4], 0);
   assert_int_equal(fence.syncobj, first.syncobj);
   assert_int_equal(fence.point, first.point + 1);
   assert_ok(tide_fence_wait(f->device, &fence, 1, TIDE_WAIT_FOREVER));

   tide_allocation_unmap(f->a[0]);
   tide_allocation_unmap(f->a[1]);
   tide_batch_destroy(batch);
}

static void
bad_input(void **state)
{
   struct fixture *f = *state;
   struct tide_batch *batch = fixture_batch(f, 0, TIDE_BATCH_ENGINE);
   struct tide_batch *cpu = fixture_batch(f, 0, TIDE_BATCH_CPU), *none;
   struct fake *other_fake = fake_create(4);
   struct tide_device *other;
   struct tide_allocation *foreign;
   struct tide_fence fences[32] = {{0, 0}};

   assert_ok(tide_device_create(&other_fake->kmd, &other));
   assert_ok(tide_allocation_create(other, 1, 0, &foreign));

   assert_error(tide_batch_create(NULL, TIDE_BATCH_CPU, &none), EINVAL);
   assert_error(tide_batch_create(f->contexts[0], 2, &none), EINVAL);
   assert_error(tide_batch_create(f->contexts[0], TIDE_BATCH_CPU, NULL), EINVAL);

   assert_error(tide_batch_reference(NULL, f->a[0], TIDE_READ), EINVAL);
   assert_error(tide_batch_reference(batch, NULL, TIDE_READ), EINVAL);
   assert_error(tide_batch_reference(batch, foreign, TIDE_READ), EINVAL);
   assert_error(tide_batch_reference(batch, f->a[0], 0), EINVAL);
   assert_error(tide_batch_reference(batch, f->a[0], 4), EINVAL);

   assert_error(tide_batch_fill(NULL, f->a[0], 0, 1, 0), EINVAL);
   assert_error(tide_batch_fill(cpu, f->a[0], 0, 1, 0), EINVAL);
   assert_error(tide_batch_fill(batch, foreign, 0, 1, 0), EINVAL);
   assert_error(tide_batch_fill(batch, NULL, 0, 1, 0), EINVAL);
   assert_error(tide_batch_copy(batch, f->a[0], 0, foreign, 0, 1), EINVAL);
   assert_error(tide_batch_copy(batch, foreign, 0, f->a[0], 0, 1), EINVAL);

   static const struct {
      uint64_t offset, size;
   } ranges[] = {{0, 0}, {0, 4097}, {4096, 1}, {4095, 2}, {UINT64_MAX, 2}, {2, UINT64_MAX}};

   for (unsigned int i = 0; i < ARRAY_SIZE(ranges); i++) {
      const uint64_t offset = ranges[i].offset, size = ranges[i].size;

      assert_error(tide_batch_fill(batch, f->a[0], offset, size, 0), ERANGE);
      assert_error(tide_batch_copy(batch, f->a[0], offset, f->a[7], 0, size), ERANGE);
      assert_error(tide_batch_copy(batch, f->a[7], 0, f->a[0], offset, size), ERANGE);
   }
   assert_error(tide_batch_delay(batch, f->fake->limits.max_delay_ns + 1), ERANGE);
   assert_error(tide_batch_delay(cpu, 1), EINVAL);

   assert_error(tide_batch_submit(NULL, NULL, 0, NULL, 0, NULL), EINVAL);
   assert_error(tide_batch_submit(cpu, NULL, 0, NULL, 0, NULL), EINVAL);
   assert_error(tide_batch_submit(batch, NULL, 1, NULL, 0, NULL), EINVAL);
   assert_error(tide_batch_submit(batch, NULL, 0, NULL, 1, NULL), EINVAL);
   assert_error(tide_batch_submit(batch, fences, 17, NULL, 0, NULL), E2BIG);
   assert_error(tide_batch_submit(batch, NULL, 0, fences, 16, NULL), E2BIG);
   assert_error(tide_batch_end(batch), EINVAL);
   assert_error(tide_batch_end(NULL), EINVAL);
   assert_error(tide_batch_reset(NULL), EINVAL);

   /* Nothing of all this is in the batch. */
   assert_int_equal(batch->count, 0);
   assert_int_equal(batch->command_count, 0);
   assert_int_equal(f->fake->event_count, 0);

   tide_batch_destroy(batch);
   tide_batch_destroy(cpu);
   tide_batch_destroy(NULL);
   tide_allocation_unref(foreign);
   tide_device_unref(other);
   fake_destroy(other_fake);
}

static void
over_is_over(void **state)
{
   struct fixture *f = *state;

   for (enum tide_batch_kind kind = TIDE_BATCH_ENGINE; kind <= TIDE_BATCH_CPU; kind++) {
      struct tide_batch *batch = fixture_batch(f, 0, kind);

      assert_ok(tide_batch_reference(batch, f->a[0], TIDE_READ));
      assert_ok(fixture_finish(batch));
      assert_error(fixture_finish(batch), EALREADY);
      assert_error(tide_batch_reference(batch, f->a[0], TIDE_READ), EALREADY);
      if (kind == TIDE_BATCH_ENGINE) {
         assert_error(tide_batch_fill(batch, f->a[0], 0, 1, 0), EALREADY);
         assert_error(tide_batch_copy(batch, f->a[0], 0, f->a[1], 0, 1), EALREADY);
         assert_error(tide_batch_delay(batch, 1), EALREADY);
      }
      assert_ok(tide_batch_reset(batch));
      assert_ok(tide_batch_reference(batch, f->a[0], TIDE_READ));
      tide_batch_destroy(batch);
   }
}

static void
limits(void **state)
{
   struct fixture *f = *state;
   struct tide_batch *batch, *cpu = fixture_batch(f, 0, TIDE_BATCH_CPU);

   f->device->limits.max_submit_bos = 2;
   f->device->limits.max_submit_commands = 3;
   batch = fixture_batch(f, 0, TIDE_BATCH_ENGINE);
   assert_ok(tide_batch_fill(batch, f->a[0], 0, 1, 0));
   assert_error(tide_batch_copy(batch, f->a[2], 0, f->a[1], 0, 1), E2BIG);
   /* which has left no reference behind, so another one fits */
   assert_ok(tide_batch_reference(batch, f->a[3], TIDE_READ));
   assert_error(tide_batch_reference(batch, f->a[4], TIDE_READ), E2BIG);
   assert_ok(tide_batch_reference(batch, f->a[0], TIDE_READ));
   assert_ok(tide_batch_delay(batch, 1));
   assert_ok(tide_batch_delay(batch, 1));
   assert_error(tide_batch_delay(batch, 1), E2BIG);
   assert_error(tide_batch_fill(batch, f->a[0], 0, 1, 0), E2BIG);
   assert_ok(tide_batch_submit(batch, NULL, 0, NULL, 0, NULL));

   /* The CPU has no such limit. */
   for (unsigned int i = 0; i < ALLOCATIONS; i++)
      assert_ok(tide_batch_reference(cpu, f->a[i], TIDE_READ));
   assert_ok(tide_batch_end(cpu));
   tide_batch_destroy(batch);
   tide_batch_destroy(cpu);
}

/* A copy that fails half way puts the destination's access back. */
static void
failed_copy_leaves_access(void **state)
{
   struct fixture *f = *state;
   struct tide_batch *batch = fixture_batch(f, 0, TIDE_BATCH_ENGINE);

   assert_ok(tide_batch_reference(batch, f->a[0], TIDE_READ));
   assert_ok(offer_one(f, 1, TIDE_PRIORITY_LOW));
   assert_error(tide_batch_copy(batch, f->a[0], 0, f->a[1], 0, 1), ENODATA);
   assert_int_equal(batch->count, 1);
   assert_int_equal(batch->bos[0].flags, TIDE_READ);
   assert_ok(tide_batch_copy(batch, f->a[0], 0, f->a[0], 1, 1));
   assert_int_equal(batch->bos[0].flags, TIDE_READ | TIDE_WRITE);
   tide_batch_destroy(batch);
}

/* The kernel is told all of it, and every allocation once. */
static void
many_references(void **state)
{
   enum { COUNT = 5000 };
   struct tide_allocation **a = calloc(COUNT, sizeof(*a));
   struct fake *fake = fake_create(COUNT);
   struct tide_device *device;
   struct tide_paging_queue *queue;
   struct tide_context *context;
   struct tide_batch *batch;
   uint64_t value;
   size_t done;

   (void)state;
   assert_ok(tide_device_create(&fake->kmd, &device));
   assert_ok(tide_paging_queue_create(device, &queue));
   assert_ok(tide_context_create(device, &context));
   assert_ok(tide_batch_create(context, TIDE_BATCH_ENGINE, &batch));
   for (unsigned int i = 0; i < COUNT; i++)
      assert_ok(tide_allocation_create(device, 1, 0, &a[i]));
   assert_ok(tide_make_resident(device, queue, a, COUNT, &value, &done));

   for (unsigned int round = 0; round < 2; round++) {
      for (unsigned int i = 0; i < 3 * COUNT; i++)
         assert_ok(tide_batch_fill(batch, a[i * 7 % COUNT], 0, 1, i));
      assert_int_equal(batch->count, COUNT);
      assert_ok(tide_batch_submit(batch, NULL, 0, NULL, 0, NULL));
      for (unsigned int i = 0; i < COUNT; i++)
         assert_int_equal(a[i]->batch_refs, 0);
      assert_ok(tide_batch_reset(batch));
   }
   tide_batch_destroy(batch);
   tide_context_destroy(context);
   tide_paging_queue_destroy(queue);
   for (unsigned int i = 0; i < COUNT; i++)
      tide_allocation_unref(a[i]);
   tide_device_unref(device);
   fake_destroy(fake);
   free(a);
}

static void
fences_of_a_submission(void **state)
{
   struct fixture *f = *state;
   struct tide_batch *batch = fixture_batch(f, 0, TIDE_BATCH_ENGINE);
   struct tide_fence wait = tide_paging_queue_fence(f->queue, 1);
   struct tide_fence signals[2] = {{0, 7}, {0, 9}}, fence;
   uint32_t own;

   assert_ok(f->fake->kmd.ops->syncobj_create(&f->fake->kmd, &own));
   signals[0].syncobj = signals[1].syncobj = own;
   assert_ok(tide_batch_submit(batch, &wait, 1, signals, 2, &fence));
   assert_ok(tide_fence_wait(f->device, signals, 2, 0));
   assert_ok(tide_fence_wait(f->device, &fence, 1, 0));
   assert_int_equal(f->fake->syncobjs[own].point, 9);

   /* A submission that fails uses up no point. */
   struct tide_fence bad = {60, 1}, next = {0, 0};

   assert_ok(tide_batch_reset(batch));
   assert_error(tide_batch_submit(batch, &bad, 1, NULL, 0, &next), ENOENT);
   assert_int_equal(next.point, 0);
   assert_ok(tide_batch_submit(batch, NULL, 0, NULL, 0, &next));
   assert_int_equal(next.point, fence.point + 1);
   f->fake->kmd.ops->syncobj_destroy(&f->fake->kmd, own);
   tide_batch_destroy(batch);
}

/* What the kernel refuses is for the caller to mend. */
static void
refused_submit_can_be_mended(void **state)
{
   struct fixture *f = *state;
   struct tide_batch *batch = fixture_batch(f, 0, TIDE_BATCH_ENGINE);
   struct tide_allocation *late;
   uint8_t *p;
   uint64_t value;
   size_t done;

   assert_ok(tide_allocation_create(f->device, 1, 0, &late));
   assert_ok(tide_batch_fill(batch, late, 0, 1, 5));
   assert_error(tide_batch_submit(batch, NULL, 0, NULL, 0, NULL), ENXIO);
   assert_ok(tide_make_resident(f->device, f->queue, &late, 1, &value, &done));
   assert_ok(tide_batch_submit(batch, NULL, 0, NULL, 0, NULL));
   assert_ok(tide_allocation_map(late, (void **)&p));
   assert_int_equal(p[0], 5);
   tide_allocation_unref(late);
   tide_batch_destroy(batch);
}

/* The batch keeps it, with its mapping, until it is over. */
static void
allocation_goes_first(void **state)
{
   struct fixture *f = *state;

   for (enum tide_batch_kind kind = TIDE_BATCH_ENGINE; kind <= TIDE_BATCH_CPU; kind++) {
      struct tide_batch *batch = fixture_batch(f, 0, kind);
      const uint32_t handle = f->handle[kind];
      void *p;

      assert_ok(tide_allocation_map(f->a[kind], &p));
      assert_ok(tide_batch_reference(batch, f->a[kind], TIDE_WRITE));
      tide_allocation_unref(f->a[kind]);
      f->a[kind] = NULL;
      assert_true(f->fake->bos[handle].open && f->fake->bos[handle].mapped);
      assert_ok(fixture_finish(batch));
      assert_false(f->fake->bos[handle].open);
      tide_batch_destroy(batch);
   }
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      TEST(commands),
      TEST(bad_input),
      TEST(over_is_over),
      TEST(limits),
      TEST(failed_copy_leaves_access),
      cmocka_unit_test(many_references),
      TEST(fences_of_a_submission),
      TEST(refused_submit_can_be_mended),
      TEST(allocation_goes_first),
   };

   return cmocka_run_group_tests_name("batch", tests, NULL, NULL);
}
