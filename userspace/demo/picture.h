/* SPDX-License-Identifier: MIT */

/* Reading JPEG, writing PNG. */

#ifndef DEMO_PICTURE_H
#define DEMO_PICTURE_H

#include <stdint.h>

/* Decodes a JPEG file of exactly size by size pixels to RGBA. */
void
picture_decode(const char *path, int size, uint8_t *rgba);

void
picture_write(const char *path, int width, int height, const uint8_t *rgba);

#endif
