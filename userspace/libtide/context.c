/* SPDX-License-Identifier: MIT */
/* Contexts: a timeline for the batches that are submitted through them. */

#include <errno.h>
#include <stdlib.h>

#include "internal.h"

int
tide_context_create(struct tide_device *device, struct tide_context **context)
{
   int ret;

   if (!device || !context)
      return -EINVAL;
   if (tide_device_stale(device))
      return -ESTALE;

   struct tide_context *made = calloc(1, sizeof(*made));

   if (!made)
      return -ENOMEM;
   ret = device->kmd->ops->syncobj_create(device->kmd, &made->syncobj);
   if (ret) {
      free(made);
      return ret;
   }
   made->device = tide_device_ref(device);
   atomic_init(&made->refs, 1);
   pthread_mutex_init(&made->submit_lock, NULL);
   *context = made;
   return 0;
}

int
tide_context_create_managed(struct tide_residency *residency, struct tide_context **context)
{
   struct tide_context *made;
   int ret;

   if (!residency || !context)
      return -EINVAL;
   ret = tide_context_create(tide_residency_device(residency), &made);
   if (ret)
      return ret;
   ret = tide_submitter_create(made, residency, &made->submitter);
   if (ret)
      tide_context_unref(made);
   else
      *context = made;
   return ret;
}

int
tide_context_error(struct tide_context *context, uint64_t point)
{
   int ret;

   if (!context)
      return -EINVAL;
   if (tide_device_stale(context->device))
      return -ESTALE;
   if (context->submitter)
      return tide_submitter_error(context->submitter, point);

   pthread_mutex_lock(&context->submit_lock);
   ret = point && point <= context->last_point ? 0 : -EINVAL;
   pthread_mutex_unlock(&context->submit_lock);
   return ret;
}

void
tide_context_destroy(struct tide_context *context)
{
   if (!context || tide_device_stale(context->device))
      return;
   if (context->submitter)
      tide_submitter_destroy(context->submitter);
   tide_context_unref(context);
}

struct tide_context *
tide_context_ref(struct tide_context *context)
{
   atomic_fetch_add(&context->refs, 1);
   return context;
}

void
tide_context_unref(struct tide_context *context)
{
   struct tide_device *device = context->device;

   if (atomic_fetch_sub(&context->refs, 1) != 1)
      return;
   device->kmd->ops->syncobj_destroy(device->kmd, context->syncobj);
   pthread_mutex_destroy(&context->submit_lock);
   free(context);
   tide_device_unref(device);
}

int
tide_context_submit(struct tide_context *context, struct drm_tide_submit *submit,
                    struct drm_tide_sync *signal, struct tide_fence *fence)
{
   struct tide_kmd *kmd = context->device->kmd;
   int ret;

   pthread_mutex_lock(&context->submit_lock);
   signal->handle = context->syncobj;
   signal->point = context->last_point + 1;
   ret = kmd->ops->submit(kmd, submit);
   if (!ret) {
      context->last_point++;
      if (fence)
         *fence = (struct tide_fence){.syncobj = signal->handle, .point = signal->point};
   }
   pthread_mutex_unlock(&context->submit_lock);
   return ret;
}
