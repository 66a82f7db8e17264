/* SPDX-License-Identifier: MIT */
#ifndef IGT_TIDE_H
#define IGT_TIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "tide_drm.h"

/*
 * tide's ioctls for tests. A function with two underscores returns 0 or -errno
 * and asserts nothing; the one without them asserts success.
 */

#define TIDE_PAGE	4096u
#define TIDE_KIB(n)	((uint64_t)(n) << 10)
#define TIDE_MIB(n)	((uint64_t)(n) << 20)

/* Seconds within which anything that has to happen has happened, on the slowest machine. */
#define TIDE_LIVENESS_S 120

/* What an ioctl is given */
union tide_args {
	struct drm_tide_info info;
	struct drm_tide_segment_info segment_info;
	struct drm_tide_bo_create bo_create;
	struct drm_tide_bo_mmap_offset bo_mmap_offset;
	struct drm_tide_bo_info bo_info;
	struct drm_tide_queue_create queue_create;
	struct drm_tide_queue_destroy queue_destroy;
	struct drm_tide_queue_info queue_info;
	struct drm_tide_offer offer;
	struct drm_tide_reclaim reclaim;
	struct drm_tide_make_resident make_resident;
	struct drm_tide_evict evict;
	struct drm_tide_submit submit;
	struct drm_tide_budget budget;
	struct drm_tide_reserve reserve;
	struct drm_tide_suspend suspend;
	struct drm_prime_handle prime;
	struct drm_mode_create_dumb dumb;
};

/* Device */

/* Opens tide's render node, and skips where there is none. */
int tide_open_render(void);
int tide_open_primary(void);
/* The node's path below /dev/dri, or NULL. */
const char *__tide_node(bool primary);
/* One ioctl without drmIoctl's repetition on -EINTR. */
int __tide_ioctl_once(int fd, unsigned long request, void *arg);
int __tide_ioctl(int fd, unsigned long request, void *arg);
struct drm_tide_info tide_info(int fd);
struct drm_tide_segment_info tide_segment_info(int fd, uint32_t segment);
/* Of all segments */
uint64_t tide_usage(int fd);

/* Allocations */

int __tide_bo_create_in(int fd, uint64_t size, uint32_t segments, uint32_t *handle);
int __tide_bo_create(int fd, uint64_t size, uint32_t *handle);
uint32_t tide_bo_create(int fd, uint64_t size);
int __tide_bo_close(int fd, uint32_t handle);
int __tide_bo_mmap_offset(int fd, uint32_t handle, uint64_t *offset);
uint64_t tide_bo_mmap_offset(int fd, uint32_t handle);
/* Maps a byte range of an allocation MAP_SHARED and writable. */
void *tide_bo_map_range(int fd, uint32_t handle, uint64_t offset, size_t length);
void *tide_bo_map(int fd, uint32_t handle, size_t size);
int __tide_bo_info(int fd, uint32_t handle, struct drm_tide_bo_info *info);
struct drm_tide_bo_info tide_bo_info(int fd, uint32_t handle);
/* DRM_TIDE_BO_* of one allocation. */
uint32_t tide_bo_flags(int fd, uint32_t handle);
int __tide_prime_export(int fd, uint32_t handle, int *dmabuf);
int __tide_prime_import(int fd, int dmabuf, uint32_t *handle);
int __tide_flink(int fd, uint32_t handle, uint32_t *name);

/* Paging queues */

struct tide_queue {
	uint32_t id;
	uint32_t syncobj;
};

int __tide_queue_create(int fd, struct tide_queue *queue);
struct tide_queue tide_queue_create(int fd);
int __tide_queue_destroy(int fd, uint32_t id);
/* Destroys the queue and its syncobj. */
void tide_queue_destroy(int fd, struct tide_queue *queue);
int __tide_queue_info(int fd, uint32_t id, uint64_t value, struct drm_tide_queue_info *info);
struct drm_tide_queue_info tide_queue_info(int fd, uint32_t id, uint64_t value);
/* Waits on the timeline with the wait-for-submit flag: 0, or -ETIME after the given time. */
int __tide_point_wait(int fd, uint32_t syncobj, uint64_t point, int64_t timeout_ns);
bool tide_point_signalled(int fd, uint32_t syncobj, uint64_t point);
void tide_point_wait(int fd, uint32_t syncobj, uint64_t point);
/* Waits for a paging fence. */
void tide_queue_wait(int fd, const struct tide_queue *queue, uint64_t value);
/* CLOCK_MONOTONIC time in that many nanoseconds, as syncobj waits want it. */
int64_t tide_deadline(int64_t timeout_ns);

/* Offer, reclaim, residency. The out pointers may be NULL. */

int __tide_offer_flags(int fd, const uint32_t *handles, uint32_t count, uint32_t priority,
		       uint32_t flags, uint32_t *bad_index);
int __tide_offer(int fd, const uint32_t *handles, uint32_t count, uint32_t priority,
		 uint32_t *bad_index);
void tide_offer(int fd, const uint32_t *handles, uint32_t count, uint32_t priority);
void tide_offer_one(int fd, uint32_t handle, uint32_t priority);
int __tide_reclaim(int fd, uint32_t queue, const uint32_t *handles, uint32_t *results,
		   uint32_t count, uint64_t *value, uint32_t *bad_index);
/* Returns the paging fence value. */
uint64_t tide_reclaim(int fd, uint32_t queue, const uint32_t *handles, uint32_t *results,
		      uint32_t count);
/* Returns DRM_TIDE_RECLAIM_*; the value is not told. */
uint32_t tide_reclaim_one(int fd, uint32_t queue, uint32_t handle);
/* All that the call takes and gives */
int __tide_make_resident_args(int fd, uint32_t queue, const uint32_t *handles, uint32_t count,
			      uint32_t flags, struct drm_tide_make_resident *args);
/* MUST_SUCCEED, as budgets are not what most tests are about: tide_budget does that. */
int __tide_make_resident(int fd, uint32_t queue, const uint32_t *handles, uint32_t count,
			 uint64_t *value, uint32_t *bad_index);
/* Returns the paging fence value. */
uint64_t tide_make_resident(int fd, uint32_t queue, const uint32_t *handles, uint32_t count);
/* The same for one, and waits for it. */
void tide_make_resident_one(int fd, const struct tide_queue *queue, uint32_t handle);
int __tide_evict_flags(int fd, const uint32_t *handles, uint32_t count, uint32_t flags,
		       uint32_t *bad_index);
int __tide_evict(int fd, const uint32_t *handles, uint32_t count, uint32_t *bad_index);
void tide_evict(int fd, const uint32_t *handles, uint32_t count);
void tide_evict_one(int fd, uint32_t handle);

/* Budgets */

struct drm_tide_budget tide_budget(int fd, uint32_t segment);
int __tide_reserve(int fd, uint32_t segment, uint64_t bytes);
/* client: a drm-client-id, or 0 for the calling one */
int __tide_suspend(int fd, uint64_t client);
/* Waits for a trim event and reads it: false if there is none in that time. */
bool tide_read_trim(int fd, int timeout_ms, struct drm_tide_event_trim *event);

/* Jobs: start with `struct tide_job job = {};`, add to it, submit it as often as wanted. */

#define TIDE_JOB_MAX 64

struct tide_job {
	struct drm_tide_submit_bo bos[TIDE_JOB_MAX];
	struct drm_tide_command commands[TIDE_JOB_MAX];
	struct drm_tide_sync waits[TIDE_JOB_MAX];
	struct drm_tide_sync signals[TIDE_JOB_MAX];
	uint32_t bo_count, command_count, wait_count, signal_count;
	uint32_t bad_list, bad_index; /* of the last __tide_submit() */
};

#define TIDE_READ  DRM_TIDE_SUBMIT_READ
#define TIDE_WRITE DRM_TIDE_SUBMIT_WRITE

/* Returns the index that commands use. */
uint32_t tide_job_bo(struct tide_job *job, uint32_t handle, uint32_t flags);
void tide_job_fill(struct tide_job *job, uint32_t dst, uint64_t offset, uint64_t length,
		   uint32_t pattern);
void tide_job_copy(struct tide_job *job, uint32_t dst, uint64_t dst_offset, uint32_t src,
		   uint64_t src_offset, uint64_t length);
void tide_job_delay(struct tide_job *job, uint64_t ns);
/* point 0: a binary syncobj */
void tide_job_wait(struct tide_job *job, uint32_t syncobj, uint64_t point);
void tide_job_signal(struct tide_job *job, uint32_t syncobj, uint64_t point);
int __tide_submit_raw(int fd, struct drm_tide_submit *submit);
int __tide_submit(int fd, struct tide_job *job);
void tide_submit(int fd, struct tide_job *job);
/* Submits with one more signal, and waits for it. */
void tide_submit_wait(int fd, struct tide_job *job);
/* How the job behind a signalled binary syncobj ended: 0 or -errno. */
int tide_job_status(int fd, uint32_t syncobj);
/* One fill or copy job, run to its end. All allocations must be on the residency list. */
void tide_gpu_fill(int fd, uint32_t handle, uint64_t offset, uint64_t length, uint32_t pattern);
void tide_gpu_copy(int fd, uint32_t dst, uint64_t dst_offset, uint32_t src, uint64_t src_offset,
		   uint64_t length);

/*
 * A cork: a syncobj with a fence that does not signal before it is unplugged
 * (at most 10 s, which is what vgem's fences live). Jobs that wait for it are
 * queued and unfinished. Skips where there is no vgem.
 */
struct tide_cork {
	int vgem_fd;
	uint32_t fence;
	uint32_t syncobj;
};

uint32_t tide_cork_plug(struct tide_cork *cork, int fd);
void tide_cork_unplug(struct tide_cork *cork);
/* Destroys the syncobj, too. */
void tide_cork_fini(struct tide_cork *cork, int fd);
/* A job naming the handle that does not finish before the cork is unplugged. */
void tide_keep_busy(int fd, const struct tide_cork *cork, uint32_t handle, uint32_t flags);

/* Contents: bytes that tell their place and whose they are. */

void tide_pattern_fill(void *ptr, size_t size, uint32_t seed);
/* The offset of the first wrong byte, or size. `at` is where in the pattern ptr begins. */
size_t __tide_pattern_check(const void *ptr, size_t size, uint32_t seed, size_t at);
void tide_pattern_check(const void *ptr, size_t size, uint32_t seed);
size_t __tide_zero_check(const void *ptr, size_t size);
void tide_zero_check(const void *ptr, size_t size);
/* Writes the pattern to, or checks it in, an allocation by a mapping of its own. */
void tide_bo_pattern(int fd, uint32_t handle, size_t size, uint32_t seed);
void tide_bo_check(int fd, uint32_t handle, size_t size, uint32_t seed);
void tide_bo_check_zero(int fd, uint32_t handle, size_t size);
/* xorshift; the state must not be 0. */
uint32_t tide_random(uint32_t *state);

/* CPU accesses that may raise SIGBUS or SIGSEGV: 0, or minus the signal. */

int __tide_cpu_read(const volatile void *ptr, uint8_t *byte);
int __tide_cpu_write(volatile void *ptr, uint8_t byte);
/* Drops the page table entries of a range, so that the next access faults. */
void tide_unmap_pages(void *ptr, size_t size);

/* debugfs, module parameters, fdinfo */

int tide_debugfs_open(int fd, const char *name, int flags);
/* The whole file, to be freed. */
char *tide_debugfs_read(int fd, const char *name);
/* Runs the shrinkers for that many pages, as memory pressure does. */
void tide_shrink(int fd, uint64_t pages);
uint64_t tide_stat(int fd, const char *key);
/* Shrinks page by page until the allocation is discarded. */
void tide_discard(int fd, uint32_t handle);
/* Shrinks until nothing of the allocation is in memory; needs swap. */
void tide_swap_out(int fd, uint32_t handle);
/* Has the kernel drop what it takes to be clean. */
void tide_drop_caches(void);
uint64_t tide_param_get(const char *name);
int __tide_param_set(const char *name, uint64_t value);
/* Sets it until the test ends. */
void tide_param_set(const char *name, uint64_t value);
/* The value of a key of the file's fdinfo in bytes or ns, or -ENOENT. */
int64_t tide_fdinfo(int fd, const char *key);

/*
 * Loads the module anew with parameters, until the end of the test. All files of
 * the device have to be closed.
 */
void tide_reload(const char *parameters);

/* Swap on a zram device of its own, until tide_swap_off() or the end of the test. */
void tide_swap_on(uint64_t bytes);
void tide_swap_off(void);

/* Memory cgroups */

struct tide_cgroup {
	char path[128];
};

/* Makes an empty cgroup, and skips where there is no cgroup2 with the memory controller. */
void tide_cgroup_create(struct tide_cgroup *cg, const char *name);
/* Below another one. */
void tide_cgroup_create_in(struct tide_cgroup *cg, const struct tide_cgroup *parent,
			   const char *name);
void tide_cgroup_set(const struct tide_cgroup *cg, const char *file, const char *value);
void tide_cgroup_set_u64(const struct tide_cgroup *cg, const char *file, uint64_t value);
uint64_t tide_cgroup_get_u64(const struct tide_cgroup *cg, const char *file);
/* The number behind a key of memory.stat, memory.events and the like. */
uint64_t tide_cgroup_key(const struct tide_cgroup *cg, const char *file, const char *key);
/* Moves the calling process. NULL: to the root. */
void tide_cgroup_enter(const struct tide_cgroup *cg);
void tide_cgroup_destroy(struct tide_cgroup *cg);

#endif
