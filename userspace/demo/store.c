/* SPDX-License-Identifier: MIT */

#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libtide.h>

#include "picture.h"
#include "util.h"

struct image {
   struct tide_allocation *allocation; /* NULL: never decoded, or freed */
   uint8_t *pixels;
   bool offered;
   int distance; /* as of the last store_arrange() */
};

struct store {
   const struct wall *wall;
   const char *folder;
   enum store_mode mode;
   void (*tick)(void *data);
   void *data;

   struct tide_device *device;
   struct tide_paging_queue *queue;
   struct image *images;
   uint8_t *scratch; /* a decoded image, for STORE_TEXTURES */
   int decodes, reclaimed, lost;

   /* Room for lists of all images. */
   struct image **order;
   struct tide_allocation **list;
   enum tide_reclaim_result *results;
};

/*
 * Offered images are discarded LOW first, and within a priority the one offered longest ago first.
 * Up to how far from the frame, in frames, an image has which priority:
 */
static const struct ring {
   enum tide_priority priority;
   int reach;
} rings[] = {
   {TIDE_PRIORITY_LOW, 1000000},
   {TIDE_PRIORITY_NORMAL, 8},
   {TIDE_PRIORITY_HIGH, 2},
};

static void
check(int error, const char *what)
{
   errno = -error;
   if (error)
      die_errno("%s", what);
}

struct store *
store_create(const struct wall *wall, const char *folder, enum store_mode mode,
             void (*tick)(void *data), void *data)
{
   struct store *store = allocate(sizeof(*store));
   store->wall = wall;
   store->folder = folder;
   store->mode = mode;
   store->tick = tick;
   store->data = data;
   store->images = allocate(wall->image_count * sizeof(*store->images));
   store->order = allocate(wall->image_count * sizeof(*store->order));
   store->list = allocate(wall->image_count * sizeof(*store->list));
   store->results = allocate(wall->image_count * sizeof(*store->results));
   if (mode == STORE_TEXTURES) {
      store->scratch = allocate(IMAGE_BYTES);
      return store;
   }
   check(tide_device_open_first(&store->device), "opening tide's render node");
   check(tide_paging_queue_create(store->device, &store->queue), "creating a paging queue");
   return store;
}

void
store_destroy(struct store *store)
{
   for (int i = 0; i < store->wall->image_count; i++)
      tide_allocation_unref(store->images[i].allocation);
   tide_paging_queue_destroy(store->queue);
   tide_device_unref(store->device);
   free(store->scratch);
   free(store->images);
   free(store->order);
   free(store->list);
   free(store->results);
   free(store);
}

static void
decode(struct store *store, int image, uint8_t *pixels)
{
   char *path = format("%s/%03d.jpg", store->folder, image);
   picture_decode(path, IMAGE_SIZE, pixels);
   free(path);
   store->decodes++;
   store->tick(store->data);
}

/* Takes back what of a range is offered, in one call, and decodes again what was lost of it. */
static void
reclaim(struct store *store, int first, int count)
{
   int listed = 0;
   for (int i = first; i < first + count; i++) {
      if (store->images[i].offered) {
         store->order[listed] = &store->images[i];
         store->list[listed++] = store->images[i].allocation;
      }
   }
   if (!listed)
      return;

   /* Nothing here runs on the GPU's own engine, so nobody waits for the paging fence. */
   uint64_t value;
   check(tide_reclaim(store->device, store->queue, store->list, listed, store->results, &value),
         "reclaiming");
   for (int i = 0; i < listed; i++)
      store->order[i]->offered = false;
   for (int i = 0; i < listed; i++) {
      if (store->results[i] == TIDE_RECLAIM_DISCARDED) {
         store->lost++;
         decode(store, store->order[i] - store->images, store->order[i]->pixels);
      } else {
         store->reclaimed++;
      }
   }
}

void
store_take(struct store *store, int first, int count)
{
   reclaim(store, first, count);

   for (int i = first; i < first + count; i++) {
      struct image *image = &store->images[i];
      if (image->allocation)
         continue;
      void *pixels;
      check(tide_allocation_create(store->device, IMAGE_BYTES, 0, &image->allocation),
            "creating an allocation");
      check(tide_allocation_map(image->allocation, &pixels), "mapping an allocation");
      image->pixels = pixels;
      decode(store, i, pixels);
   }
}

const uint8_t *
store_decode(struct store *store, int image, bool lost)
{
   store->lost += lost;
   decode(store, image, store->scratch);
   return store->scratch;
}

void
store_reclaimed(struct store *store)
{
   store->reclaimed++;
}

const uint8_t *
store_pixels(const struct store *store, int image)
{
   return store->images[image].pixels;
}

void
store_leave(struct store *store, const int *images, int count)
{
   for (int i = 0; i < count; i++) {
      struct image *image = &store->images[images[i]];
      switch (store->mode) {
      case STORE_KEEP:
      case STORE_TEXTURES:
         break;
      case STORE_FREE:
         tide_allocation_unref(image->allocation);
         *image = (struct image){0};
         break;
      case STORE_OFFER:
         /* store_arrange() offers it, with all the others. */
         image->offered = true;
         break;
      }
   }
}

static int
farther(const void *a, const void *b)
{
   const struct image *const *one = a, *const *other = b;
   return (*other)->distance - (*one)->distance;
}

void
store_arrange(struct store *store, int x)
{
   int count = 0;
   for (int i = 0; i < store->wall->image_count; i++) {
      if (store->images[i].offered) {
         store->images[i].distance = wall_distance(store->wall, x, i);
         store->order[count++] = &store->images[i];
      }
   }

   /*
    * Offering again sets priority and age anew, and costs little. So all of them are offered with
    * every frame, the farthest first: that makes it the oldest.
    */
   qsort(store->order, count, sizeof(*store->order), farther);
   for (int i = 0; i < count; i++)
      store->list[i] = store->order[i]->allocation;
   for (int ring = 0, from = 0; ring < (int)ARRAY_SIZE(rings); ring++) {
      int to = from;
      int closest = ring + 1 < (int)ARRAY_SIZE(rings) ? rings[ring + 1].reach * FRAME_WIDTH : 0;
      while (to < count && store->order[to]->distance > closest)
         to++;
      if (to > from)
         check(tide_offer(store->device, store->list + from, to - from, rings[ring].priority, 0),
               "offering");
      from = to;
   }
}

/* Bytes that this process has in memory on tide, by whichever file: Mesa has several of one client. */
static uint64_t
present_on_tide(void)
{
   uint64_t most = 0;
   DIR *files = opendir("/proc/self/fdinfo");
   if (!files)
      die_errno("/proc/self/fdinfo");
   for (struct dirent *entry; (entry = readdir(files));) {
      char *path = format("/proc/self/fdinfo/%s", entry->d_name), line[256];
      FILE *file = entry->d_name[0] == '.' ? NULL : fopen(path, "r");
      bool ours = false;
      uint64_t size;
      char unit = 0;
      while (file && fgets(line, sizeof(line), file)) {
         ours |= !strcmp(line, "drm-driver:\ttide\n");
         if (ours && sscanf(line, "drm-resident-system: %" SCNu64 " %c", &size, &unit) > 0) {
            size <<= unit == 'M' ? 20 : unit == 'K' ? 10 : 0;
            most = size > most ? size : most;
         }
      }
      if (file)
         fclose(file);
      free(path);
   }
   closedir(files);
   return most;
}

void
store_query(struct store *store, struct store_state *state)
{
   *state = (struct store_state){
      .decodes = store->decodes,
      .reclaimed = store->reclaimed,
      .lost = store->lost,
   };
   if (store->mode == STORE_TEXTURES) {
      state->present = present_on_tide();
      state->discards = -1;
      return;
   }
   for (int i = 0; i < store->wall->image_count; i++) {
      struct tide_allocation_info info;
      if (!store->images[i].allocation)
         continue;
      check(tide_allocation_query(store->images[i].allocation, &info), "asking for an allocation");
      state->present += info.present;
      state->discards += info.discard_count;
   }
}
