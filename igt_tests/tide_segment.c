// SPDX-License-Identifier: MIT
/**
 * TEST: tide segment
 * Description: A segment that is smaller than what clients want resident.
 */

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "igt.h"
#include "igt_tide.h"
#include "igt_tide_pressure.h"
#include "igt_tide_set.h"

IGT_TEST_DESCRIPTION("What is resident is bounded by the segment");

#define SEGMENT_MIB 16
#define SIZE	    TIDE_MIB(1)

static void test_bounds(void)
{
	struct tide_set set;

	tide_set_open(&set, SIZE);
	igt_assert_eq_u64(tide_segment_info(set.fd, 0).size, TIDE_MIB(SEGMENT_MIB));
	tide_set_add(&set, 2 * SEGMENT_MIB, 1);
	for (uint32_t i = 0; i < set.count; i += 4) {
		tide_set_make_resident(&set, i, 4);
		igt_assert_eq_u32(tide_set_residents(&set, i, 4), 4);
		igt_assert_lte_u64(tide_segment_info(set.fd, 0).usage, TIDE_MIB(SEGMENT_MIB));
	}
	igt_assert_eq_u32(tide_set_residents(&set, 0, set.count), SEGMENT_MIB);
	tide_set_check(&set, 0, set.count, 1);
	close(set.fd);
}

/* What the GPU alone has written does not look clean to the kernel, when others have taken its room. */
static void test_drop_caches(void)
{
	struct tide_set set;
	uint32_t bo;

	tide_set_open(&set, SIZE);
	tide_set_add(&set, SEGMENT_MIB, 1);
	tide_set_make_resident(&set, 0, 1);
	bo = tide_bo_create(set.fd, SIZE);
	tide_make_resident_one(set.fd, &set.queue, bo);
	tide_gpu_copy(set.fd, bo, 0, set.bos[0], 0, SIZE);
	tide_evict(set.fd, &bo, 1);
	tide_set_make_resident(&set, 0, SEGMENT_MIB);
	igt_assert(!(tide_bo_flags(set.fd, bo) & DRM_TIDE_BO_RESIDENT));
	tide_drop_caches();
	tide_bo_check(set.fd, bo, SIZE, 1);
	close(set.fd);
}

static void test_set_that_never_fits(void)
{
	struct tide_job job = {};
	struct tide_set set;

	tide_set_open(&set, SIZE);
	tide_set_add(&set, SEGMENT_MIB + 1, 1);
	tide_set_make_resident(&set, 0, set.count);
	for (uint32_t i = 0; i < set.count; i++)
		tide_job_bo(&job, set.bos[i], TIDE_READ);
	igt_assert_eq(__tide_submit(set.fd, &job), -ENOSPC);
	job.bo_count--;
	tide_submit_wait(set.fd, &job);
	igt_assert_eq_u32(tide_set_residents(&set, 0, SEGMENT_MIB), SEGMENT_MIB);
	close(set.fd);
}

/* A page-in that can never succeed fails, and says so. */
static void test_too_large(void)
{
	struct tide_set set;
	uint64_t value;
	uint32_t bo;

	tide_set_open(&set, SIZE);
	bo = tide_bo_create(set.fd, TIDE_MIB(SEGMENT_MIB + 1));
	value = tide_make_resident(set.fd, set.queue.id, &bo, 1);
	tide_queue_wait(set.fd, &set.queue, value);
	igt_assert_eq_u32(tide_queue_info(set.fd, set.queue.id, value).error, ENOSPC);
	igt_assert_eq_u32(tide_bo_info(set.fd, bo).page_in_error, ENOSPC);
	tide_bo_pattern(set.fd, bo, TIDE_MIB(SEGMENT_MIB + 1), 1);
	tide_bo_check(set.fd, bo, TIDE_MIB(SEGMENT_MIB + 1), 1);
	close(set.fd);
}

/* Room is made by what is offered, then by what nobody requires. */
static void test_order(void)
{
	uint32_t results[4];
	struct tide_set set;

	tide_set_open(&set, SIZE);
	tide_set_add(&set, 24, 1);
	tide_set_make_resident(&set, 0, 16);
	/* 0 to 7 stay required, 8 to 11 are not, 12 to 15 are offered */
	tide_evict(set.fd, &set.bos[8], 4);
	tide_offer(set.fd, &set.bos[12], 4, DRM_TIDE_PRIORITY_HIGH);

	tide_set_make_resident(&set, 16, 4);
	igt_assert_eq_u32(tide_set_residents(&set, 16, 4), 4);
	igt_assert_eq_u32(tide_set_residents(&set, 12, 4), 0);
	igt_assert_eq_u32(tide_set_residents(&set, 0, 12), 12);

	tide_set_make_resident(&set, 20, 4);
	igt_assert_eq_u32(tide_set_residents(&set, 20, 4), 4);
	igt_assert_eq_u32(tide_set_residents(&set, 8, 4), 0);
	igt_assert_eq_u32(tide_set_residents(&set, 0, 8), 8);

	tide_reclaim(set.fd, set.queue.id, &set.bos[12], results, 4);
	for (int i = 0; i < 4; i++)
		igt_assert_eq_u32(results[i], DRM_TIDE_RECLAIM_OK);
	tide_set_check(&set, 0, set.count, 1);
	close(set.fd);
}

/* The longest idle client makes room, and has its set back before its next job. */
static void test_idle(void)
{
	struct tide_set idle, active;

	tide_set_open(&idle, SIZE);
	tide_set_open(&active, SIZE);
	/* Resident later, and idle longer. */
	tide_set_add(&active, 12, 100);
	tide_set_make_resident(&active, 0, 8);
	tide_set_add(&idle, 8, 1);
	tide_set_make_resident(&idle, 0, 8);
	tide_set_job(&idle, 0, 8);
	tide_set_job(&active, 0, 8);

	tide_set_make_resident(&active, 8, 4);
	igt_assert_eq_u32(tide_set_residents(&active, 0, 12), 12);
	igt_assert_eq_u32(tide_set_residents(&idle, 0, 8), 4);

	tide_set_job(&idle, 0, 8);
	igt_assert_eq_u32(tide_set_residents(&idle, 0, 8), 8);
	tide_set_check(&idle, 0, 8, 1);
	tide_set_check(&active, 0, 12, 100);
	close(idle.fd);
	close(active.fd);
}

/* Fills each allocation anew in every round; all of them are needed at one time. */
static void run_rounds(uint32_t seed, int rounds)
{
	struct tide_set set;

	tide_set_open(&set, SIZE);
	tide_set_add(&set, 12, seed);
	tide_set_make_resident(&set, 0, set.count);
	for (int round = 0; round < rounds; round++) {
		struct tide_job job = {};

		for (uint32_t i = 0; i < set.count; i++)
			tide_job_bo(&job, set.bos[i], TIDE_READ | TIDE_WRITE);
		/* The last kilobyte goes round, the rest stays. */
		for (uint32_t i = 0; i < set.count; i++)
			tide_job_copy(&job, i, 0, (i + 1) % set.count, SIZE - 1024, 1024);
		tide_submit_wait(set.fd, &job);
	}
	for (uint32_t i = 0; i < set.count; i++) {
		uint8_t *ptr = tide_bo_map(set.fd, set.bos[i], SIZE);

		igt_assert_eq_u64(__tide_pattern_check(ptr, 1024, seed + (i + 1) % set.count,
						       SIZE - 1024), 1024);
		igt_assert_eq_u64(__tide_pattern_check(ptr + 1024, SIZE - 1024, seed + i, 1024),
				  SIZE - 1024);
		munmap(ptr, SIZE);
	}
	close(set.fd);
}

static void test_two_sets(void)
{
	igt_fork(child, 3)
		run_rounds(1 + 100 * child, 20);
	igt_waitchildren();
}

/* Takes what clients between two jobs have, again and again */
static void __attribute__((noreturn)) steal_forever(void)
{
	struct tide_set set;

	tide_set_open(&set, SIZE);
	tide_set_add(&set, SEGMENT_MIB, 1000);
	for (;;) {
		tide_set_make_resident(&set, 0, set.count);
		tide_evict(set.fd, set.bos, set.count);
	}
}

static void test_thieves(void)
{
	pid_t thieves[2];

	for (int i = 0; i < ARRAY_SIZE(thieves); i++) {
		thieves[i] = pressure_fork(0);
		if (!thieves[i])
			steal_forever();
	}
	igt_fork(child, 4)
		run_rounds(1 + 100 * child, 20);
	igt_waitchildren();
	for (int i = 0; i < ARRAY_SIZE(thieves); i++) {
		kill(thieves[i], SIGKILL);
		pressure_wait(thieves[i]);
	}
}

/* Page-ins that do not fit together, each larger than what is brought in at one go */
static void test_two_page_ins(void)
{
	igt_fork(child, 2) {
		struct tide_set set;
		uint32_t bo;

		tide_set_open(&set, SIZE);
		bo = tide_bo_create(set.fd, TIDE_MIB(12));
		for (int round = 0; round < 10; round++) {
			uint64_t value = tide_make_resident(set.fd, set.queue.id, &bo, 1);

			tide_queue_wait(set.fd, &set.queue, value);
			igt_assert_eq_u32(tide_queue_info(set.fd, set.queue.id, value).error, 0);
			tide_evict_one(set.fd, bo);
		}
		close(set.fd);
	}
	igt_waitchildren();
}

igt_main {
	igt_fixture {
		char parameters[32];

		snprintf(parameters, sizeof(parameters), "system_mib=%u", SEGMENT_MIB);
		tide_reload(parameters);
	}

	igt_describe("No more is resident than the segment holds, and contents stay");
	igt_subtest("d7-segment-bounds-residents")
		test_bounds();

	igt_describe("Content that the GPU has written is kept when the kernel drops what is clean");
	igt_subtest("a2-drop-caches")
		test_drop_caches();

	igt_describe("A job whose allocations never fit together is refused, one that just fits runs");
	igt_subtest("d4-set-that-never-fits")
		test_set_that_never_fits();

	igt_describe("A page-in larger than the segment fails, and the CPU may use the allocation");
	igt_subtest("e4-larger-than-the-segment")
		test_too_large();

	igt_describe("Offered ones make room first, then what nobody requires");
	igt_subtest("d7-order-of-making-room")
		test_order();

	igt_describe("The longest idle client makes room and is restored before its next job");
	igt_subtest("d7-longest-idle-makes-room")
		test_idle();

	igt_describe("Clients whose sets do not fit together all make progress");
	igt_subtest("d4-d7-sets-that-do-not-fit-together")
		test_two_sets();

	igt_describe("And so they do where others take what they have brought in before the job is queued");
	igt_subtest("d4-d7-sets-amid-thieves")
		test_thieves();

	igt_describe("Page-ins that do not fit together all end");
	igt_subtest("d7-page-ins-that-do-not-fit-together")
		test_two_page_ins();
}
