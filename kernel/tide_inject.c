// SPDX-License-Identifier: GPL-2.0 OR MIT
/**
 * DOC: Fault injection
 *
 * What a call allocates can be made to fail by the kernel's own fault injection,
 * task by task. What workers and memory pressure do behind calls cannot be found
 * that way: each step of theirs that may fail has a name, and a folder below that
 * of the device in debugfs, with the files that Documentation/fault-injection of
 * the kernel describes. A kernel without fault injection has nothing of it.
 */
#include <linux/array_size.h>
#include <linux/fault-inject.h>

#include "tide_inject.h"

static struct {
	const char *name;
	struct fault_attr attr;
} tide_inject_points[] = {
	[TIDE_INJECT_POPULATE] = { "fail_populate", FAULT_ATTR_INITIALIZER },
	[TIDE_INJECT_ROOM] = { "fail_room", FAULT_ATTR_INITIALIZER },
	[TIDE_INJECT_LOCAL] = { "fail_local", FAULT_ATTR_INITIALIZER },
	[TIDE_INJECT_MOVE] = { "fail_move", FAULT_ATTR_INITIALIZER },
	[TIDE_INJECT_COMMIT] = { "fail_commit", FAULT_ATTR_INITIALIZER },
	[TIDE_INJECT_DECOMMIT] = { "fail_decommit", FAULT_ATTR_INITIALIZER },
};

/**
 * tide_inject - whether a step is to fail
 * @point: the step, before it has changed anything
 *
 * Return: true if it is.
 */
bool tide_inject(enum tide_inject_point point)
{
	return should_fail(&tide_inject_points[point].attr, 1);
}

#ifdef CONFIG_FAULT_INJECTION_DEBUG_FS
/**
 * tide_inject_debugfs_init - make the folders of all steps
 * @root: the device's folder
 */
void tide_inject_debugfs_init(struct dentry *root)
{
	for (int i = 0; i < ARRAY_SIZE(tide_inject_points); i++)
		fault_create_debugfs_attr(tide_inject_points[i].name, root,
					  &tide_inject_points[i].attr);
}
#endif
