/* SPDX-License-Identifier: MIT */
#ifndef LP_ACCESS_H
#define LP_ACCESS_H

#include "pipe/p_defines.h"

struct llvmpipe_context;
struct llvmpipe_resource;
struct pipe_draw_info;

/*
 * What the CPU does at once, outside of scenes: the winsys has to know while it
 * lasts. Begins may be nested. Nothing happens where memory is on the heap.
 */

/** Accesses what a draw reads and writes before rasterisation. */
void
lp_access_begin_draw(struct llvmpipe_context *lp, const struct pipe_draw_info *info);

/** Accesses what a stage has bound, and the global buffers of compute shaders. */
void
lp_access_begin_stage(struct llvmpipe_context *lp, enum pipe_shader_type stage);

/** How many accesses have begun; for lp_access_end() to go back to. */
unsigned
lp_access_mark(const struct llvmpipe_context *lp);

void
lp_access_end(struct llvmpipe_context *lp, unsigned mark);

/** Accesses one resource. */
void
lp_access_begin_resource(struct llvmpipe_resource *lpr);

void
lp_access_end_resource(struct llvmpipe_resource *lpr);

#endif /* LP_ACCESS_H */
