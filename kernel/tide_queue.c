// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Paging queues: their life, and the calls on them. What they do is in
 * tide_paging.c.
 */
#include <kunit/visibility.h>
#include <linux/capability.h>
#include <linux/dma-fence-chain.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include <drm/drm_syncobj.h>

#include "tide_drv.h"
#include "tide_paging.h"

/**
 * tide_queue_find - find a client's queue
 * @client: client, its lock held for as long as the queue is used
 * @id: id
 *
 * Return: the queue or NULL.
 */
struct tide_queue *tide_queue_find(struct tide_client *client, u32 id)
{
	lockdep_assert_held(&client->lock);

	return xa_load(&client->queues, id);
}

/**
 * tide_queue_destroy - cancel what is left, signal every value, free the queue
 * @queue: queue that nobody can find
 */
void tide_queue_destroy(struct tide_queue *queue)
{
	struct tide_page_in_failure *failure, *next;

	WRITE_ONCE(queue->dead, true);
	/* Works off what is queued. */
	destroy_workqueue(queue->wq);

	list_for_each_entry_safe(failure, next, &queue->failures, link)
		kfree(failure);
	drm_syncobj_put(queue->syncobj);
	kfree(queue);
}
EXPORT_SYMBOL_IF_KUNIT(tide_queue_destroy);

/* The first point is signalled: a value exists where nothing has been queued yet. */
static int tide_queue_create_syncobj(struct tide_queue *queue)
{
	struct dma_fence_chain *chain = dma_fence_chain_alloc();
	struct dma_fence *stub;
	int ret;

	if (!chain)
		return -ENOMEM;

	ret = drm_syncobj_create(&queue->syncobj, 0, NULL);
	if (ret) {
		dma_fence_chain_free(chain);
		return ret;
	}

	stub = dma_fence_get_stub();
	drm_syncobj_add_point(queue->syncobj, chain, stub, TIDE_QUEUE_FIRST_VALUE);
	dma_fence_put(stub);
	queue->last = TIDE_QUEUE_FIRST_VALUE;
	queue->completed = TIDE_QUEUE_FIRST_VALUE;
	return 0;
}

VISIBLE_IF_KUNIT struct tide_queue *tide_queue_create(struct tide_device *tdev, s32 priority)
{
	struct tide_queue *queue;
	int ret;

	queue = kzalloc(sizeof(*queue), GFP_KERNEL_ACCOUNT);
	if (!queue)
		return ERR_PTR(-ENOMEM);

	queue->tdev = tdev;
	queue->priority = priority;
	queue->fence_context = dma_fence_context_alloc(1);
	spin_lock_init(&queue->lock);
	INIT_LIST_HEAD(&queue->failures);

	queue->wq = alloc_ordered_workqueue("tide-paging", WQ_FREEZABLE |
					    (priority > DRM_TIDE_QUEUE_PRIORITY_NORMAL ?
					     WQ_HIGHPRI : 0));
	if (!queue->wq) {
		kfree(queue);
		return ERR_PTR(-ENOMEM);
	}

	ret = tide_queue_create_syncobj(queue);
	if (ret) {
		destroy_workqueue(queue->wq);
		kfree(queue);
		return ERR_PTR(ret);
	}
	return queue;
}
EXPORT_SYMBOL_IF_KUNIT(tide_queue_create);

/**
 * tide_queue_create_ioctl - DRM_IOCTL_TIDE_QUEUE_CREATE
 * @drm: device
 * @data: &struct drm_tide_queue_create
 * @file: client
 *
 * Return: 0 or an error.
 */
int tide_queue_create_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_tide_queue_create *args = data;
	struct tide_client *client = file->driver_priv;
	struct tide_queue *queue;
	int ret;

	if (args->flags || args->pad || args->pad2 ||
	    args->priority < DRM_TIDE_QUEUE_PRIORITY_LOW ||
	    args->priority > DRM_TIDE_QUEUE_PRIORITY_HIGH)
		return -EINVAL;
	if (args->priority > DRM_TIDE_QUEUE_PRIORITY_NORMAL && !capable(CAP_SYS_NICE))
		return -EPERM;

	guard(mutex)(&client->lock);

	if (client->queue_count == TIDE_MAX_QUEUES)
		return -ENOSPC;

	queue = tide_queue_create(to_tide_device(drm), args->priority);
	if (IS_ERR(queue))
		return PTR_ERR(queue);

	ret = xa_alloc(&client->queues, &args->queue, queue, xa_limit_31b, GFP_KERNEL_ACCOUNT);
	if (ret)
		goto err_destroy;

	ret = drm_syncobj_get_handle(file, queue->syncobj, &args->syncobj);
	if (ret)
		goto err_erase;

	client->queue_count++;
	return 0;

err_erase:
	xa_erase(&client->queues, args->queue);
err_destroy:
	tide_queue_destroy(queue);
	return ret;
}

/**
 * tide_queue_destroy_ioctl - DRM_IOCTL_TIDE_QUEUE_DESTROY
 * @drm: device
 * @data: &struct drm_tide_queue_destroy
 * @file: client
 *
 * Return: 0 or an error.
 */
int tide_queue_destroy_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_tide_queue_destroy *args = data;
	struct tide_client *client = file->driver_priv;
	struct tide_queue *queue;

	if (args->pad)
		return -EINVAL;

	scoped_guard(mutex, &client->lock) {
		queue = xa_erase(&client->queues, args->queue);
		if (!queue)
			return -ENOENT;
		client->queue_count--;
	}

	tide_queue_destroy(queue);
	return 0;
}

/**
 * tide_queue_info_ioctl - DRM_IOCTL_TIDE_QUEUE_INFO
 * @drm: device
 * @data: &struct drm_tide_queue_info
 * @file: client
 *
 * Return: 0 or an error.
 */
int tide_queue_info_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_tide_queue_info *args = data;
	struct tide_client *client = file->driver_priv;
	struct tide_page_in_failure *failure;
	struct tide_queue *queue;

	if (args->pad)
		return -EINVAL;

	guard(mutex)(&client->lock);

	queue = tide_queue_find(client, args->queue);
	if (!queue)
		return -ENOENT;

	guard(spinlock)(&queue->lock);

	if (args->value > queue->last)
		return -EINVAL;

	args->completed = queue->completed;
	args->last = queue->last;
	args->error = 0;
	args->pad2 = 0;
	if (args->value > queue->completed)
		return 0;
	list_for_each_entry(failure, &queue->failures, link)
		if (failure->value == args->value)
			args->error = -failure->error;
	return 0;
}
