/* SPDX-License-Identifier: MIT */

/* The ideal cache at the ends of its range, and against one that drops what was seen longest ago.
 */

#include "ideal.h"

#include <stdbool.h>
#include <stdlib.h>

#include "util.h"
#include "wall.h"

struct walk {
   const struct wall *wall;
   const int *path;
   int frames;
};

static void
expect(bool holds, const char *what, int capacity)
{
   if (!holds)
      die("room for %d: %s", capacity, what);
}

/* As ideal_decodes(), but drops what was seen the longest ago. */
static int
lru_decodes(const struct walk *walk, int capacity)
{
   int images = walk->wall->image_count, decodes = 0, used = 0;
   int *seen = allocate(images * sizeof(*seen)); /* frame + 1, or 0 when not cached */

   for (int frame = 0; frame < walk->frames; frame++) {
      int count, first = wall_visible(walk->wall, walk->path[frame], &count);
      for (int i = first; i < first + count; i++) {
         used += !seen[i];
         decodes += !seen[i];
         seen[i] = frame + 1;
      }
      while (used > capacity && used > count) {
         int victim = -1;
         for (int i = 0; i < images; i++) {
            if (seen[i] && (victim < 0 || seen[i] < seen[victim]))
               victim = i;
         }
         seen[victim] = 0;
         used--;
      }
   }

   free(seen);
   return decodes;
}

static int
count_appearances(const struct walk *walk, bool only_first)
{
   int appearances = 0;
   for (int i = 0; i < walk->wall->image_count; i++) {
      bool showed = false;
      int times = 0;
      for (int frame = 0; frame < walk->frames; frame++) {
         bool shows = !wall_distance(walk->wall, walk->path[frame], i);
         times += shows && !showed;
         showed = shows;
      }
      appearances += only_first ? times > 0 : times;
   }
   return appearances;
}

int
main(int argc, char **argv)
{
   if (argc != 2)
      die("usage: test_ideal FOLDER-WITH-A-WALL");
   struct wall *wall = wall_read(argv[1]);
   int frames, *path = wall_path(wall, &frames);
   struct walk walk = {wall, path, frames};
   int *so_far = allocate(frames * sizeof(*so_far));

   int all = count_appearances(&walk, false), best = count_appearances(&walk, true);
   int last = ideal_decodes(wall, path, frames, 0, so_far);
   bool lru_was_worse = false;
   expect(last == all, "each appearance takes a decoding", 0);
   expect(so_far[frames - 1] == last, "the count after the last frame is another", 0);
   for (int room = 1; room <= wall->image_count; room++) {
      int ideal = ideal_decodes(wall, path, frames, room, NULL), lru = lru_decodes(&walk, room);
      expect(ideal <= last, "more room, and more decodings", room);
      expect(ideal <= lru, "worse than dropping what was seen the longest ago", room);
      lru_was_worse |= ideal < lru;
      last = ideal;
   }
   expect(last == best, "more than one decoding an image", wall->image_count);
   expect(lru_was_worse, "never better than dropping what was seen the longest ago", 0);

   free(so_far);
   free(path);
   wall_free(wall);
   return 0;
}
