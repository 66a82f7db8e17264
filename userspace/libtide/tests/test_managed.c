/* SPDX-License-Identifier: MIT */
/* Managed contexts: submitted by a thread, with residency seen to. */

#include <semaphore.h>
#include <unistd.h>

#include "fixture.h"

struct managed {
   struct fixture *f;
   struct tide_residency *residency;
   struct tide_context *context;
   struct tide_allocation *a[3];
   sem_t gate;
   atomic_uint waiting;
};

/* Holds SUBMIT up, as page-ins do. */
static void
hold_up(struct fake *fake, enum fake_op op, void *data)
{
   struct managed *m = data;

   (void)fake;
   if (op != FAKE_SUBMIT)
      return;
   atomic_fetch_add(&m->waiting, 1);
   sem_wait(&m->gate);
}

static int
setup(void **state)
{
   struct managed *m = calloc(1, sizeof(*m));

   fixture_setup((void **)&m->f);
   sem_init(&m->gate, 0, 0);
   assert_ok(tide_residency_create(m->f->device, &m->residency));
   assert_ok(tide_context_create_managed(m->residency, &m->context));
   for (unsigned int i = 0; i < ARRAY_SIZE(m->a); i++)
      assert_ok(tide_allocation_create(m->f->device, 4096, 0, &m->a[i]));
   *state = m;
   return 0;
}

static int
teardown(void **state)
{
   struct managed *m = *state;

   tide_context_destroy(m->context);
   tide_residency_destroy(m->residency);
   for (unsigned int i = 0; i < ARRAY_SIZE(m->a); i++)
      tide_allocation_unref(m->a[i]);
   sem_destroy(&m->gate);
   fixture_teardown((void **)&m->f);
   free(m);
   return 0;
}

#define MANAGED(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static struct tide_batch *
batch_of(struct managed *m, unsigned int which, uint32_t pattern)
{
   struct tide_batch *batch;

   assert_ok(tide_batch_create(m->context, TIDE_BATCH_ENGINE, &batch));
   assert_ok(tide_batch_fill(batch, m->a[which], 0, 4096, pattern));
   return batch;
}

static void
wait_over(struct managed *m, struct tide_fence fence, int error)
{
   assert_ok(tide_fence_wait(m->f->device, &fence, 1, TIDE_WAIT_FOREVER));
   while (tide_context_error(m->context, fence.point) == -EINPROGRESS)
      usleep(100);
   assert_int_equal(tide_context_error(m->context, fence.point), error);
}

static void
required_and_executed(void **state)
{
   struct managed *m = *state;
   struct tide_batch *batch = batch_of(m, 0, 0x05050505);
   struct tide_fence fence;
   uint8_t *p;

   assert_ok(tide_allocation_map(m->a[0], (void **)&p));
   assert_ok(tide_batch_submit(batch, NULL, 0, NULL, 0, &fence));
   /* It is free for the next one at once. */
   assert_error(tide_batch_submit(batch, NULL, 0, NULL, 0, NULL), EALREADY);
   assert_ok(tide_batch_reset(batch));
   assert_ok(tide_batch_copy(batch, m->a[1], 0, m->a[0], 0, 4096));
   wait_over(m, fence, 0);
   assert_int_equal(p[4095], 5);
   assert_ok(tide_batch_submit(batch, &fence, 1, NULL, 0, &fence));
   wait_over(m, fence, 0);
   assert_ok(tide_allocation_map(m->a[1], (void **)&p));
   assert_int_equal(p[0], 5);
   tide_batch_destroy(batch);

   assert_error(tide_context_error(m->context, fence.point + 1), EINVAL);
   assert_error(tide_context_error(m->context, 0), EINVAL);
   assert_error(tide_context_error(NULL, 1), EINVAL);
   assert_error(tide_context_error(m->f->contexts[0], 1), EINVAL);
   assert_error(tide_context_create_managed(NULL, &m->f->contexts[0]), EINVAL);
}

/* The kernel is at it, and the caller goes on; batches come in their order. */
static void
caller_never_waits(void **state)
{
   struct managed *m = *state;
   struct tide_fence fences[3];

   m->f->fake->hook_data = m;
   m->f->fake->hook = hold_up;
   for (unsigned int i = 0; i < 3; i++) {
      struct tide_batch *batch = batch_of(m, i, i);

      assert_ok(tide_batch_submit(batch, NULL, 0, NULL, 0, &fences[i]));
      tide_batch_destroy(batch);
   }
   assert_error(tide_fence_wait(m->f->device, fences, 1, 0), ETIME);
   assert_int_equal(tide_context_error(m->context, fences[0].point), -EINPROGRESS);
   for (unsigned int i = 0; i < 3; i++) {
      while (atomic_load(&m->waiting) <= i)
         usleep(100);
      /* Who waits in line requires nothing yet. */
      assert_int_equal(m->f->fake->bos[tide_allocation_handle(m->a[i])].residency, 1);
      if (i < 2)
         assert_int_equal(m->f->fake->bos[tide_allocation_handle(m->a[i + 1])].residency, 0);
      sem_post(&m->gate);
      wait_over(m, fences[i], 0);
   }
   m->f->fake->hook = NULL;
}

/* The offer goes when the kernel has the batch, and not before. */
static void
offers_wait_for_the_thread(void **state)
{
   struct managed *m = *state;
   struct tide_batch *batch = batch_of(m, 0, 1);
   const uint32_t handle = tide_allocation_handle(m->a[0]);
   enum tide_reclaim_result result;
   struct tide_fence fence;
   uint64_t value;

   m->f->fake->hook_data = m;
   m->f->fake->hook = hold_up;
   assert_ok(tide_batch_submit(batch, NULL, 0, NULL, 0, &fence));
   assert_ok(tide_offer(m->f->device, m->a, 1, TIDE_PRIORITY_LOW, 0));
   while (!atomic_load(&m->waiting))
      usleep(100);
   assert_false(fake_offered(m->f->fake, handle));
   assert_int_equal(atomic_load(&m->f->fake->calls[FAKE_OFFER]), 0);
   sem_post(&m->gate);
   wait_over(m, fence, 0);
   assert_true(fake_offered(m->f->fake, handle));
   m->f->fake->hook = NULL;
   assert_ok(tide_reclaim(m->f->device, m->f->queue, m->a, 1, &result, &value));
   tide_batch_destroy(batch);
}

/* What the kernel does not take is over all the same, and told. */
static void
failures(void **state)
{
   struct managed *m = *state;
   struct tide_fence fence, first = {0};
   uint32_t done;

   assert_ok(m->f->fake->ops.syncobj_create(&m->f->fake->kmd, &done));
   for (unsigned int i = 1; i <= 70; i++) {
      struct tide_batch *batch = batch_of(m, 0, 1);
      const struct tide_fence signal = {done, i};

      fake_fail(m->f->fake, i % 2 ? FAKE_SUBMIT : FAKE_MAKE_RESIDENT, 0, 1, -EIO);
      assert_ok(tide_batch_submit(batch, NULL, 0, &signal, 1, &fence));
      wait_over(m, fence, -EIO);
      assert_ok(tide_fence_wait(m->f->device, &signal, 1, 0));
      /* To be brought in anew. */
      assert_int_equal(m->f->fake->bos[tide_allocation_handle(m->a[0])].residency, 0);
      if (i == 1)
         first = fence;
      assert_int_equal(tide_context_error(m->context, first.point), i <= 64 ? -EIO : 0);
      tide_batch_destroy(batch);
   }
   struct tide_batch *batch = batch_of(m, 0, 1);

   assert_ok(tide_batch_submit(batch, NULL, 0, NULL, 0, &fence));
   wait_over(m, fence, 0);
   tide_batch_destroy(batch);
   m->f->fake->ops.syncobj_destroy(&m->f->fake->kmd, done);
}

/* What was submitted goes to the kernel, whatever is destroyed meanwhile. */
static void
destroyed_at_once(void **state)
{
   struct managed *m = *state;
   struct tide_context *context;
   struct tide_batch *batch;

   assert_ok(tide_context_create_managed(m->residency, &context));
   fake_forget(m->f->fake);
   for (unsigned int i = 0; i < 20; i++) {
      assert_ok(tide_batch_create(context, TIDE_BATCH_ENGINE, &batch));
      assert_ok(tide_batch_fill(batch, m->a[i % 3], 0, 4096, i));
      assert_ok(tide_batch_submit(batch, NULL, 0, NULL, 0, NULL));
      tide_batch_destroy(batch);
   }
   tide_context_destroy(context);
   assert_int_equal(m->f->fake->calls[FAKE_SUBMIT], 20);
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      MANAGED(required_and_executed),      MANAGED(caller_never_waits),
      MANAGED(offers_wait_for_the_thread), MANAGED(failures),
      MANAGED(destroyed_at_once),
   };

   return cmocka_run_group_tests_name("managed", tests, NULL, NULL);
}
