/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _TIDE_BUDGET_H_
#define _TIDE_BUDGET_H_

#include <linux/types.h>

struct drm_device;
struct drm_file;
struct tide_client;
struct tide_device;

int tide_budget_init(struct tide_device *tdev);

u64 tide_budget_of(struct tide_client *client, u32 segment);
void tide_budget_update(struct tide_device *tdev);

int tide_budget_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int tide_reserve_ioctl(struct drm_device *drm, void *data, struct drm_file *file);

/* tide_event.c */
void tide_event_trim(struct drm_file *file, u32 segment, u64 bytes);

#endif /* _TIDE_BUDGET_H_ */
