/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _TIDE_DEBUGFS_H_
#define _TIDE_DEBUGFS_H_

struct drm_minor;

void tide_debugfs_init(struct drm_minor *minor);

#endif /* _TIDE_DEBUGFS_H_ */
