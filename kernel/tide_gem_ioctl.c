// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The calls that create allocations and ask about them.
 */
#include <drm/drm_print.h>
#include <drm/drm_vma_manager.h>

#include "tide_backing.h"
#include "tide_compat.h"
#include "tide_drv.h"
#include "tide_gem.h"

/**
 * tide_bo_create_ioctl - DRM_IOCTL_TIDE_BO_CREATE
 * @drm: device
 * @data: &struct drm_tide_bo_create
 * @file: client
 *
 * Return: 0 or an error.
 */
int tide_bo_create_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct tide_device *tdev = to_tide_device(drm);
	struct drm_tide_bo_create *args = data;
	struct tide_bo *bo;
	int ret;

	if (!args->size || args->flags || args->pad || args->pad2 || args->pad3 ||
	    args->segments >> tdev->segment_count)
		return -EINVAL;

	bo = tide_bo_create(file->driver_priv, args->size, args->segments);
	if (IS_ERR(bo))
		return PTR_ERR(bo);

	args->actual_size = bo->base.size;
	ret = drm_gem_handle_create(file, &bo->base, &args->handle);
	tide_bo_put(bo);
	return ret;
}

/**
 * tide_bo_mmap_offset_ioctl - DRM_IOCTL_TIDE_BO_MMAP_OFFSET
 * @drm: device
 * @data: &struct drm_tide_bo_mmap_offset
 * @file: client
 *
 * Return: 0 or an error.
 */
int tide_bo_mmap_offset_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_tide_bo_mmap_offset *args = data;
	struct tide_bo *bo __free(tide_bo) = NULL;

	if (args->pad)
		return -EINVAL;

	bo = tide_bo_lookup(file, args->handle);
	if (!bo)
		return -ENOENT;
	if (READ_ONCE(bo->state) == TIDE_BO_LOST)
		return -ESTALE;

	args->offset = drm_vma_node_offset_addr(&bo->base.vma_node);
	return 0;
}

/**
 * tide_bo_info_ioctl - DRM_IOCTL_TIDE_BO_INFO
 * @drm: device
 * @data: &struct drm_tide_bo_info
 * @file: client
 *
 * Return: 0 or an error.
 */
int tide_bo_info_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_tide_bo_info *args = data;
	struct tide_bo *bo __free(tide_bo) = NULL;
	struct tide_bo_client *bc;

	if (args->pad)
		return -EINVAL;

	bo = tide_bo_lookup(file, args->handle);
	if (!bo)
		return -ENOENT;

	args->size = bo->base.size;
	args->present = (u64)tide_backing_present(bo) << PAGE_SHIFT;
	args->page_in_error = -READ_ONCE(bo->page_in_error);
	args->segment = bo->segment->index;
	args->pad2 = 0;
	args->flags = 0;
	if (tide_bo_is_resident(bo))
		args->flags |= DRM_TIDE_BO_RESIDENT;
	if (tide_bo_has_jobs(bo))
		args->flags |= DRM_TIDE_BO_BUSY;

	guard(spinlock)(&bo->lock);

	bc = tide_bo_find_client(bo, file->driver_priv);
	if (!bc)
		return -ENOENT;

	args->discard_count = bo->discards;
	args->residency_count = bc->residency;
	args->priority = bo->state == TIDE_BO_LOST ? 0 : bc->offered;
	if (args->priority)
		args->flags |= DRM_TIDE_BO_OFFERED;
	if (bo->state == TIDE_BO_LOST)
		args->flags |= DRM_TIDE_BO_NOT_COMMITTED;
	if (bo->state == TIDE_BO_DISCARDED)
		args->flags |= DRM_TIDE_BO_DISCARDED;
	else if (bc->discards_told != bo->discards)
		args->flags |= DRM_TIDE_BO_DISCARD_UNTOLD;
	if (tide_bo_is_exported(bo))
		args->flags |= DRM_TIDE_BO_EXPORTED;
	return 0;
}

/**
 * tide_dumb_create - DRM_IOCTL_MODE_CREATE_DUMB
 * @file: client
 * @drm: device
 * @args: width, height and bits in; handle, pitch and size out
 *
 * Return: 0 or an error.
 */
int tide_dumb_create(struct drm_file *file, struct drm_device *drm,
		     struct drm_mode_create_dumb *args)
{
	struct tide_bo *bo;
	int ret;

	/* The DRM core has checked these for overflow. */
	args->pitch = args->width * DIV_ROUND_UP(args->bpp, 8);
	args->size = PAGE_ALIGN((u64)args->pitch * args->height);

	bo = tide_bo_create(file->driver_priv, args->size, 0);
	if (IS_ERR(bo))
		return PTR_ERR(bo);

	ret = drm_gem_handle_create(file, &bo->base, &args->handle);
	tide_bo_put(bo);
	return ret;
}

/**
 * tide_dumb_map_offset - DRM_IOCTL_MODE_MAP_DUMB
 * @file: client
 * @drm: device
 * @handle: any allocation
 * @offset: out
 *
 * Return: 0 or an error, as DRM_IOCTL_TIDE_BO_MMAP_OFFSET.
 */
int tide_dumb_map_offset(struct drm_file *file, struct drm_device *drm, u32 handle, u64 *offset)
{
	struct drm_tide_bo_mmap_offset args = { .handle = handle };
	int ret = tide_bo_mmap_offset_ioctl(drm, &args, file);

	*offset = args.offset;
	return ret;
}

static void tide_gem_add_local(struct drm_memory_stats *stats, struct tide_bo *bo)
{
	if (!tide_segment_is_local(bo->segment))
		return;

	if (drm_gem_object_is_shared_for_memory_stats(&bo->base))
		stats->shared += bo->base.size;
	else
		stats->private += bo->base.size;
	if (!tide_bo_is_resident(bo))
		return;

	stats->resident += bo->base.size;
	if (tide_bo_has_jobs(bo))
		stats->active += bo->base.size;
	else if (READ_ONCE(bo->state) == TIDE_BO_OFFERED)
		stats->purgeable += bo->base.size;
}

/**
 * tide_gem_show_fdinfo - the memory keys of drm-usage-stats
 * @p: where to print
 * @file: client
 */
void tide_gem_show_fdinfo(struct drm_printer *p, struct drm_file *file)
{
	const enum drm_gem_object_status supported =
		DRM_GEM_OBJECT_RESIDENT | DRM_GEM_OBJECT_PURGEABLE | DRM_GEM_OBJECT_ACTIVE;
	struct drm_memory_stats stats = {}, local = {};
	struct drm_gem_object *obj;
	int id;

	spin_lock(&file->table_lock);
	idr_for_each_entry(&file->object_idr, obj, id) {
		struct tide_bo *bo;
		u64 present;

		if (!obj)
			continue;

		bo = to_tide_bo(obj);
		present = (u64)tide_backing_present(bo) << PAGE_SHIFT;

		if (drm_gem_object_is_shared_for_memory_stats(obj))
			stats.shared += obj->size;
		else
			stats.private += obj->size;
		stats.resident += present;
		if (tide_bo_has_jobs(bo))
			stats.active += present;
		else if (READ_ONCE(bo->state) == TIDE_BO_OFFERED)
			stats.purgeable += present;
		tide_gem_add_local(&local, bo);
	}
	spin_unlock(&file->table_lock);

	drm_print_memory_stats(p, &stats, supported, "system");
	if (to_tide_device(file->minor->dev)->segment_count > DRM_TIDE_SEGMENT_LOCAL)
		drm_print_memory_stats(p, &local, supported, "local");
}
