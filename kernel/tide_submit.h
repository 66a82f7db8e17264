/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _TIDE_SUBMIT_H_
#define _TIDE_SUBMIT_H_

struct drm_device;
struct drm_file;

int tide_submit_ioctl(struct drm_device *drm, void *data, struct drm_file *file);

#endif /* _TIDE_SUBMIT_H_ */
