// SPDX-License-Identifier: MIT
/*
 * Clients at work while memory is taken from them. Each allocation's content is
 * known at any time: an answer of the kernel's that is not true, or a store that
 * is lost, is found.
 */
#include <sys/wait.h>

#include "igt.h"
#include "igt_syncobj.h"
#include "igt_tide.h"
#include "igt_tide_pressure.h"

IGT_TEST_DESCRIPTION("Offer, reclaim, jobs, CPU accesses, exports against the shrinkers");

/* What workers do besides writing, offering, reclaiming and checking */
#define GPU	  (1u << 0) /* jobs, offers right behind them */
#define RESIDENCY (1u << 1) /* on and off the residency list */
#define EXPORT	  (1u << 2) /* exports, and another client that imports */
#define RECREATE  (1u << 3) /* closes in any state, new allocations in their place */
#define WILD	  (1u << 4) /* a process that stores into whatever is mapped */
#define ONE_FD	  (1u << 5) /* all workers are one client */

/* What takes their memory */
#define KNOB   (1u << 0) /* the debugfs knob, without pause */
#define LIMIT  (1u << 1) /* a cgroup limit below what they have */
#define GLOBAL (1u << 2) /* a hog, again and again */
#define ZRAM   (1u << 3)

static const struct race {
	const char *name;
	unsigned int work;
	unsigned int pressure;
	const char *describe;
} races[] = {
	{ "c8-store-after-reclaim-knob", WILD, KNOB,
	  "stores right after a reclaim, through old mappings, against discards" },
	{ "c8-store-after-reclaim-limit", WILD, LIMIT,
	  "the same in a cgroup at its limit" },
	{ "c8-store-after-reclaim-global-zram", WILD, GLOBAL | ZRAM,
	  "the same on a machine short of memory, with swap" },
	{ "b3-offer-behind-job-knob", GPU, KNOB,
	  "offers of what a job still writes, against discards" },
	{ "d4-residency-limit-zram", GPU | RESIDENCY, LIMIT | ZRAM,
	  "jobs on what is taken by pressure and brought back" },
	{ "b8-export-knob", EXPORT | RECREATE, KNOB,
	  "what was exported is never discarded, and other clients can use it" },
	{ "h1-h3-recreate-limit", GPU | RECREATE, LIMIT,
	  "closed in any state; what is new reads as zeros" },
	{ "c1-all-one-client-knob-limit-zram", GPU | RESIDENCY | EXPORT | RECREATE | ONE_FD,
	  KNOB | LIMIT | ZRAM, "everything, by several processes with one file" },
	{ "c1-all-global-zram", GPU | RESIDENCY | EXPORT | RECREATE | WILD, GLOBAL | ZRAM | KNOB,
	  "everything, on a machine short of memory" },
};

#define WORKERS 2
#define SLOTS	24

/* Shared by all processes of a race */
struct shared {
	volatile bool stop;
	unsigned int ready;
	struct {
		uint64_t kept, discarded, jobs, refused, exported, sigbus;
	} of[WORKERS];
};

enum content {
	ZEROS,
	PATTERN, /* of the seed, by the CPU */
	FILL, /* of the seed, by a job */
};

struct slot {
	uint32_t handle;
	size_t size;
	uint8_t *map;
	enum content content;
	uint32_t seed;
	bool offered;
	bool resident;
	bool exported;
	/* point of the last job that used it, 0 if that was waited for */
	uint64_t point;
	/* signalled by the last job that wrote it; false if that was looked at */
	uint32_t done;
	bool written;
};

struct worker {
	const struct race *race;
	struct shared *shared;
	unsigned int index;
	uint32_t random;
	int fd;
	struct tide_queue queue;
	/* a timeline with one point a job */
	uint32_t timeline;
	uint64_t last_point;
	uint32_t last_seed;
	uint64_t in_use, total;
	/* of the pages that WILD stores into, the first of each allocation */
	size_t skip;
	struct slot slots[SLOTS];
};

static uint32_t random_below(struct worker *w, uint32_t n)
{
	return tide_random(&w->random) % n;
}

static size_t slot_size(unsigned int i)
{
	static const size_t sizes[] = {
		TIDE_PAGE, TIDE_KIB(16), TIDE_KIB(64), TIDE_KIB(256), TIDE_MIB(1), TIDE_MIB(2),
	};

	return sizes[i % ARRAY_SIZE(sizes)];
}

/* Contents */

static uint64_t fill_word(uint32_t seed)
{
	return (uint64_t)seed << 32 | seed;
}

static size_t check_fill(const uint8_t *bytes, size_t size, uint32_t seed)
{
	const uint64_t *words = (const uint64_t *)bytes;

	for (size_t i = 0; i < size / 8; i++)
		if (words[i] != fill_word(seed))
			return i * 8;
	return size;
}

/* The offset of the first wrong byte of a range, or the range's end. */
static size_t slot_check_range(const struct slot *s, const uint8_t *map, size_t from, size_t to)
{
	if (from == to)
		return to;
	switch (s->content) {
	case ZEROS:
		return from + __tide_zero_check(map + from, to - from);
	case PATTERN:
		return from + __tide_pattern_check(map + from, to - from, s->seed, from);
	case FILL:
		return from + check_fill(map + from, to - from, s->seed);
	}
	return from;
}

static void wait_for_job(struct worker *w, struct slot *s)
{
	if (s->point)
		tide_point_wait(w->fd, w->timeline, s->point);
	s->point = 0;
	if (s->written)
		igt_assert_eq(tide_job_status(w->fd, s->done), 0);
	s->written = false;
}

static void fail_content(const struct worker *w, const struct slot *s, const uint8_t *map,
			 size_t at, const char *when)
{
	static const char *const names[] = { "zeros", "a pattern", "a job's fill" };

	igt_assert_f(false, "%s: worker %u, slot %td, byte %#zx of %#zx is %#x; "
		     "expected: %s, seed %#x; discards %" PRIu64 ", flags %#x\n",
		     when, w->index, s - w->slots, at, s->size, map[at], names[s->content], s->seed,
		     (uint64_t)tide_bo_info(w->fd, s->handle).discard_count,
		     tide_bo_flags(w->fd, s->handle));
}

/* All but the words at @hole, which is a multiple of 8, or the size for none. */
static void slot_check(struct worker *w, struct slot *s, size_t hole, const char *when)
{
	size_t begin = min(w->skip, s->size), end = min(hole, s->size), at;

	wait_for_job(w, s);
	at = slot_check_range(s, s->map, begin, end);
	if (at == end) {
		if (hole == s->size)
			return;
		end = s->size;
		at = slot_check_range(s, s->map, hole + 8, end);
	}
	if (at != end)
		fail_content(w, s, s->map, at, when);
}

static void slot_write(struct worker *w, struct slot *s)
{
	wait_for_job(w, s);
	s->seed = ++w->last_seed;
	s->content = PATTERN;
	tide_pattern_fill(s->map, s->size, s->seed);
}

/* Making and closing */

static void slot_create(struct worker *w, struct slot *s, size_t size)
{
	*s = (struct slot){ .size = size };
	s->handle = tide_bo_create(w->fd, size);
	s->map = tide_bo_map(w->fd, s->handle, size);
	s->done = syncobj_create(w->fd, 0);
	w->in_use += size;
	w->total += size;
	slot_check(w, s, size, "new");
}

static void slot_close(struct worker *w, struct slot *s)
{
	bool handle_first = random_below(w, 2);

	w->total -= s->size;
	if (!s->offered)
		w->in_use -= s->size;
	if (handle_first)
		do_or_die(__tide_bo_close(w->fd, s->handle));
	if (handle_first && !s->offered && !s->point) {
		size_t at = slot_check_range(s, s->map, min(w->skip, s->size), s->size);

		igt_assert_f(at == s->size, "kept by a mapping alone: byte %#zx is wrong\n", at);
	}
	munmap(s->map, s->size);
	syncobj_destroy(w->fd, s->done);
	if (!handle_first)
		do_or_die(__tide_bo_close(w->fd, s->handle));
}

static void op_recreate(struct worker *w, struct slot *s)
{
	size_t size = s->size;

	slot_close(w, s);
	slot_create(w, s, size);
}

/* Offer and reclaim */

static void op_offer(struct worker *w, struct slot *s)
{
	tide_offer_one(w->fd, s->handle, 1 + random_below(w, 3));
	if (!s->offered)
		w->in_use -= s->size;
	s->offered = true;
}

/* A place of eight bytes that no one else stores to. */
static size_t random_word(struct worker *w, const struct slot *s)
{
	size_t begin = min(w->skip, s->size), pages = (s->size - begin) / TIDE_PAGE;

	if (!pages)
		return s->size;
	return begin + (size_t)random_below(w, pages) * TIDE_PAGE + 8 * random_below(w, 512);
}

/* Of what a reclaim gave back: first of all a store, then a look at the rest. */
static void reclaimed(struct worker *w, struct slot *s, uint32_t result, size_t word)
{
	uint64_t *place = (uint64_t *)(s->map + word), was = *place;
	const uint64_t marker = 0x6d61726b65720000ull + ++w->last_seed;

	*place = marker;
	wait_for_job(w, s);
	if (result == DRM_TIDE_RECLAIM_DISCARDED) {
		s->content = ZEROS;
		w->shared->of[w->index].discarded++;
	} else {
		igt_assert_eq_u32(result, DRM_TIDE_RECLAIM_OK);
		w->shared->of[w->index].kept++;
	}
	slot_check(w, s, word, result ? "discarded" : "kept");
	igt_assert_f(*place == marker, "a store after the reclaim is lost: %#" PRIx64 "\n", *place);
	*place = was;
	if (slot_check_range(s, s->map, word, word + 8) != word + 8)
		fail_content(w, s, s->map, word, "the word stored to");
}

static void op_reclaim(struct worker *w, struct slot *first)
{
	uint32_t handles[8], results[8], count = 0;
	uint32_t want = 1 + random_below(w, 8);
	struct slot *slots[8];

	for (unsigned int i = 0; i < SLOTS && count < want; i++) {
		struct slot *s = &w->slots[(first - w->slots + i) % SLOTS];

		if (!s->offered || (count && w->in_use + s->size > w->total / 2))
			continue;
		slots[count] = s;
		handles[count++] = s->handle;
		w->in_use += s->size;
	}
	tide_reclaim(w->fd, w->queue.id, handles, results, count);
	for (unsigned int i = 0; i < count; i++) {
		struct slot *s = slots[i];
		size_t word;

		s->offered = false;
		if (s->exported)
			igt_assert_eq_u32(results[i], DRM_TIDE_RECLAIM_OK);
		/* a job that is not over would write over the store */
		if (s->point)
			wait_for_job(w, s);
		word = random_word(w, s);
		if (word < s->size)
			reclaimed(w, s, results[i], word);
		else if (results[i])
			s->content = ZEROS;
		if (s->content == ZEROS && random_below(w, 4))
			slot_write(w, s);
	}
}

/* An access to what is offered sees what was there, zeros, or SIGBUS. */
static void op_peek(struct worker *w, struct slot *s)
{
	size_t word = random_word(w, s);
	uint8_t byte;

	if (s->point || word == s->size)
		return;
	if (__tide_cpu_read(s->map + word, &byte)) {
		w->shared->of[w->index].sigbus++;
		return;
	}
	if (!byte)
		return;
	switch (s->content) {
	case ZEROS:
		igt_assert_f(false, "%#x in what is offered and was zeros\n", byte);
		break;
	case PATTERN:
		igt_assert_eq(__tide_pattern_check(&byte, 1, s->seed, word), 1);
		break;
	case FILL:
		igt_assert_eq_u32(byte, s->seed & 0xff);
		break;
	}
}

/* The GPU */

/* Also where the limit forbids that it is resident: then the job, that writes to s, is refused. */
static bool submit(struct worker *w, struct slot *s, struct tide_job *job)
{
	int ret;

	tide_job_signal(job, w->timeline, w->last_point + 1);
	tide_job_signal(job, s->done, 0);
	ret = __tide_submit(w->fd, job);
	if (ret == -EIO && (w->race->pressure & (LIMIT | GLOBAL))) {
		w->shared->of[w->index].refused++;
		return false;
	}
	igt_assert_f(!ret, "submit: %s, list %u, index %u\n", strerror(-ret), job->bad_list,
		     job->bad_index);
	w->last_point++;
	w->shared->of[w->index].jobs++;
	s->written = true;
	return true;
}

static void slot_make_resident(struct worker *w, struct slot *s)
{
	if (!s->resident)
		tide_make_resident(w->fd, w->queue.id, &s->handle, 1);
	s->resident = true;
}

/* A page-in that has failed is tried again by the next one. */
static void slot_evict(struct worker *w, struct slot *s)
{
	if (s->resident)
		tide_evict_one(w->fd, s->handle);
	s->resident = false;
}

static void op_fill(struct worker *w, struct slot *s)
{
	struct tide_job job = {};
	uint32_t seed = (++w->last_seed & 0xff) * 0x01010101u;

	slot_make_resident(w, s);
	if (!seed)
		seed = 0x5a5a5a5a;
	/* long enough for the shrinker to come by */
	if (random_below(w, 2))
		tide_job_delay(&job, (1 + random_below(w, 4)) * NSEC_PER_MSEC);
	tide_job_fill(&job, tide_job_bo(&job, s->handle, TIDE_WRITE), 0, s->size, seed);
	if (!submit(w, s, &job)) {
		slot_evict(w, s);
		return;
	}
	s->content = FILL;
	s->seed = seed;
	s->point = w->last_point;
	if (random_below(w, 2))
		op_offer(w, s);
}

static void op_copy(struct worker *w, struct slot *s)
{
	struct slot *source = &w->slots[random_below(w, SLOTS)];
	struct tide_job job = {};

	if (source == s || source->offered || source->size != s->size)
		return;
	slot_make_resident(w, s);
	slot_make_resident(w, source);
	tide_job_bo(&job, s->handle, TIDE_WRITE);
	tide_job_bo(&job, source->handle, TIDE_READ);
	tide_job_copy(&job, 0, 0, 1, 0, s->size);
	if (!submit(w, s, &job)) {
		slot_evict(w, s);
		slot_evict(w, source);
		return;
	}
	s->content = source->content;
	s->seed = source->seed;
	s->point = w->last_point;
	/* The source is busy until then: writing to it would be a race of our own. */
	source->point = w->last_point;
	if (random_below(w, 2))
		op_offer(w, source);
}

static void op_submit_offered(struct worker *w, struct slot *s)
{
	struct tide_job job = {};

	if (!s->resident)
		return;
	tide_job_bo(&job, s->handle, TIDE_WRITE);
	igt_assert_eq(__tide_submit(w->fd, &job), -ENODATA);
}

static void op_residency(struct worker *w, struct slot *s)
{
	if (s->resident)
		slot_evict(w, s);
	else
		slot_make_resident(w, s);
}

/* Exports */

static void op_export(struct worker *w, struct slot *s)
{
	int other, dmabuf, ret;
	uint32_t handle;
	uint8_t *map;
	size_t at;

	ret = __tide_prime_export(w->fd, s->handle, &dmabuf);
	if (s->offered) {
		igt_assert_eq(ret, -EBUSY);
		return;
	}
	igt_assert_eq(ret, 0);
	s->exported = true;
	w->shared->of[w->index].exported++;
	other = tide_open_render();
	igt_assert_eq(__tide_prime_import(other, dmabuf, &handle), 0);
	close(dmabuf);
	map = tide_bo_map(other, handle, s->size);
	wait_for_job(w, s);
	/* Our offer is no business of the other client's. */
	if (random_below(w, 2))
		op_offer(w, s);
	at = slot_check_range(s, map, min(w->skip, s->size), s->size);
	if (at != s->size)
		fail_content(w, s, map, at, "imported");
	munmap(map, s->size);
	close(other);
}

static void op_any(struct worker *w)
{
	struct slot *s = &w->slots[random_below(w, SLOTS)];
	unsigned int work = w->race->work;
	uint32_t dice = random_below(w, 16);

	/* Not more than half at a time: the rest is what pressure may take. */
	if (w->in_use > w->total / 2) {
		if (!s->offered)
			op_offer(w, s);
		return;
	}
	if (s->offered) {
		if (dice < 10)
			op_reclaim(w, s);
		else if (dice == 10)
			op_offer(w, s);
		else if (dice == 11)
			op_peek(w, s);
		else if (dice == 12 && (work & EXPORT))
			op_export(w, s);
		else if (dice == 13 && (work & GPU))
			op_submit_offered(w, s);
		else if (dice == 14 && (work & RECREATE))
			op_recreate(w, s);
		else if (dice == 15 && (work & RESIDENCY))
			op_residency(w, s);
	} else {
		if (dice < 5)
			op_offer(w, s);
		else if (dice == 5)
			slot_write(w, s);
		else if (dice == 6)
			slot_check(w, s, s->size, "in use");
		else if (dice < 10 && (work & GPU))
			op_fill(w, s);
		else if (dice < 12 && (work & GPU))
			op_copy(w, s);
		else if (dice == 12 && (work & EXPORT))
			op_export(w, s);
		else if (dice == 13 && (work & RECREATE))
			op_recreate(w, s);
		else if (dice > 13 && (work & RESIDENCY))
			op_residency(w, s);
	}
	/* What was exported is out of the game: put something new in its place. */
	if (s->exported && !random_below(w, 8))
		op_recreate(w, s);
}

static void wild_stores(struct worker *w)
{
	uint8_t value = 0;

	while (!w->shared->stop)
		for (unsigned int i = 0; i < SLOTS; i++)
			__tide_cpu_write(w->slots[i].map + random_below(w, TIDE_PAGE), ++value);
}

static void worker_run(struct worker *w)
{
	pid_t wild = 0;

	for (unsigned int i = 0; i < SLOTS; i++)
		slot_create(w, &w->slots[i], slot_size(i));
	while (w->in_use > w->total / 2)
		op_offer(w, &w->slots[random_below(w, SLOTS)]);
	__atomic_add_fetch(&w->shared->ready, 1, __ATOMIC_SEQ_CST);
	if (w->race->work & WILD) {
		w->skip = TIDE_PAGE;
		wild = pressure_fork(0);
		if (!wild) {
			wild_stores(w);
			_exit(0);
		}
	}
	while (!w->shared->stop)
		op_any(w);
	for (unsigned int i = 0; i < SLOTS; i++) {
		struct slot *s = &w->slots[i];

		if (s->offered)
			op_reclaim(w, s);
		slot_check(w, s, s->size, "in the end");
		slot_close(w, s);
	}
	if (wild)
		igt_assert_eq(pressure_wait(wild), 0);
}

/* Pressure */

static void knob_run(struct shared *shared, int fd)
{
	uint32_t random = 4711;

	while (!shared->stop) {
		tide_shrink(fd, 1u << tide_random(&random) % 10);
		if (!(tide_random(&random) % 4))
			usleep(tide_random(&random) % 3000);
	}
}

/* Comes and goes within the cgroup. */
static void limit_run(struct shared *shared, const struct tide_cgroup *cg)
{
	tide_cgroup_enter(cg);
	while (!shared->stop) {
		uint8_t *mem = mmap(NULL, TIDE_MIB(2), PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

		igt_assert(mem != MAP_FAILED);
		usleep(5000);
		munmap(mem, TIDE_MIB(2));
	}
}

struct global_goal {
	struct shared *shared;
	struct stat_goal stats;
};

static bool global_enough(const void *data)
{
	const struct global_goal *goal = data;

	return goal->shared->stop || stat_reached(&goal->stats);
}

static void global_run(struct shared *shared, int fd)
{
	while (!shared->stop) {
		struct global_goal goal = { shared, stat_goal(fd, "discarded_pages", 8) };
		struct hog hog = {
			.max_mib = meminfo_mib("MemTotal") + meminfo_mib("SwapTotal"),
			.enough = global_enough,
			.data = &goal,
		};

		igt_assert_neq(hog_fill(&hog), HOG_FULL);
		usleep(200000);
		hog_end();
	}
}

static unsigned int race_seconds(void)
{
	return getenv("TIDE_LONG") ? 60 : 10;
}

static pid_t start_worker(const struct race *race, struct shared *shared, unsigned int index,
			  int one_fd, const struct tide_cgroup *cg)
{
	static struct worker w;
	pid_t pid = pressure_fork(0);

	if (pid)
		return pid;
	if (cg)
		tide_cgroup_enter(cg);
	w.race = race;
	w.shared = shared;
	w.index = index;
	w.random = 1 + index;
	w.fd = race->work & ONE_FD ? one_fd : tide_open_render();
	w.queue = tide_queue_create(w.fd);
	w.timeline = syncobj_create(w.fd, 0);
	worker_run(&w);
	_exit(0);
}

static bool has_ended(pid_t pid)
{
	siginfo_t info = {};

	do_or_die(waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT));
	return info.si_pid != 0;
}

/* After the time of the race, or later, where a slow machine has not shown both outcomes by then */
static bool race_is_over(const struct shared *shared, unsigned int tenths)
{
	uint64_t kept = 0, discarded = 0;

	if (tenths < race_seconds() * 10)
		return false;
	for (unsigned int i = 0; i < WORKERS; i++) {
		kept += READ_ONCE(shared->of[i].kept);
		discarded += READ_ONCE(shared->of[i].discarded);
	}
	return (kept && discarded) || tenths >= (race_seconds() + TIDE_LIVENESS_S) * 10;
}

static void test_race(const void *data)
{
	const struct race *race = data;
	int fd = tide_open_render(), one_fd = tide_open_render();
	pid_t workers[WORKERS], presses[3] = {};
	struct tide_cgroup cg;
	struct shared *shared;
	uint64_t kept = 0, discarded = 0;
	unsigned int total = 0;
	pid_t *press = presses;

	alarm(race_seconds() + 2 * TIDE_LIVENESS_S);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	igt_assert(shared != MAP_FAILED);
	for (unsigned int i = 0; i < SLOTS; i++)
		total += slot_size(i) * WORKERS;
	if (race->pressure & LIMIT)
		cgroup_make(&cg, NULL, "race");
	for (unsigned int i = 0; i < WORKERS; i++)
		workers[i] = start_worker(race, shared, i, one_fd,
					  race->pressure & LIMIT ? &cg : NULL);
	while (READ_ONCE(shared->ready) < WORKERS && !has_ended(workers[0]) && !has_ended(workers[1]))
		usleep(10000);
	/* All is there, half of it can be discarded, and now a quarter of that must be. */
	if (race->pressure & LIMIT)
		tide_cgroup_set_u64(&cg, "memory.max",
				    tide_cgroup_get_u64(&cg, "memory.current") - total / 8);
	if ((race->pressure & KNOB) && !(*press++ = pressure_fork(0))) {
		knob_run(shared, fd);
		_exit(0);
	}
	if ((race->pressure & LIMIT) && !(*press++ = pressure_fork(0))) {
		limit_run(shared, &cg);
		_exit(0);
	}
	if ((race->pressure & GLOBAL) && !(*press++ = pressure_fork(-1000))) {
		global_run(shared, fd);
		_exit(0);
	}

	for (unsigned int s = 0; !race_is_over(shared, s) && !shared->stop; s++) {
		usleep(100000);
		for (unsigned int i = 0; i < WORKERS; i++)
			if (has_ended(workers[i]))
				shared->stop = true;
	}
	shared->stop = true;
	for (unsigned int i = 0; i < WORKERS; i++)
		igt_assert_eq(pressure_wait(workers[i]), 0);
	while (press-- > presses)
		igt_assert_eq(pressure_wait(*press), 0);

	for (unsigned int i = 0; i < WORKERS; i++) {
		igt_info("worker %u: %" PRIu64 " kept, %" PRIu64 " discarded, %" PRIu64 " jobs, %"
			 PRIu64 " refused, %" PRIu64 " exported, %" PRIu64 " SIGBUS\n", i,
			 shared->of[i].kept, shared->of[i].discarded, shared->of[i].jobs,
			 shared->of[i].refused, shared->of[i].exported, shared->of[i].sigbus);
		kept += shared->of[i].kept;
		discarded += shared->of[i].discarded;
		igt_assert(!(race->work & GPU) || shared->of[i].jobs);
		igt_assert(!(race->work & EXPORT) || shared->of[i].exported);
	}
	igt_assert_f(kept && discarded, "both outcomes are needed\n");
}

igt_main
{
	igt_fixture {
		pressure_init();
		close(tide_open_render());
		/* No job hangs, but its processor may stand still on a busy machine. */
		tide_param_set("job_timeout_ms", 60000);
	}

	for (unsigned int i = 0; i < ARRAY_SIZE(races); i++) {
		igt_describe(races[i].describe);
		igt_subtest(races[i].name) {
			struct pressure_machine machine = {
				races[i].pressure & GLOBAL ? 160 : 0,
				races[i].pressure & ZRAM ? 128 : 0,
			};

			pressure_run_on(&machine, test_race, &races[i]);
		}
	}
}
