/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _TIDE_LRU_H_
#define _TIDE_LRU_H_

#include <linux/list_lru.h>

struct mem_cgroup;
struct tide_bo;
struct tide_device;

/**
 * struct tide_reclaim - where to reclaim
 */
struct tide_reclaim {
	/** @tdev: device */
	struct tide_device *tdev;
	/** @nid: node */
	int nid;
	/** @memcg: cgroup, unless @all_memcgs */
	struct mem_cgroup *memcg;
	/** @all_memcgs: whatever the cgroup */
	bool all_memcgs;
};

int tide_lru_init(struct tide_device *tdev);
void tide_lru_fini(struct tide_device *tdev);

void tide_lru_add_offered(struct tide_bo *bo);
void tide_lru_remove_offered(struct tide_bo *bo);
void tide_lru_add_evictable(struct tide_bo *bo);
void tide_lru_rotate_evictable(struct tide_bo *bo);
void tide_lru_remove(struct tide_bo *bo);

void tide_lru_walk(const struct tide_reclaim *where, struct list_lru *lru, list_lru_walk_cb cb,
		   void *arg);
unsigned long tide_lru_count_offered(const struct tide_reclaim *where, unsigned long enough);
unsigned long tide_lru_count_evictable(const struct tide_reclaim *where);

#endif /* _TIDE_LRU_H_ */
