// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Trim events: what a client reads from its file when it is over its budget.
 */
#include <linux/slab.h>

#include <drm/drm_device.h>
#include <drm/drm_file.h>
#include <drm/tide_drm.h>

#include "tide_budget.h"

struct tide_trim_event {
	struct drm_pending_event base;
	struct drm_tide_event_trim trim;
};

static struct tide_trim_event *tide_event_find(struct drm_file *file, u32 segment)
{
	struct tide_trim_event *event;

	/* Nobody else sends events on these files. */
	list_for_each_entry(event, &file->event_list, base.link)
		if (event->trim.segment == segment)
			return event;
	return NULL;
}

/**
 * tide_event_trim - tell a client to trim
 * @file: client, found in &tide_device.clients
 * @segment: DRM_TIDE_SEGMENT_*
 * @bytes: by how much it is over its budget
 *
 * An event that was not read is changed instead of sending another one. Where
 * memory is short the client is not told; the next one comes.
 */
void tide_event_trim(struct drm_file *file, u32 segment, u64 bytes)
{
	struct drm_device *drm = file->minor->dev;
	struct tide_trim_event *event, *new;

	/* An offer may wait for a lock that is held here, and never for memory. */
	new = kzalloc(sizeof(*new), GFP_NOWAIT);
	if (!new)
		return;
	new->trim.base.type = DRM_TIDE_EVENT_TRIM;
	new->trim.base.length = sizeof(new->trim);
	new->trim.segment = segment;
	new->trim.bytes = bytes;

	spin_lock_irq(&drm->event_lock);
	event = tide_event_find(file, segment);
	if (event) {
		event->trim.bytes = bytes;
	} else if (!drm_event_reserve_init_locked(drm, file, &new->base, &new->trim.base)) {
		drm_send_event_locked(drm, &new->base);
		new = NULL;
	}
	spin_unlock_irq(&drm->event_lock);

	kfree(new);
}
