/* SPDX-License-Identifier: MIT */
/* What the device may have resident in a segment. */

#include <errno.h>

#include "internal.h"

int
tide_device_budget(struct tide_device *device, uint32_t segment, struct tide_budget *budget)
{
   struct drm_tide_budget args = {.segment = segment};
   int ret;

   if (!device || !budget)
      return -EINVAL;
   if (tide_device_stale(device))
      return -ESTALE;

   ret = device->kmd->ops->budget(device->kmd, &args);
   if (ret)
      return ret;
   *budget = (struct tide_budget){
      .budget = args.budget,
      .usage = args.usage,
      .reservation = args.reservation,
      .available = args.available,
   };
   return 0;
}

int
tide_device_reserve(struct tide_device *device, uint32_t segment, uint64_t bytes)
{
   if (!device)
      return -EINVAL;
   if (tide_device_stale(device))
      return -ESTALE;
   return device->kmd->ops->reserve(device->kmd, segment, bytes);
}
