/* SPDX-License-Identifier: MIT */
/* Trim events: who reads them, and what comes of it. */

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "fixture.h"

struct seen {
   atomic_uint calls;
   pthread_t thread;
   struct tide_trim last;
   sigset_t blocked;
};

static void
note(void *data, const struct tide_trim *trim)
{
   struct seen *seen = data;

   seen->thread = pthread_self();
   seen->last = *trim;
   pthread_sigmask(SIG_BLOCK, NULL, &seen->blocked);
   atomic_fetch_add(&seen->calls, 1);
}

static void
wait_for_calls(struct seen *seen, unsigned int calls)
{
   while (atomic_load(&seen->calls) < calls)
      usleep(100);
   assert_int_equal(atomic_load(&seen->calls), calls);
}

static bool
readable(struct fixture *f)
{
   struct pollfd fd = {.fd = tide_device_fd(f->device), .events = POLLIN};

   return poll(&fd, 1, 0) == 1;
}

static void
polled(void **state)
{
   struct fixture *f = *state;
   struct tide_trimmer *trimmer;
   struct seen seen = {0};

   assert_ok(tide_trimmer_create(f->device, note, &seen, &trimmer));
   assert_ok(tide_device_dispatch(f->device));
   assert_int_equal(seen.calls, 0);

   fake_send_trim(f->fake, 0, 5);
   assert_true(readable(f));
   assert_ok(tide_device_dispatch(f->device));
   assert_false(readable(f));
   assert_int_equal(seen.calls, 1);
   assert_int_equal(seen.last.reason, TIDE_TRIM_BUDGET);
   assert_int_equal(seen.last.segment, 0);
   assert_int_equal(seen.last.bytes, 5);
   assert_true(pthread_equal(seen.thread, pthread_self()));

   /* Several at once, each by itself. */
   fake_send_trim(f->fake, 0, 6);
   fake_send_trim(f->fake, 1, 7);
   assert_ok(tide_device_dispatch(f->device));
   assert_int_equal(seen.calls, 3);
   assert_int_equal(seen.last.segment, 1);
   assert_int_equal(seen.last.bytes, 7);

   assert_ok(tide_device_trim(f->device));
   assert_int_equal(seen.last.reason, TIDE_TRIM_REQUEST);
   assert_int_equal(seen.last.bytes, 0);

   fake_fail(f->fake, FAKE_READ_TRIMS, 0, 1, -ENODEV);
   assert_error(tide_device_dispatch(f->device), ENODEV);
   assert_error(tide_device_dispatch(NULL), EINVAL);
   assert_int_equal(seen.calls, 4);
   tide_trimmer_destroy(trimmer);
}

static void
watched(void **state)
{
   struct fixture *f = *state;
   struct tide_trimmer *trimmer;
   struct tide_watcher *watcher;
   struct seen seen = {0};

   assert_ok(tide_trimmer_create(f->device, note, &seen, &trimmer));
   assert_ok(tide_watcher_create(f->device, &watcher));
   for (unsigned int i = 1; i < 20; i++) {
      fake_send_trim(f->fake, 0, i);
      wait_for_calls(&seen, i);
      assert_int_equal(seen.last.bytes, i);
   }
   assert_false(pthread_equal(seen.thread, pthread_self()));
   assert_true(sigismember(&seen.blocked, SIGUSR1) && sigismember(&seen.blocked, SIGALRM));

   /* Nobody reads after that. */
   tide_watcher_destroy(watcher);
   fake_send_trim(f->fake, 0, 1);
   usleep(20000);
   assert_int_equal(seen.calls, 19);
   assert_true(readable(f));
   assert_ok(tide_device_dispatch(f->device));
   assert_int_equal(seen.calls, 20);
   tide_trimmer_destroy(trimmer);

   assert_error(tide_watcher_create(NULL, &watcher), EINVAL);
   assert_error(tide_watcher_create(f->device, NULL), EINVAL);
   tide_watcher_destroy(NULL);
}

/* A file that is broken is left alone, and does not keep the thread from ending. */
static void
watcher_of_a_lost_device(void **state)
{
   struct fixture *f = *state;
   struct tide_watcher *watcher;

   fake_fail(f->fake, FAKE_READ_TRIMS, 0, 1, -ENODEV);
   assert_ok(tide_watcher_create(f->device, &watcher));
   fake_send_trim(f->fake, 0, 1);
   while (!atomic_load(&f->fake->calls[FAKE_READ_TRIMS]))
      usleep(100);
   usleep(20000);
   assert_int_equal(f->fake->calls[FAKE_READ_TRIMS], 1);
   tide_watcher_destroy(watcher);
}

/* Two watchers and a poller: each event is seen once. */
static void
read_by_many(void **state)
{
   struct fixture *f = *state;
   struct tide_trimmer *trimmer;
   struct tide_watcher *watchers[2];
   struct seen seen = {0};

   assert_ok(tide_trimmer_create(f->device, note, &seen, &trimmer));
   for (unsigned int i = 0; i < 2; i++)
      assert_ok(tide_watcher_create(f->device, &watchers[i]));
   for (unsigned int i = 1; i < 200; i++) {
      fake_send_trim(f->fake, 0, i);
      assert_ok(tide_device_dispatch(f->device));
      wait_for_calls(&seen, i);
   }
   for (unsigned int i = 0; i < 2; i++)
      tide_watcher_destroy(watchers[i]);
   tide_trimmer_destroy(trimmer);
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      TEST(polled),
      TEST(watched),
      TEST(watcher_of_a_lost_device),
      TEST(read_by_many),
   };

   return cmocka_run_group_tests_name("event", tests, NULL, NULL);
}
