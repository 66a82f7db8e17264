/* SPDX-License-Identifier: MIT */
/* Which driver programs get: tide's, whatever way they ask, and with memory that is tide's. */
#include "igt.h"
#include "igt_tide.h"
#include "mesa_test_gl.h"
#include "mesa_test_vk.h"

#include <gbm.h>

IGT_TEST_DESCRIPTION("EGL and Vulkan find tide by themselves, and memory comes from it");

/* EGL_EXT_device_drm_render_node, which libepoxy does not know */
#define EGL_DRM_RENDER_NODE_FILE 0x3377

#define SIZE 256u

/* A texture on the screen, mixed by a second one: enough to see tiles, filters and blending. */
static void
draw_gl(const struct mesa_picture *picture, uint32_t *pixels)
{
   const enum mesa_api *api = picture->data;
   EGLContext context = mesa_context_start(*api);
   uint32_t content[64 * 64];
   GLuint textures[3];

   for (uint32_t i = 0; i < 2; i++) {
      mesa_fill_pixels(content, ARRAY_SIZE(content), i);
      textures[i] = mesa_texture(64, 64, content);
   }
   glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MAG_FILTER, GL_LINEAR);
   textures[2] = mesa_texture(picture->width, picture->height, NULL);
   mesa_framebuffer(textures[2], picture->width, picture->height);
   mesa_draw_texture(textures[0]);
   glEnable(GL_BLEND);
   glBlendFunc(GL_SRC_ALPHA, GL_ONE_MINUS_SRC_ALPHA);
   mesa_draw_texture(textures[1]);
   mesa_read_pixels(picture->width, picture->height, pixels);
   if (!mesa_is_reference())
      igt_assert_lt_u64(SIZE * SIZE * 4, mesa_memory("drm-total-system"));
   mesa_context_destroy(context);
}

static void
draw_vk(const struct mesa_picture *picture, uint32_t *pixels)
{
   const VkDeviceSize size = 4ull * picture->width * picture->height;
   struct mesa_vk vk;
   VkDeviceMemory memory;
   VkCommandBuffer commands;
   VkBuffer buffer;

   mesa_vk_open(&vk, NULL, 0, NULL);
   memory = mesa_vk_memory(&vk, size, NULL);
   buffer = mesa_vk_buffer(&vk, size, memory);
   commands = mesa_vk_begin(&vk);
   for (uint32_t i = 0; i < 16; i++)
      vkCmdFillBuffer(commands, buffer, i * size / 16, size / 16, i * 0x01010101u);
   mesa_vk_run(&vk, commands);
   memcpy(pixels, mesa_vk_map(&vk, memory), size);
   if (!mesa_is_reference())
      igt_assert_lte_u64(size, mesa_memory("drm-total-system"));
   vkDestroyBuffer(vk.device, buffer, NULL);
   vkFreeMemory(vk.device, memory, NULL);
   mesa_vk_close(&vk);
}

static const struct mesa_picture pictures[] = {
   {"gl-compat", SIZE, SIZE, draw_gl, &(const enum mesa_api){MESA_GL_COMPAT}},
   {"gl-core", SIZE, SIZE, draw_gl, &(const enum mesa_api){MESA_GL_CORE}},
   {"gl-es", SIZE, SIZE, draw_gl, &(const enum mesa_api){MESA_GLES}},
   {"vulkan", SIZE, SIZE, draw_vk, NULL},
};

static void
check_platform(EGLenum platform, void *native)
{
   EGLDisplay display = eglGetPlatformDisplayEXT(platform, native, NULL);

   igt_assert(display);
   igt_assert_f(eglInitialize(display, NULL, NULL), "EGL error %#x\n", eglGetError());
   mesa_check_display(display);
   eglTerminate(display);
}

/* The one of EGL's devices that is tide's render node. */
static void
test_device(void)
{
   EGLDeviceEXT devices[8];
   EGLint count, found = 0;

   igt_assert(eglQueryDevicesEXT(ARRAY_SIZE(devices), devices, &count));
   for (EGLint i = 0; i < count; i++) {
      const char *node = eglQueryDeviceStringEXT(devices[i], EGL_DRM_RENDER_NODE_FILE);

      if (!node || strcmp(node, __tide_node(false)))
         continue;
      check_platform(EGL_PLATFORM_DEVICE_EXT, devices[i]);
      found++;
   }
   igt_assert_eq(found, 1);
}

static void
test_gbm(void)
{
   int fd = tide_open_render();
   struct gbm_device *gbm = gbm_create_device(fd);

   igt_assert(gbm);
   check_platform(EGL_PLATFORM_GBM_KHR, gbm);
   gbm_device_destroy(gbm);
   close(fd);
}

igt_main
{
   mesa_serve_references(pictures, ARRAY_SIZE(pictures));

   igt_describe("EGL without a surface finds tide");
   igt_subtest("egl-surfaceless")
      check_platform(EGL_PLATFORM_SURFACELESS_MESA, EGL_DEFAULT_DISPLAY);
   igt_describe("EGL's device of tide's render node has tide's driver");
   igt_subtest("egl-device")
      test_device();
   igt_describe("GBM and EGL on tide's render node have tide's driver");
   igt_subtest("egl-gbm")
      test_gbm();

   for (uint32_t i = 0; i < ARRAY_SIZE(pictures); i++) {
      igt_describe("What is drawn is what Debian's Mesa draws, and is in tide's memory");
      igt_subtest_f("picture-%s", pictures[i].name)
         mesa_check_picture(&pictures[i]);
   }
}
