// SPDX-License-Identifier: GPL-2.0 OR MIT
/**
 * DOC: Budgets
 *
 * A segment is divided among its clients by max-min fairness. Reservations are
 * set aside. What is left is filled up like vessels that are connected: each
 * active client gets as much as it uses up to a common level, and the level is
 * as high as the segment allows. Who uses less than the level leaves the rest to
 * the others. Idle clients divide what active ones leave.
 *
 * A client's budget is the level that there would be if it used all that it
 * could get: so far it can grow. A client is over its budget if its usage is
 * above the level that there is.
 *
 * This file is arithmetic alone. Who calls keeps the list of shares; only usages
 * may change meanwhile.
 */
#include <linux/math64.h>
#include <linux/minmax.h>

#include "tide_shares.h"

/* A part of the segment is always left to who reserves nothing. */
static u64 tide_shares_max_reserved(u64 size)
{
	return size / 2;
}

static u64 tide_shares_reserved(const struct list_head *shares, const struct tide_share *but)
{
	const struct tide_share *share;
	u64 reserved = 0;

	list_for_each_entry(share, shares, link)
		if (share != but)
			reserved += share->reservation;
	return reserved;
}

/* Rises until the group fills the pool, or nobody claims more. @greedy claims everything. */
static u64 tide_shares_level(const struct list_head *shares, bool active, u64 pool,
			     const struct tide_share *greedy)
{
	const struct tide_share *share;
	u64 level = 0;

	for (;;) {
		u64 claimed = 0, next;
		u32 above = 0;

		list_for_each_entry(share, shares, link) {
			if (share->active != active)
				continue;
			if (share != greedy && share->claim <= level)
				claimed += share->claim;
			else
				above++;
		}
		if (!above)
			return level;

		next = div_u64(pool - min(claimed, pool), above);
		if (next <= level)
			return level;
		level = next;
	}
}

/**
 * tide_shares_divide - divide a segment
 * @shares: of all clients
 * @size: of the segment
 * @greedy: a share that is taken to claim everything, or NULL
 *
 * Return: how far the clients may go beyond their reservations.
 */
struct tide_levels tide_shares_divide(struct list_head *shares, u64 size,
				      const struct tide_share *greedy)
{
	struct tide_levels levels;
	struct tide_share *share;
	u64 pool;

	list_for_each_entry(share, shares, link) {
		u64 usage = atomic64_read(&share->usage);

		share->claim = usage - min(usage, share->reservation);
	}

	pool = tide_shares_reserved(shares, NULL);
	pool = size - min(size, pool);
	levels.active = tide_shares_level(shares, true, pool, greedy);

	list_for_each_entry(share, shares, link)
		if (share->active)
			pool -= min3(pool, share->claim, levels.active);
	levels.idle = tide_shares_level(shares, false, pool, greedy);
	return levels;
}

/**
 * tide_shares_budget - what a client may use
 * @shares: of all clients
 * @size: of the segment
 * @share: the client's
 *
 * Return: bytes.
 */
u64 tide_shares_budget(struct list_head *shares, u64 size, const struct tide_share *share)
{
	struct tide_levels levels = tide_shares_divide(shares, size, share);

	return share->reservation + (share->active ? levels.active : levels.idle);
}

/**
 * tide_shares_reservable - what a client could reserve
 * @shares: of all clients
 * @size: of the segment
 * @share: the client's
 *
 * Return: bytes, with what it has reserved.
 */
u64 tide_shares_reservable(const struct list_head *shares, u64 size,
			   const struct tide_share *share)
{
	u64 max = tide_shares_max_reserved(size);

	return max - min(max, tide_shares_reserved(shares, share));
}
