/* SPDX-License-Identifier: MIT */
/*
 * Residency managers on a real device, whose local memory is wanted more than once.
 * Loads the module anew for that: in the guest only. Skipped elsewhere.
 */

#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fixture.h"

#define MIB (1u << 20)
#define LOCAL 1
#define LOCAL_MIB 32
#define MAX_OWN 40
#define LIMIT_S 60 /* until something that has to happen has happened */

static bool
load_module(const char *parameters)
{
   const char *path = getenv("TIDE_KO");
   int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
   bool loaded = false;

   if (fd < 0)
      return false;
   for (int tries = 0; tries < LIMIT_S * 10 && !loaded; tries++) {
      if (!syscall(SYS_delete_module, "tide", O_NONBLOCK) || errno == ENOENT)
         loaded = !syscall(SYS_finit_module, fd, parameters, 0);
      else
         usleep(100000);
   }
   close(fd);
   return loaded;
}

static uint64_t
now_ms(void)
{
   struct timespec ts;

   clock_gettime(CLOCK_MONOTONIC, &ts);
   return ts.tv_sec * 1000ull + ts.tv_nsec / 1000000;
}

/* Assertions of a child end it. */
#define CHECK(condition)                                                                  \
   do {                                                                                   \
      if (!(condition)) {                                                                 \
         fprintf(stderr, "%s:%d: %s: errno %d\n", __FILE__, __LINE__, #condition, errno); \
         _exit(1);                                                                        \
      }                                                                                   \
   } while (0)

struct client {
   struct tide_device *device;
   struct tide_paging_queue *queue;
   struct tide_residency *residency;
   struct tide_context *context;
   struct tide_watcher *watcher;
   unsigned int count, random;
   struct tide_allocation *a[MAX_OWN];
   uint32_t *p[MAX_OWN];
   uint32_t words[MAX_OWN]; /* what all of it consists of */
   unsigned int discards;
};

static unsigned int
pick(struct client *c, unsigned int below)
{
   c->random = c->random * 1103515245 + 12345;
   return c->random / 65536 % below;
}

static void
client_open(struct client *c, unsigned int count, unsigned int seed)
{
   *c = (struct client){.count = count, .random = seed};
   CHECK(!tide_device_open_first(&c->device));
   CHECK(!tide_paging_queue_create(c->device, &c->queue));
   CHECK(!tide_residency_create(c->device, &c->residency));
   CHECK(!tide_context_create_managed(c->residency, &c->context));
   CHECK(!tide_watcher_create(c->device, &c->watcher));
   for (unsigned int i = 0; i < count; i++) {
      CHECK(!tide_allocation_create(c->device, MIB, 0, &c->a[i]));
      CHECK(!tide_allocation_map(c->a[i], (void **)&c->p[i]));
   }
}

static void
client_close(struct client *c)
{
   for (unsigned int i = 0; i < c->count; i++)
      tide_allocation_unref(c->a[i]);
   tide_watcher_destroy(c->watcher);
   tide_context_destroy(c->context);
   tide_residency_destroy(c->residency);
   tide_paging_queue_destroy(c->queue);
   tide_device_unref(c->device);
}

static void
wait_over(struct client *c, struct tide_fence fence)
{
   int ret;

   CHECK(!tide_fence_wait(c->device, &fence, 1, LIMIT_S * 1000000000ull));
   while ((ret = tide_context_error(c->context, fence.point)) == -EINPROGRESS)
      usleep(100);
   CHECK(!ret);
}

/* Fills the first of some, and copies each to the next: several batches, and none is waited for. */
static void
run_batches(struct client *c)
{
   const unsigned int first = pick(c, c->count);
   struct tide_fence fence;
   struct tide_batch *batch;

   CHECK(!tide_batch_create(c->context, TIDE_BATCH_ENGINE, &batch));
   for (unsigned int b = 0; b < 4; b++) {
      const unsigned int begin = first + b * 4;
      const uint32_t word = pick(c, 65536) * 65537u;

      for (unsigned int n = 0; n < 4; n++) {
         const unsigned int i = (begin + n) % c->count, before = (begin + n - 1) % c->count;

         if (n)
            CHECK(!tide_batch_copy(batch, c->a[i], 0, c->a[before], 0, MIB));
         else
            CHECK(!tide_batch_fill(batch, c->a[i], 0, MIB, word));
         c->words[i] = word;
      }
      CHECK(!tide_batch_submit(batch, NULL, 0, NULL, 0, &fence));
      CHECK(!tide_batch_reset(batch));
   }
   wait_over(c, fence);
   tide_batch_destroy(batch);
}

static void
check(struct client *c, unsigned int i)
{
   for (unsigned int at = 0; at < MIB / 4; at += 1 + at % 61)
      CHECK(c->p[i][at] == c->words[i]);
}

static void
offer_and_reclaim(struct client *c)
{
   const unsigned int i = pick(c, c->count);
   enum tide_reclaim_result result;
   uint64_t value;

   CHECK(!tide_offer(c->device, &c->a[i], 1, TIDE_PRIORITY_NORMAL, 0));
   usleep(pick(c, 10000));
   CHECK(!tide_reclaim(c->device, c->queue, &c->a[i], 1, &result, &value));
   if (result == TIDE_RECLAIM_DISCARDED) {
      c->words[i] = 0;
      c->discards++;
   }
}

/* The watcher evicts down to the budget, by itself. */
static void
wait_for_budget(struct client *c)
{
   const uint64_t end = now_ms() + LIMIT_S * 1000;
   struct tide_budget budget;

   do {
      CHECK(now_ms() < end);
      usleep(1000);
      CHECK(!tide_device_budget(c->device, LOCAL, &budget));
   } while (budget.usage > budget.budget);
}

static void
run_client(unsigned int count, unsigned int seed)
{
   const uint64_t end = now_ms() + 5000;
   struct client c;

   client_open(&c, count, seed);
   while (now_ms() < end) {
      run_batches(&c);
      check(&c, pick(&c, c.count));
      offer_and_reclaim(&c);
   }
   for (unsigned int i = 0; i < c.count; i++)
      check(&c, i);
   wait_for_budget(&c);
   client_close(&c);
   _exit(0);
}

/* Some clients want three quarters more than there is, together. */
static void
clients(unsigned int count)
{
   const unsigned int own = LOCAL_MIB * 7 / 4 / count;
   pid_t pids[4];

   for (unsigned int i = 0; i < count; i++) {
      pids[i] = fork();
      assert_true(pids[i] >= 0);
      if (!pids[i])
         run_client(own > MAX_OWN ? MAX_OWN : own, i + 1);
   }
   for (unsigned int i = 0; i < count; i++) {
      int status;

      assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
      assert_int_equal(status, 0);
   }
}

/* One that wants more than there is for itself alone. */
static void
one_client(void **state)
{
   (void)state;
   clients(1);
}

static void
two_clients(void **state)
{
   (void)state;
   clients(2);
}

static void
four_clients(void **state)
{
   (void)state;
   clients(4);
}

static void
note(void *data, const struct tide_trim *trim)
{
   atomic_uint *events = data;

   if (trim->reason == TIDE_TRIM_BUDGET && trim->segment == LOCAL && trim->bytes)
      atomic_fetch_add(events, 1);
}

static void
use_all(struct client *c)
{
   struct tide_residency_set *set;
   struct tide_fence fence;

   CHECK(!tide_residency_set_create(c->residency, &set));
   for (unsigned int i = 0; i < c->count; i++)
      CHECK(!tide_residency_set_add(set, c->a[i]));
   CHECK(!tide_residency_set_begin(set, &fence));
   CHECK(!tide_fence_wait(c->device, &fence, 1, LIMIT_S * 1000000000ull));
   tide_residency_set_destroy(set);
}

/* Who does nothing is told that others have come, and has less required afterwards. */
static void
trim_event(void **state)
{
   atomic_uint events = 0;
   struct client a, b;
   struct tide_trimmer *trimmer;
   struct tide_budget budget;

   (void)state;
   client_open(&a, LOCAL_MIB * 3 / 4, 1);
   client_open(&b, LOCAL_MIB * 3 / 4, 2);
   CHECK(!tide_trimmer_create(a.device, note, &events, &trimmer));
   use_all(&a);
   CHECK(!tide_device_budget(a.device, LOCAL, &budget));
   assert_int_equal(budget.budget, LOCAL_MIB * MIB);
   assert_int_equal(budget.usage, LOCAL_MIB / 4 * 3 * MIB);
   assert_int_equal(events, 0);

   use_all(&b);
   wait_for_budget(&a);
   wait_for_budget(&b);
   assert_true(events > 0);
   CHECK(!tide_device_budget(a.device, LOCAL, &budget));
   assert_true(budget.usage < LOCAL_MIB / 4 * 3 * MIB);
   tide_trimmer_destroy(trimmer);
   client_close(&a);
   client_close(&b);
}

/* A batch that can never fit is told, and is over. */
static void
too_large(void **state)
{
   struct tide_allocation *large[2];
   struct tide_fence fence;
   struct tide_batch *batch;
   struct client c;
   int ret;

   (void)state;
   client_open(&c, 1, 1);
   CHECK(!tide_batch_create(c.context, TIDE_BATCH_ENGINE, &batch));
   for (unsigned int i = 0; i < 2; i++) {
      CHECK(!tide_allocation_create(c.device, LOCAL_MIB / 4 * 3 * MIB, 0, &large[i]));
      CHECK(!tide_batch_reference(batch, large[i], TIDE_WRITE));
   }
   CHECK(!tide_batch_submit(batch, NULL, 0, NULL, 0, &fence));
   CHECK(!tide_fence_wait(c.device, &fence, 1, LIMIT_S * 1000000000ull));
   while ((ret = tide_context_error(c.context, fence.point)) == -EINPROGRESS)
      usleep(100);
   assert_int_equal(ret, -ENOSPC);
   /* Others are not in its way. */
   run_batches(&c);
   check(&c, 0);
   tide_batch_destroy(batch);
   for (unsigned int i = 0; i < 2; i++)
      tide_allocation_unref(large[i]);
   client_close(&c);
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_client), cmocka_unit_test(two_clients), cmocka_unit_test(four_clients),
      cmocka_unit_test(trim_event), cmocka_unit_test(too_large),
   };
   char parameters[32];
   int ret;

   snprintf(parameters, sizeof(parameters), "local_mib=%u", LOCAL_MIB);
   if (!load_module(parameters)) {
      fprintf(stderr, "no module in TIDE_KO that can be loaded\n");
      return 77;
   }
   ret = cmocka_run_group_tests_name("overcommit", tests, NULL, NULL);
   return load_module(getenv("TIDE_PARAMETERS") ? getenv("TIDE_PARAMETERS") : "") ? ret : 1;
}
