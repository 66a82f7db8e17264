// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Clients: open files of the device, and whether they are active.
 */
#include <linux/capability.h>
#include <linux/file.h>
#include <linux/moduleparam.h>
#include <linux/wait_bit.h>

#include <drm/drm_drv.h>
#include <drm/drm_print.h>

#include "tide_budget.h"
#include "tide_client.h"
#include "tide_drv.h"
#include "tide_fence.h"
#include "tide_gem.h"
#include "tide_paging.h"

static uint tide_idle_ms = 5000;
module_param_named(idle_ms, tide_idle_ms, uint, 0644);
MODULE_PARM_DESC(idle_ms, "A client without jobs and calls for this long is idle (milliseconds)");

/* When the last job finished, U64_MAX while the client submits or has unfinished jobs */
static u64 tide_client_last_job(struct tide_client *client)
{
	struct dma_fence *job;

	if (atomic_read(&client->submissions))
		return U64_MAX;

	guard(rcu)();

	/* A client's jobs finish in their order. */
	job = rcu_dereference(client->last_job);
	if (!job)
		return client->opened;
	if (!test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &job->flags))
		return U64_MAX;
	return ktime_to_ns(dma_fence_timestamp(job));
}

/**
 * tide_client_idle_since - when a client became idle
 * @client: client
 *
 * Return: a time in nanoseconds, larger for a client that was active later;
 * U64_MAX while it submits or has unfinished jobs, else %TIDE_SUSPENDED of one
 * that is suspended.
 */
u64 tide_client_idle_since(struct tide_client *client)
{
	u64 since = tide_client_last_job(client);

	return since < U64_MAX && READ_ONCE(client->suspended) ? TIDE_SUSPENDED : since;
}

/**
 * tide_client_is_active - whether a client comes before idle ones
 * @client: client
 *
 * Return: true if it has jobs, or asked for something lately.
 */
bool tide_client_is_active(struct tide_client *client)
{
	u64 idle = (u64)READ_ONCE(tide_idle_ms) * NSEC_PER_MSEC;
	u64 since = tide_client_last_job(client);

	if (since == U64_MAX)
		return true;
	if (READ_ONCE(client->suspended))
		return false;
	since = max(since, READ_ONCE(client->last_call));
	return ktime_get_ns() < since + idle;
}

/**
 * tide_client_touch - note that a client is active
 * @client: client, that asks for memory or a job
 */
void tide_client_touch(struct tide_client *client)
{
	bool wakes = !tide_client_is_active(client);

	WRITE_ONCE(client->last_call, ktime_get_ns());
	WRITE_ONCE(client->suspended, false);
	if (wakes)
		tide_budget_update(client->tdev);
}

static void tide_client_add(struct tide_client *client)
{
	struct tide_device *tdev = client->tdev;

	guard(mutex)(&tdev->clients_lock);

	list_add_tail(&client->link, &tdev->clients);
	for (u32 i = 0; i < tdev->segment_count; i++)
		list_add_tail(&client->shares[i].link, &tdev->segments[i].shares);
}

/* Nobody finds the client any more; the last event has been sent to it. */
static void tide_client_remove(struct tide_client *client)
{
	struct tide_device *tdev = client->tdev;

	guard(mutex)(&tdev->clients_lock);

	if (list_empty(&client->link))
		return;
	list_del_init(&client->link);
	for (u32 i = 0; i < tdev->segment_count; i++)
		list_del(&client->shares[i].link);
}

/**
 * tide_client_open - make a client
 * @drm: device
 * @file: open file
 *
 * Return: 0 or an error.
 */
int tide_client_open(struct drm_device *drm, struct drm_file *file)
{
	struct tide_device *tdev = to_tide_device(drm);
	struct drm_gpu_scheduler *sched = &tdev->engine.sched;
	struct tide_client *client;
	int ret;

	client = kzalloc(sizeof(*client), GFP_KERNEL_ACCOUNT);
	if (!client)
		return -ENOMEM;

	client->tdev = tdev;
	client->file = file;
	INIT_LIST_HEAD(&client->link);
	mutex_init(&client->lock);
	mutex_init(&client->submit_lock);
	xa_init_flags(&client->queues, XA_FLAGS_ALLOC1);
	client->fence_context = dma_fence_context_alloc(1);
	client->opened = ktime_get_ns();

	client->pin = tide_fence_pin_create();
	if (IS_ERR(client->pin)) {
		ret = PTR_ERR(client->pin);
		goto err_free;
	}

	ret = drm_sched_entity_init(&client->entity, DRM_SCHED_PRIORITY_NORMAL, &sched, 1, NULL);
	if (ret)
		goto err_pin;

	tide_client_add(client);
	file->driver_priv = client;
	return 0;

err_pin:
	fput(client->pin);
err_free:
	kfree(client);
	return ret;
}

static bool tide_client_was_killed(void)
{
	return current->flags & PF_EXITING && current->exit_code == SIGKILL;
}

/* What was submitted is finished for a second, for others that wait for it; then it is ended. */
static void tide_client_drain_jobs(struct tide_client *client)
{
	if (tide_client_was_killed() ||
	    !wait_var_event_timeout(&client->jobs, !atomic_read(&client->jobs), HZ)) {
		WRITE_ONCE(client->dead, true);
		tide_engine_abort(&client->tdev->engine, client, -ECANCELED);
	}

	/* Not drm_sched_entity_destroy(): it waits while other clients' jobs come first. */
	tide_engine_end_entity(&client->tdev->engine, &client->entity);
	wait_var_event(&client->jobs, !atomic_read(&client->jobs));
}

/**
 * tide_release - close() of an open file, the last one
 * @inode: of the node
 * @filp: the file
 *
 * The DRM core frees the events that were not read before it tells the driver.
 *
 * Return: 0.
 */
int tide_release(struct inode *inode, struct file *filp)
{
	struct drm_file *file = filp->private_data;

	tide_client_remove(file->driver_priv);
	return drm_release(inode, filp);
}

/**
 * tide_client_postclose - end a client
 * @drm: device
 * @file: open file, without allocations
 */
void tide_client_postclose(struct drm_device *drm, struct drm_file *file)
{
	struct tide_client *client = file->driver_priv;
	struct tide_queue *queue;
	unsigned long id;

	/* If open() has failed, nobody has called tide_release(). */
	tide_client_remove(client);

	xa_for_each(&client->queues, id, queue)
		tide_queue_destroy(queue);
	xa_destroy(&client->queues);
	tide_paging_op_destroy(client->spare_op);

	tide_client_drain_jobs(client);
	dma_fence_put(rcu_dereference_protected(client->last_job, true));
	fput(client->pin);
	/* drm_sched_entity_wakeup() uses the entity once more after its dependency. */
	kfree_rcu(client, rcu);
}

/**
 * tide_client_show_fdinfo - the keys of drm-usage-stats
 * @p: where to print
 * @file: client
 */
void tide_client_show_fdinfo(struct drm_printer *p, struct drm_file *file)
{
	struct tide_client *client = file->driver_priv;

	drm_printf(p, "drm-engine-copy:\t%lld ns\n", atomic64_read(&client->busy_ns));
	tide_gem_show_fdinfo(p, file);
}

static int tide_client_suspend(struct tide_device *tdev, u64 id)
{
	struct tide_client *client;

	guard(mutex)(&tdev->clients_lock);

	list_for_each_entry(client, &tdev->clients, link) {
		if (client->file->client_id == id) {
			WRITE_ONCE(client->suspended, true);
			return 0;
		}
	}
	return -ENOENT;
}

/**
 * tide_suspend_ioctl - DRM_IOCTL_TIDE_SUSPEND
 * @drm: device
 * @data: &struct drm_tide_suspend
 * @file: client
 *
 * Return: 0 or an error.
 */
int tide_suspend_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct tide_device *tdev = to_tide_device(drm);
	struct drm_tide_suspend *args = data;
	u64 id = args->client ?: file->client_id;
	int ret;

	if (args->flags || args->pad)
		return -EINVAL;
	if (id != file->client_id && !capable(CAP_SYS_NICE))
		return -EPERM;

	ret = tide_client_suspend(tdev, id);
	if (ret)
		return ret;

	tide_budget_update(tdev);
	tide_segment_leave(tdev);
	return 0;
}
