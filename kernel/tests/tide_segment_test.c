// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Segments: which one, how full, and who makes room first. The order of moves.
 */
#include "tide_test_device.h"

#include "../tide_client.h"

#define LOCAL	BIT(DRM_TIDE_SEGMENT_LOCAL)
#define SYSTEM	BIT(DRM_TIDE_SEGMENT_SYSTEM)

static void tide_test_choose(struct kunit *test)
{
	static const struct {
		u32 allowed;
		u64 pages;
		u32 segment;
	} table[] = {
		{ LOCAL | SYSTEM, 1, DRM_TIDE_SEGMENT_LOCAL },
		{ LOCAL | SYSTEM, 10, DRM_TIDE_SEGMENT_LOCAL },
		{ LOCAL | SYSTEM, 11, DRM_TIDE_SEGMENT_SYSTEM },
		{ LOCAL | SYSTEM, 101, DRM_TIDE_SEGMENT_SYSTEM },
		{ SYSTEM, 1, DRM_TIDE_SEGMENT_SYSTEM },
		{ LOCAL, 11, DRM_TIDE_SEGMENT_LOCAL },
		{ U32_MAX, 1, DRM_TIDE_SEGMENT_LOCAL },
	};
	struct tide_device *tdev = tide_test_device(test, 100, 10);

	for (int i = 0; i < ARRAY_SIZE(table); i++)
		KUNIT_EXPECT_EQ(test, tide_segment_choose(tdev, table[i].allowed,
							  table[i].pages << PAGE_SHIFT)->index,
				table[i].segment);
}

static void tide_test_charge(struct kunit *test)
{
	struct tide_device *tdev = tide_test_device(test, 10, 10);
	struct tide_segment *system = &tdev->segments[DRM_TIDE_SEGMENT_SYSTEM];
	struct tide_bo *six = tide_test_bo(test, system, 6);
	struct tide_bo *four = tide_test_bo(test, system, 4);
	struct tide_bo *one = tide_test_bo(test, system, 1);

	KUNIT_EXPECT_EQ(test, tide_segment_charge(six), 0);
	/* Once */
	KUNIT_EXPECT_EQ(test, tide_segment_charge(six), 0);
	KUNIT_EXPECT_EQ(test, system->usage, 6 << PAGE_SHIFT);
	KUNIT_EXPECT_EQ(test, tide_segment_charge(four), 0);
	KUNIT_EXPECT_EQ(test, tide_segment_charge(one), -ENOBUFS);
	KUNIT_EXPECT_EQ(test, system->usage, system->size);

	KUNIT_EXPECT_PTR_EQ(test, list_first_entry(&system->residents, struct tide_bo,
						   segment_link), six);
	tide_segment_touch(six);
	KUNIT_EXPECT_PTR_EQ(test, list_first_entry(&system->residents, struct tide_bo,
						   segment_link), four);

	tide_segment_uncharge(one);
	tide_segment_uncharge(four);
	tide_segment_uncharge(four);
	KUNIT_EXPECT_EQ(test, system->usage, 6 << PAGE_SHIFT);
	KUNIT_EXPECT_EQ(test, tide_segment_charge(one), 0);
	tide_segment_uncharge(one);
	tide_segment_uncharge(six);
	KUNIT_EXPECT_EQ(test, system->usage, 0);
	KUNIT_EXPECT_TRUE(test, list_empty(&system->residents));
}

static struct tide_bo *tide_test_required(struct kunit *test, struct tide_segment *segment,
					  struct tide_client *client)
{
	struct tide_bo *bo = tide_test_bo(test, segment, 1);

	tide_test_open(test, bo, client)->residency = 1;
	return bo;
}

static struct tide_bo *tide_test_ranked_offer(struct kunit *test, struct tide_segment *segment,
					      u32 priority, u64 offered_at)
{
	struct tide_bo *bo = tide_test_bo(test, segment, 1);

	bo->state = TIDE_BO_OFFERED;
	bo->priority = priority;
	bo->offered_at = offered_at;
	return bo;
}

/* Each ranks above the one before. */
static void tide_test_rank(struct kunit *test)
{
	struct tide_device *tdev = tide_test_device(test, 100, 100);
	struct tide_segment *local = &tdev->segments[DRM_TIDE_SEGMENT_LOCAL];
	struct tide_client *older = tide_test_client(test, tdev, TIDE_SUSPENDED + 1000);
	struct tide_client *newer = tide_test_client(test, tdev, TIDE_SUSPENDED + 2000);
	struct tide_client *suspended = tide_test_client(test, tdev, TIDE_SUSPENDED + 3000);
	struct tide_bo *bos[] = {
		tide_test_bo(test, local, 1),
		tide_test_ranked_offer(test, local, DRM_TIDE_PRIORITY_LOW, 9),
		tide_test_ranked_offer(test, local, DRM_TIDE_PRIORITY_NORMAL, 1),
		tide_test_ranked_offer(test, local, DRM_TIDE_PRIORITY_NORMAL, 2),
		tide_test_ranked_offer(test, local, DRM_TIDE_PRIORITY_HIGH, 0),
		tide_test_required(test, local, suspended),
		tide_test_bo(test, local, 1),
		tide_test_required(test, local, older),
		tide_test_required(test, local, newer),
	};
	u64 rank = 0;

	suspended->suspended = true;
	for (int i = 1; i < ARRAY_SIZE(bos); i++)
		bos[i]->placement = TIDE_LOCAL;
	bos[6]->evict_flags = DRM_TIDE_EVICT_ONLY_IF_NECESSARY;
	/* It is as urgent as for the client that needs it most. */
	tide_test_open(test, bos[8], older)->residency = 1;

	for (int i = 0; i < ARRAY_SIZE(bos); i++) {
		u64 next = tide_segment_rank(bos[i]);

		if (i)
			KUNIT_EXPECT_GT_MSG(test, next, rank, "allocation %d", i);
		rank = next;
	}
}

static void tide_test_mover(struct kunit *test)
{
	struct tide_device *tdev = tide_test_device(test, 10, 10);
	struct tide_mover *mover = &tdev->mover;
	struct tide_bo *low = tide_test_bo(test, &tdev->segments[0], 1);
	struct tide_bo *high[40];
	u32 at = 0;

	spin_lock_init(&mover->lock);
	for (int i = 0; i < TIDE_MOVE_PRIORITIES; i++)
		INIT_LIST_HEAD(&mover->lists[i].moves);
	KUNIT_EXPECT_NULL(test, tide_mover_pop(mover));

	list_add_tail(&low->move.link, &mover->lists[0].moves);
	for (int i = 0; i < ARRAY_SIZE(high); i++) {
		high[i] = tide_test_bo(test, &tdev->segments[0], 1);
		list_add_tail(&high[i]->move.link, &mover->lists[2].moves);
	}

	/* In their order, and the low one before the last of them: it does not wait for ever. */
	for (;;) {
		struct tide_bo *bo = tide_mover_pop(mover);

		KUNIT_ASSERT_NOT_NULL(test, bo);
		if (bo == low)
			break;
		KUNIT_ASSERT_LT(test, at, ARRAY_SIZE(high));
		KUNIT_EXPECT_PTR_EQ(test, bo, high[at]);
		at++;
	}
	KUNIT_EXPECT_GT(test, at, 0);
	KUNIT_EXPECT_LT(test, at, ARRAY_SIZE(high));
	while (at < ARRAY_SIZE(high))
		KUNIT_EXPECT_PTR_EQ(test, tide_mover_pop(mover), high[at++]);
	KUNIT_EXPECT_NULL(test, tide_mover_pop(mover));
}

static struct kunit_case tide_segment_cases[] = {
	KUNIT_CASE(tide_test_choose),
	KUNIT_CASE(tide_test_charge),
	KUNIT_CASE(tide_test_rank),
	KUNIT_CASE(tide_test_mover),
	{}
};

static struct kunit_suite tide_segment_suite = {
	.name = "tide_segment",
	.test_cases = tide_segment_cases,
};

kunit_test_suite(tide_segment_suite);
