/* SPDX-License-Identifier: MIT */
#ifndef IGT_COMPAT_IGT_H
#define IGT_COMPAT_IGT_H

/*
 * What these tests use of libigt.so.0 as Debian ships it (IGT 2.0, package
 * intel-gpu-tools), which comes without headers. The names and the meaning are
 * upstream's, so that a test compiles unchanged in an IGT tree; only what is
 * used here is declared.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include <xf86drm.h>

#define __noreturn __attribute__((noreturn))
#ifndef __maybe_unused
#define __maybe_unused __attribute__((unused))
#endif
#define __igt_printf(f, a) __attribute__((format(printf, f, a)))

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#endif
#define ALIGN(v, a)	(((v) + (typeof(v))(a) - 1) & ~((typeof(v))(a) - 1))
#define READ_ONCE(x)	 (*(volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile typeof(x) *)&(x) = (v))
#define min(a, b)	 ((a) < (b) ? (a) : (b))
#define max(a, b)	 ((a) > (b) ? (a) : (b))

#define USEC_PER_SEC	1000000ull
#define NSEC_PER_USEC	1000ull
#define NSEC_PER_MSEC	1000000ull
#define NSEC_PER_SEC	1000000000ull

/* Messages */

#ifndef IGT_LOG_DOMAIN
#define IGT_LOG_DOMAIN NULL
#endif

enum igt_log_level {
	IGT_LOG_DEBUG,
	IGT_LOG_INFO,
	IGT_LOG_WARN,
	IGT_LOG_CRITICAL,
	IGT_LOG_NONE,
};

__igt_printf(3, 4) void igt_log(const char *domain, enum igt_log_level level,
				const char *format, ...);

#define igt_debug(...) igt_log(IGT_LOG_DOMAIN, IGT_LOG_DEBUG, __VA_ARGS__)
#define igt_info(...)  igt_log(IGT_LOG_DOMAIN, IGT_LOG_INFO, __VA_ARGS__)
#define igt_warn(...)  igt_log(IGT_LOG_DOMAIN, IGT_LOG_WARN, __VA_ARGS__)

/* Programs, fixtures and subtests. A block is left by a jump to its start. */

struct option;
typedef int (*igt_opt_handler_t)(int opt, int opt_index, void *data);

extern jmp_buf igt_subtest_jmpbuf;
extern jmp_buf igt_dynamic_jmpbuf;

int igt_subtest_init_parse_opts(int *argc, char **argv, const char *extra_short_opts,
				const struct option *extra_long_opts, const char *help_str,
				igt_opt_handler_t extra_opt_handler, void *handler_data);
__noreturn void igt_exit(void);

bool __igt_fixture(void);
void __igt_fixture_complete(void);
bool __igt_run_subtest(const char *subtest_name, const char *file, const int line);
bool __igt_run_dynamic_subtest(const char *dynamic_subtest_name);
void __igt_subtest_group_save(int *save, int *desc);
void __igt_subtest_group_restore(int save, int desc);
bool igt_only_list_subtests(void);
const char *igt_subtest_name(void);

__igt_printf(1, 2) void igt_describe_f(const char *fmt, ...);
#define igt_describe(text) igt_describe_f("%s", text)

#define __igt_cat2(a, b)  a##b
#define __igt_cat(a, b)	  __igt_cat2(a, b)
#define __igt_name(name) __igt_cat(__igt_##name##_, __LINE__)

#define IGT_TEST_DESCRIPTION(text) const char *__igt_test_description = text

#define IGT_OPT_HANDLER_SUCCESS 0
#define IGT_OPT_HANDLER_ERROR	(-2)

#define igt_main_args(short_opts, long_opts, help, handler, data)                      \
	static void __igt_name(body)(void);                                            \
	int main(int argc, char **argv)                                                \
	{                                                                              \
		igt_subtest_init_parse_opts(&argc, argv, short_opts, long_opts, help,  \
					    handler, data);                            \
		__igt_name(body)();                                                    \
		igt_exit();                                                            \
	}                                                                              \
	static void __igt_name(body)(void)
#define igt_main igt_main_args(NULL, NULL, NULL, NULL, NULL)

#define igt_fixture                                                                    \
	for (volatile bool __igt_name(done) = false;                                   \
	     !__igt_name(done) && __igt_fixture() && !sigsetjmp(igt_subtest_jmpbuf, 1); \
	     __igt_name(done) = true, __igt_fixture_complete())

#define igt_subtest(name)                                                              \
	for (; __igt_run_subtest((name), __FILE__, __LINE__) &&                        \
	       !sigsetjmp(igt_subtest_jmpbuf, 1);                                      \
	     igt_success())

#define igt_subtest_f(...)                                                             \
	for (char __igt_name(text)[256];                                               \
	     snprintf(__igt_name(text), sizeof(__igt_name(text)), __VA_ARGS__),        \
	     __igt_run_subtest(__igt_name(text), __FILE__, __LINE__) &&                \
	     !sigsetjmp(igt_subtest_jmpbuf, 1);                                        \
	     igt_success())

#define igt_subtest_group                                                              \
	for (int __igt_name(once) = 1, __igt_name(save) = 0, __igt_name(desc) = 0;     \
	     __igt_name(once) &&                                                       \
	     (__igt_subtest_group_save(&__igt_name(save), &__igt_name(desc)), true);   \
	     __igt_name(once) = 0,                                                     \
	     __igt_subtest_group_restore(__igt_name(save), __igt_name(desc)))

/* How a subtest ends */

void igt_success(void);
__noreturn __igt_printf(1, 2) void igt_skip(const char *f, ...);
__noreturn __igt_printf(5, 6) void __igt_skip_check(const char *file, const int line,
						    const char *func, const char *check,
						    const char *format, ...);
__noreturn __igt_printf(6, 7) void __igt_fail_assert(const char *domain, const char *file,
						     const int line, const char *func,
						     const char *assertion,
						     const char *format, ...);

#define __igt_fail(text, ...)                                                          \
	__igt_fail_assert(IGT_LOG_DOMAIN, __FILE__, __LINE__, __func__, text, __VA_ARGS__)

#define igt_assert(expr)                                                               \
	do {                                                                           \
		if (!(expr))                                                           \
			__igt_fail(#expr, NULL);                                       \
	} while (0)
#define igt_assert_f(expr, ...)                                                        \
	do {                                                                           \
		if (!(expr))                                                           \
			__igt_fail(#expr, __VA_ARGS__);                                \
	} while (0)

#define __igt_assert_cmp(type, format, a, op, b)                                       \
	do {                                                                           \
		type __a = (a), __b = (b);                                             \
		if (!(__a op __b))                                                     \
			__igt_fail(#a " " #op " " #b,                                  \
				   "error: %" format " against %" format "\n", __a, __b); \
	} while (0)

#define igt_assert_eq(a, b)	 __igt_assert_cmp(int, "d", a, ==, b)
#define igt_assert_neq(a, b)	 __igt_assert_cmp(int, "d", a, !=, b)
#define igt_assert_lt(a, b)	 __igt_assert_cmp(int, "d", a, <, b)
#define igt_assert_lte(a, b)	 __igt_assert_cmp(int, "d", a, <=, b)
#define igt_assert_eq_u32(a, b)	 __igt_assert_cmp(uint32_t, PRIu32, a, ==, b)
#define igt_assert_neq_u32(a, b) __igt_assert_cmp(uint32_t, PRIu32, a, !=, b)
#define igt_assert_lte_u32(a, b) __igt_assert_cmp(uint32_t, PRIu32, a, <=, b)
#define igt_assert_eq_u64(a, b)	 __igt_assert_cmp(uint64_t, PRIu64, a, ==, b)
#define igt_assert_neq_u64(a, b) __igt_assert_cmp(uint64_t, PRIu64, a, !=, b)
#define igt_assert_lt_u64(a, b)	 __igt_assert_cmp(uint64_t, PRIu64, a, <, b)
#define igt_assert_lte_u64(a, b) __igt_assert_cmp(uint64_t, PRIu64, a, <=, b)
#define igt_assert_fd(fd)	 igt_assert_f((fd) >= 0, "%s: %s\n", #fd, strerror(errno))
#define do_or_die(x)		 igt_assert_f((x) == 0, "%s\n", strerror(errno))

#define igt_require(expr)                                                              \
	do {                                                                           \
		if (!(expr))                                                           \
			__igt_skip_check(__FILE__, __LINE__, __func__, #expr, NULL);   \
	} while (0)
#define igt_require_f(expr, ...)                                                       \
	do {                                                                           \
		if (!(expr))                                                           \
			__igt_skip_check(__FILE__, __LINE__, __func__, #expr,          \
					 __VA_ARGS__);                                 \
	} while (0)
#define igt_skip_on(expr) igt_require(!(expr))

/* Threads: one that fails an assertion ends, and the subtest has to ask. */

void igt_thread_assert_no_failures(void);

/* Processes */

struct igt_helper_process {
	bool running;
	bool use_SIGKILL;
	pid_t pid;
	int id;
};

bool __igt_fork(void);
int __igt_waitchildren(void);
void igt_waitchildren(void);
void igt_waitchildren_timeout(int seconds, const char *reason);
void igt_kill_children(int signal);
bool __igt_fork_helper(struct igt_helper_process *proc);
int igt_wait_helper(struct igt_helper_process *proc);
void igt_stop_helper(struct igt_helper_process *proc);
void igt_fork_signal_helper(void);
void igt_stop_signal_helper(void);

#define igt_fork(child, count)                                                         \
	for (int child = 0; child < (count); child++)                                  \
		for (; __igt_fork(); exit(0))
#define igt_fork_helper(proc) for (; __igt_fork_helper(proc); exit(0))

typedef void (*igt_exit_handler_t)(int sig);
void igt_install_exit_handler(igt_exit_handler_t fn);
void igt_set_timeout(unsigned int seconds, const char *op);
void igt_reset_timeout(void);

/* Devices and modules */

#define DRIVER_VGEM (1 << 2)
#define DRIVER_ANY  (~DRIVER_VGEM)

int __drm_open_device(const char *name, unsigned int chipset);
int __drm_open_driver(int chipset);
int drm_open_driver(int chipset);
int drm_close_driver(int fd);

bool igt_kmod_is_loaded(const char *mod_name);
int igt_kmod_load(const char *mod_name, const char *opts);
int igt_kmod_unload(const char *mod_name);

char *igt_debugfs_path(int device, char *path, int pathlen);
int igt_debugfs_dir(int device);
int igt_debugfs_open(int fd, const char *filename, int mode);
bool igt_debugfs_exists(int fd, const char *filename, int mode);
int igt_sysfs_open(int device);
char *igt_sysfs_get(int dir, const char *attr);
bool igt_sysfs_has_attr(int dir, const char *attr);

/* GEM and PRIME */

void gem_close(int fd, uint32_t handle);
uint32_t gem_flink(int fd, uint32_t handle);
uint32_t gem_open(int fd, uint32_t name);
int prime_handle_to_fd(int fd, uint32_t handle);
int prime_handle_to_fd_for_mmap(int fd, uint32_t handle);
uint32_t prime_fd_to_handle(int fd, int dma_buf_fd);
off_t prime_get_size(int dma_buf_fd);

#endif
