/* SPDX-License-Identifier: MIT */
/*
 * Two threads, each with a context, make the same objects purgeable and unpurgeable while memory is
 * taken. What GL says of a content is checked each time.
 */
#include "igt.h"
#include "igt_tide.h"
#include "igt_tide_pressure.h"
#include "mesa_test_use.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/prctl.h>

IGT_TEST_DESCRIPTION("Two contexts with shared purgeable objects, under pressure");

#define OBJECTS 48u
#define THREADS 2u

struct slot {
   /* Whoever has it may change the content, and whether it is purgeable. */
   pthread_mutex_t lock;
   struct object object;
   uint32_t seed;
};

struct race {
   struct slot slots[OBJECTS];
   /* Objects are used while they are purgeable, too, and so are not offered any more. */
   bool wild;
   int64_t end;
   atomic_bool stop;
   atomic_uint kept, lost, seeds;
};

struct worker {
   struct race *race;
   EGLContext context;
   uint32_t random;
   uint32_t *scratch;
};

/* As it pleases, without a lock: what is drawn may be anything, but nobody is killed for it. */
static void
draw_wild(struct worker *worker)
{
   const struct object *object =
      &worker->race->slots[tide_random(&worker->random) % OBJECTS].object;

   if (object->kind == OBJECT_BUFFER) {
      glBindBuffer(GL_COPY_READ_BUFFER, object->name);
      glGetBufferSubData(GL_COPY_READ_BUFFER, 0, USE_PIXELS, worker->scratch);
   } else {
      glBindTexture(GL_TEXTURE_2D, object->name);
      use_draw_all();
   }
   if (tide_random(&worker->random) % 2)
      glFlush();
   mesa_check_error(GL_NO_ERROR);
}

static void
change(struct worker *worker, struct slot *slot)
{
   struct race *race = worker->race;
   GLenum answer = object_unpurgeable(&slot->object, GL_RETAINED_APPLE);

   if (answer == GL_RETAINED_APPLE) {
      race->kept++;
   } else {
      igt_assert_eq(answer, GL_UNDEFINED_APPLE);
      race->lost++;
      slot->seed = ++race->seeds;
      object_fill(&slot->object, slot->seed);
   }
   object_check(&slot->object, slot->seed);
   if (tide_random(&worker->random) % 4 == 0) {
      slot->seed = ++race->seeds;
      object_fill(&slot->object, slot->seed);
   }
   object_purgeable(&slot->object,
                    tide_random(&worker->random) % 2 ? GL_VOLATILE_APPLE : GL_RELEASED_APPLE);
}

static void *
work(void *data)
{
   struct worker *worker = data;
   struct race *race = worker->race;
   GLuint target, framebuffer;

   mesa_make_current(worker->context);
   target = mesa_texture(USE_SIDE, USE_SIDE, NULL);
   framebuffer = mesa_framebuffer(target, USE_SIDE, USE_SIDE);
   use_program(use_all, "uniform sampler2D picture;\n"
                        "out vec4 colour;\n"
                        "void main() { colour = texture(picture, gl_FragCoord.xy / SIDE); }\n");
   while (!race->stop) {
      struct slot *slot = &race->slots[tide_random(&worker->random) % OBJECTS];

      glBindFramebuffer(GL_FRAMEBUFFER, framebuffer);
      if (race->wild)
         draw_wild(worker);
      if (pthread_mutex_trylock(&slot->lock))
         continue;
      change(worker, slot);
      pthread_mutex_unlock(&slot->lock);
   }
   glFinish();
   mesa_make_current(EGL_NO_CONTEXT);
   return NULL;
}

static void
make_objects(struct race *race)
{
   for (uint32_t i = 0; i < OBJECTS; i++) {
      struct slot *slot = &race->slots[i];

      pthread_mutex_init(&slot->lock, NULL);
      slot->object = object_create(i % 2 ? OBJECT_TEXTURE : OBJECT_BUFFER);
      slot->seed = ++race->seeds;
      object_fill(&slot->object, slot->seed);
      object_purgeable(&slot->object, GL_VOLATILE_APPLE);
   }
}

/* The time is over, and there was something to see, however slow the machine is. */
static bool
over(const struct race *race)
{
   int64_t now = tide_deadline(0);

   return now >= race->end && ((race->kept && race->lost) ||
                               now >= race->end + TIDE_LIVENESS_S * (int64_t)NSEC_PER_SEC);
}

/* Takes an object or so for each that the threads have changed. */
static void
press_by_knob(struct race *race)
{
   uint32_t random = 1, changed = 0;
   int fd = tide_open_render();

   while (!over(race)) {
      if (race->kept + race->lost == changed) {
         usleep(100);
         continue;
      }
      changed = race->kept + race->lost;
      usleep(tide_random(&random) % 2000);
      tide_shrink(fd, 1 + tide_random(&random) % (2 * OBJECT_BYTES / TIDE_PAGE));
   }
   close(fd);
}

/* Lowers the limit until something is discarded. By then all that has to be compiled has been. */
static void
press_by_limit(struct race *race, const struct tide_cgroup *cgroup)
{
   int fd = tide_open_render();
   uint64_t limit, discards;

   while (race->kept < 2 * OBJECTS && !over(race))
      usleep(50000);
   limit = cgroup_current_mib(cgroup);
   discards = tide_stat(fd, "discarded_allocations");
   while (!over(race)) {
      if (tide_stat(fd, "discarded_allocations") == discards)
         cgroup_set_mib(cgroup, "memory.max", --limit);
      usleep(50000);
   }
   close(fd);
}

static void
body(const void *data)
{
   const bool *knob = data;
   static struct race race;
   struct worker workers[THREADS];
   pthread_t threads[THREADS];
   struct tide_cgroup cgroup;
   EGLContext context;

   if (!*knob) {
      /* Or the process grows by huge pages, when the limit has taken all that it had offered. */
      igt_assert_eq(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0), 0);
      cgroup_make(&cgroup, NULL, "race");
      tide_cgroup_enter(&cgroup);
   }
   race.wild = *knob;
   context = mesa_context_start(MESA_GL_CORE);
   make_objects(&race);
   glFinish();

   race.end = tide_deadline((getenv("TIDE_LONG") ? 60 : 10) * NSEC_PER_SEC);
   for (uint32_t i = 0; i < THREADS; i++) {
      workers[i] = (struct worker){
         .race = &race,
         .context = mesa_context_create(MESA_GL_CORE, context),
         .random = i + 1,
         .scratch = malloc(OBJECT_BYTES),
      };
      igt_assert(workers[i].scratch);
   }
   mesa_make_current(EGL_NO_CONTEXT);
   for (uint32_t i = 0; i < THREADS; i++)
      igt_assert_eq(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
   if (*knob)
      press_by_knob(&race);
   else
      press_by_limit(&race, &cgroup);
   race.stop = true;
   for (uint32_t i = 0; i < THREADS; i++)
      pthread_join(threads[i], NULL);
   igt_thread_assert_no_failures();

   igt_info("kept %u, lost %u\n", race.kept, race.lost);
   /* Else nothing was raced for. */
   igt_assert(race.kept);
   igt_assert(race.lost);
   for (uint32_t i = 0; i < THREADS; i++) {
      mesa_context_destroy(workers[i].context);
      free(workers[i].scratch);
   }
   mesa_context_destroy(context);
}

igt_main
{
   igt_fixture
      pressure_init();

   igt_describe("While the shrinkers run");
   igt_subtest("c8-g5-shared-knob")
      pressure_run(body, &(const bool){true});
   igt_describe("In a cgroup at its limit");
   igt_subtest("c8-g5-shared-limit")
      pressure_run(body, &(const bool){false});
}
