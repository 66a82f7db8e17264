// SPDX-License-Identifier: MIT
/*
 * Offers, reclaims, residency, queues, jobs, syncobjs
 */
#include <sys/ioctl.h>
#include <time.h>

#include "world.h"

/* A list of handles: which slots, a bit each, and what comes to their end */
struct handle_list {
   uint32_t handles[LIST + 1];
   uint32_t results[LIST + 1];
   uint32_t count;
   uint64_t pointer;
};

static void
make_list(struct handle_list *list, uint64_t client, uint64_t slots, uint64_t shape)
{
   list->count = 0;
   for (uint32_t i = 0; i < LIST; i++)
      if (slots >> i & 1)
         list->handles[list->count++] = handle_of(client, i);
   /* One twice, one that is not there */
   if ((shape & 15) == 1 && list->count)
      list->handles[list->count++] = list->handles[0];
   else if ((shape & 15) == 2)
      list->handles[list->count++] = shape >> 4;
   else if (!list->count)
      list->handles[list->count++] = handle_of(client, slots >> 8);
   list->pointer = (uintptr_t)list->handles;
   if (shape == 4095)
      list->pointer = 0;
   else if (shape >= 65535)
      list->count = shape;
}

/* Delays are short: a client that ends waits for a second for its jobs. */
static uint64_t
delay_of(uint64_t arg)
{
   return arg < 1ull << 62 ? arg % 2000000 : arg;
}

/* Offer, reclaim, residency */

void
op_offer(const uint64_t *a)
{
   struct handle_list list;
   struct drm_tide_offer offer = {};

   make_list(&list, a[0], a[1], a[2]);
   offer.handles = list.pointer;
   offer.count = list.count;
   offer.priority = a[3] < 255 ? 1 + a[3] % 3 : a[3];
   offer.flags = flags_of(a[4], DRM_TIDE_OFFER_ALLOW_DECOMMIT);
   call(fd_of(a[0]), DRM_IOCTL_TIDE_OFFER, &offer);
}

void
op_reclaim(const uint64_t *a)
{
   struct handle_list list;
   struct drm_tide_reclaim reclaim = {};

   make_list(&list, a[0], a[1], a[2]);
   reclaim.handles = list.pointer;
   reclaim.results = a[4] == 255 ? 0 : (uintptr_t)list.results;
   reclaim.count = list.count;
   reclaim.queue = queue_of(a[0], a[3]);
   reclaim.flags = flags_of(a[5], 0);
   if (!call(fd_of(a[0]), DRM_IOCTL_TIDE_RECLAIM, &reclaim))
      w.values[client_of(a[0])] = reclaim.value;
}

void
op_make_resident(const uint64_t *a)
{
   struct handle_list list;
   struct drm_tide_make_resident args = {};

   make_list(&list, a[0], a[1], a[2]);
   args.handles = list.pointer;
   args.count = list.count;
   args.queue = queue_of(a[0], a[3]);
   args.flags = flags_of(a[4], 3);
   args.pad = a[5] == 255;
   if (!call(fd_of(a[0]), DRM_IOCTL_TIDE_MAKE_RESIDENT, &args))
      w.values[client_of(a[0])] = args.value;
}

void
op_evict(const uint64_t *a)
{
   struct handle_list list;
   struct drm_tide_evict evict = {};

   make_list(&list, a[0], a[1], a[2]);
   evict.handles = list.pointer;
   evict.count = list.count;
   evict.flags = flags_of(a[4], 3);
   evict.pad = a[5] == 255;
   call(fd_of(a[0]), DRM_IOCTL_TIDE_EVICT, &evict);
}

/* Queues */

void
op_queue_create(const uint64_t *a)
{
   struct drm_tide_queue_create args = {
      .priority = a[2] < 128 ? (int)(a[2] % 3) - 1 : (int)a[2],
      .flags = flags_of(a[3], 0),
   };

   if (call(fd_of(a[0]), DRM_IOCTL_TIDE_QUEUE_CREATE, &args))
      return;
   w.queues[client_of(a[0])][a[1] % QUEUES] = args.queue;
   w.syncobjs[client_of(a[0])][a[1] % SYNCOBJS] = args.syncobj;
}

void
op_queue_destroy(const uint64_t *a)
{
   struct drm_tide_queue_destroy args = {.queue = queue_of(a[0], a[1])};

   call(fd_of(a[0]), DRM_IOCTL_TIDE_QUEUE_DESTROY, &args);
}

void
op_queue_info(const uint64_t *a)
{
   struct drm_tide_queue_info args = {.queue = queue_of(a[0], a[1]), .value = a[2]};

   call(fd_of(a[0]), DRM_IOCTL_TIDE_QUEUE_INFO, &args);
}

/* Jobs */

void
op_submit(const uint64_t *a)
{
   struct drm_tide_submit_bo bos[LIST];
   struct drm_tide_command commands[4] = {};
   struct drm_tide_sync wait = {.handle = syncobj_of(a[0], a[4]), .point = a[4] >> 4 & 3};
   struct drm_tide_sync signal = {.handle = syncobj_of(a[0], a[5]), .point = a[5] >> 4};
   struct drm_tide_submit submit = {
      .bos = (uintptr_t)bos,
      .commands = (uintptr_t)commands,
      .waits = (uintptr_t)&wait,
      .signals = (uintptr_t)&signal,
      .command_count = a[2] % 4,
      .wait_count = a[4] % 8 == 1,
      .signal_count = a[5] % 2,
      .flags = a[5] == 254,
      .pad = a[5] == 252,
   };

   for (uint32_t i = 0; i < LIST; i++)
      if (a[1] >> i & 1)
         bos[submit.bo_count++] =
            (struct drm_tide_submit_bo){handle_of(a[0], i), a[1] >> (8 + 2 * i) & 3 ?: 3};
   for (uint32_t i = 0; i < submit.command_count; i++) {
      struct drm_tide_command *c = &commands[i];
      uint64_t bits = a[3] >> (i * 8);

      c->op = 1 + bits % 4;
      c->length = c->op == DRM_TIDE_CMD_DELAY ? delay_of(a[3]) : size_of(bits / 4 % 8);
      if (c->op == DRM_TIDE_CMD_DELAY)
         continue;
      c->dst = bits % (submit.bo_count + 1);
      c->dst_offset = a[2] >> 8;
      c->pattern = c->op == DRM_TIDE_CMD_FILL ? (uint32_t)a[3] : 0;
      c->src = c->op == DRM_TIDE_CMD_COPY ? bits / 2 % (submit.bo_count + 1) : 0;
      c->src_offset = c->op == DRM_TIDE_CMD_COPY ? a[2] >> 16 : 0;
   }
   if (a[2] >= 1ull << 62)
      submit.command_count = a[2];
   if (a[1] >= 1ull << 62)
      submit.bo_count = a[1];
   call(fd_of(a[0]), DRM_IOCTL_TIDE_SUBMIT, &submit);
}

/* Syncobjs: also those of queues */

void
op_syncobj(const uint64_t *a)
{
   uint32_t handle = syncobj_of(a[0], a[1]), c = client_of(a[0]);
   struct drm_syncobj_create create = {.flags = a[3] & 1};
   struct drm_syncobj_destroy destroy = {.handle = handle};
   struct drm_syncobj_array array = {.handles = (uintptr_t)&handle, .count_handles = 1};
   struct drm_syncobj_timeline_array points = {
      .handles = (uintptr_t)&handle,
      .points = (uintptr_t)&a[3],
      .count_handles = 1,
   };
   struct drm_syncobj_transfer transfer = {
      .src_handle = handle,
      .dst_handle = syncobj_of(a[0], a[3]),
      .src_point = a[4],
      .dst_point = a[5],
   };

   switch (a[2] % 6) {
   case 0:
      if (!call(fd_of(a[0]), DRM_IOCTL_SYNCOBJ_CREATE, &create))
         w.syncobjs[c][a[1] % SYNCOBJS] = create.handle;
      break;
   case 1:
      call(fd_of(a[0]), DRM_IOCTL_SYNCOBJ_DESTROY, &destroy);
      break;
   case 2:
      call(fd_of(a[0]), DRM_IOCTL_SYNCOBJ_RESET, &array);
      break;
   case 3:
      call(fd_of(a[0]), DRM_IOCTL_SYNCOBJ_SIGNAL, &array);
      break;
   case 4:
      call(fd_of(a[0]), DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, &points);
      break;
   default:
      call(fd_of(a[0]), DRM_IOCTL_SYNCOBJ_TRANSFER, &transfer);
      break;
   }
}

void
op_wait(const uint64_t *a)
{
   uint32_t handle = syncobj_of(a[0], a[1]);
   uint64_t point = a[2] < 8 ? w.values[client_of(a[0])] : a[2];
   struct timespec now;
   struct drm_syncobj_timeline_wait args = {
      .handles = (uintptr_t)&handle,
      .points = (uintptr_t)&point,
      .count_handles = 1,
      .flags = a[3] < 64 ? DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT : a[3] % 16,
   };

   clock_gettime(CLOCK_MONOTONIC, &now);
   args.timeout_nsec = now.tv_sec * 1000000000ll + now.tv_nsec + 5000000;
   call(fd_of(a[0]), DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &args);
}

/* Bytes for any struct, of any length */
void
op_raw(const uint64_t *a)
{
   uint64_t bytes[16] = {a[2], a[3], a[4], a[5]};

   bytes[4] = a[3] ^ a[4];
   call(fd_of(a[0]),
        _IOC(a[1] >> 8 & 3, DRM_IOCTL_BASE, DRM_COMMAND_BASE + (a[1] & 15), a[1] >> 16 & 127),
        bytes);
}
