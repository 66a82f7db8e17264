/* SPDX-License-Identifier: MIT */

/*
 * Draws frames of the wall by GLES, without any screen. Whatever Mesa has for the machine draws.
 *
 * There is a texture for each image that shows, and none for any other.
 */

#ifndef DEMO_DRAW_H
#define DEMO_DRAW_H

#include <stdint.h>

#include "wall.h"

#define FRAME_BYTES (FRAME_WIDTH * FRAME_HEIGHT * 4)

struct painter;

struct painter *
painter_create(const struct wall *wall);
void
painter_destroy(struct painter *painter);

/* The names of who draws, for a report. */
const char *
painter_renderer(const struct painter *painter);

/* Gives an image its texture, from IMAGE_BYTES of RGBA. */
void
painter_show(struct painter *painter, int image, const void *pixels);
void
painter_hide(struct painter *painter, int image);

/* Draws the wall from left edge x on; images that show have their textures. RGBA, top row first. */
void
painter_draw(struct painter *painter, int x, uint8_t frame[FRAME_BYTES]);

#endif
