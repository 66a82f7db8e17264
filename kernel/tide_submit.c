// SPDX-License-Identifier: GPL-2.0 OR MIT
/**
 * DOC: Submission
 *
 * A submission is checked whole before anything is queued, then goes through
 * these steps:
 *
 * 1. Wait until every point to wait for has a fence. Nothing is locked or
 *    pinned meanwhile: this depends on user space alone.
 * 2. Bring in what is not resident. No fence of the job exists yet, so memory
 *    may be allocated and other jobs waited for.
 * 3. Lock all reservations and look again. If memory pressure was quicker,
 *    unlock and go back to 2.
 * 4. Arm the job, add its fence everywhere, push it. None of this can fail.
 *
 * Memory pressure could be quicker for ever. After a few rounds the submission
 * takes the device's fit_lock and pins what it brings in until step 4: one
 * submission at a time, so that two that do not fit together cannot wait for
 * each other.
 */
#include <linux/dma-fence-chain.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include <drm/drm_drv.h>
#include <drm/drm_exec.h>
#include <drm/drm_syncobj.h>

#include "tide_client.h"
#include "tide_drv.h"
#include "tide_fence.h"
#include "tide_gem.h"
#include "tide_put.h"
#include "tide_residency.h"
#include "tide_submit.h"

/* How often memory pressure may be quicker before a submission pins */
#define TIDE_SUBMIT_UNPINNED_ROUNDS	3

/* Waits until a point has a fence, however long that takes. */
static int tide_submit_wait_one(struct tide_submit *submit, const struct drm_tide_sync *wait)
{
	struct dma_fence *fence;
	int ret;

	do {
		if (drm_dev_is_unplugged(&submit->client->tdev->drm))
			return -ENODEV;

		/* Gives up with -ETIME after a few seconds. */
		ret = drm_syncobj_find_fence(submit->file, wait->handle, wait->point,
					     DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT, &fence);
	} while (ret == -ETIME);
	if (ret)
		return ret;

	return drm_sched_job_add_dependency(&submit->job->base, fence);
}

static int tide_submit_wait(struct tide_submit *submit)
{
	for (u32 i = 0; i < submit->args->wait_count; i++) {
		int ret = tide_submit_wait_one(submit, &submit->waits[i]);

		if (ret)
			return tide_submit_bad(submit, DRM_TIDE_LIST_WAITS, i, ret);
	}
	return 0;
}

/*
 * Residency
 */

static int tide_submit_check_bo(struct tide_submit *submit, struct tide_bo *bo)
{
	struct tide_bo_client *bc;

	guard(spinlock)(&bo->lock);

	bc = tide_bo_find_client(bo, submit->client);
	if (!bc)
		return -ENOENT;
	if (bo->state == TIDE_BO_LOST)
		return -ESTALE;
	if (!bc->residency)
		return -ENXIO;
	if (bc->offered)
		return -ENODATA;
	if (READ_ONCE(bo->page_in_error))
		return -EIO;
	return 0;
}

static int tide_submit_check_bos(struct tide_submit *submit)
{
	u64 sizes[TIDE_MAX_SEGMENTS] = {};

	for (u32 i = 0; i < submit->job->bo_count; i++) {
		struct tide_bo *bo = tide_submit_bo(submit, i);
		u64 *size = &sizes[bo->segment->index];
		int ret;

		ret = tide_submit_check_bo(submit, bo);
		if (ret)
			return tide_submit_bad(submit, DRM_TIDE_LIST_BOS, i, ret);
		if (check_add_overflow(*size, bo->base.size, size) || *size > bo->segment->size)
			return -ENOSPC;
	}
	return 0;
}

static int tide_submit_pin(struct tide_submit *submit)
{
	if (mutex_lock_interruptible(&submit->client->tdev->fit_lock))
		return -ERESTARTSYS;

	for (u32 i = 0; i < submit->job->bo_count; i++)
		atomic_inc(&tide_submit_bo(submit, i)->pins);
	submit->pinned = true;
	return 0;
}

static void tide_submit_unpin(struct tide_submit *submit)
{
	if (!submit->pinned)
		return;

	for (u32 i = 0; i < submit->job->bo_count; i++)
		atomic_dec(&tide_submit_bo(submit, i)->pins);
	submit->pinned = false;
	mutex_unlock(&submit->client->tdev->fit_lock);
	tide_segment_wake(submit->client->tdev);
}

static int tide_submit_bring_in(struct tide_submit *submit)
{
	for (u32 i = 0; i < submit->job->bo_count; i++) {
		int ret = tide_residency_bring_in(tide_submit_bo(submit, i),
						  DRM_TIDE_QUEUE_PRIORITY_NORMAL, NULL);

		if (ret == -ERESTARTSYS)
			return ret;
		if (ret)
			return tide_submit_bad(submit, DRM_TIDE_LIST_BOS, i, -EIO);
	}
	return 0;
}

/* With the reservations held. Return: -EAGAIN if memory pressure was quicker. */
static int tide_submit_check_locked(struct tide_submit *submit)
{
	struct tide_job *job = submit->job;
	int ret;

	ret = tide_submit_check_bos(submit);
	if (ret)
		return ret;

	for (u32 i = 0; i < job->bo_count; i++)
		if (!tide_bo_is_resident(job->bos[i].bo))
			return -EAGAIN;

	for (u32 i = 0; i < job->bo_count; i++) {
		ret = drm_sched_job_add_implicit_dependencies(&job->base, &job->bos[i].bo->base,
							      job->bos[i].flags &
							      DRM_TIDE_SUBMIT_WRITE);
		if (ret)
			return ret;
		/* Each fence is compared with all that there are already. */
		if (signal_pending(current))
			return -ERESTARTSYS;
		cond_resched();
	}
	return 0;
}

/*
 * Queueing
 */

static int tide_submit_lock(struct tide_submit *submit, struct drm_exec *exec)
{
	int ret = 0;

	drm_exec_until_all_locked(exec) {
		for (u32 i = 0; i < submit->job->bo_count; i++) {
			ret = drm_exec_prepare_obj(exec, &tide_submit_bo(submit, i)->base, 1);
			drm_exec_retry_on_contention(exec);
			if (ret)
				return ret;
		}
	}
	return ret;
}

/* With the reservations held. Cannot fail; the job is the scheduler's afterwards. */
static void tide_submit_push(struct tide_submit *submit)
{
	struct tide_client *client = submit->client;
	struct tide_job *job = submit->job;
	struct dma_fence *done = &job->done->base;
	struct dma_fence *last;
	bool cookie;

	mutex_lock(&client->submit_lock);
	cookie = dma_fence_begin_signalling();

	drm_sched_job_arm(&job->base);
	tide_fence_init(job->done, client->fence_context, ++client->fence_seqno);
	tide_fence_follow(job->done, &job->base.s_fence->finished);

	for (u32 i = 0; i < job->bo_count; i++) {
		dma_resv_add_fence(job->bos[i].bo->base.resv, done,
				   job->bos[i].flags & DRM_TIDE_SUBMIT_WRITE ?
				   DMA_RESV_USAGE_WRITE : DMA_RESV_USAGE_READ);
		if (job->bos[i].flags & DRM_TIDE_SUBMIT_WRITE)
			job->bos[i].bo->written = true;
		tide_segment_touch(job->bos[i].bo);
	}

	for (u32 i = 0; i < submit->args->signal_count; i++) {
		struct tide_submit_signal *signal = &submit->signals[i];

		if (signal->chain)
			drm_syncobj_add_point(signal->syncobj, signal->chain, done, signal->point);
		else
			drm_syncobj_replace_fence(signal->syncobj, done);
		signal->chain = NULL;
		/* Each point looks for those before it that have passed. */
		cond_resched();
	}

	job->done = NULL;
	last = rcu_replace_pointer(client->last_job, done, lockdep_is_held(&client->submit_lock));
	drm_sched_entity_push_job(&job->base);

	dma_fence_end_signalling(cookie);
	mutex_unlock(&client->submit_lock);

	dma_fence_put(last);
}

static int tide_submit_try(struct tide_submit *submit)
{
	struct drm_exec exec;
	int ret;

	ret = tide_submit_check_bos(submit);
	if (ret)
		return ret;

	ret = tide_submit_bring_in(submit);
	if (ret)
		return ret;

	drm_exec_init(&exec, DRM_EXEC_INTERRUPTIBLE_WAIT, submit->job->bo_count);
	ret = tide_submit_lock(submit, &exec);
	if (!ret)
		ret = tide_submit_check_locked(submit);
	if (!ret) {
		/* Once pushed, the job may be freed. The reservations hold until then. */
		tide_submit_unpin(submit);
		tide_submit_push(submit);
	}
	drm_exec_fini(&exec);
	return ret;
}

static int tide_submit_run(struct tide_submit *submit)
{
	int ret;

	ret = tide_submit_wait(submit);
	if (ret)
		return ret;

	for (int round = 0;; round++) {
		if (round == TIDE_SUBMIT_UNPINNED_ROUNDS) {
			ret = tide_submit_pin(submit);
			if (ret)
				return ret;
		}

		ret = tide_submit_try(submit);
		if (ret != -EAGAIN) {
			tide_submit_unpin(submit);
			return ret == -EINTR ? -ERESTARTSYS : ret;
		}
	}
}

/**
 * tide_job_free - free a job
 * @job: job, its scheduler part initialised
 */
void tide_job_free(struct tide_job *job)
{
	struct tide_client *client = job->client;

	drm_sched_job_cleanup(&job->base);
	for (u32 i = 0; i < job->bo_count; i++)
		tide_bo_put_late(job->bos[i].bo);
	kvfree(job->bos);
	kvfree(job->commands);
	tide_fence_free(job->done);
	tide_fence_free(job->hw);
	kfree(job);

	/* The client may be gone once it knows. */
	if (atomic_dec_and_test(&client->jobs))
		wake_up_var(&client->jobs);
}

static struct tide_job *tide_job_alloc(struct tide_client *client, u64 client_id)
{
	struct tide_job *job;
	int ret;

	job = kzalloc(sizeof(*job), GFP_KERNEL_ACCOUNT);
	if (!job)
		return ERR_PTR(-ENOMEM);

	ret = drm_sched_job_init(&job->base, &client->entity, 1, client, client_id);
	if (ret) {
		kfree(job);
		return ERR_PTR(ret);
	}

	job->client = client;
	atomic_inc(&client->jobs);
	job->done = tide_fence_alloc(client->pin);
	job->hw = tide_fence_alloc(client->pin);
	if (!job->done || !job->hw) {
		tide_job_free(job);
		return ERR_PTR(-ENOMEM);
	}
	/* Signalled around the scheduler's fence, and that one around @done */
	lockdep_set_subclass(&job->hw->lock, SINGLE_DEPTH_NESTING);
	return job;
}

/**
 * tide_submit_ioctl - DRM_IOCTL_TIDE_SUBMIT
 * @drm: device
 * @data: &struct drm_tide_submit
 * @file: client
 *
 * Return: 0 or an error.
 */
int tide_submit_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_tide_submit *args = data;
	struct tide_submit submit = {
		.args = args,
		.file = file,
		.client = file->driver_priv,
	};
	int ret;

	args->bad_list = DRM_TIDE_LIST_NONE;
	args->bad_index = DRM_TIDE_NO_INDEX;
	if (args->flags || args->pad)
		return -EINVAL;

	submit.job = tide_job_alloc(submit.client, file->client_id);
	if (IS_ERR(submit.job))
		return PTR_ERR(submit.job);

	atomic_inc(&submit.client->submissions);
	ret = tide_submit_get_args(&submit);
	if (!ret)
		ret = tide_submit_check_bos(&submit);
	if (!ret) {
		tide_client_touch(submit.client);
		ret = tide_submit_run(&submit);
	}

	atomic_dec(&submit.client->submissions);

	if (ret)
		tide_job_free(submit.job);
	tide_submit_put_args(&submit);
	return ret;
}
