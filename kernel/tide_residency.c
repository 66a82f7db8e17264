// SPDX-License-Identifier: GPL-2.0 OR MIT
/**
 * DOC: Residency
 *
 * An allocation is *resident* when the GPU's page list of it is complete, and in
 * the local segment when the content is in local memory. It is on a client's
 * *residency list* when the client requires it to be resident before its jobs
 * run. The first comes and goes with memory pressure, the second only with the
 * client's calls.
 */
#include <linux/delay.h>

#include <drm/drm_drv.h>

#include "tide_backing.h"
#include "tide_drv.h"
#include "tide_lru.h"
#include "tide_paging.h"
#include "tide_residency.h"
#include "tide_segment.h"
#include "tide_trace.h"

/* Pages brought in at one go, while faults and discards of the allocation wait */
#define TIDE_PAGE_IN_BATCH	512

/* How long a page-in waits for pages to be no longer pinned for DMA: a second */
#define TIDE_DMA_WAIT_MS	10
#define TIDE_DMA_WAITS		100

/**
 * tide_residency_drop - make an allocation not resident
 * @bo: allocation, its reservation held, or about to be freed
 */
void tide_residency_drop(struct tide_bo *bo)
{
	tide_move_forget(bo);
	tide_backing_unpopulate(bo);
	tide_segment_uncharge(bo);
}

/*
 * One step with the reservation held. Once the segment is charged, the
 * allocation is pinned: else two that do not fit together would make room for
 * themselves by turns and never be done. Return: -EAGAIN if there is more to do,
 * -EINPROGRESS if it is being moved, -ENOBUFS if the segment is full, -EBUSY if
 * its pages are pinned for DMA.
 */
static int tide_residency_step_locked(struct tide_bo *bo, s32 priority, bool *pinned)
{
	struct tide_device *tdev = to_tide_device(bo->base.dev);
	unsigned long before = bo->populated;
	int ret;

	/* An offer has come in between: the page-in comes with the reclaim. */
	if (READ_ONCE(bo->state) != TIDE_BO_KEPT)
		return 0;
	if (tide_bo_is_resident(bo)) {
		WRITE_ONCE(bo->page_in_error, 0);
		return 0;
	}
	if (tide_move_is_pending(bo))
		return -EINPROGRESS;
	ret = tide_segment_charge(bo);
	if (ret)
		return ret;
	if (!*pinned)
		atomic_inc(&bo->pins);
	*pinned = true;

	ret = tide_backing_populate(bo, TIDE_PAGE_IN_BATCH);
	tide_lru_add_evictable(bo);
	atomic64_add(bo->populated - before, &tdev->stats.paged_in_pages);
	if (ret)
		return ret;
	if (bo->populated < tide_bo_page_count(bo))
		return -EAGAIN;

	/* Stage two of paging, see tide_paging.c */
	if (tide_segment_is_local(bo->segment))
		return tide_move_start(bo, priority) ?: -EINPROGRESS;
	WRITE_ONCE(bo->page_in_error, 0);
	return 0;
}

/* Waits for what a step could not do. Return: -EAGAIN to go on. */
static int tide_residency_wait(struct tide_bo *bo, int reason, unsigned int *patience,
			       const bool *cancelled)
{
	int ret;

	switch (reason) {
	case -ENOBUFS:
		ret = tide_segment_make_room(bo->segment, bo->base.size, cancelled);
		return ret ?: -EAGAIN;
	case -EINPROGRESS:
		ret = tide_move_wait(bo, cancelled);
		return ret ?: -EAGAIN;
	case -EBUSY:
		if (!(*patience)--)
			return -EBUSY;
		msleep(TIDE_DMA_WAIT_MS);
		return -EAGAIN;
	default:
		return reason;
	}
}

static void tide_residency_failed(struct tide_bo *bo, int error)
{
	dma_resv_lock(bo->base.resv, NULL);
	if (!tide_bo_is_resident(bo) && !tide_move_is_pending(bo)) {
		tide_residency_drop(bo);
		WRITE_ONCE(bo->page_in_error, error);
	}
	dma_resv_unlock(bo->base.resv);
}

/**
 * tide_residency_bring_in - make an allocation resident
 * @bo: allocation, its reservation not held
 * @priority: DRM_TIDE_QUEUE_PRIORITY_*
 * @cancelled: tells that nobody needs it any more; NULL to be interrupted by signals
 *
 * Several may bring in the same allocation at once; they take turns. May
 * allocate and wait: no fence that anybody can see may depend on it.
 *
 * Return: 0 if it is resident, or offered; -ERESTARTSYS if interrupted or
 * cancelled, which is no failed page-in; else why it failed.
 */
int tide_residency_bring_in(struct tide_bo *bo, s32 priority, const bool *cancelled)
{
	struct tide_device *tdev = to_tide_device(bo->base.dev);
	unsigned int patience = TIDE_DMA_WAITS;
	bool pinned = false;
	int ret;

	if (tide_bo_is_resident(bo))
		return 0;

	trace_tide_page_in_begin(bo);
	do {
		if (tide_should_stop(cancelled)) {
			ret = -ERESTARTSYS;
			break;
		}

		ret = dma_resv_lock_interruptible(bo->base.resv, NULL);
		if (ret) {
			ret = -ERESTARTSYS;
			break;
		}
		ret = tide_residency_step_locked(bo, priority, &pinned);
		dma_resv_unlock(bo->base.resv);

		ret = tide_residency_wait(bo, ret, &patience, cancelled);
		cond_resched();
	} while (ret == -EAGAIN);

	if (pinned) {
		atomic_dec(&bo->pins);
		wake_up_all(&bo->segment->room);
	}
	if (ret && ret != -ERESTARTSYS) {
		atomic64_inc(&tdev->stats.page_in_failures);
		tide_residency_failed(bo, ret);
	}
	trace_tide_page_in_end(bo, ret);
	return ret;
}
