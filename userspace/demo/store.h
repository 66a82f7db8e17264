/* SPDX-License-Identifier: MIT */

/*
 * The decoded images, each in a tide allocation of its own, and what becomes of those that do not
 * show: they are kept, or freed, or offered. Or they are textures, which the painter has, and here
 * they are decoded and counted.
 */

#ifndef DEMO_STORE_H
#define DEMO_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "wall.h"

enum store_mode {
   STORE_KEEP,
   STORE_FREE,
   STORE_OFFER,
   STORE_TEXTURES,
};

struct store;

struct store_state {
   uint64_t present;  /* bytes of decoded images that are in memory */
   int64_t discards; /* by the kernel, so far; -1 where Mesa does not tell */
   int decodes;       /* so far */
   int reclaimed;     /* images that came back intact, so far */
   int lost;          /* images that came back empty, so far */
};

/* Calls tick after each decoding, which is where the time goes; folder has the JPEG files. */
struct store *
store_create(const struct wall *wall, const char *folder, enum store_mode mode,
             void (*tick)(void *data), void *data);
void
store_destroy(struct store *store);

/* Images from first on show from now on: have all their pixels there. */
void
store_take(struct store *store, int first, int count);

/* The pixels of an image that shows. */
const uint8_t *
store_pixels(const struct store *store, int image);

/* These images no longer show. */
void
store_leave(struct store *store, const int *images, int count);

/* The frame's left edge is at x now: what does not show matters the more the closer it is. */
void
store_arrange(struct store *store, int x);

/*
 * For STORE_TEXTURES: decodes an image, to be used before the next one is decoded. Or says that one
 * came back intact.
 */
const uint8_t *
store_decode(struct store *store, int image, bool lost);
void
store_reclaimed(struct store *store);

void
store_query(struct store *store, struct store_state *state);

#endif
