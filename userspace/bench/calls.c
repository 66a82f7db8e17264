/* SPDX-License-Identifier: MIT */

/* How long the calls take to return, by the size of the one allocation that they name. */

#include <unistd.h>

#include "bench.h"
#include "device.h"

#define UNIT "instructions/call"

enum { OFFER, RECLAIM, MAKE_RESIDENT, EVICT, CALLS };

static const char *const names[CALLS] = {"OFFER", "RECLAIM", "MAKE_RESIDENT", "EVICT"};

/*
 * MAKE_RESIDENT is for pages that are not there, and so is RECLAIM, which has them brought in by
 * the residency list. The page-in itself happens after the call.
 */
static void
measure(struct list *list, struct meter meters[CALLS], uint32_t i)
{
   uint64_t value;

   meter_begin(&meters[MAKE_RESIDENT]);
   value = list_make_resident(list, i, 1);
   meter_end(&meters[MAKE_RESIDENT]);
   list_wait(list, value);

   meter_begin(&meters[OFFER]);
   list_offer(list, i, 1);
   meter_end(&meters[OFFER]);

   device_shrink(1);

   meter_begin(&meters[RECLAIM]);
   value = list_reclaim(list, i, 1);
   meter_end(&meters[RECLAIM]);
   list_wait(list, value);

   meter_begin(&meters[EVICT]);
   list_evict(list, i, 1);
   meter_end(&meters[EVICT]);
}

void
bench_return(void)
{
   static const size_t sizes[] = {KIB(4), KIB(64), MIB(1), MIB(64)};
   int fd = device_open();

   for (size_t s = 0; s < ARRAY_SIZE(sizes); s++) {
      uint32_t count = bench_short ? 1 : 9;
      struct meter meters[CALLS];
      struct list list;

      list_create(&list, fd, count, sizes[s]);
      list_unmap(&list);
      list_offer(&list, 0, count);
      device_shrink(list_pages(&list));
      list_reclaim(&list, 0, count);

      for (int i = 0; i < CALLS; i++)
         meter_start(&meters[i], count);
      clock_own();
      for (uint32_t i = 0; i < count; i++)
         measure(&list, meters, i);
      clock_share();

      list_expect(&list, 1);
      for (int i = 0; i < CALLS; i++)
         figure_metered(&meters[i], 1, UNIT, "return.%s.%s.tide", names[i], size_name(sizes[s]));
      list_destroy(&list);
   }
   close(fd);
}
