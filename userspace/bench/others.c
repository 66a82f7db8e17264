/* SPDX-License-Identifier: MIT */

/*
 * What memory that was given up does for everything else, when memory runs short: a client with
 * memory in use and memory given up, a reader of a file, and a hog that needs a little more than
 * there is, with all that the client has given up. How much was swapped, read again, killed, and
 * taken from the client beyond that need?
 *
 *    others ROUNDS NAME global|cgroup|cgroup_noswap tide|madv_free
 *
 * NAME is what the figures are called by, which are medians of the rounds. This is no matter of
 * instructions, but of pages.
 */

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "device.h"
#include "memory.h"
#include "process.h"

#define CGROUP "/sys/fs/cgroup/bench"

#define IN_USE_MIB 64
#define GIVEN_MIB 96
#define FILE_MIB 32

#define ROUNDS_MAX 9

static uint64_t
vmstat(const char *word)
{
   return read_number("/proc/vmstat", word);
}

struct scope {
   const char *name;
   bool in_cgroup; /* the client, and the limit */
   bool swap;
   int need_mib; /* of what was given up */
};

static const struct scope scopes[] = {
   {"global", false, true, 48},
   {"cgroup", true, true, 8},
   {"cgroup_noswap", true, false, 8},
};

static const struct scope *
scope_find(const char *name)
{
   for (size_t i = 0; i < ARRAY_SIZE(scopes); i++) {
      if (!strcmp(scopes[i].name, name))
         return &scopes[i];
   }
   die("there is no scope %s", name);
}

/* The client */

struct client {
   bool tide;
   struct list in_use, given; /* tide */
   struct memory in_use_memory, given_memory;
};

static void
fill(uint8_t *bytes, size_t size)
{
   /* Half of each page can be compressed, as memory in use often is. */
   uint64_t random = (uintptr_t)bytes;
   for (size_t at = 0; at < size; at += 8) {
      random = random * 6364136223846793005u + 1442695040888963407u;
      *(uint64_t *)(bytes + at) = at & (PAGE / 2) ? 1 : random | 1;
   }
}

static void
client_start(struct client *client)
{
   if (client->tide) {
      int fd = device_open();
      list_create(&client->in_use, fd, IN_USE_MIB, MIB(1));
      list_create(&client->given, fd, GIVEN_MIB, MIB(1));
      for (uint32_t i = 0; i < IN_USE_MIB; i++)
         fill(client->in_use.buffers[i].map, MIB(1));
      for (uint32_t i = 0; i < GIVEN_MIB; i++)
         fill(client->given.buffers[i].map, MIB(1));
      list_offer(&client->given, 0, client->given.count);
   } else {
      client->in_use_memory = memory_anonymous(MIB(IN_USE_MIB));
      client->given_memory = memory_anonymous(MIB(GIVEN_MIB));
      fill(client->in_use_memory.map, client->in_use_memory.size);
      fill(client->given_memory.map, client->given_memory.size);
      memory_advise(&client->given_memory, MADV_FREE);
   }
}

/* MiB of what was given up that are gone */
static double
client_lost(struct client *client)
{
   double lost = 0;

   if (client->tide) {
      list_reclaim(&client->given, 0, client->given.count);
      for (uint32_t i = 0; i < client->given.count; i++)
         lost += client->given.results[i] != 0;
      return lost;
   }

   const uint8_t *bytes = client->given_memory.map;
   for (size_t at = 0; at < client->given_memory.size; at += PAGE)
      lost += !bytes[at];
   return lost / (MIB(1) / PAGE);
}

/* The other processes */

static void
enter_cgroup(bool swap)
{
   if (mkdir(CGROUP, 0755))
      die_errno("cgroup");
   if (!swap)
      write_file(CGROUP "/memory.swap.max", "0");
   write_file(CGROUP "/cgroup.procs", "0");
}

/* It is not what needs more that is to be swapped. */
static void
fill_locked(size_t size)
{
   struct memory memory = memory_anonymous(size);
   if (mlock2(memory.map, size, MLOCK_ONFAULT))
      die_errno("mlock2");
   fill(memory.map, size);
}

static void
be_client(struct process *self, const struct scope *scope, bool tide)
{
   struct client client = {.tide = tide};
   double word;

   if (scope->in_cgroup)
      enter_cgroup(scope->swap);
   client_start(&client);
   process_say(self->tells, 0);

   /* In a cgroup the client itself is what needs more. */
   while (process_hear(self->told, &word)) {
      if (word > 0) {
         fill_locked(MIB(word));
         process_say(self->tells, 0);
      } else {
         process_say(self->tells, client_lost(&client));
      }
   }
   exit(0);
}

static void
be_hog(struct process *self, size_t mib)
{
   fill_locked(MIB(mib));
   process_say(self->tells, 0);
   for (;;)
      pause();
}

#define FILE_NAME "/var/tmp/bench-file"

static void
make_file(void)
{
   static uint8_t block[MIB(1)];
   int fd = open(FILE_NAME, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

   if (fd < 0)
      die_errno(FILE_NAME);
   for (int i = 0; i < FILE_MIB; i++) {
      fill(block, sizeof(block));
      if (write(fd, block, sizeof(block)) != sizeof(block))
         die_errno(FILE_NAME);
   }
   if (fsync(fd) || close(fd))
      die_errno(FILE_NAME);
}

/* Reads the file over and over again. */
static void
be_reader(struct process *self)
{
   static uint8_t block[KIB(64)];
   int fd = open(FILE_NAME, O_RDONLY | O_CLOEXEC);

   if (fd < 0)
      die_errno(FILE_NAME);
   for (int pass = 0;; pass++) {
      lseek(fd, 0, SEEK_SET);
      while (read(fd, block, sizeof(block)) > 0)
         ;
      /* Twice: then it is known to be in use. */
      if (pass == 1)
         process_say(self->tells, 0);
      usleep(10000);
   }
}

static void
limit_cgroup(void)
{
   char text[32];
   FILE *file = fopen(CGROUP "/memory.current", "re");
   uint64_t current;

   if (!file || fscanf(file, "%" SCNu64, &current) != 1)
      die_errno("memory.current");
   fclose(file);
   snprintf(text, sizeof(text), "%" PRIu64, current);
   write_file(CGROUP "/memory.max", text);
}

static void
remove_cgroup(void)
{
   /* The dead leave it a little later. */
   for (int tries = 0; rmdir(CGROUP); tries++) {
      if (tries == 1000)
         die_errno("cgroup");
      usleep(10000);
   }
}

/* What is counted, since the start */
struct counts {
   uint64_t swapped, evicted, refaulted, killed;
};

static struct counts
count(bool tide)
{
   return (struct counts){
      .swapped = vmstat("pswpout"),
      .evicted = tide ? read_number("/sys/kernel/debug/dri/tide/stats", "evicted_pages") : 0,
      .refaulted = vmstat("workingset_refault_file"),
      .killed = vmstat("oom_kill"),
   };
}

/* Has memory run short; returns false if that killed the client. */
static bool
press(const struct scope *scope, struct process *client, struct process *hog, size_t available)
{
   double word;

   if (scope->in_cgroup) {
      limit_cgroup();
      process_say(client->tells, scope->need_mib);
      return process_hear(client->told, &word);
   }

   /* All that there is, without what is given up, and the need. */
   if (process_start(hog, 1000))
      be_hog(hog, available - IN_USE_MIB - GIVEN_MIB - FILE_MIB + scope->need_mib);
   /* It may be killed; that is a result. */
   process_hear(hog->told, &word);
   return true;
}

/* What a round has come to */
enum { SWAPPED, EVICTED, REFAULTED, KILLED, LOST, RESULTS };

static const struct {
   const char *name, *unit;
   bool tide_only;
} results[RESULTS] = {
   [SWAPPED] = {"swapped", "pages", false},     [EVICTED] = {"evicted", "pages", true},
   [REFAULTED] = {"refaulted", "pages", false}, [KILLED] = {"killed", "processes", false},
   [LOST] = {"lost_beyond_need", "MiB", false},
};

static void
play(const struct scope *scope, bool tide, double values[RESULTS])
{
   struct process client, reader, hog = {0};
   double lost;

   write_file("/proc/sys/vm/drop_caches", "3");
   make_file();
   size_t available = read_number("/proc/meminfo", "MemAvailable:") / 1024;

   if (process_start(&client, 500))
      be_client(&client, scope, tide);
   process_expect(&client, "client");
   if (process_start(&reader, -1000))
      be_reader(&reader);
   process_expect(&reader, "reader");

   struct counts before = count(tide);
   bool alive = press(scope, &client, &hog, available);
   sleep(2);
   struct counts after = count(tide);

   if (alive)
      process_say(client.tells, 0);
   alive = alive && process_hear(client.told, &lost);
   /* Who is killed has lost everything. */
   if (!alive)
      lost = IN_USE_MIB + GIVEN_MIB;

   values[SWAPPED] = after.swapped - before.swapped;
   values[EVICTED] = after.evicted - before.evicted;
   values[REFAULTED] = after.refaulted - before.refaulted;
   values[KILLED] = after.killed - before.killed;
   values[LOST] = lost - scope->need_mib;

   if (hog.pid)
      process_end(&hog);
   process_end(&reader);
   process_end(&client);
   if (scope->in_cgroup)
      remove_cgroup();
}

static int
compare(const void *a, const void *b)
{
   double x = *(const double *)a, y = *(const double *)b;
   return (x > y) - (x < y);
}

int
main(int argc, char **argv)
{
   double values[RESULTS][ROUNDS_MAX];

   if (argc != 5)
      die("usage: others ROUNDS NAME global|cgroup|cgroup_noswap tide|madv_free");
   int rounds = atoi(argv[1]);
   const struct scope *scope = scope_find(argv[3]);
   bool tide = !strcmp(argv[4], "tide");
   if (rounds < 1 || rounds > ROUNDS_MAX)
      die("1 to %d rounds", ROUNDS_MAX);

   write_file("/proc/self/oom_score_adj", "-1000");
   for (int round = 0; round < rounds; round++) {
      double round_values[RESULTS];
      play(scope, tide, round_values);
      for (int i = 0; i < RESULTS; i++)
         values[i][round] = round_values[i];
   }

   for (int i = 0; i < RESULTS; i++) {
      qsort(values[i], rounds, sizeof(values[i][0]), compare);
      if (tide || !results[i].tide_only)
         figure(values[i][(rounds - 1) / 2], results[i].unit, "others.%s.%s.%s", scope->name,
                results[i].name, argv[2]);
   }
   return 0;
}
