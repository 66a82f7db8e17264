// SPDX-License-Identifier: GPL-2.0 OR MIT
/**
 * DOC: tide
 *
 * A render node whose memory can be offered. The GPU is software; its memory
 * pressure, its pages and its fences are real.
 *
 * =================== ======================================================
 * tide_client.c       clients: open files
 * tide_gem.c          allocations and their clients
 * tide_backing.c      backing store: pages in, pages out
 * tide_mmap.c         CPU mappings and faults
 * tide_prime.c        sharing
 * tide_offer.c        offer and discard: the state machine
 * tide_reclaim.c      reclaim
 * tide_residency.c    becoming resident
 * tide_require.c      residency lists
 * tide_local.c        local memory
 * tide_move.c         copies to local memory and back
 * tide_segment.c      segments: what is resident at one time
 * tide_budget.c       what a client may require
 * tide_shares.c       the arithmetic of budgets
 * tide_event.c        trim events
 * tide_paging.c       page-in work and its fence timeline
 * tide_queue.c        paging queues
 * tide_shrinker.c     memory pressure in, discards and evictions out
 * tide_lru.c          the lists that shrinkers work on
 * tide_discard.c      which offer is discarded next
 * tide_evict.c        which allocation is evicted next
 * tide_submit.c       submission of jobs
 * tide_engine.c       the software GPU
 * tide_fence.c        fences
 * tide_put.c          last references
 * =================== ======================================================
 */

/**
 * DOC: Order of locks
 *
 * From the outside:
 *
 * 1. mmap_lock, &tide_client.lock, &tide_device.fit_lock: no two of them at a
 *    time; &tide_device.clients_lock below &tide_client.lock, and
 *    &tide_segment.search_lock, which is only tried, below &tide_device.fit_lock
 * 2. reservations (dma_resv), several at a time by drm_exec only
 * 3. fs_reclaim: memory is allocated under what stands above, and under nothing
 *    that stands below
 * 4. i_mmap_rwsem and folio locks
 * 5. &tide_segment.lock, &tide_device.bo_lock
 * 6. &tide_bo.lock
 * 7. the locks of the list_lrus
 *
 * Reclaim only trylocks reservations, and whoever holds one of the locks 5 to 7
 * only trylocks what stands above it. User memory is copied with none of these
 * held.
 *
 * &tide_local.lock is taken under reservations, also in reclaim; what is allocated
 * under it enters neither the shrinkers nor the OOM notifier.
 *
 * &tide_client.submit_lock is taken under the reservations and held from the
 * arming of a job until it is pushed; nothing is allocated meanwhile. In
 * &tide_queue.lock, &tide_engine.lock and the locks of syncobjs no other lock
 * of the driver's is taken.
 */
#include <linux/file.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/sched/mm.h>

#include <drm/drm_drv.h>
#include <drm/drm_gem.h>
#include <drm/drm_ioctl.h>
#include <drm/drm_managed.h>

#include "tide_backing.h"
#include "tide_budget.h"
#include "tide_client.h"
#include "tide_compat.h"
#include "tide_debugfs.h"
#include "tide_drv.h"
#include "tide_gem.h"
#include "tide_offer.h"
#include "tide_paging.h"
#include "tide_put.h"
#include "tide_require.h"
#include "tide_shrinker.h"
#include "tide_submit.h"

static ulong tide_system_mib;
module_param_named(system_mib, tide_system_mib, ulong, 0444);
MODULE_PARM_DESC(system_mib, "Size of the system segment (MiB, 0: half of the memory)");

static ulong tide_local_mib;
module_param_named(local_mib, tide_local_mib, ulong, 0444);
MODULE_PARM_DESC(local_mib, "Size of the local segment (MiB, 0: there is none)");

static int tide_info_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_tide_info *args = data;

	args->uapi_version = DRM_TIDE_UAPI_VERSION;
	args->segment_count = to_tide_device(drm)->segment_count;
	args->max_handles = TIDE_MAX_HANDLES;
	args->max_submit_bos = TIDE_MAX_SUBMIT_BOS;
	args->max_submit_commands = TIDE_MAX_SUBMIT_COMMANDS;
	args->max_submit_syncs = TIDE_MAX_SUBMIT_SYNCS;
	args->max_queues = TIDE_MAX_QUEUES;
	args->job_timeout_ms = READ_ONCE(tide_job_timeout_ms);
	args->max_delay_ns = TIDE_MAX_DELAY_NS;
	return 0;
}

#define TIDE_IOCTL(name, function) \
	DRM_IOCTL_DEF_DRV(TIDE_##name, function, DRM_RENDER_ALLOW)

static const struct drm_ioctl_desc tide_ioctls[] = {
	TIDE_IOCTL(INFO, tide_info_ioctl),
	TIDE_IOCTL(SEGMENT_INFO, tide_segment_info_ioctl),
	TIDE_IOCTL(BO_CREATE, tide_bo_create_ioctl),
	TIDE_IOCTL(BO_MMAP_OFFSET, tide_bo_mmap_offset_ioctl),
	TIDE_IOCTL(BO_INFO, tide_bo_info_ioctl),
	TIDE_IOCTL(QUEUE_CREATE, tide_queue_create_ioctl),
	TIDE_IOCTL(QUEUE_DESTROY, tide_queue_destroy_ioctl),
	TIDE_IOCTL(QUEUE_INFO, tide_queue_info_ioctl),
	TIDE_IOCTL(OFFER, tide_offer_ioctl),
	TIDE_IOCTL(RECLAIM, tide_reclaim_ioctl),
	TIDE_IOCTL(MAKE_RESIDENT, tide_make_resident_ioctl),
	TIDE_IOCTL(EVICT, tide_evict_ioctl),
	TIDE_IOCTL(SUBMIT, tide_submit_ioctl),
	TIDE_IOCTL(BUDGET, tide_budget_ioctl),
	TIDE_IOCTL(RESERVE, tide_reserve_ioctl),
	TIDE_IOCTL(SUSPEND, tide_suspend_ioctl),
};

static const struct file_operations tide_fops = {
	.owner = THIS_MODULE,
	.open = drm_open,
	.release = tide_release,
	.unlocked_ioctl = tide_ioctl,
	.compat_ioctl = tide_compat_ioctl,
	.poll = drm_poll,
	.read = drm_read,
	.llseek = noop_llseek,
	.mmap = tide_mmap,
	.get_unmapped_area = tide_get_unmapped_area,
	.show_fdinfo = drm_show_fdinfo,
	.fop_flags = FOP_UNSIGNED_OFFSET,
};

static const struct drm_driver tide_driver = {
	.driver_features = DRIVER_GEM | DRIVER_RENDER | DRIVER_SYNCOBJ | DRIVER_SYNCOBJ_TIMELINE,
	.open = tide_client_open,
	.postclose = tide_client_postclose,
	.show_fdinfo = tide_client_show_fdinfo,
	.debugfs_init = tide_debugfs_init,
	.prime_handle_to_fd = tide_prime_handle_to_fd,
	.dumb_create = tide_dumb_create,
	.dumb_map_offset = tide_dumb_map_offset,
	.ioctls = tide_ioctls,
	.num_ioctls = ARRAY_SIZE(tide_ioctls),
	.fops = &tide_fops,
	.name = "tide",
	.desc = "Memory that can be offered, on a software GPU",
	TIDE_DRIVER_DATE
	.major = 1,
	.minor = 1,
};

static u64 tide_system_size(void)
{
	if (tide_system_mib)
		return (u64)tide_system_mib << 20;
	return (u64)totalram_pages() << PAGE_SHIFT >> 1;
}

static void tide_engine_release(struct drm_device *drm, void *unused)
{
	tide_engine_fini(to_tide_device(drm));
}

static void tide_shrinker_release(struct drm_device *drm, void *unused)
{
	tide_shrinker_fini(to_tide_device(drm));
}

static void tide_leave_release(struct drm_device *drm, void *unused)
{
	cancel_delayed_work_sync(&to_tide_device(drm)->leave_work);
}

static int tide_init_segments(struct tide_device *tdev)
{
	int ret;

	mutex_init(&tdev->fit_lock);
	tide_segment_init(&tdev->segments[tdev->segment_count++], DRM_TIDE_SEGMENT_SYSTEM,
			  tide_system_size());
	if (!tide_local_mib)
		return 0;

	ret = tide_mover_init(tdev);
	if (ret)
		return ret;
	ret = tide_local_init(tdev, (u64)tide_local_mib << 20);
	if (ret)
		return ret;

	INIT_DELAYED_WORK(&tdev->leave_work, tide_segment_leave_work);
	return drmm_add_action_or_reset(&tdev->drm, tide_leave_release, NULL);
}

static int tide_probe(struct platform_device *pdev)
{
	struct tide_device *tdev;
	int ret;

	tdev = devm_drm_dev_alloc(&pdev->dev, &tide_driver, struct tide_device, drm);
	if (IS_ERR(tdev))
		return PTR_ERR(tdev);

	spin_lock_init(&tdev->bo_lock);
	INIT_LIST_HEAD(&tdev->bos);
	tide_put_init_device(tdev);
	ret = tide_init_segments(tdev);
	if (ret)
		return ret;

	ret = tide_budget_init(tdev);
	if (ret)
		return ret;

	ret = tide_engine_init(tdev);
	if (ret)
		return ret;
	ret = drmm_add_action_or_reset(&tdev->drm, tide_engine_release, NULL);
	if (ret)
		return ret;

	ret = tide_shrinker_init(tdev);
	if (ret)
		return ret;
	ret = drmm_add_action_or_reset(&tdev->drm, tide_shrinker_release, NULL);
	if (ret)
		return ret;

	platform_set_drvdata(pdev, tdev);
	return drm_dev_register(&tdev->drm, 0);
}

/* Clients find the device gone; what they have lives until they let go of it. */
static void tide_remove(struct platform_device *pdev)
{
	struct tide_device *tdev = platform_get_drvdata(pdev);

	drm_dev_unplug(&tdev->drm);
	tide_engine_abort(&tdev->engine, NULL, -ENODEV);
}

static struct platform_driver tide_platform_driver = {
	.probe = tide_probe,
	.remove = tide_remove,
	.driver = {
		.name = "tide",
	},
};

static struct platform_device *tide_platform_device;

/* Tell lockdep the order of locks before anything runs into it. */
static void __init tide_teach_lockdep(void)
{
	struct tide_bo *bo;

	if (!IS_ENABLED(CONFIG_LOCKDEP))
		return;

	bo = kzalloc(sizeof(*bo), GFP_KERNEL);
	if (!bo)
		return;

	dma_resv_init(&bo->base._resv);
	dma_resv_lock(&bo->base._resv, NULL);
	fs_reclaim_acquire(GFP_KERNEL);
	fs_reclaim_release(GFP_KERNEL);
	dma_resv_unlock(&bo->base._resv);
	dma_resv_fini(&bo->base._resv);
	kfree(bo);
}

static int __init tide_init(void)
{
	int ret;

	tide_teach_lockdep();

	ret = tide_put_init();
	if (ret)
		return ret;

	ret = tide_gem_init();
	if (ret)
		goto err_put;

	ret = tide_backing_mount();
	if (ret)
		goto err_gem;

	ret = platform_driver_register(&tide_platform_driver);
	if (ret)
		goto err_mount;

	tide_platform_device = platform_device_register_simple("tide", PLATFORM_DEVID_NONE,
							       NULL, 0);
	if (IS_ERR(tide_platform_device)) {
		ret = PTR_ERR(tide_platform_device);
		goto err_driver;
	}
	return 0;

err_driver:
	platform_driver_unregister(&tide_platform_driver);
err_mount:
	tide_backing_unmount();
err_gem:
	tide_gem_fini();
err_put:
	tide_put_fini();
	return ret;
}

static void __exit tide_exit(void)
{
	platform_device_unregister(tide_platform_device);
	platform_driver_unregister(&tide_platform_driver);
	/* The last references to devices, then fences on their way out */
	tide_put_fini();
	rcu_barrier();
	tide_backing_unmount();
	tide_gem_fini();
}

module_init(tide_init);
module_exit(tide_exit);

MODULE_DESCRIPTION("Render node with memory that can be offered");
TIDE_IMPORT_NS(DMA_BUF);
MODULE_LICENSE("Dual MIT/GPL");
