// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Budget arithmetic.
 */
#include <kunit/test.h>
#include <linux/module.h>

#include "../tide_shares.c"

#define MAX_CLIENTS 16
#define SIZE 1000

struct table_client {
	u64 usage;
	u64 reservation;
	bool idle;
	/* expected */
	u64 budget;
	u64 excess;
};

struct table_case {
	const char *name;
	struct table_client clients[MAX_CLIENTS];
	u32 count;
};

static const struct table_case table[] = {
	{ "alone", { { 300, 0, false, 1000, 0 } }, 1 },
	{ "alone and over", { { 1500, 0, false, 1000, 500 } }, 1 },
	{ "alone and idle", { { 300, 0, true, 1000, 0 } }, 1 },
	{ "both want more than half", {
		{ 800, 0, false, 500, 300 },
		{ 600, 0, false, 500, 100 } }, 2 },
	{ "one leaves a part of its half", {
		{ 200, 0, false, 500, 0 },
		{ 800, 0, false, 800, 0 } }, 2 },
	{ "one leaves a part, the other takes more", {
		{ 200, 0, false, 500, 0 },
		{ 900, 0, false, 800, 100 } }, 2 },
	{ "what a third leaves goes to both in equal parts", {
		{ 100, 0, false, 333, 0 },
		{ 700, 0, false, 450, 250 },
		{ 450, 0, false, 450, 0 } }, 3 },
	{ "who uses nothing changes nothing", {
		{ 0, 0, false, 333, 0 },
		{ 800, 0, false, 500, 300 },
		{ 800, 0, false, 500, 300 } }, 3 },
	{ "a reservation is set aside, used or not", {
		{ 0, 400, false, 700, 0 },
		{ 800, 0, false, 600, 200 } }, 2 },
	{ "a reservation comes before the share", {
		{ 900, 400, false, 700, 200 },
		{ 800, 0, false, 300, 500 } }, 2 },
	{ "idle clients have what active ones leave", {
		{ 700, 0, false, 1000, 0 },
		{ 400, 0, true, 300, 100 } }, 2 },
	{ "idle clients share it", {
		{ 400, 0, false, 1000, 0 },
		{ 100, 0, true, 300, 0 },
		{ 600, 0, true, 500, 100 } }, 3 },
	{ "nothing is left for the idle", {
		{ 1000, 0, false, 1000, 0 },
		{ 100, 0, true, 0, 100 } }, 2 },
	{ "an idle client keeps its reservation", {
		{ 900, 0, false, 700, 200 },
		{ 300, 300, true, 300, 0 } }, 2 },
	{ "idle ones among themselves", {
		{ 800, 0, true, 500, 300 },
		{ 800, 0, true, 500, 300 } }, 2 },
};

static void build(const struct table_case *c, struct tide_share *shares, struct list_head *list)
{
	INIT_LIST_HEAD(list);
	for (u32 i = 0; i < c->count; i++) {
		shares[i] = (struct tide_share){
			.reservation = c->clients[i].reservation,
			.active = !c->clients[i].idle,
		};
		atomic64_set(&shares[i].usage, c->clients[i].usage);
		list_add_tail(&shares[i].link, list);
	}
}

static void tide_test_table(struct kunit *test)
{
	struct tide_share shares[MAX_CLIENTS];
	struct tide_levels levels;
	struct list_head list;

	for (u32 n = 0; n < ARRAY_SIZE(table); n++) {
		const struct table_case *c = &table[n];

		build(c, shares, &list);
		levels = tide_shares_divide(&list, SIZE, NULL);
		for (u32 i = 0; i < c->count; i++)
			KUNIT_EXPECT_EQ_MSG(test, tide_share_excess(&shares[i], &levels),
					    c->clients[i].excess, "%s, client %u", c->name, i);
		for (u32 i = 0; i < c->count; i++)
			KUNIT_EXPECT_EQ_MSG(test, tide_shares_budget(&list, SIZE, &shares[i]),
					    c->clients[i].budget, "%s, client %u", c->name, i);
	}
}

/* Whoever grows to its budget is not over it, and whoever goes beyond is. */
static void tide_test_budget_is_the_bound(struct kunit *test)
{
	struct tide_share shares[MAX_CLIENTS];
	struct tide_levels levels;
	struct list_head list;

	for (u32 n = 0; n < ARRAY_SIZE(table); n++) {
		const struct table_case *c = &table[n];

		for (u32 i = 0; i < c->count; i++) {
			build(c, shares, &list);
			atomic64_set(&shares[i].usage, c->clients[i].budget);
			levels = tide_shares_divide(&list, SIZE, NULL);
			KUNIT_EXPECT_EQ_MSG(test, tide_share_excess(&shares[i], &levels), 0,
					    "%s, client %u", c->name, i);

			/* Divisions are rounded down. */
			atomic64_add(c->count + 1, &shares[i].usage);
			levels = tide_shares_divide(&list, SIZE, NULL);
			KUNIT_EXPECT_GT_MSG(test, tide_share_excess(&shares[i], &levels), 0,
					    "%s, client %u", c->name, i);
		}
	}
}

/* When everybody has trimmed to its budget, everything fits. */
static void tide_test_trimmed_fits(struct kunit *test)
{
	struct tide_share shares[MAX_CLIENTS];
	struct tide_levels levels;
	struct list_head list;

	for (u32 n = 0; n < ARRAY_SIZE(table); n++) {
		const struct table_case *c = &table[n];
		u64 sum = 0;

		build(c, shares, &list);
		levels = tide_shares_divide(&list, SIZE, NULL);
		for (u32 i = 0; i < c->count; i++)
			sum += atomic64_read(&shares[i].usage) -
			       tide_share_excess(&shares[i], &levels);
		KUNIT_EXPECT_LE_MSG(test, sum, SIZE, "%s", c->name);
	}
}

static void tide_test_many(struct kunit *test)
{
	struct tide_share shares[MAX_CLIENTS];
	struct tide_levels levels;
	struct table_case c = { .count = MAX_CLIENTS };
	struct list_head list;
	u64 sum = 0;

	/* 0, 10, 20, ... 150, together 1200 */
	for (u32 i = 0; i < c.count; i++)
		c.clients[i].usage = 10 * i;
	build(&c, shares, &list);
	levels = tide_shares_divide(&list, SIZE, NULL);
	/* 0 to 90 have what they use, 450 together; 550 are for the other six */
	KUNIT_EXPECT_EQ(test, levels.active, 91);
	for (u32 i = 0; i < c.count; i++)
		sum += 10 * i - tide_share_excess(&shares[i], &levels);
	KUNIT_EXPECT_LE(test, sum, SIZE);
	KUNIT_EXPECT_GT(test, sum, SIZE - MAX_CLIENTS);
}

static void tide_test_reservable(struct kunit *test)
{
	static const struct table_case c = { "", { { 0, 200 }, { 0, 250 }, { 0, 0 } }, 3 };
	struct tide_share shares[MAX_CLIENTS];
	struct list_head list;

	build(&c, shares, &list);
	KUNIT_EXPECT_EQ(test, tide_shares_reservable(&list, SIZE, &shares[0]), 250);
	KUNIT_EXPECT_EQ(test, tide_shares_reservable(&list, SIZE, &shares[1]), 300);
	KUNIT_EXPECT_EQ(test, tide_shares_reservable(&list, SIZE, &shares[2]), 50);
	KUNIT_EXPECT_EQ(test, tide_shares_reservable(&list, 100, &shares[2]), 0);
}

static void tide_test_nobody(struct kunit *test)
{
	struct tide_levels levels;
	LIST_HEAD(list);

	levels = tide_shares_divide(&list, SIZE, NULL);
	KUNIT_EXPECT_EQ(test, levels.active, 0);
	KUNIT_EXPECT_EQ(test, levels.idle, 0);
}

static struct kunit_case tide_shares_cases[] = {
	KUNIT_CASE(tide_test_table),
	KUNIT_CASE(tide_test_budget_is_the_bound),
	KUNIT_CASE(tide_test_trimmed_fits),
	KUNIT_CASE(tide_test_many),
	KUNIT_CASE(tide_test_reservable),
	KUNIT_CASE(tide_test_nobody),
	{}
};

static struct kunit_suite tide_shares_suite = {
	.name = "tide_shares",
	.test_cases = tide_shares_cases,
};

kunit_test_suite(tide_shares_suite);

MODULE_DESCRIPTION("Tests of tide that need no device");
MODULE_LICENSE("Dual MIT/GPL");
/* As MODULE_IMPORT_NS(), whose argument is a string since 6.13 */
MODULE_INFO(import_ns, "EXPORTED_FOR_KUNIT_TESTING");
