/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_OPS_H
#define FUZZ_OPS_H

#include <stdint.h>

/* Calls that the thread has made */
extern __thread uint64_t fuzz_calls_made;

void
fuzz_world_begin(const char *render, const char *primary, int shrink_fd, int reclaim_fd);

#endif
