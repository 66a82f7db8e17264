// SPDX-License-Identifier: MIT
/*
 * What is done behind a call, by workers and memory pressure, and fails: pages,
 * local memory, room, copies, commit charge. The driver names the steps.
 */
#include "igt.h"
#include "igt_tide.h"
#include "igt_tide_fault.h"

IGT_TEST_DESCRIPTION("Failures behind calls");

#define SIZE TIDE_KIB(64)

struct point {
	const char *name;
	int error;
	/* Parameters of the module under which it is called */
	const char *parameters;
	const char *clauses;
	const char *describe;
};

static const struct point page_in_points[] = {
	{ "fail_populate", -ENOMEM, "", "e4-h1", "no pages" },
	{ "fail_room", -ENOSPC, "system_mib=1", "e4-d7", "no room in the segment" },
	{ "fail_local", -ENOMEM, "local_mib=4", "e4-d7", "no local memory" },
	{ "fail_move", -ENOMEM, "local_mib=4", "e4-e3", "no fence for the copy" },
};

/* Takes the whole of the system segment of system_mib=1, so that the next has to make room. */
static void fill_segment(int fd, const struct tide_queue *queue)
{
	uint32_t handle = tide_bo_create(fd, TIDE_MIB(1));

	tide_make_resident_one(fd, queue, handle);
}

static void check_failed(int fd, const struct tide_queue *queue, uint32_t handle, uint64_t value,
			 int error)
{
	struct tide_job job = {};

	igt_assert_eq(tide_queue_info(fd, queue->id, value).error, -error);
	igt_assert_eq(tide_bo_info(fd, handle).page_in_error, -error);
	igt_assert(!(tide_bo_flags(fd, handle) & DRM_TIDE_BO_RESIDENT));
	tide_job_bo(&job, handle, TIDE_READ);
	igt_assert_eq(__tide_submit(fd, &job), -EIO);
	igt_assert_eq_u32(job.bad_index, 0);
}

static void test_page_in(const struct point *point)
{
	struct tide_queue queue;
	uint32_t handle;
	uint64_t value;
	int fd;

	tide_reload(point->parameters);
	fd = tide_open_render();
	queue = tide_queue_create(fd);
	if (!strcmp(point->name, "fail_room"))
		fill_segment(fd, &queue);
	handle = tide_bo_create(fd, SIZE);
	tide_bo_pattern(fd, handle, SIZE, 1);

	fault_point_arm(fd, point->name, 1);
	value = tide_make_resident(fd, queue.id, &handle, 1);
	tide_queue_wait(fd, &queue, value);
	igt_assert_eq(fault_point_end(), 0);
	check_failed(fd, &queue, handle, value, point->error);
	tide_bo_check(fd, handle, SIZE, 1);

	/* It is on the residency list all the same: the next page-in succeeds. */
	igt_assert_eq_u32(tide_bo_info(fd, handle).residency_count, 1);
	tide_make_resident_one(fd, &queue, handle);
	igt_assert_eq(tide_queue_info(fd, queue.id, value).error, -point->error);
	igt_assert_eq(tide_bo_info(fd, handle).page_in_error, 0);
	tide_gpu_fill(fd, handle, 0, 4, 0x12345678);
	close(fd);
}

/* What has to be brought back for a job, and cannot be */
static void test_submit(void)
{
	uint32_t handles[2];
	struct tide_queue queue;
	struct tide_job job = {};
	int fd;

	tide_reload("system_mib=1");
	fd = tide_open_render();
	queue = tide_queue_create(fd);
	for (int i = 0; i < 2; i++) {
		handles[i] = tide_bo_create(fd, TIDE_KIB(768));
		tide_bo_pattern(fd, handles[i], TIDE_KIB(768), i + 1);
		/* The second one takes the place of the first. */
		tide_make_resident_one(fd, &queue, handles[i]);
	}
	igt_assert(!(tide_bo_flags(fd, handles[0]) & DRM_TIDE_BO_RESIDENT));

	tide_job_bo(&job, handles[0], TIDE_READ);
	fault_point_arm(fd, "fail_populate", 1);
	igt_assert_eq(__tide_submit(fd, &job), -EIO);
	igt_assert_eq_u32(job.bad_list, DRM_TIDE_LIST_BOS);
	igt_assert_eq_u32(job.bad_index, 0);
	igt_assert_eq(fault_point_end(), 0);
	igt_assert_eq(tide_bo_info(fd, handles[0]).page_in_error, ENOMEM);
	igt_assert_eq(__tide_submit(fd, &job), -EIO);

	tide_make_resident_one(fd, &queue, handles[0]);
	tide_submit_wait(fd, &job);
	for (int i = 0; i < 2; i++)
		tide_bo_check(fd, handles[i], TIDE_KIB(768), i + 1);
	close(fd);
}

/* What cannot be copied back stays where it is, and is tried again. */
static void test_copy_back(void)
{
	int64_t end = tide_deadline(TIDE_LIVENESS_S * NSEC_PER_SEC);
	struct tide_queue queue;
	uint32_t handle;
	int fd;

	tide_reload("local_mib=4");
	fd = tide_open_render();
	queue = tide_queue_create(fd);
	handle = tide_bo_create(fd, SIZE);
	tide_bo_pattern(fd, handle, SIZE, 1);
	tide_make_resident_one(fd, &queue, handle);

	fault_point_arm(fd, "fail_move", 1);
	tide_evict_one(fd, handle);
	while (tide_bo_flags(fd, handle) & DRM_TIDE_BO_RESIDENT)
		igt_assert(tide_deadline(0) < end);
	igt_assert_eq(fault_point_end(), 0);
	igt_assert_eq(tide_bo_info(fd, handle).page_in_error, 0);
	tide_bo_check(fd, handle, SIZE, 1);
	close(fd);
}

static void discard_decommitted(int fd, uint32_t handle)
{
	igt_assert_eq(__tide_offer_flags(fd, &handle, 1, DRM_TIDE_PRIORITY_LOW,
					 DRM_TIDE_OFFER_ALLOW_DECOMMIT, NULL), 0);
	tide_discard(fd, handle);
}

static void test_commit(void)
{
	uint32_t handle, other;
	struct tide_queue queue;
	uint8_t *map;
	int fd;

	tide_reload("");
	fd = tide_open_render();
	queue = tide_queue_create(fd);
	handle = tide_bo_create(fd, SIZE);
	other = tide_bo_create(fd, SIZE);
	map = tide_bo_map(fd, handle, SIZE);
	tide_bo_pattern(fd, handle, SIZE, 1);
	tide_bo_pattern(fd, other, SIZE, 2);
	discard_decommitted(fd, handle);
	fault_point_arm(fd, "fail_commit", 1);
	igt_assert_eq_u32(tide_reclaim_one(fd, queue.id, handle), DRM_TIDE_RECLAIM_NOT_COMMITTED);
	igt_assert_eq(fault_point_end(), 0);

	/* For ever */
	igt_assert_eq_u32(tide_reclaim_one(fd, queue.id, handle), DRM_TIDE_RECLAIM_NOT_COMMITTED);
	igt_assert(tide_bo_flags(fd, handle) & DRM_TIDE_BO_NOT_COMMITTED);
	igt_assert_eq(__tide_offer(fd, &handle, 1, DRM_TIDE_PRIORITY_LOW, NULL), -ESTALE);
	igt_assert_eq(__tide_cpu_read(map, NULL), -SIGBUS);
	igt_assert_eq_u32(tide_reclaim_one(fd, queue.id, other), DRM_TIDE_RECLAIM_OK);
	tide_bo_check(fd, other, SIZE, 2);
	munmap(map, SIZE);
	close(fd);
}

/* A discard whose commit charge cannot be given back is a discard. */
static void test_decommit(void)
{
	struct tide_queue queue;
	uint64_t decommitted;
	uint32_t handle;
	int fd;

	tide_reload("");
	fd = tide_open_render();
	queue = tide_queue_create(fd);
	handle = tide_bo_create(fd, SIZE);
	decommitted = tide_stat(fd, "decommitted_pages");
	tide_bo_pattern(fd, handle, SIZE, 1);
	fault_point_arm(fd, "fail_decommit", 1);
	discard_decommitted(fd, handle);
	igt_assert_eq(fault_point_end(), 0);
	igt_assert_eq_u64(tide_stat(fd, "decommitted_pages"), decommitted);

	igt_assert_eq_u32(tide_reclaim_one(fd, queue.id, handle), DRM_TIDE_RECLAIM_DISCARDED);
	tide_bo_check_zero(fd, handle, SIZE);
	tide_make_resident_one(fd, &queue, handle);
	tide_gpu_fill(fd, handle, 0, SIZE, 7);
	close(fd);
}

igt_main
{
	igt_fixture {
		int fd = tide_open_render();

		fault_point_require(fd);
		close(fd);
	}

	for (const struct point *p = page_in_points;
	     p < page_in_points + ARRAY_SIZE(page_in_points); p++) {
		igt_describe_f("a page-in that finds %s: its value is signalled and tells the "
			       "error, jobs are refused, the next page-in succeeds", p->describe);
		igt_subtest_f("%s-page-in-%s", p->clauses, p->name + strlen("fail_"))
			test_page_in(p);
	}

	igt_describe("a job whose allocation cannot be brought back is refused");
	igt_subtest("d7-e4-submit-populate")
		test_submit();

	igt_describe("a copy back that finds no memory is made later");
	igt_subtest("d5-copy-back-move")
		test_copy_back();

	igt_describe("memory that cannot be committed again");
	igt_subtest("c1-commit")
		test_commit();

	igt_describe("a commit charge that cannot be given back is kept");
	igt_subtest("b9-decommit")
		test_decommit();
}
