/* SPDX-License-Identifier: MIT */

/*
 * What memory that was given up does for everything else, when memory runs short: a client with
 * memory in use and memory given up, a reader of a file, and a hog that needs a little more than
 * there is, with all that the client has given up. How much was swapped, read again, killed, and
 * taken from the client beyond that need?
 *
 *    others NAME global|cgroup|cgroup_noswap tide|madv_free
 *
 * NAME is what the figures are called by. This is no matter of instructions, but of pages.
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

#define CGROUP "/sys/fs/cgroup/bench"

#define IN_USE_MIB 64
#define GIVEN_MIB 96
#define FILE_MIB 32

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

/* Processes, which tell each other that they are ready */

struct process {
   pid_t pid;
   int told, tells; /* our ends */
};

static void
say(int fd, double value)
{
   if (write(fd, &value, sizeof(value)) != sizeof(value))
      _exit(1);
}

/* Waits for a word; false if the other has died. */
static bool
hear(int fd, double *value)
{
   return read(fd, value, sizeof(*value)) == sizeof(*value);
}

/* Returns true in the new process, whose ends are in `process` then. */
static bool
start(struct process *process, int oom_score_adj)
{
   int up[2], down[2];
   char text[16];

   if (pipe2(up, O_CLOEXEC) || pipe2(down, O_CLOEXEC))
      die_errno("pipe");
   process->pid = fork();
   if (process->pid < 0)
      die_errno("fork");
   if (process->pid) {
      close(up[1]);
      close(down[0]);
      process->told = up[0];
      process->tells = down[1];
      return false;
   }

   prctl(PR_SET_PDEATHSIG, SIGKILL);
   close(up[0]);
   close(down[1]);
   process->told = down[0];
   process->tells = up[1];
   snprintf(text, sizeof(text), "%d", oom_score_adj);
   write_file("/proc/self/oom_score_adj", text);
   return true;
}

static void
end(struct process *process)
{
   kill(process->pid, SIGKILL);
   waitpid(process->pid, NULL, 0);
}

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
   say(self->tells, 0);

   /* In a cgroup the client itself is what needs more. */
   while (hear(self->told, &word)) {
      if (word > 0) {
         fill_locked(MIB(word));
         say(self->tells, 0);
      } else {
         say(self->tells, client_lost(&client));
      }
   }
   exit(0);
}

static void
be_hog(struct process *self, size_t mib)
{
   fill_locked(MIB(mib));
   say(self->tells, 0);
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
         say(self->tells, 0);
      usleep(10000);
   }
}

static void
expect_ready(struct process *process, const char *who)
{
   double word;
   if (!hear(process->told, &word))
      die("the %s has ended before it was ready", who);
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
      say(client->tells, scope->need_mib);
      return hear(client->told, &word);
   }

   /* All that there is, without what is given up, and the need. */
   if (start(hog, 1000))
      be_hog(hog, available - IN_USE_MIB - GIVEN_MIB - FILE_MIB + scope->need_mib);
   /* It may be killed; that is a result. */
   hear(hog->told, &word);
   return true;
}

int
main(int argc, char **argv)
{
   struct process client, reader, hog = {0};
   double lost;

   if (argc != 4)
      die("usage: others NAME global|cgroup|cgroup_noswap tide|madv_free");
   const char *name = argv[1];
   const struct scope *scope = scope_find(argv[2]);
   bool tide = !strcmp(argv[3], "tide");

   write_file("/proc/self/oom_score_adj", "-1000");
   make_file();
   size_t available = read_number("/proc/meminfo", "MemAvailable:") / 1024;

   if (start(&client, 500))
      be_client(&client, scope, tide);
   expect_ready(&client, "client");
   if (start(&reader, -1000))
      be_reader(&reader);
   expect_ready(&reader, "reader");

   struct counts before = count(tide);
   bool alive = press(scope, &client, &hog, available);
   sleep(2);
   struct counts after = count(tide);

   if (alive)
      say(client.tells, 0);
   alive = alive && hear(client.told, &lost);
   /* Who is killed has lost everything. */
   if (!alive)
      lost = IN_USE_MIB + GIVEN_MIB;

   figure(after.swapped - before.swapped, "pages", "others.%s.%s.%s", scope->name, "swapped", name);
   if (tide)
      figure(after.evicted - before.evicted, "pages", "others.%s.%s.%s", scope->name, "evicted",
             name);
   figure(after.refaulted - before.refaulted, "pages", "others.%s.%s.%s", scope->name, "refaulted",
          name);
   figure(after.killed - before.killed, "processes", "others.%s.%s.%s", scope->name, "killed",
          name);
   figure(lost - scope->need_mib, "MiB", "others.%s.%s.%s", scope->name, "lost_beyond_need", name);

   if (hog.pid)
      end(&hog);
   end(&reader);
   end(&client);
   if (scope->in_cgroup)
      remove_cgroup();
   return 0;
}
