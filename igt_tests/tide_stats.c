// SPDX-License-Identifier: MIT
/* What can be seen from outside: fdinfo, debugfs, trace events. */
#include "igt.h"
#include "igt_syncobj.h"
#include "igt_tide.h"
#include "igt_tide_pressure.h"

IGT_TEST_DESCRIPTION("fdinfo keys, debugfs files and trace events follow what happens");

#define SIZE TIDE_KIB(256)

/* Others may have the device open: what is told of one client is told by its own file. */
struct client {
	int fd;
	struct tide_queue queue;
	uint32_t handle;
};

static struct client new_client(void)
{
	struct client c = { .fd = tide_open_render() };

	c.queue = tide_queue_create(c.fd);
	c.handle = tide_bo_create(c.fd, SIZE);
	return c;
}

/*
 * fdinfo
 */

static void check_memory(const struct client *c, const char *when, int64_t total, int64_t shared,
			 int64_t resident, int64_t purgeable, int64_t active)
{
	const struct {
		const char *key;
		int64_t want;
	} keys[] = {
		{ "drm-total-system", total },
		{ "drm-shared-system", shared },
		{ "drm-resident-system", resident },
		{ "drm-purgeable-system", purgeable },
		{ "drm-active-system", active },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(keys); i++) {
		int64_t is = tide_fdinfo(c->fd, keys[i].key);

		igt_assert_f(is == keys[i].want, "%s: %s is %" PRIi64 ", should be %" PRIi64 "\n",
			     when, keys[i].key, is, keys[i].want);
	}
}

static void test_fdinfo_memory(const void *data)
{
	struct client c = new_client();
	struct tide_cork cork;
	uint64_t present;
	int dmabuf;

	check_memory(&c, "new", SIZE, 0, 0, 0, 0);
	/* The kernel may take a larger folio than it would have to. */
	tide_bo_pattern(c.fd, c.handle, SIZE / 2, 1);
	present = tide_bo_info(c.fd, c.handle).present;
	igt_assert_lte_u64(SIZE / 2, present);
	check_memory(&c, "half of it touched", SIZE, 0, present, 0, 0);
	tide_make_resident_one(c.fd, &c.queue, c.handle);
	check_memory(&c, "resident", SIZE, 0, SIZE, 0, 0);
	tide_offer_one(c.fd, c.handle, DRM_TIDE_PRIORITY_LOW);
	check_memory(&c, "offered", SIZE, 0, SIZE, SIZE, 0);
	tide_discard(c.fd, c.handle);
	check_memory(&c, "discarded", SIZE, 0, 0, 0, 0);
	igt_assert_eq_u32(tide_reclaim_one(c.fd, c.queue.id, c.handle),
			  DRM_TIDE_RECLAIM_DISCARDED);
	tide_make_resident_one(c.fd, &c.queue, c.handle);
	check_memory(&c, "reclaimed", SIZE, 0, SIZE, 0, 0);

	tide_cork_plug(&cork, c.fd);
	tide_keep_busy(c.fd, &cork, c.handle, TIDE_WRITE);
	check_memory(&c, "busy", SIZE, 0, SIZE, 0, SIZE);
	tide_offer_one(c.fd, c.handle, DRM_TIDE_PRIORITY_LOW);
	check_memory(&c, "busy and offered", SIZE, 0, SIZE, 0, SIZE);
	tide_reclaim_one(c.fd, c.queue.id, c.handle);
	tide_cork_fini(&cork, c.fd);

	do_or_die(__tide_prime_export(c.fd, c.handle, &dmabuf));
	while (tide_bo_flags(c.fd, c.handle) & DRM_TIDE_BO_BUSY)
		usleep(1000);
	check_memory(&c, "exported", SIZE, SIZE, SIZE, 0, 0);
	tide_offer_one(c.fd, c.handle, DRM_TIDE_PRIORITY_LOW);
	check_memory(&c, "exported and offered", SIZE, SIZE, SIZE, 0, 0);
	close(dmabuf);
	do_or_die(__tide_bo_close(c.fd, c.handle));
	check_memory(&c, "closed", 0, 0, 0, 0, 0);
}

static void test_fdinfo_engine(const void *data)
{
	struct client c = new_client(), other = new_client();
	struct tide_job job = {};
	int64_t before, after;

	tide_make_resident_one(c.fd, &c.queue, c.handle);
	before = tide_fdinfo(c.fd, "drm-engine-copy");
	igt_assert_eq_u64(before, 0);
	for (int i = 0; i < 20; i++)
		tide_gpu_fill(c.fd, c.handle, 0, SIZE, i);
	after = tide_fdinfo(c.fd, "drm-engine-copy");
	igt_assert_lt_u64(0, after);
	tide_job_delay(&job, 50 * NSEC_PER_MSEC);
	tide_submit_wait(c.fd, &job);
	igt_assert_lte_u64(after + 50 * NSEC_PER_MSEC, tide_fdinfo(c.fd, "drm-engine-copy"));
	igt_assert_eq_u64(tide_fdinfo(other.fd, "drm-engine-copy"), 0);
}

static void test_fdinfo_identity(const void *data)
{
	struct client c = new_client(), other = new_client();
	char path[64], text[2048];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", c.fd);
	fd = open(path, O_RDONLY);
	igt_assert_fd(fd);
	n = read(fd, text, sizeof(text) - 1);
	igt_assert_lt(0, n);
	text[n] = 0;
	igt_assert_f(strstr(text, "drm-driver:\ttide\n"), "%s", text);
	igt_assert_f(tide_fdinfo(c.fd, "drm-client-id") > 0, "%s", text);
	igt_assert(tide_fdinfo(c.fd, "drm-client-id") != tide_fdinfo(other.fd, "drm-client-id"));
}

/*
 * debugfs
 */

/* The line of an allocation, by its mmap offset; false where there is none. */
static bool find_line(const struct client *c, uint64_t offset, char *line, size_t size)
{
	char *text = tide_debugfs_read(c->fd, "allocations"), key[32], *at;

	snprintf(key, sizeof(key), "0x%" PRIx64 " ", offset);
	at = strstr(text, key);
	if (at)
		snprintf(line, size, "%.*s ", (int)strcspn(at, "\n"), at);
	free(text);
	return at;
}

/* All of the words, each with a space before and behind it */
static void check_line(const struct client *c, const char *const words[])
{
	uint64_t offset = tide_bo_mmap_offset(c->fd, c->handle);
	char line[512];

	igt_assert(find_line(c, offset, line, sizeof(line)));
	for (; *words; words++)
		igt_assert_f(strstr(line, *words), "no '%s' in: %s\n", *words, line);
}

#define check_words(c, ...) check_line(c, (const char *const[]){ __VA_ARGS__, NULL })

static void test_debugfs_allocations(const void *data)
{
	struct client c = new_client();
	uint64_t offset = tide_bo_mmap_offset(c.fd, c.handle);
	struct tide_cork cork;
	char line[512];
	int64_t end;
	int dmabuf;

	check_words(&c, " size=262144 ", " present=0 ", " state=kept ", " clients=1 ", " handles=1 ",
		    " required=0 ");
	tide_make_resident_one(c.fd, &c.queue, c.handle);
	check_words(&c, " present=262144 ", " state=kept ", " required=1 ", " resident ");
	tide_offer_one(c.fd, c.handle, DRM_TIDE_PRIORITY_HIGH);
	check_words(&c, " present=262144 ", " state=offered ", " priority=3 ");
	tide_discard(c.fd, c.handle);
	check_words(&c, " present=0 ", " state=discarded ", " discards=1 ");
	tide_reclaim_one(c.fd, c.queue.id, c.handle);
	check_words(&c, " state=kept ", " discards=1 ");
	tide_make_resident_one(c.fd, &c.queue, c.handle);
	tide_cork_plug(&cork, c.fd);
	tide_keep_busy(c.fd, &cork, c.handle, TIDE_WRITE);
	check_words(&c, " state=kept ", " busy ");
	tide_cork_fini(&cork, c.fd);
	do_or_die(__tide_prime_export(c.fd, c.handle, &dmabuf));
	check_words(&c, " exported ");
	close(dmabuf);
	do_or_die(__tide_bo_close(c.fd, c.handle));
	/* Until the job is freed, some time after its fence has signalled */
	end = tide_deadline(TIDE_LIVENESS_S * NSEC_PER_SEC);
	while (find_line(&c, offset, line, sizeof(line))) {
		igt_assert_f(tide_deadline(0) < end, "still there: %s\n", line);
		usleep(1000);
	}
}

static void test_debugfs_stats(const void *data)
{
	struct client c = new_client();
	uint64_t created = tide_stat(c.fd, "created_allocations");
	uint64_t created_pages = tide_stat(c.fd, "created_pages");
	uint64_t allocations = tide_stat(c.fd, "discarded_allocations");
	uint64_t pages = tide_stat(c.fd, "discarded_pages");
	uint64_t paged_in = tide_stat(c.fd, "paged_in_pages");
	uint64_t evicted = tide_stat(c.fd, "evicted_pages");

	tide_make_resident_one(c.fd, &c.queue, c.handle);
	igt_assert_eq_u64(tide_stat(c.fd, "paged_in_pages"), paged_in + SIZE / TIDE_PAGE);
	tide_offer_one(c.fd, c.handle, DRM_TIDE_PRIORITY_LOW);
	tide_discard(c.fd, c.handle);
	igt_assert_eq_u64(tide_stat(c.fd, "discarded_allocations"), allocations + 1);
	igt_assert_eq_u64(tide_stat(c.fd, "discarded_pages"), pages + SIZE / TIDE_PAGE);
	tide_reclaim_one(c.fd, c.queue.id, c.handle);
	tide_make_resident_one(c.fd, &c.queue, c.handle);
	igt_assert_eq_u64(tide_stat(c.fd, "paged_in_pages"), paged_in + 2 * SIZE / TIDE_PAGE);
	igt_assert_eq_u64(tide_stat(c.fd, "evicted_pages"), evicted);
	tide_bo_create(c.fd, TIDE_PAGE + 1);
	igt_assert_eq_u64(tide_stat(c.fd, "created_allocations"), created + 1);
	igt_assert_eq_u64(tide_stat(c.fd, "created_pages"), created_pages + 2);
}

static void test_debugfs_stats_evicted(const void *data)
{
	struct client c = new_client();
	uint64_t evicted = tide_stat(c.fd, "evicted_pages");

	tide_bo_pattern(c.fd, c.handle, SIZE, 1);
	tide_swap_out(c.fd, c.handle);
	igt_assert_lte_u64(evicted + SIZE / TIDE_PAGE, tide_stat(c.fd, "evicted_pages"));
	tide_bo_check(c.fd, c.handle, SIZE, 1);
}

/* Not to be read by everyone: they tell of all clients. */
static void test_debugfs_private(const void *data)
{
	static const char *const files[] = { "allocations", "stats", "shrink" };
	struct client c = new_client();

	igt_assert_eq(setresuid(65534, 65534, 65534), 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(files); i++)
		igt_assert_lt(tide_debugfs_open(c.fd, files[i], i < 2 ? O_RDONLY : O_WRONLY), 0);
}

/*
 * Trace events
 */

#define TRACE "/sys/kernel/tracing/instances/tide-test"

static void trace_write(const char *file, const char *text)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), TRACE "/%s", file);
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	igt_assert_f(fd >= 0, "%s: %s\n", path, strerror(errno));
	igt_assert_eq(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void trace_start(void)
{
	rmdir(TRACE);
	igt_assert_f(!mkdir(TRACE, 0700), "%s: %s\n", TRACE, strerror(errno));
	trace_write("events/tide/enable", "1");
}

static char trace[1 << 16];

static void trace_stop(void)
{
	size_t n;
	FILE *f;

	trace_write("events/tide/enable", "0");
	f = fopen(TRACE "/trace", "re");
	igt_assert(f);
	n = fread(trace, 1, sizeof(trace) - 1, f);
	trace[n] = 0;
	fclose(f);
	do_or_die(rmdir(TRACE));
}

/* Events come in the order in which they are asked for. */
static const char *trace_next;

__attribute__((format(printf, 1, 2))) static void trace_expect(const char *format, ...)
{
	char want[256];
	const char *at;
	va_list args;

	va_start(args, format);
	vsnprintf(want, sizeof(want), format, args);
	va_end(args);
	at = strstr(trace_next, want);
	igt_assert_f(at, "no '%s' in what follows:\n%s\n", want, trace_next);
	trace_next = at + strlen(want);
}

static void test_trace(const void *data)
{
	unsigned int pages = SIZE / TIDE_PAGE;
	struct client c = new_client();
	uint64_t bo = tide_bo_mmap_offset(c.fd, c.handle);

	trace_start();
	tide_make_resident_one(c.fd, &c.queue, c.handle);
	tide_offer_one(c.fd, c.handle, DRM_TIDE_PRIORITY_NORMAL);
	tide_reclaim_one(c.fd, c.queue.id, c.handle);
	tide_offer_one(c.fd, c.handle, DRM_TIDE_PRIORITY_LOW);
	tide_discard(c.fd, c.handle);
	tide_reclaim_one(c.fd, c.queue.id, c.handle);
	tide_make_resident_one(c.fd, &c.queue, c.handle);
	trace_stop();

	trace_next = trace;
	trace_expect("tide_page_in_begin: bo=0x%" PRIx64 " size=%u\n", bo, (unsigned int)SIZE);
	if (tide_bo_info(c.fd, c.handle).segment == DRM_TIDE_SEGMENT_LOCAL)
		trace_expect("tide_copy: bo=0x%" PRIx64 " size=%u to=local\n", bo,
			     (unsigned int)SIZE);
	trace_expect("tide_page_in_end: bo=0x%" PRIx64 " size=%u error=0\n", bo,
		     (unsigned int)SIZE);
	trace_expect("tide_offer: bo=0x%" PRIx64 " size=%u priority=2\n", bo, (unsigned int)SIZE);
	trace_expect("tide_reclaim: bo=0x%" PRIx64 " size=%u result=0\n", bo, (unsigned int)SIZE);
	trace_expect("tide_offer: bo=0x%" PRIx64 " size=%u priority=1\n", bo, (unsigned int)SIZE);
	trace_expect("tide_discard: bo=0x%" PRIx64 " size=%u pages=%u\n", bo, (unsigned int)SIZE,
		     pages);
	trace_expect("tide_shrink: nid=0 discard asked=1 taken=%u\n", pages);
	trace_expect("tide_reclaim: bo=0x%" PRIx64 " size=%u result=1\n", bo, (unsigned int)SIZE);
	trace_expect("tide_page_in_begin: bo=0x%" PRIx64 " size=%u\n", bo, (unsigned int)SIZE);
	trace_expect("tide_page_in_end: bo=0x%" PRIx64 " size=%u error=0\n", bo,
		     (unsigned int)SIZE);
}

static void test_trace_evict(const void *data)
{
	struct client c = new_client();

	tide_bo_pattern(c.fd, c.handle, SIZE, 1);
	trace_start();
	tide_swap_out(c.fd, c.handle);
	trace_stop();
	trace_next = trace;
	trace_expect("tide_shrink: nid=0 evict asked=64 taken=");
}

static bool is_discarding(int fd)
{
	char *allocations = tide_debugfs_read(fd, "allocations");
	bool discarding = strstr(allocations, "state=discarding");

	free(allocations);
	return discarding;
}

/* Real pressure leaves the same trace; of several reclaims at once, in any order. */
static void test_trace_pressure(const void *data)
{
	static struct lot lot;
	struct tide_cgroup cg;
	struct hog hog = { .cgroup = &cg, .max_mib = 10 };
	unsigned int discarded = 0;
	int fd;

	cgroup_make(&cg, NULL, "trace");
	tide_cgroup_enter(&cg);
	fd = tide_open_render();
	lot_create(&lot, fd, 16, TIDE_MIB(1), 1);
	lot_offer(&lot, DRM_TIDE_PRIORITY_LOW);
	trace_start();
	cgroup_leave_mib(&cg, 2);
	igt_assert_eq(hog_fill(&hog), HOG_FULL);
	for (int tries = 0; is_discarding(fd); tries++) {
		igt_assert_lt(tries, TIDE_LIVENESS_S * 10);
		usleep(100000);
	}
	trace_stop();

	for (unsigned int i = 0; i < lot.count; i++) {
		char event[96];
		bool traced;

		snprintf(event, sizeof(event),
			 "tide_discard: bo=0x%" PRIx64 " size=1048576 pages=256\n",
			 tide_bo_mmap_offset(fd, lot.handles[i]));
		traced = strstr(trace, event);
		igt_assert_eq(traced, tide_bo_info(fd, lot.handles[i]).discard_count);
		discarded += traced;
	}
	igt_assert_lte_u32(4, discarded);
	trace_next = trace;
	trace_expect("tide_shrink: nid=0 discard asked=");
}

static const struct {
	const char *name;
	const char *describe;
	void (*body)(const void *data);
	unsigned int swap_mib;
} tests[] = {
	{ "h6-fdinfo-memory", "the memory keys follow the state of allocations",
	  test_fdinfo_memory, 0 },
	{ "h6-fdinfo-engine", "the engine key counts the client's own time", test_fdinfo_engine, 0 },
	{ "h6-fdinfo-identity", "driver and client id", test_fdinfo_identity, 0 },
	{ "h6-debugfs-allocations", "each allocation has a line that tells its state",
	  test_debugfs_allocations, 0 },
	{ "h6-debugfs-stats", "counters count what happens", test_debugfs_stats, 0 },
	{ "h6-debugfs-stats-evicted", "evictions are counted", test_debugfs_stats_evicted, 64 },
	{ "h6-debugfs-private", "the files are root's", test_debugfs_private, 0 },
	{ "h6-trace", "each event comes, in order and with its fields", test_trace, 0 },
	{ "h6-trace-evict", "evictions are traced", test_trace_evict, 64 },
	{ "h6-trace-pressure", "each discard under real pressure is traced",
	  test_trace_pressure, 0 },
};

igt_main
{
	igt_fixture {
		pressure_init();
		close(tide_open_render());
	}

	for (unsigned int i = 0; i < ARRAY_SIZE(tests); i++) {
		igt_describe(tests[i].describe);
		igt_subtest(tests[i].name)
			pressure_run_swap(tests[i].swap_mib, tests[i].body, NULL);
	}
}
