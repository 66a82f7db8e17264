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
#include "tide_local.h"
#include "tide_move.h"
#include "tide_segment.h"
#include "tide_shares.h"

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
	/** @created_allocations: allocations that were created */
	atomic64_t created_allocations;
	/** @created_pages: their sizes */
	atomic64_t created_pages;
	/** @discarded_allocations: discards */
	atomic64_t discarded_allocations;
	/** @discarded_pages: pages that discards gave back */
	atomic64_t discarded_pages;
	/** @decommitted_pages: pages whose commit charge discards gave back */
	atomic64_t decommitted_pages;
	/** @evicted_pages: pages written to swap */
	atomic64_t evicted_pages;
	/** @paged_in_pages: pages that became resident */
	atomic64_t paged_in_pages;
	/** @copied_in_pages: pages copied to local memory */
	atomic64_t copied_in_pages;
	/** @copied_back_pages: pages copied back */
	atomic64_t copied_back_pages;
	/** @not_copied_back_pages: pages that needed no copy back, since they were not written */
	atomic64_t not_copied_back_pages;
	/** @discarded_local_pages: pages that needed no copy back, since they were discarded */
	atomic64_t discarded_local_pages;
	/** @page_in_failures: page-ins that failed */
	atomic64_t page_in_failures;
};

/**
 * struct tide_device - the device
 */
struct tide_device {
	/** @drm: base class */
	struct drm_device drm;

	/** @segments: segments, the system's first */
	struct tide_segment segments[TIDE_MAX_SEGMENTS];
	/** @segment_count: number of @segments */
	u32 segment_count;
	/** @fit_lock: held by the one submission that may pin what it brings in */
	struct mutex fit_lock;

	/** @local: what the local segment is made of, if there is one */
	struct tide_local local;
	/** @mover: the paging engine */
	struct tide_mover mover;
	/** @leave_work: moves out of local memory what should not stay */
	struct delayed_work leave_work;

	/** @engine: the software GPU */
	struct tide_engine engine;

	/** @offered: offered allocations, one list a priority, oldest offer first */
	struct list_lru offered[DRM_TIDE_PRIORITY_HIGH];
	/** @offers: number of offers, to tell their age by */
	atomic64_t offers;
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

	/** @clients_lock: protects @clients and what budgets are made of */
	struct mutex clients_lock;
	/** @clients: open files */
	struct list_head clients;
	/** @budget_work: looks at budgets again when a client may have become idle */
	struct delayed_work budget_work;

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
	/** @file: the open file; valid while the client is in &tide_device.clients */
	struct drm_file *file;
	/** @link: in &tide_device.clients */
	struct list_head link;
	/** @shares: what the client has to do with each segment */
	struct tide_share shares[TIDE_MAX_SEGMENTS];

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
	/** @last_call: ktime_get_ns() of the last call for memory or a job */
	u64 last_call;
	/** @suspended: taken as idle until the next call */
	bool suspended;
	/** @busy_ns: time on the engine */
	atomic64_t busy_ns;

	/** @pin: keeps the module while a fence of the client's lives, see tide_fence.c */
	struct file *pin;
	/** @rcu: of the client's end */
	struct rcu_head rcu;
};

static inline struct tide_device *to_tide_device(struct drm_device *drm)
{
	return container_of(drm, struct tide_device, drm);
}

#endif /* _TIDE_DRV_H_ */
