/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Every difference between kernel versions, and nothing else.
 */
#ifndef _TIDE_COMPAT_H_
#define _TIDE_COMPAT_H_

#include <linux/pagemap.h>
#include <linux/version.h>
#include <linux/writeback.h>

/**
 * tide_shmem_writeout - write a folio of a shmem file to swap
 * @folio: locked, clean for I/O, unmapped
 * @wbc: with for_reclaim set
 *
 * Return: 0 if the folio was taken and unlocked, else it is still locked and dirty.
 */
static inline int tide_shmem_writeout(struct folio *folio, struct writeback_control *wbc)
{
	return folio->mapping->a_ops->writepage(&folio->page, wbc);
}

#endif /* _TIDE_COMPAT_H_ */
