/* SPDX-License-Identifier: MIT */

/*
 * Walks along the wall and draws what is seen, in one of three ways of treating what is not, and
 * records how that goes. See wall.h for the walk and store.h for the ways.
 */

#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/mman.h>

#include "draw.h"
#include "picture.h"
#include "record.h"
#include "store.h"
#include "util.h"
#include "wall.h"

#define SAMPLE_SECONDS 0.25

static const char usage[] =
   "usage: gallery --mode keep|free|offer|textures --images FOLDER --out FOLDER\n"
   "               [--reference FOLDER] [--pictures EVERY] [--limit SECONDS]\n"
   "               [--step FRAMES] [--stay]\n"
   "\n"
   "Images that do not show are kept, freed, or offered, the latter also as purgeable textures of\n"
   "OpenGL. Records go to --out. Frames are compared\n"
   "with those of the run whose records are in --reference. Wrong ones are written as PNG, and so\n"
   "is every EVERYth. --step goes on by so many frames at a time. With --stay it does not end "
   "after\n"
   "the walk, and keeps what it has.";

struct options {
   enum store_mode mode;
   const char *images, *out, *reference;
   int pictures, limit, step;
   bool stay;
};

struct gallery {
   struct options options;
   struct wall *wall;
   struct painter *painter;
   struct store *store;
   bool *shows; /* by image */
   int *left;   /* room for a list of all images */
   FILE *frames, *samples;
   struct frame_record *references;
   int reference_count;
   double start, next_sample;
   int frame;
};

static void
sample(struct gallery *gallery)
{
   struct store_state state;
   store_query(gallery->store, &state);
   struct sample_record record = {
      .seconds = now() - gallery->start,
      .frame = gallery->frame,
      .images_mib = state.present >> 20,
      .discards = state.discards,
   };
   record_look(&record);
   record_sample(gallery->samples, &record);
   gallery->next_sample = now() + SAMPLE_SECONDS;
}

static void
tick(void *data)
{
   struct gallery *gallery = data;
   if (now() >= gallery->next_sample)
      sample(gallery);
}

/* FNV-1a */
static uint64_t
hash(const uint8_t *bytes, size_t size)
{
   uint64_t value = 0xcbf29ce484222325;
   for (size_t i = 0; i < size; i++)
      value = (value ^ bytes[i]) * 0x100000001b3;
   return value;
}

static void
leave(struct gallery *gallery, int image)
{
   if (gallery->options.mode == STORE_TEXTURES)
      painter_offer(gallery->painter, image);
   else
      painter_hide(gallery->painter, image);
}

static void
take(struct gallery *gallery, int image)
{
   enum painter_content content;

   if (gallery->options.mode != STORE_TEXTURES) {
      painter_show(gallery->painter, image, store_pixels(gallery->store, image));
      return;
   }
   content = painter_reclaim(gallery->painter, image);
   if (content == PAINTER_KEPT)
      store_reclaimed(gallery->store);
   else
      painter_show(gallery->painter, image,
                   store_decode(gallery->store, image, content == PAINTER_LOST));
}

static void
draw(struct gallery *gallery, int x, uint8_t pixels[FRAME_BYTES])
{
   int count, first = wall_visible(gallery->wall, x, &count);

   int left = 0;
   for (int i = 0; i < gallery->wall->image_count; i++) {
      if (gallery->shows[i] && (i < first || i >= first + count)) {
         leave(gallery, i);
         gallery->shows[i] = false;
         gallery->left[left++] = i;
      }
   }
   if (gallery->options.mode != STORE_TEXTURES) {
      store_leave(gallery->store, gallery->left, left);
      store_arrange(gallery->store, x);
      store_take(gallery->store, first, count);
   }
   for (int i = first; i < first + count; i++) {
      if (!gallery->shows[i]) {
         take(gallery, i);
         gallery->shows[i] = true;
      }
   }
   painter_draw(gallery->painter, x, pixels);
}

static void
write_picture(struct gallery *gallery, const char *kind, const uint8_t *pixels)
{
   char *path = format("%s/%s-%03d.png", gallery->options.out, kind, gallery->frame);
   picture_write(path, FRAME_WIDTH, FRAME_HEIGHT, pixels);
   free(path);
}

static void
run_frame(struct gallery *gallery, int x)
{
   static uint8_t pixels[FRAME_BYTES];
   double start = now();
   draw(gallery, x, pixels);
   double end = now();

   struct store_state state;
   store_query(gallery->store, &state);
   struct frame_record record = {
      .frame = gallery->frame,
      .ms = (end - start) * 1000,
      .decodes = state.decodes,
      .reclaimed = state.reclaimed,
      .lost = state.lost,
      .picture = hash(pixels, sizeof(pixels)),
   };
   if (gallery->options.reference)
      record.wrong = gallery->frame >= gallery->reference_count ||
                     record.picture != gallery->references[gallery->frame].picture;
   record_frame(gallery->frames, &record);
   tick(gallery);

   if (record.wrong)
      write_picture(gallery, "wrong", pixels);
   if (gallery->options.pictures && gallery->frame % gallery->options.pictures == 0)
      write_picture(gallery, "frame", pixels);
}

/* Lets go of the pages of mapped files, code above all, and then of those that nobody maps. */
static void
drop_files(void)
{
   FILE *maps = fopen("/proc/self/maps", "r");
   if (!maps)
      die_errno("/proc/self/maps");
   char line[PATH_MAX + 100];
   while (fgets(line, sizeof(line), maps)) {
      unsigned long from, to, inode;
      char sharing;
      if (sscanf(line, "%lx-%lx %*3s%c %*s %*s %lu", &from, &to, &sharing, &inode) == 4 && inode &&
          sharing == 'p')
         madvise((void *)from, to - from, MADV_PAGEOUT);
   }
   fclose(maps);

   FILE *drop = fopen("/proc/sys/vm/drop_caches", "w");
   if (!drop || fputs("1", drop) < 0 || fclose(drop))
      die_errno("/proc/sys/vm/drop_caches");
}

/*
 * Starting brings in much that is not used again, above all of Mesa's compiler. Let go of it, so
 * that what is free at the start is free for images. What a frame needs comes back with the second
 * one.
 */
static void
warm_up(struct gallery *gallery, int x)
{
   static uint8_t pixels[FRAME_BYTES];
   draw(gallery, x, pixels);
   drop_files();
   draw(gallery, x, pixels);
}

static void
run(struct gallery *gallery)
{
   int count, *path = wall_path(gallery->wall, &count);

   gallery->next_sample = INFINITY;
   warm_up(gallery, path[0]);

   gallery->start = now();
   sample(gallery);
   for (gallery->frame = 0; gallery->frame < count; gallery->frame += gallery->options.step) {
      run_frame(gallery, path[gallery->frame]);
      printf("frame %d of %d\n", gallery->frame + 1, count);
      fflush(stdout);
   }
   sample(gallery);
   free(path);
}

static struct options
parse(int argc, char **argv)
{
   static const char *const modes[] = {
      [STORE_KEEP] = "keep",
      [STORE_FREE] = "free",
      [STORE_OFFER] = "offer",
      [STORE_TEXTURES] = "textures",
   };
   static const struct option names[] = {
      {"mode", required_argument, NULL, 'm'},
      {"images", required_argument, NULL, 'i'},
      {"out", required_argument, NULL, 'o'},
      {"reference", required_argument, NULL, 'r'},
      {"pictures", required_argument, NULL, 'p'},
      {"limit", required_argument, NULL, 'l'},
      {"step", required_argument, NULL, 'f'},
      {"stay", no_argument, NULL, 's'},
      {0},
   };

   struct options options = {.mode = -1, .step = 1};
   for (int name; (name = getopt_long(argc, argv, "", names, NULL)) != -1;) {
      switch (name) {
      case 'm':
         for (int i = 0; i < (int)ARRAY_SIZE(modes); i++) {
            if (!strcmp(optarg, modes[i]))
               options.mode = i;
         }
         break;
      case 'i':
         options.images = optarg;
         break;
      case 'o':
         options.out = optarg;
         break;
      case 'r':
         options.reference = optarg;
         break;
      case 'p':
         options.pictures = atoi(optarg);
         break;
      case 'l':
         options.limit = atoi(optarg);
         break;
      case 'f':
         options.step = atoi(optarg);
         break;
      case 's':
         options.stay = true;
         break;
      default:
         die("%s", usage);
      }
   }
   if ((int)options.mode < 0 || !options.images || !options.out || options.step < 1 ||
       optind != argc)
      die("%s", usage);
   return options;
}

int
main(int argc, char **argv)
{
   struct gallery gallery = {.options = parse(argc, argv)};
   const struct options *options = &gallery.options;

   /* A machine that is short of memory can become very slow: the default action is to end. */
   alarm(options->limit);

   gallery.wall = wall_read(options->images);
   gallery.shows = allocate(gallery.wall->image_count * sizeof(*gallery.shows));
   gallery.left = allocate(gallery.wall->image_count * sizeof(*gallery.left));
   if (options->reference)
      gallery.reference_count = record_read_frames(options->reference, &gallery.references);
   gallery.frames = record_open(options->out, "frames");
   gallery.samples = record_open(options->out, "samples");
   gallery.painter = painter_create(gallery.wall, options->mode == STORE_TEXTURES);
   gallery.store = store_create(gallery.wall, options->images, options->mode, tick, &gallery);
   printf("%s\n", painter_renderer(gallery.painter));

   run(&gallery);

   /* Whoever waits for the end may read all records then. */
   fclose(gallery.frames);
   fclose(gallery.samples);
   fclose(record_open(options->out, "end"));
   if (options->stay) {
      alarm(0);
      pause();
   }
   store_destroy(gallery.store);
   painter_destroy(gallery.painter);
   free(gallery.references);
   free(gallery.left);
   free(gallery.shows);
   wall_free(gallery.wall);
   return 0;
}
