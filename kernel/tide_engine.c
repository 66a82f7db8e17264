// SPDX-License-Identifier: GPL-2.0 OR MIT
/**
 * DOC: The engine
 *
 * The GPU is software: a worker that fills and copies through the page lists of
 * the allocations. What surrounds it is what a driver of a real GPU has: a
 * drm_sched in front, a fence that the "hardware" signals, a watchdog.
 *
 * The watchdog is the engine's own, and the scheduler's timeout is not used: a
 * job can be ended cleanly here, so nothing has to be reset, and no other job
 * has to be run again. It ends a job that made no progress for a whole period.
 *
 * Everything between a job's arming and its signal runs without allocating
 * memory: fences and lists are made at submission.
 */
#include <linux/highmem.h>
#include <linux/module.h>
#include <linux/unaligned.h>

#include <drm/drm_drv.h>
#include <drm/drm_managed.h>

#include "tide_drv.h"
#include "tide_engine.h"
#include "tide_fence.h"
#include "tide_gem.h"

uint tide_job_timeout_ms = 2000;
module_param_named(job_timeout_ms, tide_job_timeout_ms, uint, 0644);
MODULE_PARM_DESC(job_timeout_ms, "End a job that makes no progress for this long (milliseconds)");

static struct tide_job *to_tide_job(struct drm_sched_job *base)
{
	return container_of(base, struct tide_job, base);
}

static struct tide_engine *tide_job_engine(struct tide_job *job)
{
	return &job->client->tdev->engine;
}

/* Return: an error once the job is to end. */
static int tide_job_step(struct tide_job *job)
{
	WRITE_ONCE(job->progress, job->progress + 1);
	cond_resched();
	return READ_ONCE(tide_job_engine(job)->abort);
}

static struct page *tide_job_page(struct tide_job *job, u32 bo_index, u64 offset)
{
	return tide_bo_gpu_page(job->bos[bo_index].bo, offset >> PAGE_SHIFT);
}

static void tide_fill_bytes(u8 *dst, size_t length, u32 pattern)
{
	for (; length >= sizeof(pattern); length -= sizeof(pattern), dst += sizeof(pattern))
		put_unaligned_le32(pattern, dst);
	for (; length; length--, pattern >>= 8)
		*dst++ = pattern;
}

static int tide_job_fill(struct tide_job *job, const struct drm_tide_command *cmd)
{
	u64 done = 0;
	int ret = 0;

	while (done < cmd->length && !ret) {
		u64 offset = cmd->dst_offset + done;
		size_t length = min_t(u64, cmd->length - done, PAGE_SIZE - offset_in_page(offset));
		u8 *dst = kmap_local_page(tide_job_page(job, cmd->dst, offset));

		tide_fill_bytes(dst + offset_in_page(offset), length,
				ror32(cmd->pattern, 8 * (done % 4)));
		kunmap_local(dst);

		done += length;
		ret = tide_job_step(job);
	}
	return ret;
}

static void tide_copy_bytes(struct page *dst_page, size_t dst_offset, struct page *src_page,
			    size_t src_offset, size_t length)
{
	u8 *src = kmap_local_page(src_page);
	u8 *dst = kmap_local_page(dst_page);

	memmove(dst + dst_offset, src + src_offset, length);
	kunmap_local(dst);
	kunmap_local(src);
}

/* From the end, where what is written would otherwise be read later */
static int tide_job_copy_backward(struct tide_job *job, const struct drm_tide_command *cmd)
{
	u64 left = cmd->length;
	int ret = 0;

	while (left && !ret) {
		/* The last byte of what is left, on either side */
		u64 dst = cmd->dst_offset + left - 1;
		u64 src = cmd->src_offset + left - 1;
		size_t length = min3(left, (u64)offset_in_page(dst) + 1,
				     (u64)offset_in_page(src) + 1);

		tide_copy_bytes(tide_job_page(job, cmd->dst, dst), offset_in_page(dst) + 1 - length,
				tide_job_page(job, cmd->src, src), offset_in_page(src) + 1 - length,
				length);
		left -= length;
		ret = tide_job_step(job);
	}
	return ret;
}

static int tide_job_copy_forward(struct tide_job *job, const struct drm_tide_command *cmd)
{
	u64 done = 0;
	int ret = 0;

	while (done < cmd->length && !ret) {
		u64 dst = cmd->dst_offset + done;
		u64 src = cmd->src_offset + done;
		size_t length = min3(cmd->length - done, (u64)PAGE_SIZE - offset_in_page(dst),
				     (u64)PAGE_SIZE - offset_in_page(src));

		tide_copy_bytes(tide_job_page(job, cmd->dst, dst), offset_in_page(dst),
				tide_job_page(job, cmd->src, src), offset_in_page(src), length);
		done += length;
		ret = tide_job_step(job);
	}
	return ret;
}

static int tide_job_copy(struct tide_job *job, const struct drm_tide_command *cmd)
{
	if (job->bos[cmd->dst].bo == job->bos[cmd->src].bo && cmd->dst_offset > cmd->src_offset)
		return tide_job_copy_backward(job, cmd);
	return tide_job_copy_forward(job, cmd);
}

static int tide_job_delay(struct tide_job *job, const struct drm_tide_command *cmd)
{
	struct tide_engine *engine = tide_job_engine(job);

	wait_event_hrtimeout(engine->wait, READ_ONCE(engine->abort), ns_to_ktime(cmd->length));
	return tide_job_step(job);
}

static int tide_job_run_command(struct tide_job *job, const struct drm_tide_command *cmd)
{
	switch (cmd->op) {
	case DRM_TIDE_CMD_FILL:
		return tide_job_fill(job, cmd);
	case DRM_TIDE_CMD_COPY:
		return tide_job_copy(job, cmd);
	case DRM_TIDE_CMD_DELAY:
		return tide_job_delay(job, cmd);
	default:
		return -EINVAL;
	}
}

static unsigned long tide_engine_patience(void)
{
	return msecs_to_jiffies(max(READ_ONCE(tide_job_timeout_ms), 1u));
}

static void tide_engine_start_watchdog(struct tide_engine *engine)
{
	mod_delayed_work(engine->watchdog_wq, &engine->watchdog, tide_engine_patience());
}

static void tide_engine_watchdog(struct work_struct *work)
{
	struct tide_engine *engine = container_of(to_delayed_work(work), struct tide_engine,
						  watchdog);
	u64 progress;

	guard(spinlock)(&engine->lock);

	if (!engine->running)
		return;

	progress = READ_ONCE(engine->running->progress);
	if (progress != engine->seen_progress) {
		engine->seen_progress = progress;
		engine->seen_at = jiffies;
	} else if (time_after_eq(jiffies, engine->seen_at + tide_engine_patience())) {
		WRITE_ONCE(engine->abort, -ETIME);
		wake_up_all(&engine->wait);
		return;
	}
	/* Earlier, it is the last job's: it had begun to run when that job ended. */
	tide_engine_start_watchdog(engine);
}

static void tide_engine_set_running(struct tide_engine *engine, struct tide_job *job)
{
	guard(spinlock)(&engine->lock);

	engine->running = job;
	engine->seen_progress = 0;
	engine->seen_at = jiffies;
	WRITE_ONCE(engine->abort, 0);
	if (!job)
		return;

	/* Set before any abort of the client's jobs could see this one run */
	if (READ_ONCE(job->client->dead))
		WRITE_ONCE(engine->abort, -ECANCELED);
	tide_engine_start_watchdog(engine);
}

static void tide_job_work(struct work_struct *work)
{
	struct tide_job *job = container_of(work, struct tide_job, work);
	struct tide_engine *engine = tide_job_engine(job);
	struct tide_fence *hw = job->hw;
	bool cookie = dma_fence_begin_signalling();
	ktime_t start = ktime_get();
	int ret = 0;

	tide_engine_set_running(engine, job);
	for (u32 i = 0; i < job->command_count && !ret; i++)
		ret = tide_job_run_command(job, &job->commands[i]);
	tide_engine_set_running(engine, NULL);

	atomic64_add(ktime_to_ns(ktime_sub(ktime_get(), start)), &job->client->busy_ns);

	/* The job may be freed as soon as the fence is signalled. */
	job->hw = NULL;
	if (ret)
		dma_fence_set_error(&hw->base, ret);
	dma_fence_signal(&hw->base);
	dma_fence_end_signalling(cookie);
	dma_fence_put(&hw->base);

	tide_segment_wake(container_of(engine, struct tide_device, engine));
}

/**
 * tide_engine_abort - end a client's job if one is running
 * @engine: engine
 * @client: client, or NULL for any
 * @error: what its fence will carry
 */
void tide_engine_abort(struct tide_engine *engine, struct tide_client *client, int error)
{
	guard(spinlock)(&engine->lock);

	if (!engine->running || (client && engine->running->client != client))
		return;
	WRITE_ONCE(engine->abort, error);
	wake_up_all(&engine->wait);
}

/* The scheduler runs a job also when what it depended on has failed. */
static int tide_job_check(struct tide_job *job)
{
	if (drm_dev_is_unplugged(&job->client->tdev->drm))
		return -ENODEV;
	if (READ_ONCE(job->client->dead))
		return -ECANCELED;
	for (u32 i = 0; i < job->bo_count; i++)
		if (!tide_bo_is_resident(job->bos[i].bo))
			return -EIO;
	return 0;
}

static struct dma_fence *tide_engine_run_job(struct drm_sched_job *base)
{
	struct tide_job *job = to_tide_job(base);
	struct tide_engine *engine = tide_job_engine(job);
	struct dma_fence *fence = &job->hw->base;
	int ret;

	ret = tide_job_check(job);
	if (ret)
		return ERR_PTR(ret);

	tide_fence_init(job->hw, engine->fence_context, ++engine->fence_seqno);
	/* One reference is the worker's, one the scheduler's. */
	dma_fence_get(fence);
	INIT_WORK(&job->work, tide_job_work);
	queue_work(engine->wq, &job->work);
	return fence;
}

static void tide_engine_free_job(struct drm_sched_job *base)
{
	/* The next jobs are run by the same worker. */
	bool cookie = dma_fence_begin_signalling();

	tide_job_free(to_tide_job(base));
	dma_fence_end_signalling(cookie);
}

static const struct drm_sched_backend_ops tide_sched_ops = {
	.run_job = tide_engine_run_job,
	.free_job = tide_engine_free_job,
};

/**
 * tide_engine_end_entity - drm_sched_entity_fini() while other clients go on
 * @engine: engine
 * @entity: a client's, which pushes no more jobs
 *
 * When the scheduler's worker has taken a job from an entity, it sorts the entity
 * into its tree again by the next job, even if the entity has been removed
 * meanwhile (from 6.12 to 7.3 at least). There it would be when it is freed. So
 * the worker stands still while an entity is removed.
 */
void tide_engine_end_entity(struct tide_engine *engine, struct drm_sched_entity *entity)
{
	bool cookie;

	guard(mutex)(&engine->entity_lock);

	/* Who comes and goes all the time must not have the worker cancelled before it runs. */
	flush_workqueue(engine->sched.submit_wq);
	drm_sched_wqueue_stop(&engine->sched);
	/* Everybody's jobs wait. */
	cookie = dma_fence_begin_signalling();
	drm_sched_entity_fini(entity);
	dma_fence_end_signalling(cookie);
	drm_sched_wqueue_start(&engine->sched);
}

/**
 * tide_engine_init - set up the engine
 * @tdev: device
 *
 * Return: 0 or an error.
 */
int tide_engine_init(struct tide_device *tdev)
{
	struct tide_engine *engine = &tdev->engine;
	const struct drm_sched_init_args args = {
		.ops = &tide_sched_ops,
		.num_rqs = DRM_SCHED_PRIORITY_COUNT,
		.credit_limit = 1,
		.timeout = MAX_SCHEDULE_TIMEOUT,
		.name = "tide",
		.dev = tdev->drm.dev,
	};
	int ret;

	ret = drmm_mutex_init(&tdev->drm, &engine->entity_lock);
	if (ret)
		return ret;
	spin_lock_init(&engine->lock);
	init_waitqueue_head(&engine->wait);
	INIT_DELAYED_WORK(&engine->watchdog, tide_engine_watchdog);
	engine->fence_context = dma_fence_context_alloc(1);

	engine->wq = alloc_ordered_workqueue("tide-engine", WQ_MEM_RECLAIM);
	if (!engine->wq)
		return -ENOMEM;

	engine->watchdog_wq = alloc_ordered_workqueue("tide-watchdog", WQ_MEM_RECLAIM);
	if (!engine->watchdog_wq) {
		ret = -ENOMEM;
		goto err_wq;
	}

	ret = drm_sched_init(&engine->sched, &args);
	if (ret)
		goto err_watchdog_wq;
	return 0;

err_watchdog_wq:
	destroy_workqueue(engine->watchdog_wq);
err_wq:
	destroy_workqueue(engine->wq);
	return ret;
}

/**
 * tide_engine_fini - undo tide_engine_init()
 * @tdev: device without clients
 */
void tide_engine_fini(struct tide_device *tdev)
{
	struct tide_engine *engine = &tdev->engine;

	drm_sched_fini(&engine->sched);
	destroy_workqueue(engine->wq);
	cancel_delayed_work_sync(&engine->watchdog);
	destroy_workqueue(engine->watchdog_wq);
}
