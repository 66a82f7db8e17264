// SPDX-License-Identifier: MIT
/* Clients that are killed, and a device and a module that go while they are in use. */
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>

#include "igt.h"
#include "igt_syncobj.h"
#include "igt_tide.h"
#include "igt_tide_pressure.h"

IGT_TEST_DESCRIPTION("Kill, unbind, unload");

#define PRISTINE 6
#define PRISTINE_SIZE TIDE_KIB(256)

static void wait_for(bool (*condition)(const void *data), const void *data, const char *what)
{
	int64_t end = tide_deadline(TIDE_LIVENESS_S * NSEC_PER_SEC);

	while (!condition(data)) {
		igt_assert_f(tide_deadline(0) < end, "%s: not yet\n", what);
		usleep(2000);
	}
}

/*
 * Clients killed in every call
 */

/* A client that is going to be killed */
struct prey {
	int fd;
	struct tide_queue queue;
	uint32_t syncobj;
	struct lot lot;
	/* in another order and more often than once */
	uint32_t handles[64];
};

static void prey_init(struct prey *prey)
{
	prey->fd = tide_open_render();
	prey->queue = tide_queue_create(prey->fd);
	prey->syncobj = syncobj_create(prey->fd, 0);
	lot_create(&prey->lot, prey->fd, 8, TIDE_KIB(512), 77);
	/* The shrinker may have taken some of it again. */
	tide_queue_wait(prey->fd, &prey->queue,
			tide_make_resident(prey->fd, prey->queue.id, prey->lot.handles,
					   prey->lot.count));
	for (unsigned int i = 0; i < ARRAY_SIZE(prey->handles); i++)
		prey->handles[i] = prey->lot.handles[i * 3 % 8];
}

static void kill_in_info(struct prey *prey)
{
	tide_info(prey->fd);
	tide_segment_info(prey->fd, 0);
	tide_bo_info(prey->fd, prey->handles[0]);
	tide_queue_info(prey->fd, prey->queue.id, 1);
}

static void kill_in_create(struct prey *prey)
{
	tide_bo_create(prey->fd, TIDE_KIB(64));
}

static void kill_in_close(struct prey *prey)
{
	do_or_die(__tide_bo_close(prey->fd, tide_bo_create(prey->fd, TIDE_KIB(64))));
}

static void kill_in_fault(struct prey *prey)
{
	uint32_t handle = tide_bo_create(prey->fd, TIDE_MIB(1));

	tide_bo_pattern(prey->fd, handle, TIDE_MIB(1), 1);
	do_or_die(__tide_bo_close(prey->fd, handle));
}

static void kill_in_mmap(struct prey *prey)
{
	munmap(tide_bo_map(prey->fd, prey->handles[0], TIDE_PAGE), TIDE_PAGE);
}

static void kill_in_queue_create(struct prey *prey)
{
	struct tide_queue queue = tide_queue_create(prey->fd);

	tide_queue_destroy(prey->fd, &queue);
}

static void kill_in_queue_destroy(struct prey *prey)
{
	struct tide_queue queue = tide_queue_create(prey->fd);
	uint32_t handle = tide_bo_create(prey->fd, TIDE_MIB(1));

	/* with a page-in under way */
	tide_make_resident(prey->fd, queue.id, &handle, 1);
	tide_queue_destroy(prey->fd, &queue);
	do_or_die(__tide_bo_close(prey->fd, handle));
}

static void kill_in_offer(struct prey *prey)
{
	tide_offer(prey->fd, prey->handles, 64, DRM_TIDE_PRIORITY_LOW);
}

static void kill_in_reclaim(struct prey *prey)
{
	uint32_t results[64];

	tide_offer(prey->fd, prey->handles, 64, DRM_TIDE_PRIORITY_LOW);
	tide_reclaim(prey->fd, prey->queue.id, prey->handles, results, 64);
}

/* Fresh memory all the time, and no wait for any of it. */
static void kill_in_page_in(struct prey *prey)
{
	uint32_t handle = tide_bo_create(prey->fd, TIDE_MIB(2));

	tide_make_resident(prey->fd, prey->queue.id, &handle, 1);
	do_or_die(__tide_bo_close(prey->fd, handle));
}

static void kill_in_evict(struct prey *prey)
{
	tide_make_resident(prey->fd, prey->queue.id, prey->handles, 64);
	tide_evict(prey->fd, prey->handles, 64);
}

static void add_copies(struct tide_job *job, const struct prey *prey)
{
	tide_job_bo(job, prey->lot.handles[0], TIDE_WRITE);
	tide_job_bo(job, prey->lot.handles[1], TIDE_READ);
	for (int i = 0; i < 8; i++)
		tide_job_copy(job, 0, 0, 1, 0, prey->lot.size);
}

static void kill_in_submit(struct prey *prey)
{
	struct tide_job job = {};

	add_copies(&job, prey);
	tide_submit(prey->fd, &job);
}

static void kill_in_submit_wait(struct prey *prey)
{
	struct tide_job job = {};

	add_copies(&job, prey);
	tide_submit_wait(prey->fd, &job);
}

/* A submission that waits for a point that never comes */
static void kill_in_submit_blocked(struct prey *prey)
{
	struct tide_job job = {};

	add_copies(&job, prey);
	tide_job_wait(&job, prey->syncobj, 0);
	tide_submit(prey->fd, &job);
}

/* Jobs behind jobs that take long */
static void kill_in_delay(struct prey *prey)
{
	struct tide_job job = {};

	tide_job_bo(&job, prey->lot.handles[0], TIDE_WRITE);
	tide_job_delay(&job, 50 * NSEC_PER_MSEC);
	tide_submit(prey->fd, &job);
	kill_in_submit(prey);
	/* offered and busy */
	tide_offer_one(prey->fd, prey->lot.handles[0], DRM_TIDE_PRIORITY_LOW);
	tide_reclaim_one(prey->fd, prey->queue.id, prey->lot.handles[0]);
}

static void kill_in_prime(struct prey *prey)
{
	uint32_t handle = tide_bo_create(prey->fd, TIDE_KIB(64)), imported;
	int dmabuf, other = tide_open_render();

	do_or_die(__tide_prime_export(prey->fd, handle, &dmabuf));
	do_or_die(__tide_prime_import(other, dmabuf, &imported));
	close(dmabuf);
	do_or_die(__tide_bo_close(prey->fd, handle));
	close(other);
}

static void kill_in_open(struct prey *prey)
{
	int fd = tide_open_render();

	tide_bo_create(fd, TIDE_KIB(64));
	close(fd);
}

static const struct kill_test {
	const char *name;
	void (*work)(struct prey *prey);
} kill_tests[] = {
	{ "info", kill_in_info },
	{ "create", kill_in_create },
	{ "close", kill_in_close },
	{ "mmap", kill_in_mmap },
	{ "fault", kill_in_fault },
	{ "queue-create", kill_in_queue_create },
	{ "queue-destroy", kill_in_queue_destroy },
	{ "offer", kill_in_offer },
	{ "reclaim", kill_in_reclaim },
	{ "page-in", kill_in_page_in },
	{ "evict", kill_in_evict },
	{ "submit", kill_in_submit },
	{ "submit-wait", kill_in_submit_wait },
	{ "submit-blocked", kill_in_submit_blocked },
	{ "delay", kill_in_delay },
	{ "prime", kill_in_prime },
	{ "open", kill_in_open },
};

static unsigned int count_lines(int fd, const char *name)
{
	char *text = tide_debugfs_read(fd, name);
	unsigned int n = 0;

	for (const char *p = text; *p; p++)
		n += *p == '\n';
	free(text);
	return n;
}

struct lines {
	int fd;
	unsigned int count;
};

static bool no_more_allocations(const void *data)
{
	const struct lines *lines = data;

	return count_lines(lines->fd, "allocations") == lines->count;
}

static void kill_one(const struct kill_test *test, uint32_t delay_us)
{
	static struct prey prey;
	int ready[2];
	char byte;
	pid_t pid;

	do_or_die(pipe(ready));
	pid = pressure_fork(0);
	if (!pid) {
		prey_init(&prey);
		igt_assert_eq(write(ready[1], "r", 1), 1);
		for (;;)
			test->work(&prey);
	}
	close(ready[1]);
	igt_assert_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	usleep(delay_us);
	kill(pid, SIGKILL);
	igt_assert_eq(pressure_wait(pid), -SIGKILL);
}

static void test_kill(const void *data)
{
	const struct kill_test *test = data;
	static struct lot lot;
	int fd = tide_open_render();
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t random = 1 + (test - kill_tests);
	struct lines lines = { .fd = fd };
	pid_t shrinker;

	lot_create(&lot, fd, PRISTINE, PRISTINE_SIZE, 1);
	lot_make_resident(&lot, &queue);
	lines.count = count_lines(fd, "allocations");
	shrinker = pressure_fork(0);
	if (!shrinker)
		for (;;) {
			tide_shrink(fd, 64);
			usleep(1000);
		}

	for (int round = 0; round < (getenv("TIDE_LONG") ? 60 : 6); round++) {
		kill_one(test, tide_random(&random) % 20000);
		wait_for(no_more_allocations, &lines, "the dead client's allocations are freed");
		lot_use_on_gpu(&lot);
	}
	kill(shrinker, SIGKILL);
	pressure_wait(shrinker);
	lot_check_intact(&lot);
	lot_check_intact_on_gpu(&lot, &queue);
}

/* Clients die while the scheduler goes through the jobs that they have left. */
static void test_kill_amid_jobs(const void *data)
{
	static struct lot lot;
	int fd = tide_open_render();
	struct tide_queue queue = tide_queue_create(fd);
	pid_t pids[4];

	lot_create(&lot, fd, PRISTINE, PRISTINE_SIZE, 1);
	lot_make_resident(&lot, &queue);
	for (int round = 0; round < 100; round++) {
		for (unsigned int i = 0; i < ARRAY_SIZE(pids); i++) {
			pids[i] = pressure_fork(0);
			if (!pids[i]) {
				int client = tide_open_render();

				for (unsigned int n = 0; n < 100; n++) {
					struct tide_job job = {};

					tide_job_delay(&job, 1);
					tide_submit(client, &job);
				}
				raise(SIGKILL);
			}
		}
		lot_use_on_gpu(&lot);
		for (unsigned int i = 0; i < ARRAY_SIZE(pids); i++)
			igt_assert_eq(pressure_wait(pids[i]), -SIGKILL);
	}
	lot_check_intact(&lot);
	lot_check_intact_on_gpu(&lot, &queue);
	close(fd);
}

/*
 * The device goes
 */

#define DRIVER_PATH "/sys/bus/platform/drivers/tide/"
#define DEVICE_NAME "tide"

static int driver_write(const char *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, DEVICE_NAME, strlen(DEVICE_NAME)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

static void unbind(void)
{
	igt_assert_eq(driver_write(DRIVER_PATH "unbind"), 0);
}

static void bind(void)
{
	igt_assert_eq(driver_write(DRIVER_PATH "bind"), 0);
}

static const unsigned long all_ioctls[] = {
	DRM_IOCTL_TIDE_INFO,	       DRM_IOCTL_TIDE_SEGMENT_INFO,
	DRM_IOCTL_TIDE_BO_CREATE,      DRM_IOCTL_TIDE_BO_MMAP_OFFSET,
	DRM_IOCTL_TIDE_BO_INFO,	       DRM_IOCTL_TIDE_QUEUE_CREATE,
	DRM_IOCTL_TIDE_QUEUE_DESTROY,  DRM_IOCTL_TIDE_QUEUE_INFO,
	DRM_IOCTL_TIDE_OFFER,	       DRM_IOCTL_TIDE_RECLAIM,
	DRM_IOCTL_TIDE_MAKE_RESIDENT,  DRM_IOCTL_TIDE_EVICT,
	DRM_IOCTL_TIDE_SUBMIT,	       DRM_IOCTL_GEM_CLOSE,
	DRM_IOCTL_PRIME_HANDLE_TO_FD,  DRM_IOCTL_SYNCOBJ_CREATE,
	DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT,
};

static void check_gone(int fd)
{
	char zeros[256] = {};

	for (unsigned int i = 0; i < ARRAY_SIZE(all_ioctls); i++)
		igt_assert_f(__tide_ioctl(fd, all_ioctls[i], zeros) == -ENODEV,
			     "ioctl %#lx after the unbind: %s\n", all_ioctls[i], strerror(errno));
	igt_assert(mmap(NULL, TIDE_PAGE, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED);
}

/* Tells when a point is signalled, also when no ioctl works any more. */
static int watch_point(int fd, uint32_t syncobj, uint64_t point)
{
	int event = eventfd(0, EFD_CLOEXEC);

	igt_assert_fd(event);
	syncobj_eventfd(fd, syncobj, point, 0, event);
	return event;
}

static bool fd_readable(const void *data)
{
	struct pollfd poll_fd = { .fd = *(const int *)data, .events = POLLIN };

	return poll(&poll_fd, 1, 0) == 1;
}

static int export_sync_file(int fd, uint32_t syncobj)
{
	struct drm_syncobj_handle args = {
		.handle = syncobj,
		.flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE,
		.fd = -1,
	};

	do_or_die(drmIoctl(fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &args));
	return args.fd;
}

/* A client in many states at once */
struct resident {
	int fd;
	struct tide_queue queue;
	struct lot mapped, offered, discarded, evicted, resident, busy;
	uint32_t done;
	uint64_t value;
	int dmabuf;
	int sync_file, syncobj_fd, queue_fd;
	int done_event, page_in_event;
};

static void resident_init(struct resident *r, bool busy)
{
	struct tide_job job = {};
	uint32_t large;

	r->fd = tide_open_render();
	r->queue = tide_queue_create(r->fd);
	lot_create(&r->evicted, r->fd, 4, TIDE_KIB(256), 500);
	for (unsigned int i = 0; i < 4; i++)
		tide_swap_out(r->fd, r->evicted.handles[i]);
	lot_create(&r->mapped, r->fd, 4, TIDE_KIB(256), 1);
	lot_create(&r->offered, r->fd, 4, TIDE_KIB(256), 100);
	lot_create(&r->discarded, r->fd, 4, TIDE_KIB(256), 200);
	lot_create(&r->resident, r->fd, 4, TIDE_KIB(256), 300);
	lot_create(&r->busy, r->fd, 4, TIDE_KIB(256), 400);
	lot_make_resident(&r->resident, &r->queue);
	lot_make_resident(&r->busy, &r->queue);
	lot_offer(&r->discarded, DRM_TIDE_PRIORITY_LOW);
	for (unsigned int i = 0; i < 4; i++)
		tide_discard(r->fd, r->discarded.handles[i]);
	lot_offer(&r->offered, DRM_TIDE_PRIORITY_HIGH);
	do_or_die(__tide_prime_export(r->fd, r->mapped.handles[0], &r->dmabuf));

	r->done = syncobj_create(r->fd, 0);
	for (unsigned int i = 0; i < 4; i++)
		tide_job_bo(&job, r->busy.handles[i], TIDE_WRITE);
	if (busy)
		tide_job_delay(&job, NSEC_PER_SEC);
	tide_job_signal(&job, r->done, 0);
	tide_submit(r->fd, &job);
	/* more of them behind the first */
	job.signal_count = 0;
	for (int i = 0; i < 3; i++)
		tide_submit(r->fd, &job);
	r->sync_file = export_sync_file(r->fd, r->done);
	r->syncobj_fd = syncobj_handle_to_fd(r->fd, r->done, 0);
	r->queue_fd = syncobj_handle_to_fd(r->fd, r->queue.syncobj, 0);
	r->done_event = watch_point(r->fd, r->done, 0);

	/* not in yet when the device goes */
	large = tide_bo_create(r->fd, TIDE_MIB(64));
	r->value = tide_make_resident(r->fd, r->queue.id, &large, 1);
	r->page_in_event = watch_point(r->fd, r->queue.syncobj, r->value);
}

static void resident_check_fences(const struct resident *r)
{
	wait_for(fd_readable, &r->sync_file, "the sync_file is signalled");
	wait_for(fd_readable, &r->done_event, "the job's point is signalled");
	wait_for(fd_readable, &r->page_in_event, "the page-in's point is signalled");
}

/* What is mapped is intact, or raises SIGBUS. */
static void check_mapped(const struct lot *lot)
{
	for (uint32_t i = 0; i < lot->count; i++)
		for (size_t at = 0; at < lot->size; at += TIDE_PAGE) {
			uint8_t byte;

			if (__tide_cpu_read(lot->maps[i] + at, &byte))
				continue;
			igt_assert_eq(__tide_pattern_check(&byte, 1, lot->seed + i, at), 1);
			__tide_cpu_write(lot->maps[i] + at, byte);
		}
}

/* What was bound before is still open and mapped when it happens again. */
static void unbind_and_bind(bool busy)
{
	static struct resident r;
	struct tide_queue queue;
	static struct lot lot;
	uint32_t imported, handle;
	int fd;

	resident_init(&r, busy);
	unbind();
	resident_check_fences(&r);
	check_gone(r.fd);
	check_mapped(&r.mapped);
	check_mapped(&r.evicted);
	check_mapped(&r.resident);
	igt_assert(!__tide_node(false));

	bind();
	fd = tide_open_render();
	queue = tide_queue_create(fd);
	igt_assert_eq(count_lines(fd, "allocations"), 0);
	lot_create(&lot, fd, 4, TIDE_KIB(256), 1);
	lot_make_resident(&lot, &queue);
	/* What is left of the old device is of no use to the new one, and no harm. */
	igt_assert_neq(__tide_prime_import(fd, r.dmabuf, &handle), 0);
	imported = syncobj_fd_to_handle(fd, r.queue_fd, 0);
	tide_point_wait(fd, imported, r.value);
	imported = syncobj_fd_to_handle(fd, r.syncobj_fd, 0);
	igt_assert(syncobj_wait(fd, &imported, 1, tide_deadline(0), 0, NULL));
	check_gone(r.fd);
	check_mapped(&r.mapped);

	/* The old client goes, its mappings and its dma-buf follow. */
	close(r.fd);
	check_mapped(&r.mapped);
	for (unsigned int i = 0; i < 4; i++) {
		munmap(r.mapped.maps[i], r.mapped.size);
		munmap(r.busy.maps[i], r.busy.size);
	}
	close(r.dmabuf);
	lot_check_intact(&lot);
	lot_check_intact_on_gpu(&lot, &queue);
}

static void test_unbind(const void *data)
{
	for (int round = 0; round < (getenv("TIDE_LONG") ? 20 : 3); round++)
		unbind_and_bind(data);
}

/* Of those, only the caller's own call may return something else than success. */
static void blocked_submit(struct resident *r)
{
	struct tide_job job = {};

	tide_job_wait(&job, syncobj_create(r->fd, 0), 0);
	igt_assert_eq(__tide_submit(r->fd, &job), -ENODEV);
}

static bool sleeps(const void *data)
{
	char path[64], text[512];
	int fd;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", *(const pid_t *)data);
	fd = open(path, O_RDONLY);
	igt_assert_fd(fd);
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	igt_assert_lt(0, n);
	text[n] = 0;
	return strncmp(strrchr(text, ')'), ") S", 3) == 0;
}

static void test_unbind_blocked(const void *data)
{
	static struct resident r;
	pid_t pid;

	r.fd = tide_open_render();
	pid = pressure_fork(0);
	if (!pid) {
		blocked_submit(&r);
		_exit(0);
	}
	usleep(100000);
	wait_for(sleeps, &pid, "the submission waits");
	unbind();
	igt_assert_eq(pressure_wait(pid), 0);
	bind();
}

/* Clients at work while the device comes and goes */
static void worker(uint32_t seed)
{
	for (;;) {
		const char *node = __tide_node(false);
		struct tide_job job = {};
		uint32_t handles[8], results[8];
		struct tide_queue queue;
		int fd = node ? open(node, O_RDWR | O_CLOEXEC) : -1;

		if (fd < 0) {
			usleep(1000);
			continue;
		}
		if (__tide_queue_create(fd, &queue))
			goto next;
		for (unsigned int i = 0; i < 8; i++) {
			uint64_t offset;
			uint8_t *map;

			if (__tide_bo_create(fd, TIDE_KIB(64), &handles[i]) ||
			    __tide_bo_mmap_offset(fd, handles[i], &offset))
				goto next;
			map = mmap(NULL, TIDE_KIB(64), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
				   offset);
			if (map == MAP_FAILED)
				goto next;
			for (size_t at = 0; at < TIDE_KIB(64); at += TIDE_PAGE)
				__tide_cpu_write(map + at, 1);
			munmap(map, TIDE_KIB(64));
		}
		if (__tide_make_resident(fd, queue.id, handles, 8, NULL, NULL))
			goto next;
		for (unsigned int i = 0; i < 8; i++)
			tide_job_fill(&job, tide_job_bo(&job, handles[i], TIDE_WRITE), 0,
				      TIDE_KIB(64), seed);
		for (int i = 0; i < 20; i++)
			if (__tide_submit(fd, &job) ||
			    __tide_offer(fd, handles, 8, DRM_TIDE_PRIORITY_LOW, NULL) ||
			    __tide_reclaim(fd, queue.id, handles, results, 8, NULL, NULL))
				break;
next:
		close(fd);
	}
}

static void test_rebind_at_work(const void *data)
{
	uint32_t random = 5;
	pid_t pids[3];

	for (unsigned int i = 0; i < ARRAY_SIZE(pids); i++) {
		pids[i] = pressure_fork(0);
		if (!pids[i])
			worker(1 + i);
	}
	for (int round = 0; round < (getenv("TIDE_LONG") ? 60 : 10); round++) {
		usleep(tide_random(&random) % 200000);
		unbind();
		usleep(tide_random(&random) % 20000);
		bind();
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(pids); i++) {
		igt_assert_eq(kill(pids[i], SIGKILL), 0);
		igt_assert_eq(pressure_wait(pids[i]), -SIGKILL);
	}
	do_or_die(close(tide_open_render()));
}

/*
 * The module goes
 */

static int unload(void)
{
	return syscall(SYS_delete_module, "tide", O_NONBLOCK) ? -errno : 0;
}

static void load(void)
{
	const char *path = getenv("TIDE_KO");
	int fd = open(path ?: "/src/build/stock/kernel/tide.ko", O_RDONLY | O_CLOEXEC);

	igt_assert_f(fd >= 0, "TIDE_KO does not name the module: %s\n", strerror(errno));
	igt_assert_f(!syscall(SYS_finit_module, fd, getenv("TIDE_PARAMETERS") ?: "", 0), "finit_module: %s\n", strerror(errno));
	close(fd);
}

static bool unloaded(const void *data)
{
	int ret = unload();

	igt_assert_f(ret == 0 || ret == -EBUSY || ret == -EAGAIN, "delete_module: %s\n",
		     strerror(-ret));
	return ret == 0;
}

/* Something that is left when the client is gone; an fd of it, or a mapping */
struct holder {
	const char *name;
	int (*take)(int fd, const struct tide_queue *queue, uint32_t handle, void **map);
};

static int hold_file(int fd, const struct tide_queue *queue, uint32_t handle, void **map)
{
	return dup(fd);
}

static int hold_mapping(int fd, const struct tide_queue *queue, uint32_t handle, void **map)
{
	*map = tide_bo_map(fd, handle, TIDE_PAGE);
	return -1;
}

static int hold_offered_mapping(int fd, const struct tide_queue *queue, uint32_t handle, void **map)
{
	*map = tide_bo_map(fd, handle, TIDE_PAGE);
	tide_offer_one(fd, handle, DRM_TIDE_PRIORITY_LOW);
	return -1;
}

static int hold_dmabuf(int fd, const struct tide_queue *queue, uint32_t handle, void **map)
{
	int dmabuf;

	do_or_die(__tide_prime_export(fd, handle, &dmabuf));
	return dmabuf;
}

static int hold_dmabuf_mapping(int fd, const struct tide_queue *queue, uint32_t handle, void **map)
{
	int dmabuf = hold_dmabuf(fd, queue, handle, map);

	*map = mmap(NULL, TIDE_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf, 0);
	igt_assert_f(*map != MAP_FAILED, "%s\n", strerror(errno));
	close(dmabuf);
	return -1;
}

/* The syncobj of a job that takes so long */
static uint32_t job_syncobj(int fd, uint32_t handle, uint64_t ns)
{
	uint32_t syncobj = syncobj_create(fd, 0);
	struct tide_job job = {};

	tide_job_bo(&job, handle, TIDE_WRITE);
	if (ns)
		tide_job_delay(&job, ns);
	tide_job_signal(&job, syncobj, 0);
	tide_submit(fd, &job);
	if (!ns)
		igt_assert(syncobj_wait(fd, &syncobj, 1,
					tide_deadline(TIDE_LIVENESS_S * NSEC_PER_SEC), 0, NULL));
	return syncobj;
}

static int hold_sync_file(int fd, const struct tide_queue *queue, uint32_t handle, void **map)
{
	return export_sync_file(fd, job_syncobj(fd, handle, 0));
}

static int hold_pending_sync_file(int fd, const struct tide_queue *queue, uint32_t handle,
				  void **map)
{
	return export_sync_file(fd, job_syncobj(fd, handle, NSEC_PER_SEC));
}

static int hold_syncobj(int fd, const struct tide_queue *queue, uint32_t handle, void **map)
{
	return syncobj_handle_to_fd(fd, job_syncobj(fd, handle, 0), 0);
}

static int hold_pending_syncobj(int fd, const struct tide_queue *queue, uint32_t handle,
				void **map)
{
	return syncobj_handle_to_fd(fd, job_syncobj(fd, handle, NSEC_PER_SEC), 0);
}

static int hold_queue_syncobj(int fd, const struct tide_queue *queue, uint32_t handle, void **map)
{
	return syncobj_handle_to_fd(fd, queue->syncobj, 0);
}

static const struct holder holders[] = {
	{ "file", hold_file },
	{ "mapping", hold_mapping },
	{ "offered-mapping", hold_offered_mapping },
	{ "dma-buf", hold_dmabuf },
	{ "dma-buf-mapping", hold_dmabuf_mapping },
	{ "sync-file", hold_sync_file },
	{ "pending-sync-file", hold_pending_sync_file },
	{ "syncobj", hold_syncobj },
	{ "pending-syncobj", hold_pending_syncobj },
	{ "queue-syncobj", hold_queue_syncobj },
};

static void test_unload(const void *data)
{
	const struct holder *holder = data;
	struct tide_queue queue;
	void *map = NULL;
	uint32_t handle;
	int fd, held;

	fd = tide_open_render();
	queue = tide_queue_create(fd);
	handle = tide_bo_create(fd, TIDE_KIB(64));
	tide_make_resident_one(fd, &queue, handle);
	held = holder->take(fd, &queue, handle, &map);
	close(fd);

	/* Long enough for all that the client's end has left to do. */
	for (int i = 0; i < 20; i++) {
		int ret = unload();

		igt_assert_f(ret, "unloaded with only a %s left\n", holder->name);
		igt_assert_f(ret == -EBUSY || ret == -EAGAIN, "delete_module: %s\n",
			     strerror(-ret));
		usleep(100000);
	}
	if (map) {
		/* still there, too, where it was not offered */
		uint8_t byte;
		int ret = __tide_cpu_read(map, &byte);

		igt_assert_eq(ret, holder->take == hold_offered_mapping ? -SIGBUS : 0);
		munmap(map, TIDE_PAGE);
	}
	if (held >= 0)
		close(held);

	wait_for(unloaded, NULL, "the module can be unloaded");
	igt_assert(!__tide_node(false));
	load();
	fd = tide_open_render();
	queue = tide_queue_create(fd);
	handle = tide_bo_create(fd, TIDE_KIB(64));
	tide_make_resident_one(fd, &queue, handle);
	tide_gpu_fill(fd, handle, 0, TIDE_KIB(64), 1);
	close(fd);
}

/* Right behind the end of clients that have left as much as possible to do. */
static void test_unload_at_once(const void *data)
{
	static struct resident r;

	for (int round = 0; round < (getenv("TIDE_LONG") ? 60 : 5); round++) {
		pid_t pid = pressure_fork(0);

		if (!pid) {
			resident_init(&r, true);
			kill(getpid(), SIGKILL);
		}
		igt_assert_eq(pressure_wait(pid), -SIGKILL);
		wait_for(unloaded, NULL, "the module can be unloaded");
		load();
	}
}

/* What a failed subtest has left away. */
static void restore(void)
{
	if (access("/sys/module/tide", F_OK))
		load();
	if (!__tide_node(false))
		bind();
}

static void run(void (*body)(const void *data), const void *data)
{
	restore();
	pressure_run_swap(64, body, data);
}

igt_main
{
	igt_fixture {
		pressure_init();
		close(tide_open_render());
	}

	for (unsigned int i = 0; i < ARRAY_SIZE(kill_tests); i++) {
		igt_describe("what a client killed in the call had is freed, and nobody else notices");
		igt_subtest_f("h3-kill-in-%s", kill_tests[i].name)
			run(test_kill, &kill_tests[i]);
	}

	igt_describe("clients are killed while the scheduler goes through their jobs");
	igt_subtest("h3-kill-amid-jobs")
		run(test_kill_amid_jobs, NULL);

	igt_describe("unbind and rebind under a client in every state, its jobs done");
	igt_subtest("h4-e4-unbind-idle")
		run(test_unbind, NULL);

	igt_describe("unbind and rebind under a client in every state, its jobs running");
	igt_subtest("h4-e4-unbind-busy")
		run(test_unbind, (void *)1);

	igt_describe("a submission that waits ends with the device");
	igt_subtest("h4-unbind-while-submit-waits")
		run(test_unbind_blocked, NULL);

	igt_describe("the device comes and goes under clients at work");
	igt_subtest("h4-h3-rebind-at-work")
		run(test_rebind_at_work, NULL);

	for (unsigned int i = 0; i < ARRAY_SIZE(holders); i++) {
		igt_describe("the module cannot be unloaded while something of it is left, then it can");
		igt_subtest_f("h4-unload-%s", holders[i].name)
			run(test_unload, &holders[i]);
	}

	igt_describe("the module is unloaded right behind clients killed at work");
	igt_subtest("h4-h3-unload-at-once")
		run(test_unload_at_once, NULL);

	igt_fixture
		restore();
}
