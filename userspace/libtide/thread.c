/* SPDX-License-Identifier: MIT */
/* The library's own threads, which are there only for who has asked for something that needs one.
 */

#include <signal.h>

#include "internal.h"

int
tide_thread_create(pthread_t *thread, void *(*run)(void *data), void *data)
{
   sigset_t all, old;
   int ret;

   /* The application's signals are for its own threads. */
   sigfillset(&all);
   pthread_sigmask(SIG_SETMASK, &all, &old);
   ret = pthread_create(thread, NULL, run, data);
   pthread_sigmask(SIG_SETMASK, &old, NULL);
   return -ret;
}
