/* SPDX-License-Identifier: MIT */
/* G1: when offers go to the kernel. */

#include "fixture.h"

#define LOW TIDE_PRIORITY_LOW
#define NORMAL TIDE_PRIORITY_NORMAL
#define HIGH TIDE_PRIORITY_HIGH

static const enum tide_batch_kind kinds[] = {TIDE_BATCH_ENGINE, TIDE_BATCH_CPU};

static unsigned int
offers(struct fixture *f)
{
   return atomic_load(&f->fake->calls[FAKE_OFFER]);
}

static void
goes_at_once(void **state)
{
   struct fixture *f = *state;

   assert_ok(tide_offer(f->device, f->a, 3, HIGH, 0));
   assert_int_equal(offers(f), 1);
   for (unsigned int i = 0; i < 3; i++) {
      assert_true(fake_offered(f->fake, f->handle[i]));
      assert_int_equal(fake_priority(f->fake, f->handle[i]), HIGH);
   }
   assert_false(fake_offered(f->fake, f->handle[3]));
}

static void
bad_input_changes_nothing(void **state)
{
   struct fixture *f = *state;
   struct tide_allocation *with_null[] = {f->a[0], NULL};
   struct fake *other_fake = fake_create(4);
   struct tide_device *other;
   struct tide_allocation *with_other[] = {f->a[0], NULL};

   assert_ok(tide_device_create(&other_fake->kmd, &other));
   assert_ok(tide_allocation_create(other, 1, 0, &with_other[1]));

   assert_error(tide_offer(NULL, f->a, 1, LOW, 0), EINVAL);
   assert_error(tide_offer(f->device, NULL, 1, LOW, 0), EINVAL);
   assert_error(tide_offer(f->device, f->a, 0, LOW, 0), EINVAL);
   assert_error(tide_offer(f->device, f->a, 1, 0, 0), EINVAL);
   assert_error(tide_offer(f->device, f->a, 1, HIGH + 1, 0), EINVAL);
   assert_error(tide_offer(f->device, f->a, 1, LOW, 2), EINVAL);
   assert_error(tide_offer(f->device, with_null, 2, LOW, 0), EINVAL);
   assert_error(tide_offer(f->device, with_other, 2, LOW, 0), EINVAL);
   assert_int_equal(offers(f), 0);

   tide_allocation_unref(with_other[1]);
   tide_device_unref(other);
   fake_destroy(other_fake);
}

/* Held back while under construction, made right after, in every way that a batch can end. */
static void
goes_after_the_batch(void **state)
{
   struct fixture *f = *state;

   for (unsigned int k = 0; k < ARRAY_SIZE(kinds); k++) {
      for (unsigned int way = 0; way < 3; way++) {
         struct tide_batch *batch = fixture_batch(f, 0, kinds[k]);

         fake_forget(f->fake);
         assert_ok(tide_batch_reference(batch, f->a[0], TIDE_READ));
         assert_ok(tide_batch_reference(batch, f->a[1], TIDE_WRITE));
         assert_ok(offer_one(f, 0, NORMAL));
         assert_int_equal(offers(f), 0);

         if (way == 0)
            assert_ok(fixture_finish(batch));
         else if (way == 1)
            assert_ok(tide_batch_reset(batch));
         else
            tide_batch_destroy(batch);
         assert_int_equal(offers(f), 1);
         assert_true(fake_offered(f->fake, f->handle[0]));
         assert_int_equal(fake_priority(f->fake, f->handle[0]), NORMAL);
         assert_false(fake_offered(f->fake, f->handle[1]));
         assert_int_equal(reclaim_one(f, 0), TIDE_RECLAIM_OK);

         /* And no second time. */
         if (way != 2)
            tide_batch_destroy(batch);
         assert_int_equal(offers(f), 1);
      }
   }
}

static void
submit_comes_before_the_offer(void **state)
{
   struct fixture *f = *state;
   struct tide_batch *batch = fixture_batch(f, 0, TIDE_BATCH_ENGINE);

   assert_ok(tide_batch_reference(batch, f->a[0], TIDE_READ));
   assert_ok(offer_one(f, 0, LOW));
   assert_ok(tide_batch_submit(batch, NULL, 0, NULL, 0, NULL));
   assert_int_equal(f->fake->event_count, 2);
   assert_int_equal(f->fake->events[0].op, FAKE_SUBMIT);
   assert_int_equal(f->fake->events[1].op, FAKE_OFFER);
   tide_batch_destroy(batch);
}

/* The last of several batches counts, in whichever context, in any order of ends. */
static void
goes_after_the_last_batch(void **state)
{
   struct fixture *f = *state;
   static const uint8_t orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                       {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

   for (unsigned int o = 0; o < ARRAY_SIZE(orders); o++) {
      struct tide_batch *batches[] = {
         fixture_batch(f, 0, TIDE_BATCH_ENGINE),
         fixture_batch(f, 1, TIDE_BATCH_CPU),
         fixture_batch(f, 1, TIDE_BATCH_ENGINE),
      };

      fake_forget(f->fake);
      for (unsigned int i = 0; i < 3; i++)
         assert_ok(tide_batch_reference(batches[i], f->a[0], TIDE_READ));
      assert_ok(offer_one(f, 0, LOW));
      for (unsigned int i = 0; i < 3; i++) {
         assert_int_equal(offers(f), 0);
         assert_ok(fixture_finish(batches[orders[o][i]]));
      }
      assert_int_equal(offers(f), 1);
      assert_true(fake_offered(f->fake, f->handle[0]));
      assert_int_equal(reclaim_one(f, 0), TIDE_RECLAIM_OK);
      for (unsigned int i = 0; i < 3; i++)
         tide_batch_destroy(batches[i]);
   }
}

/* However often a batch names it, it counts once. */
static void
references_count_by_batch(void **state)
{
   struct fixture *f = *state;
   struct tide_batch *batch = fixture_batch(f, 0, TIDE_BATCH_ENGINE);

   for (unsigned int i = 0; i < 100; i++)
      assert_ok(tide_batch_reference(batch, f->a[i % 2], TIDE_READ));
   assert_ok(tide_batch_fill(batch, f->a[0], 0, 1, 0));
   assert_ok(offer_one(f, 0, LOW));
   assert_ok(tide_batch_submit(batch, NULL, 0, NULL, 0, NULL));
   assert_true(fake_offered(f->fake, f->handle[0]));
   tide_batch_destroy(batch);
}

static void
list_is_split_by_need(void **state)
{
   struct fixture *f = *state;
   struct tide_batch *batch = fixture_batch(f, 0, TIDE_BATCH_CPU);

   assert_ok(tide_batch_reference(batch, f->a[1], TIDE_READ));
   assert_ok(tide_batch_reference(batch, f->a[3], TIDE_READ));
   assert_ok(tide_offer(f->device, f->a, 5, LOW, 0));
   assert_int_equal(offers(f), 1);
   assert_int_equal(f->fake->events[0].count, 3);
   for (unsigned int i = 0; i < 5; i++)
      assert_int_equal(fake_offered(f->fake, f->handle[i]), i != 1 && i != 3);

   assert_ok(tide_batch_end(batch));
   assert_int_equal(offers(f), 2);
   assert_int_equal(f->fake->events[1].count, 2);
   for (unsigned int i = 0; i < 5; i++)
      assert_true(fake_offered(f->fake, f->handle[i]));
   tide_batch_destroy(batch);
}

/* A hold is a batch of its own: counted, of any thread, and made up for by as many releases. */
static void
goes_after_the_last_hold(void **state)
{
   struct fixture *f = *state;
   struct tide_batch *batch = fixture_batch(f, 0, TIDE_BATCH_CPU);

   assert_error(tide_allocation_hold(NULL), EINVAL);
   assert_false(tide_allocation_in_use(f->a[0]));
   for (unsigned int order = 0; order < 2; order++) {
      fake_forget(f->fake);
      assert_ok(tide_batch_reset(batch));
      assert_ok(tide_batch_reference(batch, f->a[0], TIDE_READ));
      assert_true(tide_allocation_in_use(f->a[0]));
      assert_ok(tide_allocation_hold(f->a[0]));
      assert_ok(tide_allocation_hold(f->a[0]));
      assert_ok(offer_one(f, 0, NORMAL));

      /* Who comes now reclaims it first; who was there goes on. */
      assert_error(tide_allocation_hold(f->a[0]), ENODATA);
      if (order)
         assert_ok(tide_batch_end(batch));
      tide_allocation_release(f->a[0]);
      assert_int_equal(offers(f), 0);
      assert_true(tide_allocation_in_use(f->a[0]));
      tide_allocation_release(f->a[0]);
      assert_int_equal(tide_allocation_in_use(f->a[0]), !order);
      if (!order) {
         assert_int_equal(offers(f), 0);
         assert_ok(tide_batch_end(batch));
      }
      assert_int_equal(offers(f), 1);
      assert_int_equal(fake_priority(f->fake, f->handle[0]), NORMAL);
      assert_false(tide_allocation_in_use(f->a[0]));

      /* The kernel has it: still refused, until it was reclaimed. */
      assert_error(tide_allocation_hold(f->a[0]), ENODATA);
      assert_int_equal(reclaim_one(f, 0), TIDE_RECLAIM_OK);
      assert_ok(tide_allocation_hold(f->a[0]));
      tide_allocation_release(f->a[0]);
      assert_int_equal(offers(f), 1);
   }
   tide_batch_destroy(batch);
}

/* What is held lives until it is released. */
static void
held_when_destroyed(void **state)
{
   struct fixture *f = *state;
   struct tide_allocation *a;

   assert_ok(tide_allocation_create(f->device, 1, 0, &a));
   assert_ok(tide_allocation_hold(a));
   assert_ok(tide_offer(f->device, &a, 1, LOW, 0));
   tide_allocation_unref(a);
   assert_int_equal(f->fake->calls[FAKE_BO_CLOSE], 0);
   tide_allocation_release(a);
   assert_int_equal(f->fake->calls[FAKE_BO_CLOSE], 1);
   assert_int_equal(offers(f), 0);
}

/* The last word counts, for priority and for age. */
static void
offered_again_while_held_back(void **state)
{
   struct fixture *f = *state;
   struct tide_batch *batch = fixture_batch(f, 0, TIDE_BATCH_CPU);

   for (unsigned int i = 0; i < 4; i++)
      assert_ok(tide_batch_reference(batch, f->a[i], TIDE_READ));
   assert_ok(offer_one(f, 2, NORMAL));
   assert_ok(offer_one(f, 1, NORMAL));
   assert_ok(offer_one(f, 0, LOW));
   assert_ok(offer_one(f, 3, HIGH));
   assert_ok(offer_one(f, 2, NORMAL));
   assert_ok(offer_one(f, 0, NORMAL));
   assert_int_equal(offers(f), 0);

   assert_ok(tide_batch_end(batch));
   /* One call a priority. */
   assert_int_equal(offers(f), 2);
   assert_int_equal(fake_priority(f->fake, f->handle[0]), NORMAL);
   assert_int_equal(fake_priority(f->fake, f->handle[3]), HIGH);
   assert_true(fake_age(f->fake, f->handle[1]) < fake_age(f->fake, f->handle[2]));
   assert_true(fake_age(f->fake, f->handle[2]) < fake_age(f->fake, f->handle[0]));
   tide_batch_destroy(batch);
}

static void
ages_survive_a_wrapping_clock(void **state)
{
   struct fixture *f = *state;
   struct tide_batch *batch = fixture_batch(f, 0, TIDE_BATCH_CPU);

   atomic_store(&f->device->offer_clock, UINT32_MAX - 1);
   for (unsigned int i = 0; i < 4; i++)
      assert_ok(tide_batch_reference(batch, f->a[3 - i], TIDE_READ));
   for (unsigned int i = 0; i < 4; i++)
      assert_ok(offer_one(f, i, LOW));
   assert_ok(tide_batch_end(batch));
   for (unsigned int i = 1; i < 4; i++)
      assert_true(fake_age(f->fake, f->handle[i - 1]) < fake_age(f->fake, f->handle[i]));
   tide_batch_destroy(batch);
}

static void
offered_again_in_the_kernel(void **state)
{
   struct fixture *f = *state;

   assert_ok(offer_one(f, 0, LOW));
   assert_ok(offer_one(f, 1, LOW));
   assert_ok(offer_one(f, 0, HIGH));
   assert_int_equal(offers(f), 3);
   assert_int_equal(fake_priority(f->fake, f->handle[0]), HIGH);
   assert_true(fake_age(f->fake, f->handle[1]) < fake_age(f->fake, f->handle[0]));
}

/* Named twice is offered twice: the kernel hears both. */
static void
duplicates(void **state)
{
   struct fixture *f = *state;
   struct tide_allocation *list[] = {f->a[0], f->a[1], f->a[0], f->a[0]};
   struct tide_batch *batch = fixture_batch(f, 0, TIDE_BATCH_CPU);

   assert_ok(tide_offer(f->device, list, 4, LOW, 0));
   assert_int_equal(offers(f), 1);
   assert_int_equal(f->fake->events[0].count, 4);
   assert_true(fake_age(f->fake, f->handle[1]) < fake_age(f->fake, f->handle[0]));
   assert_int_equal(reclaim_one(f, 0), TIDE_RECLAIM_OK);
   assert_int_equal(reclaim_one(f, 1), TIDE_RECLAIM_OK);

   fake_forget(f->fake);
   assert_ok(tide_batch_reference(batch, f->a[0], TIDE_READ));
   assert_ok(tide_offer(f->device, list, 4, LOW, 0));
   assert_int_equal(f->fake->events[0].count, 1);
   assert_ok(tide_batch_end(batch));
   assert_int_equal(offers(f), 2);
   assert_int_equal(f->fake->events[1].count, 1);
   tide_batch_destroy(batch);
}

static void
use_after_offer_is_refused(void **state)
{
   struct fixture *f = *state;
   struct tide_batch *batch = fixture_batch(f, 0, TIDE_BATCH_ENGINE);
   struct tide_batch *other = fixture_batch(f, 1, TIDE_BATCH_ENGINE);
   struct tide_allocation_info info;
   int fd;

   /* in the kernel */
   assert_ok(offer_one(f, 0, LOW));
   assert_error(tide_batch_reference(batch, f->a[0], TIDE_READ), ENODATA);
   assert_error(tide_batch_fill(batch, f->a[0], 0, 1, 0), ENODATA);
   assert_error(tide_batch_copy(batch, f->a[1], 0, f->a[0], 0, 1), ENODATA);
   assert_error(tide_batch_copy(batch, f->a[0], 0, f->a[1], 0, 1), ENODATA);
   assert_error(tide_allocation_export(f->a[0], &fd), EBUSY);
   assert_ok(tide_allocation_query(f->a[0], &info));
   assert_int_equal(info.flags, TIDE_ALLOCATION_OFFERED);
   /* nothing of the copies is left in the batch */
   assert_ok(offer_one(f, 1, LOW));
   assert_true(fake_offered(f->fake, f->handle[1]));

   /* held back: by the batch that has it, and by another */
   assert_ok(tide_batch_reference(batch, f->a[2], TIDE_READ));
   assert_ok(offer_one(f, 2, LOW));
   assert_false(fake_offered(f->fake, f->handle[2]));
   assert_error(tide_batch_reference(batch, f->a[2], TIDE_READ), ENODATA);
   assert_error(tide_batch_reference(other, f->a[2], TIDE_READ), ENODATA);
   assert_error(tide_allocation_export(f->a[2], &fd), EBUSY);
   assert_ok(tide_allocation_query(f->a[2], &info));
   assert_int_equal(info.flags,
                    TIDE_ALLOCATION_OFFERED | TIDE_ALLOCATION_DEFERRED | TIDE_ALLOCATION_RESIDENT);

   /* that refusal has not put it off */
   assert_ok(tide_batch_submit(batch, NULL, 0, NULL, 0, NULL));
   assert_true(fake_offered(f->fake, f->handle[2]));
   assert_int_equal(f->fake->calls[FAKE_BO_EXPORT], 0);

   /* usable again */
   assert_int_equal(reclaim_one(f, 2), TIDE_RECLAIM_OK);
   assert_ok(tide_batch_reference(other, f->a[2], TIDE_READ));
   tide_batch_destroy(batch);
   tide_batch_destroy(other);
}

static void
failed_submit_keeps_it_back(void **state)
{
   struct fixture *f = *state;
   struct tide_batch *batch = fixture_batch(f, 0, TIDE_BATCH_ENGINE);

   assert_ok(tide_batch_reference(batch, f->a[0], TIDE_READ));
   assert_ok(offer_one(f, 0, LOW));
   fake_fail(f->fake, FAKE_SUBMIT, 0, 1, -EIO);
   assert_error(tide_batch_submit(batch, NULL, 0, NULL, 0, NULL), EIO);
   assert_int_equal(offers(f), 0);
   assert_ok(tide_batch_submit(batch, NULL, 0, NULL, 0, NULL));
   assert_int_equal(offers(f), 1);
   tide_batch_destroy(batch);
}

/* The handle goes with the last reference, and the offer with the handle. */
static void
destroyed_while_held_back(void **state)
{
   struct fixture *f = *state;
   struct tide_batch *batch = fixture_batch(f, 0, TIDE_BATCH_CPU);

   assert_ok(tide_batch_reference(batch, f->a[0], TIDE_READ));
   assert_ok(tide_batch_reference(batch, f->a[1], TIDE_READ));
   assert_ok(tide_offer(f->device, f->a, 2, LOW, 0));
   tide_allocation_unref(f->a[0]);
   f->a[0] = NULL;
   assert_true(f->fake->bos[f->handle[0]].open);

   assert_ok(tide_batch_end(batch));
   assert_false(f->fake->bos[f->handle[0]].open);
   assert_int_equal(offers(f), 1);
   assert_int_equal(f->fake->events[f->fake->event_count - 1].first, f->handle[1]);
   tide_batch_destroy(batch);
}

static void
context_and_device_go_first(void **state)
{
   struct fixture *f = *state;
   struct tide_batch *batch = fixture_batch(f, 0, TIDE_BATCH_ENGINE);

   assert_ok(tide_batch_reference(batch, f->a[0], TIDE_READ));
   assert_ok(offer_one(f, 0, LOW));
   tide_context_destroy(f->contexts[0]);
   f->contexts[0] = NULL;
   tide_device_ref(f->device);
   tide_device_unref(f->device);
   assert_int_equal(offers(f), 0);
   tide_batch_destroy(batch);
   assert_int_equal(offers(f), 1);
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      TEST(goes_at_once),
      TEST(bad_input_changes_nothing),
      TEST(goes_after_the_batch),
      TEST(submit_comes_before_the_offer),
      TEST(goes_after_the_last_batch),
      TEST(references_count_by_batch),
      TEST(list_is_split_by_need),
      TEST(goes_after_the_last_hold),
      TEST(held_when_destroyed),
      TEST(offered_again_while_held_back),
      TEST(ages_survive_a_wrapping_clock),
      TEST(offered_again_in_the_kernel),
      TEST(duplicates),
      TEST(use_after_offer_is_refused),
      TEST(failed_submit_keeps_it_back),
      TEST(destroyed_while_held_back),
      TEST(context_and_device_go_first),
   };

   return cmocka_run_group_tests_name("offer", tests, NULL, NULL);
}
