// SPDX-License-Identifier: GPL-2.0 OR MIT
/**
 * DOC: Memory pressure
 *
 * Two shrinkers answer memory pressure. The first discards what is offered, the
 * second moves the rest to swap and finds nothing to do while the first does.
 * Both know memory cgroups: without that a cgroup at its limit would have its
 * processes killed and never call them.
 *
 * Offers are kept in a list_lru for each priority, which sorts them by cgroup
 * and node. One allocation at a time is isolated. In a list's lock nothing is
 * waited for; what is locked or busy is passed over and found again later,
 * which is how an offer of a busy allocation is deferred.
 *
 * Both count pages. A shrinker with seeks of 0 is asked for half of what it
 * counts at once. That is right under global pressure: offered memory goes
 * before anything else. It is too much for a cgroup that is one page over its
 * limit, and therefore a cgroup's reclaim gets an allowance. A shrinker is not
 * told which kind of reclaim it serves; see tide_reclaim_root().
 *
 * Eviction takes the longest idle client's allocations first. What is evicted
 * is written to swap at once: were it only made evictable, page reclaim might
 * swap it later, when offered memory is there again.
 *
 * The order of locks, from the outside: mmap_lock, reservation, queue lock,
 * fs_reclaim; then inside reclaim: i_mmap_rwsem and folio locks; segment lock,
 * allocation lock, list_lru lock. Reclaim only trylocks reservations.
 */
#include <linux/mm.h>
#include <linux/memcontrol.h>
#include <linux/sched/mm.h>
#include <linux/shrinker.h>
#include <linux/swap.h>

#include "tide_backing.h"
#include "tide_compat.h"
#include "tide_drv.h"
#include "tide_offer.h"
#include "tide_shrinker.h"
#include "tide_trace.h"

/* What one attempt of a cgroup's reclaim discards before it stops: 1 MiB in pages */
#define TIDE_LIMIT_RECLAIM_PAGES	((unsigned long)SZ_1M >> PAGE_SHIFT)

/* How near its limit a cgroup is when a charge of a huge page calls reclaim */
#define TIDE_LIMIT_SLACK		(HPAGE_PMD_NR + MEMCG_CHARGE_BATCH)

/* How many allocations a count looks at; the rest is taken to be like them */
#define TIDE_COUNT_SAMPLE		1024

/**
 * struct tide_reclaim - where to reclaim
 */
struct tide_reclaim {
	/** @tdev: device */
	struct tide_device *tdev;
	/** @nid: node */
	int nid;
	/** @memcg: cgroup, unless @all_memcgs */
	struct mem_cgroup *memcg;
	/** @all_memcgs: whatever the cgroup */
	bool all_memcgs;
};

static void tide_reclaim_walk(const struct tide_reclaim *where, struct list_lru *lru,
			      list_lru_walk_cb cb, void *arg)
{
	unsigned long nr_to_walk = ULONG_MAX;

	if (where->all_memcgs)
		list_lru_walk_node(lru, where->nid, cb, arg, &nr_to_walk);
	else
		list_lru_walk_one(lru, where->nid, where->memcg, cb, arg, &nr_to_walk);
}

#ifdef CONFIG_MEMCG
/* The root cgroup, which has none, is not exported. */
static bool tide_memcg_has_limits(struct mem_cgroup *memcg)
{
	return memcg && parent_mem_cgroup(memcg);
}
#endif

#ifdef CONFIG_MEMCG
/* The cgroup nearest the root that is at its limit */
static struct mem_cgroup *tide_memcg_at_limit(struct mem_cgroup *memcg)
{
	struct mem_cgroup *limited = NULL;

	for (; tide_memcg_has_limits(memcg); memcg = parent_mem_cgroup(memcg)) {
		unsigned long usage = page_counter_read(&memcg->memory);

		if (usage + TIDE_LIMIT_SLACK >= READ_ONCE(memcg->memory.max) ||
		    usage > READ_ONCE(memcg->memory.high))
			limited = memcg;
	}
	return limited;
}

static struct mem_cgroup *tide_memcg_topmost(struct mem_cgroup *memcg)
{
	while (tide_memcg_has_limits(parent_mem_cgroup(memcg)))
		memcg = parent_mem_cgroup(memcg);
	return memcg;
}

static bool tide_node_is_short(int nid)
{
	pg_data_t *node = NODE_DATA(nid);
	unsigned long free = 0, enough = 0;

	for (int i = 0; i < MAX_NR_ZONES; i++) {
		free += zone_page_state(&node->node_zones[i], NR_FREE_PAGES);
		enough += high_wmark_pages(&node->node_zones[i]);
	}
	return free < enough;
}
#endif

/*
 * The cgroup that is to be reclaimed, NULL if memory is short globally. kswapd
 * is always global. Else it is a cgroup's reclaim if the cgroup or one above it
 * is at its limit, or if the node has memory enough: then it is memory.reclaim,
 * or a limit that is kept already.
 */
static struct mem_cgroup *tide_reclaim_root(struct mem_cgroup *memcg, int nid)
{
#ifdef CONFIG_MEMCG
	struct mem_cgroup *limited;

	if (current_is_kswapd() || !tide_memcg_has_limits(memcg))
		return NULL;

	limited = tide_memcg_at_limit(memcg);
	if (limited || tide_node_is_short(nid))
		return limited;
	return tide_memcg_topmost(memcg);
#else
	return NULL;
#endif
}

/*
 * What a cgroup's reclaim may still discard. It is not told what shrinkers have
 * freed, and would go on until nothing is left; but their account lasts for one
 * attempt of it.
 */
static unsigned long tide_cgroup_allowance(void)
{
	unsigned long reclaimed = current->reclaim_state ? current->reclaim_state->reclaimed : 0;

	return TIDE_LIMIT_RECLAIM_PAGES - min(reclaimed, TIDE_LIMIT_RECLAIM_PAGES);
}

/*
 * Discard
 */

struct tide_isolate_arg {
	struct tide_bo *bo;
};

static bool tide_bo_trylock_idle(struct tide_bo *bo)
{
	/* Jobs, faults and page-ins hold it, and may be what waits for memory. */
	if (!dma_resv_trylock(bo->base.resv))
		return false;

	if (!tide_bo_is_busy(bo))
		return true;

	dma_resv_unlock(bo->base.resv);
	return false;
}

static enum lru_status tide_isolate_offered(struct list_head *item, struct list_lru_one *lru,
					    spinlock_t *lock, void *arg)
{
	struct tide_bo *bo = container_of(item, struct tide_bo, offered_link);
	struct tide_isolate_arg *isolated = arg;
	enum lru_status status = LRU_SKIP;

	if (isolated->bo)
		return LRU_STOP;

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

/* Return: number of pages freed; @nr_scanned counts each allocation as a page at least. */
static unsigned long tide_discard(const struct tide_reclaim *where, unsigned long nr_pages,
				  unsigned long *nr_scanned)
{
	unsigned long freed = 0;

	*nr_scanned = 0;
	for (int i = 0; i < ARRAY_SIZE(where->tdev->offered); i++) {
		while (*nr_scanned < nr_pages) {
			struct tide_isolate_arg isolated = {};
			unsigned long pages;

			tide_reclaim_walk(where, &where->tdev->offered[i], tide_isolate_offered,
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

/* As mem_cgroup_below_min() and mem_cgroup_below_low(), which need the root cgroup */
static bool tide_memcg_is_protected(struct mem_cgroup *root, struct mem_cgroup *memcg)
{
#ifdef CONFIG_MEMCG
	unsigned long usage;

	if (memcg == root || !tide_memcg_has_limits(memcg))
		return false;

	usage = page_counter_read(&memcg->memory);
	return READ_ONCE(memcg->memory.emin) >= usage || READ_ONCE(memcg->memory.elow) >= usage;
#else
	return false;
#endif
}

static enum lru_status tide_find_discardable(struct list_head *item, struct list_lru_one *lru,
					     spinlock_t *lock, void *arg)
{
	struct tide_bo *bo = container_of(item, struct tide_bo, offered_link);
	struct tide_find_discardable_arg *find = arg;

	if (find->root && !mem_cgroup_is_descendant(bo->memcg, find->root))
		return LRU_SKIP;
	if (tide_memcg_is_protected(find->root, bo->memcg))
		return LRU_SKIP;
	if (dma_resv_is_locked(bo->base.resv) || tide_bo_is_busy(bo))
		return LRU_SKIP;

	find->found = true;
	return LRU_STOP;
}

/* Whether a reclaim at @root could discard anything on the node */
static bool tide_has_discardable(struct tide_device *tdev, int nid, struct mem_cgroup *root)
{
	struct tide_reclaim where = { .tdev = tdev, .nid = nid, .all_memcgs = true };
	struct tide_find_discardable_arg find = { .root = root };

	for (int i = 0; i < ARRAY_SIZE(tdev->offered) && !find.found; i++)
		tide_reclaim_walk(&where, &tdev->offered[i], tide_find_discardable, &find);
	return find.found;
}

/*
 * Evict
 */

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

static enum lru_status tide_find_oldest(struct list_head *item, struct list_lru_one *lru,
					spinlock_t *lock, void *arg)
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

static enum lru_status tide_take_evictable(struct list_head *item, struct list_lru_one *lru,
					   spinlock_t *lock, void *arg)
{
	struct tide_bo *bo = container_of(item, struct tide_bo, evictable_link);
	struct tide_evict_arg *evict = arg;
	u64 since;

	if (!tide_bo_may_evict(bo, evict, &since) || !tide_bo_trylock_idle(bo))
		return LRU_SKIP;

	if (!kref_get_unless_zero(&bo->base.refcount)) {
		dma_resv_unlock(bo->base.resv);
		return LRU_SKIP;
	}

	evict->bo = bo;
	return LRU_STOP;
}

static unsigned long tide_evict_bo(struct tide_device *tdev, struct tide_bo *bo,
				   unsigned long nr_pages)
{
	unsigned long evicted;

	/* Zap before the page list lets go of the pages */
	unmap_mapping_range(bo->shmem->f_mapping, 0, 0, 1);
	tide_residency_drop(bo);
	evicted = tide_backing_swap_out(bo, nr_pages);
	if (!tide_backing_present(bo))
		list_lru_del_obj(&tdev->evictable, &bo->evictable_link);

	atomic64_add(evicted, &tdev->stats.evicted_pages);
	return evicted;
}

/* Return: number of pages written to swap, which page reclaim then finds clean. */
static unsigned long tide_evict(const struct tide_reclaim *where, unsigned long nr_pages)
{
	struct tide_device *tdev = where->tdev;
	struct tide_evict_arg evict = { .to = U64_MAX };
	unsigned long evicted = 0;

	for (;;) {
		tide_reclaim_walk(where, &tdev->evictable, tide_find_oldest, &evict);
		if (!evict.found)
			return evicted;
		evict.from = evict.oldest;
		evict.to = evict.oldest;

		for (;;) {
			unsigned long pages;

			evict.bo = NULL;
			tide_reclaim_walk(where, &tdev->evictable, tide_take_evictable, &evict);
			if (!evict.bo)
				break;

			pages = tide_evict_bo(tdev, evict.bo, nr_pages - evicted);
			evicted += pages;
			dma_resv_unlock(evict.bo->base.resv);
			tide_bo_put(evict.bo);

			/* Swap is full, or pages are in use elsewhere. */
			if (!pages || evicted >= nr_pages)
				return evicted;
		}

		/* The rest of that client's allocations is locked or busy. */
		if (evict.oldest == U64_MAX)
			return evicted;
		evict = (struct tide_evict_arg){ .from = evict.oldest + 1, .to = U64_MAX };
	}
}

static bool tide_has_swap(struct mem_cgroup *memcg)
{
	if (get_nr_swap_pages() <= 0)
		return false;

#ifdef CONFIG_MEMCG
	for (; tide_memcg_has_limits(memcg); memcg = parent_mem_cgroup(memcg)) {
		if (page_counter_read(&memcg->swap) >= READ_ONCE(memcg->swap.max))
			return false;
	}
#endif
	return true;
}

/*
 * The shrinkers
 */

struct tide_count_arg {
	unsigned long items;
	unsigned long pages;
	struct tide_bo *(*from_item)(struct list_head *item);
};

static struct tide_bo *tide_bo_from_offered(struct list_head *item)
{
	return container_of(item, struct tide_bo, offered_link);
}

static struct tide_bo *tide_bo_from_evictable(struct list_head *item)
{
	return container_of(item, struct tide_bo, evictable_link);
}

static enum lru_status tide_count_pages(struct list_head *item, struct list_lru_one *lru,
					spinlock_t *lock, void *arg)
{
	struct tide_count_arg *count = arg;

	if (count->items == TIDE_COUNT_SAMPLE)
		return LRU_STOP;
	count->items++;
	/* At least one: also an empty allocation has its place in the order. */
	count->pages += max(tide_backing_present(count->from_item(item)), 1ul);
	return LRU_SKIP;
}

static unsigned long tide_count(const struct tide_reclaim *where, struct list_lru *lru,
				struct tide_bo *(*from_item)(struct list_head *item))
{
	struct tide_count_arg count = { .from_item = from_item };
	unsigned long items = list_lru_count_one(lru, where->nid, where->memcg);

	if (!items)
		return 0;

	tide_reclaim_walk(where, lru, tide_count_pages, &count);
	if (count.items < TIDE_COUNT_SAMPLE)
		return count.pages;
	return mult_frac(count.pages, items, count.items);
}

static unsigned long tide_discard_count(struct shrinker *shrinker, struct shrink_control *sc)
{
	struct tide_device *tdev = shrinker->private_data;
	struct tide_reclaim where = { .tdev = tdev, .nid = sc->nid, .memcg = sc->memcg };
	unsigned long pages = 0;

	for (int i = 0; i < ARRAY_SIZE(tdev->offered); i++)
		pages += tide_count(&where, &tdev->offered[i], tide_bo_from_offered);

	if (!pages)
		return SHRINK_EMPTY;
	if (tide_reclaim_root(sc->memcg, sc->nid))
		pages = min(pages, tide_cgroup_allowance());
	return pages;
}

static unsigned long tide_discard_scan(struct shrinker *shrinker, struct shrink_control *sc)
{
	struct tide_reclaim where = {
		.tdev = shrinker->private_data,
		.nid = sc->nid,
		.memcg = sc->memcg,
	};
	unsigned long freed;

	/* Truncation takes locks of the file system. */
	if (!(sc->gfp_mask & __GFP_FS))
		return SHRINK_STOP;

	freed = tide_discard(&where, sc->nr_to_scan, &sc->nr_scanned);
	trace_tide_shrink(sc->nid, true, sc->nr_to_scan, freed);
	return sc->nr_scanned ? freed : SHRINK_STOP;
}

static unsigned long tide_evict_count(struct shrinker *shrinker, struct shrink_control *sc)
{
	struct tide_device *tdev = shrinker->private_data;
	struct tide_reclaim where = { .tdev = tdev, .nid = sc->nid, .memcg = sc->memcg };

	if (!list_lru_shrink_count(&tdev->evictable, sc))
		return SHRINK_EMPTY;

	/* Not empty: the allocations are there, it is just not their turn. */
	if (!tide_has_swap(sc->memcg) ||
	    tide_has_discardable(tdev, sc->nid, tide_reclaim_root(sc->memcg, sc->nid)))
		return 0;

	return tide_count(&where, &tdev->evictable, tide_bo_from_evictable);
}

static unsigned long tide_evict_scan(struct shrinker *shrinker, struct shrink_control *sc)
{
	struct tide_device *tdev = shrinker->private_data;
	struct tide_reclaim where = { .tdev = tdev, .nid = sc->nid, .memcg = sc->memcg };
	unsigned long evicted;

	if (!(sc->gfp_mask & __GFP_FS) || !(sc->gfp_mask & __GFP_IO))
		return SHRINK_STOP;

	/* An offer may have come since the count. */
	if (tide_has_discardable(tdev, sc->nid, tide_reclaim_root(sc->memcg, sc->nid)))
		return SHRINK_STOP;

	evicted = tide_evict(&where, sc->nr_to_scan);
	sc->nr_scanned = evicted;
	trace_tide_shrink(sc->nid, false, sc->nr_to_scan, evicted);
	return evicted ?: SHRINK_STOP;
}

/**
 * tide_shrink_all - run the shrinkers whatever the cgroup
 * @tdev: device
 * @nr_pages: how many pages to take on each node
 *
 * For debugfs. The caller stands for memory pressure.
 *
 * Return: number of pages taken.
 */
unsigned long tide_shrink_all(struct tide_device *tdev, unsigned long nr_pages)
{
	unsigned long taken = 0;
	int nid;

	for_each_online_node(nid) {
		struct tide_reclaim where = { .tdev = tdev, .nid = nid, .all_memcgs = true };
		unsigned long scanned, freed, evicted = 0;

		freed = tide_discard(&where, nr_pages, &scanned);
		trace_tide_shrink(nid, true, nr_pages, freed);

		if (scanned < nr_pages && tide_has_swap(NULL) &&
		    !tide_has_discardable(tdev, nid, NULL)) {
			evicted = tide_evict(&where, nr_pages - scanned);
			trace_tide_shrink(nid, false, nr_pages - scanned, evicted);
		}
		taken += freed + evicted;
	}
	return taken;
}

/*
 * The lists
 */

static struct list_lru *tide_offered_lru(struct tide_bo *bo)
{
	return &to_tide_device(bo->base.dev)->offered[bo->priority - 1];
}

/**
 * tide_shrinker_add_offered - put an allocation at the end of its priority's list
 * @bo: allocation, its lock held, not on a list
 */
void tide_shrinker_add_offered(struct tide_bo *bo)
{
	lockdep_assert_held(&bo->lock);

	list_lru_add_obj(tide_offered_lru(bo), &bo->offered_link);
}

/**
 * tide_shrinker_remove_offered - take an allocation off its priority's list
 * @bo: allocation, its lock held
 */
void tide_shrinker_remove_offered(struct tide_bo *bo)
{
	lockdep_assert_held(&bo->lock);

	list_lru_del_obj(tide_offered_lru(bo), &bo->offered_link);
}

/**
 * tide_shrinker_add_evictable - note that an allocation has pages
 * @bo: allocation
 */
void tide_shrinker_add_evictable(struct tide_bo *bo)
{
	if (list_empty(&bo->evictable_link))
		list_lru_add_obj(&to_tide_device(bo->base.dev)->evictable, &bo->evictable_link);
}

/**
 * tide_shrinker_remove - take an allocation off all lists before it is freed
 * @bo: allocation without references
 */
void tide_shrinker_remove(struct tide_bo *bo)
{
	if (bo->priority)
		list_lru_del_obj(tide_offered_lru(bo), &bo->offered_link);
	list_lru_del_obj(&to_tide_device(bo->base.dev)->evictable, &bo->evictable_link);
}

static void tide_shrinker_fini_lists(struct tide_device *tdev)
{
	list_lru_destroy(&tdev->evictable);
	for (int i = 0; i < ARRAY_SIZE(tdev->offered); i++)
		list_lru_destroy(&tdev->offered[i]);
}

static int tide_shrinker_init_lists(struct tide_device *tdev)
{
	int ret;

	for (int i = 0; i < ARRAY_SIZE(tdev->offered); i++) {
		ret = list_lru_init_memcg(&tdev->offered[i], tdev->discard_shrinker);
		if (ret)
			return ret;
	}
	return list_lru_init_memcg(&tdev->evictable, tdev->evict_shrinker);
}

/**
 * tide_shrinker_init - register the shrinkers
 * @tdev: device
 *
 * Return: 0 or an error.
 */
int tide_shrinker_init(struct tide_device *tdev)
{
	int ret = -ENOMEM;

	tdev->discard_shrinker = shrinker_alloc(SHRINKER_MEMCG_AWARE | SHRINKER_NUMA_AWARE,
						"tide-discard");
	if (!tdev->discard_shrinker)
		return -ENOMEM;

	tdev->evict_shrinker = shrinker_alloc(SHRINKER_MEMCG_AWARE | SHRINKER_NUMA_AWARE,
					      "tide-evict");
	if (!tdev->evict_shrinker)
		goto err_discard;

	ret = tide_shrinker_init_lists(tdev);
	if (ret)
		goto err_lists;

	tdev->discard_shrinker->count_objects = tide_discard_count;
	tdev->discard_shrinker->scan_objects = tide_discard_scan;
	tdev->discard_shrinker->private_data = tdev;
	tdev->discard_shrinker->seeks = 0;
	/* A small cgroup may offer less than the default batch. */
	tdev->discard_shrinker->batch = SWAP_CLUSTER_MAX;

	tdev->evict_shrinker->count_objects = tide_evict_count;
	tdev->evict_shrinker->scan_objects = tide_evict_scan;
	tdev->evict_shrinker->private_data = tdev;

	/* In this order they are called. */
	shrinker_register(tdev->discard_shrinker);
	shrinker_register(tdev->evict_shrinker);
	return 0;

err_lists:
	tide_shrinker_fini_lists(tdev);
	shrinker_free(tdev->evict_shrinker);
err_discard:
	shrinker_free(tdev->discard_shrinker);
	return ret;
}

/**
 * tide_shrinker_fini - undo tide_shrinker_init()
 * @tdev: device without allocations
 */
void tide_shrinker_fini(struct tide_device *tdev)
{
	shrinker_free(tdev->evict_shrinker);
	shrinker_free(tdev->discard_shrinker);
	tide_shrinker_fini_lists(tdev);
}
