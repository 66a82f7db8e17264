/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _TIDE_INJECT_H_
#define _TIDE_INJECT_H_

#include <linux/types.h>

struct dentry;

/**
 * enum tide_inject_point - what can be made to fail
 * @TIDE_INJECT_POPULATE: pages for a page list
 * @TIDE_INJECT_ROOM: room in a segment that is full
 * @TIDE_INJECT_LOCAL: local memory
 * @TIDE_INJECT_MOVE: the begin of a copy to or from local memory
 * @TIDE_INJECT_COMMIT: taking the commit charge again
 * @TIDE_INJECT_DECOMMIT: giving it back
 */
enum tide_inject_point {
	TIDE_INJECT_POPULATE,
	TIDE_INJECT_ROOM,
	TIDE_INJECT_LOCAL,
	TIDE_INJECT_MOVE,
	TIDE_INJECT_COMMIT,
	TIDE_INJECT_DECOMMIT,
};

#ifdef CONFIG_FAULT_INJECTION
bool tide_inject(enum tide_inject_point point);
#else
static inline bool tide_inject(enum tide_inject_point point)
{
	return false;
}
#endif

#ifdef CONFIG_FAULT_INJECTION_DEBUG_FS
void tide_inject_debugfs_init(struct dentry *root);
#else
static inline void tide_inject_debugfs_init(struct dentry *root)
{
}
#endif

#endif /* _TIDE_INJECT_H_ */
