/* SPDX-License-Identifier: MIT */

#include "ideal.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>

#include "util.h"

/* The first frame from a given one on in which an image shows, or INT_MAX. */
static int
next_appearance(const struct wall *wall, const int *path, int frame_count, int frame, int image)
{
   for (; frame < frame_count; frame++) {
      if (!wall_distance(wall, path[frame], image))
         return frame;
   }
   return INT_MAX;
}

int
ideal_decodes(const struct wall *wall, const int *path, int frame_count, int capacity, int *so_far)
{
   bool *cached = allocate(wall->image_count * sizeof(*cached));
   int decodes = 0, used = 0;

   for (int frame = 0; frame < frame_count; frame++) {
      int count, first = wall_visible(wall, path[frame], &count);
      for (int i = first; i < first + count; i++) {
         used += !cached[i];
         decodes += !cached[i];
         cached[i] = true;
      }
      while (used > capacity) {
         int victim = -1, latest = frame;
         for (int i = 0; i < wall->image_count; i++) {
            if (!cached[i])
               continue;
            int next = next_appearance(wall, path, frame_count, frame, i);
            if (next > latest) {
               latest = next;
               victim = i;
            }
         }
         if (victim < 0)
            break;
         cached[victim] = false;
         used--;
      }
      if (so_far)
         so_far[frame] = decodes;
   }

   free(cached);
   return decodes;
}
