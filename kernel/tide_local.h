/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _TIDE_LOCAL_H_
#define _TIDE_LOCAL_H_

#include <linux/gpu_buddy.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>

struct page;
struct tide_bo;
struct tide_device;

/**
 * struct tide_local - local memory
 */
struct tide_local {
	/** @lock: protects @buddy; nothing that shrinkers of file systems wait for is under it */
	struct mutex lock;
	/** @buddy: what of it is free */
	struct gpu_buddy buddy;
	/** @pages: what it is made of; NULL where there is no page at the moment */
	struct page **pages;
	/** @page_count: number of @pages */
	unsigned long page_count;
};

/**
 * struct tide_chunk - the local memory of an allocation
 */
struct tide_chunk {
	/** @blocks: from the buddy allocator */
	struct list_head blocks;
	/** @pages: page by page of the allocation */
	struct page *pages[];
};

int tide_local_init(struct tide_device *tdev, u64 size);
int tide_local_alloc(struct tide_bo *bo);
void tide_local_free(struct tide_bo *bo);

#endif /* _TIDE_LOCAL_H_ */
