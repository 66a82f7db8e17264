/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_PROGRAM_H
#define FUZZ_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A program is a list of calls, each made by one of a few threads. What a call is
 * about, an open file, an allocation, a queue, is told by the number of a slot
 * that an earlier call has filled, or not: both are wanted. As text it is a line a
 * call, its name, its thread and its arguments in hexadecimal.
 */

#define MAX_CALLS 256
#define MAX_ARGS 6
#define THREADS 3

struct fuzz_call {
   uint32_t op;
   uint32_t thread;
   uint64_t args[MAX_ARGS];
};

struct fuzz_program {
   uint32_t count;
   struct fuzz_call calls[MAX_CALLS];
};

struct fuzz_op {
   const char *name;
   /* Small is what is used often. */
   void (*run)(const uint64_t *args);
   /* How often it is chosen, compared with others */
   uint32_t weight;
};

/* ops.c */
extern const struct fuzz_op fuzz_ops[];
extern const uint32_t fuzz_op_count;

uint64_t
fuzz_random(void);
uint64_t
fuzz_below(uint64_t n);
void
fuzz_seed(uint64_t seed);

void
fuzz_generate(struct fuzz_program *p);
/* @other: to take a part of */
void
fuzz_mutate(struct fuzz_program *p, const struct fuzz_program *other);
void
fuzz_append(struct fuzz_program *p, const struct fuzz_program *other);
void
fuzz_remove_calls(struct fuzz_program *p, uint32_t first, uint32_t count);
/* A constant that the driver has compared something with */
void
fuzz_learn(uint64_t value);

/* The text, at most @size bytes with the zero at its end; returns its length. */
size_t
fuzz_print(const struct fuzz_program *p, char *text, size_t size);
bool
fuzz_parse(struct fuzz_program *p, const char *text);

#endif
