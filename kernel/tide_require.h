/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _TIDE_REQUIRE_H_
#define _TIDE_REQUIRE_H_

#include <linux/types.h>

struct drm_device;
struct drm_file;
struct tide_bo;
struct tide_bo_client;

bool tide_require_uses(const struct tide_bo_client *bc);
bool tide_require_changed_locked(struct tide_bo *bo, struct tide_bo_client *bc, bool used);

int tide_make_resident_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int tide_evict_ioctl(struct drm_device *drm, void *data, struct drm_file *file);

#endif /* _TIDE_REQUIRE_H_ */
