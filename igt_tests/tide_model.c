// SPDX-License-Identifier: MIT
/*
 * Random calls, made to the driver and to a model of it (lib/igt_tide_model.h):
 * both have to agree on every answer, and on the state after it. A failure prints
 * the seed and the step; --seed makes the same calls again.
 */
#include <getopt.h>

#include "igt.h"
#include "igt_syncobj.h"
#include "igt_tide.h"
#include "igt_tide_model.h"

IGT_TEST_DESCRIPTION("The driver against a model of offers, reclaims and residency");

#define STEPS_LONG  1000000u
#define SECONDS	    15
#define PAGES_MAX   4u
#define CHECK_EVERY 64u

/* One step in so many gives a call something that it has to refuse. */
#define BAD_EVERY 8u

/* Never the id of a queue */
#define NO_QUEUE 0xdead0000u

static uint32_t seed_option;

static struct {
	struct model model;
	uint32_t random;
	uint32_t step;
	uint32_t last_seed;
	int fds[MODEL_CLIENTS];
	struct tide_queue queues[MODEL_CLIENTS][MODEL_QUEUES];
	/* Signalled by jobs */
	uint32_t done[MODEL_CLIENTS];
	uint32_t handles[MODEL_CLIENTS][MODEL_SLOTS];
	uint8_t *maps[MODEL_SLOTS];
	/* Two pages, of which the second cannot be written */
	uint8_t *edge;
	/* What has been seen: steps that say nothing prove nothing. */
	struct {
		uint64_t kept, discarded, told_again, sigbus, errors[134];
	} seen;
} t;

static uint32_t below(uint32_t n)
{
	return tide_random(&t.random) % n;
}

static bool one_in(uint32_t n)
{
	return !below(n);
}

static void saw_error(int ret)
{
	igt_assert_lt(-ret, (int)ARRAY_SIZE(t.seen.errors));
	t.seen.errors[-ret]++;
}

#define agree(cond, format, ...)                                                         \
	igt_assert_f(cond, "seed %u, step %u: " format "\n", seed_option, t.step, __VA_ARGS__)

static void agree_on_answer(const char *what, int ret, int expected)
{
	agree(ret == expected, "%s: the driver says %d, the model %d", what, ret, expected);
	if (ret)
		saw_error(ret);
}

/* State */

static size_t bytes_of(const struct model_slot *s)
{
	return (size_t)s->pages * TIDE_PAGE;
}

static void check_content(uint32_t slot)
{
	struct model_slot *s = &t.model.slots[slot];
	size_t size = bytes_of(s), at;

	if (s->content == MODEL_PATTERN)
		at = __tide_pattern_check(t.maps[slot], size, s->seed, 0);
	else if (s->content == MODEL_ZEROS)
		at = __tide_zero_check(t.maps[slot], size);
	else
		for (at = 0; at < size && *(uint32_t *)(t.maps[slot] + at) == s->seed; at += 4)
			;
	agree(at == size, "slot %u: a wrong byte at %zu of %zu", slot, at, size);
	model_read(s);
}

static void check_info(uint32_t client, uint32_t slot)
{
	const struct model_slot *s = &t.model.slots[slot];
	const struct model_share *share = &s->shares[client];
	struct drm_tide_bo_info info;
	uint32_t flags;

	if (!share->open)
		return;
	info = tide_bo_info(t.fds[client], t.handles[client][slot]);
	flags = model_flags(&t.model, client, slot);
	agree(info.flags == flags, "client %u, slot %u: flags %#x, the model has %#x", client,
	      slot, info.flags, flags);
	agree(info.priority == share->offered && info.residency_count == share->residency &&
		      info.discard_count == s->discards && !info.page_in_error,
	      "client %u, slot %u: priority %u, residency %u, discards %llu, error %u", client,
	      slot, info.priority, info.residency_count,
	      (unsigned long long)info.discard_count, info.page_in_error);
	agree(info.size == bytes_of(s) && info.present == (s->present ? bytes_of(s) : 0),
	      "client %u, slot %u: %llu of %llu bytes present", client, slot,
	      (unsigned long long)info.present, (unsigned long long)info.size);
}

static void check_slot(uint32_t slot)
{
	for (uint32_t c = 0; c < MODEL_CLIENTS; c++)
		check_info(c, slot);
}

static void check_all(void)
{
	for (uint32_t c = 0; c < MODEL_CLIENTS; c++) {
		uint64_t usage = tide_budget(t.fds[c], DRM_TIDE_SEGMENT_SYSTEM).usage;

		agree(usage == model_usage(&t.model, c) * TIDE_PAGE, "client %u: usage %llu", c,
		      (unsigned long long)usage);
	}
	for (uint32_t slot = 0; slot < MODEL_SLOTS; slot++) {
		check_slot(slot);
		if (t.model.slots[slot].exists && !model_faults(&t.model.slots[slot]))
			check_content(slot);
	}
}

/* Who is freed late would still be discarded: wait until it is gone. */
static void wait_until_freed(void)
{
	int64_t end = tide_deadline(TIDE_LIVENESS_S * NSEC_PER_SEC);
	unsigned int lines, expected = 0;

	for (uint32_t slot = 0; slot < MODEL_SLOTS; slot++)
		expected += t.model.slots[slot].exists;
	do {
		char *text = tide_debugfs_read(t.fds[0], "allocations");

		lines = 0;
		for (char *at = text; (at = strchr(at, '\n')); at++)
			lines++;
		free(text);
		agree(tide_deadline(0) < end, "%u allocations, the model has %u", lines, expected);
	} while (lines != expected);
}

/* Lists */

/* What a call is given that it has to refuse before it looks at a handle */
enum bad_list { LIST_GOOD, LIST_EMPTY, LIST_TOO_LONG, LIST_UNREADABLE };

struct list {
	struct model_call call;
	uint32_t handles[MODEL_LIST];
	enum bad_list bad;
	/* What the call itself knows to refuse: flags, padding, priority */
	bool bad_field;
	uint32_t count;
};

static struct list random_list(uint32_t client)
{
	struct list list = { .call.client = client, .call.queue = below(MODEL_QUEUES) };

	list.call.count = 1 + below(MODEL_LIST);
	for (uint32_t i = 0; i < list.call.count; i++) {
		uint32_t slot = below(MODEL_SLOTS);

		/* As a rule one that there is */
		for (int tries = 0; tries < 8 && !t.model.slots[slot].shares[client].open; tries++)
			slot = below(MODEL_SLOTS);
		if (!t.model.slots[slot].shares[client].open && !one_in(BAD_EVERY))
			slot = list.call.slots[0];
		if (one_in(BAD_EVERY * MODEL_LIST))
			slot = MODEL_NO_SLOT;
		list.call.slots[i] = slot;
		list.handles[i] = slot == MODEL_NO_SLOT ? 0xdead0000 : t.handles[client][slot];
	}
	list.count = list.call.count;
	if (one_in(BAD_EVERY))
		list.bad = below(LIST_UNREADABLE + 1);
	if (list.bad == LIST_EMPTY)
		list.count = 0;
	if (list.bad == LIST_TOO_LONG)
		list.count = 65537 + below(1000);
	list.bad_field = one_in(BAD_EVERY * 2);
	return list;
}

static uint64_t list_pointer(const struct list *list)
{
	return list->bad == LIST_UNREADABLE ? TIDE_PAGE : (uintptr_t)list->handles;
}

/* What all calls with a list refuse: the error, 0 for nothing */
static int list_error(const struct list *list)
{
	static const int errors[] = { 0, -EINVAL, -E2BIG, -EFAULT };

	return list->bad_field ? -EINVAL : errors[list->bad];
}

static void check_list_state(const struct list *list)
{
	for (uint32_t i = 0; i < list->call.count; i++)
		if (list->call.slots[i] != MODEL_NO_SLOT)
			check_slot(list->call.slots[i]);
}

static void agree_on_list(const char *what, const struct list *list, int ret, int expected,
			  uint32_t bad_index)
{
	uint32_t expected_index = list_error(list) ? DRM_TIDE_NO_INDEX : list->call.bad_index;

	agree_on_answer(what, ret, expected);
	agree(bad_index == expected_index, "%s: bad index %u, the model says %u", what, bad_index,
	      expected_index);
}

static void wait_for_value(const char *what, const struct list *list, uint64_t value)
{
	const struct model_call *call = &list->call;

	agree(value == call->value, "%s: value %llu, the model has %llu", what,
	      (unsigned long long)value, (unsigned long long)call->value);
	tide_queue_wait(t.fds[call->client], &t.queues[call->client][call->queue], value);
}

/* Steps */

static void step_offer(uint32_t client)
{
	struct list list = random_list(client);
	uint32_t priority = 1 + below(3);
	struct drm_tide_offer args = {
		.count = list.count,
		.priority = priority,
		.flags = one_in(4) ? DRM_TIDE_OFFER_ALLOW_DECOMMIT : 0,
	};
	int expected, ret;

	args.handles = list_pointer(&list);
	if (list.bad_field && one_in(2))
		args.priority = one_in(2) ? 0 : 4 + below(100);
	else if (list.bad_field)
		args.flags |= 2u << below(31);
	expected = list_error(&list) ?: model_offer(&t.model, &list.call, priority);
	ret = __tide_ioctl(t.fds[client], DRM_IOCTL_TIDE_OFFER, &args);
	agree_on_list("OFFER", &list, ret, expected, args.bad_index);
	check_list_state(&list);
}

static void agree_on_results(const struct list *list, const uint32_t *results)
{
	for (uint32_t i = 0; i < list->call.count; i++) {
		agree(results[i] == list->call.results[i], "RECLAIM: entry %u is %u, not %u", i,
		      results[i], list->call.results[i]);
		if (results[i] == DRM_TIDE_RECLAIM_DISCARDED)
			t.seen.discarded++;
		else
			t.seen.kept++;
	}
}

static void step_reclaim(uint32_t client)
{
	struct list list = random_list(client);
	bool delivered = !one_in(BAD_EVERY);
	uint32_t results[MODEL_LIST];
	struct drm_tide_reclaim args = {
		.results = (uintptr_t)results,
		.count = list.count,
		.queue = t.queues[client][list.call.queue].id,
		.flags = list.bad_field ? 1u << below(32) : 0,
	};
	int expected, ret;

	args.handles = list_pointer(&list);
	/* All of the results, or all but the first, lie where nothing can be written. */
	if (!delivered)
		args.results = (uintptr_t)t.edge + TIDE_PAGE - 4 * below(list.call.count);
	expected = list_error(&list) ?: model_reclaim(&t.model, &list.call, delivered);
	ret = __tide_ioctl(t.fds[client], DRM_IOCTL_TIDE_RECLAIM, &args);
	agree_on_list("RECLAIM", &list, ret, expected, args.bad_index);
	if (!expected)
		agree_on_results(&list, results);
	if (!list_error(&list) && list.call.value)
		wait_for_value("RECLAIM", &list, args.value);
	else
		agree(!args.value, "RECLAIM: value %llu of none", (unsigned long long)args.value);
	if (!list_error(&list) && expected == -EFAULT)
		for (uint32_t i = 0; i < list.call.count; i++)
			t.seen.told_again += list.call.results[i] == DRM_TIDE_RECLAIM_DISCARDED;
	check_list_state(&list);
}

static void step_make_resident(uint32_t client)
{
	struct list list = random_list(client);
	struct drm_tide_make_resident args = {
		.count = list.count,
		.queue = t.queues[client][list.call.queue].id,
		.flags = below(4),
	};
	int expected, ret;

	args.handles = list_pointer(&list);
	if (list.bad_field && one_in(2))
		args.pad = 1 + below(100);
	else if (list.bad_field)
		args.flags |= 4u << below(30);
	expected = list_error(&list) ?: model_make_resident(&t.model, &list.call);
	ret = __tide_ioctl(t.fds[client], DRM_IOCTL_TIDE_MAKE_RESIDENT, &args);
	agree_on_list("MAKE_RESIDENT", &list, ret, expected, args.bad_index);
	agree(args.taken == (expected ? 0 : list.count) && !args.trim_bytes,
	      "MAKE_RESIDENT: %u taken, %llu to trim", args.taken,
	      (unsigned long long)args.trim_bytes);
	if (!expected)
		wait_for_value("MAKE_RESIDENT", &list, args.value);
	check_list_state(&list);
}

static void step_evict(uint32_t client)
{
	struct list list = random_list(client);
	struct drm_tide_evict args = { .count = list.count, .flags = below(4) };
	int expected, ret;

	args.handles = list_pointer(&list);
	if (list.bad_field && one_in(2))
		args.pad = 1 + below(100);
	else if (list.bad_field)
		args.flags |= 4u << below(30);
	expected = list_error(&list) ?: model_evict(&t.model, &list.call);
	ret = __tide_ioctl(t.fds[client], DRM_IOCTL_TIDE_EVICT, &args);
	agree_on_list("EVICT", &list, ret, expected, args.bad_index);
	check_list_state(&list);
}

static void step_submit(uint32_t client)
{
	struct list list = random_list(client);
	uint32_t pattern = ++t.last_seed;
	struct tide_job job = {};
	int expected, ret;

	for (uint32_t i = 0; i < list.call.count; i++) {
		uint32_t slot = list.call.slots[i];

		tide_job_bo(&job, list.handles[i], TIDE_WRITE);
		if (slot != MODEL_NO_SLOT && t.model.slots[slot].shares[client].open)
			tide_job_fill(&job, i, 0, bytes_of(&t.model.slots[slot]), pattern);
	}
	tide_job_signal(&job, t.done[client], 0);
	expected = model_submit(&t.model, &list.call);
	ret = __tide_submit(t.fds[client], &job);
	agree_on_answer("SUBMIT", ret, expected);
	agree(job.bad_index == list.call.bad_index &&
		      job.bad_list == (ret ? DRM_TIDE_LIST_BOS : DRM_TIDE_LIST_NONE),
	      "SUBMIT: bad index %u of list %u, the model says %u", job.bad_index, job.bad_list,
	      list.call.bad_index);
	if (!ret) {
		tide_point_wait(t.fds[client], t.done[client], 0);
		for (uint32_t i = 0; i < list.call.count; i++)
			model_write(&t.model.slots[list.call.slots[i]], MODEL_FILL, pattern);
	}
	check_list_state(&list);
}

static void step_cpu(uint32_t client)
{
	uint32_t slot = below(MODEL_SLOTS);
	struct model_slot *s = &t.model.slots[slot];

	if (!s->exists)
		return;
	if (model_faults(s)) {
		tide_unmap_pages(t.maps[slot], bytes_of(s));
		agree(__tide_cpu_read(t.maps[slot], NULL) == -SIGBUS, "slot %u: no SIGBUS", slot);
		agree(__tide_cpu_write(t.maps[slot], 1) == -SIGBUS, "slot %u: no SIGBUS", slot);
		t.seen.sigbus++;
	} else {
		check_content(slot);
		model_write(s, MODEL_PATTERN, ++t.last_seed);
		tide_pattern_fill(t.maps[slot], bytes_of(s), s->seed);
	}
	check_slot(slot);
}

static void step_create(uint32_t client)
{
	uint32_t slot = below(MODEL_SLOTS), pages = 1 + below(PAGES_MAX);
	struct drm_tide_bo_create args = {
		.size = (uint64_t)pages * TIDE_PAGE - below(TIDE_PAGE),
		.segments = 1u << DRM_TIDE_SEGMENT_SYSTEM,
	};

	if (t.model.slots[slot].exists)
		return;
	if (one_in(BAD_EVERY)) {
		uint32_t *fields[] = { &args.flags, &args.pad, &args.pad2, &args.pad3 };
		uint32_t field = below(ARRAY_SIZE(fields) + 1);

		if (field < ARRAY_SIZE(fields))
			*fields[field] = 1u << below(32);
		else
			args.size = 0;
		agree_on_answer("BO_CREATE",
				__tide_ioctl(t.fds[client], DRM_IOCTL_TIDE_BO_CREATE, &args),
				-EINVAL);
		return;
	}
	agree_on_answer("BO_CREATE", __tide_ioctl(t.fds[client], DRM_IOCTL_TIDE_BO_CREATE, &args),
			0);
	model_create(&t.model, client, slot, pages);
	t.handles[client][slot] = args.handle;
	t.maps[slot] = tide_bo_map(t.fds[client], args.handle, bytes_of(&t.model.slots[slot]));
	check_slot(slot);
}

static void close_slot(uint32_t client, uint32_t slot, bool by_handle)
{
	size_t size = bytes_of(&t.model.slots[slot]);
	bool gone;

	if (!t.model.slots[slot].shares[client].open)
		return;
	if (by_handle)
		agree_on_answer("GEM_CLOSE",
				__tide_bo_close(t.fds[client], t.handles[client][slot]), 0);
	t.handles[client][slot] = 0;
	gone = model_close(&t.model, client, slot);
	if (gone)
		do_or_die(munmap(t.maps[slot], size));
}

static void step_close(uint32_t client)
{
	uint32_t slot = below(MODEL_SLOTS);

	if (!t.model.slots[slot].shares[client].open) {
		agree_on_answer("GEM_CLOSE", __tide_bo_close(t.fds[client], 0xdead0000), -EINVAL);
		return;
	}
	close_slot(client, slot, true);
	wait_until_freed();
	check_slot(slot);
}

/* Exports, and has the other client import */
static void step_share(uint32_t client)
{
	uint32_t other = (client + 1) % MODEL_CLIENTS, slot = below(MODEL_SLOTS), handle;
	int dmabuf = -1, expected;

	if (!t.model.slots[slot].shares[client].open || !one_in(4))
		return;
	expected = model_export(&t.model, client, slot);
	agree_on_answer("PRIME export",
			__tide_prime_export(t.fds[client], t.handles[client][slot], &dmabuf),
			expected);
	if (!expected) {
		agree_on_answer("PRIME import",
				__tide_prime_import(t.fds[other], dmabuf, &handle), 0);
		close(dmabuf);
		if (t.model.slots[slot].shares[other].open)
			agree(handle == t.handles[other][slot], "slot %u: another handle", slot);
		model_import(&t.model, other, slot);
		t.handles[other][slot] = handle;
	}
	check_slot(slot);
}

static void step_shrink(uint32_t client)
{
	uint64_t pages = 1 + below(2 * PAGES_MAX);

	tide_shrink(t.fds[client], pages);
	model_shrink(&t.model, pages);
	for (uint32_t slot = 0; slot < MODEL_SLOTS; slot++)
		check_slot(slot);
}

static void queue_create(uint32_t client, uint32_t queue)
{
	t.queues[client][queue] = tide_queue_create(t.fds[client]);
	t.model.queues[client][queue] = 1;
}

static void step_queue(uint32_t client)
{
	uint32_t queue = below(MODEL_QUEUES);
	struct tide_queue *q = &t.queues[client][queue];
	uint64_t *last = &t.model.queues[client][queue];
	struct drm_tide_queue_info info;

	if (!*last) {
		agree_on_answer("QUEUE_DESTROY", __tide_queue_destroy(t.fds[client], q->id),
				-ENOENT);
		queue_create(client, queue);
		return;
	}
	agree_on_answer("QUEUE_INFO", __tide_queue_info(t.fds[client], q->id, *last + 1, &info),
			-EINVAL);
	info = tide_queue_info(t.fds[client], q->id, below(*last + 1));
	agree(info.completed == *last && info.last == *last && !info.error,
	      "queue %u: %llu of %llu, the model has %llu", queue,
	      (unsigned long long)info.completed, (unsigned long long)info.last,
	      (unsigned long long)*last);
	if (one_in(4)) {
		tide_queue_destroy(t.fds[client], q);
		q->id = NO_QUEUE;
		*last = 0;
	}
}

static void client_open(uint32_t client)
{
	t.fds[client] = tide_open_render();
	t.done[client] = syncobj_create(t.fds[client], 0);
	for (uint32_t queue = 0; queue < MODEL_QUEUES; queue++)
		queue_create(client, queue);
}

static void client_close(uint32_t client)
{
	close(t.fds[client]);
	for (uint32_t slot = 0; slot < MODEL_SLOTS; slot++)
		close_slot(client, slot, false);
	t.fds[client] = -1;
}

static void step_reopen(uint32_t client)
{
	if (!one_in(8))
		return;
	client_close(client);
	client_open(client);
	wait_until_freed();
}

static const struct {
	const char *name;
	void (*run)(uint32_t client);
	uint32_t weight;
} steps[] = {
	{ "offer", step_offer, 20 },
	{ "reclaim", step_reclaim, 20 },
	{ "make resident", step_make_resident, 12 },
	{ "evict", step_evict, 10 },
	{ "submit", step_submit, 6 },
	{ "cpu", step_cpu, 10 },
	{ "create", step_create, 12 },
	{ "close", step_close, 2 },
	{ "share", step_share, 2 },
	{ "shrink", step_shrink, 6 },
	{ "queue", step_queue, 2 },
	{ "reopen", step_reopen, 1 },
};

static void random_step(void)
{
	uint32_t total = 0, at, i;

	for (i = 0; i < ARRAY_SIZE(steps); i++)
		total += steps[i].weight;
	at = below(total);
	for (i = 0; at >= steps[i].weight; i++)
		at -= steps[i].weight;
	at = below(MODEL_CLIENTS);
	igt_debug("step %u: client %u: %s\n", t.step, at, steps[i].name);
	steps[i].run(at);
}

static bool is_over(int64_t end)
{
	return getenv("TIDE_LONG") ? t.step == STEPS_LONG : tide_deadline(0) >= end;
}

static void test_model(void)
{
	static const int errors[] = { EINVAL, ENOENT, E2BIG, EFAULT, ERANGE, ENXIO, ENODATA,
				      EEXIST, EBUSY };
	int64_t end = tide_deadline(SECONDS * NSEC_PER_SEC);

	t.random = seed_option;
	for (uint32_t c = 0; c < MODEL_CLIENTS; c++)
		client_open(c);

	for (; !is_over(end); t.step++) {
		random_step();
		if (t.step % CHECK_EVERY == 0)
			check_all();
	}
	check_all();
	igt_info("seed %u: %u steps; %" PRIu64 " reclaimed intact, %" PRIu64 " discarded, %" PRIu64
		 " to be told again, %" PRIu64 " SIGBUS\n", seed_option, t.step, t.seen.kept,
		 t.seen.discarded, t.seen.told_again, t.seen.sigbus);

	for (uint32_t i = 0; i < ARRAY_SIZE(errors); i++)
		igt_assert_f(t.seen.errors[errors[i]], "never %s\n", strerror(errors[i]));
	igt_assert(t.seen.kept && t.seen.discarded && t.seen.told_again && t.seen.sigbus);

	for (uint32_t c = 0; c < MODEL_CLIENTS; c++)
		client_close(c);
}

static int on_option(int option, int index, void *data)
{
	(void)index;
	(void)data;
	if (option != 's')
		return IGT_OPT_HANDLER_ERROR;
	seed_option = strtoul(optarg, NULL, 0);
	return seed_option ? IGT_OPT_HANDLER_SUCCESS : IGT_OPT_HANDLER_ERROR;
}

static const struct option options[] = { { "seed", required_argument, NULL, 's' }, {} };

igt_main_args("", options, "  --seed N\tmake the calls that this number, above 0, stands for\n",
	      on_option, NULL)
{
	igt_fixture {
		if (!seed_option)
			seed_option = time(NULL);
		t.edge = mmap(NULL, 2 * TIDE_PAGE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		igt_assert(t.edge != MAP_FAILED);
		do_or_die(mprotect(t.edge + TIDE_PAGE, TIDE_PAGE, PROT_READ));
	}

	igt_describe("random calls: the driver and a model of it agree on each answer and state");
	igt_subtest("b4-b5-b6-b7-b8-b10-c1-c6-c9-d1-model")
		test_model();
}
