// SPDX-License-Identifier: MIT
/*
 * What goes and what stays when memory really runs short: of the whole machine
 * or of a cgroup, with and without swap.
 */
#include "igt.h"
#include "igt_syncobj.h"
#include "igt_tide.h"
#include "igt_tide_pressure.h"

IGT_TEST_DESCRIPTION("Order and truth of discards and evictions under real memory pressure");

enum scope {
	/* everything in the root cgroup */
	GLOBAL,
	/* the client in a cgroup, and the whole machine short of memory */
	GLOBAL_CGROUP,
	/* the client and the hog in a cgroup at its limit */
	LIMIT,
};

struct variant {
	const char *name;
	enum scope scope;
	unsigned int swap_mib;
};

static const struct variant variants[] = {
	{ "global", GLOBAL, 0 },
	{ "global-zram", GLOBAL, 192 },
	{ "global-client-in-cgroup", GLOBAL_CGROUP, 0 },
	{ "global-client-in-cgroup-zram", GLOBAL_CGROUP, 192 },
	{ "limit", LIMIT, 0 },
	{ "limit-zram", LIMIT, 192 },
};

/* One client, and how it is put under pressure */
struct scene {
	enum scope scope;
	struct tide_cgroup cg;
	/* of an allocation; a huge page, and kswapd may take a hundred MiB when it wakes */
	size_t size;
	int fd;
	struct tide_queue queue;
};

#define OFFERS 60

static void scene_init(struct scene *scene, enum scope scope)
{
	scene->scope = scope;
	scene->size = scope == LIMIT ? TIDE_MIB(1) : TIDE_MIB(2);
	if (scope != GLOBAL) {
		cgroup_make(&scene->cg, NULL, "client");
		tide_cgroup_enter(&scene->cg);
	}
	scene->fd = tide_open_render();
	scene->queue = tide_queue_create(scene->fd);
}

static void scene_press(struct scene *scene, bool locked, bool (*enough)(const void *),
			const void *data)
{
	struct hog hog = {
		.cgroup = scene->scope == LIMIT ? &scene->cg : NULL,
		.locked = locked,
		.enough = enough,
		.data = data,
	};

	if (scene->scope == LIMIT) {
		cgroup_leave_mib(&scene->cg, 4);
		hog.max_mib = 512;
	} else {
		hog.max_mib = meminfo_mib("MemTotal") + meminfo_mib("SwapTotal");
	}
	igt_assert_eq(hog_fill(&hog), HOG_ENOUGH);
}

static void scene_release(struct scene *scene)
{
	hog_end();
	if (scene->scope == LIMIT)
		tide_cgroup_set(&scene->cg, "memory.max", "max");
}

static void scene_discard(struct scene *scene, uint64_t mib)
{
	struct stat_goal goal = stat_goal(scene->fd, "discarded_pages", mib);

	scene_press(scene, false, stat_reached, &goal);
}

/*
 * Offers all so that they should go in the order of their indices: a third LOW,
 * a third NORMAL, a third HIGH. The first offers are all wrong: only the last
 * one of each counts.
 */
static void offer_in_order(const struct lot *lot)
{
	uint32_t third = lot->count / 3, random = lot->seed + 1;

	igt_assert_eq_u32(third * 3, lot->count);
	for (uint32_t i = lot->count; i--;)
		tide_offer_one(lot->fd, lot->handles[i], 1 + tide_random(&random) % 3);
	for (uint32_t i = 0; i < third; i++) {
		tide_offer_one(lot->fd, lot->handles[2 * third + i], DRM_TIDE_PRIORITY_HIGH);
		tide_offer_one(lot->fd, lot->handles[i], DRM_TIDE_PRIORITY_LOW);
		tide_offer_one(lot->fd, lot->handles[third + i], DRM_TIDE_PRIORITY_NORMAL);
	}
}

/*
 * Offers go in B4's order, and before anything else of tide's: what is in use,
 * what is resident and idle, and what was taken off the residency list.
 */
static void test_order(const void *data)
{
	const struct variant *variant = data;
	static struct lot offered, in_use, resident, evicted;
	struct scene scene;
	uint64_t absent, evicted_pages;
	uint32_t discarded;

	scene_init(&scene, variant->scope);
	lot_create(&in_use, scene.fd, 8, scene.size, 1000);
	lot_create(&resident, scene.fd, 8, scene.size, 2000);
	lot_make_resident(&resident, &scene.queue);
	lot_create(&evicted, scene.fd, 8, scene.size, 3000);
	lot_make_resident(&evicted, &scene.queue);
	lot_use_on_gpu(&evicted);
	tide_evict(scene.fd, evicted.handles, evicted.count);
	lot_create(&offered, scene.fd, OFFERS, scene.size, 1);
	offer_in_order(&offered);
	/* Where memory is short already, some has gone before there were offers. */
	evicted_pages = tide_stat(scene.fd, "evicted_pages");
	absent = lot_absent(&in_use) + lot_absent(&resident) + lot_absent(&evicted);

	scene_discard(&scene, 30);

	/* Read before the reclaim: as long as one of the offered answers OK after this, */
	/* there was something to discard. */
	igt_assert_eq_u64(lot_absent(&in_use) + lot_absent(&resident) + lot_absent(&evicted),
			  absent);
	igt_assert_eq_u64(tide_stat(scene.fd, "evicted_pages"), evicted_pages);
	discarded = lot_reclaim(&offered, scene.queue.id);
	scene_release(&scene);

	igt_info("%u of %u discarded\n", discarded, offered.count);
	igt_assert_f(discarded > 0 && discarded < offered.count, "both outcomes are needed\n");
	lot_check_order(&offered);
	lot_check(&offered);
	for (uint32_t i = 0; i < offered.count; i++)
		igt_assert_eq_u64(tide_bo_info(scene.fd, offered.handles[i]).discard_count,
				  offered.results[i] == DRM_TIDE_RECLAIM_DISCARDED);
	lot_check_intact(&in_use);
	lot_check_intact(&evicted);
	lot_check_intact_on_gpu(&resident, &scene.queue);
}

/*
 * A cork of another client's: a job that takes a minute, as pressure may on a
 * slow machine, unless the client goes. Returns the client's file.
 */
static int block_engine(int fd, struct tide_cork *cork)
{
	int blocker = tide_open_render();
	uint32_t syncobj = syncobj_create(blocker, 0);
	struct tide_job job = {};
	int handle;

	tide_job_delay(&job, 60ull * NSEC_PER_SEC);
	tide_job_signal(&job, syncobj, 0);
	tide_submit(blocker, &job);
	handle = syncobj_handle_to_fd(blocker, syncobj, 0);
	cork->syncobj = syncobj_fd_to_handle(fd, handle, 0);
	close(handle);
	return blocker;
}

/* What unfinished jobs name stays, and goes first when they have finished. */
static void test_busy(const void *data)
{
	const struct variant *variant = data;
	static struct lot busy, idle;
	uint64_t timeout_ms = tide_param_get("job_timeout_ms");
	struct tide_cork cork;
	struct scene scene;
	uint32_t discarded;
	int blocker;

	igt_assert_eq(__tide_param_set("job_timeout_ms", 2 * 60 * 1000), 0);
	scene_init(&scene, variant->scope);
	lot_create(&busy, scene.fd, 8, scene.size, 1);
	lot_make_resident(&busy, &scene.queue);
	lot_create(&idle, scene.fd, OFFERS, scene.size, 1000);
	blocker = block_engine(scene.fd, &cork);
	for (uint32_t i = 0; i < busy.count; i++)
		tide_keep_busy(scene.fd, &cork, busy.handles[i], i % 2 ? TIDE_READ : TIDE_WRITE);
	lot_offer(&busy, DRM_TIDE_PRIORITY_LOW);
	lot_offer(&idle, DRM_TIDE_PRIORITY_HIGH);

	scene_discard(&scene, 16);
	igt_assert_eq_u32(lot_count_flag(&busy, DRM_TIDE_BO_BUSY), busy.count);
	igt_assert_eq_u32(lot_count_flag(&busy, DRM_TIDE_BO_DISCARDED), 0);
	scene_release(&scene);

	close(blocker);
	for (int tries = 0; lot_count_flag(&busy, DRM_TIDE_BO_BUSY); tries++) {
		igt_assert_lt(tries, TIDE_LIVENESS_S * 100);
		usleep(10000);
	}
	scene_discard(&scene, busy.count * busy.size >> 20);
	discarded = lot_reclaim(&busy, scene.queue.id);
	scene_release(&scene);
	igt_assert_eq_u32(discarded, busy.count);
	lot_check(&busy);

	discarded = lot_reclaim(&idle, scene.queue.id);
	igt_assert_f(discarded > 0 && discarded < idle.count, "both outcomes are needed\n");
	lot_check(&idle);
	igt_assert_eq(__tide_param_set("job_timeout_ms", timeout_ms), 0);
}

/* What was ever exported stays, whether its dma-buf is still there or not. */
static void test_exported(const void *data)
{
	const struct variant *variant = data;
	static struct lot exported, private;
	struct scene scene;
	uint32_t discarded;

	scene_init(&scene, variant->scope);
	lot_create(&exported, scene.fd, 8, scene.size, 1);
	for (uint32_t i = 0; i < exported.count; i++) {
		int dmabuf;

		do_or_die(__tide_prime_export(scene.fd, exported.handles[i], &dmabuf));
		if (i % 2)
			close(dmabuf);
	}
	lot_create(&private, scene.fd, OFFERS, scene.size, 1000);
	lot_offer(&exported, DRM_TIDE_PRIORITY_LOW);
	lot_offer(&private, DRM_TIDE_PRIORITY_HIGH);

	scene_discard(&scene, 30);
	discarded = lot_reclaim(&private, scene.queue.id);
	igt_assert_eq_u32(lot_reclaim(&exported, scene.queue.id), 0);
	scene_release(&scene);
	igt_assert_neq_u32(discarded, 0);
	lot_check(&private);
	lot_check_intact(&exported);
}

struct swapped_goal {
	const struct lot *lots;
	unsigned int count;
	uint64_t bytes;
};

static bool swapped(const void *data)
{
	const struct swapped_goal *goal = data;
	uint64_t absent = 0;

	for (unsigned int i = 0; i < goal->count; i++)
		absent += lot_absent(&goal->lots[i]);
	return absent >= goal->bytes;
}

/* Evicted content is there again, for the CPU and for the GPU. */
static void test_evicted(const void *data)
{
	const struct variant *variant = data;
	static struct lot lot;
	struct swapped_goal goal = { &lot, 1, TIDE_MIB(8) };
	struct scene scene;
	uint64_t paged_in, failures;

	scene_init(&scene, variant->scope);
	lot_create(&lot, scene.fd, 32, scene.size, 1);
	lot_make_resident(&lot, &scene.queue);
	lot_use_on_gpu(&lot);
	tide_evict(scene.fd, lot.handles, lot.count);
	scene_press(&scene, true, swapped, &goal);
	scene_release(&scene);
	lot_check_intact(&lot);

	scene_press(&scene, true, swapped, &goal);
	scene_release(&scene);
	igt_assert_lt_u64(0, lot_absent(&lot));
	paged_in = tide_stat(scene.fd, "paged_in_pages");
	failures = tide_stat(scene.fd, "page_in_failures");
	tide_queue_wait(scene.fd, &scene.queue,
			tide_make_resident(scene.fd, scene.queue.id, lot.handles, lot.count));
	igt_assert_lt_u64(paged_in, tide_stat(scene.fd, "paged_in_pages"));
	lot_check_resident_for_job(&lot);
	igt_assert_eq_u64(failures, tide_stat(scene.fd, "page_in_failures"));
	lot_check_intact_on_gpu(&lot, &scene.queue);
}

/*
 * Of what clients keep resident the longest idle client's goes first, and it is
 * there again when that client's next job runs.
 */
static void test_longest_idle(const void *data)
{
	static const unsigned int order[] = { 2, 0, 1 };
	const struct variant *variant = data;
	static struct lot lots[3];
	struct swapped_goal goal = { lots, 3, TIDE_MIB(8) };
	struct tide_queue queues[3];
	struct scene scene;
	uint32_t resident[3];

	scene_init(&scene, variant->scope);
	for (unsigned int i = 0; i < 3; i++) {
		int fd = tide_open_render();

		queues[i] = tide_queue_create(fd);
		lot_create(&lots[i], fd, 24, TIDE_MIB(1), 1 + 1000 * i);
		lot_make_resident(&lots[i], &queues[i]);
	}
	for (unsigned int i = 0; i < 3; i++)
		lot_use_on_gpu(&lots[order[i]]);

	scene_press(&scene, true, swapped, &goal);
	/* The youngest first: reclaim may be going on. */
	for (unsigned int i = 3; i--;)
		resident[i] = lot_count_flag(&lots[order[i]], DRM_TIDE_BO_RESIDENT);
	scene_release(&scene);
	igt_info("still resident, longest idle first: %u %u %u of 24\n", resident[0], resident[1],
		 resident[2]);
	igt_assert_lt_u64(resident[0], 24);
	for (unsigned int i = 1; i < 3; i++)
		igt_assert_f(resident[i] == 24 || resident[i - 1] == 0,
			     "client %u in this order has lost memory before the one ahead of it\n",
			     i);

	for (unsigned int i = 0; i < 3; i++) {
		lot_check_resident_for_job(&lots[i]);
		lot_check_intact_on_gpu(&lots[i], &queues[i]);
		lot_check_intact(&lots[i]);
	}
}

/* Has the kernel kill the process that has the most memory. */
static void kill_for_memory(void)
{
	size_t size = TIDE_MIB(100);
	pid_t pid = pressure_fork(1000);
	int sysrq;

	if (!pid) {
		memset(malloc(size), 1, size);
		sysrq = open("/proc/sysrq-trigger", O_WRONLY);
		igt_assert_fd(sysrq);
		igt_assert_eq(write(sysrq, "f", 1), 1);
		for (;;)
			pause();
	}
	igt_assert_eq(pressure_wait(pid), -SIGKILL);
}

/* A person who asks for a kill gets it, but offers are discarded before. */
static void test_before_kill(const void *data)
{
	const struct variant *variant = data;
	static struct lot kept, offered;
	struct scene scene;

	scene_init(&scene, variant->scope);
	lot_create(&kept, scene.fd, 8, scene.size, 1000);
	lot_create(&offered, scene.fd, 8, scene.size, 1);
	lot_offer(&offered, DRM_TIDE_PRIORITY_HIGH);

	kill_for_memory();
	igt_assert_lt_u64(0, lot_reclaim(&offered, scene.queue.id));
	lot_check(&offered);
	lot_check_intact(&kept);
}

struct test {
	const char *name;
	const char *describe;
	void (*body)(const void *data);
	/* of variants[], by their bits */
	unsigned int variants;
};

#define ALL		(~0u)
#define GLOBAL_BIT	(1u << 0)
#define GLOBAL_ZRAM_BIT (1u << 1)
#define CLIENT_BIT	(1u << 2)
#define CLIENT_ZRAM_BIT (1u << 3)
#define LIMIT_BIT	(1u << 4)
#define LIMIT_ZRAM_BIT	(1u << 5)

static const struct test tests[] = {
	{ "b4-b6-h5-order", "offers go LOW before HIGH, oldest first, before anything in use, and "
	  "each answer is true", test_order, ALL },
	{ "h5-before-a-kill", "before a process is killed for memory, offers are discarded",
	  test_before_kill, CLIENT_BIT },
	{ "b3-busy-stays", "what unfinished jobs name is not discarded until they have finished",
	  test_busy, GLOBAL_ZRAM_BIT | LIMIT_BIT },
	{ "b8-exported-stays", "what was exported is never discarded", test_exported, CLIENT_BIT | LIMIT_ZRAM_BIT },
	{ "d5-evicted-comes-back", "evicted content is swapped and comes back intact for CPU and GPU",
	  test_evicted, CLIENT_ZRAM_BIT | LIMIT_ZRAM_BIT },
	{ "d7-longest-idle-first", "residency is no pin: the longest idle client loses first, and has "
	  "it back before its next job", test_longest_idle, GLOBAL_ZRAM_BIT | LIMIT_ZRAM_BIT },
};

igt_main
{
	igt_fixture {
		pressure_init();
		close(tide_open_render());
	}

	for (unsigned int t = 0; t < ARRAY_SIZE(tests); t++) {
		for (unsigned int v = 0; v < ARRAY_SIZE(variants); v++) {
			if (!(tests[t].variants & 1u << v))
				continue;
			igt_describe(tests[t].describe);
			igt_subtest_f("%s-%s", tests[t].name, variants[v].name) {
				struct pressure_machine machine = {
					variants[v].scope == LIMIT ? 0 : 256,
					variants[v].swap_mib,
				};

				pressure_run_on(&machine, tests[t].body, &variants[v]);
			}
		}
	}
}
