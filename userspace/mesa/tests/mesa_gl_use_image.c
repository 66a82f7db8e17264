/* SPDX-License-Identifier: MIT */
/* Purgeable textures and renderbuffers are used in every way that GL has. */
#include "igt.h"
#include "igt_tide.h"
#include "mesa_test_use.h"

IGT_TEST_DESCRIPTION("Uses of purgeable textures and renderbuffers");

#define HALF (OBJECT_SIDE / 2)

static GLuint other, framebuffer;

/*
 * Textures
 */

static void
go_all(GLuint object)
{
   use_draw_all();
}

static void
setup_sample(GLuint object)
{
   use_program(use_all, "uniform sampler2D picture;\n"
                        "out vec4 colour;\n"
                        "void main() { colour = texture(picture, gl_FragCoord.xy / SIDE); }\n");
   glBindTexture(GL_TEXTURE_2D, object);
}

static void
setup_sample_vertex(GLuint object)
{
   use_program("uniform sampler2D picture;\n"
               "out vec4 shade;\n"
               "void main() {\n"
               "   shade = texelFetch(picture, ivec2(gl_VertexID % SIDE, gl_VertexID / SIDE), 0);\n"
               "   gl_Position = place_of(uint(gl_VertexID));\n"
               "}\n",
               "in vec4 shade;\n"
               "out vec4 colour;\n"
               "void main() { colour = shade; }\n");
   glBindTexture(GL_TEXTURE_2D, object);
}

static void
go_points(GLuint object)
{
   use_draw_points(USE_PIXELS);
}

static void
setup_view(GLuint object)
{
   GLuint view;

   glGenTextures(1, &view);
   glTextureView(view, GL_TEXTURE_2D, object, GL_RGBA8, 0, 1, 0, 1);
   setup_sample(view);
}

/* Only immutable textures have views. The content stays. */
static void
prepare_view(GLuint object)
{
   const struct object texture = {.kind = OBJECT_TEXTURE, .name = object};

   glBindTexture(GL_TEXTURE_2D, object);
   glTexStorage2D(GL_TEXTURE_2D, 1, GL_RGBA8, OBJECT_SIDE, OBJECT_SIDE);
   object_fill(&texture, 1);
}

static void
setup_image_load(GLuint object)
{
   use_program(use_all, "layout(rgba8, binding = 0) uniform readonly image2D picture;\n"
                        "out vec4 colour;\n"
                        "void main() { colour = imageLoad(picture, ivec2(gl_FragCoord.xy)); }\n");
   glBindImageTexture(0, object, 0, GL_FALSE, 0, GL_READ_ONLY, GL_RGBA8);
}

static void
setup_image_store(GLuint object)
{
   static const char *const source =
      "#version 430\n"
      "layout(local_size_x = 8, local_size_y = 8) in;\n"
      "layout(rgba8, binding = 0) uniform image2D picture;\n"
      "void main() {\n"
      "   ivec2 at = ivec2(gl_GlobalInvocationID.xy);\n"
      "   imageStore(picture, at + 128, imageLoad(picture, at).yxwz);\n"
      "}\n";

   glUseProgram(glCreateShaderProgramv(GL_COMPUTE_SHADER, 1, &source));
   glBindImageTexture(0, object, 0, GL_FALSE, 0, GL_READ_WRITE, GL_RGBA8);
}

static void
go_image_store(GLuint object)
{
   glDispatchCompute(USE_SIDE / 8, USE_SIDE / 8, 1);
   glMemoryBarrier(GL_ALL_BARRIER_BITS);
}

/* Shows pixels in the framebuffer. */
static void
show(const uint32_t *pixels)
{
   glBindTexture(GL_TEXTURE_2D, use_target);
   glTexSubImage2D(GL_TEXTURE_2D, 0, 0, 0, USE_SIDE, USE_SIDE, GL_RGBA, GL_UNSIGNED_BYTE, pixels);
}

static void
go_get(GLuint object)
{
   static uint32_t pixels[OBJECT_PIXELS];

   glBindTexture(GL_TEXTURE_2D, object);
   glGetTexImage(GL_TEXTURE_2D, 0, GL_RGBA, GL_UNSIGNED_BYTE, pixels);
   show(pixels);
}

static void
go_get_part(GLuint object)
{
   static uint32_t pixels[USE_PIXELS];

   glGetTextureSubImage(object, 0, HALF, HALF, 0, USE_SIDE, USE_SIDE, 1, GL_RGBA, GL_UNSIGNED_BYTE,
                        sizeof(pixels), pixels);
   show(pixels);
}

static void
go_put(GLuint object)
{
   static const uint32_t pixels[USE_PIXELS];

   glBindTexture(GL_TEXTURE_2D, object);
   glTexSubImage2D(GL_TEXTURE_2D, 0, HALF, HALF, USE_SIDE, USE_SIDE, GL_RGBA, GL_UNSIGNED_BYTE,
                   pixels);
}

static void
go_clear_texture(GLuint object)
{
   static const uint32_t pixel = 0x12345678;

   glClearTexSubImage(object, 0, HALF, 0, 0, HALF, OBJECT_SIDE, 1, GL_RGBA, GL_UNSIGNED_BYTE,
                      &pixel);
}

/* Its framebuffer's corner, to a place of the texture. */
static void
go_copy_from_framebuffer(GLuint object)
{
   glBindTexture(GL_TEXTURE_2D, object);
   glCopyTexSubImage2D(GL_TEXTURE_2D, 0, HALF, 0, 0, 0, USE_SIDE, USE_SIDE);
}

/* A finer picture, and all that is coarser. */
static void
setup_mipmap(GLuint object)
{
   setup_sample(object);
   glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER, GL_LINEAR_MIPMAP_LINEAR);
}

static void
go_mipmap(GLuint object)
{
   glGenerateMipmap(GL_TEXTURE_2D);
   use_draw_all();
}

/* Another level comes, and with it the need of storage for both. */
static void
go_next_level(GLuint object)
{
   static const uint32_t pixels[HALF * HALF];

   glBindTexture(GL_TEXTURE_2D, object);
   glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MAX_LEVEL, 1);
   glTexImage2D(GL_TEXTURE_2D, 1, GL_RGBA8, HALF, HALF, 0, GL_RGBA, GL_UNSIGNED_BYTE, pixels);
   use_draw_all();
}

/*
 * Attachments: either kind
 */

static void
setup_attach(GLuint object)
{
   glGenFramebuffers(1, &framebuffer);
   glBindFramebuffer(GL_FRAMEBUFFER, framebuffer);
   if (use_kind == OBJECT_TEXTURE)
      glFramebufferTexture2D(GL_FRAMEBUFFER, GL_COLOR_ATTACHMENT0, GL_TEXTURE_2D, object, 0);
   else
      glFramebufferRenderbuffer(GL_FRAMEBUFFER, GL_COLOR_ATTACHMENT0, GL_RENDERBUFFER, object);
}

static void
setup_draw_to(GLuint object)
{
   setup_attach(object);
   use_program(use_all, "out vec4 colour;\n"
                        "void main() { colour = vec4(gl_FragCoord.xy / SIDE, 0.5, 1.0); }\n");
}

static void
go_draw_to(GLuint object)
{
   glBindFramebuffer(GL_FRAMEBUFFER, framebuffer);
   use_draw_all();
}

static void
go_blend_to(GLuint object)
{
   glEnable(GL_BLEND);
   glBlendFunc(GL_ONE, GL_ONE);
   go_draw_to(object);
   glDisable(GL_BLEND);
}

static void
go_clear(GLuint object)
{
   glBindFramebuffer(GL_FRAMEBUFFER, framebuffer);
   glEnable(GL_SCISSOR_TEST);
   glScissor(HALF, 0, HALF, HALF);
   glClearColor(0.25f, 0.5f, 0.75f, 1.0f);
   glClear(GL_COLOR_BUFFER_BIT);
   glDisable(GL_SCISSOR_TEST);
}

static void
go_read(GLuint object)
{
   static uint32_t pixels[USE_PIXELS];

   glBindFramebuffer(GL_FRAMEBUFFER, framebuffer);
   glReadPixels(0, 0, USE_SIDE, USE_SIDE, GL_RGBA, GL_UNSIGNED_BYTE, pixels);
   show(pixels);
}

static void
go_blit_from(GLuint object)
{
   glBindFramebuffer(GL_READ_FRAMEBUFFER, framebuffer);
   glBlitFramebuffer(0, 0, OBJECT_SIDE, OBJECT_SIDE, 0, 0, USE_SIDE, USE_SIDE, GL_COLOR_BUFFER_BIT,
                     GL_LINEAR);
}

static void
go_blit_to(GLuint object)
{
   glBindFramebuffer(GL_DRAW_FRAMEBUFFER, framebuffer);
   glBlitFramebuffer(0, 0, USE_SIDE, USE_SIDE, HALF, 0, OBJECT_SIDE, HALF, GL_COLOR_BUFFER_BIT,
                     GL_NEAREST);
}

static GLenum
target(void)
{
   return use_kind == OBJECT_TEXTURE ? GL_TEXTURE_2D : GL_RENDERBUFFER;
}

static void
go_copy_image_from(GLuint object)
{
   glCopyImageSubData(object, target(), 0, 0, 0, 0, use_target, GL_TEXTURE_2D, 0, 0, 0, 0,
                      USE_SIDE, USE_SIDE, 1);
}

static void
go_copy_image_to(GLuint object)
{
   glCopyImageSubData(use_target, GL_TEXTURE_2D, 0, 0, 0, 0, object, target(), 0, HALF, 0,
                      0, USE_SIDE, USE_SIDE, 1);
}

static void
go_draw_pixels(GLuint object)
{
   static uint32_t pixels[USE_PIXELS];

   mesa_fill_pixels(pixels, USE_PIXELS, 5);
   glBindFramebuffer(GL_FRAMEBUFFER, framebuffer);
   glWindowPos2i(0, 0);
   glDrawPixels(USE_SIDE, USE_SIDE, GL_RGBA, GL_UNSIGNED_BYTE, pixels);
}

static void
go_copy_pixels(GLuint object)
{
   glBindFramebuffer(GL_READ_FRAMEBUFFER, framebuffer);
   glWindowPos2i(0, 0);
   glCopyPixels(0, 0, USE_SIDE, USE_SIDE, GL_COLOR);
}

/* A texture of the same size, drawn from and to with several samples a pixel. */
static void
setup_resolve(GLuint object)
{
   setup_attach(object);
   glGenRenderbuffers(1, &other);
   glBindRenderbuffer(GL_RENDERBUFFER, other);
   glRenderbufferStorageMultisample(GL_RENDERBUFFER, 4, GL_RGBA8, HALF, HALF);
}

static void
go_resolve(GLuint object)
{
   GLuint multisample;

   glGenFramebuffers(1, &multisample);
   glBindFramebuffer(GL_FRAMEBUFFER, multisample);
   glFramebufferRenderbuffer(GL_FRAMEBUFFER, GL_COLOR_ATTACHMENT0, GL_RENDERBUFFER, other);
   glClearColor(0.75f, 0.5f, 0.25f, 1.0f);
   glClear(GL_COLOR_BUFFER_BIT);
   glBindFramebuffer(GL_DRAW_FRAMEBUFFER, framebuffer);
   glBlitFramebuffer(0, 0, HALF, HALF, 0, 0, HALF, HALF, GL_COLOR_BUFFER_BIT, GL_NEAREST);
   glDeleteFramebuffers(1, &multisample);
}

#define TEXTURE .kind = OBJECT_TEXTURE, .api = MESA_GL_CORE

static const struct use textures[] = {
   {"sample", TEXTURE, NULL, setup_sample, go_all},
   {"sample-vertex", TEXTURE, NULL, setup_sample_vertex, go_points},
   {"view", TEXTURE, prepare_view, setup_view, go_all},
   {"image-load", TEXTURE, NULL, setup_image_load, go_all},
   {"image-store", TEXTURE, NULL, setup_image_store, go_image_store},
   {"get", TEXTURE, NULL, NULL, go_get},
   {"get-part", TEXTURE, NULL, NULL, go_get_part},
   {"put", TEXTURE, NULL, NULL, go_put},
   {"clear-texture", TEXTURE, NULL, NULL, go_clear_texture},
   {"copy-framebuffer", TEXTURE, NULL, NULL, go_copy_from_framebuffer},
   {"mipmap", TEXTURE, NULL, setup_mipmap, go_mipmap, .new_storage = true},
   {"next-level", TEXTURE, NULL, setup_mipmap, go_next_level, .new_storage = true},
};

/* For textures and for renderbuffers */
static const struct use attachments[] = {
   {"draw", .setup = setup_draw_to, .go = go_draw_to},
   {"blend", .setup = setup_draw_to, .go = go_blend_to},
   {"clear", .setup = setup_attach, .go = go_clear},
   {"read", .setup = setup_attach, .go = go_read},
   {"blit-from", .setup = setup_attach, .go = go_blit_from},
   {"blit-to", .setup = setup_attach, .go = go_blit_to},
   {"copy-image-from", .go = go_copy_image_from},
   {"copy-image-to", .go = go_copy_image_to},
   {"resolve", .setup = setup_resolve, .go = go_resolve},
   {"draw-pixels", .api = MESA_GL_COMPAT, .setup = setup_attach, .go = go_draw_pixels},
   {"copy-pixels", .api = MESA_GL_COMPAT, .setup = setup_attach, .go = go_copy_pixels},
};

igt_main
{
   int fd = -1;

   igt_fixture
      fd = tide_open_render();

   for (uint32_t i = 0; i < ARRAY_SIZE(textures); i++) {
      igt_describe("It does what it does on a texture that is not purgeable, or on zeros");
      igt_subtest_f("texture-%s", textures[i].name)
         use_check(fd, &textures[i]);
   }
   for (enum object_kind kind = OBJECT_TEXTURE; kind <= OBJECT_RENDERBUFFER; kind++) {
      for (uint32_t i = 0; i < ARRAY_SIZE(attachments); i++) {
         struct use use = attachments[i];

         use.kind = kind;
         igt_describe("It does what it does on an object that is not purgeable, or on zeros");
         igt_subtest_f("%s-%s", object_kind_names[kind], use.name)
            use_check(fd, &use);
      }
   }
}
