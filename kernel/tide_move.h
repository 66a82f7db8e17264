/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _TIDE_MOVE_H_
#define _TIDE_MOVE_H_

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct tide_bo;
struct tide_device;
struct tide_fence;

/* Priorities of paging queues */
#define TIDE_MOVE_PRIORITIES	3

/**
 * struct tide_move_list - moves of one priority
 */
struct tide_move_list {
	/** @moves: &tide_move, in their order */
	struct list_head moves;
	/** @fence_context: of their fences */
	u64 fence_context;
	/** @fence_seqno: of the last one */
	u64 fence_seqno;
};

/**
 * struct tide_mover - the paging engine
 */
struct tide_mover {
	/** @wq: runs @work, and nothing else */
	struct workqueue_struct *wq;
	/** @work: copies */
	struct work_struct work;
	/** @lock: protects what follows */
	spinlock_t lock;
	/** @lists: what is to be copied, by priority */
	struct tide_move_list lists[TIDE_MOVE_PRIORITIES];
	/** @passed_over: moves that were made before others of a lower priority */
	u32 passed_over;
};

/**
 * struct tide_move - an allocation's move under way
 */
struct tide_move {
	/** @link: in &tide_move_list.moves */
	struct list_head link;
	/** @fence: also in the reservation, as one of the kernel's own */
	struct tide_fence *fence;
};

int tide_mover_init(struct tide_device *tdev);

int tide_move_start(struct tide_bo *bo, s32 priority);
bool tide_move_is_pending(struct tide_bo *bo);
int tide_move_wait(struct tide_bo *bo, const bool *cancelled);
bool tide_move_back_now(struct tide_bo *bo);
void tide_move_forget(struct tide_bo *bo);

#if IS_ENABLED(CONFIG_KUNIT)
struct tide_bo *tide_mover_pop(struct tide_mover *mover);
#endif

#endif /* _TIDE_MOVE_H_ */
