// SPDX-License-Identifier: MIT
/**
 * TEST: tide reclaim
 * Description: Taking offered allocations back, and what is told of their content.
 */

#include "igt.h"
#include "igt_syncobj.h"
#include "igt_tide.h"

#include <pthread.h>

IGT_TEST_DESCRIPTION("Reclaiming allocations");

#define SIZE TIDE_KIB(256)
#define BIG  TIDE_MIB(32)
#define LOW  DRM_TIDE_PRIORITY_LOW

#define OK	  DRM_TIDE_RECLAIM_OK
#define DISCARDED DRM_TIDE_RECLAIM_DISCARDED

static uint32_t make(int fd, uint64_t size, uint32_t seed)
{
	uint32_t bo = tide_bo_create(fd, size);

	tide_bo_pattern(fd, bo, size, seed);
	return bo;
}

static void offer_and_discard(int fd, uint32_t bo)
{
	tide_offer_one(fd, bo, LOW);
	tide_discard(fd, bo);
}

static void test_kept(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bo = make(fd, SIZE, 1);

	for (int round = 0; round < 3; round++) {
		tide_offer_one(fd, bo, LOW);
		igt_assert_eq_u32(tide_reclaim_one(fd, queue.id, bo), OK);
		igt_assert_eq_u32(tide_bo_flags(fd, bo), 0);
		tide_bo_check(fd, bo, SIZE, 1);
	}
	gem_close(fd, bo);
	tide_queue_destroy(fd, &queue);
}

static void test_discarded(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bo = make(fd, SIZE, 1), copy = make(fd, SIZE, 2);

	offer_and_discard(fd, bo);
	igt_assert_eq_u32(tide_reclaim_one(fd, queue.id, bo), DISCARDED);
	igt_assert_eq_u32(tide_bo_flags(fd, bo), 0);
	tide_bo_check_zero(fd, bo, SIZE);

	/* and the GPU reads zeros, too */
	tide_bo_pattern(fd, bo, SIZE, 3);
	offer_and_discard(fd, bo);
	igt_assert_eq_u32(tide_reclaim_one(fd, queue.id, bo), DISCARDED);
	tide_make_resident_one(fd, &queue, bo);
	tide_make_resident_one(fd, &queue, copy);
	tide_gpu_copy(fd, copy, 0, bo, 0, SIZE);
	tide_bo_check_zero(fd, copy, SIZE);
	gem_close(fd, bo);
	gem_close(fd, copy);
	tide_queue_destroy(fd, &queue);
}

/* One list with everything in it: each entry gets its own answer. */
static void test_mixed(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bos[30], results[30];

	for (int i = 0; i < 30; i++) {
		bos[i] = make(fd, TIDE_PAGE * (1 + i % 4), i);
		if (i % 3)
			tide_offer_one(fd, bos[i], i % 3 == 1 ? LOW : DRM_TIDE_PRIORITY_HIGH);
	}
	for (int i = 1; i < 30; i += 3)
		tide_discard(fd, bos[i]);
	memset(results, 0xee, sizeof(results));
	tide_reclaim(fd, queue.id, bos, results, 30);
	for (int i = 0; i < 30; i++) {
		igt_assert_eq_u32(results[i], i % 3 == 1 ? DISCARDED : OK);
		if (i % 3 == 1)
			tide_bo_check_zero(fd, bos[i], TIDE_PAGE * (1 + i % 4));
		else
			tide_bo_check(fd, bos[i], TIDE_PAGE * (1 + i % 4), i);
		gem_close(fd, bos[i]);
	}
	tide_queue_destroy(fd, &queue);
}

/* What was never written is either kept or discarded, and zeros in any case. */
static void test_untouched(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bo = tide_bo_create(fd, SIZE);

	tide_offer_one(fd, bo, LOW);
	tide_shrink(fd, 64);
	igt_assert_lte_u32(tide_reclaim_one(fd, queue.id, bo), DISCARDED);
	tide_bo_check_zero(fd, bo, SIZE);
	gem_close(fd, bo);
	tide_queue_destroy(fd, &queue);
}

static void test_discarded_swapped(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t kept = make(fd, SIZE, 1), gone = make(fd, SIZE, 2);

	tide_swap_on(TIDE_MIB(64));
	tide_swap_out(fd, kept);
	tide_swap_out(fd, gone);
	tide_offer_one(fd, kept, DRM_TIDE_PRIORITY_HIGH);
	tide_offer_one(fd, gone, LOW);
	/* Its content is in swap: there is no page to gain, but it may go. */
	for (int i = 0; i < 8; i++)
		tide_shrink(fd, 1);
	if (tide_reclaim_one(fd, queue.id, gone) == DISCARDED)
		tide_bo_check_zero(fd, gone, SIZE);
	else
		tide_bo_check(fd, gone, SIZE, 2);
	if (tide_reclaim_one(fd, queue.id, kept) == DISCARDED)
		tide_bo_check_zero(fd, kept, SIZE);
	else
		tide_bo_check(fd, kept, SIZE, 1);
	gem_close(fd, kept);
	gem_close(fd, gone);
	tide_queue_destroy(fd, &queue);
	tide_swap_off();
}

/* The CPU does not wait for the paging fence, and the page-in takes nothing back. */
static void test_cpu_at_once(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bo = make(fd, SIZE, 1), big = tide_bo_create(fd, BIG);
	uint8_t *old = tide_bo_map(fd, bo, SIZE), *new;
	uint64_t value;
	uint32_t result;

	tide_make_resident_one(fd, &queue, bo);
	offer_and_discard(fd, bo);
	/* something for the queue to do before */
	tide_make_resident(fd, queue.id, &big, 1);
	value = tide_reclaim(fd, queue.id, &bo, &result, 1);
	igt_assert_eq_u32(result, DISCARDED);
	tide_zero_check(old, SIZE / 2);
	new = tide_bo_map(fd, bo, SIZE);
	tide_zero_check(new + SIZE / 2, SIZE / 2);
	tide_pattern_fill(old, SIZE, 2);
	tide_pattern_check(new, SIZE, 2);
	tide_pattern_fill(new, SIZE, 3);
	tide_queue_wait(fd, &queue, value);
	tide_pattern_check(old, SIZE, 3);
	tide_pattern_check(new, SIZE, 3);
	munmap(old, SIZE);
	munmap(new, SIZE);
	gem_close(fd, bo);
	gem_close(fd, big);
	tide_queue_destroy(fd, &queue);
}

static void test_pages_in(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bos[4], results[4];
	uint64_t value;

	for (int i = 0; i < 4; i++)
		bos[i] = make(fd, SIZE, i);
	tide_queue_wait(fd, &queue, tide_make_resident(fd, queue.id, bos, 4));
	for (int i = 0; i < 4; i++)
		tide_offer_one(fd, bos[i], LOW);
	for (int i = 0; i < 2; i++)
		tide_discard(fd, bos[i]);

	value = tide_reclaim(fd, queue.id, bos, results, 4);
	tide_queue_wait(fd, &queue, value);
	igt_assert_eq_u32(tide_queue_info(fd, queue.id, value).error, 0);
	for (int i = 0; i < 4; i++) {
		igt_assert_eq_u32(results[i], i < 2 ? DISCARDED : OK);
		igt_assert_eq_u32(tide_bo_flags(fd, bos[i]), DRM_TIDE_BO_RESIDENT);
		igt_assert_eq_u32(tide_bo_info(fd, bos[i]).residency_count, 1);
		if (i < 2)
			tide_bo_check_zero(fd, bos[i], SIZE);
		else
			tide_bo_check(fd, bos[i], SIZE, i);
	}
	/* the GPU can use them */
	tide_gpu_copy(fd, bos[0], 0, bos[3], 0, SIZE);
	tide_bo_check(fd, bos[0], SIZE, 3);
	for (int i = 0; i < 4; i++)
		gem_close(fd, bos[i]);
	tide_queue_destroy(fd, &queue);
}

/* A job that follows at once waits by itself. */
static void test_job_follows(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bo = make(fd, TIDE_MIB(4), 1), result;

	tide_make_resident_one(fd, &queue, bo);
	for (int i = 0; i < 4; i++) {
		offer_and_discard(fd, bo);
		tide_reclaim(fd, queue.id, &bo, &result, 1);
		igt_assert_eq_u32(result, DISCARDED);
		tide_gpu_fill(fd, bo, TIDE_MIB(1), TIDE_MIB(1), 0x01010101 * (i + 1));
		{
			uint8_t *ptr = tide_bo_map(fd, bo, TIDE_MIB(4));

			tide_zero_check(ptr, TIDE_MIB(1));
			for (size_t at = TIDE_MIB(1); at < TIDE_MIB(2); at += 4095)
				igt_assert_eq(ptr[at], i + 1);
			tide_zero_check(ptr + TIDE_MIB(2), TIDE_MIB(2));
			munmap(ptr, TIDE_MIB(4));
		}
		tide_bo_pattern(fd, bo, TIDE_MIB(4), i);
	}
	gem_close(fd, bo);
	tide_queue_destroy(fd, &queue);
}

static void test_nothing_to_page_in(int fd)
{
	struct tide_queue queue = tide_queue_create(fd), fresh;
	uint32_t bo = make(fd, SIZE, 1), result;
	uint64_t value;

	for (int round = 0; round < 3; round++) {
		fresh = tide_queue_create(fd);
		if (round == 1)
			tide_offer_one(fd, bo, LOW);
		if (round == 2)
			offer_and_discard(fd, bo);
		value = tide_reclaim(fd, fresh.id, &bo, &result, 1);
		igt_assert_eq_u32(result, round == 2);
		igt_assert(tide_point_signalled(fd, fresh.syncobj, value));
		igt_assert_lte_u64(value, tide_queue_info(fd, fresh.id, 0).completed);
		/* and so it is where the queue has been used */
		value = tide_reclaim(fd, queue.id, &bo, &result, 1);
		igt_assert(tide_point_signalled(fd, queue.syncobj, value));
		tide_queue_destroy(fd, &fresh);
	}
	gem_close(fd, bo);
	tide_queue_destroy(fd, &queue);
}

/* Another queue brings it in already: this one's value comes after that. */
static void test_other_queue(int fd)
{
	struct tide_queue one = tide_queue_create(fd), two = tide_queue_create(fd);
	uint32_t list[2] = { tide_bo_create(fd, BIG), tide_bo_create(fd, SIZE) }, result;
	uint64_t value;

	for (int i = 0; i < 5; i++) {
		tide_make_resident(fd, one.id, list, 2);
		value = tide_reclaim(fd, two.id, &list[1], &result, 1);
		igt_assert_eq_u32(result, OK);
		tide_queue_wait(fd, &two, value);
		igt_assert(tide_bo_flags(fd, list[1]) & DRM_TIDE_BO_RESIDENT);
		/* gone again */
		tide_evict(fd, list, 2);
		tide_queue_wait(fd, &one, tide_queue_info(fd, one.id, 0).last);
		offer_and_discard(fd, list[0]);
		offer_and_discard(fd, list[1]);
		tide_reclaim_one(fd, two.id, list[0]);
		tide_reclaim_one(fd, two.id, list[1]);
	}
	gem_close(fd, list[0]);
	gem_close(fd, list[1]);
	tide_queue_destroy(fd, &one);
	tide_queue_destroy(fd, &two);
}

static void test_same_handle(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bo = make(fd, SIZE, 1);
	uint64_t offset = tide_bo_mmap_offset(fd, bo);
	uint8_t *ptr = tide_bo_map(fd, bo, SIZE);

	for (int round = 1; round <= 5; round++) {
		offer_and_discard(fd, bo);
		igt_assert_eq_u32(tide_reclaim_one(fd, queue.id, bo), DISCARDED);
		igt_assert_eq_u64(tide_bo_mmap_offset(fd, bo), offset);
		igt_assert_eq_u64(tide_bo_info(fd, bo).size, SIZE);
		igt_assert_eq_u64(tide_bo_info(fd, bo).discard_count, round);
		tide_zero_check(ptr, SIZE);
		tide_pattern_fill(ptr, SIZE, round);
		tide_bo_check(fd, bo, SIZE, round);
	}
	munmap(ptr, SIZE);
	gem_close(fd, bo);
	tide_queue_destroy(fd, &queue);
}

static void test_not_offered(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bos[2] = { make(fd, SIZE, 1), make(fd, SIZE, 2) }, results[2];
	struct drm_tide_bo_info before[2], after;

	tide_make_resident_one(fd, &queue, bos[1]);
	for (int i = 0; i < 2; i++)
		before[i] = tide_bo_info(fd, bos[i]);
	tide_reclaim(fd, queue.id, bos, results, 2);
	for (int i = 0; i < 2; i++) {
		igt_assert_eq_u32(results[i], OK);
		after = tide_bo_info(fd, bos[i]);
		igt_assert_eq(memcmp(&before[i], &after, sizeof(after)), 0);
		tide_bo_check(fd, bos[i], SIZE, i + 1);
		gem_close(fd, bos[i]);
	}
	tide_queue_destroy(fd, &queue);
}

/*
 * The call that returns before the pages are there is seen to do so: its fence
 * is not signalled yet. That the worker is faster can happen, always it cannot.
 */
static void test_does_not_wait(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bo = tide_bo_create(fd, BIG), result;
	int early = 0;

	tide_make_resident_one(fd, &queue, bo);
	for (int i = 0; i < 6; i++) {
		uint64_t value;

		offer_and_discard(fd, bo);
		value = tide_reclaim(fd, queue.id, &bo, &result, 1);
		early += !tide_point_signalled(fd, queue.syncobj, value);
		igt_assert_eq_u32(result, DISCARDED);
		tide_queue_wait(fd, &queue, value);
		igt_assert_eq_u64(tide_bo_info(fd, bo).present, BIG);
	}
	igt_assert_lt(0, early);
	gem_close(fd, bo);
	tide_queue_destroy(fd, &queue);
}

struct shrinker {
	int fd;
	volatile bool stop;
};

static void *shrinker_thread(void *data)
{
	struct shrinker *s = data;

	while (!s->stop)
		tide_shrink(s->fd, 1);
	return NULL;
}

/* Every answer is the truth, and what is written after it stays. */
static void test_exact(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	struct shrinker s = { .fd = fd };
	int64_t end = tide_deadline(4 * NSEC_PER_SEC);
	uint32_t bo = make(fd, SIZE, 1), other = make(fd, SIZE, 2);
	uint8_t *ptr = tide_bo_map(fd, bo, SIZE);
	uint32_t seen[2] = {}, seed = 1, random = 5;
	pthread_t thread;

	igt_assert_eq(pthread_create(&thread, NULL, shrinker_thread, &s), 0);
	for (uint32_t round = 2; tide_deadline(0) < end || !seen[OK] || !seen[DISCARDED]; round++) {
		uint32_t result;

		igt_assert_f(tide_deadline(0) < end + (int64_t)(60 * NSEC_PER_SEC),
			     "%u kept, %u discarded: both are wanted\n", seen[OK], seen[DISCARDED]);
		tide_offer_one(fd, bo, LOW);
		for (uint32_t spin = tide_random(&random) % 20000; spin; spin--)
			READ_ONCE(spin);
		result = tide_reclaim_one(fd, queue.id, bo);
		seen[result]++;
		if (result == DISCARDED)
			tide_zero_check(ptr, SIZE);
		else
			tide_pattern_check(ptr, SIZE, seed);
		seed = round;
		tide_pattern_fill(ptr, SIZE, seed);
		tide_pattern_check(ptr, SIZE, seed);
	}
	s.stop = true;
	pthread_join(thread, NULL);
	igt_info("%u kept, %u discarded\n", seen[OK], seen[DISCARDED]);
	tide_bo_check(fd, other, SIZE, 2);
	munmap(ptr, SIZE);
	gem_close(fd, bo);
	gem_close(fd, other);
	tide_queue_destroy(fd, &queue);
}

/* Where results cannot be written: nowhere, unmapped, read-only, half of them. */
enum bad_results { AT_NULL, UNMAPPED, READ_ONLY, HALF };

static void test_untold(int fd, enum bad_results how)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bos[8], results[8], *bad = NULL;
	uint8_t *pages = mmap(NULL, 2 * TIDE_PAGE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t value = 0;

	igt_assert(pages != MAP_FAILED);
	for (int i = 0; i < 8; i++) {
		bos[i] = make(fd, SIZE, i);
		tide_offer_one(fd, bos[i], i % 2 ? DRM_TIDE_PRIORITY_HIGH : LOW);
	}
	for (int i = 0; i < 8; i += 2)
		tide_discard(fd, bos[i]);

	if (how == UNMAPPED || how == READ_ONLY)
		bad = (uint32_t *)pages;
	if (how == HALF)
		bad = (uint32_t *)(pages + TIDE_PAGE) - 4;
	do_or_die(mprotect(how == HALF ? pages + TIDE_PAGE : pages, TIDE_PAGE,
			   how == READ_ONLY ? PROT_READ : PROT_NONE));
	igt_assert_eq(__tide_reclaim(fd, queue.id, bos, bad, 8, &value, NULL), -EFAULT);
	igt_assert_neq_u64(value, 0);
	tide_queue_wait(fd, &queue, value);

	/* They are reclaimed, and it can be asked for whom the answer waits. */
	for (int i = 0; i < 8; i++) {
		igt_assert_eq_u32(tide_bo_flags(fd, bos[i]),
				  i % 2 ? 0 : DRM_TIDE_BO_DISCARD_UNTOLD);
		if (i % 2)
			tide_bo_check(fd, bos[i], SIZE, i);
		else
			tide_bo_check_zero(fd, bos[i], SIZE);
	}
	/* What is written now is not what was lost. */
	tide_bo_pattern(fd, bos[0], SIZE, 100);
	tide_shrink(fd, 1024);
	tide_reclaim(fd, queue.id, bos, results, 8);
	for (int i = 0; i < 8; i++) {
		igt_assert_eq_u32(results[i], i % 2 ? OK : DISCARDED);
		igt_assert_eq_u32(tide_bo_flags(fd, bos[i]), 0);
	}
	tide_bo_check(fd, bos[0], SIZE, 100);
	tide_reclaim(fd, queue.id, bos, results, 8);
	for (int i = 0; i < 8; i++) {
		igt_assert_eq_u32(results[i], OK);
		gem_close(fd, bos[i]);
	}
	munmap(pages, 2 * TIDE_PAGE);
	tide_queue_destroy(fd, &queue);
}

/* An untold discard, and then a second offer: it is told after that one, too. */
static void test_untold_offered_again(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bo = make(fd, SIZE, 1);
	uint64_t value;

	offer_and_discard(fd, bo);
	igt_assert_eq(__tide_reclaim(fd, queue.id, &bo, NULL, 1, &value, NULL), -EFAULT);
	tide_bo_pattern(fd, bo, SIZE, 2);
	tide_offer_one(fd, bo, LOW);
	igt_assert_eq_u32(tide_reclaim_one(fd, queue.id, bo), DISCARDED);
	tide_bo_check(fd, bo, SIZE, 2);
	igt_assert_eq_u32(tide_reclaim_one(fd, queue.id, bo), OK);
	gem_close(fd, bo);
	tide_queue_destroy(fd, &queue);
}

igt_main {
	int fd = -1;

	igt_fixture
		fd = tide_open_render();

	igt_describe("OK: the content is intact to the bit");
	igt_subtest("c1-ok-content-intact")
		test_kept(fd);

	igt_describe("DISCARDED: the content reads as zeros from CPU and GPU");
	igt_subtest("c1-discarded-reads-zeros")
		test_discarded(fd);

	igt_describe("Every entry of a list gets its own answer");
	igt_subtest("c1-each-entry-its-answer")
		test_mixed(fd);

	igt_describe("What was never written reads as zeros whatever the answer");
	igt_subtest("c1-never-written")
		test_untouched(fd);

	igt_describe("The answer is right for content that was in swap when it was offered");
	igt_subtest("c1-offered-in-swap")
		test_discarded_swapped(fd);

	igt_describe("The CPU reads and writes at once, by old and new mappings, and it stays");
	igt_subtest("c2-cpu-access-at-once")
		test_cpu_at_once(fd);

	igt_describe("What is on the residency list is paged in by the reclaim");
	igt_subtest("c3-pages-in-what-is-on-the-list")
		test_pages_in(fd);

	igt_describe("Where nothing is paged in the value is signalled, on a fresh queue, too");
	igt_subtest("c3-nothing-to-page-in-is-signalled")
		test_nothing_to_page_in(fd);

	igt_describe("The value follows a page-in that another queue has under way");
	igt_subtest("c3-follows-page-in-of-other-queue")
		test_other_queue(fd);

	igt_describe("After the fence the GPU can use it; a job that does not wait is right, too");
	igt_subtest("c4-gpu-can-use-it")
		test_job_follows(fd);

	igt_describe("Handle, offset and pointer stay in use through discards");
	igt_subtest("c5-same-handle-offset-pointer")
		test_same_handle(fd);

	igt_describe("Reclaiming what was not offered answers OK and changes nothing");
	igt_subtest("c6-not-offered-answers-ok")
		test_not_offered(fd);

	igt_describe("The call does not wait for pages");
	igt_subtest("c7-does-not-wait-for-pages")
		test_does_not_wait(fd);

	igt_describe("The answer is exact while the shrinker runs against it");
	igt_subtest("c8-exact-against-the-shrinker")
		test_exact(fd);

	igt_describe("An answer that could not be written is given again: results at NULL");
	igt_subtest("c9-told-again-results-null")
		test_untold(fd, AT_NULL);

	igt_describe("An answer that could not be written is given again: results not mapped");
	igt_subtest("c9-told-again-results-unmapped")
		test_untold(fd, UNMAPPED);

	igt_describe("An answer that could not be written is given again: results read-only");
	igt_subtest("c9-told-again-results-read-only")
		test_untold(fd, READ_ONLY);

	igt_describe("An answer that could not be written whole is given again whole");
	igt_subtest("c9-told-again-results-half-mapped")
		test_untold(fd, HALF);

	igt_describe("An untold discard is told after a further offer");
	igt_subtest("c9-told-after-further-offer")
		test_untold_offered_again(fd);

	igt_fixture
		close(fd);
}
