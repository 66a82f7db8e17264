/* SPDX-License-Identifier: MIT */
/* The residency manager: what it requires, evicts, and when. */

#include "fixture.h"

#define PAGE 4096
#define COUNT 6

/* Allocations of a page each, in segment 1, whose budget is three of them. */
struct res {
   struct fake *fake;
   struct tide_device *device;
   struct tide_residency *residency;
   struct tide_residency_set *set;
   struct tide_allocation *a[COUNT];
   uint32_t handle[COUNT];
};

static int
setup(void **state)
{
   struct res *r = calloc(1, sizeof(*r));

   r->fake = fake_create(128);
   r->fake->limits.segment_count = 2;
   r->fake->budgets[1] = 3 * PAGE;
   r->fake->sizes[1] = 4 * PAGE;
   assert_ok(tide_device_create(&r->fake->kmd, &r->device));
   assert_ok(tide_residency_create(r->device, &r->residency));
   assert_ok(tide_residency_set_create(r->residency, &r->set));
   for (unsigned int i = 0; i < COUNT; i++) {
      assert_ok(tide_allocation_create(r->device, PAGE, 0, &r->a[i]));
      r->handle[i] = tide_allocation_handle(r->a[i]);
      r->fake->bos[r->handle[i]].segment = 1;
   }
   fake_forget(r->fake);
   *state = r;
   return 0;
}

static int
teardown(void **state)
{
   struct res *r = *state;

   tide_residency_set_destroy(r->set);
   for (unsigned int i = 1; i < COUNT; i++)
      tide_allocation_unref(r->a[i]);
   /* The manager evicts what is left, and the last allocation does not know it any more. */
   tide_residency_destroy(r->residency);
   if (r->a[0]) {
      assert_int_equal(r->fake->bos[r->handle[0]].residency, 0);
      tide_allocation_unref(r->a[0]);
   }
   tide_device_unref(r->device);
   assert_true(r->fake->closed);
   fake_destroy(r->fake);
   free(r);
   return 0;
}

#define RES(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* Those whose bits are set. */
static int
begin(struct res *r, uint32_t which)
{
   assert_ok(tide_residency_set_reset(r->set));
   for (unsigned int i = 0; i < COUNT; i++)
      if (which & 1u << i)
         assert_ok(tide_residency_set_add(r->set, r->a[i]));
   return tide_residency_set_begin(r->set, NULL);
}

static void
use(struct res *r, uint32_t which)
{
   assert_ok(begin(r, which));
   assert_ok(tide_residency_set_end(r->set));
}

static uint32_t
required(struct res *r)
{
   uint32_t which = 0;

   for (unsigned int i = 0; i < COUNT; i++) {
      assert_true(r->fake->bos[r->handle[i]].residency <= 1);
      which |= r->fake->bos[r->handle[i]].residency << i;
   }
   return which;
}

static unsigned int
calls(struct res *r, enum fake_op op)
{
   return atomic_load(&r->fake->calls[op]);
}

static void
used_again_costs_no_call(void **state)
{
   struct res *r = *state;

   use(r, 0);
   assert_int_equal(r->fake->event_count, 0);
   use(r, 7);
   assert_int_equal(calls(r, FAKE_MAKE_RESIDENT), 1);
   fake_forget(r->fake);
   use(r, 7);
   use(r, 2);
   assert_int_equal(r->fake->event_count, 0);
   assert_int_equal(required(r), 7);
   assert_int_equal(r->fake->required_flags, 0);
}

static void
least_recently_used_goes(void **state)
{
   struct res *r = *state;

   use(r, 1);
   use(r, 2);
   use(r, 4);
   use(r, 1);
   use(r, 8); /* 2 was used longest ago */
   assert_int_equal(required(r), 1 | 4 | 8);
   use(r, 2 | 16); /* then 4, 1 */
   assert_int_equal(required(r), 8 | 2 | 16);
   assert_int_equal(r->fake->required_flags, 0);
   /* Its content may stay where it is until the room is needed. */
   for (unsigned int i = 0; i < r->fake->event_count; i++)
      if (r->fake->events[i].op == FAKE_EVICT)
         assert_int_equal(r->fake->events[i].priority, DRM_TIDE_EVICT_ONLY_IF_NECESSARY);
}

/* Part of a list fits, and what it evicts for the rest is not of the list. */
static void
goes_on_after_trimming(void **state)
{
   struct res *r = *state;

   use(r, 1);
   use(r, 2);
   use(r, 1 | 4 | 8);
   assert_int_equal(required(r), 1 | 4 | 8);
   assert_int_equal(r->fake->required_flags, 0);
}

/* What is in use stays; then the segment's size counts, then nothing. */
static void
over_the_budget(void **state)
{
   struct res *r = *state;
   struct tide_residency_set *other;

   use(r, 32);
   assert_ok(begin(r, 1 | 2 | 4 | 8));
   assert_int_equal(required(r), 1 | 2 | 4 | 8);
   assert_int_equal(r->fake->required_flags, DRM_TIDE_MAKE_RESIDENT_CANT_TRIM);

   assert_ok(tide_residency_set_create(r->residency, &other));
   assert_ok(tide_residency_set_add(other, r->a[4]));
   assert_ok(tide_residency_set_begin(other, NULL));
   assert_int_equal(required(r), 1 | 2 | 4 | 8 | 16);
   assert_true(r->fake->required_flags & DRM_TIDE_MAKE_RESIDENT_MUST_SUCCEED);
   tide_residency_set_destroy(other);

   /* The budget holds again: 16 was used longer ago than what is no more in use now. */
   assert_ok(tide_residency_set_end(r->set));
   r->fake->required_flags = 0;
   use(r, 32);
   assert_int_equal(fake_usage(r->fake, 1), 3 * PAGE);
   assert_int_equal(required(r) & (16 | 32), 32);
   assert_int_equal(r->fake->required_flags, 0);
}

/* Evicting from another segment would be in vain. */
static void
by_segment(void **state)
{
   struct res *r = *state;

   r->fake->bos[r->handle[0]].segment = 0;
   use(r, 1);
   use(r, 2 | 4 | 8);
   use(r, 16);
   assert_int_equal(required(r), 1 | 4 | 8 | 16);
}

/* What is offered frees no budget, but is not to come in with its reclaim either. */
static void
offered_ones(void **state)
{
   struct res *r = *state;

   use(r, 1);
   use(r, 2);
   use(r, 4);
   assert_ok(tide_offer(r->device, r->a, 1, TIDE_PRIORITY_LOW, 0));
   use(r, 8); /* there is budget */
   assert_int_equal(required(r), 1 | 2 | 4 | 8);
   use(r, 16); /* 1 is the first in line, and not enough */
   assert_int_equal(required(r), 4 | 8 | 16);
}

static void
event_trims_to_the_budget(void **state)
{
   struct res *r = *state;

   use(r, 1);
   use(r, 2);
   use(r, 4);
   /* An event that is past. */
   fake_send_trim(r->fake, 1, 2 * PAGE);
   assert_ok(tide_device_dispatch(r->device));
   assert_int_equal(required(r), 7);

   r->fake->budgets[1] = PAGE;
   fake_send_trim(r->fake, 1, 1);
   assert_ok(tide_device_dispatch(r->device));
   assert_int_equal(required(r), 4);

   /* What is in use stays, and other segments do. */
   r->fake->budgets[1] = 0;
   r->fake->budgets[0] = 0;
   assert_ok(begin(r, 8));
   fake_send_trim(r->fake, 0, PAGE);
   assert_ok(tide_device_dispatch(r->device));
   fake_send_trim(r->fake, 1, PAGE);
   assert_ok(tide_device_dispatch(r->device));
   assert_int_equal(required(r), 8);
   /* A request is about caches, and this is none. */
   assert_ok(tide_residency_set_end(r->set));
   assert_ok(tide_device_trim(r->device));
   assert_int_equal(required(r), 8);
}

/* After an error nothing has changed, whatever part of the list had been taken. */
static void
errors(void **state)
{
   static const int errors[] = {ENOMEM, ENODEV, EOVERFLOW};
   struct res *r = *state;
   struct tide_residency *other;
   struct tide_residency_set *set;
   struct tide_fence fence;

   use(r, 1);
   for (unsigned int e = 0; e < ARRAY_SIZE(errors); e++) {
      fake_fail(r->fake, FAKE_MAKE_RESIDENT, 0, 1, -errors[e]);
      assert_error(begin(r, 1 | 2 | 4), errors[e]);
      assert_int_equal(required(r) & (2 | 4), 0);
      assert_true(required(r) & 1);
      /* in its second portion, when room was made for it */
      use(r, 8 | 16);
      fake_fail(r->fake, FAKE_MAKE_RESIDENT, 1, 1, -errors[e]);
      assert_error(begin(r, 2 | 4), errors[e]);
      assert_int_equal(required(r) & (2 | 4), 0);
      use(r, 1);
   }
   fake_fail(r->fake, FAKE_BO_INFO, 0, 1, -EIO);
   assert_error(begin(r, 1 | 32), EIO);
   assert_int_equal(required(r) & 32, 0);

   /* Of one manager at a time. */
   assert_ok(tide_residency_create(r->device, &other));
   assert_ok(tide_residency_set_create(other, &set));
   assert_ok(tide_residency_set_add(set, r->a[0]));
   assert_error(tide_residency_set_begin(set, NULL), EBUSY);
   use(r, 2 | 4 | 8);
   assert_ok(tide_residency_set_begin(set, NULL));
   assert_error(begin(r, 1 | 2), EBUSY);
   tide_residency_set_destroy(set);
   tide_residency_destroy(other);
   use(r, 1);

   assert_error(tide_residency_set_end(r->set), EALREADY);
   assert_ok(tide_residency_set_begin(r->set, &fence));
   assert_ok(tide_fence_wait(r->device, &fence, 1, 0));
   assert_error(tide_residency_set_begin(r->set, NULL), EBUSY);
   assert_error(tide_residency_set_add(r->set, r->a[1]), EBUSY);
   assert_error(tide_residency_set_add(r->set, NULL), EINVAL);
   assert_error(tide_residency_set_begin(NULL, NULL), EINVAL);
   assert_error(tide_residency_set_end(NULL), EINVAL);
   assert_error(tide_residency_set_reset(NULL), EINVAL);
   assert_error(tide_residency_set_create(NULL, &set), EINVAL);
   assert_error(tide_residency_create(NULL, &other), EINVAL);
   assert_error(tide_residency_create(r->device, NULL), EINVAL);
   tide_residency_set_destroy(NULL);
   tide_residency_destroy(NULL);
}

/* Named twice is used twice; gone is forgotten; what page-ins there are, the fence covers. */
static void
sets(void **state)
{
   struct res *r = *state;
   struct tide_fence fence;

   r->fake->manual_paging = true;
   assert_ok(tide_residency_set_add(r->set, r->a[0]));
   assert_ok(tide_residency_set_add(r->set, r->a[0]));
   assert_ok(tide_residency_set_begin(r->set, &fence));
   assert_int_equal(required(r), 1);
   assert_error(tide_fence_wait(r->device, &fence, 1, 0), ETIME);
   fake_complete(r->fake, 1, fence.point);
   assert_ok(tide_fence_wait(r->device, &fence, 1, 0));
   r->fake->manual_paging = false;
   assert_ok(tide_residency_set_end(r->set));
   use(r, 2);
   use(r, 1 | 4);
   assert_int_equal(required(r), 7);

   tide_residency_set_reset(r->set);
   tide_allocation_unref(r->a[0]);
   r->a[0] = NULL;
   assert_false(r->fake->bos[r->handle[0]].open);
   r->fake->bos[r->handle[0]].residency = 0;
   r->handle[0] = r->handle[1];
   use(r, 8 | 16);
   assert_int_equal(fake_usage(r->fake, 1), 3 * PAGE);
}

/* One that the kernel refuses to evict does not keep back the others. */
static void
refused_eviction(void **state)
{
   struct res *r = *state;

   use(r, 7);
   fake_fail(r->fake, FAKE_EVICT, 0, 1, -EIO);
   use(r, 8 | 16);
   assert_int_equal(required(r), 4 | 8 | 16);
}

/* More than one call evicts. */
static void
many_leave_at_once(void **state)
{
   struct res *r = *state;
   struct tide_allocation *many[70];

   r->fake->budgets[1] = r->fake->sizes[1] = ARRAY_SIZE(many) * PAGE;
   for (unsigned int i = 0; i < ARRAY_SIZE(many); i++) {
      assert_ok(tide_allocation_create(r->device, PAGE, 0, &many[i]));
      r->fake->bos[tide_allocation_handle(many[i])].segment = 1;
      assert_ok(tide_residency_set_add(r->set, many[i]));
   }
   assert_ok(tide_residency_set_begin(r->set, NULL));
   assert_ok(tide_residency_set_end(r->set));
   assert_int_equal(fake_usage(r->fake, 1), ARRAY_SIZE(many) * PAGE);

   r->fake->budgets[1] = PAGE;
   fake_forget(r->fake);
   use(r, 1);
   assert_int_equal(fake_usage(r->fake, 1), PAGE);
   assert_int_equal(required(r), 1);
   assert_int_equal(calls(r, FAKE_EVICT), 2);
   for (unsigned int i = 0; i < ARRAY_SIZE(many); i++)
      tide_allocation_unref(many[i]);
}

/* What an earlier call was granted is given back. */
static void
fails_half_way(void **state)
{
   struct res *r = *state;

   r->device->limits.max_handles = 2;
   fake_fail(r->fake, FAKE_MAKE_RESIDENT, 1, 1, -EIO);
   assert_error(begin(r, 7), EIO);
   assert_int_equal(calls(r, FAKE_MAKE_RESIDENT), 2);
   assert_int_equal(required(r), 0);
   use(r, 7);
   assert_int_equal(required(r), 7);
}

/* The kernel may refuse what has to succeed. */
static void
refused_even_then(void **state)
{
   struct res *r = *state;

   fake_fail(r->fake, FAKE_MAKE_RESIDENT, 0, 3, -ENOSPC);
   assert_error(begin(r, 1), ENOSPC);
   assert_int_equal(calls(r, FAKE_MAKE_RESIDENT), 3);
   assert_int_equal(required(r), 0);
   use(r, 1);
   assert_int_equal(required(r), 1);
}

static void
budgets(void **state)
{
   struct res *r = *state;
   struct tide_budget budget;

   use(r, 3);
   assert_ok(tide_device_reserve(r->device, 1, PAGE));
   assert_ok(tide_device_budget(r->device, 1, &budget));
   assert_int_equal(budget.budget, 3 * PAGE);
   assert_int_equal(budget.usage, 2 * PAGE);
   assert_int_equal(budget.reservation, PAGE);
   assert_int_equal(budget.available, 2 * PAGE);
   assert_error(tide_device_reserve(r->device, 1, 3 * PAGE), ENOSPC);
   assert_error(tide_device_reserve(r->device, 2, 0), EINVAL);
   assert_error(tide_device_reserve(NULL, 0, 0), EINVAL);
   assert_error(tide_device_budget(r->device, 2, &budget), EINVAL);
   assert_error(tide_device_budget(r->device, 1, NULL), EINVAL);
   assert_error(tide_device_budget(NULL, 1, &budget), EINVAL);
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      RES(used_again_costs_no_call),
      RES(least_recently_used_goes),
      RES(goes_on_after_trimming),
      RES(over_the_budget),
      RES(by_segment),
      RES(offered_ones),
      RES(event_trims_to_the_budget),
      RES(errors),
      RES(sets),
      RES(refused_eviction),
      RES(many_leave_at_once),
      RES(fails_half_way),
      RES(refused_even_then),
      RES(budgets),
   };

   return cmocka_run_group_tests_name("residency", tests, NULL, NULL);
}
