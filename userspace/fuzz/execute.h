/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_EXECUTE_H
#define FUZZ_EXECUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "program.h"

/* What a program has run through in the driver: pairs of places, one after the other */
#define EDGES (1u << 18)

struct fuzz_edges {
   uint8_t seen[EDGES / 8];
};

/* Opens what it takes. Returns false, and says why, where the kernel lacks something. */
bool
fuzz_execute_init(void);

/*
 * Runs a program in a process of its own, which is killed if it does not end.
 * With @learn it tells of comparisons instead of places, see fuzz_learn(). Returns
 * false if the process cannot be killed.
 */
bool
fuzz_execute(const struct fuzz_program *p, bool learn);

/* Of the last program: adds its edges, and returns how many are new. */
uint32_t
fuzz_edges_add(struct fuzz_edges *edges);
/* Calls that were made so far */
uint64_t
fuzz_calls(void);
/* Whether what clients leave behind goes away: returns false after half a minute. */
bool
fuzz_nothing_left(void);
/* The first line of a report in the kernel log since the last time, or NULL */
const char *
fuzz_kernel_report(void);

#endif
