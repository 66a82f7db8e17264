/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _TIDE_SHARES_H_
#define _TIDE_SHARES_H_

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/types.h>

/**
 * struct tide_share - what a client has to do with a segment
 */
struct tide_share {
	/** @link: in the segment's shares */
	struct list_head link;
	/** @usage: bytes that the client requires; changes at any time */
	atomic64_t usage;
	/** @reservation: bytes that the client has reserved */
	u64 reservation;
	/** @active: whether the client comes before idle ones */
	bool active;
	/** @claim: usage beyond the reservation, as of the last division */
	u64 claim;
	/** @told: excess that the client has last been told of, 0 for none */
	u64 told;
};

/**
 * struct tide_levels - how a segment is divided
 */
struct tide_levels {
	/** @active: bytes beyond its reservation that each active client may use */
	u64 active;
	/** @idle: the same for idle clients */
	u64 idle;
};

struct tide_levels tide_shares_divide(struct list_head *shares, u64 size,
				      const struct tide_share *greedy);
u64 tide_shares_budget(struct list_head *shares, u64 size, const struct tide_share *share);
u64 tide_shares_reservable(const struct list_head *shares, u64 size,
			   const struct tide_share *share);

/**
 * tide_share_excess - by how much a client is over its budget
 * @share: the client's share
 * @levels: the division of the segment
 *
 * Return: bytes, 0 if it is not.
 */
static inline u64 tide_share_excess(const struct tide_share *share,
				    const struct tide_levels *levels)
{
	u64 level = share->active ? levels->active : levels->idle;

	return share->claim > level ? share->claim - level : 0;
}

#endif /* _TIDE_SHARES_H_ */
