// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Budgets: asked for, reserved, and watched over. Their arithmetic is in
 * tide_shares.c.
 *
 * Usages change without a lock of the device's, also where nothing may be waited
 * for. Whoever has made one grow, or has changed who is active, calls
 * tide_budget_update() afterwards, which tells clients that are over theirs.
 */
#include <linux/workqueue.h>

#include <drm/drm_managed.h>

#include "tide_budget.h"
#include "tide_client.h"
#include "tide_compat.h"
#include "tide_drv.h"

static void tide_budget_see_who_is_active(struct tide_device *tdev)
{
	struct tide_client *client;
	bool any = false;

	lockdep_assert_held(&tdev->clients_lock);

	list_for_each_entry(client, &tdev->clients, link) {
		bool active = tide_client_is_active(client);

		for (u32 i = 0; i < tdev->segment_count; i++)
			client->shares[i].active = active;
		any |= active;
	}

	/* It will have become idle some time. */
	if (any)
		queue_delayed_work(system_dfl_wq, &tdev->budget_work, HZ);
}

static void tide_budget_update_segment(struct tide_device *tdev, struct tide_segment *segment)
{
	struct tide_levels levels = tide_shares_divide(&segment->shares, segment->size, NULL);
	struct tide_client *client;

	list_for_each_entry(client, &tdev->clients, link) {
		struct tide_share *share = &client->shares[segment->index];
		u64 excess = tide_share_excess(share, &levels);

		/* Who is trimming need not be told at each step. */
		if (excess > READ_ONCE(share->told))
			tide_event_trim(client->file, segment->index, excess);
		WRITE_ONCE(share->told, excess);
	}
}

/**
 * tide_budget_update - tell clients that are over their budgets
 * @tdev: device
 */
void tide_budget_update(struct tide_device *tdev)
{
	guard(mutex)(&tdev->clients_lock);

	tide_budget_see_who_is_active(tdev);
	for (u32 i = 0; i < tdev->segment_count; i++)
		tide_budget_update_segment(tdev, &tdev->segments[i]);
}

static void tide_budget_work(struct work_struct *work)
{
	tide_budget_update(container_of(to_delayed_work(work), struct tide_device, budget_work));
}

static void tide_budget_fini(struct drm_device *drm, void *unused)
{
	cancel_delayed_work_sync(&to_tide_device(drm)->budget_work);
}

/**
 * tide_budget_init - set up budgets
 * @tdev: device
 *
 * Return: 0 or an error.
 */
int tide_budget_init(struct tide_device *tdev)
{
	int ret;

	INIT_LIST_HEAD(&tdev->clients);
	INIT_DELAYED_WORK(&tdev->budget_work, tide_budget_work);
	ret = drmm_mutex_init(&tdev->drm, &tdev->clients_lock);
	if (ret)
		return ret;
	return drmm_add_action_or_reset(&tdev->drm, tide_budget_fini, NULL);
}

/**
 * tide_budget_of - what a client may require of a segment
 * @client: client
 * @segment: DRM_TIDE_SEGMENT_*
 *
 * Return: bytes.
 */
u64 tide_budget_of(struct tide_client *client, u32 segment)
{
	struct tide_segment *of = &client->tdev->segments[segment];

	guard(mutex)(&client->tdev->clients_lock);

	tide_budget_see_who_is_active(client->tdev);
	return tide_shares_budget(&of->shares, of->size, &client->shares[segment]);
}

/**
 * tide_budget_ioctl - DRM_IOCTL_TIDE_BUDGET
 * @drm: device
 * @data: &struct drm_tide_budget
 * @file: client
 *
 * Return: 0 or an error.
 */
int tide_budget_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct tide_device *tdev = to_tide_device(drm);
	struct tide_client *client = file->driver_priv;
	struct drm_tide_budget *args = data;
	struct tide_segment *segment;
	struct tide_share *share;

	if (args->segment >= tdev->segment_count || args->pad)
		return -EINVAL;

	segment = &tdev->segments[args->segment];
	share = &client->shares[args->segment];
	args->budget = tide_budget_of(client, args->segment);

	guard(mutex)(&tdev->clients_lock);

	args->usage = atomic64_read(&share->usage);
	args->reservation = share->reservation;
	args->available = tide_shares_reservable(&segment->shares, segment->size, share);
	return 0;
}

/**
 * tide_reserve_ioctl - DRM_IOCTL_TIDE_RESERVE
 * @drm: device
 * @data: &struct drm_tide_reserve
 * @file: client
 *
 * Return: 0 or an error.
 */
int tide_reserve_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct tide_device *tdev = to_tide_device(drm);
	struct tide_client *client = file->driver_priv;
	struct drm_tide_reserve *args = data;
	struct tide_segment *segment;
	struct tide_share *share;

	if (args->segment >= tdev->segment_count || args->pad)
		return -EINVAL;

	segment = &tdev->segments[args->segment];
	share = &client->shares[args->segment];

	scoped_guard(mutex, &tdev->clients_lock) {
		if (args->bytes > tide_shares_reservable(&segment->shares, segment->size, share))
			return -ENOSPC;
		share->reservation = args->bytes;
	}

	tide_budget_update(tdev);
	return 0;
}
