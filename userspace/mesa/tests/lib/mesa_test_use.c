/* SPDX-License-Identifier: MIT */
#include "igt.h"
#include "mesa_test_use.h"

enum object_kind use_kind;
GLuint use_framebuffer, use_target;

const char use_all[] = "void main() {\n"
                       "   vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1);\n"
                       "   gl_Position = vec4(corner * 4.0 - 1.0, 0.0, 1.0);\n"
                       "}\n";

static const char common[] = "#version 430\n"
                             "#define SIDE 64\n"
                             "vec4 colour_of(uint word) {\n"
                             "   return vec4(word & 255u, word >> 8 & 255u, word >> 16 & 255u,\n"
                             "               word >> 24) / 255.0;\n"
                             "}\n"
                             "vec4 place_of(uint i) {\n"
                             "   vec2 at = vec2(i % SIDE, i / SIDE % SIDE) + 0.5;\n"
                             "   return vec4(at / SIDE * 2.0 - 1.0, 0.0, 1.0);\n"
                             "}\n";

void
use_program(const char *vertex, const char *fragment)
{
   char sources[2][2048];
   GLuint array;

   snprintf(sources[0], sizeof(sources[0]), "%s%s", common, vertex);
   snprintf(sources[1], sizeof(sources[1]), "%s%s", common, fragment);
   glUseProgram(mesa_program(sources[0], sources[1]));
   glGenVertexArrays(1, &array);
   glBindVertexArray(array);
   mesa_check_error(GL_NO_ERROR);
}

void
use_draw_points(uint32_t count)
{
   glDrawArrays(GL_POINTS, 0, count);
}

void
use_draw_all(void)
{
   glDrawArrays(GL_TRIANGLES, 0, 3);
}

/* What a use shows: the framebuffer, and the object's content afterwards. */
struct outcome {
   uint32_t drawn[USE_PIXELS];
   uint32_t content[OBJECT_PIXELS];
};

struct play {
   bool offer;
   bool lose;
   /* Use it before that, too: then all that it needs is bound and known to the driver. */
   bool again;
};

static void
use_it(const struct use *use, const struct object *object)
{
   glBindFramebuffer(GL_FRAMEBUFFER, use_framebuffer);
   glViewport(0, 0, USE_SIDE, USE_SIDE);
   use->go(object->name);
   mesa_check_error(GL_NO_ERROR);
}

static void
lose(int tide_fd, const struct play *play, const struct object *object)
{
   uint32_t *zeros;

   if (play->offer) {
      mesa_discard_offered(tide_fd);
      return;
   }
   zeros = calloc(1, OBJECT_BYTES);
   igt_assert(zeros);
   object_write(object, zeros);
   free(zeros);
}

static struct outcome *
play(int tide_fd, const struct use *use, const struct play *play)
{
   EGLContext context = mesa_context_start(use->api);
   struct object object = object_create(use->kind);
   struct outcome *outcome = calloc(1, sizeof(*outcome));
   uint64_t offered;

   igt_assert(outcome);
   use_kind = use->kind;
   use_target = mesa_texture(USE_SIDE, USE_SIDE, NULL);
   use_framebuffer = mesa_framebuffer(use_target, USE_SIDE, USE_SIDE);
   glClear(GL_COLOR_BUFFER_BIT);
   object_fill(&object, 1);
   if (use->prepare)
      use->prepare(object.name);

   if (play->again) {
      if (use->setup)
         use->setup(object.name);
      use_it(use, &object);
   }
   glFinish();
   if (play->offer) {
      offered = object_offered_bytes();
      object_purgeable(&object, GL_VOLATILE_APPLE);
      igt_assert_lte_u64(offered + OBJECT_BYTES, object_offered_bytes());
   }
   if (play->lose)
      lose(tide_fd, play, &object);
   if (!play->again && use->setup)
      use->setup(object.name);
   use_it(use, &object);

   if (play->offer) {
      bool lost = play->lose || (use->new_storage && !play->again);

      igt_assert(object_is_purgeable(&object));
      igt_assert_eq(object_unpurgeable(&object, GL_RETAINED_APPLE),
                    lost ? GL_UNDEFINED_APPLE : GL_RETAINED_APPLE);
   }
   glBindFramebuffer(GL_FRAMEBUFFER, use_framebuffer);
   mesa_read_pixels(USE_SIDE, USE_SIDE, outcome->drawn);
   object_read(&object, outcome->content);
   mesa_context_destroy(context);
   return outcome;
}

static void
compare(const struct use *use, const struct outcome *is, const struct outcome *should)
{
   const struct mesa_picture drawn = {.name = use->name, .width = USE_SIDE, .height = USE_SIDE};
   const struct mesa_picture content = {
      .name = use->name,
      .width = OBJECT_SIDE,
      .height = OBJECT_SIDE,
   };

   mesa_check_pixels(&drawn, is->drawn, should->drawn);
   mesa_check_pixels(&content, is->content, should->content);
}

void
use_check(int tide_fd, const struct use *use)
{
   for (uint32_t again = 0; again < 2; again++) {
      struct outcome *should[2];

      for (uint32_t lose = 0; lose < 2; lose++) {
         struct outcome *is;

         should[lose] = play(tide_fd, use, &(struct play){false, lose, again});
         is = play(tide_fd, use, &(struct play){true, lose, again});
         compare(use, is, should[lose]);
         free(is);
      }
      /* Else this shows nothing. */
      igt_assert(memcmp(should[0], should[1], sizeof(*should[0])));
      free(should[0]);
      free(should[1]);
   }
}
