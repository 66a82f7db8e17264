/* SPDX-License-Identifier: MIT */
#include "igt.h"
#include "igt_tide.h"
#include "mesa_test.h"

#include <dirent.h>
#include <sys/wait.h>

/*
 * Starting this program anew. TIDE_STOCK_MESA names a command that runs another one on Debian's
 * Mesa.
 */

#define TASK_ENV "TIDE_TEST_TASK"
#define STOCK_ENV "TIDE_TEST_STOCK"

pid_t
mesa_start(const char *task, bool stock)
{
   const char *stock_mesa = getenv("TIDE_STOCK_MESA");
   char self[256] = "";
   pid_t pid;

   igt_require_f(stock_mesa || !stock, "TIDE_STOCK_MESA does not say how to run Debian's Mesa\n");
   igt_assert(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
   pid = fork();
   igt_assert(pid >= 0);
   if (pid)
      return pid;
   setenv(TASK_ENV, task, 1);
   if (stock) {
      setenv(STOCK_ENV, "1", 1);
      execl(stock_mesa, stock_mesa, self, NULL);
   } else {
      execl(self, self, NULL);
   }
   _exit(127);
}

const char *
mesa_task(void)
{
   return getenv(TASK_ENV);
}

bool
mesa_is_reference(void)
{
   return getenv(STOCK_ENV);
}

/*
 * Pictures
 */

static size_t
picture_size(const struct mesa_picture *picture)
{
   return 4ul * picture->width * picture->height;
}

void
mesa_serve_references(const struct mesa_picture *pictures, uint32_t count)
{
   const struct mesa_picture *picture = pictures;
   uint32_t *pixels;
   char name[64];
   int fd;

   if (!mesa_task())
      return;
   igt_assert_eq(sscanf(mesa_task(), "picture %d %63s", &fd, name), 2);
   while (picture < pictures + count && strcmp(picture->name, name))
      picture++;
   igt_assert_f(picture < pictures + count, "there is no picture %s\n", name);
   pixels = calloc(1, picture_size(picture));
   igt_assert(pixels);
   picture->draw(picture, pixels);
   igt_assert(write(fd, pixels, picture_size(picture)) == (ssize_t)picture_size(picture));
   _exit(0); /* it is no test that has to tell how it ended */
}

uint32_t *
mesa_reference(const struct mesa_picture *picture)
{
   size_t size = picture_size(picture);
   uint32_t *pixels = malloc(size);
   int fd, status;
   char task[96];
   pid_t pid;

   igt_assert(pixels);
   fd = memfd_create("picture", 0);
   igt_assert_fd(fd);
   snprintf(task, sizeof(task), "picture %d %s", fd, picture->name);
   pid = mesa_start(task, true);
   igt_assert_eq(waitpid(pid, &status, 0), pid);
   igt_assert_f(!status, "%s on Debian's Mesa: wait status %#x\n", picture->name, status);
   igt_assert(pread(fd, pixels, size, 0) == (ssize_t)size);
   close(fd);
   return pixels;
}

void
mesa_check_pixels(const struct mesa_picture *picture, const uint32_t *is, const uint32_t *should)
{
   uint32_t count = picture->width * picture->height, wrong = 0, first = 0;

   for (uint32_t i = count; i-- > 0;)
      if (is[i] != should[i]) {
         first = i;
         wrong++;
      }
   igt_assert_f(!wrong,
                "%s: %" PRIu32 " of %" PRIu32 " pixels, the first at %" PRIu32 ",%" PRIu32
                ": %08" PRIx32 ", should be %08" PRIx32 "\n",
                picture->name, wrong, count, first % picture->width, first / picture->width,
                is[first], should[first]);
}

void
mesa_check_picture(const struct mesa_picture *picture)
{
   uint32_t *should = mesa_reference(picture), *is = calloc(1, picture_size(picture));

   igt_assert(is);
   picture->draw(picture, is);
   mesa_check_pixels(picture, is, should);
   free(is);
   free(should);
}

/*
 * Memory on tide
 */

#define CLIENTS_MAX 32

/* Calls for a file of each client of tide's that this process has open. */
static void
for_clients(void (*call)(int fd, void *data), void *data)
{
   int64_t clients[CLIENTS_MAX], id;
   uint32_t count = 0, i;
   struct dirent *entry;
   DIR *dir = opendir("/proc/self/fd");

   igt_assert(dir);
   while ((entry = readdir(dir))) {
      int fd = atoi(entry->d_name);
      char path[300], target[16] = "";
      drmVersionPtr version;
      bool ours;

      /* Threads of Mesa's open and close others meanwhile. */
      snprintf(path, sizeof(path), "/proc/self/fd/%s", entry->d_name);
      if (readlink(path, target, sizeof(target) - 1) < 0 || strncmp(target, "/dev/dri/", 9))
         continue;
      /* Several files may be one client's. */
      if ((id = tide_fdinfo(fd, "drm-client-id")) < 0)
         continue;
      version = drmGetVersion(fd);
      ours = version && !strcmp(version->name, "tide");
      drmFreeVersion(version);
      for (i = 0; i < count && clients[i] != id; i++)
         ;
      if (!ours || i < count)
         continue;
      igt_assert_lt(count, CLIENTS_MAX);
      clients[count++] = id;
      call(fd, data);
   }
   closedir(dir);
}

struct memory_sum {
   const char *key;
   uint64_t bytes;
};

static void
add_memory(int fd, void *data)
{
   struct memory_sum *sum = data;
   int64_t bytes = tide_fdinfo(fd, sum->key);

   igt_assert_f(bytes >= 0, "no %s in fdinfo\n", sum->key);
   sum->bytes += bytes;
}

uint64_t
mesa_memory(const char *key)
{
   struct memory_sum sum = {.key = key};

   for_clients(add_memory, &sum);
   return sum.bytes;
}

struct node_search {
   int64_t not;
   uint64_t most;
   int found;
};

static void
find_largest(int fd, void *data)
{
   struct node_search *search = data;
   uint64_t bytes = tide_fdinfo(fd, "drm-total-system");

   if (tide_fdinfo(fd, "drm-client-id") != search->not &&
       (search->found < 0 || bytes > search->most)) {
      search->found = fd;
      search->most = bytes;
   }
}

int
mesa_node(int other)
{
   struct node_search search = {
      .not = other < 0 ? -1 : tide_fdinfo(other, "drm-client-id"),
      .found = -1,
   };

   for_clients(find_largest, &search);
   igt_assert_lte(0, search.found);
   return search.found;
}

void
mesa_discard_offered(int fd)
{
   int64_t end = tide_deadline(TIDE_LIVENESS_S * NSEC_PER_SEC);
   uint64_t left;

   while ((left = mesa_memory("drm-purgeable-system"))) {
      igt_assert_f(tide_deadline(0) < end, "%" PRIu64 " offered bytes are not discarded\n", left);
      tide_shrink(fd, left / TIDE_PAGE);
   }
}
