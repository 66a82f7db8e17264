/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _TIDE_RESIDENCY_H_
#define _TIDE_RESIDENCY_H_

#include <linux/types.h>

struct tide_bo;

int tide_residency_bring_in(struct tide_bo *bo, s32 priority, const bool *cancelled);
void tide_residency_drop(struct tide_bo *bo);

#endif /* _TIDE_RESIDENCY_H_ */
