/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _TIDE_PAGING_H_
#define _TIDE_PAGING_H_

#include <linux/cleanup.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct drm_device;
struct drm_file;
struct drm_syncobj;
struct tide_bo;
struct tide_client;
struct tide_device;
struct tide_paging_op;
struct workqueue_struct;

/* Signalled from the start */
#define TIDE_QUEUE_FIRST_VALUE	1

/**
 * struct tide_page_in_failure - a failed value
 */
struct tide_page_in_failure {
	/** @link: in &tide_queue.failures */
	struct list_head link;
	/** @value: the value */
	u64 value;
	/** @error: why, negative */
	int error;
};

/**
 * struct tide_queue - a paging queue
 */
struct tide_queue {
	/** @tdev: device */
	struct tide_device *tdev;
	/** @priority: DRM_TIDE_QUEUE_PRIORITY_* */
	s32 priority;
	/** @syncobj: the timeline; written only */
	struct drm_syncobj *syncobj;
	/** @fence_context: of the timeline's fences */
	u64 fence_context;
	/** @wq: ordered; has a work for each value */
	struct workqueue_struct *wq;
	/** @dead: being destroyed, what is left is cancelled */
	bool dead;

	/** @lock: protects what follows */
	spinlock_t lock;
	/** @last: value returned last */
	u64 last;
	/** @completed: value signalled last */
	u64 completed;
	/** @failures: in order of their values */
	struct list_head failures;
	/** @failure_count: number of @failures */
	u32 failure_count;
};

struct tide_paging_op *tide_paging_op_alloc(struct tide_client *client, u32 max_bos);
void tide_paging_op_free(struct tide_paging_op *op);
void tide_paging_op_destroy(struct tide_paging_op *op);
void tide_paging_op_add(struct tide_paging_op *op, struct tide_bo *bo);

DEFINE_FREE(tide_paging_op, struct tide_paging_op *, tide_paging_op_free(_T))

u64 tide_queue_push(struct tide_queue *queue, struct tide_paging_op *op);

/* tide_queue.c */
struct tide_queue *tide_queue_find(struct tide_client *client, u32 id);
void tide_queue_destroy(struct tide_queue *queue);

int tide_queue_create_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int tide_queue_destroy_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int tide_queue_info_ioctl(struct drm_device *drm, void *data, struct drm_file *file);

#if IS_ENABLED(CONFIG_KUNIT)
struct tide_queue *tide_queue_create(struct tide_device *tdev, s32 priority);
#endif

#endif /* _TIDE_PAGING_H_ */
