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
 * counts at once, before anything else is reclaimed: half of all that is
 * offered would go at each wake of kswapd. So a count is bounded by what is
 * needed: by what the node lacks to its high watermark, and by an allowance in
 * a cgroup's reclaim. Reclaim comes back while that was too little, and nothing
 * is evicted meanwhile. A shrinker is not told which kind of reclaim it serves;
 * see tide_reclaim_root().
 *
 * Eviction takes the longest idle client's allocations first. What is evicted
 * is written to swap at once: were it only made evictable, page reclaim might
 * swap it later, when offered memory is there again.
 *
 * The kernel kills a process when what is free and what is on its page lists
 * together would not do, and counts nothing that shrinkers could give. It asks
 * the OOM notifiers before that: ours does what the shrinkers would do, at once.
 */
#include <linux/mm.h>
#include <linux/memcontrol.h>
#include <linux/oom.h>
#include <linux/sched/mm.h>
#include <linux/shrinker.h>
#include <linux/swap.h>

#include "tide_drv.h"
#include "tide_lru.h"
#include "tide_shrinker.h"
#include "tide_trace.h"

/*
 * 1 MiB in pages: what global reclaim discards at least at a time, and what one
 * attempt of a cgroup's reclaim discards at least before it stops
 */
#define TIDE_RECLAIM_STEP		((unsigned long)SZ_1M >> PAGE_SHIFT)

/* How near its limit a cgroup is when a charge of a huge page calls reclaim */
#define TIDE_LIMIT_SLACK		((PMD_SIZE >> PAGE_SHIFT) + MEMCG_CHARGE_BATCH)

/* Pages that the node's zones lack to where kswapd stops */
static unsigned long tide_node_need(int nid)
{
	unsigned long need = 0;

	for (int i = 0; i < MAX_NR_ZONES; i++) {
		struct zone *zone = &NODE_DATA(nid)->node_zones[i];
		unsigned long high = high_wmark_pages(zone);

		/* An empty zone may have a watermark. */
		if (managed_zone(zone))
			need += high - min(high, zone_page_state(zone, NR_FREE_PAGES));
	}
	return need;
}

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
	if (limited || tide_node_need(nid))
		return limited;
	return tide_memcg_topmost(memcg);
#else
	return NULL;
#endif
}

/* Pages by which a cgroup is above its limit: many, where that was lowered */
static unsigned long tide_memcg_excess(struct mem_cgroup *memcg)
{
#ifdef CONFIG_MEMCG
	unsigned long usage = page_counter_read(&memcg->memory);

	return usage - min(usage, READ_ONCE(memcg->memory.max));
#else
	return 0;
#endif
}

/*
 * What a cgroup's reclaim may still discard. It is not told what shrinkers have
 * freed, and would go on until nothing is left; but their account lasts for one
 * attempt of it. A limit that was lowered is enforced by a few attempts, and
 * then by killing.
 */
static unsigned long tide_cgroup_allowance(struct mem_cgroup *root)
{
	unsigned long reclaimed = current->reclaim_state ? current->reclaim_state->reclaimed : 0;

	return max(tide_memcg_excess(root), TIDE_RECLAIM_STEP - min(reclaimed, TIDE_RECLAIM_STEP));
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

static unsigned long tide_discard_count(struct shrinker *shrinker, struct shrink_control *sc)
{
	struct tide_device *tdev = shrinker->private_data;
	struct tide_reclaim where = { .tdev = tdev, .nid = sc->nid, .memcg = sc->memcg };
	struct mem_cgroup *root = tide_reclaim_root(sc->memcg, sc->nid);
	unsigned long pages, most;

	if (root)
		most = tide_cgroup_allowance(root);
	else
		/* Half of it is asked for. */
		most = 2 * max(tide_node_need(sc->nid), TIDE_RECLAIM_STEP);

	pages = tide_lru_count_offered(&where, max(most, 1ul));
	return pages ? min(pages, most) : SHRINK_EMPTY;
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

	return tide_lru_count_evictable(&where);
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

static unsigned long tide_shrink_node(struct tide_device *tdev, int nid, unsigned long nr_pages)
{
	struct tide_reclaim where = { .tdev = tdev, .nid = nid, .all_memcgs = true };
	unsigned long scanned, taken;

	taken = tide_discard(&where, nr_pages, &scanned);
	trace_tide_shrink(nid, true, nr_pages, taken);

	if (scanned < nr_pages && tide_has_swap(NULL) && !tide_has_discardable(tdev, nid, NULL)) {
		unsigned long evicted = tide_evict(&where, nr_pages - scanned);

		trace_tide_shrink(nid, false, nr_pages - scanned, evicted);
		taken += evicted;
	}
	return taken;
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

	for_each_online_node(nid)
		taken += tide_shrink_node(tdev, nid, nr_pages);
	return taken;
}

static int tide_oom_notify(struct notifier_block *notifier, unsigned long unused, void *freed)
{
	struct tide_device *tdev = container_of(notifier, struct tide_device, oom_notifier);
	unsigned int noreclaim;
	unsigned long taken = 0;
	int nid;

	/* As for the shrinkers: who allocates may hold locks that this takes. */
	if (!(current_gfp_context(GFP_KERNEL) & __GFP_FS))
		return NOTIFY_OK;

	/* As in reclaim, which has ended: nothing here may wait for memory. */
	noreclaim = memalloc_noreclaim_save();
	for_each_online_node(nid)
		taken += tide_shrink_node(tdev, nid, max(tide_node_need(nid), TIDE_RECLAIM_STEP));
	memalloc_noreclaim_restore(noreclaim);

	*(unsigned long *)freed += taken;
	return NOTIFY_OK;
}

/**
 * tide_shrinker_init - register the shrinkers and the OOM notifier
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

	ret = tide_lru_init(tdev);
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

	tdev->oom_notifier.notifier_call = tide_oom_notify;
	register_oom_notifier(&tdev->oom_notifier);
	return 0;

err_lists:
	tide_lru_fini(tdev);
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
	unregister_oom_notifier(&tdev->oom_notifier);
	shrinker_free(tdev->evict_shrinker);
	shrinker_free(tdev->discard_shrinker);
	tide_lru_fini(tdev);
}
