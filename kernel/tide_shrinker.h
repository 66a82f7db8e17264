/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _TIDE_SHRINKER_H_
#define _TIDE_SHRINKER_H_

struct tide_bo;
struct tide_device;

int tide_shrinker_init(struct tide_device *tdev);
void tide_shrinker_fini(struct tide_device *tdev);

void tide_shrinker_add_offered(struct tide_bo *bo);
void tide_shrinker_remove_offered(struct tide_bo *bo);
void tide_shrinker_add_evictable(struct tide_bo *bo);
void tide_shrinker_remove(struct tide_bo *bo);

unsigned long tide_shrink_all(struct tide_device *tdev, unsigned long nr_pages);

#endif /* _TIDE_SHRINKER_H_ */
