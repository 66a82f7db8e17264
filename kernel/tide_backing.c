// SPDX-License-Identifier: GPL-2.0 OR MIT
/**
 * DOC: Backing store
 *
 * The content of an allocation lives in a shmem file of its own, on a tmpfs
 * mount of the driver's with huge folios where they fit. The file is charged to
 * the commit limit when it is made, as an anonymous mapping is. The charge goes
 * with the file's size: a discard may make the file empty, and a reclaim as large
 * as it was. Old mappings stay those of the file.
 *
 * The file's pages are unevictable from birth: the kernel's page reclaim looks
 * at page lists before it calls any shrinker, and would swap what is in use
 * while offered memory is left. They leave memory in two ways only, both by the
 * driver's own shrinkers: tide_backing_truncate() discards them, and
 * tide_backing_swap_out() writes them to swap.
 *
 * Pages are charged to the memory cgroup of the client that created the
 * allocation. The kernel charges page cache to the cgroup of the mm that it is
 * given; without an mm, to the active one. Therefore pages are always obtained
 * here, without an mm, also for faults.
 *
 * The page list that the GPU uses (&tide_bo.pages) holds references. They are
 * dropped only after CPU mappings were zapped, under the reservation. Root can
 * punch a hole into any file through /proc; the page list then keeps pages
 * that the file has lost, which hurts nobody else.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/memcontrol.h>
#include <linux/mount.h>
#include <linux/sched/mm.h>
#include <linux/shmem_fs.h>
#include <linux/swap.h>

#include "tide_backing.h"
#include "tide_compat.h"
#include "tide_inject.h"

static struct vfsmount *tide_backing_mnt;

/**
 * tide_backing_mount - make the mount that all backing store is on
 *
 * Return: 0 or an error.
 */
int tide_backing_mount(void)
{
	char huge[] = "huge=within_size";
	struct file_system_type *type;
	struct vfsmount *mnt;

	type = get_fs_type("tmpfs");
	if (!type)
		return -ENODEV;

	/* SB_KERNMOUNT: no limit of half the memory */
	mnt = vfs_kern_mount(type, SB_KERNMOUNT, type->name,
			     IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE) ? huge : NULL);
	if (IS_ERR(mnt))
		return PTR_ERR(mnt);

	tide_backing_mnt = mnt;
	return 0;
}

/**
 * tide_backing_unmount - undo tide_backing_mount()
 */
void tide_backing_unmount(void)
{
	kern_unmount(tide_backing_mnt);
}

/**
 * tide_backing_init - make the backing store of a new allocation
 * @bo: allocation, its size is set
 *
 * Return: 0 or an error.
 */
int tide_backing_init(struct tide_bo *bo)
{
	struct file *shmem;

	shmem = tide_shmem_file_setup(tide_backing_mnt, bo->base.size);
	if (IS_ERR(shmem))
		return PTR_ERR(shmem);

	mapping_set_unevictable(shmem->f_mapping);

	bo->shmem = shmem;
	return 0;
}

/**
 * tide_backing_fini - free the backing store
 * @bo: allocation without page list
 */
void tide_backing_fini(struct tide_bo *bo)
{
	if (bo->vma_file)
		fput(bo->vma_file);
	fput(bo->shmem);
}

/**
 * tide_backing_get_folio_locked - get a folio for a CPU fault
 * @bo: allocation, its reservation held
 * @index: page
 *
 * Out of memory is the cgroup's OOM killer's business here: a fault that fails
 * would only be repeated.
 *
 * Return: the folio, locked and referenced, or an error.
 */
struct folio *tide_backing_get_folio_locked(struct tide_bo *bo, pgoff_t index)
{
	struct mem_cgroup *old;
	struct folio *folio;
	int ret;

	dma_resv_assert_held(bo->base.resv);

	old = set_active_memcg(bo->memcg);
	ret = shmem_get_folio(file_inode(bo->shmem), index, 0, &folio, SGP_CACHE);
	set_active_memcg(old);

	return ret ? ERR_PTR(ret) : folio;
}

/**
 * tide_backing_populate - add pages to the page list
 * @bo: allocation, its reservation held
 * @nr_pages: how many pages to add at least, unless that completes the list
 *
 * Never calls the OOM killer.
 *
 * Return: 0 or an error; pages that were added before the error stay.
 */
int tide_backing_populate(struct tide_bo *bo, unsigned long nr_pages)
{
	struct address_space *mapping = bo->shmem->f_mapping;
	gfp_t gfp = mapping_gfp_mask(mapping) | __GFP_RETRY_MAYFAIL | __GFP_NOWARN;
	unsigned long index = bo->populated;
	unsigned long count = tide_bo_page_count(bo);
	unsigned long end = min(index + nr_pages, count);
	struct mem_cgroup *old;
	int ret = 0;

	dma_resv_assert_held(bo->base.resv);

	if (tide_inject(TIDE_INJECT_POPULATE))
		return -ENOMEM;

	old = set_active_memcg(bo->memcg);

	if (!bo->pages)
		bo->pages = kvmalloc_array(count, sizeof(*bo->pages),
					   GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL |
					   __GFP_NOWARN);
	if (!bo->pages)
		ret = -ENOMEM;

	while (!ret && index < end) {
		struct folio *folio = shmem_read_folio_gfp(mapping, index, gfp);
		unsigned long folio_end;

		if (IS_ERR(folio)) {
			ret = PTR_ERR(folio);
			break;
		}

		/*
		 * The GPU writes and marks nothing. What looks clean is dropped by
		 * drop_caches as soon as the list lets go of it.
		 */
		folio_set_dirty(folio);

		folio_end = min(folio_next_index(folio), count);
		while (index < folio_end) {
			bo->pages[index] = folio_file_page(folio, index);
			index++;
		}
	}

	set_active_memcg(old);

	WRITE_ONCE(bo->populated, index);
	return ret;
}

/**
 * tide_backing_unpopulate - drop the page list
 * @bo: allocation, its reservation held, or about to be freed
 */
void tide_backing_unpopulate(struct tide_bo *bo)
{
	unsigned long index = 0;

	while (index < bo->populated) {
		struct page *page = bo->pages[index];
		struct folio *folio = page_folio(page);

		/* One reference a folio, taken where its first page was listed. */
		index += folio_nr_pages(folio) - folio_page_idx(folio, page);
		folio_put(folio);
	}

	WRITE_ONCE(bo->populated, 0);
	kvfree(bo->pages);
	bo->pages = NULL;
}

/**
 * tide_backing_truncate - discard the content
 * @bo: allocation, its reservation held, without page list, CPU mappings zapped
 *
 * The pages and what is in swap are freed. A fault that got its page before the
 * reservation was taken holds the page's lock until it is mapped; truncation
 * waits for that and unmaps the page again.
 *
 * Return: number of pages freed.
 */
unsigned long tide_backing_truncate(struct tide_bo *bo)
{
	struct address_space *mapping = bo->shmem->f_mapping;
	unsigned long present = tide_backing_present(bo);

	dma_resv_assert_held(bo->base.resv);

	shmem_truncate_range(mapping->host, 0, (loff_t)-1);
	return present;
}

/*
 * As truncate() and ftruncate() end, without their questions about permissions.
 * The file stays the same one, for mappings that there are.
 */
static int tide_backing_set_size(struct tide_bo *bo, loff_t size)
{
	struct dentry *dentry = bo->shmem->f_path.dentry;
	struct iattr attr = { .ia_valid = ATTR_SIZE, .ia_size = size };

	return d_inode(dentry)->i_op->setattr(&nop_mnt_idmap, dentry, &attr);
}

/**
 * tide_backing_decommit - give back the commit charge
 * @bo: allocation whose discard has begun, its reservation held
 *
 * For reclaim: waits for nobody who holds the inode's lock.
 *
 * Return: true if it was given back; then there is no memory to be had before
 * tide_backing_commit() has succeeded.
 */
bool tide_backing_decommit(struct tide_bo *bo)
{
	struct inode *inode = file_inode(bo->shmem);
	int ret;

	dma_resv_assert_held(bo->base.resv);

	if (tide_inject(TIDE_INJECT_DECOMMIT) || !inode_trylock(inode))
		return false;
	ret = tide_backing_set_size(bo, 0);
	inode_unlock(inode);
	return !ret;
}

/**
 * tide_backing_commit - take the commit charge again
 * @bo: discarded allocation
 *
 * Return: 0 or an error.
 */
int tide_backing_commit(struct tide_bo *bo)
{
	struct inode *inode = file_inode(bo->shmem);

	if (tide_inject(TIDE_INJECT_COMMIT))
		return -ENOMEM;

	guard(rwsem_write)(&inode->i_rwsem);
	return tide_backing_set_size(bo, bo->base.size);
}

static bool tide_backing_write_folio(struct folio *folio, struct address_space *mapping)
{
	int ret;

	/* Reclaim: a folio lock may be held by who waits for memory. */
	if (!folio_trylock(folio))
		return true;

	if (folio->mapping != mapping || folio_mapped(folio) || folio_test_writeback(folio) ||
	    folio_maybe_dma_pinned(folio)) {
		folio_unlock(folio);
		return true;
	}

	/* GPU writes do not mark folios: all that is in memory counts as written. */
	folio_mark_dirty(folio);
	folio_clear_dirty_for_io(folio);
	folio_set_reclaim(folio);
	ret = tide_shmem_writeout(folio);
	if (!folio_test_writeback(folio))
		folio_clear_reclaim(folio);
	if (ret)
		folio_unlock(folio);
	return !ret;
}

/**
 * tide_backing_swap_out - write pages to swap
 * @bo: allocation, its reservation held, without page list
 * @nr_pages: how many pages to write
 *
 * Written pages belong to the swap cache, and are left to the kernel's page
 * reclaim, which finds them clean.
 *
 * Return: number of pages written, fewer than asked for where there are no
 * more, or swap is full.
 */
unsigned long tide_backing_swap_out(struct tide_bo *bo, unsigned long nr_pages)
{
	struct address_space *mapping = bo->shmem->f_mapping;
	unsigned long before = tide_backing_present(bo);
	struct folio_batch batch;
	pgoff_t index = 0;
	bool room = true;

	dma_resv_assert_held(bo->base.resv);

	unmap_mapping_range(mapping, 0, 0, 1);

	folio_batch_init(&batch);
	while (room && before - tide_backing_present(bo) < nr_pages &&
	       filemap_get_folios(mapping, &index, -1, &batch)) {
		for (unsigned int i = 0; i < folio_batch_count(&batch) && room; i++)
			room = tide_backing_write_folio(batch.folios[i], mapping);

		check_move_unevictable_folios(&batch);
		folio_batch_release(&batch);
	}

	return before - min(before, tide_backing_present(bo));
}
