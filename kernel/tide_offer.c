// SPDX-License-Identifier: GPL-2.0 OR MIT
/**
 * DOC: Offer and reclaim
 *
 * An offer is a change of state and a move to a list, under the allocation's
 * lock alone. It does not look at jobs, take the reservation or touch a page
 * table; whether the allocation can be discarded is found out when memory is
 * short.
 *
 * ::
 *
 *            offer             shrinker              pages are gone
 *    KEPT ----------> OFFERED ----------> DISCARDING ----------> DISCARDED
 *      ^                 |                     :                     |
 *      |    reclaim: OK  |                     : reclaim waits       |
 *      +-----------------+                     :                     |
 *      +-------------------------------------------------------------+
 *                               reclaim: DISCARDED
 *
 * A discard first makes sure that the content cannot be reached any more and
 * then says so. A reclaim that meets a discard of the same allocation waits for
 * it: otherwise a store through a page table entry that is not zapped yet would
 * be lost after the reclaim.
 *
 * That a discard was told is remembered as a number: the allocation counts its
 * discards, and each client remembers which count it was told. The client's
 * number advances only with an answer that has reached user space.
 *
 * A discard may give back the commit charge, too, if the offer allows that: the
 * file of the backing store is made empty. Its reclaim makes it as large as it
 * was; where that fails the allocation is lost for good::
 *
 *    DISCARDED, uncommitted ----------> LOST
 *                 reclaim: NOT_COMMITTED
 */
#include <kunit/visibility.h>
#include <linux/wait_bit.h>

#include <drm/drm_drv.h>

#include "tide_backing.h"
#include "tide_drv.h"
#include "tide_lru.h"
#include "tide_offer.h"
#include "tide_require.h"
#include "tide_residency.h"
#include "tide_trace.h"

/**
 * tide_offer_begin_discard_locked - mark the begin of a discard
 * @bo: offered allocation, its lock and its reservation held
 */
void tide_offer_begin_discard_locked(struct tide_bo *bo)
{
	lockdep_assert_held(&bo->lock);

	WRITE_ONCE(bo->state, TIDE_BO_DISCARDING);
}

/**
 * tide_offer_discard - discard the content
 * @bo: allocation whose discard has begun, its reservation held
 *
 * Return: number of pages freed.
 */
unsigned long tide_offer_discard(struct tide_bo *bo)
{
	struct tide_device *tdev = to_tide_device(bo->base.dev);
	unsigned long pages;

	if (bo->placement == TIDE_LOCAL)
		atomic64_add(tide_bo_page_count(bo), &tdev->stats.discarded_local_pages);

	/* Zap before the page list lets go of the pages */
	unmap_mapping_range(bo->shmem->f_mapping, 0, 0, 1);
	tide_residency_drop(bo);
	pages = tide_backing_truncate(bo);
	if (bo->may_decommit && tide_backing_decommit(bo)) {
		bo->decommitted = true;
		atomic64_add(tide_bo_page_count(bo), &tdev->stats.decommitted_pages);
	}
	trace_tide_discard(bo, pages);

	scoped_guard(spinlock, &bo->lock) {
		bo->discards++;
		/* Pairs with the acquire in tide_bo_is_discarding() */
		smp_store_release(&bo->state, TIDE_BO_DISCARDED);
	}
	/* Who goes to sleep either sees the state or is seen; pairs with set_current_state() */
	smp_mb();
	wake_up_var(&bo->state);

	atomic64_inc(&tdev->stats.discarded_allocations);
	atomic64_add(pages, &tdev->stats.discarded_pages);
	return pages;
}

/**
 * tide_offer_try_discard - discard the content if the allocation is offered
 * @bo: idle allocation, its reservation held
 *
 * Return: false if it is not.
 */
bool tide_offer_try_discard(struct tide_bo *bo)
{
	scoped_guard(spinlock, &bo->lock) {
		if (bo->state != TIDE_BO_OFFERED)
			return false;
		tide_lru_remove_offered(bo);
		tide_offer_begin_discard_locked(bo);
	}
	tide_offer_discard(bo);
	return true;
}

VISIBLE_IF_KUNIT void tide_offer_one(struct tide_bo *bo, struct tide_client *client,
				     u32 priority, bool may_decommit)
{
	struct tide_bo_client *bc;
	bool used;

	guard(spinlock)(&bo->lock);

	bc = tide_bo_find_client(bo, client);
	if (!bc)
		return;
	used = tide_require_uses(bc);
	bc->offered = priority;
	tide_require_changed_locked(bo, bc, used);
	trace_tide_offer(bo, priority);

	if (tide_bo_is_exported(bo) || bo->state > TIDE_BO_OFFERED)
		return;

	if (bo->state == TIDE_BO_OFFERED)
		tide_lru_remove_offered(bo);
	WRITE_ONCE(bo->state, TIDE_BO_OFFERED);
	bo->priority = priority;
	bo->offered_at = atomic64_inc_return(&to_tide_device(bo->base.dev)->offers);
	bo->may_decommit = may_decommit;
	tide_lru_add_offered(bo);
}
EXPORT_SYMBOL_IF_KUNIT(tide_offer_one);

/**
 * tide_offer_ioctl - DRM_IOCTL_TIDE_OFFER
 * @drm: device
 * @data: &struct drm_tide_offer
 * @file: client
 *
 * Return: 0 or an error.
 */
int tide_offer_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_tide_offer *args = data;
	struct tide_client *client = file->driver_priv;
	struct tide_bo_list *list __free(tide_bo_list) = NULL;

	args->bad_index = DRM_TIDE_NO_INDEX;
	if (args->flags & ~DRM_TIDE_OFFER_ALLOW_DECOMMIT)
		return -EINVAL;
	if (args->priority < DRM_TIDE_PRIORITY_LOW ||
	    args->priority > DRM_TIDE_PRIORITY_HIGH)
		return -EINVAL;

	list = tide_bo_list_get(file, args->handles, args->count, false, &args->bad_index);
	if (IS_ERR(list))
		return PTR_ERR(list);

	guard(mutex)(&client->lock);

	for (u32 i = 0; i < list->count; i++) {
		tide_offer_one(list->bos[i], client, args->priority,
			       args->flags & DRM_TIDE_OFFER_ALLOW_DECOMMIT);
		cond_resched();
	}
	return 0;
}
