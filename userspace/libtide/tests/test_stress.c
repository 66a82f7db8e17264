/* SPDX-License-Identifier: MIT */
/*
 * Many threads: owners offer and reclaim, users draw with the same allocations,
 * another thread ends what the CPU has drawn, one has kernel calls fail, and there
 * is memory pressure. The fake kernel complains about an offer of what a batch
 * under construction refers to. What the owners are told has to be exact, and in
 * the end nothing may be lost. TIDE_STRESS_MS is how long it takes.
 */

#include <stdio.h>
#include <time.h>

#include "fixture.h"

#define OWNERS 3
#define USERS 3
#define EACH 24 /* allocations of an owner */
#define SLOTS (OWNERS * EACH)
#define MAX_REFS 12
#define PENDING 16

struct slot {
   pthread_mutex_t lock; /* of the pointer: the owner replaces it now and then */
   struct tide_allocation *allocation;
   /* the owner's */
   bool offered;
   enum tide_priority priority;
   uint32_t told;
};

/* A CPU batch on its way to the thread that ends it. */
struct pending {
   struct tide_batch *batch;
   uint32_t handles[MAX_REFS];
   unsigned int count;
};

static struct fake *fake;
static struct tide_device *device;
static struct slot slots[SLOTS];
static atomic_bool stop, users_done;
static pthread_mutex_t pending_lock = PTHREAD_MUTEX_INITIALIZER;
static struct pending pending[PENDING];
static unsigned int pending_count;

/* A test that did not see all of these has shown nothing. */
static atomic_uint seen_kept, seen_discarded, seen_refused, seen_held_back, seen_failed_offer,
   seen_failed_reclaim, seen_failed_submit, seen_submit, seen_end, seen_destroy, seen_replaced;

static uint32_t
next_random(uint32_t *seed)
{
   *seed ^= *seed << 13;
   *seed ^= *seed >> 17;
   *seed ^= *seed << 5;
   return *seed;
}

/* cmocka's asserts are for its own thread. */
#define CHECK(condition)                                                 \
   do {                                                                  \
      if (!(condition)) {                                                \
         fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
         abort();                                                        \
      }                                                                  \
   } while (0)

static struct tide_allocation *
new_allocation(struct tide_paging_queue *queue)
{
   struct tide_allocation *allocation;
   uint64_t value;
   size_t done;

   CHECK(!tide_allocation_create(device, 1, 0, &allocation));
   CHECK(!tide_make_resident(device, queue, &allocation, 1, &value, &done));
   return allocation;
}

static void
check_answer(struct slot *slot, enum tide_reclaim_result result)
{
   const struct fake_bo *bo = &fake->bos[tide_allocation_handle(slot->allocation)];

   /* The kernel does not have it, so this count does not change. */
   CHECK(!fake_offered(fake, tide_allocation_handle(slot->allocation)));
   if (result == TIDE_RECLAIM_DISCARDED) {
      CHECK(bo->discards != slot->told);
      atomic_fetch_add(&seen_discarded, 1);
   } else {
      CHECK(bo->discards == slot->told);
      atomic_fetch_add(&seen_kept, 1);
   }
   slot->told = bo->discards;
   slot->offered = false;
}

static void
reclaim_some(struct slot **chosen, unsigned int count, struct tide_paging_queue *queue)
{
   struct tide_allocation *list[EACH] = {NULL};
   enum tide_reclaim_result results[EACH];
   unsigned int left = count;
   uint64_t value;
   int ret;

   do {
      for (unsigned int i = 0; i < left; i++)
         list[i] = chosen[i]->allocation;
      ret = tide_reclaim(device, queue, list, left, results, &value);
      CHECK(ret == 0 || ret == -ENOMEM);

      unsigned int kept = 0;

      for (unsigned int i = 0; i < left; i++) {
         if (results[i] == TIDE_RECLAIM_FAILED)
            chosen[kept++] = chosen[i];
         else
            check_answer(chosen[i], results[i]);
      }
      CHECK((kept != 0) == (ret != 0));
      if (ret)
         atomic_fetch_add(&seen_failed_reclaim, 1);
      left = kept;
   } while (left);
   CHECK(!tide_paging_queue_wait(queue, value, TIDE_WAIT_FOREVER));
}

static void
offer_some(struct slot **chosen, unsigned int count, enum tide_priority priority,
           struct tide_paging_queue *queue)
{
   struct tide_allocation *list[EACH];

   for (unsigned int i = 0; i < count; i++)
      list[i] = chosen[i]->allocation;
   if (tide_offer(device, list, count, priority, 0)) {
      /* What the header says is to be done then. */
      atomic_fetch_add(&seen_failed_offer, 1);
      reclaim_some(chosen, count, queue);
      return;
   }
   for (unsigned int i = 0; i < count; i++) {
      chosen[i]->offered = true;
      chosen[i]->priority = priority;
      if (!fake_offered(fake, tide_allocation_handle(list[i])))
         atomic_fetch_add(&seen_held_back, 1);
   }
}

static void
replace(struct slot *slot, struct tide_paging_queue *queue)
{
   struct tide_allocation *old = slot->allocation;
   struct tide_allocation *made = new_allocation(queue);

   pthread_mutex_lock(&slot->lock);
   slot->allocation = made;
   pthread_mutex_unlock(&slot->lock);
   tide_allocation_unref(old);
   slot->offered = false;
   slot->told = fake->bos[tide_allocation_handle(made)].discards;
   atomic_fetch_add(&seen_replaced, 1);
}

static void *
owner(void *data)
{
   const unsigned int number = (uintptr_t)data;
   struct slot *own = &slots[number * EACH];
   uint32_t seed = 1234567 + number * 7919;
   struct tide_paging_queue *queue;

   CHECK(!tide_paging_queue_create(device, &queue));
   while (!atomic_load(&stop)) {
      struct slot *chosen[EACH];
      unsigned int count = 0;
      const uint32_t what = next_random(&seed) % 16;

      for (unsigned int i = 0; i < EACH; i++)
         if (next_random(&seed) % 4 == 0)
            chosen[count++] = &own[i];
      if (!count)
         continue;
      if (what == 0)
         replace(chosen[0], queue);
      else if (what < 8)
         offer_some(chosen, count, 1 + next_random(&seed) % 3, queue);
      else
         reclaim_some(chosen, count, queue);
   }
   tide_paging_queue_destroy(queue);
   return NULL;
}

/* Draws with a few allocations, whoever they belong to. */
static unsigned int
draw(struct tide_batch *batch, uint32_t *seed, uint32_t handles[MAX_REFS])
{
   unsigned int count = 0;

   for (unsigned int i = 0; i < MAX_REFS; i++) {
      struct slot *slot = &slots[next_random(seed) % SLOTS];
      struct tide_allocation *allocation;
      bool again = false;
      int ret;

      pthread_mutex_lock(&slot->lock);
      allocation = tide_allocation_ref(slot->allocation);
      pthread_mutex_unlock(&slot->lock);

      ret = tide_batch_reference(batch, allocation, TIDE_READ);
      CHECK(ret == 0 || ret == -ENODATA);
      for (unsigned int j = 0; j < count; j++)
         again |= handles[j] == tide_allocation_handle(allocation);
      if (ret) {
         atomic_fetch_add(&seen_refused, 1);
      } else if (!again) {
         handles[count++] = tide_allocation_handle(allocation);
         fake_hold(fake, handles[count - 1]);
      }
      tide_allocation_unref(allocation);
   }
   return count;
}

static void
let_go(const uint32_t *handles, unsigned int count)
{
   for (unsigned int i = 0; i < count; i++)
      fake_drop(fake, handles[i]);
}

static void
end_by_another_thread(const struct pending *what)
{
   bool full = true;

   while (full) {
      pthread_mutex_lock(&pending_lock);
      full = pending_count == PENDING;
      if (!full)
         pending[pending_count++] = *what;
      pthread_mutex_unlock(&pending_lock);
      if (full)
         sched_yield();
   }
}

static void *
user(void *data)
{
   uint32_t seed = 7654321 + (uintptr_t)data * 104729;
   struct tide_context *context;
   struct tide_batch *batch = NULL;

   CHECK(!tide_context_create(device, &context));
   while (!atomic_load(&stop)) {
      const uint32_t what = next_random(&seed) % 8;
      struct pending work;

      if (what < 3) {
         CHECK(!tide_batch_create(context, TIDE_BATCH_CPU, &work.batch));
         work.count = draw(work.batch, &seed, work.handles);
         end_by_another_thread(&work);
         continue;
      }

      if (batch)
         CHECK(!tide_batch_reset(batch));
      else
         CHECK(!tide_batch_create(context, TIDE_BATCH_ENGINE, &batch));
      work.count = draw(batch, &seed, work.handles);
      if (what == 3) {
         let_go(work.handles, work.count);
         tide_batch_destroy(batch);
         batch = NULL;
         atomic_fetch_add(&seen_destroy, 1);
         continue;
      }
      while (tide_batch_submit(batch, NULL, 0, NULL, 0, NULL))
         atomic_fetch_add(&seen_failed_submit, 1);
      atomic_fetch_add(&seen_submit, 1);
   }
   tide_batch_destroy(batch);
   tide_context_destroy(context);
   return NULL;
}

static void *
ender(void *data)
{
   (void)data;
   while (true) {
      const bool last = atomic_load(&users_done);
      struct pending work = {.batch = NULL};

      pthread_mutex_lock(&pending_lock);
      if (pending_count)
         work = pending[--pending_count];
      pthread_mutex_unlock(&pending_lock);
      if (work.batch) {
         let_go(work.handles, work.count);
         CHECK(!tide_batch_end(work.batch));
         tide_batch_destroy(work.batch);
         atomic_fetch_add(&seen_end, 1);
      } else if (last) {
         return NULL;
      } else {
         sched_yield();
      }
   }
}

/* Memory pressure, at the worst of moments: while the kernel is asked to give back. */
static void
pressure(struct fake *of, enum fake_op op, void *data)
{
   static atomic_uint count;
   uint32_t seed = atomic_fetch_add(&count, 1) * 2654435761u + 1;

   (void)data;
   if (op != FAKE_RECLAIM || seed % 4)
      return;
   for (unsigned int i = 0; i < 4; i++)
      fake_discard(of, next_random(&seed) % of->max_bos);
}

static void *
trouble(void *data)
{
   static const enum fake_op ops[] = {FAKE_OFFER, FAKE_RECLAIM, FAKE_SUBMIT};
   uint32_t seed = 99;

   (void)data;
   while (!atomic_load(&stop)) {
      fake_fail(fake, ops[next_random(&seed) % 3], 0, 1 + next_random(&seed) % 4, -ENOMEM);
      nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
   }
   for (unsigned int i = 0; i < ARRAY_SIZE(ops); i++)
      fake_fail(fake, ops[i], 0, 0, 0);
   return NULL;
}

static void
stress(void **state)
{
   const char *ms = getenv("TIDE_STRESS_MS");
   const unsigned int duration = ms ? atoi(ms) : 2000;
   pthread_t owners[OWNERS], users[USERS], end, troubles;
   struct tide_paging_queue *queue;
   struct tide_allocation *last;

   (void)state;
   fake = fake_create(4 * SLOTS);
   fake->count_holds = true;
   fake->hook = pressure;
   assert_ok(tide_device_create(&fake->kmd, &device));
   assert_ok(tide_paging_queue_create(device, &queue));
   for (unsigned int i = 0; i < SLOTS; i++) {
      pthread_mutex_init(&slots[i].lock, NULL);
      slots[i].allocation = new_allocation(queue);
   }

   for (uintptr_t i = 0; i < OWNERS; i++)
      assert_ok(pthread_create(&owners[i], NULL, owner, (void *)i));
   for (uintptr_t i = 0; i < USERS; i++)
      assert_ok(pthread_create(&users[i], NULL, user, (void *)i));
   assert_ok(pthread_create(&end, NULL, ender, NULL));
   assert_ok(pthread_create(&troubles, NULL, trouble, NULL));
   nanosleep(&(struct timespec){duration / 1000, duration % 1000 * 1000000}, NULL);
   atomic_store(&stop, true);
   pthread_join(troubles, NULL);
   for (unsigned int i = 0; i < OWNERS; i++)
      pthread_join(owners[i], NULL);
   for (unsigned int i = 0; i < USERS; i++)
      pthread_join(users[i], NULL);
   atomic_store(&users_done, true);
   pthread_join(end, NULL);

   /* Whatever the kernel did not take goes with the next offer: then nothing is left. */
   last = new_allocation(queue);
   assert_ok(tide_offer(device, &last, 1, TIDE_PRIORITY_LOW, 0));
   assert_true(tide_list_empty(&device->unsent));
   tide_allocation_unref(last);
   for (unsigned int i = 0; i < SLOTS; i++) {
      const uint32_t handle = tide_allocation_handle(slots[i].allocation);

      assert_int_equal(slots[i].allocation->batch_refs, 0);
      assert_int_equal(fake_offered(fake, handle), slots[i].offered);
      if (slots[i].offered)
         assert_int_equal(fake_priority(fake, handle), slots[i].priority);
      struct slot *chosen = &slots[i];

      reclaim_some(&chosen, 1, queue);
      tide_allocation_unref(slots[i].allocation);
      pthread_mutex_destroy(&slots[i].lock);
   }
   tide_paging_queue_destroy(queue);
   tide_device_unref(device);
   assert_true(fake->closed);
   assert_int_equal(atomic_load(&fake->violations), 0);

   printf("%u offers in %u kernel calls held back %u; reclaimed %u kept, %u discarded\n"
          "%u submitted, %u ended, %u destroyed; %u uses refused; %u replaced\n"
          "failed: %u offers, %u reclaims, %u submissions\n",
          seen_kept + seen_discarded, atomic_load(&fake->calls[FAKE_OFFER]), seen_held_back,
          seen_kept, seen_discarded, seen_submit, seen_end, seen_destroy, seen_refused,
          seen_replaced, seen_failed_offer, seen_failed_reclaim, seen_failed_submit);
   assert_true(seen_kept && seen_discarded && seen_refused && seen_held_back);
   assert_true(seen_submit && seen_end && seen_destroy && seen_replaced);
   assert_true(seen_failed_offer && seen_failed_reclaim && seen_failed_submit);
   fake_destroy(fake);
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      cmocka_unit_test(stress),
   };

   return cmocka_run_group_tests_name("stress", tests, NULL, NULL);
}
