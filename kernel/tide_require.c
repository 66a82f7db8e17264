// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Residency lists: what clients require, and what that is of their budgets.
 */
#include <drm/drm_drv.h>

#include "tide_budget.h"
#include "tide_client.h"
#include "tide_drv.h"
#include "tide_gem.h"
#include "tide_paging.h"
#include "tide_require.h"

/**
 * tide_require_uses - whether an allocation is part of a client's usage
 * @bc: what it is to the client
 *
 * Return: true if it is.
 */
bool tide_require_uses(const struct tide_bo_client *bc)
{
	return bc->residency && !bc->offered;
}

/**
 * tide_require_changed_locked - adjust a client's usage
 * @bo: allocation, its lock held
 * @bc: what it is to the client
 * @used: whether it was a part of the usage before
 *
 * Return: true if the usage has grown; then tide_budget_update() is to be
 * called when that can be waited for.
 */
bool tide_require_changed_locked(struct tide_bo *bo, struct tide_bo_client *bc, bool used)
{
	struct tide_share *share = &bc->client->shares[bo->segment->index];

	lockdep_assert_held(&bo->lock);

	if (used == tide_require_uses(bc))
		return false;

	if (used) {
		atomic64_sub(bo->base.size, &share->usage);
		/* An event that comes after a trim is news. */
		WRITE_ONCE(share->told, 0);
	} else {
		atomic64_add(bo->base.size, &share->usage);
	}
	return !used;
}

/* How much a MAKE_RESIDENT may take */
struct tide_require {
	struct tide_client *client;
	/* The usage that it may come to */
	u64 limits[TIDE_MAX_SEGMENTS];
	/* By how much the first one that does not fit exceeds that */
	u64 excess;
	bool grown;
};

static int tide_require_add(struct tide_require *require, struct tide_bo *bo)
{
	u32 segment = bo->segment->index;
	struct tide_bo_client *bc;
	bool used;

	guard(spinlock)(&bo->lock);

	bc = tide_bo_find_client(bo, require->client);
	if (!bc)
		return -ENOENT;
	if (bc->residency == U32_MAX)
		return -EOVERFLOW;

	used = tide_require_uses(bc);
	if (!used && !bc->offered) {
		u64 usage = atomic64_read(&require->client->shares[segment].usage) + bo->base.size;

		if (usage > require->limits[segment]) {
			require->excess = usage - require->limits[segment];
			return -ENOSPC;
		}
	}

	bc->residency++;
	require->grown |= tide_require_changed_locked(bo, bc, used);
	return 0;
}

static int tide_require_remove(struct tide_bo *bo, struct tide_client *client, u32 flags)
{
	struct tide_bo_client *bc;
	bool used;

	guard(spinlock)(&bo->lock);

	bc = tide_bo_find_client(bo, client);
	if (!bc)
		return -ENOENT;
	if (!bc->residency)
		return -ERANGE;

	used = tide_require_uses(bc);
	bc->residency--;
	if (!bc->residency)
		WRITE_ONCE(bo->evict_flags, flags);
	tide_require_changed_locked(bo, bc, used);
	return 0;
}

/* Undoes tide_require_remove(), whatever the budget. */
static void tide_require_put_back(struct tide_bo *bo, struct tide_client *client)
{
	struct tide_require require = { .client = client };

	memset64(require.limits, U64_MAX, ARRAY_SIZE(require.limits));
	tide_require_add(&require, bo);
}

/*
 * Takes what fits of the list, or none of it on any other error.
 * Return: -ENOSPC if not all of it fits.
 */
static int tide_require_list(struct tide_require *require, struct tide_bo_list *list, u32 *taken,
			     u32 *bad_index)
{
	lockdep_assert_held(&require->client->lock);

	for (u32 i = 0; i < list->count; i++) {
		int ret = tide_require_add(require, list->bos[i]);

		*taken = i + !ret;
		if (!ret)
			continue;

		*bad_index = i;
		while (ret != -ENOSPC && *taken)
			tide_require_remove(list->bos[--*taken], require->client,
					    DRM_TIDE_EVICT_ONLY_IF_NECESSARY);
		return ret;
	}
	return 0;
}

static void tide_require_limit(struct tide_require *require, u32 flags)
{
	struct tide_device *tdev = require->client->tdev;

	for (u32 i = 0; i < tdev->segment_count; i++) {
		u64 *limit = &require->limits[i];

		*limit = tide_budget_of(require->client, i);
		if (flags & DRM_TIDE_MAKE_RESIDENT_CANT_TRIM)
			*limit = max(*limit, tdev->segments[i].size);
		if (flags & DRM_TIDE_MAKE_RESIDENT_MUST_SUCCEED)
			*limit = U64_MAX;
	}
}

static int tide_make_resident(struct tide_require *require, struct tide_bo_list *list,
			      struct tide_paging_op *op, struct drm_tide_make_resident *args)
{
	struct tide_client *client = require->client;
	struct tide_queue *queue;
	int ret;

	guard(mutex)(&client->lock);

	queue = tide_queue_find(client, args->queue);
	if (!queue) {
		tide_paging_op_free(op);
		return -ENOENT;
	}

	tide_require_limit(require, args->flags);
	ret = tide_require_list(require, list, &args->taken, &args->bad_index);
	if (ret && ret != -ENOSPC) {
		tide_paging_op_free(op);
		return ret;
	}
	args->trim_bytes = require->excess;

	for (u32 i = 0; i < args->taken; i++)
		tide_paging_op_add(op, list->bos[i]);
	args->value = tide_queue_push(queue, op);
	return ret;
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
	const u32 known = DRM_TIDE_MAKE_RESIDENT_CANT_TRIM | DRM_TIDE_MAKE_RESIDENT_MUST_SUCCEED;
	struct tide_require require = { .client = file->driver_priv };
	struct tide_bo_list *list __free(tide_bo_list) = NULL;
	struct drm_tide_make_resident *args = data;
	struct tide_paging_op *op;
	int ret;

	args->bad_index = DRM_TIDE_NO_INDEX;
	args->value = 0;
	args->taken = 0;
	args->trim_bytes = 0;
	if (args->flags & ~known || args->pad)
		return -EINVAL;

	list = tide_bo_list_get(file, args->handles, args->count, false, &args->bad_index);
	if (IS_ERR(list))
		return PTR_ERR(list);

	op = tide_paging_op_alloc(require.client, list->count);
	if (!op)
		return -ENOMEM;

	tide_client_touch(require.client);
	ret = tide_make_resident(&require, list, op, args);
	if (require.grown)
		tide_budget_update(require.client->tdev);
	return ret;
}

/* Takes one off the count of each entry, or of none. */
static int tide_evict_list(struct tide_bo_list *list, struct tide_client *client, u32 flags,
			   u32 *bad_index)
{
	guard(mutex)(&client->lock);

	for (u32 i = 0; i < list->count; i++) {
		int ret = tide_require_remove(list->bos[i], client, flags);

		if (!ret)
			continue;

		*bad_index = i;
		while (i--)
			tide_require_put_back(list->bos[i], client);
		return ret;
	}
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
	const u32 known = DRM_TIDE_EVICT_ONLY_IF_NECESSARY | DRM_TIDE_EVICT_NOT_WRITTEN;
	struct drm_tide_evict *args = data;
	struct tide_client *client = file->driver_priv;
	struct tide_bo_list *list __free(tide_bo_list) = NULL;
	int ret;

	args->bad_index = DRM_TIDE_NO_INDEX;
	if (args->flags & ~known || args->pad)
		return -EINVAL;

	list = tide_bo_list_get(file, args->handles, args->count, false, &args->bad_index);
	if (IS_ERR(list))
		return PTR_ERR(list);

	ret = tide_evict_list(list, client, args->flags, &args->bad_index);
	if (!ret && !(args->flags & DRM_TIDE_EVICT_ONLY_IF_NECESSARY))
		tide_segment_leave(client->tdev);
	return ret;
}
