/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _TIDE_SHRINKER_H_
#define _TIDE_SHRINKER_H_

#include <linux/memcontrol.h>

struct tide_bo;
struct tide_device;
struct tide_reclaim;

int tide_shrinker_init(struct tide_device *tdev);
void tide_shrinker_fini(struct tide_device *tdev);
unsigned long tide_shrink_all(struct tide_device *tdev, unsigned long nr_pages);

/* tide_discard.c */
unsigned long tide_discard(const struct tide_reclaim *where, unsigned long nr_pages,
			   unsigned long *nr_scanned);
bool tide_has_discardable(struct tide_device *tdev, int nid, struct mem_cgroup *root);

/* tide_evict.c */
unsigned long tide_evict(const struct tide_reclaim *where, unsigned long nr_pages);

#ifdef CONFIG_MEMCG
/* All but the root cgroup, which is not exported */
static inline bool tide_memcg_has_limits(struct mem_cgroup *memcg)
{
	return memcg && parent_mem_cgroup(memcg);
}
#endif

#endif /* _TIDE_SHRINKER_H_ */
