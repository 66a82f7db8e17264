/* SPDX-License-Identifier: MIT */
#include "igt.h"
#include "mesa_test_gl.h"

const char *const mesa_api_names[] = {
   [MESA_GL_COMPAT] = "compat",
   [MESA_GL_CORE] = "core",
   [MESA_GLES] = "es",
};

void (*mesa_egl_load(const char *name))(void)
{
   void (*function)(void) = eglGetProcAddress(name);

   igt_assert_f(function, "there is no %s\n", name);
   return function;
}

void
mesa_check_display(EGLDisplay display)
{
   const char *driver =
      MESA_EGL_LOAD(PFNEGLGETDISPLAYDRIVERNAMEPROC, "eglGetDisplayDriverName")(display);

   igt_assert(driver);
   igt_assert_f(!strcmp(driver, "tide") == !mesa_is_reference(), "the driver is %s\n", driver);
}

EGLDisplay
mesa_display(void)
{
   static EGLDisplay display;

   if (display)
      return display;
   display = eglGetPlatformDisplayEXT(EGL_PLATFORM_SURFACELESS_MESA, EGL_DEFAULT_DISPLAY, NULL);
   igt_assert(display);
   igt_assert_f(eglInitialize(display, NULL, NULL), "EGL error %#x\n", eglGetError());
   mesa_check_display(display);
   return display;
}

EGLContext
mesa_context_create(enum mesa_api api, EGLContext share)
{
   static const struct {
      EGLenum api;
      EGLint attributes[7];
   } kinds[] = {
      [MESA_GL_COMPAT] = {EGL_OPENGL_API,
                          {EGL_CONTEXT_OPENGL_PROFILE_MASK,
                           EGL_CONTEXT_OPENGL_COMPATIBILITY_PROFILE_BIT, EGL_NONE}},
      [MESA_GL_CORE] = {EGL_OPENGL_API,
                        {EGL_CONTEXT_MAJOR_VERSION, 3, EGL_CONTEXT_MINOR_VERSION, 3,
                         EGL_CONTEXT_OPENGL_PROFILE_MASK, EGL_CONTEXT_OPENGL_CORE_PROFILE_BIT,
                         EGL_NONE}},
      [MESA_GLES] = {EGL_OPENGL_ES_API, {EGL_CONTEXT_MAJOR_VERSION, 3, EGL_NONE}},
   };
   EGLDisplay display = mesa_display();
   EGLContext context;

   igt_assert(eglBindAPI(kinds[api].api));
   context = eglCreateContext(display, EGL_NO_CONFIG_KHR, share, kinds[api].attributes);
   igt_assert_f(context, "%s context: EGL error %#x\n", mesa_api_names[api], eglGetError());
   return context;
}

void
mesa_context_destroy(EGLContext context)
{
   if (eglGetCurrentContext() == context)
      mesa_make_current(EGL_NO_CONTEXT);
   igt_assert(eglDestroyContext(mesa_display(), context));
}

void
mesa_make_current(EGLContext context)
{
   igt_assert_f(eglMakeCurrent(mesa_display(), EGL_NO_SURFACE, EGL_NO_SURFACE, context),
                "EGL error %#x\n", eglGetError());
}

EGLContext
mesa_context_start(enum mesa_api api)
{
   EGLContext context = mesa_context_create(api, EGL_NO_CONTEXT);

   mesa_make_current(context);
   return context;
}

void
mesa_check_error(GLenum error)
{
   GLenum is = glGetError();

   igt_assert_f(is == error, "GL error %#x, should be %#x\n", is, error);
}

static GLuint
compile(GLenum stage, const char *source)
{
   GLuint shader = glCreateShader(stage);
   char log[1024] = "";
   GLint done;

   glShaderSource(shader, 1, &source, NULL);
   glCompileShader(shader);
   glGetShaderiv(shader, GL_COMPILE_STATUS, &done);
   glGetShaderInfoLog(shader, sizeof(log), NULL, log);
   igt_assert_f(done, "%s\n%s\n", source, log);
   return shader;
}

GLuint
mesa_program(const char *vertex, const char *fragment)
{
   GLuint program = glCreateProgram();
   GLuint shaders[] = {compile(GL_VERTEX_SHADER, vertex), compile(GL_FRAGMENT_SHADER, fragment)};
   char log[1024] = "";
   GLint done;

   for (uint32_t i = 0; i < ARRAY_SIZE(shaders); i++) {
      glAttachShader(program, shaders[i]);
      glDeleteShader(shaders[i]);
   }
   glLinkProgram(program);
   glGetProgramiv(program, GL_LINK_STATUS, &done);
   glGetProgramInfoLog(program, sizeof(log), NULL, log);
   igt_assert_f(done, "%s\n", log);
   return program;
}

GLuint
mesa_texture(uint32_t width, uint32_t height, const uint32_t *pixels)
{
   GLuint texture;

   glGenTextures(1, &texture);
   glBindTexture(GL_TEXTURE_2D, texture);
   glTexImage2D(GL_TEXTURE_2D, 0, GL_RGBA8, width, height, 0, GL_RGBA, GL_UNSIGNED_BYTE, pixels);
   glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER, GL_NEAREST);
   glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MAG_FILTER, GL_NEAREST);
   glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_WRAP_S, GL_CLAMP_TO_EDGE);
   glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_WRAP_T, GL_CLAMP_TO_EDGE);
   mesa_check_error(GL_NO_ERROR);
   return texture;
}

GLuint
mesa_framebuffer(GLuint texture, uint32_t width, uint32_t height)
{
   GLuint framebuffer;

   glGenFramebuffers(1, &framebuffer);
   glBindFramebuffer(GL_FRAMEBUFFER, framebuffer);
   glFramebufferTexture2D(GL_FRAMEBUFFER, GL_COLOR_ATTACHMENT0, GL_TEXTURE_2D, texture, 0);
   igt_assert_eq(glCheckFramebufferStatus(GL_FRAMEBUFFER), GL_FRAMEBUFFER_COMPLETE);
   glViewport(0, 0, width, height);
   mesa_check_error(GL_NO_ERROR);
   return framebuffer;
}

void
mesa_read_pixels(uint32_t width, uint32_t height, uint32_t *pixels)
{
   glReadPixels(0, 0, width, height, GL_RGBA, GL_UNSIGNED_BYTE, pixels);
   mesa_check_error(GL_NO_ERROR);
}

void
mesa_draw_texture(GLuint texture)
{
   static const char *const vertex = "in vec2 position;\n"
                                     "out vec2 at;\n"
                                     "void main() {\n"
                                     "   at = position * 0.5 + 0.5;\n"
                                     "   gl_Position = vec4(position, 0.0, 1.0);\n"
                                     "}\n";
   static const char *const fragment = "in vec2 at;\n"
                                       "out vec4 colour;\n"
                                       "uniform sampler2D picture;\n"
                                       "void main() { colour = texture(picture, at); }\n";
   static const float corners[] = {-1, -1, 1, -1, -1, 1, 1, 1};
   const char *version =
      epoxy_is_desktop_gl() ? "#version 130\n" : "#version 300 es\nprecision highp float;\n";
   char sources[2][512];
   GLuint program, array, buffer;
   GLint position;

   if (epoxy_is_desktop_gl() && epoxy_gl_version() >= 32)
      version = "#version 150\n";
   snprintf(sources[0], sizeof(sources[0]), "%s%s", version, vertex);
   snprintf(sources[1], sizeof(sources[1]), "%s%s", version, fragment);
   program = mesa_program(sources[0], sources[1]);
   glUseProgram(program);
   glGenVertexArrays(1, &array);
   glBindVertexArray(array);
   glGenBuffers(1, &buffer);
   glBindBuffer(GL_ARRAY_BUFFER, buffer);
   glBufferData(GL_ARRAY_BUFFER, sizeof(corners), corners, GL_STATIC_DRAW);
   position = glGetAttribLocation(program, "position");
   glEnableVertexAttribArray(position);
   glVertexAttribPointer(position, 2, GL_FLOAT, GL_FALSE, 0, NULL);
   glActiveTexture(GL_TEXTURE0);
   glBindTexture(GL_TEXTURE_2D, texture);
   glDrawArrays(GL_TRIANGLE_STRIP, 0, 4);
   mesa_check_error(GL_NO_ERROR);
   glUseProgram(0);
   glDeleteProgram(program);
   glDeleteVertexArrays(1, &array);
   glDeleteBuffers(1, &buffer);
}

void
mesa_fill_pixels(uint32_t *pixels, uint32_t count, uint32_t seed)
{
   for (uint32_t i = 0; i < count; i++)
      pixels[i] = (i + 1) * 2654435761u ^ seed * 40503u;
}
