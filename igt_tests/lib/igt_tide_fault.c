// SPDX-License-Identifier: MIT
#include "igt.h"
#include "igt_tide_fault.h"

#define DEBUG_PATH "/sys/kernel/debug/"

static int nth_fd = -1;

static bool try_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_TRUNC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = write(fd, text, strlen(text));
	close(fd);
	return n >= 0;
}

static void set(const char *path, const char *text)
{
	igt_assert_f(try_write(path, text), "%s: %s\n", path, strerror(errno));
}

/* What it copies may be what fails: then nothing is left to fail. */
static bool clear_nth(void)
{
	return pwrite(nth_fd, "0", 1, 0) > 0 || errno == EFAULT;
}

static void end_nth(int sig)
{
	clear_nth();
}

void fault_require(void)
{
	if (nth_fd >= 0)
		return;

	/* Of the thread, not of the process */
	nth_fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	igt_require_f(nth_fd >= 0, "the kernel has no fault injection\n");
	igt_require(!access(DEBUG_PATH "failslab", F_OK) &&
		    !access(DEBUG_PATH "fail_page_alloc", F_OK) &&
		    !access(DEBUG_PATH "fail_usercopy", F_OK));
	igt_install_exit_handler(end_nth);

	set(DEBUG_PATH "failslab/ignore-gfp-wait", "N");
	set(DEBUG_PATH "failslab/verbose", "0");
	set(DEBUG_PATH "fail_page_alloc/ignore-gfp-wait", "N");
	set(DEBUG_PATH "fail_page_alloc/ignore-gfp-highmem", "N");
	set(DEBUG_PATH "fail_page_alloc/min-order", "0");
	set(DEBUG_PATH "fail_page_alloc/verbose", "0");
	set(DEBUG_PATH "fail_usercopy/verbose", "0");
}

void fault_arm(unsigned int n)
{
	char text[16];

	/* What the write itself copies comes before. */
	snprintf(text, sizeof(text), "%u", n);
	igt_assert_f(pwrite(nth_fd, text, strlen(text), 0) > 0, "fail-nth: %s\n", strerror(errno));
}

bool fault_hit(void)
{
	char text[16];
	ssize_t n = pread(nth_fd, text, sizeof(text), 0);

	/* To read it is a user copy: where the next one had to fail, it was this. */
	if (n < 0)
		return false;
	if (text[0] == '0')
		return true;
	igt_assert_f(clear_nth(), "fail-nth: %s\n", strerror(errno));
	return false;
}

static char point_path[192];

static bool set_point(const char *file, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", point_path, file);
	return try_write(path, text);
}

static void end_point(int sig)
{
	if (point_path[0])
		set_point("probability", "0");
	point_path[0] = 0;
}

void fault_point_require(int fd)
{
	igt_require_f(igt_debugfs_exists(fd, "fail_populate", O_RDONLY),
		      "the kernel has no fault injection\n");
}

void fault_point_arm(int fd, const char *name, int times)
{
	static bool installed;
	char text[16];

	if (!installed)
		igt_install_exit_handler(end_point);
	installed = true;

	igt_assert(igt_debugfs_path(fd, point_path, sizeof(point_path)));
	strncat(point_path, "/", sizeof(point_path) - strlen(point_path) - 1);
	strncat(point_path, name, sizeof(point_path) - strlen(point_path) - 1);

	snprintf(text, sizeof(text), "%d", times);
	igt_assert(set_point("verbose", "0"));
	igt_assert(set_point("times", text));
	igt_assert(set_point("probability", "100"));
}

int fault_point_end(void)
{
	char path[256], text[16] = "";
	int fd;

	snprintf(path, sizeof(path), "%s/times", point_path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	igt_assert_fd(fd);
	igt_assert(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	end_point(0);
	return atoi(text);
}
