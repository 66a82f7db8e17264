/* SPDX-License-Identifier: MIT */
/* What the library asks of the system fails: its allocations one after the other, threads, pages.
 * Linked with --wrap.
 */

#include <fcntl.h>
#include <sys/mman.h>

#include "fixture.h"

/* How many more succeed; below zero is without limit. */
static int budget = -1;

static bool
pay(void)
{
   if (budget < 0)
      return true;
   return budget-- > 0 || (budget = 0, false);
}

void *
__real_malloc(size_t size);
void *
__real_calloc(size_t count, size_t size);
void *
__real_realloc(void *pointer, size_t size);

void *
__wrap_malloc(size_t size);
void *
__wrap_calloc(size_t count, size_t size);
void *
__wrap_realloc(void *pointer, size_t size);

void *
__wrap_malloc(size_t size)
{
   return pay() ? __real_malloc(size) : NULL;
}

void *
__wrap_calloc(size_t count, size_t size)
{
   return pay() ? __real_calloc(count, size) : NULL;
}

void *
__wrap_realloc(void *pointer, size_t size)
{
   return pay() ? __real_realloc(pointer, size) : NULL;
}

/* As bits */
enum { NO_THREAD = 1, NO_PAGE = 2, NO_WIPE = 4, NO_EVENTFD = 8 };
static unsigned int refused;

int
__real_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *),
                      void *data);
void *
__real_mmap64(void *address, size_t size, int prot, int flags, int fd, off_t offset);
int
__real_madvise(void *address, size_t size, int advice);
int
__real_eventfd(unsigned int count, int flags);

int
__wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *),
                      void *data);
void *
__wrap_mmap64(void *address, size_t size, int prot, int flags, int fd, off_t offset);
int
__wrap_madvise(void *address, size_t size, int advice);
int
__wrap_eventfd(unsigned int count, int flags);

int
__wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *),
                      void *data)
{
   return refused & NO_THREAD ? EAGAIN : __real_pthread_create(thread, attr, run, data);
}

void *
__wrap_mmap64(void *address, size_t size, int prot, int flags, int fd, off_t offset)
{
   return refused & NO_PAGE ? MAP_FAILED : __real_mmap64(address, size, prot, flags, fd, offset);
}

int
__wrap_madvise(void *address, size_t size, int advice)
{
   if (!(refused & NO_WIPE))
      return __real_madvise(address, size, advice);
   errno = EINVAL;
   return -1;
}

int
__wrap_eventfd(unsigned int count, int flags)
{
   if (!(refused & NO_EVENTFD))
      return __real_eventfd(count, flags);
   errno = EMFILE;
   return -1;
}

/* Fails with ENOMEM until the budget suffices; the number of failures. */
#define UNTIL_PAID(call)                            \
   ({                                               \
      int n_ = 0, ret_;                             \
      do {                                          \
         budget = n_;                               \
         ret_ = (call);                             \
         budget = -1;                               \
         assert_true(ret_ == 0 || ret_ == -ENOMEM); \
      } while (ret_ && n_++ < 100);                 \
      assert_ok(ret_);                              \
      n_;                                           \
   })

static void
creating(void **state)
{
   struct fixture *f = *state;
   struct tide_allocation *a, *b;
   struct tide_paging_queue *queue;
   struct tide_context *context;
   struct tide_batch *batch;
   struct tide_device *device;
   struct fake *fake = fake_create(1);
   int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
   struct tide_kmd *kmd;

   assert_int_equal(UNTIL_PAID(tide_kmd_drm_create(fd, &kmd)), 1);
   kmd->ops->destroy(kmd);
   assert_int_equal(UNTIL_PAID(tide_device_create(&fake->kmd, &device)), 1);
   assert_int_equal(UNTIL_PAID(tide_allocation_create(f->device, 1, 0, &a)), 1);
   assert_int_equal(UNTIL_PAID(tide_paging_queue_create(f->device, &queue)), 1);
   assert_int_equal(UNTIL_PAID(tide_context_create(f->device, &context)), 1);
   assert_int_equal(UNTIL_PAID(tide_batch_create(context, TIDE_BATCH_CPU, &batch)), 1);
   assert_int_equal(UNTIL_PAID(tide_allocation_export(a, &fd)), 1);
   f->fake->bos[200].size = 4096;
   assert_int_equal(UNTIL_PAID(tide_allocation_import(f->device, 1200, &b)), 2);
   tide_allocation_unref(a);
   tide_allocation_unref(b);
   tide_paging_queue_destroy(queue);
   tide_batch_destroy(batch);
   tide_context_destroy(context);
   tide_device_unref(device);
   fake_destroy(fake);
}

static void
lists(void **state)
{
   struct fixture *f = *state;
   struct tide_fence fence = tide_paging_queue_fence(f->queue, 1);
   enum tide_reclaim_result results[3];
   struct tide_batch *batch = fixture_batch(f, 0, TIDE_BATCH_CPU);
   uint64_t value;
   size_t done;

   /* Neither offered to the kernel nor held back. */
   assert_ok(tide_batch_reference(batch, f->a[0], TIDE_READ));
   budget = 0;
   assert_error(tide_offer(f->device, f->a, 3, TIDE_PRIORITY_LOW, 0), ENOMEM);
   budget = -1;
   assert_int_equal(f->fake->event_count, 0);
   assert_ok(tide_batch_reference(batch, f->a[0], TIDE_READ));
   assert_int_equal(UNTIL_PAID(tide_offer(f->device, f->a, 3, TIDE_PRIORITY_LOW, 0)), 1);

   /* Nothing reclaimed, nothing cancelled, until it succeeds. */
   for (int n = 0; n < 3; n++) {
      results[0] = results[1] = results[2] = TIDE_RECLAIM_OK;
      budget = n;
      assert_error(tide_reclaim(f->device, f->queue, f->a, 3, results, &value), ENOMEM);
      budget = -1;
      for (unsigned int i = 0; i < 3; i++) {
         assert_int_equal(results[i], TIDE_RECLAIM_FAILED);
         assert_error(tide_batch_reference(batch, f->a[i], TIDE_READ), ENODATA);
      }
   }
   assert_ok(tide_reclaim(f->device, f->queue, f->a, 3, results, &value));
   assert_int_equal(results[0], TIDE_RECLAIM_OK);

   assert_int_equal(UNTIL_PAID(tide_make_resident(f->device, f->queue, f->a, 3, &value, &done)), 1);
   assert_int_equal(UNTIL_PAID(tide_evict(f->device, f->a, 3, &done)), 1);
   assert_int_equal(UNTIL_PAID(tide_fence_wait(f->device, &fence, 1, 0)), 2);
   tide_batch_destroy(batch);
}

/* Recording fails without a trace; ending needs no memory. */
static void
batches(void **state)
{
   struct fixture *f = *state;
   struct tide_batch *batch = fixture_batch(f, 0, TIDE_BATCH_ENGINE);
   struct tide_allocation *more[64];
   uint64_t value;
   size_t done;
   void *p;

   /* The fake kernel makes memory when it is first needed: not at the library's cost. */
   assert_ok(tide_allocation_map(f->a[0], &p));
   assert_int_equal(UNTIL_PAID(tide_batch_fill(batch, f->a[0], 0, 1, 0)), 3);
   assert_int_equal(batch->count, 1);
   assert_int_equal(batch->command_count, 1);
   for (unsigned int i = 0; i < ARRAY_SIZE(more); i++) {
      assert_ok(tide_allocation_create(f->device, 1, 0, &more[i]));
      assert_ok(tide_allocation_map(more[i], &p));
      UNTIL_PAID(tide_batch_copy(batch, more[i], 0, f->a[0], 0, 1));
   }
   assert_int_equal(batch->count, 65);
   assert_int_equal(batch->command_count, 65);
   assert_ok(tide_make_resident(f->device, f->queue, more, 64, &value, &done));
   assert_ok(tide_offer(f->device, more, 64, TIDE_PRIORITY_LOW, 0));
   assert_int_equal(UNTIL_PAID(tide_batch_submit(batch, NULL, 0, NULL, 0, NULL)), 1);
   for (unsigned int i = 0; i < ARRAY_SIZE(more); i++)
      assert_true(fake_offered(f->fake, tide_allocation_handle(more[i])));

   assert_ok(tide_batch_reset(batch));
   assert_ok(tide_batch_reference(batch, f->a[0], TIDE_READ));
   assert_ok(offer_one(f, 0, TIDE_PRIORITY_LOW));
   budget = 0;
   assert_ok(tide_batch_reset(batch));
   budget = -1;
   assert_true(fake_offered(f->fake, f->handle[0]));
   for (unsigned int i = 0; i < ARRAY_SIZE(more); i++)
      tide_allocation_unref(more[i]);
   tide_batch_destroy(batch);
}

static void
residency(void **state)
{
   struct fixture *f = *state;
   struct tide_residency *residency;
   struct tide_residency_set *set;
   struct tide_context *context;
   struct tide_watcher *watcher;
   struct tide_allocation *a;

   assert_ok(tide_allocation_create(f->device, 1, 0, &a));
   assert_int_equal(UNTIL_PAID(tide_watcher_create(f->device, &watcher)), 1);
   assert_int_equal(UNTIL_PAID(tide_residency_create(f->device, &residency)), 3);
   assert_int_equal(UNTIL_PAID(tide_context_create_managed(residency, &context)), 2);
   assert_int_equal(UNTIL_PAID(tide_residency_set_create(residency, &set)), 1);
   assert_int_equal(UNTIL_PAID(tide_residency_set_add(set, a)), 1);
   assert_int_equal(UNTIL_PAID(tide_residency_set_begin(set, NULL)), 2);
   assert_int_equal(f->fake->bos[tide_allocation_handle(a)].residency, 1);
   budget = 0;
   assert_ok(tide_residency_set_end(set));
   tide_residency_set_destroy(set);
   tide_context_destroy(context);
   tide_residency_destroy(residency);
   tide_watcher_destroy(watcher);
   assert_int_equal(f->fake->bos[tide_allocation_handle(a)].residency, 0);
   tide_allocation_unref(a);
   budget = -1;
}

/* Nothing is left of what could not have its thread or its page. */
static void
system_refuses(void **state)
{
   struct fixture *f = *state;
   struct fake *fake = fake_create(1);
   const unsigned int refs = atomic_load(&f->device->refs);
   struct tide_residency *residency;
   struct tide_context *context;
   struct tide_watcher *watcher;
   struct tide_device *device;

   refused = NO_PAGE;
   assert_error(tide_device_create(&fake->kmd, &device), ENOMEM);
   refused = NO_WIPE;
   assert_error(tide_device_create(&fake->kmd, &device), EINVAL);
   refused = NO_EVENTFD;
   assert_error(tide_watcher_create(f->device, &watcher), EMFILE);
   refused = NO_THREAD;
   assert_error(tide_watcher_create(f->device, &watcher), EAGAIN);
   assert_int_equal(atomic_load(&f->device->refs), refs);
   assert_ok(tide_residency_create(f->device, &residency));
   assert_error(tide_context_create_managed(residency, &context), EAGAIN);
   refused = 0;
   tide_residency_destroy(residency);
   assert_int_equal(atomic_load(&f->device->refs), refs);

   assert_ok(tide_device_create(&fake->kmd, &device));
   tide_device_unref(device);
   fake_destroy(fake);
}

/* Handing a batch to the context's thread fails without a trace. */
static void
managed(void **state)
{
   struct fixture *f = *state;
   struct tide_residency *residency;
   struct tide_context *context;
   struct tide_batch *batch;
   struct tide_fence fence;
   void *p;

   assert_ok(tide_residency_create(f->device, &residency));
   assert_ok(tide_context_create_managed(residency, &context));
   assert_ok(tide_batch_create(context, TIDE_BATCH_ENGINE, &batch));
   assert_ok(tide_allocation_map(f->a[0], &p));
   assert_ok(tide_batch_fill(batch, f->a[0], 0, 1, 7));
   assert_true(UNTIL_PAID(tide_batch_submit(batch, NULL, 0, NULL, 0, &fence)) >= 3);
   assert_ok(tide_fence_wait(f->device, &fence, 1, TIDE_WAIT_FOREVER));
   assert_int_equal(*(uint8_t *)p, 7);
   tide_batch_destroy(batch);
   tide_context_destroy(context);
   tide_residency_destroy(residency);
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      TEST(creating),
      TEST(lists),
      TEST(batches),
      TEST(residency),
      TEST(system_refuses),
      TEST(managed),
   };

   return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
