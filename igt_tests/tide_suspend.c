// SPDX-License-Identifier: MIT
/**
 * TEST: tide suspend
 * Description: The machine freezes for suspend under clients in every state.
 *
 * It turns back before devices are suspended: the driver has nothing to do there, and
 * the 9p file system that the tests are on does not come back from that.
 */
#include "igt.h"
#include "igt_syncobj.h"
#include "igt_tide.h"
#include "igt_tide_pressure.h"

IGT_TEST_DESCRIPTION("Suspend and resume");

#define POWER	     "/sys/power/"
#define TEST_DELAY   "/sys/module/suspend/parameters/pm_test_delay"
#define TRACE	     "/sys/kernel/tracing/"

static bool try_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));

	if (fd >= 0)
		close(fd);
	return n >= 0;
}

static void must_write(const char *path, const char *text)
{
	igt_assert_f(try_write(path, text), "'%s' to %s: %s\n", text, path, strerror(errno));
}

static void restore_power(int sig __maybe_unused)
{
	try_write(POWER "pm_test", "none");
	try_write(TEST_DELAY, "5");
	try_write(POWER "sync_on_suspend", "1");
}

/* Processes and what else can freeze do, for TEST_DELAY, and go on. */
static void suspend(void)
{
	must_write(POWER "pm_test", "freezer");
	must_write(POWER "state", "freeze");
}

/* A client with something in every state */
struct client {
	int fd;
	struct tide_queue queue;
	struct lot mapped, exported, offered, discarded, evicted, resident, busy;
	int dmabuf;
	uint32_t done;
};

/* alone: what the knob takes would be other clients', too */
static void client_init(struct client *c, bool alone)
{
	*c = (struct client){};
	c->fd = tide_open_render();
	c->queue = tide_queue_create(c->fd);
	if (alone) {
		lot_create(&c->evicted, c->fd, 4, TIDE_KIB(256), 500);
		for (uint32_t i = 0; i < c->evicted.count; i++)
			tide_swap_out(c->fd, c->evicted.handles[i]);
		igt_assert_eq_u64(lot_absent(&c->evicted), 4 * c->evicted.size);
		lot_create(&c->discarded, c->fd, 4, TIDE_KIB(256), 200);
		lot_offer(&c->discarded, DRM_TIDE_PRIORITY_LOW);
		for (uint32_t i = 0; i < c->discarded.count; i++)
			tide_discard(c->fd, c->discarded.handles[i]);
	}
	lot_create(&c->offered, c->fd, 4, TIDE_KIB(256), 100);
	lot_offer(&c->offered, DRM_TIDE_PRIORITY_HIGH);
	lot_create(&c->mapped, c->fd, 4, TIDE_KIB(256), 1);
	lot_create(&c->exported, c->fd, 1, TIDE_KIB(256), 600);
	do_or_die(__tide_prime_export(c->fd, c->exported.handles[0], &c->dmabuf));
	lot_create(&c->resident, c->fd, 4, TIDE_KIB(256), 300);
	lot_make_resident(&c->resident, &c->queue);
	lot_create(&c->busy, c->fd, 4, TIDE_KIB(256), 400);
	lot_make_resident(&c->busy, &c->queue);
	c->done = syncobj_create(c->fd, 0);
}

/* Half a second of jobs, at the end of which busy[1] to busy[3] are what busy[0] is */
static void client_submit(struct client *c)
{
	uint32_t first = c->busy.handles[0];
	struct tide_job job = {};

	tide_job_bo(&job, first, TIDE_READ);
	tide_job_delay(&job, NSEC_PER_SEC / 6);
	for (int i = 0; i < 2; i++)
		tide_submit(c->fd, &job);
	for (uint32_t i = 1; i < c->busy.count; i++) {
		uint32_t target = tide_job_bo(&job, c->busy.handles[i], TIDE_WRITE);

		tide_job_copy(&job, target, 0, 0, 0, c->busy.size);
	}
	tide_job_signal(&job, c->done, 0);
	tide_submit(c->fd, &job);
}

static void client_check(struct client *c)
{
	igt_assert(syncobj_wait(c->fd, &c->done, 1,
				tide_deadline(TIDE_LIVENESS_S * NSEC_PER_SEC), 0, NULL));
	for (uint32_t i = 0; i < c->busy.count; i++)
		tide_pattern_check(c->busy.maps[i], c->busy.size, c->busy.seed);

	lot_check_intact(&c->mapped);
	lot_check_intact(&c->exported);
	lot_check_intact(&c->evicted);
	lot_check_intact_on_gpu(&c->resident, &c->queue);
	igt_assert_eq_u32(lot_reclaim(&c->offered, c->queue.id), 0);
	lot_check(&c->offered);
	if (c->discarded.count) {
		igt_assert_eq_u32(lot_reclaim(&c->discarded, c->queue.id), c->discarded.count);
		lot_check(&c->discarded);
	}
}

static void client_fini(struct client *c)
{
	close(c->dmabuf);
	lot_close(&c->mapped);
	lot_close(&c->exported);
	lot_close(&c->offered);
	lot_close(&c->discarded);
	lot_close(&c->evicted);
	lot_close(&c->resident);
	lot_close(&c->busy);
	close(c->fd);
}

/* More page-ins than are done when processes have frozen. Returns the last value. */
static uint64_t page_in_much(const struct client *c)
{
	uint64_t value = 0;

	for (int i = 0; i < 300; i++) {
		uint32_t handle = tide_bo_create(c->fd, TIDE_MIB(2));

		value = tide_make_resident(c->fd, c->queue.id, &handle, 1);
		do_or_die(__tide_bo_close(c->fd, handle));
	}
	return value;
}

static void test_states(const void *data)
{
	static struct client c;

	for (int round = 0; round < (getenv("TIDE_LONG") ? 20 : 3); round++) {
		uint64_t value;

		client_init(&c, true);
		client_submit(&c);
		value = page_in_much(&c);
		suspend();
		tide_queue_wait(c.fd, &c.queue, value);
		igt_assert_eq_u64(tide_queue_info(c.fd, c.queue.id, value).error, 0);
		client_check(&c);
		client_fini(&c);
	}
}

/* Lines of the trace */
static char line[512];

/* Page-ins that were traced while processes were frozen, and after that */
static void read_trace(unsigned int *frozen, unsigned int *after)
{
	enum { BEFORE, FROZEN, AFTER } phase = BEFORE;
	FILE *file = fopen(TRACE "trace", "re");

	igt_assert_f(file, "%s\n", strerror(errno));
	while (fgets(line, sizeof(line), file)) {
		if (strstr(line, "freeze_processes") && strstr(line, " end"))
			phase = FROZEN;
		else if (strstr(line, "thaw_processes") && strstr(line, " begin"))
			phase = AFTER;
		else if (strstr(line, "tide_page_in_end:"))
			*(phase == FROZEN ? frozen : after) += phase != BEFORE;
	}
	fclose(file);
	igt_assert_f(phase == AFTER, "the trace does not tell of the suspend\n");
}

/* No page-in goes on, which in a hibernation would read from swap behind its back. */
static void test_frozen(const void *data)
{
	static struct client c;
	unsigned int frozen = 0, after = 0;
	uint64_t value;

	client_init(&c, true);
	must_write(TRACE "trace", "");
	must_write(TRACE "events/power/suspend_resume/enable", "1");
	must_write(TRACE "events/tide/tide_page_in_end/enable", "1");
	value = page_in_much(&c);
	suspend();
	tide_queue_wait(c.fd, &c.queue, value);
	must_write(TRACE "events/tide/tide_page_in_end/enable", "0");
	must_write(TRACE "events/power/suspend_resume/enable", "0");

	read_trace(&frozen, &after);
	igt_info("page-ins: %u frozen, %u after\n", frozen, after);
	igt_assert_eq_u32(frozen, 0);
	igt_assert_f(after > 0, "there was nothing left to freeze\n");
}

static void worker(void)
{
	static struct client c;

	for (;;) {
		client_init(&c, false);
		client_submit(&c);
		page_in_much(&c);
		client_check(&c);
		client_fini(&c);
	}
}

/* Clients are frozen wherever they are in a call. */
static void test_at_work(const void *data)
{
	pid_t pids[3];

	for (unsigned int i = 0; i < ARRAY_SIZE(pids); i++) {
		pids[i] = pressure_fork(0);
		if (!pids[i])
			worker();
	}
	for (int round = 0; round < (getenv("TIDE_LONG") ? 20 : 3); round++) {
		usleep(300000);
		suspend();
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(pids); i++) {
		/* A failed assertion would have ended it. */
		igt_assert_eq(kill(pids[i], SIGKILL), 0);
		igt_assert_eq(pressure_wait(pids[i]), -SIGKILL);
	}
}

igt_main
{
	igt_fixture {
		pressure_init();
		igt_require_f(!access(POWER "pm_test", W_OK), "no CONFIG_PM_DEBUG\n");
		igt_install_exit_handler(restore_power);
		must_write(TEST_DELAY, "1");
		must_write(POWER "sync_on_suspend", "0");
		close(tide_open_render());
	}

	igt_describe("Clients have something in every state");
	igt_subtest("a2-c1-e4-states")
		pressure_run_swap(64, test_states, NULL);

	igt_describe("Page-ins stop for the suspend, and go on after it");
	igt_subtest("e4-page-ins-wait")
		pressure_run_swap(64, test_frozen, NULL);

	igt_describe("Clients freeze in the midst of calls");
	igt_subtest("h3-at-work")
		pressure_run(test_at_work, NULL);
}
