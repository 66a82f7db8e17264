/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _TIDE_TEST_DEVICE_H_
#define _TIDE_TEST_DEVICE_H_

#include <kunit/test.h>

#include "../tide_drv.h"
#include "../tide_gem.h"

/* Structs as far as the code under test looks at them. They end with the test. */

/* Two segments of a page count each, and lists of offers that know no cgroups */
struct tide_device *tide_test_device(struct kunit *test, u64 system_pages, u64 local_pages);
/* Idle since a time, which is above TIDE_SUSPENDED for one that is not suspended */
struct tide_client *tide_test_client(struct kunit *test, struct tide_device *tdev, u64 opened);
struct tide_bo *tide_test_bo(struct kunit *test, struct tide_segment *segment, u64 pages);
/* A handle */
struct tide_bo_client *tide_test_open(struct kunit *test, struct tide_bo *bo,
				      struct tide_client *client);

#endif /* _TIDE_TEST_DEVICE_H_ */
