/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _TIDE_BACKING_H_
#define _TIDE_BACKING_H_

#include <linux/pagemap.h>

#include "tide_gem.h"

int tide_backing_mount(void);
void tide_backing_unmount(void);

int tide_backing_init(struct tide_bo *bo);
void tide_backing_fini(struct tide_bo *bo);

struct folio *tide_backing_get_folio_locked(struct tide_bo *bo, pgoff_t index);
int tide_backing_populate(struct tide_bo *bo, unsigned long nr_pages);
void tide_backing_unpopulate(struct tide_bo *bo);
unsigned long tide_backing_truncate(struct tide_bo *bo);
bool tide_backing_decommit(struct tide_bo *bo);
int tide_backing_commit(struct tide_bo *bo);
unsigned long tide_backing_swap_out(struct tide_bo *bo, unsigned long nr_pages);

/**
 * tide_backing_present - pages in memory
 * @bo: allocation
 *
 * Return: number of pages, right at the moment of the call.
 */
static inline unsigned long tide_backing_present(const struct tide_bo *bo)
{
	return READ_ONCE(bo->shmem->f_mapping->nrpages);
}

#endif /* _TIDE_BACKING_H_ */
