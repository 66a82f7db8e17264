// SPDX-License-Identifier: GPL-2.0 OR MIT
/**
 * DOC: Residency
 *
 * An allocation is *resident* when the GPU's page list of it is complete. It is
 * on a client's *residency list* when the client requires it to be resident
 * before its jobs run. The first comes and goes with memory pressure, the
 * second only with the client's calls.
 *
 * A segment bounds what is resident at one time, and thereby what jobs can pin.
 * An allocation is charged to the segment before its first page is listed. What
 * makes room when the segment is full is idle, and in this order: offered, on
 * nobody's residency list, required by the client that is idle the longest.
 * Making room drops the page list; the pages stay where they are.
 */
#include <linux/sched/signal.h>

#include <drm/drm_drv.h>

#include "tide_backing.h"
#include "tide_drv.h"
#include "tide_lru.h"
#include "tide_paging.h"
#include "tide_residency.h"
#include "tide_trace.h"

/* Pages brought in at one go, while faults and discards of the allocation wait */
#define TIDE_PAGE_IN_BATCH	512

/**
 * tide_segment_init - set up a segment
 * @segment: segment
 * @size: bytes
 */
void tide_segment_init(struct tide_segment *segment, u64 size)
{
	segment->size = size;
	spin_lock_init(&segment->lock);
	INIT_LIST_HEAD(&segment->residents);
	init_waitqueue_head(&segment->room);
	mutex_init(&segment->fit_lock);
}

static bool tide_segment_charge(struct tide_segment *segment, struct tide_bo *bo)
{
	guard(spinlock)(&segment->lock);

	if (!list_empty(&bo->segment_link))
		return true;
	if (bo->base.size > segment->size - segment->usage)
		return false;

	segment->usage += bo->base.size;
	list_add_tail(&bo->segment_link, &segment->residents);
	return true;
}

static void tide_segment_uncharge(struct tide_segment *segment, struct tide_bo *bo)
{
	scoped_guard(spinlock, &segment->lock) {
		if (list_empty(&bo->segment_link))
			return;
		segment->usage -= bo->base.size;
		list_del_init(&bo->segment_link);
	}
	wake_up_all(&segment->room);
}

/* The rank of what makes room first: 0 for offered, 1 for what nobody requires, then by idleness */
static u64 tide_segment_rank(struct tide_bo *bo)
{
	guard(spinlock)(&bo->lock);

	if (bo->state != TIDE_BO_KEPT)
		return 0;
	return min(tide_bo_idle_since(bo), U64_MAX - 2) + 1;
}

/*
 * Takes the idle allocation that is needed least, with its reservation held.
 * What is on the list is not freed while the list's lock is held. @floor is the
 * rank of the last one taken: where there is another of it, it is that one.
 */
static struct tide_bo *tide_segment_take_idle(struct tide_segment *segment, u64 *floor)
{
	struct tide_bo *bo, *best = NULL;
	u64 best_rank = U64_MAX;

	guard(spinlock)(&segment->lock);

	list_for_each_entry(bo, &segment->residents, segment_link) {
		u64 rank = tide_segment_rank(bo);

		if (rank >= best_rank || !tide_bo_trylock_idle(bo))
			continue;
		if (best)
			dma_resv_unlock(best->base.resv);
		best = bo;
		best_rank = rank;
		if (rank <= *floor)
			break;
	}
	*floor = best_rank;

	if (best && !kref_get_unless_zero(&best->base.refcount)) {
		dma_resv_unlock(best->base.resv);
		best = NULL;
	}
	return best;
}

static bool tide_should_stop(const bool *cancelled)
{
	return cancelled ? READ_ONCE(*cancelled) : signal_pending(current);
}

static int tide_segment_make_room(struct tide_segment *segment, u64 size, const bool *cancelled)
{
	struct tide_bo *bo;
	u64 floor = 0;

	if (size > segment->size)
		return -ENOSPC;

	while (READ_ONCE(segment->usage) > segment->size - size) {
		if (tide_should_stop(cancelled))
			return -ERESTARTSYS;

		bo = tide_segment_take_idle(segment, &floor);
		if (!bo) {
			floor = 0;
			/* Becoming idle is not always seen here: look again. */
			wait_event_interruptible_timeout(segment->room,
							 READ_ONCE(segment->usage) <=
							 segment->size - size, HZ / 20);
			continue;
		}

		tide_residency_drop(bo);
		dma_resv_unlock(bo->base.resv);
		tide_bo_put(bo);
	}
	return 0;
}

/**
 * tide_residency_drop - make an allocation not resident
 * @bo: allocation, its reservation held, or about to be freed
 */
void tide_residency_drop(struct tide_bo *bo)
{
	tide_backing_unpopulate(bo);
	tide_segment_uncharge(&to_tide_device(bo->base.dev)->system, bo);
}

/*
 * One step with the reservation held. Once the segment is charged, the
 * allocation is pinned: else two that do not fit together would make room for
 * themselves by turns and never be done. Return: -EAGAIN if there is more to do.
 */
static int tide_residency_step_locked(struct tide_bo *bo, bool *pinned)
{
	struct tide_device *tdev = to_tide_device(bo->base.dev);
	unsigned long before = bo->populated;
	int ret;

	/* An offer has come in between: the page-in comes with the reclaim. */
	if (READ_ONCE(bo->state) != TIDE_BO_KEPT)
		return 0;
	if (tide_bo_is_resident(bo))
		return 0;
	if (!tide_segment_charge(&tdev->system, bo))
		return -ENOBUFS;
	if (!*pinned)
		atomic_inc(&bo->pins);
	*pinned = true;

	ret = tide_backing_populate(bo, TIDE_PAGE_IN_BATCH);
	tide_lru_add_evictable(bo);
	atomic64_add(bo->populated - before, &tdev->stats.paged_in_pages);
	if (ret)
		return ret;
	if (!tide_bo_is_resident(bo))
		return -EAGAIN;

	WRITE_ONCE(bo->page_in_error, 0);
	return 0;
}

static void tide_residency_failed(struct tide_bo *bo, int error)
{
	dma_resv_lock(bo->base.resv, NULL);
	if (!tide_bo_is_resident(bo)) {
		tide_residency_drop(bo);
		WRITE_ONCE(bo->page_in_error, error);
	}
	dma_resv_unlock(bo->base.resv);
}

/**
 * tide_residency_bring_in - make an allocation resident
 * @bo: allocation, its reservation not held
 * @cancelled: tells that nobody needs it any more; NULL to be interrupted by signals
 *
 * Several may bring in the same allocation at once; they take turns. May
 * allocate and wait: no fence that anybody can see may depend on it.
 *
 * Return: 0 if it is resident, or offered; -ERESTARTSYS if interrupted or
 * cancelled, which is no failed page-in; else why it failed.
 */
int tide_residency_bring_in(struct tide_bo *bo, const bool *cancelled)
{
	struct tide_device *tdev = to_tide_device(bo->base.dev);
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
		ret = tide_residency_step_locked(bo, &pinned);
		dma_resv_unlock(bo->base.resv);

		if (ret == -ENOBUFS) {
			ret = tide_segment_make_room(&tdev->system, bo->base.size, cancelled);
			if (!ret)
				ret = -EAGAIN;
		}
		cond_resched();
	} while (ret == -EAGAIN);

	if (pinned) {
		atomic_dec(&bo->pins);
		wake_up_all(&tdev->system.room);
	}
	if (ret && ret != -ERESTARTSYS) {
		atomic64_inc(&tdev->stats.page_in_failures);
		tide_residency_failed(bo, ret);
	}
	trace_tide_page_in_end(bo, ret);
	return ret;
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
	struct tide_segment *segment = &to_tide_device(drm)->system;
	struct drm_tide_segment_info *args = data;

	if (args->segment != DRM_TIDE_SEGMENT_SYSTEM || args->pad)
		return -EINVAL;

	args->size = segment->size;
	args->usage = READ_ONCE(segment->usage);
	return 0;
}

static int tide_residency_count(struct tide_bo *bo, struct tide_client *client, int add)
{
	struct tide_bo_client *bc;

	guard(spinlock)(&bo->lock);

	bc = tide_bo_find_client(bo, client);
	if (!bc)
		return -ENOENT;
	if (add > 0 && bc->residency == U32_MAX)
		return -EOVERFLOW;
	if (add < 0 && !bc->residency)
		return -ERANGE;

	bc->residency += add;
	return 0;
}

/* Adds to the count of each entry, or of none. */
static int tide_residency_count_list(struct tide_bo_list *list, struct tide_client *client,
				     int add, u32 *bad_index)
{
	int ret;

	lockdep_assert_held(&client->lock);

	for (u32 i = 0; i < list->count; i++) {
		ret = tide_residency_count(list->bos[i], client, add);
		if (!ret)
			continue;

		*bad_index = i;
		while (i--)
			tide_residency_count(list->bos[i], client, -add);
		return ret;
	}
	return 0;
}

/**
 * tide_make_resident_ioctl - DRM_IOCTL_TIDE_MAKE_RESIDENT
 * @drm: device
 * @data: &struct drm_tide_make_resident
 * @file: client
 *
 * Return: 0 or an error.
 */
int tide_make_resident_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_tide_make_resident *args = data;
	struct tide_client *client = file->driver_priv;
	struct tide_paging_op *op __free(tide_paging_op) = NULL;
	struct tide_bo_list *list __free(tide_bo_list) = NULL;
	struct tide_queue *queue;
	int ret;

	args->bad_index = DRM_TIDE_NO_INDEX;
	args->value = 0;
	if (args->flags)
		return -EINVAL;

	list = tide_bo_list_get(file, args->handles, args->count, &args->bad_index);
	if (IS_ERR(list))
		return PTR_ERR(list);

	op = tide_paging_op_alloc(client, list->count);
	if (!op)
		return -ENOMEM;

	guard(mutex)(&client->lock);

	queue = tide_queue_find(client, args->queue);
	if (!queue)
		return -ENOENT;

	ret = tide_residency_count_list(list, client, 1, &args->bad_index);
	if (ret)
		return ret;

	for (u32 i = 0; i < list->count; i++)
		tide_paging_op_add(op, list->bos[i]);
	args->value = tide_queue_push(queue, no_free_ptr(op));
	return 0;
}

/**
 * tide_evict_ioctl - DRM_IOCTL_TIDE_EVICT
 * @drm: device
 * @data: &struct drm_tide_evict
 * @file: client
 *
 * Return: 0 or an error.
 */
int tide_evict_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_tide_evict *args = data;
	struct tide_client *client = file->driver_priv;
	struct tide_bo_list *list __free(tide_bo_list) = NULL;

	args->bad_index = DRM_TIDE_NO_INDEX;
	if (args->flags || args->pad)
		return -EINVAL;

	list = tide_bo_list_get(file, args->handles, args->count, &args->bad_index);
	if (IS_ERR(list))
		return PTR_ERR(list);

	guard(mutex)(&client->lock);
	return tide_residency_count_list(list, client, -1, &args->bad_index);
}
