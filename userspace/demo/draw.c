/* SPDX-License-Identifier: MIT */

#include "draw.h"

#include <stdlib.h>
#include <string.h>

#define EGL_NO_X11
#include <EGL/egl.h>
#include <EGL/eglext.h>
#include <GLES2/gl2.h>
#include <GLES2/gl2ext.h>

#include "util.h"

#define GL_TEXTURE         0x1702
#define GL_VOLATILE_APPLE  0x8A1A
#define GL_RETAINED_APPLE  0x8A1B

typedef GLenum(GL_APIENTRYP object_change)(GLenum type, GLuint name, GLenum option);

struct painter {
   const struct wall *wall;
   /* Of GL_APPLE_object_purgeable, if it is used. */
   object_change purgeable, unpurgeable;
   EGLDisplay display;
   EGLContext context;
   GLuint framebuffer, renderbuffer;
   GLuint program;
   GLint rectangle;
   GLuint *textures; /* of each image, or 0 */
   GLuint *unused;   /* textures of images that went out of sight, for those that come in */
   int unused_count;
   char *renderer;
};

static const char vertex_source[] =
   "#version 100\n"
   "attribute vec2 corner;\n"
   "uniform vec4 rectangle;\n"
   "varying vec2 place;\n"
   "void main()\n"
   "{\n"
   "   place = corner;\n"
   "   gl_Position = vec4(rectangle.xy + corner * rectangle.zw, 0.0, 1.0);\n"
   "}\n";

/*
 * A pixel covers about 7 by 7 texels: the mean of four samples, each the mean of four texels, is
 * close enough, and cheaper than making mipmaps of an image that shows for a few frames.
 */
static const char fragment_source[] = "#version 100\n"
                                      "precision mediump float;\n"
                                      "uniform sampler2D image;\n"
                                      "uniform vec2 spread;\n"
                                      "varying vec2 place;\n"
                                      "\n"
                                      "vec4 pick(vec2 offset)\n"
                                      "{\n"
                                      "   return texture2D(image, place + offset * spread);\n"
                                      "}\n"
                                      "\n"
                                      "void main()\n"
                                      "{\n"
                                      "   vec4 left = pick(vec2(-1, -1)) + pick(vec2(-1, 1));\n"
                                      "   vec4 right = pick(vec2(1, -1)) + pick(vec2(1, 1));\n"
                                      "   gl_FragColor = 0.25 * (left + right);\n"
                                      "}\n";

static void
check(const char *what)
{
   GLenum error = glGetError();
   if (error)
      die("%s: GL error 0x%x", what, error);
}

static void
make_context(struct painter *painter, bool purgeable)
{
   const EGLint es_wants[] = {EGL_CONTEXT_CLIENT_VERSION, 2, EGL_NONE}, gl_wants[] = {EGL_NONE};
   PFNEGLGETPLATFORMDISPLAYEXTPROC get_platform_display =
      (PFNEGLGETPLATFORMDISPLAYEXTPROC)eglGetProcAddress("eglGetPlatformDisplayEXT");
   if (!get_platform_display)
      die("EGL knows no platforms");
   painter->display =
      get_platform_display(EGL_PLATFORM_SURFACELESS_MESA, EGL_DEFAULT_DISPLAY, NULL);
   if (!eglInitialize(painter->display, NULL, NULL))
      die("EGL does not start: 0x%x", eglGetError());
   if (!eglBindAPI(purgeable ? EGL_OPENGL_API : EGL_OPENGL_ES_API))
      die("EGL has no OpenGL");

   const EGLint config_wants[] = {
      EGL_RENDERABLE_TYPE, purgeable ? EGL_OPENGL_BIT : EGL_OPENGL_ES2_BIT,
      EGL_SURFACE_TYPE,    0,
      EGL_NONE,
   };
   EGLConfig config;
   EGLint count;
   if (!eglChooseConfig(painter->display, config_wants, &config, 1, &count) || !count)
      die("EGL has no configuration for OpenGL");
   painter->context = eglCreateContext(painter->display, config, EGL_NO_CONTEXT,
                                       purgeable ? gl_wants : es_wants);
   if (!painter->context ||
       !eglMakeCurrent(painter->display, EGL_NO_SURFACE, EGL_NO_SURFACE, painter->context))
      die("no OpenGL context: 0x%x", eglGetError());

   if (purgeable) {
      if (!strstr((const char *)glGetString(GL_EXTENSIONS), "GL_APPLE_object_purgeable"))
         die("%s: no purgeable objects", glGetString(GL_RENDERER));
      painter->purgeable = (object_change)eglGetProcAddress("glObjectPurgeableAPPLE");
      painter->unpurgeable = (object_change)eglGetProcAddress("glObjectUnpurgeableAPPLE");
   }
}

static GLuint
compile(GLenum type, const char *source)
{
   GLuint shader = glCreateShader(type);
   glShaderSource(shader, 1, &source, NULL);
   glCompileShader(shader);
   GLint good;
   glGetShaderiv(shader, GL_COMPILE_STATUS, &good);
   if (!good) {
      char log[1024] = "";
      glGetShaderInfoLog(shader, sizeof(log), NULL, log);
      die("a shader does not compile: %s", log);
   }
   return shader;
}

static void
make_program(struct painter *painter)
{
   GLuint vertex = compile(GL_VERTEX_SHADER, vertex_source);
   GLuint fragment = compile(GL_FRAGMENT_SHADER, fragment_source);
   painter->program = glCreateProgram();
   glAttachShader(painter->program, vertex);
   glAttachShader(painter->program, fragment);
   glBindAttribLocation(painter->program, 0, "corner");
   glLinkProgram(painter->program);
   GLint good;
   glGetProgramiv(painter->program, GL_LINK_STATUS, &good);
   if (!good)
      die("the shaders do not link");
   glDeleteShader(vertex);
   glDeleteShader(fragment);

   static const GLfloat corners[] = {0, 0, 1, 0, 0, 1, 1, 1};
   glUseProgram(painter->program);
   glVertexAttribPointer(0, 2, GL_FLOAT, GL_FALSE, 0, corners);
   glEnableVertexAttribArray(0);
   GLfloat spread = 0.25f / TILE_SIZE;
   glUniform2f(glGetUniformLocation(painter->program, "spread"), spread, spread);
   painter->rectangle = glGetUniformLocation(painter->program, "rectangle");
}

static void
make_framebuffer(struct painter *painter)
{
   glGenRenderbuffers(1, &painter->renderbuffer);
   glBindRenderbuffer(GL_RENDERBUFFER, painter->renderbuffer);
   glRenderbufferStorage(GL_RENDERBUFFER, GL_RGBA8_OES, FRAME_WIDTH, FRAME_HEIGHT);
   glGenFramebuffers(1, &painter->framebuffer);
   glBindFramebuffer(GL_FRAMEBUFFER, painter->framebuffer);
   glFramebufferRenderbuffer(GL_FRAMEBUFFER, GL_COLOR_ATTACHMENT0, GL_RENDERBUFFER,
                             painter->renderbuffer);
   if (glCheckFramebufferStatus(GL_FRAMEBUFFER) != GL_FRAMEBUFFER_COMPLETE)
      die("the framebuffer is not complete");
   glViewport(0, 0, FRAME_WIDTH, FRAME_HEIGHT);
}

struct painter *
painter_create(const struct wall *wall, bool purgeable)
{
   struct painter *painter = allocate(sizeof(*painter));
   painter->wall = wall;
   painter->textures = allocate(wall->image_count * sizeof(*painter->textures));
   painter->unused = allocate(wall->image_count * sizeof(*painter->unused));
   make_context(painter, purgeable);
   make_program(painter);
   make_framebuffer(painter);
   check("starting");
   painter->renderer = format("%s, %s", glGetString(GL_RENDERER), glGetString(GL_VERSION));
   return painter;
}

void
painter_destroy(struct painter *painter)
{
   glDeleteTextures(painter->wall->image_count, painter->textures);
   glDeleteTextures(painter->unused_count, painter->unused);
   glDeleteProgram(painter->program);
   glDeleteFramebuffers(1, &painter->framebuffer);
   glDeleteRenderbuffers(1, &painter->renderbuffer);
   eglMakeCurrent(painter->display, EGL_NO_SURFACE, EGL_NO_SURFACE, EGL_NO_CONTEXT);
   eglDestroyContext(painter->display, painter->context);
   eglTerminate(painter->display);
   free(painter->textures);
   free(painter->unused);
   free(painter->renderer);
   free(painter);
}

const char *
painter_renderer(const struct painter *painter)
{
   return painter->renderer;
}

void
painter_show(struct painter *painter, int image, const void *pixels)
{
   if (!painter->textures[image] && painter->unused_count)
      painter->textures[image] = painter->unused[--painter->unused_count];
   if (painter->textures[image]) {
      glBindTexture(GL_TEXTURE_2D, painter->textures[image]);
      glTexSubImage2D(GL_TEXTURE_2D, 0, 0, 0, IMAGE_SIZE, IMAGE_SIZE, GL_RGBA, GL_UNSIGNED_BYTE,
                      pixels);
   } else {
      glGenTextures(1, &painter->textures[image]);
      glBindTexture(GL_TEXTURE_2D, painter->textures[image]);
      glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER, GL_LINEAR);
      glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MAG_FILTER, GL_LINEAR);
      glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_WRAP_S, GL_CLAMP_TO_EDGE);
      glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_WRAP_T, GL_CLAMP_TO_EDGE);
      glTexImage2D(GL_TEXTURE_2D, 0, GL_RGBA, IMAGE_SIZE, IMAGE_SIZE, 0, GL_RGBA, GL_UNSIGNED_BYTE,
                   pixels);
   }
}

void
painter_hide(struct painter *painter, int image)
{
   painter->unused[painter->unused_count++] = painter->textures[image];
   painter->textures[image] = 0;
}

void
painter_offer(struct painter *painter, int image)
{
   painter->purgeable(GL_TEXTURE, painter->textures[image], GL_VOLATILE_APPLE);
   check("making a texture purgeable");
}

enum painter_content
painter_reclaim(struct painter *painter, int image)
{
   if (!painter->textures[image])
      return PAINTER_NONE;
   GLenum content =
      painter->unpurgeable(GL_TEXTURE, painter->textures[image], GL_RETAINED_APPLE);
   check("making a texture unpurgeable");
   return content == GL_RETAINED_APPLE ? PAINTER_KEPT : PAINTER_LOST;
}

static void
draw_mat(const struct photograph *photograph, int x)
{
   const int border = 2;
   glScissor(photograph->x - x - border, WALL_MARGIN - border,
             photograph->columns * TILE_SIZE + 2 * border, WALL_ROWS * TILE_SIZE + 2 * border);
   glClear(GL_COLOR_BUFFER_BIT);
}

void
painter_draw(struct painter *painter, int x, uint8_t frame[FRAME_BYTES])
{
   const struct wall *wall = painter->wall;

   glClearColor(0.16f, 0.15f, 0.14f, 1.0f);
   glClear(GL_COLOR_BUFFER_BIT);

   glEnable(GL_SCISSOR_TEST);
   glClearColor(0.93f, 0.92f, 0.89f, 1.0f);
   for (int i = 0; i < wall->photograph_count; i++) {
      const struct photograph *photograph = &wall->photographs[i];
      if (photograph->x + photograph->columns * TILE_SIZE + WALL_MARGIN > x &&
          photograph->x - WALL_MARGIN < x + FRAME_WIDTH)
         draw_mat(photograph, x);
   }
   glDisable(GL_SCISSOR_TEST);

   int count, first = wall_visible(wall, x, &count);
   for (int i = first; i < first + count; i++) {
      int top = WALL_MARGIN + i % WALL_ROWS * TILE_SIZE;
      glUniform4f(painter->rectangle, (wall->image_x[i] - x) * 2.0f / FRAME_WIDTH - 1.0f,
                  top * 2.0f / FRAME_HEIGHT - 1.0f, TILE_SIZE * 2.0f / FRAME_WIDTH,
                  TILE_SIZE * 2.0f / FRAME_HEIGHT);
      glBindTexture(GL_TEXTURE_2D, painter->textures[i]);
      glDrawArrays(GL_TRIANGLE_STRIP, 0, 4);
   }

   /* The frame was drawn upside down, as GL counts rows from the bottom. */
   glReadPixels(0, 0, FRAME_WIDTH, FRAME_HEIGHT, GL_RGBA, GL_UNSIGNED_BYTE, frame);
   check("drawing");
}
