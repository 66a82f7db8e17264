/* SPDX-License-Identifier: MIT */
#ifndef TIDE_KMD_H
#define TIDE_KMD_H

#include <stdint.h>

#include "drm/tide_drm.h"

/**
 * DOC: kernel interface
 *
 * All that the library asks of the kernel goes through this table, so that its
 * logic can be tested against a kernel that is not there.
 *
 * Every hook is mandatory. Those that return int return 0 or a negative errno
 * value, and repeat what a signal has interrupted. Lists keep to the limits of
 * @tide_kmd_ops.info: splitting is the caller's business. The structs are those
 * of the uAPI, where their text is. The uAPI's -ESTALE is -EIO here: the library
 * has another meaning for that.
 */

struct tide_kmd;

struct tide_kmd_ops {
   void (*destroy)(struct tide_kmd *kmd);
   int (*info)(struct tide_kmd *kmd, struct drm_tide_info *info);
   int (*segment_info)(struct tide_kmd *kmd, struct drm_tide_segment_info *info);
   int (*budget)(struct tide_kmd *kmd, struct drm_tide_budget *budget);
   int (*reserve)(struct tide_kmd *kmd, uint32_t segment, uint64_t bytes);
   /* Takes the trim events that there are, and does not wait: their number, at most @max. */
   int (*read_trims)(struct tide_kmd *kmd, struct drm_tide_event_trim *trims, uint32_t max);

   int (*bo_create)(struct tide_kmd *kmd, uint64_t size, uint32_t *handle, uint64_t *actual_size);
   void (*bo_close)(struct tide_kmd *kmd, uint32_t handle);
   int (*bo_map)(struct tide_kmd *kmd, uint32_t handle, uint64_t size, void **pointer);
   void (*bo_unmap)(struct tide_kmd *kmd, void *pointer, uint64_t size);
   int (*bo_mmap_offset)(struct tide_kmd *kmd, uint32_t handle, uint64_t *offset);
   int (*bo_info)(struct tide_kmd *kmd, struct drm_tide_bo_info *info);
   int (*bo_export)(struct tide_kmd *kmd, uint32_t handle, int *fd);
   /* gives the handle that the client has already, without counting it */
   int (*bo_import)(struct tide_kmd *kmd, int fd, uint32_t *handle);

   int (*queue_create)(struct tide_kmd *kmd, uint32_t *queue, uint32_t *syncobj);
   void (*queue_destroy)(struct tide_kmd *kmd, uint32_t queue);
   int (*queue_info)(struct tide_kmd *kmd, struct drm_tide_queue_info *info);

   int (*offer)(struct tide_kmd *kmd, const uint32_t *handles, uint32_t count, uint32_t priority,
                uint32_t flags);
   /* @value is 0 after an error, unless the allocations were reclaimed all the same */
   int (*reclaim)(struct tide_kmd *kmd, uint32_t queue, const uint32_t *handles, uint32_t count,
                  uint32_t *results, uint64_t *value);
   /* the out fields are good after -ENOSPC, too */
   int (*make_resident)(struct tide_kmd *kmd, struct drm_tide_make_resident *args);
   int (*evict)(struct tide_kmd *kmd, const uint32_t *handles, uint32_t count, uint32_t flags);
   int (*submit)(struct tide_kmd *kmd, struct drm_tide_submit *submit);

   int (*syncobj_create)(struct tide_kmd *kmd, uint32_t *syncobj);
   void (*syncobj_destroy)(struct tide_kmd *kmd, uint32_t syncobj);
   int (*syncobj_signal)(struct tide_kmd *kmd, uint32_t syncobj, uint64_t point);
   /* waits for all, also for points without a fence, until CLOCK_MONOTONIC is at @deadline_ns */
   int (*syncobj_wait)(struct tide_kmd *kmd, const uint32_t *syncobjs, const uint64_t *points,
                       uint32_t count, int64_t deadline_ns);
};

struct tide_kmd {
   const struct tide_kmd_ops *ops;
   /* belongs to the interface */
   int fd;
};

/* Takes over @fd if it succeeds. */
int
tide_kmd_drm_create(int fd, struct tide_kmd **kmd);

#endif /* TIDE_KMD_H */
