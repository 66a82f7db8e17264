// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * What a submission says: copied, looked up and checked before anything is done.
 */
#include <kunit/visibility.h>
#include <linux/dma-fence-chain.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include <drm/drm_syncobj.h>

#include "tide_drv.h"
#include "tide_gem.h"
#include "tide_submit.h"

/**
 * tide_submit_bad - tell what is at fault
 * @submit: submission
 * @list: DRM_TIDE_LIST_*
 * @index: entry, or %DRM_TIDE_NO_INDEX
 * @error: error; -ENOMEM is no entry's fault
 *
 * Return: @error.
 */
int tide_submit_bad(struct tide_submit *submit, u32 list, u32 index, int error)
{
	if (error == -ENOMEM)
		return error;

	submit->args->bad_list = list;
	submit->args->bad_index = index;
	return error;
}

/*
 * Copies a list. Charged to the caller: commands live as long as the job, and it
 * may wait for ever. Return: NULL if it is empty, or an error.
 */
static void *tide_submit_copy(struct tide_submit *submit, u32 list, u64 from, u32 count, u32 max,
			      size_t size)
{
	void *array;

	if (!count)
		return NULL;
	if (count > max)
		return ERR_PTR(tide_submit_bad(submit, list, DRM_TIDE_NO_INDEX, -E2BIG));

	array = kvmalloc_array(count, size, GFP_KERNEL_ACCOUNT);
	if (!array)
		return ERR_PTR(-ENOMEM);
	if (copy_from_user(array, u64_to_user_ptr(from), count * size)) {
		kvfree(array);
		return ERR_PTR(tide_submit_bad(submit, list, DRM_TIDE_NO_INDEX, -EFAULT));
	}
	return array;
}

/*
 * Allocations
 */

struct tide_submit_sort {
	struct tide_bo *bo;
	u32 index;
};

static int tide_submit_compare(const void *a, const void *b)
{
	const struct tide_submit_sort *x = a, *y = b;

	if (x->bo != y->bo)
		return x->bo < y->bo ? -1 : 1;
	return x->index < y->index ? -1 : 1;
}

static int tide_submit_find_duplicate(struct tide_submit *submit)
{
	struct tide_submit_sort *sorted __free(kvfree) = NULL;
	u32 count = submit->job->bo_count, duplicate = DRM_TIDE_NO_INDEX;

	sorted = kvmalloc_array(count, sizeof(*sorted), GFP_KERNEL);
	if (!sorted)
		return -ENOMEM;

	for (u32 i = 0; i < count; i++) {
		sorted[i].bo = tide_submit_bo(submit, i);
		sorted[i].index = i;
	}
	sort(sorted, count, sizeof(*sorted), tide_submit_compare, NULL);

	for (u32 i = 1; i < count; i++)
		if (sorted[i].bo == sorted[i - 1].bo)
			duplicate = min(duplicate, sorted[i].index);

	if (duplicate != DRM_TIDE_NO_INDEX)
		return tide_submit_bad(submit, DRM_TIDE_LIST_BOS, duplicate, -EEXIST);
	return 0;
}

static int tide_submit_get_bos(struct tide_submit *submit)
{
	const u32 known = DRM_TIDE_SUBMIT_READ | DRM_TIDE_SUBMIT_WRITE;
	struct drm_tide_submit_bo *entries __free(kvfree) = NULL;
	struct tide_job *job = submit->job;
	u32 count = submit->args->bo_count;

	entries = tide_submit_copy(submit, DRM_TIDE_LIST_BOS, submit->args->bos, count,
				   TIDE_MAX_SUBMIT_BOS, sizeof(*entries));
	if (IS_ERR(entries))
		return PTR_ERR(no_free_ptr(entries));
	if (!count)
		return 0;

	job->bos = kvcalloc(count, sizeof(*job->bos), GFP_KERNEL_ACCOUNT);
	if (!job->bos)
		return -ENOMEM;

	for (u32 i = 0; i < count; i++) {
		if (!entries[i].flags || entries[i].flags & ~known)
			return tide_submit_bad(submit, DRM_TIDE_LIST_BOS, i, -EINVAL);

		job->bos[i].bo = tide_bo_lookup(submit->file, entries[i].handle);
		if (!job->bos[i].bo)
			return tide_submit_bad(submit, DRM_TIDE_LIST_BOS, i, -ENOENT);
		job->bos[i].flags = entries[i].flags;
		job->bo_count++;
	}
	return tide_submit_find_duplicate(submit);
}

/*
 * Commands
 */

static int tide_submit_check_range(struct tide_submit *submit, u32 bo_index, u64 offset,
				   u64 length)
{
	u64 size = tide_submit_bo(submit, bo_index)->base.size;

	return !length || length > size || offset > size - length ? -ERANGE : 0;
}

static int tide_submit_check_access(struct tide_submit *submit, u32 bo_index, u32 access)
{
	if (bo_index >= submit->job->bo_count ||
	    !(submit->job->bos[bo_index].flags & access))
		return -EINVAL;
	return 0;
}

VISIBLE_IF_KUNIT int tide_submit_check_command(struct tide_submit *submit,
					       const struct drm_tide_command *cmd)
{
	int ret;

	switch (cmd->op) {
	case DRM_TIDE_CMD_FILL:
		if (cmd->src || cmd->src_offset)
			return -EINVAL;
		break;
	case DRM_TIDE_CMD_COPY:
		if (cmd->pattern)
			return -EINVAL;
		ret = tide_submit_check_access(submit, cmd->src, DRM_TIDE_SUBMIT_READ);
		if (ret)
			return ret;
		ret = tide_submit_check_range(submit, cmd->src, cmd->src_offset, cmd->length);
		if (ret)
			return ret;
		break;
	case DRM_TIDE_CMD_DELAY:
		if (cmd->pattern || cmd->dst || cmd->src || cmd->dst_offset || cmd->src_offset)
			return -EINVAL;
		return cmd->length > TIDE_MAX_DELAY_NS ? -ERANGE : 0;
	default:
		return -EINVAL;
	}

	ret = tide_submit_check_access(submit, cmd->dst, DRM_TIDE_SUBMIT_WRITE);
	if (ret)
		return ret;
	return tide_submit_check_range(submit, cmd->dst, cmd->dst_offset, cmd->length);
}
EXPORT_SYMBOL_IF_KUNIT(tide_submit_check_command);

static int tide_submit_get_commands(struct tide_submit *submit)
{
	struct drm_tide_command *commands;
	struct tide_job *job = submit->job;
	u32 count = submit->args->command_count;

	commands = tide_submit_copy(submit, DRM_TIDE_LIST_COMMANDS, submit->args->commands, count,
				    TIDE_MAX_SUBMIT_COMMANDS, sizeof(*commands));
	if (IS_ERR(commands))
		return PTR_ERR(commands);

	job->commands = commands;
	job->command_count = count;
	for (u32 i = 0; i < count; i++) {
		int ret = tide_submit_check_command(submit, &commands[i]);

		if (ret)
			return tide_submit_bad(submit, DRM_TIDE_LIST_COMMANDS, i, ret);
	}
	return 0;
}

/*
 * Points
 */

static int tide_submit_check_wait(struct tide_submit *submit, const struct drm_tide_sync *wait)
{
	struct drm_syncobj *syncobj;

	if (wait->pad)
		return -EINVAL;

	syncobj = drm_syncobj_find(submit->file, wait->handle);
	if (!syncobj)
		return -ENOENT;
	drm_syncobj_put(syncobj);
	return 0;
}

static int tide_submit_get_waits(struct tide_submit *submit)
{
	struct drm_tide_sync *waits;
	u32 count = submit->args->wait_count;

	waits = tide_submit_copy(submit, DRM_TIDE_LIST_WAITS, submit->args->waits, count,
				 TIDE_MAX_SUBMIT_SYNCS, sizeof(*waits));
	if (IS_ERR(waits))
		return PTR_ERR(waits);

	submit->waits = waits;
	for (u32 i = 0; i < count; i++) {
		int ret = tide_submit_check_wait(submit, &waits[i]);

		if (ret)
			return tide_submit_bad(submit, DRM_TIDE_LIST_WAITS, i, ret);
	}
	return 0;
}

static int tide_submit_get_signal(struct tide_submit *submit, const struct drm_tide_sync *sync,
				  struct tide_submit_signal *signal)
{
	if (sync->pad)
		return -EINVAL;

	signal->syncobj = drm_syncobj_find(submit->file, sync->handle);
	if (!signal->syncobj)
		return -ENOENT;

	signal->point = sync->point;
	if (!sync->point)
		return 0;

	/* As dma_fence_chain_alloc() does, but charged: a job may keep them for long. */
	signal->chain = kmalloc(sizeof(*signal->chain), GFP_KERNEL_ACCOUNT);
	return signal->chain ? 0 : -ENOMEM;
}

static int tide_submit_get_signals(struct tide_submit *submit)
{
	struct drm_tide_sync *syncs __free(kvfree) = NULL;
	u32 count = submit->args->signal_count;

	syncs = tide_submit_copy(submit, DRM_TIDE_LIST_SIGNALS, submit->args->signals, count,
				 TIDE_MAX_SUBMIT_SYNCS, sizeof(*syncs));
	if (IS_ERR(syncs))
		return PTR_ERR(no_free_ptr(syncs));
	if (!count)
		return 0;

	submit->signals = kvcalloc(count, sizeof(*submit->signals), GFP_KERNEL_ACCOUNT);
	if (!submit->signals)
		return -ENOMEM;

	for (u32 i = 0; i < count; i++) {
		int ret = tide_submit_get_signal(submit, &syncs[i], &submit->signals[i]);

		if (ret)
			return tide_submit_bad(submit, DRM_TIDE_LIST_SIGNALS, i, ret);
	}
	return 0;
}

/**
 * tide_submit_get_args - copy and check what the client said
 * @submit: submission with a job
 *
 * Return: 0 or an error; tide_submit_put_args() is to be called in either case.
 */
int tide_submit_get_args(struct tide_submit *submit)
{
	int ret;

	ret = tide_submit_get_bos(submit);
	if (ret)
		return ret;
	ret = tide_submit_get_commands(submit);
	if (ret)
		return ret;
	ret = tide_submit_get_waits(submit);
	if (ret)
		return ret;
	return tide_submit_get_signals(submit);
}

/**
 * tide_submit_put_args - free what the job does not keep
 * @submit: submission
 */
void tide_submit_put_args(struct tide_submit *submit)
{
	kvfree(submit->waits);

	if (!submit->signals)
		return;

	for (u32 i = 0; i < submit->args->signal_count; i++) {
		dma_fence_chain_free(submit->signals[i].chain);
		if (submit->signals[i].syncobj)
			drm_syncobj_put(submit->signals[i].syncobj);
	}
	kvfree(submit->signals);
}
