// SPDX-License-Identifier: MIT
/* tide as the rest of the system sees it, and the memory pressure that it sees. */

#include "igt.h"
#include "igt_tide.h"

#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#define DIE_ON(cond, what) igt_assert_f(!(cond), "%s: %s\n", what, strerror(errno))

/* The whole of an open file, to be freed; closes it. */
static char *slurp(int fd)
{
	size_t size = 1 << 16, used = 0;
	char *text = malloc(size);
	ssize_t got;

	igt_assert(text);
	while ((got = read(fd, text + used, size - used - 1)) > 0) {
		used += got;
		if (size - used < 4096) {
			char *longer = realloc(text, size *= 2);

			igt_assert(longer);
			text = longer;
		}
	}
	igt_assert_eq(got, 0);
	close(fd);
	text[used] = 0;
	return text;
}

static int __write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

static char *read_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	DIE_ON(fd < 0, path);
	return slurp(fd);
}

/* The number behind a key at the start of a line: `key value` or `key: value`. */
static bool find_key(const char *text, const char *key, uint64_t *value, char *unit)
{
	size_t length = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		if (*line == '\n')
			line++;
		if (strncmp(line, key, length) || !strchr(": \t", line[length]))
			continue;
		unit[0] = 0;
		return sscanf(line + length, "%*[: \t]%" SCNu64 " %7s", value, unit) >= 1;
	}
	return false;
}

/* debugfs */

int tide_debugfs_open(int fd, const char *name, int flags)
{
	struct stat st;
	char path[128];
	int file = -1, id;

	do_or_die(fstat(fd, &st));
	id = minor(st.st_rdev);
	for (; id >= 0 && file < 0; id -= 128) {
		snprintf(path, sizeof(path), "/sys/kernel/debug/dri/%d/%s", id, name);
		file = open(path, flags | O_CLOEXEC);
	}
	return file;
}

char *tide_debugfs_read(int fd, const char *name)
{
	int file = tide_debugfs_open(fd, name, O_RDONLY);

	DIE_ON(file < 0, name);
	return slurp(file);
}

void tide_shrink(int fd, uint64_t pages)
{
	int file = tide_debugfs_open(fd, "shrink", O_WRONLY);
	char text[24];

	DIE_ON(file < 0, "shrink");
	snprintf(text, sizeof(text), "%" PRIu64 "\n", pages);
	DIE_ON(write(file, text, strlen(text)) != (ssize_t)strlen(text), "shrink");
	close(file);
}

uint64_t tide_stat(int fd, const char *key)
{
	char *text = tide_debugfs_read(fd, "stats");
	uint64_t value = 0;
	char unit[8];

	igt_assert_f(find_key(text, key, &value, unit), "no %s in\n%s", key, text);
	free(text);
	return value;
}

void tide_discard(int fd, uint32_t handle)
{
	int64_t end = tide_deadline(TIDE_LIVENESS_S * NSEC_PER_SEC);

	while (!(tide_bo_flags(fd, handle) & DRM_TIDE_BO_DISCARDED)) {
		igt_assert_f(tide_deadline(0) < end, "the shrinker does not discard it\n");
		tide_shrink(fd, 1);
	}
}

void tide_swap_out(int fd, uint32_t handle)
{
	int64_t end = tide_deadline(TIDE_LIVENESS_S * NSEC_PER_SEC);
	struct drm_tide_bo_info info;
	char text[24];

	for (;;) {
		info = tide_bo_info(fd, handle);
		if (!info.present)
			return;
		igt_assert_f(tide_deadline(0) < end, "%" PRIu64 " of %" PRIu64 " bytes stay\n",
			     (uint64_t)info.present, (uint64_t)info.size);
		tide_shrink(fd, info.size / TIDE_PAGE);
		/* What the shrinker made swappable is swapped by reclaim. */
		snprintf(text, sizeof(text), "%" PRIu64, (uint64_t)info.size);
		__write_file("/sys/fs/cgroup/memory.reclaim", text);
	}
}

void tide_drop_caches(void)
{
	igt_assert_eq(__write_file("/proc/sys/vm/drop_caches", "1"), 0);
}

/* Module parameters */

#define PARAM_PATH "/sys/module/tide/parameters/"

static struct {
	char name[32];
	uint64_t value;
} saved_params[8];

uint64_t tide_param_get(const char *name)
{
	char path[96];
	uint64_t value;
	char *text;

	snprintf(path, sizeof(path), PARAM_PATH "%s", name);
	text = read_file(path);
	igt_assert_eq(sscanf(text, "%" SCNu64, &value), 1);
	free(text);
	return value;
}

int __tide_param_set(const char *name, uint64_t value)
{
	char path[96], text[24];

	snprintf(path, sizeof(path), PARAM_PATH "%s", name);
	snprintf(text, sizeof(text), "%" PRIu64, value);
	return __write_file(path, text);
}

static void restore_params(int sig __maybe_unused)
{
	for (size_t i = 0; i < ARRAY_SIZE(saved_params) && saved_params[i].name[0]; i++)
		__tide_param_set(saved_params[i].name, saved_params[i].value);
}

void tide_param_set(const char *name, uint64_t value)
{
	size_t i = 0;

	while (saved_params[i].name[0] && strcmp(saved_params[i].name, name))
		igt_assert_lt(++i, ARRAY_SIZE(saved_params));
	if (!saved_params[i].name[0]) {
		saved_params[i].value = tide_param_get(name);
		snprintf(saved_params[i].name, sizeof(saved_params[i].name), "%s", name);
		if (i == 0)
			igt_install_exit_handler(restore_params);
	}
	igt_assert_eq(__tide_param_set(name, value), 0);
}

/* The module */

static void load_module(const char *parameters)
{
	const char *path = getenv("TIDE_KO") ?: "/src/build/stock/kernel/tide.ko";
	int fd;

	for (int tries = 0; syscall(SYS_delete_module, "tide", O_NONBLOCK); tries++) {
		igt_assert_lt(tries, TIDE_LIVENESS_S * 10);
		usleep(100000);
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	igt_assert_fd(fd);
	do_or_die(syscall(SYS_finit_module, fd, parameters, 0));
	close(fd);
}

/* A subtest that failed has left its files open. */
static void restore_module(int sig __maybe_unused)
{
	close_range(STDERR_FILENO + 1, ~0u, 0);
	load_module(getenv("TIDE_PARAMETERS") ?: "");
}

void tide_reload(const char *parameters)
{
	static bool installed;

	if (!installed)
		igt_install_exit_handler(restore_module);
	installed = true;
	load_module(parameters);
}

/* fdinfo */

int64_t tide_fdinfo(int fd, const char *key)
{
	char path[64], unit[8];
	uint64_t value;
	char *text;
	bool found;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	text = read_file(path);
	found = find_key(text, key, &value, unit);
	free(text);
	if (!found)
		return -ENOENT;
	if (!strcmp(unit, "KiB"))
		value <<= 10;
	else if (!strcmp(unit, "MiB"))
		value <<= 20;
	return value;
}

/* Swap */

static int zram_id = -1;

static void zram_write(const char *file, const char *text)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/block/zram%d/%s", zram_id, file);
	igt_assert_eq(__write_file(path, text), 0);
}

static void swap_off(int sig __maybe_unused)
{
	char path[64];

	if (zram_id < 0)
		return;
	snprintf(path, sizeof(path), "/dev/zram%d", zram_id);
	swapoff(path);
	snprintf(path, sizeof(path), "%d", zram_id);
	__write_file("/sys/class/zram-control/hot_remove", path);
	zram_id = -1;
}

void tide_swap_on(uint64_t bytes)
{
	static bool installed;
	char text[64];
	char *id;

	igt_assert_eq(zram_id, -1);
	igt_require_f(!access("/sys/class/zram-control", F_OK) || !system("modprobe -q zram"),
		      "no zram\n");
	id = read_file("/sys/class/zram-control/hot_add");
	zram_id = atoi(id);
	free(id);
	if (!installed) {
		igt_install_exit_handler(swap_off);
		installed = true;
	}
	snprintf(text, sizeof(text), "%" PRIu64, bytes);
	zram_write("disksize", text);
	snprintf(text, sizeof(text), "mkswap -q /dev/zram%d", zram_id);
	igt_assert_eq(system(text), 0);
	snprintf(text, sizeof(text), "/dev/zram%d", zram_id);
	do_or_die(swapon(text, 0));
}

void tide_swap_off(void)
{
	swap_off(0);
}

/* Memory cgroups */

#define CGROUP_ROOT "/sys/fs/cgroup"

static void cgroup_make(struct tide_cgroup *cg, const char *parent, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/cgroup.subtree_control", parent);
	igt_require_f(!__write_file(path, "+memory"), "no cgroup2 with the memory controller\n");
	igt_assert_lt(snprintf(cg->path, sizeof(cg->path), "%s/%s", parent, name),
		      sizeof(cg->path));
	DIE_ON(mkdir(cg->path, 0755) && errno != EEXIST, cg->path);
}

void tide_cgroup_create(struct tide_cgroup *cg, const char *name)
{
	cgroup_make(cg, CGROUP_ROOT, name);
}

void tide_cgroup_create_in(struct tide_cgroup *cg, const struct tide_cgroup *parent,
			   const char *name)
{
	cgroup_make(cg, parent->path, name);
}

void tide_cgroup_set(const struct tide_cgroup *cg, const char *file, const char *value)
{
	char path[256];
	int ret;

	snprintf(path, sizeof(path), "%s/%s", cg->path, file);
	ret = __write_file(path, value);
	igt_assert_f(!ret, "%s to %s: %s\n", value, path, strerror(-ret));
}

void tide_cgroup_set_u64(const struct tide_cgroup *cg, const char *file, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	tide_cgroup_set(cg, file, text);
}

uint64_t tide_cgroup_get_u64(const struct tide_cgroup *cg, const char *file)
{
	char path[256];
	uint64_t value;
	char *text;

	snprintf(path, sizeof(path), "%s/%s", cg->path, file);
	text = read_file(path);
	if (sscanf(text, "%" SCNu64, &value) != 1)
		value = UINT64_MAX; /* max */
	free(text);
	return value;
}

uint64_t tide_cgroup_key(const struct tide_cgroup *cg, const char *file, const char *key)
{
	char path[256], unit[8];
	uint64_t value;
	char *text;

	snprintf(path, sizeof(path), "%s/%s", cg->path, file);
	text = read_file(path);
	igt_assert_f(find_key(text, key, &value, unit), "no %s in %s\n", key, path);
	free(text);
	return value;
}

void tide_cgroup_enter(const struct tide_cgroup *cg)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/cgroup.procs", cg ? cg->path : CGROUP_ROOT);
	igt_assert_eq(__write_file(path, "0"), 0);
}

void tide_cgroup_destroy(struct tide_cgroup *cg)
{
	int64_t end = tide_deadline(TIDE_LIVENESS_S * NSEC_PER_SEC);

	/* A process that has ended stays in it for a moment. */
	while (rmdir(cg->path)) {
		igt_assert_f(errno == EBUSY && tide_deadline(0) < end, "%s: %s\n", cg->path,
			     strerror(errno));
		usleep(10000);
	}
}
