/* SPDX-License-Identifier: MIT */
/* Waiting for points of timelines. */

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "internal.h"

#define NS_PER_S 1000000000ull

/* The kernel wants to know until when; INT64_MAX is for ever. */
static int64_t
deadline(uint64_t timeout_ns)
{
   struct timespec ts;

   if (!timeout_ns)
      return 0;
   clock_gettime(CLOCK_MONOTONIC, &ts);

   const uint64_t now = ts.tv_sec * NS_PER_S + ts.tv_nsec;

   return timeout_ns < INT64_MAX - now ? (int64_t)(now + timeout_ns) : INT64_MAX;
}

int
tide_fence_wait(struct tide_device *device, const struct tide_fence *fences, size_t count,
                uint64_t timeout_ns)
{
   int ret;

   if (!device || !fences || !count || count > UINT32_MAX)
      return -EINVAL;
   if (tide_device_stale(device))
      return -ESTALE;

   uint32_t *syncobjs = malloc(count * sizeof(*syncobjs));
   uint64_t *points = malloc(count * sizeof(*points));

   const int64_t until = deadline(timeout_ns);

   if (syncobjs && points) {
      for (size_t i = 0; i < count; i++) {
         syncobjs[i] = fences[i].syncobj;
         points[i] = fences[i].point;
      }
      ret = device->kmd->ops->syncobj_wait(device->kmd, syncobjs, points, count, until);
   } else {
      ret = -ENOMEM;
   }
   free(syncobjs);
   free(points);
   return ret;
}
