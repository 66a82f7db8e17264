/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _TIDE_OFFER_H_
#define _TIDE_OFFER_H_

#include <linux/types.h>

struct drm_device;
struct drm_file;
struct tide_bo;
struct tide_client;
struct tide_paging_op;

/**
 * struct tide_reclaim_call - a RECLAIM under way
 */
struct tide_reclaim_call {
	/** @client: client */
	struct tide_client *client;
	/** @op: what the client requires of it is to be brought in */
	struct tide_paging_op *op;
	/** @grown: the client's usage has grown */
	bool grown;
};

void tide_offer_begin_discard_locked(struct tide_bo *bo);
unsigned long tide_offer_discard(struct tide_bo *bo);
bool tide_offer_try_discard(struct tide_bo *bo);

int tide_offer_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int tide_reclaim_ioctl(struct drm_device *drm, void *data, struct drm_file *file);

#if IS_ENABLED(CONFIG_KUNIT)
void tide_offer_one(struct tide_bo *bo, struct tide_client *client, u32 priority,
		    bool may_decommit);
u32 tide_reclaim_one_locked(struct tide_reclaim_call *call, struct tide_bo *bo);
#endif

#endif /* _TIDE_OFFER_H_ */
