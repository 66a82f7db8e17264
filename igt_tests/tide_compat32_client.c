// SPDX-License-Identifier: MIT
/*
 * A 32-bit client: every ioctl by itself, with no library but libc. Built with
 * -m32, run by tide_compat32. Prints what went wrong.
 *
 * usage: tide_compat32_client CASE, or `layout` for the structs' layout
 */

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "tide_compat32_layout.h"

_Static_assert(sizeof(void *) == 4, "this is to be a 32-bit program");

#define PAGE 4096u
#define SIZE (16 * PAGE)

#define fail(...)                                                                      \
	do {                                                                           \
		printf("line %d: ", __LINE__);                                         \
		printf(__VA_ARGS__);                                                   \
		putchar('\n');                                                         \
		exit(1);                                                               \
	} while (0)
#define check(cond)                                                                    \
	do {                                                                           \
		if (!(cond))                                                           \
			fail("%s (%s)", #cond, strerror(errno));                       \
	} while (0)

static int fd;

static int call(unsigned long request, void *arg)
{
	int ret;

	do
		ret = ioctl(fd, request, arg);
	while (ret && (errno == EINTR || errno == EAGAIN));
	return ret ? -errno : 0;
}

static uint32_t create(void)
{
	struct drm_tide_bo_create arg = { .size = SIZE - 1 };

	check(call(DRM_IOCTL_TIDE_BO_CREATE, &arg) == 0);
	check(arg.actual_size == SIZE);
	check(arg.handle);
	return arg.handle;
}

static uint32_t *map(uint32_t handle)
{
	struct drm_tide_bo_mmap_offset arg = { .handle = handle };
	void *ptr;

	check(call(DRM_IOCTL_TIDE_BO_MMAP_OFFSET, &arg) == 0);
	/* the offset does not fit into 32 bits */
	ptr = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)arg.offset);
	check(ptr != MAP_FAILED);
	return ptr;
}

static struct drm_tide_bo_info info(uint32_t handle)
{
	struct drm_tide_bo_info arg = { .handle = handle };

	check(call(DRM_IOCTL_TIDE_BO_INFO, &arg) == 0);
	check(arg.size == SIZE);
	return arg;
}

static struct drm_tide_queue_create queue_create(void)
{
	struct drm_tide_queue_create arg = {};

	check(call(DRM_IOCTL_TIDE_QUEUE_CREATE, &arg) == 0);
	check(arg.queue && arg.syncobj);
	return arg;
}

static void wait_point(uint32_t syncobj, uint64_t point)
{
	struct drm_syncobj_timeline_wait arg = {
		.handles = (uintptr_t)&syncobj,
		.points = (uintptr_t)&point,
		.timeout_nsec = INT64_MAX,
		.count_handles = 1,
		.flags = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT,
	};

	check(call(DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &arg) == 0);
}

static uint64_t make_resident(uint32_t queue, uint32_t *handles, uint32_t count)
{
	struct drm_tide_make_resident arg = {
		.handles = (uintptr_t)handles,
		.count = count,
		.queue = queue,
	};

	check(call(DRM_IOCTL_TIDE_MAKE_RESIDENT, &arg) == 0);
	check(arg.value);
	return arg.value;
}

static void run_info(void)
{
	struct drm_tide_info limits = {};
	struct drm_tide_segment_info segment = {};

	check(call(DRM_IOCTL_TIDE_INFO, &limits) == 0);
	check(limits.uapi_version >= 1);
	check(limits.max_handles >= 65536);
	check(limits.max_delay_ns > limits.job_timeout_ms * 1000000ull);
	check(call(DRM_IOCTL_TIDE_SEGMENT_INFO, &segment) == 0);
	check(segment.size >= segment.usage);
	segment.segment = limits.segment_count;
	check(call(DRM_IOCTL_TIDE_SEGMENT_INFO, &segment) == -EINVAL);
}

static void run_create(void)
{
	struct drm_tide_bo_create arg = { .size = UINT64_MAX };

	create();
	check(call(DRM_IOCTL_TIDE_BO_CREATE, &arg) == -E2BIG);
	arg.size = 0x100000000000ull; /* 0 in 32 bits */
	check(call(DRM_IOCTL_TIDE_BO_CREATE, &arg) == -ENOMEM);
}

static void run_mmap(void)
{
	uint32_t handle = create(), *ptr = map(handle);

	for (unsigned int i = 0; i < SIZE / 4; i++)
		check(ptr[i] == 0);
	for (unsigned int i = 0; i < SIZE / 4; i++)
		ptr[i] = i * 7;
	check(info(handle).present == SIZE);
	ptr = map(handle);
	for (unsigned int i = 0; i < SIZE / 4; i++)
		check(ptr[i] == i * 7);
}

static void run_queue(void)
{
	struct drm_tide_queue_create queue = queue_create();
	struct drm_tide_queue_info ask = { .queue = queue.queue };
	struct drm_tide_queue_destroy destroy = { .queue = queue.queue };
	uint32_t handle = create();
	uint64_t value = make_resident(queue.queue, &handle, 1);

	wait_point(queue.syncobj, value);
	ask.value = value;
	check(call(DRM_IOCTL_TIDE_QUEUE_INFO, &ask) == 0);
	check(ask.last == value && ask.completed == value && !ask.error);
	ask.value = value + 1;
	check(call(DRM_IOCTL_TIDE_QUEUE_INFO, &ask) == -EINVAL);
	check(call(DRM_IOCTL_TIDE_QUEUE_DESTROY, &destroy) == 0);
	check(call(DRM_IOCTL_TIDE_QUEUE_DESTROY, &destroy) == -ENOENT);
}

static void run_residency(void)
{
	struct drm_tide_queue_create queue = queue_create();
	uint32_t handles[3] = { create(), create(), create() };
	struct drm_tide_evict evict = { .handles = (uintptr_t)handles, .count = 3 };
	uint64_t value = make_resident(queue.queue, handles, 3);

	wait_point(queue.syncobj, value);
	for (int i = 0; i < 3; i++) {
		check(info(handles[i]).residency_count == 1);
		check(info(handles[i]).flags == DRM_TIDE_BO_RESIDENT);
	}
	evict.count = 2;
	check(call(DRM_IOCTL_TIDE_EVICT, &evict) == 0);
	evict.handles = (uintptr_t)&handles[1];
	check(call(DRM_IOCTL_TIDE_EVICT, &evict) == -ERANGE);
	check(evict.bad_index == 0);
	check(info(handles[2]).residency_count == 1);
}

static void run_offer(void)
{
	struct drm_tide_queue_create queue = queue_create();
	uint32_t handles[3] = { create(), create(), create() }, results[4] = { 9, 9, 9, 9 };
	struct drm_tide_offer offer = {
		.handles = (uintptr_t)handles,
		.count = 3,
		.priority = DRM_TIDE_PRIORITY_NORMAL,
	};
	struct drm_tide_reclaim reclaim = {
		.handles = (uintptr_t)handles,
		.results = (uintptr_t)results,
		.count = 3,
		.queue = queue.queue,
	};

	for (int i = 0; i < 3; i++)
		map(handles[i])[5] = i + 100;
	check(call(DRM_IOCTL_TIDE_OFFER, &offer) == 0);
	for (int i = 0; i < 3; i++) {
		check(info(handles[i]).flags == DRM_TIDE_BO_OFFERED);
		check(info(handles[i]).priority == DRM_TIDE_PRIORITY_NORMAL);
	}
	check(call(DRM_IOCTL_TIDE_RECLAIM, &reclaim) == 0);
	check(reclaim.value);
	for (int i = 0; i < 3; i++) {
		check(results[i] == DRM_TIDE_RECLAIM_OK);
		check(map(handles[i])[5] == (uint32_t)i + 100);
	}
	check(results[3] == 9);

	/* pointers are 64 bits wide, whoever passes them */
	offer.handles |= 1ull << 40;
	check(call(DRM_IOCTL_TIDE_OFFER, &offer) == -EFAULT);
	check(offer.bad_index == DRM_TIDE_NO_INDEX);
	offer.handles = (uintptr_t)handles;
	handles[2] = 0xfffff;
	check(call(DRM_IOCTL_TIDE_OFFER, &offer) == -ENOENT);
	check(offer.bad_index == 2);
	check(info(handles[0]).flags == 0);
}

static void run_flink(void)
{
	uint32_t handle = create();
	struct drm_tide_offer offer = {
		.handles = (uintptr_t)&handle,
		.count = 1,
		.priority = DRM_TIDE_PRIORITY_NORMAL,
	};
	struct drm_gem_flink flink = { .handle = handle }, named = { .handle = create() };

	check(call(DRM_IOCTL_TIDE_OFFER, &offer) == 0);
	check(call(DRM_IOCTL_GEM_FLINK, &flink) == -EBUSY);
	check(call(DRM_IOCTL_GEM_FLINK, &named) == 0);
	check(named.name);
	check(info(named.handle).flags == DRM_TIDE_BO_EXPORTED);
}

static void run_submit(void)
{
	struct drm_tide_queue_create queue = queue_create();
	uint32_t handles[2] = { create(), create() };
	struct drm_syncobj_create done = {};
	struct drm_tide_submit_bo bos[2] = {
		{ handles[0], DRM_TIDE_SUBMIT_WRITE | DRM_TIDE_SUBMIT_READ },
		{ handles[1], DRM_TIDE_SUBMIT_WRITE },
	};
	struct drm_tide_command commands[3] = {
		{ .op = DRM_TIDE_CMD_FILL, .pattern = 0x01020304, .dst_offset = 1,
		  .length = SIZE - 1 },
		{ .op = DRM_TIDE_CMD_DELAY, .length = 1000 },
		{ .op = DRM_TIDE_CMD_COPY, .dst = 1, .src = 0, .src_offset = 1,
		  .length = SIZE - 1 },
	};
	struct drm_tide_sync wait = { .handle = queue.syncobj }, signal = { .point = 3 };
	struct drm_tide_submit submit = {
		.bos = (uintptr_t)bos,
		.commands = (uintptr_t)commands,
		.waits = (uintptr_t)&wait,
		.signals = (uintptr_t)&signal,
		.bo_count = 2,
		.command_count = 3,
		.wait_count = 1,
		.signal_count = 1,
	};
	uint32_t *ptr;

	check(call(DRM_IOCTL_SYNCOBJ_CREATE, &done) == 0);
	signal.handle = done.handle;
	wait.point = make_resident(queue.queue, handles, 2);
	check(call(DRM_IOCTL_TIDE_SUBMIT, &submit) == 0);
	wait_point(done.handle, 3);
	ptr = map(handles[1]);
	for (unsigned int i = 0; i < SIZE / 4 - 1; i++)
		check(ptr[i] == 0x01020304);
	check(ptr[SIZE / 4 - 1] == 0x00020304);

	commands[2].length = 1ull << 32;
	check(call(DRM_IOCTL_TIDE_SUBMIT, &submit) == -ERANGE);
	check(submit.bad_list == DRM_TIDE_LIST_COMMANDS && submit.bad_index == 2);
}

static void run_budget(void)
{
	struct drm_tide_queue_create queue = queue_create();
	struct drm_tide_budget budget = {};
	struct drm_tide_reserve reserve = { .bytes = PAGE };
	struct drm_tide_suspend suspend = {};
	struct drm_tide_event_trim event = {};
	uint32_t handle = create();
	struct drm_tide_make_resident arg = {
		.handles = (uintptr_t)&handle,
		.count = 1,
		.queue = queue.queue,
		.flags = DRM_TIDE_MAKE_RESIDENT_CANT_TRIM,
	};

	check(call(DRM_IOCTL_TIDE_MAKE_RESIDENT, &arg) == 0);
	check(arg.taken == 1 && arg.trim_bytes == 0);
	wait_point(queue.syncobj, arg.value);
	budget.segment = info(handle).segment;
	reserve.segment = info(handle).segment;
	check(call(DRM_IOCTL_TIDE_BUDGET, &budget) == 0);
	check(budget.usage == SIZE && budget.budget >= SIZE && budget.reservation == 0);
	check(call(DRM_IOCTL_TIDE_RESERVE, &reserve) == 0);
	check(call(DRM_IOCTL_TIDE_BUDGET, &budget) == 0);
	check(budget.reservation == PAGE && budget.available >= PAGE);
	reserve.bytes = 1ull << 40; /* 0 in 32 bits */
	check(call(DRM_IOCTL_TIDE_RESERVE, &reserve) == -ENOSPC);
	check(call(DRM_IOCTL_TIDE_SUSPEND, &suspend) == 0);
	check(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
	check(read(fd, &event, sizeof(event)) == -1 && errno == EAGAIN);
}

static void print_layout(void)
{
	char text[LAYOUT_SIZE];

	layout(text);
	fputs(text, stdout);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} cases[] = {
		{ "info", run_info },	    { "create", run_create }, { "mmap", run_mmap },
		{ "queue", run_queue },	    { "residency", run_residency },
		{ "budget", run_budget },
		{ "offer", run_offer },	    { "submit", run_submit },   { "flink", run_flink },
		{ "layout", print_layout },
	};

	check(argc == 3);
	if (strcmp(argv[2], "layout")) {
		fd = open(argv[1], O_RDWR);
		check(fd >= 0);
	}
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (!strcmp(cases[i].name, argv[2])) {
			cases[i].run();
			return 0;
		}
	}
	fail("no case %s", argv[2]);
}
