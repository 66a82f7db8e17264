// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Discards: which offered allocation goes next, and whether there is one.
 */
#include <linux/memcontrol.h>
#include <linux/swap.h>

#include "tide_compat.h"
#include "tide_drv.h"
#include "tide_gem.h"
#include "tide_lru.h"
#include "tide_offer.h"
#include "tide_shrinker.h"

struct tide_isolate_arg {
	struct tide_bo *bo;
};

static TIDE_LRU_WALK_CB(tide_isolate_offered)
{
	struct tide_bo *bo = container_of(item, struct tide_bo, offered_link);
	struct tide_isolate_arg *isolated = arg;
	enum lru_status status = LRU_SKIP;

	if (isolated->bo)
		return tide_lru_stop(lru);

	/* An offer takes the two locks the other way round. */
	if (!spin_trylock(&bo->lock))
		return LRU_SKIP;

	if (tide_bo_trylock_idle(bo)) {
		if (kref_get_unless_zero(&bo->base.refcount)) {
			tide_offer_begin_discard_locked(bo);
			list_lru_isolate(lru, item);
			isolated->bo = bo;
			status = LRU_REMOVED;
		} else {
			dma_resv_unlock(bo->base.resv);
		}
	}

	spin_unlock(&bo->lock);
	return status;
}

/**
 * tide_discard - discard in the order of priority and age
 * @where: which cgroup and node
 * @nr_pages: how many pages to free
 * @nr_scanned: out, pages freed, an allocation without pages counted as one
 *
 * Return: number of pages freed.
 */
unsigned long tide_discard(const struct tide_reclaim *where, unsigned long nr_pages,
			   unsigned long *nr_scanned)
{
	unsigned long freed = 0;

	*nr_scanned = 0;
	for (int i = 0; i < ARRAY_SIZE(where->tdev->offered); i++) {
		while (*nr_scanned < nr_pages) {
			struct tide_isolate_arg isolated = {};
			unsigned long pages;

			tide_lru_walk(where, &where->tdev->offered[i], tide_isolate_offered,
				      &isolated);
			if (!isolated.bo)
				break;

			pages = tide_offer_discard(isolated.bo);
			freed += pages;
			*nr_scanned += max(pages, 1ul);
			dma_resv_unlock(isolated.bo->base.resv);
			tide_bo_put(isolated.bo);
		}
	}

	mm_account_reclaimed_pages(freed);
	return freed;
}

struct tide_find_discardable_arg {
	struct mem_cgroup *root;
	bool found;
};

/*
 * Whether reclaim of @root takes from @memcg. What is protected is as in
 * mem_cgroup_below_min() and mem_cgroup_below_low(), which need the root cgroup.
 */
static bool tide_memcg_is_reclaimed(struct mem_cgroup *root, struct mem_cgroup *memcg)
{
#ifdef CONFIG_MEMCG
	unsigned long usage;

	if (root && !mem_cgroup_is_descendant(memcg, root))
		return false;
	if (memcg == root || !tide_memcg_has_limits(memcg))
		return true;

	usage = page_counter_read(&memcg->memory);
	return READ_ONCE(memcg->memory.emin) < usage && READ_ONCE(memcg->memory.elow) < usage;
#else
	return true;
#endif
}

static TIDE_LRU_WALK_CB(tide_find_discardable)
{
	struct tide_bo *bo = container_of(item, struct tide_bo, offered_link);
	struct tide_find_discardable_arg *find = arg;

	if (!tide_memcg_is_reclaimed(find->root, bo->memcg))
		return LRU_SKIP;
	if (dma_resv_is_locked(bo->base.resv) || tide_bo_has_jobs(bo))
		return LRU_SKIP;

	find->found = true;
	return tide_lru_stop(lru);
}

/**
 * tide_has_discardable - whether a reclaim could discard anything
 * @tdev: device
 * @nid: node
 * @root: the cgroup that is reclaimed, NULL for all memory
 *
 * Return: true if it could.
 */
bool tide_has_discardable(struct tide_device *tdev, int nid, struct mem_cgroup *root)
{
	struct tide_reclaim where = { .tdev = tdev, .nid = nid, .all_memcgs = true };
	struct tide_find_discardable_arg find = { .root = root };

	for (int i = 0; i < ARRAY_SIZE(tdev->offered) && !find.found; i++)
		tide_lru_walk(&where, &tdev->offered[i], tide_find_discardable, &find);
	return find.found;
}
