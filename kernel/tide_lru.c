// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The lists that shrinkers work on: what is offered, by priority, and what may
 * be evicted. They sort by memory cgroup and node.
 */
#include <linux/list_lru.h>

#include "tide_backing.h"
#include "tide_compat.h"
#include "tide_drv.h"
#include "tide_lru.h"

/* How many allocations a count looks at; the rest is taken to be like them */
#define TIDE_COUNT_SAMPLE	1024

/**
 * tide_lru_walk - call a function for each item of a list
 * @where: which items
 * @lru: list
 * @cb: called with the list's lock held
 * @arg: for @cb
 */
void tide_lru_walk(const struct tide_reclaim *where, struct list_lru *lru, list_lru_walk_cb cb,
		   void *arg)
{
	unsigned long nr_to_walk = ULONG_MAX;

	if (where->all_memcgs)
		list_lru_walk_node(lru, where->nid, cb, arg, &nr_to_walk);
	else
		list_lru_walk_one(lru, where->nid, where->memcg, cb, arg, &nr_to_walk);
}

struct tide_count_arg {
	unsigned long items;
	unsigned long pages;
	unsigned long enough;
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

static TIDE_LRU_WALK_CB(tide_count_pages)
{
	struct tide_count_arg *count = arg;

	if (count->items == TIDE_COUNT_SAMPLE || count->pages >= count->enough)
		return tide_lru_stop(lru);
	count->items++;
	/* At least one: also an empty allocation has its place in the order. */
	count->pages += max(tide_backing_present(count->from_item(item)), 1ul);
	return LRU_SKIP;
}

/* Counts no further than to @enough pages, which is above 0. */
static unsigned long tide_lru_count(const struct tide_reclaim *where, struct list_lru *lru,
				    struct tide_bo *(*from_item)(struct list_head *item),
				    unsigned long enough)
{
	struct tide_count_arg count = { .enough = enough, .from_item = from_item };
	unsigned long items = list_lru_count_one(lru, where->nid, where->memcg);

	if (!items)
		return 0;

	tide_lru_walk(where, lru, tide_count_pages, &count);
	if (count.items < TIDE_COUNT_SAMPLE || count.pages >= enough)
		return count.pages;
	return mult_frac(count.pages, items, count.items);
}

/**
 * tide_lru_count_offered - count what is offered
 * @where: which cgroup and node
 * @enough: a number of pages above which it does not matter, not 0
 *
 * Return: number of pages, an allocation without pages counted as one.
 */
unsigned long tide_lru_count_offered(const struct tide_reclaim *where, unsigned long enough)
{
	unsigned long pages = 0;

	for (int i = 0; i < ARRAY_SIZE(where->tdev->offered) && pages < enough; i++)
		pages += tide_lru_count(where, &where->tdev->offered[i], tide_bo_from_offered,
					enough - pages);
	return pages;
}

/**
 * tide_lru_count_evictable - count what could be evicted
 * @where: which cgroup and node
 *
 * Return: number of pages.
 */
unsigned long tide_lru_count_evictable(const struct tide_reclaim *where)
{
	return tide_lru_count(where, &where->tdev->evictable, tide_bo_from_evictable, ULONG_MAX);
}

static struct list_lru *tide_offered_lru(struct tide_bo *bo)
{
	return &to_tide_device(bo->base.dev)->offered[bo->priority - 1];
}

/**
 * tide_lru_add_offered - put an allocation at the end of its priority's list
 * @bo: allocation, its lock held, not on a list
 */
void tide_lru_add_offered(struct tide_bo *bo)
{
	lockdep_assert_held(&bo->lock);

	list_lru_add_obj(tide_offered_lru(bo), &bo->offered_link);
}

/**
 * tide_lru_remove_offered - take an allocation off its priority's list
 * @bo: allocation, its lock held
 */
void tide_lru_remove_offered(struct tide_bo *bo)
{
	lockdep_assert_held(&bo->lock);

	list_lru_del_obj(tide_offered_lru(bo), &bo->offered_link);
}

/**
 * tide_lru_add_evictable - note that an allocation has pages
 * @bo: allocation
 */
void tide_lru_add_evictable(struct tide_bo *bo)
{
	if (list_empty(&bo->evictable_link))
		list_lru_add_obj(&to_tide_device(bo->base.dev)->evictable, &bo->evictable_link);
}

/**
 * tide_lru_rotate_evictable - have an allocation looked at after all others
 * @bo: allocation, its reservation held
 */
void tide_lru_rotate_evictable(struct tide_bo *bo)
{
	struct list_lru *evictable = &to_tide_device(bo->base.dev)->evictable;

	if (list_lru_del_obj(evictable, &bo->evictable_link))
		list_lru_add_obj(evictable, &bo->evictable_link);
}

/**
 * tide_lru_remove - take an allocation off all lists before it is freed
 * @bo: allocation without references
 */
void tide_lru_remove(struct tide_bo *bo)
{
	if (bo->priority)
		list_lru_del_obj(tide_offered_lru(bo), &bo->offered_link);
	list_lru_del_obj(&to_tide_device(bo->base.dev)->evictable, &bo->evictable_link);
}

/**
 * tide_lru_init - set up the lists
 * @tdev: device, its shrinkers allocated and not registered
 *
 * Return: 0 or an error; tide_lru_fini() is to be called in either case.
 */
int tide_lru_init(struct tide_device *tdev)
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
 * tide_lru_fini - undo tide_lru_init()
 * @tdev: device without allocations
 */
void tide_lru_fini(struct tide_device *tdev)
{
	list_lru_destroy(&tdev->evictable);
	for (int i = 0; i < ARRAY_SIZE(tdev->offered); i++)
		list_lru_destroy(&tdev->offered[i]);
}
