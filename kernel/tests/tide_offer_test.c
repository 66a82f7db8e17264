// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The states of an offer, and the order of the lists.
 */
#include "tide_test_device.h"

#include "../tide_offer.h"

/* An allocation and the two clients that may have it */
struct tide_offer_fixture {
	struct tide_device *tdev;
	struct tide_client *clients[2];
	struct tide_bo *bo;
	struct tide_bo_client *bc;
};

static int tide_offer_test_init(struct kunit *test)
{
	struct tide_offer_fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, f);
	f->tdev = tide_test_device(test, 100, 100);
	for (int i = 0; i < ARRAY_SIZE(f->clients); i++)
		f->clients[i] = tide_test_client(test, f->tdev, i);
	f->bo = tide_test_bo(test, &f->tdev->segments[0], 3);
	f->bc = tide_test_open(test, f->bo, f->clients[0]);
	test->priv = f;
	return 0;
}

static void tide_test_offer(struct tide_bo *bo, struct tide_client *client, u32 priority)
{
	tide_offer_one(bo, client, priority, false);
}

static u32 tide_test_reclaim(struct tide_bo *bo, struct tide_client *client)
{
	struct tide_reclaim_call call = { .client = client };

	guard(spinlock)(&bo->lock);
	return tide_reclaim_one_locked(&call, bo);
}

static unsigned long tide_test_offered(struct tide_device *tdev, u32 priority)
{
	return list_lru_count(&tdev->offered[priority - 1]);
}

/* As a discard does, but for the pages */
static void tide_test_discard(struct tide_bo *bo)
{
	guard(spinlock)(&bo->lock);
	list_lru_del_obj(&to_tide_device(bo->base.dev)->offered[bo->priority - 1],
			 &bo->offered_link);
	bo->state = TIDE_BO_DISCARDED;
	bo->discards++;
}

static void tide_test_kept(struct kunit *test)
{
	struct tide_offer_fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, tide_test_reclaim(f->bo, f->clients[0]), DRM_TIDE_RECLAIM_OK);
	tide_test_offer(f->bo, f->clients[0], DRM_TIDE_PRIORITY_HIGH);
	KUNIT_EXPECT_EQ(test, f->bo->state, TIDE_BO_OFFERED);
	KUNIT_EXPECT_EQ(test, f->bc->offered, DRM_TIDE_PRIORITY_HIGH);
	KUNIT_EXPECT_EQ(test, tide_test_offered(f->tdev, DRM_TIDE_PRIORITY_HIGH), 1);

	KUNIT_EXPECT_EQ(test, tide_test_reclaim(f->bo, f->clients[0]), DRM_TIDE_RECLAIM_OK);
	KUNIT_EXPECT_EQ(test, f->bo->state, TIDE_BO_KEPT);
	KUNIT_EXPECT_EQ(test, f->bc->offered, 0);
	KUNIT_EXPECT_EQ(test, tide_test_offered(f->tdev, DRM_TIDE_PRIORITY_HIGH), 0);
}

static void tide_test_discarded(struct kunit *test)
{
	struct tide_offer_fixture *f = test->priv;

	tide_test_offer(f->bo, f->clients[0], DRM_TIDE_PRIORITY_LOW);
	tide_test_discard(f->bo);
	/* Offered again it stays discarded, and is on no list. */
	tide_test_offer(f->bo, f->clients[0], DRM_TIDE_PRIORITY_HIGH);
	KUNIT_EXPECT_EQ(test, f->bo->state, TIDE_BO_DISCARDED);
	KUNIT_EXPECT_EQ(test, tide_test_offered(f->tdev, DRM_TIDE_PRIORITY_HIGH), 0);

	KUNIT_EXPECT_EQ(test, tide_test_reclaim(f->bo, f->clients[0]),
			DRM_TIDE_RECLAIM_DISCARDED);
	KUNIT_EXPECT_EQ(test, f->bo->state, TIDE_BO_KEPT);
	KUNIT_EXPECT_EQ(test, tide_test_reclaim(f->bo, f->clients[0]), DRM_TIDE_RECLAIM_OK);
}

/* An answer that was not delivered is given again, also when the content is discarded again. */
static void tide_test_untold(struct kunit *test)
{
	struct tide_offer_fixture *f = test->priv;

	for (int round = 0; round < 2; round++) {
		tide_test_offer(f->bo, f->clients[0], DRM_TIDE_PRIORITY_LOW);
		tide_test_discard(f->bo);
		KUNIT_EXPECT_EQ(test, tide_test_reclaim(f->bo, f->clients[0]),
				DRM_TIDE_RECLAIM_DISCARDED);
		f->bc->discards_told = f->bo->discards - 1;
	}
	KUNIT_EXPECT_EQ(test, tide_test_reclaim(f->bo, f->clients[0]),
			DRM_TIDE_RECLAIM_DISCARDED);
	KUNIT_EXPECT_EQ(test, tide_test_reclaim(f->bo, f->clients[0]), DRM_TIDE_RECLAIM_OK);
}

static void tide_test_exported(struct kunit *test)
{
	struct tide_offer_fixture *f = test->priv;
	struct tide_bo_client *other = tide_test_open(test, f->bo, f->clients[1]);

	f->bo->exported = true;
	tide_test_offer(f->bo, f->clients[0], DRM_TIDE_PRIORITY_LOW);
	KUNIT_EXPECT_EQ(test, f->bo->state, TIDE_BO_KEPT);
	KUNIT_EXPECT_EQ(test, f->bc->offered, DRM_TIDE_PRIORITY_LOW);
	KUNIT_EXPECT_EQ(test, other->offered, 0);
	KUNIT_EXPECT_EQ(test, tide_test_offered(f->tdev, DRM_TIDE_PRIORITY_LOW), 0);

	KUNIT_EXPECT_EQ(test, tide_test_reclaim(f->bo, f->clients[1]), DRM_TIDE_RECLAIM_OK);
	KUNIT_EXPECT_EQ(test, f->bc->offered, DRM_TIDE_PRIORITY_LOW);
	KUNIT_EXPECT_EQ(test, tide_test_reclaim(f->bo, f->clients[0]), DRM_TIDE_RECLAIM_OK);
	KUNIT_EXPECT_EQ(test, f->bc->offered, 0);
}

static void tide_test_lost(struct kunit *test)
{
	struct tide_offer_fixture *f = test->priv;

	f->bo->state = TIDE_BO_LOST;
	tide_test_offer(f->bo, f->clients[0], DRM_TIDE_PRIORITY_LOW);
	KUNIT_EXPECT_EQ(test, f->bo->state, TIDE_BO_LOST);
	for (int i = 0; i < 2; i++)
		KUNIT_EXPECT_EQ(test, tide_test_reclaim(f->bo, f->clients[0]),
				DRM_TIDE_RECLAIM_NOT_COMMITTED);
}

static void tide_test_stranger(struct kunit *test)
{
	struct tide_offer_fixture *f = test->priv;

	tide_test_offer(f->bo, f->clients[1], DRM_TIDE_PRIORITY_LOW);
	KUNIT_EXPECT_EQ(test, f->bo->state, TIDE_BO_KEPT);
}

/* What is offered is no part of the usage. */
static void tide_test_usage(struct kunit *test)
{
	struct tide_offer_fixture *f = test->priv;
	atomic64_t *usage = &f->clients[0]->shares[0].usage;

	f->bc->residency = 1;
	/* Then there is nothing to bring in. */
	f->bo->populated = 3;
	atomic64_set(usage, f->bo->base.size);
	tide_test_offer(f->bo, f->clients[0], DRM_TIDE_PRIORITY_LOW);
	KUNIT_EXPECT_EQ(test, atomic64_read(usage), 0);
	tide_test_offer(f->bo, f->clients[0], DRM_TIDE_PRIORITY_HIGH);
	KUNIT_EXPECT_EQ(test, atomic64_read(usage), 0);
	tide_test_reclaim(f->bo, f->clients[0]);
	KUNIT_EXPECT_EQ(test, atomic64_read(usage), f->bo->base.size);
}

#define TIDE_TEST_ORDER	6

struct tide_test_order {
	struct tide_bo *bos[TIDE_TEST_ORDER];
	u32 count;
};

static enum lru_status tide_test_note(struct list_head *item, struct list_lru_one *lru,
				      spinlock_t *lock, void *arg)
{
	struct tide_test_order *order = arg;

	order->bos[order->count++] = container_of(item, struct tide_bo, offered_link);
	return LRU_SKIP;
}

static void tide_test_order(struct kunit *test)
{
	/* By index of the allocation: what it is offered with, in this order */
	static const struct {
		u32 bo, priority;
	} offers[] = {
		{ 0, DRM_TIDE_PRIORITY_HIGH }, { 1, DRM_TIDE_PRIORITY_LOW },
		{ 2, DRM_TIDE_PRIORITY_NORMAL }, { 3, DRM_TIDE_PRIORITY_LOW },
		{ 4, DRM_TIDE_PRIORITY_LOW }, { 5, DRM_TIDE_PRIORITY_NORMAL },
		/* Again: the age is new, and so may be the priority. */
		{ 1, DRM_TIDE_PRIORITY_LOW }, { 2, DRM_TIDE_PRIORITY_HIGH },
	};
	static const u32 expected[] = { 3, 4, 1, 5, 0, 2 };
	struct tide_offer_fixture *f = test->priv;
	struct tide_bo *bos[TIDE_TEST_ORDER];
	struct tide_test_order order = {};
	u64 age = 0;

	for (int i = 0; i < TIDE_TEST_ORDER; i++) {
		bos[i] = tide_test_bo(test, &f->tdev->segments[0], 1);
		tide_test_open(test, bos[i], f->clients[0]);
	}
	for (int i = 0; i < ARRAY_SIZE(offers); i++)
		tide_test_offer(bos[offers[i].bo], f->clients[0], offers[i].priority);
	for (int i = 0; i < ARRAY_SIZE(f->tdev->offered); i++)
		list_lru_walk(&f->tdev->offered[i], tide_test_note, &order, ULONG_MAX);

	KUNIT_ASSERT_EQ(test, order.count, TIDE_TEST_ORDER);
	for (int i = 0; i < TIDE_TEST_ORDER; i++) {
		KUNIT_EXPECT_PTR_EQ(test, order.bos[i], bos[expected[i]]);
		if (i && order.bos[i]->priority == order.bos[i - 1]->priority)
			KUNIT_EXPECT_GT(test, order.bos[i]->offered_at, age);
		age = order.bos[i]->offered_at;
		tide_test_reclaim(order.bos[i], f->clients[0]);
	}
}

static struct kunit_case tide_offer_cases[] = {
	KUNIT_CASE(tide_test_kept),
	KUNIT_CASE(tide_test_discarded),
	KUNIT_CASE(tide_test_untold),
	KUNIT_CASE(tide_test_exported),
	KUNIT_CASE(tide_test_lost),
	KUNIT_CASE(tide_test_stranger),
	KUNIT_CASE(tide_test_usage),
	KUNIT_CASE(tide_test_order),
	{}
};

static struct kunit_suite tide_offer_suite = {
	.name = "tide_offer",
	.init = tide_offer_test_init,
	.test_cases = tide_offer_cases,
};

kunit_test_suite(tide_offer_suite);
