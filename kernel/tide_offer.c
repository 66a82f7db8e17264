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
 */
#include <linux/sched.h>
#include <linux/wait_bit.h>

#include <drm/drm_drv.h>

#include "tide_backing.h"
#include "tide_drv.h"
#include "tide_lru.h"
#include "tide_offer.h"
#include "tide_paging.h"
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

	/* Zap before the page list lets go of the pages */
	unmap_mapping_range(bo->shmem->f_mapping, 0, 0, 1);
	tide_residency_drop(bo);
	pages = tide_backing_truncate(bo);
	trace_tide_discard(bo, pages);

	scoped_guard(spinlock, &bo->lock) {
		bo->discards++;
		/* Pairs with the acquire in tide_bo_is_discarding() */
		smp_store_release(&bo->state, TIDE_BO_DISCARDED);
	}
	wake_up_var(&bo->state);

	atomic64_inc(&tdev->stats.discarded_allocations);
	atomic64_add(pages, &tdev->stats.discarded_pages);
	return pages;
}

static void tide_offer_one(struct tide_bo *bo, struct tide_client *client, u32 priority)
{
	struct tide_bo_client *bc;

	guard(spinlock)(&bo->lock);

	bc = tide_bo_find_client(bo, client);
	if (!bc)
		return;
	bc->offered = priority;
	trace_tide_offer(bo, priority);

	if (tide_bo_is_exported(bo) || bo->state > TIDE_BO_OFFERED)
		return;

	if (bo->state == TIDE_BO_OFFERED)
		tide_lru_remove_offered(bo);
	WRITE_ONCE(bo->state, TIDE_BO_OFFERED);
	bo->priority = priority;
	tide_lru_add_offered(bo);
}

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
	if (args->flags || args->priority < DRM_TIDE_PRIORITY_LOW ||
	    args->priority > DRM_TIDE_PRIORITY_HIGH)
		return -EINVAL;

	list = tide_bo_list_get(file, args->handles, args->count, &args->bad_index);
	if (IS_ERR(list))
		return PTR_ERR(list);

	guard(mutex)(&client->lock);

	for (u32 i = 0; i < list->count; i++) {
		tide_offer_one(list->bos[i], client, args->priority);
		cond_resched();
	}
	return 0;
}

static bool tide_bo_is_discarding(struct tide_bo *bo)
{
	/* Acquire: what the client does next comes after the zap and the truncation. */
	return smp_load_acquire(&bo->state) == TIDE_BO_DISCARDING;
}

static u32 tide_reclaim_one_locked(struct tide_bo *bo, struct tide_client *client, bool *required)
{
	struct tide_bo_client *bc = tide_bo_find_client(bo, client);
	u32 result = DRM_TIDE_RECLAIM_OK;

	if (!bc)
		return result;

	/* Since an offered allocation has a single client, nobody else's offer is meant. */
	if (bc->offered && bo->state != TIDE_BO_KEPT) {
		if (bo->state == TIDE_BO_OFFERED)
			tide_lru_remove_offered(bo);
		WRITE_ONCE(bo->state, TIDE_BO_KEPT);
	}
	bc->offered = 0;
	*required = bc->residency;

	if (bc->discards_told != bo->discards) {
		bc->discards_told = bo->discards;
		result = DRM_TIDE_RECLAIM_DISCARDED;
	}
	trace_tide_reclaim(bo, result);
	return result;
}

static u32 tide_reclaim_one(struct tide_bo *bo, struct tide_client *client, bool *required)
{
	u32 result;

	spin_lock(&bo->lock);
	while (tide_bo_is_discarding(bo)) {
		spin_unlock(&bo->lock);

		/* Without the client's lock: its offers wait for nothing, not for this either. */
		mutex_unlock(&client->lock);
		wait_var_event(&bo->state, !tide_bo_is_discarding(bo));
		mutex_lock(&client->lock);

		spin_lock(&bo->lock);
	}
	result = tide_reclaim_one_locked(bo, client, required);
	spin_unlock(&bo->lock);
	return result;
}

/* Answers DISCARDED were not delivered: have the next reclaim give them again. */
static void tide_reclaim_untell(struct tide_bo_list *list, struct tide_client *client)
{
	for (u32 i = 0; i < list->count; i++) {
		struct tide_bo *bo = list->bos[i];
		struct tide_bo_client *bc;

		if (list->values[i] != DRM_TIDE_RECLAIM_DISCARDED)
			continue;

		guard(spinlock)(&bo->lock);
		bc = tide_bo_find_client(bo, client);
		if (bc)
			bc->discards_told = bo->discards - 1;
	}
}

static int tide_reclaim_list(struct tide_bo_list *list, struct tide_client *client, u32 queue_id,
			     struct tide_paging_op *op, u64 *value)
{
	guard(mutex)(&client->lock);

	if (!tide_queue_find(client, queue_id))
		return -ENOENT;

	for (u32 i = 0; i < list->count; i++) {
		bool required = false;

		list->values[i] = tide_reclaim_one(list->bos[i], client, &required);
		if (required)
			tide_paging_op_add(op, list->bos[i]);
		cond_resched();
	}

	/* Looked up again: it may be gone, if a discard had to be waited for. */
	*value = tide_queue_push(tide_queue_find(client, queue_id), op);
	return 0;
}

/**
 * tide_reclaim_ioctl - DRM_IOCTL_TIDE_RECLAIM
 * @drm: device
 * @data: &struct drm_tide_reclaim
 * @file: client
 *
 * Return: 0 or an error.
 */
int tide_reclaim_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_tide_reclaim *args = data;
	struct tide_client *client = file->driver_priv;
	struct tide_paging_op *op __free(tide_paging_op) = NULL;
	struct tide_bo_list *list __free(tide_bo_list) = NULL;
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

	ret = tide_reclaim_list(list, client, args->queue, op, &args->value);
	if (ret)
		return ret;
	op = NULL; /* The queue has it. */

	if (!copy_to_user(u64_to_user_ptr(args->results), list->values,
			  array_size(list->count, sizeof(*list->values))))
		return 0;

	guard(mutex)(&client->lock);
	tide_reclaim_untell(list, client);
	return -EFAULT;
}
