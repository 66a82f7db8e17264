/* SPDX-License-Identifier: MIT */

/* What every program of the demo needs: giving up, memory, strings, time. */

#ifndef DEMO_UTIL_H
#define DEMO_UTIL_H

#include <stddef.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* The status of a program of the demo's that could not do its work. */
#define STATUS_FAILED 2

void
die(const char *text, ...) __attribute__((noreturn, format(printf, 1, 2)));
void
die_errno(const char *text, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* Zeroed memory, or the end. */
void *
allocate(size_t size) __attribute__((returns_nonnull));

/* realloc(), or the end. */
void *
grow(void *memory, size_t size) __attribute__((returns_nonnull));

/* A string for free(). */
char *
format(const char *text, ...) __attribute__((returns_nonnull, format(printf, 1, 2)));

/* A clock in seconds. */
double
now(void);

#endif
