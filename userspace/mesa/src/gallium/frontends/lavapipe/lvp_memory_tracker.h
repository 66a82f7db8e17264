/* SPDX-License-Identifier: MIT */
#ifndef LVP_MEMORY_TRACKER_H
#define LVP_MEMORY_TRACKER_H

#include <stdbool.h>
#include <stdint.h>

#include "c11/threads.h"
#include "pipe/p_defines.h"
#include "util/list.h"
#include "util/rb_tree.h"
#include "util/simple_mtx.h"
#include "util/u_dynarray.h"
#include "util/u_queue.h"
#include "vulkan/vulkan.h"

#include "lp_fence.h"

struct lvp_cmd_buffer;
struct lvp_device;
struct lvp_device_memory;
struct pipe_fence_handle;
struct sw_batch;
struct sw_memory;
struct sw_winsys;

/*
 * Which device memory is in use.
 *
 * A winsys that gives memory has to be told who accesses it: it keeps that
 * memory resident, and holds an offer back until the last such access is over.
 * The rasteriser says what it uses for what is bound the gallium way, but
 * descriptors are plain pointers, so lavapipe has to find out itself. It does so
 * in units of work, which are batches of the winsys:
 *
 * - A submission uses what the commands of its command buffers name, and what
 *   the descriptors point at, from vkQueueSubmit2 on; it ends when the
 *   rasteriser's fence signals.
 * - A command buffer uses, from vkBeginCommandBuffer until its first submission
 *   has taken over, or until it is reset, what is offered meanwhile: the
 *   application may have recorded a use of it already. vkEndCommandBuffer then
 *   knows which of it is really used. Only with VK_MESAX_memory_offer.
 *
 * Memory that can be reached without being named (its address was asked for, it
 * was bound to a sparse resource, or an image in it went into a descriptor
 * buffer) is addressable: all work uses it.
 *
 * Work that uses memory which is offered already lifts the offer: the memory is
 * reclaimed, and offered again at once, which the winsys holds back until that
 * work is over. So no access ever meets memory that the kernel may take. What
 * such a reclaim has found out is kept for vkReclaimDeviceMemoryMESAX.
 *
 * The rasteriser, which says what it uses, does not know that it does so for
 * work that was there before the offer: the winsys takes it for a new use, and
 * forgets the offer. So when a submission was executed, and nothing of it is left
 * to do but rasterise, what it uses is offered once more.
 *
 * Locks: tracker::lock, then work_lock. The first is held over calls to the
 * winsys, which do not wait. work_lock is a leaf: rasteriser threads take it.
 */

struct lvp_work {
   struct lp_fence_callback done;
   struct list_head link;
   struct lvp_memory_tracker *tracker;
   struct sw_batch *batch;
   /* Of a submission: command buffers that were not executed yet, and the
    * lvp_device_memory that it uses, if that can be offered. Under work_lock. */
   uint32_t command_buffers;
   struct util_dynarray mems;
};

struct lvp_memory_tracker {
   struct lvp_device *device;
   /* NULL where memory is the process's own: then nothing is tracked */
   struct sw_winsys *winsys;
   /* whether the application can offer memory */
   bool offers;

   mtx_t lock;
   /* lvp_device_memory by address */
   struct rb_tree memories;
   struct list_head addressable;
   /* command buffers that are being recorded */
   struct list_head recording;
   /* counts offers and beginnings of command buffers */
   uint64_t clock;

   simple_mtx_t work_lock;
   struct list_head idle;
   uint32_t idle_count;
   /* submissions that were not executed completely, in the queue's order */
   struct list_head submitted;

   /* waits for page-ins, for semaphores */
   struct util_queue paging_thread;
   bool has_paging_thread;

   /* an empty command buffer, to find the queue's end by */
   VkCommandPool pool;
   VkCommandBuffer marker;
};

void
lvp_memory_tracker_init(struct lvp_memory_tracker *tracker, struct lvp_device *device);

void
lvp_memory_tracker_finish(struct lvp_memory_tracker *tracker);

/* What VK_MESAX_memory_offer needs, if it is enabled. */
VkResult
lvp_memory_offer_init(struct lvp_memory_tracker *tracker, struct lvp_device *device);

void
lvp_memory_offer_finish(struct lvp_memory_tracker *tracker);

/* Frees what is kept for later work. */
void
lvp_memory_tracker_trim(struct lvp_memory_tracker *tracker);

void
lvp_memory_tracker_add(struct lvp_memory_tracker *tracker, struct lvp_device_memory *mem);

void
lvp_memory_tracker_remove(struct lvp_memory_tracker *tracker, struct lvp_device_memory *mem);

/* The memory that an address lies in, or NULL. Expects the lock. */
struct lvp_device_memory *
lvp_memory_tracker_find(struct lvp_memory_tracker *tracker, const void *address);

/* From now on all work uses the memory, which may be NULL. */
void
lvp_memory_set_addressable(struct lvp_memory_tracker *tracker, struct lvp_device_memory *mem);

/* The same for the memory that an address lies in. */
void
lvp_memory_set_addressable_at(struct lvp_memory_tracker *tracker, const void *address);

/* The application's own access, between vkMapMemory and vkUnmapMemory. */
void
lvp_memory_map(struct lvp_memory_tracker *tracker, struct lvp_device_memory *mem);

void
lvp_memory_unmap(struct lvp_memory_tracker *tracker, struct lvp_device_memory *mem);

/*
 * Command buffers. Begin and end come with recording, release with anything
 * that makes it void.
 */

VkResult
lvp_cmd_buffer_begin_use(struct lvp_cmd_buffer *cmd_buffer);

void
lvp_cmd_buffer_end_use(struct lvp_cmd_buffer *cmd_buffer);

void
lvp_cmd_buffer_release(struct lvp_cmd_buffer *cmd_buffer);

typedef void (*lvp_memory_func)(struct lvp_device_memory *mem, void *data);

/* Calls for all memory that the commands use; expects the lock. */
void
lvp_cmd_buffer_foreach_memory(struct lvp_cmd_buffer *cmd_buffer, lvp_memory_func func, void *data);

/*
 * Work.
 */

/* Begun, with nothing in it; or NULL. */
struct lvp_work *
lvp_work_get(struct lvp_memory_tracker *tracker);

void
lvp_work_end(struct lvp_work *work);

/* Puts work into the order of the queue, right before it goes there. */
void
lvp_work_submit(struct lvp_work *work, uint32_t command_buffers);

/* The queue did not take it. */
void
lvp_work_unsubmit(struct lvp_work *work, uint32_t command_buffers);

/* The queue has executed that many command buffers, which are over with the fence. */
void
lvp_memory_tracker_executed(struct lvp_memory_tracker *tracker, uint32_t command_buffers,
                            struct pipe_fence_handle *fence);

/*
 * Lists go to the winsys in chunks: on the stack, for nothing here may fail.
 */

#define LVP_MEMORY_CHUNK_SIZE 64

struct lvp_memory_chunk {
   struct lvp_device_memory *mems[LVP_MEMORY_CHUNK_SIZE];
   struct sw_memory *memories[LVP_MEMORY_CHUNK_SIZE];
   unsigned count;
};

/* Expects room. */
void
lvp_memory_chunk_add(struct lvp_memory_chunk *chunk, struct lvp_device_memory *mem);

/*
 * Reclaims what is in a chunk, and empties it. Has @results, of
 * LVP_MEMORY_CHUNK_SIZE, written, and *@paging raised to what to wait for, if
 * that is not NULL. False if some could not be reclaimed.
 */
bool
lvp_memory_chunk_reclaim(struct lvp_memory_tracker *tracker, struct lvp_memory_chunk *chunk,
                         enum pipe_reclaim_result *results, uint64_t *paging);

/*
 * Offers that are lifted for a use. All expect the lock, and a list of memory
 * by lvp_device_memory::use_link.
 */

/* Takes offered memory of the list back. */
void
lvp_memory_lift(struct lvp_memory_tracker *tracker, struct list_head *list);

/* Offers again what the application has offered; false if the winsys could not. */
bool
lvp_memory_offer_again(struct lvp_memory_tracker *tracker, struct list_head *list);

#endif /* LVP_MEMORY_TRACKER_H */
