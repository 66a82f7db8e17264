// SPDX-License-Identifier: MIT
/*
 * A reclaim against a discard of the same allocation, as often as can be: small
 * allocations, a shrinker that never rests, and nothing else. And against one
 * that takes long.
 */
#include "igt.h"
#include "igt_tide.h"
#include "igt_tide_pressure.h"

IGT_TEST_DESCRIPTION("What a reclaim answers while discards begin, run and end");

#define COUNT 64

/* Words in each page: the content that may be discarded, and what is stored after the reclaim */
#define FIRST 0
#define LATER 200
#define LAST  511

struct answers {
	int fd;
	struct tide_queue queue;
	size_t pages;
	uint32_t handles[COUNT], results[COUNT];
	uint64_t *maps[COUNT];
	uint64_t kept, discarded, mixed;
};

static uint64_t *page_of(const struct answers *a, unsigned int i, size_t page)
{
	return a->maps[i] + page * (TIDE_PAGE / 8);
}

static void write_all(struct answers *a, uint64_t stamp)
{
	for (unsigned int i = 0; i < COUNT; i++)
		for (size_t page = 0; page < a->pages; page++) {
			page_of(a, i, page)[FIRST] = stamp;
			page_of(a, i, page)[LATER] = 0;
			page_of(a, i, page)[LAST] = ~stamp;
		}
}

/* The first thing that the client does with what it has got back */
static void store_all(struct answers *a, uint64_t stamp)
{
	for (unsigned int i = 0; i < COUNT; i++)
		page_of(a, i, stamp % a->pages)[LATER] = stamp;
}

static void check_all(const struct answers *a, uint64_t stamp, const char *when)
{
	for (unsigned int i = 0; i < COUNT; i++) {
		bool kept = a->results[i] == DRM_TIDE_RECLAIM_OK;

		for (size_t page = 0; page < a->pages; page++) {
			const volatile uint64_t *words = page_of(a, i, page);
			uint64_t first = words[FIRST], later = words[LATER], last = words[LAST];

			igt_assert_f(first == (kept ? stamp : 0) && last == (kept ? ~stamp : 0),
				     "%s: answer %u, page %zu holds %#" PRIx64 " and %#" PRIx64
				     " where %#" PRIx64 " was written\n", when, a->results[i], page,
				     first, last, stamp);
			igt_assert_f(later == (page == stamp % a->pages ? stamp : 0),
				     "%s: answer %u, page %zu: the store after the reclaim is %#"
				     PRIx64 ", not %#" PRIx64 "\n", when, a->results[i], page,
				     later, stamp);
		}
	}
}

static void count(struct answers *a)
{
	unsigned int discarded = 0;

	for (unsigned int i = 0; i < COUNT; i++)
		discarded += a->results[i] == DRM_TIDE_RECLAIM_DISCARDED;
	a->discarded += discarded;
	a->kept += COUNT - discarded;
	a->mixed += discarded && discarded < COUNT;
}

/* Opened once: the knob is to be turned as fast as can be. */
static void __attribute__((noreturn)) shrink_forever(int fd, uint32_t seed)
{
	int knob = tide_debugfs_open(fd, "shrink", O_WRONLY);
	uint32_t random = seed;
	char text[16];

	igt_assert_fd(knob);
	for (;;) {
		snprintf(text, sizeof(text), "%u", 1 + tide_random(&random) % 48);
		igt_assert_lt(0, write(knob, text, strlen(text)));
	}
}

static void test_answer(const void *data)
{
	struct answers a = { .fd = tide_open_render(), .pages = *(const size_t *)data };
	int64_t end = tide_deadline((getenv("TIDE_LONG") ? 60 : 8) * NSEC_PER_SEC);
	volatile unsigned int spin;
	uint32_t random = 1;
	pid_t shrinker;

	a.queue = tide_queue_create(a.fd);
	for (unsigned int i = 0; i < COUNT; i++) {
		a.handles[i] = tide_bo_create(a.fd, a.pages * TIDE_PAGE);
		a.maps[i] = tide_bo_map(a.fd, a.handles[i], a.pages * TIDE_PAGE);
	}
	shrinker = pressure_fork(0);
	if (!shrinker)
		shrink_forever(a.fd, 1);

	for (uint64_t stamp = 1; tide_deadline(0) < end; stamp++) {
		write_all(&a, stamp);
		tide_offer(a.fd, a.handles, COUNT, 1 + stamp % 3);
		for (spin = tide_random(&random) % 20000; spin; spin--)
			;
		tide_reclaim(a.fd, a.queue.id, a.handles, a.results, COUNT);
		store_all(&a, stamp);
		check_all(&a, stamp, "at once");
		count(&a);
		/* A discard that should not be would go on meanwhile. */
		for (spin = tide_random(&random) % 20000; spin; spin--)
			;
		check_all(&a, stamp, "later");
	}
	kill(shrinker, SIGKILL);
	pressure_wait(shrinker);
	igt_info("%" PRIu64 " kept, %" PRIu64 " discarded, %" PRIu64 " reclaims with both\n", a.kept,
		 a.discarded, a.mixed);
	igt_assert_f(a.kept && a.discarded, "both outcomes are needed\n");
}

/* Mappings of one page, so that zapping it takes long */
#define MAPPINGS 4000

/*
 * The page is stored to through the mapping that is zapped last: an entry that a
 * discard has still to zap takes the store, and the truncation loses it.
 */
static void test_long_discard(const void *data)
{
	int fd = tide_open_render();
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t handle = tide_bo_create(fd, TIDE_PAGE);
	unsigned int kept = 0, discarded = 0;
	volatile uint64_t *maps[MAPPINGS];
	volatile unsigned int spin;
	uint32_t random = 1;
	pid_t shrinker;

	shrinker = pressure_fork(0);
	if (!shrinker)
		shrink_forever(fd, 1);
	for (unsigned int i = 0; i < MAPPINGS; i++)
		maps[i] = tide_bo_map(fd, handle, TIDE_PAGE);

	for (uint64_t stamp = 1; kept < 3 || discarded < 30; stamp++) {
		bool lost;

		*maps[0] = stamp;
		for (unsigned int i = 0; i < MAPPINGS; i++)
			igt_assert_eq_u64(*maps[i], stamp);
		tide_offer_one(fd, handle, DRM_TIDE_PRIORITY_LOW);
		for (spin = tide_random(&random) % 100000; spin; spin--)
			;
		lost = tide_reclaim_one(fd, queue.id, handle) == DRM_TIDE_RECLAIM_DISCARDED;
		for (unsigned int i = 0; i < MAPPINGS; i += MAPPINGS / 8)
			maps[MAPPINGS - 1 - i][1 + i / (MAPPINGS / 8)] = stamp;
		for (spin = 1000000; spin; spin--)
			;
		igt_assert_eq_u64(*maps[0], lost ? 0 : stamp);
		for (unsigned int i = 0; i < MAPPINGS; i += MAPPINGS / 8)
			igt_assert_eq_u64(maps[0][1 + i / (MAPPINGS / 8)], stamp);
		*(lost ? &discarded : &kept) += 1;
	}
	kill(shrinker, SIGKILL);
	pressure_wait(shrinker);
}

igt_main
{
	static const size_t pages[] = { 1, 8, 64 };

	igt_fixture {
		pressure_init();
		close(tide_open_render());
	}

	for (unsigned int i = 0; i < ARRAY_SIZE(pages); i++) {
		igt_describe("OK is never said of lost content, and no store after a reclaim is lost");
		igt_subtest_f("c8-c2-c5-answer-of-%zu-pages", pages[i])
			pressure_run(test_answer, &pages[i]);
	}

	igt_describe("A store right after a reclaim is not lost to a discard that is still zapping");
	igt_subtest("c8-store-amid-a-long-discard")
		pressure_run(test_long_discard, NULL);
}
