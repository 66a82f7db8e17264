// SPDX-License-Identifier: MIT
/**
 * TEST: tide budget
 * Description: Budgets of clients, reservations, and trim events.
 *
 * The segment is small and the only one, and nothing but budgets decides: what
 * clients require is never used.
 */

#include "igt.h"
#include "igt_tide.h"

#include <poll.h>
#include <pthread.h>

IGT_TEST_DESCRIPTION("What a client may require of a segment");

#define SEGMENT_MIB 64u
#define SIZE	    TIDE_MIB(SEGMENT_MIB)
#define HALF	    TIDE_MIB(SEGMENT_MIB / 2)
#define CANT_TRIM   DRM_TIDE_MAKE_RESIDENT_CANT_TRIM
#define MUST	    DRM_TIDE_MAKE_RESIDENT_MUST_SUCCEED
#define NO_EVENT_MS 300
#define NEVER_MS    600000 /* no client becomes idle */

struct client {
	int fd;
	struct tide_queue queue;
};

static char node[32];

/* By threads, too, for which __tide_node() is not made */
static struct client client_open(void)
{
	struct client c = { .fd = open(node, O_RDWR | O_CLOEXEC) };

	igt_assert_fd(c.fd);
	c.queue = tide_queue_create(c.fd);
	return c;
}

static uint32_t make(const struct client *c, uint64_t mib)
{
	return tide_bo_create(c->fd, TIDE_MIB(mib));
}

static int require_flags(const struct client *c, const uint32_t *bos, uint32_t count,
			 uint32_t flags, struct drm_tide_make_resident *args)
{
	return __tide_make_resident_args(c->fd, c->queue.id, bos, count, flags, args);
}

static int require(const struct client *c, uint32_t bo, uint32_t flags)
{
	struct drm_tide_make_resident args;

	return require_flags(c, &bo, 1, flags, &args);
}

/* A new allocation on the residency list, whatever the budget */
static uint32_t use(const struct client *c, uint64_t mib)
{
	uint32_t bo = make(c, mib);

	igt_assert_eq(require(c, bo, MUST), 0);
	return bo;
}

static uint64_t budget(const struct client *c)
{
	return tide_budget(c->fd, 0).budget;
}

static uint64_t usage(const struct client *c)
{
	return tide_budget(c->fd, 0).usage;
}

static bool no_event(const struct client *c)
{
	struct drm_tide_event_trim event;

	return !tide_read_trim(c->fd, NO_EVENT_MS, &event);
}

static uint64_t event_bytes(const struct client *c)
{
	struct drm_tide_event_trim event;

	igt_assert_f(tide_read_trim(c->fd, TIDE_LIVENESS_S * 1000, &event), "no event\n");
	igt_assert_eq_u32(event.segment, 0);
	return event.bytes;
}

static void test_alone(void)
{
	struct client c = client_open();
	struct drm_tide_budget b = tide_budget(c.fd, 0);

	igt_assert_eq_u64(b.budget, SIZE);
	igt_assert_eq_u64(b.usage, 0);
	igt_assert_eq_u64(b.reservation, 0);
	igt_assert_lt_u64(0, b.available);
	igt_assert_lte_u64(b.available, SIZE);
	use(&c, 48);
	igt_assert_eq_u64(budget(&c), SIZE);
	close(c.fd);
}

static void test_usage(void)
{
	struct client c = client_open(), other = client_open();
	uint32_t bo = use(&c, 4), second = use(&c, 2), shared = use(&c, 1), theirs, result;
	int dmabuf;

	igt_assert_eq_u64(usage(&c), TIDE_MIB(7));
	/* once, however often it is on the list */
	igt_assert_eq(require(&c, bo, 0), 0);
	igt_assert_eq_u64(usage(&c), TIDE_MIB(7));
	tide_evict_one(c.fd, bo);
	igt_assert_eq_u64(usage(&c), TIDE_MIB(7));
	tide_evict_one(c.fd, bo);
	igt_assert_eq_u64(usage(&c), TIDE_MIB(3));
	/* an Evict that is refused changes nothing */
	igt_assert_eq(__tide_evict(c.fd, (uint32_t[]){ second, bo }, 2, NULL), -ERANGE);
	igt_assert_eq_u64(usage(&c), TIDE_MIB(3));

	tide_offer_one(c.fd, second, DRM_TIDE_PRIORITY_LOW);
	igt_assert_eq_u64(usage(&c), TIDE_MIB(1));
	igt_assert_eq(require(&c, second, 0), 0);
	igt_assert_eq_u64(usage(&c), TIDE_MIB(1));
	tide_reclaim(c.fd, c.queue.id, &second, &result, 1);
	igt_assert_eq_u64(usage(&c), TIDE_MIB(3));
	gem_close(c.fd, second);
	igt_assert_eq_u64(usage(&c), TIDE_MIB(1));

	/* each client's for itself */
	igt_assert_eq(__tide_prime_export(c.fd, shared, &dmabuf), 0);
	theirs = prime_fd_to_handle(other.fd, dmabuf);
	close(dmabuf);
	igt_assert_eq_u64(usage(&other), 0);
	igt_assert_eq(require(&other, theirs, 0), 0);
	igt_assert_eq_u64(usage(&other), TIDE_MIB(1));
	igt_assert_eq_u64(usage(&c), TIDE_MIB(1));
	close(other.fd);
	close(c.fd);
}

static void test_come_and_go(void)
{
	struct client a = client_open(), b;

	use(&a, 48);
	igt_assert_eq_u64(budget(&a), SIZE);
	b = client_open();
	/* who uses nothing takes nothing, and could have its half */
	igt_assert_eq_u64(budget(&a), SIZE);
	igt_assert_eq_u64(budget(&b), HALF);
	use(&b, 8);
	igt_assert_eq_u64(budget(&a), SIZE - TIDE_MIB(8));
	use(&b, 48);
	igt_assert_eq_u64(budget(&a), HALF);
	igt_assert_eq_u64(budget(&b), HALF);
	close(b.fd);
	igt_assert_eq_u64(budget(&a), SIZE);
	close(a.fd);
}

static void empty_job(const struct client *c)
{
	struct tide_job job = {};

	tide_submit_wait(c->fd, &job);
}

/* A job that keeps the client active until the cork is unplugged */
static void stay_active(const struct client *c, struct tide_cork *cork)
{
	struct tide_job job = {};

	tide_cork_plug(cork, c->fd);
	tide_job_wait(&job, cork->syncobj, 0);
	tide_submit(c->fd, &job);
}

/* Who sleeps keeps what is left, and has its half back when it wakes. */
static void test_idle(void)
{
	struct client a = client_open(), b = client_open();
	struct tide_cork corks[2];

	use(&a, 48);
	use(&b, 48);
	igt_assert_eq_u64(budget(&a), HALF);
	stay_active(&a, &corks[0]);
	tide_param_set("idle_ms", 0);
	igt_assert_eq_u64(budget(&a), SIZE);
	igt_assert_eq_u64(budget(&b), SIZE - TIDE_MIB(48));

	stay_active(&b, &corks[1]);
	igt_assert_eq_u64(budget(&a), HALF);
	igt_assert_eq_u64(budget(&b), HALF);
	tide_cork_fini(&corks[1], b.fd);
	tide_param_set("idle_ms", NEVER_MS);

	/* by a call, and at once */
	empty_job(&b);
	igt_assert_eq_u64(budget(&a), HALF);
	igt_assert_eq(__tide_suspend(b.fd, 0), 0);
	igt_assert_eq_u64(budget(&a), SIZE);
	empty_job(&b);
	igt_assert_eq_u64(budget(&a), HALF);
	tide_cork_fini(&corks[0], a.fd);
	close(a.fd);
	close(b.fd);
}

static void test_reservation(void)
{
	struct client a = client_open(), b = client_open();
	uint64_t available = tide_budget(a.fd, 0).available;

	igt_assert_lte_u64(TIDE_MIB(16), available);
	igt_assert_eq(__tide_reserve(a.fd, 0, TIDE_MIB(16)), 0);
	igt_assert_eq_u64(tide_budget(a.fd, 0).reservation, TIDE_MIB(16));
	igt_assert_eq_u64(tide_budget(a.fd, 0).available, available);
	igt_assert_eq_u64(tide_budget(b.fd, 0).available, available - TIDE_MIB(16));
	igt_assert_eq_u64(tide_budget(b.fd, 0).reservation, 0);
	igt_assert_eq_u64(budget(&b), SIZE - TIDE_MIB(16));
	use(&b, 64);
	igt_assert_eq_u64(budget(&a), TIDE_MIB(16) + (SIZE - TIDE_MIB(16)) / 2);

	igt_assert_eq(__tide_reserve(b.fd, 0, available - TIDE_MIB(16) + 1), -ENOSPC);
	igt_assert_eq_u64(tide_budget(b.fd, 0).reservation, 0);
	igt_assert_eq(__tide_reserve(b.fd, 0, available - TIDE_MIB(16)), 0);
	igt_assert_eq(__tide_reserve(b.fd, 0, 0), 0);
	igt_assert_eq_u64(tide_budget(b.fd, 0).reservation, 0);
	close(a.fd);
	igt_assert_eq_u64(tide_budget(b.fd, 0).available, available);
	igt_assert_eq_u64(budget(&b), SIZE);
	close(b.fd);
}

static void test_stops(void)
{
	struct client c = client_open();
	uint32_t bos[] = { make(&c, 20), make(&c, 20), make(&c, 30), make(&c, 4) };
	struct drm_tide_make_resident args;

	igt_assert_eq(require_flags(&c, bos, 4, 0, &args), -ENOSPC);
	igt_assert_eq_u32(args.taken, 2);
	igt_assert_eq_u32(args.bad_index, 2);
	igt_assert_eq_u64(args.trim_bytes, TIDE_MIB(20 + 20 + 30) - SIZE);
	for (int i = 0; i < 4; i++)
		igt_assert_eq_u32(tide_bo_info(c.fd, bos[i]).residency_count, i < 2);
	igt_assert_eq_u64(usage(&c), TIDE_MIB(40));
	/* the value covers what was taken */
	tide_queue_wait(c.fd, &c.queue, args.value);
	for (int i = 0; i < 4; i++)
		igt_assert_eq_u32(!!(tide_bo_flags(c.fd, bos[i]) & DRM_TIDE_BO_RESIDENT), i < 2);

	/* after a trim of what was told the rest fits, but not with the last one */
	tide_evict_one(c.fd, bos[0]);
	igt_assert_eq(require_flags(&c, &bos[2], 2, 0, &args), 0);
	igt_assert_eq_u32(args.taken, 2);
	igt_assert_eq_u64(args.trim_bytes, 0);
	igt_assert_eq_u32(args.bad_index, DRM_TIDE_NO_INDEX);
	close(c.fd);
}

static void test_first_does_not_fit(void)
{
	struct client c = client_open(), other = client_open();
	uint32_t bo = make(&c, 40);
	struct drm_tide_make_resident args;

	use(&other, 60);
	igt_assert_eq(require_flags(&c, &bo, 1, 0, &args), -ENOSPC);
	igt_assert_eq_u32(args.taken, 0);
	igt_assert_eq_u32(args.bad_index, 0);
	igt_assert_eq_u64(args.trim_bytes, TIDE_MIB(40) - HALF);
	igt_assert_lt_u64(0, args.value);
	tide_queue_wait(c.fd, &c.queue, args.value);
	igt_assert_eq_u32(tide_bo_info(c.fd, bo).residency_count, 0);
	close(c.fd);
	close(other.fd);
}

/* What is bad behind what does not fit is not found; what is bad before it takes all back. */
static void test_bad_among_them(void)
{
	struct client c = client_open();
	uint32_t bos[] = { make(&c, 20), make(&c, 60), 0xfffff };
	struct drm_tide_make_resident args;

	igt_assert_eq(require_flags(&c, bos, 3, 0, &args), -ENOENT);
	igt_assert_eq_u32(args.bad_index, 2);
	igt_assert_eq_u32(args.taken, 0);
	igt_assert_eq_u64(usage(&c), 0);
	igt_assert_eq_u32(tide_bo_info(c.fd, bos[0]).residency_count, 0);
	close(c.fd);
}

static void test_flags(void)
{
	struct client a = client_open(), b = client_open();
	uint32_t bos[] = { make(&a, 30), make(&a, 30), make(&a, 30) };
	struct drm_tide_make_resident args;

	use(&b, 60);
	igt_assert_eq(require_flags(&a, bos, 3, 0, &args), -ENOSPC);
	igt_assert_eq_u32(args.taken, 1);
	igt_assert_eq(require_flags(&a, &bos[1], 2, CANT_TRIM, &args), -ENOSPC);
	igt_assert_eq_u32(args.taken, 1);
	igt_assert_eq_u64(args.trim_bytes, TIDE_MIB(90) - SIZE);
	igt_assert_eq(require_flags(&a, &bos[2], 1, MUST, &args), 0);
	igt_assert_eq_u32(args.taken, 1);
	igt_assert_eq_u64(usage(&a), TIDE_MIB(90));
	close(a.fd);
	close(b.fd);
}

/* What is required already, and what is offered, fits whatever the budget. */
static void test_needs_none(void)
{
	struct client c = client_open();
	uint32_t listed = use(&c, 40), offered = make(&c, 40), bo = make(&c, 40), result;

	tide_offer_one(c.fd, offered, DRM_TIDE_PRIORITY_NORMAL);
	igt_assert_eq(require(&c, bo, 0), -ENOSPC);
	igt_assert_eq(require(&c, listed, 0), 0);
	igt_assert_eq(require(&c, offered, 0), 0);
	igt_assert_eq_u64(usage(&c), TIDE_MIB(40));
	/* and a reclaim is never refused */
	tide_reclaim(c.fd, c.queue.id, &offered, &result, 1);
	igt_assert_eq_u64(usage(&c), TIDE_MIB(80));
	close(c.fd);
}

static void test_event(void)
{
	struct client a = client_open(), b = client_open();
	uint32_t bo = use(&a, 48);

	igt_assert(no_event(&a));
	use(&b, 20);
	igt_assert_eq_u64(event_bytes(&a), TIDE_MIB(48 + 20) - SIZE);
	igt_assert(no_event(&a));
	igt_assert(no_event(&b));
	use(&b, 20);
	igt_assert_eq_u64(event_bytes(&a), TIDE_MIB(48) - HALF);
	igt_assert_eq_u64(event_bytes(&b), TIDE_MIB(40) - HALF);

	/* who trims has peace, until it is too much again */
	tide_evict_one(a.fd, bo);
	igt_assert(no_event(&a));
	igt_assert_eq(require(&a, bo, MUST), 0);
	igt_assert_eq_u64(event_bytes(&a), TIDE_MIB(48) - HALF);
	close(a.fd);
	close(b.fd);
}

static void test_event_reclaim(void)
{
	struct client a = client_open(), b = client_open();
	uint32_t bo = use(&a, 48), result;

	tide_offer_one(a.fd, bo, DRM_TIDE_PRIORITY_HIGH);
	use(&b, 48);
	igt_assert(no_event(&a));
	igt_assert(no_event(&b));
	tide_reclaim(a.fd, a.queue.id, &bo, &result, 1);
	igt_assert_eq_u64(event_bytes(&a), TIDE_MIB(48) - HALF);
	igt_assert_eq_u64(event_bytes(&b), TIDE_MIB(48) - HALF);
	close(a.fd);
	close(b.fd);
}

static void test_event_reserve(void)
{
	struct client a = client_open(), b = client_open();

	use(&a, 60);
	igt_assert_eq(__tide_reserve(b.fd, 0, TIDE_MIB(16)), 0);
	igt_assert_eq_u64(event_bytes(&a), TIDE_MIB(60 + 16) - SIZE);
	close(a.fd);
	close(b.fd);
}

/* A client that falls asleep is over what is left for it. */
static void test_event_idle(void)
{
	struct client a = client_open(), b = client_open();
	struct tide_cork cork;

	use(&b, 30);
	use(&a, 40);
	igt_assert_lt_u64(0, event_bytes(&a));
	igt_assert(no_event(&b));
	stay_active(&a, &cork);
	tide_param_set("idle_ms", 0);
	igt_assert_eq_u64(event_bytes(&b), TIDE_MIB(30 + 40) - SIZE);
	tide_cork_fini(&cork, a.fd);
	close(a.fd);
	close(b.fd);
}

/* One event, with the bytes that hold last, until it is read. */
static void test_event_coalesced(void)
{
	struct client a = client_open(), b = client_open();
	struct drm_tide_event_trim event[4];

	use(&a, 60);
	for (int i = 0; i < 20; i++)
		use(&b, 1);
	igt_assert_eq(read(a.fd, event, sizeof(event)), sizeof(event[0]));
	igt_assert_eq_u64(event[0].bytes, TIDE_MIB(60 + 20) - SIZE);
	igt_assert(no_event(&a));
	close(a.fd);
	close(b.fd);
}

static void test_event_read(void)
{
	struct client a = client_open();
	struct drm_tide_event_trim event, *nowhere;

	nowhere = mmap(NULL, TIDE_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	igt_assert(nowhere != MAP_FAILED);
	do_or_die(fcntl(a.fd, F_SETFL, O_NONBLOCK));
	igt_assert_eq(read(a.fd, &event, sizeof(event)), -1);
	igt_assert_eq(errno, EAGAIN);
	use(&a, 70);
	/* not in parts, and not to nowhere; it stays for who asks rightly */
	igt_assert_eq(read(a.fd, &event, sizeof(event) - 1), 0);
	igt_assert_eq(read(a.fd, nowhere, sizeof(event)), -1);
	igt_assert_eq(errno, EFAULT);
	igt_assert_eq_u64(event_bytes(&a), TIDE_MIB(70) - SIZE);
	igt_assert_eq(read(a.fd, &event, sizeof(event)), -1);
	igt_assert_eq(errno, EAGAIN);
	/* and one that nobody reads goes with the file */
	use(&a, 1);
	munmap(nowhere, TIDE_PAGE);
	close(a.fd);
}

struct race {
	volatile bool stop;
	struct client shared;
	unsigned int events;
};

static void *race_use(void *data)
{
	struct race *race = data;
	struct client c = client_open();
	uint32_t bo = make(&c, 48);

	while (!race->stop) {
		igt_assert_eq(require(&c, bo, MUST), 0);
		igt_assert_eq(__tide_reserve(c.fd, 0, TIDE_MIB(8)), 0);
		tide_evict_one(c.fd, bo);
		igt_assert_eq(__tide_reserve(c.fd, 0, 0), 0);
	}
	close(c.fd);
	return NULL;
}

static void *race_come_and_go(void *data)
{
	struct race *race = data;

	while (!race->stop) {
		struct client c = client_open();

		use(&c, 60);
		close(c.fd);
	}
	return NULL;
}

static void *race_read(void *data)
{
	struct race *race = data;
	struct drm_tide_event_trim event;

	while (!race->stop)
		if (tide_read_trim(race->shared.fd, 10, &event))
			race->events++;
	return NULL;
}

/* Budgets are asked for, moved and told while clients come and go. */
static void test_race(void)
{
	void *(*run[])(void *) = { race_use, race_use, race_come_and_go, race_come_and_go,
				   race_read };
	pthread_t threads[ARRAY_SIZE(run)];
	struct race race = { .shared = client_open() };
	uint32_t bo = make(&race.shared, 40);

	for (size_t i = 0; i < ARRAY_SIZE(run); i++)
		igt_assert_eq(pthread_create(&threads[i], NULL, run[i], &race), 0);
	for (int64_t end = tide_deadline(2 * NSEC_PER_SEC); tide_deadline(0) < end;) {
		igt_assert_eq(require(&race.shared, bo, MUST), 0);
		igt_assert_lte_u64(budget(&race.shared), SIZE);
		tide_evict_one(race.shared.fd, bo);
	}
	race.stop = true;
	for (size_t i = 0; i < ARRAY_SIZE(run); i++)
		igt_assert_eq(pthread_join(threads[i], NULL), 0);
	igt_assert_lt_u64(0, race.events);
	igt_assert_eq_u64(usage(&race.shared), 0);
	igt_assert_eq_u64(budget(&race.shared), SIZE);
	close(race.shared.fd);
}

static void test_priority(void)
{
	int fd = tide_open_render();

	for (int32_t priority = -1; priority <= 1; priority++) {
		struct drm_tide_queue_create create = { .priority = priority };
		uint32_t bo = tide_bo_create(fd, TIDE_PAGE);
		struct drm_tide_make_resident args;

		igt_assert_eq(__tide_ioctl(fd, DRM_IOCTL_TIDE_QUEUE_CREATE, &create), 0);
		igt_assert_eq(__tide_make_resident_args(fd, create.queue, &bo, 1, 0, &args), 0);
		tide_point_wait(fd, create.syncobj, args.value);
		igt_assert(tide_bo_flags(fd, bo) & DRM_TIDE_BO_RESIDENT);
	}
	igt_fork(child, 1) {
		struct drm_tide_queue_create create = { .priority = 1 };
		int64_t id = tide_fdinfo(fd, "drm-client-id");
		int other = tide_open_render();

		do_or_die(setuid(65534));
		igt_assert_eq(__tide_ioctl(fd, DRM_IOCTL_TIDE_QUEUE_CREATE, &create), -EPERM);
		create.priority = 0;
		igt_assert_eq(__tide_ioctl(fd, DRM_IOCTL_TIDE_QUEUE_CREATE, &create), 0);
		create.priority = -1;
		igt_assert_eq(__tide_ioctl(fd, DRM_IOCTL_TIDE_QUEUE_CREATE, &create), 0);
		/* and the same for suspending others */
		igt_assert_eq(__tide_suspend(other, id), -EPERM);
		igt_assert_eq(__tide_suspend(fd, id), 0);
	}
	igt_waitchildren();
	close(fd);
}

/* Whatever the subtest before has left */
static void run(void (*test)(void))
{
	tide_param_set("idle_ms", NEVER_MS);
	test();
}

igt_main {
	igt_fixture {
		char parameters[32];

		snprintf(parameters, sizeof(parameters), "system_mib=%u", SEGMENT_MIB);
		tide_reload(parameters);
		close(tide_open_render());
		snprintf(node, sizeof(node), "%s", __tide_node(false));
	}

	igt_describe("A client by itself has the whole segment");
	igt_subtest("d6-alone-has-all")
		run(test_alone);

	igt_describe("Usage is what is on the list and not offered");
	igt_subtest("d6-usage-follows-the-list")
		run(test_usage);

	igt_describe("Budgets move as clients come, use more, and go");
	igt_subtest("d6-clients-come-and-go")
		run(test_come_and_go);

	igt_describe("Budgets move as clients become idle, wake, and are suspended");
	igt_subtest("d6-d7-clients-idle-and-wake")
		run(test_idle);

	igt_describe("A reservation is in the budget in any case, and bounded");
	igt_subtest("d6-reservation")
		run(test_reservation);

	igt_describe("Over the budget the first that does not fit ends the list");
	igt_subtest("d3-stops-at-first-that-does-not-fit")
		run(test_stops);

	igt_describe("Where the first one does not fit nothing is taken, and the value is signalled");
	igt_subtest("d3-first-does-not-fit")
		run(test_first_does_not_fit);

	igt_describe("A handle that does not exist counts more than a budget");
	igt_subtest("d3-bad-handle-takes-nothing")
		run(test_bad_among_them);

	igt_describe("The flags go over the budget up to the segment's size, and whatever that is");
	igt_subtest("d3-flags")
		run(test_flags);

	igt_describe("What is on the list or offered needs no budget");
	igt_subtest("d3-listed-and-offered-need-none")
		run(test_needs_none);

	igt_describe("Who is over its budget gets an event, with by how much");
	igt_subtest("d6-g3-event-when-over")
		run(test_event);

	igt_describe("A reclaim may bring clients over their budgets");
	igt_subtest("d6-event-by-reclaim")
		run(test_event_reclaim);

	igt_describe("A reservation may bring others over their budgets");
	igt_subtest("d6-event-by-reservation")
		run(test_event_reserve);

	igt_describe("A client that becomes idle is told what it is over");
	igt_subtest("d6-event-by-becoming-idle")
		run(test_event_idle);

	igt_describe("Events that nobody reads become one");
	igt_subtest("d6-event-coalesced")
		run(test_event_coalesced);

	igt_describe("An event is read whole or not at all");
	igt_subtest("d6-event-read")
		run(test_event_read);

	igt_describe("Budgets and events while clients come and go");
	igt_subtest("d6-event-race")
		run(test_race);

	igt_describe("A queue above normal priority needs CAP_SYS_NICE");
	igt_subtest("e1-d7-priority-needs-cap-sys-nice")
		run(test_priority);
}
