// SPDX-License-Identifier: MIT
/**
 * TEST: tide info
 * Description: Version and limits of the driver.
 */

#include "igt.h"
#include "igt_tide.h"

IGT_TEST_DESCRIPTION("What tide tells of itself");

static void test_version(int fd)
{
	drm_version_t version = {};
	char name[32] = "", desc[128] = "", date[32] = "";

	version.name = name;
	version.name_len = sizeof(name) - 1;
	version.desc = desc;
	version.desc_len = sizeof(desc) - 1;
	version.date = date;
	version.date_len = sizeof(date) - 1;
	do_or_die(drmIoctl(fd, DRM_IOCTL_VERSION, &version));
	igt_assert_eq(strcmp(name, "tide"), 0);
	igt_assert_eq(version.name_len, strlen("tide"));
	igt_assert(desc[0]);
	igt_assert_lte(1, version.version_major);
}

static void test_capabilities(int fd)
{
	static const struct {
		uint64_t capability, least;
	} wanted[] = {
		{ DRM_CAP_PRIME, DRM_PRIME_CAP_IMPORT | DRM_PRIME_CAP_EXPORT },
		{ DRM_CAP_SYNCOBJ, 1 },
		{ DRM_CAP_SYNCOBJ_TIMELINE, 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		struct drm_get_cap cap = { .capability = wanted[i].capability };

		do_or_die(drmIoctl(fd, DRM_IOCTL_GET_CAP, &cap));
		igt_assert_eq_u64(cap.value & wanted[i].least, wanted[i].least);
	}
}

static void test_limits(int fd)
{
	struct drm_tide_info info = tide_info(fd), again;
	int other = tide_open_render();

	igt_assert_lte_u32(1, info.uapi_version);
	igt_assert_lte_u32(1, info.segment_count);
	igt_assert_lte_u32(65536, info.max_handles);
	igt_assert_lte_u32(1, info.max_submit_bos);
	igt_assert_lte_u32(1, info.max_submit_commands);
	igt_assert_lte_u32(1, info.max_submit_syncs);
	igt_assert_lte_u32(1, info.max_queues);
	igt_assert_lte_u32(1, info.job_timeout_ms);
	/* or F3 could not be shown */
	igt_assert_lt_u64(info.job_timeout_ms * NSEC_PER_MSEC, info.max_delay_ns);

	again = tide_info(other);
	igt_assert_eq(memcmp(&info, &again, sizeof(info)), 0);
	close(other);
}

/* One struct serves the kernel before and after a field was added at its end. */
static void test_struct_sizes(int fd)
{
	struct drm_tide_info info = tide_info(fd);
	struct {
		struct drm_tide_info info;
		uint64_t later;
	} large = { .later = 0x5555 };
	uint32_t small = 0;

	igt_assert_eq(__tide_ioctl(fd,
				   DRM_IOWR(DRM_COMMAND_BASE + DRM_TIDE_INFO, large), &large),
		      0);
	igt_assert_eq(memcmp(&info, &large.info, sizeof(info)), 0);
	igt_assert_eq(__tide_ioctl(fd,
				   DRM_IOWR(DRM_COMMAND_BASE + DRM_TIDE_INFO, small), &small),
		      0);
	igt_assert_eq_u32(small, info.uapi_version);
}

static void test_segment(int fd, uint32_t number)
{
	struct drm_tide_segment_info segment = tide_segment_info(fd, number);
	struct tide_queue queue = tide_queue_create(fd);
	int64_t end = tide_deadline(TIDE_LIVENESS_S * NSEC_PER_SEC);
	uint64_t before = segment.usage;
	uint32_t bo;

	igt_assert_lt_u64(0, segment.size);
	igt_assert_lte_u64(segment.usage, segment.size);

	igt_assert_eq(__tide_bo_create_in(fd, TIDE_MIB(1), 1u << number, &bo), 0);
	tide_make_resident_one(fd, &queue, bo);
	igt_assert_lte_u64(before + TIDE_MIB(1), tide_segment_info(fd, number).usage);
	gem_close(fd, bo);
	/* soon: the queue may just be done with it */
	while (tide_segment_info(fd, number).usage > before)
		igt_assert(tide_deadline(0) < end);
	tide_queue_destroy(fd, &queue);
}

static void test_queue_limit(void)
{
	int fd = tide_open_render(), other = tide_open_render();
	uint32_t count = tide_info(fd).max_queues;
	struct tide_queue *queues = calloc(count, sizeof(*queues)), more;

	igt_assert(queues);
	for (uint32_t i = 0; i < count; i++)
		queues[i] = tide_queue_create(fd);
	igt_assert_eq(__tide_queue_create(fd, &more), -ENOSPC);
	/* It is a client's limit. */
	more = tide_queue_create(other);
	tide_queue_destroy(other, &more);
	tide_queue_destroy(fd, &queues[count / 2]);
	queues[count / 2] = tide_queue_create(fd);
	for (uint32_t i = 0; i < count; i++)
		tide_queue_destroy(fd, &queues[i]);
	close(fd);
	close(other);
	free(queues);
}

static void test_debugfs_shrink_input(void)
{
	static const char *const bad[] = { "x\n", "-1\n", "1x\n" };
	int fd = tide_open_render();
	uint32_t bo = tide_bo_create(fd, TIDE_MIB(1));

	tide_bo_pattern(fd, bo, TIDE_MIB(1), 1);
	tide_offer_one(fd, bo, DRM_TIDE_PRIORITY_LOW);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		int file = tide_debugfs_open(fd, "shrink", O_WRONLY);

		igt_assert_fd(file);
		igt_assert(write(file, bad[i], strlen(bad[i])) < 0);
		close(file);
	}
	tide_shrink(fd, 0);
	igt_assert_eq_u32(tide_bo_flags(fd, bo), DRM_TIDE_BO_OFFERED);
	close(fd);
}

static void test_sysfs(void)
{
	int fd = tide_open_render(), dir = igt_sysfs_open(fd);
	char link[256] = "";

	igt_assert_fd(dir);
	igt_assert(readlinkat(dir, "device/driver", link, sizeof(link) - 1) > 0);
	igt_assert_eq(strcmp(strrchr(link, '/'), "/tide"), 0);
	igt_assert(readlinkat(dir, "device/subsystem", link, sizeof(link) - 1) > 0);
	close(dir);
	close(fd);
}

igt_main {
	int fd = -1;

	igt_fixture
		fd = tide_open_render();

	igt_describe("DRM_IOCTL_VERSION names the driver");
	igt_subtest("h7-drm-version")
		test_version(fd);

	igt_describe("PRIME, syncobjs and timelines are announced as capabilities");
	igt_subtest("h7-drm-capabilities")
		test_capabilities(fd);

	igt_describe("Every limit is told, is sensible, and is the same for every client");
	igt_subtest("h7-limits")
		test_limits(fd);

	igt_describe("A struct that is shorter or longer than the kernel's is understood");
	igt_subtest("h7-struct-sizes")
		test_struct_sizes(fd);

	igt_describe("Size and usage of each segment are told, and follow what is resident");
	igt_subtest("h7-segment-usage")
		for (uint32_t i = 0; i < tide_info(fd).segment_count; i++)
			test_segment(fd, i);

	igt_describe("A client gets the queues that the limits promise, and not one more");
	igt_subtest("h7-queue-limit")
		test_queue_limit();

	igt_describe("sysfs leads to the driver");
	igt_subtest("h6-sysfs-device")
		test_sysfs();

	igt_describe("The shrink knob refuses what is no number, and takes 0");
	igt_subtest("h6-debugfs-shrink-input")
		test_debugfs_shrink_input();

	igt_fixture
		close(fd);
}
