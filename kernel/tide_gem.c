// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Allocations: their life and their clients.
 */
#include <linux/file.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <drm/drm_drv.h>

#include "tide_backing.h"
#include "tide_client.h"
#include "tide_drv.h"
#include "tide_gem.h"
#include "tide_lru.h"
#include "tide_put.h"
#include "tide_residency.h"
#include "tide_require.h"

/* How many handles are looked up in one go of the client's table lock */
#define TIDE_LOOKUP_BATCH	64

static struct kmem_cache *tide_bo_cache;

/**
 * tide_gem_init - set up what all allocations share
 *
 * Return: 0 or an error.
 */
int tide_gem_init(void)
{
	/* Accounted: list_lru sorts an object by the cgroup that its slab is charged to. */
	tide_bo_cache = KMEM_CACHE(tide_bo, SLAB_ACCOUNT);
	return tide_bo_cache ? 0 : -ENOMEM;
}

/**
 * tide_gem_fini - undo tide_gem_init()
 */
void tide_gem_fini(void)
{
	kmem_cache_destroy(tide_bo_cache);
}

/**
 * tide_bo_find_client - what an allocation is to a client
 * @bo: allocation, its lock held
 * @client: client
 *
 * Return: NULL if the client has no handle.
 */
struct tide_bo_client *tide_bo_find_client(struct tide_bo *bo, struct tide_client *client)
{
	struct rb_node *node = bo->clients.rb_node;

	lockdep_assert_held(&bo->lock);

	while (node) {
		struct tide_bo_client *bc = rb_entry(node, struct tide_bo_client, node);

		if (bc->client == client)
			return bc;
		node = client < bc->client ? node->rb_left : node->rb_right;
	}
	return NULL;
}

static bool tide_bo_client_less(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct tide_bo_client, node)->client <
	       rb_entry(b, struct tide_bo_client, node)->client;
}

static int tide_gem_open(struct drm_gem_object *obj, struct drm_file *file)
{
	struct tide_client *client = file->driver_priv;
	struct tide_bo *bo = to_tide_bo(obj);
	struct tide_bo_client *new, *bc;

	new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;

	scoped_guard(spinlock, &bo->lock) {
		bc = tide_bo_find_client(bo, client);
		if (!bc) {
			bc = no_free_ptr(new);
			bc->client = client;
			bc->discards_told = bo->discards;
			rb_add(&bc->node, &bo->clients, tide_bo_client_less);
		}
		bc->handles++;
	}

	kfree(new);
	return 0;
}

static void tide_gem_close(struct drm_gem_object *obj, struct drm_file *file)
{
	struct tide_client *client = file->driver_priv;
	struct tide_bo *bo = to_tide_bo(obj);
	struct tide_bo_client *bc;
	bool used;

	guard(mutex)(&client->lock);

	scoped_guard(spinlock, &bo->lock) {
		bc = tide_bo_find_client(bo, client);
		if (--bc->handles)
			return;
		rb_erase(&bc->node, &bo->clients);
		used = tide_require_uses(bc);
		bc->residency = 0;
		tide_require_changed_locked(bo, bc, used);
	}

	kfree(bc);
}

static void tide_gem_free(struct drm_gem_object *obj)
{
	struct tide_device *tdev = to_tide_device(obj->dev);
	struct tide_bo *bo = to_tide_bo(obj);
	struct file *pin = bo->pin;

	tide_lru_remove(bo);
	scoped_guard(spinlock, &tdev->bo_lock)
		list_del(&bo->device_link);

	tide_residency_drop(bo);
	drm_gem_object_release(obj);
	tide_backing_fini(bo);
	mem_cgroup_put(bo->memcg);
	kmem_cache_free(tide_bo_cache, bo);
	tide_device_put_late(tdev);
	/* Without it the module may be unloaded. */
	fput(pin);
}

static const struct drm_gem_object_funcs tide_gem_funcs = {
	.free = tide_gem_free,
	.open = tide_gem_open,
	.close = tide_gem_close,
	.mmap = tide_gem_mmap,
};

static void tide_bo_ctor(struct tide_bo *bo, struct mem_cgroup *memcg)
{
	memset(bo, 0, sizeof(*bo));
	bo->memcg = memcg;
	INIT_LIST_HEAD(&bo->segment_link);
	spin_lock_init(&bo->lock);
	bo->clients = RB_ROOT;
	INIT_LIST_HEAD(&bo->offered_link);
	INIT_LIST_HEAD(&bo->evictable_link);
}

/*
 * An item can only be added to a list_lru that has lists for the item's cgroup.
 * The slab allocator makes them, for one list_lru an allocation.
 */
static struct tide_bo *tide_bo_alloc_charged(struct tide_device *tdev)
{
	for (int i = 0; i < ARRAY_SIZE(tdev->offered); i++) {
		void *dummy = kmem_cache_alloc_lru(tide_bo_cache, &tdev->offered[i], GFP_KERNEL);

		if (!dummy)
			return NULL;
		kmem_cache_free(tide_bo_cache, dummy);
	}

	return kmem_cache_alloc_lru(tide_bo_cache, &tdev->evictable, GFP_KERNEL);
}

/* All of it for one cgroup, also if the process is moved to another meanwhile */
static struct tide_bo *tide_bo_alloc(struct tide_device *tdev)
{
	struct mem_cgroup *memcg = get_mem_cgroup_from_mm(current->mm);
	struct mem_cgroup *old = set_active_memcg(memcg);
	struct tide_bo *bo = tide_bo_alloc_charged(tdev);

	set_active_memcg(old);
	if (bo)
		tide_bo_ctor(bo, memcg);
	else
		mem_cgroup_put(memcg);
	return bo;
}

/**
 * tide_bo_create - create an allocation
 * @client: client that it is created by
 * @size: bytes, above 0
 * @segments: a bit for each segment that it may be resident in, 0 for all
 *
 * Return: the allocation, referenced, or an error.
 */
struct tide_bo *tide_bo_create(struct tide_client *client, u64 size, u32 segments)
{
	struct tide_device *tdev = client->tdev;
	struct tide_bo *bo;
	int ret;

	if (size > MAX_LFS_FILESIZE - PAGE_SIZE)
		return ERR_PTR(-E2BIG);
	size = PAGE_ALIGN(size);

	bo = tide_bo_alloc(tdev);
	if (!bo)
		return ERR_PTR(-ENOMEM);

	bo->base.funcs = &tide_gem_funcs;
	bo->segment = tide_segment_choose(tdev, segments ?: U32_MAX, size);
	drm_gem_private_object_init(&tdev->drm, &bo->base, size);

	ret = drm_gem_create_mmap_offset(&bo->base);
	if (ret)
		goto err_release;

	ret = tide_backing_init(bo);
	if (ret)
		goto err_release;

	bo->pin = get_file(client->pin);
	drm_dev_get(&tdev->drm);
	scoped_guard(spinlock, &tdev->bo_lock)
		list_add_tail(&bo->device_link, &tdev->bos);
	atomic64_inc(&tdev->stats.created_allocations);
	atomic64_add(size >> PAGE_SHIFT, &tdev->stats.created_pages);
	return bo;

err_release:
	drm_gem_object_release(&bo->base);
	mem_cgroup_put(bo->memcg);
	kmem_cache_free(tide_bo_cache, bo);
	/* More than all offsets, and than any machine's memory; or no memory for an inode */
	return ERR_PTR(ret == -ENOSPC ? -ENOMEM : ret);
}

/**
 * tide_bo_is_exported - whether an allocation has left its client
 * @bo: allocation, its lock held
 *
 * Return: true also while an export is under way.
 */
bool tide_bo_is_exported(const struct tide_bo *bo)
{
	lockdep_assert_held(&bo->lock);

	return bo->exported || bo->exports || READ_ONCE(bo->base.name);
}

/**
 * tide_bo_has_jobs - whether unfinished jobs name an allocation
 * @bo: allocation
 *
 * Return: true if any do.
 */
bool tide_bo_has_jobs(struct tide_bo *bo)
{
	return !dma_resv_test_signaled(bo->base.resv, DMA_RESV_USAGE_BOOKKEEP);
}

/**
 * tide_bo_trylock_idle - take the reservation of an idle allocation
 * @bo: allocation
 *
 * For who makes room: jobs, faults and page-ins hold the reservation, and may
 * be what waits for the room.
 *
 * Return: true if the reservation is held, no job is unfinished and nothing pins
 * the allocation.
 */
bool tide_bo_trylock_idle(struct tide_bo *bo)
{
	if (!dma_resv_trylock(bo->base.resv))
		return false;

	if (!atomic_read(&bo->pins) && !tide_bo_has_jobs(bo))
		return true;

	dma_resv_unlock(bo->base.resv);
	return false;
}

/**
 * tide_bo_idle_since - how urgently an allocation is needed
 * @bo: allocation, its lock held
 *
 * Return: when the most active of the clients that require the allocation
 * became idle, see tide_client_idle_since(); 0 if none requires it.
 */
u64 tide_bo_idle_since(struct tide_bo *bo)
{
	u64 since = 0;

	lockdep_assert_held(&bo->lock);

	for (struct rb_node *node = rb_first(&bo->clients); node; node = rb_next(node)) {
		struct tide_bo_client *bc = rb_entry(node, struct tide_bo_client, node);

		if (bc->residency)
			since = max(since, tide_client_idle_since(bc->client));
	}
	return since;
}

/**
 * tide_bo_lookup - find an allocation
 * @file: client
 * @handle: handle
 *
 * Return: the allocation, referenced, or NULL.
 */
struct tide_bo *tide_bo_lookup(struct drm_file *file, u32 handle)
{
	struct drm_gem_object *obj = drm_gem_object_lookup(file, handle);

	return obj ? to_tide_bo(obj) : NULL;
}

/* Looks up what the values name. Return: false if that of the next entry does not exist. */
static bool tide_bo_list_look_up(struct tide_bo_list *list, struct drm_file *file, u32 count)
{
	while (list->count < count) {
		u32 end = min(list->count + TIDE_LOOKUP_BATCH, count);

		scoped_guard(spinlock, &file->table_lock) {
			while (list->count < end) {
				struct drm_gem_object *obj;

				obj = idr_find(&file->object_idr, list->values[list->count]);
				if (!obj)
					return false;
				drm_gem_object_get(obj);
				list->bos[list->count++] = to_tide_bo(obj);
			}
		}
		cond_resched();
	}
	return true;
}

/**
 * tide_bo_list_get - find the allocations that a call names
 * @file: client
 * @handles: user pointer to an array of u32
 * @count: number of handles
 * @also_lost: lost allocations are no error
 * @bad_index: out, the first handle that does not exist, or is of a lost one
 *
 * Return: the list, to be put by tide_bo_list_put(), or an error.
 */
struct tide_bo_list *tide_bo_list_get(struct drm_file *file, u64 handles, u32 count,
				      bool also_lost, u32 *bad_index)
{
	struct tide_bo_list *list __free(tide_bo_list) = NULL;
	size_t values_size = array_size(count, sizeof(*list->values));
	size_t bos_size = struct_size(list, bos, count);
	bool found;

	if (!count)
		return ERR_PTR(-EINVAL);
	if (count > TIDE_MAX_HANDLES)
		return ERR_PTR(-E2BIG);

	/*
	 * In one piece: for a short list it is allocations that take the time, and
	 * charging. A client may have a long one copied for as long as it likes.
	 */
	list = kvmalloc(size_add(bos_size, values_size),
			size_add(bos_size, values_size) > PAGE_SIZE ? GFP_KERNEL_ACCOUNT :
								      GFP_KERNEL);
	if (!list)
		return ERR_PTR(-ENOMEM);

	list->count = 0;
	list->values = (void *)list + bos_size;
	if (copy_from_user(list->values, u64_to_user_ptr(handles), values_size))
		return ERR_PTR(-EFAULT);

	found = tide_bo_list_look_up(list, file, count);
	for (u32 i = 0; i < list->count && !also_lost; i++) {
		if (READ_ONCE(list->bos[i]->state) == TIDE_BO_LOST) {
			*bad_index = i;
			return ERR_PTR(-ESTALE);
		}
	}
	if (!found) {
		*bad_index = list->count;
		return ERR_PTR(-ENOENT);
	}
	return_ptr(list);
}

/**
 * tide_bo_list_put - drop a list and its references
 * @list: list, NULL or an error
 */
void tide_bo_list_put(struct tide_bo_list *list)
{
	if (IS_ERR_OR_NULL(list))
		return;

	for (u32 i = 0; i < list->count; i++) {
		tide_bo_put(list->bos[i]);
		if (i % TIDE_LOOKUP_BATCH == 0)
			cond_resched();
	}
	kvfree(list);
}
