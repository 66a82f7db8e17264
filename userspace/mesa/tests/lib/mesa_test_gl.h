/* SPDX-License-Identifier: MIT */
#ifndef MESA_TEST_GL_H
#define MESA_TEST_GL_H

#include <stdint.h>
#include <epoxy/egl.h>
#include <epoxy/gl.h>

#include "mesa_test.h"

/*
 * EGL without a surface, and a few things that every GL program needs. Both are called through
 * libepoxy, but for EGL's extensions of displays, which it looks for in the current one only:
 * MESA_EGL_LOAD(PFNEGLGETDISPLAYDRIVERNAMEPROC, "eglGetDisplayDriverName")(display)
 */

#define MESA_EGL_LOAD(type, name) ((type)mesa_egl_load(name))

void (*mesa_egl_load(const char *name))(void);

enum mesa_api {
   MESA_GL_COMPAT, /* 4.5, as far as llvmpipe goes */
   MESA_GL_CORE,
   MESA_GLES, /* 3 */
   MESA_API_COUNT,
};

extern const char *const mesa_api_names[MESA_API_COUNT];

/*
 * The process's display. Its driver is tide's, or the test fails; for a reference it must not be.
 */
EGLDisplay mesa_display(void);
/* Whose driver must be tide's (for a reference: must not). */
void mesa_check_display(EGLDisplay display);
/* A context of the process's display, that shares with another one or EGL_NO_CONTEXT. */
EGLContext mesa_context_create(enum mesa_api api, EGLContext share);
void mesa_context_destroy(EGLContext context);
/* Makes it the thread's; EGL_NO_CONTEXT: none. */
void mesa_make_current(EGLContext context);
/* Creates one and makes it the thread's. */
EGLContext mesa_context_start(enum mesa_api api);

/* The next error of the context is this one, GL_NO_ERROR for none. */
void mesa_check_error(GLenum error);
GLuint mesa_program(const char *vertex, const char *fragment);
/* A texture of RGBA, 8 bits each, with filters that need no mipmap. NULL: undefined content */
GLuint mesa_texture(uint32_t width, uint32_t height, const uint32_t *pixels);
/* A framebuffer whose colour is the texture's, bound, with the viewport on all of it. */
GLuint mesa_framebuffer(GLuint texture, uint32_t width, uint32_t height);
/* The bound framebuffer's pixels from its bottom left corner. */
void mesa_read_pixels(uint32_t width, uint32_t height, uint32_t *pixels);
/* Draws the texture on the whole of the bound framebuffer. Any API. */
void mesa_draw_texture(GLuint texture);
/* Pixels that tell their place and whose they are. */
void mesa_fill_pixels(uint32_t *pixels, uint32_t count, uint32_t seed);

#endif
