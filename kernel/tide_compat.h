/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Every difference between kernel versions, and nothing else.
 */
#ifndef _TIDE_COMPAT_H_
#define _TIDE_COMPAT_H_

#include <linux/fs.h>
#include <linux/list_lru.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/shmem_fs.h>
#include <linux/swap.h>
#include <linux/version.h>
#include <linux/workqueue.h>
#include <linux/writeback.h>

/* The head of a function for tide_lru_walk(): it was also given the list's lock. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
#define TIDE_LRU_WALK_CB(name) \
	enum lru_status name(struct list_head *item, struct list_lru_one *lru, \
			     spinlock_t *lock, void *arg)
#else
#define TIDE_LRU_WALK_CB(name) \
	enum lru_status name(struct list_head *item, struct list_lru_one *lru, void *arg)
#endif

/**
 * tide_lru_stop - end a walk, in a function for tide_lru_walk()
 * @lru: as the function was given it
 *
 * It is for the function to drop the list's lock then, since a list has its own.
 *
 * Return: what the function is to return at once.
 */
static inline enum lru_status tide_lru_stop(struct list_lru_one *lru)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
	spin_unlock(&lru->lock);
#endif
	return LRU_STOP;
}

/* A namespace of symbols was a name, and is a string. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
#define TIDE_IMPORT_NS(ns) MODULE_IMPORT_NS(ns)
#else
#define TIDE_IMPORT_NS(ns) MODULE_IMPORT_NS(#ns)
#endif

/* The workqueue for what runs long and anywhere had another name. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
#define system_dfl_wq system_unbound_wq
#endif

/* Active memory was always among what fdinfo has. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 14, 0)
#define DRM_GEM_OBJECT_ACTIVE	0
#endif

/* Drivers had a date. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 14, 0)
#define TIDE_DRIVER_DATE .date = "20261122",
#else
#define TIDE_DRIVER_DATE
#endif

/**
 * tide_shmem_file_setup - make a shmem file that is charged to the commit limit
 * @mnt: tmpfs mount
 * @size: bytes
 *
 * Return: the file or an error.
 */
static inline struct file *tide_shmem_file_setup(struct vfsmount *mnt, loff_t size)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
	return shmem_file_setup_with_mnt(mnt, "tide", size, 0);
#else
	return shmem_file_setup_with_mnt(mnt, "tide", size, EMPTY_VMA_FLAGS);
#endif
}

/**
 * tide_shmem_mmap - have a shmem file set up a mapping
 * @shmem: file
 * @vma: its pgoff counts pages of the file
 *
 * Return: 0 or an error.
 */
static inline int tide_shmem_mmap(struct file *shmem, struct vm_area_struct *vma)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
	return shmem->f_op->mmap(shmem, vma);
#else
	return vfs_mmap(shmem, vma);
#endif
}

/**
 * tide_shmem_writeout - write a folio of a shmem file to swap
 * @folio: locked, clean for I/O, unmapped
 *
 * Return: 0 if the folio was taken and unlocked, else it is still locked and dirty.
 */
static inline int tide_shmem_writeout(struct folio *folio)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 16, 0)
	struct writeback_control wbc = {
		.sync_mode = WB_SYNC_NONE,
		.nr_to_write = SWAP_CLUSTER_MAX,
		.range_end = LLONG_MAX,
		.for_reclaim = 1,
	};

	return folio->mapping->a_ops->writepage(&folio->page, &wbc);
#else
	return shmem_write_folio(folio);
#endif
}

#endif /* _TIDE_COMPAT_H_ */
