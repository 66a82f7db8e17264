/* SPDX-License-Identifier: MIT */

#include "trace.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TRACING "/sys/kernel/tracing/"

static void
append(const char *path, const char *text)
{
   int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
   if (fd < 0 || write(fd, text, strlen(text)) < 0)
      die_errno("%s: %s", path, text);
   close(fd);
}

static void
enable(const char *event)
{
   char path[128];
   snprintf(path, sizeof(path), TRACING "events/%s/enable", event);
   write_file(TRACING "trace_clock", "x86-tsc");
   write_file(path, "1");
}

void
trace_event(const char *event)
{
   enable(event);
}

void
trace_function(const char *name, const char *function)
{
   char text[256];
   snprintf(text, sizeof(text), "p:bench/%s_in %s\nr:bench/%s_out %s\n", name, function, name,
            function);
   append(TRACING "kprobe_events", text);
   snprintf(text, sizeof(text), "bench/%s_in", name);
   enable(text);
   snprintf(text, sizeof(text), "bench/%s_out", name);
   enable(text);
}

void
trace_clear(void)
{
   write_file(TRACING "trace", "");
}

void
trace_end(void)
{
   write_file(TRACING "events/enable", "0");
   write_file(TRACING "kprobe_events", "");
   trace_clear();
}

static FILE *
open_trace(void)
{
   FILE *trace = fopen(TRACING "trace", "re");
   if (!trace)
      die_errno("trace");
   return trace;
}

/* The time in a line of the event: " ... 12345: EVENT: ...", or 0 */
static uint64_t
time_of(const char *line, const char *event)
{
   char pattern[64];
   snprintf(pattern, sizeof(pattern), ": %s: ", event);
   const char *end = strstr(line, pattern);
   if (!end)
      return 0;

   const char *begin = end;
   while (begin > line && begin[-1] != ' ')
      begin--;
   return strtoull(begin, NULL, 10);
}

uint64_t
trace_last(const char *event)
{
   FILE *trace = open_trace();
   uint64_t last = 0;
   char line[512];

   while (fgets(line, sizeof(line), trace)) {
      uint64_t time = time_of(line, event);
      last = time ? time : last;
   }
   fclose(trace);
   return last;
}

void
trace_durations(const char *name, struct series *series)
{
   char in[64], out[64], line[512];
   FILE *trace = open_trace();
   uint64_t began = 0;

   snprintf(in, sizeof(in), "%s_in", name);
   snprintf(out, sizeof(out), "%s_out", name);
   *series = (struct series){0};
   while (series->count < SERIES_MAX && fgets(line, sizeof(line), trace)) {
      uint64_t time = time_of(line, in);
      if (time)
         began = time;
      time = time_of(line, out);
      if (time && began)
         series_add(series, time - began);
   }
   fclose(trace);
}
