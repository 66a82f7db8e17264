// SPDX-License-Identifier: GPL-2.0 OR MIT
/**
 * DOC: Local memory
 *
 * Local memory plays the memory of a discrete GPU. It is taken from the system's
 * when the module is loaded, and managed by the kernel's buddy allocator.
 *
 * Nothing is cleared: a chunk is wholly written before anybody can see it. But
 * what a client has seen it may hold, by a pipe that it has spliced a page into,
 * for example. A page that somebody holds when its chunk is freed is left to
 * whoever that is. It is replaced when its place is needed.
 */
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include <drm/drm_managed.h>

#include "tide_drv.h"
#include "tide_gem.h"
#include "tide_inject.h"
#include "tide_local.h"

static void tide_local_free_pages(struct tide_local *local)
{
	for (unsigned long i = 0; i < local->page_count; i++)
		if (local->pages[i])
			put_page(local->pages[i]);
	kvfree(local->pages);
}

/* Returns false if there is no memory. */
static bool tide_local_have_page(struct tide_local *local, unsigned long index)
{
	if (!local->pages[index])
		local->pages[index] = alloc_page(GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN);
	return local->pages[index];
}

static void tide_local_fini(struct drm_device *drm, void *unused)
{
	struct tide_local *local = &to_tide_device(drm)->local;

	gpu_buddy_fini(&local->buddy);
	tide_local_free_pages(local);
	mutex_destroy(&local->lock);
}

static int tide_local_alloc_pages(struct tide_local *local, unsigned long count)
{
	local->pages = kvcalloc(count, sizeof(*local->pages), GFP_KERNEL);
	if (!local->pages)
		return -ENOMEM;

	for (local->page_count = 0; local->page_count < count; local->page_count++)
		if (!tide_local_have_page(local, local->page_count))
			return -ENOMEM;
	return 0;
}

/**
 * tide_local_init - set up the local segment
 * @tdev: device
 * @size: bytes, whole pages, above 0
 *
 * Return: 0 or an error.
 */
int tide_local_init(struct tide_device *tdev, u64 size)
{
	struct tide_local *local = &tdev->local;
	int ret;

	ret = tide_local_alloc_pages(local, size >> PAGE_SHIFT);
	if (ret)
		goto err_pages;

	ret = gpu_buddy_init(&local->buddy, size, PAGE_SIZE);
	if (ret)
		goto err_pages;

	mutex_init(&local->lock);
	ret = drmm_add_action_or_reset(&tdev->drm, tide_local_fini, NULL);
	if (ret)
		return ret;

	tide_segment_init(&tdev->segments[tdev->segment_count++], DRM_TIDE_SEGMENT_LOCAL, size);
	return 0;

err_pages:
	tide_local_free_pages(local);
	return ret;
}

static void tide_local_free_blocks(struct tide_local *local, struct tide_chunk *chunk)
{
	scoped_guard(mutex, &local->lock)
		gpu_buddy_free_list(&local->buddy, &chunk->blocks, 0);
	kvfree(chunk);
}

/* The places are the chunk's, no lock is needed. */
static int tide_local_fill_chunk(struct tide_local *local, struct tide_chunk *chunk)
{
	struct gpu_buddy_block *block;
	unsigned long index = 0;

	list_for_each_entry(block, &chunk->blocks, link) {
		unsigned long first = gpu_buddy_block_offset(block) >> PAGE_SHIFT;
		unsigned long count = gpu_buddy_block_size(&local->buddy, block) >> PAGE_SHIFT;

		for (unsigned long i = first; i < first + count; i++) {
			if (!tide_local_have_page(local, i))
				return -ENOMEM;
			chunk->pages[index++] = local->pages[i];
		}
	}
	return 0;
}

/**
 * tide_local_alloc - get local memory
 * @bo: allocation, charged to the local segment, its reservation held
 *
 * Return: 0 or an error.
 */
int tide_local_alloc(struct tide_bo *bo)
{
	struct tide_local *local = &to_tide_device(bo->base.dev)->local;
	struct mem_cgroup *old;
	struct tide_chunk *chunk;
	unsigned int nofs;
	int ret;

	if (tide_inject(TIDE_INJECT_LOCAL))
		return -ENOMEM;

	old = set_active_memcg(bo->memcg);
	chunk = kvmalloc(struct_size(chunk, pages, tide_bo_page_count(bo)),
			 GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN);
	set_active_memcg(old);
	if (!chunk)
		return -ENOMEM;
	INIT_LIST_HEAD(&chunk->blocks);

	scoped_guard(mutex, &local->lock) {
		/* The driver's shrinkers free chunks. */
		nofs = memalloc_nofs_save();
		ret = gpu_buddy_alloc_blocks(&local->buddy, 0, local->buddy.size, bo->base.size,
					     PAGE_SIZE, &chunk->blocks, 0);
		memalloc_nofs_restore(nofs);
	}
	if (!ret)
		ret = tide_local_fill_chunk(local, chunk);
	if (ret) {
		tide_local_free_blocks(local, chunk);
		return ret;
	}
	bo->chunk = chunk;
	return 0;
}

static void tide_local_leave_held(struct tide_local *local, struct tide_chunk *chunk)
{
	struct gpu_buddy_block *block;

	list_for_each_entry(block, &chunk->blocks, link) {
		unsigned long first = gpu_buddy_block_offset(block) >> PAGE_SHIFT;
		unsigned long count = gpu_buddy_block_size(&local->buddy, block) >> PAGE_SHIFT;

		for (unsigned long i = first; i < first + count; i++) {
			if (page_count(local->pages[i]) == 1)
				continue;
			put_page(local->pages[i]);
			local->pages[i] = NULL;
		}
	}
}

/**
 * tide_local_free - give local memory back
 * @bo: allocation with a chunk that is mapped nowhere
 */
void tide_local_free(struct tide_bo *bo)
{
	struct tide_local *local = &to_tide_device(bo->base.dev)->local;

	tide_local_leave_held(local, bo->chunk);
	tide_local_free_blocks(local, bo->chunk);
	bo->chunk = NULL;
}
