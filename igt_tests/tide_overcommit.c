// SPDX-License-Identifier: MIT
/**
 * TEST: tide overcommit
 * Description: Clients that together want twice the local memory there is.
 *
 * Each client has a set of allocations, all required all the time. It runs jobs
 * that name a part of the set, writes and reads by the CPU, offers and reclaims,
 * and knows what has to be in each allocation. No fence of a job gets ten seconds
 * old.
 */

#include "igt.h"
#include "igt_syncobj.h"
#include "igt_tide.h"

IGT_TEST_DESCRIPTION("Local memory that is committed twice");

#define LOCAL_MIB   32u
#define SIZE	    TIDE_KIB(512)
#define MAX_CLIENTS 16
#define MAX_BOS	    (2 * LOCAL_MIB * 1024 / 512 / 2)
#define LIMIT_NS    (10 * NSEC_PER_SEC)
#define MIN_JOBS    2u /* that a client must get to run */

struct progress {
	uint64_t jobs, checks, discards, oldest_ns;
};

struct client {
	int fd;
	struct tide_queue queue;
	uint32_t done;
	uint32_t random;
	uint32_t count;
	uint32_t bos[MAX_BOS];
	uint32_t *ptrs[MAX_BOS];
	uint32_t words[MAX_BOS]; /* what all of it consists of */
	struct progress *progress;
};

static uint64_t seconds(void)
{
	return getenv("TIDE_LONG") ? 60 : 10;
}

static void client_open(struct client *c, uint32_t count, uint32_t seed,
			struct progress *progress)
{
	memset(c, 0, sizeof(*c));
	c->fd = tide_open_render();
	c->queue = tide_queue_create(c->fd);
	c->done = syncobj_create(c->fd, 0);
	c->random = seed;
	c->count = count;
	c->progress = progress;
	for (uint32_t i = 0; i < count; i++) {
		c->bos[i] = tide_bo_create(c->fd, SIZE);
		c->ptrs[i] = tide_bo_map(c->fd, c->bos[i], SIZE);
	}
	tide_make_resident(c->fd, c->queue.id, c->bos, count);
}

/* Fills the first one, and copies each to the next. */
static void run_job(struct client *c)
{
	uint32_t most = min(c->count, LOCAL_MIB * 1024 / 512 * 3 / 4);
	uint32_t count = 1 + tide_random(&c->random) % min(most, 48u);
	uint32_t first = tide_random(&c->random) % c->count, word = tide_random(&c->random);
	struct tide_job job = {};
	uint64_t age;
	int64_t born;

	for (uint32_t n = 0; n < count; n++) {
		uint32_t i = (first + n) % c->count;

		tide_job_bo(&job, c->bos[i], TIDE_READ | TIDE_WRITE);
		if (n)
			tide_job_copy(&job, n, 0, n - 1, 0, SIZE);
		else
			tide_job_fill(&job, 0, 0, SIZE, word);
		c->words[i] = word;
	}
	tide_job_signal(&job, c->done, 0);
	tide_submit(c->fd, &job);
	born = tide_deadline(0);
	igt_assert(syncobj_wait(c->fd, &c->done, 1, tide_deadline(TIDE_LIVENESS_S * NSEC_PER_SEC),
				0, NULL));
	age = tide_deadline(0) - born;
	igt_assert_lt_u64(age, LIMIT_NS);
	c->progress->oldest_ns = max(c->progress->oldest_ns, age);
	c->progress->jobs++;
}

static void check(struct client *c)
{
	uint32_t i = tide_random(&c->random) % c->count;

	for (uint32_t at = 0; at < SIZE / 4; at += 1 + at % 64)
		igt_assert_f(c->ptrs[i][at] == c->words[i],
			     "word %u is %#x, and not %#x\n", at, c->ptrs[i][at], c->words[i]);
	c->progress->checks++;
}

static void write_by_cpu(struct client *c)
{
	uint32_t i = tide_random(&c->random) % c->count;

	c->words[i] = tide_random(&c->random);
	for (uint32_t at = 0; at < SIZE / 4; at++)
		c->ptrs[i][at] = c->words[i];
}

static void offer_and_reclaim(struct client *c)
{
	uint32_t i = tide_random(&c->random) % c->count, result;
	uint64_t value;

	tide_offer_one(c->fd, c->bos[i], DRM_TIDE_PRIORITY_NORMAL);
	usleep(tide_random(&c->random) % 20000);
	value = tide_reclaim(c->fd, c->queue.id, &c->bos[i], &result, 1);
	if (result == DRM_TIDE_RECLAIM_DISCARDED) {
		c->words[i] = 0;
		c->progress->discards++;
	}
	if (tide_random(&c->random) & 1)
		tide_queue_wait(c->fd, &c->queue, value);
}

static bool all_have_got_on(const volatile struct progress *progress, int clients)
{
	for (int i = 0; i < clients; i++)
		if (progress[i].jobs < MIN_JOBS)
			return false;
	return true;
}

/* For its time, and until nobody starves. */
static void run_client(uint32_t count, struct progress *progress, int index, int clients)
{
	int64_t end = tide_deadline(seconds() * NSEC_PER_SEC);
	int64_t starved = tide_deadline((seconds() + TIDE_LIVENESS_S) * NSEC_PER_SEC);
	struct client c;

	client_open(&c, count, 1 + index, &progress[index]);
	while (tide_deadline(0) < end ||
	       (tide_deadline(0) < starved && !all_have_got_on(progress, clients))) {
		run_job(&c);
		check(&c);
		write_by_cpu(&c);
		offer_and_reclaim(&c);
	}
	for (uint32_t i = 0; i < c.count; i++)
		check(&c);
	close(c.fd);
}

static void test_clients(int clients)
{
	struct progress *progress = mmap(NULL, MAX_CLIENTS * sizeof(*progress),
					 PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint32_t bos = 2 * LOCAL_MIB * 1024 / 512 / clients;
	struct progress all = {};
	int fd = tide_open_render();
	uint64_t copied = tide_stat(fd, "copied_back_pages");

	igt_assert(progress != MAP_FAILED);
	igt_fork(child, clients)
		run_client(bos, progress, child, clients);
	igt_waitchildren();

	for (int i = 0; i < clients; i++) {
		igt_debug("client %d: %" PRIu64 " jobs, oldest fence %" PRIu64 " ms\n", i,
			  progress[i].jobs, (uint64_t)(progress[i].oldest_ns / NSEC_PER_MSEC));
		igt_assert_lte_u64(MIN_JOBS, progress[i].jobs);
		all.jobs += progress[i].jobs;
		all.discards += progress[i].discards;
		all.oldest_ns = max(all.oldest_ns, progress[i].oldest_ns);
	}
	igt_info("%d clients: %" PRIu64 " jobs, %" PRIu64 " discards, %" PRIu64
		 " MiB copied back, oldest fence %" PRIu64 " ms\n", clients, all.jobs, all.discards,
		 (tide_stat(fd, "copied_back_pages") - copied) >> 8,
		 (uint64_t)(all.oldest_ns / NSEC_PER_MSEC));
	igt_assert_lt_u64(copied, tide_stat(fd, "copied_back_pages"));
	munmap(progress, MAX_CLIENTS * sizeof(*progress));
	close(fd);
}

igt_main {
	igt_fixture {
		char parameters[32];

		snprintf(parameters, sizeof(parameters), "local_mib=%u", LOCAL_MIB);
		tide_reload(parameters);
	}

	igt_describe("Two clients want all local memory each");
	igt_subtest("d7-d4-a2-two-clients")
		test_clients(2);

	igt_describe("Four clients want a half each");
	igt_subtest("d7-d4-a2-four-clients")
		test_clients(4);

	igt_describe("Sixteen clients want an eighth each");
	igt_subtest("d7-d4-a2-sixteen-clients")
		test_clients(16);
}
