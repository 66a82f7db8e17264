// SPDX-License-Identifier: GPL-2.0 OR MIT
/**
 * DOC: Segments
 *
 * A segment bounds what is resident at one time, and thereby what jobs can pin.
 * An allocation is charged to its segment before its first page is listed, in the
 * local one with a chunk of it. What makes room when the segment is full is idle,
 * and in this order: offered, on nobody's residency list, required by the client
 * that is idle the longest. In the system segment making room drops the page
 * list, and the pages stay where they are. In the local one what is offered is
 * discarded, and all else copied back.
 *
 * Local memory that is not required any more, or by suspended clients only, is
 * left as soon as that can be, without a need for room.
 */
#include <kunit/visibility.h>
#include <linux/sched/signal.h>

#include <drm/drm_drv.h>

#include "tide_client.h"
#include "tide_compat.h"
#include "tide_drv.h"
#include "tide_gem.h"
#include "tide_inject.h"
#include "tide_offer.h"
#include "tide_residency.h"
#include "tide_segment.h"

/* Becoming idle is not always seen where it is waited for. */
#define TIDE_LOOK_AGAIN	(HZ / 20)

/* How often that is done while all that is left cannot be taken out: for a second */
#define TIDE_STUCK_LOOKS	20

/**
 * tide_segment_init - set up a segment
 * @segment: segment
 * @index: DRM_TIDE_SEGMENT_*
 * @size: bytes
 */
void tide_segment_init(struct tide_segment *segment, u32 index, u64 size)
{
	segment->index = index;
	segment->size = size;
	spin_lock_init(&segment->lock);
	mutex_init(&segment->search_lock);
	INIT_LIST_HEAD(&segment->residents);
	INIT_LIST_HEAD(&segment->shares);
	init_waitqueue_head(&segment->room);
}
EXPORT_SYMBOL_IF_KUNIT(tide_segment_init);

/**
 * tide_segment_choose - where an allocation will be resident
 * @tdev: device
 * @allowed: a bit for each segment that will do, at least one
 * @size: of the allocation
 *
 * Return: the last segment that is large enough, or the first that is allowed.
 */
struct tide_segment *tide_segment_choose(struct tide_device *tdev, u32 allowed, u64 size)
{
	struct tide_segment *chosen = NULL;

	for (u32 i = 0; i < tdev->segment_count; i++) {
		struct tide_segment *segment = &tdev->segments[i];

		if (allowed & BIT(i) && (!chosen || size <= segment->size))
			chosen = segment;
	}
	return chosen;
}
EXPORT_SYMBOL_IF_KUNIT(tide_segment_choose);

static bool tide_segment_account(struct tide_segment *segment, struct tide_bo *bo)
{
	guard(spinlock)(&segment->lock);

	if (!list_empty(&bo->segment_link))
		return true;
	if (bo->base.size > segment->size - segment->usage)
		return false;

	WRITE_ONCE(segment->usage, segment->usage + bo->base.size);
	list_add_tail(&bo->segment_link, &segment->residents);
	return true;
}

/**
 * tide_segment_charge - have room for an allocation in its segment
 * @bo: allocation, its reservation held
 *
 * Return: 0, -ENOBUFS if the segment is full, or another error.
 */
int tide_segment_charge(struct tide_bo *bo)
{
	int ret = 0;

	if (!tide_segment_account(bo->segment, bo))
		return -ENOBUFS;

	if (tide_segment_is_local(bo->segment) && !bo->chunk)
		ret = tide_local_alloc(bo);
	if (ret)
		tide_segment_uncharge(bo);
	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(tide_segment_charge);

/**
 * tide_segment_uncharge - undo tide_segment_charge()
 * @bo: allocation, charged or not, its reservation held, or about to be freed
 */
void tide_segment_uncharge(struct tide_bo *bo)
{
	struct tide_segment *segment = bo->segment;

	scoped_guard(spinlock, &segment->lock) {
		if (list_empty(&bo->segment_link))
			return;
		WRITE_ONCE(segment->usage, segment->usage - bo->base.size);
		list_del_init(&bo->segment_link);
	}
	wake_up_all(&segment->room);
}
EXPORT_SYMBOL_IF_KUNIT(tide_segment_uncharge);

/**
 * tide_segment_touch - note that an allocation is used
 * @bo: allocation
 */
void tide_segment_touch(struct tide_bo *bo)
{
	struct tide_segment *segment = bo->segment;

	guard(spinlock)(&segment->lock);

	if (!list_empty(&bo->segment_link))
		list_move_tail(&bo->segment_link, &segment->residents);
}
EXPORT_SYMBOL_IF_KUNIT(tide_segment_touch);

/**
 * tide_segment_wake - have those look again who wait for room
 * @tdev: device, something of which has become idle
 */
void tide_segment_wake(struct tide_device *tdev)
{
	for (u32 i = 0; i < tdev->segment_count; i++)
		wake_up_all(&tdev->segments[i].room);
}

/* What makes room first */
enum tide_rank {
	/* Local memory that holds nothing any more: whoever waited for that has given up */
	TIDE_RANK_EMPTY,
	/* By priority, then by age */
	TIDE_RANK_OFFERED,
	/* Evicted, or required by suspended clients only */
	TIDE_RANK_TO_LEAVE,
	/* The least recently used first, as the list has them */
	TIDE_RANK_UNREQUIRED,
	/* The longest idle client's first */
	TIDE_RANK_REQUIRED,
};

#define TIDE_RANK_SHIFT		60
#define TIDE_RANK(rank, within)	((u64)(rank) << TIDE_RANK_SHIFT | \
				 min_t(u64, within, BIT_ULL(TIDE_RANK_SHIFT) - 1))
#define TIDE_RANK_PRIORITY_SHIFT 56

VISIBLE_IF_KUNIT u64 tide_segment_rank(struct tide_bo *bo)
{
	bool local = tide_segment_is_local(bo->segment);
	u64 since;

	guard(spinlock)(&bo->lock);

	if (local && READ_ONCE(bo->placement) == TIDE_SYSTEM)
		return TIDE_RANK(TIDE_RANK_EMPTY, 0);
	if (bo->state == TIDE_BO_OFFERED)
		return TIDE_RANK(TIDE_RANK_OFFERED,
				 (u64)bo->priority << TIDE_RANK_PRIORITY_SHIFT | bo->offered_at);

	since = tide_bo_idle_since(bo);
	if (since > TIDE_SUSPENDED)
		return TIDE_RANK(TIDE_RANK_REQUIRED, since);
	if (local && (since || !(READ_ONCE(bo->evict_flags) & DRM_TIDE_EVICT_ONLY_IF_NECESSARY)))
		return TIDE_RANK(TIDE_RANK_TO_LEAVE, 0);
	return TIDE_RANK(since ? TIDE_RANK_REQUIRED : TIDE_RANK_UNREQUIRED, since);
}
EXPORT_SYMBOL_IF_KUNIT(tide_segment_rank);

/* What is looked for, and how far that has got */
struct tide_search {
	/* in: only what ranks no lower, and behind what could not be taken out */
	u64 from;
	/* in: only what ranks lower */
	u64 below;
	/* out, and in again: of the last one, where there may be more of the same */
	u64 rank;
	/* out: there are some that are in use */
	bool busy;
	/* out: there are some that could not be taken out */
	bool stuck;
};

/*
 * Takes the idle allocation that is needed least, with its reservation held.
 * What is on the list is not freed while the list's lock is held.
 */
static struct tide_bo *tide_segment_take_idle(struct tide_segment *segment,
					      struct tide_search *search)
{
	struct tide_bo *bo, *best = NULL;
	u64 best_rank = search->below;

	guard(spinlock)(&segment->lock);

	list_for_each_entry(bo, &segment->residents, segment_link) {
		u64 rank = tide_segment_rank(bo);

		if (rank < search->from || rank >= best_rank)
			continue;
		if (!tide_bo_trylock_idle(bo)) {
			search->busy = true;
			continue;
		}
		if (best)
			dma_resv_unlock(best->base.resv);
		best = bo;
		best_rank = rank;
		if (rank <= search->rank)
			break;
	}
	search->rank = best_rank;

	if (best && !kref_get_unless_zero(&best->base.refcount)) {
		dma_resv_unlock(best->base.resv);
		best = NULL;
		search->busy = true;
	}
	return best;
}

/**
 * tide_should_stop - whether to give up waiting
 * @cancelled: set when the work is cancelled; NULL for a call
 *
 * Return: true if so, or the call is interrupted.
 */
bool tide_should_stop(const bool *cancelled)
{
	return cancelled ? READ_ONCE(*cancelled) : signal_pending(current);
}

/* Frees local memory after a move, unless it is to be used again. */
static void tide_segment_free_empty(struct tide_bo *bo)
{
	dma_resv_lock(bo->base.resv, NULL);
	if (bo->chunk && !tide_move_is_pending(bo) && bo->placement == TIDE_SYSTEM &&
	    !atomic_read(&bo->pins))
		tide_residency_drop(bo);
	dma_resv_unlock(bo->base.resv);
}

/* Takes the next one out. Return: -ENOENT if there is none, or why it did not leave. */
static int tide_segment_take_out(struct tide_segment *segment, struct tide_search *search,
				 const bool *cancelled)
{
	struct tide_bo *bo __free(tide_bo) = tide_segment_take_idle(segment, search);
	int ret = 0;

	if (!bo)
		return -ENOENT;

	if (bo->placement == TIDE_LOCAL && !tide_offer_try_discard(bo))
		ret = tide_move_start(bo, DRM_TIDE_QUEUE_PRIORITY_NORMAL);
	if (!ret && !tide_move_is_pending(bo))
		tide_residency_drop(bo);
	dma_resv_unlock(bo->base.resv);

	if (ret) {
		/* The next search is to begin with others of its rank. */
		tide_segment_touch(bo);
		search->from = search->rank + 1;
		search->stuck = true;
		return ret;
	}

	if (!tide_segment_is_local(segment))
		return 0;

	ret = tide_move_wait(bo, cancelled);
	if (!ret)
		tide_segment_free_empty(bo);
	return ret;
}

static bool tide_segment_has_room(struct tide_segment *segment, u64 size)
{
	return READ_ONCE(segment->usage) <= segment->size - size;
}

/* Takes out one after the other. */
static int tide_segment_search(struct tide_segment *segment, u64 size, const bool *cancelled)
{
	struct tide_search search = { .below = U64_MAX };
	unsigned int patience = TIDE_STUCK_LOOKS;

	lockdep_assert_held(&segment->search_lock);

	while (!tide_segment_has_room(segment, size)) {
		if (tide_should_stop(cancelled))
			return -ERESTARTSYS;
		if (tide_segment_take_out(segment, &search, cancelled) != -ENOENT)
			continue;

		if (search.busy || !search.stuck)
			patience = TIDE_STUCK_LOOKS;
		else if (!patience--)
			return -EBUSY;

		search = (struct tide_search){ .below = U64_MAX };
		wait_event_interruptible_timeout(segment->room,
						 tide_segment_has_room(segment, size),
						 TIDE_LOOK_AGAIN);
	}
	return 0;
}

/**
 * tide_segment_make_room - take from others until there is room
 * @segment: segment
 * @size: bytes that are needed
 * @cancelled: see tide_should_stop()
 *
 * Of those who need room one looks for it, and the others wait for what it finds:
 * a look at a full segment takes long, and where page-ins wait nobody is charged
 * for the time.
 *
 * Return: 0 if there was room, which somebody else may take; -ENOSPC if there
 * can never be; -EBUSY if for long nothing was left but what cannot be taken out,
 * as a rule because it is pinned for DMA; -ERESTARTSYS if interrupted or cancelled.
 */
int tide_segment_make_room(struct tide_segment *segment, u64 size, const bool *cancelled)
{
	int ret;

	if (size > segment->size || tide_inject(TIDE_INJECT_ROOM))
		return -ENOSPC;

	while (!mutex_trylock(&segment->search_lock)) {
		if (tide_should_stop(cancelled))
			return -ERESTARTSYS;
		if (wait_event_interruptible_timeout(segment->room,
						     tide_segment_has_room(segment, size),
						     TIDE_LOOK_AGAIN) > 0)
			return 0;
	}

	ret = tide_segment_search(segment, size, cancelled);
	mutex_unlock(&segment->search_lock);
	return ret;
}

/**
 * tide_segment_leave_work - move out of local memory what should not stay
 * @work: &tide_device.leave_work
 */
void tide_segment_leave_work(struct work_struct *work)
{
	struct tide_device *tdev = container_of(to_delayed_work(work), struct tide_device,
						leave_work);
	struct tide_search search = {
		.from = TIDE_RANK(TIDE_RANK_TO_LEAVE, 0),
		.below = TIDE_RANK(TIDE_RANK_UNREQUIRED, 0),
	};
	const bool never = false;

	while (tide_segment_take_out(&tdev->segments[DRM_TIDE_SEGMENT_LOCAL], &search,
				     &never) != -ENOENT)
		;

	if (search.busy || search.stuck)
		queue_delayed_work(system_dfl_wq, &tdev->leave_work, TIDE_LOOK_AGAIN);
}

/**
 * tide_segment_leave - have leave local memory what should not stay
 * @tdev: device
 */
void tide_segment_leave(struct tide_device *tdev)
{
	if (tdev->segment_count > DRM_TIDE_SEGMENT_LOCAL)
		mod_delayed_work(system_dfl_wq, &tdev->leave_work, 0);
}

/**
 * tide_segment_info_ioctl - DRM_IOCTL_TIDE_SEGMENT_INFO
 * @drm: device
 * @data: &struct drm_tide_segment_info
 * @file: client
 *
 * Return: 0 or an error.
 */
int tide_segment_info_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct tide_device *tdev = to_tide_device(drm);
	struct drm_tide_segment_info *args = data;
	struct tide_segment *segment;

	if (args->segment >= tdev->segment_count || args->pad)
		return -EINVAL;

	segment = &tdev->segments[args->segment];
	args->size = segment->size;
	args->usage = READ_ONCE(segment->usage);
	return 0;
}
