// SPDX-License-Identifier: MIT
/**
 * TEST: tide submit
 * Description: Jobs of the software GPU.
 */

#include "igt.h"
#include "igt_syncobj.h"
#include "igt_tide.h"

#include <poll.h>
#include <sys/wait.h>

IGT_TEST_DESCRIPTION("Jobs: order, synchronisation, results, and how they end");

#define SIZE TIDE_KIB(64)
#define RW   (TIDE_READ | TIDE_WRITE)

#define LIVENESS_NS ((int64_t)(TIDE_LIVENESS_S * NSEC_PER_SEC))
#define FOR_SUBMIT  DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT

/* A resident allocation with the pattern of its seed. */
static uint32_t make(int fd, const struct tide_queue *queue, uint64_t size, uint32_t seed)
{
	uint32_t bo = tide_bo_create(fd, size);

	tide_bo_pattern(fd, bo, size, seed);
	tide_make_resident_one(fd, queue, bo);
	return bo;
}

static bool signalled(int fd, uint32_t syncobj)
{
	return syncobj_wait_err(fd, &syncobj, 1, 0, FOR_SUBMIT) == 0;
}

static void wait_for(int fd, uint32_t syncobj)
{
	igt_assert(syncobj_wait(fd, &syncobj, 1, tide_deadline(LIVENESS_NS), FOR_SUBMIT, NULL));
}

/* F1 */

static void test_empty(int fd)
{
	uint32_t done = syncobj_create(fd, 0);
	struct tide_job job = {};

	tide_submit(fd, &job);
	tide_job_signal(&job, done, 0);
	tide_submit(fd, &job);
	wait_for(fd, done);
	igt_assert_eq(tide_job_status(fd, done), 0);
	syncobj_destroy(fd, done);
}

/* Something wrong at the very end of a job: nothing of it has happened. */
static void test_checked_whole(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bos[2] = { make(fd, &queue, SIZE, 1), make(fd, &queue, SIZE, 2) };
	uint32_t done = syncobj_create(fd, 0), point = syncobj_create(fd, 0);

	for (int what = 0; what < 3; what++) {
		struct tide_job job = {};

		tide_job_bo(&job, bos[0], RW);
		tide_job_bo(&job, bos[1], TIDE_READ);
		tide_job_fill(&job, 0, 0, SIZE, 0);
		tide_job_copy(&job, 0, 0, 1, 0, SIZE);
		tide_job_signal(&job, done, 0);
		tide_job_signal(&job, point, 5);
		if (what == 0) {
			tide_job_fill(&job, 0, 1, SIZE, 0);
			igt_assert_eq(__tide_submit(fd, &job), -ERANGE);
			igt_assert_eq_u32(job.bad_list, DRM_TIDE_LIST_COMMANDS);
		} else if (what == 1) {
			tide_job_fill(&job, 1, 0, 1, 0);
			igt_assert_eq(__tide_submit(fd, &job), -EINVAL);
			igt_assert_eq_u32(job.bad_list, DRM_TIDE_LIST_COMMANDS);
		} else {
			tide_job_signal(&job, 0xfffff0, 0);
			igt_assert_eq(__tide_submit(fd, &job), -ENOENT);
			igt_assert_eq_u32(job.bad_list, DRM_TIDE_LIST_SIGNALS);
		}
		igt_assert_eq_u32(job.bad_index, 2);
		igt_assert_eq(syncobj_wait_err(fd, &done, 1, 0, 0), -EINVAL);
		igt_assert(!tide_point_signalled(fd, point, 5));
		tide_bo_check(fd, bos[0], SIZE, 1);
	}
	tide_gpu_fill(fd, bos[0], 0, 1, 0x9c);
	igt_assert(!signalled(fd, done));
	for (int i = 0; i < 2; i++)
		gem_close(fd, bos[i]);
	syncobj_destroy(fd, done);
	syncobj_destroy(fd, point);
	tide_queue_destroy(fd, &queue);
}

static void test_in_order(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bo = make(fd, &queue, SIZE, 1), points = syncobj_create(fd, 0);

	for (uint32_t i = 1; i <= 20; i++) {
		struct tide_job job = {};

		tide_job_bo(&job, bo, TIDE_WRITE);
		if (i % 3 == 0)
			tide_job_delay(&job, NSEC_PER_MSEC);
		tide_job_fill(&job, 0, 0, i % 4 ? SIZE : SIZE / 2, i);
		tide_job_signal(&job, points, i);
		tide_submit(fd, &job);
	}
	/* and one that names nothing comes after them, too */
	{
		struct tide_job job = {};

		tide_submit_wait(fd, &job);
	}
	igt_assert(tide_point_signalled(fd, points, 20));
	{
		uint32_t *words = tide_bo_map(fd, bo, SIZE);

		igt_assert_eq_u32(words[0], 20);
		igt_assert_eq_u32(words[SIZE / 8 - 1], 20);
		igt_assert_eq_u32(words[SIZE / 8], 19);
		munmap(words, SIZE);
	}
	gem_close(fd, bo);
	syncobj_destroy(fd, points);
	tide_queue_destroy(fd, &queue);
}

/* Shared memory: a reader of another client comes after the writer. */
static void test_order_of_clients(int fd)
{
	int other = tide_open_render();
	struct tide_queue queue = tide_queue_create(fd), other_queue = tide_queue_create(other);
	uint32_t bo = make(fd, &queue, SIZE, 1), theirs, copy, done = syncobj_create(other, 0);
	struct tide_cork cork;
	struct tide_job job = {}, reader = {};
	int dmabuf;

	igt_assert_eq(__tide_prime_export(fd, bo, &dmabuf), 0);
	theirs = prime_fd_to_handle(other, dmabuf);
	close(dmabuf);
	tide_make_resident_one(other, &other_queue, theirs);
	copy = make(other, &other_queue, SIZE, 2);

	tide_cork_plug(&cork, fd);
	tide_job_bo(&job, bo, TIDE_WRITE);
	tide_job_fill(&job, 0, 0, SIZE, 0);
	tide_job_wait(&job, cork.syncobj, 0);
	tide_submit(fd, &job);

	tide_job_bo(&reader, copy, TIDE_WRITE);
	tide_job_bo(&reader, theirs, TIDE_READ);
	tide_job_copy(&reader, 0, 0, 1, 0, SIZE);
	tide_job_signal(&reader, done, 0);
	tide_submit(other, &reader);
	usleep(50000);
	igt_assert(!signalled(other, done));
	/* its other work, of other memory, comes after it: jobs of a client are in order */
	tide_cork_unplug(&cork);
	wait_for(other, done);
	tide_bo_check_zero(other, copy, SIZE);

	tide_cork_fini(&cork, fd);
	close(other);
	gem_close(fd, bo);
	tide_queue_destroy(fd, &queue);
}

/* Clients that share nothing do not wait for each other. */
static void test_clients_apart(int fd)
{
	int other = tide_open_render();
	struct tide_queue queue = tide_queue_create(fd), other_queue = tide_queue_create(other);
	uint32_t bo = make(fd, &queue, SIZE, 1), theirs = make(other, &other_queue, SIZE, 2);
	struct tide_cork cork;

	tide_cork_plug(&cork, fd);
	tide_keep_busy(fd, &cork, bo, RW);
	tide_gpu_fill(other, theirs, 0, SIZE, 0x55555555);
	igt_assert(tide_bo_flags(fd, bo) & DRM_TIDE_BO_BUSY);
	tide_cork_unplug(&cork);
	tide_cork_fini(&cork, fd);
	close(other);
	gem_close(fd, bo);
	tide_queue_destroy(fd, &queue);
}

static void test_signals(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bo = make(fd, &queue, SIZE, 1);
	uint32_t binary[2] = { syncobj_create(fd, 0), syncobj_create(fd, 0) };
	uint32_t timeline = syncobj_create(fd, 0);
	struct tide_cork cork;
	struct tide_job job = {};

	tide_cork_plug(&cork, fd);
	tide_job_bo(&job, bo, TIDE_WRITE);
	tide_job_fill(&job, 0, 0, SIZE, 0);
	tide_job_wait(&job, cork.syncobj, 0);
	tide_job_signal(&job, binary[0], 0);
	tide_job_signal(&job, timeline, 7);
	tide_job_signal(&job, binary[1], 0);
	tide_job_signal(&job, timeline, 9);
	tide_submit(fd, &job);
	/* fences are there, not signalled */
	igt_assert_eq(syncobj_wait_err(fd, binary, 2, 0, 0), -ETIME);
	igt_assert(!tide_point_signalled(fd, timeline, 7));
	tide_cork_unplug(&cork);
	wait_for(fd, binary[0]);
	wait_for(fd, binary[1]);
	tide_point_wait(fd, timeline, 7);
	tide_point_wait(fd, timeline, 9);
	igt_assert(!tide_point_signalled(fd, timeline, 10));
	igt_assert_eq(tide_job_status(fd, binary[0]), 0);
	tide_bo_check_zero(fd, bo, SIZE);
	tide_cork_fini(&cork, fd);
	gem_close(fd, bo);
	for (int i = 0; i < 2; i++)
		syncobj_destroy(fd, binary[i]);
	syncobj_destroy(fd, timeline);
	tide_queue_destroy(fd, &queue);
}

/* Of two clients, or the order of submission would do. */
static void test_waits(int fd, bool timeline)
{
	int other = tide_open_render(), file;
	struct tide_queue queue = tide_queue_create(fd), other_queue = tide_queue_create(other);
	uint32_t bo = make(fd, &queue, SIZE, 1), theirs = make(other, &other_queue, SIZE, 3);
	uint32_t between = syncobj_create(fd, 0), their_between;
	uint64_t point = timeline ? 3 : 0;
	struct tide_job first = {}, second = {}, last = {};
	struct tide_cork cork;

	file = syncobj_handle_to_fd(fd, between, 0);
	their_between = syncobj_fd_to_handle(other, file, 0);
	close(file);

	tide_cork_plug(&cork, fd);
	tide_job_bo(&first, bo, TIDE_WRITE);
	tide_job_fill(&first, 0, 0, SIZE, 0);
	tide_job_wait(&first, cork.syncobj, 0);
	tide_job_signal(&first, between, point);
	tide_submit(fd, &first);
	tide_job_bo(&second, theirs, TIDE_WRITE);
	tide_job_fill(&second, 0, 0, SIZE, 0);
	tide_job_wait(&second, their_between, point);
	tide_submit(other, &second);
	usleep(50000);
	tide_bo_check(other, theirs, SIZE, 3);
	igt_assert(tide_bo_flags(other, theirs) & DRM_TIDE_BO_BUSY);
	tide_cork_unplug(&cork);

	tide_submit_wait(other, &last);
	tide_bo_check_zero(other, theirs, SIZE);
	tide_bo_check_zero(fd, bo, SIZE);
	tide_cork_fini(&cork, fd);
	close(other);
	gem_close(fd, bo);
	syncobj_destroy(fd, between);
	tide_queue_destroy(fd, &queue);
}

/* E2: a submission waits for points without a fence, and without limit. */
static void test_wait_before_submit(int fd, bool timeline)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bo = make(fd, &queue, SIZE, 1);
	uint32_t late = syncobj_create(fd, 0), done = syncobj_create(fd, 0);
	uint64_t point = 4;

	igt_fork(child, 1) {
		struct tide_job job = {};

		tide_job_bo(&job, bo, TIDE_WRITE);
		tide_job_fill(&job, 0, 0, SIZE, 0);
		tide_job_wait(&job, late, timeline ? point : 0);
		tide_job_signal(&job, done, 0);
		tide_submit(fd, &job);
	}
	/* for one of them longer than the 5 s after which DRM's own wait for a fence gives up */
	for (int i = 0; i < (timeline ? 6 : 1); i++) {
		sleep(1);
		igt_assert(!signalled(fd, done));
		tide_bo_check(fd, bo, SIZE, 1);
	}
	/* The client is not stuck meanwhile: other calls and jobs go on. */
	{
		uint32_t other = make(fd, &queue, SIZE, 2);

		tide_gpu_fill(fd, other, 0, SIZE, 1);
		gem_close(fd, other);
	}
	if (timeline)
		syncobj_timeline_signal(fd, &late, &point, 1);
	else
		syncobj_signal(fd, &late, 1);
	igt_waitchildren();
	wait_for(fd, done);
	tide_bo_check_zero(fd, bo, SIZE);
	gem_close(fd, bo);
	syncobj_destroy(fd, late);
	syncobj_destroy(fd, done);
	tide_queue_destroy(fd, &queue);
}

/* What was right when a submission began to wait is checked again when it goes on. */
static void test_checked_again(int fd)
{
	static const int errors[] = { -ENODATA, -ENXIO, -ENOENT };
	struct tide_queue queue = tide_queue_create(fd);

	for (int what = 0; what < 3; what++) {
		uint32_t bos[2] = { make(fd, &queue, SIZE, 1), make(fd, &queue, SIZE, 2) };
		uint32_t late = syncobj_create(fd, 0), done = syncobj_create(fd, 0);

		igt_fork(child, 1) {
			struct tide_job job = {};

			tide_job_bo(&job, bos[0], TIDE_WRITE);
			tide_job_bo(&job, bos[1], TIDE_READ);
			tide_job_copy(&job, 0, 0, 1, 0, SIZE);
			tide_job_wait(&job, late, 0);
			tide_job_signal(&job, done, 0);
			igt_assert_eq(__tide_submit(fd, &job), errors[what]);
			igt_assert_eq_u32(job.bad_list, DRM_TIDE_LIST_BOS);
			igt_assert_eq_u32(job.bad_index, 1);
		}
		usleep(300000);
		if (what == 0)
			tide_offer_one(fd, bos[1], DRM_TIDE_PRIORITY_LOW);
		else if (what == 1)
			tide_evict_one(fd, bos[1]);
		else
			gem_close(fd, bos[1]);
		syncobj_signal(fd, &late, 1);
		igt_waitchildren();
		igt_assert_eq(syncobj_wait_err(fd, &done, 1, 0, 0), -EINVAL);
		tide_bo_check(fd, bos[0], SIZE, 1);
		gem_close(fd, bos[0]);
		if (what < 2)
			gem_close(fd, bos[1]);
		syncobj_destroy(fd, late);
		syncobj_destroy(fd, done);
	}
	tide_queue_destroy(fd, &queue);
}

static void ignore_signal(int sig __maybe_unused)
{
}

/* A submission that blocks is left at a signal, and by a kill. */
static void test_interruptible(int fd)
{
	struct sigaction action = { .sa_handler = ignore_signal };
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bo = make(fd, &queue, SIZE, 1), late = syncobj_create(fd, 0);
	struct drm_tide_submit_bo named = { bo, TIDE_WRITE };
	struct drm_tide_command fill = { .op = DRM_TIDE_CMD_FILL, .length = SIZE };
	struct drm_tide_sync wait = { .handle = late };
	struct drm_tide_submit submit = {
		.bos = (uintptr_t)&named,
		.commands = (uintptr_t)&fill,
		.waits = (uintptr_t)&wait,
		.bo_count = 1,
		.command_count = 1,
		.wait_count = 1,
	};
	pid_t child = fork();
	int status;

	igt_assert(child >= 0);
	if (child == 0) {
		/* without SA_RESTART */
		sigaction(SIGALRM, &action, NULL);
		for (int i = 0; i < 3; i++) {
			alarm(1);
			if (__tide_ioctl_once(fd, DRM_IOCTL_TIDE_SUBMIT, &submit) != -EINTR)
				_exit(1);
		}
		alarm(0);
		__tide_ioctl(fd, DRM_IOCTL_TIDE_SUBMIT, &submit);
		_exit(2); /* killed before */
	}
	sleep(5);
	kill(child, SIGKILL);
	igt_assert_eq(waitpid(child, &status, 0), child);
	igt_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	/* Nothing was queued. */
	syncobj_signal(fd, &late, 1);
	tide_gpu_fill(fd, make(fd, &queue, SIZE, 2), 0, SIZE, 0);
	tide_bo_check(fd, bo, SIZE, 1);
	igt_assert_eq_u32(tide_bo_flags(fd, bo), DRM_TIDE_BO_RESIDENT);
	syncobj_destroy(fd, late);
	gem_close(fd, bo);
	tide_queue_destroy(fd, &queue);
}

/* F2 */

static void model_fill(uint8_t *dst, uint64_t at, uint64_t length, uint32_t pattern)
{
	for (uint64_t n = 0; n < length; n++)
		dst[at + n] = pattern >> (n % 4 * 8);
}

static void test_fill_small(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	const uint64_t size = 4 * TIDE_PAGE;
	uint32_t bo = make(fd, &queue, size, 1);
	uint8_t *ptr = tide_bo_map(fd, bo, size), *model = malloc(size);

	igt_assert(model);
	tide_pattern_fill(model, size, 1);
	/* every start around a page's end, with every short length */
	for (uint64_t start = TIDE_PAGE - 6; start < TIDE_PAGE + 6; start++) {
		struct tide_job job = {};

		tide_job_bo(&job, bo, TIDE_WRITE);
		for (uint64_t length = 1; length <= 17; length++) {
			uint32_t pattern = 0x11020304 * (uint32_t)(start * 31 + length);
			uint64_t at = start + (length % 2) * 2 * TIDE_PAGE;

			tide_job_fill(&job, 0, at, length, pattern);
			model_fill(model, at, length, pattern);
		}
		tide_submit_wait(fd, &job);
		igt_assert_eq(memcmp(ptr, model, size), 0);
	}
	free(model);
	munmap(ptr, size);
	gem_close(fd, bo);
	tide_queue_destroy(fd, &queue);
}

/*
 * Random jobs on a few allocations of odd shapes, followed by a model on the
 * CPU. Most ranges cross pages; copies go within and between, and overlap.
 */
static void test_random(int fd, uint32_t seed, bool fills, bool copies, bool overlap)
{
	static const uint64_t sizes[3] = { TIDE_PAGE, 5 * TIDE_PAGE, 67 * TIDE_PAGE };
	struct tide_queue queue = tide_queue_create(fd);
	uint8_t *ptrs[3], *models[3];
	uint32_t bos[3];

	igt_info("seed %u\n", seed);
	for (int i = 0; i < 3; i++) {
		bos[i] = make(fd, &queue, sizes[i], i);
		ptrs[i] = tide_bo_map(fd, bos[i], sizes[i]);
		models[i] = malloc(sizes[i]);
		igt_assert(models[i]);
		tide_pattern_fill(models[i], sizes[i], i);
	}
	for (int round = 0; round < 40; round++) {
		struct tide_job job = {};

		for (int i = 0; i < 3; i++)
			tide_job_bo(&job, bos[i], RW);
		for (int n = 1 + tide_random(&seed) % 12; n; n--) {
			uint32_t dst = tide_random(&seed) % 3, src = tide_random(&seed) % 3;
			uint64_t to, from, most, length;

			if (overlap)
				src = dst;
			to = tide_random(&seed) % sizes[dst];
			from = tide_random(&seed) % sizes[src];
			if (overlap && tide_random(&seed) % 2) {
				int near = (int)(tide_random(&seed) % 129) - 64;

				from = min(max((int64_t)to + near, 0), (int64_t)sizes[src] - 1);
			}
			most = sizes[dst] - to;
			if (fills && (!copies || tide_random(&seed) % 2)) {
				uint32_t pattern = tide_random(&seed);

				length = 1 + tide_random(&seed) % most;
				tide_job_fill(&job, dst, to, length, pattern);
				model_fill(models[dst], to, length, pattern);
				continue;
			}
			most = min(most, sizes[src] - from);
			length = 1 + tide_random(&seed) % most;
			tide_job_copy(&job, dst, to, src, from, length);
			memmove(models[dst] + to, models[src] + from, length);
		}
		tide_submit_wait(fd, &job);
		for (int i = 0; i < 3; i++) {
			for (uint64_t at = 0; at < sizes[i]; at += TIDE_PAGE)
				igt_assert_f(!memcmp(ptrs[i] + at, models[i] + at, TIDE_PAGE),
					     "round %d: allocation %d differs in page %" PRIu64 "\n",
					     round, i, at / TIDE_PAGE);
		}
	}
	for (int i = 0; i < 3; i++) {
		munmap(ptrs[i], sizes[i]);
		free(models[i]);
		gem_close(fd, bos[i]);
	}
	tide_queue_destroy(fd, &queue);
}

/* Over the places where memory may change its granularity. */
static void test_large(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	const uint64_t size = TIDE_MIB(9), start = TIDE_MIB(2) - 33, length = TIDE_MIB(4) + 66;
	uint32_t src = make(fd, &queue, size, 1), dst = make(fd, &queue, size, 2);
	uint8_t *ptr = tide_bo_map(fd, dst, size);

	tide_gpu_copy(fd, dst, start + 1, src, start, length);
	igt_assert_eq_u64(__tide_pattern_check(ptr, start + 1, 2, 0), start + 1);
	igt_assert_eq_u64(__tide_pattern_check(ptr + start + 1, length, 1, start), length);
	igt_assert_eq_u64(__tide_pattern_check(ptr + start + 1 + length,
					       size - start - 1 - length, 2, start + 1 + length),
			  size - start - 1 - length);
	/* all of it onto itself, moved by less than a page */
	tide_bo_pattern(fd, dst, size, 3);
	tide_gpu_copy(fd, dst, 100, dst, 0, size - 100);
	igt_assert_eq_u64(__tide_pattern_check(ptr, 100, 3, 0), 100);
	igt_assert_eq_u64(__tide_pattern_check(ptr + 100, size - 100, 3, 0), size - 100);
	tide_bo_pattern(fd, dst, size, 4);
	tide_gpu_copy(fd, dst, 0, dst, 100, size - 100);
	igt_assert_eq_u64(__tide_pattern_check(ptr, size - 100, 4, 100), size - 100);
	igt_assert_eq_u64(__tide_pattern_check(ptr + size - 100, 100, 4, size - 100), 100);
	tide_bo_check(fd, src, size, 1);
	munmap(ptr, size);
	gem_close(fd, src);
	gem_close(fd, dst);
	tide_queue_destroy(fd, &queue);
}

static void test_many_commands(int fd)
{
	uint32_t count = min(tide_info(fd).max_submit_commands, 1024);
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bo = make(fd, &queue, SIZE, 1);
	struct drm_tide_command *commands = calloc(count, sizeof(*commands));
	struct drm_tide_submit_bo named = { bo, TIDE_WRITE };
	struct drm_tide_submit submit = {
		.bos = (uintptr_t)&named,
		.commands = (uintptr_t)commands,
		.bo_count = 1,
		.command_count = count,
	};
	uint8_t *ptr = tide_bo_map(fd, bo, SIZE);
	struct tide_job last = {};

	igt_assert(commands);
	for (uint32_t i = 0; i < count; i++) {
		commands[i].op = DRM_TIDE_CMD_FILL;
		commands[i].dst_offset = i * 61 % (SIZE - 16);
		commands[i].length = 1;
		commands[i].pattern = i;
	}
	igt_assert_eq(__tide_submit_raw(fd, &submit), 0);
	tide_submit_wait(fd, &last);
	for (uint32_t i = 0; i < count; i++)
		igt_assert_eq(ptr[i * 61 % (SIZE - 16)], (uint8_t)i);
	free(commands);
	munmap(ptr, SIZE);
	gem_close(fd, bo);
	tide_queue_destroy(fd, &queue);
}

/* As many allocations as a job may name. */
static void test_many_bos(int fd)
{
	uint32_t count = min(tide_info(fd).max_submit_bos, 1024);
	struct tide_queue queue = tide_queue_create(fd);
	struct drm_tide_submit_bo *named = calloc(count, sizeof(*named));
	uint32_t *handles = calloc(count, sizeof(*handles));
	struct drm_tide_command copies[8] = {};
	struct drm_tide_submit submit = {
		.bos = (uintptr_t)named,
		.commands = (uintptr_t)copies,
		.bo_count = count,
		.command_count = 8,
	};
	struct tide_job last = {};

	igt_assert(named && handles);
	for (uint32_t i = 0; i < count; i++) {
		handles[i] = tide_bo_create(fd, TIDE_PAGE);
		named[i] = (struct drm_tide_submit_bo){ handles[i], RW };
	}
	tide_bo_pattern(fd, handles[0], TIDE_PAGE, 5);
	tide_make_resident(fd, queue.id, handles, count);
	for (uint32_t i = 0; i < 8; i++) {
		copies[i].op = DRM_TIDE_CMD_COPY;
		copies[i].src = i ? copies[i - 1].dst : 0;
		copies[i].dst = (i + 1) * (count - 1) / 8;
		copies[i].length = TIDE_PAGE;
	}
	igt_assert_eq(__tide_submit_raw(fd, &submit), 0);
	tide_submit_wait(fd, &last);
	tide_bo_check(fd, handles[count - 1], TIDE_PAGE, 5);
	for (uint32_t i = 0; i < count; i++)
		gem_close(fd, handles[i]);
	free(named);
	free(handles);
	tide_queue_destroy(fd, &queue);
}

/* F3 */

/* A job that makes no progress, with a write before and one after. */
static void stuck_job(struct tide_job *job, int fd, uint32_t bo, uint32_t done)
{
	tide_job_bo(job, bo, TIDE_WRITE);
	tide_job_fill(job, 0, 0, 4, 0x41414141);
	tide_job_delay(job, tide_info(fd).max_delay_ns);
	tide_job_fill(job, 0, 4, 4, 0x42424242);
	tide_job_signal(job, done, 0);
}

static void test_timeout(int fd)
{
	struct tide_queue queue = tide_queue_create(fd);
	uint32_t bo = make(fd, &queue, SIZE, 1), done = syncobj_create(fd, 0), word;
	struct tide_job job = {};
	uint8_t *ptr = tide_bo_map(fd, bo, SIZE);

	tide_param_set("job_timeout_ms", 300);
	stuck_job(&job, fd, bo, done);
	tide_submit(fd, &job);
	wait_for(fd, done);
	igt_assert_eq(tide_job_status(fd, done), -ETIME);
	/* what came before was done, what came after was not, and is not done later */
	for (int i = 0; i < 5; i++) {
		memcpy(&word, ptr, 4);
		igt_assert_eq_u32(word, 0x41414141);
		igt_assert_eq_u64(__tide_pattern_check(ptr + 4, SIZE - 4, 1, 4), SIZE - 4);
		usleep(50000);
	}
	/* The allocation is not busy any more. */
	tide_offer_one(fd, bo, DRM_TIDE_PRIORITY_LOW);
	tide_discard(fd, bo);
	munmap(ptr, SIZE);
	gem_close(fd, bo);
	syncobj_destroy(fd, done);
	tide_queue_destroy(fd, &queue);
	tide_param_set("job_timeout_ms", 2000);
}

/* The client's work behind it, on the same memory and other, and another client's. */
static void test_others_go_on(int fd)
{
	int other = tide_open_render();
	struct tide_queue queue = tide_queue_create(fd), other_queue = tide_queue_create(other);
	uint32_t bos[2] = { make(fd, &queue, SIZE, 1), make(fd, &queue, SIZE, 2) };
	uint32_t theirs = make(other, &other_queue, SIZE, 3);
	uint32_t stuck[3], after = syncobj_create(fd, 0);
	struct tide_job behind = {};

	tide_param_set("job_timeout_ms", 300);
	for (int i = 0; i < 3; i++) {
		struct tide_job job = {};

		stuck[i] = syncobj_create(fd, 0);
		stuck_job(&job, fd, bos[0], stuck[i]);
		tide_submit(fd, &job);
	}
	tide_job_bo(&behind, bos[0], TIDE_WRITE);
	tide_job_bo(&behind, bos[1], TIDE_READ);
	tide_job_copy(&behind, 0, 0, 1, 0, SIZE);
	tide_job_signal(&behind, after, 0);
	tide_submit(fd, &behind);

	tide_gpu_fill(other, theirs, 0, SIZE, 0);
	tide_bo_check_zero(other, theirs, SIZE);

	wait_for(fd, after);
	for (int i = 0; i < 3; i++) {
		igt_assert_eq(tide_job_status(fd, stuck[i]), -ETIME);
		syncobj_destroy(fd, stuck[i]);
	}
	igt_assert_eq(tide_job_status(fd, after), 0);
	tide_bo_check(fd, bos[0], SIZE, 2);
	tide_gpu_fill(fd, bos[1], 0, SIZE, 0);
	tide_bo_check_zero(fd, bos[1], SIZE);
	close(other);
	for (int i = 0; i < 2; i++)
		gem_close(fd, bos[i]);
	syncobj_destroy(fd, after);
	tide_queue_destroy(fd, &queue);
	tide_param_set("job_timeout_ms", 2000);
}

/* Runs count times the command, then one that marks the end; returns ns. */
static int64_t time_commands(int fd, const uint32_t bos[2], const struct drm_tide_command *command,
			     uint32_t count)
{
	struct drm_tide_command *commands = calloc(count + 1, sizeof(*commands));
	struct drm_tide_submit_bo named[2] = { { bos[0], RW }, { bos[1], TIDE_READ } };
	struct drm_tide_sync done = { .handle = syncobj_create(fd, 0) };
	struct drm_tide_submit submit = {
		.bos = (uintptr_t)named,
		.commands = (uintptr_t)commands,
		.signals = (uintptr_t)&done,
		.bo_count = 2,
		.command_count = count + 1,
		.signal_count = 1,
	};
	int64_t start = tide_deadline(0);

	igt_assert(commands);
	for (uint32_t i = 0; i < count; i++)
		commands[i] = *command;
	commands[count] = (struct drm_tide_command){
		.op = DRM_TIDE_CMD_FILL, .pattern = 0x5a, .length = 1 };
	igt_assert_eq(__tide_submit_raw(fd, &submit), 0);
	wait_for(fd, done.handle);
	start = tide_deadline(0) - start;
	igt_assert_eq(tide_job_status(fd, done.handle), 0);
	syncobj_destroy(fd, done.handle);
	free(commands);
	return start;
}

/* A job that takes much longer than the timeout, and is not stuck. */
static void test_progress(int fd, bool copy)
{
	/* a second, as a machine may stop for a moment by itself */
	const int64_t timeout_ns = NSEC_PER_SEC;
	struct tide_queue queue = tide_queue_create(fd);
	const uint64_t size = TIDE_MIB(16);
	uint32_t bos[2] = { make(fd, &queue, size, 1), make(fd, &queue, size, 2) };
	struct drm_tide_command command = {};
	uint32_t count, most = tide_info(fd).max_submit_commands - 1;
	int64_t took = 0;
	uint8_t *ptr;

	if (copy) {
		command.op = DRM_TIDE_CMD_COPY;
		command.src = 1;
		command.length = size;
		count = 2;
	} else {
		command.op = DRM_TIDE_CMD_DELAY;
		command.length = timeout_ns / 2;
		count = 6;
	}
	tide_param_set("job_timeout_ms", timeout_ns / NSEC_PER_MSEC);
	for (; took < 2 * timeout_ns && count <= most; count *= 2) {
		took = time_commands(fd, bos, &command, count);
		igt_info("%u took %" PRId64 " ms\n", count, took / (int64_t)NSEC_PER_MSEC);
	}
	tide_param_set("job_timeout_ms", 2000);

	ptr = tide_bo_map(fd, bos[0], size);
	igt_assert_eq(ptr[0], 0x5a);
	if (copy)
		igt_assert_eq_u64(__tide_pattern_check(ptr + 1, size - 1, 2, 1), size - 1);
	munmap(ptr, size);
	igt_require_f(took >= 2 * timeout_ns, "this machine is too fast for it\n");
	for (int i = 0; i < 2; i++)
		gem_close(fd, bos[i]);
	tide_queue_destroy(fd, &queue);
}

/* The client goes away while its job is stuck. */
static void test_client_goes(int fd)
{
	int other = tide_open_render();
	struct tide_queue other_queue = tide_queue_create(other), queue = tide_queue_create(fd);
	uint32_t bo = make(other, &other_queue, SIZE, 1), done = syncobj_create(other, 0);
	uint32_t ours = make(fd, &queue, SIZE, 2), their_done;
	struct tide_job job = {};
	int file;

	tide_param_set("job_timeout_ms", 300);
	stuck_job(&job, other, bo, done);
	tide_submit(other, &job);
	file = syncobj_handle_to_fd(other, done, 0);
	their_done = syncobj_fd_to_handle(fd, file, 0);
	close(file);
	close(other);
	wait_for(fd, their_done);
	igt_assert_lt(tide_job_status(fd, their_done), 0);
	tide_gpu_fill(fd, ours, 0, SIZE, 0);
	tide_bo_check_zero(fd, ours, SIZE);
	syncobj_destroy(fd, their_done);
	gem_close(fd, ours);
	tide_queue_destroy(fd, &queue);
	tide_param_set("job_timeout_ms", 2000);
}

/* A job that is behind many others of another client's does not keep its own client. */
static void test_close_behind_others(int fd)
{
	int other = tide_open_render(), busy = tide_open_render();
	uint32_t last = syncobj_create(busy, 0);
	struct tide_job job = {};

	for (int i = 0; i < 60; i++) {
		struct tide_job delay = {};

		tide_job_delay(&delay, NSEC_PER_SEC);
		if (i == 59)
			tide_job_signal(&delay, last, 0);
		tide_submit(busy, &delay);
	}
	tide_submit(other, &job);
	close(other);
	igt_assert(!syncobj_wait(busy, &last, 1, 0, 0, NULL));
	close(busy);
	tide_submit_wait(fd, &job);
}

igt_main {
	int fd = -1;

	igt_fixture
		fd = tide_open_render();

	igt_describe("All lists may be empty; what is to be signalled is");
	igt_subtest("f1-empty-job")
		test_empty(fd);

	igt_describe("A job with an error at its end does nothing at all");
	igt_subtest("f1-checked-whole-before-queued")
		test_checked_whole(fd);

	igt_describe("What a waiting submission names is checked again when it goes on");
	igt_subtest("f1-checked-again-after-waiting")
		test_checked_again(fd);

	igt_describe("Jobs of a client run in the order of their submission");
	igt_subtest("f1-jobs-in-order")
		test_in_order(fd);

	igt_describe("Jobs of clients that share memory run in order");
	igt_subtest("f1-shared-memory-in-order")
		test_order_of_clients(fd);

	igt_describe("A client whose job waits does not hold up another one");
	igt_subtest("f1-clients-do-not-wait-for-each-other")
		test_clients_apart(fd);

	igt_describe("Binary syncobjs and timeline points are signalled when the job is over");
	igt_subtest("f1-signals")
		test_signals(fd);

	igt_describe("A job waits for a binary syncobj");
	igt_subtest("f1-waits-binary")
		test_waits(fd, false);

	igt_describe("A job waits for a timeline point");
	igt_subtest("f1-waits-timeline")
		test_waits(fd, true);

	igt_describe("A submission waits, for long, until a binary syncobj has a fence");
	igt_subtest("e2-wait-before-submit-binary")
		test_wait_before_submit(fd, false);

	igt_describe("A submission waits, for long, until a timeline point has a fence");
	igt_subtest("e2-wait-before-submit-timeline")
		test_wait_before_submit(fd, true);

	igt_describe("A waiting submission is left at a signal and by a kill, with nothing queued");
	igt_subtest("e2-wait-before-submit-interruptible")
		test_interruptible(fd);

	igt_describe("Short fills around a page's end are right to the byte");
	igt_subtest("f2-fill-around-page-end")
		test_fill_small(fd);

	igt_describe("Random fills are right to the byte");
	igt_subtest("f2-fill-random")
		test_random(fd, 12345, true, false, false);

	igt_describe("Random copies within and between allocations are right to the byte");
	igt_subtest("f2-copy-random")
		test_random(fd, 23456, false, true, false);

	igt_describe("Copies of overlapping ranges are right to the byte");
	igt_subtest("f2-copy-overlapping")
		test_random(fd, 34567, false, true, true);

	igt_describe("Random jobs of fills and copies are right to the byte");
	igt_subtest("f2-fill-and-copy-random")
		test_random(fd, 45678, true, true, false);

	igt_describe("Copies over huge page borders are right to the byte");
	igt_subtest("f2-copy-large")
		test_large(fd);

	igt_describe("A job of many commands runs all of them in order");
	igt_subtest("f2-many-commands")
		test_many_commands(fd);

	igt_describe("A job names many allocations");
	igt_subtest("f2-many-allocations")
		test_many_bos(fd);

	igt_describe("A job without progress is ended, and its fence says so");
	igt_subtest("f3-stuck-job-is-ended")
		test_timeout(fd);

	igt_describe("The client's other work and other clients' goes on behind stuck jobs");
	igt_subtest("f3-others-go-on")
		test_others_go_on(fd);

	igt_describe("A copy that takes longer than the timeout is not ended");
	igt_subtest("f3-long-copy-is-not-ended")
		test_progress(fd, true);

	igt_describe("Delays that together take longer than the timeout are not ended");
	igt_subtest("f3-many-delays-are-not-ended")
		test_progress(fd, false);

	igt_describe("A client whose job is behind those of another one can go");
	igt_subtest("h3-close-behind-others")
		test_close_behind_others(fd);

	igt_describe("A stuck job of a client that is gone is ended");
	igt_subtest("f3-client-of-stuck-job-closed")
		test_client_goes(fd);

	igt_fixture
		close(fd);
}
