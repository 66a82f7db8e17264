// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Ranges of commands.
 */
#include "tide_test_device.h"

#include "../tide_submit.h"

#define PAGES	3
#define BYTES	((u64)PAGES << PAGE_SHIFT)

#define FILL(offset, size) \
	{ .op = DRM_TIDE_CMD_FILL, .dst = 1, .dst_offset = offset, .length = size }
#define COPY(to, from, size) \
	{ .op = DRM_TIDE_CMD_COPY, .dst = 1, .dst_offset = to, .src_offset = from, .length = size }

static const struct {
	struct drm_tide_command cmd;
	int ret;
} tide_submit_table[] = {
	{ FILL(0, BYTES), 0 },
	{ FILL(BYTES - 1, 1), 0 },
	{ FILL(1, BYTES - 1), 0 },
	{ FILL(0, 0), -ERANGE },
	{ FILL(BYTES, 0), -ERANGE },
	{ FILL(0, BYTES + 1), -ERANGE },
	{ FILL(1, BYTES), -ERANGE },
	{ FILL(BYTES, 1), -ERANGE },
	/* Sums that overflow */
	{ FILL(1, U64_MAX), -ERANGE },
	{ FILL(U64_MAX, 1), -ERANGE },
	{ FILL(U64_MAX, U64_MAX), -ERANGE },
	{ FILL(U64_MAX - BYTES + 1, BYTES), -ERANGE },
	{ FILL(1ull << 63, 1ull << 63), -ERANGE },
	{ COPY(0, 0, BYTES), 0 },
	{ COPY(1, 0, BYTES), -ERANGE },
	{ COPY(0, 1, BYTES), -ERANGE },
	{ COPY(0, U64_MAX, 2), -ERANGE },
	{ COPY(U64_MAX, 0, 2), -ERANGE },
	{ { .op = DRM_TIDE_CMD_FILL, .dst = 0, .length = 1 }, -EINVAL },
	{ { .op = DRM_TIDE_CMD_FILL, .dst = 2, .length = 1 }, -EINVAL },
	{ { .op = DRM_TIDE_CMD_FILL, .dst = U32_MAX, .length = 1 }, -EINVAL },
	{ { .op = DRM_TIDE_CMD_COPY, .dst = 1, .src = 1, .length = 1 }, -EINVAL },
	{ { .op = DRM_TIDE_CMD_COPY, .dst = 1, .src = U32_MAX, .length = 1 }, -EINVAL },
	{ { .op = DRM_TIDE_CMD_DELAY }, 0 },
	{ { .op = DRM_TIDE_CMD_DELAY, .length = TIDE_MAX_DELAY_NS }, 0 },
	{ { .op = DRM_TIDE_CMD_DELAY, .length = TIDE_MAX_DELAY_NS + 1 }, -ERANGE },
	{ { .op = DRM_TIDE_CMD_DELAY, .length = U64_MAX }, -ERANGE },
	{ { .op = 0 }, -EINVAL },
	{ { .op = DRM_TIDE_CMD_DELAY + 1 }, -EINVAL },
	{ { .op = U32_MAX }, -EINVAL },
};

static void tide_test_ranges(struct kunit *test)
{
	struct tide_device *tdev = tide_test_device(test, 10, 10);
	struct tide_bo *bo = tide_test_bo(test, &tdev->segments[0], PAGES);
	/* One to read from, one to write to */
	struct tide_job_bo bos[] = {
		{ .bo = bo, .flags = DRM_TIDE_SUBMIT_READ },
		{ .bo = bo, .flags = DRM_TIDE_SUBMIT_WRITE },
	};
	struct tide_job *job = kunit_kzalloc(test, sizeof(*job), GFP_KERNEL);
	struct tide_submit submit = { .job = job };

	KUNIT_ASSERT_NOT_NULL(test, job);
	job->bos = bos;
	job->bo_count = ARRAY_SIZE(bos);
	for (int i = 0; i < ARRAY_SIZE(tide_submit_table); i++)
		KUNIT_EXPECT_EQ_MSG(test,
				    tide_submit_check_command(&submit, &tide_submit_table[i].cmd),
				    tide_submit_table[i].ret, "command %d", i);
}

static struct kunit_case tide_submit_cases[] = {
	KUNIT_CASE(tide_test_ranges),
	{}
};

static struct kunit_suite tide_submit_suite = {
	.name = "tide_submit",
	.test_cases = tide_submit_cases,
};

kunit_test_suite(tide_submit_suite);
