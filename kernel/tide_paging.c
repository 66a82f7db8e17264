// SPDX-License-Identifier: GPL-2.0 OR MIT
/**
 * DOC: Paging queues
 *
 * WDDM's paging fence is a number in memory. A dma_fence is more: from the
 * moment that anybody can see it until it is signalled, nothing may allocate
 * memory on the way to the signal, since reclaim may be waiting for it. Paging
 * in is all allocation. Hence two stages:
 *
 * - *Stage one*, tide_queue_bring_in(), obtains pages, reads from swap, makes
 *   room in the segment. It may allocate and sleep. Nobody can see a fence: the
 *   timeline point that RECLAIM or MAKE_RESIDENT has returned does not exist
 *   yet, which waiters ask for with DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT.
 * - *Stage two* has a fence and neither allocates nor waits, which lockdep proves
 *   where it is marked with dma_fence_begin_signalling(). What belongs into local
 *   memory is copied under a fence in its reservation, see tide_move.c. When all
 *   is where it belongs, tide_queue_signal() adds the fence to the timeline and
 *   signals it.
 *
 * What stage two and a failure need is allocated by the ioctl before it returns
 * the value. So each value that was returned can be signalled, come what may.
 *
 * Points are added in order by the queue's worker alone. Each queue has a
 * workqueue of its own: a queue that is throttled by its cgroup (memory.high)
 * holds up none but itself. The driver trusts its own state only, and never
 * reads the syncobj, which the client can reset.
 *
 * For suspend and hibernation the workqueues freeze, between two values. This
 * is all that the driver does for them: what the software GPU works on is system
 * memory, and jobs may end meanwhile. But reading from swap frees its slots, and
 * in these a hibernation would write its image, whose memory still knows them as
 * swapped content. The shrinkers need no care: nothing that the kernel allocates
 * then has __GFP_FS.
 */
#include <kunit/visibility.h>
#include <linux/dma-fence-chain.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include <drm/drm_drv.h>
#include <drm/drm_syncobj.h>

#include "tide_drv.h"
#include "tide_fence.h"
#include "tide_gem.h"
#include "tide_paging.h"
#include "tide_residency.h"

#define TIDE_QUEUE_MAX_FAILURES	1024

/* Work for so many allocations is kept for the next call if there turns out to be none */
#define TIDE_SPARE_BOS		64

/**
 * struct tide_paging_op - the work behind one value
 */
struct tide_paging_op {
	/** @client: client */
	struct tide_client *client;
	/** @queue: queue that it was pushed to */
	struct tide_queue *queue;
	/** @work: does it, on &tide_queue.wq */
	struct work_struct work;
	/** @value: the value */
	u64 value;
	/** @fence: for the timeline point */
	struct tide_fence *fence;
	/** @chain: for the timeline point */
	struct dma_fence_chain *chain;
	/** @failure: to remember that it failed */
	struct tide_page_in_failure *failure;
	/** @max_bos: how many may be added */
	u32 max_bos;
	/** @count: number of @bos */
	u32 count;
	/** @bos: to be brought in; referenced */
	struct tide_bo *bos[];
};

/**
 * tide_paging_op_alloc - prepare page-in work
 * @client: client
 * @max_bos: how many allocations may be added
 *
 * Return: the work with all that it needs to be completed, or NULL.
 */
struct tide_paging_op *tide_paging_op_alloc(struct tide_client *client, u32 max_bos)
{
	struct tide_paging_op *op;

	if (max_bos <= TIDE_SPARE_BOS) {
		op = xchg(&client->spare_op, NULL);
		if (op)
			return op;
		max_bos = TIDE_SPARE_BOS;
	}

	op = kvmalloc(struct_size(op, bos, max_bos), GFP_KERNEL_ACCOUNT);
	if (!op)
		return NULL;

	op->client = client;
	op->max_bos = max_bos;
	op->count = 0;
	op->fence = tide_fence_alloc(client->pin);
	op->chain = dma_fence_chain_alloc();
	op->failure = kzalloc(sizeof(*op->failure), GFP_KERNEL_ACCOUNT);
	if (!op->fence || !op->chain || !op->failure) {
		tide_paging_op_destroy(op);
		return NULL;
	}
	return op;
}
EXPORT_SYMBOL_IF_KUNIT(tide_paging_op_alloc);

/**
 * tide_paging_op_destroy - free page-in work
 * @op: work without allocations, or NULL
 */
void tide_paging_op_destroy(struct tide_paging_op *op)
{
	if (!op)
		return;

	kfree(op->failure);
	dma_fence_chain_free(op->chain);
	tide_fence_free(op->fence);
	kvfree(op);
}
EXPORT_SYMBOL_IF_KUNIT(tide_paging_op_destroy);

/**
 * tide_paging_op_free - let go of page-in work
 * @op: work that is not on a queue, or NULL
 *
 * Most reclaims find everything there. What they did not need is kept.
 */
void tide_paging_op_free(struct tide_paging_op *op)
{
	if (!op)
		return;

	while (op->count) {
		tide_bo_put(op->bos[--op->count]);
		cond_resched();
	}

	if (op->max_bos == TIDE_SPARE_BOS && op->fence && op->failure &&
	    !cmpxchg(&op->client->spare_op, NULL, op))
		return;
	tide_paging_op_destroy(op);
}

/**
 * tide_paging_op_add - add an allocation that is to be resident
 * @op: work
 * @bo: allocation; left out if nothing has to be done for it
 */
void tide_paging_op_add(struct tide_paging_op *op, struct tide_bo *bo)
{
	if (READ_ONCE(bo->state) != TIDE_BO_KEPT || tide_bo_is_resident(bo))
		return;

	drm_gem_object_get(&bo->base);
	op->bos[op->count++] = bo;
}
EXPORT_SYMBOL_IF_KUNIT(tide_paging_op_add);

static void tide_queue_add_failure(struct tide_queue *queue, struct tide_paging_op *op, int error)
{
	struct tide_page_in_failure *oldest = NULL;

	op->failure->value = op->value;
	op->failure->error = error;

	scoped_guard(spinlock, &queue->lock) {
		list_add_tail(&op->failure->link, &queue->failures);
		if (queue->failure_count == TIDE_QUEUE_MAX_FAILURES) {
			oldest = list_first_entry(&queue->failures, typeof(*oldest), link);
			list_del(&oldest->link);
		} else {
			queue->failure_count++;
		}
	}

	op->failure = NULL;
	kfree(oldest);
}

/* Stage one: may allocate and sleep, and no fence can be seen. */
static int tide_queue_bring_in(struct tide_queue *queue, struct tide_paging_op *op)
{
	int error = 0;

	for (u32 i = 0; i < op->count; i++) {
		int ret;

		if (drm_dev_is_unplugged(&queue->tdev->drm))
			return -ENODEV;

		ret = tide_residency_bring_in(op->bos[i], queue->priority, &queue->dead);
		if (ret == -ERESTARTSYS)
			return -ECANCELED;
		if (ret && !error)
			error = ret;
	}
	return error;
}

/* Stage two: the fence becomes visible, and is signalled without allocating anything. */
static void tide_queue_signal(struct tide_queue *queue, struct tide_paging_op *op, int error)
{
	struct tide_fence *fence = op->fence;
	bool cookie = dma_fence_begin_signalling();

	tide_fence_init(fence, queue->fence_context, op->value);
	if (error)
		dma_fence_set_error(&fence->base, error);
	drm_syncobj_add_point(queue->syncobj, op->chain, &fence->base, op->value);

	/* In one: RECLAIM returns it as signalled, and who has seen the signal asks how it went. */
	scoped_guard(spinlock, &queue->lock) {
		dma_fence_signal(&fence->base);
		queue->completed = op->value;
	}

	dma_fence_end_signalling(cookie);

	dma_fence_put(&fence->base);
	op->fence = NULL;
	op->chain = NULL;
}

static void tide_paging_op_work(struct work_struct *work)
{
	struct tide_paging_op *op = container_of(work, struct tide_paging_op, work);
	struct tide_queue *queue = op->queue;
	int error = tide_queue_bring_in(queue, op);

	if (error)
		tide_queue_add_failure(queue, op, error);
	tide_queue_signal(queue, op, error);
	tide_paging_op_free(op);
}

/**
 * tide_queue_push - queue page-in work
 * @queue: queue, or NULL if it was destroyed meanwhile, which cancels the work
 * @op: work; consumed
 *
 * Return: the value to wait for: a new one, or where there is nothing to do one
 * that is signalled.
 */
u64 tide_queue_push(struct tide_queue *queue, struct tide_paging_op *op)
{
	u64 value;

	if (!queue) {
		tide_paging_op_free(op);
		return TIDE_QUEUE_FIRST_VALUE;
	}

	if (!op->count) {
		tide_paging_op_free(op);
		guard(spinlock)(&queue->lock);
		return queue->completed;
	}

	op->queue = queue;
	INIT_WORK(&op->work, tide_paging_op_work);

	/* In the order of values; one that is done may be gone. */
	guard(spinlock)(&queue->lock);
	value = ++queue->last;
	op->value = value;
	queue_work(queue->wq, &op->work);
	return value;
}
EXPORT_SYMBOL_IF_KUNIT(tide_queue_push);
