// SPDX-License-Identifier: MIT
#include <ftw.h>
#include <glob.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "igt.h"
#include "igt_tide_pressure.h"

#define CGROUP_PREFIX "tide-"
#define CGROUP_GLOB   "/sys/fs/cgroup/" CGROUP_PREFIX "*"

static bool try_write(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = write(fd, value, strlen(value));
	close(fd);
	return n >= 0;
}

static uint64_t read_key(const char *path, const char *key)
{
	FILE *file = fopen(path, "re");
	char name[64];
	uint64_t value;
	int found = 0;

	igt_assert_f(file, "%s: %s\n", path, strerror(errno));
	while (!found && fscanf(file, "%63s %" SCNu64 "%*[^\n]", name, &value) == 2)
		found = !strcmp(name, key);
	fclose(file);
	igt_assert_f(found, "%s: no %s\n", path, key);
	return value;
}

uint64_t meminfo_kib(const char *key)
{
	char name[64];

	snprintf(name, sizeof(name), "%s:", key);
	return read_key("/proc/meminfo", name);
}

uint64_t meminfo_mib(const char *key)
{
	return meminfo_kib(key) / 1024;
}

static void set_oom_score_adj(int value)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", value);
	igt_assert(try_write("/proc/self/oom_score_adj", text));
}

pid_t pressure_fork(int oom_score_adj)
{
	pid_t parent = getpid(), pid;

	fflush(NULL);
	pid = fork();
	igt_assert_f(pid >= 0, "fork: %s\n", strerror(errno));
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	set_oom_score_adj(oom_score_adj);
	return 0;
}

int pressure_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		igt_assert_eq(errno, EINTR);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* cgroups */

void cgroup_make(struct tide_cgroup *cg, const struct tide_cgroup *parent, const char *name)
{
	char full[64];

	snprintf(full, sizeof(full), CGROUP_PREFIX "%s", name);
	if (parent)
		tide_cgroup_create_in(cg, parent, full);
	else
		tide_cgroup_create(cg, full);
}

void cgroup_set_mib(const struct tide_cgroup *cg, const char *file, uint64_t mib)
{
	tide_cgroup_set_u64(cg, file, TIDE_MIB(mib));
}

void cgroup_leave_mib(const struct tide_cgroup *cg, uint64_t mib)
{
	tide_cgroup_set_u64(cg, "memory.max",
			    tide_cgroup_get_u64(cg, "memory.current") + TIDE_MIB(mib));
}

uint64_t cgroup_current_mib(const struct tide_cgroup *cg)
{
	return tide_cgroup_get_u64(cg, "memory.current") >> 20;
}

uint64_t cgroup_kills(const struct tide_cgroup *cg)
{
	return tide_cgroup_key(cg, "memory.events", "oom_kill");
}

pid_t cgroup_bystander(const struct tide_cgroup *cg)
{
	pid_t pid = pressure_fork(0);
	int status;

	if (!pid) {
		tide_cgroup_enter(cg);
		raise(SIGSTOP);
		_exit(1);
	}
	igt_assert_eq(waitpid(pid, &status, WUNTRACED), pid);
	igt_assert(WIFSTOPPED(status));
	return pid;
}

/* Dying processes leave their cgroup a little later. */
static bool cgroup_rmdir(const char *path)
{
	for (int tries = 0; tries < 1000; tries++) {
		if (!rmdir(path) || errno == ENOENT)
			return true;
		usleep(10000);
	}
	return false;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	if (type == FTW_DP && strstr(path + ftw->base, CGROUP_PREFIX) == path + ftw->base &&
	    !cgroup_rmdir(path))
		igt_warn("%s cannot be removed\n", path);
	return 0;
}

static void remove_cgroups(void)
{
	char path[256];
	glob_t found;

	if (!glob(CGROUP_GLOB, 0, NULL, &found))
		for (size_t i = 0; i < found.gl_pathc; i++) {
			snprintf(path, sizeof(path), "%s/cgroup.kill", found.gl_pathv[i]);
			try_write(path, "1");
			nftw(found.gl_pathv[i], remove_one, 8, FTW_DEPTH | FTW_PHYS);
		}
	globfree(&found);
}

/* Subtests */

#define HUGE_PAGES "/proc/sys/vm/nr_hugepages"
#define BOOST "/proc/sys/vm/watermark_boost_factor"
#define BOOST_DEFAULT "15000"

/*
 * Huge pages that nobody uses are memory that nobody can have, and are not even cleared. A boost of
 * the watermarks is up to a quarter of what is left then: all that can be taken would be, at once.
 */
static void shrink_machine(unsigned int memory_mib)
{
	uint64_t available = meminfo_mib("MemAvailable");
	char text[16];

	if (available <= memory_mib)
		return;
	snprintf(text, sizeof(text), "%" PRIu64,
		 (available - memory_mib) / meminfo_mib("Hugepagesize"));
	igt_assert(try_write(HUGE_PAGES, text));
	igt_assert(try_write(BOOST, "0"));
}

static void restore_machine(int sig __maybe_unused)
{
	try_write(HUGE_PAGES, "0");
	try_write(BOOST, BOOST_DEFAULT);
}

void pressure_init(void)
{
	igt_require_f(geteuid() == 0, "memory pressure needs root\n");
	igt_require_f(!access("/sys/fs/cgroup/cgroup.procs", W_OK), "no cgroup v2\n");
	set_oom_score_adj(-1000);
	igt_install_exit_handler(restore_machine);
}

void pressure_run_on(const struct pressure_machine *machine, void (*body)(const void *data),
		     const void *data)
{
	int status;

	igt_require_f(meminfo_mib("SwapTotal") == 0, "the machine has swap of its own\n");
	remove_cgroups();
	restore_machine(0);
	/* What others have read would have memory short before the body has begun. */
	igt_assert(try_write("/proc/sys/vm/drop_caches", "1"));
	if (machine->memory_mib)
		shrink_machine(machine->memory_mib);
	if (machine->swap_mib)
		tide_swap_on(TIDE_MIB(machine->swap_mib));
	igt_fork(child, 1) {
		/* Ends what hangs, and with it its children. */
		alarm(2 * TIDE_LIVENESS_S);
		body(data);
	}
	status = __igt_waitchildren();
	remove_cgroups();
	restore_machine(0);
	if (machine->swap_mib)
		tide_swap_off();
	igt_assert_f(status == 0, "the subtest's process ended with status %d\n", status);
}

void pressure_run_swap(unsigned int swap_mib, void (*body)(const void *data), const void *data)
{
	struct pressure_machine machine = { .swap_mib = swap_mib };

	pressure_run_on(&machine, body, data);
}

void pressure_run(void (*body)(const void *data), const void *data)
{
	pressure_run_swap(0, body, data);
}

/* Hogs */

struct hog_state {
	enum hog_result result;
	unsigned int filled_mib;
	bool done;
};

static pid_t hog_pid;

/* Half of each page can be compressed, as memory in use often is. */
static void fill_step(uint64_t *mem, size_t size, uint64_t *random)
{
	for (size_t page = 0; page < size / 8; page += TIDE_PAGE / 8)
		for (size_t word = 0; word < TIDE_PAGE / 16; word++) {
			*random = *random * 6364136223846793005u + 1442695040888963407u;
			mem[page + word] = *random;
		}
}

static bool hog_enough(const struct hog *hog)
{
	return hog->enough && hog->enough(hog->data);
}

static void hog_work(const struct hog *hog, volatile struct hog_state *state)
{
	size_t size = TIDE_MIB(hog->max_mib);
	uint64_t random = getpid();
	uint8_t *mem;

	tide_cgroup_enter(hog->cgroup);
	/* In one piece, for huge pages: quicker by far. */
	mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	igt_assert_f(mem != MAP_FAILED, "%u MiB: %s\n", hog->max_mib, strerror(errno));
	if (hog->locked)
		do_or_die(mlock2(mem, size, MLOCK_ONFAULT));
	while (!hog_enough(hog)) {
		if (state->filled_mib == hog->max_mib) {
			state->result = HOG_FULL;
			return;
		}
		fill_step((uint64_t *)(mem + TIDE_MIB(state->filled_mib)), TIDE_MIB(1), &random);
		state->filled_mib++;
	}
	state->result = HOG_ENOUGH;
}

enum hog_result hog_fill(const struct hog *hog)
{
	volatile struct hog_state *state;
	enum hog_result result;
	int64_t begin;
	int ends[2];
	char byte;

	hog_end();
	begin = tide_deadline(0);
	state = mmap(NULL, TIDE_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	igt_assert(state != MAP_FAILED);
	do_or_die(pipe2(ends, O_CLOEXEC));
	hog_pid = pressure_fork(1000);
	if (!hog_pid) {
		close(ends[0]);
		hog_work(hog, state);
		state->done = true;
		close(ends[1]);
		for (;;)
			pause();
	}
	close(ends[1]);
	/* closed when it is done, or by its death */
	while (read(ends[0], &byte, 1) < 0)
		igt_assert_eq(errno, EINTR);
	close(ends[0]);
	result = state->done ? state->result : HOG_KILLED;
	igt_info("hog: filled %u MiB in %" PRIi64 " ms%s\n", state->filled_mib,
		 (tide_deadline(0) - begin) / (int64_t)NSEC_PER_MSEC,
		 result == HOG_KILLED ? ", then killed" : "");
	munmap((void *)state, TIDE_PAGE);
	return result;
}

void hog_end(void)
{
	if (!hog_pid)
		return;
	kill(hog_pid, SIGKILL);
	pressure_wait(hog_pid);
	hog_pid = 0;
}

struct stat_goal stat_goal(int fd, const char *key, uint64_t more_mib)
{
	return (struct stat_goal){ fd, key, tide_stat(fd, key) + TIDE_MIB(more_mib) / TIDE_PAGE };
}

bool stat_reached(const void *data)
{
	const struct stat_goal *goal = data;

	return tide_stat(goal->fd, goal->key) >= goal->value;
}

/* Lots */

void lot_create(struct lot *lot, int fd, uint32_t count, size_t size, uint32_t seed)
{
	igt_assert_lte_u32(count, LOT_MAX);
	*lot = (struct lot){ .fd = fd, .count = count, .size = size, .seed = seed };
	for (uint32_t i = 0; i < count; i++) {
		lot->handles[i] = tide_bo_create(fd, size);
		lot->maps[i] = tide_bo_map(fd, lot->handles[i], size);
		tide_pattern_fill(lot->maps[i], size, seed + i);
	}
}

void lot_close(struct lot *lot)
{
	for (uint32_t i = 0; i < lot->count; i++) {
		munmap(lot->maps[i], lot->size);
		do_or_die(__tide_bo_close(lot->fd, lot->handles[i]));
	}
	lot->count = 0;
}

void lot_offer(struct lot *lot, uint32_t priority)
{
	tide_offer(lot->fd, lot->handles, lot->count, priority);
}

uint32_t lot_reclaim(struct lot *lot, uint32_t queue)
{
	uint32_t handles[LOT_MAX], results[LOT_MAX], discarded = 0;

	for (uint32_t i = 0; i < lot->count; i++)
		handles[lot->count - 1 - i] = lot->handles[i];
	tide_reclaim(lot->fd, queue, handles, results, lot->count);
	for (uint32_t i = 0; i < lot->count; i++) {
		lot->results[i] = results[lot->count - 1 - i];
		discarded += lot->results[i] == DRM_TIDE_RECLAIM_DISCARDED;
	}
	return discarded;
}

void lot_check(const struct lot *lot)
{
	for (uint32_t i = 0; i < lot->count; i++)
		if (lot->results[i] == DRM_TIDE_RECLAIM_OK)
			tide_pattern_check(lot->maps[i], lot->size, lot->seed + i);
		else
			tide_zero_check(lot->maps[i], lot->size);
}

void lot_check_intact(const struct lot *lot)
{
	for (uint32_t i = 0; i < lot->count; i++)
		tide_pattern_check(lot->maps[i], lot->size, lot->seed + i);
}

void lot_check_order(const struct lot *lot)
{
	char picture[LOT_MAX + 1] = "";
	bool wrong = false;

	for (uint32_t i = 0; i < lot->count; i++) {
		picture[i] = lot->results[i] == DRM_TIDE_RECLAIM_DISCARDED ? 'd' : '.';
		wrong |= i && picture[i] == 'd' && picture[i - 1] == '.';
	}
	igt_assert_f(!wrong, "discarded (d) and kept, in the order in which they should go:\n%s\n",
		     picture);
}

uint32_t lot_count_flag(const struct lot *lot, uint32_t flag)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < lot->count; i++)
		n += (tide_bo_flags(lot->fd, lot->handles[i]) & flag) != 0;
	return n;
}

uint64_t lot_absent(const struct lot *lot)
{
	uint64_t absent = 0;

	for (uint32_t i = 0; i < lot->count; i++)
		absent += lot->size - tide_bo_info(lot->fd, lot->handles[i]).present;
	return absent;
}

void lot_make_resident(const struct lot *lot, const struct tide_queue *queue)
{
	tide_queue_wait(lot->fd, queue,
			tide_make_resident(lot->fd, queue->id, lot->handles, lot->count));
	igt_assert_eq_u32(lot_count_flag(lot, DRM_TIDE_BO_RESIDENT), lot->count);
}

void lot_check_resident_for_job(const struct lot *lot)
{
	struct tide_job job = {};
	struct tide_cork cork;
	uint32_t resident;

	igt_assert_lte_u32(lot->count, TIDE_JOB_MAX);
	for (uint32_t i = 0; i < lot->count; i++)
		tide_job_bo(&job, lot->handles[i], TIDE_READ);
	tide_job_wait(&job, tide_cork_plug(&cork, lot->fd), 0);
	tide_submit(lot->fd, &job);
	resident = lot_count_flag(lot, DRM_TIDE_BO_RESIDENT);
	tide_cork_fini(&cork, lot->fd);
	igt_assert_eq_u32(resident, lot->count);
}

void lot_use_on_gpu(const struct lot *lot)
{
	struct tide_job job = {};

	igt_assert_lte_u32(lot->count, TIDE_JOB_MAX);
	for (uint32_t i = 0; i < lot->count; i++)
		tide_job_bo(&job, lot->handles[i], TIDE_READ);
	tide_submit_wait(lot->fd, &job);
}

void lot_check_intact_on_gpu(const struct lot *lot, const struct tide_queue *queue)
{
	uint32_t target = tide_bo_create(lot->fd, lot->size);
	void *map = tide_bo_map(lot->fd, target, lot->size);

	tide_make_resident_one(lot->fd, queue, target);
	for (uint32_t i = 0; i < lot->count; i++) {
		tide_gpu_copy(lot->fd, target, 0, lot->handles[i], 0, lot->size);
		tide_pattern_check(map, lot->size, lot->seed + i);
	}
	munmap(map, lot->size);
	do_or_die(__tide_bo_close(lot->fd, target));
}
