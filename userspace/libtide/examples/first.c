/* SPDX-License-Identifier: MIT */
#include <libtide.h>
#include <stdio.h>
#include <string.h>

int
main(void)
{
   struct tide_device *device;
   struct tide_paging_queue *queue;
   struct tide_allocation *picture;
   enum tide_reclaim_result result;
   uint64_t value;
   void *pixels;

   if (tide_device_open_first(&device) || tide_paging_queue_create(device, &queue) ||
       tide_allocation_create(device, 1920 * 1080 * 4, 0, &picture) ||
       tide_allocation_map(picture, &pixels))
      return 1;
   memset(pixels, 0x7f, tide_allocation_size(picture)); /* draw it */

   /* Not needed for now: when memory runs short, the kernel may take it. */
   if (tide_offer(device, &picture, 1, TIDE_PRIORITY_NORMAL, 0))
      return 1;

   /* Needed again: is it still there? */
   if (tide_reclaim(device, queue, &picture, 1, &result, &value))
      return 1;
   puts(result == TIDE_RECLAIM_OK ? "still there" : "gone: draw it again");
}
