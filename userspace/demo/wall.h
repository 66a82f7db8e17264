/* SPDX-License-Identifier: MIT */

/*
 * The wall of the gallery and the way along it.
 *
 * Photographs hang side by side on a long wall, each cut into images of IMAGE_SIZE pixels square,
 * in WALL_ROWS rows. The visitor sees a stretch of FRAME_WIDTH pixels of it, where an image takes
 * TILE_SIZE pixels, and walks along a fixed path. What is seen in which frame follows from the wall
 * and the path alone, so that an ideal cache can be computed, and frames be compared.
 */

#ifndef DEMO_WALL_H
#define DEMO_WALL_H

#define IMAGE_SIZE 512
#define IMAGE_BYTES (IMAGE_SIZE * IMAGE_SIZE * 4)

#define WALL_ROWS 3
#define FRAME_WIDTH 320
#define FRAME_HEIGHT 240
#define TILE_SIZE 72
/* above and below a photograph, and half the distance between two */
#define WALL_MARGIN ((FRAME_HEIGHT - WALL_ROWS * TILE_SIZE) / 2)

struct photograph {
   int x; /* of its left edge */
   int columns;
   int first_image;
};

struct wall {
   int width; /* in pixels of a frame */
   int image_count;
   int photograph_count;
   struct photograph *photographs;
   int *image_x; /* left edge of each image */
};

/* Reads FOLDER/wall as written by cut. */
struct wall *
wall_read(const char *folder);
void
wall_free(struct wall *wall);

/* The images that show when the frame's left edge is at x: returns the first, and their count. */
int
wall_visible(const struct wall *wall, int x, int *count);

/* How far, in pixels, an image is from the frame; 0 if it shows. */
int
wall_distance(const struct wall *wall, int x, int image);

/* The left edges of all frames, for free(). */
int *
wall_path(const struct wall *wall, int *frame_count);

#endif
