/* SPDX-License-Identifier: MIT */

#include "frontend/sw_winsys.h"

#include "lvp_private.h"

static const struct sw_memory_ops *
tracker_ops(const struct lvp_memory_tracker *tracker)
{
   return tracker->winsys->memory;
}

void
lvp_memory_tracker_init(struct lvp_memory_tracker *tracker, struct lvp_device *device)
{
   tracker->device = device;
   tracker->winsys = device->physical_device->winsys;
   mtx_init(&tracker->lock, mtx_plain);
   rb_tree_init(&tracker->memories);
   list_inithead(&tracker->addressable);
   list_inithead(&tracker->recording);
   simple_mtx_init(&tracker->work_lock, mtx_plain);
   list_inithead(&tracker->idle);
   list_inithead(&tracker->submitted);
}

void
lvp_memory_tracker_finish(struct lvp_memory_tracker *tracker)
{
   /* There is still some only where the device was lost. */
   list_for_each_entry_safe(struct lvp_work, work, &tracker->submitted, link)
      lvp_work_end(work);
   lvp_memory_tracker_trim(tracker);
   simple_mtx_destroy(&tracker->work_lock);
   mtx_destroy(&tracker->lock);
}

/*
 * Memory
 */

static int
compare_memory(const struct rb_node *a, const struct rb_node *b)
{
   const struct lvp_device_memory *mem_a = rb_node_data(struct lvp_device_memory, a, node);
   const struct lvp_device_memory *mem_b = rb_node_data(struct lvp_device_memory, b, node);

   return mem_a->map < mem_b->map ? -1 : mem_a->map > mem_b->map;
}

static int
compare_address(const struct rb_node *node, const void *address)
{
   const struct lvp_device_memory *mem = rb_node_data(struct lvp_device_memory, node, node);

   if ((const char *)address < (const char *)mem->map)
      return 1;
   return (const char *)address >= (const char *)mem->map + mem->memory->size ? -1 : 0;
}

void
lvp_memory_tracker_add(struct lvp_memory_tracker *tracker, struct lvp_device_memory *mem)
{
   if (!mem->memory)
      return;

   mtx_lock(&tracker->lock);
   rb_tree_insert(&tracker->memories, &mem->node, compare_memory);
   mtx_unlock(&tracker->lock);
}

void
lvp_memory_tracker_remove(struct lvp_memory_tracker *tracker, struct lvp_device_memory *mem)
{
   if (!mem->memory)
      return;

   lvp_memory_unmap(tracker, mem);
   mtx_lock(&tracker->lock);
   simple_mtx_lock(&tracker->work_lock);
   list_for_each_entry(struct lvp_work, work, &tracker->submitted, link) {
      util_dynarray_foreach(&work->mems, struct lvp_device_memory *, used)
         *used = *used == mem ? NULL : *used;
   }
   simple_mtx_unlock(&tracker->work_lock);
   rb_tree_remove(&tracker->memories, &mem->node);
   if (mem->addressable)
      list_del(&mem->addressable_link);
   mtx_unlock(&tracker->lock);
}

struct lvp_device_memory *
lvp_memory_tracker_find(struct lvp_memory_tracker *tracker, const void *address)
{
   struct rb_node *node = rb_tree_search(&tracker->memories, address, compare_address);

   return node ? rb_node_data(struct lvp_device_memory, node, node) : NULL;
}

static void
set_addressable_locked(struct lvp_memory_tracker *tracker, struct lvp_device_memory *mem)
{
   if (mem && mem->memory && !mem->addressable) {
      mem->addressable = true;
      list_addtail(&mem->addressable_link, &tracker->addressable);
   }
}

void
lvp_memory_set_addressable(struct lvp_memory_tracker *tracker, struct lvp_device_memory *mem)
{
   mtx_lock(&tracker->lock);
   set_addressable_locked(tracker, mem);
   mtx_unlock(&tracker->lock);
}

void
lvp_memory_set_addressable_at(struct lvp_memory_tracker *tracker, const void *address)
{
   mtx_lock(&tracker->lock);
   set_addressable_locked(tracker, lvp_memory_tracker_find(tracker, address));
   mtx_unlock(&tracker->lock);
}

void
lvp_memory_map(struct lvp_memory_tracker *tracker, struct lvp_device_memory *mem)
{
   struct list_head list;

   if (!mem->memory || mem->mapped)
      return;

   list_inithead(&list);
   mtx_lock(&tracker->lock);
   list_add(&mem->use_link, &list);
   lvp_memory_lift(tracker, &list);
   tracker_ops(tracker)->access_begin(tracker->winsys, mem->memory);
   lvp_memory_offer_again(tracker, &list);
   list_delinit(&mem->use_link);
   mem->mapped = true;
   mtx_unlock(&tracker->lock);
}

void
lvp_memory_unmap(struct lvp_memory_tracker *tracker, struct lvp_device_memory *mem)
{
   if (!mem->memory || !mem->mapped)
      return;

   mem->mapped = false;
   tracker_ops(tracker)->access_end(tracker->winsys, mem->memory);
}
