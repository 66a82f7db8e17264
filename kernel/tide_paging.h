/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _TIDE_PAGING_H_
#define _TIDE_PAGING_H_

#include <linux/cleanup.h>
#include <linux/types.h>

struct drm_device;
struct drm_file;
struct tide_bo;
struct tide_client;
struct tide_paging_op;
struct tide_queue;

struct tide_paging_op *tide_paging_op_alloc(struct tide_client *client, u32 max_bos);
void tide_paging_op_free(struct tide_paging_op *op);
void tide_paging_op_add(struct tide_paging_op *op, struct tide_bo *bo);

DEFINE_FREE(tide_paging_op, struct tide_paging_op *, tide_paging_op_free(_T))

struct tide_queue *tide_queue_find(struct tide_client *client, u32 id);
u64 tide_queue_push(struct tide_queue *queue, struct tide_paging_op *op);
void tide_queue_destroy(struct tide_queue *queue);

int tide_queue_create_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int tide_queue_destroy_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int tide_queue_info_ioctl(struct drm_device *drm, void *data, struct drm_file *file);

#endif /* _TIDE_PAGING_H_ */
