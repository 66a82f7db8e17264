// SPDX-License-Identifier: MIT
/**
 * TEST: tide residency
 * Description: The residency list, and what jobs may rely on.
 */

#include "igt.h"
#include "igt_syncobj.h"
#include "igt_tide.h"

#include <pthread.h>

IGT_TEST_DESCRIPTION("MakeResident and Evict");

#define SIZE TIDE_KIB(256)
#define BIG  TIDE_MIB(32)

static uint32_t make(int fd, uint64_t size, uint32_t seed)
{
	uint32_t bo = tide_bo_create(fd, size);

	tide_bo_pattern(fd, bo, size, seed);
	return bo;
}

static uint32_t count_of(int fd, uint32_t bo)
{
	return tide_bo_info(fd, bo).residency_count;
}

static void test_counts(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bo = make(fd, SIZE, 1), bad = 9;

	for (uint32_t i = 1; i <= 5; i++) {
		tide_make_resident_one(fd, &queue, bo);
		igt_assert_eq_u32(count_of(fd, bo), i);
		igt_assert(tide_bo_flags(fd, bo) & DRM_TIDE_BO_RESIDENT);
	}
	for (uint32_t i = 5; i > 0; i--) {
		tide_gpu_fill(fd, bo, 0, 4, i);
		tide_evict_one(fd, bo);
		igt_assert_eq_u32(count_of(fd, bo), i - 1);
	}
	igt_assert_eq(__tide_evict(fd, &bo, 1, &bad), -ERANGE);
	igt_assert_eq_u32(bad, 0);
	igt_assert_eq_u32(count_of(fd, bo), 0);
	gem_close(fd, bo);
	tide_queue_destroy(fd, &queue);
}

static void test_leaves_list(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bos[3] = { make(fd, SIZE, 1), make(fd, SIZE, 2), make(fd, SIZE, 3) };
	struct tide_job job = {};

	for (int i = 0; i < 3; i++)
		tide_job_bo(&job, bos[i], TIDE_READ);
	tide_queue_wait(fd, &queue, tide_make_resident(fd, queue.id, bos, 3));
	tide_make_resident_one(fd, &queue, bos[1]);
	tide_evict(fd, bos, 3);
	for (int i = 0; i < 3; i++)
		igt_assert_eq_u32(count_of(fd, bos[i]), i == 1);
	igt_assert_eq(__tide_submit(fd, &job), -ENXIO);
	igt_assert_eq_u32(job.bad_list, DRM_TIDE_LIST_BOS);
	igt_assert_eq_u32(job.bad_index, 0);
	/* and comes back to it */
	tide_make_resident_one(fd, &queue, bos[0]);
	igt_assert_eq(__tide_submit(fd, &job), -ENXIO);
	igt_assert_eq_u32(job.bad_index, 2);
	tide_make_resident_one(fd, &queue, bos[2]);
	tide_submit_wait(fd, &job);
	for (int i = 0; i < 3; i++)
		gem_close(fd, bos[i]);
	tide_queue_destroy(fd, &queue);
}

/* Shared memory is on each client's list for itself. */
static void test_per_client(int fd)
{
	int other = tide_open_render();
	struct tide_queue queue = tide_queue_create(fd), other_queue = tide_queue_create(other);
	uint32_t bo = make(fd, SIZE, 1), theirs, bad;
	struct tide_job job = {};
	int dmabuf;

	igt_assert_eq(__tide_prime_export(fd, bo, &dmabuf), 0);
	theirs = prime_fd_to_handle(other, dmabuf);
	close(dmabuf);
	tide_make_resident_one(fd, &queue, bo);
	igt_assert_eq_u32(count_of(other, theirs), 0);
	tide_job_bo(&job, theirs, TIDE_READ);
	igt_assert_eq(__tide_submit(other, &job), -ENXIO);
	igt_assert_eq(__tide_evict(other, &theirs, 1, &bad), -ERANGE);

	tide_make_resident_one(other, &other_queue, theirs);
	igt_assert_eq_u32(count_of(fd, bo), 1);
	tide_evict_one(fd, bo);
	igt_assert_eq_u32(count_of(other, theirs), 1);
	tide_submit_wait(other, &job);
	close(other);
	igt_assert_eq_u32(count_of(fd, bo), 0);
	tide_bo_check(fd, bo, SIZE, 1);
	gem_close(fd, bo);
	tide_queue_destroy(fd, &queue);
}

/* An Evict that takes more than there is takes nothing, and tells where that showed. */
static void test_evict_too_often(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t a = make(fd, SIZE, 1), b = make(fd, SIZE, 2), c = make(fd, SIZE, 3);
	uint32_t in[] = { a, a, b }, out[] = { a, b, a, a, c }, bad = 77;

	tide_queue_wait(fd, &queue, tide_make_resident(fd, queue.id, in, 3));
	igt_assert_eq(__tide_evict(fd, out, 5, &bad), -ERANGE);
	igt_assert_eq_u32(bad, 3);
	igt_assert_eq_u32(count_of(fd, a), 2);
	igt_assert_eq_u32(count_of(fd, b), 1);
	out[3] = c;
	igt_assert_eq(__tide_evict(fd, out, 4, &bad), -ERANGE);
	igt_assert_eq_u32(bad, 3);
	tide_evict(fd, out, 3);
	igt_assert_eq_u32(count_of(fd, a), 0);
	igt_assert_eq_u32(count_of(fd, b), 0);
	gem_close(fd, a);
	gem_close(fd, b);
	gem_close(fd, c);
	tide_queue_destroy(fd, &queue);
}

static void test_long_list(int fd)
{
	const uint32_t count = 65536, bo_count = 256;
	uint32_t *list = calloc(count, sizeof(*list)), bad;
	struct tide_queue queue = tide_queue_create(fd);

	igt_assert(list);
	for (uint32_t i = 0; i < bo_count; i++)
		list[i] = make(fd, TIDE_PAGE, i);
	for (uint32_t i = bo_count; i < count; i++)
		list[i] = list[i % bo_count];
	tide_queue_wait(fd, &queue, tide_make_resident(fd, queue.id, list, count));
	for (uint32_t i = 0; i < bo_count; i++) {
		igt_assert_eq_u32(count_of(fd, list[i]), count / bo_count);
		igt_assert(tide_bo_flags(fd, list[i]) & DRM_TIDE_BO_RESIDENT);
		tide_bo_check(fd, list[i], TIDE_PAGE, i);
	}
	tide_evict(fd, list, count);
	igt_assert_eq(__tide_evict(fd, &list[bo_count - 1], 1, &bad), -ERANGE);
	for (uint32_t i = 0; i < bo_count; i++)
		gem_close(fd, list[i]);
	tide_queue_destroy(fd, &queue);
	free(list);
}

/* See c7-does-not-wait-for-pages: the call is seen to be back before the pages. */
static void test_asynchronous(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	int early = 0;

	for (int i = 0; i < 5; i++) {
		uint32_t bo = tide_bo_create(fd, BIG);
		uint64_t value = tide_make_resident(fd, queue.id, &bo, 1);

		early += !tide_point_signalled(fd, queue.syncobj, value);
		tide_queue_wait(fd, &queue, value);
		igt_assert_eq_u64(tide_bo_info(fd, bo).present, BIG);
		gem_close(fd, bo);
	}
	igt_assert_lt(0, early);
	tide_queue_destroy(fd, &queue);
}

static void test_resident_then(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bo = make(fd, BIG, 1);
	uint64_t value = tide_make_resident(fd, queue.id, &bo, 1);

	tide_queue_wait(fd, &queue, value);
	igt_assert_eq_u32(tide_bo_flags(fd, bo), DRM_TIDE_BO_RESIDENT);
	igt_assert_eq_u32(tide_queue_info(fd, queue.id, value).error, 0);
	igt_assert_lte_u64(value, tide_queue_info(fd, queue.id, value).completed);
	tide_bo_check(fd, bo, BIG, 1);
	/* What is resident already costs no wait. */
	value = tide_make_resident(fd, queue.id, &bo, 1);
	tide_queue_wait(fd, &queue, value);
	gem_close(fd, bo);
	tide_queue_destroy(fd, &queue);
}

/* The client never waits for a page-in: every job's work is right nevertheless. */
static void test_nobody_waits(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t src = make(fd, TIDE_MIB(2), 1), done = syncobj_create(fd, 0);

	tide_make_resident(fd, queue.id, &src, 1);
	for (int i = 0; i < 10; i++) {
		uint32_t dst = tide_bo_create(fd, TIDE_MIB(2));
		struct tide_job job = {};

		tide_make_resident(fd, queue.id, &dst, 1);
		tide_job_bo(&job, dst, TIDE_WRITE);
		tide_job_bo(&job, src, TIDE_READ);
		tide_job_copy(&job, 0, 0, 1, 0, TIDE_MIB(2));
		tide_submit_wait(fd, &job);
		tide_bo_check(fd, dst, TIDE_MIB(2), 1);
		gem_close(fd, dst);
	}
	syncobj_destroy(fd, done);
	gem_close(fd, src);
	tide_queue_destroy(fd, &queue);
}

/* What pressure took is back before the job runs. */
static void test_brought_back(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bos[2] = { make(fd, TIDE_MIB(2), 1), make(fd, TIDE_MIB(2), 2) };
	uint64_t in;

	tide_swap_on(TIDE_MIB(64));
	tide_queue_wait(fd, &queue, tide_make_resident(fd, queue.id, bos, 2));
	for (int i = 0; i < 3; i++) {
		in = tide_stat(fd, "paged_in_pages");
		tide_swap_out(fd, bos[0]);
		tide_swap_out(fd, bos[1]);
		igt_assert_eq_u32(count_of(fd, bos[0]), 1);
		igt_assert(!(tide_bo_flags(fd, bos[0]) & DRM_TIDE_BO_RESIDENT));
		tide_gpu_copy(fd, bos[i % 2], TIDE_MIB(1), bos[!(i % 2)], 0, TIDE_MIB(1));
		igt_assert_lt_u64(in, tide_stat(fd, "paged_in_pages"));
	}
	/* the second half became the other's first half, the first half stayed */
	for (int i = 0; i < 2; i++) {
		uint8_t *ptr = tide_bo_map(fd, bos[i], TIDE_MIB(2));

		tide_pattern_check(ptr, TIDE_MIB(1), i + 1);
		tide_pattern_check(ptr + TIDE_MIB(1), TIDE_MIB(1), 2 - i);
		munmap(ptr, TIDE_MIB(2));
		gem_close(fd, bos[i]);
	}
	tide_queue_destroy(fd, &queue);
	tide_swap_off();
}

struct shrinker {
	int fd;
	volatile bool stop;
};

static void *shrinker_thread(void *data)
{
	struct shrinker *s = data;

	while (!s->stop)
		tide_shrink(s->fd, 64);
	return NULL;
}

/* While a submission brings in a large allocation, a small one that it has brought in is taken. */
static void test_taken_meanwhile(int fd)
{
	const uint64_t small_size = TIDE_KIB(256), large_size = TIDE_MIB(16);
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t small = make(fd, small_size, 1);
	struct shrinker s = { .fd = fd };
	pthread_t thread;

	tide_swap_on(TIDE_MIB(128));
	tide_make_resident_one(fd, &queue, small);
	igt_assert_eq(pthread_create(&thread, NULL, shrinker_thread, &s), 0);
	for (int i = 0; i < 10; i++) {
		uint32_t large = tide_bo_create(fd, large_size);
		struct tide_job job = {};

		tide_make_resident(fd, queue.id, &large, 1);
		tide_job_bo(&job, small, TIDE_READ);
		tide_job_bo(&job, large, TIDE_WRITE);
		tide_job_copy(&job, 1, 0, 0, 0, small_size);
		tide_submit_wait(fd, &job);
		tide_bo_check(fd, large, small_size, 1);
		gem_close(fd, large);
	}
	s.stop = true;
	pthread_join(thread, NULL);
	gem_close(fd, small);
	tide_queue_destroy(fd, &queue);
	tide_swap_off();
}

/* A job that waits for its turn finds its allocations resident when that comes. */
static void test_resident_when_it_runs(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bo = make(fd, TIDE_MIB(2), 1), copy = make(fd, TIDE_MIB(2), 2);
	uint32_t bos[2] = { bo, copy }, done = syncobj_create(fd, 0);
	struct tide_job job = {};
	struct tide_cork cork;

	tide_swap_on(TIDE_MIB(64));
	tide_queue_wait(fd, &queue, tide_make_resident(fd, queue.id, bos, 2));
	tide_cork_plug(&cork, fd);
	tide_job_bo(&job, copy, TIDE_WRITE);
	tide_job_bo(&job, bo, TIDE_READ);
	tide_job_copy(&job, 0, 0, 1, 0, TIDE_MIB(2));
	tide_job_wait(&job, cork.syncobj, 0);
	tide_job_signal(&job, done, 0);
	tide_submit(fd, &job);
	/* pressure cannot take what an unfinished job names */
	tide_shrink(fd, 4096);
	tide_shrink(fd, 4096);
	for (int i = 0; i < 2; i++) {
		igt_assert(tide_bo_flags(fd, bos[i]) & DRM_TIDE_BO_RESIDENT);
		igt_assert_eq_u64(tide_bo_info(fd, bos[i]).present, TIDE_MIB(2));
	}
	tide_cork_unplug(&cork);
	igt_assert(syncobj_wait(fd, &done, 1, tide_deadline(TIDE_LIVENESS_S * NSEC_PER_SEC), 0,
				NULL));
	tide_bo_check(fd, copy, TIDE_MIB(2), 1);
	tide_cork_fini(&cork, fd);
	syncobj_destroy(fd, done);
	gem_close(fd, bo);
	gem_close(fd, copy);
	tide_queue_destroy(fd, &queue);
	tide_swap_off();
}

/* One that is too large by itself, which cannot be paged in either. */
static void test_too_large(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint64_t size = ALIGN(tide_segment_info(fd, 0).size, TIDE_PAGE) + TIDE_PAGE;
	uint32_t huge, small = make(fd, SIZE, 1);
	struct tide_job job = {};
	uint64_t value;
	int ret;

	igt_require(__tide_bo_create(fd, size, &huge) == 0);
	value = tide_make_resident(fd, queue.id, &huge, 1);
	tide_make_resident_one(fd, &queue, small);
	tide_queue_wait(fd, &queue, value);
	igt_assert_neq_u32(tide_queue_info(fd, queue.id, value).error, 0);
	igt_assert(!(tide_bo_flags(fd, huge) & DRM_TIDE_BO_RESIDENT));
	tide_job_bo(&job, small, TIDE_READ);
	tide_job_bo(&job, huge, TIDE_READ);
	ret = __tide_submit(fd, &job);
	igt_assert(ret == -ENOSPC || ret == -EIO);
	/* one without it runs */
	tide_gpu_fill(fd, small, 0, SIZE, 0x77);
	gem_close(fd, huge);
	gem_close(fd, small);
	tide_queue_destroy(fd, &queue);
}

/* Several that are too large together only. */
static void test_too_large_set(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint64_t size = ALIGN(tide_segment_info(fd, 0).size * 3 / 5, TIDE_PAGE);
	uint32_t bos[2] = { tide_bo_create(fd, size), tide_bo_create(fd, size) };
	struct tide_job job = {};

	for (int i = 0; i < 2; i++)
		tide_job_bo(&job, bos[i], TIDE_READ);
	tide_make_resident(fd, queue.id, bos, 2);
	igt_assert_eq(__tide_submit(fd, &job), -ENOSPC);
	igt_assert_eq_u32(job.bad_index, DRM_TIDE_NO_INDEX);
	/* before all of that memory is taken */
	tide_queue_destroy(fd, &queue);
	for (int i = 0; i < 2; i++)
		gem_close(fd, bos[i]);
}

/* An Evict that waited for the job would wait for the cork. */
static void test_evict_busy(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bo = make(fd, SIZE, 1), copy = make(fd, SIZE, 2), bos[2] = { bo, copy };
	uint32_t done = syncobj_create(fd, 0);
	struct tide_job job = {};
	struct tide_cork cork;

	tide_swap_on(TIDE_MIB(64));
	tide_queue_wait(fd, &queue, tide_make_resident(fd, queue.id, bos, 2));
	tide_cork_plug(&cork, fd);
	tide_job_bo(&job, copy, TIDE_WRITE);
	tide_job_bo(&job, bo, TIDE_READ);
	tide_job_copy(&job, 0, 0, 1, 0, SIZE);
	tide_job_wait(&job, cork.syncobj, 0);
	tide_job_signal(&job, done, 0);
	tide_submit(fd, &job);
	tide_evict(fd, bos, 2);
	igt_assert_eq_u32(count_of(fd, bo), 0);
	tide_shrink(fd, 4096);
	igt_assert_eq_u64(tide_bo_info(fd, bo).present, SIZE);
	tide_cork_unplug(&cork);
	igt_assert(syncobj_wait(fd, &done, 1, tide_deadline(TIDE_LIVENESS_S * NSEC_PER_SEC), 0,
				NULL));
	/* idle: it can be paged out now, and its content is kept */
	tide_swap_out(fd, bo);
	tide_swap_out(fd, copy);
	tide_bo_check(fd, bo, SIZE, 1);
	tide_bo_check(fd, copy, SIZE, 1);
	tide_cork_fini(&cork, fd);
	syncobj_destroy(fd, done);
	gem_close(fd, bo);
	gem_close(fd, copy);
	tide_queue_destroy(fd, &queue);
	tide_swap_off();
}

static void test_evict_during_page_in(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bo = make(fd, TIDE_MIB(4), 1);
	uint64_t value;

	for (int i = 0; i < 20; i++) {
		value = tide_make_resident(fd, queue.id, &bo, 1);
		tide_evict_one(fd, bo);
		igt_assert_eq_u32(count_of(fd, bo), 0);
		if (i % 2)
			tide_queue_wait(fd, &queue, value);
	}
	tide_queue_wait(fd, &queue, value);
	tide_bo_check(fd, bo, TIDE_MIB(4), 1);
	gem_close(fd, bo);
	tide_queue_destroy(fd, &queue);
}

static void test_close_during_page_in(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint64_t value = 0;

	for (int i = 0; i < 20; i++) {
		uint32_t bo = tide_bo_create(fd, TIDE_MIB(4));

		value = tide_make_resident(fd, queue.id, &bo, 1);
		gem_close(fd, bo);
	}
	tide_queue_wait(fd, &queue, value);
	tide_queue_destroy(fd, &queue);
}

igt_main {
	int fd = -1;

	igt_fixture
		fd = tide_open_render();

	igt_describe("MakeResident adds one, Evict takes one away");
	igt_subtest("d1-counts")
		test_counts(fd);

	igt_describe("At zero the allocation leaves the list, and jobs may not name it");
	igt_subtest("d1-leaves-the-list-at-zero")
		test_leaves_list(fd);

	igt_describe("Each client has a list of its own, of shared memory, too");
	igt_subtest("d1-list-is-the-clients")
		test_per_client(fd);

	igt_describe("An Evict of more than is counted changes nothing, and tells the entry");
	igt_subtest("d1-evict-too-often")
		test_evict_too_often(fd);

	igt_describe("65,536 entries are made resident by one call and evicted by another");
	igt_subtest("d1-list-of-65536")
		test_long_list(fd);

	igt_describe("MakeResident returns before the pages are there");
	igt_subtest("d2-returns-before-the-pages")
		test_asynchronous(fd);

	igt_describe("When the fence has signalled the allocation is resident");
	igt_subtest("d2-resident-after-the-fence")
		test_resident_then(fd);

	igt_describe("A client may close what is being paged in");
	igt_subtest("d2-close-during-page-in")
		test_close_during_page_in(fd);

	igt_describe("Jobs are right for a client that never waits for a paging fence");
	igt_subtest("d4-client-that-never-waits")
		test_nobody_waits(fd);

	igt_describe("What memory pressure has taken is back before a job that names it runs");
	igt_subtest("d4-brought-back-for-the-job")
		test_brought_back(fd);

	igt_describe("What is taken while a submission brings in the rest is brought back before the job");
	igt_subtest("d4-taken-meanwhile-brought-back")
		test_taken_meanwhile(fd);

	igt_describe("What an unfinished job names is not taken");
	igt_subtest("d4-stays-while-a-job-needs-it")
		test_resident_when_it_runs(fd);

	igt_describe("An allocation larger than the segment: page-in fails, jobs are refused");
	igt_subtest("d4-allocation-that-cannot-fit-refused")
		test_too_large(fd);

	igt_describe("A set larger than the segment is refused with ENOSPC");
	igt_subtest("d4-set-that-cannot-fit-refused")
		test_too_large_set(fd);

	igt_describe("Evict does not wait for jobs; the memory is pageable when they are over");
	igt_subtest("d5-evict-busy-never-waits")
		test_evict_busy(fd);

	igt_describe("Evict does not wait for a page-in, and content is kept");
	igt_subtest("d5-evict-during-page-in")
		test_evict_during_page_in(fd);

	igt_fixture
		close(fd);
}
