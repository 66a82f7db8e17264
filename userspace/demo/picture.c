/* SPDX-License-Identifier: MIT */

#include "picture.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <jpeglib.h>
#include <png.h>

#include "util.h"

/* One read for a whole file: each one travels to another machine and back where it lies on 9p. */
static size_t
read_file(const char *path, uint8_t *buffer, size_t size)
{
   int fd = open(path, O_RDONLY | O_CLOEXEC);
   if (fd < 0)
      die_errno("%s", path);
   ssize_t length = read(fd, buffer, size);
   if (length < 0)
      die_errno("%s", path);
   if ((size_t)length == size)
      die("%s: larger than %zu bytes", path, size);
   close(fd);
   return length;
}

void
picture_decode(const char *path, int size, uint8_t *rgba)
{
   static uint8_t file[1 << 20];
   size_t length = read_file(path, file, sizeof(file));

   /* libjpeg's own error handler prints and exits, which is what is wanted here. */
   struct jpeg_error_mgr errors;
   struct jpeg_decompress_struct jpeg = {.err = jpeg_std_error(&errors)};
   jpeg_create_decompress(&jpeg);
   jpeg_mem_src(&jpeg, file, length);
   jpeg_read_header(&jpeg, TRUE);
   jpeg.out_color_space = JCS_EXT_RGBA;
   jpeg_start_decompress(&jpeg);
   if (jpeg.output_width != (JDIMENSION)size || jpeg.output_height != (JDIMENSION)size)
      die("%s: not %d by %d pixels", path, size, size);

   while (jpeg.output_scanline < jpeg.output_height) {
      JSAMPROW row = rgba + (size_t)jpeg.output_scanline * size * 4;
      jpeg_read_scanlines(&jpeg, &row, 1);
   }

   jpeg_finish_decompress(&jpeg);
   jpeg_destroy_decompress(&jpeg);
}

void
picture_write(const char *path, int width, int height, const uint8_t *rgba)
{
   png_image image = {
      .version = PNG_IMAGE_VERSION,
      .width = width,
      .height = height,
      .format = PNG_FORMAT_RGBA,
   };
   if (!png_image_write_to_file(&image, path, 0, rgba, 0, NULL))
      die("%s: %s", path, image.message);
}
