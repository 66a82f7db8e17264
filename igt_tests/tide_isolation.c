// SPDX-License-Identifier: MIT
/* What one client must never see of another, and must never reach. */
#include "igt.h"
#include "igt_tide.h"
#include "igt_tide_pressure.h"

IGT_TEST_DESCRIPTION("Recycled memory and foreign handles");

/*
 * A victim writes a secret and loses its memory in some way; a client that was
 * not given the memory then looks for it in everything that it can get.
 */

#define SECRET	   0x53c2e75e
#define LOT_COUNT  12
#define LOT_SIZE   TIDE_MIB(1)

struct victim {
	struct lot lot;
	struct tide_queue queue;
	const struct tide_cgroup *cg;
};

static void fill_secret_by_cpu(struct victim *v)
{
	for (uint32_t i = 0; i < v->lot.count; i++)
		for (size_t at = 0; at < v->lot.size; at += 4)
			*(volatile uint32_t *)(v->lot.maps[i] + at) = SECRET;
}

static void fill_secret_by_gpu(struct victim *v)
{
	for (uint32_t i = 0; i < v->lot.count; i++)
		tide_gpu_fill(v->lot.fd, v->lot.handles[i], 0, v->lot.size, SECRET);
}

static void lose_by_close(struct victim *v)
{
	lot_close(&v->lot);
	close(v->lot.fd);
}

static void lose_by_discard(struct victim *v)
{
	lot_offer(&v->lot, DRM_TIDE_PRIORITY_LOW);
	for (uint32_t i = 0; i < v->lot.count; i++)
		tide_discard(v->lot.fd, v->lot.handles[i]);
}

/* Nor may it see it again itself. */
static void lose_by_reclaim(struct victim *v)
{
	lose_by_discard(v);
	igt_assert_eq_u32(lot_reclaim(&v->lot, v->queue.id), v->lot.count);
	for (uint32_t i = 0; i < v->lot.count; i++) {
		tide_zero_check(v->lot.maps[i], v->lot.size / 2);
		/* gives the pages back once more, half of them used again */
		memset(v->lot.maps[i] + v->lot.size / 2, 0, v->lot.size / 2);
	}
	lose_by_discard(v);
}

static void lose_by_death(struct victim *v)
{
	kill(getpid(), SIGKILL);
}

/* Killed with page-ins and jobs that copy the secret under way */
static void lose_by_death_at_work(struct victim *v)
{
	uint32_t fresh[8];

	for (unsigned int i = 0; i < ARRAY_SIZE(fresh); i++)
		fresh[i] = tide_bo_create(v->lot.fd, LOT_SIZE);
	tide_make_resident(v->lot.fd, v->queue.id, fresh, ARRAY_SIZE(fresh));
	for (unsigned int i = 0; i < ARRAY_SIZE(fresh); i++) {
		struct tide_job job = {};

		tide_job_bo(&job, fresh[i], TIDE_WRITE);
		tide_job_bo(&job, v->lot.handles[i], TIDE_READ);
		tide_job_copy(&job, 0, 0, 1, 0, LOT_SIZE);
		if (i == ARRAY_SIZE(fresh) / 2)
			tide_job_delay(&job, NSEC_PER_SEC);
		tide_submit(v->lot.fd, &job);
	}
	kill(getpid(), SIGKILL);
}

/* A queue destroyed with page-ins under way */
static void lose_by_queue_destroy(struct victim *v)
{
	uint32_t fresh[8];

	for (unsigned int i = 0; i < ARRAY_SIZE(fresh); i++)
		fresh[i] = tide_bo_create(v->lot.fd, LOT_SIZE);
	tide_make_resident(v->lot.fd, v->queue.id, fresh, ARRAY_SIZE(fresh));
	tide_queue_destroy(v->lot.fd, &v->queue);
	lose_by_close(v);
}

/*
 * A page-in takes up what was lost, and fails halfway. The cgroup that is charged is full then: the
 * client has left it, as the least of its calls would have it killed.
 */
static void lose_by_failed_page_in(struct victim *v)
{
	uint32_t fresh = tide_bo_create(v->lot.fd, LOT_COUNT * LOT_SIZE);
	uint64_t value;

	lose_by_discard(v);
	tide_cgroup_enter(NULL);
	cgroup_leave_mib(v->cg, LOT_COUNT / 2);
	value = tide_make_resident(v->lot.fd, v->queue.id, &fresh, 1);
	tide_queue_wait(v->lot.fd, &v->queue, value);
	igt_assert_eq_u32(tide_bo_info(v->lot.fd, fresh).page_in_error, ENOMEM);
	tide_cgroup_set(v->cg, "memory.max", "max");
	tide_bo_check_zero(v->lot.fd, fresh, LOT_COUNT * LOT_SIZE);
}

static const struct loss {
	const char *name;
	void (*lose)(struct victim *v);
	bool dies;
} losses[] = {
	{ "closed", lose_by_close, false },
	{ "discarded", lose_by_discard, false },
	{ "discarded-again", lose_by_reclaim, false },
	{ "killed", lose_by_death, true },
	{ "killed-at-work", lose_by_death_at_work, true },
	{ "queue-destroyed", lose_by_queue_destroy, false },
	{ "page-in-failed", lose_by_failed_page_in, false },
};

static void run_victim(const struct loss *loss, const struct tide_cgroup *cg)
{
	static struct victim v;
	pid_t pid = pressure_fork(0);

	if (!pid) {
		int fd = tide_open_render();

		tide_cgroup_enter(cg);
		v.cg = cg;
		v.queue = tide_queue_create(fd);
		lot_create(&v.lot, fd, LOT_COUNT, LOT_SIZE, 1);
		lot_make_resident(&v.lot, &v.queue);
		fill_secret_by_cpu(&v);
		fill_secret_by_gpu(&v);
		loss->lose(&v);
		_exit(0);
	}
	igt_assert_eq(pressure_wait(pid), loss->dies ? -SIGKILL : 0);
}

static void check_no_secret(const uint8_t *map, size_t size, const char *how)
{
	size_t at = __tide_zero_check(map, size);

	igt_assert_f(at == size, "%s: byte %#zx of new memory is %#x\n", how, at, map[at]);
}

/* Everything fresh that a client can look at: by CPU, by GPU, part of it by each. */
static void look_around(int fd, const struct tide_queue *queue)
{
	uint32_t target = tide_bo_create(fd, LOT_SIZE);
	uint8_t *map = tide_bo_map(fd, target, LOT_SIZE);

	tide_make_resident_one(fd, queue, target);
	for (unsigned int i = 0; i < 2 * LOT_COUNT; i++) {
		uint32_t handle = tide_bo_create(fd, LOT_SIZE - 100);
		uint8_t *fresh = tide_bo_map(fd, handle, LOT_SIZE);

		switch (i % 3) {
		case 0:
			check_no_secret(fresh, LOT_SIZE, "CPU");
			break;
		case 1:
			tide_make_resident_one(fd, queue, handle);
			memset(map, 0xff, LOT_SIZE);
			tide_gpu_copy(fd, target, 0, handle, 0, LOT_SIZE);
			check_no_secret(map, LOT_SIZE, "GPU");
			break;
		case 2:
			/* one page by the CPU, the page-in brings the others */
			check_no_secret(fresh + LOT_SIZE / 2, TIDE_PAGE, "CPU, one page");
			tide_make_resident_one(fd, queue, handle);
			check_no_secret(fresh, LOT_SIZE, "CPU after a page-in");
			break;
		}
		memset(fresh, 0xaa, LOT_SIZE);
		munmap(fresh, LOT_SIZE);
	}
}

/* The machine's memory is large; the free pages of a moment ago are what is given out next. */
static void test_recycled(const void *data)
{
	const struct loss *loss = data;
	struct tide_cgroup cg;

	cgroup_make(&cg, NULL, "victim");
	for (int round = 0; round < 2; round++) {
		int fd = tide_open_render();
		struct tide_queue queue = tide_queue_create(fd);

		run_victim(loss, &cg);
		look_around(fd, &queue);
		close(fd);
	}
}

/* The victim lives on, its memory is taken by real pressure, and the others are at work. */
static void test_pressure(const void *data)
{
	struct tide_cgroup cg;
	static struct victim v;
	struct hog hog = { .cgroup = &cg, .max_mib = LOT_COUNT / 2 + 4 };
	int fd = tide_open_render(), other = tide_open_render();
	struct tide_queue queue = tide_queue_create(other);

	cgroup_make(&cg, NULL, "victim");
	tide_cgroup_enter(&cg);
	v.queue = tide_queue_create(fd);
	lot_create(&v.lot, fd, LOT_COUNT, LOT_SIZE, 1);
	lot_make_resident(&v.lot, &v.queue);
	fill_secret_by_cpu(&v);
	fill_secret_by_gpu(&v);
	lot_offer(&v.lot, DRM_TIDE_PRIORITY_NORMAL);
	cgroup_leave_mib(&cg, 2);
	igt_assert_eq(hog_fill(&hog), HOG_FULL);
	igt_assert_neq_u32(lot_count_flag(&v.lot, DRM_TIDE_BO_DISCARDED), 0);
	hog_end();
	tide_cgroup_enter(NULL);
	look_around(other, &queue);
}

/*
 * What belongs to another client
 */

struct two_clients {
	int owner, stranger;
	/* of the owner; the stranger has no such handle and no such queue */
	uint32_t handle;
	struct tide_queue queue;
};

#define OWN_HANDLES 5

static struct two_clients two_clients(void)
{
	struct two_clients c = {
		.owner = tide_open_render(),
		.stranger = tide_open_render(),
	};

	for (int i = 0; i < OWN_HANDLES; i++) {
		c.handle = tide_bo_create(c.owner, TIDE_KIB(64));
		c.queue = tide_queue_create(c.owner);
	}
	tide_bo_pattern(c.owner, c.handle, TIDE_KIB(64), 1);
	igt_assert_eq_u32(c.handle, OWN_HANDLES);
	return c;
}

/* Every call that takes a handle, with one that only another client has. */
static void test_foreign_handle(const void *data)
{
	struct two_clients c = two_clients();
	struct tide_queue own = tide_queue_create(c.stranger);
	uint32_t first = tide_bo_create(c.stranger, TIDE_KIB(64));
	uint32_t handles[2] = { first, c.handle }, results[2], index;
	struct drm_tide_bo_info info, before = tide_bo_info(c.owner, c.handle);
	struct tide_job job = {};
	uint64_t value, offset;
	uint32_t name;
	int dmabuf;

	igt_assert_eq(__tide_bo_info(c.stranger, c.handle, &info), -ENOENT);
	igt_assert_eq(__tide_bo_mmap_offset(c.stranger, c.handle, &offset), -ENOENT);
	igt_assert_eq(__tide_offer(c.stranger, handles, 2, DRM_TIDE_PRIORITY_LOW, &index), -ENOENT);
	igt_assert_eq_u32(index, 1);
	igt_assert_eq(__tide_reclaim(c.stranger, own.id, handles, results, 2, &value, &index),
		      -ENOENT);
	igt_assert_eq_u32(index, 1);
	igt_assert_eq(__tide_make_resident(c.stranger, own.id, handles, 2, &value, &index),
		      -ENOENT);
	igt_assert_eq_u32(index, 1);
	igt_assert_eq(__tide_evict(c.stranger, handles, 2, &index), -ENOENT);
	igt_assert_eq_u32(index, 1);
	tide_job_bo(&job, c.handle, TIDE_READ);
	igt_assert_eq(__tide_submit(c.stranger, &job), -ENOENT);
	igt_assert_eq(__tide_bo_close(c.stranger, c.handle), -EINVAL);
	igt_assert_eq(__tide_prime_export(c.stranger, c.handle, &dmabuf), -ENOENT);
	igt_assert_neq(__tide_flink(c.stranger, c.handle, &name), 0);

	/* Nothing has happened to it, nor to what was named before it. */
	info = tide_bo_info(c.owner, c.handle);
	igt_assert_eq(memcmp(&info, &before, sizeof(info)), 0);
	igt_assert_eq_u32(tide_bo_flags(c.stranger, first), 0);
	igt_assert_eq_u32(tide_bo_info(c.stranger, first).residency_count, 0);
	tide_bo_check(c.owner, c.handle, TIDE_KIB(64), 1);
}

static void test_foreign_queue(const void *data)
{
	struct two_clients c = two_clients();
	uint32_t handle = tide_bo_create(c.stranger, TIDE_KIB(64)), result, index;
	struct drm_tide_queue_info info;
	uint64_t value;

	igt_assert_eq(__tide_queue_info(c.stranger, c.queue.id, 0, &info), -ENOENT);
	igt_assert_eq(__tide_make_resident(c.stranger, c.queue.id, &handle, 1, &value, &index),
		      -ENOENT);
	igt_assert_eq_u32(index, DRM_TIDE_NO_INDEX);
	igt_assert_eq(__tide_reclaim(c.stranger, c.queue.id, &handle, &result, 1, &value, &index),
		      -ENOENT);
	igt_assert_eq_u32(index, DRM_TIDE_NO_INDEX);
	igt_assert_eq(__tide_queue_destroy(c.stranger, c.queue.id), -ENOENT);
	igt_assert_eq(__tide_queue_info(c.owner, c.queue.id, 0, &info), 0);
}

/* The offset is the device's, but the right to map is the client's. */
static void test_foreign_offset(const void *data)
{
	struct two_clients c = two_clients();
	uint64_t offset = tide_bo_mmap_offset(c.owner, c.handle);
	uint32_t handle;
	int dmabuf;
	void *map;

	for (int page = 0; page < 16; page++) {
		map = mmap(NULL, TIDE_PAGE, PROT_READ, MAP_SHARED, c.stranger,
			   offset + page * TIDE_PAGE);
		igt_assert(map == MAP_FAILED);
		igt_assert_eq(errno, EACCES);
	}

	/* With the memory given comes the right, and with the handle it goes. */
	do_or_die(__tide_prime_export(c.owner, c.handle, &dmabuf));
	do_or_die(__tide_prime_import(c.stranger, dmabuf, &handle));
	tide_bo_check(c.stranger, handle, TIDE_KIB(64), 1);
	do_or_die(__tide_bo_close(c.stranger, handle));
	close(dmabuf);
	map = mmap(NULL, TIDE_PAGE, PROT_READ, MAP_SHARED, c.stranger, offset);
	igt_assert(map == MAP_FAILED);
	igt_assert_eq(errno, EACCES);
}

/* A mapping ends where the allocation does, though the next one's offset is near. */
static void test_beyond_the_end(const void *data)
{
	int fd = tide_open_render();
	uint32_t first = tide_bo_create(fd, TIDE_KIB(64));
	uint64_t offset = tide_bo_mmap_offset(fd, first);

	tide_bo_create(fd, TIDE_KIB(64));
	igt_assert(mmap(NULL, TIDE_KIB(64) + TIDE_PAGE, PROT_READ, MAP_SHARED, fd, offset) ==
		   MAP_FAILED);
	igt_assert(mmap(NULL, 2 * TIDE_PAGE, PROT_READ, MAP_SHARED, fd,
			offset + TIDE_KIB(64) - TIDE_PAGE) == MAP_FAILED);
	igt_assert(mmap(NULL, TIDE_PAGE, PROT_READ, MAP_SHARED, fd,
			offset + TIDE_KIB(64) - TIDE_PAGE) != MAP_FAILED);
}

/* Who was given the memory sees what the owner sees, and keeps it after the owner's end. */
static void test_shared(const void *data)
{
	struct two_clients c = two_clients();
	uint32_t handle;
	int dmabuf;

	do_or_die(__tide_prime_export(c.owner, c.handle, &dmabuf));
	do_or_die(__tide_prime_import(c.stranger, dmabuf, &handle));
	close(dmabuf);
	tide_bo_pattern(c.stranger, handle, TIDE_KIB(64), 2);
	tide_bo_check(c.owner, c.handle, TIDE_KIB(64), 2);
	tide_offer_one(c.owner, c.handle, DRM_TIDE_PRIORITY_LOW);
	tide_shrink(c.owner, 1000);
	igt_assert_eq_u32(tide_bo_flags(c.stranger, handle) & DRM_TIDE_BO_OFFERED, 0);
	tide_bo_check(c.stranger, handle, TIDE_KIB(64), 2);
	close(c.owner);
	tide_bo_check(c.stranger, handle, TIDE_KIB(64), 2);
}

igt_main
{
	igt_fixture {
		pressure_init();
		close(tide_open_render());
	}

	for (unsigned int i = 0; i < ARRAY_SIZE(losses); i++) {
		igt_describe("what a client wrote is found nowhere when its memory is used again");
		igt_subtest_f("h1-recycled-after-%s", losses[i].name)
			pressure_run(test_recycled, &losses[i]);
	}

	igt_describe("what was discarded under real pressure is found nowhere");
	igt_subtest("h1-discarded-by-pressure")
		pressure_run(test_pressure, NULL);

	igt_describe("no call takes a handle of another client, and nothing happens to it");
	igt_subtest("a3-h1-foreign-handle")
		pressure_run(test_foreign_handle, NULL);

	igt_describe("no call takes a paging queue of another client");
	igt_subtest("h1-foreign-queue")
		pressure_run(test_foreign_queue, NULL);

	igt_describe("another client's mmap offset cannot be mapped");
	igt_subtest("a3-h1-foreign-mmap-offset")
		pressure_run(test_foreign_offset, NULL);

	igt_describe("no mapping reaches beyond its allocation");
	igt_subtest("h1-mapping-ends-with-allocation")
		pressure_run(test_beyond_the_end, NULL);

	igt_describe("a client that was given the memory by PRIME has it, and keeps it");
	igt_subtest("a3-h3-shared-by-prime")
		pressure_run(test_shared, NULL);
}
