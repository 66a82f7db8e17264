/* SPDX-License-Identifier: MIT */

/*
 * Reads the records of all runs, prints them as a table, and says whether they show what the demo
 * is there to show.
 *
 * The ideal cache that a run is measured by has the memory that was free for it at its start, when
 * the first frame was drawn twice, and what loading Mesa had left in the page cache was dropped:
 * what /proc/meminfo calls MemFree then, and the images of that frame.
 */

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ideal.h"
#include "record.h"
#include "util.h"
#include "wall.h"

enum run_name { KEEP, KEEP_ZRAM, FREE, OFFER, OFFER_ZRAM, TEXTURES, VULKAN, RUN_COUNT };

static const struct {
   const char *folder;
   const char *title;
} names[RUN_COUNT] = {
   [KEEP] = {"keep", "(a) kept"},
   [KEEP_ZRAM] = {"keep-zram", "(a) kept, zram swap"},
   [FREE] = {"free", "(b) freed, decoded again"},
   [OFFER] = {"offer", "(c) offered, reclaimed"},
   [OFFER_ZRAM] = {"offer-zram", "(c) offered, zram swap"},
   [TEXTURES] = {"textures", "(c) purgeable textures, GL"},
   [VULKAN] = {"vulkan", "(c) offered memory, Vulkan"},
};

struct run {
   struct frame_record *frames;
   int frame_count;
   struct sample_record *samples;
   int sample_count;
   bool finished;
   int status, kills; /* of the process, and by the machine for want of memory */
   int decodes, wrong, peak_mib, discards;
   int room;                     /* images that free memory had room for */
   double median_ms, slowest_ms; /* the latter is the 99th percentile */
};

static int
by_value(const void *a, const void *b)
{
   double one = *(const double *)a, other = *(const double *)b;
   return (one > other) - (one < other);
}

/* The smallest value that at least so many in a hundred do not exceed. */
static double
percentile(const double *sorted, int count, int percent)
{
   return count ? sorted[(count * percent + 99) / 100 - 1] : 0;
}

static void
read_status(const char *folder, struct run *run)
{
   char *path = format("%s/status", folder);
   FILE *file = fopen(path, "r");
   if (!file || fscanf(file, "%d %d", &run->status, &run->kills) != 2)
      die("%s: missing or damaged", path);
   fclose(file);
   free(path);

   path = format("%s/end", folder);
   file = fopen(path, "r");
   run->finished = file != NULL;
   if (file)
      fclose(file);
   free(path);
}

static void
read_run(const char *folder, struct run *run)
{
   read_status(folder, run);
   run->frame_count = record_read_frames(folder, &run->frames);
   run->sample_count = record_read_samples(folder, &run->samples);

   double *times = allocate(run->frame_count * sizeof(*times));
   for (int i = 0; i < run->frame_count; i++) {
      times[i] = run->frames[i].ms;
      run->wrong += run->frames[i].wrong;
      run->decodes = run->frames[i].decodes;
   }
   qsort(times, run->frame_count, sizeof(*times), by_value);
   run->median_ms = percentile(times, run->frame_count, 50);
   run->slowest_ms = percentile(times, run->frame_count, 99);
   free(times);

   for (int i = 0; i < run->sample_count; i++) {
      if (run->samples[i].process_mib > run->peak_mib)
         run->peak_mib = run->samples[i].process_mib;
      run->discards = run->samples[i].discards;
   }
   if (run->sample_count)
      run->room = (run->samples[0].free_mib + run->samples[0].images_mib) / (IMAGE_BYTES >> 20);
}

/* What ended a run before its end. */
static const char *
end_of(const struct run *run)
{
   return run->kills ? "killed" : "stopped";
}

static void
print_run(const char *title, const struct run *run, int ideal)
{
   char frames[32];
   if (run->finished)
      snprintf(frames, sizeof(frames), "%d", run->frame_count);
   else
      snprintf(frames, sizeof(frames), "%s at %d", end_of(run), run->frame_count);
   printf("%-28s %14s %8d", title, frames, run->decodes);
   if (run->finished)
      printf(" %5d %6d %5.2f", run->room, ideal, (double)run->decodes / ideal);
   else
      printf(" %5d %6s %5s", run->room, "", "");
   printf(" %7.0f %7.0f %9d", run->median_ms, run->slowest_ms, run->peak_mib);
   if (run->discards >= 0)
      printf(" %9d", run->discards);
   else
      printf(" %9s", "");
   printf(" %6d %6d\n", run->kills, run->wrong);
}

static struct sample_record
last_sample(const struct run *run)
{
   return run->sample_count ? run->samples[run->sample_count - 1] : (struct sample_record){0};
}

/* What the charts show besides the records, as gnuplot commands. */
static void
write_marks(const char *out, const struct run *runs)
{
   char *path = format("%s/marks", out);
   FILE *file = fopen(path, "w");
   if (!file)
      die_errno("%s", path);

   double longest = 0;
   for (int i = 0; i < RUN_COUNT; i++)
      longest = fmax(longest, last_sample(&runs[i]).seconds);
   for (int i = 0; i < RUN_COUNT; i++) {
      struct sample_record last = last_sample(&runs[i]);
      if (!runs[i].finished)
         fprintf(file,
                 "set label \"%s at frame %d\" at %.1f, %d %s point pt 2 ps 1.6 lw 2 front boxed\n",
                 end_of(&runs[i]), runs[i].frame_count, last.seconds, last.images_mib,
                 last.seconds < 0.7 * longest ? "left offset 1, 0.7" : "right offset -1, 0.7");
   }
   fprintf(file, "room = %d\nseconds = %.1f\n", runs[OFFER].room, longest);

   fclose(file);
   free(path);
}

static void
write_ideal(const char *out, const struct wall *wall, const int *path, int frame_count, int room)
{
   char *name = format("%s/ideal", out);
   FILE *file = fopen(name, "w");
   if (!file)
      die_errno("%s", name);
   int *decodes = allocate(frame_count * sizeof(*decodes));
   ideal_decodes(wall, path, frame_count, room, decodes);
   for (int i = 0; i < frame_count; i++)
      fprintf(file, "%d %d\n", i, decodes[i]);
   free(decodes);
   fclose(file);
   free(name);
}

/* Says what does not hold, and returns whether that is nothing. */
static bool
judge(const struct run *runs, int ideal)
{
   const struct run *keep = &runs[KEEP], *offer = &runs[OFFER];
   bool good = true;
   const struct {
      bool holds;
      const char *text;
   } claims[] = {
      {!keep->finished && keep->kills, "(a) without swap was killed"},
      {runs[FREE].finished, "(b) came to its end"},
      {offer->finished && runs[OFFER_ZRAM].finished, "(c) came to its end"},
      {offer->decodes <= 1.25 * ideal,
       "(c) decoded at most 1.25 times as often as the ideal cache"},
      {2 * offer->decodes <= runs[FREE].decodes, "(c) decoded at most half as often as (b)"},
      {runs[TEXTURES].finished, "(c) with purgeable textures came to its end"},
      {2 * runs[TEXTURES].decodes <= runs[FREE].decodes,
       "(c) with purgeable textures decoded at most half as often as (b)"},
      {runs[VULKAN].finished, "(c) by Vulkan came to its end"},
      {2 * runs[VULKAN].decodes <= runs[FREE].decodes,
       "(c) by Vulkan decoded at most half as often as (b)"},
   };
   for (size_t i = 0; i < ARRAY_SIZE(claims); i++) {
      if (!claims[i].holds)
         printf("It is not so that %s.\n", claims[i].text);
      good &= claims[i].holds;
   }
   for (int i = 0; i < RUN_COUNT; i++) {
      if (runs[i].wrong)
         printf("%s: %d frames were wrong.\n", names[i].title, runs[i].wrong);
      good &= !runs[i].wrong;
   }
   return good;
}

int
main(int argc, char **argv)
{
   if (argc != 3)
      die("usage: report IMAGES OUT");
   const char *out = argv[2];
   struct wall *wall = wall_read(argv[1]);
   int frame_count, *path = wall_path(wall, &frame_count);

   struct run runs[RUN_COUNT] = {0};
   for (int i = 0; i < RUN_COUNT; i++) {
      char *folder = format("%s/%s", out, names[i].folder);
      read_run(folder, &runs[i]);
      free(folder);
   }

   printf("%d photographs, in %d images of 1 MiB when decoded; %d frames.\n\n",
          wall->photograph_count, wall->image_count, frame_count);
   printf("%-28s %14s %8s %18s %15s %9s\n", "", "", "", "ideal cache's", "frame time, ms",
          "peak MiB");
   printf("%-28s %14s %8s %5s %6s %5s %7s %7s %9s %9s %6s %6s\n", "images that do not show are",
          "frames", "decodes", "room", "needs", "times", "median", "99th %", "(process)",
          "discards", "kills", "wrong");
   int ideals[RUN_COUNT];
   for (int i = 0; i < RUN_COUNT; i++) {
      ideals[i] = ideal_decodes(wall, path, frame_count, runs[i].room, NULL);
      print_run(names[i].title, &runs[i], ideals[i]);
   }
   printf("\n");

   write_marks(out, runs);
   write_ideal(out, wall, path, frame_count, runs[OFFER].room);
   bool good = judge(runs, ideals[OFFER]);

   for (int i = 0; i < RUN_COUNT; i++) {
      free(runs[i].frames);
      free(runs[i].samples);
   }
   free(path);
   wall_free(wall);
   return !good;
}
