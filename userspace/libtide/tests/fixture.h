/* SPDX-License-Identifier: MIT */
#ifndef TIDE_TEST_FIXTURE_H
#define TIDE_TEST_FIXTURE_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_kmd.h"
#include "internal.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define assert_ok(call) assert_int_equal(call, 0)
#define assert_error(call, error) assert_int_equal(call, -(error))

#define ALLOCATIONS 8

/* What most tests begin with: a few allocations, resident, and two contexts. */
struct fixture {
   struct fake *fake;
   struct tide_device *device;
   struct tide_paging_queue *queue;
   struct tide_context *contexts[2];
   struct tide_allocation *a[ALLOCATIONS];
   uint32_t handle[ALLOCATIONS];
};

/* For cmocka_unit_test_setup_teardown(). */
int
fixture_setup(void **state);
int
fixture_teardown(void **state);

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

/* What a batch is like in the tests that hold for both kinds. */
struct tide_batch *
fixture_batch(struct fixture *f, unsigned int context, enum tide_batch_kind kind);
/* Submits or ends, whichever it takes. */
int
fixture_finish(struct tide_batch *batch);

/* Offers and reclaims one. */
int
offer_one(struct fixture *f, unsigned int index, enum tide_priority priority);
enum tide_reclaim_result
reclaim_one(struct fixture *f, unsigned int index);

#endif /* TIDE_TEST_FIXTURE_H */
