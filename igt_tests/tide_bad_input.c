// SPDX-License-Identifier: MIT
/**
 * TEST: tide bad input
 * Description: Every ioctl refuses every bad field, and changes nothing then.
 *
 * A subtest makes a client with everything that a call can name, takes a call
 * that is right, spoils one field, and expects the documented error, the
 * documented index, and the same state as before. Then the call is made as it
 * was, and has to work: so it was that field.
 */

#include "igt.h"
#include "igt_syncobj.h"
#include "igt_tide.h"

IGT_TEST_DESCRIPTION("Bad input changes nothing");

#define BO_SIZE (2 * TIDE_PAGE)
#define ENTRIES 5 /* of each list */

enum call {
	CALL_INFO,
	CALL_SEGMENT_INFO,
	CALL_BO_CREATE,
	CALL_BO_MMAP_OFFSET,
	CALL_BO_INFO,
	CALL_QUEUE_CREATE,
	CALL_QUEUE_DESTROY,
	CALL_QUEUE_INFO,
	CALL_OFFER,
	CALL_RECLAIM,
	CALL_MAKE_RESIDENT,
	CALL_EVICT,
	CALL_SUBMIT,
	CALL_BUDGET,
	CALL_RESERVE,
	CALL_SUSPEND,
	CALL_COUNT
};

#define NO_FIELD 0xffff

static const struct call_info {
	const char *name; /* with the clause that the call is of */
	unsigned long request;
	uint16_t bad_index;
} calls[] = {
	[CALL_INFO] = { "h7-info", DRM_IOCTL_TIDE_INFO, NO_FIELD },
	[CALL_SEGMENT_INFO] = { "h7-segment-info", DRM_IOCTL_TIDE_SEGMENT_INFO, NO_FIELD },
	[CALL_BO_CREATE] = { "a1-bo-create", DRM_IOCTL_TIDE_BO_CREATE, NO_FIELD },
	[CALL_BO_MMAP_OFFSET] = { "a2-bo-mmap-offset", DRM_IOCTL_TIDE_BO_MMAP_OFFSET, NO_FIELD },
	[CALL_BO_INFO] = { "a3-bo-info", DRM_IOCTL_TIDE_BO_INFO, NO_FIELD },
	[CALL_QUEUE_CREATE] = { "e1-queue-create", DRM_IOCTL_TIDE_QUEUE_CREATE, NO_FIELD },
	[CALL_QUEUE_DESTROY] = { "e1-queue-destroy", DRM_IOCTL_TIDE_QUEUE_DESTROY, NO_FIELD },
	[CALL_QUEUE_INFO] = { "e4-queue-info", DRM_IOCTL_TIDE_QUEUE_INFO, NO_FIELD },
	[CALL_OFFER] = { "b7-offer", DRM_IOCTL_TIDE_OFFER,
			 offsetof(struct drm_tide_offer, bad_index) },
	[CALL_RECLAIM] = { "c1-reclaim", DRM_IOCTL_TIDE_RECLAIM,
			   offsetof(struct drm_tide_reclaim, bad_index) },
	[CALL_MAKE_RESIDENT] = { "d1-make-resident", DRM_IOCTL_TIDE_MAKE_RESIDENT,
				 offsetof(struct drm_tide_make_resident, bad_index) },
	[CALL_EVICT] = { "d1-evict", DRM_IOCTL_TIDE_EVICT,
			 offsetof(struct drm_tide_evict, bad_index) },
	[CALL_SUBMIT] = { "f1-submit", DRM_IOCTL_TIDE_SUBMIT,
			  offsetof(struct drm_tide_submit, bad_index) },
	[CALL_BUDGET] = { "d6-budget", DRM_IOCTL_TIDE_BUDGET, NO_FIELD },
	[CALL_RESERVE] = { "d6-reserve", DRM_IOCTL_TIDE_RESERVE, NO_FIELD },
	[CALL_SUSPEND] = { "d7-suspend", DRM_IOCTL_TIDE_SUSPEND, NO_FIELD },
};

/* Values that are known only when there is a client */
enum {
	UNKNOWN = 1,	  /* a number that nothing has */
	CLOSED,		  /* one that something had */
	FOREIGN,	  /* one that something of another client has */
	IDLE_BO,	  /* an allocation on no list */
	OFFERED_BO,	  /* an offered one */
	FIRST_BO,	  /* the one that the list begins with */
	MAX_PLUS_ONE,	  /* one more than the limit of the field */
	NEXT_VALUE,	  /* a paging value that is yet to be returned */
	SEGMENTS,	  /* how many there are */
	FIRST_SEGMENT_BIT, /* of those that there are not */
	RESERVABLE_PLUS_ONE,
	DELAY_TOO_LONG,
};

#define SYMBOL(s)	((1ull << 63) | (1ull << 40) | (s))
#define IS_SYMBOL(v)	(((v) >> 32) == ((1u << 31) | (1u << 8)))
#define ONE_BIT		SYMBOL(100) /* each bit of the field in turn */
#define ONE_UPPER_BIT	SYMBOL(101) /* the same without the lowest two */
#define ONE_NOT_FIRST_BIT SYMBOL(102) /* the same without the lowest one */

struct world {
	int fd, other;
	struct drm_tide_info limits;
	struct tide_queue queue, closed_queue, foreign_queue;
	uint32_t bos[ENTRIES]; /* resident, each on the list once */
	uint32_t idle, offered, closed, foreign;
	uint32_t waits[ENTRIES]; /* signalled */
	uint32_t signals[ENTRIES]; /* no fence in them */
	uint32_t closed_syncobj;

	union tide_args args;
	uint32_t handles[ENTRIES], results[ENTRIES];
	struct drm_tide_submit_bo submit_bos[ENTRIES];
	struct drm_tide_command commands[ENTRIES];
	struct drm_tide_sync submit_waits[ENTRIES], submit_signals[ENTRIES];
};

struct state {
	struct drm_tide_bo_info bos[ENTRIES + 2];
	struct drm_tide_queue_info queue;
	struct drm_tide_segment_info segment;
	struct drm_tide_budget budget;
	int signals[ENTRIES];
	char *stats, *allocations;
};

static void world_init(struct world *w)
{
	uint32_t filler;

	memset(w, 0, sizeof(*w));
	w->fd = tide_open_render();
	w->other = tide_open_render();
	w->limits = tide_info(w->fd);
	w->queue = tide_queue_create(w->fd);
	w->closed_queue = tide_queue_create(w->fd);
	igt_assert_eq(__tide_queue_destroy(w->fd, w->closed_queue.id), 0);
	for (int i = 0; i < ENTRIES; i++) {
		w->bos[i] = tide_bo_create(w->fd, BO_SIZE);
		tide_bo_pattern(w->fd, w->bos[i], BO_SIZE, i);
		w->waits[i] = syncobj_create(w->fd, DRM_SYNCOBJ_CREATE_SIGNALED);
		w->signals[i] = syncobj_create(w->fd, 0);
	}
	tide_queue_wait(w->fd, &w->queue,
			tide_make_resident(w->fd, w->queue.id, w->bos, ENTRIES));
	w->idle = tide_bo_create(w->fd, BO_SIZE);
	w->offered = tide_bo_create(w->fd, BO_SIZE);
	tide_bo_pattern(w->fd, w->offered, BO_SIZE, ENTRIES);
	tide_make_resident_one(w->fd, &w->queue, w->offered);
	tide_offer_one(w->fd, w->offered, DRM_TIDE_PRIORITY_HIGH);

	w->closed = tide_bo_create(w->fd, BO_SIZE);
	gem_close(w->fd, w->closed);
	w->closed_syncobj = syncobj_create(w->fd, 0);
	syncobj_destroy(w->fd, w->closed_syncobj);
	/* numbers that the other client has and this one has not */
	for (int i = 0; i < 3 * ENTRIES; i++) {
		filler = tide_bo_create(w->other, TIDE_PAGE);
		w->foreign = filler;
		w->foreign_queue = tide_queue_create(w->other);
	}
	igt_assert(w->foreign > w->closed);
	igt_assert(w->foreign_queue.id != w->queue.id);
}

static void world_fini(struct world *w)
{
	close(w->fd);
	close(w->other);
}

static void state_take(struct world *w, struct state *s)
{
	memset(s, 0, sizeof(*s));
	for (int i = 0; i < ENTRIES; i++) {
		s->bos[i] = tide_bo_info(w->fd, w->bos[i]);
		s->signals[i] = syncobj_wait_err(w->fd, &w->signals[i], 1, 0, 0);
	}
	s->bos[ENTRIES] = tide_bo_info(w->fd, w->idle);
	s->bos[ENTRIES + 1] = tide_bo_info(w->fd, w->offered);
	s->queue = tide_queue_info(w->fd, w->queue.id, 0);
	s->segment = tide_segment_info(w->fd, 0);
	s->budget = tide_budget(w->fd, 0);
	s->stats = tide_debugfs_read(w->fd, "stats");
	s->allocations = tide_debugfs_read(w->fd, "allocations");
}

static void state_drop(struct state *s)
{
	free(s->stats);
	free(s->allocations);
}

/* The first line in which two texts differ, for the message. */
static const char *first_difference(const char *a, const char *b)
{
	const char *line = b;

	for (; *a && *a == *b; a++, b++)
		if (*b == '\n')
			line = b + 1;
	return line;
}

static void state_compare(struct world *w, const struct state *a)
{
	struct state now, *b = &now;

	state_take(w, b);
	for (size_t i = 0; i < ARRAY_SIZE(a->bos); i++)
		igt_assert_f(!memcmp(&a->bos[i], &b->bos[i], sizeof(a->bos[i])),
			     "allocation %zu: flags %#x were %#x, list %u was %u\n", i,
			     b->bos[i].flags, a->bos[i].flags, b->bos[i].residency_count,
			     a->bos[i].residency_count);
	igt_assert_eq(memcmp(&a->queue, &b->queue, sizeof(a->queue)), 0);
	igt_assert_eq(memcmp(&a->segment, &b->segment, sizeof(a->segment)), 0);
	igt_assert_eq(memcmp(&a->budget, &b->budget, sizeof(a->budget)), 0);
	igt_assert_eq(memcmp(a->signals, b->signals, sizeof(a->signals)), 0);
	igt_assert_f(!strcmp(a->stats, b->stats), "stats: %s\n",
		     first_difference(a->stats, b->stats));
	igt_assert_f(!strcmp(a->allocations, b->allocations), "allocations: %s\n",
		     first_difference(a->allocations, b->allocations));
	state_drop(b);
	for (int i = 0; i < ENTRIES; i++)
		tide_bo_check(w->fd, w->bos[i], BO_SIZE, i);
}

/* A call that works */
static void build(struct world *w, enum call call)
{
	union tide_args *args = &w->args;

	memset(args, 0, sizeof(*args));
	memcpy(w->handles, w->bos, sizeof(w->bos));
	for (int i = 0; i < ENTRIES; i++) {
		/* the last two are for READ and WRITE only */
		w->submit_bos[i] = (struct drm_tide_submit_bo){
			w->bos[i], i == 3 ? TIDE_READ : i == 4 ? TIDE_WRITE :
						       TIDE_READ | TIDE_WRITE };
		w->commands[i] = (struct drm_tide_command){
			.op = DRM_TIDE_CMD_FILL, .pattern = 1, .length = 8 };
		w->submit_waits[i] = (struct drm_tide_sync){ .handle = w->waits[i] };
		w->submit_signals[i] = (struct drm_tide_sync){ .handle = w->signals[i] };
	}

	switch (call) {
	case CALL_INFO:
	case CALL_SEGMENT_INFO:
	case CALL_QUEUE_CREATE:
	case CALL_BUDGET:
	case CALL_SUSPEND:
	case CALL_COUNT:
		break;
	case CALL_BO_CREATE:
		args->bo_create.size = 1;
		break;
	case CALL_BO_MMAP_OFFSET:
		args->bo_mmap_offset.handle = w->bos[0];
		break;
	case CALL_BO_INFO:
		args->bo_info.handle = w->bos[0];
		break;
	case CALL_QUEUE_DESTROY:
		args->queue_destroy.queue = w->queue.id;
		break;
	case CALL_QUEUE_INFO:
		args->queue_info.queue = w->queue.id;
		break;
	case CALL_OFFER:
		args->offer.handles = (uintptr_t)w->handles;
		args->offer.count = ENTRIES;
		args->offer.priority = DRM_TIDE_PRIORITY_LOW;
		args->offer.bad_index = 0x1234;
		break;
	case CALL_RECLAIM:
		args->reclaim.handles = (uintptr_t)w->handles;
		args->reclaim.results = (uintptr_t)w->results;
		args->reclaim.count = ENTRIES;
		args->reclaim.queue = w->queue.id;
		args->reclaim.bad_index = 0x1234;
		break;
	case CALL_MAKE_RESIDENT:
		args->make_resident.handles = (uintptr_t)w->handles;
		args->make_resident.count = ENTRIES;
		args->make_resident.queue = w->queue.id;
		args->make_resident.bad_index = 0x1234;
		break;
	case CALL_EVICT:
		args->evict.handles = (uintptr_t)w->handles;
		args->evict.count = ENTRIES;
		args->evict.bad_index = 0x1234;
		break;
	case CALL_SUBMIT:
		args->submit.bos = (uintptr_t)w->submit_bos;
		args->submit.commands = (uintptr_t)w->commands;
		args->submit.waits = (uintptr_t)w->submit_waits;
		args->submit.signals = (uintptr_t)w->submit_signals;
		args->submit.bo_count = ENTRIES;
		args->submit.command_count = ENTRIES;
		args->submit.wait_count = ENTRIES;
		args->submit.signal_count = ENTRIES;
		args->submit.bad_index = 0x1234;
		args->submit.bad_list = 0x1234;
		break;
	case CALL_RESERVE:
		args->reserve.bytes = 1;
		break;
	}
}

static int make_call(struct world *w, enum call call)
{
	return __tide_ioctl(w->fd, calls[call].request, &w->args);
}

static uint32_t bad_index(const struct world *w, enum call call)
{
	uint32_t index;

	memcpy(&index, (const uint8_t *)&w->args + calls[call].bad_index, sizeof(index));
	return index;
}

static void expect(struct world *w, const struct state *before, enum call call, int err,
		   uint32_t list, uint32_t index)
{
	igt_assert_eq(make_call(w, call), err);
	if (calls[call].bad_index != NO_FIELD)
		igt_assert_eq_u32(bad_index(w, call), index);
	if (call == CALL_SUBMIT)
		igt_assert_eq_u32(w->args.submit.bad_list, list);
	state_compare(w, before);
}

static void expect_works(struct world *w, enum call call)
{
	build(w, call);
	igt_assert_f(make_call(w, call) == 0, "the call that is right is refused: %s\n",
		     strerror(errno));
}

/* Fields */

struct field {
	enum call call;
	const char *name;
	uint16_t offset, size;
	uint64_t values[5];
	int value_count;
	int err;
	uint32_t list; /* of a submission */
	bool queue; /* numbers are queues */
	uint16_t limit; /* where struct drm_tide_info has the field's limit */
};

#define __FIELD(c, type, field, err_, ...)                                             \
	.call = CALL_##c, .offset = offsetof(struct drm_tide_##type, field),           \
	.size = sizeof(((struct drm_tide_##type *)0)->field),                          \
	.values = { __VA_ARGS__ },                                                     \
	.value_count = sizeof((uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t),         \
	.err = -(err_)
#define FIELD(c, type, field, what, err_, ...)                                         \
	{ .name = what, __FIELD(c, type, field, err_, __VA_ARGS__) }
#define QUEUE(c, type)                                                                 \
	{ .name = "queue", .queue = true,                                              \
	  __FIELD(c, type, queue, ENOENT, 0, 0xffffffff, SYMBOL(UNKNOWN),              \
		  SYMBOL(CLOSED), SYMBOL(FOREIGN)) }
#define HANDLE(c, type)                                                                \
	FIELD(c, type, handle, "handle", ENOENT, 0, 0xffffffff, SYMBOL(UNKNOWN),       \
	      SYMBOL(CLOSED), SYMBOL(FOREIGN))
#define TOO_MANY(c, type, field, what, list_, limit_)                                  \
	{ .name = what, .list = list_, .limit = offsetof(struct drm_tide_info, limit_), \
	  __FIELD(c, type, field, E2BIG, SYMBOL(MAX_PLUS_ONE), 0xffffffff) }

static const struct field fields[] = {
	FIELD(SEGMENT_INFO, segment_info, segment, "segment", EINVAL, SYMBOL(SEGMENTS),
	      0xffffffff),
	FIELD(SEGMENT_INFO, segment_info, pad, "pad", EINVAL, ONE_BIT),

	FIELD(BO_CREATE, bo_create, size, "size-zero", EINVAL, 0),
	FIELD(BO_CREATE, bo_create, size, "size-too-large", E2BIG, UINT64_MAX, 1ull << 63),
	FIELD(BO_CREATE, bo_create, flags, "flags", EINVAL, ONE_BIT),
	FIELD(BO_CREATE, bo_create, pad, "pad", EINVAL, ONE_BIT),
	FIELD(BO_CREATE, bo_create, pad2, "pad2", EINVAL, ONE_BIT),
	FIELD(BO_CREATE, bo_create, segments, "segments", EINVAL, SYMBOL(FIRST_SEGMENT_BIT),
	      1u << 31, 0xffffffff),
	FIELD(BO_CREATE, bo_create, pad3, "pad3", EINVAL, ONE_BIT),

	HANDLE(BO_MMAP_OFFSET, bo_mmap_offset),
	FIELD(BO_MMAP_OFFSET, bo_mmap_offset, pad, "pad", EINVAL, ONE_BIT),
	HANDLE(BO_INFO, bo_info),
	FIELD(BO_INFO, bo_info, pad, "pad", EINVAL, ONE_BIT),

	FIELD(QUEUE_CREATE, queue_create, flags, "flags", EINVAL, ONE_BIT),
	FIELD(QUEUE_CREATE, queue_create, pad, "pad", EINVAL, ONE_BIT),
	FIELD(QUEUE_CREATE, queue_create, priority, "priority", EINVAL, 2, 0x7fffffff, 0x80000000,
	      0xfffffffe),
	FIELD(QUEUE_CREATE, queue_create, pad2, "pad2", EINVAL, ONE_BIT),
	QUEUE(QUEUE_DESTROY, queue_destroy),
	FIELD(QUEUE_DESTROY, queue_destroy, pad, "pad", EINVAL, ONE_BIT),
	QUEUE(QUEUE_INFO, queue_info),
	FIELD(QUEUE_INFO, queue_info, pad, "pad", EINVAL, ONE_BIT),
	FIELD(QUEUE_INFO, queue_info, value, "value", EINVAL, SYMBOL(NEXT_VALUE), UINT64_MAX),

	FIELD(OFFER, offer, count, "count-zero", EINVAL, 0),
	TOO_MANY(OFFER, offer, count, "count-too-large", 0, max_handles),
	FIELD(OFFER, offer, priority, "priority", EINVAL, 0, 4, 0xffffffff),
	FIELD(OFFER, offer, flags, "flags", EINVAL, ONE_NOT_FIRST_BIT),

	FIELD(RECLAIM, reclaim, count, "count-zero", EINVAL, 0),
	TOO_MANY(RECLAIM, reclaim, count, "count-too-large", 0, max_handles),
	QUEUE(RECLAIM, reclaim),
	FIELD(RECLAIM, reclaim, flags, "flags", EINVAL, ONE_BIT),

	FIELD(MAKE_RESIDENT, make_resident, count, "count-zero", EINVAL, 0),
	TOO_MANY(MAKE_RESIDENT, make_resident, count, "count-too-large", 0, max_handles),
	QUEUE(MAKE_RESIDENT, make_resident),
	FIELD(MAKE_RESIDENT, make_resident, flags, "flags", EINVAL, ONE_UPPER_BIT),
	FIELD(MAKE_RESIDENT, make_resident, pad, "pad", EINVAL, ONE_BIT),

	FIELD(EVICT, evict, count, "count-zero", EINVAL, 0),
	TOO_MANY(EVICT, evict, count, "count-too-large", 0, max_handles),
	FIELD(EVICT, evict, flags, "flags", EINVAL, ONE_UPPER_BIT),
	FIELD(EVICT, evict, pad, "pad", EINVAL, ONE_BIT),

	TOO_MANY(SUBMIT, submit, bo_count, "bo-count-too-large", DRM_TIDE_LIST_BOS,
		 max_submit_bos),
	TOO_MANY(SUBMIT, submit, command_count, "command-count-too-large",
		 DRM_TIDE_LIST_COMMANDS, max_submit_commands),
	TOO_MANY(SUBMIT, submit, wait_count, "wait-count-too-large", DRM_TIDE_LIST_WAITS,
		 max_submit_syncs),
	TOO_MANY(SUBMIT, submit, signal_count, "signal-count-too-large", DRM_TIDE_LIST_SIGNALS,
		 max_submit_syncs),
	FIELD(SUBMIT, submit, flags, "flags", EINVAL, ONE_BIT),
	FIELD(SUBMIT, submit, pad, "pad", EINVAL, ONE_BIT),

	FIELD(BUDGET, budget, segment, "segment", EINVAL, SYMBOL(SEGMENTS), 0xffffffff),
	FIELD(BUDGET, budget, pad, "pad", EINVAL, ONE_BIT),
	FIELD(RESERVE, reserve, segment, "segment", EINVAL, SYMBOL(SEGMENTS), 0xffffffff),
	FIELD(RESERVE, reserve, pad, "pad", EINVAL, ONE_BIT),
	FIELD(RESERVE, reserve, bytes, "bytes", ENOSPC, SYMBOL(RESERVABLE_PLUS_ONE), 1ull << 63,
	      UINT64_MAX),
	FIELD(SUSPEND, suspend, client, "client", ENOENT, 1ull << 62, UINT64_MAX),
	FIELD(SUSPEND, suspend, flags, "flags", EINVAL, ONE_BIT),
	FIELD(SUSPEND, suspend, pad, "pad", EINVAL, ONE_BIT),
};

static uint64_t resolve(const struct world *w, uint64_t value, bool queue, uint16_t limit)
{
	uint32_t max;

	if (!IS_SYMBOL(value))
		return value;
	switch ((uint32_t)value) {
	case UNKNOWN:
		return 0x7ffffff0;
	case CLOSED:
		return queue ? w->closed_queue.id : w->closed;
	case FOREIGN:
		return queue ? w->foreign_queue.id : w->foreign;
	case IDLE_BO:
		return w->idle;
	case OFFERED_BO:
		return w->offered;
	case FIRST_BO:
		return w->bos[0];
	case MAX_PLUS_ONE:
		memcpy(&max, (const uint8_t *)&w->limits + limit, sizeof(max));
		return max + 1ull;
	case NEXT_VALUE:
		return tide_queue_info(w->fd, w->queue.id, 0).last + 1;
	case SEGMENTS:
		return w->limits.segment_count;
	case FIRST_SEGMENT_BIT:
		return 1ull << w->limits.segment_count;
	case RESERVABLE_PLUS_ONE:
		return tide_budget(w->fd, 0).available + 1;
	case DELAY_TOO_LONG:
		return w->limits.max_delay_ns + 1;
	}
	igt_assert(!"a symbol");
	return 0;
}

static void put(void *base, uint16_t offset, uint16_t size, uint64_t value)
{
	memcpy((uint8_t *)base + offset, &value, size);
}

/* The nth of the bad values of a table's row, or false. */
static bool nth_value(const struct world *w, const uint64_t *values, int count, uint16_t size,
		      bool queue, uint16_t limit, int n, uint64_t *value)
{
	int first = values[0] == ONE_UPPER_BIT ? 2 : values[0] == ONE_NOT_FIRST_BIT;

	if (values[0] == ONE_BIT || first) {
		*value = 1ull << (first + n);
		return first + n < size * 8;
	}
	if (n >= count)
		return false;
	*value = resolve(w, values[n], queue, limit);
	return true;
}

static void test_field(const struct field *f)
{
	struct world w;
	struct state before;
	uint64_t value;

	world_init(&w);
	state_take(&w, &before);
	for (int n = 0; nth_value(&w, f->values, f->value_count, f->size, f->queue, f->limit, n,
				  &value); n++) {
		igt_debug("value %#" PRIx64 "\n", value);
		build(&w, f->call);
		put(&w.args, f->offset, f->size, value);
		expect(&w, &before, f->call, f->err, f->list, DRM_TIDE_NO_INDEX);
	}
	expect_works(&w, f->call);
	state_drop(&before);
	world_fini(&w);
}

/* Lists: pointers, and entries */

static const struct list {
	enum call call;
	const char *name;
	uint16_t pointer; /* in the call's struct */
	uint16_t entries; /* in the world */
	uint16_t entry_size;
	uint32_t id; /* of a submission's */
} lists[] = {
#define LIST(c, type, field, member, id_)                                              \
	{ CALL_##c, #field, offsetof(struct drm_tide_##type, field),                   \
	  offsetof(struct world, member), sizeof(((struct world *)0)->member[0]), id_ }
	LIST(OFFER, offer, handles, handles, 0),
	LIST(RECLAIM, reclaim, handles, handles, 0),
	LIST(MAKE_RESIDENT, make_resident, handles, handles, 0),
	LIST(EVICT, evict, handles, handles, 0),
	LIST(SUBMIT, submit, bos, submit_bos, DRM_TIDE_LIST_BOS),
	LIST(SUBMIT, submit, commands, commands, DRM_TIDE_LIST_COMMANDS),
	LIST(SUBMIT, submit, waits, submit_waits, DRM_TIDE_LIST_WAITS),
	LIST(SUBMIT, submit, signals, submit_signals, DRM_TIDE_LIST_SIGNALS),
};

static const struct list *find_list(enum call call, uint32_t id)
{
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		if (lists[i].call == call && lists[i].id == id)
			return &lists[i];
	igt_assert(!"a list");
	return NULL;
}

static void test_pointer(const struct list *l)
{
	uint8_t *pages = mmap(NULL, 3 * TIDE_PAGE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const size_t bytes = ENTRIES * l->entry_size;
	uint64_t bad[7];
	struct world w;
	struct state before;

	igt_assert(pages != MAP_FAILED);
	do_or_die(mprotect(pages + 2 * TIDE_PAGE, TIDE_PAGE, PROT_NONE));
	world_init(&w);
	state_take(&w, &before);

	bad[0] = 0;
	bad[1] = 1;
	bad[2] = (uintptr_t)pages + 2 * TIDE_PAGE; /* no access */
	/* but for its end, or its very last byte */
	bad[3] = (uintptr_t)pages + 2 * TIDE_PAGE - bytes + l->entry_size;
	bad[4] = (uintptr_t)pages + 2 * TIDE_PAGE - bytes + 1;
	bad[5] = 0xffff888000000000ull; /* the kernel's */
	bad[6] = 0x8000000000000000ull; /* nobody's */
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		build(&w, l->call);
		/* what can be read of the list is right */
		memcpy(pages + 2 * TIDE_PAGE - bytes + l->entry_size,
		       (uint8_t *)&w + l->entries, bytes - l->entry_size);
		if (i == 4)
			memcpy(pages + 2 * TIDE_PAGE - bytes + 1, (uint8_t *)&w + l->entries,
			       bytes - 1);
		put(&w.args, l->pointer, 8, bad[i]);
		expect(&w, &before, l->call, -EFAULT, l->id, DRM_TIDE_NO_INDEX);
	}

	/* Any alignment will do, up to the end of what can be read. */
	build(&w, l->call);
	memcpy(pages + 2 * TIDE_PAGE - bytes, (uint8_t *)&w + l->entries, bytes);
	put(&w.args, l->pointer, 8, (uintptr_t)pages + 2 * TIDE_PAGE - bytes);
	igt_assert_eq(make_call(&w, l->call), 0);
	state_drop(&before);
	world_fini(&w);
	munmap(pages, 3 * TIDE_PAGE);
}

struct entry {
	enum call call;
	const char *name;
	uint32_t list;
	uint32_t op; /* of a command: what it is for the test */
	uint16_t offset, size;
	uint64_t values[5];
	int value_count;
	int err;
	bool not_first; /* the value is bad behind another entry only */
};

#define __ENTRY(type, field, err_, ...)                                                \
	.offset = offsetof(type, field), .size = sizeof(((type *)0)->field),           \
	.values = { __VA_ARGS__ },                                                     \
	.value_count = sizeof((uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t),         \
	.err = -(err_)
#define NO_HANDLE 0, 0xffffffff, SYMBOL(UNKNOWN), SYMBOL(CLOSED), SYMBOL(FOREIGN)
#define IN_LIST(c, what, err_, ...)                                                    \
	{ .call = CALL_##c, .name = what, .offset = 0, .size = 4, .values = { __VA_ARGS__ }, \
	  .value_count = sizeof((uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t),       \
	  .err = -(err_) }
#define BO(what, field, err_, ...)                                                     \
	{ .call = CALL_SUBMIT, .name = "bo-" what, .list = DRM_TIDE_LIST_BOS,          \
	  __ENTRY(struct drm_tide_submit_bo, field, err_, __VA_ARGS__) }
#define COMMAND(op_, what, field, err_, ...)                                           \
	{ .call = CALL_SUBMIT, .name = what, .list = DRM_TIDE_LIST_COMMANDS,           \
	  .op = DRM_TIDE_CMD_##op_,                                                    \
	  __ENTRY(struct drm_tide_command, field, err_, __VA_ARGS__) }
#define SYNC(what, list_, field, err_, ...)                                            \
	{ .call = CALL_SUBMIT, .name = what, .list = DRM_TIDE_LIST_##list_,            \
	  __ENTRY(struct drm_tide_sync, field, err_, __VA_ARGS__) }

static const struct entry entries[] = {
	IN_LIST(OFFER, "handle", ENOENT, NO_HANDLE),
	IN_LIST(RECLAIM, "handle", ENOENT, NO_HANDLE),
	IN_LIST(MAKE_RESIDENT, "handle", ENOENT, NO_HANDLE),
	IN_LIST(EVICT, "handle", ENOENT, NO_HANDLE),
	IN_LIST(EVICT, "handle-not-on-the-list", ERANGE, SYMBOL(IDLE_BO)),

	BO("handle", handle, ENOENT, NO_HANDLE),
	BO("handle-not-on-the-list", handle, ENXIO, SYMBOL(IDLE_BO)),
	BO("handle-offered", handle, ENODATA, SYMBOL(OFFERED_BO)),
	{ .call = CALL_SUBMIT, .name = "bo-handle-twice", .list = DRM_TIDE_LIST_BOS,
	  .not_first = true,
	  __ENTRY(struct drm_tide_submit_bo, handle, EEXIST, SYMBOL(FIRST_BO)) },
	BO("flags-none", flags, EINVAL, 0),
	BO("flags-unknown", flags, EINVAL, ONE_UPPER_BIT),

	COMMAND(FILL, "command-op", op, EINVAL, 0, 4, 0xffffffff),
	COMMAND(FILL, "fill-dst", dst, EINVAL, ENTRIES, 0xffffffff),
	COMMAND(FILL, "fill-dst-not-for-writing", dst, EINVAL, 3),
	COMMAND(FILL, "fill-src", src, EINVAL, ONE_BIT),
	COMMAND(FILL, "fill-src-offset", src_offset, EINVAL, ONE_BIT),
	COMMAND(FILL, "fill-dst-offset", dst_offset, ERANGE, BO_SIZE - 15, BO_SIZE, BO_SIZE + 1,
		UINT64_MAX - 15, UINT64_MAX),
	COMMAND(FILL, "fill-length", length, ERANGE, 0, BO_SIZE + 1, 1ull << 32,
		UINT64_MAX - 15, UINT64_MAX),
	COMMAND(COPY, "copy-dst", dst, EINVAL, ENTRIES, 0xffffffff),
	COMMAND(COPY, "copy-dst-not-for-writing", dst, EINVAL, 3),
	COMMAND(COPY, "copy-src", src, EINVAL, ENTRIES, 0xffffffff),
	COMMAND(COPY, "copy-src-not-for-reading", src, EINVAL, 4),
	COMMAND(COPY, "copy-pattern", pattern, EINVAL, ONE_BIT),
	COMMAND(COPY, "copy-dst-offset", dst_offset, ERANGE, BO_SIZE - 15, BO_SIZE, BO_SIZE + 1,
		UINT64_MAX - 15, UINT64_MAX),
	COMMAND(COPY, "copy-src-offset", src_offset, ERANGE, BO_SIZE - 15, BO_SIZE, BO_SIZE + 1,
		UINT64_MAX - 15, UINT64_MAX),
	COMMAND(COPY, "copy-length", length, ERANGE, 0, BO_SIZE + 1, 1ull << 32,
		UINT64_MAX - 15, UINT64_MAX),
	COMMAND(DELAY, "delay-pattern", pattern, EINVAL, ONE_BIT),
	COMMAND(DELAY, "delay-dst", dst, EINVAL, ONE_BIT),
	COMMAND(DELAY, "delay-src", src, EINVAL, ONE_BIT),
	COMMAND(DELAY, "delay-dst-offset", dst_offset, EINVAL, ONE_BIT),
	COMMAND(DELAY, "delay-src-offset", src_offset, EINVAL, ONE_BIT),
	COMMAND(DELAY, "delay-length", length, ERANGE, SYMBOL(DELAY_TOO_LONG), UINT64_MAX),

	SYNC("wait-handle", WAITS, handle, ENOENT, 0, 0xffffffff, SYMBOL(UNKNOWN)),
	SYNC("wait-pad", WAITS, pad, EINVAL, ONE_BIT),
	SYNC("signal-handle", SIGNALS, handle, ENOENT, 0, 0xffffffff, SYMBOL(UNKNOWN)),
	SYNC("signal-pad", SIGNALS, pad, EINVAL, ONE_BIT),
};

static void test_entry(const struct entry *e)
{
	const struct list *l = find_list(e->call, e->list);
	struct world w;
	struct state before;
	uint64_t value;

	world_init(&w);
	state_take(&w, &before);
	for (int n = 0; nth_value(&w, e->values, e->value_count, e->size, false, 0, n, &value);
	     n++) {
		/* each bit in one place, other values in the first, a middle and the last */
		bool bits = e->values[0] == ONE_BIT || e->values[0] == ONE_UPPER_BIT;

		for (uint32_t at = e->not_first ? 2 : 0; at < ENTRIES; at += 2) {
			if (bits && n > 2 && at != (uint32_t)n % 3 * 2)
				continue;
			igt_debug("value %#" PRIx64 " at %u\n", value, at);
			build(&w, e->call);
			if (e->op) {
				w.commands[at].op = e->op;
				w.commands[at].length = 16;
				if (e->op != DRM_TIDE_CMD_FILL)
					w.commands[at].pattern = 0;
			}
			put((uint8_t *)&w + l->entries + at * l->entry_size, e->offset, e->size,
			    value);
			expect(&w, &before, e->call, e->err, e->list, at);
		}
	}
	expect_works(&w, e->call);
	state_drop(&before);
	world_fini(&w);
}

/* The struct itself */

static void test_struct_pointer(enum call call)
{
	uint8_t *pages = mmap(NULL, 2 * TIDE_PAGE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct world w;
	struct state before;

	igt_assert(pages != MAP_FAILED);
	do_or_die(mprotect(pages + TIDE_PAGE, TIDE_PAGE, PROT_NONE));
	world_init(&w);
	state_take(&w, &before);
	build(&w, call);
	memcpy(pages + TIDE_PAGE - 4, &w.args, 4);
	igt_assert_eq(__tide_ioctl(w.fd, calls[call].request, NULL), -EFAULT);
	igt_assert_eq(__tide_ioctl(w.fd, calls[call].request, pages + TIDE_PAGE), -EFAULT);
	igt_assert_eq(__tide_ioctl(w.fd, calls[call].request, pages + TIDE_PAGE - 4), -EFAULT);
	state_compare(&w, &before);
	expect_works(&w, call);
	state_drop(&before);
	world_fini(&w);
	munmap(pages, 2 * TIDE_PAGE);
}

static void test_unknown_ioctl(void)
{
	struct world w;
	struct state before;
	uint64_t data[16] = {};

	world_init(&w);
	state_take(&w, &before);
	for (unsigned int nr = DRM_TIDE_SUSPEND + 1; nr < DRM_COMMAND_END - DRM_COMMAND_BASE; nr++)
		igt_assert_eq(__tide_ioctl(w.fd, DRM_IOWR(DRM_COMMAND_BASE + nr, data), data),
			      -EINVAL);
	state_compare(&w, &before);
	state_drop(&before);
	world_fini(&w);
}

/* A field that is out only may hold anything. */
static void test_out_fields(void)
{
	struct world w;

	world_init(&w);
	build(&w, CALL_BO_CREATE);
	w.args.bo_create.actual_size = w.args.bo_create.handle = 0xffffffff;
	igt_assert_eq(make_call(&w, CALL_BO_CREATE), 0);
	build(&w, CALL_BO_INFO);
	memset((uint8_t *)&w.args + 8, 0xff, sizeof(w.args.bo_info) - 8);
	igt_assert_eq(make_call(&w, CALL_BO_INFO), 0);
	igt_assert_eq_u32(w.args.bo_info.page_in_error, 0);
	build(&w, CALL_BO_MMAP_OFFSET);
	w.args.bo_mmap_offset.offset = UINT64_MAX;
	igt_assert_eq(make_call(&w, CALL_BO_MMAP_OFFSET), 0);
	build(&w, CALL_QUEUE_CREATE);
	w.args.queue_create.queue = w.args.queue_create.syncobj = 0xffffffff;
	igt_assert_eq(make_call(&w, CALL_QUEUE_CREATE), 0);
	build(&w, CALL_QUEUE_INFO);
	w.args.queue_info.completed = w.args.queue_info.last = UINT64_MAX;
	w.args.queue_info.error = w.args.queue_info.pad2 = 0xffffffff;
	igt_assert_eq(make_call(&w, CALL_QUEUE_INFO), 0);
	igt_assert_eq_u32(w.args.queue_info.error, 0);
	igt_assert_eq_u32(w.args.queue_info.pad2, 0);
	build(&w, CALL_MAKE_RESIDENT);
	w.args.make_resident.value = UINT64_MAX;
	igt_assert_eq(make_call(&w, CALL_MAKE_RESIDENT), 0);
	build(&w, CALL_RECLAIM);
	w.args.reclaim.value = UINT64_MAX;
	igt_assert_eq(make_call(&w, CALL_RECLAIM), 0);
	build(&w, CALL_SEGMENT_INFO);
	w.args.segment_info.size = w.args.segment_info.usage = UINT64_MAX;
	igt_assert_eq(make_call(&w, CALL_SEGMENT_INFO), 0);
	build(&w, CALL_BUDGET);
	memset((uint8_t *)&w.args + 8, 0xff, sizeof(w.args.budget) - 8);
	igt_assert_eq(make_call(&w, CALL_BUDGET), 0);
	igt_assert_eq_u64(w.args.budget.reservation, 0);
	build(&w, CALL_MAKE_RESIDENT);
	w.args.make_resident.taken = 77;
	w.args.make_resident.trim_bytes = UINT64_MAX;
	igt_assert_eq(make_call(&w, CALL_MAKE_RESIDENT), 0);
	igt_assert_eq_u32(w.args.make_resident.taken, ENTRIES);
	igt_assert_eq_u64(w.args.make_resident.trim_bytes, 0);
	world_fini(&w);
}

static void test_close(void)
{
	uint32_t bad[] = { 0, 0xffffffff, 0x7ffffff0 };
	struct world w;
	struct state before;

	world_init(&w);
	state_take(&w, &before);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		igt_assert_eq(__tide_bo_close(w.fd, bad[i]), -EINVAL);
	igt_assert_eq(__tide_bo_close(w.fd, w.closed), -EINVAL);
	igt_assert_eq(__tide_bo_close(w.fd, w.foreign), -EINVAL);
	state_compare(&w, &before);
	state_drop(&before);
	world_fini(&w);
}

igt_main {
	igt_fixture
		close(tide_open_render());

	for (enum call call = 0; call < CALL_COUNT; call++) {
		igt_describe_f("%s: a struct that is not readable", calls[call].name);
		igt_subtest_f("%s-struct-pointer", calls[call].name)
			test_struct_pointer(call);

		for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
			if (fields[i].call != call)
				continue;
			igt_describe_f("%s: %s", calls[call].name, fields[i].name);
			igt_subtest_f("%s-%s", calls[call].name, fields[i].name)
				test_field(&fields[i]);
		}
		for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
			if (lists[i].call != call)
				continue;
			igt_describe_f("%s: pointer to %s", calls[call].name, lists[i].name);
			igt_subtest_f("%s-%s-pointer", calls[call].name, lists[i].name)
				test_pointer(&lists[i]);
		}
		for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
			if (entries[i].call != call)
				continue;
			igt_describe_f("%s: %s in an entry of its list", calls[call].name,
				       entries[i].name);
			igt_subtest_f("%s-%s", calls[call].name, entries[i].name)
				test_entry(&entries[i]);
		}
	}

	igt_describe("What is out only may hold anything");
	igt_subtest("h7-out-fields-are-not-read")
		test_out_fields();

	igt_describe("Numbers without an ioctl");
	igt_subtest("h7-unknown-ioctls")
		test_unknown_ioctl();

	igt_describe("Closing what is no handle");
	igt_subtest("a3-close-handle")
		test_close();
}
