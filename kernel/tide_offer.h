/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _TIDE_OFFER_H_
#define _TIDE_OFFER_H_

struct drm_device;
struct drm_file;
struct tide_bo;

void tide_offer_begin_discard_locked(struct tide_bo *bo);
unsigned long tide_offer_discard(struct tide_bo *bo);
bool tide_offer_try_discard(struct tide_bo *bo);

int tide_offer_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int tide_reclaim_ioctl(struct drm_device *drm, void *data, struct drm_file *file);

#endif /* _TIDE_OFFER_H_ */
