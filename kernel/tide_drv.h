/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _TIDE_DRV_H_
#define _TIDE_DRV_H_

#include <linux/atomic.h>
#include <linux/list_lru.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/xarray.h>

#include <drm/drm_device.h>
#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/gpu_scheduler.h>
#include <drm/tide_drm.h>

#include "tide_engine.h"
#include "tide_residency.h"

struct shrinker;
struct tide_paging_op;

#define TIDE_MAX_HANDLES	65536
#define TIDE_MAX_SUBMIT_BOS	1024
#define TIDE_MAX_SUBMIT_COMMANDS	4096
#define TIDE_MAX_SUBMIT_SYNCS	1024
#define TIDE_MAX_QUEUES		64
#define TIDE_MAX_DELAY_NS	(60ull * NSEC_PER_SEC)

/**
 * struct tide_stats - what has happened since the device was bound
 */
struct tide_stats {
	/** @discarded_allocations: discards */
	atomic64_t discarded_allocations;
	/** @discarded_pages: pages that discards gave back */
	atomic64_t discarded_pages;
	/** @evicted_pages: pages written to swap */
	atomic64_t evicted_pages;
	/** @paged_in_pages: pages that became resident */
	atomic64_t paged_in_pages;
	/** @page_in_failures: page-ins that failed */
	atomic64_t page_in_failures;
};

/**
 * struct tide_device - the device
 */
struct tide_device {
	/** @drm: base class */
	struct drm_device drm;

	/** @system: the system segment */
	struct tide_segment system;

	/** @engine: the software GPU */
	struct tide_engine engine;

	/** @offered: offered allocations, one list a priority, oldest offer first */
	struct list_lru offered[DRM_TIDE_PRIORITY_HIGH];
	/** @evictable: allocations that may have pages, by first use */
	struct list_lru evictable;
	/** @discard_shrinker: gives back what is offered */
	struct shrinker *discard_shrinker;
	/** @evict_shrinker: moves the rest to swap, once nothing discardable is left */
	struct shrinker *evict_shrinker;
	/** @oom_notifier: does what the shrinkers do before a process is killed */
	struct notifier_block oom_notifier;

	/** @stats: counters for debugfs */
	struct tide_stats stats;

	/** @bo_lock: protects @bos */
	spinlock_t bo_lock;
	/** @bos: every allocation, for debugfs */
	struct list_head bos;

	/** @put_work: drops the references that @late_puts counts */
	struct work_struct put_work;
	/** @late_puts: device references that could not be dropped where they ended */
	atomic_t late_puts;
};

/**
 * struct tide_client - one open file of the device
 */
struct tide_client {
	/** @tdev: the device */
	struct tide_device *tdev;

	/**
	 * @lock: makes what a call does to a list of allocations one step among
	 * the client's own calls, and keeps queues while they are used; nothing
	 * is waited for while it is held
	 */
	struct mutex lock;

	/** @queues: paging queues by id, protected by @lock */
	struct xarray queues;
	/** @queue_count: number of @queues */
	u32 queue_count;
	/** @spare_op: page-in work that was not needed, for the next call; or NULL */
	struct tide_paging_op *spare_op;

	/** @submit_lock: keeps the order of seqnos and of the entity's queue the same */
	struct mutex submit_lock;
	/** @entity: the client's jobs */
	struct drm_sched_entity entity;
	/** @fence_context: of the client's jobs */
	u64 fence_context;
	/** @fence_seqno: last job, protected by @submit_lock */
	u64 fence_seqno;

	/** @jobs: jobs that are not freed */
	atomic_t jobs;
	/** @dead: the file is closed, what is left need not run */
	bool dead;
	/** @submissions: calls under way */
	atomic_t submissions;
	/** @last_job: its fence, referenced; written under @submit_lock */
	struct dma_fence __rcu *last_job;
	/** @opened: ktime_get_ns() of the opening of the file */
	u64 opened;
	/** @busy_ns: time on the engine */
	atomic64_t busy_ns;

	/** @pin: keeps the module while a fence of the client's lives, see tide_fence.c */
	struct file *pin;
};

static inline struct tide_device *to_tide_device(struct drm_device *drm)
{
	return container_of(drm, struct tide_device, drm);
}

u64 tide_client_idle_since(struct tide_client *client);
void tide_device_put_late(struct tide_device *tdev);

#endif /* _TIDE_DRV_H_ */
