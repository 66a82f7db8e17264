// SPDX-License-Identifier: MIT
/**
 * TEST: tide paging
 * Description: Paging queues and the fences on their timelines.
 */

#include "igt.h"
#include "igt_syncobj.h"
#include "igt_tide.h"
#include "igt_tide_pressure.h"

#include <poll.h>
#include <sys/eventfd.h>

IGT_TEST_DESCRIPTION("Paging queues and their fences");

#define SIZE TIDE_KIB(256)
#define BIG  TIDE_MIB(32)

#define LIVENESS_NS ((int64_t)(TIDE_LIVENESS_S * NSEC_PER_SEC))
#define FOR_SUBMIT  DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT

/* A page-in that takes its time, on an allocation of its own. */
static uint64_t start_page_in(int fd, uint32_t queue, uint64_t size, uint32_t *bo)
{
	*bo = tide_bo_create(fd, size);
	return tide_make_resident(fd, queue, bo, 1);
}

/* Values */

static void test_values_grow(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint64_t first = tide_queue_info(fd, queue.id, 0).last, last = first, value, point;
	uint32_t bos[16], result;

	igt_assert_lt_u64(0, first);
	for (int i = 0; i < 16; i++) {
		value = start_page_in(fd, queue.id, SIZE, &bos[i]);
		igt_assert_lt_u64(last, value);
		last = value;
		igt_assert_eq_u64(tide_queue_info(fd, queue.id, 0).last, last);
		/* where there is nothing to do, one that is over */
		value = tide_reclaim(fd, queue.id, &bos[i], &result, 1);
		igt_assert(value > last || tide_point_signalled(fd, queue.syncobj, value));
		last = max(value, last);
	}
	tide_queue_wait(fd, &queue, last);
	igt_assert_eq_u64(tide_queue_info(fd, queue.id, 0).completed, last);
	syncobj_timeline_query(fd, &queue.syncobj, &point, 1);
	igt_assert_eq_u64(point, last);
	for (int i = 0; i < 16; i++)
		gem_close(fd, bos[i]);
	tide_queue_destroy(fd, &queue);
}

static void test_first_point(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	struct drm_tide_queue_info info = tide_queue_info(fd, queue.id, 0);
	uint64_t point = 0;

	syncobj_timeline_query(fd, &queue.syncobj, &point, 1);
	igt_assert_lt_u64(0, point);
	igt_assert_eq_u64(info.completed, point);
	igt_assert_eq_u64(info.last, point);
	igt_assert_eq_u32(info.error, 0);
	igt_assert_eq_u64(tide_queue_info(fd, queue.id, point).error, 0);
	igt_assert(tide_point_signalled(fd, queue.syncobj, point));
	igt_assert(!tide_point_signalled(fd, queue.syncobj, point + 1));
	tide_queue_destroy(fd, &queue);
}

static void test_in_order(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint64_t values[24], done, before = 0;
	uint32_t bos[24];
	bool over = false;

	for (int i = 0; i < 24; i++)
		values[i] = start_page_in(fd, queue.id, i % 4 ? TIDE_PAGE : TIDE_MIB(4), &bos[i]);
	while (!over) {
		struct drm_tide_queue_info info = tide_queue_info(fd, queue.id, 0);

		done = 0;
		/* from the last to the first: what is before a signalled one is signalled */
		for (int i = 23; i >= 0; i--) {
			bool signalled = tide_point_signalled(fd, queue.syncobj, values[i]);

			igt_assert(signalled || !done);
			if (signalled && !done)
				done = values[i];
			if (signalled && i == 23)
				over = true;
			igt_assert(signalled || info.completed < values[i]);
		}
		igt_assert_lte_u64(before, info.completed);
		before = info.completed;
	}
	for (int i = 0; i < 24; i++)
		gem_close(fd, bos[i]);
	tide_queue_destroy(fd, &queue);
}

/* Seen at least once, as the first queue may be the faster one at times. */
static void test_independent(int fd)
{
	struct tide_queue slow = tide_queue_create(fd), quick = tide_queue_create(fd);
	uint32_t big, small;
	uint64_t a, b;
	int overtaken = 0;

	for (int i = 0; i < 8; i++) {
		a = start_page_in(fd, slow.id, BIG, &big);
		b = start_page_in(fd, quick.id, TIDE_PAGE, &small);
		tide_queue_wait(fd, &quick, b);
		overtaken += !tide_point_signalled(fd, slow.syncobj, a);
		tide_queue_wait(fd, &slow, a);
		gem_close(fd, big);
		gem_close(fd, small);
	}
	igt_assert_lt(0, overtaken);
	tide_queue_destroy(fd, &slow);
	tide_queue_destroy(fd, &quick);
}

static void test_queue_of_client(int fd)
{
	int other = tide_open_render();
	struct tide_queue queue = tide_queue_create(fd);
	struct drm_tide_queue_info info;
	uint32_t bo = tide_bo_create(other, SIZE), bad = 5, result;
	uint64_t value;

	igt_assert_eq(__tide_queue_info(other, queue.id, 0, &info), -ENOENT);
	igt_assert_eq(__tide_queue_destroy(other, queue.id), -ENOENT);
	igt_assert_eq(__tide_make_resident(other, queue.id, &bo, 1, &value, &bad), -ENOENT);
	igt_assert_eq_u32(bad, DRM_TIDE_NO_INDEX);
	bad = 5;
	igt_assert_eq(__tide_reclaim(other, queue.id, &bo, &result, 1, &value, &bad), -ENOENT);
	igt_assert_eq_u32(bad, DRM_TIDE_NO_INDEX);
	igt_assert_eq_u32(tide_bo_info(other, bo).residency_count, 0);
	close(other);
	tide_queue_info(fd, queue.id, 0);
	tide_queue_destroy(fd, &queue);
}

/* E2: whatever takes a syncobj */

static void test_timeline_wait(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint64_t value, later;
	uint32_t bo;

	value = start_page_in(fd, queue.id, BIG, &bo);
	igt_assert_eq(__tide_point_wait(fd, queue.syncobj, value, LIVENESS_NS), 0);
	igt_assert(tide_bo_flags(fd, bo) & DRM_TIDE_BO_RESIDENT);
	/* a value that was never returned does not come */
	later = value + 100;
	igt_assert_eq(__tide_point_wait(fd, queue.syncobj, later, 20 * NSEC_PER_MSEC), -ETIME);
	/* the other flag of the call: until there is a fence */
	gem_close(fd, bo);
	value = start_page_in(fd, queue.id, BIG, &bo);
	igt_assert_eq(syncobj_timeline_wait_err(fd, &queue.syncobj, &value, 1,
						tide_deadline(LIVENESS_NS),
						DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE |
						FOR_SUBMIT), 0);
	tide_queue_wait(fd, &queue, value);
	gem_close(fd, bo);
	tide_queue_destroy(fd, &queue);
}

static void test_wait_all_any(int fd)
{
	struct tide_queue queues[4];
	uint32_t syncobjs[5], bos[4], first;
	uint64_t values[5];

	for (int i = 0; i < 4; i++) {
		queues[i] = tide_queue_create(fd);
		values[i] = start_page_in(fd, queues[i].id, TIDE_MIB(8), &bos[i]);
		syncobjs[i] = queues[i].syncobj;
	}
	/* any of them, with one among them that never comes */
	syncobjs[4] = syncobj_create(fd, 0);
	values[4] = 1;
	first = 99;
	igt_assert(syncobj_timeline_wait(fd, syncobjs, values, 5, tide_deadline(LIVENESS_NS),
					 FOR_SUBMIT, &first));
	igt_assert_lte_u32(first, 3);
	igt_assert(tide_bo_flags(fd, bos[first]) & DRM_TIDE_BO_RESIDENT);
	/* all */
	igt_assert(syncobj_timeline_wait(fd, syncobjs, values, 4, tide_deadline(LIVENESS_NS),
					 FOR_SUBMIT | DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL, NULL));
	for (int i = 0; i < 4; i++)
		igt_assert(tide_bo_flags(fd, bos[i]) & DRM_TIDE_BO_RESIDENT);
	/* all, but one never comes */
	igt_assert_eq(syncobj_timeline_wait_err(fd, syncobjs, values, 5,
						tide_deadline(20 * NSEC_PER_MSEC),
						FOR_SUBMIT | DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL),
		      -ETIME);
	for (int i = 0; i < 4; i++) {
		gem_close(fd, bos[i]);
		tide_queue_destroy(fd, &queues[i]);
	}
	syncobj_destroy(fd, syncobjs[4]);
}

/* The old wait, which knows no points, waits for the last one that is there. */
static void test_binary_wait(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint64_t value;
	uint32_t bo;

	value = start_page_in(fd, queue.id, SIZE, &bo);
	tide_queue_wait(fd, &queue, value);
	igt_assert(syncobj_wait(fd, &queue.syncobj, 1, tide_deadline(LIVENESS_NS), FOR_SUBMIT,
				NULL));
	gem_close(fd, bo);
	tide_queue_destroy(fd, &queue);
}

static void test_transfer(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bo, binary = syncobj_create(fd, 0), timeline = syncobj_create(fd, 0);
	struct drm_syncobj_transfer transfer = {};
	uint64_t value;
	struct pollfd file = { .events = POLLIN };

	/* to a binary one, and from there to a sync_file; the point may come late */
	value = start_page_in(fd, queue.id, TIDE_MIB(8), &bo);
	syncobj_timeline_to_binary(fd, binary, queue.syncobj, value, FOR_SUBMIT);
	file.fd = syncobj_handle_to_fd(fd, binary,
				       DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE);
	igt_assert_eq(poll(&file, 1, TIDE_LIVENESS_S * 1000), 1);
	igt_assert(tide_bo_flags(fd, bo) & DRM_TIDE_BO_RESIDENT);
	close(file.fd);
	gem_close(fd, bo);

	/* to a point of another timeline */
	value = start_page_in(fd, queue.id, TIDE_MIB(8), &bo);
	transfer.src_handle = queue.syncobj;
	transfer.src_point = value;
	transfer.dst_handle = timeline;
	transfer.dst_point = 1000;
	transfer.flags = FOR_SUBMIT;
	do_or_die(drmIoctl(fd, DRM_IOCTL_SYNCOBJ_TRANSFER, &transfer));
	tide_point_wait(fd, timeline, 1000);
	igt_assert(tide_bo_flags(fd, bo) & DRM_TIDE_BO_RESIDENT);
	gem_close(fd, bo);
	syncobj_destroy(fd, binary);
	syncobj_destroy(fd, timeline);
	tide_queue_destroy(fd, &queue);
}

static void test_eventfd(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	struct pollfd event = { .fd = eventfd(0, EFD_CLOEXEC), .events = POLLIN };
	uint64_t value, last, ignored;
	uint32_t bo;

	igt_assert_fd(event.fd);
	/* before there is work, for the value that will be returned */
	last = tide_queue_info(fd, queue.id, 0).last;
	syncobj_eventfd(fd, queue.syncobj, last + 1, 0, event.fd);
	igt_assert_eq(poll(&event, 1, 0), 0);
	value = start_page_in(fd, queue.id, TIDE_MIB(8), &bo);
	igt_assert_eq_u64(value, last + 1);
	igt_assert_eq(poll(&event, 1, TIDE_LIVENESS_S * 1000), 1);
	igt_assert(tide_bo_flags(fd, bo) & DRM_TIDE_BO_RESIDENT);
	igt_assert_eq(read(event.fd, &ignored, 8), 8);
	gem_close(fd, bo);
	/* while it is under way */
	value = start_page_in(fd, queue.id, TIDE_MIB(8), &bo);
	syncobj_eventfd(fd, queue.syncobj, value, 0, event.fd);
	igt_assert_eq(poll(&event, 1, TIDE_LIVENESS_S * 1000), 1);
	igt_assert(tide_bo_flags(fd, bo) & DRM_TIDE_BO_RESIDENT);
	igt_assert_eq(read(event.fd, &ignored, 8), 8);
	/* after it */
	syncobj_eventfd(fd, queue.syncobj, value, 0, event.fd);
	igt_assert_eq(poll(&event, 1, TIDE_LIVENESS_S * 1000), 1);
	close(event.fd);
	gem_close(fd, bo);
	tide_queue_destroy(fd, &queue);
}

static void test_export_import(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	int other = tide_open_render();
	int file = syncobj_handle_to_fd(fd, queue.syncobj, 0);
	uint32_t theirs = syncobj_fd_to_handle(other, file, 0), bo;
	uint64_t value;

	close(file);
	value = start_page_in(fd, queue.id, TIDE_MIB(8), &bo);
	tide_point_wait(other, theirs, value);
	igt_assert(tide_bo_flags(fd, bo) & DRM_TIDE_BO_RESIDENT);
	gem_close(fd, bo);
	/* another process waits */
	value = start_page_in(fd, queue.id, TIDE_MIB(8), &bo);
	igt_fork(child, 1)
		tide_point_wait(other, theirs, value);
	igt_waitchildren();
	igt_assert(tide_bo_flags(fd, bo) & DRM_TIDE_BO_RESIDENT);
	gem_close(fd, bo);
	close(other);
	tide_queue_destroy(fd, &queue);
}

/* A job waits for a paging fence of allocations that it does not name. */
static void test_job_waits(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bo, mark = tide_bo_create(fd, TIDE_PAGE);
	struct tide_job job = {};
	uint64_t value;

	tide_make_resident_one(fd, &queue, mark);
	value = start_page_in(fd, queue.id, BIG, &bo);
	tide_job_fill(&job, tide_job_bo(&job, mark, TIDE_WRITE), 0, 4, 0x11111111);
	tide_job_wait(&job, queue.syncobj, value);
	tide_submit_wait(fd, &job);
	igt_assert(tide_point_signalled(fd, queue.syncobj, value));
	igt_assert(tide_bo_flags(fd, bo) & DRM_TIDE_BO_RESIDENT);
	gem_close(fd, bo);
	gem_close(fd, mark);
	tide_queue_destroy(fd, &queue);
}

/* The same for a value that is yet to be returned: the call waits for its fence. */
static void test_job_waits_late(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint64_t next = tide_queue_info(fd, queue.id, 0).last + 1;
	uint32_t bo, done = syncobj_create(fd, 0);

	igt_fork(child, 1) {
		struct tide_job job = {};

		tide_job_wait(&job, queue.syncobj, next);
		tide_job_signal(&job, done, 0);
		tide_submit(fd, &job);
	}
	usleep(100000);
	igt_assert_eq(syncobj_wait_err(fd, &done, 1, 0, FOR_SUBMIT), -ETIME);
	igt_assert_eq_u64(start_page_in(fd, queue.id, SIZE, &bo), next);
	igt_waitchildren();
	igt_assert(syncobj_wait(fd, &done, 1, tide_deadline(LIVENESS_NS), FOR_SUBMIT, NULL));
	gem_close(fd, bo);
	syncobj_destroy(fd, done);
	tide_queue_destroy(fd, &queue);
}

/* E3: while the pages are on their way the point has no fence. */
static void test_no_early_fence(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint64_t value;
	int none = 0;

	for (int i = 0; i < 6; i++) {
		uint32_t bo;
		int ret;

		value = start_page_in(fd, queue.id, BIG, &bo);
		/* without wait-for-submit: EINVAL where there is no fence */
		ret = syncobj_timeline_wait_err(fd, &queue.syncobj, &value, 1, 0, 0);
		igt_assert(ret == 0 || ret == -ETIME || ret == -EINVAL);
		none += ret == -EINVAL;
		/* with a fence everything that it needs is there */
		igt_assert_eq(syncobj_timeline_wait_err(fd, &queue.syncobj, &value, 1,
							tide_deadline(LIVENESS_NS),
							DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE |
							FOR_SUBMIT), 0);
		igt_assert_eq_u64(tide_bo_info(fd, bo).present, BIG);
		gem_close(fd, bo);
	}
	igt_assert_lt(0, none);
	tide_queue_destroy(fd, &queue);
}

/* E4 */

static void test_destroy(int fd)
{
	uint64_t values[8], points[8];
	uint32_t bos[8], handles[8];

	for (int round = 0; round < 4; round++) {
		struct tide_queue queue = tide_queue_create(fd);

		for (int i = 0; i < 8; i++) {
			values[i] = start_page_in(fd, queue.id, TIDE_MIB(8), &bos[i]);
			handles[i] = queue.syncobj;
			points[i] = values[i];
		}
		if (round % 2)
			usleep(1000 * round);
		igt_assert_eq(__tide_queue_destroy(fd, queue.id), 0);
		/* not one of them is still to come */
		igt_assert(syncobj_timeline_wait(fd, handles, points, 8, 0,
						 DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL, NULL));
		igt_assert_eq(__tide_queue_destroy(fd, queue.id), -ENOENT);
		/* still on the list: another queue brings them in for a job */
		queue.id = 0;
		for (int i = 0; i < 8; i++) {
			struct tide_queue other = tide_queue_create(fd);

			igt_assert_eq_u32(tide_bo_info(fd, bos[i]).residency_count, 1);
			tide_make_resident_one(fd, &other, bos[i]);
			igt_assert(tide_bo_flags(fd, bos[i]) & DRM_TIDE_BO_RESIDENT);
			tide_queue_destroy(fd, &other);
			gem_close(fd, bos[i]);
		}
		syncobj_destroy(fd, queue.syncobj);
	}
}

static void test_syncobj_first(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bo = tide_bo_create(fd, TIDE_MIB(4));

	syncobj_destroy(fd, queue.syncobj);
	tide_make_resident(fd, queue.id, &bo, 1);
	tide_gpu_fill(fd, bo, 0, TIDE_MIB(4), 0x31323334);
	igt_assert_eq(__tide_queue_destroy(fd, queue.id), 0);
	gem_close(fd, bo);
}

/* The client goes away with page-ins under way: who shares the syncobj is not left waiting. */
static void test_client_goes(int fd)
{
	for (int i = 0; i < 4; i++) {
		int client = tide_open_render(), file;
		struct tide_queue queue = tide_queue_create(client);
		uint32_t bos[8], ours;
		uint64_t value = 0;

		for (int k = 0; k < 8; k++)
			value = start_page_in(client, queue.id, TIDE_MIB(4), &bos[k]);
		file = syncobj_handle_to_fd(client, queue.syncobj, 0);
		ours = syncobj_fd_to_handle(fd, file, 0);
		close(file);
		close(client);
		tide_point_wait(fd, ours, value);
		syncobj_destroy(fd, ours);
	}
}

/* Allocations are charged to where their creator is. */
static uint32_t create_charged_to(struct tide_cgroup *cg, int fd, size_t size)
{
	uint32_t handle;

	tide_cgroup_enter(cg);
	handle = tide_bo_create(fd, size);
	tide_cgroup_enter(NULL);
	return handle;
}

/*
 * What is charged to a cgroup that has less than it wants paged in. The client is elsewhere: the
 * cgroup is full then, and whoever asks for the least more there is killed.
 */
static void failed_page_in(int fd, struct tide_cgroup *cg, bool by_reclaim)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t big = create_charged_to(cg, fd, TIDE_MIB(48));
	uint32_t small = tide_bo_create(fd, TIDE_PAGE);
	uint64_t failed, after, failures = tide_stat(fd, "page_in_failures");
	uint32_t result, list[2] = { small, big };
	struct drm_tide_bo_info info;
	struct tide_job job = {};

	if (by_reclaim) {
		tide_offer_one(fd, big, DRM_TIDE_PRIORITY_LOW);
		tide_queue_wait(fd, &queue, tide_make_resident(fd, queue.id, &big, 1));
		failed = tide_reclaim(fd, queue.id, &big, &result, 1);
	} else {
		failed = tide_make_resident(fd, queue.id, &big, 1);
	}
	after = tide_make_resident(fd, queue.id, &small, 1);

	/* Every value is signalled, and in order. */
	tide_queue_wait(fd, &queue, failed);
	tide_queue_wait(fd, &queue, after);
	/* What failed is asked for, by value and by allocation. */
	igt_assert_eq_u32(tide_queue_info(fd, queue.id, failed).error, ENOMEM);
	igt_assert_eq_u32(tide_queue_info(fd, queue.id, after).error, 0);
	igt_assert_eq_u32(tide_queue_info(fd, queue.id, failed - 1).error, 0);
	info = tide_bo_info(fd, big);
	igt_assert_eq_u32(info.page_in_error, ENOMEM);
	igt_assert(!(info.flags & DRM_TIDE_BO_RESIDENT));
	igt_assert_eq_u32(info.residency_count, 1);
	igt_assert_eq_u32(tide_bo_info(fd, small).page_in_error, 0);
	igt_assert(tide_bo_flags(fd, small) & DRM_TIDE_BO_RESIDENT);
	igt_assert_lt_u64(failures, tide_stat(fd, "page_in_failures"));

	/* Jobs that name it are refused, others not. */
	tide_gpu_fill(fd, small, 0, TIDE_PAGE, 0x22222222);
	for (int i = 0; i < 2; i++)
		tide_job_bo(&job, list[i], TIDE_READ);
	igt_assert_eq(__tide_submit(fd, &job), -EIO);
	igt_assert_eq_u32(job.bad_list, DRM_TIDE_LIST_BOS);
	igt_assert_eq_u32(job.bad_index, 1);

	/* ... until it is resident. */
	tide_cgroup_set(cg, "memory.max", "max");
	tide_make_resident_one(fd, &queue, big);
	info = tide_bo_info(fd, big);
	igt_assert_eq_u32(info.page_in_error, 0);
	igt_assert(info.flags & DRM_TIDE_BO_RESIDENT);
	tide_submit_wait(fd, &job);
	igt_assert_eq_u32(tide_queue_info(fd, queue.id, failed).error, ENOMEM);
	tide_bo_check_zero(fd, big, TIDE_MIB(1));

	gem_close(fd, big);
	gem_close(fd, small);
	tide_queue_destroy(fd, &queue);
}

static void test_failed_page_in(int fd, bool by_reclaim)
{
	struct tide_cgroup cg;
	pid_t bystander;

	tide_cgroup_create(&cg, "igt_tide_paging");
	tide_cgroup_set_u64(&cg, "memory.max", TIDE_MIB(16));
	tide_cgroup_set(&cg, "memory.swap.max", "0");
	bystander = cgroup_bystander(&cg);
	failed_page_in(fd, &cg, by_reclaim);
	igt_assert_eq_u64(cgroup_kills(&cg), 0);
	kill(bystander, SIGKILL);
	pressure_wait(bystander);
	tide_cgroup_destroy(&cg);
}

/* E5: the kernel goes by its own state. */

enum misuse { RESET, SIGNAL_AHEAD, TRANSFER_IN, DESTROYED };

static void test_misuse(int fd, enum misuse how)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t src = tide_bo_create(fd, TIDE_MIB(4)), done = syncobj_create(fd, 0), spare = 0;
	uint64_t value = 0, ahead = 1000000;
	struct drm_tide_queue_info info;
	int64_t end = tide_deadline(LIVENESS_NS);

	tide_bo_pattern(fd, src, TIDE_MIB(4), 1);
	tide_make_resident_one(fd, &queue, src);
	for (int i = 0; i < 6; i++) {
		uint32_t bo = tide_bo_create(fd, TIDE_MIB(4)), result;
		struct tide_job job = {};

		value = tide_make_resident(fd, queue.id, &bo, 1);
		switch (how) {
		case RESET:
			syncobj_reset(fd, &queue.syncobj, 1);
			break;
		case SIGNAL_AHEAD:
			ahead += 10;
			syncobj_timeline_signal(fd, &queue.syncobj, &ahead, 1);
			break;
		case TRANSFER_IN:
			spare = syncobj_create(fd, DRM_SYNCOBJ_CREATE_SIGNALED);
			syncobj_binary_to_timeline(fd, queue.syncobj, ahead += 10, spare);
			syncobj_destroy(fd, spare);
			break;
		case DESTROYED:
			if (i == 0)
				syncobj_destroy(fd, queue.syncobj);
			break;
		}
		/* The job runs with its pages all the same, and not before them. */
		tide_job_bo(&job, bo, TIDE_WRITE);
		tide_job_bo(&job, src, TIDE_READ);
		tide_job_copy(&job, 0, 0, 1, 0, TIDE_MIB(4));
		tide_submit_wait(fd, &job);
		tide_bo_check(fd, bo, TIDE_MIB(4), 1);

		/* What the queue says of itself is right, and its values go on as they did. */
		for (;;) {
			info = tide_queue_info(fd, queue.id, value);
			igt_assert_lte_u64(info.completed, info.last);
			igt_assert_eq_u64(info.last, value);
			if (info.completed >= value)
				break;
			igt_assert_f(tide_deadline(0) < end, "the value is never over\n");
		}
		igt_assert_eq_u32(info.error, 0);
		igt_assert(tide_bo_flags(fd, bo) & DRM_TIDE_BO_RESIDENT);
		tide_offer_one(fd, bo, DRM_TIDE_PRIORITY_LOW);
		tide_discard(fd, bo);
		tide_reclaim(fd, queue.id, &bo, &result, 1);
		igt_assert_eq_u32(result, DRM_TIDE_RECLAIM_DISCARDED);
		tide_gpu_copy(fd, bo, 0, src, 0, TIDE_MIB(4));
		tide_bo_check(fd, bo, TIDE_MIB(4), 1);
		gem_close(fd, bo);
	}
	igt_assert_eq(__tide_queue_destroy(fd, queue.id), 0);
	if (how != DESTROYED)
		syncobj_destroy(fd, queue.syncobj);
	syncobj_destroy(fd, done);
	gem_close(fd, src);
}

igt_main {
	static const struct {
		const char *name, *description;
		void (*test)(int fd);
	} tests[] = {
		{ "e1-values-grow", "Values grow, and the timeline tells them", test_values_grow },
		{ "e1-first-point-signalled", "A fresh queue's first point is signalled, no other",
		  test_first_point },
		{ "e1-one-queue-in-order", "A queue finishes in order", test_in_order },
		{ "e1-queues-do-not-wait-for-each-other", "A small page-in overtakes a big one",
		  test_independent },
		{ "e1-queue-is-its-clients", "A queue's id means nothing to another client",
		  test_queue_of_client },
		{ "e2-timeline-wait", "A timeline wait ends when the pages are there",
		  test_timeline_wait },
		{ "e2-wait-all-and-any", "Waits for all of several queues, and for any",
		  test_wait_all_any },
		{ "e2-binary-wait", "The wait without points takes a queue's syncobj",
		  test_binary_wait },
		{ "e2-transfer", "A paging fence is transferred, and becomes a sync_file",
		  test_transfer },
		{ "e2-eventfd", "An eventfd tells of a paging fence, registered before and after",
		  test_eventfd },
		{ "e2-export-and-import", "Another client and another process wait for it",
		  test_export_import },
		{ "e2-job-waits", "A job waits for a paging fence", test_job_waits },
		{ "e2-job-waits-for-late-point", "A submission waits until the point has a fence",
		  test_job_waits_late },
		{ "e3-no-fence-before-the-pages", "A point has no fence before its pages are there",
		  test_no_early_fence },
		{ "e4-queue-destroyed", "Destroying a queue signals every value that it returned",
		  test_destroy },
		{ "e4-syncobj-destroyed-first", "A queue works on without its syncobj's handle",
		  test_syncobj_first },
		{ "e4-client-closed", "Values are signalled when the client is gone",
		  test_client_goes },
	};
	static const struct {
		const char *name;
		enum misuse how;
	} misuses[] = {
		{ "reset", RESET },
		{ "signalled-ahead", SIGNAL_AHEAD },
		{ "transferred-into", TRANSFER_IN },
		{ "destroyed", DESTROYED },
	};
	int fd = -1;

	igt_fixture
		fd = tide_open_render();

	for (size_t i = 0; i < ARRAY_SIZE(tests); i++) {
		igt_describe(tests[i].description);
		igt_subtest(tests[i].name)
			tests[i].test(fd);
	}

	igt_describe("A page-in that fails is signalled, told, and its jobs refused until it works");
	igt_subtest("e4-page-in-failed")
		test_failed_page_in(fd, false);

	igt_describe("The same for the page-in of a reclaim");
	igt_subtest("e4-page-in-of-reclaim-failed")
		test_failed_page_in(fd, true);

	for (size_t i = 0; i < ARRAY_SIZE(misuses); i++) {
		igt_describe("The kernel does not go by what the client did to the syncobj");
		igt_subtest_f("e5-syncobj-%s", misuses[i].name)
			test_misuse(fd, misuses[i].how);
	}

	igt_fixture
		close(fd);
}
