/* SPDX-License-Identifier: MIT */
#ifndef TIDE_BATCH_H
#define TIDE_BATCH_H

#include "internal.h"

/* An allocation's place in a batch, and what there was before, 0 for nothing. */
struct reference {
   uint32_t index;
   uint32_t old_access;
};

int
tide_batch_reference_locked(struct tide_batch *batch, struct tide_allocation *allocation,
                            uint32_t access, struct reference *reference);
/* Takes the newest reference back. */
void
tide_batch_unreference_locked(struct tide_batch *batch, const struct reference *reference);

/* Moves all that is in @from, which is over then, into @to, which is new. */
void
tide_batch_move_locked(struct tide_batch *to, struct tide_batch *from);

/* No more under construction. */
void
tide_batch_over_locked(struct tide_batch *batch);

#endif /* TIDE_BATCH_H */
