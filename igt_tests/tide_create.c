// SPDX-License-Identifier: MIT
/**
 * TEST: tide create
 * Description: What a new allocation is.
 */

#include "igt.h"
#include "igt_tide.h"

IGT_TEST_DESCRIPTION("Creating allocations");

static void test_size_rounded(int fd)
{
	static const struct {
		uint64_t asked, actual;
	} sizes[] = {
		{ 1, 4096 },
		{ 4095, 4096 },
		{ 4096, 4096 },
		{ 4097, 8192 },
		{ (1 << 21) - 1, 1 << 21 },
		{ (1 << 21) + 1, (1 << 21) + 4096 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct drm_tide_bo_create create = { .size = sizes[i].asked };
		uint8_t *ptr;

		igt_assert_eq(__tide_ioctl(fd, DRM_IOCTL_TIDE_BO_CREATE, &create), 0);
		igt_assert_eq_u64(create.actual_size, sizes[i].actual);
		igt_assert_eq_u64(tide_bo_info(fd, create.handle).size, sizes[i].actual);

		ptr = tide_bo_map(fd, create.handle, sizes[i].actual);
		tide_pattern_fill(ptr, sizes[i].actual, i);
		tide_pattern_check(ptr, sizes[i].actual, i);
		munmap(ptr, sizes[i].actual);
		gem_close(fd, create.handle);
	}
}

static void test_starts_idle(int fd)
{
	uint32_t bo = tide_bo_create(fd, TIDE_MIB(1));
	struct drm_tide_bo_info info = tide_bo_info(fd, bo);

	igt_assert_eq_u64(info.size, TIDE_MIB(1));
	igt_assert_eq_u32(info.flags, 0);
	igt_assert_eq_u32(info.priority, 0);
	igt_assert_eq_u32(info.residency_count, 0);
	igt_assert_eq_u32(info.page_in_error, 0);
	igt_assert_eq_u64(info.discard_count, 0);
	gem_close(fd, bo);
}

static void test_pages_with_first_use(int fd)
{
	uint32_t bo = tide_bo_create(fd, TIDE_MIB(8));
	uint8_t *ptr = tide_bo_map(fd, bo, TIDE_MIB(8));

	igt_assert_eq_u64(tide_bo_info(fd, bo).present, 0);
	ptr[TIDE_MIB(5)] = 1;
	igt_assert_lt_u64(0, tide_bo_info(fd, bo).present);
	/* a page, or a huge one */
	igt_assert_lte_u64(tide_bo_info(fd, bo).present, TIDE_MIB(2));
	munmap(ptr, TIDE_MIB(8));
	gem_close(fd, bo);
}

static void test_zeros_cpu(int fd)
{
	uint32_t bo = tide_bo_create(fd, TIDE_MIB(3));

	tide_bo_check_zero(fd, bo, TIDE_MIB(3));
	gem_close(fd, bo);
}

static void test_zeros_gpu(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bos[] = { tide_bo_create(fd, TIDE_MIB(3)), tide_bo_create(fd, TIDE_MIB(3)) };

	tide_bo_pattern(fd, bos[1], TIDE_MIB(3), 1);
	tide_queue_wait(fd, &queue, tide_make_resident(fd, queue.id, bos, 2));
	tide_gpu_copy(fd, bos[1], 0, bos[0], 0, TIDE_MIB(3));
	tide_bo_check_zero(fd, bos[1], TIDE_MIB(3));
	tide_bo_check_zero(fd, bos[0], TIDE_MIB(3));

	gem_close(fd, bos[0]);
	gem_close(fd, bos[1]);
	tide_queue_destroy(fd, &queue);
}

/* Memory that was somebody's comes back as zeros, whoever reads first. */
static void test_zeros_recycled(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	const size_t size = TIDE_MIB(4);

	for (int round = 0; round < 8; round++) {
		uint32_t old = tide_bo_create(fd, size), new, copy;

		tide_bo_pattern(fd, old, size, round);
		gem_close(fd, old);

		new = tide_bo_create(fd, size);
		if (round % 2) {
			copy = tide_bo_create(fd, size);
			tide_make_resident_one(fd, &queue, new);
			tide_make_resident_one(fd, &queue, copy);
			tide_gpu_fill(fd, copy, 0, size, 0x12345678);
			tide_gpu_copy(fd, copy, 0, new, 0, size);
			tide_bo_check_zero(fd, copy, size);
			gem_close(fd, copy);
		}
		tide_bo_check_zero(fd, new, size);
		gem_close(fd, new);
	}
	tide_queue_destroy(fd, &queue);
}

static uint64_t committed(void)
{
	unsigned long long kib = 0;
	char line[128];
	FILE *file = fopen("/proc/meminfo", "r");

	igt_assert(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "Committed_AS: %llu", &kib) == 1)
			break;
	fclose(file);
	return kib << 10;
}

static void test_commit(int fd)
{
	uint64_t before = committed(), with;
	uint32_t bo = tide_bo_create(fd, TIDE_MIB(128));

	/* Others commit and release, too, but not that much. */
	with = committed();
	igt_assert_lte_u64(before + TIDE_MIB(96), with);
	gem_close(fd, bo);
	igt_assert_lte_u64(committed(), with - TIDE_MIB(96));
}

static void test_size_refused(int fd)
{
	static const struct {
		uint64_t size;
		int err;
	} sizes[] = {
		{ 0, -EINVAL },
		{ UINT64_MAX, -E2BIG },
		{ UINT64_MAX - 4094, -E2BIG },
		{ 1ull << 63, -E2BIG },
		/* a file can have it, the machine cannot */
		{ 1ull << 50, -ENOMEM },
	};
	uint32_t bo;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		igt_assert_eq(__tide_bo_create(fd, sizes[i].size, &bo), sizes[i].err);
}

/* A handle means nothing to another client, whatever it is used for. */
static void test_handle_of_client(int fd)
{
	int other = tide_open_render();
	struct tide_queue queue = tide_queue_create(other);
	uint32_t bo = tide_bo_create(fd, TIDE_PAGE), bad = 77, result, name;
	struct drm_tide_bo_info info;
	struct tide_job job = {};
	uint64_t offset, value;
	int dmabuf;

	tide_bo_pattern(fd, bo, TIDE_PAGE, 5);
	igt_assert_eq(__tide_bo_mmap_offset(other, bo, &offset), -ENOENT);
	igt_assert_eq(__tide_bo_info(other, bo, &info), -ENOENT);
	igt_assert_eq(__tide_offer(other, &bo, 1, DRM_TIDE_PRIORITY_LOW, &bad), -ENOENT);
	igt_assert_eq_u32(bad, 0);
	bad = 77;
	igt_assert_eq(__tide_reclaim(other, queue.id, &bo, &result, 1, &value, &bad), -ENOENT);
	igt_assert_eq_u32(bad, 0);
	bad = 77;
	igt_assert_eq(__tide_make_resident(other, queue.id, &bo, 1, &value, &bad), -ENOENT);
	igt_assert_eq_u32(bad, 0);
	bad = 77;
	igt_assert_eq(__tide_evict(other, &bo, 1, &bad), -ENOENT);
	igt_assert_eq_u32(bad, 0);
	tide_job_bo(&job, bo, TIDE_READ);
	igt_assert_eq(__tide_submit(other, &job), -ENOENT);
	igt_assert_eq_u32(job.bad_list, DRM_TIDE_LIST_BOS);
	igt_assert_eq_u32(job.bad_index, 0);
	igt_assert_eq(__tide_prime_export(other, bo, &dmabuf), -ENOENT);
	igt_assert(__tide_flink(other, bo, &name) < 0);
	igt_assert(__tide_bo_close(other, bo) < 0);

	igt_assert_eq_u32(tide_bo_flags(fd, bo), 0);
	tide_bo_check(fd, bo, TIDE_PAGE, 5);
	gem_close(fd, bo);
	close(other);
}

/* Nor does its mmap offset. */
static void test_offset_of_client(int fd)
{
	int other = tide_open_render();
	uint32_t bo = tide_bo_create(fd, TIDE_MIB(1));
	uint64_t offset = tide_bo_mmap_offset(fd, bo);
	void *ptr;

	ptr = mmap(NULL, TIDE_MIB(1), PROT_READ, MAP_SHARED, other, offset);
	igt_assert(ptr == MAP_FAILED);
	ptr = mmap(NULL, TIDE_PAGE, PROT_READ, MAP_SHARED, other, offset + TIDE_KIB(512));
	igt_assert(ptr == MAP_FAILED);
	ptr = mmap(NULL, TIDE_MIB(1), PROT_READ, MAP_SHARED, fd, offset);
	igt_assert(ptr != MAP_FAILED);
	munmap(ptr, TIDE_MIB(1));
	gem_close(fd, bo);
	/* Nor to its own client, once the handle is closed. */
	ptr = mmap(NULL, TIDE_MIB(1), PROT_READ, MAP_SHARED, fd, offset);
	igt_assert(ptr == MAP_FAILED);
	close(other);
}

/* Not only whole files: many allocations of many sizes at one time stay apart. */
static void test_many(int fd)
{
	uint32_t bos[256], seed = 7;
	size_t sizes[ARRAY_SIZE(bos)];

	for (size_t i = 0; i < ARRAY_SIZE(bos); i++) {
		sizes[i] = (1 + tide_random(&seed) % 16) * TIDE_PAGE;
		bos[i] = tide_bo_create(fd, sizes[i]);
		tide_bo_pattern(fd, bos[i], sizes[i], i);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bos); i++) {
		tide_bo_check(fd, bos[i], sizes[i], i);
		gem_close(fd, bos[i]);
	}
}

igt_main {
	int fd = -1;

	igt_fixture
		fd = tide_open_render();

	igt_describe("The size is rounded up to pages, told, and all of it is there");
	igt_subtest("a1-size-rounded-up")
		test_size_rounded(fd);

	igt_describe("Sizes that cannot be had give the documented errors");
	igt_subtest("a1-size-refused")
		test_size_refused(fd);

	igt_describe("A new allocation is not offered, not resident, on nobody's list");
	igt_subtest("a1-starts-not-offered-not-resident")
		test_starts_idle(fd);

	igt_describe("Pages come with the first use");
	igt_subtest("a1-pages-with-first-use")
		test_pages_with_first_use(fd);

	igt_describe("The size is charged to the commit limit at once, and given back by closing");
	igt_subtest("a1-size-is-committed")
		test_commit(fd);

	igt_describe("New memory reads as zeros from the CPU");
	igt_subtest("a1-zeros-from-cpu")
		test_zeros_cpu(fd);

	igt_describe("New memory reads as zeros from the GPU");
	igt_subtest("a1-zeros-from-gpu")
		test_zeros_gpu(fd);

	igt_describe("Memory that held something before reads as zeros, too");
	igt_subtest("a1-zeros-when-recycled")
		test_zeros_recycled(fd);

	igt_describe("Many allocations keep their contents apart");
	igt_subtest("a1-many-at-a-time")
		test_many(fd);

	igt_describe("Every ioctl refuses a handle of another client");
	igt_subtest("a3-handle-is-of-its-client")
		test_handle_of_client(fd);

	igt_describe("An mmap offset works for clients with a handle only");
	igt_subtest("a3-offset-is-of-its-client")
		test_offset_of_client(fd);

	igt_fixture
		close(fd);
}
