/* SPDX-License-Identifier: MIT */
/* Devices, allocations, paging queues, fences: life, limits, errors. */

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "fixture.h"

static void
old_and_new_drivers(void **state)
{
   struct fake *fake = fake_create(1);
   struct tide_device *device;

   (void)state;
   fake->limits.uapi_version = 0;
   assert_error(tide_device_create(&fake->kmd, &device), EPROTO);
   fake->limits.uapi_version = DRM_TIDE_UAPI_VERSION + 1;
   fake->limits.max_handles = 0;
   assert_error(tide_device_create(&fake->kmd, &device), EPROTO);
   fake->limits.max_handles = 1;
   fake_fail(fake, FAKE_INFO, 0, 1, -ENODEV);
   assert_error(tide_device_create(&fake->kmd, &device), ENODEV);
   assert_false(fake->closed);
   assert_ok(tide_device_create(&fake->kmd, &device));
   tide_device_unref(device);
   fake_destroy(fake);
}

static void
not_a_tide_node(void **state)
{
   struct tide_device *device;
   int fd = open("/dev/null", O_RDWR);

   (void)state;
   assert_true(fd >= 0);
   assert_error(tide_device_open(fd, &device), ENODEV);
   assert_error(tide_device_open(-1, &device), EBADF);
   assert_error(tide_device_open(fd, NULL), EINVAL);
   assert_error(tide_device_open_first(NULL), EINVAL);
   /* It is still the caller's. */
   assert_int_equal(fcntl(fd, F_GETFD), 0);
   close(fd);
}

/* The device closes when it and everything of it is gone, in any order. */
static void
objects_keep_the_device(void **state)
{
   for (unsigned int last = 0; last < 5; last++) {
      struct fake *fake = fake_create(4);
      struct tide_device *device;
      struct tide_paging_queue *queue;
      struct tide_context *context;
      struct tide_allocation *allocation;
      struct tide_batch *batch;

      (void)state;
      assert_ok(tide_device_create(&fake->kmd, &device));
      assert_ok(tide_paging_queue_create(device, &queue));
      assert_ok(tide_context_create(device, &context));
      assert_ok(tide_batch_create(context, TIDE_BATCH_CPU, &batch));
      assert_ok(tide_allocation_create(device, 1, 0, &allocation));
      assert_ptr_equal(tide_device_ref(device), device);
      tide_device_unref(device);

      for (unsigned int i = 0; i < 5; i++) {
         assert_false(fake->closed);
         switch ((last + 1 + i) % 5) {
         case 0:
            tide_device_unref(device);
            break;
         case 1:
            tide_paging_queue_destroy(queue);
            break;
         case 2:
            tide_context_destroy(context);
            break;
         case 3:
            tide_batch_destroy(batch);
            break;
         case 4:
            tide_allocation_unref(allocation);
            break;
         }
      }
      assert_true(fake->closed);
      fake_destroy(fake);
   }
   tide_device_unref(NULL);
   tide_paging_queue_destroy(NULL);
   tide_context_destroy(NULL);
   tide_allocation_unref(NULL);
}

static void
create_and_query(void **state)
{
   struct fixture *f = *state;
   struct tide_allocation *a;
   struct tide_allocation_info info;
   struct tide_segment segment;

   assert_error(tide_allocation_create(NULL, 1, 0, &a), EINVAL);
   assert_error(tide_allocation_create(f->device, 0, 0, &a), EINVAL);
   assert_error(tide_allocation_create(f->device, 1, 1, &a), EINVAL);
   assert_error(tide_allocation_create(f->device, 1, 0, NULL), EINVAL);
   assert_int_equal(f->fake->calls[FAKE_BO_CREATE], 0);

   assert_ok(tide_allocation_create(f->device, 4097, 0, &a));
   assert_int_equal(tide_allocation_size(a), 8192);
   assert_ok(tide_allocation_query(a, &info));
   assert_int_equal(info.flags, 0);
   assert_int_equal(info.residency_count, 0);
   assert_int_equal(info.page_in_error, 0);

   assert_ok(tide_offer(f->device, &a, 1, TIDE_PRIORITY_LOW, 0));
   fake_discard(f->fake, tide_allocation_handle(a));
   f->fake->bos[tide_allocation_handle(a)].page_in_error = ENOMEM;
   assert_ok(tide_allocation_query(a, &info));
   assert_int_equal(info.flags, TIDE_ALLOCATION_OFFERED | TIDE_ALLOCATION_DISCARDED);
   assert_int_equal(info.discard_count, 1);
   assert_int_equal(info.present, 0);
   assert_int_equal(info.page_in_error, -ENOMEM);
   assert_error(tide_allocation_query(NULL, &info), EINVAL);
   assert_error(tide_allocation_query(a, NULL), EINVAL);

   assert_ptr_equal(tide_allocation_ref(a), a);
   tide_allocation_unref(a);
   assert_ok(tide_allocation_query(a, &info));
   tide_allocation_unref(a);

   assert_ok(tide_device_segment(f->device, 0, &segment));
   assert_int_equal(segment.size, 1 << 30);
   assert_int_equal(segment.usage, 1 << 20);
   assert_error(tide_device_segment(f->device, 1, &segment), EINVAL);
   assert_error(tide_device_segment(NULL, 0, &segment), EINVAL);
   assert_error(tide_device_segment(f->device, 0, NULL), EINVAL);
   assert_int_equal(tide_device_fd(f->device), f->fake->kmd.fd);
}

static void
mapping_is_kept_and_counted(void **state)
{
   struct fixture *f = *state;
   void *p, *q;

   assert_error(tide_allocation_map(NULL, &p), EINVAL);
   assert_error(tide_allocation_map(f->a[0], NULL), EINVAL);
   tide_allocation_unmap(f->a[0]); /* was not mapped: nothing happens */

   assert_ok(tide_allocation_map(f->a[0], &p));
   assert_ok(offer_one(f, 0, TIDE_PRIORITY_LOW));
   assert_ok(tide_allocation_map(f->a[0], &q));
   assert_ptr_equal(p, q);
   fake_discard(f->fake, f->handle[0]);
   assert_int_equal(reclaim_one(f, 0), TIDE_RECLAIM_DISCARDED);
   tide_allocation_unmap(f->a[0]);
   assert_int_equal(f->fake->calls[FAKE_BO_UNMAP], 0);
   assert_ok(tide_allocation_map(f->a[0], &q));
   assert_ptr_equal(p, q);
   assert_int_equal(f->fake->calls[FAKE_BO_MAP], 1);
   tide_allocation_unmap(f->a[0]);
   tide_allocation_unmap(f->a[0]);
   assert_int_equal(f->fake->calls[FAKE_BO_UNMAP], 1);

   /* for mappings of the caller's own, which are not counted */
   uint64_t offset;

   assert_ok(tide_allocation_mmap_offset(f->a[0], &offset));
   assert_int_equal(offset, FAKE_MMAP_OFFSET(f->handle[0]));
   assert_error(tide_allocation_mmap_offset(NULL, &offset), EINVAL);
   assert_error(tide_allocation_mmap_offset(f->a[0], NULL), EINVAL);

   /* left mapped: goes with the allocation */
   assert_ok(tide_allocation_map(f->a[0], &p));
}

static void
sharing(void **state)
{
   struct fixture *f = *state;
   struct tide_allocation *again, *foreign, *none;
   int fd;

   assert_error(tide_allocation_export(NULL, &fd), EINVAL);
   assert_error(tide_allocation_export(f->a[0], NULL), EINVAL);
   assert_error(tide_allocation_import(NULL, 1, &again), EINVAL);
   assert_error(tide_allocation_import(f->device, 1, NULL), EINVAL);
   assert_error(tide_allocation_import(f->device, 1, &again), EBADF);

   /* What the device has already is the same object. */
   assert_ok(tide_allocation_export(f->a[0], &fd));
   assert_ok(tide_allocation_import(f->device, fd, &again));
   assert_ptr_equal(again, f->a[0]);
   tide_allocation_unref(again);
   assert_true(f->fake->bos[f->handle[0]].open);

   /* Also when only a batch keeps it, and then the held back offer is not made. */
   struct tide_batch *batch = fixture_batch(f, 0, TIDE_BATCH_CPU);

   assert_ok(tide_batch_reference(batch, f->a[0], TIDE_READ));
   assert_ok(offer_one(f, 0, TIDE_PRIORITY_LOW));
   tide_allocation_unref(f->a[0]);
   assert_ok(tide_allocation_import(f->device, fd, &again));
   assert_ptr_equal(again, f->a[0]);
   tide_batch_destroy(batch);
   assert_true(f->fake->bos[f->handle[0]].open);
   assert_false(fake_offered(f->fake, f->handle[0]));

   /* When it is gone, it is a new one. */
   tide_allocation_unref(again);
   assert_false(f->fake->bos[f->handle[0]].open);
   assert_ok(tide_allocation_import(f->device, fd, &f->a[0]));
   assert_int_equal(tide_allocation_size(f->a[0]), 4096);

   /* One that this client never had. */
   f->fake->bos[200].size = 12288;
   assert_ok(tide_allocation_import(f->device, 1200, &foreign));
   assert_int_equal(tide_allocation_size(foreign), 12288);
   assert_ok(tide_allocation_import(f->device, 1200, &again));
   assert_ptr_equal(foreign, again);
   tide_allocation_unref(foreign);
   tide_allocation_unref(again);
   assert_false(f->fake->bos[200].open);

   fake_fail(f->fake, FAKE_BO_INFO, 0, 1, -ENODEV);
   assert_error(tide_allocation_import(f->device, 1200, &none), ENODEV);
   assert_false(f->fake->bos[200].open);
}

static void
paging_queue(void **state)
{
   struct fixture *f = *state;
   struct tide_paging_queue *queue;
   uint64_t value, value2, completed;
   size_t done;

   f->fake->manual_paging = true;
   assert_ok(tide_make_resident(f->device, f->queue, f->a, 1, &value, &done));
   assert_ok(tide_make_resident(f->device, f->queue, f->a, 1, &value2, &done));
   assert_int_equal(value2, value + 1);
   assert_error(tide_paging_queue_wait(f->queue, value, 0), ETIME);
   assert_error(tide_paging_queue_wait(f->queue, value, 1000000), ETIME);
   assert_error(tide_paging_queue_error(f->queue, value), EINPROGRESS);
   fake_break_value(f->fake, 1, value, ENOMEM);
   assert_error(tide_paging_queue_error(f->queue, value), EINPROGRESS);

   fake_complete(f->fake, 1, value);
   assert_ok(tide_paging_queue_wait(f->queue, value, 0));
   assert_error(tide_paging_queue_wait(f->queue, value2, 0), ETIME);
   assert_ok(tide_paging_queue_completed(f->queue, &completed));
   assert_int_equal(completed, value);
   assert_error(tide_paging_queue_error(f->queue, value), ENOMEM);
   assert_error(tide_paging_queue_error(f->queue, value2), EINPROGRESS);
   fake_complete(f->fake, 1, value2);
   assert_ok(tide_paging_queue_wait(f->queue, value2, TIDE_WAIT_FOREVER));
   assert_ok(tide_paging_queue_error(f->queue, value2));

   /* What is known to be over costs no call. */
   fake_forget(f->fake);
   assert_ok(tide_paging_queue_wait(f->queue, value, 0));
   assert_int_equal(f->fake->event_count, 0);

   /* What was never returned would be waited for without end. */
   assert_error(tide_paging_queue_wait(f->queue, value2 + 1, TIDE_WAIT_FOREVER), EINVAL);
   assert_error(tide_paging_queue_wait(f->queue, 0, TIDE_WAIT_FOREVER), EINVAL);
   assert_error(tide_paging_queue_error(f->queue, value2 + 1), EINVAL);
   assert_error(tide_paging_queue_error(f->queue, 0), EINVAL);
   assert_error(tide_paging_queue_create(NULL, &queue), EINVAL);
   assert_error(tide_paging_queue_create(f->device, NULL), EINVAL);
   assert_error(tide_paging_queue_wait(NULL, 1, 0), EINVAL);
   assert_error(tide_paging_queue_completed(NULL, &value), EINVAL);
   assert_error(tide_paging_queue_completed(f->queue, NULL), EINVAL);
}

static void
residency_counts(void **state)
{
   struct fixture *f = *state;
   struct tide_allocation *list[] = {f->a[0], f->a[1], f->a[0]};
   struct tide_allocation_info info;
   uint64_t value;
   size_t done;

   assert_ok(tide_make_resident(f->device, f->queue, list, 3, &value, &done));
   assert_int_equal(done, 3);
   assert_ok(tide_allocation_query(f->a[0], &info));
   assert_int_equal(info.residency_count, 3);
   assert_ok(tide_evict(f->device, list, 3, &done));
   assert_ok(tide_evict(f->device, f->a, 1, &done));
   done = 77;
   assert_error(tide_evict(f->device, f->a, 1, &done), ERANGE);
   assert_int_equal(done, 0);

   assert_error(tide_evict(NULL, f->a, 1, &done), EINVAL);
   assert_error(tide_evict(f->device, f->a, 0, &done), EINVAL);
   assert_error(tide_evict(f->device, NULL, 1, &done), EINVAL);
   assert_error(tide_evict(f->device, f->a, 1, NULL), EINVAL);
   done = 77;
   value = 77;
   assert_error(tide_make_resident(f->device, NULL, f->a, 1, &value, &done), EINVAL);
   assert_int_equal(done, 0);
   assert_int_equal(value, 0);
   assert_error(tide_make_resident(f->device, f->queue, f->a, 0, &value, &done), EINVAL);
   assert_error(tide_make_resident(f->device, f->queue, f->a, 1, NULL, &done), EINVAL);
   assert_error(tide_make_resident(f->device, f->queue, f->a, 1, &value, NULL), EINVAL);
}

static void
resident_after_first_call(struct fake *fake, enum fake_op op, void *data)
{
   unsigned int *calls = data;

   if (op == FAKE_MAKE_RESIDENT || op == FAKE_RECLAIM)
      fake->all_resident = (*calls)++;
}

/* A later part of a list may have nothing to wait for: the value is the first part's. */
static void
value_of_a_split_list(void **state)
{
   struct fixture *f = *state;
   const struct fake_queue *queue = &f->fake->queues[1];
   enum tide_reclaim_result results[4];
   unsigned int calls = 0;
   uint64_t value;
   size_t done;

   f->device->limits.max_handles = 2;
   f->fake->manual_paging = true;
   f->fake->hook = resident_after_first_call;
   f->fake->hook_data = &calls;

   assert_ok(tide_make_resident(f->device, f->queue, f->a, 4, &value, &done));
   assert_int_equal(calls, 2);
   assert_int_equal(value, queue->last);
   assert_true(queue->completed < value);

   calls = 0;
   assert_ok(tide_reclaim(f->device, f->queue, f->a, 4, results, &value));
   assert_int_equal(calls, 2);
   assert_int_equal(value, queue->last);

   fake_complete(f->fake, 1, value);
   f->fake->hook = NULL;
   assert_ok(tide_evict(f->device, f->a, 4, &done));
}

/* Each call of the kernel's fails once: it is told, and nothing leaks or changes. */
/* A cache as its owner has it: what is in it goes when it is trimmed. */
struct cache {
   struct tide_allocation *kept;
   unsigned int calls;
   atomic_bool entered, leave;
};

static void
empty_cache(void *data, const struct tide_trim *trim)
{
   struct cache *cache = data;

   assert_int_equal(trim->reason, TIDE_TRIM_REQUEST);
   assert_int_equal(trim->bytes, 0);
   cache->calls++;
   tide_allocation_unref(cache->kept);
   cache->kept = NULL;
   atomic_store(&cache->entered, true);
   while (!atomic_load(&cache->leave))
      sched_yield();
}

static void
trim_empties_every_cache(void **state)
{
   struct fixture *f = *state;
   struct cache caches[2] = {{.leave = true}, {.leave = true}};
   struct tide_trimmer *trimmers[2];

   assert_error(tide_device_trim(NULL), EINVAL);
   assert_error(tide_trimmer_create(NULL, empty_cache, NULL, &trimmers[0]), EINVAL);
   assert_error(tide_trimmer_create(f->device, NULL, NULL, &trimmers[0]), EINVAL);
   assert_error(tide_trimmer_create(f->device, empty_cache, NULL, NULL), EINVAL);
   assert_ok(tide_device_trim(f->device));

   for (unsigned int i = 0; i < 2; i++) {
      assert_ok(tide_allocation_create(f->device, 1, 0, &caches[i].kept));
      assert_ok(tide_trimmer_create(f->device, empty_cache, &caches[i], &trimmers[i]));
   }
   assert_ok(tide_device_trim(f->device));
   assert_int_equal(f->fake->calls[FAKE_BO_CLOSE], 2);
   assert_int_equal(caches[0].calls, 1);
   assert_int_equal(caches[1].calls, 1);

   tide_trimmer_destroy(trimmers[0]);
   assert_ok(tide_device_trim(f->device));
   assert_int_equal(caches[0].calls, 1);
   assert_int_equal(caches[1].calls, 2);
   tide_trimmer_destroy(trimmers[1]);
   tide_trimmer_destroy(NULL);
}

static void *
trim(void *device)
{
   return (void *)(intptr_t)tide_device_trim(device);
}

struct ending {
   struct tide_trimmer *trimmer;
   atomic_bool over;
};

static void *
end_trimmer(void *data)
{
   struct ending *ending = data;

   tide_trimmer_destroy(ending->trimmer);
   atomic_store(&ending->over, true);
   return NULL;
}

/* No callback is under way when the trimmer is gone. */
static void
trimmer_ends_after_its_callback(void **state)
{
   struct fixture *f = *state;
   struct cache cache = {0};
   struct ending ending = {0};
   pthread_t trimming, destroying;

   assert_ok(tide_trimmer_create(f->device, empty_cache, &cache, &ending.trimmer));
   assert_int_equal(pthread_create(&trimming, NULL, trim, f->device), 0);
   while (!atomic_load(&cache.entered))
      sched_yield();
   assert_int_equal(pthread_create(&destroying, NULL, end_trimmer, &ending), 0);
   usleep(20000);
   assert_false(atomic_load(&ending.over));
   atomic_store(&cache.leave, true);
   pthread_join(trimming, NULL);
   pthread_join(destroying, NULL);
   assert_true(atomic_load(&ending.over));
}

static void
every_kernel_error_is_told(void **state)
{
   struct fixture *f = *state;
   struct fake *fake = f->fake;
   struct tide_batch *batch = fixture_batch(f, 0, TIDE_BATCH_ENGINE);
   struct tide_allocation *a = NULL;
   struct tide_allocation_info info;
   struct tide_paging_queue *queue = NULL;
   struct tide_context *context = NULL;
   struct tide_fence fence = tide_paging_queue_fence(f->queue, 1);
   struct tide_segment segment;
   struct tide_budget budget;
   struct tide_residency *residency = NULL;
   enum tide_reclaim_result result = TIDE_RECLAIM_OK;
   uint64_t value;
   size_t done;
   void *p = NULL;
   int fd = -1;

#define FAILS(op, call)                                       \
   do {                                                       \
      static const int errors[] = {ENOMEM, ENODEV, EIO};      \
      for (unsigned int e = 0; e < ARRAY_SIZE(errors); e++) { \
         fake_fail(fake, op, 0, 1, -errors[e]);               \
         assert_error(call, errors[e]);                       \
         assert_int_equal(fake->fail[op].times, 0);           \
      }                                                       \
   } while (0)

   FAILS(FAKE_SEGMENT_INFO, tide_device_segment(f->device, 0, &segment));
   FAILS(FAKE_BUDGET, tide_device_budget(f->device, 0, &budget));
   FAILS(FAKE_RESERVE, tide_device_reserve(f->device, 0, 0));
   FAILS(FAKE_READ_TRIMS, tide_device_dispatch(f->device));
   FAILS(FAKE_QUEUE_CREATE, tide_residency_create(f->device, &residency));
   FAILS(FAKE_BO_CREATE, tide_allocation_create(f->device, 1, 0, &a));
   FAILS(FAKE_BO_MAP, tide_allocation_map(f->a[0], &p));
   FAILS(FAKE_BO_MMAP_OFFSET, tide_allocation_mmap_offset(f->a[0], &value));
   FAILS(FAKE_BO_INFO, tide_allocation_query(f->a[0], &info));
   FAILS(FAKE_BO_EXPORT, tide_allocation_export(f->a[0], &fd));
   FAILS(FAKE_BO_IMPORT, tide_allocation_import(f->device, 1000 + f->handle[0], &a));
   FAILS(FAKE_QUEUE_CREATE, tide_paging_queue_create(f->device, &queue));
   FAILS(FAKE_QUEUE_INFO, tide_paging_queue_create(f->device, &queue));
   FAILS(FAKE_QUEUE_INFO, tide_paging_queue_completed(f->queue, &value));
   FAILS(FAKE_QUEUE_INFO, tide_paging_queue_error(f->queue, 1));
   FAILS(FAKE_OFFER, tide_offer(f->device, f->a, 3, TIDE_PRIORITY_LOW, 0));
   FAILS(FAKE_RECLAIM, tide_reclaim(f->device, f->queue, f->a, 1, &result, &value));
   FAILS(FAKE_MAKE_RESIDENT, tide_make_resident(f->device, f->queue, f->a, 3, &value, &done));
   FAILS(FAKE_EVICT, tide_evict(f->device, f->a, 3, &done));
   FAILS(FAKE_SUBMIT, tide_batch_submit(batch, NULL, 0, NULL, 0, NULL));
   FAILS(FAKE_SYNCOBJ_CREATE, tide_context_create(f->device, &context));
   assert_error(tide_context_create(NULL, &context), EINVAL);
   assert_error(tide_context_create(f->device, NULL), EINVAL);
   FAILS(FAKE_SYNCOBJ_WAIT, tide_fence_wait(f->device, &fence, 1, 0));
#undef FAILS

   assert_null(a);
   assert_null(p);
   assert_null(queue);
   assert_null(residency);
   assert_null(context);
   assert_int_equal(fd, -1);
   assert_int_equal(result, TIDE_RECLAIM_FAILED);
   assert_int_equal(done, 0);
   for (unsigned int i = 0; i < 3; i++) {
      assert_ok(tide_allocation_query(f->a[i], &info));
      assert_int_equal(info.flags, TIDE_ALLOCATION_RESIDENT);
      assert_int_equal(info.residency_count, 1);
   }
   assert_ok(tide_allocation_map(f->a[0], &p));
   assert_ok(tide_batch_submit(batch, NULL, 0, NULL, 0, NULL));
   tide_batch_destroy(batch);
}

static void
fences(void **state)
{
   struct fixture *f = *state;
   struct tide_fence list[] = {tide_paging_queue_fence(f->queue, 1), {61, 1}};

   assert_ok(tide_fence_wait(f->device, list, 1, 0));
   assert_ok(tide_fence_wait(f->device, list, 1, 1));
   assert_ok(tide_fence_wait(f->device, list, 1, UINT64_MAX - 1));
   assert_error(tide_fence_wait(f->device, list, 2, 0), ENOENT);
   assert_error(tide_fence_wait(f->device, list, 0, 0), EINVAL);
   assert_error(tide_fence_wait(f->device, NULL, 1, 0), EINVAL);
   assert_error(tide_fence_wait(NULL, list, 1, 0), EINVAL);
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      cmocka_unit_test(old_and_new_drivers),
      cmocka_unit_test(not_a_tide_node),
      cmocka_unit_test(objects_keep_the_device),
      TEST(create_and_query),
      TEST(mapping_is_kept_and_counted),
      TEST(trim_empties_every_cache),
      TEST(trimmer_ends_after_its_callback),
      TEST(sharing),
      TEST(paging_queue),
      TEST(residency_counts),
      TEST(value_of_a_split_list),
      TEST(every_kernel_error_is_told),
      TEST(fences),
   };

   return cmocka_run_group_tests_name("objects", tests, NULL, NULL);
}
