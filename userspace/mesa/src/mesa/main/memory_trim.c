/* SPDX-License-Identifier: MIT */

/**
 * \file memory_trim.c
 * GL_MESAX_memory_trim
 */

#include "context.h"
#include "mtypes.h"

#include "api_exec_decl.h"

#include "pipe/p_screen.h"
#include "state_tracker/st_cb_bitmap.h"
#include "state_tracker/st_cb_drawpixels.h"
#include "state_tracker/st_cb_flush.h"
#include "state_tracker/st_context.h"
#include "state_tracker/st_util.h"

/* The context's caches first: what they held is in the screen's then. */
static void
trim_context(struct gl_context *ctx)
{
   struct st_context *st = st_context(ctx);

   FLUSH_VERTICES(ctx, 0, 0);
   st_flush_bitmap_cache(st);
   st_invalidate_readpix_cache(st);
   st_trim_drawpix(st);
   st_context_free_zombie_objects(st);
   st_flush(st, NULL, 0);
}

void GLAPIENTRY
_mesa_TrimMemoryMESAX(GLuint64 *before, GLuint64 *after)
{
   GET_CURRENT_CONTEXT(ctx);
   struct pipe_screen *screen = ctx->screen;
   uint64_t kept_before, kept_after;

   if (!_mesa_has_MESAX_memory_trim(ctx)) {
      _mesa_error(ctx, GL_INVALID_OPERATION,
                  "glTrimMemoryMESAX(unsupported)");
      return;
   }

   trim_context(ctx);
   screen->trim_memory(screen, &kept_before, &kept_after);

   if (before)
      *before = kept_before;
   if (after)
      *after = kept_after;
}
