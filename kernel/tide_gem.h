/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _TIDE_GEM_H_
#define _TIDE_GEM_H_

#include <linux/cleanup.h>
#include <linux/rbtree.h>

#include <drm/drm_gem.h>

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
 *
 * An exported allocation is always kept.
 */
enum tide_bo_state {
	TIDE_BO_KEPT,
	TIDE_BO_OFFERED,
	TIDE_BO_DISCARDING,
	TIDE_BO_DISCARDED,
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

	/** @pages: what the GPU sees; references to pages; protected by the reservation */
	struct page **pages;
	/** @populated: number of @pages that are there; all of them when resident */
	unsigned long populated;
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
	/** @exports: successful exports, and those under way */
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
	return READ_ONCE(bo->populated) == tide_bo_page_count(bo);
}

int tide_gem_init(void);
void tide_gem_fini(void);

struct tide_bo *tide_bo_create(struct tide_device *tdev, u64 size);
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
				      u32 *bad_index);
void tide_bo_list_put(struct tide_bo_list *list);

DEFINE_FREE(tide_bo_list, struct tide_bo_list *, tide_bo_list_put(_T))

int tide_bo_create_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int tide_bo_mmap_offset_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int tide_bo_info_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int tide_dumb_create(struct drm_file *file, struct drm_device *drm,
		     struct drm_mode_create_dumb *args);
void tide_gem_show_fdinfo(struct drm_printer *p, struct drm_file *file);

/* tide_prime.c */
int tide_prime_handle_to_fd(struct drm_device *drm, struct drm_file *file, u32 handle, u32 flags,
			    int *prime_fd);
long tide_ioctl(struct file *filp, unsigned int cmd, unsigned long arg);
long tide_compat_ioctl(struct file *filp, unsigned int cmd, unsigned long arg);

/* tide_mmap.c */
int tide_gem_mmap(struct drm_gem_object *obj, struct vm_area_struct *vma);
int tide_mmap(struct file *filp, struct vm_area_struct *vma);
unsigned long tide_get_unmapped_area(struct file *filp, unsigned long addr, unsigned long len,
				     unsigned long pgoff, unsigned long flags);

#endif /* _TIDE_GEM_H_ */
