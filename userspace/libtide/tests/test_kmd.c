/* SPDX-License-Identifier: MIT */
/* What the DRM interface hands to the kernel: drmIoctl() is this test's own. */

#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xf86drm.h>

#include "fixture.h"

/* The next call: which it has to be, with what, and what comes back. */
static struct {
   unsigned long request;
   union tide_args {
      struct drm_tide_info info;
      struct drm_tide_segment_info segment;
      struct drm_tide_bo_create create;
      struct drm_tide_bo_mmap_offset mmap_offset;
      struct drm_tide_bo_info bo_info;
      struct drm_tide_queue_create queue_create;
      struct drm_tide_queue_destroy queue_destroy;
      struct drm_tide_queue_info queue_info;
      struct drm_tide_offer offer;
      struct drm_tide_reclaim reclaim;
      struct drm_tide_make_resident make_resident;
      struct drm_tide_evict evict;
      struct drm_tide_budget budget;
      struct drm_tide_reserve reserve;
      struct drm_tide_submit submit;
      struct drm_gem_close close;
      struct drm_prime_handle prime;
      struct drm_syncobj_create syncobj_create;
      struct drm_syncobj_destroy syncobj_destroy;
      struct drm_syncobj_timeline_wait wait;
      struct drm_syncobj_timeline_array array;
   } in, out;
   int error;
   unsigned int count;
} next;

static int node;
static struct tide_kmd *kmd;
static bool syncobj_signal_is_checked;

static void
check_syncobj_signal(const struct drm_syncobj_timeline_array *args)
{
   assert_int_equal(args->count_handles, 1);
   assert_int_equal(*(const uint32_t *)(uintptr_t)args->handles, 9);
   assert_int_equal(*(const uint64_t *)(uintptr_t)args->points, 0x100000005);
   assert_int_equal(args->flags, 0);
}

int
drmIoctl(int fd, unsigned long request, void *arg)
{
   const size_t size = _IOC_SIZE(request);

   assert_int_equal(fd, node);
   assert_int_equal(request, next.request);
   if (syncobj_signal_is_checked) {
      check_syncobj_signal(arg);
   } else {
      assert_memory_equal(arg, &next.in, size);
      memcpy(arg, &next.out, size);
   }
   next.count++;
   errno = next.error;
   return next.error ? -1 : 0;
}

/* Begins an expectation; fields not named are zero, padding above all. */
#define EXPECT(req, member, ...)                                  \
   do {                                                           \
      memset(&next, 0, sizeof(next));                             \
      next.request = req;                                         \
      next.in.member = (__typeof__(next.in.member)){__VA_ARGS__}; \
      next.out = next.in;                                         \
   } while (0)

/* The call comes through once, and so does its error. */
#define CHECK(call)                    \
   do {                                \
      union tide_args out_ = next.out; \
      assert_ok(call);                 \
      assert_int_equal(next.count, 1); \
      next.error = ENOSPC;             \
      assert_error(call, ENOSPC);      \
      next.error = 0;                  \
      next.out = out_;                 \
      assert_ok(call);                 \
   } while (0)

static void
objects(void **state)
{
   const struct tide_kmd_ops *ops = kmd->ops;
   struct drm_tide_info info;
   struct drm_tide_segment_info segment = {.segment = 1};
   struct drm_tide_bo_info bo = {.handle = 5};
   uint64_t size;
   uint32_t handle;
   void *p;
   int fd;

   (void)state;
   EXPECT(DRM_IOCTL_TIDE_INFO, info, 0);
   next.out.info.max_handles = 9;
   CHECK(ops->info(kmd, &info));
   assert_int_equal(info.max_handles, 9);

   EXPECT(DRM_IOCTL_TIDE_SEGMENT_INFO, segment, .segment = 1);
   CHECK(ops->segment_info(kmd, &segment));

   EXPECT(DRM_IOCTL_TIDE_BO_CREATE, create, .size = 0x123456789a);
   next.out.create.handle = 5;
   next.out.create.actual_size = 0x123456a000;
   CHECK(ops->bo_create(kmd, 0x123456789a, &handle, &size));
   assert_int_equal(handle, 5);
   assert_int_equal(size, 0x123456a000);

   EXPECT(DRM_IOCTL_TIDE_BO_INFO, bo_info, .handle = 5);
   CHECK(ops->bo_info(kmd, &bo));

   EXPECT(DRM_IOCTL_PRIME_HANDLE_TO_FD, prime, .handle = 5, .flags = O_CLOEXEC | O_RDWR, .fd = -1);
   next.out.prime.fd = 44;
   CHECK(ops->bo_export(kmd, 5, &fd));
   assert_int_equal(fd, 44);

   EXPECT(DRM_IOCTL_PRIME_FD_TO_HANDLE, prime, .fd = 44);
   next.out.prime.handle = 6;
   CHECK(ops->bo_import(kmd, 44, &handle));
   assert_int_equal(handle, 6);

   EXPECT(DRM_IOCTL_GEM_CLOSE, close, .handle = 6);
   ops->bo_close(kmd, 6);
   assert_int_equal(next.count, 1);

   /* The node of this test is a file, in which the offset matters. */
   EXPECT(DRM_IOCTL_TIDE_BO_MMAP_OFFSET, mmap_offset, .handle = 5);
   next.out.mmap_offset.offset = 0x100000000;
   assert_ok(ops->bo_map(kmd, 5, 4096, &p));
   assert_string_equal(p, "here");
   memcpy(p, "more", 5);
   ops->bo_unmap(kmd, p, 4096);

   char text[5] = "";

   assert_int_equal(pread(node, text, 5, 0x100000000), 5);
   assert_string_equal(text, "more");

   uint64_t offset = 0;

   assert_ok(ops->bo_mmap_offset(kmd, 5, &offset));
   assert_int_equal(offset, 0x100000000);

   next.error = ENOENT;
   assert_error(ops->bo_mmap_offset(kmd, 5, &offset), ENOENT);
   assert_error(ops->bo_map(kmd, 5, 4096, &p), ENOENT);
   next.error = 0;
   next.out.mmap_offset.offset = 1;
   assert_error(ops->bo_map(kmd, 5, 4096, &p), EINVAL);
}

static void
lists(void **state)
{
   const struct tide_kmd_ops *ops = kmd->ops;
   const uint32_t handles[2] = {3, 4};
   uint32_t results[2];
   uint64_t value = 0;

   (void)state;
   EXPECT(DRM_IOCTL_TIDE_OFFER, offer, .handles = (uintptr_t)handles, .count = 2, .priority = 3);
   CHECK(ops->offer(kmd, handles, 2, 3, 0));
   EXPECT(DRM_IOCTL_TIDE_OFFER, offer, .handles = (uintptr_t)handles, .count = 2, .priority = 1,
          .flags = DRM_TIDE_OFFER_ALLOW_DECOMMIT);
   CHECK(ops->offer(kmd, handles, 2, 1, DRM_TIDE_OFFER_ALLOW_DECOMMIT));
   /* -ESTALE is fork's. */
   next.error = ESTALE;
   assert_error(ops->offer(kmd, handles, 2, 1, DRM_TIDE_OFFER_ALLOW_DECOMMIT), EIO);

   EXPECT(DRM_IOCTL_TIDE_RECLAIM, reclaim, .handles = (uintptr_t)handles,
          .results = (uintptr_t)results, .count = 2, .queue = 7);
   next.out.reclaim.value = 0x100000002;
   CHECK(ops->reclaim(kmd, 7, handles, 2, results, &value));
   assert_int_equal(value, 0x100000002);
   /* The value comes with an error too: reclaimed all the same. */
   next.error = EFAULT;
   value = 0;
   assert_error(ops->reclaim(kmd, 7, handles, 2, results, &value), EFAULT);
   assert_int_equal(value, 0x100000002);

   EXPECT(DRM_IOCTL_TIDE_MAKE_RESIDENT, make_resident, .handles = (uintptr_t)handles, .count = 2,
          .queue = 7, .flags = DRM_TIDE_MAKE_RESIDENT_MUST_SUCCEED);
   next.out.make_resident.value = 0x100000003;
   struct drm_tide_make_resident args = next.in.make_resident;

   CHECK((args = next.in.make_resident, ops->make_resident(kmd, &args)));
   assert_int_equal(args.value, 0x100000003);
   /* What the kernel tells comes with an error, too. */
   next.error = ENOSPC;
   next.out.make_resident.taken = 1;
   next.out.make_resident.trim_bytes = 5;
   args = next.in.make_resident;
   assert_error(ops->make_resident(kmd, &args), ENOSPC);
   assert_int_equal(args.taken, 1);
   assert_int_equal(args.trim_bytes, 5);

   EXPECT(DRM_IOCTL_TIDE_EVICT, evict, .handles = (uintptr_t)handles, .count = 2,
          .flags = DRM_TIDE_EVICT_ONLY_IF_NECESSARY);
   CHECK(ops->evict(kmd, handles, 2, DRM_TIDE_EVICT_ONLY_IF_NECESSARY));
}

static void
budgets(void **state)
{
   const struct tide_kmd_ops *ops = kmd->ops;
   struct drm_tide_budget budget = {.segment = 1};

   (void)state;
   EXPECT(DRM_IOCTL_TIDE_BUDGET, budget, .segment = 1);
   CHECK(ops->budget(kmd, &budget));
   EXPECT(DRM_IOCTL_TIDE_RESERVE, reserve, .segment = 1, .bytes = 0x100000000);
   CHECK(ops->reserve(kmd, 1, 0x100000000));
}

/* The node of this test is a file, which is read from its beginning. */
static void
events(void **state)
{
   static const struct {
      struct drm_event unknown;
      uint32_t more;
      struct drm_tide_event_trim first;
      struct drm_tide_event_trim second;
      uint64_t later;
      struct drm_event broken;
   } __attribute__((packed)) file = {
      .unknown = {.type = 0x80000017, .length = 12},
      .first = {{DRM_TIDE_EVENT_TRIM, sizeof(file.first)}, 1, 0, 0x100000000},
      /* has grown at its end */
      .second = {{DRM_TIDE_EVENT_TRIM, sizeof(file.second) + 8}, 0, 0, 5},
      .broken = {.type = DRM_TIDE_EVENT_TRIM, .length = 3},
   };
   struct drm_tide_event_trim trims[2];

   (void)state;
   assert_int_equal(pwrite(node, &file, sizeof(file), 0), sizeof(file));
   assert_int_equal(kmd->ops->read_trims(kmd, trims, 2), 2);
   assert_int_equal(trims[0].segment, 1);
   assert_int_equal(trims[0].bytes, 0x100000000);
   assert_int_equal(trims[1].segment, 0);
   assert_int_equal(trims[1].bytes, 5);
   lseek(node, 0, SEEK_SET);
   assert_int_equal(kmd->ops->read_trims(kmd, trims, 1), 1);
}

/* One that cannot be read from */
static void
no_events(void **state)
{
   struct drm_tide_event_trim trim;
   struct tide_kmd *deaf;

   (void)state;
   assert_ok(tide_kmd_drm_create(open("/dev/null", O_WRONLY | O_CLOEXEC), &deaf));
   assert_error(deaf->ops->read_trims(deaf, &trim, 1), EBADF);
   deaf->ops->destroy(deaf);
}

static void
queues_and_jobs(void **state)
{
   const struct tide_kmd_ops *ops = kmd->ops;
   struct drm_tide_queue_info info = {.queue = 7, .value = 3};
   struct drm_tide_submit submit = {.bos = 1, .bo_count = 2};
   const uint32_t syncobjs[2] = {3, 4};
   const uint64_t points[2] = {5, 6};
   uint32_t queue, syncobj;

   (void)state;
   EXPECT(DRM_IOCTL_TIDE_QUEUE_CREATE, queue_create, 0);
   next.out.queue_create.queue = 7;
   next.out.queue_create.syncobj = 8;
   CHECK(ops->queue_create(kmd, &queue, &syncobj));
   assert_int_equal(queue, 7);
   assert_int_equal(syncobj, 8);

   EXPECT(DRM_IOCTL_TIDE_QUEUE_INFO, queue_info, .queue = 7, .value = 3);
   CHECK(ops->queue_info(kmd, &info));

   EXPECT(DRM_IOCTL_TIDE_QUEUE_DESTROY, queue_destroy, .queue = 7);
   ops->queue_destroy(kmd, 7);
   assert_int_equal(next.count, 1);

   EXPECT(DRM_IOCTL_TIDE_SUBMIT, submit, .bos = 1, .bo_count = 2);
   CHECK(ops->submit(kmd, &submit));

   EXPECT(DRM_IOCTL_SYNCOBJ_CREATE, syncobj_create, 0);
   next.out.syncobj_create.handle = 9;
   CHECK(ops->syncobj_create(kmd, &syncobj));
   assert_int_equal(syncobj, 9);

   EXPECT(DRM_IOCTL_SYNCOBJ_DESTROY, syncobj_destroy, .handle = 9);
   ops->syncobj_destroy(kmd, 9);
   assert_int_equal(next.count, 1);

   /* Its lists are of one each, and are the interface's own. */
   syncobj_signal_is_checked = true;
   next.request = DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL;
   next.error = 0;
   assert_ok(ops->syncobj_signal(kmd, 9, 0x100000005));
   next.error = ENOENT;
   assert_error(ops->syncobj_signal(kmd, 9, 0x100000005), ENOENT);
   syncobj_signal_is_checked = false;

   EXPECT(DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, wait, .handles = (uintptr_t)syncobjs,
          .points = (uintptr_t)points, .count_handles = 2, .timeout_nsec = 123,
          .flags = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL | DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT);
   CHECK(ops->syncobj_wait(kmd, syncobjs, points, 2, 123));
}

static int
setup(void **state)
{
   FILE *file = tmpfile();

   (void)state;
   if (!file)
      return -1;
   node = fcntl(fileno(file), F_DUPFD_CLOEXEC, 0);
   fclose(file);
   assert_ok(ftruncate(node, 0x100001000));
   assert_int_equal(pwrite(node, "here", 5, 0x100000000), 5);
   return tide_kmd_drm_create(node, &kmd);
}

static int
teardown(void **state)
{
   (void)state;
   kmd->ops->destroy(kmd);
   assert_int_equal(fcntl(node, F_GETFD), -1);
   return 0;
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      cmocka_unit_test(objects), cmocka_unit_test(lists),     cmocka_unit_test(budgets),
      cmocka_unit_test(events),  cmocka_unit_test(no_events), cmocka_unit_test(queues_and_jobs),
   };

   return cmocka_run_group_tests_name("kmd", tests, setup, teardown);
}
