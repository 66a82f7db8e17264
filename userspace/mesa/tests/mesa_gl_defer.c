/* SPDX-License-Identifier: MIT */
/* Objects are made purgeable while work that needs them is not done. */
#include "igt.h"
#include "igt_tide.h"
#include "mesa_test_use.h"

#include <pthread.h>

IGT_TEST_DESCRIPTION("Offers that wait for work of GL contexts, and nobody who waits for them");

static int tide_fd;

/* It is not offered, whatever GL was told: pressure does not get it. */
static void
check_held_back(uint64_t offered)
{
   igt_assert_eq_u64(object_offered_bytes(), offered);
   tide_shrink(tide_fd, 16 * OBJECT_BYTES / TIDE_PAGE);
}

static void
check_offered(uint64_t offered)
{
   igt_assert_lte_u64(offered + OBJECT_BYTES, object_offered_bytes());
}

/* Nothing that this process has is offered, and so nothing else can be taken. */
static EGLContext
start(enum mesa_api api)
{
   EGLContext context = mesa_context_start(api);

   object_trim();
   return context;
}

static struct object
filled(enum object_kind kind)
{
   struct object object = object_create(kind);

   object_fill(&object, 1);
   object_trim();
   return object;
}

/* A scene that reads or writes the object, and was not flushed. */
struct scene {
   const char *name;
   enum object_kind kind;
   void (*draw)(const struct object *object);
   /* Whether that shows in the object. */
   bool writes;
};

static void
attach_target(void)
{
   use_target = mesa_texture(OBJECT_SIDE, OBJECT_SIDE, NULL);
   use_framebuffer = mesa_framebuffer(use_target, OBJECT_SIDE, OBJECT_SIDE);
}

static void
draw_from_texture(const struct object *object)
{
   attach_target();
   mesa_draw_texture(object->name);
}

static void
draw_from_buffer(const struct object *object)
{
   attach_target();
   use_program(use_all, "layout(std430, binding = 0) buffer Block { uint words[]; };\n"
                        "out vec4 colour;\n"
                        "void main() {\n"
                        "   colour = colour_of(words[int(gl_FragCoord.y) * 256 + int(gl_FragCoord.x)]);\n"
                        "}\n");
   glBindBufferBase(GL_SHADER_STORAGE_BUFFER, 0, object->name);
   use_draw_all();
}

static void
draw_to(const struct object *object)
{
   GLuint source, framebuffer;
   static uint32_t pixels[OBJECT_PIXELS];

   mesa_fill_pixels(pixels, OBJECT_PIXELS, 2);
   source = mesa_texture(OBJECT_SIDE, OBJECT_SIDE, pixels);
   glGenFramebuffers(1, &framebuffer);
   glBindFramebuffer(GL_FRAMEBUFFER, framebuffer);
   if (object->kind == OBJECT_TEXTURE)
      glFramebufferTexture2D(GL_FRAMEBUFFER, GL_COLOR_ATTACHMENT0, GL_TEXTURE_2D, object->name, 0);
   else
      glFramebufferRenderbuffer(GL_FRAMEBUFFER, GL_COLOR_ATTACHMENT0, GL_RENDERBUFFER,
                                object->name);
   glViewport(0, 0, OBJECT_SIDE, OBJECT_SIDE);
   mesa_draw_texture(source);
}

static const struct scene scenes[] = {
   {"from-texture", OBJECT_TEXTURE, draw_from_texture, false},
   {"from-buffer", OBJECT_BUFFER, draw_from_buffer, false},
   {"to-texture", OBJECT_TEXTURE, draw_to, true},
   {"to-renderbuffer", OBJECT_RENDERBUFFER, draw_to, true},
};

/* What a scene shows is what it would have shown, had the object not been offered. */
static void
check_scene(const struct scene *scene, const struct object *object)
{
   static uint32_t is[OBJECT_PIXELS], should[OBJECT_PIXELS];
   const struct mesa_picture picture = {
      .name = scene->name,
      .width = OBJECT_SIDE,
      .height = OBJECT_SIDE,
   };

   if (scene->writes) {
      object_check(object, 2);
      return;
   }
   glBindFramebuffer(GL_FRAMEBUFFER, use_framebuffer);
   mesa_read_pixels(OBJECT_SIDE, OBJECT_SIDE, is);
   mesa_fill_pixels(should, OBJECT_PIXELS, 1);
   mesa_check_pixels(&picture, is, should);
   object_check(object, 1);
}

static void
test_unflushed(const struct scene *scene)
{
   EGLContext context = start(MESA_GL_CORE);
   struct object object = filled(scene->kind);
   uint64_t offered;

   scene->draw(&object);
   offered = object_offered_bytes();
   object_purgeable(&object, GL_RELEASED_APPLE);
   check_held_back(offered);
   glFinish();
   check_offered(offered);
   igt_assert_eq(object_unpurgeable(&object, GL_RETAINED_APPLE), GL_RETAINED_APPLE);
   check_scene(scene, &object);
   mesa_context_destroy(context);
}

/* It is taken back before the offer has gone anywhere. */
static void
test_cancel(const struct scene *scene)
{
   EGLContext context = start(MESA_GL_CORE);
   struct object object = filled(scene->kind);
   uint64_t offered;

   scene->draw(&object);
   offered = object_offered_bytes();
   object_purgeable(&object, GL_VOLATILE_APPLE);
   igt_assert_eq(object_unpurgeable(&object, GL_RETAINED_APPLE), GL_RETAINED_APPLE);
   glFinish();
   check_held_back(offered);
   check_scene(scene, &object);
   mesa_context_destroy(context);
}

/*
 * Another context, in a thread of its own
 */

struct other {
   EGLContext context;
   const struct scene *scene;
   struct object object;
   pthread_barrier_t drawn, offered;
   bool destroy;
};

static void *
draw_in_thread(void *data)
{
   struct other *other = data;

   mesa_make_current(other->context);
   other->scene->draw(&other->object);
   pthread_barrier_wait(&other->drawn);
   pthread_barrier_wait(&other->offered);
   if (other->destroy) {
      mesa_context_destroy(other->context);
   } else {
      glFinish();
      check_scene(other->scene, &other->object);
      mesa_make_current(EGL_NO_CONTEXT);
   }
   return NULL;
}

static void
test_other_context(const struct scene *scene, bool destroy)
{
   EGLContext context = start(MESA_GL_CORE);
   struct other other = {
      .context = mesa_context_create(MESA_GL_CORE, context),
      .scene = scene,
      .object = filled(scene->kind),
      .destroy = destroy,
   };
   uint64_t offered;
   pthread_t thread;

   pthread_barrier_init(&other.drawn, NULL, 2);
   pthread_barrier_init(&other.offered, NULL, 2);
   igt_assert_eq(pthread_create(&thread, NULL, draw_in_thread, &other), 0);
   pthread_barrier_wait(&other.drawn);
   offered = object_offered_bytes();
   object_purgeable(&other.object, GL_VOLATILE_APPLE);
   glFinish();
   check_held_back(offered);
   pthread_barrier_wait(&other.offered);
   pthread_join(thread, NULL);
   /* The thread has looked at it, or what it drew is lost. */
   if (destroy)
      check_offered(offered);
   igt_assert_eq(object_unpurgeable(&other.object, GL_RETAINED_APPLE), GL_RETAINED_APPLE);
   if (!destroy)
      mesa_context_destroy(other.context);
   mesa_context_destroy(context);
}

/* A scene that takes long is under way. */
static void
test_never_waits(void)
{
   EGLContext context = start(MESA_GL_CORE);
   struct object object = filled(OBJECT_TEXTURE);
   uint64_t offered;
   GLint status = GL_SIGNALED, rounds;
   GLsync fence;

   attach_target();
   use_program(use_all, "uniform sampler2D picture;\n"
                        "uniform int rounds;\n"
                        "out vec4 colour;\n"
                        "void main() {\n"
                        "   vec2 at = gl_FragCoord.xy / 256.0;\n"
                        "   for (int i = 0; i < rounds; i++)\n"
                        "      at = fract(at + texture(picture, at).xy);\n"
                        "   colour = vec4(at, 0.0, 1.0);\n"
                        "}\n");
   glGetIntegerv(GL_CURRENT_PROGRAM, &rounds);
   rounds = glGetUniformLocation(rounds, "rounds");
   glBindTexture(GL_TEXTURE_2D, object.name);

   for (GLint n = 16; status == GL_SIGNALED; n *= 4) {
      igt_assert(n < 1 << 24);
      glUniform1i(rounds, n);
      offered = object_offered_bytes();
      use_draw_all();
      fence = glFenceSync(GL_SYNC_GPU_COMMANDS_COMPLETE, 0);
      glFlush();
      object_purgeable(&object, GL_VOLATILE_APPLE);
      if (object_offered_bytes() == offered)
         glGetSynciv(fence, GL_SYNC_STATUS, 1, NULL, &status);
      glFinish();
      check_offered(offered);
      igt_assert_eq(object_unpurgeable(&object, GL_RETAINED_APPLE), GL_RETAINED_APPLE);
      glDeleteSync(fence);
   }
   mesa_context_destroy(context);
}

static void
test_mapped(GLbitfield persistent)
{
   EGLContext context = start(MESA_GL_CORE);
   struct object object = object_generate(OBJECT_BUFFER);
   uint64_t offered;
   uint32_t *map;

   object_bind(&object);
   glBufferStorage(GL_COPY_WRITE_BUFFER, OBJECT_BYTES, NULL,
                   GL_MAP_READ_BIT | GL_MAP_WRITE_BIT | GL_DYNAMIC_STORAGE_BIT | persistent);
   map = glMapBufferRange(GL_COPY_WRITE_BUFFER, 0, OBJECT_BYTES,
                          GL_MAP_READ_BIT | GL_MAP_WRITE_BIT | persistent);
   igt_assert(map);
   offered = object_offered_bytes();
   object_purgeable(&object, GL_RELEASED_APPLE);
   check_held_back(offered);
   mesa_fill_pixels(map, OBJECT_PIXELS, 1);
   check_held_back(offered);
   igt_assert(glUnmapBuffer(GL_COPY_WRITE_BUFFER));
   check_offered(offered);
   igt_assert_eq(object_unpurgeable(&object, GL_RETAINED_APPLE), GL_RETAINED_APPLE);
   object_check(&object, 1);
   mesa_context_destroy(context);
}

/* Vertices and bitmaps that GL has collected, and would draw later. */
static void
test_collected(bool bitmap)
{
   EGLContext context = start(MESA_GL_COMPAT);
   struct object object = filled(OBJECT_TEXTURE);
   const GLubyte bits[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
   uint32_t pixel;
   uint64_t offered;

   mesa_framebuffer(object.name, OBJECT_SIDE, OBJECT_SIDE);
   glClear(GL_COLOR_BUFFER_BIT);
   glFinish();
   glColor4f(1.0f, 1.0f, 1.0f, 1.0f);
   if (bitmap) {
      glPixelStorei(GL_UNPACK_ALIGNMENT, 1);
      glWindowPos2i(0, 0);
      glBitmap(8, 8, 0, 0, 0, 0, bits);
   } else {
      glBegin(GL_POINTS);
      glVertex2f(1.0f / OBJECT_SIDE - 1.0f, 1.0f / OBJECT_SIDE - 1.0f);
      glEnd();
   }
   offered = object_offered_bytes();
   object_purgeable(&object, GL_VOLATILE_APPLE);
   glFinish();
   check_offered(offered);
   igt_assert_eq(object_unpurgeable(&object, GL_RETAINED_APPLE), GL_RETAINED_APPLE);
   mesa_read_pixels(1, 1, &pixel);
   igt_assert_eq_u32(pixel, 0xffffffff);
   mesa_context_destroy(context);
}

igt_main
{
   igt_fixture
      tide_fd = tide_open_render();

   for (uint32_t i = 0; i < ARRAY_SIZE(scenes); i++) {
      igt_describe("An offer waits for a scene that was not flushed");
      igt_subtest_f("g1-unflushed-%s", scenes[i].name)
         test_unflushed(&scenes[i]);
      igt_describe("An offer that waits is taken back");
      igt_subtest_f("g2-cancel-%s", scenes[i].name)
         test_cancel(&scenes[i]);
      igt_describe("An offer waits for a scene of another context, in another thread");
      igt_subtest_f("g1-other-context-%s", scenes[i].name)
         test_other_context(&scenes[i], false);
      igt_describe("An offer that waits for a context is not lost with it");
      igt_subtest_f("g1-lost-context-%s", scenes[i].name)
         test_other_context(&scenes[i], true);
   }
   igt_describe("To offer what a scene under way draws from takes no time");
   igt_subtest("g1-never-waits")
      test_never_waits();
   igt_describe("An offer waits until the buffer is not mapped any more");
   igt_subtest("g1-mapped")
      test_mapped(0);
   igt_describe("An offer waits until the buffer is not mapped any more");
   igt_subtest("g1-mapped-persistent")
      test_mapped(GL_MAP_PERSISTENT_BIT | GL_MAP_COHERENT_BIT);
   igt_describe("What GL has collected is drawn before the offer");
   igt_subtest("g1-collected-vertices")
      test_collected(false);
   igt_describe("What GL has collected is drawn before the offer");
   igt_subtest("g1-collected-bitmap")
      test_collected(true);
}
