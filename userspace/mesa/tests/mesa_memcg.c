/* SPDX-License-Identifier: MIT */
/* Programs on Mesa in memory cgroups: who is killed, and who is not. */
#include "igt.h"
#include "igt_tide.h"
#include "igt_tide_pressure.h"
#include "mesa_test_gl.h"

#include <sys/socket.h>
#include <sys/wait.h>

IGT_TEST_DESCRIPTION("What an idle program has offered keeps it alive at a limit of its cgroup");

#define IMAGE       1024u /* pixels a side */
#define IMAGE_BYTES (4ul * IMAGE * IMAGE)
#define IMAGES      40u
/* Much less than the images need, and enough for all the rest. */
#define LIMIT_MIB 96
#define VIEW      64u

/* What the gallery tells when it is looked at again. */
struct tale {
   uint32_t kept, lost, wrong;
};

/*
 * The gallery: a process of its own
 */

/* By fixed functions: a program for each image would take memory, too. */
static void
look_at(GLuint texture, uint32_t *view)
{
   glBindTexture(GL_TEXTURE_2D, texture);
   glEnable(GL_TEXTURE_2D);
   glBegin(GL_TRIANGLE_STRIP);
   for (int i = 0; i < 4; i++) {
      glTexCoord2i(i & 1, i >> 1);
      glVertex2i(i & 1 ? 1 : -1, i >> 1 ? 1 : -1);
   }
   glEnd();
   mesa_read_pixels(VIEW, VIEW, view);
}

static GLuint
decode(uint32_t number)
{
   uint32_t *pixels = malloc(IMAGE_BYTES);
   GLuint texture;

   igt_assert(pixels);
   mesa_fill_pixels(pixels, IMAGE * IMAGE, number);
   texture = mesa_texture(IMAGE, IMAGE, pixels);
   free(pixels);
   return texture;
}

static void
offer(GLuint texture)
{
   if (!mesa_is_reference())
      igt_assert_eq(glObjectPurgeableAPPLE(GL_TEXTURE, texture, GL_VOLATILE_APPLE),
                    GL_VOLATILE_APPLE);
}

static bool
still_there(GLuint texture)
{
   if (mesa_is_reference())
      return true;
   return glObjectUnpurgeableAPPLE(GL_TEXTURE, texture, GL_RETAINED_APPLE) == GL_RETAINED_APPLE;
}

/*
 * All that it will do, so that what is read of programs and libraries for it is charged to whom
 * calls this. To read that again is no way to spend a cgroup's last page: file systems allocate
 * with GFP_NOFS, for which nothing is discarded.
 */
static void
rehearse(uint32_t *view)
{
   GLuint image = decode(0);

   look_at(image, view);
   offer(image);
   glFinish();
   still_there(image);
   glDeleteTextures(1, &image);
}

/* Shows its images, is idle until it is told, and shows them again. */
static void
gallery(const char *task)
{
   static uint32_t views[IMAGES][VIEW * VIEW];
   uint32_t again[VIEW * VIEW];
   GLuint images[IMAGES];
   struct tide_cgroup cg;
   struct tale tale = {};
   char byte = 0;
   int control;

   igt_assert_eq(sscanf(task, "gallery %d %127s", &control, cg.path), 2);
   mesa_context_start(MESA_GL_COMPAT);
   mesa_framebuffer(mesa_texture(VIEW, VIEW, NULL), VIEW, VIEW);
   rehearse(again);
   tide_cgroup_enter(&cg);
   for (uint32_t i = 0; i < IMAGES; i++) {
      images[i] = decode(i);
      look_at(images[i], views[i]);
   }
   for (uint32_t i = 0; i < IMAGES; i++)
      offer(images[i]);
   glFinish();

   igt_assert_eq(write(control, &byte, 1), 1);
   igt_assert_eq(read(control, &byte, 1), 1);

   for (uint32_t i = 0; i < IMAGES; i++) {
      if (still_there(images[i])) {
         tale.kept++;
      } else {
         tale.lost++;
         glDeleteTextures(1, &images[i]);
         images[i] = decode(i);
      }
      look_at(images[i], again);
      tale.wrong += memcmp(again, views[i], sizeof(again)) != 0;
      glDeleteTextures(1, &images[i]);
   }
   igt_assert_eq(write(control, &tale, sizeof(tale)), sizeof(tale));
   _exit(0);
}

/*
 * The test
 */

/* Whether it lives after its cgroup got a limit. */
static bool
run_gallery(bool stock, struct tale *tale)
{
   struct tide_cgroup cg;
   char task[192], byte;
   bool alive;
   pid_t pid;
   int control[2], status;

   cgroup_make(&cg, NULL, stock ? "mesa-stock" : "mesa-tide");
   do_or_die(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, control));
   do_or_die(fcntl(control[0], F_SETFD, FD_CLOEXEC));
   snprintf(task, sizeof(task), "gallery %d %s", control[1], cg.path);
   pid = mesa_start(task, stock);
   close(control[1]);
   igt_assert_eq(read(control[0], &byte, 1), 1);
   igt_info("%s: %" PRIu64 " MiB in the cgroup (%" PRIu64 " anonymous, %" PRIu64
            " shared), limited to %u\n",
            stock ? "stock" : "tide", cgroup_current_mib(&cg),
            tide_cgroup_key(&cg, "memory.stat", "anon") >> 20,
            tide_cgroup_key(&cg, "memory.stat", "shmem") >> 20, LIMIT_MIB);
   igt_assert_lt_u64(LIMIT_MIB, cgroup_current_mib(&cg));
   cgroup_set_mib(&cg, "memory.max", LIMIT_MIB);
   /* The write returns when the cgroup is below its limit, or somebody was killed. */
   alive = !cgroup_kills(&cg);
   if (alive) {
      igt_assert_eq(write(control[0], &byte, 1), 1);
      alive = read(control[0], tale, sizeof(*tale)) == sizeof(*tale);
   }
   igt_assert_eq(waitpid(pid, &status, 0), pid);
   close(control[0]);
   return alive;
}

static void
test_idle_gallery(const void *data)
{
   struct tale tale = {};

   igt_assert_f(!run_gallery(true, &tale), "nothing is shown where the stock gallery lives, too\n");
   igt_assert(run_gallery(false, &tale));
   igt_info("%" PRIu32 " images kept, %" PRIu32 " lost, %" PRIu32 " wrong\n", tale.kept, tale.lost,
            tale.wrong);
   igt_assert_eq_u32(tale.kept + tale.lost, IMAGES);
   igt_assert_lt_u64((IMAGES * IMAGE_BYTES >> 20) - LIMIT_MIB, tale.lost * IMAGE_BYTES >> 20);
   igt_assert_eq_u32(tale.wrong, 0);
}

igt_main
{
   if (mesa_task())
      gallery(mesa_task());

   igt_fixture
      pressure_init();

   igt_describe("An idle gallery loses images where one on Debian's Mesa is killed");
   igt_subtest("h2-idle-gallery")
      pressure_run(test_idle_gallery, NULL);
}
