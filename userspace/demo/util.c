/* SPDX-License-Identifier: MIT */

#define _GNU_SOURCE
#include "util.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void
complain(const char *text, va_list args, int error)
{
   fprintf(stderr, "%s: ", program_invocation_short_name);
   vfprintf(stderr, text, args);
   if (error)
      fprintf(stderr, ": %s", strerror(error));
   fputc('\n', stderr);
}

void
die(const char *text, ...)
{
   va_list args;
   va_start(args, text);
   complain(text, args, 0);
   va_end(args);
   exit(STATUS_FAILED);
}

void
die_errno(const char *text, ...)
{
   int error = errno;
   va_list args;
   va_start(args, text);
   complain(text, args, error);
   va_end(args);
   exit(STATUS_FAILED);
}

void *
allocate(size_t size)
{
   void *memory = calloc(1, size ? size : 1);
   if (!memory)
      die_errno("%zu bytes of memory", size);
   return memory;
}

void *
grow(void *memory, size_t size)
{
   void *grown = realloc(memory, size);
   if (!grown)
      die_errno("%zu bytes of memory", size);
   return grown;
}

char *
format(const char *text, ...)
{
   char *string;
   va_list args;
   va_start(args, text);
   int length = vasprintf(&string, text, args);
   va_end(args);
   if (length < 0)
      die_errno("memory for a string");
   return string;
}

double
now(void)
{
   struct timespec time;
   clock_gettime(CLOCK_MONOTONIC, &time);
   return time.tv_sec + time.tv_nsec / 1e9;
}
