/* SPDX-License-Identifier: MIT */

#include "draw/draw_context.h"
#include "frontend/sw_winsys.h"
#include "util/u_dynarray.h"

#include "lp_access.h"
#include "lp_context.h"
#include "lp_screen.h"
#include "lp_state.h"
#include "lp_texture.h"

void
lp_access_begin_resource(struct llvmpipe_resource *lpr)
{
   struct sw_winsys *winsys = lpr->screen->winsys;

   if (lpr->memory)
      winsys->memory->access_begin(winsys, lpr->memory);
}

void
lp_access_end_resource(struct llvmpipe_resource *lpr)
{
   struct sw_winsys *winsys = lpr->screen->winsys;

   if (lpr->memory)
      winsys->memory->access_end(winsys, lpr->memory);
}

static void
begin(struct llvmpipe_context *lp, struct pipe_resource *resource)
{
   struct llvmpipe_resource *lpr = llvmpipe_resource(resource);

   if (lpr && lpr->memory) {
      lp_access_begin_resource(lpr);
      util_dynarray_append(&lp->accesses, struct sw_memory *, lpr->memory);
   }
}

void
lp_access_begin_stage(struct llvmpipe_context *lp, enum pipe_shader_type stage)
{
   if (!llvmpipe_screen(lp->pipe.screen)->winsys->memory)
      return;

   for (unsigned i = 0; i < ARRAY_SIZE(lp->constants[stage]); i++)
      begin(lp, lp->constants[stage][i].buffer);
   for (unsigned i = 0; i < ARRAY_SIZE(lp->ssbos[stage]); i++)
      begin(lp, lp->ssbos[stage][i].buffer);
   for (unsigned i = 0; i < lp->num_sampler_views[stage]; i++) {
      if (lp->sampler_views[stage][i])
         begin(lp, lp->sampler_views[stage][i]->texture);
   }
   for (unsigned i = 0; i < lp->num_images[stage]; i++)
      begin(lp, lp->images[stage][i].resource);

   if (stage == PIPE_SHADER_COMPUTE) {
      for (unsigned i = 0; i < lp->cs->max_global_buffers; i++)
         begin(lp, lp->cs->global_buffers[i]);
   }
}

void
lp_access_begin_draw(struct llvmpipe_context *lp, const struct pipe_draw_info *info)
{
   if (!llvmpipe_screen(lp->pipe.screen)->winsys->memory)
      return;

   for (unsigned i = 0; i < lp->num_vertex_buffers; i++) {
      if (!lp->vertex_buffer[i].is_user_buffer)
         begin(lp, lp->vertex_buffer[i].buffer.resource);
   }
   if (info->index_size && !info->has_user_indices)
      begin(lp, info->index.resource);
   for (int i = 0; i < lp->num_so_targets; i++) {
      if (lp->so_targets[i])
         begin(lp, lp->so_targets[i]->target.buffer);
   }

   lp_access_begin_stage(lp, PIPE_SHADER_VERTEX);
   if (lp->tcs)
      lp_access_begin_stage(lp, PIPE_SHADER_TESS_CTRL);
   if (lp->tes)
      lp_access_begin_stage(lp, PIPE_SHADER_TESS_EVAL);
   if (lp->gs)
      lp_access_begin_stage(lp, PIPE_SHADER_GEOMETRY);
}

unsigned
lp_access_mark(const struct llvmpipe_context *lp)
{
   return lp->accesses.size;
}

void
lp_access_end(struct llvmpipe_context *lp, unsigned mark)
{
   struct sw_winsys *winsys = llvmpipe_screen(lp->pipe.screen)->winsys;

   while (lp->accesses.size > mark)
      winsys->memory->access_end(winsys,
                                 util_dynarray_pop(&lp->accesses, struct sw_memory *));
}
