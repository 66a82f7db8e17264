/* SPDX-License-Identifier: MIT */
/* Two threads at a time, one of them held in a kernel call. */

#include <semaphore.h>
#include <time.h>

#include "fixture.h"

/* Stops the next call of one kind, of one thread, until it is let through. */
struct gate {
   enum fake_op op;
   atomic_bool armed;
   sem_t reached, open;
};

static void
gate_hook(struct fake *fake, enum fake_op op, void *data)
{
   struct gate *gate = data;

   (void)fake;
   if (op == gate->op && atomic_exchange(&gate->armed, false)) {
      sem_post(&gate->reached);
      sem_wait(&gate->open);
   }
}

/* Runs @function in a thread until it is at the gate. */
struct run {
   struct fixture *f;
   struct gate gate;
   pthread_t thread;
   /* for the functions */
   struct tide_batch *batch;
   struct tide_allocation *list[4];
   unsigned int count;
   enum tide_priority priority;
   enum tide_reclaim_result results[4];
   uint64_t value;
   int ret;
};

static void
run_to_gate(struct run *run, struct fixture *f, enum fake_op op, void *(*function)(void *))
{
   run->f = f;
   run->gate.op = op;
   atomic_store(&run->gate.armed, true);
   sem_init(&run->gate.reached, 0, 0);
   sem_init(&run->gate.open, 0, 0);
   f->fake->hook_data = &run->gate;
   f->fake->hook = gate_hook;
   assert_ok(pthread_create(&run->thread, NULL, function, run));
   sem_wait(&run->gate.reached);
}

static void
run_on(struct run *run)
{
   sem_post(&run->gate.open);
   assert_ok(pthread_join(run->thread, NULL));
   sem_destroy(&run->gate.reached);
   sem_destroy(&run->gate.open);
}

static void *
do_offer(void *data)
{
   struct run *run = data;

   run->ret = tide_offer(run->f->device, run->list, run->count, run->priority, 0);
   return NULL;
}

static void *
do_reclaim(void *data)
{
   struct run *run = data;

   run->ret =
      tide_reclaim(run->f->device, run->f->queue, run->list, run->count, run->results, &run->value);
   return NULL;
}

static void *
do_finish(void *data)
{
   struct run *run = data;

   run->ret = fixture_finish(run->batch);
   return NULL;
}

static void *
do_unref(void *data)
{
   struct run *run = data;

   tide_allocation_unref(run->list[0]);
   return NULL;
}

static void *
do_import(void *data)
{
   struct run *run = data;

   run->ret = tide_allocation_import(run->f->device, run->count, &run->list[0]);
   return NULL;
}

/* Long enough for a thread that would not wait to be through. */
static void
give_others_time(void)
{
   nanosleep(&(struct timespec){.tv_nsec = 30000000}, NULL);
}

/* The offer goes in the thread that ends the batch, before that returns. */
static void
batch_ends_on_another_thread(void **state)
{
   struct fixture *f = *state;
   struct run run = {.f = f, .batch = fixture_batch(f, 0, TIDE_BATCH_CPU)};

   assert_ok(tide_batch_reference(run.batch, f->a[0], TIDE_WRITE));
   assert_ok(offer_one(f, 0, TIDE_PRIORITY_LOW));
   assert_int_equal(f->fake->event_count, 0);
   run_to_gate(&run, f, FAKE_OFFER, do_finish);
   assert_false(fake_offered(f->fake, f->handle[0]));
   run_on(&run);
   assert_ok(run.ret);
   assert_int_equal(f->fake->event_count, 1);
   assert_int_equal(f->fake->events[0].op, FAKE_OFFER);
   assert_true(pthread_equal(f->fake->events[0].thread, run.thread));
   tide_batch_destroy(run.batch);
}

static void
offer_meets_offer(void **state)
{
   struct fixture *f = *state;
   struct run run = {.list = {f->a[0], f->a[1]}, .count = 2, .priority = TIDE_PRIORITY_LOW};
   struct tide_batch *batch = fixture_batch(f, 0, TIDE_BATCH_CPU);

   run_to_gate(&run, f, FAKE_OFFER, do_offer);
   /* Does not wait, and is not lost; the last word counts. */
   assert_ok(offer_one(f, 0, TIDE_PRIORITY_NORMAL));
   assert_ok(offer_one(f, 0, TIDE_PRIORITY_HIGH));
   assert_int_equal(f->fake->event_count, 0);
   /* Offered as far as anybody is concerned. */
   assert_error(tide_batch_reference(batch, f->a[0], TIDE_READ), ENODATA);
   assert_error(tide_batch_reference(batch, f->a[1], TIDE_READ), ENODATA);
   run_on(&run);
   assert_ok(run.ret);
   assert_int_equal(f->fake->calls[FAKE_OFFER], 2);
   assert_int_equal(fake_priority(f->fake, f->handle[0]), TIDE_PRIORITY_HIGH);
   assert_int_equal(fake_priority(f->fake, f->handle[1]), TIDE_PRIORITY_LOW);
   tide_batch_destroy(batch);
}

/* The first fails, the second, which was left to it, does not. */
static void
offer_meets_failing_offer(void **state)
{
   struct fixture *f = *state;
   struct run run = {.list = {f->a[0]}, .count = 1, .priority = TIDE_PRIORITY_LOW};

   fake_fail(f->fake, FAKE_OFFER, 0, 1, -ENOMEM);
   run_to_gate(&run, f, FAKE_OFFER, do_offer);
   assert_ok(offer_one(f, 0, TIDE_PRIORITY_HIGH));
   run_on(&run);
   assert_error(run.ret, ENOMEM);
   assert_ok(offer_one(f, 1, TIDE_PRIORITY_HIGH));
   assert_true(fake_offered(f->fake, f->handle[0]));
   assert_int_equal(fake_priority(f->fake, f->handle[0]), TIDE_PRIORITY_HIGH);
}

static void
offer_meets_reclaim(void **state)
{
   struct fixture *f = *state;
   struct run run = {.list = {f->a[0], f->a[1]}, .count = 2};

   assert_ok(tide_offer(f->device, f->a, 2, TIDE_PRIORITY_LOW, 0));
   fake_discard(f->fake, f->handle[0]);
   run_to_gate(&run, f, FAKE_RECLAIM, do_reclaim);
   assert_ok(offer_one(f, 0, TIDE_PRIORITY_HIGH));
   assert_int_equal(f->fake->calls[FAKE_OFFER], 1);
   run_on(&run);
   assert_ok(run.ret);
   assert_int_equal(run.results[0], TIDE_RECLAIM_DISCARDED);
   assert_int_equal(run.results[1], TIDE_RECLAIM_OK);
   assert_true(fake_offered(f->fake, f->handle[0]));
   assert_int_equal(fake_priority(f->fake, f->handle[0]), TIDE_PRIORITY_HIGH);
   assert_false(fake_offered(f->fake, f->handle[1]));
   assert_int_equal(reclaim_one(f, 0), TIDE_RECLAIM_OK);
}

/* Taken back must not mean offered a moment later. */
static void
reclaim_meets_offer(void **state)
{
   struct fixture *f = *state;
   struct run offer = {.batch = fixture_batch(f, 0, TIDE_BATCH_CPU)};
   struct run reclaim = {.f = f, .list = {f->a[0]}, .count = 1};

   assert_ok(tide_batch_reference(offer.batch, f->a[0], TIDE_WRITE));
   assert_ok(offer_one(f, 0, TIDE_PRIORITY_LOW));
   run_to_gate(&offer, f, FAKE_OFFER, do_finish);
   assert_ok(pthread_create(&reclaim.thread, NULL, do_reclaim, &reclaim));
   give_others_time();
   assert_int_equal(f->fake->event_count, 0);
   run_on(&offer);
   assert_ok(pthread_join(reclaim.thread, NULL));
   assert_ok(reclaim.ret);
   assert_int_equal(reclaim.results[0], TIDE_RECLAIM_OK);
   assert_int_equal(f->fake->events[0].op, FAKE_OFFER);
   assert_int_equal(f->fake->events[1].op, FAKE_RECLAIM);
   assert_false(fake_offered(f->fake, f->handle[0]));
   tide_batch_destroy(offer.batch);
}

/* A reclaim that has to wait holds nothing that another one would wait for. */
static void
reclaim_meets_reclaim(void **state)
{
   struct fixture *f = *state;
   struct run first = {.list = {f->a[0]}, .count = 1};
   struct run second = {.f = f, .list = {f->a[1], f->a[0], f->a[2]}, .count = 3};

   assert_ok(tide_offer(f->device, f->a, 3, TIDE_PRIORITY_LOW, 0));
   for (unsigned int i = 0; i < 3; i++)
      fake_discard(f->fake, f->handle[i]);
   run_to_gate(&first, f, FAKE_RECLAIM, do_reclaim);
   assert_ok(pthread_create(&second.thread, NULL, do_reclaim, &second));
   while (fake_offered(f->fake, f->handle[1]))
      give_others_time();
   /* It is at the second now, and keeps neither its first nor its third. */
   give_others_time();
   assert_int_equal(reclaim_one(f, 1), TIDE_RECLAIM_OK);
   assert_int_equal(reclaim_one(f, 2), TIDE_RECLAIM_DISCARDED);
   run_on(&first);
   assert_ok(pthread_join(second.thread, NULL));
   assert_ok(first.ret);
   assert_ok(second.ret);
   assert_int_equal(first.results[0], TIDE_RECLAIM_DISCARDED);
   assert_int_equal(second.results[0], TIDE_RECLAIM_DISCARDED);
   assert_int_equal(second.results[1], TIDE_RECLAIM_OK);
   assert_int_equal(second.results[2], TIDE_RECLAIM_OK);
}

/* A reclaim of what is not offered does not get into the way of drawing. */
static void
reference_meets_idle_reclaim(void **state)
{
   struct fixture *f = *state;
   struct run run = {.list = {f->a[0]}, .count = 1};
   struct tide_batch *batch = fixture_batch(f, 0, TIDE_BATCH_CPU);

   run_to_gate(&run, f, FAKE_RECLAIM, do_reclaim);
   assert_ok(tide_batch_reference(batch, f->a[0], TIDE_READ));
   /* held back by the batch now, not by the reclaim alone */
   assert_ok(offer_one(f, 0, TIDE_PRIORITY_LOW));
   run_on(&run);
   assert_int_equal(run.results[0], TIDE_RECLAIM_OK);
   assert_int_equal(f->fake->calls[FAKE_OFFER], 0);
   assert_ok(tide_batch_end(batch));
   assert_int_equal(f->fake->calls[FAKE_OFFER], 1);
   tide_batch_destroy(batch);
}

/* A submission may last long: others go on, the batch itself is closed. */
static void
during_a_submission(void **state)
{
   struct fixture *f = *state;
   struct run run = {.batch = fixture_batch(f, 0, TIDE_BATCH_ENGINE)};
   struct tide_batch *other = fixture_batch(f, 1, TIDE_BATCH_ENGINE);

   assert_ok(tide_batch_reference(run.batch, f->a[0], TIDE_WRITE));
   run_to_gate(&run, f, FAKE_SUBMIT, do_finish);
   assert_error(tide_batch_reference(run.batch, f->a[1], TIDE_READ), EALREADY);
   assert_error(tide_batch_submit(run.batch, NULL, 0, NULL, 0, NULL), EALREADY);
   assert_error(tide_batch_reset(run.batch), EBUSY);
   assert_ok(tide_batch_reference(other, f->a[0], TIDE_READ));
   assert_ok(tide_batch_submit(other, NULL, 0, NULL, 0, NULL));
   assert_ok(tide_offer(f->device, f->a, 2, TIDE_PRIORITY_LOW, 0));
   assert_false(fake_offered(f->fake, f->handle[0]));
   assert_true(fake_offered(f->fake, f->handle[1]));
   run_on(&run);
   assert_ok(run.ret);
   assert_true(fake_offered(f->fake, f->handle[0]));
   tide_batch_destroy(run.batch);
   tide_batch_destroy(other);
}

/* A context's points reach the kernel in their order. */
static void
submissions_of_a_context(void **state)
{
   struct fixture *f = *state;
   struct run first = {.batch = fixture_batch(f, 0, TIDE_BATCH_ENGINE)};
   struct run second = {.f = f, .batch = fixture_batch(f, 0, TIDE_BATCH_ENGINE)};

   run_to_gate(&first, f, FAKE_SUBMIT, do_finish);
   assert_ok(pthread_create(&second.thread, NULL, do_finish, &second));
   give_others_time();
   assert_int_equal(f->fake->event_count, 0);
   run_on(&first);
   assert_ok(pthread_join(second.thread, NULL));
   assert_ok(first.ret);
   assert_ok(second.ret);
   tide_batch_destroy(first.batch);
   tide_batch_destroy(second.batch);
}

/* The handle outlives the call about it. */
static void
freed_during_its_offer(void **state)
{
   struct fixture *f = *state;
   struct run run = {.batch = fixture_batch(f, 0, TIDE_BATCH_CPU)};

   assert_ok(tide_batch_reference(run.batch, f->a[0], TIDE_WRITE));
   assert_ok(offer_one(f, 0, TIDE_PRIORITY_LOW));
   run_to_gate(&run, f, FAKE_OFFER, do_finish);
   tide_allocation_unref(f->a[0]);
   f->a[0] = NULL;
   assert_true(f->fake->bos[f->handle[0]].open);
   run_on(&run);
   assert_false(f->fake->bos[f->handle[0]].open);
   tide_batch_destroy(run.batch);
}

/* An import must not get a handle that is being closed. */
static void
import_meets_the_last_unref(void **state)
{
   struct fixture *f = *state;
   struct run unref = {.list = {f->a[0]}};
   struct run import = {.f = f};
   void *p;
   int fd;

   assert_ok(tide_allocation_map(f->a[0], &p));
   assert_ok(tide_allocation_export(f->a[0], &fd));
   import.count = fd;
   run_to_gate(&unref, f, FAKE_BO_UNMAP, do_unref);
   assert_ok(pthread_create(&import.thread, NULL, do_import, &import));
   give_others_time();
   run_on(&unref);
   assert_ok(pthread_join(import.thread, NULL));
   assert_ok(import.ret);
   f->a[0] = import.list[0];
   assert_true(f->fake->bos[f->handle[0]].open);
   assert_int_equal(tide_allocation_size(f->a[0]), 4096);
   assert_ok(tide_allocation_map(f->a[0], &p));
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      TEST(batch_ends_on_another_thread), TEST(offer_meets_offer),
      TEST(offer_meets_failing_offer),    TEST(offer_meets_reclaim),
      TEST(reclaim_meets_offer),          TEST(reclaim_meets_reclaim),
      TEST(reference_meets_idle_reclaim), TEST(during_a_submission),
      TEST(submissions_of_a_context),     TEST(freed_during_its_offer),
      TEST(import_meets_the_last_unref),
   };

   return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
