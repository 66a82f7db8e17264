/* SPDX-License-Identifier: MIT */
#ifndef TIDE_DRM_PUBLIC_H
#define TIDE_DRM_PUBLIC_H

struct pipe_screen;
struct pipe_screen_config;

/**
 * A screen of llvmpipe whose memory is that of a tide node.
 *
 * \param fd  the node; the caller keeps it. There is one screen for each open
 *            file, which is counted.
 */
struct pipe_screen *
tide_drm_screen_create(int fd, const struct pipe_screen_config *config);

#endif /* TIDE_DRM_PUBLIC_H */
