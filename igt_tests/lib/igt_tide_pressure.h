/* SPDX-License-Identifier: MIT */
#ifndef IGT_TIDE_PRESSURE_H
#define IGT_TIDE_PRESSURE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "igt_tide.h"

/* Real memory pressure, and allocations whose contents and fate are watched under it. */

/* Keeps the caller alive whatever is killed for memory; skips where this cannot be tested. */
void pressure_init(void);

/* The machine that a body finds; it is as it was before afterwards. */
struct pressure_machine {
	/* memory that can be had; 0: all there is. What is small fills up quickly. */
	unsigned int memory_mib;
	/* zram swap; 0: none */
	unsigned int swap_mib;
};

/*
 * Runs a subtest's body in a process of its own, and takes away what it leaves:
 * allocations, hogs, cgroups made by cgroup_make(). The body may not skip.
 * Skips where the machine has swap of its own.
 */
void pressure_run_on(const struct pressure_machine *machine, void (*body)(const void *data),
		     const void *data);
void pressure_run(void (*body)(const void *data), const void *data);
void pressure_run_swap(unsigned int swap_mib, void (*body)(const void *data), const void *data);

/*
 * For bodies: a child that may be killed for memory, and dies with its parent.
 * A failed assertion in it ends it with a status.
 */
pid_t pressure_fork(int oom_score_adj);
/* Waits for its end: the exit status, or minus the signal. */
int pressure_wait(pid_t pid);

/* tide_cgroup_create() under a name that pressure_run() cleans up; NULL: below the root. */
void cgroup_make(struct tide_cgroup *cg, const struct tide_cgroup *parent, const char *name);
void cgroup_set_mib(const struct tide_cgroup *cg, const char *file, uint64_t mib);
/* Sets memory.max so that @mib more can be charged. */
void cgroup_leave_mib(const struct tide_cgroup *cg, uint64_t mib);
uint64_t cgroup_current_mib(const struct tide_cgroup *cg);
/* Processes killed for memory in the cgroup and below. */
uint64_t cgroup_kills(const struct tide_cgroup *cg);
/*
 * Who could be killed there, and does not ask for memory: a child that is stopped. It dies with its
 * parent.
 */
pid_t cgroup_bystander(const struct tide_cgroup *cg);

/* A line of /proc/meminfo. */
uint64_t meminfo_kib(const char *key);
uint64_t meminfo_mib(const char *key);

enum hog_result {
	/* the condition has come true */
	HOG_ENOUGH,
	/* all is filled, and the condition is not true */
	HOG_FULL,
	/* it was killed for memory */
	HOG_KILLED,
};

struct hog {
	/* where it runs; NULL: the root */
	const struct tide_cgroup *cgroup;
	/* anonymous memory to fill */
	unsigned int max_mib;
	/* no swapping of it */
	bool locked;
	/* checked by the hog before each MiB; NULL: never */
	bool (*enough)(const void *data);
	const void *data;
};

/* Has a process fill memory, which stays filled until hog_end(). */
enum hog_result hog_fill(const struct hog *hog);
void hog_end(void);

/* A condition for hogs: so many pages more in a line of debugfs stats. */
struct stat_goal {
	int fd;
	const char *key;
	uint64_t value;
};

struct stat_goal stat_goal(int fd, const char *key, uint64_t more_mib);
bool stat_reached(const void *goal);

/* Allocations of one size, number i filled with the pattern of seed + i, and mapped. */
#define LOT_MAX 512

struct lot {
	int fd;
	uint32_t count;
	size_t size;
	uint32_t seed;
	uint32_t handles[LOT_MAX];
	uint8_t *maps[LOT_MAX];
	/* of lot_reclaim() */
	uint32_t results[LOT_MAX];
};

void lot_create(struct lot *lot, int fd, uint32_t count, size_t size, uint32_t seed);
void lot_close(struct lot *lot);
void lot_offer(struct lot *lot, uint32_t priority);
/*
 * Reclaims all, last index first (where lower ones are discarded first, this
 * shows the same picture however much is discarded meanwhile), and returns the
 * number of those that were discarded.
 */
uint32_t lot_reclaim(struct lot *lot, uint32_t queue);
/* What lot_reclaim() called OK is intact, what it called DISCARDED is zeros. */
void lot_check(const struct lot *lot);
/* All is intact. */
void lot_check_intact(const struct lot *lot);
/* Those discarded are the first ones, by index. */
void lot_check_order(const struct lot *lot);
uint32_t lot_count_flag(const struct lot *lot, uint32_t flag);
/* Bytes that are not in memory. */
uint64_t lot_absent(const struct lot *lot);
void lot_make_resident(const struct lot *lot, const struct tide_queue *queue);
/* A job that reads all; they must be on the residency list. */
void lot_use_on_gpu(const struct lot *lot);
/*
 * All is resident while an unfinished job names it: reclaim, which may go on long
 * after whoever needed the memory has ended, takes none of it meanwhile.
 */
void lot_check_resident_for_job(const struct lot *lot);
/* All is intact as the GPU sees it. */
void lot_check_intact_on_gpu(const struct lot *lot, const struct tide_queue *queue);

#endif
