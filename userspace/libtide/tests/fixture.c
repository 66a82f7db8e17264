/* SPDX-License-Identifier: MIT */
#include "fixture.h"

int
fixture_setup(void **state)
{
   struct fixture *f = calloc(1, sizeof(*f));
   uint64_t value;
   size_t done;

   f->fake = fake_create(256);
   assert_ok(tide_device_create(&f->fake->kmd, &f->device));
   assert_ok(tide_paging_queue_create(f->device, &f->queue));
   for (unsigned int i = 0; i < ARRAY_SIZE(f->contexts); i++)
      assert_ok(tide_context_create(f->device, &f->contexts[i]));
   for (unsigned int i = 0; i < ALLOCATIONS; i++) {
      assert_ok(tide_allocation_create(f->device, 4096 * (i + 1), 0, &f->a[i]));
      f->handle[i] = tide_allocation_handle(f->a[i]);
   }
   assert_ok(tide_make_resident(f->device, f->queue, f->a, ALLOCATIONS, &value, &done));
   assert_int_equal(done, ALLOCATIONS);
   fake_forget(f->fake);
   *state = f;
   return 0;
}

int
fixture_teardown(void **state)
{
   struct fixture *f = *state;

   for (unsigned int i = 0; i < ALLOCATIONS; i++)
      tide_allocation_unref(f->a[i]);
   for (unsigned int i = 0; i < ARRAY_SIZE(f->contexts); i++)
      tide_context_destroy(f->contexts[i]);
   tide_paging_queue_destroy(f->queue);
   tide_device_unref(f->device);
   assert_true(f->fake->closed);
   assert_int_equal(atomic_load(&f->fake->violations), 0);
   fake_destroy(f->fake);
   free(f);
   return 0;
}

struct tide_batch *
fixture_batch(struct fixture *f, unsigned int context, enum tide_batch_kind kind)
{
   struct tide_batch *batch;

   assert_ok(tide_batch_create(f->contexts[context], kind, &batch));
   return batch;
}

int
fixture_finish(struct tide_batch *batch)
{
   return batch->kind == TIDE_BATCH_CPU ? tide_batch_end(batch)
                                        : tide_batch_submit(batch, NULL, 0, NULL, 0, NULL);
}

int
offer_one(struct fixture *f, unsigned int index, enum tide_priority priority)
{
   return tide_offer(f->device, &f->a[index], 1, priority, 0);
}

enum tide_reclaim_result
reclaim_one(struct fixture *f, unsigned int index)
{
   enum tide_reclaim_result result;
   uint64_t value;

   assert_ok(tide_reclaim(f->device, f->queue, &f->a[index], 1, &result, &value));
   return result;
}
