// SPDX-License-Identifier: MIT
/**
 * TEST: tide local
 * Description: A local segment: where memory is, what moves it, and what that costs.
 */

#include "igt.h"
#include "igt_tide.h"
#include "igt_tide_set.h"

#include <pthread.h>
#include <sys/uio.h>
#include <sys/wait.h>

IGT_TEST_DESCRIPTION("Local memory");

#define SYSTEM	  DRM_TIDE_SEGMENT_SYSTEM
#define LOCAL	  DRM_TIDE_SEGMENT_LOCAL
#define LOCAL_MIB 16u
#define SIZE	  TIDE_MIB(1)
#define PAGES	  (SIZE / TIDE_PAGE)
#define LATER	  DRM_TIDE_EVICT_ONLY_IF_NECESSARY
#define UNWRITTEN DRM_TIDE_EVICT_NOT_WRITTEN

static void set_evict(struct tide_set *set, uint32_t first, uint32_t count, uint32_t flags)
{
	igt_assert_eq(__tide_evict_flags(set->fd, &set->bos[first], count, flags, NULL), 0);
}

static bool is_resident(int fd, uint32_t bo)
{
	return tide_bo_flags(fd, bo) & DRM_TIDE_BO_RESIDENT;
}

static void wait_until_gone(int fd, uint32_t bo)
{
	int64_t end = tide_deadline(TIDE_LIVENESS_S * NSEC_PER_SEC);

	while (is_resident(fd, bo)) {
		igt_assert_f(tide_deadline(0) < end, "it stays in local memory\n");
		usleep(1000);
	}
}

/* Soon: a queue or the paging engine may just be done with it. */
static void wait_usage(int fd, uint64_t usage)
{
	int64_t end = tide_deadline(TIDE_LIVENESS_S * NSEC_PER_SEC);

	while (tide_segment_info(fd, LOCAL).usage != usage) {
		igt_assert_f(tide_deadline(0) < end, "%" PRIu64 " bytes stay in use\n",
			     (uint64_t)tide_segment_info(fd, LOCAL).usage);
		usleep(1000);
	}
}

struct copies {
	uint64_t in, back, spared, discarded;
};

static struct copies copies(int fd)
{
	return (struct copies){ tide_stat(fd, "copied_in_pages"),
				tide_stat(fd, "copied_back_pages"),
				tide_stat(fd, "not_copied_back_pages"),
				tide_stat(fd, "discarded_local_pages") };
}

static void test_placement(void)
{
	static const struct {
		uint32_t allowed;
		uint64_t mib;
		uint32_t segment;
		bool fits;
	} cases[] = {
		{ 0, 1, LOCAL, true },
		{ 1 << SYSTEM, 1, SYSTEM, true },
		{ 1 << LOCAL, 1, LOCAL, true },
		{ 1 << SYSTEM | 1 << LOCAL, LOCAL_MIB, LOCAL, true },
		{ 0, LOCAL_MIB + 1, SYSTEM, true },
		{ 1 << LOCAL, LOCAL_MIB + 1, LOCAL, false },
	};
	struct tide_set set;

	tide_set_open(&set, SIZE);
	igt_assert_eq_u32(tide_info(set.fd).segment_count, 2);
	igt_assert_eq_u64(tide_segment_info(set.fd, LOCAL).size, TIDE_MIB(LOCAL_MIB));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t size = TIDE_MIB(cases[i].mib), value, usage;
		uint32_t bo;

		igt_assert_eq(__tide_bo_create_in(set.fd, size, cases[i].allowed, &bo), 0);
		igt_assert_eq_u32(tide_bo_info(set.fd, bo).segment, cases[i].segment);
		wait_usage(set.fd, 0);
		value = tide_make_resident(set.fd, set.queue.id, &bo, 1);
		tide_queue_wait(set.fd, &set.queue, value);
		igt_assert_eq_u32(is_resident(set.fd, bo), cases[i].fits);
		igt_assert_eq_u32(tide_queue_info(set.fd, set.queue.id, value).error,
				  cases[i].fits ? 0 : ENOSPC);
		usage = cases[i].segment == LOCAL && cases[i].fits ? size : 0;
		igt_assert_eq_u64(tide_segment_info(set.fd, LOCAL).usage, usage);
		igt_assert_eq_u64(tide_budget(set.fd, cases[i].segment).usage, size);
		igt_assert_eq_u64(tide_budget(set.fd, !cases[i].segment).usage, 0);
		gem_close(set.fd, bo);
	}
	close(set.fd);
}

/* Content in, content back, whoever looks and writes where. */
static void test_content(void)
{
	struct tide_set set;
	struct copies before;
	uint8_t *ptr;

	tide_set_open(&set, SIZE);
	tide_set_add(&set, 2, 1);
	ptr = tide_bo_map(set.fd, set.bos[0], SIZE);
	tide_pattern_check(ptr, SIZE, 1);
	before = copies(set.fd);
	tide_set_make_resident(&set, 0, 2);
	igt_assert_eq_u64(copies(set.fd).in - before.in, 2 * PAGES);

	/* by old mappings, new ones, and the GPU */
	tide_pattern_check(ptr, SIZE, 1);
	tide_set_check(&set, 0, 2, 1);
	tide_pattern_fill(ptr, SIZE, 7);
	tide_gpu_copy(set.fd, set.bos[1], 0, set.bos[0], 0, SIZE);
	tide_bo_check(set.fd, set.bos[1], SIZE, 7);
	tide_gpu_fill(set.fd, set.bos[0], 5, 100, 0x55555555);
	tide_pattern_check(ptr, 5, 7);
	for (int i = 5; i < 105; i++)
		igt_assert_eq(ptr[i], 0x55);
	tide_pattern_fill(ptr, SIZE, 8);

	set_evict(&set, 0, 2, 0);
	wait_until_gone(set.fd, set.bos[0]);
	wait_until_gone(set.fd, set.bos[1]);
	tide_pattern_check(ptr, SIZE, 8);
	tide_bo_check(set.fd, set.bos[1], SIZE, 7);
	igt_assert_eq_u64(copies(set.fd).back - before.back, 2 * PAGES);
	wait_usage(set.fd, 0);
	munmap(ptr, SIZE);
	close(set.fd);
}

/* New memory is zeros in local memory, too, whatever was there. */
static void test_zeros(void)
{
	struct tide_set set;

	tide_set_open(&set, SIZE);
	tide_set_add(&set, LOCAL_MIB, 1);
	tide_set_make_resident(&set, 0, LOCAL_MIB);
	tide_gpu_fill(set.fd, set.bos[3], 0, SIZE, 0xdeadbeef);
	close(set.fd);

	tide_set_open(&set, SIZE);
	for (uint32_t i = 0; i < LOCAL_MIB; i++)
		set.bos[set.count++] = tide_bo_create(set.fd, SIZE);
	tide_set_make_resident(&set, 0, LOCAL_MIB - 1);
	for (uint32_t i = 0; i < LOCAL_MIB - 1; i++)
		tide_bo_check_zero(set.fd, set.bos[i], SIZE);
	tide_set_make_resident(&set, LOCAL_MIB - 1, 1);
	tide_bo_pattern(set.fd, set.bos[0], SIZE, 5);
	tide_gpu_copy(set.fd, set.bos[0], 0, set.bos[LOCAL_MIB - 1], 0, SIZE);
	tide_bo_check_zero(set.fd, set.bos[0], SIZE);
	close(set.fd);
}

/* No byte of one client's is in another's local memory, whenever it is killed. */
static void test_recycled(void)
{
	for (int round = 0; round < 20; round++) {
		struct tide_set set;
		int status;
		pid_t pid = fork();

		igt_assert_lte(0, pid);
		if (!pid) {
			tide_set_open(&set, SIZE);
			for (;;) {
				uint32_t bo = tide_bo_create(set.fd, SIZE);
				uint8_t *ptr = tide_bo_map(set.fd, bo, SIZE);

				memset(ptr, 0xa5, SIZE);
				tide_make_resident(set.fd, set.queue.id, &bo, 1);
				memset(ptr, 0xa5, SIZE);
				munmap(ptr, SIZE);
				tide_evict_one(set.fd, bo);
				if (tide_random(&(uint32_t){ bo }) & 1)
					gem_close(set.fd, bo);
			}
		}
		usleep(20000 + 3000 * round);
		kill(pid, SIGKILL);
		igt_assert_eq(waitpid(pid, &status, 0), pid);
		igt_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);

		tide_set_open(&set, SIZE);
		for (uint32_t i = 0; i < LOCAL_MIB; i++)
			set.bos[set.count++] = tide_bo_create(set.fd, SIZE);
		tide_set_make_resident(&set, 0, LOCAL_MIB);
		igt_assert_eq_u32(tide_set_residents(&set, 0, LOCAL_MIB), LOCAL_MIB);
		for (uint32_t i = 0; i < LOCAL_MIB; i++)
			tide_bo_check_zero(set.fd, set.bos[i], SIZE);
		close(set.fd);
	}
}

/* A page that the client has put into a pipe stays the client's, whoever has the chunk next. */
static void test_held_pages(void)
{
	const size_t held = 4 * TIDE_PAGE;
	uint8_t *ptr, *copy = malloc(held);
	struct tide_set set, other;
	struct iovec iov;
	int pipes[2][2];

	tide_set_open(&set, SIZE);
	tide_set_add(&set, 2, 1);
	tide_set_make_resident(&set, 0, 2);
	/* one is closed, the other one discarded */
	for (uint32_t i = 0; i < 2; i++) {
		do_or_die(pipe(pipes[i]));
		ptr = tide_bo_map(set.fd, set.bos[i], SIZE);
		tide_pattern_check(ptr, SIZE, 1 + i);
		iov = (struct iovec){ ptr, held };
		igt_assert_eq(vmsplice(pipes[i][1], &iov, 1, 0), held);
		munmap(ptr, SIZE);
	}
	gem_close(set.fd, set.bos[0]);
	tide_offer_one(set.fd, set.bos[1], DRM_TIDE_PRIORITY_LOW);
	tide_discard(set.fd, set.bos[1]);

	tide_set_open(&other, SIZE);
	tide_set_add(&other, LOCAL_MIB, 100);
	tide_set_make_resident(&other, 0, LOCAL_MIB);
	igt_assert_eq_u32(tide_set_residents(&other, 0, LOCAL_MIB), LOCAL_MIB);
	for (uint32_t i = 0; i < 2; i++) {
		igt_assert_eq(read(pipes[i][0], copy, held), held);
		tide_pattern_check(copy, held, 1 + i);
		close(pipes[i][0]);
		close(pipes[i][1]);
	}
	tide_set_check(&other, 0, LOCAL_MIB, 100);
	free(copy);
	close(other.fd);
	close(set.fd);
}

struct writer {
	uint64_t *ptr;
	uint32_t first, stride;
	bool fault; /* for each store */
	volatile bool stop;
	bool lost;
	uint64_t rounds;
};

/* Counts up on each page of its own, and looks whether what it wrote last is there. */
static void *writer_thread(void *data)
{
	struct writer *w = data;

	while (!w->stop && !w->lost) {
		for (uint32_t page = w->first; page < PAGES; page += w->stride) {
			volatile uint64_t *place = &w->ptr[page * TIDE_PAGE / 8 + page];

			if (w->fault)
				tide_unmap_pages(&w->ptr[page * TIDE_PAGE / 8], TIDE_PAGE);
			if (*place != w->rounds)
				w->lost = true;
			*place = w->rounds + 1;
		}
		w->rounds++;
	}
	return NULL;
}

/* The CPU stores all the time while the allocation moves to and fro. */
static void test_no_store_lost(bool for_room, bool fault)
{
	struct writer writers[2] = {};
	pthread_t threads[2];
	uint64_t moves = 0;
	struct copies before;
	struct tide_set set;
	uint64_t *ptr;

	tide_set_open(&set, SIZE);
	tide_set_add(&set, LOCAL_MIB + 1, 1);
	ptr = tide_bo_map(set.fd, set.bos[0], SIZE);
	memset(ptr, 0, SIZE);
	for (uint32_t i = 0; i < 2; i++) {
		writers[i] = (struct writer){ .ptr = ptr, .first = i, .stride = 2, .fault = fault };
		igt_assert_eq(pthread_create(&threads[i], NULL, writer_thread, &writers[i]), 0);
	}

	before = copies(set.fd);
	for (int64_t end = tide_deadline(3 * NSEC_PER_SEC);
	     tide_deadline(0) < end || moves < 10; moves++) {
		tide_set_make_resident(&set, 0, 1);
		set_evict(&set, 0, 1, for_room ? LATER : 0);
		/* It is passed over where a fault has its lock. */
		while (for_room && is_resident(set.fd, set.bos[0])) {
			tide_set_make_resident(&set, 1, LOCAL_MIB);
			set_evict(&set, 1, LOCAL_MIB, LATER);
		}
		wait_until_gone(set.fd, set.bos[0]);
	}
	for (uint32_t i = 0; i < 2; i++) {
		writers[i].stop = true;
		igt_assert_eq(pthread_join(threads[i], NULL), 0);
		igt_assert_f(!writers[i].lost, "a store was lost in round %" PRIu64 "\n",
			     writers[i].rounds);
		igt_assert_lt_u64(1, writers[i].rounds);
	}
	/* The last move is over when there is something to read. */
	igt_assert_lt_u64(0, ptr[0]);
	igt_assert_lte_u64(moves * PAGES, copies(set.fd).in - before.in);
	igt_assert_lte_u64(moves * PAGES, copies(set.fd).back - before.back);
	munmap(ptr, SIZE);
	close(set.fd);
}

/* The kernel reads and writes through a mapping of what is in local memory. */
static void test_kernel_access(void)
{
	uint8_t *copy = malloc(SIZE), *ptr;
	struct tide_set set;
	FILE *stream = tmpfile();
	int file;

	igt_assert(stream);
	file = fileno(stream);
	tide_set_open(&set, SIZE);
	tide_set_add(&set, 1, 1);
	ptr = tide_bo_map(set.fd, set.bos[0], SIZE);
	for (int round = 0; round < 3; round++) {
		tide_set_make_resident(&set, 0, 1);
		igt_assert_eq(pwrite(file, ptr, SIZE, 0), SIZE);
		igt_assert_eq(pread(file, copy, SIZE, 0), SIZE);
		tide_pattern_check(copy, SIZE, round + 1);
		tide_pattern_fill(copy, SIZE, round + 2);
		igt_assert_eq(pwrite(file, copy, SIZE, 0), SIZE);
		tide_unmap_pages(ptr, SIZE);
		igt_assert_eq(pread(file, ptr, SIZE, 0), SIZE);
		igt_assert(is_resident(set.fd, set.bos[0]));
		set_evict(&set, 0, 1, 0);
		wait_until_gone(set.fd, set.bos[0]);
		tide_pattern_check(ptr, SIZE, round + 2);
	}
	free(copy);
	fclose(stream);
	munmap(ptr, SIZE);
	close(set.fd);
}

/* An evicted one leaves as soon as it is idle, or stays until its room is needed. */
static void test_evict(void)
{
	struct tide_cork cork;
	struct tide_set set;

	tide_set_open(&set, SIZE);
	tide_set_add(&set, 5, 1);
	tide_set_make_resident(&set, 0, 5);
	tide_offer_one(set.fd, set.bos[3], DRM_TIDE_PRIORITY_LOW);
	tide_cork_plug(&cork, set.fd);
	tide_keep_busy(set.fd, &cork, set.bos[1], TIDE_READ);
	set_evict(&set, 0, 1, LATER);
	set_evict(&set, 1, 2, 0);
	wait_until_gone(set.fd, set.bos[2]);
	usleep(200000);
	igt_assert_eq_u32(tide_set_residents(&set, 0, 2), 2);
	tide_cork_unplug(&cork);
	wait_until_gone(set.fd, set.bos[1]);
	usleep(200000);
	igt_assert(is_resident(set.fd, set.bos[0]));
	/* what is offered, or required, has nothing to do with that */
	igt_assert_eq_u32(tide_set_residents(&set, 3, 2), 2);
	igt_assert_eq_u32(tide_reclaim_one(set.fd, set.queue.id, set.bos[3]),
			  DRM_TIDE_RECLAIM_OK);
	tide_set_check(&set, 0, 5, 1);
	tide_cork_fini(&cork, set.fd);
	close(set.fd);
}

enum write {
	BY_NOBODY,
	BY_CPU,
	BY_OLD_MAPPING,
	BY_GPU,
	IN_EARLIER_STAY,
};

/* Returns whether its copy back was left out. */
static bool evict_spares_copy(enum write write, uint32_t flags)
{
	struct copies before, after;
	uint32_t seed = 1;
	struct tide_set set;
	uint8_t *ptr;

	tide_set_open(&set, SIZE);
	tide_set_add(&set, 1, seed);
	ptr = tide_bo_map(set.fd, set.bos[0], SIZE);
	tide_pattern_check(ptr, SIZE, seed);
	if (write == IN_EARLIER_STAY) {
		tide_set_make_resident(&set, 0, 1);
		tide_pattern_fill(ptr, SIZE, ++seed);
		set_evict(&set, 0, 1, 0);
		wait_until_gone(set.fd, set.bos[0]);
	}
	tide_set_make_resident(&set, 0, 1);
	if (write == BY_CPU)
		tide_bo_pattern(set.fd, set.bos[0], SIZE, ++seed);
	if (write == BY_OLD_MAPPING)
		tide_pattern_fill(ptr, SIZE, ++seed);
	if (write == BY_GPU)
		tide_gpu_fill(set.fd, set.bos[0], 0, SIZE, 0x11111111);
	else
		tide_set_job(&set, 0, 1);

	before = copies(set.fd);
	set_evict(&set, 0, 1, flags);
	wait_usage(set.fd, 0);
	after = copies(set.fd);
	igt_assert_eq_u64(after.back - before.back + after.spared - before.spared, PAGES);

	if (write == BY_GPU)
		for (uint32_t i = 0; i < SIZE; i++)
			igt_assert_eq(ptr[i], 0x11);
	else
		tide_pattern_check(ptr, SIZE, seed);
	munmap(ptr, SIZE);
	close(set.fd);
	return after.spared != before.spared;
}

static void test_not_written(void)
{
	igt_assert(evict_spares_copy(BY_NOBODY, UNWRITTEN));
	igt_assert(evict_spares_copy(IN_EARLIER_STAY, UNWRITTEN));
	igt_assert(!evict_spares_copy(BY_NOBODY, 0));
	/* where the client is wrong, the kernel knows better */
	igt_assert(!evict_spares_copy(BY_CPU, UNWRITTEN));
	igt_assert(!evict_spares_copy(BY_OLD_MAPPING, UNWRITTEN));
	igt_assert(!evict_spares_copy(BY_GPU, UNWRITTEN));
}

/* What was said of one stay does not hold for the next one. */
static void test_not_written_once(void)
{
	struct copies before;
	struct tide_set set;

	tide_set_open(&set, SIZE);
	tide_set_add(&set, 1, 1);
	tide_set_make_resident(&set, 0, 1);
	set_evict(&set, 0, 1, UNWRITTEN | LATER);
	tide_set_make_resident(&set, 0, 1);
	tide_gpu_fill(set.fd, set.bos[0], 0, SIZE, 0x22222222);
	before = copies(set.fd);
	set_evict(&set, 0, 1, 0);
	wait_usage(set.fd, 0);
	igt_assert_eq_u64(copies(set.fd).back - before.back, PAGES);
	close(set.fd);
}

/*
 * Room is made by what is offered, LOW before NORMAL before HIGH and the oldest
 * first, which costs no copy; then by what nobody requires, the least recently
 * used first.
 */
static void test_order(void)
{
	static const uint32_t expected[] = { 5, 1, 4, 0, 3, 2, /* offered */
					     7, 6, 9, 8 /* unrequired */ };
	struct copies before, after;
	struct tide_set set;

	tide_set_open(&set, SIZE);
	tide_set_add(&set, LOCAL_MIB + ARRAY_SIZE(expected), 1);
	tide_set_make_resident(&set, 0, LOCAL_MIB);
	tide_offer(set.fd, (uint32_t[]){ set.bos[2] }, 1, DRM_TIDE_PRIORITY_HIGH);
	tide_offer(set.fd, (uint32_t[]){ set.bos[4], set.bos[0], set.bos[3] }, 3,
		   DRM_TIDE_PRIORITY_NORMAL);
	tide_offer(set.fd, (uint32_t[]){ set.bos[5], set.bos[1] }, 2, DRM_TIDE_PRIORITY_LOW);
	/* used in the order 7, 6, 9, 8 */
	tide_set_job(&set, 7, 1);
	tide_set_job(&set, 6, 1);
	tide_set_job(&set, 9, 1);
	tide_set_job(&set, 8, 1);
	set_evict(&set, 6, 4, LATER);

	before = copies(set.fd);
	for (uint32_t i = 0; i < ARRAY_SIZE(expected); i++) {
		tide_set_make_resident(&set, LOCAL_MIB + i, 1);
		for (uint32_t j = 0; j < ARRAY_SIZE(expected); j++)
			igt_assert_f(is_resident(set.fd, set.bos[expected[j]]) == (j > i),
				     "after %u: %u\n", i, expected[j]);
		after = copies(set.fd);
		igt_assert_eq_u64(after.discarded - before.discarded, min(i + 1, 6u) * PAGES);
		igt_assert_eq_u64(after.back - before.back, (i < 6 ? 0 : i - 5) * PAGES);
	}
	for (uint32_t i = 0; i < 6; i++) {
		igt_assert_eq_u32(tide_reclaim_one(set.fd, set.queue.id, set.bos[i]),
				  DRM_TIDE_RECLAIM_DISCARDED);
		tide_bo_check_zero(set.fd, set.bos[i], SIZE);
	}
	tide_set_check(&set, 6, LOCAL_MIB + ARRAY_SIZE(expected) - 6, 7);
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
	for (uint32_t i = 0; i < 8; i++)
		tide_gpu_fill(idle.fd, idle.bos[i], 0, 4, 0);
	tide_set_job(&active, 0, 8);

	tide_set_make_resident(&active, 8, 4);
	igt_assert_eq_u32(tide_set_residents(&active, 0, 12), 12);
	igt_assert_eq_u32(tide_set_residents(&idle, 0, 8), 4);

	/* It asks for nothing but the job. */
	for (uint32_t i = 0; i < 8; i++)
		tide_gpu_copy(idle.fd, idle.bos[i], 0, idle.bos[i], SIZE - 4, 4);
	tide_set_job(&idle, 0, 8);
	igt_assert_eq_u32(tide_set_residents(&idle, 0, 8), 8);
	for (uint32_t i = 0; i < 8; i++) {
		uint8_t *ptr = tide_bo_map(idle.fd, idle.bos[i], SIZE);

		igt_assert_eq_u64(__tide_pattern_check(ptr, 4, 1 + i, SIZE - 4), 4);
		igt_assert_eq_u64(__tide_pattern_check(ptr + 4, SIZE - 4, 1 + i, 4), SIZE - 4);
		munmap(ptr, SIZE);
	}
	tide_set_check(&active, 0, 12, 100);
	close(idle.fd);
	close(active.fd);
}

/* A suspended client's set leaves without need, and is back before its next job. */
static void test_suspend(bool other)
{
	struct tide_set set, desktop;
	uint32_t shared;
	int dmabuf;

	tide_set_open(&set, SIZE);
	tide_set_open(&desktop, SIZE);
	tide_set_add(&set, 4, 1);
	tide_set_make_resident(&set, 0, 4);
	/* what the other one requires as well stays */
	igt_assert_eq(__tide_prime_export(set.fd, set.bos[3], &dmabuf), 0);
	shared = prime_fd_to_handle(desktop.fd, dmabuf);
	close(dmabuf);
	tide_make_resident_one(desktop.fd, &desktop.queue, shared);

	if (other)
		igt_assert_eq(__tide_suspend(desktop.fd, tide_fdinfo(set.fd, "drm-client-id")), 0);
	else
		igt_assert_eq(__tide_suspend(set.fd, 0), 0);
	for (uint32_t i = 0; i < 3; i++)
		wait_until_gone(set.fd, set.bos[i]);
	usleep(200000);
	igt_assert(is_resident(set.fd, set.bos[3]));
	for (uint32_t i = 0; i < 4; i++)
		igt_assert_eq_u32(tide_bo_info(set.fd, set.bos[i]).residency_count, 1);

	tide_set_job(&set, 0, 4);
	usleep(200000);
	igt_assert_eq_u32(tide_set_residents(&set, 0, 4), 4);
	tide_set_check(&set, 0, 4, 1);
	close(set.fd);
	close(desktop.fd);
}

/* Discarded by the shrinker while in local memory: all of it is free, and nothing is copied. */
static void test_shrinker_discards(void)
{
	struct copies before;
	struct tide_set set;

	tide_set_open(&set, SIZE);
	tide_set_add(&set, 2, 1);
	tide_set_make_resident(&set, 0, 2);
	before = copies(set.fd);
	tide_offer_one(set.fd, set.bos[0], DRM_TIDE_PRIORITY_LOW);
	tide_discard(set.fd, set.bos[0]);
	igt_assert_eq_u64(tide_segment_info(set.fd, LOCAL).usage, SIZE);
	igt_assert_eq_u64(copies(set.fd).back, before.back);
	igt_assert_eq_u64(copies(set.fd).discarded - before.discarded, PAGES);
	igt_assert_eq_u32(tide_reclaim_one(set.fd, set.queue.id, set.bos[0]),
			  DRM_TIDE_RECLAIM_DISCARDED);
	tide_bo_check_zero(set.fd, set.bos[0], SIZE);
	tide_bo_check(set.fd, set.bos[1], SIZE, 2);
	tide_set_job(&set, 0, 2);
	tide_bo_check_zero(set.fd, set.bos[0], SIZE);
	close(set.fd);
}

/* Memory pressure takes what is idle from local memory, too, with all that was written there. */
static void test_shrinker_evicts(void)
{
	struct tide_set set;

	tide_swap_on(TIDE_MIB(64));
	tide_set_open(&set, SIZE);
	tide_set_add(&set, 4, 1);
	for (int round = 0; round < 3; round++) {
		tide_set_make_resident(&set, 0, 4);
		for (uint32_t i = 0; i < 4; i++)
			tide_bo_pattern(set.fd, set.bos[i], SIZE, 10 * round + i);
		for (uint32_t i = 0; i < 4; i++)
			tide_swap_out(set.fd, set.bos[i]);
		igt_assert_eq_u64(tide_segment_info(set.fd, LOCAL).usage, 0);
		tide_set_job(&set, 0, 4);
		igt_assert_eq_u32(tide_set_residents(&set, 0, 4), 4);
		tide_set_check(&set, 0, 4, 10 * round);
	}
	close(set.fd);
	tide_swap_off();
}

/* What the GPU alone has written does not look clean to the kernel, once it is back. */
static void test_drop_caches(void)
{
	struct tide_set set;

	uint32_t bo;

	tide_set_open(&set, SIZE);
	tide_set_add(&set, 1, 1);
	tide_set_make_resident(&set, 0, 1);
	bo = tide_bo_create(set.fd, SIZE);
	tide_make_resident_one(set.fd, &set.queue, bo);
	tide_gpu_copy(set.fd, bo, 0, set.bos[0], 0, SIZE);
	tide_evict(set.fd, &bo, 1);
	wait_until_gone(set.fd, bo);
	tide_drop_caches();
	tide_bo_check(set.fd, bo, SIZE, 1);
	close(set.fd);
}

/*
 * An offer amid a move is kept, and the reclaim says what has become of it, with more and more others
 * that want the room. With none all of it is kept; with as many as there is room for, and what is
 * offered there already, it is discarded.
 */
static void test_offer_amid_moves(void)
{
	uint32_t discarded = 0, kept = 0, others = 0;
	struct tide_set set;
	int64_t end;

	tide_set_open(&set, SIZE);
	tide_set_add(&set, LOCAL_MIB + 4, 1);
	end = tide_deadline(3 * NSEC_PER_SEC);
	do {
		uint32_t results[4];
		uint64_t value = tide_make_resident(set.fd, set.queue.id, set.bos, 4);

		if (others == LOCAL_MIB)
			tide_queue_wait(set.fd, &set.queue, value);
		tide_offer(set.fd, set.bos, 4, DRM_TIDE_PRIORITY_LOW);
		if (others)
			tide_set_make_resident(&set, 4, others);
		value = tide_reclaim(set.fd, set.queue.id, set.bos, results, 4);
		for (uint32_t i = 0; i < 4; i++) {
			if (results[i] == DRM_TIDE_RECLAIM_OK) {
				tide_bo_check(set.fd, set.bos[i], SIZE, 1 + i);
				kept++;
			} else {
				igt_assert_eq_u32(results[i], DRM_TIDE_RECLAIM_DISCARDED);
				tide_bo_check_zero(set.fd, set.bos[i], SIZE);
				tide_bo_pattern(set.fd, set.bos[i], SIZE, 1 + i);
				discarded++;
			}
		}
		tide_queue_wait(set.fd, &set.queue, value);
		tide_set_check(&set, 0, 4, 1);
		tide_evict(set.fd, set.bos, 4 + others);
		others = (others + 1) % (LOCAL_MIB + 1);
	} while (others || tide_deadline(0) < end);
	tide_set_check(&set, 0, set.count, 1);
	igt_info("%u kept, %u discarded\n", kept, discarded);
	igt_assert_lt_u64(0, discarded);
	igt_assert_lt_u64(0, kept);
	close(set.fd);
}

static void test_fdinfo(void)
{
	struct tide_cork cork;
	struct tide_set set;

	tide_set_open(&set, SIZE);
	tide_set_add(&set, 3, 1);
	tide_set_make_resident(&set, 0, 2);
	igt_assert_eq_u64(tide_fdinfo(set.fd, "drm-total-local"), 3 * SIZE);
	igt_assert_eq_u64(tide_fdinfo(set.fd, "drm-resident-local"), 2 * SIZE);
	igt_assert_eq_u64(tide_fdinfo(set.fd, "drm-shared-local"), 0);
	tide_offer_one(set.fd, set.bos[0], DRM_TIDE_PRIORITY_LOW);
	igt_assert_eq_u64(tide_fdinfo(set.fd, "drm-purgeable-local"), SIZE);
	/* and their pages of system memory are there */
	igt_assert_eq_u64(tide_fdinfo(set.fd, "drm-resident-system"), 3 * SIZE);
	tide_cork_plug(&cork, set.fd);
	tide_keep_busy(set.fd, &cork, set.bos[1], TIDE_READ);
	igt_assert_eq_u64(tide_fdinfo(set.fd, "drm-active-local"), SIZE);
	tide_cork_unplug(&cork);
	tide_cork_fini(&cork, set.fd);
	close(set.fd);
}

/* Of copies that are ready together, the one of higher priority is made first. */
static unsigned int overtaken(int32_t priority)
{
	unsigned int count = 0;

	for (int round = 0; round < 5; round++) {
		struct drm_tide_queue_create queues[LOCAL_MIB] = {};
		struct drm_tide_make_resident args[LOCAL_MIB];
		struct tide_set set;

		tide_set_open(&set, SIZE);
		tide_set_add(&set, LOCAL_MIB, 1);
		for (uint32_t i = 0; i < LOCAL_MIB; i++) {
			queues[i].priority = i == LOCAL_MIB - 1 ? priority : -1;
			igt_assert_eq(__tide_ioctl(set.fd, DRM_IOCTL_TIDE_QUEUE_CREATE,
						   &queues[i]), 0);
		}
		for (uint32_t i = 0; i < LOCAL_MIB; i++)
			igt_assert_eq(__tide_make_resident_args(set.fd, queues[i].queue,
								&set.bos[i], 1, 0, &args[i]), 0);
		tide_point_wait(set.fd, queues[LOCAL_MIB - 1].syncobj, args[LOCAL_MIB - 1].value);
		for (uint32_t i = 0; i < LOCAL_MIB - 1; i++)
			count += !tide_point_signalled(set.fd, queues[i].syncobj, args[i].value);
		for (uint32_t i = 0; i < LOCAL_MIB - 1; i++)
			tide_point_wait(set.fd, queues[i].syncobj, args[i].value);
		igt_assert_eq_u32(tide_set_residents(&set, 0, LOCAL_MIB), LOCAL_MIB);
		close(set.fd);
	}
	return count;
}

static void test_priority(void)
{
	unsigned int high = overtaken(1), low = overtaken(-1);

	igt_info("%u overtaken, %u without priority\n", high, low);
	igt_assert_lt(low, high);
}

igt_main {
	igt_fixture {
		char parameters[32];

		snprintf(parameters, sizeof(parameters), "local_mib=%u", LOCAL_MIB);
		tide_reload(parameters);
	}

	igt_describe("Where an allocation is resident, and that it is accounted there");
	igt_subtest("a1-d6-placement")
		test_placement();

	igt_describe("Contents come along, by every way of access");
	igt_subtest("a2-content-moves")
		test_content();

	igt_describe("The kernel reads and writes local memory for a client");
	igt_subtest("a2-kernel-access")
		test_kernel_access();

	igt_describe("No store is lost to moves that evictions begin");
	igt_subtest("a2-no-store-lost")
		test_no_store_lost(false, false);

	igt_describe("No store is lost to moves that make room");
	igt_subtest("a2-no-store-lost-for-room")
		test_no_store_lost(true, false);

	igt_describe("No store is lost to moves that begin amid faults");
	igt_subtest("a2-no-store-lost-amid-faults")
		test_no_store_lost(false, true);

	igt_describe("New memory is zeros in local memory, too");
	igt_subtest("a1-h1-zeros")
		test_zeros();

	igt_describe("No content of a killed client shows up in freed chunks");
	igt_subtest("h1-h3-recycled-after-kill")
		test_recycled();

	igt_describe("Pages of freed chunks that a client still holds are nobody else's");
	igt_subtest("h1-held-pages-are-not-recycled")
		test_held_pages();

	igt_describe("An evicted allocation leaves when it is idle, or when room is needed");
	igt_subtest("d5-leaves-when-idle-or-if-necessary")
		test_evict();

	igt_describe("What was not written is not copied back, if the kernel knows the same");
	igt_subtest("d5-not-written")
		test_not_written();

	igt_describe("Not written is said of one stay in local memory");
	igt_subtest("d5-not-written-once")
		test_not_written_once();

	igt_describe("Offered ones make room first, in their order and without a copy, then by use");
	igt_subtest("d7-b4-order-of-making-room")
		test_order();

	igt_describe("The longest idle client makes room and is restored before its next job");
	igt_subtest("d7-longest-idle-makes-room")
		test_idle();

	igt_describe("A client suspends itself, and finds everything again");
	igt_subtest("d7-suspended-by-itself")
		test_suspend(false);

	igt_describe("A desktop suspends a client, which finds everything again");
	igt_subtest("d7-suspended-by-another")
		test_suspend(true);

	igt_describe("The shrinker discards what is in local memory, without a copy");
	igt_subtest("c1-discarded-in-local-memory")
		test_shrinker_discards();

	igt_describe("Memory pressure evicts from local memory to swap, and all is back");
	igt_subtest("a2-d7-swapped-from-local-memory")
		test_shrinker_evicts();

	igt_describe("Content that the GPU has written is kept when the kernel drops what is clean");
	igt_subtest("a2-drop-caches")
		test_drop_caches();

	igt_describe("Offers and reclaims amid moves");
	igt_subtest("c8-offer-amid-moves")
		test_offer_amid_moves();

	igt_describe("Local memory in fdinfo");
	igt_subtest("h6-fdinfo-local")
		test_fdinfo();

	igt_describe("Copies for a queue of high priority come first");
	igt_subtest("e1-priority-first")
		test_priority();
}
