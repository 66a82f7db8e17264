/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _TIDE_CLIENT_H_
#define _TIDE_CLIENT_H_

#include <linux/types.h>

struct drm_device;
struct drm_file;
struct drm_printer;
struct file;
struct inode;
struct tide_client;

int tide_client_open(struct drm_device *drm, struct drm_file *file);
void tide_client_postclose(struct drm_device *drm, struct drm_file *file);
void tide_client_show_fdinfo(struct drm_printer *p, struct drm_file *file);
int tide_release(struct inode *inode, struct file *filp);

void tide_client_touch(struct tide_client *client);
bool tide_client_is_active(struct tide_client *client);
/* tide_client_idle_since() of a suspended client: earlier than any other, and not 0 */
#define TIDE_SUSPENDED	1

u64 tide_client_idle_since(struct tide_client *client);

int tide_suspend_ioctl(struct drm_device *drm, void *data, struct drm_file *file);

#endif /* _TIDE_CLIENT_H_ */
