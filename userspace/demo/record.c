/* SPDX-License-Identifier: MIT */

#include "record.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util.h"

FILE *
record_open(const char *folder, const char *name)
{
   char *path = format("%s/%s", folder, name);
   /* O_DSYNC keeps the page cache of a machine that may end without notice out of it. */
   int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_DSYNC | O_CLOEXEC, 0666);
   FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
   if (!file)
      die_errno("%s", path);
   setvbuf(file, NULL, _IOLBF, 4096);
   free(path);
   return file;
}

void
record_frame(FILE *file, const struct frame_record *record)
{
   fprintf(file, "%d %.1f %d %d %d %d %016" PRIx64 "\n", record->frame, record->ms, record->decodes,
           record->reclaimed, record->lost, record->wrong, record->picture);
}

static int
scan_frame(FILE *file, struct frame_record *record)
{
   return fscanf(file, "%d %lf %d %d %d %d %" SCNx64 "\n", &record->frame, &record->ms,
                 &record->decodes, &record->reclaimed, &record->lost, &record->wrong,
                 &record->picture) == 7;
}

void
record_sample(FILE *file, const struct sample_record *record)
{
   fprintf(file, "%.2f %d %d %d %d %d %d %d\n", record->seconds, record->frame, record->free_mib,
           record->available_mib, record->swapped_mib, record->process_mib, record->images_mib,
           record->discards);
}

static int
scan_sample(FILE *file, struct sample_record *record)
{
   return fscanf(file, "%lf %d %d %d %d %d %d %d\n", &record->seconds, &record->frame,
                 &record->free_mib, &record->available_mib, &record->swapped_mib,
                 &record->process_mib, &record->images_mib, &record->discards) == 8;
}

int
record_read_frames(const char *folder, struct frame_record **records)
{
   char *path = format("%s/frames", folder);
   FILE *file = fopen(path, "r");
   free(path);
   *records = NULL;
   if (!file)
      return 0;

   int count = 0;
   struct frame_record record;
   while (scan_frame(file, &record)) {
      *records = grow(*records, (count + 1) * sizeof(record));
      (*records)[count++] = record;
   }
   fclose(file);
   return count;
}

int
record_read_samples(const char *folder, struct sample_record **records)
{
   char *path = format("%s/samples", folder);
   FILE *file = fopen(path, "r");
   free(path);
   *records = NULL;
   if (!file)
      return 0;

   int count = 0;
   struct sample_record record;
   while (scan_sample(file, &record)) {
      *records = grow(*records, (count + 1) * sizeof(record));
      (*records)[count++] = record;
   }
   fclose(file);
   return count;
}

/* The number after a word in a file of /proc, from kilobytes to MiB. */
static int
field(const char *text, const char *word)
{
   const char *at = strstr(text, word);
   return at ? atol(at + strlen(word)) / 1024 : 0;
}

static void
read_text(const char *path, char *text, size_t size)
{
   int fd = open(path, O_RDONLY | O_CLOEXEC);
   ssize_t length = fd < 0 ? -1 : read(fd, text, size - 1);
   if (length < 0)
      die_errno("%s", path);
   text[length] = 0;
   close(fd);
}

void
record_look(struct sample_record *record)
{
   char text[4096];
   read_text("/proc/meminfo", text, sizeof(text));
   record->free_mib = field(text, "MemFree:");
   record->available_mib = field(text, "MemAvailable:");
   record->swapped_mib = field(text, "SwapTotal:") - field(text, "SwapFree:");
   read_text("/proc/self/status", text, sizeof(text));
   record->process_mib = field(text, "VmHWM:");
}
