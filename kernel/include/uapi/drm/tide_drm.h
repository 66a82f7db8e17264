/* SPDX-License-Identifier: MIT */
#ifndef _UAPI_TIDE_DRM_H_
#define _UAPI_TIDE_DRM_H_

#include "drm.h"

#if defined(__cplusplus)
extern "C" {
#endif

/**
 * DOC: tide uAPI
 *
 * An *allocation* is a GEM buffer object. A client that does not need the
 * content of an allocation for now *offers* it; the kernel takes the pages only
 * when memory runs short (it *discards* the content); the client *reclaims* the
 * allocation and is told whether the content survived. These are WDDM v2's
 * Offer, Reclaim, MakeResident and Evict in terms of DRM.
 *
 * Rules that hold for every ioctl of the driver:
 *
 * - Fields are input unless marked *out*. A field is never both: an ioctl that
 *   is restarted after a signal reads the same input again.
 * - Unknown flags and padding that is not zero give -EINVAL.
 * - An error means that nothing has changed, unless the ioctl says otherwise.
 * - Lists are passed as user pointer and count. A list that is too long gives
 *   -E2BIG, one that is not readable -EFAULT, one with zero entries -EINVAL
 *   where the ioctl does not say that it may be empty. Limits are told by
 *   &drm_tide_info.
 * - Where one entry of a list is at fault, @bad_index tells the first one with
 *   that error, else it is %DRM_TIDE_NO_INDEX. It is written on every error but
 *   -ENODEV.
 * - -EFAULT is also the answer where the struct itself cannot be read, or, when
 *   the call has been made, cannot be written.
 * - -ENOMEM means that the kernel found no memory for bookkeeping.
 * - -ENODEV means that the device is gone (unbound from its driver).
 * - Neither -EINTR nor -EAGAIN is used to say anything: libdrm's drmIoctl()
 *   repeats the call on both.
 * - Structs grow at their end, by fields for which zero means what was done
 *   before. 32-bit and 64-bit clients use the same structs.
 */

#define DRM_TIDE_INFO			0x00
#define DRM_TIDE_SEGMENT_INFO		0x01
#define DRM_TIDE_BO_CREATE		0x02
#define DRM_TIDE_BO_MMAP_OFFSET		0x03
#define DRM_TIDE_BO_INFO		0x04
#define DRM_TIDE_QUEUE_CREATE		0x05
#define DRM_TIDE_QUEUE_DESTROY		0x06
#define DRM_TIDE_QUEUE_INFO		0x07
#define DRM_TIDE_OFFER			0x08
#define DRM_TIDE_RECLAIM		0x09
#define DRM_TIDE_MAKE_RESIDENT		0x0a
#define DRM_TIDE_EVICT			0x0b
#define DRM_TIDE_SUBMIT			0x0c
#define DRM_TIDE_BUDGET			0x0d
#define DRM_TIDE_RESERVE		0x0e
#define DRM_TIDE_SUSPEND		0x0f

/**
 * define DRM_TIDE_NO_INDEX - no single entry of a list is at fault
 */
#define DRM_TIDE_NO_INDEX		0xffffffffu

/**
 * define DRM_TIDE_UAPI_VERSION - version of this header, see &drm_tide_info
 */
#define DRM_TIDE_UAPI_VERSION		2

/**
 * struct drm_tide_info - version and limits of the driver
 *
 * The limits never change while the device lives, and later versions of the
 * driver only raise them; but @job_timeout_ms is what the administrator has set
 * last.
 *
 * Errors: none of its own.
 */
struct drm_tide_info {
	/** @uapi_version: out, the %DRM_TIDE_UAPI_VERSION that the driver was built with */
	__u32 uapi_version;
	/** @segment_count: out, number of segments, 1 to 32, see &drm_tide_segment_info */
	__u32 segment_count;
	/** @max_handles: out, entries in the list of OFFER, RECLAIM, MAKE_RESIDENT and EVICT */
	__u32 max_handles;
	/** @max_submit_bos: out, entries in &drm_tide_submit.bos */
	__u32 max_submit_bos;
	/** @max_submit_commands: out, entries in &drm_tide_submit.commands */
	__u32 max_submit_commands;
	/** @max_submit_syncs: out, entries in &drm_tide_submit.waits, and in .signals */
	__u32 max_submit_syncs;
	/** @max_queues: out, paging queues of one client */
	__u32 max_queues;
	/** @job_timeout_ms: out, a job without progress for this long is ended, milliseconds */
	__u32 job_timeout_ms;
	/** @max_delay_ns: out, largest delay of one %DRM_TIDE_CMD_DELAY, nanoseconds */
	__u64 max_delay_ns;
};

/**
 * define DRM_TIDE_SEGMENT_SYSTEM - the segment that system memory backs
 */
#define DRM_TIDE_SEGMENT_SYSTEM		0
/**
 * define DRM_TIDE_SEGMENT_LOCAL - the device's own memory, where it has any
 */
#define DRM_TIDE_SEGMENT_LOCAL		1

/**
 * struct drm_tide_segment_info - a pool of memory that the GPU can reach
 *
 * Errors:
 *
 * - -EINVAL: @segment is not below &drm_tide_info.segment_count, or padding is
 *   not zero.
 */
struct drm_tide_segment_info {
	/** @segment: index, DRM_TIDE_SEGMENT_*; %DRM_TIDE_SEGMENT_SYSTEM is always there */
	__u32 segment;
	/** @pad: must be zero */
	__u32 pad;
	/** @size: out, bytes that can be resident in the segment at one time */
	__u64 size;
	/** @usage: out, bytes that are resident now, of all clients */
	__u64 usage;
};

/**
 * struct drm_tide_bo_create - create an allocation
 *
 * New memory reads as zeros from CPU and GPU. The allocation starts not offered
 * and not resident. Its pages come with the first use and are charged to the
 * memory cgroup of the calling process, whoever touches them first; its size is
 * charged to the commit limit (vm.overcommit_memory) at once.
 *
 * The allocation is resident in one segment, which the kernel chooses once: of
 * those that @segments allows, and that are large enough, the one with the
 * highest index, so local memory where there is any. An allocation that is too
 * large for each of them gets the one with the lowest index, and its page-ins
 * fail. Whatever the segment, the allocation has its pages of system memory;
 * those of a resident allocation are not swapped.
 *
 * The handle is closed by DRM_IOCTL_GEM_CLOSE.
 *
 * Errors:
 *
 * - -EINVAL: @size is 0, @segments names a segment that there is not, or flags
 *   or padding are not zero.
 * - -E2BIG: @size is above what a file can have.
 * - -ENOMEM: also, the size could not be committed, or no mmap offset is left.
 */
struct drm_tide_bo_create {
	/** @size: bytes, above 0; rounded up to whole pages */
	__u64 size;
	/** @flags: must be zero */
	__u32 flags;
	/** @pad: must be zero */
	__u32 pad;
	/** @actual_size: out, bytes, the rounded size */
	__u64 actual_size;
	/** @handle: out, GEM handle */
	__u32 handle;
	/** @pad2: must be zero */
	__u32 pad2;
	/** @segments: bit n for segment n, where it may be resident; 0 for all */
	__u32 segments;
	/** @pad3: must be zero */
	__u32 pad3;
};

/**
 * struct drm_tide_bo_mmap_offset - where to mmap() an allocation
 *
 * The offset stays the same for the allocation's life. Any page range of the
 * allocation can be mapped, with MAP_SHARED; MAP_PRIVATE gives -EINVAL. A
 * mapping works while the allocation is not offered, resident or not, and waits
 * for no fence. A CPU access that needs a page of an offered allocation raises
 * SIGBUS. Mappings keep the allocation's memory after its last handle is closed.
 * mremap() moves and shrinks them, but none grows; mlock() passes over them.
 *
 * Errors:
 *
 * - -EINVAL: padding is not zero.
 * - -ENOENT: no such handle.
 * - -ESTALE: RECLAIM has answered %DRM_TIDE_RECLAIM_NOT_COMMITTED for it.
 */
struct drm_tide_bo_mmap_offset {
	/** @handle: GEM handle */
	__u32 handle;
	/** @pad: must be zero */
	__u32 pad;
	/** @offset: out, offset for mmap() on the render or primary node */
	__u64 offset;
};

/**
 * define DRM_TIDE_BO_OFFERED - this client has offered the allocation
 */
#define DRM_TIDE_BO_OFFERED		(1u << 0)
/**
 * define DRM_TIDE_BO_DISCARDED - offered, and the content is gone already
 */
#define DRM_TIDE_BO_DISCARDED		(1u << 1)
/**
 * define DRM_TIDE_BO_DISCARD_UNTOLD - reclaimed, but a DISCARDED answer was not delivered
 */
#define DRM_TIDE_BO_DISCARD_UNTOLD	(1u << 2)
/**
 * define DRM_TIDE_BO_RESIDENT - the GPU can reach all of it now
 */
#define DRM_TIDE_BO_RESIDENT		(1u << 3)
/**
 * define DRM_TIDE_BO_EXPORTED - it was exported or named, and is never discarded
 */
#define DRM_TIDE_BO_EXPORTED		(1u << 4)
/**
 * define DRM_TIDE_BO_BUSY - unfinished jobs name it
 */
#define DRM_TIDE_BO_BUSY		(1u << 5)
/**
 * define DRM_TIDE_BO_NOT_COMMITTED - reclaimed in vain, good for nothing but closing
 */
#define DRM_TIDE_BO_NOT_COMMITTED	(1u << 6)

/**
 * struct drm_tide_bo_info - state of an allocation as this client sees it
 *
 * A snapshot: memory pressure may change what it tells at any moment.
 *
 * Errors:
 *
 * - -EINVAL: padding is not zero.
 * - -ENOENT: no such handle.
 */
struct drm_tide_bo_info {
	/** @handle: GEM handle */
	__u32 handle;
	/** @pad: must be zero */
	__u32 pad;
	/** @size: out, bytes */
	__u64 size;
	/** @present: out, bytes that have a page in memory (not in swap) */
	__u64 present;
	/** @flags: out, DRM_TIDE_BO_* */
	__u32 flags;
	/** @priority: out, DRM_TIDE_PRIORITY_*, valid with %DRM_TIDE_BO_OFFERED, else 0 */
	__u32 priority;
	/** @residency_count: out, this client's MAKE_RESIDENTs less its EVICTs */
	__u32 residency_count;
	/**
	 * @page_in_error: out, errno (positive) of the last page-in if that
	 * failed and none succeeded since, else 0. A job that names the
	 * allocation is refused meanwhile. EBUSY: it has waited a second for pages
	 * that are pinned for DMA, its own or those that would have to make room.
	 */
	__u32 page_in_error;
	/** @discard_count: out, how often the content was discarded */
	__u64 discard_count;
	/** @segment: out, DRM_TIDE_SEGMENT_* where it is when it is resident */
	__u32 segment;
	/** @pad2: out, zero */
	__u32 pad2;
};

/**
 * define DRM_TIDE_QUEUE_PRIORITY_LOW - what can wait
 */
#define DRM_TIDE_QUEUE_PRIORITY_LOW	(-1)
/**
 * define DRM_TIDE_QUEUE_PRIORITY_NORMAL - what a queue has that asks for nothing
 */
#define DRM_TIDE_QUEUE_PRIORITY_NORMAL	0
/**
 * define DRM_TIDE_QUEUE_PRIORITY_HIGH - what is urgent; needs CAP_SYS_NICE
 */
#define DRM_TIDE_QUEUE_PRIORITY_HIGH	1

/**
 * struct drm_tide_queue_create - create a paging queue
 *
 * A paging queue is an ordered stream of page-in work with a timeline syncobj
 * of its own (WDDM's paging queue and its monitored fence). Values that
 * RECLAIM and MAKE_RESIDENT return are points of that timeline: new ones grow
 * strictly, are signalled in order, and every one is signalled whatever
 * happens. A call that has nothing to page in returns one that is signalled
 * already, which may be lower than others that were returned before. A point
 * has no fence until the pages are there, so wait with
 * DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT. Queues do not wait for each other; of
 * copies to local memory that are ready at the same time, the one for the queue
 * of the higher priority is made first.
 *
 * The caller owns @syncobj and closes it by DRM_IOCTL_SYNCOBJ_DESTROY, before
 * or after the queue. What a client does to the syncobj (reset, signal,
 * transfer) misleads its own waits only: the kernel never reads it.
 *
 * Errors:
 *
 * - -EINVAL: unknown priority, flags or padding are not zero.
 * - -EPERM: @priority is above normal, and the caller lacks CAP_SYS_NICE.
 * - -ENOSPC: the client has &drm_tide_info.max_queues queues already.
 */
struct drm_tide_queue_create {
	/** @flags: must be zero */
	__u32 flags;
	/** @pad: must be zero */
	__u32 pad;
	/** @queue: out, id of the queue in this client, above 0 */
	__u32 queue;
	/** @syncobj: out, handle of the timeline syncobj, its first point signalled */
	__u32 syncobj;
	/** @priority: DRM_TIDE_QUEUE_PRIORITY_* */
	__s32 priority;
	/** @pad2: must be zero */
	__u32 pad2;
};

/**
 * struct drm_tide_queue_destroy - destroy a paging queue
 *
 * Page-in work that is not done is cancelled; all values that the queue has
 * returned are signalled before the call returns.
 *
 * Errors:
 *
 * - -EINVAL: padding is not zero.
 * - -ENOENT: no such queue.
 */
struct drm_tide_queue_destroy {
	/** @queue: id of the queue */
	__u32 queue;
	/** @pad: must be zero */
	__u32 pad;
};

/**
 * struct drm_tide_queue_info - how far a paging queue is, and what failed
 *
 * A fence tells that the work behind a value is over, not that it succeeded.
 * This call does, and &drm_tide_bo_info.page_in_error does by allocation. A
 * queue remembers its last 1,024 failures.
 *
 * Errors:
 *
 * - -EINVAL: padding is not zero, or @value was never returned by the queue.
 * - -ENOENT: no such queue.
 */
struct drm_tide_queue_info {
	/** @queue: id of the queue */
	__u32 queue;
	/** @pad: must be zero */
	__u32 pad;
	/** @value: the value to ask about, or 0 for none */
	__u64 value;
	/** @completed: out, last value that is over */
	__u64 completed;
	/** @last: out, last value that was returned */
	__u64 last;
	/**
	 * @error: out, errno (positive) with which the page-in behind @value
	 * failed, 0 if it succeeded or is not over. Where several allocations
	 * failed it is the first one's.
	 */
	__u32 error;
	/** @pad2: out, zero */
	__u32 pad2;
};

/**
 * define DRM_TIDE_PRIORITY_LOW - discarded first (D3DDDI_OFFER_PRIORITY_LOW)
 */
#define DRM_TIDE_PRIORITY_LOW		1
/**
 * define DRM_TIDE_PRIORITY_NORMAL - discarded after LOW
 */
#define DRM_TIDE_PRIORITY_NORMAL	2
/**
 * define DRM_TIDE_PRIORITY_HIGH - discarded last
 */
#define DRM_TIDE_PRIORITY_HIGH		3

/**
 * define DRM_TIDE_OFFER_ALLOW_DECOMMIT - a discard gives back the commit charge, too
 *
 * The charge that the size of an allocation has against the commit limit
 * (vm.overcommit_memory) is given back with the content. RECLAIM takes it again,
 * which may fail: %DRM_TIDE_RECLAIM_NOT_COMMITTED. Of several offers the last
 * one's flag counts. Without the flag the charge stays for the allocation's life.
 */
#define DRM_TIDE_OFFER_ALLOW_DECOMMIT	(1u << 0)

/**
 * struct drm_tide_offer - offer allocations for discarding
 *
 * The client gives up the content until it reclaims the allocation. Within one
 * memory cgroup and NUMA node the kernel discards LOW before NORMAL before
 * HIGH, and within a priority what was offered longest ago first. Offering
 * again is allowed and sets priority and age anew. A handle that is named twice
 * is offered twice.
 *
 * The call never waits. An allocation with unfinished jobs is accepted, and can
 * be discarded when the last of them has finished.
 *
 * While an allocation is offered,
 *
 * - a SUBMIT that names it gives -ENODATA,
 * - a CPU access that needs one of its pages raises SIGBUS (an access through
 *   page table entries that are still there does not),
 * - exporting or naming it (PRIME, flink) gives -EBUSY,
 * - MAKE_RESIDENT counts it, and the page-in comes with the RECLAIM,
 * - it is no part of the client's usage, see &drm_tide_budget.
 *
 * An allocation that was exported or named is never discarded, until its last
 * handle is closed and it is freed. Offers of it are recorded by client: only
 * the offering client's jobs and exports are refused, and RECLAIM answers OK.
 *
 * Errors:
 *
 * - -EINVAL: unknown flag or priority, padding not zero, @count is 0.
 * - -E2BIG, -EFAULT: @handles is too long, or not readable.
 * - -ENOENT: the handle at @bad_index does not exist.
 * - -ESTALE: RECLAIM has answered %DRM_TIDE_RECLAIM_NOT_COMMITTED for the one at
 *   @bad_index.
 */
struct drm_tide_offer {
	/** @handles: pointer to an array of @count __u32 GEM handles */
	__u64 handles;
	/** @count: number of handles, 1 to &drm_tide_info.max_handles */
	__u32 count;
	/** @priority: DRM_TIDE_PRIORITY_* */
	__u32 priority;
	/** @flags: DRM_TIDE_OFFER_* */
	__u32 flags;
	/** @bad_index: out, see the rules above */
	__u32 bad_index;
};

/**
 * define DRM_TIDE_RECLAIM_OK - the content is intact to the bit
 */
#define DRM_TIDE_RECLAIM_OK		0
/**
 * define DRM_TIDE_RECLAIM_DISCARDED - the content is lost and reads as zeros
 */
#define DRM_TIDE_RECLAIM_DISCARDED	1
/**
 * define DRM_TIDE_RECLAIM_NOT_COMMITTED - the content is lost, and the memory is not there again
 *
 * Only after a discard that %DRM_TIDE_OFFER_ALLOW_DECOMMIT allowed. The handle is
 * good for nothing but closing: a CPU access raises SIGBUS, RECLAIM gives this
 * answer again, BO_INFO tells %DRM_TIDE_BO_NOT_COMMITTED, and every other call
 * that names it gives -ESTALE.
 */
#define DRM_TIDE_RECLAIM_NOT_COMMITTED	2

/**
 * struct drm_tide_reclaim - take offered allocations back
 *
 * When the call returns, the CPU may read and write through old and new
 * mappings at once. Before the GPU may use those that are on the residency
 * list, wait for @value, as after MAKE_RESIDENT (or let SUBMIT do it). Where
 * nothing has to be paged in, @value is signalled already. Handle, mmap offset
 * and mappings stay in use whatever the answer.
 *
 * What is on the residency list is part of the client's usage again, whatever
 * the budget; see &drm_tide_budget. Reclaiming what is not offered answers OK. A
 * handle that is named twice is reclaimed twice.
 *
 * The call does not wait for pages; only a discard of one of these very
 * allocations that has begun already is let finish. If another thread destroys
 * the queue meanwhile, @value is one that is signalled.
 *
 * Errors:
 *
 * - -EINVAL: unknown flag, padding not zero, @count is 0.
 * - -E2BIG, -EFAULT: @handles is too long, or not readable.
 * - -ENOENT: the handle at @bad_index does not exist; with
 *   %DRM_TIDE_NO_INDEX there, the queue does not exist.
 * - -EFAULT with @value not 0: @results could not be written. The allocations
 *   are reclaimed; the next reclaim of those that were discarded answers
 *   DISCARDED again, and %DRM_TIDE_BO_DISCARD_UNTOLD tells them.
 */
struct drm_tide_reclaim {
	/** @handles: pointer to an array of @count __u32 GEM handles */
	__u64 handles;
	/** @results: pointer to an array of @count __u32, written with DRM_TIDE_RECLAIM_* */
	__u64 results;
	/** @count: number of handles, 1 to &drm_tide_info.max_handles */
	__u32 count;
	/** @queue: id of the paging queue that brings them in */
	__u32 queue;
	/** @flags: must be zero */
	__u32 flags;
	/** @bad_index: out, see the rules above */
	__u32 bad_index;
	/** @value: out, paging fence value to wait for */
	__u64 value;
};

/**
 * define DRM_TIDE_MAKE_RESIDENT_CANT_TRIM - go over the budget, up to the segment's size
 *
 * For a client that has nothing left to take off its residency list
 * (D3DDDI_MAKERESIDENT_FLAGS.CantTrimFurther).
 */
#define DRM_TIDE_MAKE_RESIDENT_CANT_TRIM	(1u << 0)
/**
 * define DRM_TIDE_MAKE_RESIDENT_MUST_SUCCEED - take all, whatever the budget and the size
 *
 * What is resident at one time is bounded by the segment all the same
 * (D3DDDI_MAKERESIDENT_FLAGS.MustSucceed).
 */
#define DRM_TIDE_MAKE_RESIDENT_MUST_SUCCEED	(1u << 1)

/**
 * struct drm_tide_make_resident - put allocations on the residency list
 *
 * The list belongs to the client and counts: each entry adds one. The call
 * returns at once; when @value is signalled, the allocations are resident
 * (unless &drm_tide_queue_info.error says otherwise). Residency is no pin:
 * under memory pressure the kernel takes what no unfinished job names, and
 * brings it back before the client's next job that names it runs. Offered
 * allocations are counted but not covered by @value.
 *
 * A handle that is named twice is counted twice.
 *
 * The list is worked off in its order, and the call stops at the first
 * allocation that does not fit into the client's budget of its segment (see
 * &drm_tide_budget), unless a flag says otherwise. What is on the list already
 * and what is offered need no budget. What was taken stays taken.
 *
 * Errors:
 *
 * - -EINVAL: unknown flag, padding not zero, @count is 0.
 * - -E2BIG, -EFAULT: @handles is too long, or not readable.
 * - -EOVERFLOW: the count of the allocation at @bad_index is at its end.
 * - -ENOENT: the handle at @bad_index does not exist; with
 *   %DRM_TIDE_NO_INDEX there, the queue does not exist.
 * - -ESTALE: RECLAIM has answered %DRM_TIDE_RECLAIM_NOT_COMMITTED for the one at
 *   @bad_index.
 * - -ENOSPC: the allocation at @bad_index does not fit. Those before it were
 *   taken, as @taken says, and @value covers them.
 */
struct drm_tide_make_resident {
	/** @handles: pointer to an array of @count __u32 GEM handles */
	__u64 handles;
	/** @count: number of handles, 1 to &drm_tide_info.max_handles */
	__u32 count;
	/** @queue: id of the paging queue that brings them in */
	__u32 queue;
	/** @flags: DRM_TIDE_MAKE_RESIDENT_* */
	__u32 flags;
	/** @bad_index: out, see the rules above */
	__u32 bad_index;
	/** @value: out, paging fence value to wait for */
	__u64 value;
	/** @taken: out, entries that were taken: all, or those before the one that does not fit */
	__u32 taken;
	/** @pad: must be zero */
	__u32 pad;
	/**
	 * @trim_bytes: out, with -ENOSPC: bytes to take off the residency list
	 * before the entry at @bad_index fits, as far as can be told now; else 0.
	 * May be more than the client has there.
	 */
	__u64 trim_bytes;
};

/**
 * define DRM_TIDE_EVICT_ONLY_IF_NECESSARY - leave it in local memory until the room is needed
 *
 * Without the flag an allocation in local memory that no client requires moves
 * to system memory as soon as it is idle
 * (D3DDDI_EVICT_FLAGS.EvictOnlyIfNecessary).
 */
#define DRM_TIDE_EVICT_ONLY_IF_NECESSARY	(1u << 0)
/**
 * define DRM_TIDE_EVICT_NOT_WRITTEN - the client has not written while it was resident
 *
 * The copy back from local memory is left out, unless the kernel knows of a job
 * or a CPU mapping that may have written
 * (D3DDDI_EVICT_FLAGS.NotWrittenTo). The statement holds until the next page-in.
 */
#define DRM_TIDE_EVICT_NOT_WRITTEN		(1u << 1)

/**
 * struct drm_tide_evict - take allocations off the residency list
 *
 * Each entry takes one away from the client's count; at zero the allocation
 * leaves the list, and the flags are for those. The call never waits: the
 * memory becomes pageable when it is idle on the GPU, and the content is kept.
 *
 * Errors:
 *
 * - -EINVAL: unknown flag, padding not zero, @count is 0.
 * - -E2BIG, -EFAULT: @handles is too long, or not readable.
 * - -ENOENT: the handle at @bad_index does not exist.
 * - -ESTALE: RECLAIM has answered %DRM_TIDE_RECLAIM_NOT_COMMITTED for the one at
 *   @bad_index.
 * - -ERANGE: the allocation at @bad_index is not on the residency list, or not
 *   as often as the list names it.
 */
struct drm_tide_evict {
	/** @handles: pointer to an array of @count __u32 GEM handles */
	__u64 handles;
	/** @count: number of handles, 1 to &drm_tide_info.max_handles */
	__u32 count;
	/** @flags: DRM_TIDE_EVICT_* */
	__u32 flags;
	/** @bad_index: out, see the rules above */
	__u32 bad_index;
	/** @pad: must be zero */
	__u32 pad;
};

/**
 * define DRM_TIDE_SUBMIT_READ - commands read the allocation
 */
#define DRM_TIDE_SUBMIT_READ		(1u << 0)
/**
 * define DRM_TIDE_SUBMIT_WRITE - commands write the allocation
 */
#define DRM_TIDE_SUBMIT_WRITE		(1u << 1)

/**
 * struct drm_tide_submit_bo - an allocation that a job names
 */
struct drm_tide_submit_bo {
	/** @handle: GEM handle, in one entry only */
	__u32 handle;
	/** @flags: DRM_TIDE_SUBMIT_*, at least one */
	__u32 flags;
};

/**
 * struct drm_tide_sync - a syncobj point
 */
struct drm_tide_sync {
	/** @handle: syncobj handle */
	__u32 handle;
	/** @pad: must be zero */
	__u32 pad;
	/** @point: timeline point, or 0 for a binary syncobj */
	__u64 point;
};

/**
 * define DRM_TIDE_CMD_FILL - fill a byte range with a pattern
 */
#define DRM_TIDE_CMD_FILL		1
/**
 * define DRM_TIDE_CMD_COPY - copy a byte range; ranges may overlap
 */
#define DRM_TIDE_CMD_COPY		2
/**
 * define DRM_TIDE_CMD_DELAY - do nothing for a time, and make no progress meanwhile
 */
#define DRM_TIDE_CMD_DELAY		3

/**
 * struct drm_tide_command - a command of the GPU
 *
 * Commands of a job run in their order. Fields that a command does not use must
 * be zero.
 */
struct drm_tide_command {
	/** @op: DRM_TIDE_CMD_* */
	__u32 op;
	/** @pattern: FILL: byte n of the range becomes byte n % 4 (little endian) of it */
	__u32 pattern;
	/** @dst: FILL, COPY: index into &drm_tide_submit.bos; needs WRITE there */
	__u32 dst;
	/** @src: COPY: index into &drm_tide_submit.bos; needs READ there */
	__u32 src;
	/** @dst_offset: FILL, COPY: bytes, any alignment */
	__u64 dst_offset;
	/** @src_offset: COPY: bytes, any alignment */
	__u64 src_offset;
	/**
	 * @length: FILL, COPY: bytes, above 0, the range lies within the
	 * allocation; DELAY: nanoseconds, at most &drm_tide_info.max_delay_ns
	 */
	__u64 length;
};

/**
 * define DRM_TIDE_LIST_NONE - no list is at fault
 */
#define DRM_TIDE_LIST_NONE		0
/**
 * define DRM_TIDE_LIST_BOS - &drm_tide_submit.bos
 */
#define DRM_TIDE_LIST_BOS		1
/**
 * define DRM_TIDE_LIST_COMMANDS - &drm_tide_submit.commands
 */
#define DRM_TIDE_LIST_COMMANDS		2
/**
 * define DRM_TIDE_LIST_WAITS - &drm_tide_submit.waits
 */
#define DRM_TIDE_LIST_WAITS		3
/**
 * define DRM_TIDE_LIST_SIGNALS - &drm_tide_submit.signals
 */
#define DRM_TIDE_LIST_SIGNALS		4

/**
 * struct drm_tide_submit - queue a job
 *
 * The job is checked whole before anything is queued. Jobs of a client run in
 * the order of their submission, after the points in @waits and after the
 * earlier jobs of any client that use the same allocations (writers alone,
 * readers together). When the job is over, the points in @signals are
 * signalled, whatever became of it. A job that makes no progress for
 * &drm_tide_info.job_timeout_ms, or for up to twice as long, is ended, and its
 * fence carries -ETIME. The fence of a job that was ended with its client
 * carries -ECANCELED, with its device -ENODEV.
 *
 * All lists may be empty. The call waits, interruptibly and without limit,
 * until each point in @waits has a fence, and until page-ins of the named
 * allocations that are under way are over; what memory pressure has taken is
 * brought back. The job itself is not waited for.
 *
 * Errors:
 *
 * - -EINVAL: unknown flag or command, field or padding not zero that must be,
 *   index of a command not below @bo_count, access flags missing.
 * - -ERANGE: the range of the command at @bad_index is empty or does not lie
 *   within the allocation, or its delay is too long.
 * - -E2BIG, -EFAULT: the list @bad_list is too long, or not readable.
 * - -ENOENT: the handle (allocation or syncobj) at @bad_index does not exist.
 * - -EEXIST: the allocation at @bad_index is named by an entry before it.
 * - -ENXIO: the allocation at @bad_index is not on the residency list.
 * - -ENODATA: the allocation at @bad_index is offered.
 * - -EIO: the last page-in of the allocation at @bad_index has failed, or it
 *   cannot be brought back.
 * - -ESTALE: RECLAIM has answered %DRM_TIDE_RECLAIM_NOT_COMMITTED for the one at
 *   @bad_index.
 * - -ENOSPC: the named allocations of a segment are together larger than it.
 */
struct drm_tide_submit {
	/** @bos: pointer to an array of @bo_count &drm_tide_submit_bo */
	__u64 bos;
	/** @commands: pointer to an array of @command_count &drm_tide_command */
	__u64 commands;
	/** @waits: pointer to an array of @wait_count &drm_tide_sync */
	__u64 waits;
	/** @signals: pointer to an array of @signal_count &drm_tide_sync */
	__u64 signals;
	/** @bo_count: 0 to &drm_tide_info.max_submit_bos */
	__u32 bo_count;
	/** @command_count: 0 to &drm_tide_info.max_submit_commands */
	__u32 command_count;
	/** @wait_count: 0 to &drm_tide_info.max_submit_syncs */
	__u32 wait_count;
	/** @signal_count: 0 to &drm_tide_info.max_submit_syncs */
	__u32 signal_count;
	/** @flags: must be zero */
	__u32 flags;
	/** @pad: must be zero */
	__u32 pad;
	/** @bad_list: out, DRM_TIDE_LIST_*: the list that @bad_index is of */
	__u32 bad_list;
	/** @bad_index: out, see the rules above */
	__u32 bad_index;
};

/**
 * struct drm_tide_budget - what this client may have resident in a segment
 *
 * *Usage* is the size of the allocations of the segment that are on the client's
 * residency list and that it has not offered, wherever they are now. *Budget* is
 * what usage should not exceed. A client that is active (that has called
 * MAKE_RESIDENT, RECLAIM or SUBMIT lately, or has unfinished jobs) gets what it
 * has reserved, an equal share of what nobody has reserved, and what other
 * active clients leave of theirs. An idle client gets what it has reserved, and
 * a share of what the active ones do not use. So budgets change as clients come
 * and go, idle and wake, and a client whose usage is over its budget gets a
 * &drm_tide_event_trim.
 *
 * Errors:
 *
 * - -EINVAL: @segment is not below &drm_tide_info.segment_count, or padding is
 *   not zero.
 */
struct drm_tide_budget {
	/** @segment: index, DRM_TIDE_SEGMENT_* */
	__u32 segment;
	/** @pad: must be zero */
	__u32 pad;
	/** @budget: out, bytes */
	__u64 budget;
	/** @usage: out, bytes */
	__u64 usage;
	/** @reservation: out, bytes that this client has reserved by RESERVE */
	__u64 reservation;
	/** @available: out, bytes that it could reserve, those that it has included */
	__u64 available;
};

/**
 * struct drm_tide_reserve - have a part of a segment in the budget in any case
 *
 * Sets the client's reservation, 0 for none. It ends with the client. A
 * reservation holds no memory, it holds a share of the budgets.
 *
 * Errors:
 *
 * - -EINVAL: @segment is not below &drm_tide_info.segment_count, or padding is
 *   not zero.
 * - -ENOSPC: @bytes is more than &drm_tide_budget.available.
 */
struct drm_tide_reserve {
	/** @segment: index, DRM_TIDE_SEGMENT_* */
	__u32 segment;
	/** @pad: must be zero */
	__u32 pad;
	/** @bytes: bytes */
	__u64 bytes;
};

/**
 * struct drm_tide_suspend - have a client's memory taken as that of an idle one
 *
 * For a desktop that suspends an application. What the client requires moves
 * from local memory as soon as it is idle, unless another client requires it,
 * and is the first to go under memory pressure. The client notices by time only:
 * its next MAKE_RESIDENT, RECLAIM or SUBMIT ends the state, and what its job
 * names is back before the job runs. The call does not wait for the move.
 *
 * Errors:
 *
 * - -EINVAL: flags or padding are not zero.
 * - -ENOENT: no client of this device has that id.
 * - -EPERM: it is another client, and the caller lacks CAP_SYS_NICE.
 */
struct drm_tide_suspend {
	/** @client: its id, the drm-client-id of its fdinfo; 0 for the calling one */
	__u64 client;
	/** @flags: must be zero */
	__u32 flags;
	/** @pad: must be zero */
	__u32 pad;
};

/**
 * define DRM_TIDE_EVENT_TRIM - the type of &drm_tide_event_trim
 */
#define DRM_TIDE_EVENT_TRIM		0x80000000u

/**
 * struct drm_tide_event_trim - the client's usage is over its budget
 *
 * Read from the node, which polls readable then, as any struct drm_event. Until it is
 * read there is one for each segment at most, and later ones only change its
 * @bytes, which are a hint: ask &drm_tide_budget for what holds now. Nothing
 * happens to a client that does not read it, or does not trim, but that its
 * memory is taken as that of others is.
 */
struct drm_tide_event_trim {
	/** @base: type %DRM_TIDE_EVENT_TRIM, length of this struct */
	struct drm_event base;
	/** @segment: index, DRM_TIDE_SEGMENT_* */
	__u32 segment;
	/** @pad: zero */
	__u32 pad;
	/** @bytes: by how much the usage was over the budget */
	__u64 bytes;
};

#define DRM_IOCTL_TIDE_INFO \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_TIDE_INFO, struct drm_tide_info)
#define DRM_IOCTL_TIDE_SEGMENT_INFO \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_TIDE_SEGMENT_INFO, struct drm_tide_segment_info)
#define DRM_IOCTL_TIDE_BO_CREATE \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_TIDE_BO_CREATE, struct drm_tide_bo_create)
#define DRM_IOCTL_TIDE_BO_MMAP_OFFSET \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_TIDE_BO_MMAP_OFFSET, struct drm_tide_bo_mmap_offset)
#define DRM_IOCTL_TIDE_BO_INFO \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_TIDE_BO_INFO, struct drm_tide_bo_info)
#define DRM_IOCTL_TIDE_QUEUE_CREATE \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_TIDE_QUEUE_CREATE, struct drm_tide_queue_create)
#define DRM_IOCTL_TIDE_QUEUE_DESTROY \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_TIDE_QUEUE_DESTROY, struct drm_tide_queue_destroy)
#define DRM_IOCTL_TIDE_QUEUE_INFO \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_TIDE_QUEUE_INFO, struct drm_tide_queue_info)
#define DRM_IOCTL_TIDE_OFFER \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_TIDE_OFFER, struct drm_tide_offer)
#define DRM_IOCTL_TIDE_RECLAIM \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_TIDE_RECLAIM, struct drm_tide_reclaim)
#define DRM_IOCTL_TIDE_MAKE_RESIDENT \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_TIDE_MAKE_RESIDENT, struct drm_tide_make_resident)
#define DRM_IOCTL_TIDE_EVICT \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_TIDE_EVICT, struct drm_tide_evict)
#define DRM_IOCTL_TIDE_SUBMIT \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_TIDE_SUBMIT, struct drm_tide_submit)
#define DRM_IOCTL_TIDE_BUDGET \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_TIDE_BUDGET, struct drm_tide_budget)
#define DRM_IOCTL_TIDE_RESERVE \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_TIDE_RESERVE, struct drm_tide_reserve)
#define DRM_IOCTL_TIDE_SUSPEND \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_TIDE_SUSPEND, struct drm_tide_suspend)

#if defined(__cplusplus)
}
#endif

#endif /* _UAPI_TIDE_DRM_H_ */
