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
 * takes the segment's fit_lock and pins what it brings in until step 4: one
 * submission at a time, so that two that do not fit together cannot wait for
 * each other.
 */
#include <linux/dma-fence-chain.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include <drm/drm_drv.h>
#include <drm/drm_exec.h>
#include <drm/drm_syncobj.h>

#include "tide_drv.h"
#include "tide_fence.h"
#include "tide_gem.h"
#include "tide_submit.h"

/* How often memory pressure may be quicker before a submission pins */
#define TIDE_SUBMIT_UNPINNED_ROUNDS	3

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

static int tide_submit_bad(struct tide_submit *submit, u32 list, u32 index, int error)
{
	submit->args->bad_list = list;
	submit->args->bad_index = index;
	return error;
}

static struct tide_bo *tide_submit_bo(struct tide_submit *submit, u32 index)
{
	return submit->job->bos[index].bo;
}

/* Copies a list. Return: NULL if it is empty, or an error. */
static void *tide_submit_copy(struct tide_submit *submit, u32 list, u64 from, u32 count, u32 max,
			      size_t size)
{
	void *array;

	if (!count)
		return NULL;
	if (count > max)
		return ERR_PTR(tide_submit_bad(submit, list, DRM_TIDE_NO_INDEX, -E2BIG));

	array = vmemdup_array_user(u64_to_user_ptr(from), count, size);
	if (PTR_ERR(array) == -EFAULT)
		tide_submit_bad(submit, list, DRM_TIDE_NO_INDEX, -EFAULT);
	return array;
}

/*
 * Allocations
 */

struct tide_submit_sort {
	struct tide_bo *bo;
	u32 index;
};

static int tide_submit_compare(const void *a, const void *b)
{
	const struct tide_submit_sort *x = a, *y = b;

	if (x->bo != y->bo)
		return x->bo < y->bo ? -1 : 1;
	return x->index < y->index ? -1 : 1;
}

static int tide_submit_find_duplicate(struct tide_submit *submit)
{
	struct tide_submit_sort *sorted __free(kvfree) = NULL;
	u32 count = submit->job->bo_count, duplicate = DRM_TIDE_NO_INDEX;

	sorted = kvmalloc_array(count, sizeof(*sorted), GFP_KERNEL);
	if (!sorted)
		return -ENOMEM;

	for (u32 i = 0; i < count; i++) {
		sorted[i].bo = tide_submit_bo(submit, i);
		sorted[i].index = i;
	}
	sort(sorted, count, sizeof(*sorted), tide_submit_compare, NULL);

	for (u32 i = 1; i < count; i++)
		if (sorted[i].bo == sorted[i - 1].bo)
			duplicate = min(duplicate, sorted[i].index);

	if (duplicate != DRM_TIDE_NO_INDEX)
		return tide_submit_bad(submit, DRM_TIDE_LIST_BOS, duplicate, -EEXIST);
	return 0;
}

static int tide_submit_get_bos(struct tide_submit *submit)
{
	const u32 known = DRM_TIDE_SUBMIT_READ | DRM_TIDE_SUBMIT_WRITE;
	struct drm_tide_submit_bo *entries __free(kvfree) = NULL;
	struct tide_job *job = submit->job;
	u32 count = submit->args->bo_count;

	entries = tide_submit_copy(submit, DRM_TIDE_LIST_BOS, submit->args->bos, count,
				   TIDE_MAX_SUBMIT_BOS, sizeof(*entries));
	if (IS_ERR(entries))
		return PTR_ERR(no_free_ptr(entries));
	if (!count)
		return 0;

	job->bos = kvcalloc(count, sizeof(*job->bos), GFP_KERNEL_ACCOUNT);
	if (!job->bos)
		return -ENOMEM;

	for (u32 i = 0; i < count; i++) {
		if (!entries[i].flags || entries[i].flags & ~known)
			return tide_submit_bad(submit, DRM_TIDE_LIST_BOS, i, -EINVAL);

		job->bos[i].bo = tide_bo_lookup(submit->file, entries[i].handle);
		if (!job->bos[i].bo)
			return tide_submit_bad(submit, DRM_TIDE_LIST_BOS, i, -ENOENT);
		job->bos[i].flags = entries[i].flags;
		job->bo_count++;
	}
	return tide_submit_find_duplicate(submit);
}

/*
 * Commands
 */

static int tide_submit_check_range(struct tide_submit *submit, u32 bo_index, u64 offset,
				   u64 length)
{
	u64 size = tide_submit_bo(submit, bo_index)->base.size;

	return !length || length > size || offset > size - length ? -ERANGE : 0;
}

static int tide_submit_check_access(struct tide_submit *submit, u32 bo_index, u32 access)
{
	if (bo_index >= submit->job->bo_count ||
	    !(submit->job->bos[bo_index].flags & access))
		return -EINVAL;
	return 0;
}

static int tide_submit_check_command(struct tide_submit *submit,
				     const struct drm_tide_command *cmd)
{
	int ret;

	switch (cmd->op) {
	case DRM_TIDE_CMD_FILL:
		if (cmd->src || cmd->src_offset)
			return -EINVAL;
		break;
	case DRM_TIDE_CMD_COPY:
		if (cmd->pattern)
			return -EINVAL;
		ret = tide_submit_check_access(submit, cmd->src, DRM_TIDE_SUBMIT_READ);
		if (ret)
			return ret;
		ret = tide_submit_check_range(submit, cmd->src, cmd->src_offset, cmd->length);
		if (ret)
			return ret;
		break;
	case DRM_TIDE_CMD_DELAY:
		if (cmd->pattern || cmd->dst || cmd->src || cmd->dst_offset || cmd->src_offset)
			return -EINVAL;
		return cmd->length > TIDE_MAX_DELAY_NS ? -ERANGE : 0;
	default:
		return -EINVAL;
	}

	ret = tide_submit_check_access(submit, cmd->dst, DRM_TIDE_SUBMIT_WRITE);
	if (ret)
		return ret;
	return tide_submit_check_range(submit, cmd->dst, cmd->dst_offset, cmd->length);
}

static int tide_submit_get_commands(struct tide_submit *submit)
{
	struct drm_tide_command *commands;
	struct tide_job *job = submit->job;
	u32 count = submit->args->command_count;

	commands = tide_submit_copy(submit, DRM_TIDE_LIST_COMMANDS, submit->args->commands, count,
				    TIDE_MAX_SUBMIT_COMMANDS, sizeof(*commands));
	if (IS_ERR(commands))
		return PTR_ERR(commands);

	job->commands = commands;
	job->command_count = count;
	for (u32 i = 0; i < count; i++) {
		int ret = tide_submit_check_command(submit, &commands[i]);

		if (ret)
			return tide_submit_bad(submit, DRM_TIDE_LIST_COMMANDS, i, ret);
	}
	return 0;
}

/*
 * Points
 */

static int tide_submit_check_wait(struct tide_submit *submit, const struct drm_tide_sync *wait)
{
	struct drm_syncobj *syncobj;

	if (wait->pad)
		return -EINVAL;

	syncobj = drm_syncobj_find(submit->file, wait->handle);
	if (!syncobj)
		return -ENOENT;
	drm_syncobj_put(syncobj);
	return 0;
}

static int tide_submit_get_waits(struct tide_submit *submit)
{
	struct drm_tide_sync *waits;
	u32 count = submit->args->wait_count;

	waits = tide_submit_copy(submit, DRM_TIDE_LIST_WAITS, submit->args->waits, count,
				 TIDE_MAX_SUBMIT_SYNCS, sizeof(*waits));
	if (IS_ERR(waits))
		return PTR_ERR(waits);

	submit->waits = waits;
	for (u32 i = 0; i < count; i++) {
		int ret = tide_submit_check_wait(submit, &waits[i]);

		if (ret)
			return tide_submit_bad(submit, DRM_TIDE_LIST_WAITS, i, ret);
	}
	return 0;
}

static int tide_submit_get_signal(struct tide_submit *submit, const struct drm_tide_sync *sync,
				  struct tide_submit_signal *signal)
{
	if (sync->pad)
		return -EINVAL;

	signal->syncobj = drm_syncobj_find(submit->file, sync->handle);
	if (!signal->syncobj)
		return -ENOENT;

	signal->point = sync->point;
	if (!sync->point)
		return 0;

	signal->chain = dma_fence_chain_alloc();
	return signal->chain ? 0 : -ENOMEM;
}

static int tide_submit_get_signals(struct tide_submit *submit)
{
	struct drm_tide_sync *syncs __free(kvfree) = NULL;
	u32 count = submit->args->signal_count;

	syncs = tide_submit_copy(submit, DRM_TIDE_LIST_SIGNALS, submit->args->signals, count,
				 TIDE_MAX_SUBMIT_SYNCS, sizeof(*syncs));
	if (IS_ERR(syncs))
		return PTR_ERR(no_free_ptr(syncs));
	if (!count)
		return 0;

	submit->signals = kvcalloc(count, sizeof(*submit->signals), GFP_KERNEL);
	if (!submit->signals)
		return -ENOMEM;

	for (u32 i = 0; i < count; i++) {
		int ret = tide_submit_get_signal(submit, &syncs[i], &submit->signals[i]);

		if (ret)
			return tide_submit_bad(submit, DRM_TIDE_LIST_SIGNALS, i, ret);
	}
	return 0;
}

static void tide_submit_put_signals(struct tide_submit *submit)
{
	if (!submit->signals)
		return;

	for (u32 i = 0; i < submit->args->signal_count; i++) {
		dma_fence_chain_free(submit->signals[i].chain);
		if (submit->signals[i].syncobj)
			drm_syncobj_put(submit->signals[i].syncobj);
	}
	kvfree(submit->signals);
}

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
	u64 size = 0;

	for (u32 i = 0; i < submit->job->bo_count; i++) {
		int ret = tide_submit_check_bo(submit, tide_submit_bo(submit, i));

		if (ret)
			return tide_submit_bad(submit, DRM_TIDE_LIST_BOS, i, ret);
		if (check_add_overflow(size, tide_submit_bo(submit, i)->base.size, &size))
			return -ENOSPC;
	}
	return size > submit->client->tdev->system.size ? -ENOSPC : 0;
}

static int tide_submit_pin(struct tide_submit *submit)
{
	if (mutex_lock_interruptible(&submit->client->tdev->system.fit_lock))
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
	mutex_unlock(&submit->client->tdev->system.fit_lock);
	wake_up_all(&submit->client->tdev->system.room);
}

static int tide_submit_bring_in(struct tide_submit *submit)
{
	for (u32 i = 0; i < submit->job->bo_count; i++) {
		int ret = tide_residency_bring_in(tide_submit_bo(submit, i), NULL);

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
	bool cookie;

	mutex_lock(&client->submit_lock);
	cookie = dma_fence_begin_signalling();

	drm_sched_job_arm(&job->base);
	tide_fence_init(job->done, client->fence_context, ++client->fence_seqno);
	tide_fence_follow(job->done, &job->base.s_fence->finished);

	for (u32 i = 0; i < job->bo_count; i++)
		dma_resv_add_fence(job->bos[i].bo->base.resv, done,
				   job->bos[i].flags & DRM_TIDE_SUBMIT_WRITE ?
				   DMA_RESV_USAGE_WRITE : DMA_RESV_USAGE_READ);

	for (u32 i = 0; i < submit->args->signal_count; i++) {
		struct tide_submit_signal *signal = &submit->signals[i];

		if (signal->chain)
			drm_syncobj_add_point(signal->syncobj, signal->chain, done, signal->point);
		else
			drm_syncobj_replace_fence(signal->syncobj, done);
		signal->chain = NULL;
	}

	job->done = NULL;
	WRITE_ONCE(client->last_active, ktime_get_ns());
	drm_sched_entity_push_job(&job->base);

	dma_fence_end_signalling(cookie);
	mutex_unlock(&client->submit_lock);

	dma_fence_put(done);
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
		/* The allocations outlive the pins in the job, whatever becomes of it. */
		tide_submit_push(submit);
		tide_submit_unpin(submit);
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
		tide_bo_put(job->bos[i].bo);
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

	ret = tide_submit_get_bos(&submit);
	if (!ret)
		ret = tide_submit_get_commands(&submit);
	if (!ret)
		ret = tide_submit_get_waits(&submit);
	if (!ret)
		ret = tide_submit_get_signals(&submit);
	if (!ret)
		ret = tide_submit_check_bos(&submit);
	if (!ret)
		ret = tide_submit_run(&submit);

	if (ret)
		tide_job_free(submit.job);
	tide_submit_put_signals(&submit);
	kvfree(submit.waits);
	return ret;
}
