// SPDX-License-Identifier: MIT
/*
 * Each call with its first, second, third... allocation or user copy failing, until
 * it has no more. Whatever failed, the call has either happened or not, as the
 * interface says.
 */
#include "igt.h"
#include "igt_syncobj.h"
#include "igt_tide.h"
#include "igt_tide_fault.h"

IGT_TEST_DESCRIPTION("Calls whose allocations and user copies fail");

#define SIZE  (4 * TIDE_PAGE)
#define NEVER 1000000u

#define LEAK_PATH  "/sys/kernel/debug/kmemleak"
#define LEAK_AGE_S 6

/* What a client has; each in another state */
enum {
	KEPT,
	OFFERED,
	/* Offered, and discarded */
	DISCARDED,
	RESIDENT,
	/* On the residency list, offered and discarded: its reclaim pages it in */
	REQUIRED,
	EXPORTED,
	BOS,
};

struct world {
	bool is_open;
	int fd, other, dmabuf;
	struct tide_queue queue, spare;
	uint32_t binary, timeline;
	uint32_t handles[BOS];
	uint8_t *maps[BOS];
};

/* All that a call might change */
/* Without padding: it is compared whole. */
struct state {
	uint32_t flags[BOS], priority[BOS], residency[BOS], page_in_error[BOS];
	uint64_t discards[BOS];
	uint64_t usage, reservation, other_memory;
	struct {
		int64_t error;
		uint64_t last;
	} queues[3];
	uint64_t allocations;
	int64_t memory;
};

static struct world world;
static uint32_t results[BOS];

/* The world, and what it is like */

static void world_close(void)
{
	for (uint32_t i = 0; i < BOS; i++)
		if (world.maps[i])
			munmap(world.maps[i], SIZE);
	close(world.dmabuf);
	close(world.fd);
	close(world.other);
	world.is_open = false;
}

static void world_open(void)
{
	struct world *w = &world;

	/* A subtest that has failed leaves it. */
	if (w->is_open)
		world_close();
	*w = (struct world){ .fd = tide_open_render(), .other = tide_open_primary(),
			      .dmabuf = -1, .is_open = true };
	w->queue = tide_queue_create(w->fd);
	w->spare = tide_queue_create(w->fd);
	w->binary = syncobj_create(w->fd, 0);
	w->timeline = syncobj_create(w->fd, 0);
	for (uint32_t i = 0; i < BOS; i++) {
		w->handles[i] = tide_bo_create(w->fd, SIZE);
		w->maps[i] = tide_bo_map(w->fd, w->handles[i], SIZE);
		tide_pattern_fill(w->maps[i], SIZE, i + 1);
	}
	tide_make_resident_one(w->fd, &w->queue, w->handles[REQUIRED]);
	tide_make_resident_one(w->fd, &w->queue, w->handles[RESIDENT]);
	tide_offer_one(w->fd, w->handles[DISCARDED], DRM_TIDE_PRIORITY_LOW);
	tide_offer_one(w->fd, w->handles[REQUIRED], DRM_TIDE_PRIORITY_LOW);
	tide_discard(w->fd, w->handles[REQUIRED]);
	tide_offer_one(w->fd, w->handles[OFFERED], DRM_TIDE_PRIORITY_HIGH);
	igt_assert_eq(__tide_prime_export(w->fd, w->handles[EXPORTED], &w->dmabuf), 0);
}

static uint32_t count_allocations(int fd)
{
	char *text = tide_debugfs_read(fd, "allocations");
	uint32_t lines = 0;

	for (char *at = text; (at = strchr(at, '\n')); at++)
		lines++;
	free(text);
	return lines;
}

/* Nothing is left of a client that is gone. */
static void check_nothing_left(void)
{
	int64_t end = tide_deadline(TIDE_LIVENESS_S * NSEC_PER_SEC);
	int fd = tide_open_render();

	/* A job is freed by a worker, and a file by whoever had it last. */
	while (count_allocations(fd) || tide_usage(fd)) {
		igt_assert_f(tide_deadline(0) < end, "%u allocations and %" PRIu64
			     " resident bytes are left\n", count_allocations(fd), tide_usage(fd));
		usleep(1000);
	}
	close(fd);
}

static void settle(void)
{
	int64_t end = tide_deadline(TIDE_LIVENESS_S * NSEC_PER_SEC);
	struct drm_tide_queue_info info;
	bool busy;

	do {
		busy = !__tide_queue_info(world.fd, world.queue.id, 0, &info) &&
		       info.completed != info.last;
		for (uint32_t i = 0; i < BOS; i++)
			busy |= tide_bo_flags(world.fd, world.handles[i]) & DRM_TIDE_BO_BUSY;
		igt_assert(tide_deadline(0) < end);
	} while (busy);
}

static struct state look(void)
{
	bool has_local = tide_info(world.fd).segment_count > DRM_TIDE_SEGMENT_LOCAL;
	struct state state = {};
	struct drm_tide_budget budget;

	settle();
	for (uint32_t i = 0; i < BOS; i++) {
		struct drm_tide_bo_info info = tide_bo_info(world.fd, world.handles[i]);

		state.flags[i] = info.flags;
		/* Local memory is left by a worker, some time. */
		if (has_local)
			state.flags[i] &= ~DRM_TIDE_BO_RESIDENT;
		state.priority[i] = info.priority;
		state.residency[i] = info.residency_count;
		state.page_in_error[i] = info.page_in_error;
		state.discards[i] = info.discard_count;
	}
	budget = tide_budget(world.fd, DRM_TIDE_SEGMENT_SYSTEM);
	state.usage = budget.usage;
	state.reservation = budget.reservation;
	for (uint32_t i = 0; i < ARRAY_SIZE(state.queues); i++) {
		struct drm_tide_queue_info info = {};

		state.queues[i].error = __tide_queue_info(world.fd, i + 1, 0, &info);
		state.queues[i].last = info.last;
	}
	state.allocations = count_allocations(world.fd);
	state.memory = tide_fdinfo(world.fd, "drm-total-system");
	state.other_memory = tide_fdinfo(world.other, "drm-total-system");
	return state;
}

static bool is_same(const struct state *a, const struct state *b)
{
	return !memcmp(a, b, sizeof(*a));
}

/* What a reclaim leaves that could not write its answers */
static struct state not_told(const struct state *after)
{
	struct state state = *after;

	state.flags[DISCARDED] |= DRM_TIDE_BO_DISCARD_UNTOLD;
	state.flags[REQUIRED] |= DRM_TIDE_BO_DISCARD_UNTOLD;
	return state;
}

/* Everything works, and contents are what they were. */
static void check_usable(bool told)
{
	uint32_t answers[BOS];
	uint64_t value;

	value = tide_reclaim(world.fd, world.queue.id, world.handles, answers, BOS);
	tide_queue_wait(world.fd, &world.queue, value);
	for (uint32_t i = 0; i < BOS; i++) {
		bool lost = i == DISCARDED || i == REQUIRED;

		/* No discard stays unsaid. */
		igt_assert_eq(answers[i] == DRM_TIDE_RECLAIM_DISCARDED, lost && !told);
		if (lost)
			tide_zero_check(world.maps[i], SIZE);
	}
	tide_pattern_check(world.maps[KEPT], SIZE, KEPT + 1);
	tide_pattern_check(world.maps[OFFERED], SIZE, OFFERED + 1);
	tide_pattern_check(world.maps[EXPORTED], SIZE, EXPORTED + 1);
	value = tide_make_resident(world.fd, world.queue.id, world.handles, BOS);
	tide_queue_wait(world.fd, &world.queue, value);
	for (uint32_t i = 0; i < BOS; i++) {
		tide_gpu_fill(world.fd, world.handles[i], 0, SIZE, i);
		igt_assert_eq_u32(*(uint32_t *)world.maps[i], i);
	}
}

/* Calls */

struct fault_case {
	const char *name;
	const char *clause;
	unsigned long request;
	void (*prepare)(union tide_args *args);
	/* Errors of its own for want of memory */
	int also;
};

static void prepare_segment_info(union tide_args *args)
{
	args->segment_info.segment = DRM_TIDE_SEGMENT_SYSTEM;
}

static void prepare_create(union tide_args *args)
{
	args->bo_create.size = SIZE;
}

static void prepare_offset(union tide_args *args)
{
	args->bo_mmap_offset.handle = world.handles[KEPT];
}

static void prepare_bo_info(union tide_args *args)
{
	args->bo_info.handle = world.handles[KEPT];
}

static void prepare_queue_create(union tide_args *args)
{
}

static void prepare_queue_destroy(union tide_args *args)
{
	args->queue_destroy.queue = world.spare.id;
}

static void prepare_queue_info(union tide_args *args)
{
	args->queue_info.queue = world.queue.id;
}

static void prepare_offer(union tide_args *args)
{
	static uint32_t handles[2];

	handles[0] = world.handles[KEPT];
	handles[1] = world.handles[RESIDENT];
	args->offer = (struct drm_tide_offer){
		.handles = (uintptr_t)handles,
		.count = 2,
		.priority = DRM_TIDE_PRIORITY_HIGH,
	};
}

static void prepare_reclaim(union tide_args *args)
{
	memset(results, 0xff, sizeof(results));
	args->reclaim = (struct drm_tide_reclaim){
		.handles = (uintptr_t)world.handles,
		.results = (uintptr_t)results,
		.count = BOS,
		.queue = world.queue.id,
	};
}

static void prepare_make_resident(union tide_args *args)
{
	args->make_resident = (struct drm_tide_make_resident){
		.handles = (uintptr_t)world.handles,
		.count = BOS,
		.queue = world.queue.id,
	};
}

static void prepare_evict(union tide_args *args)
{
	args->evict = (struct drm_tide_evict){
		.handles = (uintptr_t)&world.handles[RESIDENT],
		.count = 2,
	};
}

static void prepare_submit(union tide_args *args)
{
	static struct drm_tide_submit_bo bos[1];
	static struct drm_tide_command commands[1];
	static struct drm_tide_sync waits[1], signals[2];

	syncobj_signal(world.fd, &world.binary, 1);
	bos[0] = (struct drm_tide_submit_bo){ world.handles[RESIDENT], DRM_TIDE_SUBMIT_WRITE };
	commands[0] = (struct drm_tide_command){
		.op = DRM_TIDE_CMD_FILL, .length = SIZE, .pattern = 0x12345678,
	};
	waits[0] = (struct drm_tide_sync){ .handle = world.binary };
	signals[0] = (struct drm_tide_sync){ .handle = world.binary };
	signals[1] = (struct drm_tide_sync){ .handle = world.timeline, .point = 7 };
	args->submit = (struct drm_tide_submit){
		.bos = (uintptr_t)bos,
		.commands = (uintptr_t)commands,
		.waits = (uintptr_t)waits,
		.signals = (uintptr_t)signals,
		.bo_count = 1,
		.command_count = 1,
		.wait_count = 1,
		.signal_count = 2,
	};
}

static void prepare_budget(union tide_args *args)
{
}

static void prepare_reserve(union tide_args *args)
{
	args->reserve.bytes = TIDE_MIB(1);
}

static void prepare_suspend(union tide_args *args)
{
}

static void prepare_export(union tide_args *args)
{
	args->prime.handle = world.handles[KEPT];
	args->prime.flags = DRM_CLOEXEC | DRM_RDWR;
}

static void prepare_import(union tide_args *args)
{
	args->prime.fd = world.dmabuf;
}

static void prepare_dumb(union tide_args *args)
{
	args->dumb.width = 32;
	args->dumb.height = 32;
	args->dumb.bpp = 32;
}

#define CASE(clause_, name_, request_, prepare_, ...)                                    \
	{ .clause = clause_, .name = name_, .request = request_, .prepare = prepare_, __VA_ARGS__ }

static const struct fault_case cases[] = {
	CASE("h7", "info", DRM_IOCTL_TIDE_INFO, prepare_budget),
	CASE("h7", "segment-info", DRM_IOCTL_TIDE_SEGMENT_INFO, prepare_segment_info),
	CASE("a1", "create", DRM_IOCTL_TIDE_BO_CREATE, prepare_create),
	CASE("a1", "dumb", DRM_IOCTL_MODE_CREATE_DUMB, prepare_dumb),
	CASE("a2", "mmap-offset", DRM_IOCTL_TIDE_BO_MMAP_OFFSET, prepare_offset),
	CASE("h6", "bo-info", DRM_IOCTL_TIDE_BO_INFO, prepare_bo_info),
	CASE("e1", "queue-create", DRM_IOCTL_TIDE_QUEUE_CREATE, prepare_queue_create),
	CASE("e4", "queue-destroy", DRM_IOCTL_TIDE_QUEUE_DESTROY, prepare_queue_destroy),
	CASE("e4", "queue-info", DRM_IOCTL_TIDE_QUEUE_INFO, prepare_queue_info),
	CASE("b7", "offer", DRM_IOCTL_TIDE_OFFER, prepare_offer),
	CASE("c9", "reclaim", DRM_IOCTL_TIDE_RECLAIM, prepare_reclaim),
	CASE("d1", "make-resident", DRM_IOCTL_TIDE_MAKE_RESIDENT, prepare_make_resident),
	CASE("d5", "evict", DRM_IOCTL_TIDE_EVICT, prepare_evict),
	CASE("f1", "submit", DRM_IOCTL_TIDE_SUBMIT, prepare_submit, .also = -EIO),
	CASE("d6", "budget", DRM_IOCTL_TIDE_BUDGET, prepare_budget),
	CASE("d6", "reserve", DRM_IOCTL_TIDE_RESERVE, prepare_reserve),
	CASE("d7", "suspend", DRM_IOCTL_TIDE_SUSPEND, prepare_suspend),
	CASE("b8", "export", DRM_IOCTL_PRIME_HANDLE_TO_FD, prepare_export),
	CASE("a3", "import", DRM_IOCTL_PRIME_FD_TO_HANDLE, prepare_import),
};

static int call_fd(const struct fault_case *c)
{
	/* An import is another client's, and dumb buffers are the primary node's. */
	return c->prepare == prepare_import || c->prepare == prepare_dumb ? world.other : world.fd;
}

/* Makes the call with its nth fault. Returns false if it has not so many. */
static bool call(const struct fault_case *c, unsigned int n, union tide_args *args, int *ret)
{
	union tide_args before = {};
	bool hit;

	int next_fd = dup(world.fd);

	close(next_fd);
	c->prepare(&before);
	*args = before;
	fault_arm(n);
	*ret = __tide_ioctl_once(call_fd(c), c->request, args);
	hit = fault_hit();
	/* Of an export, also where its number could not be told */
	close(next_fd);
	/* -EFAULT in the end: what the call has answered is nowhere to be seen. */
	if (*ret == -EFAULT && !memcmp(args, &before, sizeof(before)))
		memset(args, 0, sizeof(*args));
	return hit;
}

static void check_error(const struct fault_case *c, int ret)
{
	igt_assert_f(!ret || ret == -ENOMEM || ret == -EFAULT || (c->also && ret == c->also),
		     "%s: %s is none of its errors\n", c->name, strerror(-ret));
}

static void check_bad_index(const struct fault_case *c, const union tide_args *args, int ret)
{
	if (ret != -ENOMEM)
		return;
	if (c->prepare == prepare_offer)
		igt_assert_eq_u32(args->offer.bad_index, DRM_TIDE_NO_INDEX);
	if (c->prepare == prepare_reclaim)
		igt_assert_eq_u32(args->reclaim.bad_index, DRM_TIDE_NO_INDEX);
	if (c->prepare == prepare_make_resident)
		igt_assert_eq_u32(args->make_resident.bad_index, DRM_TIDE_NO_INDEX);
	if (c->prepare == prepare_evict)
		igt_assert_eq_u32(args->evict.bad_index, DRM_TIDE_NO_INDEX);
	if (c->prepare == prepare_submit) {
		igt_assert_eq_u32(args->submit.bad_index, DRM_TIDE_NO_INDEX);
		igt_assert_eq_u32(args->submit.bad_list, DRM_TIDE_LIST_NONE);
	}
}

/* The answers that a reclaim has given, where it has: those of a call that happened */
static bool results_written(void)
{
	for (uint32_t i = 0; i < BOS; i++)
		if (results[i] != (i == DISCARDED || i == REQUIRED ? DRM_TIDE_RECLAIM_DISCARDED :
								     DRM_TIDE_RECLAIM_OK))
			return false;
	return true;
}

static void check_after(const struct fault_case *c, unsigned int n, int ret,
			const union tide_args *args, const struct state *before,
			const struct state *after)
{
	bool reclaims = c->prepare == prepare_reclaim, told = false;
	struct state now = look(), untold = not_told(after);

	check_error(c, ret);
	check_bad_index(c, args, ret);
	if (!ret) {
		igt_assert_f(is_same(&now, after), "%s, fault %u: not what it is to do\n",
			     c->name, n);
		told = reclaims;
	} else if (reclaims && ret == -EFAULT && args->reclaim.value) {
		igt_assert_f(is_same(&now, &untold), "%s, fault %u: not to be told again\n",
			     c->name, n);
	} else if (!is_same(&now, before)) {
		/* The struct could not be written: the call was made. */
		igt_assert_f(ret == -EFAULT && is_same(&now, after),
			     "%s, fault %u: %s has changed something\n", c->name, n,
			     strerror(-ret));
		igt_assert(!reclaims || results_written());
		told = reclaims;
	}
	check_usable(told);
}

static struct state state_after(const struct fault_case *c)
{
	struct state after;
	union tide_args args;
	int ret;

	world_open();
	call(c, NEVER, &args, &ret);
	igt_assert_eq(ret, 0);
	after = look();
	world_close();
	check_nothing_left();
	return after;
}

static void test_call(const struct fault_case *c)
{
	struct state before, after = state_after(c);
	unsigned int n, failed = 0;
	bool hit = true;

	for (n = 1; hit; n++) {
		union tide_args args;
		int ret;

		world_open();
		before = look();
		hit = call(c, n, &args, &ret);
		igt_debug("fault %u: %s\n", n, strerror(-ret));
		check_after(c, n, ret, &args, &before, &after);
		igt_assert(hit || !ret);
		failed += ret != 0;
		world_close();
		check_nothing_left();
	}
	igt_info("%s: %u faults, %u errors\n", c->name, n - 2, failed);
	/* The struct at least is copied. */
	igt_assert_lte(1, failed);
}

/* What is no ioctl */

static void test_open(void)
{
	const char *path = __tide_node(false);
	unsigned int n, failed = 0, copies = 0;
	bool hit = true;

	for (n = 1; hit; n++) {
		int fd, error;

		fault_arm(n);
		fd = open(path, O_RDWR | O_CLOEXEC);
		error = errno;
		hit = fault_hit();
		if (fd < 0) {
			/* The path is copied, too: one of them is that. */
			igt_assert(error == ENOMEM || (error == EFAULT && !copies++));
			failed++;
			continue;
		}
		tide_bo_create(fd, SIZE);
		close(fd);
		check_nothing_left();
	}
	igt_info("open: %u faults, %u errors\n", n - 2, failed);
	igt_assert_lte(1, failed);
}

/* Whatever fails while a file is closed, everything is freed. */
static void test_close(void)
{
	unsigned int n;
	bool hit = true;

	for (n = 1; hit; n++) {
		int fd;

		world_open();
		fd = dup(world.fd);
		world_close();
		fault_arm(n);
		close(fd);
		hit = fault_hit();
		check_nothing_left();
	}
	igt_info("close: %u faults\n", n - 2);
}

static void test_mmap(void)
{
	unsigned int n, failed = 0;
	bool hit = true;

	for (n = 1; hit; n++) {
		uint32_t handle;
		uint64_t offset;
		uint8_t *map;
		int error;

		world_open();
		/* One that nobody has mapped: the first mapping needs more. */
		handle = tide_bo_create(world.fd, SIZE);
		offset = tide_bo_mmap_offset(world.fd, handle);
		fault_arm(n);
		map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, world.fd, offset);
		error = errno;
		hit = fault_hit();
		if (map == MAP_FAILED) {
			igt_assert_eq(error, ENOMEM);
			failed++;
			map = tide_bo_map(world.fd, handle, SIZE);
		}
		tide_zero_check(map, SIZE);
		munmap(map, SIZE);
		check_usable(false);
		world_close();
		check_nothing_left();
	}
	igt_info("mmap: %u faults, %u errors\n", n - 2, failed);
	igt_assert_lte(1, failed);
}

/* A CPU access whose page cannot be had is made again: no store is lost, nothing is killed. */
static void test_touch(void)
{
	unsigned int n;
	bool hit = true;

	for (n = 1; hit; n++) {
		uint8_t *map;

		world_open();
		map = tide_bo_map(world.fd, tide_bo_create(world.fd, SIZE), SIZE);
		fault_arm(n);
		WRITE_ONCE(map[5], 0x77);
		hit = fault_hit();
		igt_assert_eq(map[5], 0x77);
		igt_assert_eq(map[4], 0);
		munmap(map, SIZE);
		check_usable(false);
		world_close();
		check_nothing_left();
	}
	igt_info("touch: %u faults\n", n - 2);
	igt_assert_lte(3, n);
}

static bool leak_command(const char *command)
{
	int fd = open(LEAK_PATH, O_WRONLY | O_CLOEXEC);
	bool done;

	if (fd < 0)
		return false;
	done = write(fd, command, strlen(command)) > 0;
	close(fd);
	return done;
}

static char *read_leaks(void)
{
	size_t size = 1 << 20, used = 0;
	char *text = malloc(size);
	int fd = open(LEAK_PATH, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	igt_assert_fd(fd);
	while (used < size - 1 && (n = read(fd, text + used, size - 1 - used)) > 0)
		used += n;
	text[used] = 0;
	close(fd);
	return text;
}

/* What the subtests before have left behind that nobody knows of */
static void test_leaks(void)
{
	char *text, *leak;

	/* What is younger does not count, and what has just been seen for the first time neither. */
	sleep(LEAK_AGE_S);
	igt_require_f(leak_command("scan"), "the kernel was not booted with kmemleak=on\n");
	igt_assert(leak_command("scan"));
	text = read_leaks();
	leak = strstr(text, "[tide]");
	igt_assert_f(!leak, "%s\n", text);
	free(text);
}

igt_main
{
	igt_fixture {
		fault_require();
		leak_command("clear");
	}

	for (const struct fault_case *c = cases; c < cases + ARRAY_SIZE(cases); c++) {
		igt_describe("each allocation and user copy of the call fails once: it has "
			     "happened or not, and nothing leaks");
		igt_subtest_f("%s-%s", c->clause, c->name)
			test_call(c);
	}

	igt_describe("the same of open()");
	igt_subtest("h3-open")
		test_open();

	igt_describe("the same of close(), which cannot fail");
	igt_subtest("h3-close")
		test_close();

	igt_describe("the same of mmap()");
	igt_subtest("a2-mmap")
		test_mmap();

	igt_describe("the same of a store that needs a page");
	igt_subtest("a2-touch")
		test_touch();

	igt_describe("what all these calls have allocated is freed, or known to somebody: "
		     "lab/test --leaks");
	igt_subtest("h3-leaks")
		test_leaks();
}
