// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Evictions: which allocation moves to swap next.
 */
#include <linux/mm.h>
#include <linux/swap.h>

#include "tide_backing.h"
#include "tide_compat.h"
#include "tide_drv.h"
#include "tide_gem.h"
#include "tide_lru.h"
#include "tide_residency.h"
#include "tide_shrinker.h"

struct tide_evict_arg {
	/* in: of clients that became idle no earlier and no later */
	u64 from;
	u64 to;
	/* out: the first of them */
	u64 oldest;
	bool found;
	/* out: with the reservation held, and referenced */
	struct tide_bo *bo;
};

static bool tide_bo_may_evict(struct tide_bo *bo, const struct tide_evict_arg *evict, u64 *since)
{
	if (READ_ONCE(bo->state) != TIDE_BO_KEPT || !tide_backing_present(bo))
		return false;

	/* The order is the other way round elsewhere. */
	if (!spin_trylock(&bo->lock))
		return false;
	*since = tide_bo_idle_since(bo);
	spin_unlock(&bo->lock);

	return *since >= evict->from && *since <= evict->to;
}

static TIDE_LRU_WALK_CB(tide_find_oldest)
{
	struct tide_bo *bo = container_of(item, struct tide_bo, evictable_link);
	struct tide_evict_arg *evict = arg;
	u64 since;

	if (tide_bo_may_evict(bo, evict, &since) && (!evict->found || since < evict->oldest)) {
		evict->found = true;
		evict->oldest = since;
	}
	return LRU_SKIP;
}

static TIDE_LRU_WALK_CB(tide_take_evictable)
{
	struct tide_bo *bo = container_of(item, struct tide_bo, evictable_link);
	struct tide_evict_arg *evict = arg;
	u64 since;

	/* A walk through all cgroups stops in each for itself. */
	if (evict->bo)
		return tide_lru_stop(lru);

	if (!tide_bo_may_evict(bo, evict, &since) || !tide_bo_trylock_idle(bo))
		return LRU_SKIP;

	if (!kref_get_unless_zero(&bo->base.refcount)) {
		dma_resv_unlock(bo->base.resv);
		return LRU_SKIP;
	}

	evict->bo = bo;
	return tide_lru_stop(lru);
}

static unsigned long tide_evict_bo(struct tide_device *tdev, struct tide_bo *bo,
				   unsigned long nr_pages)
{
	unsigned long evicted;

	if (bo->placement == TIDE_LOCAL && !tide_move_back_now(bo))
		return 0;

	/* Zap before the page list lets go of the pages */
	unmap_mapping_range(bo->shmem->f_mapping, 0, 0, 1);
	tide_residency_drop(bo);
	evicted = tide_backing_swap_out(bo, nr_pages);
	if (!tide_backing_present(bo))
		list_lru_del_obj(&tdev->evictable, &bo->evictable_link);

	atomic64_add(evicted, &tdev->stats.evicted_pages);
	return evicted;
}

/* How many allocations of one client that give nothing are looked at in one go */
#define TIDE_EVICT_PATIENCE	16

/**
 * tide_evict - evict the longest idle clients' allocations
 * @where: which cgroup and node
 * @nr_pages: how many pages to evict
 *
 * Return: number of pages written to swap, which page reclaim then finds clean.
 */
unsigned long tide_evict(const struct tide_reclaim *where, unsigned long nr_pages)
{
	struct tide_device *tdev = where->tdev;
	struct tide_evict_arg evict = { .to = U64_MAX };
	unsigned long evicted = 0;

	for (;;) {
		tide_lru_walk(where, &tdev->evictable, tide_find_oldest, &evict);
		if (!evict.found)
			return evicted;
		evict.from = evict.oldest;
		evict.to = evict.oldest;

		for (unsigned int patience = TIDE_EVICT_PATIENCE; patience;) {
			unsigned long pages;

			evict.bo = NULL;
			tide_lru_walk(where, &tdev->evictable, tide_take_evictable, &evict);
			if (!evict.bo)
				break;

			pages = tide_evict_bo(tdev, evict.bo, nr_pages - evicted);
			evicted += pages;
			if (!pages) {
				/* Pinned for DMA, or its cgroup has no swap. */
				tide_lru_rotate_evictable(evict.bo);
				patience--;
			}
			dma_resv_unlock(evict.bo->base.resv);
			tide_bo_put(evict.bo);

			if (evicted >= nr_pages || (!pages && get_nr_swap_pages() <= 0))
				return evicted;
		}

		/* The rest of that client's allocations is locked or busy, or gives nothing. */
		if (evict.oldest == U64_MAX)
			return evicted;
		evict = (struct tide_evict_arg){ .from = evict.oldest + 1, .to = U64_MAX };
	}
}
