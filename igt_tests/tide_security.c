// SPDX-License-Identifier: MIT
/*
 * What a client without privileges can make the kernel keep, and what it can
 * learn. Documentation/security.rst has the whole of it.
 */
#include <sys/wait.h>

#include "igt.h"
#include "igt_syncobj.h"
#include "igt_tide.h"
#include "igt_tide_pressure.h"

IGT_TEST_DESCRIPTION("Bounds for clients without privileges");

#define NOBODY 65534

/* What a client has the kernel keep for it, without a page of memory behind it */
struct hoard {
	const char *name;
	const char *describe;
	void (*work)(void);
	uint64_t count;
	/* How much of the kernel's memory for each may be charged to nobody, KiB */
	uint64_t uncharged;
};

#define ALLOCATIONS 10000
#define JOBS	    500
#define COMMANDS    512
#define CLIENTS	    500
#define POINTS	    256
#define POINT_JOBS  200

static void hoard_allocations(void)
{
	int fd = tide_open_render();

	for (int i = 0; i < ALLOCATIONS; i++)
		tide_bo_create(fd, TIDE_PAGE);
}

static void hoard_jobs(void)
{
	static struct drm_tide_command commands[COMMANDS];
	int fd = tide_open_render();
	struct tide_cork cork;
	struct drm_tide_sync wait = { .handle = tide_cork_plug(&cork, fd) };
	struct drm_tide_submit submit = {
		.commands = (uintptr_t)commands,
		.command_count = COMMANDS,
		.waits = (uintptr_t)&wait,
		.wait_count = 1,
	};

	for (int i = 0; i < COMMANDS; i++)
		commands[i].op = DRM_TIDE_CMD_DELAY;
	for (int i = 0; i < JOBS; i++)
		igt_assert_eq(__tide_submit_raw(fd, &submit), 0);
}

static void hoard_points(void)
{
	static struct drm_tide_sync signals[POINTS];
	int fd = tide_open_render();
	struct tide_cork cork;
	struct drm_tide_sync wait = { .handle = tide_cork_plug(&cork, fd) };
	struct drm_tide_submit submit = {
		.waits = (uintptr_t)&wait,
		.wait_count = 1,
		.signals = (uintptr_t)signals,
		.signal_count = POINTS,
	};

	for (int i = 0; i < POINT_JOBS; i++) {
		uint32_t timeline = syncobj_create(fd, 0);

		for (int j = 0; j < POINTS; j++)
			signals[j] = (struct drm_tide_sync){ .handle = timeline, .point = j + 1 };
		igt_assert_eq(__tide_submit_raw(fd, &submit), 0);
	}
}

static void hoard_clients(void)
{
	for (int i = 0; i < CLIENTS; i++) {
		int fd = tide_open_render();

		for (int q = 0; q < 8; q++)
			tide_queue_create(fd);
	}
}

static const struct hoard hoards[] = {
	{ "allocations", "allocations that nobody has touched", hoard_allocations, ALLOCATIONS, 2 },
	{ "jobs", "jobs that wait", hoard_jobs, JOBS, 8 },
	{ "points", "jobs with many points to signal", hoard_points, POINT_JOBS, 8 },
	{ "clients", "open files with eight queues", hoard_clients, CLIENTS, 128 },
};

static uint64_t kernel_kib(void)
{
	/* What is freed late belongs to those before. */
	for (int i = 0; i < 5; i++)
		usleep(20000);
	return meminfo_kib("Slab") + meminfo_kib("VmallocUsed") + meminfo_kib("PageTables") +
	       meminfo_kib("KernelStack");
}

/* What the kernel keeps for a client is charged to the client's cgroup, up to a bound. */
static void hoard_body(const void *data)
{
	const struct hoard *hoard = data;
	uint64_t before, grown, charged, own;
	struct tide_cgroup cg;
	int ready[2], go[2];
	char byte = 0;
	pid_t pid;

	cgroup_make(&cg, NULL, "hoard");
	do_or_die(pipe(ready));
	do_or_die(pipe(go));
	pid = pressure_fork(0);
	if (!pid) {
		tide_cgroup_enter(&cg);
		igt_assert(write(ready[1], &byte, 1) == 1);
		igt_assert(read(go[0], &byte, 1) == 1);
		hoard->work();
		igt_assert(write(ready[1], &byte, 1) == 1);
		igt_assert(read(go[0], &byte, 1) == 1);
		_exit(0);
	}
	igt_assert(read(ready[0], &byte, 1) == 1);
	before = kernel_kib();
	own = tide_cgroup_key(&cg, "memory.stat", "kernel");
	igt_assert(write(go[1], &byte, 1) == 1);
	igt_assert(read(ready[0], &byte, 1) == 1);
	grown = kernel_kib() - before;
	charged = (tide_cgroup_key(&cg, "memory.stat", "kernel") - own) >> 10;
	igt_info("%s: %" PRIu64 " KiB, of which %" PRIu64 " KiB are charged\n", hoard->name,
		 grown, charged);
	igt_assert(write(go[1], &byte, 1) == 1);
	igt_assert_eq(pressure_wait(pid), 0);

	igt_assert_lte_u64(1024, grown);
	igt_assert_lte_u64(grown, charged + hoard->count * hoard->uncharged);
}

/* Whether another client exists is told to those only who may suspend it. */
static void test_suspend(void)
{
	int fd = tide_open_render(), other = tide_open_render();
	uint64_t id = tide_fdinfo(other, "drm-client-id");
	pid_t pid = fork();

	igt_assert(pid >= 0);
	if (!pid) {
		do_or_die(setuid(NOBODY));
		igt_assert_eq(__tide_suspend(fd, id), -EPERM);
		igt_assert_eq(__tide_suspend(fd, id + 1000000), -EPERM);
		igt_assert_eq(__tide_suspend(fd, 0), 0);
		_exit(0);
	}
	igt_assert_eq(pressure_wait(pid), 0);
	igt_assert_eq(__tide_suspend(fd, id), 0);
	igt_assert_eq(__tide_suspend(fd, id + 1000000), -ENOENT);
	close(fd);
	close(other);
}

igt_main
{
	igt_fixture
		pressure_init();

	for (const struct hoard *h = hoards; h < hoards + ARRAY_SIZE(hoards); h++) {
		igt_describe_f("%s: what the kernel keeps for each is charged, but for %" PRIu64
			       " KiB at most", h->describe, h->uncharged);
		igt_subtest_f("h2-charged-%s", h->name)
			pressure_run(hoard_body, h);
	}

	igt_describe("a client without privileges does not learn which others there are");
	igt_subtest("d7-h1-suspend-tells-nothing")
		test_suspend();
}
