// SPDX-License-Identifier: GPL-2.0 OR MIT
/**
 * DOC: Fences and the module's life
 *
 * A dma_fence in a syncobj or a sync_file may live longer than the client, its
 * file and the device, and nothing in a dma_fence keeps the module whose code
 * its release callback is. A reference dropped by that callback itself would
 * not do: the callback still has to return. So every fence holds a file that
 * has no code of ours but names this module as the owner of its operations.
 * Built-in code drops the module when the last fput() of the file is worked
 * off. The file is the client's: without clients and fences there is none, and
 * the module can be unloaded.
 *
 * The scheduler's own fences are never shown outside. They point to their
 * scheduler for as long as they live, and the scheduler goes with the device.
 */
#include <kunit/visibility.h>
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "tide_fence.h"

static const struct file_operations tide_fence_pin_fops = {
	.owner = THIS_MODULE,
	.llseek = noop_llseek,
};

/**
 * tide_fence_pin_create - make what keeps the module for fences
 *
 * Return: a file to pass to tide_fence_alloc(), dropped with fput(), or an error.
 */
struct file *tide_fence_pin_create(void)
{
	return anon_inode_getfile("[tide-fences]", &tide_fence_pin_fops, NULL, 0);
}
EXPORT_SYMBOL_IF_KUNIT(tide_fence_pin_create);

static const char *tide_fence_get_driver_name(struct dma_fence *fence)
{
	return "tide";
}

static const char *tide_fence_get_timeline_name(struct dma_fence *fence)
{
	return "tide";
}

static void tide_fence_release_rcu(struct rcu_head *rcu)
{
	struct tide_fence *fence = container_of(rcu, struct tide_fence, base.rcu);

	/* Module exit waits for this callback to return by rcu_barrier(). */
	tide_fence_free(fence);
}

static void tide_fence_release(struct dma_fence *base)
{
	call_rcu(&base->rcu, tide_fence_release_rcu);
}

static const struct dma_fence_ops tide_fence_ops = {
	.get_driver_name = tide_fence_get_driver_name,
	.get_timeline_name = tide_fence_get_timeline_name,
	.release = tide_fence_release,
};

/**
 * tide_fence_alloc - allocate a fence
 * @pin: the client's pin
 *
 * Return: a fence that is not initialised, to be given to tide_fence_init() or
 * tide_fence_free(), or NULL.
 */
struct tide_fence *tide_fence_alloc(struct file *pin)
{
	struct tide_fence *fence;

	fence = kzalloc(sizeof(*fence), GFP_KERNEL_ACCOUNT);
	if (!fence)
		return NULL;

	spin_lock_init(&fence->lock);
	fence->pin = get_file(pin);
	return fence;
}

/**
 * tide_fence_free - free a fence that nobody has seen
 * @fence: fence, not initialised, or NULL
 */
void tide_fence_free(struct tide_fence *fence)
{
	if (!fence)
		return;

	fput(fence->pin);
	kfree(fence);
}

/**
 * tide_fence_init - make a fence ready for use
 * @fence: fence; from here on it ends with dma_fence_put()
 * @context: fence context
 * @seqno: place in the context
 */
void tide_fence_init(struct tide_fence *fence, u64 context, u64 seqno)
{
	dma_fence_init(&fence->base, &tide_fence_ops, &fence->lock, context, seqno);
}

static void tide_fence_leader_signalled(struct dma_fence *leader, struct dma_fence_cb *cb)
{
	struct tide_fence *fence = container_of(cb, struct tide_fence, cb);

	if (leader->error)
		dma_fence_set_error(&fence->base, leader->error);
	dma_fence_signal(&fence->base);
	dma_fence_put(&fence->base);
}

/**
 * tide_fence_follow - signal a fence when another one is signalled
 * @fence: follows, with the leader's error
 * @leader: is not kept, and must be signalled before it is freed
 */
void tide_fence_follow(struct tide_fence *fence, struct dma_fence *leader)
{
	dma_fence_get(&fence->base);
	if (dma_fence_add_callback(leader, &fence->cb, tide_fence_leader_signalled))
		tide_fence_leader_signalled(leader, &fence->cb);
}
