/* SPDX-License-Identifier: MIT */

#ifndef DEMO_IDEAL_H
#define DEMO_IDEAL_H

#include "wall.h"

/*
 * How many decodings a walk takes with room for capacity images and knowledge of the whole path:
 * the image that is dropped is the one whose next appearance is farthest away (Belady's algorithm,
 * which nothing can beat). What shows is in the cache, also where that is more than the capacity.
 *
 * Unless so_far is NULL, it gets the count after each frame.
 */
int
ideal_decodes(const struct wall *wall, const int *path, int frame_count, int capacity, int *so_far);

#endif
