/* SPDX-License-Identifier: MIT */
/*
 * Submitters: threads that submit the batches of a managed context, in their order.
 *
 * The kernel's SUBMIT waits until what the job needs is on its way: until the page-ins
 * have their pages, and the fences that the job waits for have been submitted. That is
 * waited for here, and a batch's allocations are required when its turn comes: of
 * batches that wait in line, none keeps what another one needs.
 */

#include <errno.h>
#include <stdlib.h>

#include "batch.h"

#define MAX_FAILURES 64

struct job {
   struct tide_list link;
   struct tide_batch *batch;
   struct drm_tide_sync *syncs; /* waits, then signals */
   uint32_t wait_count, signal_count;
   uint64_t point;
};

struct tide_submitter {
   struct tide_context *context;
   struct tide_residency *residency;
   pthread_t thread;

   pthread_mutex_t lock;
   pthread_cond_t changed;
   struct tide_list jobs;
   uint64_t last_point, submitted;
   bool stop;

   /* the last ones; a ring */
   struct {
      uint64_t point;
      int error;
   } failures[MAX_FAILURES];
   unsigned int failure_count;
};

/* Has it over in any case, whoever waits for it. */
static void
signal_all(struct tide_kmd *kmd, const struct job *job)
{
   for (uint32_t i = 0; i < job->signal_count; i++) {
      const struct drm_tide_sync *sync = &job->syncs[job->wait_count + i];

      kmd->ops->syncobj_signal(kmd, sync->handle, sync->point);
   }
}

static int
submit(struct tide_submitter *submitter, struct job *job)
{
   struct tide_kmd *kmd = submitter->context->device->kmd;
   struct tide_batch *batch = job->batch;
   struct drm_tide_submit args = {
      .bos = (uintptr_t)batch->bos,
      .commands = (uintptr_t)batch->commands,
      .waits = (uintptr_t)job->syncs,
      .signals = (uintptr_t)&job->syncs[job->wait_count],
      .bo_count = batch->count,
      .command_count = batch->command_count,
      .wait_count = job->wait_count,
      .signal_count = job->signal_count,
   };
   uint64_t value;
   int ret;

   /* The job waits for the page-ins by itself. */
   ret = tide_residency_begin(submitter->residency, batch->allocations, batch->count, &value);
   if (!ret) {
      ret = kmd->ops->submit(kmd, &args);
      tide_residency_end(submitter->residency, batch->allocations, batch->count);
      if (ret)
         tide_residency_retry(submitter->residency, batch->allocations, batch->count);
   }
   if (ret)
      signal_all(kmd, job);
   return ret;
}

static void
job_free(struct job *job)
{
   tide_batch_destroy(job->batch);
   free(job->syncs);
   free(job);
}

static void *
work(void *data)
{
   struct tide_submitter *submitter = data;

   pthread_mutex_lock(&submitter->lock);
   while (true) {
      if (tide_list_empty(&submitter->jobs)) {
         if (submitter->stop)
            break;
         pthread_cond_wait(&submitter->changed, &submitter->lock);
         continue;
      }

      struct job *job = TIDE_CONTAINER(submitter->jobs.next, struct job, link);
      const uint64_t point = job->point;
      int ret;

      tide_list_remove(&job->link);
      pthread_mutex_unlock(&submitter->lock);
      ret = submit(submitter, job);
      /* The offers that waited for it go to the kernel. */
      job_free(job);

      pthread_mutex_lock(&submitter->lock);
      submitter->submitted = point;
      if (ret) {
         const unsigned int i = submitter->failure_count++ % MAX_FAILURES;

         submitter->failures[i].point = point;
         submitter->failures[i].error = ret;
      }
   }
   pthread_mutex_unlock(&submitter->lock);
   return NULL;
}

int
tide_submitter_create(struct tide_context *context, struct tide_residency *residency,
                      struct tide_submitter **submitter)
{
   struct tide_submitter *made = calloc(1, sizeof(*made));
   int ret;

   if (!made)
      return -ENOMEM;
   made->context = context;
   made->residency = tide_residency_ref(residency);
   pthread_mutex_init(&made->lock, NULL);
   pthread_cond_init(&made->changed, NULL);
   tide_list_init(&made->jobs);
   ret = tide_thread_create(&made->thread, work, made);
   if (ret) {
      pthread_mutex_destroy(&made->lock);
      pthread_cond_destroy(&made->changed);
      tide_residency_unref(residency);
      free(made);
      return ret;
   }
   *submitter = made;
   return 0;
}

void
tide_submitter_destroy(struct tide_submitter *submitter)
{
   pthread_mutex_lock(&submitter->lock);
   submitter->stop = true;
   pthread_cond_signal(&submitter->changed);
   pthread_mutex_unlock(&submitter->lock);
   pthread_join(submitter->thread, NULL);

   pthread_mutex_destroy(&submitter->lock);
   pthread_cond_destroy(&submitter->changed);
   tide_residency_unref(submitter->residency);
   free(submitter);
}

int
tide_submitter_submit_locked(struct tide_submitter *submitter, struct tide_batch *batch,
                             struct drm_tide_sync *syncs, uint32_t wait_count,
                             uint32_t signal_count, struct tide_fence *fence)
{
   struct drm_tide_sync *own = &syncs[wait_count + signal_count - 1];
   struct job *job = calloc(1, sizeof(*job));
   int ret;

   if (!job)
      return -ENOMEM;
   ret = tide_batch_create(submitter->context, batch->kind, &job->batch);
   if (ret) {
      free(job);
      return ret;
   }
   tide_batch_move_locked(job->batch, batch);
   job->syncs = syncs;
   job->wait_count = wait_count;
   job->signal_count = signal_count;
   own->handle = submitter->context->syncobj;

   pthread_mutex_lock(&submitter->lock);
   job->point = own->point = ++submitter->last_point;
   if (fence)
      *fence = (struct tide_fence){.syncobj = own->handle, .point = own->point};
   tide_list_add_tail(&submitter->jobs, &job->link);
   pthread_cond_signal(&submitter->changed);
   pthread_mutex_unlock(&submitter->lock);
   return 0;
}

int
tide_submitter_error(struct tide_submitter *submitter, uint64_t point)
{
   int ret = 0;

   pthread_mutex_lock(&submitter->lock);
   if (!point || point > submitter->last_point)
      ret = -EINVAL;
   else if (point > submitter->submitted)
      ret = -EINPROGRESS;
   for (unsigned int i = 0; i < MAX_FAILURES && !ret; i++)
      if (submitter->failures[i].point == point)
         ret = submitter->failures[i].error;
   pthread_mutex_unlock(&submitter->lock);
   return ret;
}
