// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Reclaim. The states that it changes are explained in tide_offer.c.
 */
#include <kunit/visibility.h>
#include <linux/sched.h>
#include <linux/wait_bit.h>

#include <drm/drm_drv.h>

#include "tide_backing.h"
#include "tide_budget.h"
#include "tide_client.h"
#include "tide_drv.h"
#include "tide_lru.h"
#include "tide_offer.h"
#include "tide_paging.h"
#include "tide_require.h"
#include "tide_trace.h"

static bool tide_bo_is_discarding(struct tide_bo *bo)
{
	/* Acquire: what the client does next comes after the zap and the truncation. */
	return smp_load_acquire(&bo->state) == TIDE_BO_DISCARDING;
}

VISIBLE_IF_KUNIT u32 tide_reclaim_one_locked(struct tide_reclaim_call *call, struct tide_bo *bo)
{
	struct tide_bo_client *bc = tide_bo_find_client(bo, call->client);
	u32 result = DRM_TIDE_RECLAIM_OK;
	bool used;

	if (!bc)
		return result;
	if (bo->state == TIDE_BO_LOST)
		return DRM_TIDE_RECLAIM_NOT_COMMITTED;

	/* Since an offered allocation has a single client, nobody else's offer is meant. */
	if (bc->offered && bo->state != TIDE_BO_KEPT) {
		if (bo->state == TIDE_BO_OFFERED)
			tide_lru_remove_offered(bo);
		WRITE_ONCE(bo->state, TIDE_BO_KEPT);
	}
	used = tide_require_uses(bc);
	bc->offered = 0;
	call->grown |= tide_require_changed_locked(bo, bc, used);
	if (bc->residency)
		tide_paging_op_add(call->op, bo);

	if (bc->discards_told != bo->discards) {
		bc->discards_told = bo->discards;
		result = DRM_TIDE_RECLAIM_DISCARDED;
	}
	return result;
}
EXPORT_SYMBOL_IF_KUNIT(tide_reclaim_one_locked);

/* Without the client's lock: its offers wait for nothing, not for a discard either. */
static void tide_reclaim_wait_for_discard(struct tide_client *client, struct tide_bo *bo)
{
	mutex_unlock(&client->lock);
	wait_var_event(&bo->state, !tide_bo_is_discarding(bo));
	mutex_lock(&client->lock);
}

/* The client's lock keeps others from reclaiming it, and nobody else has a handle. */
static void tide_reclaim_commit(struct tide_bo *bo)
{
	int ret = tide_backing_commit(bo);

	guard(spinlock)(&bo->lock);

	if (ret)
		WRITE_ONCE(bo->state, TIDE_BO_LOST);
	else
		bo->decommitted = false;
}

static u32 tide_reclaim_one(struct tide_reclaim_call *call, struct tide_bo *bo)
{
	u32 result;

	for (;;) {
		spin_lock(&bo->lock);
		if (tide_bo_is_discarding(bo)) {
			spin_unlock(&bo->lock);
			tide_reclaim_wait_for_discard(call->client, bo);
		} else if (bo->state == TIDE_BO_DISCARDED && bo->decommitted) {
			spin_unlock(&bo->lock);
			tide_reclaim_commit(bo);
		} else {
			break;
		}
	}

	result = tide_reclaim_one_locked(call, bo);
	trace_tide_reclaim(bo, result);
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

static int tide_reclaim_list(struct tide_reclaim_call *call, struct tide_bo_list *list,
			     u32 queue_id, u64 *value)
{
	struct tide_client *client = call->client;

	guard(mutex)(&client->lock);

	if (!tide_queue_find(client, queue_id))
		return -ENOENT;

	for (u32 i = 0; i < list->count; i++) {
		list->values[i] = tide_reclaim_one(call, list->bos[i]);
		cond_resched();
	}

	/* Looked up again: it may be gone, if a discard had to be waited for. */
	*value = tide_queue_push(tide_queue_find(client, queue_id), call->op);
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
	struct tide_reclaim_call call = { .client = client };
	struct tide_paging_op *op __free(tide_paging_op) = NULL;
	struct tide_bo_list *list __free(tide_bo_list) = NULL;
	int ret;

	args->bad_index = DRM_TIDE_NO_INDEX;
	args->value = 0;
	if (args->flags)
		return -EINVAL;

	list = tide_bo_list_get(file, args->handles, args->count, true, &args->bad_index);
	if (IS_ERR(list))
		return PTR_ERR(list);

	op = tide_paging_op_alloc(client, list->count);
	if (!op)
		return -ENOMEM;

	tide_client_touch(client);
	call.op = op;
	ret = tide_reclaim_list(&call, list, args->queue, &args->value);
	if (ret)
		return ret;
	op = NULL; /* The queue has it. */
	if (call.grown)
		tide_budget_update(client->tdev);

	if (!copy_to_user(u64_to_user_ptr(args->results), list->values,
			  array_size(list->count, sizeof(*list->values))))
		return 0;

	guard(mutex)(&client->lock);
	tide_reclaim_untell(list, client);
	return -EFAULT;
}
