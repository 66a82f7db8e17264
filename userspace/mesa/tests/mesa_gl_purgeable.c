/* SPDX-License-Identifier: MIT */
/* GL_APPLE_object_purgeable: its errors, its answers, and what it leaves open. */
#include "igt.h"
#include "igt_tide.h"
#include "mesa_test_purgeable.h"

IGT_TEST_DESCRIPTION("Errors and answers of GL_APPLE_object_purgeable");

static int tide_fd;

/* Does each of the three calls, of which each has to give the error and do nothing. */
static void
check_calls(GLenum type, GLuint name, GLenum error)
{
   GLint value = 42;

   igt_assert_eq(glObjectPurgeableAPPLE(type, name, GL_VOLATILE_APPLE), 0);
   mesa_check_error(error);
   igt_assert_eq(glObjectUnpurgeableAPPLE(type, name, GL_RETAINED_APPLE), 0);
   mesa_check_error(error);
   glGetObjectParameterivAPPLE(type, name, GL_PURGEABLE_APPLE, &value);
   mesa_check_error(error);
   igt_assert_eq(value, 42);
}

static void
check_options(const struct object *object)
{
   static const GLenum bad[] = {0, GL_RETAINED_APPLE, GL_UNDEFINED_APPLE, GL_PURGEABLE_APPLE},
                       bad_too[] = {0, GL_VOLATILE_APPLE, GL_RELEASED_APPLE, GL_PURGEABLE_APPLE};
   GLenum type = object_types[object->kind];
   bool purgeable = object_is_purgeable(object);
   GLint value = 42;

   for (uint32_t i = 0; i < ARRAY_SIZE(bad); i++) {
      igt_assert_eq(glObjectPurgeableAPPLE(type, object->name, bad[i]), 0);
      mesa_check_error(GL_INVALID_ENUM);
      igt_assert_eq(glObjectUnpurgeableAPPLE(type, object->name, bad_too[i]), 0);
      mesa_check_error(GL_INVALID_ENUM);
   }
   glGetObjectParameterivAPPLE(type, object->name, GL_VOLATILE_APPLE, &value);
   mesa_check_error(GL_INVALID_ENUM);
   igt_assert_eq(value, 42);
   igt_assert_eq(object_is_purgeable(object), purgeable);
}

/* Only in matching pairs. */
static void
check_state(const struct object *object)
{
   static const GLenum options[] = {GL_VOLATILE_APPLE, GL_RELEASED_APPLE},
                       back[] = {GL_RETAINED_APPLE, GL_UNDEFINED_APPLE};
   GLenum type = object_types[object->kind];

   for (uint32_t i = 0; i < ARRAY_SIZE(options); i++) {
      igt_assert(!object_is_purgeable(object));
      for (uint32_t k = 0; k < ARRAY_SIZE(back); k++) {
         igt_assert_eq(glObjectUnpurgeableAPPLE(type, object->name, back[k]), 0);
         mesa_check_error(GL_INVALID_OPERATION);
      }
      igt_assert(!object_is_purgeable(object));

      object_purgeable(object, options[i]);
      check_options(object);
      for (uint32_t k = 0; k < ARRAY_SIZE(options); k++) {
         igt_assert_eq(glObjectPurgeableAPPLE(type, object->name, options[k]), 0);
         mesa_check_error(GL_INVALID_OPERATION);
      }
      igt_assert(object_is_purgeable(object));
      object_unpurgeable(object, back[i]);
   }
   igt_assert(!object_is_purgeable(object));
}

static void
test_errors(enum mesa_api api, enum object_kind kind)
{
   static const GLenum bad[] = {0, GL_TEXTURE_2D, GL_ARRAY_BUFFER, GL_FRAMEBUFFER};
   EGLContext context = mesa_context_start(api);
   struct object object, unbound;

   igt_assert(epoxy_has_gl_extension("GL_APPLE_object_purgeable"));
   object = object_create(kind);
   unbound = object_generate(kind);

   for (uint32_t i = 0; i < ARRAY_SIZE(bad); i++)
      check_calls(bad[i], object.name, GL_INVALID_ENUM);
   check_calls(object_types[kind], 0, GL_INVALID_VALUE);
   check_calls(object_types[kind], 12345, GL_INVALID_VALUE);
   check_calls(object_types[kind], unbound.name, GL_INVALID_VALUE);
   check_options(&object);
   check_state(&object);
   object_delete(&object);
   check_calls(object_types[kind], object.name, GL_INVALID_VALUE);
   mesa_context_destroy(context);
}

static void
test_begin_end(void)
{
   EGLContext context = mesa_context_start(MESA_GL_COMPAT);
   struct object target = object_create(OBJECT_TEXTURE), object = object_create(OBJECT_BUFFER);
   GLenum type = object_types[OBJECT_BUFFER];
   GLint value = 42;

   mesa_framebuffer(target.name, OBJECT_SIDE, OBJECT_SIDE);
   for (uint32_t i = 0; i < 3; i++) {
      glBegin(GL_POINTS);
      if (i == 0)
         igt_assert_eq(glObjectPurgeableAPPLE(type, object.name, GL_VOLATILE_APPLE), 0);
      else if (i == 1)
         igt_assert_eq(glObjectUnpurgeableAPPLE(type, object.name, GL_RETAINED_APPLE), 0);
      else
         glGetObjectParameterivAPPLE(type, object.name, GL_PURGEABLE_APPLE, &value);
      glEnd();
      mesa_check_error(GL_INVALID_OPERATION);
   }
   igt_assert_eq(value, 42);
   igt_assert(!object_is_purgeable(&object));
   mesa_context_destroy(context);
}

/* It is neither announced nor there. */
static void
test_es(void)
{
   EGLContext context = mesa_context_start(MESA_GLES);
   GLenum (*purgeable)(GLenum, GLuint, GLenum) = (void *)eglGetProcAddress("glObjectPurgeableAPPLE");
   struct object object = object_create(OBJECT_TEXTURE);

   igt_assert(!epoxy_has_gl_extension("GL_APPLE_object_purgeable"));
   if (purgeable) {
      igt_assert_eq(purgeable(GL_TEXTURE, object.name, GL_VOLATILE_APPLE), 0);
      mesa_check_error(GL_INVALID_OPERATION);
   }
   mesa_context_destroy(context);
}

static void
test_answer(const struct object *object, GLenum option, GLenum back, bool discard)
{
   GLenum should = discard ? GL_UNDEFINED_APPLE : back;
   uint64_t before;

   object_fill(object, 1);
   before = object_offered_bytes();
   igt_assert_eq(object_purgeable(object, option), GL_VOLATILE_APPLE);
   igt_assert(object_is_purgeable(object));
   igt_assert_lte_u64(before + OBJECT_BYTES, object_offered_bytes());
   if (discard)
      mesa_discard_offered(tide_fd);

   igt_assert_eq(object_unpurgeable(object, back), should);
   igt_assert(!object_is_purgeable(object));
   if (discard)
      object_check_zero(object);
   else if (back == GL_RETAINED_APPLE)
      object_check(object, 1);
   object_fill(object, 2);
   /* What is not offered is not discarded. */
   mesa_discard_offered(tide_fd);
   tide_shrink(tide_fd, OBJECT_BYTES / TIDE_PAGE);
   object_check(object, 2);
}

static void
test_answers(enum mesa_api api, enum object_kind kind)
{
   EGLContext context = mesa_context_start(api);
   struct object object = object_create(kind);

   for (uint32_t i = 0; i < 8; i++)
      test_answer(&object, i & 1 ? GL_VOLATILE_APPLE : GL_RELEASED_APPLE,
                  i & 2 ? GL_RETAINED_APPLE : GL_UNDEFINED_APPLE, i & 4);
   object_delete(&object);
   mesa_context_destroy(context);
}

static void
test_order(void)
{
   EGLContext context = mesa_context_start(MESA_GL_CORE);
   struct object keep = object_create(OBJECT_TEXTURE), release = object_create(OBJECT_TEXTURE);
   uint64_t offered;

   object_fill(&keep, 1);
   object_fill(&release, 2);
   object_trim();
   object_purgeable(&keep, GL_VOLATILE_APPLE);
   object_purgeable(&release, GL_RELEASED_APPLE);
   offered = object_offered_bytes();
   while (object_offered_bytes() == offered)
      tide_shrink(tide_fd, 1);
   igt_assert_eq(object_unpurgeable(&keep, GL_RETAINED_APPLE), GL_RETAINED_APPLE);
   igt_assert_eq(object_unpurgeable(&release, GL_RETAINED_APPLE), GL_UNDEFINED_APPLE);
   object_check(&keep, 1);
   mesa_context_destroy(context);
}

static void
test_no_storage(enum object_kind kind)
{
   EGLContext context = mesa_context_start(MESA_GL_CORE);
   struct object object = object_generate(kind);

   object_bind(&object);
   igt_assert_eq(object_purgeable(&object, GL_VOLATILE_APPLE), GL_VOLATILE_APPLE);
   igt_assert_eq(object_unpurgeable(&object, GL_RETAINED_APPLE), GL_RETAINED_APPLE);
   igt_assert_eq(object_purgeable(&object, GL_RELEASED_APPLE), GL_RELEASED_APPLE);
   igt_assert_eq(object_unpurgeable(&object, GL_UNDEFINED_APPLE), GL_UNDEFINED_APPLE);

   object_purgeable(&object, GL_VOLATILE_APPLE);
   object_storage(&object, OBJECT_SIDE);
   object_fill(&object, 1);
   igt_assert(object_is_purgeable(&object));
   mesa_discard_offered(tide_fd);
   igt_assert_eq(object_unpurgeable(&object, GL_RETAINED_APPLE), GL_UNDEFINED_APPLE);
   object_check(&object, 1);
   mesa_context_destroy(context);
}

/* What a purgeable object is given is not offered, whether its size is another one or not. */
static void
test_new_storage(enum object_kind kind)
{
   EGLContext context = mesa_context_start(MESA_GL_CORE);
   struct object object = object_generate(kind);

   for (uint32_t side = OBJECT_SIDE; side <= 2 * OBJECT_SIDE; side *= 2) {
      object_storage(&object, side);
      if (side == OBJECT_SIDE)
         object_fill(&object, 0);
      object_purgeable(&object, GL_VOLATILE_APPLE);
      mesa_discard_offered(tide_fd);
      object_storage(&object, OBJECT_SIDE);
      object_fill(&object, side);
      igt_assert(object_is_purgeable(&object));
      mesa_discard_offered(tide_fd);
      object_check(&object, side);
      igt_assert_eq(object_unpurgeable(&object, GL_RETAINED_APPLE), GL_UNDEFINED_APPLE);
      object_check(&object, side);
   }
   mesa_context_destroy(context);
}

static void
test_delete(enum object_kind kind)
{
   /* Here names may be chosen. */
   EGLContext context = mesa_context_start(MESA_GL_COMPAT);
   struct object object = object_create(kind), other = object_create(OBJECT_TEXTURE);
   uint64_t offered;

   object_fill(&object, 1);
   object_trim();
   offered = object_offered_bytes();
   object_purgeable(&object, GL_VOLATILE_APPLE);
   object_delete(&object);
   /* Let the driver forget what was bound. */
   mesa_framebuffer(other.name, OBJECT_SIDE, OBJECT_SIDE);
   mesa_draw_texture(0);
   glFinish();
   object_trim();
   igt_assert_eq_u64(object_offered_bytes(), offered);

   object_storage(&object, OBJECT_SIDE);
   igt_assert(!object_is_purgeable(&object));
   mesa_context_destroy(context);
}

static void
test_shared(enum object_kind kind)
{
   EGLContext one = mesa_context_start(MESA_GL_CORE),
              other = mesa_context_create(MESA_GL_CORE, one);
   struct object object = object_create(kind);

   for (uint32_t discard = 0; discard < 2; discard++) {
      object_fill(&object, 1);
      object_purgeable(&object, GL_VOLATILE_APPLE);
      mesa_make_current(other);
      igt_assert(object_is_purgeable(&object));
      if (discard)
         mesa_discard_offered(tide_fd);
      igt_assert_eq(object_unpurgeable(&object, GL_RETAINED_APPLE),
                    discard ? GL_UNDEFINED_APPLE : GL_RETAINED_APPLE);
      mesa_make_current(one);
      igt_assert(!object_is_purgeable(&object));
   }
   mesa_context_destroy(other);
   mesa_context_destroy(one);
}

/* Two textures with one storage: each is told of a loss. */
static void
test_view(bool discard)
{
   GLenum should = discard ? GL_UNDEFINED_APPLE : GL_RETAINED_APPLE;
   EGLContext context = mesa_context_start(MESA_GL_CORE);
   struct object texture = object_generate(OBJECT_TEXTURE), view = object_generate(OBJECT_TEXTURE);

   glBindTexture(GL_TEXTURE_2D, texture.name);
   glTexStorage2D(GL_TEXTURE_2D, 1, GL_RGBA8, OBJECT_SIDE, OBJECT_SIDE);
   glTextureView(view.name, GL_TEXTURE_2D, texture.name, GL_RGBA8, 0, 1, 0, 1);
   mesa_check_error(GL_NO_ERROR);

   object_fill(&texture, 1);
   object_purgeable(&texture, GL_VOLATILE_APPLE);
   igt_assert(!object_is_purgeable(&view));
   object_purgeable(&view, GL_VOLATILE_APPLE);
   if (discard)
      mesa_discard_offered(tide_fd);
   igt_assert_eq(object_unpurgeable(&view, GL_RETAINED_APPLE), should);
   igt_assert_eq(object_unpurgeable(&texture, GL_RETAINED_APPLE), should);
   if (discard)
      object_check_zero(&view);
   else
      object_check(&view, 1);

   /* And once each. */
   object_fill(&view, 2);
   object_purgeable(&texture, GL_VOLATILE_APPLE);
   igt_assert_eq(object_unpurgeable(&texture, GL_RETAINED_APPLE), GL_RETAINED_APPLE);
   object_check(&texture, 2);
   mesa_context_destroy(context);
}

static const enum mesa_api apis[] = {MESA_GL_COMPAT, MESA_GL_CORE};

igt_main
{
   igt_fixture
      tide_fd = tide_open_render();

   for (uint32_t i = 0; i < ARRAY_SIZE(apis); i++) {
      for (enum object_kind kind = 0; kind < OBJECT_KIND_COUNT; kind++) {
         igt_describe("Each error of the specification, and a call with an error does nothing");
         igt_subtest_f("errors-%s-%s", mesa_api_names[apis[i]], object_kind_names[kind])
            test_errors(apis[i], kind);
         igt_describe("Options in every combination, kept and discarded");
         igt_subtest_f("c1-answers-%s-%s", mesa_api_names[apis[i]], object_kind_names[kind])
            test_answers(apis[i], kind);
      }
   }
   igt_describe("Not between glBegin() and glEnd()");
   igt_subtest("errors-begin-end")
      test_begin_end();
   igt_describe("OpenGL ES does not have the extension");
   igt_subtest("es-has-none")
      test_es();
   igt_describe("RELEASED goes before VOLATILE");
   igt_subtest("b4-released-first")
      test_order();

   for (enum object_kind kind = 0; kind < OBJECT_KIND_COUNT; kind++) {
      igt_describe("Objects that have no storage, or get it while purgeable");
      igt_subtest_f("no-storage-%s", object_kind_names[kind])
         test_no_storage(kind);
      igt_describe("Storage given to a purgeable object is kept");
      igt_subtest_f("new-storage-%s", object_kind_names[kind])
         test_new_storage(kind);
      igt_describe("A purgeable object is deleted, and its name given to another one");
      igt_subtest_f("delete-%s", object_kind_names[kind])
         test_delete(kind);
      igt_describe("What one context makes purgeable, another one makes unpurgeable");
      igt_subtest_f("shared-%s", object_kind_names[kind])
         test_shared(kind);
   }
   igt_describe("Of two textures with one storage each is told what became of the content");
   igt_subtest("c8-view-kept")
      test_view(false);
   igt_describe("Of two textures with one storage each is told what became of the content");
   igt_subtest("c8-view-discarded")
      test_view(true);
}
