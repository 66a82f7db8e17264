/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _TIDE_SUBMIT_H_
#define _TIDE_SUBMIT_H_

#include "tide_engine.h"

struct dma_fence_chain;
struct drm_device;
struct drm_file;
struct drm_syncobj;
struct drm_tide_command;
struct drm_tide_submit;
struct drm_tide_sync;

/**
 * struct tide_submit_signal - a point to signal
 */
struct tide_submit_signal {
	/** @syncobj: referenced */
	struct drm_syncobj *syncobj;
	/** @chain: for a timeline point */
	struct dma_fence_chain *chain;
	/** @point: the point, 0 for a binary syncobj */
	u64 point;
};

/**
 * struct tide_submit - a submission under way
 */
struct tide_submit {
	/** @args: what the client said */
	struct drm_tide_submit *args;
	/** @file: client */
	struct drm_file *file;
	/** @client: client */
	struct tide_client *client;
	/** @job: is queued in the end */
	struct tide_job *job;
	/** @waits: points to wait for */
	struct drm_tide_sync *waits;
	/** @signals: points to signal */
	struct tide_submit_signal *signals;
	/** @pinned: the allocations are pinned and the fit_lock is held */
	bool pinned;
};

static inline struct tide_bo *tide_submit_bo(struct tide_submit *submit, u32 index)
{
	return submit->job->bos[index].bo;
}

int tide_submit_ioctl(struct drm_device *drm, void *data, struct drm_file *file);

/* tide_submit_args.c */
int tide_submit_bad(struct tide_submit *submit, u32 list, u32 index, int error);
int tide_submit_get_args(struct tide_submit *submit);
void tide_submit_put_args(struct tide_submit *submit);

#if IS_ENABLED(CONFIG_KUNIT)
int tide_submit_check_command(struct tide_submit *submit, const struct drm_tide_command *cmd);
#endif

#endif /* _TIDE_SUBMIT_H_ */
