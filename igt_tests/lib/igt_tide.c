// SPDX-License-Identifier: MIT
/* Ioctls of the tide driver. */

#include "igt.h"
#include "igt_syncobj.h"
#include "igt_tide.h"

#include <poll.h>

/* Device */

static bool node_is_tide(const char *path)
{
	char name[16] = "";
	drm_version_t version = { .name = name, .name_len = sizeof(name) - 1 };
	int fd = open(path, O_RDWR | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return false;
	ret = drmIoctl(fd, DRM_IOCTL_VERSION, &version);
	close(fd);
	return !ret && !strcmp(name, "tide");
}

const char *__tide_node(bool primary)
{
	static char path[32];

	for (int i = 0; i < 64; i++) {
		if (primary)
			snprintf(path, sizeof(path), "/dev/dri/card%d", i);
		else
			snprintf(path, sizeof(path), "/dev/dri/renderD%d", 128 + i);
		if (node_is_tide(path))
			return path;
	}
	return NULL;
}

static int open_node(bool primary)
{
	const char *path = __tide_node(primary);
	int fd;

	igt_require_f(path, "no %s node of a tide device\n", primary ? "primary" : "render");
	fd = open(path, O_RDWR | O_CLOEXEC);
	igt_assert_fd(fd);
	return fd;
}

int tide_open_render(void)
{
	return open_node(false);
}

int tide_open_primary(void)
{
	return open_node(true);
}

int __tide_ioctl_once(int fd, unsigned long request, void *arg)
{
	return ioctl(fd, request, arg) ? -errno : 0;
}

int __tide_ioctl(int fd, unsigned long request, void *arg)
{
	return drmIoctl(fd, request, arg) ? -errno : 0;
}

struct drm_tide_info tide_info(int fd)
{
	struct drm_tide_info info = {};

	igt_assert_eq(__tide_ioctl(fd, DRM_IOCTL_TIDE_INFO, &info), 0);
	return info;
}

struct drm_tide_segment_info tide_segment_info(int fd, uint32_t segment)
{
	struct drm_tide_segment_info info = { .segment = segment };

	igt_assert_eq(__tide_ioctl(fd, DRM_IOCTL_TIDE_SEGMENT_INFO, &info), 0);
	return info;
}

uint64_t tide_usage(int fd)
{
	uint64_t usage = 0;

	for (uint32_t i = 0; i < tide_info(fd).segment_count; i++)
		usage += tide_segment_info(fd, i).usage;
	return usage;
}

/* Allocations */

int __tide_bo_create_in(int fd, uint64_t size, uint32_t segments, uint32_t *handle)
{
	struct drm_tide_bo_create create = { .size = size, .segments = segments };
	int ret = __tide_ioctl(fd, DRM_IOCTL_TIDE_BO_CREATE, &create);

	*handle = create.handle;
	return ret;
}

int __tide_bo_create(int fd, uint64_t size, uint32_t *handle)
{
	return __tide_bo_create_in(fd, size, 0, handle);
}

uint32_t tide_bo_create(int fd, uint64_t size)
{
	uint32_t handle;

	igt_assert_eq(__tide_bo_create(fd, size, &handle), 0);
	igt_assert(handle);
	return handle;
}

int __tide_bo_close(int fd, uint32_t handle)
{
	struct drm_gem_close arg = { .handle = handle };

	return __tide_ioctl(fd, DRM_IOCTL_GEM_CLOSE, &arg);
}

int __tide_bo_mmap_offset(int fd, uint32_t handle, uint64_t *offset)
{
	struct drm_tide_bo_mmap_offset arg = { .handle = handle };
	int ret = __tide_ioctl(fd, DRM_IOCTL_TIDE_BO_MMAP_OFFSET, &arg);

	*offset = arg.offset;
	return ret;
}

uint64_t tide_bo_mmap_offset(int fd, uint32_t handle)
{
	uint64_t offset;

	igt_assert_eq(__tide_bo_mmap_offset(fd, handle, &offset), 0);
	return offset;
}

void *tide_bo_map_range(int fd, uint32_t handle, uint64_t offset, size_t length)
{
	void *ptr = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			 tide_bo_mmap_offset(fd, handle) + offset);

	igt_assert_f(ptr != MAP_FAILED, "mmap: %s\n", strerror(errno));
	return ptr;
}

void *tide_bo_map(int fd, uint32_t handle, size_t size)
{
	return tide_bo_map_range(fd, handle, 0, size);
}

int __tide_bo_info(int fd, uint32_t handle, struct drm_tide_bo_info *info)
{
	memset(info, 0, sizeof(*info));
	info->handle = handle;
	return __tide_ioctl(fd, DRM_IOCTL_TIDE_BO_INFO, info);
}

struct drm_tide_bo_info tide_bo_info(int fd, uint32_t handle)
{
	struct drm_tide_bo_info info;

	igt_assert_eq(__tide_bo_info(fd, handle, &info), 0);
	return info;
}

uint32_t tide_bo_flags(int fd, uint32_t handle)
{
	return tide_bo_info(fd, handle).flags;
}

int __tide_prime_export(int fd, uint32_t handle, int *dmabuf)
{
	struct drm_prime_handle arg = {
		.handle = handle,
		.flags = DRM_CLOEXEC | DRM_RDWR,
		.fd = -1,
	};
	int ret = __tide_ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &arg);

	*dmabuf = arg.fd;
	return ret;
}

int __tide_prime_import(int fd, int dmabuf, uint32_t *handle)
{
	struct drm_prime_handle arg = { .fd = dmabuf };
	int ret = __tide_ioctl(fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &arg);

	*handle = arg.handle;
	return ret;
}

int __tide_flink(int fd, uint32_t handle, uint32_t *name)
{
	struct drm_gem_flink arg = { .handle = handle };
	int ret = __tide_ioctl(fd, DRM_IOCTL_GEM_FLINK, &arg);

	*name = arg.name;
	return ret;
}

/* Paging queues */

int __tide_queue_create(int fd, struct tide_queue *queue)
{
	struct drm_tide_queue_create create = {};
	int ret = __tide_ioctl(fd, DRM_IOCTL_TIDE_QUEUE_CREATE, &create);

	queue->id = create.queue;
	queue->syncobj = create.syncobj;
	return ret;
}

struct tide_queue tide_queue_create(int fd)
{
	struct tide_queue queue;

	igt_assert_eq(__tide_queue_create(fd, &queue), 0);
	igt_assert(queue.id);
	igt_assert(queue.syncobj);
	return queue;
}

int __tide_queue_destroy(int fd, uint32_t id)
{
	struct drm_tide_queue_destroy destroy = { .queue = id };

	return __tide_ioctl(fd, DRM_IOCTL_TIDE_QUEUE_DESTROY, &destroy);
}

void tide_queue_destroy(int fd, struct tide_queue *queue)
{
	igt_assert_eq(__tide_queue_destroy(fd, queue->id), 0);
	syncobj_destroy(fd, queue->syncobj);
	queue->id = queue->syncobj = 0;
}

int __tide_queue_info(int fd, uint32_t id, uint64_t value, struct drm_tide_queue_info *info)
{
	memset(info, 0, sizeof(*info));
	info->queue = id;
	info->value = value;
	return __tide_ioctl(fd, DRM_IOCTL_TIDE_QUEUE_INFO, info);
}

struct drm_tide_queue_info tide_queue_info(int fd, uint32_t id, uint64_t value)
{
	struct drm_tide_queue_info info;

	igt_assert_eq(__tide_queue_info(fd, id, value, &info), 0);
	return info;
}

int64_t tide_deadline(int64_t timeout_ns)
{
	struct timespec now;

	igt_assert_eq(clock_gettime(CLOCK_MONOTONIC, &now), 0);
	return now.tv_sec * (int64_t)NSEC_PER_SEC + now.tv_nsec + timeout_ns;
}

int __tide_point_wait(int fd, uint32_t syncobj, uint64_t point, int64_t timeout_ns)
{
	return syncobj_timeline_wait_err(fd, &syncobj, &point, 1,
					 timeout_ns ? tide_deadline(timeout_ns) : 0,
					 DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT);
}

bool tide_point_signalled(int fd, uint32_t syncobj, uint64_t point)
{
	int ret = __tide_point_wait(fd, syncobj, point, 0);

	igt_assert_f(ret == 0 || ret == -ETIME, "timeline wait: %s\n", strerror(-ret));
	return ret == 0;
}

void tide_point_wait(int fd, uint32_t syncobj, uint64_t point)
{
	igt_assert_eq(__tide_point_wait(fd, syncobj, point, TIDE_LIVENESS_S * NSEC_PER_SEC), 0);
}

void tide_queue_wait(int fd, const struct tide_queue *queue, uint64_t value)
{
	tide_point_wait(fd, queue->syncobj, value);
}

/* Offer, reclaim, residency */

int __tide_offer_flags(int fd, const uint32_t *handles, uint32_t count, uint32_t priority,
		       uint32_t flags, uint32_t *bad_index)
{
	struct drm_tide_offer offer = {
		.handles = (uintptr_t)handles,
		.count = count,
		.priority = priority,
		.flags = flags,
	};
	int ret = __tide_ioctl(fd, DRM_IOCTL_TIDE_OFFER, &offer);

	if (bad_index)
		*bad_index = offer.bad_index;
	return ret;
}

int __tide_offer(int fd, const uint32_t *handles, uint32_t count, uint32_t priority,
		 uint32_t *bad_index)
{
	return __tide_offer_flags(fd, handles, count, priority, 0, bad_index);
}

void tide_offer(int fd, const uint32_t *handles, uint32_t count, uint32_t priority)
{
	igt_assert_eq(__tide_offer(fd, handles, count, priority, NULL), 0);
}

void tide_offer_one(int fd, uint32_t handle, uint32_t priority)
{
	tide_offer(fd, &handle, 1, priority);
}

int __tide_reclaim(int fd, uint32_t queue, const uint32_t *handles, uint32_t *results,
		   uint32_t count, uint64_t *value, uint32_t *bad_index)
{
	struct drm_tide_reclaim reclaim = {
		.handles = (uintptr_t)handles,
		.results = (uintptr_t)results,
		.count = count,
		.queue = queue,
	};
	int ret = __tide_ioctl(fd, DRM_IOCTL_TIDE_RECLAIM, &reclaim);

	if (value)
		*value = reclaim.value;
	if (bad_index)
		*bad_index = reclaim.bad_index;
	return ret;
}

uint64_t tide_reclaim(int fd, uint32_t queue, const uint32_t *handles, uint32_t *results,
		      uint32_t count)
{
	uint64_t value;

	igt_assert_eq(__tide_reclaim(fd, queue, handles, results, count, &value, NULL), 0);
	igt_assert(value);
	return value;
}

uint32_t tide_reclaim_one(int fd, uint32_t queue, uint32_t handle)
{
	uint32_t result = 0xdeadbeef;

	tide_reclaim(fd, queue, &handle, &result, 1);
	igt_assert_lte_u32(result, DRM_TIDE_RECLAIM_NOT_COMMITTED);
	return result;
}

int __tide_make_resident_args(int fd, uint32_t queue, const uint32_t *handles, uint32_t count,
			      uint32_t flags, struct drm_tide_make_resident *args)
{
	*args = (struct drm_tide_make_resident){
		.handles = (uintptr_t)handles,
		.count = count,
		.queue = queue,
		.flags = flags,
	};
	return __tide_ioctl(fd, DRM_IOCTL_TIDE_MAKE_RESIDENT, args);
}

int __tide_make_resident(int fd, uint32_t queue, const uint32_t *handles, uint32_t count,
			 uint64_t *value, uint32_t *bad_index)
{
	struct drm_tide_make_resident args;
	int ret = __tide_make_resident_args(fd, queue, handles, count,
					    DRM_TIDE_MAKE_RESIDENT_MUST_SUCCEED, &args);

	if (value)
		*value = args.value;
	if (bad_index)
		*bad_index = args.bad_index;
	return ret;
}

uint64_t tide_make_resident(int fd, uint32_t queue, const uint32_t *handles, uint32_t count)
{
	uint64_t value;

	igt_assert_eq(__tide_make_resident(fd, queue, handles, count, &value, NULL), 0);
	igt_assert(value);
	return value;
}

void tide_make_resident_one(int fd, const struct tide_queue *queue, uint32_t handle)
{
	tide_queue_wait(fd, queue, tide_make_resident(fd, queue->id, &handle, 1));
}

int __tide_evict_flags(int fd, const uint32_t *handles, uint32_t count, uint32_t flags,
		       uint32_t *bad_index)
{
	struct drm_tide_evict evict = {
		.handles = (uintptr_t)handles,
		.count = count,
		.flags = flags,
	};
	int ret = __tide_ioctl(fd, DRM_IOCTL_TIDE_EVICT, &evict);

	if (bad_index)
		*bad_index = evict.bad_index;
	return ret;
}

int __tide_evict(int fd, const uint32_t *handles, uint32_t count, uint32_t *bad_index)
{
	return __tide_evict_flags(fd, handles, count, 0, bad_index);
}

void tide_evict(int fd, const uint32_t *handles, uint32_t count)
{
	igt_assert_eq(__tide_evict(fd, handles, count, NULL), 0);
}

void tide_evict_one(int fd, uint32_t handle)
{
	tide_evict(fd, &handle, 1);
}

/* Budgets */

struct drm_tide_budget tide_budget(int fd, uint32_t segment)
{
	struct drm_tide_budget budget = { .segment = segment };

	igt_assert_eq(__tide_ioctl(fd, DRM_IOCTL_TIDE_BUDGET, &budget), 0);
	return budget;
}

int __tide_reserve(int fd, uint32_t segment, uint64_t bytes)
{
	struct drm_tide_reserve reserve = { .segment = segment, .bytes = bytes };

	return __tide_ioctl(fd, DRM_IOCTL_TIDE_RESERVE, &reserve);
}

int __tide_suspend(int fd, uint64_t client)
{
	struct drm_tide_suspend suspend = { .client = client };

	return __tide_ioctl(fd, DRM_IOCTL_TIDE_SUSPEND, &suspend);
}

bool tide_read_trim(int fd, int timeout_ms, struct drm_tide_event_trim *event)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };
	int ready = poll(&pollfd, 1, timeout_ms);

	igt_assert_lte(0, ready);
	if (!ready)
		return false;
	igt_assert_eq(pollfd.revents, POLLIN);
	igt_assert_eq(read(fd, event, sizeof(*event)), sizeof(*event));
	igt_assert_eq_u32(event->base.type, DRM_TIDE_EVENT_TRIM);
	igt_assert_eq_u32(event->base.length, sizeof(*event));
	igt_assert_eq_u32(event->pad, 0);
	return true;
}
