// SPDX-License-Identifier: MIT
/**
 * TEST: tide decommit
 * Description: The commit charge of what is offered.
 */

#include "igt.h"
#include "igt_tide.h"

IGT_TEST_DESCRIPTION("Offers that allow to decommit");

#define SIZE	  TIDE_MIB(64)
/* What the machine does meanwhile */
#define TOLERANCE TIDE_MIB(16)
#define DECOMMIT  DRM_TIDE_OFFER_ALLOW_DECOMMIT
#define NORMAL	  DRM_TIDE_PRIORITY_NORMAL

static void write_sysctl(const char *name, uint64_t value)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/sys/vm/%s", name);
	file = fopen(path, "w");
	igt_assert_f(file, "%s\n", path);
	fprintf(file, "%" PRIu64 "\n", value);
	igt_assert_eq(fclose(file), 0);
}

static uint64_t read_meminfo(const char *key)
{
	FILE *file = fopen("/proc/meminfo", "r");
	char line[128];
	uint64_t kib = UINT64_MAX;

	igt_assert(file);
	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, key, strlen(key)) && line[strlen(key)] == ':')
			sscanf(line + strlen(key) + 1, "%" SCNu64, &kib);
	fclose(file);
	igt_assert_lt_u64(kib, UINT64_MAX);
	return TIDE_KIB(kib);
}

static uint64_t committed(void)
{
	return read_meminfo("Committed_AS");
}

static void restore(int sig)
{
	write_sysctl("overcommit_memory", 0);
}

/* No more than that much may be committed on top of what is. */
static void limit_commit(uint64_t more)
{
	write_sysctl("overcommit_kbytes", (committed() + more) >> 10);
	write_sysctl("overcommit_memory", 2);
}

static void *take(uint64_t size)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void offer(int fd, uint32_t bo, uint32_t flags)
{
	igt_assert_eq(__tide_offer_flags(fd, &bo, 1, NORMAL, flags, NULL), 0);
}

struct scene {
	int fd;
	struct tide_queue queue;
	uint32_t bo;
	uint8_t *ptr;
};

static struct scene scene_open(void)
{
	struct scene s = { .fd = tide_open_render() };

	s.queue = tide_queue_create(s.fd);
	s.bo = tide_bo_create(s.fd, SIZE);
	s.ptr = tide_bo_map(s.fd, s.bo, SIZE);
	tide_pattern_fill(s.ptr, TIDE_MIB(1), 1);
	s.ptr[SIZE - 1] = 1;
	return s;
}

static void scene_close(struct scene *s)
{
	munmap(s->ptr, SIZE);
	close(s->fd);
	write_sysctl("overcommit_memory", 0);
}

/* Offers, discards and reclaims: tells how much less was committed meanwhile. */
static uint64_t decommitted_by(struct scene *s, uint32_t flags)
{
	uint64_t before = committed(), discarded;

	offer(s->fd, s->bo, flags);
	igt_assert_lt_u64(before, committed() + TOLERANCE);
	tide_discard(s->fd, s->bo);
	discarded = committed();
	igt_assert_eq_u32(tide_reclaim_one(s->fd, s->queue.id, s->bo),
			  DRM_TIDE_RECLAIM_DISCARDED);
	igt_assert_lt_u64(before, committed() + TOLERANCE);
	igt_assert_lt_u64(committed(), before + TOLERANCE);
	return before - min(before, discarded);
}

static void test_charge_goes(void)
{
	struct scene s = scene_open();

	for (int i = 0; i < 3; i++) {
		uint64_t less = decommitted_by(&s, DECOMMIT);

		igt_assert_lt_u64(SIZE - TOLERANCE, less);
		igt_assert_lt_u64(less, SIZE + TOLERANCE);
		/* old mapping, new content */
		tide_zero_check(s.ptr, TIDE_MIB(1));
		igt_assert_eq(s.ptr[SIZE - 1], 0);
		tide_pattern_fill(s.ptr, SIZE, i);
		tide_bo_check(s.fd, s.bo, SIZE, i);
	}
	scene_close(&s);
}

static void test_charge_stays(void)
{
	struct scene s = scene_open();

	igt_assert_lt_u64(decommitted_by(&s, 0), TOLERANCE);
	scene_close(&s);
}

static void test_last_flag_counts(void)
{
	struct scene s = scene_open();

	offer(s.fd, s.bo, DECOMMIT);
	igt_assert_lt_u64(decommitted_by(&s, 0), TOLERANCE);
	offer(s.fd, s.bo, 0);
	igt_assert_lt_u64(SIZE - TOLERANCE, decommitted_by(&s, DECOMMIT));
	/* and it is no property of the allocation */
	igt_assert_lt_u64(decommitted_by(&s, 0), TOLERANCE);
	scene_close(&s);
}

/* Freed while it is decommitted: the charge is not given back twice. */
static void test_closed(void)
{
	uint64_t before = committed();

	for (int i = 0; i < 8; i++) {
		struct scene s = scene_open();

		offer(s.fd, s.bo, DECOMMIT);
		tide_discard(s.fd, s.bo);
		scene_close(&s);
	}
	igt_assert_lt_u64(before, committed() + TOLERANCE);
	igt_assert_lt_u64(committed(), before + TOLERANCE);
}

static void test_kept(void)
{
	struct scene s = scene_open();

	limit_commit(TIDE_MIB(8));
	offer(s.fd, s.bo, DECOMMIT);
	igt_assert_eq_u32(tide_reclaim_one(s.fd, s.queue.id, s.bo), DRM_TIDE_RECLAIM_OK);
	tide_pattern_check(s.ptr, TIDE_MIB(1), 1);
	scene_close(&s);
}

static void test_room(void)
{
	struct scene s = scene_open();

	limit_commit(TIDE_MIB(8));
	offer(s.fd, s.bo, DECOMMIT);
	tide_discard(s.fd, s.bo);
	igt_assert_eq_u32(tide_reclaim_one(s.fd, s.queue.id, s.bo), DRM_TIDE_RECLAIM_DISCARDED);
	tide_pattern_fill(s.ptr, SIZE, 7);
	tide_make_resident_one(s.fd, &s.queue, s.bo);
	tide_bo_check(s.fd, s.bo, SIZE, 7);
	scene_close(&s);
}

/* Somebody else takes what the discard has given back. */
static void *squeeze(struct scene *s, uint32_t flags)
{
	void *taken;

	limit_commit(TIDE_MIB(8));
	igt_assert(take(SIZE) == MAP_FAILED);
	offer(s->fd, s->bo, flags);
	tide_discard(s->fd, s->bo);
	taken = take(SIZE);
	return taken;
}

static void expect_useless(struct scene *s)
{
	uint32_t results[2] = { 9, 9 }, bad = 9;
	struct tide_job job = {};
	uint64_t value, offset;
	struct drm_tide_bo_info info;
	int dmabuf;

	igt_assert_eq(__tide_cpu_read(s->ptr, NULL), -SIGBUS);
	igt_assert_eq(__tide_cpu_write(s->ptr + SIZE - 1, 1), -SIGBUS);
	igt_assert_eq(__tide_offer(s->fd, &s->bo, 1, NORMAL, &bad), -ESTALE);
	igt_assert_eq_u32(bad, 0);
	igt_assert_eq(__tide_make_resident(s->fd, s->queue.id, &s->bo, 1, &value, &bad), -ESTALE);
	igt_assert_eq(__tide_evict(s->fd, &s->bo, 1, &bad), -ESTALE);
	igt_assert_eq(__tide_prime_export(s->fd, s->bo, &dmabuf), -ESTALE);
	igt_assert_eq(__tide_bo_mmap_offset(s->fd, s->bo, &offset), -ESTALE);
	tide_job_bo(&job, s->bo, TIDE_WRITE);
	igt_assert_eq(__tide_submit(s->fd, &job), -ESTALE);
	igt_assert_eq_u32(job.bad_list, DRM_TIDE_LIST_BOS);
	igt_assert_eq_u32(job.bad_index, 0);

	/* the answer stays, also twice in a list, and harms no others in it */
	igt_assert_eq(__tide_reclaim(s->fd, s->queue.id, (uint32_t[]){ s->bo, s->bo }, results, 2,
				     &value, &bad), 0);
	igt_assert_eq_u32(results[0], DRM_TIDE_RECLAIM_NOT_COMMITTED);
	igt_assert_eq_u32(results[1], DRM_TIDE_RECLAIM_NOT_COMMITTED);
	tide_queue_wait(s->fd, &s->queue, value);
	info = tide_bo_info(s->fd, s->bo);
	igt_assert_eq_u32(info.flags & ~DRM_TIDE_BO_DISCARD_UNTOLD, DRM_TIDE_BO_NOT_COMMITTED);
	igt_assert_eq_u64(info.present, 0);
}

static void test_no_room(void)
{
	struct scene s = scene_open();
	uint32_t other = tide_bo_create(s.fd, TIDE_PAGE);
	void *taken;

	tide_make_resident_one(s.fd, &s.queue, s.bo);
	tide_bo_pattern(s.fd, other, TIDE_PAGE, 3);
	taken = squeeze(&s, DECOMMIT);
	igt_assert(taken != MAP_FAILED);
	igt_assert_eq_u32(tide_reclaim_one(s.fd, s.queue.id, s.bo),
			  DRM_TIDE_RECLAIM_NOT_COMMITTED);
	expect_useless(&s);

	/* it stays so when there is room again; the client's other memory is as it was */
	munmap(taken, SIZE);
	expect_useless(&s);
	tide_bo_check(s.fd, other, TIDE_PAGE, 3);
	gem_close(s.fd, s.bo);
	igt_assert_eq(__tide_cpu_read(s.ptr, NULL), -SIGBUS);
	s.bo = tide_bo_create(s.fd, SIZE);
	tide_bo_check_zero(s.fd, s.bo, SIZE);
	scene_close(&s);
}

static void test_never_without_flag(void)
{
	struct scene s = scene_open();

	igt_assert(squeeze(&s, 0) == MAP_FAILED);
	igt_assert_eq_u32(tide_reclaim_one(s.fd, s.queue.id, s.bo), DRM_TIDE_RECLAIM_DISCARDED);
	tide_zero_check(s.ptr, SIZE);
	scene_close(&s);
}

/* An answer that did not get through is given again. */
static void test_told_again(void)
{
	struct scene s = scene_open();
	uint64_t value = 0;
	void *taken = squeeze(&s, DECOMMIT);

	igt_assert(taken != MAP_FAILED);
	igt_assert_eq(__tide_reclaim(s.fd, s.queue.id, &s.bo, NULL, 1, &value, NULL), -EFAULT);
	igt_assert_lt_u64(0, value);
	igt_assert_eq_u32(tide_reclaim_one(s.fd, s.queue.id, s.bo),
			  DRM_TIDE_RECLAIM_NOT_COMMITTED);
	munmap(taken, SIZE);
	scene_close(&s);
}

igt_main {
	igt_fixture {
		close(tide_open_render());
		igt_install_exit_handler(restore);
	}

	igt_describe("The charge goes with the discard and comes with the reclaim");
	igt_subtest("b9-c1-charge-goes-with-discard")
		test_charge_goes();

	igt_describe("Without the flag the charge stays");
	igt_subtest("b9-charge-stays-without-flag")
		test_charge_stays();

	igt_describe("The flag of the last offer counts");
	igt_subtest("b9-last-flag-counts")
		test_last_flag_counts();

	igt_describe("What is closed while it is decommitted is accounted for once");
	igt_subtest("b9-closed-while-decommitted")
		test_closed();

	igt_describe("What was not discarded is OK, however little can be committed");
	igt_subtest("b9-c1-kept-is-ok")
		test_kept();

	igt_describe("DISCARDED where there is room for the charge");
	igt_subtest("b9-c1-discarded-where-there-is-room")
		test_room();

	igt_describe("NOT_COMMITTED where there is none, and good for nothing but closing");
	igt_subtest("b9-c1-not-committed-where-there-is-none")
		test_no_room();

	igt_describe("Without the flag never NOT_COMMITTED");
	igt_subtest("b9-c1-never-without-flag")
		test_never_without_flag();

	igt_describe("NOT_COMMITTED is told again");
	igt_subtest("c1-not-committed-told-again")
		test_told_again();
}
