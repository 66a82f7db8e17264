/* SPDX-License-Identifier: MIT */
/* G2, and that answers are exact. */

#include "fixture.h"

#define OK TIDE_RECLAIM_OK
#define DISCARDED TIDE_RECLAIM_DISCARDED
#define FAILED TIDE_RECLAIM_FAILED

static unsigned int
reclaims(struct fixture *f)
{
   return atomic_load(&f->fake->calls[FAKE_RECLAIM]);
}

static void
cancels_what_is_held_back(void **state)
{
   struct fixture *f = *state;
   struct tide_batch *batch = fixture_batch(f, 0, TIDE_BATCH_ENGINE);
   struct tide_allocation_info info;

   assert_ok(tide_batch_reference(batch, f->a[0], TIDE_READ));
   assert_ok(offer_one(f, 0, TIDE_PRIORITY_LOW));
   assert_int_equal(reclaim_one(f, 0), OK);
   assert_int_equal(reclaims(f), 0);
   assert_ok(tide_allocation_query(f->a[0], &info));
   assert_int_equal(info.flags, TIDE_ALLOCATION_RESIDENT);

   /* The same batch may go on, and nothing comes after it. */
   assert_ok(tide_batch_reference(batch, f->a[0], TIDE_WRITE));
   assert_ok(tide_batch_submit(batch, NULL, 0, NULL, 0, NULL));
   assert_int_equal(f->fake->calls[FAKE_OFFER], 0);
   tide_batch_destroy(batch);
}

static void
cancelled_and_offered_again(void **state)
{
   struct fixture *f = *state;
   struct tide_batch *batch = fixture_batch(f, 0, TIDE_BATCH_CPU);

   assert_ok(tide_batch_reference(batch, f->a[0], TIDE_READ));
   assert_ok(offer_one(f, 0, TIDE_PRIORITY_LOW));
   assert_int_equal(reclaim_one(f, 0), OK);
   assert_ok(offer_one(f, 0, TIDE_PRIORITY_HIGH));
   assert_ok(tide_batch_end(batch));
   assert_int_equal(f->fake->calls[FAKE_OFFER], 1);
   assert_int_equal(fake_priority(f->fake, f->handle[0]), TIDE_PRIORITY_HIGH);
   tide_batch_destroy(batch);
}

/* Held back, kept, discarded, never offered: one kernel call for all but the first. */
static void
mixed_list(void **state)
{
   struct fixture *f = *state;
   struct tide_batch *batch = fixture_batch(f, 0, TIDE_BATCH_CPU);
   struct tide_allocation *list[] = {f->a[3], f->a[0], f->a[1], f->a[2], f->a[4]};
   const enum tide_reclaim_result expected[] = {DISCARDED, OK, OK, DISCARDED, OK};
   enum tide_reclaim_result results[5];
   uint64_t value;

   assert_ok(tide_batch_reference(batch, f->a[0], TIDE_READ));
   assert_ok(tide_offer(f->device, f->a, 4, TIDE_PRIORITY_LOW, 0));
   assert_true(fake_discard(f->fake, f->handle[2]));
   assert_true(fake_discard(f->fake, f->handle[3]));

   assert_ok(tide_reclaim(f->device, f->queue, list, 5, results, &value));
   assert_memory_equal(results, expected, sizeof(expected));
   assert_int_equal(reclaims(f), 1);
   assert_int_equal(f->fake->events[f->fake->event_count - 1].count, 4);
   assert_int_equal(value, f->fake->queues[1].last);

   /* Told once. */
   assert_ok(tide_reclaim(f->device, f->queue, list, 5, results, &value));
   for (unsigned int i = 0; i < 5; i++)
      assert_int_equal(results[i], OK);
   assert_ok(tide_batch_end(batch));
   assert_int_equal(f->fake->calls[FAKE_OFFER], 1);
   tide_batch_destroy(batch);
}

/* Where there is nothing to wait for, the value is one that is over, also on a fresh queue. */
static void
value_of_nothing(void **state)
{
   struct fixture *f = *state;
   struct tide_batch *batch = fixture_batch(f, 0, TIDE_BATCH_CPU);
   struct tide_paging_queue *fresh;
   enum tide_reclaim_result result;
   uint64_t value = 77;

   f->fake->manual_paging = true;
   assert_ok(tide_paging_queue_create(f->device, &fresh));
   assert_ok(tide_batch_reference(batch, f->a[0], TIDE_READ));
   assert_ok(offer_one(f, 0, TIDE_PRIORITY_LOW));
   assert_ok(tide_reclaim(f->device, fresh, f->a, 1, &result, &value));
   assert_int_equal(reclaims(f), 0);
   assert_int_not_equal(value, 0);
   assert_ok(tide_paging_queue_wait(fresh, value, 0));
   assert_ok(tide_paging_queue_error(fresh, value));
   tide_paging_queue_destroy(fresh);
   tide_batch_destroy(batch);
}

static void
duplicates(void **state)
{
   struct fixture *f = *state;
   struct tide_batch *batch = fixture_batch(f, 0, TIDE_BATCH_CPU);
   struct tide_allocation *list[] = {f->a[0], f->a[1], f->a[0], f->a[1], f->a[0]};
   enum tide_reclaim_result results[5];
   uint64_t value;

   /* the first is discarded, the second held back */
   assert_ok(tide_batch_reference(batch, f->a[1], TIDE_READ));
   assert_ok(tide_offer(f->device, f->a, 2, TIDE_PRIORITY_LOW, 0));
   fake_discard(f->fake, f->handle[0]);
   assert_ok(tide_reclaim(f->device, f->queue, list, 5, results, &value));
   assert_int_equal(results[0], DISCARDED);
   for (unsigned int i = 1; i < 5; i++)
      assert_int_equal(results[i], OK);
   assert_int_equal(reclaims(f), 1);

   /* All turns were given back. */
   assert_ok(tide_offer(f->device, f->a, 2, TIDE_PRIORITY_LOW, 0));
   assert_ok(tide_batch_end(batch));
   assert_true(fake_offered(f->fake, f->handle[0]));
   assert_true(fake_offered(f->fake, f->handle[1]));
   tide_batch_destroy(batch);
}

static void
bad_input_is_no_answer(void **state)
{
   struct fixture *f = *state;
   struct tide_allocation *with_null[] = {f->a[0], NULL};
   enum tide_reclaim_result results[2];
   uint64_t value;

#define CHECK(call)                         \
   do {                                     \
      results[0] = results[1] = OK;         \
      value = 77;                           \
      assert_error(call, EINVAL);           \
      assert_int_equal(results[0], FAILED); \
      assert_int_equal(results[1], FAILED); \
      assert_int_equal(value, 0);           \
   } while (0)

   CHECK(tide_reclaim(NULL, f->queue, f->a, 2, results, &value));
   CHECK(tide_reclaim(f->device, NULL, f->a, 2, results, &value));
   CHECK(tide_reclaim(f->device, f->queue, NULL, 2, results, &value));
   CHECK(tide_reclaim(f->device, f->queue, with_null, 2, results, &value));
#undef CHECK
   assert_error(tide_reclaim(f->device, f->queue, f->a, 0, results, &value), EINVAL);
   assert_error(tide_reclaim(f->device, f->queue, f->a, 2, NULL, &value), EINVAL);
   assert_error(tide_reclaim(f->device, f->queue, f->a, 2, results, NULL), EINVAL);
   assert_int_equal(reclaims(f), 0);
}

/* Failing closed: no answer is 'intact' without the kernel's word, and nothing can be used. */
static void
kernel_error(void **state)
{
   struct fixture *f = *state;
   struct tide_batch *batch = fixture_batch(f, 0, TIDE_BATCH_CPU);
   struct tide_batch *user = fixture_batch(f, 1, TIDE_BATCH_CPU);
   enum tide_reclaim_result results[3] = {OK, OK, OK};
   uint64_t value = 0;

   assert_ok(tide_batch_reference(batch, f->a[1], TIDE_READ));
   assert_ok(tide_offer(f->device, f->a, 3, TIDE_PRIORITY_LOW, 0));
   fake_discard(f->fake, f->handle[2]);
   fake_fail(f->fake, FAKE_RECLAIM, 0, 1, -ENOMEM);
   assert_error(tide_reclaim(f->device, f->queue, f->a, 3, results, &value), ENOMEM);
   assert_int_equal(results[0], FAILED);
   assert_int_equal(results[1], OK); /* cancelled: that is known */
   assert_int_equal(results[2], FAILED);
   assert_ok(tide_paging_queue_wait(f->queue, value, 0));
   assert_error(tide_batch_reference(user, f->a[0], TIDE_READ), ENODATA);
   assert_ok(tide_batch_reference(user, f->a[1], TIDE_READ));
   assert_error(tide_batch_reference(user, f->a[2], TIDE_READ), ENODATA);

   assert_ok(tide_reclaim(f->device, f->queue, f->a, 3, results, &value));
   assert_int_equal(results[0], OK);
   assert_int_equal(results[1], OK);
   assert_int_equal(results[2], DISCARDED);
   assert_ok(tide_batch_reference(user, f->a[2], TIDE_READ));
   tide_batch_destroy(batch);
   tide_batch_destroy(user);
}

/* C9: reclaimed, but the answer was not delivered. */
static void
undelivered_answer(void **state)
{
   struct fixture *f = *state;
   struct tide_batch *user = fixture_batch(f, 0, TIDE_BATCH_CPU);
   enum tide_reclaim_result result = OK;
   uint64_t value = 0;

   assert_ok(offer_one(f, 0, TIDE_PRIORITY_LOW));
   fake_discard(f->fake, f->handle[0]);
   f->fake->late_error = -EFAULT;
   assert_error(tide_reclaim(f->device, f->queue, f->a, 1, &result, &value), EFAULT);
   f->fake->late_error = 0;
   assert_int_equal(result, FAILED);
   assert_int_equal(value, f->fake->queues[1].last);
   assert_error(tide_batch_reference(user, f->a[0], TIDE_READ), ENODATA);
   assert_int_equal(reclaim_one(f, 0), DISCARDED);
   assert_ok(tide_batch_reference(user, f->a[0], TIDE_READ));
   tide_batch_destroy(user);
}

/* An answer from the future is not taken for 'intact'. */
static void
unknown_answer(void **state)
{
   struct fixture *f = *state;
   struct tide_batch *user = fixture_batch(f, 0, TIDE_BATCH_CPU);
   enum tide_reclaim_result results[2] = {OK, OK};
   uint64_t value;

   assert_ok(tide_offer(f->device, f->a, 2, TIDE_PRIORITY_LOW, 0));
   f->fake->odd_handle = f->handle[0];
   f->fake->odd_answer = 77;
   assert_error(tide_reclaim(f->device, f->queue, f->a, 2, results, &value), EPROTO);
   assert_int_equal(results[0], FAILED);
   assert_int_equal(results[1], OK);
   assert_error(tide_batch_reference(user, f->a[0], TIDE_READ), ENODATA);
   assert_ok(tide_batch_reference(user, f->a[1], TIDE_READ));
   tide_batch_destroy(user);
}

/* Longer than the kernel takes at a time: split, and each answer in its place. */
static void
long_lists(void **state)
{
   enum { COUNT = 70000, MAX = 65536 };
   static const uint32_t maxima[] = {MAX, 7};
   struct tide_allocation **a = calloc(COUNT, sizeof(*a));
   enum tide_reclaim_result *results = calloc(COUNT, sizeof(*results));
   struct fake *fake = fake_create(COUNT);
   struct tide_device *device;
   struct tide_paging_queue *queue;
   struct tide_context *context;
   struct tide_batch *batch;
   uint64_t value;
   size_t done;

   (void)state;
   for (unsigned int m = 0; m < ARRAY_SIZE(maxima); m++) {
      fake->limits.max_handles = maxima[m];
      fake->closed = false;
      assert_ok(tide_device_create(&fake->kmd, &device));
      assert_ok(tide_paging_queue_create(device, &queue));
      assert_ok(tide_context_create(device, &context));
      assert_ok(tide_batch_create(context, TIDE_BATCH_CPU, &batch));
      for (unsigned int i = 0; i < COUNT; i++)
         assert_ok(tide_allocation_create(device, 1, 0, &a[i]));

      /* every third is held back, of the others every fifth is discarded */
      for (unsigned int i = 0; i < COUNT; i += 3)
         assert_ok(tide_batch_reference(batch, a[i], TIDE_READ));
      fake_forget(fake);
      assert_ok(tide_offer(device, a, COUNT, TIDE_PRIORITY_NORMAL, 0));
      for (unsigned int i = 0; i < COUNT; i++) {
         assert_int_equal(fake->bos[tide_allocation_handle(a[i])].offered, i % 3 != 0);
         if (i % 5 == 0)
            fake_discard(fake, tide_allocation_handle(a[i]));
      }

      memset(results, 0, COUNT * sizeof(*results));
      assert_ok(tide_reclaim(device, queue, a, COUNT, results, &value));
      for (unsigned int i = 0; i < COUNT; i++)
         assert_int_equal(results[i], i % 3 && i % 5 == 0 ? DISCARDED : OK);
      assert_int_equal(value, fake->queues[1].last);
      assert_int_equal(atomic_load(&fake->calls[FAKE_RECLAIM]),
                       (COUNT - (COUNT + 2) / 3 + maxima[m] - 1) / maxima[m]);

      /* all at the end of the batch, in as few calls as there can be */
      for (unsigned int i = 0; i < COUNT; i++)
         assert_ok(tide_batch_reference(batch, a[i], TIDE_READ));
      assert_ok(tide_offer(device, a, COUNT, TIDE_PRIORITY_NORMAL, 0));
      fake_forget(fake);
      assert_ok(tide_batch_end(batch));
      assert_int_equal(atomic_load(&fake->calls[FAKE_OFFER]), (COUNT + maxima[m] - 1) / maxima[m]);
      for (unsigned int i = 0; i < COUNT; i++) {
         assert_true(fake->bos[tide_allocation_handle(a[i])].offered);
         assert_int_equal(fake->bos[tide_allocation_handle(a[i])].age,
                          fake->bos[tide_allocation_handle(a[0])].age + i);
      }

      /* the second kernel call fails: what the first has answered is kept */
      fake_discard(fake, tide_allocation_handle(a[1]));
      fake_discard(fake, tide_allocation_handle(a[COUNT - 1]));
      fake_fail(fake, FAKE_RECLAIM, 1, 1, -ENOMEM);
      assert_error(tide_reclaim(device, queue, a, COUNT, results, &value), ENOMEM);
      for (unsigned int i = 0; i < COUNT; i++)
         assert_int_equal(results[i], i >= maxima[m] ? FAILED : i == 1 ? DISCARDED : OK);
      assert_int_equal(value, fake->queues[1].last);
      assert_ok(tide_reclaim(device, queue, a, COUNT, results, &value));
      for (unsigned int i = 0; i < COUNT; i++)
         assert_int_equal(results[i], i == COUNT - 1 ? DISCARDED : OK);

      /* the same for residency */
      assert_ok(tide_make_resident(device, queue, a, COUNT, &value, &done));
      assert_int_equal(done, COUNT);
      fake_fail(fake, FAKE_EVICT, 1, 1, -ENOMEM);
      assert_error(tide_evict(device, a, COUNT, &done), ENOMEM);
      assert_int_equal(done, maxima[m]);
      for (unsigned int i = 0; i < COUNT; i++)
         assert_int_equal(fake->bos[tide_allocation_handle(a[i])].residency, i >= maxima[m]);

      tide_batch_destroy(batch);
      tide_context_destroy(context);
      tide_paging_queue_destroy(queue);
      for (unsigned int i = 0; i < COUNT; i++)
         tide_allocation_unref(a[i]);
      tide_device_unref(device);
   }
   fake_destroy(fake);
   free(results);
   free(a);
}

/* What could not be committed again is good for nothing, and keeps nobody from offering others. */
static void
not_committed(void **state)
{
   struct fixture *f = *state;
   struct tide_batch *batch = fixture_batch(f, 0, TIDE_BATCH_CPU);
   struct tide_allocation_info info;

   assert_ok(tide_offer(f->device, f->a, 2, TIDE_PRIORITY_LOW, TIDE_OFFER_ALLOW_DECOMMIT));
   assert_int_equal(f->fake->bos[f->handle[0]].offer_flags, DRM_TIDE_OFFER_ALLOW_DECOMMIT);
   assert_ok(tide_offer(f->device, &f->a[1], 1, TIDE_PRIORITY_LOW, 0));
   assert_true(fake_discard(f->fake, f->handle[0]));
   assert_true(fake_discard(f->fake, f->handle[1]));
   f->fake->no_memory = true;
   assert_int_equal(reclaim_one(f, 0), TIDE_RECLAIM_NOT_COMMITTED);
   assert_int_equal(reclaim_one(f, 1), TIDE_RECLAIM_DISCARDED);
   f->fake->no_memory = false;
   assert_int_equal(reclaim_one(f, 0), TIDE_RECLAIM_NOT_COMMITTED);

   assert_error(tide_batch_reference(batch, f->a[0], TIDE_READ), ENODATA);
   assert_ok(tide_allocation_query(f->a[0], &info));
   assert_true(info.flags & TIDE_ALLOCATION_OFFERED);
   assert_ok(tide_offer(f->device, f->a, 3, TIDE_PRIORITY_HIGH, 0));
   assert_true(fake_offered(f->fake, f->handle[2]));
   assert_int_equal(fake_priority(f->fake, f->handle[1]), TIDE_PRIORITY_HIGH);
   assert_int_equal(reclaim_one(f, 1), TIDE_RECLAIM_OK);
   assert_int_equal(reclaim_one(f, 2), TIDE_RECLAIM_OK);
   tide_batch_destroy(batch);
}

/* The flag goes with an offer that is held back, and ages go before flags. */
static void
held_back_with_flags(void **state)
{
   struct fixture *f = *state;
   struct tide_batch *batch = fixture_batch(f, 0, TIDE_BATCH_CPU);

   for (unsigned int i = 0; i < 3; i++)
      assert_ok(tide_batch_reference(batch, f->a[i], TIDE_READ));
   for (unsigned int i = 0; i < 3; i++)
      assert_ok(tide_offer(f->device, &f->a[i], 1, TIDE_PRIORITY_LOW,
                           i == 1 ? TIDE_OFFER_ALLOW_DECOMMIT : 0));
   assert_ok(tide_batch_end(batch));
   for (unsigned int i = 0; i < 3; i++) {
      assert_true(fake_offered(f->fake, f->handle[i]));
      assert_int_equal(f->fake->bos[f->handle[i]].offer_flags, i == 1);
      assert_true(!i || fake_age(f->fake, f->handle[i - 1]) < fake_age(f->fake, f->handle[i]));
      assert_int_equal(reclaim_one(f, i), TIDE_RECLAIM_OK);
   }
   assert_error(tide_offer(f->device, f->a, 1, TIDE_PRIORITY_LOW, 2), EINVAL);
   tide_batch_destroy(batch);
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      TEST(not_committed),
      TEST(held_back_with_flags),
      TEST(cancels_what_is_held_back),
      TEST(cancelled_and_offered_again),
      TEST(mixed_list),
      TEST(value_of_nothing),
      TEST(duplicates),
      TEST(bad_input_is_no_answer),
      TEST(kernel_error),
      TEST(undelivered_answer),
      TEST(unknown_answer),
      cmocka_unit_test(long_lists),
   };

   return cmocka_run_group_tests_name("reclaim", tests, NULL, NULL);
}
