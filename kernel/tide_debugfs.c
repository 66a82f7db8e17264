// SPDX-License-Identifier: GPL-2.0 OR MIT
/**
 * DOC: debugfs
 *
 * In the device's folder below /sys/kernel/debug/dri:
 *
 * allocations
 *   A line for each allocation: its mmap offset (as in trace events), size and
 *   bytes present, state and priority of the offer, number of discards, clients,
 *   handles and MAKE_RESIDENTs of them all, segment; then what holds of it:
 *   resident, busy, exported.
 * stats
 *   Counters since the device was bound, a name and a number a line.
 * shrink
 *   A number written here runs both shrinkers for that many pages on each
 *   node, in all cgroups, as memory pressure would.
 */
#include <linux/debugfs.h>
#include <linux/sched/mm.h>
#include <linux/seq_file.h>

#include <drm/drm_debugfs.h>
#include <drm/drm_vma_manager.h>

#include "tide_backing.h"
#include "tide_debugfs.h"
#include "tide_drv.h"
#include "tide_inject.h"
#include "tide_shrinker.h"

static const char * const tide_bo_state_names[] = {
	[TIDE_BO_KEPT] = "kept",
	[TIDE_BO_OFFERED] = "offered",
	[TIDE_BO_DISCARDING] = "discarding",
	[TIDE_BO_DISCARDED] = "discarded",
	[TIDE_BO_LOST] = "lost",
};

static void tide_debugfs_show_bo(struct seq_file *m, struct tide_bo *bo)
{
	unsigned int clients = 0, handles = 0, residency = 0;

	guard(spinlock)(&bo->lock);

	for (struct rb_node *node = rb_first(&bo->clients); node; node = rb_next(node)) {
		struct tide_bo_client *bc = rb_entry(node, struct tide_bo_client, node);

		clients++;
		handles += bc->handles;
		residency += bc->residency;
	}

	seq_printf(m, "0x%llx size=%zu present=%lu state=%s priority=%u discards=%llu",
		   drm_vma_node_offset_addr(&bo->base.vma_node), bo->base.size,
		   tide_backing_present(bo) << PAGE_SHIFT, tide_bo_state_names[bo->state],
		   bo->state == TIDE_BO_KEPT ? 0 : bo->priority, bo->discards);
	seq_printf(m, " clients=%u handles=%u required=%u segment=%u%s%s%s\n", clients, handles,
		   residency, bo->segment->index,
		   tide_bo_is_resident(bo) ? " resident" : "",
		   tide_bo_has_jobs(bo) ? " busy" : "",
		   tide_bo_is_exported(bo) ? " exported" : "");
}

static int tide_debugfs_allocations_show(struct seq_file *m, void *unused)
{
	struct tide_device *tdev = m->private;
	struct tide_bo *bo;

	guard(spinlock)(&tdev->bo_lock);

	list_for_each_entry(bo, &tdev->bos, device_link)
		tide_debugfs_show_bo(m, bo);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(tide_debugfs_allocations);

static int tide_debugfs_stats_show(struct seq_file *m, void *unused)
{
	struct tide_device *tdev = m->private;
	struct tide_stats *stats = &tdev->stats;

	seq_printf(m, "created_allocations %lld\n", atomic64_read(&stats->created_allocations));
	seq_printf(m, "created_pages %lld\n", atomic64_read(&stats->created_pages));
	seq_printf(m, "discarded_allocations %lld\n",
		   atomic64_read(&stats->discarded_allocations));
	seq_printf(m, "decommitted_pages %lld\n", atomic64_read(&stats->decommitted_pages));
	seq_printf(m, "discarded_pages %lld\n", atomic64_read(&stats->discarded_pages));
	seq_printf(m, "evicted_pages %lld\n", atomic64_read(&stats->evicted_pages));
	seq_printf(m, "paged_in_pages %lld\n", atomic64_read(&stats->paged_in_pages));
	seq_printf(m, "copied_in_pages %lld\n", atomic64_read(&stats->copied_in_pages));
	seq_printf(m, "copied_back_pages %lld\n", atomic64_read(&stats->copied_back_pages));
	seq_printf(m, "not_copied_back_pages %lld\n",
		   atomic64_read(&stats->not_copied_back_pages));
	seq_printf(m, "discarded_local_pages %lld\n",
		   atomic64_read(&stats->discarded_local_pages));
	seq_printf(m, "page_in_failures %lld\n", atomic64_read(&stats->page_in_failures));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(tide_debugfs_stats);

static int tide_debugfs_shrink_set(void *data, u64 nr_pages)
{
	unsigned int noreclaim;

	/* As in reclaim: nothing here may wait for memory. */
	fs_reclaim_acquire(GFP_KERNEL);
	noreclaim = memalloc_noreclaim_save();
	tide_shrink_all(data, nr_pages);
	memalloc_noreclaim_restore(noreclaim);
	fs_reclaim_release(GFP_KERNEL);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(tide_debugfs_shrink_fops, NULL, tide_debugfs_shrink_set, "%llu\n");

/**
 * tide_debugfs_init - make the device's files
 * @minor: primary node
 */
void tide_debugfs_init(struct drm_minor *minor)
{
	struct tide_device *tdev = to_tide_device(minor->dev);

	debugfs_create_file("allocations", 0400, minor->debugfs_root, tdev,
			    &tide_debugfs_allocations_fops);
	debugfs_create_file("stats", 0400, minor->debugfs_root, tdev, &tide_debugfs_stats_fops);
	tide_inject_debugfs_init(minor->debugfs_root);
	debugfs_create_file("shrink", 0200, minor->debugfs_root, tdev, &tide_debugfs_shrink_fops);
}
