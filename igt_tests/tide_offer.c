// SPDX-License-Identifier: MIT
/**
 * TEST: tide offer
 * Description: Offering, what it forbids, and the order in which the kernel takes.
 */

#include "igt.h"
#include "igt_syncobj.h"
#include "igt_tide.h"

#include <pthread.h>
#include <sys/uio.h>

IGT_TEST_DESCRIPTION("Offering allocations");

#define SIZE TIDE_KIB(64)
#define LOW  DRM_TIDE_PRIORITY_LOW
#define NORMAL DRM_TIDE_PRIORITY_NORMAL
#define HIGH DRM_TIDE_PRIORITY_HIGH

static const uint32_t priorities[] = { LOW, NORMAL, HIGH };

/* An allocation with a content. */
static uint32_t make(int fd, uint64_t size, uint32_t seed)
{
	uint32_t bo = tide_bo_create(fd, size);

	tide_bo_pattern(fd, bo, size, seed);
	return bo;
}

static bool discarded(int fd, uint32_t bo)
{
	return tide_bo_flags(fd, bo) & DRM_TIDE_BO_DISCARDED;
}

static void test_priorities(int fd)
{
	for (size_t i = 0; i < ARRAY_SIZE(priorities); i++) {
		uint32_t bo = make(fd, SIZE, i);
		struct drm_tide_bo_info info;

		tide_offer_one(fd, bo, priorities[i]);
		info = tide_bo_info(fd, bo);
		igt_assert_eq_u32(info.flags, DRM_TIDE_BO_OFFERED);
		igt_assert_eq_u32(info.priority, priorities[i]);
		tide_discard(fd, bo);
		info = tide_bo_info(fd, bo);
		igt_assert_eq_u32(info.flags, DRM_TIDE_BO_OFFERED | DRM_TIDE_BO_DISCARDED);
		igt_assert_eq_u32(info.priority, priorities[i]);
		igt_assert_eq_u64(info.discard_count, 1);
		igt_assert_eq_u64(info.present, 0);
		gem_close(fd, bo);
	}
}

static void test_long_list(int fd)
{
	const uint32_t count = 65536, bo_count = 512;
	uint32_t *handles = calloc(count, sizeof(*handles));
	uint32_t *results = calloc(count, sizeof(*results));
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bad, discards = 0;

	igt_assert(handles && results);
	for (uint32_t i = 0; i < bo_count; i++)
		handles[i] = make(fd, TIDE_PAGE, i);
	for (uint32_t i = bo_count; i < count; i++)
		handles[i] = handles[i % bo_count];

	tide_offer(fd, handles, count, NORMAL);
	for (uint32_t i = 0; i < bo_count; i++)
		igt_assert(tide_bo_flags(fd, handles[i]) & DRM_TIDE_BO_OFFERED);
	tide_shrink(fd, bo_count / 2);
	tide_reclaim(fd, queue.id, handles, results, count);
	for (uint32_t i = 0; i < bo_count; i++) {
		igt_assert(!(tide_bo_flags(fd, handles[i]) & DRM_TIDE_BO_OFFERED));
		if (results[i] == DRM_TIDE_RECLAIM_DISCARDED) {
			tide_bo_check_zero(fd, handles[i], TIDE_PAGE);
			discards++;
		} else {
			tide_bo_check(fd, handles[i], TIDE_PAGE, i);
		}
	}
	for (uint32_t i = bo_count; i < count; i++)
		igt_assert_eq_u32(results[i], DRM_TIDE_RECLAIM_OK);
	igt_assert_lte_u32(1, discards);
	igt_assert_lte_u32(discards, bo_count - 1);

	/* The limit holds, and a longer list offers nothing. */
	igt_assert_eq(__tide_offer(fd, handles, tide_info(fd).max_handles + 1, LOW, &bad),
		      -E2BIG);
	igt_assert_eq_u32(bad, DRM_TIDE_NO_INDEX);
	igt_assert(!(tide_bo_flags(fd, handles[0]) & DRM_TIDE_BO_OFFERED));

	for (uint32_t i = 0; i < bo_count; i++)
		gem_close(fd, handles[i]);
	tide_queue_destroy(fd, &queue);
	free(handles);
	free(results);
}

/* Nothing in a submission offers: what jobs used stays, whatever the pressure. */
static void test_submit_does_not_offer(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bos[2] = { make(fd, SIZE, 1), make(fd, SIZE, 2) };
	uint64_t discards = tide_stat(fd, "discarded_allocations");

	tide_queue_wait(fd, &queue, tide_make_resident(fd, queue.id, bos, 2));
	tide_gpu_copy(fd, bos[0], 0, bos[1], 0, SIZE);
	for (int i = 0; i < 2; i++)
		igt_assert(!(tide_bo_flags(fd, bos[i]) & DRM_TIDE_BO_OFFERED));
	tide_evict(fd, bos, 2);
	tide_shrink(fd, 1024);
	igt_assert_eq_u64(tide_stat(fd, "discarded_allocations"), discards);
	for (int i = 0; i < 2; i++) {
		tide_bo_check(fd, bos[i], SIZE, 2);
		gem_close(fd, bos[i]);
	}
	tide_queue_destroy(fd, &queue);
}

/* The job does not end before the cork is out: a call that waits for it waits too long. */
static void test_busy(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bo = make(fd, SIZE, 1), idle = make(fd, SIZE, 2);
	struct tide_cork cork;
	struct tide_job job = {};
	uint32_t done = syncobj_create(fd, 0);

	tide_make_resident_one(fd, &queue, bo);
	tide_cork_plug(&cork, fd);
	tide_job_bo(&job, bo, TIDE_READ | TIDE_WRITE);
	tide_job_fill(&job, 0, 0, SIZE / 2, 0xa5a5a5a5);
	tide_job_wait(&job, cork.syncobj, 0);
	tide_job_signal(&job, done, 0);
	tide_submit(fd, &job);
	igt_assert(tide_bo_flags(fd, bo) & DRM_TIDE_BO_BUSY);

	tide_offer_one(fd, bo, LOW);
	tide_offer_one(fd, idle, HIGH);
	igt_assert_eq_u32(tide_bo_flags(fd, bo) & (DRM_TIDE_BO_OFFERED | DRM_TIDE_BO_BUSY),
			  DRM_TIDE_BO_OFFERED | DRM_TIDE_BO_BUSY);
	/* It cannot be taken yet, others behind it can. */
	tide_shrink(fd, 1024);
	tide_shrink(fd, 1024);
	igt_assert(!discarded(fd, bo));
	igt_assert(discarded(fd, idle));
	tide_cork_unplug(&cork);

	igt_assert(syncobj_wait(fd, &done, 1, tide_deadline(TIDE_LIVENESS_S * NSEC_PER_SEC), 0,
				NULL));
	/* The kernel defers, nobody has to offer again. */
	tide_discard(fd, bo);
	igt_assert_eq_u32(tide_reclaim_one(fd, queue.id, bo), DRM_TIDE_RECLAIM_DISCARDED);
	tide_bo_check_zero(fd, bo, SIZE);

	syncobj_destroy(fd, done);
	tide_cork_fini(&cork, fd);
	gem_close(fd, bo);
	gem_close(fd, idle);
	tide_queue_destroy(fd, &queue);
}

/* The unfinished job's work is done on an allocation that was offered meanwhile. */
static void test_busy_content(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bo = make(fd, SIZE, 1), copy = make(fd, SIZE, 2);
	uint32_t bos[2] = { bo, copy };
	struct tide_cork cork;
	struct tide_job job = {};

	tide_queue_wait(fd, &queue, tide_make_resident(fd, queue.id, bos, 2));
	tide_cork_plug(&cork, fd);
	tide_job_bo(&job, bo, TIDE_READ);
	tide_job_bo(&job, copy, TIDE_WRITE);
	tide_job_copy(&job, 1, 0, 0, 0, SIZE);
	tide_job_wait(&job, cork.syncobj, 0);
	tide_submit(fd, &job);
	tide_offer_one(fd, bo, LOW);
	tide_shrink(fd, 1024);
	tide_cork_unplug(&cork);
	/* after the job, as it writes what the job reads */
	igt_assert_eq_u32(tide_reclaim_one(fd, queue.id, bo), DRM_TIDE_RECLAIM_OK);
	tide_make_resident_one(fd, &queue, bo);
	tide_gpu_fill(fd, bo, 0, SIZE, 0);
	tide_bo_check(fd, copy, SIZE, 1);
	tide_bo_check_zero(fd, bo, SIZE);

	tide_cork_fini(&cork, fd);
	gem_close(fd, bo);
	gem_close(fd, copy);
	tide_queue_destroy(fd, &queue);
}

static void test_during_page_in(int fd)
{
	const size_t size = TIDE_MIB(4);
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bo = tide_bo_create(fd, size), result;
	uint64_t first, second;

	for (int i = 0; i < 20; i++) {
		first = tide_make_resident(fd, queue.id, &bo, 1);
		tide_offer_one(fd, bo, LOW);
		tide_shrink(fd, 1);
		second = tide_reclaim(fd, queue.id, &bo, &result, 1);
		/* Behind the page-in, or signalled: that has been done, but for its signal. */
		igt_assert(first < second ||
			   tide_point_signalled(fd, queue.syncobj, second));
		tide_queue_wait(fd, &queue, second);
		igt_assert(tide_bo_flags(fd, bo) & DRM_TIDE_BO_RESIDENT);
		tide_queue_wait(fd, &queue, first);
		if (i && result == DRM_TIDE_RECLAIM_OK)
			tide_bo_check(fd, bo, size, i - 1);
		else
			tide_bo_check_zero(fd, bo, size);
		tide_bo_pattern(fd, bo, size, i);
		tide_evict_one(fd, bo);
	}
	gem_close(fd, bo);
	tide_queue_destroy(fd, &queue);
}

/*
 * Offers while a page-in or a discard of the allocation has done a part of its
 * work. What waits for it never returns before the whole of it is done.
 */

/* Below what is brought in at one go, and below a huge page */
#define AMID_SIZE (TIDE_MIB(2) - TIDE_PAGE)
/* How often it is mapped where a discard has to take longer than three threads need for a turn each */
#define AMID_MAPS 128

struct amid {
	int fd;
	uint32_t queue, bo;
	volatile pid_t reclaimer;
	volatile bool reclaimed;
};

static void *discard_thread(void *data)
{
	struct amid *a = data;

	while (tide_bo_info(a->fd, a->bo).present)
		tide_shrink(a->fd, 1);
	return NULL;
}

static void wait_for_discard(const struct amid *a)
{
	while (tide_bo_info(a->fd, a->bo).present == AMID_SIZE)
		;
}

/* A discard undoes the mappings before pages go. */
static bool discard_begun(const struct amid *a)
{
	char *allocations = tide_debugfs_read(a->fd, "allocations");
	bool begun = strstr(allocations, "state=discarding");

	free(allocations);
	return begun || !tide_bo_info(a->fd, a->bo).present;
}

static void *reclaim_thread(void *data)
{
	struct amid *a = data;

	a->reclaimer = gettid();
	while (!discard_begun(a))
		;
	tide_reclaim_one(a->fd, a->queue, a->bo);
	a->reclaimed = true;
	return NULL;
}

/* Whether the reclaim sleeps: in state D, as what waits for a discard does */
static bool reclaim_waits(const struct amid *a)
{
	char path[64], state = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", a->reclaimer);
	file = fopen(path, "r");
	if (!file)
		return false;
	if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		state = 0;
	fclose(file);
	return state == 'D';
}

static bool offer_amid_page_in(int fd, const struct tide_queue *queue)
{
	uint32_t bo = tide_bo_create(fd, AMID_SIZE);
	uint64_t value = tide_make_resident(fd, queue->id, &bo, 1);
	bool amid;

	while (!tide_bo_info(fd, bo).present)
		;
	tide_offer_one(fd, bo, LOW);
	amid = tide_bo_info(fd, bo).present < AMID_SIZE;
	tide_queue_wait(fd, queue, value);
	gem_close(fd, bo);
	return amid;
}

static bool offer_amid_discard(int fd, const struct tide_queue *queue)
{
	struct amid a = { .fd = fd, .bo = tide_bo_create(fd, AMID_SIZE) };
	pthread_t thread;
	bool amid;

	tide_make_resident_one(fd, queue, a.bo);
	tide_offer_one(fd, a.bo, LOW);
	igt_assert_eq(pthread_create(&thread, NULL, discard_thread, &a), 0);
	wait_for_discard(&a);
	tide_offer_one(fd, a.bo, LOW);
	amid = tide_bo_info(fd, a.bo).present;
	pthread_join(thread, NULL);
	gem_close(fd, a.bo);
	return amid;
}

/* The reclaim waits for the discard; an offer of something else waits for neither. */
static bool offer_amid_reclaim(int fd, const struct tide_queue *queue)
{
	struct amid a = { .fd = fd, .queue = queue->id, .bo = tide_bo_create(fd, AMID_SIZE) };
	uint32_t other = tide_bo_create(fd, SIZE);
	void *maps[AMID_MAPS];
	pthread_t reclaim, discard;
	bool amid;

	tide_make_resident_one(fd, queue, a.bo);
	tide_evict_one(fd, a.bo);
	for (unsigned int i = 0; i < AMID_MAPS; i++) {
		maps[i] = tide_bo_map(fd, a.bo, AMID_SIZE);
		do_or_die(madvise(maps[i], AMID_SIZE, MADV_POPULATE_READ));
	}
	tide_offer_one(fd, a.bo, LOW);
	igt_assert_eq(pthread_create(&reclaim, NULL, reclaim_thread, &a), 0);
	igt_assert_eq(pthread_create(&discard, NULL, discard_thread, &a), 0);
	while (!a.reclaimed && !reclaim_waits(&a))
		;
	tide_offer_one(fd, other, LOW);
	amid = tide_bo_info(fd, a.bo).present;
	pthread_join(discard, NULL);
	pthread_join(reclaim, NULL);
	for (unsigned int i = 0; i < AMID_MAPS; i++)
		munmap(maps[i], AMID_SIZE);
	gem_close(fd, a.bo);
	gem_close(fd, other);
	return amid;
}

static void test_amid(int fd, bool (*offer_amid)(int fd, const struct tide_queue *queue))
{
	struct tide_queue queue = tide_queue_create(fd);
	int64_t end = tide_deadline(TIDE_LIVENESS_S / 4 * NSEC_PER_SEC);

	while (!offer_amid(fd, &queue))
		igt_assert_f(tide_deadline(0) < end, "every offer returned after all was done\n");
	tide_queue_destroy(fd, &queue);
}

struct entry {
	uint32_t bo;
	uint32_t priority;
	uint32_t age; /* higher is younger */
	bool gone;
};

/* Takes one allocation after the other, and checks that it is the first of those left. */
static void check_order(int fd, struct entry *entries, int count)
{
	for (int taken = 0; taken < count; taken++) {
		struct entry *want = NULL;

		for (int i = 0; i < count; i++) {
			struct entry *e = &entries[i];

			if (!e->gone && (!want || e->priority < want->priority ||
					 (e->priority == want->priority && e->age < want->age)))
				want = e;
		}
		tide_shrink(fd, 1);
		for (int i = 0; i < count; i++) {
			struct entry *e = &entries[i];
			bool gone = discarded(fd, e->bo);

			igt_assert_f(gone == (e->gone || e == want),
				     "step %d: priority %u, age %u is %s; %u, %u is next\n", taken,
				     e->priority, e->age, gone ? "gone" : "kept", want->priority,
				     want->age);
		}
		want->gone = true;
	}
	for (int i = 0; i < count; i++)
		gem_close(fd, entries[i].bo);
}

static void test_priority_order(int fd)
{
	struct entry entries[9];

	for (int i = 0; i < 9; i++) {
		entries[i] = (struct entry){ make(fd, SIZE, i), priorities[2 - i % 3], i, false };
		tide_offer_one(fd, entries[i].bo, entries[i].priority);
	}
	check_order(fd, entries, 9);
}

static void test_age_order(int fd)
{
	static const uint8_t order[] = { 5, 2, 7, 0, 3, 6, 1, 4 };
	struct entry entries[8];

	/* created in one order, offered in another, in one call and in several */
	for (int i = 0; i < 8; i++)
		entries[i] = (struct entry){ make(fd, SIZE, i), NORMAL, 0, false };
	for (uint32_t age = 0; age < 4; age++) {
		entries[order[age]].age = age;
		tide_offer_one(fd, entries[order[age]].bo, NORMAL);
	}
	{
		uint32_t list[4];

		for (uint32_t age = 4; age < 8; age++) {
			entries[order[age]].age = age;
			list[age - 4] = entries[order[age]].bo;
		}
		tide_offer(fd, list, 4, NORMAL);
	}
	check_order(fd, entries, 8);
}

/* Bigger is not earlier, and what a client has is not taken before another's older. */
static void test_order_of_sizes_and_clients(int fd)
{
	struct entry entries[6];
	int other = tide_open_render();

	for (int i = 0; i < 6; i++) {
		int client = i % 2 ? other : fd;

		entries[i] = (struct entry){ make(client, (6 - i) * SIZE, i), LOW, i, false };
		tide_offer_one(client, entries[i].bo, LOW);
	}
	for (int i = 0; i < 6; i++) {
		tide_shrink(fd, 1);
		for (int k = 0; k < 6; k++)
			igt_assert_eq(discarded(k % 2 ? other : fd, entries[k].bo), k <= i);
	}
	for (int i = 0; i < 6; i += 2)
		gem_close(fd, entries[i].bo);
	close(other);
}

/* What was offered goes before anything that is in use is moved. */
static void test_offered_before_evicted(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t used[2] = { make(fd, TIDE_MIB(1), 1), make(fd, TIDE_MIB(1), 2) };
	uint32_t offered[8];
	uint64_t evicted;

	tide_swap_on(TIDE_MIB(64));
	/* one that a page-in brought, one that the CPU only touched */
	tide_make_resident_one(fd, &queue, used[0]);
	tide_evict_one(fd, used[0]);
	for (int i = 0; i < 8; i++) {
		offered[i] = make(fd, TIDE_MIB(1), 10 + i);
		tide_offer_one(fd, offered[i], priorities[i % 3]);
	}
	evicted = tide_stat(fd, "evicted_pages");
	for (int i = 0; i < 8; i++) {
		tide_shrink(fd, 1);
		igt_assert_eq_u64(tide_stat(fd, "evicted_pages"), evicted);
		for (int k = 0; k < 2; k++)
			igt_assert_eq_u64(tide_bo_info(fd, used[k]).present, TIDE_MIB(1));
	}
	for (int i = 0; i < 8; i++) {
		igt_assert(discarded(fd, offered[i]));
		gem_close(fd, offered[i]);
	}
	/* and then it is */
	tide_swap_out(fd, used[0]);
	tide_swap_out(fd, used[1]);
	igt_assert_lt_u64(evicted, tide_stat(fd, "evicted_pages"));
	tide_bo_check(fd, used[0], TIDE_MIB(1), 1);
	tide_bo_check(fd, used[1], TIDE_MIB(1), 2);
	gem_close(fd, used[0]);
	gem_close(fd, used[1]);
	tide_queue_destroy(fd, &queue);
	tide_swap_off();
}

static void test_job_refused(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bos[3] = { make(fd, SIZE, 1), make(fd, SIZE, 2), make(fd, SIZE, 3) };
	struct tide_job job = {};

	tide_queue_wait(fd, &queue, tide_make_resident(fd, queue.id, bos, 3));
	for (int i = 0; i < 3; i++)
		tide_job_bo(&job, bos[i], TIDE_READ | TIDE_WRITE);
	tide_job_fill(&job, 0, 0, SIZE, 1);
	for (int i = 2; i >= 0; i--) {
		tide_offer_one(fd, bos[i], HIGH);
		igt_assert_eq(__tide_submit(fd, &job), -ENODATA);
		igt_assert_eq_u32(job.bad_list, DRM_TIDE_LIST_BOS);
		igt_assert_eq_u32(job.bad_index, i);
	}
	for (int i = 0; i < 3; i++) {
		igt_assert_eq(__tide_submit(fd, &job), -ENODATA);
		igt_assert_eq_u32(job.bad_index, i);
		igt_assert_eq_u32(tide_reclaim_one(fd, queue.id, bos[i]), DRM_TIDE_RECLAIM_OK);
		tide_bo_check(fd, bos[i], SIZE, i + 1);
	}
	tide_submit_wait(fd, &job);
	for (int i = 0; i < 3; i++)
		gem_close(fd, bos[i]);
	tide_queue_destroy(fd, &queue);
}

static void test_fault(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bo = make(fd, SIZE, 1);
	uint8_t *old = tide_bo_map(fd, bo, SIZE), *new;

	tide_pattern_check(old, SIZE, 1);
	for (int gone = 0; gone < 2; gone++) {
		tide_offer_one(fd, bo, HIGH);
		if (gone)
			tide_discard(fd, bo);
		else
			tide_unmap_pages(old, SIZE);
		new = tide_bo_map(fd, bo, SIZE);
		igt_assert_eq(__tide_cpu_read(old, NULL), -SIGBUS);
		igt_assert_eq(__tide_cpu_write(old + SIZE / 2, 1), -SIGBUS);
		igt_assert_eq(__tide_cpu_read(new + SIZE - 1, NULL), -SIGBUS);
		igt_assert_eq(__tide_cpu_write(new + 1, 1), -SIGBUS);
		igt_assert_eq_u32(tide_reclaim_one(fd, queue.id, bo), gone);
		if (gone) {
			tide_zero_check(old, SIZE);
			tide_zero_check(new, SIZE);
		} else {
			tide_pattern_check(old, SIZE, 1);
			tide_pattern_check(new, SIZE, 1);
		}
		munmap(new, SIZE);
	}
	munmap(old, SIZE);
	gem_close(fd, bo);
	tide_queue_destroy(fd, &queue);
}

/* The same for accesses by the kernel: an error, not a signal. */
static void test_kernel_fault(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bo = make(fd, SIZE, 1);
	uint8_t *ptr = tide_bo_map(fd, bo, SIZE), heap[64];
	struct iovec local = { heap, 64 }, remote = { ptr + 100, 64 };
	int pipes[2];

	do_or_die(pipe(pipes));
	tide_offer_one(fd, bo, HIGH);
	igt_assert(process_vm_readv(getpid(), &local, 1, &remote, 1, 0) < 0);
	igt_assert_eq(errno, EFAULT);
	igt_assert(write(pipes[1], ptr + 100, 64) < 0);
	igt_assert_eq(errno, EFAULT);
	igt_assert_eq_u32(tide_reclaim_one(fd, queue.id, bo), DRM_TIDE_RECLAIM_OK);
	igt_assert_eq(write(pipes[1], ptr + 100, 64), 64);
	igt_assert_eq(read(pipes[0], heap, 64), 64);
	igt_assert_eq_u64(__tide_pattern_check(heap, 64, 1, 100), 64);
	close(pipes[0]);
	close(pipes[1]);
	munmap(ptr, SIZE);
	gem_close(fd, bo);
	tide_queue_destroy(fd, &queue);
}

static void test_export_refused(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bo = make(fd, SIZE, 1);
	int dmabuf;

	tide_offer_one(fd, bo, HIGH);
	igt_assert_eq(__tide_prime_export(fd, bo, &dmabuf), -EBUSY);
	igt_assert_eq_u32(tide_bo_flags(fd, bo), DRM_TIDE_BO_OFFERED);
	/* so it still can be discarded */
	tide_discard(fd, bo);
	igt_assert_eq(__tide_prime_export(fd, bo, &dmabuf), -EBUSY);
	igt_assert_eq_u32(tide_reclaim_one(fd, queue.id, bo), DRM_TIDE_RECLAIM_DISCARDED);
	igt_assert_eq(__tide_prime_export(fd, bo, &dmabuf), 0);
	close(dmabuf);
	gem_close(fd, bo);
	tide_queue_destroy(fd, &queue);
}

static void test_flink_refused(void)
{
	int primary = tide_open_primary();
	struct tide_queue queue = tide_queue_create(primary);
	uint32_t bo = make(primary, SIZE, 1), name;
	struct {
		struct drm_gem_flink flink;
		uint64_t later;
	} large = { .flink.handle = bo };

	tide_offer_one(primary, bo, HIGH);
	igt_assert_eq(__tide_flink(primary, bo, &name), -EBUSY);
	/* nor by a struct of another size, which names the same call */
	igt_assert_eq(__tide_ioctl(primary, DRM_IOWR(0x0a, large), &large), -EBUSY);
	igt_assert_eq(__tide_ioctl(primary, DRM_IOWR(0x0a, bo), &bo), -EBUSY);
	igt_assert_eq_u32(tide_bo_flags(primary, bo), DRM_TIDE_BO_OFFERED);
	igt_assert_eq_u32(tide_reclaim_one(primary, queue.id, bo), DRM_TIDE_RECLAIM_OK);
	igt_assert_eq(__tide_flink(primary, bo, &name), 0);
	igt_assert_eq(__tide_ioctl(primary, DRM_IOWR(0x0a, large), &large), 0);
	igt_assert_eq_u32(large.flink.name, name);
	igt_assert_eq(__tide_flink(primary, 0, &name), -ENOENT);
	close(primary);
}

static void test_make_resident(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bo = make(fd, SIZE, 1), result;
	struct drm_tide_bo_info info;
	uint64_t value;

	for (int gone = 0; gone < 2; gone++) {
		tide_offer_one(fd, bo, HIGH);
		if (gone)
			tide_discard(fd, bo);
		value = tide_make_resident(fd, queue.id, &bo, 1);
		tide_queue_wait(fd, &queue, value);
		info = tide_bo_info(fd, bo);
		igt_assert_eq_u32(info.residency_count, 1);
		igt_assert(info.flags & DRM_TIDE_BO_OFFERED);
		igt_assert_eq_u32(tide_queue_info(fd, queue.id, value).error, 0);
		if (gone)
			igt_assert(!(info.flags & DRM_TIDE_BO_RESIDENT));
		/* the page-in comes now */
		value = tide_reclaim(fd, queue.id, &bo, &result, 1);
		igt_assert_eq_u32(result, gone);
		tide_queue_wait(fd, &queue, value);
		igt_assert_eq_u32(tide_bo_flags(fd, bo), DRM_TIDE_BO_RESIDENT);
		tide_gpu_fill(fd, bo, 0, 1, gone);
		tide_evict_one(fd, bo);
	}
	gem_close(fd, bo);
	tide_queue_destroy(fd, &queue);
}

static void test_again(int fd)
{
	struct entry entries[6];

	for (int i = 0; i < 6; i++) {
		entries[i] = (struct entry){ make(fd, SIZE, i), NORMAL, i, false };
		tide_offer_one(fd, entries[i].bo, NORMAL);
	}
	/* to the end of its own priority, to another one, and there and back */
	entries[0].age = 10;
	tide_offer_one(fd, entries[0].bo, NORMAL);
	entries[1].age = 11;
	entries[1].priority = HIGH;
	tide_offer_one(fd, entries[1].bo, HIGH);
	igt_assert_eq_u32(tide_bo_info(fd, entries[1].bo).priority, HIGH);
	entries[5].age = 12;
	entries[5].priority = LOW;
	tide_offer_one(fd, entries[5].bo, LOW);
	entries[3].age = 13;
	tide_offer_one(fd, entries[3].bo, LOW);
	tide_offer_one(fd, entries[3].bo, NORMAL);
	check_order(fd, entries, 6);
}

/* Offering again what is discarded already: it stays discarded, and is told once. */
static void test_again_discarded(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bo = make(fd, SIZE, 1);

	tide_offer_one(fd, bo, LOW);
	tide_discard(fd, bo);
	tide_offer_one(fd, bo, HIGH);
	igt_assert_eq_u32(tide_bo_info(fd, bo).priority, HIGH);
	igt_assert(discarded(fd, bo));
	tide_shrink(fd, 64);
	igt_assert_eq_u64(tide_bo_info(fd, bo).discard_count, 1);
	igt_assert_eq_u32(tide_reclaim_one(fd, queue.id, bo), DRM_TIDE_RECLAIM_DISCARDED);
	igt_assert_eq_u32(tide_reclaim_one(fd, queue.id, bo), DRM_TIDE_RECLAIM_OK);
	gem_close(fd, bo);
	tide_queue_destroy(fd, &queue);
}

static void test_bad_entry(int fd, uint32_t bad_handle)
{
	uint32_t bos[64], list[64], bad;

	for (int i = 0; i < 64; i++)
		bos[i] = make(fd, TIDE_PAGE, i);
	for (int at = 0; at < 64; at += at ? 31 : 1) {
		memcpy(list, bos, sizeof(list));
		list[at] = bad_handle;
		list[63] = bad_handle; /* it is the first one that is told */
		bad = 1000;
		igt_assert_eq(__tide_offer(fd, list, 64, LOW, &bad), -ENOENT);
		igt_assert_eq_u32(bad, at);
		for (int i = 0; i < 64; i++)
			igt_assert_eq_u32(tide_bo_flags(fd, bos[i]), 0);
	}
	tide_shrink(fd, 64);
	for (int i = 0; i < 64; i++) {
		tide_bo_check(fd, bos[i], TIDE_PAGE, i);
		gem_close(fd, bos[i]);
	}
}

static void test_twice_in_list(int fd)
{
	struct entry entries[3];
	uint32_t list[4];

	for (int i = 0; i < 3; i++)
		entries[i] = (struct entry){ make(fd, SIZE, i), NORMAL, i, false };
	list[0] = entries[0].bo;
	list[1] = entries[1].bo;
	list[2] = entries[2].bo;
	list[3] = entries[0].bo;
	entries[0].age = 3; /* handled in order: the second time makes it the youngest */
	tide_offer(fd, list, 4, NORMAL);
	check_order(fd, entries, 3);
}

static void test_reclaim_twice_in_list(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bo = make(fd, SIZE, 1), list[3] = { bo, bo, bo }, results[3];

	tide_offer_one(fd, bo, LOW);
	tide_discard(fd, bo);
	tide_reclaim(fd, queue.id, list, results, 3);
	igt_assert_eq_u32(results[0], DRM_TIDE_RECLAIM_DISCARDED);
	igt_assert_eq_u32(results[1], DRM_TIDE_RECLAIM_OK);
	igt_assert_eq_u32(results[2], DRM_TIDE_RECLAIM_OK);
	gem_close(fd, bo);
	tide_queue_destroy(fd, &queue);
}

static void test_resident_twice_in_list(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bo = make(fd, SIZE, 1), list[3] = { bo, bo, bo };

	tide_queue_wait(fd, &queue, tide_make_resident(fd, queue.id, list, 3));
	igt_assert_eq_u32(tide_bo_info(fd, bo).residency_count, 3);
	tide_evict(fd, list, 2);
	igt_assert_eq_u32(tide_bo_info(fd, bo).residency_count, 1);
	gem_close(fd, bo);
	tide_queue_destroy(fd, &queue);
}

static void test_submit_twice_in_list(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bos[2] = { make(fd, SIZE, 1), make(fd, SIZE, 2) };
	struct tide_job job = {};

	tide_queue_wait(fd, &queue, tide_make_resident(fd, queue.id, bos, 2));
	tide_job_bo(&job, bos[0], TIDE_READ);
	tide_job_bo(&job, bos[1], TIDE_READ);
	tide_job_bo(&job, bos[0], TIDE_WRITE);
	igt_assert_eq(__tide_submit(fd, &job), -EEXIST);
	igt_assert_eq_u32(job.bad_list, DRM_TIDE_LIST_BOS);
	igt_assert_eq_u32(job.bad_index, 2);
	gem_close(fd, bos[0]);
	gem_close(fd, bos[1]);
	tide_queue_destroy(fd, &queue);
}

/* A dma-buf brings a closed allocation back: its counts are gone. */
static void test_close_drops_counts(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bo = make(fd, SIZE, 1), again, bad;
	struct tide_job job = {};
	int dmabuf;

	tide_make_resident_one(fd, &queue, bo);
	igt_assert_eq(__tide_prime_export(fd, bo, &dmabuf), 0);
	gem_close(fd, bo);
	again = prime_fd_to_handle(fd, dmabuf);
	igt_assert_eq_u32(tide_bo_info(fd, again).residency_count, 0);
	igt_assert_eq(__tide_evict(fd, &again, 1, &bad), -ERANGE);
	tide_job_bo(&job, again, TIDE_READ);
	igt_assert_eq(__tide_submit(fd, &job), -ENXIO);
	tide_bo_check(fd, again, SIZE, 1);
	close(dmabuf);
	gem_close(fd, again);
	tide_queue_destroy(fd, &queue);
}

static void test_mapping_alone(int fd, bool offered)
{
	uint32_t bo = make(fd, SIZE, 1);
	uint8_t *ptr = tide_bo_map(fd, bo, SIZE);

	if (offered)
		tide_offer_one(fd, bo, LOW);
	gem_close(fd, bo);
	if (offered) {
		igt_assert_eq(__tide_cpu_read(ptr, NULL), -SIGBUS);
		tide_shrink(fd, 1024);
		igt_assert_eq(__tide_cpu_read(ptr, NULL), -SIGBUS);
	} else {
		tide_pattern_check(ptr, SIZE, 1);
		tide_shrink(fd, 1024);
		tide_unmap_pages(ptr, SIZE);
		tide_pattern_check(ptr, SIZE, 1);
	}
	munmap(ptr, SIZE);
}

igt_main {
	int fd = -1;

	igt_fixture
		fd = tide_open_render();

	igt_describe("Each priority is taken, told, and leads to a discard");
	igt_subtest("b1-priorities")
		test_priorities(fd);

	igt_describe("A list of 65,536 entries is offered and reclaimed by one call each");
	igt_subtest("b1-list-of-65536")
		test_long_list(fd);

	igt_describe("Submitting jobs offers nothing");
	igt_subtest("b2-submit-does-not-offer")
		test_submit_does_not_offer(fd);

	igt_describe("A busy allocation is accepted at once, and taken after its last job only");
	igt_subtest("b3-offer-busy-never-waits")
		test_busy(fd);

	igt_describe("The jobs of an offered allocation see its content");
	igt_subtest("b3-offer-busy-keeps-content-for-jobs")
		test_busy_content(fd);

	igt_describe("Offering does not wait for a page-in, nor disturb it");
	igt_subtest("b3-offer-during-page-in")
		test_during_page_in(fd);

	igt_describe("An offer returns while a page-in of the allocation is under way");
	igt_subtest("b3-offer-amid-page-in")
		test_amid(fd, offer_amid_page_in);

	igt_describe("An offer returns while a discard of the allocation is under way");
	igt_subtest("b3-offer-amid-discard")
		test_amid(fd, offer_amid_discard);

	igt_describe("An offer returns while a reclaim of something else waits for a discard");
	igt_subtest("b3-offer-amid-reclaim")
		test_amid(fd, offer_amid_reclaim);

	igt_describe("LOW is discarded before NORMAL before HIGH");
	igt_subtest("b4-priority-order")
		test_priority_order(fd);

	igt_describe("Within a priority what was offered first goes first");
	igt_subtest("b4-age-order")
		test_age_order(fd);

	igt_describe("Neither size nor client changes the order");
	igt_subtest("b4-order-across-sizes-and-clients")
		test_order_of_sizes_and_clients(fd);

	igt_describe("While something can be discarded nothing is evicted");
	igt_subtest("b4-discarded-before-evicted")
		test_offered_before_evicted(fd);

	igt_describe("A job that names an offered allocation is refused with ENODATA");
	igt_subtest("b5-job-refused")
		test_job_refused(fd);

	igt_describe("A fault on an offered allocation raises SIGBUS, by any mapping");
	igt_subtest("b5-fault-raises-sigbus")
		test_fault(fd);

	igt_describe("A system call that needs an offered page gets EFAULT");
	igt_subtest("b5-kernel-access-fails")
		test_kernel_fault(fd);

	igt_describe("PRIME export of an offered allocation is refused with EBUSY");
	igt_subtest("b5-export-refused")
		test_export_refused(fd);

	igt_describe("Naming an offered allocation is refused with EBUSY");
	igt_subtest("b5-flink-refused")
		test_flink_refused();

	igt_describe("MakeResident counts an offered allocation; reclaim pages it in");
	igt_subtest("b5-make-resident-counts")
		test_make_resident(fd);

	igt_describe("Offering again sets priority and age anew");
	igt_subtest("b6-offer-again-changes-order")
		test_again(fd);

	igt_describe("Offering a discarded allocation again neither loses nor repeats the answer");
	igt_subtest("b6-offer-again-when-discarded")
		test_again_discarded(fd);

	igt_describe("An unknown handle anywhere in the list: told where, and nothing offered");
	igt_subtest("b7-unknown-handle-changes-nothing")
		test_bad_entry(fd, 0xfffffff0);

	igt_describe("The same for handle 0");
	igt_subtest("b7-null-handle-changes-nothing")
		test_bad_entry(fd, 0);

	igt_describe("A handle that is listed twice is offered twice, in order");
	igt_subtest("b10-offered-twice")
		test_twice_in_list(fd);

	igt_describe("A handle that is listed twice is reclaimed twice: only the first tells");
	igt_subtest("b10-reclaimed-twice")
		test_reclaim_twice_in_list(fd);

	igt_describe("A handle that is listed twice is counted twice");
	igt_subtest("b10-made-resident-twice")
		test_resident_twice_in_list(fd);

	igt_describe("A submission refuses a handle that is listed twice");
	igt_subtest("b10-submit-refuses-twice")
		test_submit_twice_in_list(fd);

	igt_describe("Closing the last handle drops the client's residency counts");
	igt_subtest("b10-close-drops-residency")
		test_close_drops_counts(fd);

	igt_describe("What a mapping alone keeps stays not offered, content and all");
	igt_subtest("b10-mapping-alone-keeps-content")
		test_mapping_alone(fd, false);

	igt_describe("What a mapping alone keeps stays offered");
	igt_subtest("b10-mapping-alone-stays-offered")
		test_mapping_alone(fd, true);

	igt_fixture
		close(fd);
}
