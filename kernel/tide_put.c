// SPDX-License-Identifier: GPL-2.0 OR MIT
/**
 * DOC: Last references
 *
 * Where a reference ends may be the wrong place for what its last one does. The
 * release of a device unregisters shrinkers and stops workers, but an allocation
 * may end in reclaim, in munmap() and in a worker. The release of an allocation
 * takes locks under which memory is allocated, but moves and jobs end where other
 * fences wait to be signalled. A worker drops such references; none but a last
 * one comes here.
 *
 * What ends again before the worker has come is there already, and only counted.
 */
#include <linux/llist.h>
#include <linux/workqueue.h>

#include <drm/drm_drv.h>

#include "tide_drv.h"
#include "tide_gem.h"
#include "tide_put.h"

static struct workqueue_struct *tide_put_wq;

/* Allocations with late puts */
static LLIST_HEAD(tide_put_bos);

static void tide_put_device_work(struct work_struct *work)
{
	struct tide_device *tdev = container_of(work, struct tide_device, put_work);

	for (int puts = atomic_xchg(&tdev->late_puts, 0); puts; puts--)
		drm_dev_put(&tdev->drm);
}

static void tide_put_bos_work(struct work_struct *work)
{
	struct tide_bo *bo, *next;

	llist_for_each_entry_safe(bo, next, llist_del_all(&tide_put_bos), put_link) {
		/* From here on it may be added again. */
		for (int puts = atomic_xchg(&bo->late_puts, 0); puts; puts--)
			tide_bo_put(bo);
		cond_resched();
	}
}

static DECLARE_WORK(tide_put_work, tide_put_bos_work);

/**
 * tide_put_init - set up the worker that drops last references
 *
 * Return: 0 or an error.
 */
int tide_put_init(void)
{
	tide_put_wq = alloc_workqueue("tide-put", WQ_UNBOUND, 0);
	return tide_put_wq ? 0 : -ENOMEM;
}

/**
 * tide_put_fini - wait for the last references to be dropped
 */
void tide_put_fini(void)
{
	destroy_workqueue(tide_put_wq);
}

/**
 * tide_put_init_device - prepare a device for tide_device_put_late()
 * @tdev: device
 */
void tide_put_init_device(struct tide_device *tdev)
{
	INIT_WORK(&tdev->put_work, tide_put_device_work);
}

/**
 * tide_device_put_late - drop a device reference from any context
 * @tdev: device
 */
void tide_device_put_late(struct tide_device *tdev)
{
	if (refcount_dec_not_one(&tdev->drm.ref.refcount))
		return;

	atomic_inc(&tdev->late_puts);
	queue_work(tide_put_wq, &tdev->put_work);
}

/**
 * tide_bo_put_late - drop a reference where fences wait to be signalled
 * @bo: allocation
 */
void tide_bo_put_late(struct tide_bo *bo)
{
	if (refcount_dec_not_one(&bo->base.refcount.refcount))
		return;

	if (atomic_inc_return(&bo->late_puts) > 1)
		return;
	llist_add(&bo->put_link, &tide_put_bos);
	queue_work(tide_put_wq, &tide_put_work);
}
