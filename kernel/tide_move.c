// SPDX-License-Identifier: GPL-2.0 OR MIT
/**
 * DOC: Moves
 *
 * An allocation of the local segment has its pages of system memory all the time
 * and, when it is resident, a chunk of local memory. The content is in one of
 * the two::
 *
 *              copy begins          copy has ended
 *    SYSTEM ---------------> COMING ----------------> LOCAL
 *       ^                                               |
 *       +-------------------- LEAVING <-----------------+
 *          copy has ended            copy back begins
 *
 * While it is copied it is nowhere: CPU mappings are gone, and a fence of the
 * kernel's is in the reservation. Whoever wants the content waits for that one;
 * a fault does so in the kernel. That everything is in hand before the fence can
 * be seen, is the same rule as in tide_paging.c: pages, chunk and fence are there,
 * and the engine allocates nothing. The engine itself is a worker that copies
 * page by page, as a rule the move of the highest priority first. What moves is
 * idle, and no job begins before it is where it belongs: so there is nothing to
 * wait for, and no scheduler in front.
 *
 * A fault returns its page locked and lets go of the reservation before the page
 * is mapped. So a move, that has the reservation, takes the lock of each page
 * once; then no fault is left that could map one, and what is mapped is zapped. A
 * store is either made before, and copied, or waits.
 *
 * Pages that are pinned for DMA do not move.
 *
 * The copy back is left out if the client has said that it has not written, and
 * neither a job nor a CPU mapping could have.
 */
#include <kunit/visibility.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/pagemap.h>

#include <drm/drm_managed.h>

#include "tide_drv.h"
#include "tide_fence.h"
#include "tide_gem.h"
#include "tide_inject.h"
#include "tide_local.h"
#include "tide_move.h"
#include "tide_put.h"
#include "tide_trace.h"

/* How many moves pass over those of a lower priority */
#define TIDE_MOVE_PASS_OVER	32

/* Ends CPU mappings. Return: false if pages are pinned for DMA, which may write. */
static bool tide_move_zap(struct tide_bo *bo)
{
	struct page **pages = bo->placement == TIDE_LOCAL ? bo->chunk->pages : bo->pages;
	unsigned long count = tide_bo_page_count(bo);
	bool pinned = false;

	for (unsigned long i = 0; i < count; i++) {
		lock_page(pages[i]);
		unlock_page(pages[i]);
	}
	unmap_mapping_range(bo->shmem->f_mapping, 0, 0, 1);

	for (unsigned long i = 0; i < count && !pinned; i++)
		pinned = folio_maybe_dma_pinned(page_folio(pages[i]));
	return !pinned;
}

static void tide_move_copy(struct tide_bo *bo, struct page **to, struct page **from)
{
	unsigned long count = tide_bo_page_count(bo);

	for (unsigned long i = 0; i < count; i++) {
		copy_highpage(to[i], from[i]);
		cond_resched();
	}
}

static void tide_move_copy_in(struct tide_bo *bo)
{
	tide_move_copy(bo, bo->chunk->pages, bo->pages);
	atomic64_add(tide_bo_page_count(bo),
		     &to_tide_device(bo->base.dev)->stats.copied_in_pages);
	trace_tide_copy(bo, true);
}

static void tide_move_copy_back(struct tide_bo *bo)
{
	tide_move_copy(bo, bo->pages, bo->chunk->pages);
	atomic64_add(tide_bo_page_count(bo),
		     &to_tide_device(bo->base.dev)->stats.copied_back_pages);
	trace_tide_copy(bo, false);
}

/* Nobody has written to local memory: system memory has the same. */
static bool tide_move_needs_no_copy(struct tide_bo *bo)
{
	if (bo->written || !(READ_ONCE(bo->evict_flags) & DRM_TIDE_EVICT_NOT_WRITTEN))
		return false;

	atomic64_add(tide_bo_page_count(bo),
		     &to_tide_device(bo->base.dev)->stats.not_copied_back_pages);
	return true;
}

/* Of the highest priority, but now and then of the lowest: no fence may wait for ever. */
VISIBLE_IF_KUNIT struct tide_bo *tide_mover_pop(struct tide_mover *mover)
{
	int highest = -1, lowest = -1;
	struct tide_bo *bo;

	guard(spinlock)(&mover->lock);

	for (int i = 0; i < TIDE_MOVE_PRIORITIES; i++) {
		if (list_empty(&mover->lists[i].moves))
			continue;
		if (lowest < 0)
			lowest = i;
		highest = i;
	}
	if (highest < 0)
		return NULL;

	if (highest != lowest && ++mover->passed_over > TIDE_MOVE_PASS_OVER) {
		mover->passed_over = 0;
		highest = lowest;
	}

	bo = list_first_entry(&mover->lists[highest].moves, struct tide_bo, move.link);
	list_del(&bo->move.link);
	return bo;
}
EXPORT_SYMBOL_IF_KUNIT(tide_mover_pop);

static void tide_move_run(struct tide_bo *bo)
{
	struct tide_fence *fence = bo->move.fence;

	if (bo->placement == TIDE_COMING) {
		tide_move_copy_in(bo);
		WRITE_ONCE(bo->page_in_error, 0);
		WRITE_ONCE(bo->placement, TIDE_LOCAL);
	} else {
		tide_move_copy_back(bo);
		WRITE_ONCE(bo->placement, TIDE_SYSTEM);
	}

	/* The next move may begin as soon as the fence is signalled. */
	dma_fence_signal(&fence->base);
	dma_fence_put(&fence->base);
	wake_up_all(&bo->segment->room);
	tide_bo_put_late(bo);
}

static void tide_mover_work(struct work_struct *work)
{
	struct tide_mover *mover = container_of(work, struct tide_mover, work);
	bool cookie = dma_fence_begin_signalling();
	struct tide_bo *bo;

	while ((bo = tide_mover_pop(mover)))
		tide_move_run(bo);
	dma_fence_end_signalling(cookie);
}

/* Nothing here may fail or allocate memory. */
static void tide_mover_push(struct tide_bo *bo, struct tide_fence *fence, s32 priority)
{
	struct tide_mover *mover = &to_tide_device(bo->base.dev)->mover;
	struct tide_move_list *list = &mover->lists[priority - DRM_TIDE_QUEUE_PRIORITY_LOW];
	bool cookie = dma_fence_begin_signalling();

	drm_gem_object_get(&bo->base);
	bo->move.fence = fence;
	scoped_guard(spinlock, &mover->lock) {
		tide_fence_init(fence, list->fence_context, ++list->fence_seqno);
		dma_resv_add_fence(bo->base.resv, &fence->base, DMA_RESV_USAGE_KERNEL);
		list_add_tail(&bo->move.link, &list->moves);
	}
	queue_work(mover->wq, &mover->work);
	dma_fence_end_signalling(cookie);
}

/**
 * tide_move_start - begin to move an allocation, to where it is not
 * @bo: idle allocation with a chunk and all its pages, its reservation held
 * @priority: DRM_TIDE_QUEUE_PRIORITY_*
 *
 * Return: 0 if it is on its way, or there already; tide_move_wait() waits for
 * that. -EBUSY if its pages are pinned for DMA, -ENOMEM.
 */
int tide_move_start(struct tide_bo *bo, s32 priority)
{
	struct tide_fence *fence;
	int ret;

	dma_resv_assert_held(bo->base.resv);

	if (tide_inject(TIDE_INJECT_MOVE))
		return -ENOMEM;
	if (!tide_move_zap(bo))
		return -EBUSY;

	if (bo->placement == TIDE_LOCAL && tide_move_needs_no_copy(bo)) {
		WRITE_ONCE(bo->placement, TIDE_SYSTEM);
		return 0;
	}

	fence = tide_fence_alloc(bo->pin);
	if (!fence)
		return -ENOMEM;
	ret = dma_resv_reserve_fences(bo->base.resv, 1);
	if (ret) {
		tide_fence_free(fence);
		return ret;
	}

	if (bo->placement == TIDE_SYSTEM) {
		bo->written = false;
		WRITE_ONCE(bo->evict_flags, 0);
		WRITE_ONCE(bo->placement, TIDE_COMING);
	} else {
		WRITE_ONCE(bo->placement, TIDE_LEAVING);
	}
	tide_mover_push(bo, fence, priority);
	return 0;
}

/**
 * tide_move_is_pending - whether an allocation is being moved
 * @bo: allocation
 *
 * Return: true if it is; with the reservation held a false is to be relied on.
 */
bool tide_move_is_pending(struct tide_bo *bo)
{
	if (!tide_segment_is_local(bo->segment))
		return false;
	if (!dma_resv_test_signaled(bo->base.resv, DMA_RESV_USAGE_KERNEL))
		return true;
	/* What the mover wrote before it signalled */
	smp_rmb();
	return false;
}

/**
 * tide_move_wait - wait until a move is over
 * @bo: allocation, its reservation not held
 * @cancelled: see tide_should_stop()
 *
 * Return: 0, or -ERESTARTSYS if interrupted or cancelled; the move goes on then.
 */
int tide_move_wait(struct tide_bo *bo, const bool *cancelled)
{
	while (!tide_should_stop(cancelled))
		if (dma_resv_wait_timeout(bo->base.resv, DMA_RESV_USAGE_KERNEL, true, HZ / 20) > 0)
			return 0;
	return -ERESTARTSYS;
}

/**
 * tide_move_back_now - move an allocation to system memory without the engine
 * @bo: idle allocation in local memory, its reservation held
 *
 * For reclaim, that cannot wait for fences.
 *
 * Return: false if its pages are pinned for DMA.
 */
bool tide_move_back_now(struct tide_bo *bo)
{
	dma_resv_assert_held(bo->base.resv);

	if (!tide_move_zap(bo))
		return false;
	if (!tide_move_needs_no_copy(bo))
		tide_move_copy_back(bo);
	WRITE_ONCE(bo->placement, TIDE_SYSTEM);
	return true;
}

/**
 * tide_move_forget - leave local memory without a copy
 * @bo: allocation that is not moving, its reservation held, or about to be freed
 *
 * The content is lost if it was there.
 */
void tide_move_forget(struct tide_bo *bo)
{
	if (!bo->chunk)
		return;

	if (bo->placement == TIDE_LOCAL) {
		tide_move_zap(bo);
		WRITE_ONCE(bo->placement, TIDE_SYSTEM);
	}
	tide_local_free(bo);
}

static void tide_mover_fini(struct drm_device *drm, void *unused)
{
	destroy_workqueue(to_tide_device(drm)->mover.wq);
}

/**
 * tide_mover_init - set up the paging engine
 * @tdev: device
 *
 * Return: 0 or an error.
 */
int tide_mover_init(struct tide_device *tdev)
{
	struct tide_mover *mover = &tdev->mover;

	spin_lock_init(&mover->lock);
	INIT_WORK(&mover->work, tide_mover_work);
	for (int i = 0; i < TIDE_MOVE_PRIORITIES; i++) {
		INIT_LIST_HEAD(&mover->lists[i].moves);
		mover->lists[i].fence_context = dma_fence_context_alloc(1);
	}

	mover->wq = alloc_ordered_workqueue("tide-mover", WQ_MEM_RECLAIM);
	if (!mover->wq)
		return -ENOMEM;
	return drmm_add_action_or_reset(&tdev->drm, tide_mover_fini, NULL);
}
