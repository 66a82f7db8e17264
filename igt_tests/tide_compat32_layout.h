/* SPDX-License-Identifier: MIT */
#ifndef TIDE_COMPAT32_LAYOUT_H
#define TIDE_COMPAT32_LAYOUT_H

/*
 * The layout of every struct of the uAPI and the number of every ioctl as text,
 * for a 32-bit and a 64-bit program to compare.
 */

#include <stddef.h>
#include <stdio.h>

#include "tide_drm.h"

#define LAYOUT_SIZE 8192

static inline int layout_line(char *text, const char *name, unsigned long value)
{
	return sprintf(text, "%s %#lx\n", name, value);
}

static inline void layout(char *text)
{
#define SIZE_OF(type) text += layout_line(text, #type, sizeof(struct drm_tide_##type))
#define OFFSET(type, field) \
	text += layout_line(text, #type "." #field, offsetof(struct drm_tide_##type, field))
#define NUMBER(name) text += layout_line(text, #name, DRM_IOCTL_TIDE_##name)
	NUMBER(INFO);
	NUMBER(SEGMENT_INFO);
	NUMBER(BO_CREATE);
	NUMBER(BO_MMAP_OFFSET);
	NUMBER(BO_INFO);
	NUMBER(QUEUE_CREATE);
	NUMBER(QUEUE_DESTROY);
	NUMBER(QUEUE_INFO);
	NUMBER(OFFER);
	NUMBER(RECLAIM);
	NUMBER(MAKE_RESIDENT);
	NUMBER(EVICT);
	NUMBER(SUBMIT);
	NUMBER(BUDGET);
	NUMBER(RESERVE);
	NUMBER(SUSPEND);
	SIZE_OF(info);
	OFFSET(info, job_timeout_ms);
	OFFSET(info, max_delay_ns);
	SIZE_OF(segment_info);
	OFFSET(segment_info, size);
	OFFSET(segment_info, usage);
	SIZE_OF(bo_create);
	OFFSET(bo_create, flags);
	OFFSET(bo_create, pad);
	OFFSET(bo_create, actual_size);
	OFFSET(bo_create, handle);
	OFFSET(bo_create, pad2);
	OFFSET(bo_create, segments);
	OFFSET(bo_create, pad3);
	SIZE_OF(bo_mmap_offset);
	OFFSET(bo_mmap_offset, offset);
	SIZE_OF(bo_info);
	OFFSET(bo_info, size);
	OFFSET(bo_info, present);
	OFFSET(bo_info, flags);
	OFFSET(bo_info, page_in_error);
	OFFSET(bo_info, discard_count);
	OFFSET(bo_info, segment);
	OFFSET(bo_info, pad2);
	SIZE_OF(queue_create);
	OFFSET(queue_create, queue);
	OFFSET(queue_create, syncobj);
	OFFSET(queue_create, priority);
	OFFSET(queue_create, pad2);
	SIZE_OF(queue_destroy);
	OFFSET(queue_destroy, pad);
	SIZE_OF(queue_info);
	OFFSET(queue_info, value);
	OFFSET(queue_info, completed);
	OFFSET(queue_info, last);
	OFFSET(queue_info, error);
	OFFSET(queue_info, pad2);
	SIZE_OF(offer);
	OFFSET(offer, count);
	OFFSET(offer, priority);
	OFFSET(offer, flags);
	OFFSET(offer, bad_index);
	SIZE_OF(reclaim);
	OFFSET(reclaim, results);
	OFFSET(reclaim, count);
	OFFSET(reclaim, queue);
	OFFSET(reclaim, flags);
	OFFSET(reclaim, bad_index);
	OFFSET(reclaim, value);
	SIZE_OF(make_resident);
	OFFSET(make_resident, count);
	OFFSET(make_resident, queue);
	OFFSET(make_resident, flags);
	OFFSET(make_resident, bad_index);
	OFFSET(make_resident, value);
	OFFSET(make_resident, taken);
	OFFSET(make_resident, pad);
	OFFSET(make_resident, trim_bytes);
	SIZE_OF(evict);
	OFFSET(evict, count);
	OFFSET(evict, flags);
	OFFSET(evict, bad_index);
	OFFSET(evict, pad);
	SIZE_OF(submit_bo);
	OFFSET(submit_bo, flags);
	SIZE_OF(sync);
	OFFSET(sync, pad);
	OFFSET(sync, point);
	SIZE_OF(command);
	OFFSET(command, dst_offset);
	OFFSET(command, src_offset);
	OFFSET(command, length);
	SIZE_OF(submit);
	OFFSET(submit, commands);
	OFFSET(submit, waits);
	OFFSET(submit, signals);
	OFFSET(submit, bo_count);
	OFFSET(submit, signal_count);
	OFFSET(submit, flags);
	OFFSET(submit, pad);
	OFFSET(submit, bad_list);
	OFFSET(submit, bad_index);
	SIZE_OF(budget);
	OFFSET(budget, pad);
	OFFSET(budget, budget);
	OFFSET(budget, usage);
	OFFSET(budget, reservation);
	OFFSET(budget, available);
	SIZE_OF(reserve);
	OFFSET(reserve, pad);
	OFFSET(reserve, bytes);
	SIZE_OF(suspend);
	OFFSET(suspend, client);
	OFFSET(suspend, flags);
	OFFSET(suspend, pad);
	SIZE_OF(event_trim);
	OFFSET(event_trim, base);
	OFFSET(event_trim, segment);
	OFFSET(event_trim, pad);
	OFFSET(event_trim, bytes);
#undef SIZE_OF
#undef OFFSET
#undef NUMBER
}

#endif
