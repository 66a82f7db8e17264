/* SPDX-License-Identifier: MIT */
/* Offers that the kernel does not take. */

#include "fixture.h"

#define LOW TIDE_PRIORITY_LOW
#define NORMAL TIDE_PRIORITY_NORMAL
#define HIGH TIDE_PRIORITY_HIGH

static unsigned int
offers(struct fixture *f)
{
   return atomic_load(&f->fake->calls[FAKE_OFFER]);
}

static void
kernel_error_at_once(void **state)
{
   struct fixture *f = *state;
   struct tide_batch *batch = fixture_batch(f, 0, TIDE_BATCH_CPU);

   fake_fail(f->fake, FAKE_OFFER, 0, 1, -ENOMEM);
   assert_error(tide_offer(f->device, f->a, 2, LOW, 0), ENOMEM);
   /* As before: they can be used, and nobody tries again. */
   assert_ok(tide_batch_reference(batch, f->a[0], TIDE_READ));
   assert_ok(tide_batch_end(batch));
   assert_int_equal(offers(f), 1);
   assert_false(fake_offered(f->fake, f->handle[0]));
   assert_ok(tide_offer(f->device, f->a, 2, LOW, 0));
   assert_true(fake_offered(f->fake, f->handle[0]));

   /* One that was offered before stays so. */
   fake_fail(f->fake, FAKE_OFFER, 0, 1, -ENOMEM);
   assert_error(offer_one(f, 0, HIGH), ENOMEM);
   assert_int_equal(fake_priority(f->fake, f->handle[0]), LOW);
   tide_batch_reset(batch);
   assert_error(tide_batch_reference(batch, f->a[0], TIDE_READ), ENODATA);
   tide_batch_destroy(batch);
}

/* One bad offer among those held back does not keep back the others. */
static void
kernel_error_later(void **state)
{
   struct fixture *f = *state;
   struct tide_batch *batch = fixture_batch(f, 0, TIDE_BATCH_CPU);

   for (unsigned int i = 0; i < 3; i++)
      assert_ok(tide_batch_reference(batch, f->a[i], TIDE_READ));
   assert_ok(tide_offer(f->device, f->a, 3, NORMAL, 0));
   /* the list fails, and then they come one by one */
   fake_fail(f->fake, FAKE_OFFER, 0, 1, -ENOMEM);
   assert_ok(tide_batch_end(batch));
   for (unsigned int i = 0; i < 3; i++)
      assert_true(fake_offered(f->fake, f->handle[i]));
   assert_int_equal(offers(f), 4);
   for (unsigned int i = 0; i < 3; i++)
      assert_int_equal(reclaim_one(f, i), TIDE_RECLAIM_OK);

   assert_ok(tide_batch_reset(batch));
   for (unsigned int i = 0; i < 3; i++)
      assert_ok(tide_batch_reference(batch, f->a[i], TIDE_READ));
   assert_ok(tide_offer(f->device, f->a, 3, NORMAL, 0));
   fake_fail(f->fake, FAKE_OFFER, 0, 4, -ENOMEM);
   fake_forget(f->fake);
   assert_ok(tide_batch_end(batch));
   assert_int_equal(offers(f), 4);
   tide_batch_destroy(batch);
}

/* What the kernel did not take is offered all the same to the caller, and comes with the next. */
static void
kernel_error_later_is_tried_again(void **state)
{
   struct fixture *f = *state;
   struct tide_batch *batch = fixture_batch(f, 0, TIDE_BATCH_CPU);
   struct tide_allocation_info info;

   for (unsigned int i = 0; i < 4; i++)
      assert_ok(tide_batch_reference(batch, f->a[i], TIDE_READ));
   assert_ok(tide_offer(f->device, f->a, 4, NORMAL, 0));
   fake_fail(f->fake, FAKE_OFFER, 0, 100, -ENOMEM);
   assert_ok(tide_batch_end(batch));
   assert_ok(tide_batch_reset(batch));
   assert_error(tide_batch_reference(batch, f->a[0], TIDE_READ), ENODATA);
   assert_ok(tide_allocation_query(f->a[0], &info));
   assert_true(info.flags & TIDE_ALLOCATION_DEFERRED);

   /* Still no memory: tried once each, and the caller's own error told. */
   fake_forget(f->fake);
   assert_error(offer_one(f, 7, LOW), ENOMEM);
   assert_int_equal(offers(f), 5);

   /* Reclaimed meanwhile, offered again meanwhile, gone meanwhile. */
   assert_int_equal(reclaim_one(f, 0), TIDE_RECLAIM_OK);
   assert_int_equal(atomic_load(&f->fake->calls[FAKE_RECLAIM]), 0);
   assert_error(offer_one(f, 1, HIGH), ENOMEM);
   tide_allocation_unref(f->a[2]);
   f->a[2] = NULL;
   assert_false(f->fake->bos[f->handle[2]].open);

   /* The end of any batch will do. */
   fake_fail(f->fake, FAKE_OFFER, 0, 0, 0);
   assert_ok(tide_batch_reference(batch, f->a[6], TIDE_READ));
   assert_ok(tide_batch_end(batch));
   assert_false(fake_offered(f->fake, f->handle[0]));
   assert_true(fake_offered(f->fake, f->handle[1]));
   assert_int_equal(fake_priority(f->fake, f->handle[1]), NORMAL);
   assert_true(fake_offered(f->fake, f->handle[3]));

   /* And then it is done. */
   fake_forget(f->fake);
   assert_ok(offer_one(f, 7, LOW));
   assert_int_equal(offers(f), 1);
   assert_int_equal(reclaim_one(f, 3), TIDE_RECLAIM_OK);
   assert_int_equal(atomic_load(&f->fake->calls[FAKE_RECLAIM]), 1);
   tide_batch_destroy(batch);
}

/* An unsent offer that is made anew with success is the new one. */
static void
unsent_and_offered_again(void **state)
{
   struct fixture *f = *state;
   struct tide_batch *batch = fixture_batch(f, 0, TIDE_BATCH_CPU);

   assert_ok(tide_batch_reference(batch, f->a[0], TIDE_READ));
   assert_ok(offer_one(f, 0, LOW));
   fake_fail(f->fake, FAKE_OFFER, 0, 2, -ENOMEM);
   assert_ok(tide_batch_end(batch));
   /* the second failure is that of trying again */
   assert_ok(offer_one(f, 0, HIGH));
   assert_int_equal(fake_priority(f->fake, f->handle[0]), HIGH);
   fake_forget(f->fake);
   assert_ok(offer_one(f, 1, LOW));
   assert_int_equal(offers(f), 1);
   assert_int_equal(fake_priority(f->fake, f->handle[0]), HIGH);
   tide_batch_destroy(batch);
}

/* Nobody is left to take it: told to nobody, not tried again, and harmless. */
static void
device_is_gone(void **state)
{
   struct fixture *f = *state;
   struct tide_batch *batch = fixture_batch(f, 0, TIDE_BATCH_CPU);

   for (unsigned int i = 0; i < 3; i++)
      assert_ok(tide_batch_reference(batch, f->a[i], TIDE_READ));
   assert_ok(tide_offer(f->device, f->a, 3, NORMAL, 0));
   fake_fail(f->fake, FAKE_OFFER, 0, 100, -ENODEV);
   assert_ok(tide_batch_end(batch));
   assert_int_equal(offers(f), 1);
   assert_ok(tide_batch_reset(batch));
   assert_error(tide_batch_reference(batch, f->a[0], TIDE_READ), ENODATA);
   assert_int_equal(offers(f), 1);
   assert_error(offer_one(f, 5, LOW), ENODEV);
   assert_int_equal(offers(f), 2);
   tide_batch_destroy(batch);
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      TEST(kernel_error_at_once),
      TEST(kernel_error_later),
      TEST(kernel_error_later_is_tried_again),
      TEST(unsent_and_offered_again),
      TEST(device_is_gone),
   };

   return cmocka_run_group_tests_name("unsent", tests, NULL, NULL);
}
