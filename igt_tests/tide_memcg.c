// SPDX-License-Identifier: MIT
/* Memory cgroups: who is charged, who loses what at which limit, and who is killed. */
#include "igt.h"
#include "igt_tide.h"
#include "igt_tide_pressure.h"

IGT_TEST_DESCRIPTION("Charging and limits of memory cgroups");

#define LOT_SIZE TIDE_MIB(1)
/* what memory.max and the like are known to be off by, per-CPU stocks most of all */
#define SLACK_MIB 4
#define ZRAM_MIB 192

static uint64_t shmem_mib(const struct tide_cgroup *cg)
{
	return tide_cgroup_key(cg, "memory.stat", "shmem") >> 20;
}

/* Runs a function in another process, in a cgroup; NULL: the root. */
static int spawn_in(const struct tide_cgroup *cg, void (*work)(void *data), void *data)
{
	pid_t pid = pressure_fork(0);

	if (!pid) {
		tide_cgroup_enter(cg);
		work(data);
		_exit(0);
	}
	return pid;
}

static void run_in(const struct tide_cgroup *cg, void (*work)(void *data), void *data)
{
	igt_assert_eq(pressure_wait(spawn_in(cg, work, data)), 0);
}

static void create_handles(void *data)
{
	struct lot *lot = data;

	for (uint32_t i = 0; i < lot->count; i++)
		lot->handles[i] = tide_bo_create(lot->fd, lot->size);
}

/*
 * Allocations of the caller's client, but made by a process in a cgroup, which
 * has ended since. No page of theirs is there yet.
 */
static struct lot *lot_create_in(const struct tide_cgroup *cg, int fd, uint32_t count,
				 uint32_t seed)
{
	struct lot *lot = mmap(NULL, sizeof(*lot), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	igt_assert(lot != MAP_FAILED);
	*lot = (struct lot){ .fd = fd, .count = count, .size = LOT_SIZE, .seed = seed };
	run_in(cg, create_handles, lot);
	for (uint32_t i = 0; i < count; i++)
		lot->maps[i] = tide_bo_map(fd, lot->handles[i], LOT_SIZE);
	return lot;
}

static void lot_touch(void *data)
{
	struct lot *lot = data;

	for (uint32_t i = 0; i < lot->count; i++)
		tide_pattern_fill(lot->maps[i], lot->size, lot->seed + i);
}

/* Who touches the memory first */

struct toucher {
	const char *name;
	void (*touch)(void *lot);
	unsigned int swap_mib;
};

static void touch_by_page_in(void *data)
{
	struct lot *lot = data;
	struct tide_queue queue = tide_queue_create(lot->fd);

	lot_make_resident(lot, &queue);
}

/* What was resident has been swapped out: the job brings it back. */
static void touch_by_engine(void *data)
{
	struct lot *lot = data;
	struct tide_job job = {};

	for (uint32_t i = 0; i < lot->count; i++)
		tide_swap_out(lot->fd, lot->handles[i]);
	for (uint32_t i = 0; i < lot->count; i++)
		tide_job_fill(&job, tide_job_bo(&job, lot->handles[i], TIDE_WRITE), 0, lot->size,
			      0x600d600d);
	tide_submit_wait(lot->fd, &job);
}

static void touch_by_import(void *data)
{
	struct lot *lot = data;
	int fd = tide_open_render();

	for (uint32_t i = 0; i < lot->count; i++) {
		uint32_t handle;
		int dmabuf;

		do_or_die(__tide_prime_export(lot->fd, lot->handles[i], &dmabuf));
		do_or_die(__tide_prime_import(fd, dmabuf, &handle));
		close(dmabuf);
		tide_bo_pattern(fd, handle, lot->size, lot->seed + i);
	}
	close(fd);
}

static const struct toucher touchers[] = {
	{ "cpu", lot_touch, 0 },
	{ "import", touch_by_import, 0 },
	{ "page-in", touch_by_page_in, 0 },
	{ "engine", touch_by_engine, ZRAM_MIB },
};

static void test_charge(const void *data)
{
	const struct toucher *toucher = data;
	struct tide_cgroup creator, other;
	int fd = tide_open_render();
	struct tide_queue queue = tide_queue_create(fd);
	uint64_t before, charged;
	struct lot *lot;

	cgroup_make(&creator, NULL, "creator");
	cgroup_make(&other, NULL, "other");
	lot = lot_create_in(&creator, fd, 16, 1);
	if (toucher->touch == touch_by_engine)
		lot_make_resident(lot, &queue);
	before = cgroup_current_mib(&other);
	run_in(&other, toucher->touch, lot);
	charged = tide_cgroup_get_u64(&creator, "memory.current");
	igt_info("creator %" PRIu64 " KiB, toucher %" PRIu64 " MiB more\n", charged >> 10,
		 cgroup_current_mib(&other) - before);
	igt_assert_lte_u64(TIDE_MIB(16), charged);
	igt_assert_eq_u64(shmem_mib(&creator), 16);
	igt_assert_eq_u64(shmem_mib(&other), 0);
	igt_assert_lt_u64(cgroup_current_mib(&other), before + SLACK_MIB);

	/* Again with fresh pages after a discard; what was exported stays. */
	if (toucher->touch != touch_by_import) {
		lot_offer(lot, DRM_TIDE_PRIORITY_LOW);
		for (uint32_t i = 0; i < lot->count; i++)
			tide_discard(fd, lot->handles[i]);
		igt_assert_eq_u64(shmem_mib(&creator), 0);
		igt_assert_eq_u32(lot_reclaim(lot, queue.id), lot->count);
		run_in(&other, toucher->touch, lot);
		igt_assert_eq_u64(shmem_mib(&creator), 16);
		igt_assert_eq_u64(shmem_mib(&other), 0);
	}

	lot_close(lot);
	igt_assert_eq_u64(shmem_mib(&creator), 0);
}

/* A process takes its allocations' charge to no other cgroup. */
static void test_charge_stays(const void *data)
{
	struct tide_cgroup first, second;
	static struct lot lot, later;
	int fd;

	cgroup_make(&first, NULL, "first");
	cgroup_make(&second, NULL, "second");
	tide_cgroup_enter(&first);
	fd = tide_open_render();
	lot_create(&lot, fd, 8, LOT_SIZE, 1);
	for (uint32_t i = 0; i < 8; i++)
		later.handles[i] = tide_bo_create(fd, LOT_SIZE);
	tide_cgroup_enter(&second);
	for (uint32_t i = 0; i < 8; i++)
		tide_bo_pattern(fd, later.handles[i], LOT_SIZE, i);
	igt_assert_eq_u64(shmem_mib(&first), 16);
	igt_assert_eq_u64(shmem_mib(&second), 0);
	lot_create(&later, fd, 8, LOT_SIZE, 1);
	igt_assert_eq_u64(shmem_mib(&second), 8);
}

/* A client in a cgroup, of which a limit is tried out */
struct scene {
	struct tide_cgroup cg;
	int fd;
	struct tide_queue queue;
};

static void scene_init(struct scene *scene, const struct tide_cgroup *parent, const char *name)
{
	cgroup_make(&scene->cg, parent, name);
	scene->fd = tide_open_render();
	scene->queue = tide_queue_create(scene->fd);
}

/* With swap there, the hog's own memory must not be what is swapped. */
static enum hog_result press(const struct tide_cgroup *cg, unsigned int mib)
{
	struct hog hog = { .cgroup = cg, .max_mib = mib, .locked = meminfo_mib("SwapTotal") };

	return hog_fill(&hog);
}

static struct lot *filled_lot_in(const struct scene *scene, uint32_t count, uint32_t seed)
{
	struct lot *lot = lot_create_in(&scene->cg, scene->fd, count, seed);

	lot_touch(lot);
	return lot;
}

/* At its limit a cgroup gives what it has offered, in order, and nobody else's. */
static void test_limit(const void *data)
{
	struct scene scene, sibling;
	struct lot *low, *high, *others;
	uint32_t discarded;

	scene_init(&scene, NULL, "limited");
	scene_init(&sibling, NULL, "sibling");
	others = filled_lot_in(&sibling, 32, 5000);
	lot_offer(others, DRM_TIDE_PRIORITY_LOW);
	high = filled_lot_in(&scene, 24, 1);
	lot_offer(high, DRM_TIDE_PRIORITY_HIGH);
	low = filled_lot_in(&scene, 24, 1000);
	lot_offer(low, DRM_TIDE_PRIORITY_LOW);
	cgroup_leave_mib(&scene.cg, 2);
	igt_assert_eq(press(&scene.cg, 34), HOG_FULL);

	discarded = lot_reclaim(high, scene.queue.id);
	igt_assert_eq_u32(lot_reclaim(low, scene.queue.id), low->count);
	igt_assert_f(discarded > 0 && discarded < high->count, "%u of %u discarded\n", discarded,
		     high->count);
	igt_assert_eq_u32(lot_reclaim(others, sibling.queue.id), 0);
	igt_assert_eq_u64(cgroup_kills(&scene.cg), 0);
	hog_end();
	lot_check_order(high);
	lot_check(high);
	lot_check(low);
	lot_check_intact(others);
}

/* What is above a limit that was lowered goes at once, and no more. */
static void test_limit_lowered(const void *data)
{
	const unsigned int limit_mib = 64;
	uint32_t discarded, excess;
	struct scene scene;
	struct lot *lot;

	scene_init(&scene, NULL, "limited");
	lot = filled_lot_in(&scene, 256, 1);
	lot_offer(lot, DRM_TIDE_PRIORITY_LOW);
	excess = cgroup_current_mib(&scene.cg) - limit_mib;
	cgroup_set_mib(&scene.cg, "memory.max", limit_mib);
	igt_assert_lte_u64(cgroup_current_mib(&scene.cg), limit_mib);

	/* Looking at what was discarded takes pages again. */
	tide_cgroup_set(&scene.cg, "memory.max", "max");
	discarded = lot_reclaim(lot, scene.queue.id);
	igt_assert_f(discarded + SLACK_MIB >= excess && discarded <= excess + 3 + SLACK_MIB,
		     "%u discarded, %u MiB were too much\n", discarded, excess);
	lot_check_order(lot);
	lot_check(lot);
}

/* Only when everything that can be discarded is gone is a process killed. */
static void test_kill_comes_last(const void *data)
{
	struct scene scene;
	struct lot *lot, *in_use;

	scene_init(&scene, NULL, "limited");
	in_use = filled_lot_in(&scene, 8, 1000);
	lot = filled_lot_in(&scene, 32, 1);
	lot_offer(lot, DRM_TIDE_PRIORITY_HIGH);
	cgroup_leave_mib(&scene.cg, 2);
	igt_assert_eq(press(&scene.cg, 256), HOG_KILLED);
	igt_assert_lt_u64(0, cgroup_kills(&scene.cg));
	igt_assert_eq_u32(lot_reclaim(lot, scene.queue.id), lot->count);
	lot_check(lot);
	lot_check_intact(in_use);
}

/* A client offers more and more, far beyond its limit, and lives. */
static void offer_without_end(void *data)
{
	const struct scene *scene = data;
	static struct lot lot;
	uint32_t discarded;

	lot.fd = scene->fd;
	lot.size = LOT_SIZE;
	for (uint32_t i = 0; i < 160; i++) {
		lot.handles[i] = tide_bo_create(lot.fd, LOT_SIZE);
		lot.maps[i] = tide_bo_map(lot.fd, lot.handles[i], LOT_SIZE);
		tide_pattern_fill(lot.maps[i], LOT_SIZE, i);
		tide_offer_one(lot.fd, lot.handles[i], DRM_TIDE_PRIORITY_NORMAL);
		lot.count++;
	}
	discarded = lot_reclaim(&lot, scene->queue.id);
	/* 160 less the limit, about. What was discarded is not touched: it was not offered again. */
	igt_assert_lt(90, discarded);
	igt_assert_lt(discarded, 150);
	lot_check_order(&lot);
	for (uint32_t i = 0; i < lot.count; i++)
		if (lot.results[i] == DRM_TIDE_RECLAIM_OK)
			tide_pattern_check(lot.maps[i], LOT_SIZE, i);
}

static void test_client_lives(const void *data)
{
	struct scene scene;

	scene_init(&scene, NULL, "limited");
	cgroup_set_mib(&scene.cg, "memory.max", 64);
	run_in(&scene.cg, offer_without_end, &scene);
	igt_assert_eq_u64(cgroup_kills(&scene.cg), 0);
}

/* A limit above several cgroups takes from all below it, one below it from its own. */
static void test_nested(const void *data)
{
	struct tide_cgroup outer;
	struct scene inner[2], outside;
	struct lot *lots[2], *others;
	uint32_t discarded[2];

	cgroup_make(&outer, NULL, "outer");
	scene_init(&inner[0], &outer, "inner0");
	scene_init(&inner[1], &outer, "inner1");
	scene_init(&outside, NULL, "outside");
	others = filled_lot_in(&outside, 16, 5000);
	lot_offer(others, DRM_TIDE_PRIORITY_LOW);
	for (int i = 0; i < 2; i++) {
		lots[i] = filled_lot_in(&inner[i], 32, 1 + 1000 * i);
		lot_offer(lots[i], DRM_TIDE_PRIORITY_NORMAL);
	}

	cgroup_leave_mib(&inner[0].cg, 2);
	igt_assert_eq(press(&inner[0].cg, 16), HOG_FULL);
	discarded[0] = lot_reclaim(lots[0], inner[0].queue.id);
	igt_assert_neq_u32(discarded[0], 0);
	igt_assert_lt(discarded[0], lots[0]->count);
	igt_assert_eq_u32(lot_count_flag(lots[1], DRM_TIDE_BO_DISCARDED), 0);
	hog_end();
	lot_check_order(lots[0]);
	lot_check(lots[0]);

	lot_touch(lots[0]);
	lot_offer(lots[0], DRM_TIDE_PRIORITY_NORMAL);
	tide_cgroup_set(&inner[0].cg, "memory.max", "max");
	cgroup_leave_mib(&outer, 2);
	/* Neither of the two can meet it alone. */
	igt_assert_eq(press(&inner[1].cg, 50), HOG_FULL);
	for (int i = 0; i < 2; i++) {
		discarded[i] = lot_reclaim(lots[i], inner[i].queue.id);
		igt_assert_neq_u32(discarded[i], 0);
		lot_check_order(lots[i]);
	}
	igt_assert_f(discarded[0] < 32 || discarded[1] < 32, "all is gone for 48 of 64 MiB\n");
	igt_assert_eq_u32(lot_reclaim(others, outside.queue.id), 0);
	igt_assert_eq_u64(cgroup_kills(&outer), 0);
	hog_end();
	lot_check(lots[0]);
	lot_check(lots[1]);
	lot_check_intact(others);
}

/* A limit takes what is needed, one allocation and 2 MiB, and no more. */
static void test_loses_no_more(const void *data)
{
	struct scene scene;
	struct lot *lot;
	uint64_t max, before, after;
	uint32_t discarded;

	scene_init(&scene, NULL, "limited");
	lot = filled_lot_in(&scene, 64, 1);
	lot_offer(lot, DRM_TIDE_PRIORITY_NORMAL);
	cgroup_leave_mib(&scene.cg, 2);
	before = tide_cgroup_get_u64(&scene.cg, "memory.current");
	max = tide_cgroup_get_u64(&scene.cg, "memory.max");
	igt_assert_eq(press(&scene.cg, 20), HOG_FULL);
	after = tide_cgroup_get_u64(&scene.cg, "memory.current");
	discarded = lot_reclaim(lot, scene.queue.id);
	hog_end();

	/* What the hog took, page tables and all, is what there is now and was lost. */
	igt_info("need %" PRIi64 " KiB, lost %u MiB\n",
		 (int64_t)(after + TIDE_MIB(discarded) - max) >> 10, discarded);
	igt_assert_lte_u64(TIDE_MIB(19), after + TIDE_MIB(discarded) - before);
	igt_assert_lte_u64(max, after + LOT_SIZE + TIDE_MIB(2));
	lot_check_order(lot);
	lot_check(lot);
}

static void request_reclaim(const struct tide_cgroup *cg, unsigned int mib)
{
	char path[256], value[32];
	int fd;

	snprintf(path, sizeof(path), "%s/memory.reclaim", cg->path);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	igt_assert_fd(fd);
	snprintf(value, sizeof(value), "%uM", mib);
	if (write(fd, value, strlen(value)) < 0)
		igt_assert_eq(errno, EAGAIN);
	close(fd);
}

/* The soft limit, and reclaim on request, take offers too and evict nothing else. */
static void test_soft(const void *data)
{
	bool high = data;
	struct scene scene;
	struct lot *lot, *in_use;
	uint64_t evicted;
	uint32_t discarded;

	scene_init(&scene, NULL, "limited");
	in_use = filled_lot_in(&scene, 8, 1000);
	lot = filled_lot_in(&scene, 48, 1);
	lot_offer(lot, DRM_TIDE_PRIORITY_NORMAL);
	evicted = tide_stat(scene.fd, "evicted_pages");
	if (high) {
		tide_cgroup_set_u64(&scene.cg, "memory.high",
				    tide_cgroup_get_u64(&scene.cg, "memory.current"));
		igt_assert_eq(press(&scene.cg, 16), HOG_FULL);
	} else {
		/* It may say that it has not found enough: shrinkers are not credited. */
		request_reclaim(&scene.cg, 12);
	}
	igt_assert_eq_u64(lot_absent(in_use), 0);
	igt_assert_eq_u64(tide_stat(scene.fd, "evicted_pages"), evicted);
	discarded = lot_reclaim(lot, scene.queue.id);
	hog_end();
	igt_info("%u of %u MiB discarded\n", discarded, lot->count);
	igt_assert_lte_u32(10, discarded);
	igt_assert_lt(discarded, lot->count);
	igt_assert_eq_u64(cgroup_kills(&scene.cg), 0);
	lot_check_order(lot);
	lot_check(lot);
	lot_check_intact(in_use);
}

/* What memory.min or memory.low protects is left alone while there is anything else. */
static void test_protected(const void *data)
{
	const char *file = data;
	struct tide_cgroup outer;
	struct scene kept, given;
	struct lot *kept_lot, *given_lot;
	uint32_t discarded;

	cgroup_make(&outer, NULL, "outer");
	cgroup_set_mib(&outer, file, 256);
	scene_init(&kept, &outer, "protected");
	cgroup_set_mib(&kept.cg, file, 128);
	scene_init(&given, &outer, "unprotected");
	kept_lot = filled_lot_in(&kept, 32, 1000);
	lot_offer(kept_lot, DRM_TIDE_PRIORITY_LOW);
	given_lot = filled_lot_in(&given, 32, 1);
	lot_offer(given_lot, DRM_TIDE_PRIORITY_HIGH);
	cgroup_leave_mib(&outer, 2);
	igt_assert_eq(press(&given.cg, 16), HOG_FULL);
	discarded = lot_reclaim(given_lot, given.queue.id);
	igt_assert_eq_u32(lot_reclaim(kept_lot, kept.queue.id), 0);
	igt_assert_neq_u32(discarded, 0);
	hog_end();
	lot_check(given_lot);
	lot_check_intact(kept_lot);
}

/* Offered memory that a reclaim may not take does not keep it from evicting. */
static void test_protected_evicts(const void *data)
{
	struct tide_cgroup outer;
	struct scene kept, used;
	struct lot *kept_lot, *used_lot;
	uint64_t evicted;

	cgroup_make(&outer, NULL, "outer");
	cgroup_set_mib(&outer, "memory.min", 256);
	scene_init(&kept, &outer, "protected");
	cgroup_set_mib(&kept.cg, "memory.min", 128);
	scene_init(&used, &outer, "unprotected");
	kept_lot = filled_lot_in(&kept, 32, 1000);
	lot_offer(kept_lot, DRM_TIDE_PRIORITY_LOW);
	used_lot = filled_lot_in(&used, 32, 1);
	evicted = tide_stat(used.fd, "evicted_pages");
	cgroup_leave_mib(&outer, 2);
	igt_assert_eq(press(&used.cg, 16), HOG_FULL);
	igt_assert_lt_u64(evicted, tide_stat(used.fd, "evicted_pages"));
	igt_assert_eq_u32(lot_reclaim(kept_lot, kept.queue.id), 0);
	hog_end();
	lot_check_intact(kept_lot);
	lot_check_intact(used_lot);
}

/* A reclaim of all cgroups at once lets go of each allocation that it looks at. */
static void test_evict_from_two(const void *data)
{
	int fd = tide_open_render();
	struct tide_cgroup first, second;
	struct lot *lots[2];

	cgroup_make(&first, NULL, "first");
	cgroup_make(&second, NULL, "second");
	lots[0] = lot_create_in(&first, fd, 2, 1);
	lots[1] = lot_create_in(&second, fd, 2, 1000);
	lot_touch(lots[0]);
	lot_touch(lots[1]);
	tide_shrink(fd, 1);
	for (unsigned int i = 0; i < 2; i++)
		for (uint32_t j = 0; j < lots[i]->count; j++)
			tide_swap_out(fd, lots[i]->handles[j]);
	for (unsigned int i = 0; i < 2; i++) {
		lot_check_intact(lots[i]);
		lot_close(lots[i]);
	}
}

/* A process is moved to cgroups that have no allocations, one after the other, while it makes some. */
static void test_moved_amid_create(const void *data)
{
	struct tide_cgroup last = {};
	bool *stop = mmap(NULL, TIDE_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = pressure_fork(0);
	char name[16];

	if (!pid) {
		int fd = tide_open_render();

		while (!READ_ONCE(*stop)) {
			uint32_t bo = tide_bo_create(fd, TIDE_PAGE);

			tide_offer_one(fd, bo, DRM_TIDE_PRIORITY_LOW);
			gem_close(fd, bo);
		}
		_exit(0);
	}
	for (unsigned int i = 0; i < 200; i++) {
		struct tide_cgroup cg;

		snprintf(name, sizeof(name), "moved-%u", i);
		cgroup_make(&cg, NULL, name);
		tide_cgroup_set_u64(&cg, "cgroup.procs", pid);
		usleep(i * 37 % 2000);
		if (i)
			tide_cgroup_destroy(&last);
		last = cg;
	}
	WRITE_ONCE(*stop, true);
	igt_assert_eq(pressure_wait(pid), 0);
}

/* A page-in that the limit forbids fails; it kills nobody. */
static void test_page_in_at_limit(const void *data)
{
	struct scene scene;
	struct lot *lot;
	struct tide_job job = {};
	uint32_t failed = 0;
	uint64_t value;

	scene_init(&scene, NULL, "limited");
	lot = lot_create_in(&scene.cg, scene.fd, 24, 1);
	cgroup_bystander(&scene.cg);
	cgroup_leave_mib(&scene.cg, 12);
	value = tide_make_resident(scene.fd, scene.queue.id, lot->handles, lot->count);
	tide_queue_wait(scene.fd, &scene.queue, value);
	igt_assert_eq_u32(tide_queue_info(scene.fd, scene.queue.id, value).error, ENOMEM);
	for (uint32_t i = 0; i < lot->count; i++) {
		struct drm_tide_bo_info info = tide_bo_info(scene.fd, lot->handles[i]);

		igt_assert_eq(!info.page_in_error, !!(info.flags & DRM_TIDE_BO_RESIDENT));
		if (!info.page_in_error)
			continue;
		failed++;
		if (failed == 1) {
			igt_assert_eq_u32(info.page_in_error, ENOMEM);
			tide_job_bo(&job, lot->handles[i], TIDE_READ);
			igt_assert_eq(__tide_submit(scene.fd, &job), -EIO);
		}
	}
	igt_info("%u of %u page-ins failed\n", failed, lot->count);
	igt_assert_neq_u32(failed, 0);
	igt_assert_eq_u64(cgroup_kills(&scene.cg), 0);

	/* With room it works. */
	tide_cgroup_set(&scene.cg, "memory.max", "max");
	lot_make_resident(lot, &scene.queue);
	lot_touch(lot);
	lot_check_intact_on_gpu(lot, &scene.queue);
}

/* A cgroup goes while its allocations live on, in every state. */
static void test_removed(const void *data)
{
	int fd = tide_open_render();
	struct tide_queue queue = tide_queue_create(fd);

	for (uint32_t round = 0; round < 4; round++) {
		struct tide_cgroup outer, cg;
		struct lot *offered, *discarded, *resident, *empty;

		cgroup_make(&outer, NULL, "outer");
		cgroup_make(&cg, &outer, "gone");
		offered = lot_create_in(&cg, fd, 4, 1);
		discarded = lot_create_in(&cg, fd, 4, 1000);
		resident = lot_create_in(&cg, fd, 4, 2000);
		empty = lot_create_in(&cg, fd, 4, 3000);
		lot_touch(offered);
		lot_touch(discarded);
		lot_touch(resident);
		lot_make_resident(resident, &queue);
		lot_offer(discarded, DRM_TIDE_PRIORITY_LOW);
		for (uint32_t i = 0; i < 4; i++)
			tide_discard(fd, discarded->handles[i]);
		lot_offer(offered, DRM_TIDE_PRIORITY_HIGH);
		tide_cgroup_destroy(&cg);
		if (round % 2)
			tide_cgroup_destroy(&outer);

		/* Offers made before and after can still be discarded. */
		tide_discard(fd, offered->handles[0]);
		lot_offer(empty, DRM_TIDE_PRIORITY_LOW);
		igt_assert_eq_u32(lot_reclaim(empty, queue.id), 0);
		lot_touch(empty);
		lot_offer(empty, DRM_TIDE_PRIORITY_LOW);
		tide_discard(fd, empty->handles[3]);
		igt_assert_eq_u32(lot_reclaim(empty, queue.id), 4);
		lot_check(empty);
		lot_touch(empty);
		lot_check_intact(empty);

		lot_reclaim(offered, queue.id);
		igt_assert_eq_u32(offered->results[0], DRM_TIDE_RECLAIM_DISCARDED);
		lot_check(offered);
		igt_assert_eq_u32(lot_reclaim(discarded, queue.id), 4);
		lot_check(discarded);
		lot_make_resident(discarded, &queue);
		lot_check_intact_on_gpu(resident, &queue);
		if (!(round % 2))
			tide_cgroup_destroy(&outer);
		lot_close(offered);
		lot_close(discarded);
		lot_close(resident);
		lot_close(empty);
	}
}

igt_main
{
	igt_fixture {
		pressure_init();
		close(tide_open_render());
	}

	for (unsigned int i = 0; i < ARRAY_SIZE(touchers); i++) {
		igt_describe("pages are charged to the creator's cgroup whoever touches them first");
		igt_subtest_f("h2-charged-to-creator-%s", touchers[i].name)
			pressure_run_swap(touchers[i].swap_mib, test_charge, &touchers[i]);
	}

	igt_describe("a client that moves to another cgroup leaves its allocations' charge behind");
	igt_subtest("h2-charge-stays")
		pressure_run(test_charge_stays, NULL);

	for (unsigned int mib = 0; mib <= ZRAM_MIB; mib += ZRAM_MIB) {
		const char *swap = mib ? "-zram" : "";

		igt_describe("a cgroup at its limit discards its own offers in order, and no others");
		igt_subtest_f("h2-b4-limit-discards-own%s", swap)
			pressure_run_swap(mib, test_limit, NULL);

		igt_describe("a limit lowered far below what is offered discards what is above it");
		igt_subtest_f("h2-h5-limit-lowered%s", swap)
			pressure_run_swap(mib, test_limit_lowered, NULL);

		igt_describe("a client far beyond its limit by what it has offered is not killed");
		igt_subtest_f("h2-offering-client-lives%s", swap)
			pressure_run_swap(mib, test_client_lives, NULL);

		igt_describe("a limit above nested cgroups takes from those below it only");
		igt_subtest_f("h2-nested%s", swap)
			pressure_run_swap(mib, test_nested, NULL);

		igt_describe("memory.high discards offers and evicts nothing");
		igt_subtest_f("h2-h5-memory-high%s", swap)
			pressure_run_swap(mib, test_soft, (void *)1);

		igt_describe("memory.reclaim discards offers and evicts nothing");
		igt_subtest_f("h2-h5-memory-reclaim%s", swap)
			pressure_run_swap(mib, test_soft, NULL);
	}

	igt_describe("no process is killed before all offers of the cgroup are gone");
	igt_subtest("h2-kill-comes-last")
		pressure_run(test_kill_comes_last, NULL);

	igt_describe("a limit takes no more than is needed, one allocation and 2 MiB");
	igt_subtest("h5-limit-loses-no-more")
		pressure_run(test_loses_no_more, NULL);

	igt_describe("what memory.min protects is not discarded");
	igt_subtest("h5-memory-min")
		pressure_run(test_protected, "memory.min");

	igt_describe("what memory.low protects is not discarded while there is anything else");
	igt_subtest("h5-memory-low")
		pressure_run(test_protected, "memory.low");

	igt_describe("what is evicted while all that is offered is protected by memory.min");
	igt_subtest("h5-memory-min-evicts-others")
		pressure_run_swap(ZRAM_MIB, test_protected_evicts, NULL);

	igt_describe("a reclaim of all cgroups evicts from two, and each can be evicted from again");
	igt_subtest("h5-evict-from-two-cgroups")
		pressure_run_swap(ZRAM_MIB, test_evict_from_two, NULL);

	igt_describe("a page-in beyond the limit fails, and kills nobody");
	igt_subtest("e4-page-in-at-limit")
		pressure_run(test_page_in_at_limit, NULL);

	igt_describe("a process is moved between cgroups while it creates and offers");
	igt_subtest("h2-h3-moved-amid-create")
		pressure_run(test_moved_amid_create, NULL);

	igt_describe("a cgroup is removed while its allocations live on");
	igt_subtest("h2-h3-cgroup-removed")
		pressure_run(test_removed, NULL);
}
