/* SPDX-License-Identifier: MIT */
#include "igt.h"
#include "mesa_test_purgeable.h"

const char *const object_kind_names[] = {
   [OBJECT_BUFFER] = "buffer",
   [OBJECT_TEXTURE] = "texture",
   [OBJECT_RENDERBUFFER] = "renderbuffer",
};

const GLenum object_types[] = {
   [OBJECT_BUFFER] = GL_BUFFER_OBJECT_APPLE,
   [OBJECT_TEXTURE] = GL_TEXTURE,
   [OBJECT_RENDERBUFFER] = GL_RENDERBUFFER,
};

struct object
object_generate(enum object_kind kind)
{
   struct object object = {.kind = kind};

   switch (kind) {
   case OBJECT_BUFFER:
      glGenBuffers(1, &object.name);
      break;
   case OBJECT_TEXTURE:
      glGenTextures(1, &object.name);
      break;
   default:
      glGenRenderbuffers(1, &object.name);
      break;
   }
   return object;
}

void
object_bind(const struct object *object)
{
   switch (object->kind) {
   case OBJECT_BUFFER:
      glBindBuffer(GL_COPY_WRITE_BUFFER, object->name);
      break;
   case OBJECT_TEXTURE:
      glBindTexture(GL_TEXTURE_2D, object->name);
      break;
   default:
      glBindRenderbuffer(GL_RENDERBUFFER, object->name);
      break;
   }
}

void
object_storage(const struct object *object, uint32_t side)
{
   object_bind(object);
   switch (object->kind) {
   case OBJECT_BUFFER:
      glBufferData(GL_COPY_WRITE_BUFFER, side * side * 4, NULL, GL_STATIC_DRAW);
      break;
   case OBJECT_TEXTURE:
      glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER, GL_NEAREST);
      glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MAG_FILTER, GL_NEAREST);
      glTexImage2D(GL_TEXTURE_2D, 0, GL_RGBA8, side, side, 0, GL_RGBA, GL_UNSIGNED_BYTE, NULL);
      break;
   default:
      glRenderbufferStorage(GL_RENDERBUFFER, GL_RGBA8, side, side);
      break;
   }
   mesa_check_error(GL_NO_ERROR);
}

struct object
object_create(enum object_kind kind)
{
   struct object object = object_generate(kind);

   object_storage(&object, OBJECT_SIDE);
   return object;
}

void
object_delete(const struct object *object)
{
   switch (object->kind) {
   case OBJECT_BUFFER:
      glDeleteBuffers(1, &object->name);
      break;
   case OBJECT_TEXTURE:
      glDeleteTextures(1, &object->name);
      break;
   default:
      glDeleteRenderbuffers(1, &object->name);
      break;
   }
   mesa_check_error(GL_NO_ERROR);
}

static void
write_renderbuffer(GLuint renderbuffer, const uint32_t *pixels)
{
   GLuint texture = mesa_texture(OBJECT_SIDE, OBJECT_SIDE, pixels), framebuffers[2];

   glGenFramebuffers(2, framebuffers);
   glBindFramebuffer(GL_READ_FRAMEBUFFER, framebuffers[0]);
   glFramebufferTexture2D(GL_READ_FRAMEBUFFER, GL_COLOR_ATTACHMENT0, GL_TEXTURE_2D, texture, 0);
   glBindFramebuffer(GL_DRAW_FRAMEBUFFER, framebuffers[1]);
   glFramebufferRenderbuffer(GL_DRAW_FRAMEBUFFER, GL_COLOR_ATTACHMENT0, GL_RENDERBUFFER,
                             renderbuffer);
   glBlitFramebuffer(0, 0, OBJECT_SIDE, OBJECT_SIDE, 0, 0, OBJECT_SIDE, OBJECT_SIDE,
                     GL_COLOR_BUFFER_BIT, GL_NEAREST);
   glBindFramebuffer(GL_FRAMEBUFFER, 0);
   glDeleteFramebuffers(2, framebuffers);
   glDeleteTextures(1, &texture);
}

static void
read_renderbuffer(GLuint renderbuffer, uint32_t *pixels)
{
   GLuint framebuffer;

   glGenFramebuffers(1, &framebuffer);
   glBindFramebuffer(GL_FRAMEBUFFER, framebuffer);
   glFramebufferRenderbuffer(GL_FRAMEBUFFER, GL_COLOR_ATTACHMENT0, GL_RENDERBUFFER, renderbuffer);
   mesa_read_pixels(OBJECT_SIDE, OBJECT_SIDE, pixels);
   glBindFramebuffer(GL_FRAMEBUFFER, 0);
   glDeleteFramebuffers(1, &framebuffer);
}

void
object_write(const struct object *object, const uint32_t *pixels)
{
   object_bind(object);
   switch (object->kind) {
   case OBJECT_BUFFER:
      glBufferSubData(GL_COPY_WRITE_BUFFER, 0, OBJECT_BYTES, pixels);
      break;
   case OBJECT_TEXTURE:
      glTexSubImage2D(GL_TEXTURE_2D, 0, 0, 0, OBJECT_SIDE, OBJECT_SIDE, GL_RGBA, GL_UNSIGNED_BYTE,
                      pixels);
      break;
   default:
      write_renderbuffer(object->name, pixels);
      break;
   }
   glFinish();
   mesa_check_error(GL_NO_ERROR);
}

void
object_read(const struct object *object, uint32_t *pixels)
{
   object_bind(object);
   switch (object->kind) {
   case OBJECT_BUFFER:
      glGetBufferSubData(GL_COPY_WRITE_BUFFER, 0, OBJECT_BYTES, pixels);
      break;
   case OBJECT_TEXTURE:
      glGetTexImage(GL_TEXTURE_2D, 0, GL_RGBA, GL_UNSIGNED_BYTE, pixels);
      break;
   default:
      read_renderbuffer(object->name, pixels);
      break;
   }
   mesa_check_error(GL_NO_ERROR);
}

void
object_fill(const struct object *object, uint32_t seed)
{
   uint32_t *pixels = malloc(OBJECT_BYTES);

   igt_assert(pixels);
   mesa_fill_pixels(pixels, OBJECT_PIXELS, seed);
   object_write(object, pixels);
   free(pixels);
}

static void
check(const struct object *object, const uint32_t *should)
{
   const struct mesa_picture picture = {
      .name = object_kind_names[object->kind],
      .width = OBJECT_SIDE,
      .height = OBJECT_SIDE,
   };
   uint32_t *is = malloc(OBJECT_BYTES);

   igt_assert(is);
   object_read(object, is);
   mesa_check_pixels(&picture, is, should);
   free(is);
}

void
object_check(const struct object *object, uint32_t seed)
{
   uint32_t *should = malloc(OBJECT_BYTES);

   igt_assert(should);
   mesa_fill_pixels(should, OBJECT_PIXELS, seed);
   check(object, should);
   free(should);
}

void
object_check_zero(const struct object *object)
{
   uint32_t *should = calloc(1, OBJECT_BYTES);

   igt_assert(should);
   check(object, should);
   free(should);
}

GLenum
object_purgeable(const struct object *object, GLenum option)
{
   GLenum answer = glObjectPurgeableAPPLE(object_types[object->kind], object->name, option);

   mesa_check_error(GL_NO_ERROR);
   return answer;
}

GLenum
object_unpurgeable(const struct object *object, GLenum option)
{
   GLenum answer = glObjectUnpurgeableAPPLE(object_types[object->kind], object->name, option);

   mesa_check_error(GL_NO_ERROR);
   return answer;
}

bool
object_is_purgeable(const struct object *object)
{
   GLint value = -1;

   glGetObjectParameterivAPPLE(object_types[object->kind], object->name, GL_PURGEABLE_APPLE,
                               &value);
   mesa_check_error(GL_NO_ERROR);
   igt_assert(value == GL_TRUE || value == GL_FALSE);
   return value;
}

void
object_trim(void)
{
   void (*trim)(uint64_t *, uint64_t *) = (void *)eglGetProcAddress("glTrimMemoryMESAX");

   igt_assert(epoxy_has_gl_extension("GL_MESAX_memory_trim"));
   igt_assert(trim);
   trim(NULL, NULL);
   mesa_check_error(GL_NO_ERROR);
}

uint64_t
object_offered_bytes(void)
{
   return mesa_memory("drm-purgeable-system");
}
