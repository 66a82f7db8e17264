/* SPDX-License-Identifier: MIT */

/* From the last page's being there to the return of who waits for the paging fence. */

#include <unistd.h>

#include "bench.h"
#include "device.h"
#include "trace.h"

void
bench_wake(void)
{
   int fd = device_open(), repetitions = bench_short ? 1 : 9;
   struct series series = {0};
   struct list list;

   list_create(&list, fd, 1, PAGE);
   list_wait(&list, list_make_resident(&list, 0, 1));
   trace_event("tide/tide_page_in_end");

   for (int i = 0; i < repetitions; i++) {
      list_offer(&list, 0, 1);
      device_shrink(1);
      trace_clear();

      clock_own();
      list_wait(&list, list_reclaim(&list, 0, 1));
      uint64_t woken = ticks();
      clock_share();
      list_expect(&list, 1);

      uint64_t there = trace_last("tide_page_in_end");
      if (!there || there > woken)
         die("the page-in is not in the trace");
      series_add(&series, woken - there);
   }
   trace_end();
   figure(series_median(&series), "instructions", "wake.paging_fence.tide");
   list_destroy(&list);
   close(fd);
}
