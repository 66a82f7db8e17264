/* SPDX-License-Identifier: MIT */
/* What Mesa takes from tide, for how much, what it keeps, and how it is shared. */
#include "igt.h"
#include "igt_tide.h"
#include "mesa_test_gl.h"

#include <fcntl.h>
#include <gbm.h>
#include <sys/socket.h>
#include <sys/wait.h>

IGT_TEST_DESCRIPTION("Memory of Mesa on tide: sizes, the cache of what is deleted, dma-bufs");

#define KIB 1024ul

static GLuint
buffer(GLsizeiptr size)
{
   GLuint name;

   glGenBuffers(1, &name);
   glBindBuffer(GL_ARRAY_BUFFER, name);
   glBufferData(GL_ARRAY_BUFFER, size, NULL, GL_STATIC_DRAW);
   mesa_check_error(GL_NO_ERROR);
   return name;
}

/* What a context takes for itself comes with the first use of each kind. */
static void
warm_up(void)
{
   GLuint texture = mesa_texture(64, 64, NULL), name = buffer(64);

   mesa_framebuffer(texture, 64, 64);
   mesa_draw_texture(texture);
   glFinish();
   glDeleteBuffers(1, &name);
}

/* No page is spent on what is smaller than some pages. */
static void
small_things(void)
{
   EGLContext context = mesa_context_start(MESA_GL_CORE);
   uint64_t before;

   warm_up();
   before = mesa_memory("drm-total-system");
   for (unsigned int i = 0; i < 300; i++) {
      mesa_texture(1 + i % 64, 64, NULL);
      buffer(1 + i * 100);
   }
   igt_assert_eq_u64(mesa_memory("drm-total-system"), before);
   mesa_context_destroy(context);
}

static void
sizes(void)
{
   EGLContext context = mesa_context_start(MESA_GL_CORE);
   uint64_t before, took, requested = 0;

   warm_up();
   before = mesa_memory("drm-total-system");
   for (GLsizeiptr size = 32 * KIB; size < 600 * KIB; size += 7919) {
      buffer(size);
      requested += size;
   }
   took = mesa_memory("drm-total-system") - before;
   igt_assert_lte_u64(requested, took);
   igt_assert_lte_u64(took * 100, requested * 115);
   mesa_context_destroy(context);
}

/* Reads a texture, and leaves nothing that refers to it: neither an object nor what is drawn to. */
static void
check_content(GLuint texture, uint32_t width, uint32_t height, const uint32_t *pixels)
{
   const size_t size = 4ul * width * height;
   uint32_t *is = malloc(size);
   GLuint framebuffer, aside;

   igt_assert(is);
   framebuffer = mesa_framebuffer(texture, width, height);
   mesa_read_pixels(width, height, is);
   igt_assert(!memcmp(is, pixels, size));
   free(is);

   glDeleteFramebuffers(1, &framebuffer);
   aside = mesa_texture(16, 16, NULL);
   mesa_framebuffer(mesa_texture(16, 16, NULL), 16, 16);
   mesa_draw_texture(aside);
}

/* What is deleted is kept, offered, and used again; it may be discarded while it is kept. */
static void
cache(void)
{
   const uint32_t width = 512, height = 512;
   const uint64_t size = 4ul * width * height;
   EGLContext context = mesa_context_start(MESA_GL_CORE);
   uint32_t *pixels = malloc(size);
   uint64_t total, purgeable;
   GLuint texture;
   int fd = tide_open_render();

   igt_assert(pixels);
   warm_up();
   mesa_fill_pixels(pixels, width * height, 1);
   texture = mesa_texture(width, height, pixels);
   total = mesa_memory("drm-total-system");
   purgeable = mesa_memory("drm-purgeable-system");

   for (unsigned int i = 0; i < 4; i++) {
      glDeleteTextures(1, &texture);
      glFinish();
      igt_assert_eq_u64(mesa_memory("drm-total-system"), total);
      igt_assert_eq_u64(mesa_memory("drm-purgeable-system"), purgeable + size);
      if (i % 2)
         mesa_discard_offered(fd);

      mesa_fill_pixels(pixels, width * height, i);
      texture = mesa_texture(width, height, pixels);
      igt_assert_eq_u64(mesa_memory("drm-total-system"), total);
      igt_assert_lte_u64(mesa_memory("drm-purgeable-system"), purgeable);
      purgeable = mesa_memory("drm-purgeable-system");
      check_content(texture, width, height, pixels);
   }
   close(fd);
   free(pixels);
   mesa_context_destroy(context);
}

/* Images between two processes: both write, and both see it. */

struct image {
   EGLint width, height, fourcc, stride, offset;
};

static EGLImageKHR
import(int fd, const struct image *image)
{
   const EGLint attributes[] = {
      EGL_WIDTH, image->width,
      EGL_HEIGHT, image->height,
      EGL_LINUX_DRM_FOURCC_EXT, image->fourcc,
      EGL_DMA_BUF_PLANE0_FD_EXT, fd,
      EGL_DMA_BUF_PLANE0_OFFSET_EXT, image->offset,
      EGL_DMA_BUF_PLANE0_PITCH_EXT, image->stride,
      EGL_NONE,
   };
   EGLImageKHR imported = MESA_EGL_LOAD(PFNEGLCREATEIMAGEKHRPROC, "eglCreateImageKHR")(
      mesa_display(), EGL_NO_CONTEXT, EGL_LINUX_DMA_BUF_EXT, NULL, attributes);

   igt_assert_f(imported, "EGL error %#x\n", eglGetError());
   return imported;
}

static GLuint
texture_of(EGLImageKHR image)
{
   GLuint texture;

   glGenTextures(1, &texture);
   glBindTexture(GL_TEXTURE_2D, texture);
   glEGLImageTargetTexture2DOES(GL_TEXTURE_2D, image);
   return texture;
}

static void
fill(GLuint texture, const struct image *image, float red, float green)
{
   mesa_framebuffer(texture, image->width, image->height);
   glClearColor(red, green, 0, 1);
   glClear(GL_COLOR_BUFFER_BIT);
   glFinish();
}

static void
check_filled(GLuint texture, const struct image *image, uint32_t pixel)
{
   const uint32_t count = image->width * image->height;
   uint32_t *pixels = malloc(count * sizeof(*pixels));

   igt_assert(pixels);
   mesa_framebuffer(texture, image->width, image->height);
   mesa_read_pixels(image->width, image->height, pixels);
   for (uint32_t i = 0; i < count; i++)
      igt_assert_eq_u32(pixels[i], pixel);
   free(pixels);
}

#define RED   0xff0000ffu
#define GREEN 0xff00ff00u

static void
send_image(int socket, int fd, const struct image *image)
{
   char control[CMSG_SPACE(sizeof(int))] = {0};
   struct iovec io = {(void *)image, sizeof(*image)};
   struct msghdr message = {
      .msg_iov = &io,
      .msg_iovlen = 1,
      .msg_control = control,
      .msg_controllen = sizeof(control),
   };
   struct cmsghdr *header = CMSG_FIRSTHDR(&message);

   header->cmsg_level = SOL_SOCKET;
   header->cmsg_type = SCM_RIGHTS;
   header->cmsg_len = CMSG_LEN(sizeof(int));
   memcpy(CMSG_DATA(header), &fd, sizeof(fd));
   igt_assert_eq(sendmsg(socket, &message, 0), (int)sizeof(*image));
}

static int
receive_image(int socket, struct image *image)
{
   char control[CMSG_SPACE(sizeof(int))];
   struct iovec io = {image, sizeof(*image)};
   struct msghdr message = {
      .msg_iov = &io,
      .msg_iovlen = 1,
      .msg_control = control,
      .msg_controllen = sizeof(control),
   };
   struct cmsghdr *header;
   int fd;

   igt_assert_eq(recvmsg(socket, &message, 0), (int)sizeof(*image));
   header = CMSG_FIRSTHDR(&message);
   igt_assert(header && header->cmsg_type == SCM_RIGHTS);
   memcpy(&fd, CMSG_DATA(header), sizeof(fd));
   return fd;
}

/* A texture, made into a dma-buf; a small one has to move for that. */
static int
export_texture(GLuint texture, struct image *image)
{
   EGLImageKHR exported = MESA_EGL_LOAD(PFNEGLCREATEIMAGEKHRPROC, "eglCreateImageKHR")(
      mesa_display(), eglGetCurrentContext(), EGL_GL_TEXTURE_2D,
      (EGLClientBuffer)(uintptr_t)texture, NULL);
   EGLuint64KHR modifier;
   int planes, fd;

   igt_assert_f(exported, "EGL error %#x\n", eglGetError());
   igt_assert(MESA_EGL_LOAD(PFNEGLEXPORTDMABUFIMAGEQUERYMESAPROC,
                            "eglExportDMABUFImageQueryMESA")(
      mesa_display(), exported, &image->fourcc, &planes, &modifier));
   igt_assert_eq(planes, 1);
   igt_assert_eq_u64(modifier, 0);
   igt_assert(MESA_EGL_LOAD(PFNEGLEXPORTDMABUFIMAGEMESAPROC, "eglExportDMABUFImageMESA")(
      mesa_display(), exported, &fd, &image->stride, &image->offset));
   return fd;
}

static void
other_process(int socket)
{
   EGLContext context = mesa_context_start(MESA_GLES);
   struct image image;
   int fd = receive_image(socket, &image);
   GLuint texture = texture_of(import(fd, &image));

   check_filled(texture, &image, RED);
   fill(texture, &image, 0, 1);
   igt_assert_eq(write(socket, "", 1), 1);
   close(fd);
   mesa_context_destroy(context);
}

static void
share(uint32_t side, bool by_gbm)
{
   struct image image = {.width = side, .height = side};
   int sockets[2], fd, status;
   EGLContext context;
   GLuint texture;
   pid_t other;
   char byte, task[16];

   /* The other end stays open in the other process. */
   igt_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
   igt_assert_eq(fcntl(sockets[0], F_SETFD, FD_CLOEXEC), 0);
   snprintf(task, sizeof(task), "%d", sockets[1]);
   other = mesa_start(task, false);

   context = mesa_context_start(MESA_GLES);
   if (by_gbm) {
      int node = tide_open_render();
      struct gbm_device *gbm = gbm_create_device(node);
      struct gbm_bo *bo;

      igt_assert(gbm);
      bo = gbm_bo_create(gbm, side, side, GBM_FORMAT_ARGB8888, GBM_BO_USE_RENDERING);
      igt_assert(bo);
      fd = gbm_bo_get_fd(bo);
      image.fourcc = GBM_FORMAT_ARGB8888;
      image.stride = gbm_bo_get_stride(bo);
      texture = texture_of(import(fd, &image));
   } else {
      texture = mesa_texture(side, side, NULL);
      fd = export_texture(texture, &image);
   }
   igt_assert(fd >= 0);
   fill(texture, &image, 1, 0);
   send_image(sockets[0], fd, &image);
   igt_assert_eq(read(sockets[0], &byte, 1), 1);
   check_filled(texture, &image, GREEN);

   igt_assert_eq(waitpid(other, &status, 0), other);
   igt_assert_eq(status, 0);
   close(fd);
   close(sockets[0]);
   close(sockets[1]);
   mesa_context_destroy(context);
}

igt_main
{
   static const struct {
      const char *name;
      uint32_t side;
      bool by_gbm;
   } shares[] = {
      {"large", 512, false},
      {"small", 16, false},
      {"gbm", 200, true},
   };

   if (mesa_task()) {
      other_process(atoi(mesa_task()));
      _exit(0);
   }

   for (unsigned int i = 0; i < ARRAY_SIZE(shares); i++) {
      igt_describe("Two processes draw into one image, which goes by dma-buf");
      igt_subtest_f("dma-buf-%s", shares[i].name)
         share(shares[i].side, shares[i].by_gbm);
   }

   igt_describe("Small textures and buffers take no page");
   igt_subtest("small-things-stay-on-the-heap")
      small_things();

   igt_describe("At most 1.15 times what was asked for is allocated");
   igt_subtest("sizes-are-rounded-up-little")
      sizes();

   igt_describe("What is deleted is kept, offered, and used again");
   igt_subtest("deleted-textures-are-offered")
      cache();
}
