// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Values of a paging queue, whose page-ins find their allocation resident, or are
 * cancelled.
 */
#include <linux/file.h>

#include "tide_test_device.h"

#include "../tide_fence.h"
#include "../tide_paging.h"

struct tide_queue_fixture {
	struct tide_device *tdev;
	struct tide_client *client;
	struct tide_queue *queue;
	struct tide_bo *bo;
};

static void tide_queue_test_put_pin(void *pin)
{
	fput(pin);
}

static int tide_queue_test_init(struct kunit *test)
{
	struct tide_queue_fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, f);
	f->tdev = tide_test_device(test, 10, 10);
	f->client = tide_test_client(test, f->tdev, 0);
	f->client->pin = tide_fence_pin_create();
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, f->client->pin);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, tide_queue_test_put_pin,
							f->client->pin), 0);
	f->bo = tide_test_bo(test, &f->tdev->segments[0], 1);
	f->queue = tide_queue_create(f->tdev, DRM_TIDE_QUEUE_PRIORITY_NORMAL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, f->queue);
	test->priv = f;
	return 0;
}

static void tide_queue_test_exit(struct kunit *test)
{
	struct tide_queue_fixture *f = test->priv;

	tide_queue_destroy(f->queue);
	tide_paging_op_destroy(f->client->spare_op);
	KUNIT_EXPECT_EQ(test, kref_read(&f->bo->base.refcount), 1);
}

static u64 tide_test_push(struct kunit *test, bool work)
{
	struct tide_queue_fixture *f = test->priv;
	struct tide_paging_op *op = tide_paging_op_alloc(f->client, 1);

	KUNIT_ASSERT_NOT_NULL(test, op);
	f->bo->populated = !work;
	tide_paging_op_add(op, f->bo);
	/* When the worker comes to it, it is there. */
	f->bo->populated = 1;
	return tide_queue_push(f->queue, op);
}

static void tide_test_values(struct kunit *test)
{
	struct tide_queue_fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, tide_test_push(test, false), TIDE_QUEUE_FIRST_VALUE);
	for (u64 i = 1; i <= 100; i++) {
		KUNIT_EXPECT_EQ(test, tide_test_push(test, true), TIDE_QUEUE_FIRST_VALUE + i);
		/* Without work: one that is signalled */
		KUNIT_EXPECT_LE(test, tide_test_push(test, false), f->queue->last);
	}
	drain_workqueue(f->queue->wq);
	KUNIT_EXPECT_EQ(test, f->queue->completed, f->queue->last);
	KUNIT_EXPECT_EQ(test, tide_test_push(test, false), f->queue->last);
	KUNIT_EXPECT_TRUE(test, list_empty(&f->queue->failures));
}

/* A queue that was destroyed under a call */
static void tide_test_no_queue(struct kunit *test)
{
	struct tide_queue_fixture *f = test->priv;
	struct tide_paging_op *op = tide_paging_op_alloc(f->client, 1);

	KUNIT_ASSERT_NOT_NULL(test, op);
	tide_paging_op_add(op, f->bo);
	KUNIT_EXPECT_EQ(test, tide_queue_push(NULL, op), TIDE_QUEUE_FIRST_VALUE);
}

/* Each value is signalled, and the last 1,024 failures are remembered in their order. */
static void tide_test_failures(struct kunit *test)
{
	struct tide_queue_fixture *f = test->priv;
	struct tide_page_in_failure *failure;
	u64 last = 0;

	f->queue->tdev->drm.unplugged = true;
	for (int i = 0; i < 1100; i++)
		last = tide_test_push(test, true);
	drain_workqueue(f->queue->wq);

	KUNIT_EXPECT_EQ(test, f->queue->completed, last);
	KUNIT_EXPECT_EQ(test, f->queue->failure_count, 1024);
	last -= 1024;
	list_for_each_entry(failure, &f->queue->failures, link) {
		KUNIT_EXPECT_EQ(test, failure->value, ++last);
		KUNIT_EXPECT_EQ(test, failure->error, -ENODEV);
	}
	KUNIT_EXPECT_EQ(test, last, f->queue->last);
}

static struct kunit_case tide_queue_cases[] = {
	KUNIT_CASE(tide_test_values),
	KUNIT_CASE(tide_test_no_queue),
	KUNIT_CASE(tide_test_failures),
	{}
};

static struct kunit_suite tide_queue_suite = {
	.name = "tide_queue",
	.init = tide_queue_test_init,
	.exit = tide_queue_test_exit,
	.test_cases = tide_queue_cases,
};

kunit_test_suite(tide_queue_suite);
