/* SPDX-License-Identifier: MIT */

/*
 * Cuts photographs into the images of the gallery.
 *
 * A photograph becomes WALL_ROWS rows and as many columns of images as its shape asks for: the
 * largest middle part of it of that shape is scaled down to whole images. Images are numbered
 * column by column along the wall, and a list of the photographs, "wall", is written next to them.
 */

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include "util.h"
#include "wall.h"

#define QUALITY 88
#define SIGNATURE_SIZE 16

struct picture {
   int width, height;
   uint8_t *rgb;
};

/* A small grey version, by which a photograph that comes twice is known. */
struct signature {
   uint8_t grey[SIGNATURE_SIZE * SIGNATURE_SIZE];
};

static struct picture
read_photograph(const char *path)
{
   FILE *file = fopen(path, "rb");
   if (!file)
      die_errno("%s", path);

   /* libjpeg's own error handler prints and exits, which is what is wanted here. */
   struct jpeg_error_mgr errors;
   struct jpeg_decompress_struct jpeg = {.err = jpeg_std_error(&errors)};
   jpeg_create_decompress(&jpeg);
   jpeg_stdio_src(&jpeg, file);
   jpeg_read_header(&jpeg, TRUE);
   jpeg.out_color_space = JCS_RGB;
   jpeg_start_decompress(&jpeg);

   struct picture picture = {
      .width = jpeg.output_width,
      .height = jpeg.output_height,
      .rgb = allocate((size_t)jpeg.output_width * jpeg.output_height * 3),
   };
   while (jpeg.output_scanline < jpeg.output_height) {
      JSAMPROW row = picture.rgb + (size_t)jpeg.output_scanline * picture.width * 3;
      jpeg_read_scanlines(&jpeg, &row, 1);
   }

   jpeg_finish_decompress(&jpeg);
   jpeg_destroy_decompress(&jpeg);
   fclose(file);
   return picture;
}

/*
 * One axis of a box filter: out pixel i is the mean of the source from i * step to (i + 1) * step,
 * pixels at the ends counted by the part of them that lies inside.
 */
static void
shrink_line(const uint8_t *src, size_t src_stride, int src_from, double step, uint8_t *dst,
            size_t dst_stride, int count)
{
   for (int i = 0; i < count; i++) {
      double from = src_from + i * step, to = from + step;
      double sum[3] = {0};
      for (int j = from; j < to; j++) {
         double part = fmin(j + 1, to) - fmax(j, from);
         for (int c = 0; c < 3; c++)
            sum[c] += part * src[j * src_stride + c];
      }
      for (int c = 0; c < 3; c++)
         dst[i * dst_stride + c] = lrint(sum[c] / step);
   }
}

/* The largest middle part of the picture that has the shape of width by height, in that size. */
static struct picture
fit(const struct picture *src, int width, int height)
{
   double step = fmin((double)src->width / width, (double)src->height / height);
   int left = (src->width - step * width) / 2, top = (src->height - step * height) / 2;

   uint8_t *narrow = allocate((size_t)width * src->height * 3);
   for (int y = 0; y < src->height; y++)
      shrink_line(src->rgb + (size_t)y * src->width * 3, 3, left, step,
                  narrow + (size_t)y * width * 3, 3, width);

   struct picture dst = {width, height, allocate((size_t)width * height * 3)};
   for (int x = 0; x < width; x++)
      shrink_line(narrow + x * 3, (size_t)width * 3, top, step, dst.rgb + x * 3, (size_t)width * 3,
                  height);

   free(narrow);
   return dst;
}

static struct signature
sign(const struct picture *picture)
{
   struct picture small = fit(picture, SIGNATURE_SIZE, SIGNATURE_SIZE);
   struct signature signature;
   for (int i = 0; i < SIGNATURE_SIZE * SIGNATURE_SIZE; i++)
      signature.grey[i] = (small.rgb[3 * i] + 2 * small.rgb[3 * i + 1] + small.rgb[3 * i + 2]) / 4;
   free(small.rgb);
   return signature;
}

static bool
same(const struct signature *a, const struct signature *b)
{
   int difference = 0;
   for (int i = 0; i < SIGNATURE_SIZE * SIGNATURE_SIZE; i++)
      difference += abs(a->grey[i] - b->grey[i]);
   return difference < 3 * SIGNATURE_SIZE * SIGNATURE_SIZE;
}

static void
write_image(const char *path, const uint8_t *rgb, size_t stride)
{
   FILE *file = fopen(path, "wb");
   if (!file)
      die_errno("%s", path);

   struct jpeg_error_mgr errors;
   struct jpeg_compress_struct jpeg = {.err = jpeg_std_error(&errors)};
   jpeg_create_compress(&jpeg);
   jpeg_stdio_dest(&jpeg, file);
   jpeg.image_width = IMAGE_SIZE;
   jpeg.image_height = IMAGE_SIZE;
   jpeg.input_components = 3;
   jpeg.in_color_space = JCS_RGB;
   jpeg_set_defaults(&jpeg);
   jpeg_set_quality(&jpeg, QUALITY, TRUE);
   jpeg_start_compress(&jpeg, TRUE);
   for (int y = 0; y < IMAGE_SIZE; y++) {
      JSAMPROW row = (uint8_t *)rgb + y * stride;
      jpeg_write_scanlines(&jpeg, &row, 1);
   }
   jpeg_finish_compress(&jpeg);
   jpeg_destroy_compress(&jpeg);
   if (fclose(file))
      die_errno("%s", path);
}

/* As many columns as come closest to the photograph's shape, if it is large enough. */
static int
columns_of(const struct picture *picture)
{
   int columns = lrint((double)picture->width / picture->height * WALL_ROWS);
   if (picture->width < columns * IMAGE_SIZE || picture->height < WALL_ROWS * IMAGE_SIZE)
      return 0;
   return columns;
}

int
main(int argc, char **argv)
{
   if (argc < 3)
      die("usage: cut FOLDER PHOTOGRAPH...");
   const char *folder = argv[1];
   int photographs = argc - 2, image = 0, kept = 0;
   struct signature *signatures = allocate(photographs * sizeof(*signatures));

   char *path = format("%s/wall", folder);
   FILE *wall = fopen(path, "w");
   if (!wall)
      die_errno("%s", path);
   free(path);

   for (int i = 0; i < photographs; i++) {
      const char *source = argv[2 + i];
      struct picture whole = read_photograph(source);
      int columns = columns_of(&whole);
      if (!columns)
         die("%s: %d by %d pixels are too few", source, whole.width, whole.height);

      signatures[kept] = sign(&whole);
      for (int j = 0; j < kept; j++) {
         if (same(&signatures[kept], &signatures[j]))
            die("%s: the same photograph came before", source);
      }
      kept++;

      struct picture part = fit(&whole, columns * IMAGE_SIZE, WALL_ROWS * IMAGE_SIZE);
      size_t stride = (size_t)part.width * 3;
      for (int column = 0; column < columns; column++) {
         for (int row = 0; row < WALL_ROWS; row++) {
            path = format("%s/%03d.jpg", folder, image++);
            write_image(path, part.rgb + row * IMAGE_SIZE * stride + column * IMAGE_SIZE * 3,
                        stride);
            free(path);
         }
      }

      const char *name = strrchr(source, '/');
      fprintf(wall, "%d %s\n", columns, name ? name + 1 : source);
      printf("%d of %d: %s, %d images so far\n", i + 1, photographs, source, image);
      fflush(stdout);
      free(part.rgb);
      free(whole.rgb);
   }

   if (fclose(wall))
      die_errno("%s", folder);
   free(signatures);
   return 0;
}
