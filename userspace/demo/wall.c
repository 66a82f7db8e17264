/* SPDX-License-Identifier: MIT */

#include "wall.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "util.h"

static void
hang(struct wall *wall, int columns)
{
   int number = wall->photograph_count++;
   wall->photographs = grow(wall->photographs, wall->photograph_count * sizeof(*wall->photographs));
   wall->photographs[number] = (struct photograph){
      .x = wall->width + WALL_MARGIN,
      .columns = columns,
      .first_image = wall->image_count,
   };
   wall->width += columns * TILE_SIZE + 2 * WALL_MARGIN;

   int first = wall->image_count;
   wall->image_count += columns * WALL_ROWS;
   wall->image_x = grow(wall->image_x, wall->image_count * sizeof(*wall->image_x));
   for (int i = first; i < wall->image_count; i++)
      wall->image_x[i] = wall->photographs[number].x + (i - first) / WALL_ROWS * TILE_SIZE;
}

struct wall *
wall_read(const char *folder)
{
   char *path = format("%s/wall", folder);
   FILE *file = fopen(path, "r");
   if (!file)
      die_errno("%s", path);

   struct wall *wall = allocate(sizeof(*wall));
   int columns;
   while (fscanf(file, "%d %*[^\n]\n", &columns) == 1) {
      if (columns < 1 || columns > 100)
         die("%s: a photograph of %d columns", path, columns);
      hang(wall, columns);
   }
   if (!wall->image_count)
      die("%s: no photographs", path);

   fclose(file);
   free(path);
   return wall;
}

void
wall_free(struct wall *wall)
{
   free(wall->photographs);
   free(wall->image_x);
   free(wall);
}

int
wall_distance(const struct wall *wall, int x, int image)
{
   int left = wall->image_x[image];
   if (left + TILE_SIZE <= x)
      return x - (left + TILE_SIZE) + 1;
   if (left >= x + FRAME_WIDTH)
      return left - (x + FRAME_WIDTH) + 1;
   return 0;
}

int
wall_visible(const struct wall *wall, int x, int *count)
{
   int first = 0;
   while (first < wall->image_count && wall_distance(wall, x, first))
      first++;
   int end = first;
   while (end < wall->image_count && !wall_distance(wall, x, end))
      end++;
   *count = end - first;
   return first;
}

/* A walk to a place, in thousandths of the way from the wall's left end to its right one. */
struct leg {
   int to;
   int frames;
};

#define HOME 120

static const struct leg legs[] = {
   /* several short swings */
   {HOME + 60, 5},
   {HOME - 80, 11},
   {HOME + 80, 12},
   {HOME - 90, 13},
   {HOME + 90, 13},
   {HOME - 100, 14},
   {HOME + 90, 14},
   {HOME - 100, 14},
   {HOME + 90, 14},
   /* a long one, from end to end and back to the middle */
   {0, 12},
   {1000, 54},
   {650, 19},
};

/* Nobody turns around at the same place twice. */
#define UNSTEADINESS 10
#define SEED 2011

static uint32_t
xorshift(uint32_t *state)
{
   *state ^= *state << 13;
   *state ^= *state >> 17;
   *state ^= *state << 5;
   return *state;
}

int *
wall_path(const struct wall *wall, int *frame_count)
{
   int frames = 1;
   for (size_t i = 0; i < ARRAY_SIZE(legs); i++)
      frames += legs[i].frames;

   int *path = allocate(frames * sizeof(*path));
   int end = wall->width - FRAME_WIDTH, frame = 0;
   int from = (int64_t)end * HOME / 1000;
   uint32_t random = SEED;
   path[frame++] = from;
   for (size_t i = 0; i < ARRAY_SIZE(legs); i++) {
      int place = legs[i].to;
      if (place > 0 && place < 1000)
         place += (int)(xorshift(&random) % (2 * UNSTEADINESS + 1)) - UNSTEADINESS;
      int to = (int64_t)end * place / 1000;
      for (int j = 1; j <= legs[i].frames; j++) {
         /* setting out and arriving gently */
         double t = (double)j / legs[i].frames;
         path[frame++] = from + lrint((to - from) * (1.2 * t + 0.2 * t * t * (2 * t - 3)));
      }
      from = to;
   }
   *frame_count = frame;
   return path;
}
