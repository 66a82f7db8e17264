/* SPDX-License-Identifier: MIT */
#ifndef IGT_TIDE_MODEL_H
#define IGT_TIDE_MODEL_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What the driver promises of offers, reclaims and residency, as a program that
 * has no device: each function takes what a call is given, says what it has to
 * answer, and changes the state as the call has to. An answer is 0 or -errno;
 * a call that fails changes nothing, except as it says.
 *
 * Time does not pass in the model: who uses it waits for paging fences and jobs,
 * and takes no memory but by model_shrink().
 */

#define MODEL_CLIENTS 2
#define MODEL_SLOTS   16
#define MODEL_QUEUES  3
#define MODEL_LIST    6

/* A place in a list that no slot stands for: a handle that does not exist */
#define MODEL_NO_SLOT MODEL_SLOTS

enum model_content {
	MODEL_ZEROS,
	MODEL_PATTERN, /* of the seed, by the CPU */
	MODEL_FILL, /* of the seed, by a job */
};

struct model_share {
	/* The client has a handle. */
	bool open;
	uint32_t residency;
	/* Priority of the client's offer, 0 for none */
	uint32_t offered;
	/* How many discards the client knows of */
	uint64_t told;
};

struct model_slot {
	bool exists;
	uint32_t pages;
	/* Offered as a whole: it may be discarded */
	bool discardable;
	bool discarded;
	bool exported;
	uint32_t priority;
	uint64_t offered_at;
	uint64_t discards;
	/* Of its pages, all are in memory or none is. */
	bool present;
	bool resident;
	enum model_content content;
	uint32_t seed;
	struct model_share shares[MODEL_CLIENTS];
};

struct model {
	struct model_slot slots[MODEL_SLOTS];
	uint64_t offers;
	/* By client and queue: the last value, 0 where there is no queue */
	uint64_t queues[MODEL_CLIENTS][MODEL_QUEUES];
};

/* What a call with a list names, and what it says */
struct model_call {
	uint32_t client;
	uint32_t queue;
	uint32_t count;
	uint32_t slots[MODEL_LIST];
	/* out */
	uint32_t bad_index;
	uint32_t results[MODEL_LIST];
	uint64_t value;
};

void model_create(struct model *m, uint32_t client, uint32_t slot, uint32_t pages);
/* Returns true if that was the last handle: the allocation is gone. */
bool model_close(struct model *m, uint32_t client, uint32_t slot);
int model_export(struct model *m, uint32_t client, uint32_t slot);
void model_import(struct model *m, uint32_t client, uint32_t slot);

int model_offer(struct model *m, struct model_call *call, uint32_t priority);
/* @delivered: the results can be written, else -EFAULT, and the rest happens. */
int model_reclaim(struct model *m, struct model_call *call, bool delivered);
int model_make_resident(struct model *m, struct model_call *call);
int model_evict(struct model *m, struct model_call *call);
/* A job that names the list. Its commands are none of the model's business. */
int model_submit(struct model *m, struct model_call *call);
/* Memory pressure for that many pages */
void model_shrink(struct model *m, uint64_t pages);

/* The content was written, or read as a whole. */
void model_write(struct model_slot *s, enum model_content content, uint32_t seed);
void model_read(struct model_slot *s);
/* A CPU access of a page that is not mapped raises SIGBUS. */
bool model_faults(const struct model_slot *s);
/* DRM_TIDE_BO_* */
uint32_t model_flags(const struct model *m, uint32_t client, uint32_t slot);
/* Pages that count against the client's budget */
uint64_t model_usage(const struct model *m, uint32_t client);

#endif
