/* SPDX-License-Identifier: MIT */
/* GL_MESAX_memory_trim: an application asks Mesa to free what it keeps. */
#include "igt.h"
#include "igt_tide.h"
#include "mesa_test_purgeable.h"

IGT_TEST_DESCRIPTION("GL_MESAX_memory_trim empties caches, and nothing else");

#define COUNT 16u

static void (*trim)(uint64_t *before, uint64_t *after);

static EGLContext
start(enum mesa_api api)
{
   EGLContext context = mesa_context_start(api);

   igt_assert(epoxy_has_gl_extension("GL_MESAX_memory_trim"));
   trim = (void *)eglGetProcAddress("glTrimMemoryMESAX");
   igt_assert(trim);
   return context;
}

/* Makes so many textures that a part of the caches goes. */
static void
make(GLuint textures[COUNT])
{
   static uint32_t pixels[OBJECT_PIXELS];

   for (uint32_t i = 0; i < COUNT; i++) {
      mesa_fill_pixels(pixels, OBJECT_PIXELS, i);
      textures[i] = mesa_texture(OBJECT_SIDE, OBJECT_SIDE, pixels);
   }
   glFinish();
}

static void
test_trim(enum mesa_api api)
{
   EGLContext context = start(api);
   uint64_t before, after, total;
   GLuint textures[COUNT], kept[COUNT];

   make(kept);
   make(textures);
   trim(NULL, NULL);
   trim(&before, &after);
   mesa_check_error(GL_NO_ERROR);
   igt_assert_eq_u64(before, 0);
   igt_assert_eq_u64(after, 0);

   total = mesa_memory("drm-total-system");
   glDeleteTextures(COUNT, textures);
   glFinish();
   igt_assert_eq_u64(mesa_memory("drm-total-system"), total);
   trim(&before, &after);
   mesa_check_error(GL_NO_ERROR);
   igt_assert_lte_u64(COUNT * OBJECT_BYTES, before);
   igt_assert_eq_u64(after, 0);
   igt_assert_eq_u64(mesa_memory("drm-total-system"), total - before);

   for (uint32_t i = 0; i < COUNT; i++) {
      static uint32_t is[OBJECT_PIXELS], should[OBJECT_PIXELS];
      const struct mesa_picture picture = {
         .name = "kept",
         .width = OBJECT_SIDE,
         .height = OBJECT_SIDE,
      };

      mesa_framebuffer(kept[i], OBJECT_SIDE, OBJECT_SIDE);
      mesa_read_pixels(OBJECT_SIDE, OBJECT_SIDE, is);
      mesa_fill_pixels(should, OBJECT_PIXELS, i);
      mesa_check_pixels(&picture, is, should);
   }
   mesa_context_destroy(context);
}

/* Copies of what was drawn, which a context keeps for itself. */
static void
test_own_caches(void)
{
   EGLContext context = start(MESA_GL_COMPAT);
   static uint32_t pixels[OBJECT_PIXELS], is[OBJECT_PIXELS];
   const struct mesa_picture picture = {
      .name = "drawn",
      .width = OBJECT_SIDE,
      .height = OBJECT_SIDE,
   };
   GLuint target = mesa_texture(OBJECT_SIDE, OBJECT_SIDE, NULL);
   uint64_t total;

   mesa_framebuffer(target, OBJECT_SIDE, OBJECT_SIDE);
   mesa_fill_pixels(pixels, OBJECT_PIXELS, 1);
   trim(NULL, NULL);
   total = mesa_memory("drm-total-system");
   for (uint32_t i = 0; i < 3; i++) {
      glWindowPos2i(0, 0);
      glDrawPixels(OBJECT_SIDE, OBJECT_SIDE, GL_RGBA, GL_UNSIGNED_BYTE, pixels);
      mesa_read_pixels(OBJECT_SIDE, OBJECT_SIDE, is);
      mesa_check_pixels(&picture, is, pixels);
      /* A second one finds what it needs. */
      if (i == 0)
         trim(NULL, NULL);
      if (i == 0)
         total = mesa_memory("drm-total-system");
   }
   trim(NULL, NULL);
   igt_assert_lte_u64(mesa_memory("drm-total-system"), total);
   mesa_context_destroy(context);
}

static void
test_begin_end(void)
{
   EGLContext context = start(MESA_GL_COMPAT);
   GLuint target = mesa_texture(OBJECT_SIDE, OBJECT_SIDE, NULL);
   uint64_t before = 42, after = 42;

   mesa_framebuffer(target, OBJECT_SIDE, OBJECT_SIDE);
   glBegin(GL_POINTS);
   trim(&before, &after);
   glEnd();
   mesa_check_error(GL_INVALID_OPERATION);
   igt_assert_eq_u64(before, 42);
   igt_assert_eq_u64(after, 42);
   mesa_context_destroy(context);
}

igt_main
{
   for (enum mesa_api api = 0; api < MESA_API_COUNT; api++) {
      igt_describe("Storage of deleted objects is freed, that of others stays");
      igt_subtest_f("g3-trim-%s", mesa_api_names[api])
         test_trim(api);
   }
   igt_describe("Copies that a context keeps are freed");
   igt_subtest("g3-own-caches")
      test_own_caches();
   igt_describe("Not between glBegin() and glEnd()");
   igt_subtest("errors-begin-end")
      test_begin_end();
}
