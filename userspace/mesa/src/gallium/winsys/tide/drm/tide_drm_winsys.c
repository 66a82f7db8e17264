/* SPDX-License-Identifier: MIT */

/* The winsys, and the screen on it. */

#include <unistd.h>

#include "llvmpipe/lp_public.h"
#include "llvmpipe/lp_screen.h"
#include "pipe/p_screen.h"
#include "util/hash_table.h"
#include "util/os_file.h"
#include "util/os_misc.h"
#include "util/u_memory.h"
#include "util/u_screen.h"

#include "tide_drm_public.h"
#include "tide_winsys.h"

static int
tide_get_fd(struct sw_winsys *ws)
{
   return tide_winsys(ws)->fd;
}

/* The screen is gone, and with it all of its memory but what is kept here. */
static void
tide_winsys_destroy(struct sw_winsys *sws)
{
   struct tide_winsys *ws = tide_winsys(sws);

   tide_stats_print(ws);
   tide_watcher_destroy(ws->watcher);
   tide_trimmer_destroy(ws->trimmer);
   tide_cache_trim(ws);
   tide_gone_finish(ws);
   tide_paging_queue_destroy(ws->queue);
   tide_context_destroy(ws->context);
   tide_device_unref(ws->device);

   _mesa_hash_table_destroy(ws->shared, NULL);
   simple_mtx_destroy(&ws->shared_lock);
   simple_mtx_destroy(&ws->reclaim_lock);
   simple_mtx_destroy(&ws->cache.lock);
   simple_mtx_destroy(&ws->residency.lock);
   simple_mtx_destroy(&ws->stats_lock);
   if (ws->fd >= 0)
      close(ws->fd);
   FREE(ws);
}

/* Takes the file over if it succeeds. */
static struct sw_winsys *
tide_winsys_create(int fd)
{
   struct tide_winsys *ws = CALLOC_STRUCT(tide_winsys);

   if (!ws)
      return NULL;
   ws->shared = _mesa_pointer_hash_table_create(NULL);
   if (!ws->shared || !os_get_page_size(&ws->page_size) ||
       tide_device_open(fd, &ws->device))
      goto fail;
   if (tide_context_create(ws->device, &ws->context) ||
       tide_paging_queue_create(ws->device, &ws->queue) ||
       tide_trimmer_create(ws->device, tide_ws_trimmed, ws, &ws->trimmer))
      goto fail;

   simple_mtx_init(&ws->shared_lock, mtx_plain);
   simple_mtx_init(&ws->reclaim_lock, mtx_plain);
   tide_cache_init(ws);
   tide_residency_init(ws);
   tide_stats_init(ws);

   ws->fd = fd;
   ws->base.destroy = tide_winsys_destroy;
   ws->base.get_fd = tide_get_fd;
   ws->base.memory = &tide_memory_ops;

   /* Applications have no idea of events. Without a thread for them all else works. */
   if (tide_watcher_create(ws->device, &ws->watcher))
      ws->watcher = NULL;
   return &ws->base;

fail:
   tide_paging_queue_destroy(ws->queue);
   tide_context_destroy(ws->context);
   tide_device_unref(ws->device);
   if (ws->shared)
      _mesa_hash_table_destroy(ws->shared, NULL);
   FREE(ws);
   return NULL;
}

static void
destroy_screen(struct pipe_screen *screen)
{
   struct sw_winsys *ws = llvmpipe_screen(screen)->winsys;

   tide_winsys(ws)->destroy_screen(screen);
   ws->destroy(ws);
}

static struct pipe_screen *
create_screen(int fd, const struct pipe_screen_config *config, struct renderonly *ro)
{
   struct sw_winsys *ws = tide_winsys_create(fd);
   struct pipe_screen *screen;

   if (!ws)
      return NULL;
   screen = llvmpipe_create_screen(ws);
   if (!screen) {
      tide_winsys(ws)->fd = -1;
      ws->destroy(ws);
      return NULL;
   }

   /* llvmpipe leaves its winsys to whoever made it. */
   tide_winsys(ws)->destroy_screen = screen->destroy;
   screen->destroy = destroy_screen;
   return screen;
}

struct pipe_screen *
tide_drm_screen_create(int fd, const struct pipe_screen_config *config)
{
   struct pipe_screen *screen;

   /* The table of screens finds a screen by a file that stays open. */
   fd = os_dupfd_cloexec(fd);
   if (fd < 0)
      return NULL;
   screen = u_pipe_screen_lookup_or_create(fd, config, NULL, create_screen);
   if (!screen || screen->get_screen_fd(screen) != fd)
      close(fd);
   return screen;
}
