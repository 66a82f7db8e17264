/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _TIDE_SEGMENT_H_
#define _TIDE_SEGMENT_H_

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

#include <drm/tide_drm.h>

struct drm_device;
struct drm_file;
struct tide_bo;
struct tide_device;
struct work_struct;

#define TIDE_MAX_SEGMENTS	2

/**
 * struct tide_segment - a pool of memory that the GPU can reach
 */
struct tide_segment {
	/** @index: DRM_TIDE_SEGMENT_* */
	u32 index;
	/** @size: bytes that can be resident */
	u64 size;
	/** @lock: protects @usage and @residents */
	spinlock_t lock;
	/** @usage: bytes charged */
	u64 usage;
	/** @residents: charged allocations, the least recently used first */
	struct list_head residents;
	/** @search_lock: held by who takes out others to have room, for all who need it */
	struct mutex search_lock;
	/** @room: woken when usage falls or an allocation becomes idle */
	wait_queue_head_t room;
	/** @shares: &tide_share of each client, protected by &tide_device.clients_lock */
	struct list_head shares;
};

/**
 * tide_segment_is_local - whether a segment is local memory
 * @segment: segment
 *
 * Return: true if it is.
 */
static inline bool tide_segment_is_local(const struct tide_segment *segment)
{
	return segment->index == DRM_TIDE_SEGMENT_LOCAL;
}

void tide_segment_init(struct tide_segment *segment, u32 index, u64 size);
struct tide_segment *tide_segment_choose(struct tide_device *tdev, u32 allowed, u64 size);

int tide_segment_charge(struct tide_bo *bo);
void tide_segment_uncharge(struct tide_bo *bo);
void tide_segment_touch(struct tide_bo *bo);
void tide_segment_wake(struct tide_device *tdev);
int tide_segment_make_room(struct tide_segment *segment, u64 size, const bool *cancelled);
bool tide_should_stop(const bool *cancelled);

void tide_segment_leave_work(struct work_struct *work);
void tide_segment_leave(struct tide_device *tdev);

int tide_segment_info_ioctl(struct drm_device *drm, void *data, struct drm_file *file);

#if IS_ENABLED(CONFIG_KUNIT)
u64 tide_segment_rank(struct tide_bo *bo);
#endif

#endif /* _TIDE_SEGMENT_H_ */
