/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _TIDE_FENCE_H_
#define _TIDE_FENCE_H_

#include <linux/dma-fence.h>

struct file;

/**
 * struct tide_fence - a fence that may outlive everything but the module
 */
struct tide_fence {
	/** @base: base class; not initialised before tide_fence_init() */
	struct dma_fence base;
	/** @lock: the fence's lock */
	spinlock_t lock;
	/** @cb: on the fence that this one follows */
	struct dma_fence_cb cb;
	/** @pin: keeps the module */
	struct file *pin;
};

struct file *tide_fence_pin_create(void);

struct tide_fence *tide_fence_alloc(struct file *pin);
void tide_fence_free(struct tide_fence *fence);
void tide_fence_init(struct tide_fence *fence, u64 context, u64 seqno);
void tide_fence_follow(struct tide_fence *fence, struct dma_fence *leader);

#endif /* _TIDE_FENCE_H_ */
