// SPDX-License-Identifier: GPL-2.0 OR MIT
/**
 * DOC: CPU mappings
 *
 * A mapping of an allocation is a mapping of its shmem file, so that resident
 * set size, O_DIRECT, page migration and huge mappings work as for any file.
 * Two things differ:
 *
 * - vma->vm_file is not the shmem file but a second open file of its inode,
 *   whose operations are empty and name this module as their owner. It keeps
 *   the module while the mapping lives, and leaves no way past the driver to
 *   the file's content (MADV_REMOVE, remap_file_pages()).
 * - A fault takes the reservation: a page is mapped while no discard and no
 *   eviction is under way, and none of an offered allocation. What is in local
 *   memory is mapped there, see tide_move.c.
 *
 * The node's mmap() differs from drm_gem_mmap() in accepting any page range.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>

#include <drm/drm_drv.h>
#include <drm/drm_vma_manager.h>

#include "tide_backing.h"
#include "tide_compat.h"
#include "tide_drv.h"
#include "tide_lru.h"

static const struct file_operations tide_mmap_file_fops = {
	.owner = THIS_MODULE,
	.llseek = noop_llseek,
	.fsync = noop_fsync,
};

/* The file that stands for backing store in mappings, not referenced, or an error */
static struct file *tide_mmap_file(struct tide_bo *bo)
{
	struct file *file = READ_ONCE(bo->vma_file), *first;

	if (file)
		return file;

	file = dentry_open(&bo->shmem->f_path, O_RDWR, current_cred());
	if (IS_ERR(file))
		return file;
	replace_fops(file, fops_get(&tide_mmap_file_fops));

	first = cmpxchg(&bo->vma_file, NULL, file);
	if (!first)
		return file;
	fput(file);
	return first;
}

static bool tide_bo_may_fault(struct tide_bo *bo)
{
	return READ_ONCE(bo->state) == TIDE_BO_KEPT;
}

/* What is copied is nowhere; the content is in the chunk where it has been copied to. */
static bool tide_bo_may_map_pages(struct tide_bo *bo)
{
	return tide_bo_may_fault(bo) && READ_ONCE(bo->placement) == TIDE_SYSTEM;
}

/*
 * Waits for the reservation, and for a move to be over, without the mmap lock, as
 * ttm_bo_vm_reserve() does, and has the fault repeated.
 */
static vm_fault_t tide_fault_retry(struct tide_bo *bo, struct vm_fault *vmf)
{
	if (vmf->flags & FAULT_FLAG_RETRY_NOWAIT)
		return VM_FAULT_RETRY;

	drm_gem_object_get(&bo->base);
	release_fault_lock(vmf);
	if (!dma_resv_lock_interruptible(bo->base.resv, NULL))
		dma_resv_unlock(bo->base.resv);
	dma_resv_wait_timeout(bo->base.resv, DMA_RESV_USAGE_KERNEL, true, MAX_SCHEDULE_TIMEOUT);
	tide_bo_put(bo);
	return VM_FAULT_RETRY;
}

/* The reservation keeps it where it is until its page is locked. */
static struct page *tide_fault_local_page(struct tide_bo *bo, pgoff_t index)
{
	struct page *page = bo->chunk->pages[index];

	/* The page table entry may let write, also where this is a read. */
	bo->written = true;
	get_page(page);
	lock_page(page);
	return page;
}

static vm_fault_t tide_fault_locked(struct tide_bo *bo, struct vm_fault *vmf)
{
	struct folio *folio;

	if (!tide_bo_may_fault(bo) || vmf->pgoff >= tide_bo_page_count(bo))
		return VM_FAULT_SIGBUS;

	if (bo->placement == TIDE_LOCAL) {
		vmf->page = tide_fault_local_page(bo, vmf->pgoff);
		return VM_FAULT_LOCKED;
	}

	folio = tide_backing_get_folio_locked(bo, vmf->pgoff);
	if (IS_ERR(folio))
		return vmf_error(PTR_ERR(folio));

	tide_lru_add_evictable(bo);
	vmf->page = folio_file_page(folio, vmf->pgoff);
	return VM_FAULT_LOCKED;
}

static int tide_fault_wait_locked(struct tide_bo *bo)
{
	long ret = dma_resv_wait_timeout(bo->base.resv, DMA_RESV_USAGE_KERNEL, true,
					 MAX_SCHEDULE_TIMEOUT);

	return ret < 0 ? ret : 0;
}

static vm_fault_t tide_fault(struct vm_fault *vmf)
{
	struct tide_bo *bo = to_tide_bo(vmf->vma->vm_private_data);
	vm_fault_t ret;

	if (!dma_resv_trylock(bo->base.resv)) {
		if (fault_flag_allow_retry_first(vmf->flags))
			return tide_fault_retry(bo, vmf);
		if (dma_resv_lock_interruptible(bo->base.resv, NULL))
			return VM_FAULT_NOPAGE;
	}

	if (tide_move_is_pending(bo)) {
		if (fault_flag_allow_retry_first(vmf->flags)) {
			dma_resv_unlock(bo->base.resv);
			return tide_fault_retry(bo, vmf);
		}
		if (tide_fault_wait_locked(bo)) {
			dma_resv_unlock(bo->base.resv);
			return VM_FAULT_NOPAGE;
		}
	}

	ret = tide_fault_locked(bo, vmf);
	dma_resv_unlock(bo->base.resv);
	return ret;
}

/* Called under RCU: must not sleep, and need not succeed. */
static vm_fault_t tide_map_pages(struct vm_fault *vmf, pgoff_t start, pgoff_t end)
{
	struct tide_bo *bo = to_tide_bo(vmf->vma->vm_private_data);
	vm_fault_t ret = 0;

	if (!dma_resv_trylock(bo->base.resv))
		return 0;

	if (tide_bo_may_map_pages(bo))
		ret = filemap_map_pages(vmf, start, end);
	dma_resv_unlock(bo->base.resv);
	return ret;
}

static void tide_vma_open(struct vm_area_struct *vma)
{
	drm_gem_object_get(vma->vm_private_data);
}

static void tide_vma_close(struct vm_area_struct *vma)
{
	drm_gem_object_put(vma->vm_private_data);
}

#ifdef CONFIG_NUMA
/* Not exported; the same for every mapping */
static const struct vm_operations_struct *tide_shmem_vm_ops;

static int tide_vma_set_policy(struct vm_area_struct *vma, struct mempolicy *policy)
{
	return tide_shmem_vm_ops->set_policy(vma, policy);
}

static struct mempolicy *tide_vma_get_policy(struct vm_area_struct *vma, unsigned long addr,
					     pgoff_t *ilx)
{
	return tide_shmem_vm_ops->get_policy(vma, addr, ilx);
}
#endif

static const struct vm_operations_struct tide_vm_ops = {
	.open = tide_vma_open,
	.close = tide_vma_close,
	.fault = tide_fault,
	.map_pages = tide_map_pages,
#ifdef CONFIG_NUMA
	.set_policy = tide_vma_set_policy,
	.get_policy = tide_vma_get_policy,
#endif
};

/**
 * tide_gem_mmap - map an allocation
 * @obj: GEM object; the mapping takes over a reference if the call succeeds
 * @vma: its pgoff counts from the object's fake offset
 *
 * Return: 0 or an error.
 */
int tide_gem_mmap(struct drm_gem_object *obj, struct vm_area_struct *vma)
{
	struct tide_bo *bo = to_tide_bo(obj);
	unsigned long pgoff = vma->vm_pgoff - drm_vma_node_start(&obj->vma_node);
	unsigned long count = tide_bo_page_count(bo);
	struct file *file;
	int ret;

	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	if (pgoff >= count || vma_pages(vma) > count - pgoff)
		return -EINVAL;

	file = tide_mmap_file(bo);
	if (IS_ERR(file))
		return PTR_ERR(file);

	vma->vm_pgoff = pgoff;
	ret = tide_shmem_mmap(bo->shmem, vma);
	if (ret)
		return ret;

	vma_set_file(vma, file);
#ifdef CONFIG_NUMA
	WRITE_ONCE(tide_shmem_vm_ops, vma->vm_ops);
#endif
	/*
	 * Neither khugepaged nor MADV_COLLAPSE takes what may not grow. They would map
	 * without a fault, hold locks of folios while they wait for memory, which a
	 * discard takes in reclaim, and charge whom they serve.
	 */
	vm_flags_set(vma, VM_DONTEXPAND);
	vma->vm_ops = &tide_vm_ops;
	vma->vm_private_data = obj;
	return 0;
}

static struct drm_gem_object *tide_mmap_lookup(struct drm_file *file, unsigned long pgoff)
{
	struct drm_vma_offset_manager *manager = file->minor->dev->vma_offset_manager;
	struct drm_gem_object *obj = NULL;
	struct drm_vma_offset_node *node;

	drm_vma_offset_lock_lookup(manager);
	node = drm_vma_offset_lookup_locked(manager, pgoff, 1);
	if (node) {
		obj = container_of(node, struct drm_gem_object, vma_node);
		/* The last reference may be gone, and the node be removed next. */
		if (!kref_get_unless_zero(&obj->refcount))
			obj = NULL;
	}
	drm_vma_offset_unlock_lookup(manager);

	if (obj && !drm_vma_node_is_allowed(&obj->vma_node, file)) {
		drm_gem_object_put(obj);
		return ERR_PTR(-EACCES);
	}
	return obj ?: ERR_PTR(-EINVAL);
}

/**
 * tide_mmap - mmap() on the device node
 * @filp: open file of the node
 * @vma: to be set up
 *
 * Return: 0 or an error.
 */
int tide_mmap(struct file *filp, struct vm_area_struct *vma)
{
	struct drm_file *file = filp->private_data;
	struct drm_gem_object *obj;
	int ret;

	if (drm_dev_is_unplugged(file->minor->dev))
		return -ENODEV;

	obj = tide_mmap_lookup(file, vma->vm_pgoff);
	if (IS_ERR(obj))
		return PTR_ERR(obj);

	ret = tide_gem_mmap(obj, vma);
	if (ret)
		drm_gem_object_put(obj);
	return ret;
}

/**
 * tide_get_unmapped_area - where to map an allocation
 * @filp: open file of the node
 * @addr: hint
 * @len: bytes
 * @pgoff: counts from the object's fake offset
 * @flags: MAP_*
 *
 * Huge mappings want an address that is congruent to the offset in the
 * allocation, which is not what the fake offset is.
 *
 * Return: the address or an error.
 */
unsigned long tide_get_unmapped_area(struct file *filp, unsigned long addr, unsigned long len,
				     unsigned long pgoff, unsigned long flags)
{
	struct drm_gem_object *obj = tide_mmap_lookup(filp->private_data, pgoff);
	struct file *shmem;

	if (IS_ERR(obj))
		return PTR_ERR(obj);

	shmem = to_tide_bo(obj)->shmem;
	addr = shmem->f_op->get_unmapped_area(shmem, addr, len,
					      pgoff - drm_vma_node_start(&obj->vma_node), flags);
	drm_gem_object_put(obj);
	return addr;
}
