/* SPDX-License-Identifier: MIT */

/*
 * Draws frames of the wall by OpenGL, without any screen. Whatever Mesa has for the machine draws.
 *
 * There is a texture for each image that shows. Of one that does not show the texture is either used
 * for another image, or made purgeable; for the latter the painter has to know from the start, since
 * OpenGL ES has no such thing.
 */

#ifndef DEMO_DRAW_H
#define DEMO_DRAW_H

#include <stdbool.h>
#include <stdint.h>

#include "wall.h"

#define FRAME_BYTES (FRAME_WIDTH * FRAME_HEIGHT * 4)

struct painter;

struct painter *
painter_create(const struct wall *wall, bool purgeable);
void
painter_destroy(struct painter *painter);

/* The names of who draws, for a report. */
const char *
painter_renderer(const struct painter *painter);

/* Gives an image its texture, from IMAGE_BYTES of RGBA. */
void
painter_show(struct painter *painter, int image, const void *pixels);
/* Takes the texture away. */
void
painter_hide(struct painter *painter, int image);

enum painter_content {
   PAINTER_NONE, /* it never had a texture */
   PAINTER_LOST,
   PAINTER_KEPT,
};

/* Leaves the image its texture, but not for certain what is in it. */
void
painter_offer(struct painter *painter, int image);
/* Takes it back; unless it was kept it has to be given to painter_show(). */
enum painter_content
painter_reclaim(struct painter *painter, int image);

/* Draws the wall from left edge x on; images that show have their textures. RGBA, top row first. */
void
painter_draw(struct painter *painter, int x, uint8_t frame[FRAME_BYTES]);

#endif
