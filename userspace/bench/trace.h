/* SPDX-License-Identifier: MIT */

/* The kernel's trace, with the clock of the benchmarks */

#ifndef BENCH_TRACE_H
#define BENCH_TRACE_H

#include <stdint.h>

#include "bench.h"

/* Has the event traced, "tide/tide_discard". */
void
trace_event(const char *event);
/* Has entries of a function traced as NAME_in, and its returns as NAME_out. */
void
trace_function(const char *name, const char *function);
void
trace_clear(void);
/* Nothing is traced any more. */
void
trace_end(void);

/* When the event was traced last, or 0 */
uint64_t
trace_last(const char *event);
/* How long the function took each time, at most SERIES_MAX times */
void
trace_durations(const char *name, struct series *series);

#endif
