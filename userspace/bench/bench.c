/* SPDX-License-Identifier: MIT */

#include "bench.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool bench_short;

static uint64_t clock_overhead;

static void
complain(const char *text, va_list args, int error)
{
   fprintf(stderr, "%s: ", program_invocation_short_name);
   vfprintf(stderr, text, args);
   fprintf(stderr, error ? ": %s\n" : "\n", strerror(error));
   exit(1);
}

void
die(const char *text, ...)
{
   va_list args;
   va_start(args, text);
   complain(text, args, 0);
   abort();
}

void
die_errno(const char *text, ...)
{
   va_list args;
   va_start(args, text);
   complain(text, args, errno);
   abort();
}

void *
allocate(size_t size)
{
   void *memory = calloc(1, size);
   if (!memory)
      die_errno("%zu bytes of memory", size);
   return memory;
}

const char *
size_name(size_t size)
{
   static char names[4][16];
   static unsigned next;
   char *name = names[next++ % ARRAY_SIZE(names)];

   if (size >= MIB(1))
      snprintf(name, sizeof(names[0]), "%zuMiB", size >> 20);
   else
      snprintf(name, sizeof(names[0]), "%zuKiB", size >> 10);
   return name;
}

/* A loop of two instructions a turn */
static uint64_t
measure_loop(uint64_t turns)
{
   uint64_t began = ticks();
   __asm__ volatile("1: dec %0\n\tjnz 1b" : "+r"(turns) : : "cc");
   return ticks() - began;
}

void
clock_check(void)
{
   const uint64_t turns = 100000;
   struct series loops = {0}, nothing = {0};

   for (int i = 0; i < SERIES_MAX; i++) {
      series_add(&loops, measure_loop(turns));
      uint64_t began = ticks();
      series_add(&nothing, ticks() - began);
   }
   clock_overhead = series_least(&nothing);

   uint64_t loop = series_least(&loops);
   if (loop < 2 * turns || loop > 2 * turns + 100)
      die("the time stamp counter counts %.3f for an instruction: start it by lab/bench",
          loop / (2.0 * turns));
}

static void
clock_set_policy(int policy, int priority)
{
   struct sched_param param = {.sched_priority = priority};
   if (sched_setscheduler(0, policy, &param))
      die_errno("scheduling policy");
}

void
clock_own(void)
{
   clock_set_policy(SCHED_FIFO, 1);
}

void
clock_share(void)
{
   clock_set_policy(SCHED_OTHER, 0);
}

void
clock_settle(void)
{
   usleep(100000);
}

void
series_add(struct series *series, uint64_t value)
{
   if (series->count == SERIES_MAX)
      die("more than %d repetitions", SERIES_MAX);
   series->values[series->count++] = value;
}

static int
compare(const void *a, const void *b)
{
   uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
   return (x > y) - (x < y);
}

uint64_t
series_median(const struct series *series)
{
   struct series sorted = *series;
   qsort(sorted.values, sorted.count, sizeof(sorted.values[0]), compare);
   return sorted.values[(sorted.count - 1) / 2];
}

uint64_t
series_least(const struct series *series)
{
   uint64_t least = UINT64_MAX;
   for (int i = 0; i < series->count; i++)
      least = series->values[i] < least ? series->values[i] : least;
   return least;
}

void
meter_start(struct meter *meter, int repetitions)
{
   *meter = (struct meter){
      .left = repetitions > 1 ? repetitions + 1 : 1,
      .warm = repetitions == 1,
   };
}

bool
meter_next(struct meter *meter)
{
   return meter->left-- > 0;
}

void
meter_end(struct meter *meter)
{
   uint64_t took = ticks() - meter->began;
   if (meter->warm)
      series_add(&meter->series, took - clock_overhead);
   meter->warm = true;
}

int
repetitions(size_t bytes)
{
   if (bench_short || bytes > MIB(128))
      return 1;
   return bytes > MIB(16) ? 3 : 11;
}

static void
print_figure(double value, const char *unit, const char *key, va_list args)
{
   vprintf(key, args);
   printf("\t%.10g\t%s\n", value, unit);
}

void
figure(double value, const char *unit, const char *key, ...)
{
   va_list args;
   va_start(args, key);
   print_figure(value, unit, key, args);
   va_end(args);
}

void
figure_metered(const struct meter *meter, double count, const char *unit, const char *key, ...)
{
   va_list args;
   va_start(args, key);
   print_figure(series_median(&meter->series) / count, unit, key, args);
   va_end(args);
}

void
write_file(const char *path, const char *text)
{
   FILE *file = fopen(path, "we");
   if (!file || fputs(text, file) < 0 || fclose(file))
      die_errno("writing %s", path);
}

uint64_t
read_number(const char *path, const char *word)
{
   char line[512], name[128];
   uint64_t value;
   FILE *file = fopen(path, "re");
   if (!file)
      die_errno("%s", path);

   while (fgets(line, sizeof(line), file)) {
      if (sscanf(line, "%127s %" SCNu64, name, &value) == 2 && !strcmp(name, word)) {
         fclose(file);
         return value;
      }
   }
   die("%s has no %s", path, word);
}
