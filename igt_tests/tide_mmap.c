// SPDX-License-Identifier: MIT
/**
 * TEST: tide mmap
 * Description: CPU mappings work in every state of an allocation.
 */

#include "igt.h"
#include "igt_syncobj.h"
#include "igt_tide.h"

#include <pthread.h>
#include <sys/uio.h>
#include <sys/wait.h>

IGT_TEST_DESCRIPTION("CPU mappings of allocations");

#define SIZE TIDE_MIB(3)
#define HUGE TIDE_MIB(2)

static void test_whole(int fd)
{
	uint32_t bo = tide_bo_create(fd, SIZE);
	uint8_t *ptr = tide_bo_map(fd, bo, SIZE), *again;

	tide_pattern_fill(ptr, SIZE, 1);
	again = tide_bo_map(fd, bo, SIZE);
	tide_pattern_check(again, SIZE, 1);
	again[SIZE - 1] = 0x5a;
	igt_assert_eq(ptr[SIZE - 1], 0x5a);
	munmap(ptr, SIZE);
	munmap(again, SIZE);
	gem_close(fd, bo);
}

static void test_ranges(int fd)
{
	uint32_t bo = tide_bo_create(fd, SIZE), seed = 99;
	uint8_t *whole = tide_bo_map(fd, bo, SIZE);
	const uint32_t pages = SIZE / TIDE_PAGE;

	tide_pattern_fill(whole, SIZE, 2);
	for (int i = 0; i < 100; i++) {
		size_t first = tide_random(&seed) % pages;
		size_t count = 1 + tide_random(&seed) % (pages - first);
		size_t at = first * TIDE_PAGE, length = count * TIDE_PAGE;
		uint8_t *part = tide_bo_map_range(fd, bo, at, length), *byte;

		igt_assert_eq_u64(__tide_pattern_check(part, length, 2, at), length);
		byte = &part[tide_random(&seed) % length];
		*byte ^= 0xff;
		igt_assert_eq(whole[at + (byte - part)], *byte);
		*byte ^= 0xff;
		munmap(part, length);
	}
	tide_pattern_check(whole, SIZE, 2);
	munmap(whole, SIZE);
	gem_close(fd, bo);
}

static void expect_no_map(int fd, uint64_t offset, size_t length, int flags, int err)
{
	void *ptr = mmap(NULL, length, PROT_READ, flags, fd, offset);

	igt_assert_f(ptr == MAP_FAILED, "offset %#" PRIx64 ", length %#zx is mapped\n", offset,
		     length);
	igt_assert_eq(errno, err);
}

static void test_beyond(int fd)
{
	uint32_t bo = tide_bo_create(fd, SIZE);
	uint64_t offset = tide_bo_mmap_offset(fd, bo);

	expect_no_map(fd, offset, SIZE + TIDE_PAGE, MAP_SHARED, EINVAL);
	expect_no_map(fd, offset + TIDE_PAGE, SIZE, MAP_SHARED, EINVAL);
	expect_no_map(fd, offset + SIZE - TIDE_PAGE, 2 * TIDE_PAGE, MAP_SHARED, EINVAL);
	expect_no_map(fd, offset + SIZE, TIDE_PAGE, MAP_SHARED, EINVAL);
	expect_no_map(fd, offset - TIDE_PAGE, TIDE_PAGE, MAP_SHARED, EINVAL);
	expect_no_map(fd, 0, TIDE_PAGE, MAP_SHARED, EINVAL);
	gem_close(fd, bo);
}

static void test_private(int fd)
{
	uint32_t bo = tide_bo_create(fd, SIZE);
	uint64_t offset = tide_bo_mmap_offset(fd, bo);
	void *ptr;

	expect_no_map(fd, offset, SIZE, MAP_PRIVATE, EINVAL);
	expect_no_map(fd, offset + TIDE_PAGE, TIDE_PAGE, MAP_PRIVATE, EINVAL);
	ptr = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, offset);
	igt_assert(ptr == MAP_FAILED);
	igt_assert_eq(errno, EINVAL);
	gem_close(fd, bo);
}

static void test_read_only(int fd)
{
	uint32_t bo = tide_bo_create(fd, SIZE);
	void *ptr;

	tide_bo_pattern(fd, bo, SIZE, 3);
	ptr = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, tide_bo_mmap_offset(fd, bo));
	igt_assert(ptr != MAP_FAILED);
	tide_pattern_check(ptr, SIZE, 3);
	igt_assert_eq(__tide_cpu_write(ptr, 1), -SIGSEGV);
	do_or_die(mprotect(ptr, SIZE, PROT_READ | PROT_WRITE));
	igt_assert_eq(__tide_cpu_write(ptr, 1), 0);
	munmap(ptr, SIZE);
	gem_close(fd, bo);
}

static void test_offset_stable(int fd)
{
	uint32_t bo = tide_bo_create(fd, SIZE), other = tide_bo_create(fd, SIZE);
	uint64_t offset = tide_bo_mmap_offset(fd, bo);

	igt_assert_eq_u64(offset % TIDE_PAGE, 0);
	for (int i = 0; i < 3; i++)
		igt_assert_eq_u64(tide_bo_mmap_offset(fd, bo), offset);
	igt_assert_neq_u64(tide_bo_mmap_offset(fd, other), offset);
	gem_close(fd, other);
	igt_assert_eq_u64(tide_bo_mmap_offset(fd, bo), offset);
	gem_close(fd, bo);
}

static void test_primary(int fd)
{
	int primary = tide_open_primary();
	uint32_t bo = tide_bo_create(primary, SIZE);

	tide_bo_pattern(primary, bo, SIZE, 4);
	tide_bo_check(primary, bo, SIZE, 4);
	close(primary);
}

static void test_fork(int fd)
{
	uint32_t bo = tide_bo_create(fd, SIZE);
	uint8_t *ptr = tide_bo_map(fd, bo, SIZE);

	tide_pattern_fill(ptr, SIZE / 2, 5);
	igt_fork(child, 2) {
		/* touched before the fork, and not touched yet */
		tide_pattern_check(ptr, SIZE / 2, 5);
		if (child == 0)
			tide_pattern_fill(ptr + SIZE / 2, SIZE / 2, 6);
		munmap(ptr, SIZE / 4);
	}
	igt_waitchildren();
	tide_pattern_check(ptr, SIZE / 2, 5);
	tide_pattern_check(ptr + SIZE / 2, SIZE / 2, 6);
	munmap(ptr, SIZE);
	gem_close(fd, bo);
}

static void test_mremap(int fd)
{
	uint32_t bo = tide_bo_create(fd, SIZE);
	uint8_t *ptr, *to;

	tide_bo_pattern(fd, bo, SIZE, 7);
	/* a part that moves */
	ptr = tide_bo_map_range(fd, bo, TIDE_PAGE, SIZE - TIDE_PAGE);
	igt_assert_eq(__tide_cpu_read(ptr, NULL), 0);
	to = mmap(NULL, SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	igt_assert(to != MAP_FAILED);
	igt_assert(mremap(ptr, SIZE - TIDE_PAGE, SIZE - TIDE_PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
			  to) == to);
	igt_assert_eq_u64(__tide_pattern_check(to, SIZE - TIDE_PAGE, 7, TIDE_PAGE),
			  SIZE - TIDE_PAGE);
	/* and shrinks */
	igt_assert(mremap(to, SIZE - TIDE_PAGE, TIDE_MIB(1), 0) == to);
	igt_assert_eq_u64(__tide_pattern_check(to, TIDE_MIB(1), 7, TIDE_PAGE), TIDE_MIB(1));
	/* None grows: neither to more of the allocation nor beyond its end. */
	igt_assert(mremap(to, TIDE_MIB(1), TIDE_MIB(2), MREMAP_MAYMOVE) == MAP_FAILED);
	igt_assert_eq(errno, EFAULT);
	munmap(to, SIZE);
	ptr = tide_bo_map_range(fd, bo, SIZE - TIDE_PAGE, TIDE_PAGE);
	igt_assert(mremap(ptr, TIDE_PAGE, 2 * TIDE_PAGE, MREMAP_MAYMOVE) == MAP_FAILED);
	igt_assert_eq(errno, EFAULT);
	munmap(ptr, TIDE_PAGE);
	tide_bo_check(fd, bo, SIZE, 7);
	gem_close(fd, bo);
}

static void test_munmap_parts(int fd)
{
	uint32_t bo = tide_bo_create(fd, SIZE);
	uint8_t *ptr = tide_bo_map(fd, bo, SIZE);

	tide_pattern_fill(ptr, SIZE, 8);
	munmap(ptr + TIDE_MIB(1), TIDE_PAGE);
	munmap(ptr + TIDE_MIB(2), TIDE_MIB(1));
	tide_pattern_check(ptr, TIDE_MIB(1), 8);
	igt_assert_eq(__tide_cpu_read(ptr + TIDE_MIB(1), NULL), -SIGSEGV);
	igt_assert_eq_u64(__tide_pattern_check(ptr + TIDE_MIB(1) + TIDE_PAGE,
					       TIDE_MIB(1) - TIDE_PAGE, 8,
					       TIDE_MIB(1) + TIDE_PAGE),
			  TIDE_MIB(1) - TIDE_PAGE);
	igt_assert_eq(__tide_cpu_read(ptr + TIDE_MIB(2), NULL), -SIGSEGV);
	tide_bo_check(fd, bo, SIZE, 8);
	munmap(ptr, TIDE_MIB(2));
	gem_close(fd, bo);
}

static void test_outlives(int fd, bool whole_client)
{
	int client = tide_open_render();
	uint32_t bo = tide_bo_create(client, SIZE);
	uint8_t *ptr = tide_bo_map(client, bo, SIZE);

	tide_pattern_fill(ptr, SIZE / 2, 9);
	if (whole_client)
		close(client);
	else
		gem_close(client, bo);
	tide_shrink(fd, SIZE / TIDE_PAGE);
	tide_pattern_fill(ptr + SIZE / 2, SIZE / 2, 10);
	tide_shrink(fd, SIZE / TIDE_PAGE);
	tide_pattern_check(ptr, SIZE / 2, 9);
	tide_pattern_check(ptr + SIZE / 2, SIZE / 2, 10);
	tide_unmap_pages(ptr, SIZE);
	tide_pattern_check(ptr, SIZE / 2, 9);
	munmap(ptr, SIZE);
	if (!whole_client)
		close(client);
}

/* What an allocation may be while a mapping is used. */
static void test_states(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bo = tide_bo_create(fd, SIZE);
	uint8_t *ptr = tide_bo_map(fd, bo, SIZE);
	struct tide_cork cork;
	uint64_t value;

	tide_pattern_fill(ptr, SIZE, 11);
	/* a page-in under way */
	value = tide_make_resident(fd, queue.id, &bo, 1);
	tide_pattern_check(ptr, SIZE, 11);
	tide_pattern_fill(ptr, SIZE, 12);
	tide_queue_wait(fd, &queue, value);
	tide_pattern_check(ptr, SIZE, 12);
	igt_assert(tide_bo_flags(fd, bo) & DRM_TIDE_BO_RESIDENT);
	/* resident */
	tide_pattern_fill(ptr, SIZE, 13);
	tide_bo_check(fd, bo, SIZE, 13);
	/* named by an unfinished job */
	tide_cork_plug(&cork, fd);
	tide_keep_busy(fd, &cork, bo, TIDE_READ | TIDE_WRITE);
	tide_pattern_fill(ptr, SIZE, 14);
	tide_bo_check(fd, bo, SIZE, 14);
	tide_cork_unplug(&cork);
	tide_cork_fini(&cork, fd);
	/* evicted */
	tide_evict_one(fd, bo);
	tide_pattern_check(ptr, SIZE, 14);
	tide_pattern_fill(ptr, SIZE, 15);
	tide_bo_check(fd, bo, SIZE, 15);

	munmap(ptr, SIZE);
	gem_close(fd, bo);
	tide_queue_destroy(fd, &queue);
}

static void test_swap(int fd)
{
	uint32_t bo = tide_bo_create(fd, SIZE);
	uint8_t *ptr = tide_bo_map(fd, bo, SIZE);

	tide_swap_on(TIDE_MIB(64));
	for (int round = 0; round < 3; round++) {
		tide_pattern_fill(ptr, SIZE, round);
		tide_swap_out(fd, bo);
		/* by the old mapping, by a new one, and written at once */
		if (round == 0)
			tide_pattern_check(ptr, SIZE, round);
		else if (round == 1)
			tide_bo_check(fd, bo, SIZE, round);
		igt_assert_eq(__tide_cpu_write(ptr + SIZE / 2, 0x42), 0);
		igt_assert_eq(ptr[SIZE / 2], 0x42);
		igt_assert_eq_u64(__tide_pattern_check(ptr, SIZE / 2, round, 0), SIZE / 2);
	}
	munmap(ptr, SIZE);
	gem_close(fd, bo);
	tide_swap_off();
}

/* Writers count up in every page while its memory comes and goes. */
struct writer {
	volatile uint32_t *words;
	size_t pages;
	volatile bool stop;
	uint32_t rounds;
	size_t lost;
};

static void *writer_thread(void *data)
{
	struct writer *w = data;
	const size_t step = TIDE_PAGE / sizeof(uint32_t);

	while (!w->stop) {
		for (size_t page = 0; page < w->pages; page++) {
			if (w->words[page * step] != w->rounds)
				w->lost++;
			w->words[page * step] = w->rounds + 1;
		}
		w->rounds++;
	}
	return NULL;
}

static void test_no_store_lost(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bo = tide_bo_create(fd, SIZE);
	struct writer w = { .words = tide_bo_map(fd, bo, SIZE), .pages = SIZE / TIDE_PAGE };
	uint64_t out = tide_stat(fd, "evicted_pages");
	int64_t end = tide_deadline(4 * NSEC_PER_SEC);
	pthread_t thread;
	uint64_t value;

	tide_swap_on(TIDE_MIB(64));
	igt_assert_eq(pthread_create(&thread, NULL, writer_thread, &w), 0);
	while (tide_deadline(0) < end) {
		value = tide_make_resident(fd, queue.id, &bo, 1);
		tide_queue_wait(fd, &queue, value);
		tide_evict_one(fd, bo);
		tide_shrink(fd, SIZE / TIDE_PAGE);
	}
	w.stop = true;
	pthread_join(thread, NULL);
	out = tide_stat(fd, "evicted_pages") - out;
	igt_info("%u rounds, %" PRIu64 " pages evicted\n", w.rounds, out);
	igt_assert_eq(w.lost, 0);
	/* or nothing was tried */
	igt_assert_lt_u64(w.pages, out);
	igt_assert_lt(1, w.rounds);

	munmap((void *)w.words, SIZE);
	gem_close(fd, bo);
	tide_queue_destroy(fd, &queue);
	tide_swap_off();
}

/* With huge pages a mapping has to lie as the object does, or none can be mapped. */
static void test_congruence(int fd)
{
	static const uint64_t starts[] = { 0, TIDE_PAGE, TIDE_MIB(1), TIDE_MIB(3) };
	const size_t size = TIDE_MIB(8);
	uint32_t bo;

	igt_require(!access("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", F_OK));
	bo = tide_bo_create(fd, size);
	for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
		void *ptr = tide_bo_map_range(fd, bo, starts[i], size - starts[i]);

		igt_assert_eq_u64(((uintptr_t)ptr - starts[i]) % HUGE, 0);
		munmap(ptr, size - starts[i]);
	}
	gem_close(fd, bo);
}

static void test_fixed(int fd)
{
	uint32_t bo = tide_bo_create(fd, SIZE);
	uint64_t offset = tide_bo_mmap_offset(fd, bo);
	uint8_t *area, *ptr;

	tide_bo_pattern(fd, bo, SIZE, 16);
	area = mmap(NULL, 3 * HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	igt_assert(area != MAP_FAILED);
	for (size_t at = 0; at < 4; at++) {
		ptr = mmap(area + at * TIDE_PAGE, SIZE - TIDE_PAGE, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_FIXED, fd, offset + TIDE_PAGE);
		igt_assert(ptr == area + at * TIDE_PAGE);
		igt_assert_eq_u64(__tide_pattern_check(ptr, SIZE - TIDE_PAGE, 16, TIDE_PAGE),
				  SIZE - TIDE_PAGE);
	}
	munmap(area, 3 * HUGE);
	gem_close(fd, bo);
}

/* The kernel itself uses the mapping's pages: system calls, and another process's. */
static void test_kernel_access(int fd)
{
	uint32_t bo = tide_bo_create(fd, SIZE);
	uint8_t *ptr = tide_bo_map(fd, bo, SIZE), *heap = malloc(SIZE);
	struct iovec local = { heap, SIZE }, remote = { ptr, SIZE };
	pid_t self = getpid();
	int pipes[2];

	igt_assert(heap);
	tide_pattern_fill(ptr, SIZE, 17);
	tide_unmap_pages(ptr, SIZE);
	igt_assert_eq_u64(process_vm_readv(self, &local, 1, &remote, 1, 0), SIZE);
	tide_pattern_check(heap, SIZE, 17);
	tide_pattern_fill(heap, SIZE, 18);
	tide_unmap_pages(ptr, SIZE);
	igt_assert_eq_u64(process_vm_writev(self, &local, 1, &remote, 1, 0), SIZE);
	tide_pattern_check(ptr, SIZE, 18);

	tide_unmap_pages(ptr, SIZE);
	do_or_die(pipe(pipes));
	igt_assert_eq(write(pipes[1], ptr + TIDE_MIB(1) - 100, 200), 200);
	igt_assert_eq(read(pipes[0], ptr, 200), 200);
	igt_assert_eq_u64(__tide_pattern_check(ptr, 200, 18, TIDE_MIB(1) - 100), 200);
	close(pipes[0]);
	close(pipes[1]);
	free(heap);
	munmap(ptr, SIZE);
	gem_close(fd, bo);
}

/* Ways to change a mapped file that are not the driver's. */
static void test_no_way_around(int fd)
{
	uint32_t bo = tide_bo_create(fd, SIZE);
	uint8_t *ptr = tide_bo_map(fd, bo, SIZE);

	tide_pattern_fill(ptr, SIZE, 19);
	igt_assert(madvise(ptr, SIZE, MADV_REMOVE) != 0);
	igt_assert(madvise(ptr, SIZE, MADV_FREE) != 0);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
	igt_assert(remap_file_pages(ptr, TIDE_PAGE, 0, 5, 0) != 0);
#pragma GCC diagnostic pop
	tide_pattern_check(ptr, SIZE, 19);
	munmap(ptr, SIZE);
	gem_close(fd, bo);
}

/* Huge pages come from the driver, not from who collapses small ones past it. */
static void test_no_collapse(int fd)
{
	uint32_t bo = tide_bo_create(fd, SIZE);
	uint8_t *ptr = tide_bo_map(fd, bo, SIZE);

	tide_pattern_fill(ptr, SIZE, 20);
	igt_assert_eq(madvise(ptr, SIZE, MADV_HUGEPAGE), 0);
	igt_assert_eq(madvise(ptr, SIZE, MADV_COLLAPSE), -1);
	igt_assert_eq(errno, EINVAL);
	tide_pattern_check(ptr, SIZE, 20);
	munmap(ptr, SIZE);
	gem_close(fd, bo);
}

igt_main {
	int fd = -1;

	igt_fixture
		fd = tide_open_render();

	igt_describe("The whole allocation can be mapped, more than once");
	igt_subtest("a2-whole")
		test_whole(fd);

	igt_describe("Any page range can be mapped, and holds that part");
	igt_subtest("a2-any-page-range")
		test_ranges(fd);

	igt_describe("A range that is not wholly inside is refused");
	igt_subtest("a2-beyond-the-end-refused")
		test_beyond(fd);

	igt_describe("MAP_PRIVATE is refused with EINVAL");
	igt_subtest("a2-map-private-refused")
		test_private(fd);

	igt_describe("A mapping can be read-only, and be made writable");
	igt_subtest("a2-read-only")
		test_read_only(fd);

	igt_describe("The offset stays the same for the allocation's life");
	igt_subtest("a2-offset-is-stable")
		test_offset_stable(fd);

	igt_describe("Mapping works on the primary node, too");
	igt_subtest("a2-primary-node")
		test_primary(fd);

	igt_describe("Any address can be mapped to");
	igt_subtest("a2-fixed-address")
		test_fixed(fd);

	igt_describe("Mappings lie so that huge pages can be mapped");
	igt_subtest("a2-congruent-addresses")
		test_congruence(fd);

	igt_describe("A forked process shares the memory");
	igt_subtest("a2-fork")
		test_fork(fd);

	igt_describe("A mapping can be moved and shrunk, and does not grow");
	igt_subtest("a2-mremap")
		test_mremap(fd);

	igt_describe("Parts of a mapping can be unmapped");
	igt_subtest("a2-munmap-parts")
		test_munmap_parts(fd);

	igt_describe("A mapping outlives the handle, with its content and under pressure");
	igt_subtest("a2-outlives-handle")
		test_outlives(fd, false);

	igt_describe("A mapping outlives the file, with its content and under pressure");
	igt_subtest("a2-outlives-file")
		test_outlives(fd, true);

	igt_describe("System calls and other processes use the mapped pages");
	igt_subtest("a2-kernel-access")
		test_kernel_access(fd);

	igt_describe("The content cannot be taken away past the driver");
	igt_subtest("a2-no-way-around")
		test_no_way_around(fd);

	igt_describe("Small pages are not collapsed to huge ones past the driver");
	igt_subtest("a2-no-collapse")
		test_no_collapse(fd);

	igt_describe("Accesses work before, during and after page-ins, jobs and evictions");
	igt_subtest("a2-every-state")
		test_states(fd);

	igt_describe("Content comes back from swap, by old mappings and new ones");
	igt_subtest("a2-swapped-out-and-in")
		test_swap(fd);

	igt_describe("No store is lost while memory is evicted and paged in");
	igt_subtest("a2-no-store-lost")
		test_no_store_lost(fd);

	igt_fixture
		close(fd);
}
