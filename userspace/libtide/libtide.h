/* SPDX-License-Identifier: MIT */
#ifndef LIBTIDE_H
#define LIBTIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * DOC: libtide
 *
 * GPU memory that can be offered. A program that does not need the content of
 * an *allocation* for now *offers* it: the kernel may then *discard* the
 * content, and does so only when memory runs short. Before the next use the
 * program *reclaims* the allocation and is told whether the content survived.
 * The words are those of the Windows Display Driver Model v2; each entry point
 * names the one that it stands for.
 *
 * What the library adds to the kernel's ioctls is order. Work is recorded in
 * *batches*, and an allocation that a batch still to be submitted refers to
 * must not be offered yet. Callers need not know: tide_offer() may be called at
 * any time, and the library holds the offer back until the last such batch, of
 * whichever thread, has been submitted.
 *
 * Rules that hold for every entry point:
 *
 * - *Errors.* Functions that return int return 0 or a negative errno value.
 *   Unless the text says otherwise, after an error nothing has changed and
 *   output parameters are not written. Those that every function can return:
 *   -EINVAL (a parameter is out of range, or objects of different devices were
 *   mixed), -ENOMEM (no memory, here or in the kernel), -ENODEV (the device is
 *   gone) and -ESTALE (see *Fork*). Other errors of the kernel are passed on.
 * - *Threads.* Every function may be called from any thread, at the same time as
 *   any other, also on the same object. Only the call that drops the last
 *   reference, or destroys, must be the last one on that object. No function
 *   waits for other threads, the GPU or memory, unless the text says so.
 * - *Ownership.* Devices and allocations are reference counted. Other objects
 *   have one owner. Objects keep what they belong to: a device closes when it
 *   and all that was made from it is gone. Lists passed in are read during the
 *   call only.
 * - *Units.* Sizes and offsets are bytes, times are nanoseconds.
 * - *Signals.* System calls that a signal interrupts are repeated.
 * - *Fork.* Objects belong to the process that made them. In a child every
 *   function that returns an error returns -ESTALE, and destroying an object
 *   does not touch the parent's. Mappings are inherited.
 */

/* What follows is what the shared library exports. */
#pragma GCC visibility push(default)

struct tide_device;
struct tide_allocation;
struct tide_paging_queue;
struct tide_context;
struct tide_batch;

/**
 * define TIDE_WAIT_FOREVER - a timeout that never comes
 */
#define TIDE_WAIT_FOREVER UINT64_MAX

/*
 * Device
 */

/**
 * tide_device_open() - make a device of an open node
 * @fd: a render or primary node of a tide driver; duplicated, the caller keeps it
 * @device: out, the device, with one reference
 *
 * Memory handles belong to the open file that @fd refers to, so there must be
 * one device only for each open file: open the node again for another one.
 *
 * Return: 0, or -ENODEV where @fd is no node of a tide driver, or -EPROTO where
 * the driver's interface is older than this library, or an error of dup(2).
 */
int
tide_device_open(int fd, struct tide_device **device);

/**
 * tide_device_open_first() - open the first render node of a tide driver
 * @device: out, the device, with one reference
 *
 * Return: 0, or -ENODEV where there is none, or -EACCES where there may be one
 * among the nodes that this process is not allowed to open, or an error of
 * tide_device_open().
 */
int
tide_device_open_first(struct tide_device **device);

/**
 * tide_device_ref() - take a reference
 * @device: the device
 *
 * Return: @device.
 */
struct tide_device *
tide_device_ref(struct tide_device *device);

/**
 * tide_device_unref() - drop a reference
 * @device: the device, or NULL
 *
 * The file closes with the last reference and the last object of the device.
 */
void
tide_device_unref(struct tide_device *device);

/**
 * tide_device_fd() - the file of the device
 * @device: the device
 *
 * For what this library has no function for, such as syncobjs of one's own by
 * drmSyncobjCreate(). Allocations are offered, reclaimed, exported and imported
 * by this library only, since it keeps their state.
 *
 * Return: a file descriptor that belongs to the device.
 */
int
tide_device_fd(const struct tide_device *device);

/**
 * struct tide_segment - a pool of memory that the GPU can reach
 * @size: bytes that can be resident in it at one time
 * @usage: bytes that are resident in it now, of all processes
 *
 * WDDM: a memory segment.
 */
struct tide_segment {
   uint64_t size;
   uint64_t usage;
};

/**
 * tide_device_segment() - ask about a memory segment
 * @device: the device
 * @index: which segment; 0 is system memory and always there
 * @segment: out, what it is like now
 *
 * Return: 0, or -EINVAL where there is no such segment.
 */
int
tide_device_segment(struct tide_device *device, uint32_t index, struct tide_segment *segment);

/**
 * struct tide_budget - what this device may have resident in a segment
 * @budget: bytes that usage should not exceed
 * @usage: bytes of the segment's allocations that are required resident and not
 *    offered, wherever they are now
 * @reservation: bytes that tide_device_reserve() has reserved
 * @available: bytes that it could reserve, those included
 *
 * Budgets change as other programs come and go, idle and wake. Who is over budget
 * gets a trim event, and goes on; the kernel then takes its memory as it takes
 * that of others. Each open file of the node is a client with budgets of its own.
 *
 * WDDM: D3DKMT_QUERYVIDEOMEMORYINFO.
 */
struct tide_budget {
   uint64_t budget;
   uint64_t usage;
   uint64_t reservation;
   uint64_t available;
};

/**
 * tide_device_budget() - ask about a budget
 * @device: the device
 * @segment: which segment, as for tide_device_segment()
 * @budget: out, what holds now
 *
 * WDDM: D3DKMTQueryVideoMemoryInfo.
 *
 * Return: 0, or -EINVAL where there is no such segment.
 */
int
tide_device_budget(struct tide_device *device, uint32_t segment, struct tide_budget *budget);

/**
 * tide_device_reserve() - have a part of a segment in the budget in any case
 * @device: the device
 * @segment: which segment
 * @bytes: how much, instead of what was reserved before; 0 for nothing
 *
 * It ends with the device. It holds no memory, but a share of the budgets.
 *
 * WDDM: D3DKMTChangeVideoMemoryReservation.
 *
 * Return: 0, or -EINVAL where there is no such segment, or -ENOSPC where @bytes
 * is more than is available.
 */
int
tide_device_reserve(struct tide_device *device, uint32_t segment, uint64_t bytes);

/*
 * Trim
 *
 * A device whose usage of a segment is over its budget gets an event from the
 * kernel. It is read from the device's file, by this library alone. There are two
 * ways for that, and without either of them nobody reads it, which does no harm:
 * - A program with a loop polls tide_device_fd() and calls tide_device_dispatch()
 *   when it is readable. No thread of the library's is involved.
 * - Who has no loop, such as a driver within another program, has a watcher, which
 *   is a thread that does so.
 */

/**
 * enum tide_trim_reason - why to trim
 * @TIDE_TRIM_REQUEST: tide_device_trim() was called: give up all that is kept for
 *    reuse
 * @TIDE_TRIM_BUDGET: the usage of a segment is over its budget: give up what is
 *    kept there for reuse, and if that is not enough, require less
 */
enum tide_trim_reason {
   TIDE_TRIM_REQUEST = 0,
   TIDE_TRIM_BUDGET = 1,
};

/**
 * struct tide_trim - what to trim
 * @reason: why
 * @segment: TIDE_TRIM_BUDGET: which segment, as for tide_device_segment(); else 0
 * @bytes: TIDE_TRIM_BUDGET: by how much the usage was over the budget, a hint:
 *    tide_device_budget() tells what holds now; else 0
 *
 * WDDM: D3DDDI_TRIMRESIDENCYSET_FLAGS and NumBytesToTrim.
 */
struct tide_trim {
   enum tide_trim_reason reason;
   uint32_t segment;
   uint64_t bytes;
};

struct tide_trimmer;
struct tide_watcher;

/**
 * typedef tide_trim_callback - gives memory back that is kept for reuse
 * @data: what tide_trimmer_create() was given
 * @trim: why, and how much; good during the call only
 *
 * Called by whichever thread calls tide_device_trim() or tide_device_dispatch(),
 * or by a watcher's, at the same time by one only. May call every function but
 * these two, those of trimmers and watchers, and the functions that create or
 * destroy residency managers, managed contexts and residency sets.
 */
typedef void (*tide_trim_callback)(void *data, const struct tide_trim *trim);

/**
 * tide_trimmer_create() - have a cache trimmed
 * @device: the device
 * @callback: empties the cache
 * @data: for @callback
 * @trimmer: out
 *
 * For who keeps allocations that nobody uses.
 *
 * WDDM: D3DKMTRegisterTrimNotification.
 *
 * Return: 0 or an error.
 */
int
tide_trimmer_create(struct tide_device *device, tide_trim_callback callback, void *data,
                    struct tide_trimmer **trimmer);

/**
 * tide_trimmer_destroy() - have a cache trimmed no more
 * @trimmer: the trimmer, or NULL
 *
 * Waits for a callback that is under way in another thread; there is none after it.
 *
 * WDDM: D3DKMTUnregisterTrimNotification.
 */
void
tide_trimmer_destroy(struct tide_trimmer *trimmer);

/**
 * tide_device_trim() - empty all caches of a device
 * @device: the device
 *
 * Waits for callbacks that are under way in other threads.
 *
 * Return: 0 or an error.
 */
int
tide_device_trim(struct tide_device *device);

/**
 * tide_device_dispatch() - read trim events, and have caches trimmed for them
 * @device: the device
 *
 * To be called when tide_device_fd() polls readable; where there is no event it
 * does nothing. Does not wait for events, but for callbacks that are under way in
 * other threads.
 *
 * WDDM: what a D3DKMTRegisterTrimNotification callback is called for.
 *
 * Return: 0, or an error of read(2).
 */
int
tide_device_dispatch(struct tide_device *device);

/**
 * tide_watcher_create() - have a thread read trim events
 * @device: the device
 * @watcher: out
 *
 * The thread calls tide_device_dispatch() for each event, and so the callbacks.
 * It takes no signals. After a fork it is the parent's alone.
 *
 * Return: 0, or -EAGAIN where there can be no more threads, or an error of
 * eventfd(2).
 */
int
tide_watcher_create(struct tide_device *device, struct tide_watcher **watcher);

/**
 * tide_watcher_destroy() - have the thread read no more
 * @watcher: the watcher, or NULL
 *
 * Waits for the thread's end, and so for a callback that it is in.
 */
void
tide_watcher_destroy(struct tide_watcher *watcher);

/*
 * Allocations
 */

/**
 * tide_allocation_create() - create an allocation
 * @device: the device
 * @size: bytes, above 0; rounded up to whole pages
 * @flags: must be 0
 * @allocation: out, the allocation, with one reference
 *
 * New memory reads as zeros. It is not offered and not resident; its pages come
 * with the first use, and are charged to the memory cgroup of this process.
 *
 * WDDM: pfnAllocateCb.
 *
 * Return: 0, or -E2BIG where @size is above what the kernel can make.
 */
int
tide_allocation_create(struct tide_device *device, uint64_t size, uint32_t flags,
                       struct tide_allocation **allocation);

/**
 * tide_allocation_ref() - take a reference
 * @allocation: the allocation
 *
 * Return: @allocation.
 */
struct tide_allocation *
tide_allocation_ref(struct tide_allocation *allocation);

/**
 * tide_allocation_unref() - drop a reference
 * @allocation: the allocation, or NULL
 *
 * With the last reference an offer that is still held back is dropped. Mapping
 * and kernel handle go then too, or when the last batch under construction that
 * refers to the allocation is over. Submitted work keeps the memory itself, and
 * so does an exported dma-buf.
 *
 * WDDM: pfnDeallocate2Cb.
 */
void
tide_allocation_unref(struct tide_allocation *allocation);

/**
 * tide_allocation_size() - size of an allocation
 * @allocation: the allocation
 *
 * Return: bytes, whole pages.
 */
uint64_t
tide_allocation_size(const struct tide_allocation *allocation);

/**
 * tide_allocation_handle() - the kernel's name of an allocation
 * @allocation: the allocation
 *
 * Return: a GEM handle on tide_device_fd(), which belongs to the allocation.
 */
uint32_t
tide_allocation_handle(const struct tide_allocation *allocation);

/**
 * tide_allocation_map() - map an allocation for the CPU
 * @allocation: the allocation
 * @pointer: out, its first byte; readable and writable, shared
 *
 * There is one mapping, which is counted: each successful call takes one
 * tide_allocation_unmap(), or the end of the allocation removes it. The pointer
 * stays the same all that time, also when the allocation is offered, discarded
 * and reclaimed. While it is offered, an access may raise SIGBUS, and does so where
 * the page is not mapped. The CPU never waits for a paging fence.
 *
 * WDDM: pfnLock2Cb.
 *
 * Return: 0, or an error of mmap(2).
 */
int
tide_allocation_map(struct tide_allocation *allocation, void **pointer);

/**
 * tide_allocation_unmap() - give a mapping back
 * @allocation: the allocation, mapped
 *
 * WDDM: pfnUnlock2Cb.
 */
void
tide_allocation_unmap(struct tide_allocation *allocation);

/**
 * tide_allocation_mmap_offset() - where an allocation is in the device's file
 * @allocation: the allocation
 * @offset: out, for mmap(2) of tide_device_fd()
 *
 * For mappings of one's own, of any page range, which have to be MAP_SHARED. They
 * are the caller's to remove, and keep the memory.
 *
 * Return: 0 or an error.
 */
int
tide_allocation_mmap_offset(struct tide_allocation *allocation, uint64_t *offset);

/**
 * tide_allocation_hold() - say that the CPU uses an allocation
 * @allocation: the allocation
 *
 * As a batch of TIDE_BATCH_CPU that refers to this allocation alone, but without
 * the batch: until tide_allocation_release() offers of it are held back. Counted.
 *
 * Return: 0, or -ENODATA where the allocation is offered: reclaim it first.
 */
int
tide_allocation_hold(struct tide_allocation *allocation);

/**
 * tide_allocation_release() - say that the CPU does not use an allocation any more
 * @allocation: the allocation, held
 *
 * An offer that waited for this alone goes to the kernel before the call returns,
 * in this thread.
 */
void
tide_allocation_release(struct tide_allocation *allocation);

/**
 * tide_allocation_in_use() - whether an allocation is held, or a batch refers to it
 * @allocation: the allocation
 *
 * For who keeps allocations for reuse, and has no other references. Batches that
 * are over and submitted jobs do not count.
 *
 * Return: true where a batch under construction refers to it, or it is held.
 */
bool
tide_allocation_in_use(struct tide_allocation *allocation);

/**
 * tide_allocation_export() - share an allocation
 * @allocation: the allocation
 * @fd: out, a dma-buf; the caller owns and closes it
 *
 * Once exported, an allocation is never discarded, though it may be offered.
 *
 * Return: 0, or -EBUSY where the allocation is offered.
 */
int
tide_allocation_export(struct tide_allocation *allocation, int *fd);

/**
 * tide_allocation_import() - take in a shared allocation
 * @device: the device
 * @fd: a dma-buf of a tide driver's; the caller keeps it
 * @allocation: out, the allocation, with one reference of the caller's
 *
 * Where the device has the allocation already, the answer is that same object.
 *
 * Return: 0, or an error of the kernel's where @fd is something else.
 */
int
tide_allocation_import(struct tide_device *device, int fd, struct tide_allocation **allocation);

/**
 * enum tide_allocation_flags - what is true of an allocation
 * @TIDE_ALLOCATION_OFFERED: it is offered, and waits for tide_reclaim()
 * @TIDE_ALLOCATION_DEFERRED: it is offered, and the offer is still held back
 * @TIDE_ALLOCATION_DISCARDED: it is offered, and its content is gone already
 * @TIDE_ALLOCATION_RESIDENT: the GPU can reach all of it now
 * @TIDE_ALLOCATION_EXPORTED: it was exported, and is never discarded
 * @TIDE_ALLOCATION_BUSY: unfinished jobs use it
 */
enum tide_allocation_flags {
   TIDE_ALLOCATION_OFFERED = 1u << 0,
   TIDE_ALLOCATION_DEFERRED = 1u << 1,
   TIDE_ALLOCATION_DISCARDED = 1u << 2,
   TIDE_ALLOCATION_RESIDENT = 1u << 3,
   TIDE_ALLOCATION_EXPORTED = 1u << 4,
   TIDE_ALLOCATION_BUSY = 1u << 5,
};

/**
 * struct tide_allocation_info - state of an allocation
 * @present: bytes of it that are in memory, not in swap
 * @discard_count: how often its content was discarded
 * @flags: TIDE_ALLOCATION_*
 * @residency_count: its tide_make_resident() calls less its tide_evict() calls
 * @page_in_error: 0, or the negative errno with which its last page-in failed
 */
struct tide_allocation_info {
   uint64_t present;
   uint64_t discard_count;
   uint32_t flags;
   uint32_t residency_count;
   int32_t page_in_error;
};

/**
 * tide_allocation_query() - ask about the state of an allocation
 * @allocation: the allocation
 * @info: out, a snapshot; other threads and memory pressure may change it at once
 *
 * Return: 0 or an error.
 */
int
tide_allocation_query(struct tide_allocation *allocation, struct tide_allocation_info *info);

/*
 * Fences
 */

/**
 * struct tide_fence - a point of a timeline, which is over once and for all
 * @syncobj: handle of a DRM timeline syncobj on tide_device_fd()
 * @point: the point, or 0 for a binary syncobj
 *
 * A plain value: copy it freely. It is good as long as the object that the
 * syncobj belongs to (paging queue, context, or the caller's own).
 *
 * WDDM: a monitored fence and a value of it.
 */
struct tide_fence {
   uint32_t syncobj;
   uint64_t point;
};

/**
 * tide_fence_wait() - wait until all of a list of fences are over
 * @device: the device
 * @fences: the list
 * @count: number of fences, above 0
 * @timeout_ns: how long to wait, from now; 0 only looks, TIDE_WAIT_FOREVER
 *
 * A point that nobody has submitted yet is waited for as well.
 *
 * WDDM: pfnWaitForSynchronizationObjectFromCpuCb.
 *
 * Return: 0, or -ETIME where the time has passed, or -ENOENT where there is no
 * such syncobj.
 */
int
tide_fence_wait(struct tide_device *device, const struct tide_fence *fences, size_t count,
                uint64_t timeout_ns);

/*
 * Paging queues
 */

/**
 * tide_paging_queue_create() - create a paging queue
 * @device: the device
 * @queue: out, the queue
 *
 * An ordered stream of page-in work. tide_make_resident() and tide_reclaim()
 * return values of it: new ones, which grow, or where nothing has to be paged in
 * one that is over. They are over in order, every one. Queues do not wait for
 * each other.
 *
 * WDDM: pfnCreatePagingQueueCb.
 *
 * Return: 0, or -ENOSPC where the device has as many queues as it can.
 */
int
tide_paging_queue_create(struct tide_device *device, struct tide_paging_queue **queue);

/**
 * tide_paging_queue_destroy() - destroy a paging queue
 * @queue: the queue, or NULL
 *
 * Work that is not done is cancelled, and its values are over. The queue's
 * fences are not to be used any more.
 *
 * WDDM: pfnDestroyPagingQueueCb.
 */
void
tide_paging_queue_destroy(struct tide_paging_queue *queue);

/**
 * tide_paging_queue_fence() - the fence of a value
 * @queue: the queue
 * @value: a value that the queue has returned
 *
 * Return: the fence, for tide_fence_wait() and tide_batch_submit().
 */
struct tide_fence
tide_paging_queue_fence(const struct tide_paging_queue *queue, uint64_t value);

/**
 * tide_paging_queue_wait() - wait until the work behind a value is over
 * @queue: the queue
 * @value: a value that the queue has returned
 * @timeout_ns: how long to wait, from now; 0 only looks, TIDE_WAIT_FOREVER
 *
 * That it is over does not mean that it succeeded: tide_paging_queue_error()
 * tells.
 *
 * Return: 0, or -ETIME where the time has passed.
 */
int
tide_paging_queue_wait(struct tide_paging_queue *queue, uint64_t value, uint64_t timeout_ns);

/**
 * tide_paging_queue_completed() - how far a paging queue is
 * @queue: the queue
 * @value: out, the last value whose work is over
 *
 * Return: 0 or an error.
 */
int
tide_paging_queue_completed(struct tide_paging_queue *queue, uint64_t *value);

/**
 * tide_paging_queue_error() - whether the work behind a value succeeded
 * @queue: the queue
 * @value: a value that the queue has returned
 *
 * Work behind earlier values is asked about by these. The kernel remembers the
 * last 1,024 failures of a queue.
 *
 * Return: 0 where it succeeded, -EINPROGRESS where it is not over, -EINVAL where
 * the queue has not returned @value, else the errno with which it failed: these
 * allocations are not resident.
 */
int
tide_paging_queue_error(struct tide_paging_queue *queue, uint64_t value);

/*
 * Residency
 */

/**
 * tide_make_resident() - require that the GPU can reach allocations
 * @device: the device
 * @queue: the paging queue that brings them in
 * @allocations: the list; one that is named twice is counted twice
 * @count: number of allocations, above 0, without limit
 * @value: out, also after an error: value of @queue to wait for
 * @done: out, also after an error: how many, from the start of the list, count
 *    as required now; @count after success
 *
 * Returns at once; the pages are there when @value is over. Requirements are
 * counted by allocation, and tide_evict() takes them back one by one. An offered
 * allocation is counted, and comes in with its tide_reclaim().
 *
 * Takes all, whatever the budget (WDDM: MustSucceed): for those who require little,
 * or keep to their budgets themselves. A residency manager does that for its users.
 *
 * Submitted work needs its allocations on this list, but needs not wait for
 * @value: the kernel does that.
 *
 * WDDM: pfnMakeResidentCb.
 *
 * Return: 0, or -EOVERFLOW where an allocation was required too often.
 */
int
tide_make_resident(struct tide_device *device, struct tide_paging_queue *queue,
                   struct tide_allocation *const *allocations, size_t count, uint64_t *value,
                   size_t *done);

/**
 * tide_evict() - take back what tide_make_resident() required
 * @device: the device
 * @allocations: the list; one that is named twice is taken back twice
 * @count: number of allocations, above 0, without limit
 * @done: out, also after an error: how many, from the start of the list, were
 *    taken back; @count after success
 *
 * The content is kept. Never waits: memory that the GPU still uses becomes
 * pageable when it no longer does. To be called after the work that needs the
 * allocation was submitted.
 *
 * WDDM: pfnEvictCb.
 *
 * Return: 0, or -ERANGE where an allocation is not required as often as that.
 */
int
tide_evict(struct tide_device *device, struct tide_allocation *const *allocations, size_t count,
           size_t *done);

/*
 * Residency managers
 *
 * A program whose allocations are larger together than its budget can have some
 * of them resident at a time only. A residency manager decides which: those in
 * use, and of the others those that were used last. It is told of uses, and keeps
 * the books:
 * - Batches of a managed context (tide_context_create_managed()) use what they
 *   refer to. Nothing else has to be said.
 * - For other work there are residency sets.
 *
 * Over the budget, the kernel takes no more, and tells how many bytes to trim: the
 * manager evicts what was used longest ago, and goes on. It never waits for the
 * GPU, since the kernel keeps what an unfinished job names. Where nothing is left
 * to evict, it takes what the segment has room for (WDDM: CantTrimFurther), and
 * beyond (WDDM: MustSucceed) if others require all of it; the kernel has them take
 * turns. When an event tells that the budget has become smaller, the manager evicts
 * down to it, if events are read at all (tide_device_dispatch(), watchers).
 *
 * A manager has to do with an allocation from its first use until it has evicted
 * it; meanwhile no other manager may use it. tide_make_resident() and tide_evict()
 * of the same allocations count by themselves.
 *
 * WDDM: the residency list of a device, and what the user mode driver and
 * Direct3D 12's residency libraries do with it.
 */

struct tide_residency;
struct tide_residency_set;

/**
 * tide_residency_create() - create a residency manager
 * @device: the device
 * @residency: out
 *
 * It has a paging queue of its own.
 *
 * Return: 0, or -ENOSPC where the device has as many queues as it can.
 */
int
tide_residency_create(struct tide_device *device, struct tide_residency **residency);

/**
 * tide_residency_destroy() - destroy a residency manager
 * @residency: the manager, or NULL
 *
 * Its contexts and sets keep it. With the last of them all is evicted that it has
 * required.
 */
void
tide_residency_destroy(struct tide_residency *residency);

/**
 * tide_residency_set_create() - create a residency set
 * @residency: the manager
 * @set: out, the set, empty and not begun
 *
 * A list of allocations that are used together: by a frame, by a submission, by
 * a job that the application submits by ioctls of its own.
 *
 * Return: 0 or an error.
 */
int
tide_residency_set_create(struct tide_residency *residency, struct tide_residency_set **set);

/**
 * tide_residency_set_destroy() - destroy a residency set
 * @set: the set, or NULL; ended first if it has begun
 */
void
tide_residency_set_destroy(struct tide_residency_set *set);

/**
 * tide_residency_set_add() - add an allocation
 * @set: the set, not begun
 * @allocation: the allocation; the set keeps a reference. More than once is allowed
 *
 * Return: 0, or -EBUSY where the set has begun.
 */
int
tide_residency_set_add(struct tide_residency_set *set, struct tide_allocation *allocation);

/**
 * tide_residency_set_reset() - empty a set
 * @set: the set; ended first if it has begun
 *
 * Return: 0 or an error.
 */
int
tide_residency_set_reset(struct tide_residency_set *set);

/**
 * tide_residency_set_begin() - have all of a set required, and not evicted
 * @set: the set, not begun
 * @fence: out, over when the pages are there; or NULL
 *
 * Returns at once: page-ins go on, and jobs wait for them by themselves. May evict
 * what is not in use. Offered allocations come in with their tide_reclaim().
 *
 * Return: 0, or -EBUSY where the set has begun, or another manager has to do with
 * one of its allocations, or -EOVERFLOW where one was required too often, or -EIO
 * where one is not committed.
 */
int
tide_residency_set_begin(struct tide_residency_set *set, struct tide_fence *fence);

/**
 * tide_residency_set_end() - say that a set is in use no more
 * @set: the set, begun
 *
 * To be called when the work that needs it was submitted, without waiting for the
 * work. The set stays required until the budget is needed for something else.
 *
 * Return: 0, or -EALREADY where the set has not begun.
 */
int
tide_residency_set_end(struct tide_residency_set *set);

/*
 * Offer and reclaim
 */

/**
 * enum tide_priority - the order of discarding
 * @TIDE_PRIORITY_LOW: first (WDDM: D3DDDI_OFFER_PRIORITY_LOW)
 * @TIDE_PRIORITY_NORMAL: after LOW (WDDM: D3DDDI_OFFER_PRIORITY_NORMAL)
 * @TIDE_PRIORITY_HIGH: last (WDDM: D3DDDI_OFFER_PRIORITY_HIGH)
 *
 * Within a priority what was offered longest ago is discarded first.
 */
enum tide_priority {
   TIDE_PRIORITY_LOW = 1,
   TIDE_PRIORITY_NORMAL = 2,
   TIDE_PRIORITY_HIGH = 3,
};

/**
 * enum tide_offer_flags - what an offer allows
 * @TIDE_OFFER_ALLOW_DECOMMIT: a discard gives back the charge against the commit
 *    limit (vm.overcommit_memory), too. tide_reclaim() takes it again, which may
 *    fail: TIDE_RECLAIM_NOT_COMMITTED. Of several offers the last one's counts.
 */
enum tide_offer_flags {
   TIDE_OFFER_ALLOW_DECOMMIT = 1u << 0,
};

/**
 * tide_offer() - offer the content of allocations for discarding
 * @device: the device
 * @allocations: the list
 * @count: number of allocations, above 0, without limit
 * @priority: which content to discard before which
 * @flags: TIDE_OFFER_*
 *
 * From now on, and until tide_reclaim(), the content may be gone, and the
 * allocation cannot be used: mapped memory may raise SIGBUS, tide_batch_reference()
 * gives -ENODATA and tide_allocation_export() -EBUSY. Offering again is allowed,
 * and sets priority and age anew.
 *
 * Never waits. An allocation that batches under construction refer to goes to
 * the kernel right after the last of them was submitted (or ended, or
 * destroyed), in the thread that did so; until then the CPU may still use it
 * for the sake of those batches. Should the kernel have no memory for that, it
 * is tried again after later batches and offers. Allocations that submitted jobs
 * use go to the kernel at once: it waits for these jobs itself.
 *
 * WDDM: pfnOfferAllocationsCb.
 *
 * Return: 0 or an error. After -EINVAL nothing has changed. Another error may
 * have come after a part of the list was taken, so reclaim all of it before the
 * next use: that tells exactly, also for those that were not offered.
 */
int
tide_offer(struct tide_device *device, struct tide_allocation *const *allocations, size_t count,
           enum tide_priority priority, uint32_t flags);

/**
 * enum tide_reclaim_result - what became of the content
 * @TIDE_RECLAIM_FAILED: not known; the allocation was not reclaimed
 * @TIDE_RECLAIM_OK: it is intact (WDDM: D3DDDI_RECLAIM_RESULT_OK)
 * @TIDE_RECLAIM_DISCARDED: it is lost and reads as zeros (WDDM:
 *    D3DDDI_RECLAIM_RESULT_DISCARDED)
 * @TIDE_RECLAIM_NOT_COMMITTED: it is lost, and the memory could not be had again:
 *    the allocation is good for nothing but tide_allocation_unref(). An access to
 *    its mappings raises SIGBUS, it cannot be referenced (-ENODATA), to offer it
 *    does nothing, to reclaim it answers the same, and other calls give -EIO. Only
 *    after TIDE_OFFER_ALLOW_DECOMMIT (WDDM: D3DDDI_RECLAIM_RESULT_NOT_COMMITTED)
 *
 * That zero stands for failure is on purpose.
 */
enum tide_reclaim_result {
   TIDE_RECLAIM_FAILED = 0,
   TIDE_RECLAIM_OK = 1,
   TIDE_RECLAIM_DISCARDED = 2,
   TIDE_RECLAIM_NOT_COMMITTED = 3,
};

/**
 * tide_reclaim() - take offered allocations back
 * @device: the device
 * @queue: the paging queue that brings in those that are required resident
 * @allocations: the list; one that is named twice is reclaimed twice, in order
 * @count: number of allocations, above 0, without limit
 * @results: out, also after an error: an array of @count, what became of each
 * @value: out, also after an error: value of @queue to wait for, or 0 where
 *    @queue is not valid
 *
 * After success the CPU may use all of them at once, through old mappings and
 * new ones. Before the GPU may, @value has to be over; jobs wait for that by
 * themselves. An offer that was still held back is cancelled, which answers
 * TIDE_RECLAIM_OK and asks for no page-in. What is not offered answers
 * TIDE_RECLAIM_OK.
 *
 * Does not wait for pages. It may wait for a discard of one of these allocations
 * that has begun, and for another thread that is just telling the kernel about
 * one of them.
 *
 * WDDM: pfnReclaimAllocations2Cb.
 *
 * Return: 0 or an error. After an error some may have been reclaimed: those have
 * another result than TIDE_RECLAIM_FAILED, and the kernel does not tell it a
 * second time. The others stay offered.
 */
int
tide_reclaim(struct tide_device *device, struct tide_paging_queue *queue,
             struct tide_allocation *const *allocations, size_t count,
             enum tide_reclaim_result *results, uint64_t *value);

/*
 * Contexts and batches
 */

/**
 * tide_context_create() - create a context
 * @device: the device
 * @context: out, the context
 *
 * A context is a stream of batches with a timeline of its own: batches that are
 * submitted through it are over in the order of their submission.
 *
 * WDDM: pfnCreateContextCb.
 *
 * Return: 0 or an error.
 */
int
tide_context_create(struct tide_device *device, struct tide_context **context);

/**
 * tide_context_create_managed() - create a context that sees to residency
 * @residency: the residency manager
 * @context: out, the context, on the manager's device
 *
 * Before a batch goes to the kernel, what it refers to is made resident, within
 * the budget as far as that goes, and it stays required until the budget is needed
 * for other batches. A thread of the context's does that, and submits the batches
 * in their order, so that tide_batch_submit() never waits, neither for page-ins
 * nor for fences that nobody has submitted yet.
 *
 * Return: 0, or -EAGAIN where there can be no more threads.
 */
int
tide_context_create_managed(struct tide_residency *residency, struct tide_context **context);

/**
 * tide_context_error() - what the kernel said about a batch
 * @context: the context
 * @point: the &tide_fence.point that tide_batch_submit() has given
 *
 * A batch of a managed context that the kernel does not take is over without
 * having been executed: its fence and what it had to signal are signalled, so
 * that nobody waits in vain. The last 64 failures of a context are remembered. In
 * other contexts tide_batch_submit() tells, and this is 0.
 *
 * Return: 0 where the kernel has it, -EINPROGRESS where it has not yet, -EINVAL
 * where the context has given no such point, or an error of the kernel's as
 * tide_batch_submit() describes: -ENOSPC where the allocations are too large
 * together, -EIO where they could not be brought in.
 */
int
tide_context_error(struct tide_context *context, uint64_t point);

/**
 * tide_context_destroy() - destroy a context
 * @context: the context, or NULL
 *
 * Waits for nothing, but where the context is managed, until all of its batches
 * have been submitted to the kernel: submitted work goes on. Batches of the context may live on,
 * but are not to be submitted. The fences of its batches are not to be used any
 * more.
 *
 * WDDM: pfnDestroyContextCb.
 */
void
tide_context_destroy(struct tide_context *context);

/**
 * enum tide_batch_kind - who executes a batch
 * @TIDE_BATCH_ENGINE: the GPU, after tide_batch_submit()
 * @TIDE_BATCH_CPU: threads of this process, until tide_batch_end()
 */
enum tide_batch_kind {
   TIDE_BATCH_ENGINE = 0,
   TIDE_BATCH_CPU = 1,
};

/**
 * tide_batch_create() - begin a batch
 * @context: the context
 * @kind: who executes it
 * @batch: out, the batch, empty and under construction
 *
 * Return: 0 or an error.
 */
int
tide_batch_create(struct tide_context *context, enum tide_batch_kind kind,
                  struct tide_batch **batch);

/**
 * tide_batch_destroy() - destroy a batch
 * @batch: the batch, or NULL
 *
 * Where it was not submitted or ended, its work is forgotten, and offers that
 * waited for this batch alone go to the kernel.
 */
void
tide_batch_destroy(struct tide_batch *batch);

/**
 * tide_batch_reset() - begin anew
 * @batch: the batch
 *
 * As tide_batch_destroy() and tide_batch_create(), but keeps the memory.
 *
 * Return: 0, or -EBUSY where another thread is submitting it.
 */
int
tide_batch_reset(struct tide_batch *batch);

/**
 * enum tide_access - what a batch does with an allocation
 * @TIDE_READ: it reads it
 * @TIDE_WRITE: it writes it
 */
enum tide_access {
   TIDE_READ = 1u << 0,
   TIDE_WRITE = 1u << 1,
};

/**
 * tide_batch_reference() - say that a batch uses an allocation
 * @batch: the batch, under construction
 * @allocation: the allocation; the batch keeps it until it is over
 * @access: TIDE_READ, TIDE_WRITE or both; added to what was said before
 *
 * Cheap, to be called for each draw call. Commands say it for themselves.
 *
 * Return: 0, or -ENODATA where the allocation is offered (also where the offer
 * is held back because of this very batch): reclaim it first. Or -E2BIG where a
 * job cannot use so many allocations: submit it and begin anew. Or -EALREADY
 * where the batch is not under construction.
 */
int
tide_batch_reference(struct tide_batch *batch, struct tide_allocation *allocation, uint32_t access);

/**
 * tide_batch_fill() - record: fill a byte range with a pattern
 * @batch: the batch, TIDE_BATCH_ENGINE
 * @dst: the allocation
 * @offset: where the range begins
 * @size: bytes, above 0
 * @pattern: its bytes, little endian, are repeated from the start of the range
 *
 * Return: 0, or -ERANGE where the range does not lie within @dst, or -E2BIG where
 * a job cannot have so many commands, or an error of tide_batch_reference().
 */
int
tide_batch_fill(struct tide_batch *batch, struct tide_allocation *dst, uint64_t offset,
                uint64_t size, uint32_t pattern);

/**
 * tide_batch_copy() - record: copy a byte range
 * @batch: the batch, TIDE_BATCH_ENGINE
 * @dst: allocation to write
 * @dst_offset: where the range begins in @dst
 * @src: allocation to read; may be @dst, and the ranges may overlap
 * @src_offset: where the range begins in @src
 * @size: bytes, above 0
 *
 * Return: as tide_batch_fill().
 */
int
tide_batch_copy(struct tide_batch *batch, struct tide_allocation *dst, uint64_t dst_offset,
                struct tide_allocation *src, uint64_t src_offset, uint64_t size);

/**
 * tide_batch_delay() - record: do nothing for a time
 * @batch: the batch, TIDE_BATCH_ENGINE
 * @time_ns: how long
 *
 * Return: 0, or -ERANGE where that is longer than the driver allows, or -E2BIG
 * where a job cannot have so many commands, or -EALREADY.
 */
int
tide_batch_delay(struct tide_batch *batch, uint64_t time_ns);

/**
 * tide_batch_submit() - have the GPU execute a batch
 * @batch: the batch, TIDE_BATCH_ENGINE, under construction
 * @waits: fences that have to be over before it runs
 * @wait_count: number of these, may be 0
 * @signals: syncobj points to signal when it is over
 * @signal_count: number of these, may be 0
 * @fence: out, over when the batch is, on the context's timeline; or NULL
 *
 * Every allocation of the batch has to be required by tide_make_resident(), or be
 * of a residency set that has begun; or the context is a managed one.
 * Offers that waited for this batch alone go to the kernel before the call
 * returns.
 *
 * Waits until other threads' submissions through this context are done, until
 * each of @waits has been submitted, and for page-ins of the batch's allocations
 * that are under way. Does not wait for the job.
 *
 * After an error the batch is still under construction, as it was: submit it
 * again, reset or destroy it.
 *
 * In a managed context, the call waits for nothing: the library's thread does all
 * of this later, and takes over what is in the batch, which can be reset at once.
 * What the kernel says then is told by tide_context_error().
 *
 * WDDM: pfnSubmitCommandCb.
 *
 * Return: 0, or -EALREADY where the batch is not under construction, -ENXIO where
 * an allocation is not required resident, -EIO where its page-in failed, -ENOSPC
 * where the allocations are too large together, -ENOENT where there is no such
 * syncobj, -E2BIG where there are too many fences.
 */
int
tide_batch_submit(struct tide_batch *batch, const struct tide_fence *waits, size_t wait_count,
                  const struct tide_fence *signals, size_t signal_count, struct tide_fence *fence);

/**
 * tide_batch_end() - tell that the CPU has executed a batch
 * @batch: the batch, TIDE_BATCH_CPU, under construction
 *
 * To be called when the last access by the CPU was made, in whichever thread
 * that was, say a rasteriser's. Offers that waited for this batch alone go to
 * the kernel before the call returns, in this thread.
 *
 * Return: 0, or -EALREADY where the batch is not under construction.
 */
int
tide_batch_end(struct tide_batch *batch);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif /* LIBTIDE_H */
