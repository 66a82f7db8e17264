// SPDX-License-Identifier: MIT
#include "program.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static uint64_t state = 1;

void
fuzz_seed(uint64_t seed)
{
   state = seed ? seed : 1;
}

uint64_t
fuzz_random(void)
{
   state ^= state << 13;
   state ^= state >> 7;
   state ^= state << 17;
   return state * 0x2545f4914f6cdd1dull;
}

uint64_t
fuzz_below(uint64_t n)
{
   assert(n);
   return (fuzz_random() >> 16) % n;
}

#define LEARNT 256

static uint64_t learnt[LEARNT];
static uint32_t learnt_count;

void
fuzz_learn(uint64_t value)
{
   for (uint32_t i = 0; i < learnt_count && i < LEARNT; i++)
      if (learnt[i] == value)
         return;
   learnt[learnt_count++ % LEARNT] = value;
}

static uint64_t
random_arg(void)
{
   static const uint64_t special[] = {
      0,
      1,
      2,
      3,
      4,
      4095,
      4096,
      4097,
      65535,
      65536,
      65537,
      1ull << 20,
      1ull << 21,
      (1ull << 31) - 1,
      1ull << 31,
      (1ull << 32) - 1,
      1ull << 32,
      1ull << 47,
      (1ull << 63) - 1,
      1ull << 63,
      ~0ull,
      ~4095ull,
   };

   switch (fuzz_below(16)) {
   case 0:
      return special[fuzz_below(sizeof(special) / sizeof(special[0]))];
   case 1:
      return fuzz_random();
   case 2:
      if (learnt_count)
         return learnt[fuzz_below(learnt_count < LEARNT ? learnt_count : LEARNT)];
      return fuzz_below(256);
   case 3:
   case 4:
      return fuzz_below(256);
   default:
      return fuzz_below(8);
   }
}

static uint32_t
random_op(void)
{
   uint32_t total = 0, at, i;

   for (i = 0; i < fuzz_op_count; i++)
      total += fuzz_ops[i].weight;
   at = fuzz_below(total);
   for (i = 0; at >= fuzz_ops[i].weight; i++)
      at -= fuzz_ops[i].weight;
   return i;
}

static struct fuzz_call
random_call(void)
{
   struct fuzz_call call = {.op = random_op()};

   call.thread = fuzz_below(4) ? 0 : fuzz_below(THREADS);
   for (int i = 0; i < MAX_ARGS; i++)
      call.args[i] = random_arg();
   return call;
}

void
fuzz_generate(struct fuzz_program *p)
{
   p->count = 4 + fuzz_below(32);
   for (uint32_t i = 0; i < p->count; i++)
      p->calls[i] = random_call();
}

static void
insert_call(struct fuzz_program *p)
{
   uint32_t at = fuzz_below(p->count + 1);

   if (p->count == MAX_CALLS)
      return;
   memmove(&p->calls[at + 1], &p->calls[at], (p->count - at) * sizeof(p->calls[0]));
   p->calls[at] = random_call();
   p->count++;
}

void
fuzz_remove_calls(struct fuzz_program *p, uint32_t first, uint32_t count)
{
   p->count -= count;
   memmove(&p->calls[first], &p->calls[first + count], (p->count - first) * sizeof(p->calls[0]));
}

void
fuzz_append(struct fuzz_program *p, const struct fuzz_program *other)
{
   for (uint32_t i = 0; i < other->count && p->count < MAX_CALLS; i++)
      p->calls[p->count++] = other->calls[i];
}

/* The first calls of one, the last of the other */
static void
splice(struct fuzz_program *p, const struct fuzz_program *other)
{
   uint32_t keep = fuzz_below(p->count + 1), from = fuzz_below(other->count + 1);

   p->count = keep;
   while (p->count < MAX_CALLS && from < other->count)
      p->calls[p->count++] = other->calls[from++];
}

static void
change_call(struct fuzz_program *p)
{
   struct fuzz_call *call;
   uint64_t *arg;

   if (!p->count)
      return;
   call = &p->calls[fuzz_below(p->count)];
   arg = &call->args[fuzz_below(MAX_ARGS)];
   switch (fuzz_below(6)) {
   case 0:
      call->thread = fuzz_below(THREADS);
      break;
   case 1:
      *arg ^= 1ull << fuzz_below(64);
      break;
   case 2:
      *arg += fuzz_below(16) - 8;
      break;
   default:
      *arg = random_arg();
      break;
   }
}

void
fuzz_mutate(struct fuzz_program *p, const struct fuzz_program *other)
{
   do {
      switch (fuzz_below(10)) {
      case 0:
         splice(p, other);
         break;
      case 1:
         if (p->count > 1)
            fuzz_remove_calls(p, fuzz_below(p->count), 1);
         break;
      case 2:
      case 3:
      case 4:
         insert_call(p);
         break;
      default:
         change_call(p);
         break;
      }
   } while (fuzz_below(3) || !p->count);
}

size_t
fuzz_print(const struct fuzz_program *p, char *text, size_t size)
{
   size_t used = 0;

   for (uint32_t i = 0; i < p->count; i++) {
      const struct fuzz_call *c = &p->calls[i];

      used +=
         snprintf(text + used, size - used,
                  "%s %u %" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64 "\n",
                  fuzz_ops[c->op].name, c->thread, c->args[0], c->args[1], c->args[2], c->args[3],
                  c->args[4], c->args[5]);
   }
   return used;
}

static bool
parse_call(struct fuzz_call *c, const char *line)
{
   char name[32];

   if (sscanf(line, "%31s %u %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64,
              name, &c->thread, &c->args[0], &c->args[1], &c->args[2], &c->args[3], &c->args[4],
              &c->args[5]) != 2 + MAX_ARGS ||
       c->thread >= THREADS)
      return false;
   for (c->op = 0; c->op < fuzz_op_count; c->op++)
      if (!strcmp(fuzz_ops[c->op].name, name))
         return true;
   return false;
}

bool
fuzz_parse(struct fuzz_program *p, const char *text)
{
   p->count = 0;
   for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
      if (*line != '#') {
         if (p->count == MAX_CALLS || !parse_call(&p->calls[p->count], line))
            return false;
         p->count++;
      }
      if (!strchr(line, '\n'))
         break;
   }
   return p->count;
}
