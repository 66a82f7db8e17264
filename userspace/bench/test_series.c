/* SPDX-License-Identifier: MIT */

/* The arithmetic of repetitions */

#include <stdio.h>
#include <string.h>

#include "bench.h"

static void
expect(uint64_t is, uint64_t should_be, const char *what)
{
   if (is != should_be)
      die("%s: %llu, not %llu", what, (unsigned long long)is, (unsigned long long)should_be);
}

static struct series
series_of(const uint64_t *values, int count)
{
   struct series series = {0};
   for (int i = 0; i < count; i++)
      series_add(&series, values[i]);
   return series;
}

static void
test_series(void)
{
   const uint64_t values[] = {7, UINT64_MAX, 1, 9, 3};
   struct series odd = series_of(values, 5), even = series_of(values, 4);
   struct series one = series_of(values, 1);

   expect(series_median(&odd), 7, "median of five");
   expect(series_median(&even), 7, "lower median of four");
   expect(series_median(&one), 7, "median of one");
   expect(series_least(&odd), 1, "least");
   expect(odd.values[0], 7, "order after the median");
}

/* Counts the turns of a meter that is to repeat so often. */
static int
turns(int repetitions, int *measured)
{
   struct meter meter;
   int count = 0;

   for (meter_start(&meter, repetitions); meter_next(&meter); count++) {
      meter_begin(&meter);
      meter_end(&meter);
   }
   *measured = meter.series.count;
   return count;
}

static void
test_meter(void)
{
   int measured;

   expect(turns(1, &measured), 1, "turns of one repetition");
   expect(measured, 1, "and measured");
   expect(turns(5, &measured), 6, "turns of five repetitions");
   expect(measured, 5, "and measured, without the first");
}

static void
test_names(void)
{
   expect(strcmp(size_name(KIB(4)), "4KiB"), 0, "4 KiB");
   expect(strcmp(size_name(MIB(64)), "64MiB"), 0, "64 MiB");
   expect(repetitions(MIB(1)) > repetitions(MIB(64)), true, "large work is repeated less often");
   expect(repetitions(MIB(1024)), 1, "very large work is not repeated");
}

int
main(void)
{
   test_series();
   test_meter();
   test_names();
   return 0;
}
