/* SPDX-License-Identifier: MIT */
/* What a child of the process may do: nothing. */

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

static void
never(void *data, const struct tide_trim *trim)
{
   (void)data;
   (void)trim;
   fail();
}

/* In a child nothing works, nothing hangs, and nothing of the parent's is closed. */
static void
forked_child(void **state)
{
   struct fixture *f = *state;
   struct tide_batch *batch = fixture_batch(f, 0, TIDE_BATCH_ENGINE);
   struct tide_batch *cpu = fixture_batch(f, 0, TIDE_BATCH_CPU);
   struct tide_fence fence = tide_paging_queue_fence(f->queue, 1);
   struct tide_residency *residency;
   struct tide_residency_set *set;
   struct tide_context *managed;
   struct tide_watcher *watcher;
   int status;

   assert_ok(tide_residency_create(f->device, &residency));
   assert_ok(tide_residency_set_create(residency, &set));
   assert_ok(tide_context_create_managed(residency, &managed));
   assert_ok(tide_watcher_create(f->device, &watcher));

   assert_ok(tide_batch_reference(batch, f->a[0], TIDE_READ));
   assert_ok(offer_one(f, 0, TIDE_PRIORITY_LOW));
   fake_forget(f->fake);
   /* as if another thread had been at work */
   pthread_mutex_lock(&batch->lock);
   pthread_mutex_lock(&f->a[1]->lock);
   pthread_mutex_lock(&f->device->share_lock);
   pthread_mutex_lock(&f->device->residency_lock);
   pthread_mutex_lock(&f->device->event_lock);

   /* The child ends by exit(), for what it has run through to be counted. */
   fflush(NULL);

   pid_t pid = fork();

   assert_true(pid >= 0);
   if (!pid) {
      struct tide_allocation *a;
      struct tide_allocation_info info;
      struct tide_paging_queue *queue;
      struct tide_trimmer *trimmer;
      struct tide_context *context;
      struct tide_batch *b;
      struct tide_segment segment;
      struct tide_budget budget;
      struct tide_residency *res;
      struct tide_residency_set *new_set;
      enum tide_reclaim_result result = TIDE_RECLAIM_OK;
      uint64_t value;
      size_t done;
      void *p;
      int fd, bad = 0;

      alarm(10);
#define STALE(call) (bad += (call) != -ESTALE)
      STALE(tide_device_segment(f->device, 0, &segment));
      STALE(tide_allocation_create(f->device, 1, 0, &a));
      STALE(tide_allocation_map(f->a[1], &p));
      STALE(tide_allocation_mmap_offset(f->a[1], &value));
      STALE(tide_allocation_hold(f->a[1]));
      tide_allocation_release(f->a[1]);
      bad += !tide_allocation_in_use(f->a[1]);
      STALE(tide_allocation_query(f->a[1], &info));
      STALE(tide_allocation_export(f->a[1], &fd));
      STALE(tide_allocation_import(f->device, 1001, &a));
      STALE(tide_device_budget(f->device, 0, &budget));
      STALE(tide_device_reserve(f->device, 0, 0));
      STALE(tide_device_dispatch(f->device));
      STALE(tide_watcher_create(f->device, &watcher));
      STALE(tide_residency_create(f->device, &res));
      STALE(tide_residency_set_create(residency, &new_set));
      STALE(tide_residency_set_add(set, f->a[1]));
      STALE(tide_residency_set_begin(set, NULL));
      STALE(tide_residency_set_end(set));
      STALE(tide_residency_set_reset(set));
      STALE(tide_context_create_managed(residency, &context));
      STALE(tide_context_error(managed, 1));
      STALE(tide_device_trim(f->device));
      STALE(tide_trimmer_create(f->device, never, NULL, &trimmer));
      STALE(tide_paging_queue_create(f->device, &queue));
      STALE(tide_paging_queue_wait(f->queue, 1, 0));
      STALE(tide_paging_queue_completed(f->queue, &value));
      STALE(tide_paging_queue_error(f->queue, 1));
      STALE(tide_make_resident(f->device, f->queue, &f->a[1], 1, &value, &done));
      STALE(tide_evict(f->device, &f->a[1], 1, &done));
      STALE(tide_offer(f->device, &f->a[1], 1, TIDE_PRIORITY_LOW, 0));
      STALE(tide_reclaim(f->device, f->queue, &f->a[1], 1, &result, &value));
      bad += result != TIDE_RECLAIM_FAILED;
      STALE(tide_context_create(f->device, &context));
      STALE(tide_batch_create(f->contexts[0], TIDE_BATCH_CPU, &b));
      STALE(tide_batch_reference(batch, f->a[1], TIDE_READ));
      STALE(tide_batch_fill(batch, f->a[1], 0, 1, 0));
      STALE(tide_batch_copy(batch, f->a[1], 0, f->a[2], 0, 1));
      STALE(tide_batch_delay(batch, 1));
      STALE(tide_batch_submit(batch, NULL, 0, NULL, 0, NULL));
      STALE(tide_batch_end(cpu));
      STALE(tide_batch_reset(batch));
      STALE(tide_fence_wait(f->device, &fence, 1, 0));
#undef STALE
      tide_allocation_unmap(f->a[1]);
      tide_batch_destroy(batch);
      tide_batch_destroy(cpu);
      tide_watcher_destroy(watcher);
      tide_context_destroy(managed);
      tide_residency_set_destroy(set);
      tide_residency_destroy(residency);
      tide_context_destroy(f->contexts[0]);
      tide_paging_queue_destroy(f->queue);
      for (unsigned int i = 0; i < ALLOCATIONS; i++)
         tide_allocation_unref(f->a[i]);
      tide_device_unref(f->device);
      bad += f->fake->event_count != 0 || f->fake->closed;
      exit(bad);
   }
   pthread_mutex_unlock(&f->device->event_lock);
   pthread_mutex_unlock(&f->device->residency_lock);
   pthread_mutex_unlock(&f->device->share_lock);
   pthread_mutex_unlock(&f->a[1]->lock);
   pthread_mutex_unlock(&batch->lock);
   assert_int_equal(waitpid(pid, &status, 0), pid);
   assert_true(WIFEXITED(status));
   assert_int_equal(WEXITSTATUS(status), 0);

   tide_watcher_destroy(watcher);
   tide_context_destroy(managed);
   tide_residency_set_destroy(set);
   tide_residency_destroy(residency);

   tide_batch_destroy(batch);
   tide_batch_destroy(cpu);
   assert_true(fake_offered(f->fake, f->handle[0]));
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      TEST(forked_child),
   };

   return cmocka_run_group_tests_name("fork", tests, NULL, NULL);
}
