// SPDX-License-Identifier: MIT
/**
 * TEST: tide prime
 * Description: Sharing memory, and what offering means for it.
 */

#include "igt.h"
#include "igt_syncobj.h"
#include "igt_tide.h"
#include "igt_vgem.h"

#include <drm_mode.h>
#include <linux/dma-buf.h>
#include <poll.h>
#include <pthread.h>

IGT_TEST_DESCRIPTION("PRIME, flink names and dumb buffers");

#define SIZE TIDE_KIB(256)
#define LOW  DRM_TIDE_PRIORITY_LOW

static uint32_t make(int fd, uint64_t size, uint32_t seed)
{
	uint32_t bo = tide_bo_create(fd, size);

	tide_bo_pattern(fd, bo, size, seed);
	return bo;
}

static int export(int fd, uint32_t bo)
{
	int dmabuf;

	igt_assert_eq(__tide_prime_export(fd, bo, &dmabuf), 0);
	igt_assert_fd(dmabuf);
	return dmabuf;
}

/* Another client's handle of the same memory. */
static uint32_t share(int fd, uint32_t bo, int other)
{
	int dmabuf = export(fd, bo);
	uint32_t theirs = prime_fd_to_handle(other, dmabuf);

	close(dmabuf);
	return theirs;
}

static void test_self_import(int fd)
{
	uint32_t bo = make(fd, SIZE, 1), again;
	int dmabuf = export(fd, bo), second;

	igt_assert_eq_u64(prime_get_size(dmabuf), SIZE);
	igt_assert(tide_bo_flags(fd, bo) & DRM_TIDE_BO_EXPORTED);
	/* the handle that it has already, by each of its dma-bufs */
	igt_assert_eq_u32(prime_fd_to_handle(fd, dmabuf), bo);
	second = export(fd, bo);
	igt_assert_eq_u32(prime_fd_to_handle(fd, second), bo);
	close(second);
	/* a new one, when it has none */
	gem_close(fd, bo);
	again = prime_fd_to_handle(fd, dmabuf);
	igt_assert_eq_u64(tide_bo_info(fd, again).size, SIZE);
	igt_assert(tide_bo_flags(fd, again) & DRM_TIDE_BO_EXPORTED);
	tide_bo_check(fd, again, SIZE, 1);
	close(dmabuf);
	tide_bo_check(fd, again, SIZE, 1);
	gem_close(fd, again);
}

static void test_other_client(int fd)
{
	int other = tide_open_render();
	struct tide_queue queue = tide_queue_create(fd), other_queue = tide_queue_create(other);
	uint32_t bo = make(fd, SIZE, 1), theirs = share(fd, bo, other);
	uint8_t *ours_ptr = tide_bo_map(fd, bo, SIZE), *theirs_ptr;

	theirs_ptr = tide_bo_map(other, theirs, SIZE);
	tide_pattern_check(theirs_ptr, SIZE, 1);
	tide_pattern_fill(theirs_ptr, SIZE, 2);
	tide_pattern_check(ours_ptr, SIZE, 2);
	/* each with its own GPU work */
	tide_make_resident_one(fd, &queue, bo);
	tide_make_resident_one(other, &other_queue, theirs);
	tide_gpu_copy(other, theirs, 0, theirs, SIZE / 2, SIZE / 2);
	igt_assert_eq_u64(__tide_pattern_check(ours_ptr, SIZE / 2, 2, SIZE / 2), SIZE / 2);
	tide_gpu_fill(fd, bo, 0, SIZE, 0);
	tide_zero_check(theirs_ptr, SIZE);
	/* the memory is there as long as anybody has it */
	gem_close(fd, bo);
	munmap(ours_ptr, SIZE);
	tide_pattern_fill(theirs_ptr, SIZE, 3);
	tide_gpu_fill(other, theirs, 0, 1, 0);
	igt_assert_eq_u64(__tide_pattern_check(theirs_ptr + 1, SIZE - 1, 3, 1), SIZE - 1);
	munmap(theirs_ptr, SIZE);
	close(other);
	tide_queue_destroy(fd, &queue);
}

static void test_other_process(int fd)
{
	uint32_t bo = make(fd, SIZE, 1);
	int dmabuf = export(fd, bo);

	igt_fork(child, 2) {
		int client = tide_open_render();
		uint32_t theirs = prime_fd_to_handle(client, dmabuf);
		uint8_t *ptr = tide_bo_map(client, theirs, SIZE);

		igt_assert_eq_u64(__tide_pattern_check(ptr + 8, SIZE - 8, 1, 8), SIZE - 8);
		ptr[child] = 0x80 + child;
		munmap(ptr, SIZE);
		close(client);
	}
	igt_waitchildren();
	{
		uint8_t *ptr = tide_bo_map(fd, bo, SIZE);

		igt_assert_eq(ptr[0], 0x80);
		igt_assert_eq(ptr[1], 0x81);
		munmap(ptr, SIZE);
	}
	close(dmabuf);
	gem_close(fd, bo);
}

static void test_outlives_client(int fd)
{
	int client = tide_open_render();
	uint32_t bo = make(client, SIZE, 1);
	int dmabuf = export(client, bo);

	close(client);
	tide_shrink(fd, 1024);
	bo = prime_fd_to_handle(fd, dmabuf);
	close(dmabuf);
	tide_bo_check(fd, bo, SIZE, 1);
	gem_close(fd, bo);
}

/* What dma-buf itself promises, where the driver takes part in it. */
static void test_dmabuf_mmap(int fd)
{
	uint32_t bo = make(fd, SIZE, 1);
	int dmabuf = export(fd, bo);
	uint8_t *ptr = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf, 0);

	if (ptr == MAP_FAILED) {
		/* not offered is fine, anything else is not */
		igt_assert(errno == EINVAL || errno == EOPNOTSUPP || errno == ENODEV);
		close(dmabuf);
		gem_close(fd, bo);
		igt_skip("dma-bufs cannot be mapped\n");
	}
	tide_pattern_check(ptr, SIZE, 1);
	tide_pattern_fill(ptr, SIZE, 2);
	tide_bo_check(fd, bo, SIZE, 2);
	close(dmabuf);
	gem_close(fd, bo);
	tide_shrink(fd, 1024);
	tide_pattern_check(ptr, SIZE, 2);
	munmap(ptr, SIZE);
}

/* The fences of jobs can be seen on the dma-buf. */
static void test_dmabuf_fences(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bo = make(fd, SIZE, 1);
	struct pollfd file = { .fd = export(fd, bo) };
	struct tide_cork cork;

	tide_make_resident_one(fd, &queue, bo);
	file.events = POLLOUT;
	igt_assert_eq(poll(&file, 1, TIDE_LIVENESS_S * 1000), 1);
	for (int write = 0; write < 2; write++) {
		tide_cork_plug(&cork, fd);
		tide_keep_busy(fd, &cork, bo, write ? TIDE_WRITE : TIDE_READ);
		file.events = POLLOUT;
		igt_assert_eq(poll(&file, 1, 0), 0);
		file.events = POLLIN;
		igt_assert_eq(poll(&file, 1, 0), !write);
		tide_cork_unplug(&cork);
		file.events = POLLOUT;
		igt_assert_eq(poll(&file, 1, TIDE_LIVENESS_S * 1000), 1);
		tide_cork_fini(&cork, fd);
	}
	close(file.fd);
	gem_close(fd, bo);
	tide_queue_destroy(fd, &queue);
}

/* Foreign dma-bufs are not imported, and nothing is left of the attempt. */
static void test_foreign(int fd)
{
	struct vgem_bo bo = { .width = 64, .height = 64, .bpp = 32 };
	int vgem = __drm_open_driver(DRIVER_VGEM), dmabuf, pipes[2];
	uint32_t handle = 0;

	igt_require(vgem >= 0);
	vgem_create(vgem, &bo);
	dmabuf = prime_handle_to_fd(vgem, bo.handle);
	igt_assert_lt(__tide_prime_import(fd, dmabuf, &handle), 0);
	igt_assert_eq_u32(handle, 0);
	close(dmabuf);
	close(vgem);
	/* nor what is no dma-buf at all */
	do_or_die(pipe(pipes));
	igt_assert_eq(__tide_prime_import(fd, pipes[0], &handle), -EINVAL);
	igt_assert_eq(__tide_prime_import(fd, fd, &handle), -EINVAL);
	igt_assert_eq(__tide_prime_import(fd, -1, &handle), -EBADF);
	close(pipes[0]);
	close(pipes[1]);
}

/* Another driver attaches to ours. Whether that works is not promised; it ends well. */
static void test_attach(int fd)
{
	int vgem = __drm_open_driver(DRIVER_VGEM), dmabuf, ret;
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bo = make(fd, SIZE, 1), theirs = 0;

	igt_require(vgem >= 0);
	dmabuf = export(fd, bo);
	for (int i = 0; i < 3; i++) {
		ret = __tide_prime_import(vgem, dmabuf, &theirs);
		if (!ret) {
			struct drm_mode_map_dumb map = { .handle = theirs };
			uint8_t *ptr;

			tide_shrink(fd, 1024);
			do_or_die(drmIoctl(vgem, DRM_IOCTL_MODE_MAP_DUMB, &map));
			ptr = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, vgem,
				   map.offset);
			if (ptr != MAP_FAILED) {
				tide_pattern_check(ptr, SIZE, 1);
				munmap(ptr, SIZE);
			}
			gem_close(vgem, theirs);
		}
		tide_bo_check(fd, bo, SIZE, 1);
	}
	igt_info("import by vgem: %s\n", strerror(-ret));
	/* It is used while attached, and goes away in any order. */
	tide_make_resident_one(fd, &queue, bo);
	if (!ret)
		igt_assert_eq(__tide_prime_import(vgem, dmabuf, &theirs), 0);
	tide_gpu_fill(fd, bo, 0, SIZE, 0);
	tide_bo_check_zero(fd, bo, SIZE);
	gem_close(fd, bo);
	close(dmabuf);
	close(vgem);
	tide_queue_destroy(fd, &queue);
}

static void test_flink(bool offer)
{
	int primary = tide_open_primary(), other = tide_open_primary();
	struct tide_queue queue = tide_queue_create(primary);
	uint32_t bo = make(primary, SIZE, 1), name, theirs;

	igt_assert_eq(__tide_flink(primary, bo, &name), 0);
	igt_assert(tide_bo_flags(primary, bo) & DRM_TIDE_BO_EXPORTED);
	theirs = gem_open(other, name);
	tide_bo_check(other, theirs, SIZE, 1);
	if (offer) {
		tide_offer_one(primary, bo, LOW);
		tide_shrink(primary, 1024);
		igt_assert(!(tide_bo_flags(primary, bo) & DRM_TIDE_BO_DISCARDED));
		tide_bo_check(other, theirs, SIZE, 1);
		igt_assert_eq_u32(tide_reclaim_one(primary, queue.id, bo),
				  DRM_TIDE_RECLAIM_OK);
		tide_bo_check(primary, bo, SIZE, 1);
	} else {
		gem_close(primary, bo);
		tide_bo_pattern(other, theirs, SIZE, 2);
		tide_bo_check(other, theirs, SIZE, 2);
	}
	close(primary);
	close(other);
}

static void test_flink_render(int fd)
{
	uint32_t bo = make(fd, SIZE, 1), name;
	struct drm_gem_open open_name = { .name = 1 };

	igt_assert_eq(__tide_flink(fd, bo, &name), -EACCES);
	igt_assert_eq(__tide_ioctl(fd, DRM_IOCTL_GEM_OPEN, &open_name), -EACCES);
	igt_assert(!(tide_bo_flags(fd, bo) & DRM_TIDE_BO_EXPORTED));
	gem_close(fd, bo);
}

static void test_never_discarded(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bo = make(fd, SIZE, 1), other = make(fd, SIZE, 2);
	int dmabuf = export(fd, bo);

	for (int round = 0; round < 2; round++) {
		tide_offer_one(fd, bo, LOW);
		tide_offer_one(fd, other, DRM_TIDE_PRIORITY_HIGH);
		/* others are, behind it in the order */
		tide_discard(fd, other);
		tide_shrink(fd, 4096);
		igt_assert_eq_u32(tide_bo_flags(fd, bo) &
				  (DRM_TIDE_BO_OFFERED | DRM_TIDE_BO_DISCARDED),
				  DRM_TIDE_BO_OFFERED);
		igt_assert_eq_u32(tide_reclaim_one(fd, queue.id, bo), DRM_TIDE_RECLAIM_OK);
		tide_bo_check(fd, bo, SIZE, 1);
		igt_assert_eq_u32(tide_reclaim_one(fd, queue.id, other),
				  DRM_TIDE_RECLAIM_DISCARDED);
		/* and so it stays, when nobody else has it any more */
		if (round == 0)
			close(dmabuf);
	}
	igt_assert(tide_bo_flags(fd, bo) & DRM_TIDE_BO_EXPORTED);
	gem_close(fd, bo);
	gem_close(fd, other);
	tide_queue_destroy(fd, &queue);
}

/* Only the client that offered is refused something. */
static void test_per_client(int fd)
{
	int other = tide_open_render();
	struct tide_queue queue = tide_queue_create(fd), other_queue = tide_queue_create(other);
	uint32_t bo = make(fd, SIZE, 1), theirs = share(fd, bo, other);
	uint8_t *ours_ptr = tide_bo_map(fd, bo, SIZE), *theirs_ptr;
	struct tide_job job = {};
	int dmabuf;

	theirs_ptr = tide_bo_map(other, theirs, SIZE);
	tide_make_resident_one(fd, &queue, bo);
	tide_make_resident_one(other, &other_queue, theirs);
	tide_offer_one(fd, bo, LOW);

	tide_job_bo(&job, bo, TIDE_READ);
	igt_assert_eq(__tide_submit(fd, &job), -ENODATA);
	igt_assert_eq(__tide_prime_export(fd, bo, &dmabuf), -EBUSY);
	igt_assert(tide_bo_flags(fd, bo) & DRM_TIDE_BO_OFFERED);

	igt_assert(!(tide_bo_flags(other, theirs) & DRM_TIDE_BO_OFFERED));
	igt_assert_eq_u32(tide_bo_info(other, theirs).priority, 0);
	tide_gpu_fill(other, theirs, 0, 1, 0);
	dmabuf = export(other, theirs);
	close(dmabuf);
	/* no mapping faults, not even the offering client's */
	tide_unmap_pages(ours_ptr, SIZE);
	tide_unmap_pages(theirs_ptr, SIZE);
	igt_assert_eq_u64(__tide_pattern_check(theirs_ptr + 1, SIZE - 1, 1, 1), SIZE - 1);
	igt_assert_eq_u64(__tide_pattern_check(ours_ptr + 1, SIZE - 1, 1, 1), SIZE - 1);
	theirs_ptr[0] = 0x11;
	igt_assert_eq(ours_ptr[0], 0x11);

	igt_assert_eq_u32(tide_reclaim_one(fd, queue.id, bo), DRM_TIDE_RECLAIM_OK);
	tide_queue_wait(fd, &queue, tide_queue_info(fd, queue.id, 0).last);
	tide_submit_wait(fd, &job);
	munmap(ours_ptr, SIZE);
	munmap(theirs_ptr, SIZE);
	close(other);
	gem_close(fd, bo);
	tide_queue_destroy(fd, &queue);
}

/* All of its clients have offered it: it is not discarded all the same. */
static void test_all_offer(int fd)
{
	int other = tide_open_render();
	struct tide_queue queue = tide_queue_create(fd), other_queue = tide_queue_create(other);
	uint32_t bo = make(fd, SIZE, 1), theirs = share(fd, bo, other);

	tide_offer_one(fd, bo, LOW);
	tide_offer_one(other, theirs, DRM_TIDE_PRIORITY_HIGH);
	igt_assert_eq_u32(tide_bo_info(fd, bo).priority, LOW);
	igt_assert_eq_u32(tide_bo_info(other, theirs).priority, DRM_TIDE_PRIORITY_HIGH);
	tide_shrink(fd, 4096);
	/* one takes it back: the other's offer stays */
	igt_assert_eq_u32(tide_reclaim_one(fd, queue.id, bo), DRM_TIDE_RECLAIM_OK);
	igt_assert(!(tide_bo_flags(fd, bo) & DRM_TIDE_BO_OFFERED));
	igt_assert(tide_bo_flags(other, theirs) & DRM_TIDE_BO_OFFERED);
	igt_assert_eq_u32(tide_reclaim_one(other, other_queue.id, theirs), DRM_TIDE_RECLAIM_OK);
	tide_bo_check(fd, bo, SIZE, 1);
	/* a client that goes with its offer leaves nothing behind */
	tide_offer_one(other, theirs, LOW);
	close(other);
	tide_shrink(fd, 4096);
	igt_assert_eq_u32(tide_bo_flags(fd, bo), DRM_TIDE_BO_EXPORTED);
	tide_bo_check(fd, bo, SIZE, 1);
	gem_close(fd, bo);
	tide_queue_destroy(fd, &queue);
}

/* The handle goes, the dma-buf brings it back: the offer went with the handle. */
static void test_reimport(int fd)
{
	uint32_t bo = make(fd, SIZE, 1);
	int dmabuf = export(fd, bo);

	tide_offer_one(fd, bo, LOW);
	gem_close(fd, bo);
	tide_shrink(fd, 4096);
	bo = prime_fd_to_handle(fd, dmabuf);
	igt_assert_eq_u32(tide_bo_flags(fd, bo), DRM_TIDE_BO_EXPORTED);
	tide_bo_check(fd, bo, SIZE, 1);
	close(dmabuf);
	gem_close(fd, bo);
}

static void test_freed(int fd)
{
	int64_t end = tide_deadline(TIDE_LIVENESS_S * NSEC_PER_SEC);
	uint64_t usage = tide_usage(fd);
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bo = make(fd, TIDE_MIB(4), 1);
	int dmabuf = export(fd, bo);

	tide_make_resident_one(fd, &queue, bo);
	tide_offer_one(fd, bo, LOW);
	gem_close(fd, bo);
	close(dmabuf);
	tide_queue_destroy(fd, &queue);
	while (tide_usage(fd) > usage)
		igt_assert(tide_deadline(0) < end);
}

static void test_dumb(void)
{
	int primary = tide_open_primary();
	struct drm_mode_create_dumb create = { .width = 100, .height = 50, .bpp = 32 };
	struct drm_mode_map_dumb map = {};
	struct drm_mode_destroy_dumb destroy = {};
	struct tide_queue queue = tide_queue_create(primary);
	uint8_t *ptr;

	do_or_die(drmIoctl(primary, DRM_IOCTL_MODE_CREATE_DUMB, &create));
	igt_assert_lte_u32(400, create.pitch);
	igt_assert_lte_u64(create.pitch * 50, create.size);
	igt_assert_eq_u64(create.size, tide_bo_info(primary, create.handle).size);
	map.handle = create.handle;
	do_or_die(drmIoctl(primary, DRM_IOCTL_MODE_MAP_DUMB, &map));
	ptr = mmap(NULL, create.size, PROT_READ | PROT_WRITE, MAP_SHARED, primary, map.offset);
	igt_assert(ptr != MAP_FAILED);
	tide_zero_check(ptr, create.size);
	tide_pattern_fill(ptr, create.size, 1);
	/* an allocation as any other */
	tide_bo_check(primary, create.handle, create.size, 1);
	tide_make_resident_one(primary, &queue, create.handle);
	tide_gpu_fill(primary, create.handle, 0, create.size, 0);
	tide_zero_check(ptr, create.size);
	tide_offer_one(primary, create.handle, LOW);
	tide_discard(primary, create.handle);
	igt_assert_eq_u32(tide_reclaim_one(primary, queue.id, create.handle),
			  DRM_TIDE_RECLAIM_DISCARDED);
	tide_zero_check(ptr, create.size);
	munmap(ptr, create.size);
	destroy.handle = create.handle;
	do_or_die(drmIoctl(primary, DRM_IOCTL_MODE_DESTROY_DUMB, &destroy));
	create = (struct drm_mode_create_dumb){ .width = 0xffffffff, .height = 2, .bpp = 32 };
	igt_assert(__tide_ioctl(primary, DRM_IOCTL_MODE_CREATE_DUMB, &create) < 0);
	create = (struct drm_mode_create_dumb){ .width = 64, .height = 0, .bpp = 32 };
	igt_assert(__tide_ioctl(primary, DRM_IOCTL_MODE_CREATE_DUMB, &create) < 0);
	close(primary);
}

struct recycler {
	int fd;
	uint32_t handle;
	bool stop;
};

/* The handle is an allocation that can be exported, then another one that is offered. */
static void *recycle(void *data)
{
	struct recycler *recycler = data;

	while (!READ_ONCE(recycler->stop)) {
		gem_close(recycler->fd, recycler->handle);
		WRITE_ONCE(recycler->handle, tide_bo_create(recycler->fd, TIDE_PAGE));
		tide_offer_one(recycler->fd, recycler->handle, LOW);
		gem_close(recycler->fd, recycler->handle);
		WRITE_ONCE(recycler->handle, tide_bo_create(recycler->fd, TIDE_PAGE));
	}
	return NULL;
}

static void test_export_amid_close(int fd)
{
	struct recycler recycler = { .fd = tide_open_render() };
	unsigned int exported = 0, refused = 0;
	pthread_t thread;

	recycler.handle = tide_bo_create(recycler.fd, TIDE_PAGE);
	do_or_die(pthread_create(&thread, NULL, recycle, &recycler));
	for (int64_t end = tide_deadline(3 * NSEC_PER_SEC); tide_deadline(0) < end;) {
		uint32_t theirs;
		int dmabuf;

		if (__tide_prime_export(recycler.fd, READ_ONCE(recycler.handle), &dmabuf)) {
			refused++;
			continue;
		}
		exported++;
		theirs = prime_fd_to_handle(fd, dmabuf);
		tide_shrink(fd, 4);
		igt_assert(!(tide_bo_flags(fd, theirs) & DRM_TIDE_BO_DISCARDED));
		gem_close(fd, theirs);
		close(dmabuf);
	}
	recycler.stop = true;
	pthread_join(thread, NULL);
	igt_info("%u exported, %u refused\n", exported, refused);
	igt_assert(exported && refused);
	close(recycler.fd);
}

igt_main {
	int fd = -1;

	igt_fixture
		fd = tide_open_render();

	igt_describe("Importing an own dma-buf gives the handle that is there, or a new one");
	igt_subtest("a3-self-import")
		test_self_import(fd);

	igt_describe("Another client shares the memory, with CPU and GPU, and outlives the first");
	igt_subtest("a3-other-client")
		test_other_client(fd);

	igt_describe("Another process shares the memory");
	igt_subtest("a3-other-process")
		test_other_process(fd);

	igt_describe("A dma-buf keeps the memory when its client is gone");
	igt_subtest("a3-dmabuf-outlives-client")
		test_outlives_client(fd);

	igt_describe("Where a dma-buf can be mapped, it is the same memory");
	igt_subtest("a3-dmabuf-mmap")
		test_dmabuf_mmap(fd);

	igt_describe("A dma-buf tells when jobs are done");
	igt_subtest("a3-dmabuf-fences")
		test_dmabuf_fences(fd);

	igt_describe("Foreign dma-bufs, and what is none, are refused");
	igt_subtest("a3-foreign-refused")
		test_foreign(fd);

	igt_describe("Another driver may attach to a dma-buf, and all ends well");
	igt_subtest("a3-attached-by-other-device")
		test_attach(fd);

	igt_describe("A name of the primary node gives another client the memory");
	igt_subtest("a3-flink")
		test_flink(false);

	igt_describe("There are no names on the render node");
	igt_subtest("a3-flink-refused-on-render-node")
		test_flink_render(fd);

	igt_describe("An exported allocation is never discarded, not even when it is unshared again");
	igt_subtest("b8-exported-never-discarded")
		test_never_discarded(fd);

	igt_describe("A named allocation is never discarded");
	igt_subtest("b8-named-never-discarded")
		test_flink(true);

	igt_describe("Only the offering client is refused jobs and exports; no mapping faults");
	igt_subtest("b8-offers-are-per-client")
		test_per_client(fd);

	igt_describe("Shared memory that all its clients offer is kept");
	igt_subtest("b8-offered-by-all")
		test_all_offer(fd);

	igt_describe("An offer goes with the client's last handle");
	igt_subtest("b8-offer-ends-with-handle")
		test_reimport(fd);

	igt_describe("Exported and offered, it is freed with its last handle");
	igt_subtest("b8-freed-with-last-handle")
		test_freed(fd);

	igt_describe("An export whose handle becomes another allocation's does not export that");
	igt_subtest("b8-export-amid-close")
		test_export_amid_close(fd);

	igt_describe("Dumb buffers of the primary node are allocations");
	igt_subtest("a1-dumb-buffer")
		test_dumb();

	igt_fixture
		close(fd);
}
