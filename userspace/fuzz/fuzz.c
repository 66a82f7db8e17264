// SPDX-License-Identifier: MIT
/*
 * A fuzzer of tide's interface, guided by what programs of calls run through in the
 * driver. Mutates programs of a corpus, and adds those that come to something new.
 */
#include <dirent.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "execute.h"
#include "program.h"

#define CORPUS_MAX 1024
#define TEXT_MAX 65536
#define SHOW_EVERY 10
#define LEARN_EVERY 32
#define CHECK_EVERY 256
#define NOTHING_KNOWN 8

static struct {
   /* Not in the processes that run programs: they start and end faster without it. */
   struct fuzz_program *corpus;
   uint32_t corpus_count;
   struct fuzz_edges edges;
   uint32_t edge_count;
   uint64_t programs;
   uint32_t findings;
   const char *save;
   int last_fd;
   time_t began;
} f;

static void
write_text(const char *dir, const char *name, const char *text)
{
   char path[512];
   FILE *file;

   snprintf(path, sizeof(path), "%s/%s", dir, name);
   file = fopen(path, "we");
   if (!file) {
      perror(path);
      exit(1);
   }
   fputs(text, file);
   fclose(file);
}

static void
save_program(const char *dir, const struct fuzz_program *p, const char *comment)
{
   static char text[TEXT_MAX + 2048];
   uint64_t hash = 14695981039346656037ull;
   char name[32];
   size_t at = 0;

   if (comment)
      at = snprintf(text, sizeof(text), "# %.*s\n", (int)strcspn(comment, "\n"), comment);
   fuzz_print(p, text + at, sizeof(text) - at);
   for (const char *c = text + at; *c; c++)
      hash = (hash ^ (uint8_t)*c) * 1099511628211ull;
   snprintf(name, sizeof(name), "%s%012llx", comment ? "finding-" : "",
            (unsigned long long)hash & 0xffffffffffffull);
   write_text(dir, name, text);
}

/* If it takes the kernel down, this is what did. The file is on the host. */
static void
save_last(const struct fuzz_program *p)
{
   static char text[TEXT_MAX];
   size_t length = fuzz_print(p, text, sizeof(text));

   if (pwrite(f.last_fd, text, length, 0) != (ssize_t)length || ftruncate(f.last_fd, length)) {
      perror("last");
      exit(1);
   }
}

static void
finding(const struct fuzz_program *p, const char *what)
{
   printf("finding: %s\n", what);
   f.findings++;
   if (f.save)
      save_program(f.save, p, what);
}

/* Returns the number of new edges. */
static uint32_t
run(const struct fuzz_program *p)
{
   bool learns = f.programs % LEARN_EVERY == 0;
   const char *report;
   uint32_t added;

   if (f.save)
      save_last(p);
   f.programs++;
   if (!fuzz_execute(p, learns)) {
      finding(p, "its process cannot be killed");
      printf("%u findings\n", f.findings);
      exit(1);
   }
   added = learns ? 0 : fuzz_edges_add(&f.edges);
   f.edge_count += added;
   report = fuzz_kernel_report();
   if (report)
      finding(p, report);
   if (f.programs % CHECK_EVERY == 0 && !fuzz_nothing_left())
      finding(p, "allocations are left of clients that are gone");
   return added;
}

/* Whether a program still comes to edges that others do not come to */
static bool
covers(const struct fuzz_program *p, const struct fuzz_edges *without, uint32_t wanted)
{
   static struct fuzz_edges edges;

   edges = *without;
   f.programs++;
   return fuzz_execute(p, false) && fuzz_edges_add(&edges) >= wanted;
}

/* Takes away calls that the new edges do not need: halves, quarters, down to few at once */
static void
minimise(struct fuzz_program *p, const struct fuzz_edges *without, uint32_t wanted)
{
   const uint32_t few = p->count / 32;

   for (uint32_t size = p->count / 2; size > few; size /= 2) {
      for (uint32_t first = p->count; first >= size && p->count > size;) {
         struct fuzz_program less = *p;

         first -= size;
         fuzz_remove_calls(&less, first, size);
         if (covers(&less, without, wanted))
            *p = less;
      }
   }
}

static void
add_to_corpus(const struct fuzz_program *p)
{
   uint32_t at = f.corpus_count < CORPUS_MAX ? f.corpus_count++ : fuzz_below(CORPUS_MAX);

   f.corpus[at] = *p;
   if (f.save)
      save_program(f.save, p, NULL);
}

static void
load(const char *dir)
{
   DIR *folder = opendir(dir);
   struct dirent *entry;

   if (!folder) {
      perror(dir);
      exit(1);
   }
   while ((entry = readdir(folder)) && f.corpus_count < CORPUS_MAX) {
      static char text[TEXT_MAX + 2048];
      char path[512];
      FILE *file;
      size_t n;

      if (entry->d_name[0] == '.' || !strcmp(entry->d_name, "last") ||
          !strncmp(entry->d_name, "report-", 7))
         continue;
      snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
      file = fopen(path, "re");
      if (!file)
         continue;
      n = fread(text, 1, sizeof(text) - 1, file);
      text[n] = 0;
      fclose(file);
      if (fuzz_parse(&f.corpus[f.corpus_count], text)) {
         f.corpus_count++;
      } else {
         printf("%s is no program\n", path);
         exit(1);
      }
   }
   closedir(folder);
}

static void
show(void)
{
   printf("%ld s: %llu programs, %llu calls, %u in the corpus, %u edges, %u findings\n",
          (long)(time(NULL) - f.began), (unsigned long long)f.programs,
          (unsigned long long)fuzz_calls(), f.corpus_count, f.edge_count, f.findings);
   fflush(stdout);
}

static void
fuzz(time_t end)
{
   time_t shown = time(NULL);

   while (time(NULL) < end) {
      static struct fuzz_edges before;
      struct fuzz_program p;
      uint32_t added;

      if (!f.corpus_count || !fuzz_below(NOTHING_KNOWN)) {
         fuzz_generate(&p);
      } else {
         p = f.corpus[fuzz_below(f.corpus_count)];
         fuzz_mutate(&p, &f.corpus[fuzz_below(f.corpus_count)]);
      }
      /* A process takes longer than its calls: the more of them the better. */
      while (f.corpus_count && p.count < MAX_CALLS && fuzz_below(32))
         fuzz_append(&p, &f.corpus[fuzz_below(f.corpus_count)]);
      before = f.edges;
      added = run(&p);
      if (added) {
         minimise(&p, &before, added);
         add_to_corpus(&p);
      }
      if (time(NULL) >= shown + SHOW_EVERY) {
         shown = time(NULL);
         show();
      }
   }
}

/* The programs of the corpus, those with most edges first, that no others before make superfluous
 */
static void
write_minimised(const char *dir)
{
   const uint32_t count = f.corpus_count;
   uint32_t order[CORPUS_MAX], edges[CORPUS_MAX];

   for (uint32_t i = 0; i < count; i++) {
      static struct fuzz_edges own;

      memset(&own, 0, sizeof(own));
      fuzz_execute(&f.corpus[i], false);
      edges[i] = fuzz_edges_add(&own);
      order[i] = i;
      for (uint32_t j = i; j && edges[order[j]] > edges[order[j - 1]]; j--) {
         uint32_t swap = order[j];

         order[j] = order[j - 1];
         order[j - 1] = swap;
      }
   }
   memset(&f.edges, 0, sizeof(f.edges));
   for (uint32_t i = 0; i < count; i++) {
      fuzz_execute(&f.corpus[order[i]], false);
      if (fuzz_edges_add(&f.edges) > 1)
         save_program(dir, &f.corpus[order[i]], NULL);
   }
}

static void
usage(void)
{
   fputs("usage: fuzz [OPTION]... CORPUS...\n"
         "Runs the programs in the folders, and mutates them.\n"
         "  --seconds N      for so long (default: 60)\n"
         "  --seed N         of the random numbers (default: the time)\n"
         "  --save DIR       write new programs and findings there\n"
         "  --minimise DIR   do not mutate; write those there that are needed\n",
         stderr);
   exit(2);
}

int
main(int argc, char **argv)
{
   static const struct option options[] = {
      {"seconds", required_argument, NULL, 't'},
      {"seed", required_argument, NULL, 's'},
      {"save", required_argument, NULL, 'o'},
      {"minimise", required_argument, NULL, 'm'},
      {},
   };
   const char *minimised = NULL;
   uint64_t seed = time(NULL);
   long seconds = 60;
   int option;

   while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
      switch (option) {
      case 't':
         seconds = atol(optarg);
         break;
      case 's':
         seed = strtoull(optarg, NULL, 0);
         break;
      case 'o':
         f.save = optarg;
         break;
      case 'm':
         minimised = optarg;
         break;
      default:
         usage();
      }
   }
   if (optind == argc)
      usage();
   if (!fuzz_execute_init())
      return 77;
   f.corpus = mmap(NULL, CORPUS_MAX * sizeof(*f.corpus), PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
   if (f.corpus == MAP_FAILED || madvise(f.corpus, CORPUS_MAX * sizeof(*f.corpus), MADV_DONTFORK)) {
      perror("corpus");
      return 1;
   }

   for (int i = optind; i < argc; i++)
      load(argv[i]);
   if (minimised) {
      write_minimised(minimised);
      return 0;
   }

   if (f.save) {
      char path[512];

      snprintf(path, sizeof(path), "%s/last", f.save);
      f.last_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
      if (f.last_fd < 0) {
         perror(path);
         return 1;
      }
   }

   printf("seed %llu\n", (unsigned long long)seed);
   fuzz_seed(seed);
   f.began = time(NULL);
   for (uint32_t i = 0, count = f.corpus_count; i < count; i++)
      run(&f.corpus[i]);
   show();
   fuzz(f.began + seconds);
   if (!fuzz_nothing_left())
      finding(&f.corpus[0], "allocations are left in the end");
   show();
   return f.findings ? 1 : 0;
}
