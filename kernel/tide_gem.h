/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _TIDE_GEM_H_
#define _TIDE_GEM_H_

#include <linux/cleanup.h>
#include <linux/rbtree.h>

#include <drm/drm_gem.h>

#include "tide_local.h"
#include "tide_move.h"
#include "tide_segment.h"

struct drm_printer;
struct mem_cgroup;
struct tide_client;
struct tide_device;

/**
 * enum tide_bo_state - what has become of an allocation's content
 * @TIDE_BO_KEPT: not offered, the content is the client's
 * @TIDE_BO_OFFERED: on a list of offers, the content may be discarded
 * @TIDE_BO_DISCARDING: a discard has begun and is not over; reclaim waits for it
 * @TIDE_BO_DISCARDED: the content is gone, and the client does not know
 * @TIDE_BO_LOST: discarded, and the memory could not be committed again; for ever
 *
 * An exported allocation is always kept.
 */
enum tide_bo_state {
	TIDE_BO_KEPT,
	TIDE_BO_OFFERED,
	TIDE_BO_DISCARDING,
	TIDE_BO_DISCARDED,
	TIDE_BO_LOST,
};

/**
 * enum tide_placement - where an allocation's content is
 * @TIDE_SYSTEM: in its pages of system memory
 * @TIDE_COMING: it is being copied to local memory
 * @TIDE_LOCAL: in its chunk of local memory
 * @TIDE_LEAVING: it is being copied back
 *
 * Changes from the first and the third one under the reservation, from the
 * others just before the fence of the copy is signalled.
 */
enum tide_placement {
	TIDE_SYSTEM,
	TIDE_COMING,
	TIDE_LOCAL,
	TIDE_LEAVING,
};

/**
 * struct tide_bo_client - what an allocation is to one client
 *
 * Lives while the client has a handle. Protected by the allocation's lock.
 */
struct tide_bo_client {
	/** @node: in &tide_bo.clients */
	struct rb_node node;
	/** @client: the client */
	struct tide_client *client;
	/** @handles: number of the client's handles */
	u32 handles;
	/** @residency: how often the allocation is on the residency list */
	u32 residency;
	/** @offered: priority of this client's offer, 0 for none */
	u32 offered;
	/** @discards_told: the &tide_bo.discards that the client knows of */
	u64 discards_told;
};

/**
 * struct tide_bo - an allocation
 */
struct tide_bo {
	/** @base: base class; its reservation is the lock of the memory */
	struct drm_gem_object base;

	/** @shmem: the backing store */
	struct file *shmem;
	/** @vma_file: stands for @shmem in mappings and keeps the module; made by the first */
	struct file *vma_file;
	/** @memcg: whom the pages are charged to */
	struct mem_cgroup *memcg;

	/** @pin: keeps the module while a fence of the allocation's lives, see tide_fence.c */
	struct file *pin;

	/**
	 * @pages: pages of system memory, which the GPU sees in the system
	 * segment; references to pages; protected by the reservation
	 */
	struct page **pages;
	/** @populated: number of @pages that are there; when resident all of them */
	unsigned long populated;
	/** @segment: where it is when it is resident */
	struct tide_segment *segment;
	/** @chunk: local memory, while the local segment is charged */
	struct tide_chunk *chunk;
	/** @placement: where the content is; in the system segment always %TIDE_SYSTEM */
	enum tide_placement placement;
	/** @move: to or from local memory */
	struct tide_move move;
	/** @written: whether jobs or the CPU may have written since it came to local memory */
	bool written;
	/** @segment_link: in &tide_segment.residents while the segment is charged */
	struct list_head segment_link;
	/** @page_in_error: of the last page-in, 0 once one succeeded */
	int page_in_error;
	/** @pins: page-ins under way, and submissions about to name the allocation in a job */
	atomic_t pins;

	/** @lock: protects what follows; taken in reclaim */
	spinlock_t lock;
	/** @state: see &enum tide_bo_state */
	enum tide_bo_state state;
	/** @priority: which list of offers, while offered */
	u32 priority;
	/** @offered_at: place among all offers, while offered */
	u64 offered_at;
	/** @evict_flags: DRM_TIDE_EVICT_* of who took it off its list last */
	u32 evict_flags;
	/** @may_decommit: a discard gives back the commit charge, too */
	bool may_decommit;
	/** @decommitted: the commit charge was given back; changes with @state */
	bool decommitted;
	/** @exported: there was an export */
	bool exported;
	/** @exports: exports under way, and names being given */
	u32 exports;
	/** @discards: number of discards */
	u64 discards;
	/** @clients: &tide_bo_client by client */
	struct rb_root clients;

	/** @offered_link: in &tide_device.offered */
	struct list_head offered_link;
	/** @evictable_link: in &tide_device.evictable */
	struct list_head evictable_link;
	/** @device_link: in &tide_device.bos */
	struct list_head device_link;

	/** @put_link: where references are dropped late, while there are @late_puts */
	struct llist_node put_link;
	/** @late_puts: references that could not be dropped where they ended */
	atomic_t late_puts;
};

static inline struct tide_bo *to_tide_bo(struct drm_gem_object *obj)
{
	return container_of(obj, struct tide_bo, base);
}

static inline unsigned long tide_bo_page_count(const struct tide_bo *bo)
{
	return bo->base.size >> PAGE_SHIFT;
}

/**
 * tide_bo_is_resident - whether the GPU can reach the allocation
 * @bo: allocation
 *
 * Without the reservation the answer may be outdated.
 *
 * Return: true if it can.
 */
static inline bool tide_bo_is_resident(const struct tide_bo *bo)
{
	if (tide_segment_is_local(bo->segment))
		return READ_ONCE(bo->placement) == TIDE_LOCAL;
	return READ_ONCE(bo->populated) == tide_bo_page_count(bo);
}

/**
 * tide_bo_gpu_page - what the GPU sees of an allocation
 * @bo: resident allocation that unfinished jobs name
 * @index: page
 *
 * Return: the page.
 */
static inline struct page *tide_bo_gpu_page(const struct tide_bo *bo, unsigned long index)
{
	return tide_segment_is_local(bo->segment) ? bo->chunk->pages[index] : bo->pages[index];
}

int tide_gem_init(void);
void tide_gem_fini(void);

struct tide_bo *tide_bo_create(struct tide_client *client, u64 size, u32 segments);
struct tide_bo_client *tide_bo_find_client(struct tide_bo *bo, struct tide_client *client);
bool tide_bo_is_exported(const struct tide_bo *bo);
bool tide_bo_has_jobs(struct tide_bo *bo);
bool tide_bo_trylock_idle(struct tide_bo *bo);
u64 tide_bo_idle_since(struct tide_bo *bo);
struct tide_bo *tide_bo_lookup(struct drm_file *file, u32 handle);

static inline void tide_bo_put(struct tide_bo *bo)
{
	if (bo)
		drm_gem_object_put(&bo->base);
}

DEFINE_FREE(tide_bo, struct tide_bo *, tide_bo_put(_T))

/**
 * struct tide_bo_list - the allocations that a call names
 */
struct tide_bo_list {
	/** @count: number of entries */
	u32 count;
	/** @values: by entry: its handle, and from then on what the call answers */
	u32 *values;
	/** @bos: referenced */
	struct tide_bo *bos[] __counted_by(count);
};

struct tide_bo_list *tide_bo_list_get(struct drm_file *file, u64 handles, u32 count,
				      bool also_lost, u32 *bad_index);
void tide_bo_list_put(struct tide_bo_list *list);

DEFINE_FREE(tide_bo_list, struct tide_bo_list *, tide_bo_list_put(_T))

int tide_bo_create_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int tide_bo_mmap_offset_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int tide_bo_info_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int tide_dumb_create(struct drm_file *file, struct drm_device *drm,
		     struct drm_mode_create_dumb *args);
int tide_dumb_map_offset(struct drm_file *file, struct drm_device *drm, u32 handle, u64 *offset);
void tide_gem_show_fdinfo(struct drm_printer *p, struct drm_file *file);

/* tide_prime.c */
int tide_prime_handle_to_fd(struct drm_device *drm, struct drm_file *file, u32 handle, u32 flags,
			    int *prime_fd);
long tide_ioctl(struct file *filp, unsigned int cmd, unsigned long arg);
#ifdef CONFIG_COMPAT
long tide_compat_ioctl(struct file *filp, unsigned int cmd, unsigned long arg);
#else
#define tide_compat_ioctl NULL
#endif

/* tide_mmap.c */
int tide_gem_mmap(struct drm_gem_object *obj, struct vm_area_struct *vma);
int tide_mmap(struct file *filp, struct vm_area_struct *vma);
unsigned long tide_get_unmapped_area(struct file *filp, unsigned long addr, unsigned long len,
				     unsigned long pgoff, unsigned long flags);

#endif /* _TIDE_GEM_H_ */
