// SPDX-License-Identifier: MIT
/**
 * TEST: tide pinned
 * Description: Pages that are pinned for DMA, as buffers are that are registered with io_uring, stay
 * where they are. What else there is goes on around them.
 */
#include "igt.h"
#include "igt_tide.h"
#include "igt_tide_set.h"

#include <linux/io_uring.h>
#include <sys/syscall.h>
#include <sys/uio.h>

IGT_TEST_DESCRIPTION("Pages pinned for DMA");

#define LOCAL	  DRM_TIDE_SEGMENT_LOCAL
#define LOCAL_MIB 8u
#define SIZE	  TIDE_MIB(1)

/* Pins a page in the middle of each, until the file that is returned is closed. */
static int pin(const struct tide_set *set, uint32_t first, uint32_t count)
{
	struct io_uring_params params = {};
	struct iovec pages[TIDE_SET_MAX_BOS];
	int ring = syscall(__NR_io_uring_setup, 1, &params);

	igt_assert_fd(ring);
	for (uint32_t i = 0; i < count; i++) {
		uint8_t *ptr = tide_bo_map(set->fd, set->bos[first + i], SIZE);

		pages[i] = (struct iovec){ ptr + SIZE / 2, TIDE_PAGE };
	}
	igt_assert_eq(syscall(__NR_io_uring_register, ring, IORING_REGISTER_BUFFERS, pages, count),
		      0);
	for (uint32_t i = 0; i < count; i++)
		munmap((uint8_t *)pages[i].iov_base - SIZE / 2, SIZE);
	return ring;
}

static void wait_until_gone(const struct tide_set *set, uint32_t index)
{
	int64_t end = tide_deadline(TIDE_LIVENESS_S * NSEC_PER_SEC);

	while (tide_set_residents(set, index, 1)) {
		igt_assert_f(tide_deadline(0) < end, "allocation %u stays\n", index);
		usleep(1000);
	}
}

static uint32_t page_in_error(struct tide_set *set)
{
	uint64_t value = tide_make_resident(set->fd, set->queue.id, set->bos, 1);

	tide_queue_wait(set->fd, &set->queue, value);
	return tide_queue_info(set->fd, set->queue.id, value).error;
}

/* Whoever needs the room gets an error, and not no answer at all. */
static void test_no_room(void)
{
	int64_t end = tide_deadline(TIDE_LIVENESS_S * NSEC_PER_SEC);
	struct tide_set set, other;
	int ring;

	tide_set_open(&set, SIZE);
	tide_set_open(&other, SIZE);
	tide_set_add(&set, LOCAL_MIB, 1);
	tide_set_add(&other, 1, 100);
	tide_set_make_resident(&set, 0, LOCAL_MIB);
	ring = pin(&set, 0, LOCAL_MIB);
	igt_assert_eq_u32(page_in_error(&other), EBUSY);
	igt_assert_eq_u32(tide_set_residents(&set, 0, LOCAL_MIB), LOCAL_MIB);

	close(ring);
	while (page_in_error(&other))
		igt_assert_f(tide_deadline(0) < end, "there is no room\n");
	tide_set_job(&other, 0, 1);
	tide_set_check(&other, 0, 1, 100);
	tide_set_check(&set, 0, LOCAL_MIB, 1);
	close(set.fd);
	close(other.fd);
}

/* One that cannot leave local memory keeps none there that can. */
static void test_leave(void)
{
	struct tide_set set;
	int ring;

	tide_set_open(&set, SIZE);
	tide_set_add(&set, LOCAL_MIB, 1);
	tide_set_make_resident(&set, 0, LOCAL_MIB);
	ring = pin(&set, 0, 1);
	tide_evict(set.fd, set.bos, LOCAL_MIB);
	for (uint32_t i = 1; i < LOCAL_MIB; i++)
		wait_until_gone(&set, i);
	igt_assert_eq_u32(tide_set_residents(&set, 0, 1), 1);

	close(ring);
	wait_until_gone(&set, 0);
	tide_set_check(&set, 0, LOCAL_MIB, 1);
	close(set.fd);
}

/* Nor does one that cannot be swapped keep the others in memory. */
static void test_swap(void)
{
	struct tide_set set;
	int ring;

	tide_swap_on(TIDE_MIB(64));
	tide_set_open(&set, SIZE);
	for (set.count = 0; set.count < 4; set.count++) {
		igt_assert_eq(__tide_bo_create_in(set.fd, SIZE, 1 << DRM_TIDE_SEGMENT_SYSTEM,
						  &set.bos[set.count]), 0);
		tide_bo_pattern(set.fd, set.bos[set.count], SIZE, 1 + set.count);
	}
	ring = pin(&set, 0, 1);
	for (uint32_t i = 1; i < set.count; i++)
		tide_swap_out(set.fd, set.bos[i]);
	igt_assert_lt_u64(0, tide_bo_info(set.fd, set.bos[0]).present);
	tide_set_check(&set, 0, set.count, 1);
	close(ring);
	tide_swap_out(set.fd, set.bos[0]);
	tide_set_check(&set, 0, set.count, 1);
	close(set.fd);
	tide_swap_off();
}

igt_main {
	igt_fixture {
		char parameters[32];

		snprintf(parameters, sizeof(parameters), "local_mib=%u", LOCAL_MIB);
		tide_reload(parameters);
	}

	igt_describe("A page-in for which all that there is would have to leave fails");
	igt_subtest("d7-e4-no-room")
		test_no_room();

	igt_describe("What is evicted leaves local memory, whatever else has to stay there");
	igt_subtest("d5-leave")
		test_leave();

	igt_describe("What is idle is swapped, whatever else has to stay in memory");
	igt_subtest("d7-swap")
		test_swap();
}
