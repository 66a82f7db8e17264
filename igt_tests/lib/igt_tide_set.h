/* SPDX-License-Identifier: MIT */
#ifndef IGT_TIDE_SET_H
#define IGT_TIDE_SET_H

#include "igt_tide.h"

#define TIDE_SET_MAX_BOS	128

/**
 * struct tide_set - allocations of one size, with a client and a paging queue of their own
 * @fd: client
 * @queue: paging queue
 * @size: of each allocation, in bytes
 * @count: number of allocations
 * @bos: their handles
 */
struct tide_set {
	int fd;
	struct tide_queue queue;
	uint64_t size;
	uint32_t count;
	uint32_t bos[TIDE_SET_MAX_BOS];
};

void tide_set_open(struct tide_set *set, uint64_t size);

/* Allocations with patterns, of seeds one by one */
void tide_set_add(struct tide_set *set, uint32_t count, uint32_t seed);
void tide_set_check(const struct tide_set *set, uint32_t first, uint32_t count, uint32_t seed);

/* Both wait. */
void tide_set_make_resident(struct tide_set *set, uint32_t first, uint32_t count);
void tide_set_job(const struct tide_set *set, uint32_t first, uint32_t count);

/* How many are, without a look at content, which might bring it back */
uint32_t tide_set_residents(const struct tide_set *set, uint32_t first, uint32_t count);

#endif /* IGT_TIDE_SET_H */
