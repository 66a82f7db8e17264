/* SPDX-License-Identifier: MIT */

/* What every subject of the benchmarks needs: a clock, repetitions, and a place for the figures. */

#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define PAGE ((size_t)4096)
#define KIB(n) ((size_t)(n) << 10)
#define MIB(n) ((size_t)(n) << 20)

/* Says why, and ends the program. */
void
die(const char *text, ...) __attribute__((noreturn, format(printf, 1, 2)));
/* The same with the text of errno. */
void
die_errno(const char *text, ...) __attribute__((noreturn, format(printf, 1, 2)));
/* Zeroed memory, or the end. */
void *
allocate(size_t size) __attribute__((returns_nonnull));
/* "4KiB", "1MiB"; valid until the next but three. */
const char *
size_name(size_t size);

/*
 * The clock is the time stamp counter. Where QEMU counts instructions (-icount shift=0) it is the
 * number of instructions that the machine has executed, in the kernel and outside.
 */
static inline uint64_t
ticks(void)
{
   return __builtin_ia32_rdtsc();
}

/* Ends the program where the clock counts anything but instructions. */
void
clock_check(void);

/*
 * Makes the program one that no kernel thread interrupts: what it has others do happens when it
 * waits.
 */
void
clock_own(void);
void
clock_share(void);
/* Lets what is deferred happen: RCU, work, the counters of cgroups. */
void
clock_settle(void);

/* Repetitions of a measurement */

#define SERIES_MAX 64

struct series {
   int count;
   uint64_t values[SERIES_MAX];
};

void
series_add(struct series *series, uint64_t value);
/* The middle one; of an even number of them the lower one of the two. */
uint64_t
series_median(const struct series *series);
uint64_t
series_least(const struct series *series);

/*
 * Repetitions with a clock: for (meter_start(&m, n); meter_next(&m);) { meter_begin(&m); ...
 * meter_end(&m); }. What stands outside of begin and end is not measured. The first repetition
 * is not counted, unless it is the only one: caches are cold.
 */
struct meter {
   struct series series;
   int left;
   bool warm;
   uint64_t began;
};

void
meter_start(struct meter *meter, int repetitions);
bool
meter_next(struct meter *meter);

static inline void
meter_begin(struct meter *meter)
{
   meter->began = ticks();
}

void
meter_end(struct meter *meter);

/* How often to repeat what goes through that many bytes: the more, the fewer. */
int
repetitions(size_t bytes);

/* With --short everything is done once, and on little memory. */
extern bool bench_short;

/* Prints a figure: its key, which is `key` formatted, value and unit. */
void
figure(double value, const char *unit, const char *key, ...) __attribute__((format(printf, 3, 4)));
/* The median of what was metered, in instructions for each of `count`. */
void
figure_metered(const struct meter *meter, double count, const char *unit, const char *key, ...)
   __attribute__((format(printf, 4, 5)));

/* Files of the kernel's */
void
write_file(const char *path, const char *text);
/* The number behind a word at the beginning of a line. */
uint64_t
read_number(const char *path, const char *word);

/* Subjects: each prints its figures. */
void
bench_keep(void);
void
bench_discard(void);
void
bench_page_in(void);
void
bench_return(void);
void
bench_life(void);
void
bench_population(void);
void
bench_clients(void);
void
bench_wake(void);
void
bench_footprint(void);

#endif
