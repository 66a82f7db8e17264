/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _TIDE_RESIDENCY_H_
#define _TIDE_RESIDENCY_H_

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

struct drm_device;
struct drm_file;
struct tide_bo;
struct tide_bo_list;
struct tide_device;

/**
 * struct tide_segment - a pool of memory that the GPU can reach
 */
struct tide_segment {
	/** @size: bytes that can be resident */
	u64 size;
	/** @lock: protects @usage and @residents */
	spinlock_t lock;
	/** @usage: bytes charged */
	u64 usage;
	/** @residents: charged allocations, by the time of their page-in */
	struct list_head residents;
	/** @room: woken when usage falls or an allocation becomes idle */
	wait_queue_head_t room;
	/** @fit_lock: held by the one submission that may pin what it brings in */
	struct mutex fit_lock;
};

void tide_segment_init(struct tide_segment *segment, u64 size);

int tide_residency_bring_in(struct tide_bo *bo, const bool *cancelled);
void tide_residency_drop(struct tide_bo *bo);

int tide_segment_info_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int tide_make_resident_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int tide_evict_ioctl(struct drm_device *drm, void *data, struct drm_file *file);

#endif /* _TIDE_RESIDENCY_H_ */
