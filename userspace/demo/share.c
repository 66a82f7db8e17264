/* SPDX-License-Identifier: MIT */

/*
 * Two programs share local memory, of which each wants four fifths. They work by turns, and in the
 * end both at once. What they draw on they keep when it is the other one's turn, or they offer it
 * and draw again what was discarded.
 *
 * Each has tiles, and goes around them by batches of a managed context: residency is libtide's
 * business. The parent only looks on: what it records is what the kernel tells, of each client by
 * fdinfo, and of all by debugfs.
 */

#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <libtide.h>

#include "util.h"

#define LOCAL 1
#define TILE (1u << 20)
#define BATCH 8  /* tiles */
#define TURN 3.0 /* seconds */
#define SAMPLE_US 50000
#define CLIENTS 2
#define LISTED_TILES 256
#define WANTS_PERCENT 80
#define NOT_YET UINT32_MAX

/* Who works in which turn: bit n for client n. */
static const unsigned int turns[] = {1, 2, 1, 2, 1, 2, 3, 3};

/* What the processes know of each other. */
struct shared {
   atomic_uint turn; /* NOT_YET, or how many are over */
   struct {
      atomic_int fd;
      atomic_uint wrong, ready;
   } clients[CLIENTS];
};

struct client {
   struct tide_device *device;
   struct tide_paging_queue *queue;
   struct tide_residency *residency;
   struct tide_context *context;
   struct tide_watcher *watcher;
   struct tide_batch *batch;
   struct tide_allocation *tiles[LISTED_TILES];
   uint32_t *pixels[LISTED_TILES];
   enum tide_reclaim_result results[LISTED_TILES];
   unsigned int count, next;
   uint32_t colour;
   bool drawn;
};

static void
check(int error, const char *what)
{
   errno = -error;
   if (error)
      die_errno("%s", what);
}

static void
client_open(struct client *c, unsigned int number)
{
   struct tide_segment local;

   check(tide_device_open_first(&c->device), "opening the device");
   check(tide_device_segment(c->device, LOCAL, &local), "looking for local memory");
   check(tide_paging_queue_create(c->device, &c->queue), "creating a paging queue");
   check(tide_residency_create(c->device, &c->residency), "creating a residency manager");
   check(tide_context_create_managed(c->residency, &c->context), "creating a context");
   check(tide_watcher_create(c->device, &c->watcher), "creating a watcher");
   check(tide_batch_create(c->context, TIDE_BATCH_ENGINE, &c->batch), "creating a batch");
   c->count = local.size / TILE * WANTS_PERCENT / 100;
   if (!c->count || c->count > LISTED_TILES)
      die("local memory of %" PRIu64 " MiB is too little or too much", local.size >> 20);
   c->colour = 0x01010101u * (number + 1);
   for (unsigned int i = 0; i < c->count; i++) {
      check(tide_allocation_create(c->device, TILE, 0, &c->tiles[i]), "creating a tile");
      check(tide_allocation_map(c->tiles[i], (void **)&c->pixels[i]), "mapping a tile");
   }
}

static void
submit_and_wait(struct client *c)
{
   struct tide_fence fence;
   int ret;

   check(tide_batch_submit(c->batch, NULL, 0, NULL, 0, &fence), "submitting");
   check(tide_batch_reset(c->batch), "beginning a batch");
   check(tide_fence_wait(c->device, &fence, 1, TIDE_WAIT_FOREVER), "waiting");
   do
      ret = tide_context_error(c->context, fence.point);
   while (ret == -EINPROGRESS);
   check(ret, "submitting a batch");
}

/* Draws what there is not, or not any more. */
static void
draw_lost(struct client *c)
{
   unsigned int drawn = 0;

   for (unsigned int i = 0; i < c->count; i++) {
      if (c->drawn && c->results[i] != TIDE_RECLAIM_DISCARDED)
         continue;
      check(tide_batch_fill(c->batch, c->tiles[i], 0, TILE, c->colour), "drawing");
      if (++drawn % BATCH == 0)
         submit_and_wait(c);
   }
   if (drawn % BATCH)
      submit_and_wait(c);
   c->drawn = true;
}

/* Reads and writes some tiles. Returns whether one of them was wrong. */
static bool
draw_frame(struct client *c)
{
   const uint32_t *pixels = c->pixels[c->next];

   for (unsigned int i = 0; i < BATCH; i++) {
      struct tide_allocation *tile = c->tiles[(c->next + i) % c->count];

      check(tide_batch_copy(c->batch, tile, TILE / 2, tile, 0, TILE / 2), "copying");
   }
   submit_and_wait(c);
   c->next = (c->next + BATCH) % c->count;
   return pixels[0] != c->colour || pixels[TILE / 4 - 1] != c->colour;
}

static void
take_turn(struct client *c, struct shared *shared, unsigned int number, unsigned int turn,
          bool offer)
{
   const unsigned int bit = 1u << number;
   uint64_t value;

   if (offer && c->drawn)
      check(tide_reclaim(c->device, c->queue, c->tiles, c->count, c->results, &value),
            "reclaiming");
   draw_lost(c);
   while (atomic_load(&shared->turn) == turn)
      if (draw_frame(c))
         atomic_fetch_add(&shared->clients[number].wrong, 1);
   if (offer && (turn + 1 == ARRAY_SIZE(turns) || !(turns[turn + 1] & bit)))
      check(tide_offer(c->device, c->tiles, c->count, TIDE_PRIORITY_NORMAL, 0), "offering");
}

static void
run_client(struct shared *shared, unsigned int number, bool offer)
{
   struct client c = {0};
   unsigned int turn, taken = ARRAY_SIZE(turns);

   client_open(&c, number);
   atomic_store(&shared->clients[number].fd, tide_device_fd(c.device));
   atomic_store(&shared->clients[number].ready, 1);
   while ((turn = atomic_load(&shared->turn)) != ARRAY_SIZE(turns)) {
      if (turn != NOT_YET && turn != taken && turns[turn] & 1u << number)
         take_turn(&c, shared, number, taken = turn, offer);
      else
         usleep(1000);
   }
   exit(0);
}

/*
 * The kernel's numbers
 */

/* With a unit, as fdinfo has it, in bytes. */
static uint64_t
find_number(const char *path, const char *key)
{
   FILE *file = fopen(path, "r");
   unsigned long long number = 0;
   bool found = false;
   char line[256], unit = 0;

   if (!file)
      die_errno("%s", path);
   while (!found && fgets(line, sizeof(line), file))
      found = !strncmp(line, key, strlen(key)) &&
              sscanf(line + strlen(key), "%*[: \t]%llu %c", &number, &unit) > 0;
   fclose(file);
   if (!found)
      die("%s: no %s", path, key);
   return unit == 'M' ? number << 20 : unit == 'K' ? number << 10 : number;
}

static char *
find_stats(void)
{
   glob_t found;
   char *path;

   if (glob("/sys/kernel/debug/dri/*/stats", 0, NULL, &found))
      die("no statistics in /sys/kernel/debug/dri");
   path = format("%s", found.gl_pathv[0]);
   globfree(&found);
   return path;
}

/* The totals of the kernel, in the order of the record. */
static const char *const totals[] = {
   "copied_in_pages",
   "copied_back_pages",
   "discarded_local_pages",
};

static void
sample(FILE *file, const char *stats, const pid_t *pids, struct shared *shared, double seconds)
{
   fprintf(file, "%.2f", seconds);
   for (unsigned int i = 0; i < CLIENTS; i++) {
      char *path = format("/proc/%d/fdinfo/%d", pids[i], atomic_load(&shared->clients[i].fd));

      fprintf(file, " %.1f", find_number(path, "drm-resident-local") / 1048576.0);
      free(path);
   }
   for (unsigned int i = 0; i < ARRAY_SIZE(totals); i++)
      fprintf(file, " %.1f", find_number(stats, totals[i]) / 256.0);
   fprintf(file, "\n");
}

static FILE *
open_record(const char *folder, const char *name)
{
   char *path = format("%s/%s", folder, name);
   FILE *file = fopen(path, "w");

   if (!file)
      die_errno("%s", path);
   free(path);
   return file;
}

static void
look_on(const char *folder, const pid_t *pids, struct shared *shared)
{
   FILE *file = open_record(folder, "samples");
   char *stats = find_stats();
   const double begin = now();
   double seconds;

   while ((seconds = now() - begin) < TURN * ARRAY_SIZE(turns)) {
      atomic_store(&shared->turn, (unsigned int)(seconds / TURN));
      sample(file, stats, pids, shared, seconds);
      usleep(SAMPLE_US);
   }
   sample(file, stats, pids, shared, seconds);
   fclose(file);

   free(stats);
   atomic_store(&shared->turn, ARRAY_SIZE(turns));
   for (unsigned int i = 0; i < CLIENTS; i++) {
      int status;

      if (waitpid(pids[i], &status, 0) != pids[i] || status)
         die("client %u ended with %#x", i, status);
   }
   file = open_record(folder, "end");
   fprintf(file, "wrong %u\n", shared->clients[0].wrong + shared->clients[1].wrong);
   fclose(file);
}

int
main(int argc, char **argv)
{
   struct shared *shared =
      mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
   const bool offer = argc == 3 && !strcmp(argv[1], "offer");
   pid_t pids[CLIENTS];

   if (shared == MAP_FAILED)
      die_errno("mmap");
   if (argc != 3 || (!offer && strcmp(argv[1], "keep")))
      die("usage: share keep|offer FOLDER");
   atomic_store(&shared->turn, NOT_YET);
   for (unsigned int i = 0; i < CLIENTS; i++) {
      pids[i] = fork();
      if (pids[i] < 0)
         die_errno("fork");
      if (!pids[i])
         run_client(shared, i, offer);
   }
   for (unsigned int i = 0; i < CLIENTS; i++)
      while (!atomic_load(&shared->clients[i].ready) && !waitpid(pids[i], NULL, WNOHANG))
         usleep(1000);
   look_on(argv[2], pids, shared);
   return 0;
}
