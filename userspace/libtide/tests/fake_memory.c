/* SPDX-License-Identifier: MIT */
/* The fake kernel: allocations, offers, residency. */

#include "fake_internal.h"

#define PAGE 4096u

struct fake_bo *
fake_find_bo(struct fake *fake, uint32_t handle)
{
   return handle && handle < fake->max_bos && fake->bos[handle].open ? &fake->bos[handle] : NULL;
}

uint8_t *
fake_memory_of(struct fake_bo *bo)
{
   if (!bo->memory)
      bo->memory = calloc(1, bo->size);
   return bo->memory;
}

static int
fake_bo_create(struct tide_kmd *kmd, uint64_t size, uint32_t *handle, uint64_t *actual_size)
{
   struct fake *fake = fake_of(kmd);
   int ret = fake_enter(fake, FAKE_BO_CREATE, NULL, 0, 0);

   if (ret)
      return ret;
   /* The lowest free one, as in the kernel, so that handles come again. */
   while (fake->next_bo < fake->max_bos && fake->bos[fake->next_bo].open)
      fake->next_bo++;
   if (fake->next_bo == fake->max_bos)
      return fake_leave(fake, -ENOMEM);

   const uint32_t i = fake->next_bo++;

   struct fake_bo *bo = &fake->bos[i];

   bo->open = true;
   bo->offered = bo->discarded = bo->exported = bo->mapped = false;
   bo->priority = bo->residency = bo->discards = bo->page_in_error = 0;
   bo->segment = 0;
   bo->not_committed = false;
   bo->size = (size + PAGE - 1) / PAGE * PAGE;
   bo->memory = NULL;
   *handle = i;
   *actual_size = bo->size;
   return fake_leave(fake, 0);
}

static void
fake_bo_close(struct tide_kmd *kmd, uint32_t handle)
{
   struct fake *fake = fake_of(kmd);

   fake_enter(fake, FAKE_BO_CLOSE, &handle, 1, 0);

   struct fake_bo *bo = fake_find_bo(fake, handle);

   if (!bo) {
      COMPLAIN(fake, "handle %u closed, which is not open", handle);
   } else {
      if (bo->mapped)
         COMPLAIN(fake, "handle %u closed while mapped", handle);
      if (atomic_load(&bo->held))
         COMPLAIN(fake, "handle %u closed while a batch refers to it", handle);
      free(bo->memory);
      bo->memory = NULL;
      bo->open = false;
      if (fake->next_bo > handle)
         fake->next_bo = handle;
   }
   fake_leave(fake, 0);
}

static int
fake_bo_map(struct tide_kmd *kmd, uint32_t handle, uint64_t size, void **pointer)
{
   struct fake *fake = fake_of(kmd);
   int ret = fake_enter(fake, FAKE_BO_MAP, &handle, 1, 0);

   if (ret)
      return ret;

   struct fake_bo *bo = fake_find_bo(fake, handle);

   if (!bo || bo->size != size || bo->mapped) {
      COMPLAIN(fake, "handle %u cannot be mapped like that", handle);
      return fake_leave(fake, -EINVAL);
   }
   bo->mapped = true;
   *pointer = fake_memory_of(bo);
   return fake_leave(fake, 0);
}

static int
fake_bo_mmap_offset(struct tide_kmd *kmd, uint32_t handle, uint64_t *offset)
{
   struct fake *fake = fake_of(kmd);
   int ret = fake_enter(fake, FAKE_BO_MMAP_OFFSET, &handle, 1, 0);

   if (ret)
      return ret;
   *offset = FAKE_MMAP_OFFSET(handle);
   return fake_leave(fake, 0);
}

static void
fake_bo_unmap(struct tide_kmd *kmd, void *pointer, uint64_t size)
{
   struct fake *fake = fake_of(kmd);

   fake_enter(fake, FAKE_BO_UNMAP, NULL, 0, 0);
   for (uint32_t i = 1; i < fake->max_bos; i++) {
      struct fake_bo *bo = &fake->bos[i];

      if (bo->open && bo->mapped && bo->memory == pointer && bo->size == size) {
         bo->mapped = false;
         fake_leave(fake, 0);
         return;
      }
   }
   COMPLAIN(fake, "unmapped what is not mapped");
   fake_leave(fake, 0);
}

static int
fake_bo_info(struct tide_kmd *kmd, struct drm_tide_bo_info *info)
{
   struct fake *fake = fake_of(kmd);
   int ret = fake_enter(fake, FAKE_BO_INFO, &info->handle, 1, 0);

   if (ret)
      return ret;

   const struct fake_bo *bo = fake_find_bo(fake, info->handle);

   if (!bo || info->pad)
      return fake_leave(fake, bo ? -EINVAL : -ENOENT);
   info->size = bo->size;
   info->present = bo->discarded ? 0 : bo->size;
   info->flags = (bo->offered ? DRM_TIDE_BO_OFFERED : 0) |
                 (bo->discarded ? DRM_TIDE_BO_DISCARDED : 0) |
                 (bo->exported ? DRM_TIDE_BO_EXPORTED : 0) |
                 (bo->residency && !bo->offered ? DRM_TIDE_BO_RESIDENT : 0);
   info->priority = bo->offered ? bo->priority : 0;
   info->residency_count = bo->residency;
   info->page_in_error = bo->page_in_error;
   info->discard_count = bo->discards;
   info->segment = bo->segment;
   return fake_leave(fake, 0);
}

/* A dma-buf's fd is 1000 and the handle. */
static int
fake_bo_export(struct tide_kmd *kmd, uint32_t handle, int *fd)
{
   struct fake *fake = fake_of(kmd);
   int ret = fake_enter(fake, FAKE_BO_EXPORT, &handle, 1, 0);

   if (ret)
      return ret;

   struct fake_bo *bo = fake_find_bo(fake, handle);

   if (!bo || bo->offered)
      return fake_leave(fake, bo ? -EBUSY : -ENOENT);
   bo->exported = true;
   *fd = 1000 + handle;
   return fake_leave(fake, 0);
}

static int
fake_bo_import(struct tide_kmd *kmd, int fd, uint32_t *handle)
{
   struct fake *fake = fake_of(kmd);
   int ret = fake_enter(fake, FAKE_BO_IMPORT, NULL, 0, 0);

   if (ret)
      return ret;
   if (fd <= 1000 || (uint32_t)fd - 1000 >= fake->max_bos)
      return fake_leave(fake, -EBADF);

   struct fake_bo *bo = &fake->bos[fd - 1000];

   /* Closed here, but the dma-buf has kept it: a new handle, for simplicity the same. */
   if (!bo->open) {
      bo->open = true;
      bo->offered = bo->discarded = bo->mapped = false;
      bo->exported = true;
      bo->residency = 0;
   }
   *handle = fd - 1000;
   return fake_leave(fake, 0);
}

/* What all calls about a list check, before they do anything. */
static int
check_list(struct fake *fake, const uint32_t *handles, uint32_t count)
{
   if (!count)
      return -EINVAL;
   if (count > fake->limits.max_handles)
      return -E2BIG;
   for (uint32_t i = 0; i < count; i++)
      if (!fake_find_bo(fake, handles[i]))
         return -ENOENT;
   return 0;
}

/* The same, where what could not be committed is refused. */
static int
check_committed(struct fake *fake, const uint32_t *handles, uint32_t count)
{
   int ret = check_list(fake, handles, count);

   for (uint32_t i = 0; i < count && !ret; i++)
      if (fake->bos[handles[i]].not_committed)
         ret = -EIO;
   return ret;
}

static int
fake_offer(struct tide_kmd *kmd, const uint32_t *handles, uint32_t count, uint32_t priority,
           uint32_t flags)
{
   struct fake *fake = fake_of(kmd);
   int ret = fake_enter(fake, FAKE_OFFER, handles, count, priority);

   if (ret)
      return ret;
   ret = check_committed(fake, handles, count);
   if (!ret && (priority < DRM_TIDE_PRIORITY_LOW || priority > DRM_TIDE_PRIORITY_HIGH))
      ret = -EINVAL;
   for (uint32_t i = 0; i < count && !ret; i++) {
      struct fake_bo *bo = &fake->bos[handles[i]];

      if (atomic_load(&bo->held))
         COMPLAIN(fake, "offer of %u, to which a batch refers", handles[i]);
      bo->offered = true;
      bo->priority = priority;
      bo->offer_flags = flags;
      bo->age = fake->clock++;
   }
   return fake_leave(fake, ret);
}

static int
fake_reclaim(struct tide_kmd *kmd, uint32_t id, const uint32_t *handles, uint32_t count,
             uint32_t *results, uint64_t *value)
{
   struct fake *fake = fake_of(kmd);
   int ret;

   *value = 0;
   ret = fake_enter(fake, FAKE_RECLAIM, handles, count, 0);
   if (ret)
      return ret;

   struct fake_queue *queue = fake_find_queue(fake, id);

   ret = queue ? check_list(fake, handles, count) : -ENOENT;
   if (ret)
      return fake_leave(fake, ret);
   for (uint32_t i = 0; i < count; i++) {
      struct fake_bo *bo = &fake->bos[handles[i]];
      uint32_t answer = bo->discarded ? DRM_TIDE_RECLAIM_DISCARDED : DRM_TIDE_RECLAIM_OK;

      if (bo->not_committed || (bo->discarded && bo->offer_flags && fake->no_memory)) {
         answer = DRM_TIDE_RECLAIM_NOT_COMMITTED;
         bo->not_committed = true;
      }
      if (fake->odd_handle == handles[i])
         answer = fake->odd_answer;
      bo->offered = false;
      if (!fake->late_error) {
         bo->discarded = false;
         results[i] = answer;
      }
   }
   *value = fake_new_value(fake, queue);
   return fake_leave(fake, fake->late_error);
}

static bool
fits(struct fake *fake, const struct fake_bo *bo, const struct drm_tide_make_resident *args,
     __u64 *excess)
{
   uint64_t limit = fake->budgets[bo->segment], usage = bo->size;

   if (bo->offered || bo->residency || args->flags & DRM_TIDE_MAKE_RESIDENT_MUST_SUCCEED)
      return true;
   if (args->flags & DRM_TIDE_MAKE_RESIDENT_CANT_TRIM && limit < fake->sizes[bo->segment])
      limit = fake->sizes[bo->segment];
   for (uint32_t i = 0; i < fake->max_bos; i++)
      if (fake->bos[i].open && fake->bos[i].segment == bo->segment && fake->bos[i].residency &&
          !fake->bos[i].offered)
         usage += fake->bos[i].size;
   *excess = usage > limit ? usage - limit : 0;
   return !*excess;
}

static int
fake_make_resident(struct tide_kmd *kmd, struct drm_tide_make_resident *args)
{
   const uint32_t *handles = (const uint32_t *)(uintptr_t)args->handles;
   struct fake *fake = fake_of(kmd);
   int ret = fake_enter(fake, FAKE_MAKE_RESIDENT, handles, args->count, 0);

   if (ret)
      return ret;

   struct fake_queue *queue = fake_find_queue(fake, args->queue);

   fake->required_flags |= args->flags;
   ret = queue ? check_committed(fake, handles, args->count) : -ENOENT;
   if (ret)
      return fake_leave(fake, ret);
   for (args->taken = 0; args->taken < args->count; args->taken++) {
      struct fake_bo *bo = &fake->bos[handles[args->taken]];

      if (!fits(fake, bo, args, &args->trim_bytes)) {
         args->bad_index = args->taken;
         ret = -ENOSPC;
         break;
      }
      bo->residency++;
   }
   args->value = fake_new_value(fake, queue);
   return fake_leave(fake, ret);
}

static int
fake_evict(struct tide_kmd *kmd, const uint32_t *handles, uint32_t count, uint32_t flags)
{
   struct fake *fake = fake_of(kmd);
   int ret = fake_enter(fake, FAKE_EVICT, handles, count, flags);
   uint32_t i;

   if (ret)
      return ret;
   ret = check_committed(fake, handles, count);
   for (i = 0; i < count && !ret; i++) {
      if (fake->bos[handles[i]].residency)
         fake->bos[handles[i]].residency--;
      else
         ret = -ERANGE;
   }
   /* All or nothing. */
   if (ret == -ERANGE)
      for (i--; i > 0; i--)
         fake->bos[handles[i - 1]].residency++;
   return fake_leave(fake, ret);
}

void
fake_memory_init(struct tide_kmd_ops *ops)
{
   ops->bo_create = fake_bo_create;
   ops->bo_close = fake_bo_close;
   ops->bo_map = fake_bo_map;
   ops->bo_unmap = fake_bo_unmap;
   ops->bo_mmap_offset = fake_bo_mmap_offset;
   ops->bo_info = fake_bo_info;
   ops->bo_export = fake_bo_export;
   ops->bo_import = fake_bo_import;
   ops->offer = fake_offer;
   ops->reclaim = fake_reclaim;
   ops->make_resident = fake_make_resident;
   ops->evict = fake_evict;
}

bool
fake_discard(struct fake *fake, uint32_t handle)
{
   bool taken;

   pthread_mutex_lock(&fake->lock);

   struct fake_bo *bo = fake_find_bo(fake, handle);

   taken = bo && bo->offered && !bo->discarded && !bo->exported;
   if (taken) {
      bo->discarded = true;
      bo->discards++;
      if (bo->memory)
         memset(bo->memory, 0, bo->size);
   }
   pthread_mutex_unlock(&fake->lock);
   return taken;
}

bool
fake_offered(struct fake *fake, uint32_t handle)
{
   bool offered;

   pthread_mutex_lock(&fake->lock);
   offered = fake_find_bo(fake, handle) && fake->bos[handle].offered;
   pthread_mutex_unlock(&fake->lock);
   return offered;
}

uint32_t
fake_priority(struct fake *fake, uint32_t handle)
{
   uint32_t priority;

   pthread_mutex_lock(&fake->lock);
   priority = fake->bos[handle].priority;
   pthread_mutex_unlock(&fake->lock);
   return priority;
}

uint64_t
fake_age(struct fake *fake, uint32_t handle)
{
   uint64_t age;

   pthread_mutex_lock(&fake->lock);
   age = fake->bos[handle].age;
   pthread_mutex_unlock(&fake->lock);
   return age;
}
