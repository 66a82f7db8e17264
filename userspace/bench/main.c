/* SPDX-License-Identifier: MIT */

/* Measures subjects, and prints figures: key, value and unit, between tabs. */

#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

static const struct {
   const char *name;
   void (*measure)(void);
} subjects[] = {
   {"keep", bench_keep},       {"discard", bench_discard}, {"page_in", bench_page_in},
   {"return", bench_return},   {"life", bench_life},       {"population", bench_population},
   {"clients", bench_clients}, {"wake", bench_wake},       {"footprint", bench_footprint},
};

/* Many mappings and many files at a time */
static void
raise_limits(void)
{
   struct rlimit files = {262144, 262144};
   if (setrlimit(RLIMIT_NOFILE, &files))
      die_errno("number of files");
   write_file("/proc/sys/vm/max_map_count", "262144");
   /* Nobody makes huge pages of small ones meanwhile. */
   write_file("/sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs", "3600000");
   /* A program that nothing interrupts is no mistake here. */
   write_file("/proc/sys/kernel/sched_rt_runtime_us", "-1");
}

/*
 * Printing has others work, and has interrupts come at any time: figures are kept until all of a
 * subject's are there.
 */
static void
keep_output(void)
{
   static char kept[1 << 20];
   setvbuf(stdout, kept, _IOFBF, sizeof(kept));
}

/* As little as can be is left of what was before: page cache, and holes between pages in use. */
static void
tidy_memory(void)
{
   clock_settle();
   write_file("/proc/sys/vm/drop_caches", "3");
   write_file("/proc/sys/vm/compact_memory", "1");
   clock_settle();
}

/* In a process of its own: its heap and its mappings do not depend on what was measured before. */
static void
measure(const char *name)
{
   size_t s = 0;
   while (s < ARRAY_SIZE(subjects) && strcmp(subjects[s].name, name))
      s++;
   if (s == ARRAY_SIZE(subjects))
      die("there is no subject %s", name);

   tidy_memory();
   pid_t pid = fork();
   if (pid < 0)
      die_errno("fork");
   if (!pid) {
      subjects[s].measure();
      exit(0);
   }

   int status;
   if (waitpid(pid, &status, 0) < 0 || status)
      die("%s has failed", name);
}

int
main(int argc, char **argv)
{
   static const struct option options[] = {{"short", no_argument, NULL, 's'}, {0}};
   int option;

   while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
      if (option != 's')
         die("usage: %s [--short] SUBJECT...", argv[0]);
      bench_short = true;
   }

   keep_output();
   raise_limits();
   clock_check();
   for (int i = optind; i < argc; i++)
      measure(argv[i]);
   return 0;
}
