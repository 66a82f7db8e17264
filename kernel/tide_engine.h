/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _TIDE_ENGINE_H_
#define _TIDE_ENGINE_H_

#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include <drm/gpu_scheduler.h>

struct drm_tide_command;
struct tide_bo;
struct tide_client;
struct tide_device;
struct tide_fence;

/**
 * struct tide_engine - the software GPU
 */
struct tide_engine {
	/** @sched: hands over one job at a time */
	struct drm_gpu_scheduler sched;
	/** @entity_lock: held while @sched stands still, for one client to go */
	struct mutex entity_lock;
	/** @wq: runs jobs */
	struct workqueue_struct *wq;
	/** @watchdog_wq: runs @watchdog */
	struct workqueue_struct *watchdog_wq;
	/** @watchdog: ends a job without progress */
	struct delayed_work watchdog;
	/** @fence_context: of the fences that the scheduler waits for */
	u64 fence_context;
	/** @fence_seqno: last job; jobs start one at a time */
	u64 fence_seqno;

	/** @lock: protects what follows */
	spinlock_t lock;
	/** @running: the job that runs */
	struct tide_job *running;
	/** @seen_progress: of @running when the watchdog last looked */
	u64 seen_progress;
	/** @seen_at: when it was not yet there, in jiffies */
	unsigned long seen_at;
	/** @abort: error with which @running is to end, or 0 */
	int abort;
	/** @wait: woken when @abort is set */
	wait_queue_head_t wait;
};

/**
 * struct tide_job_bo - an allocation that a job names
 */
struct tide_job_bo {
	/** @bo: referenced */
	struct tide_bo *bo;
	/** @flags: DRM_TIDE_SUBMIT_* */
	u32 flags;
};

/**
 * struct tide_job - a job
 */
struct tide_job {
	/** @base: base class */
	struct drm_sched_job base;
	/** @client: who submitted it; waits for its jobs before it goes */
	struct tide_client *client;
	/** @done: what everybody else waits for; NULL once handed over */
	struct tide_fence *done;
	/** @hw: what the scheduler waits for; NULL once handed over */
	struct tide_fence *hw;
	/** @work: runs it */
	struct work_struct work;
	/** @progress: grows while it runs and gets anywhere */
	u64 progress;
	/** @bos: allocations */
	struct tide_job_bo *bos;
	/** @commands: commands */
	struct drm_tide_command *commands;
	/** @bo_count: number of @bos */
	u32 bo_count;
	/** @command_count: number of @commands */
	u32 command_count;
};

extern uint tide_job_timeout_ms;

int tide_engine_init(struct tide_device *tdev);
void tide_engine_fini(struct tide_device *tdev);
void tide_engine_abort(struct tide_engine *engine, struct tide_client *client, int error);
void tide_engine_end_entity(struct tide_engine *engine, struct drm_sched_entity *entity);

void tide_job_free(struct tide_job *job);

#endif /* _TIDE_ENGINE_H_ */
