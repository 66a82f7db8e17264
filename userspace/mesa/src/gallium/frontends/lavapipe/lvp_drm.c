/* SPDX-License-Identifier: MIT */

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <xf86drm.h>

#include "pipe-loader/pipe_loader.h"

#include "lvp_private.h"

/* Kernel drivers that give memory to software rasterisers. */
static const char *const driver_names[] = {
   "tide",
};

static bool
is_memory_driver(int fd)
{
   drmVersionPtr version = drmGetVersion(fd);
   bool found = false;

   for (unsigned i = 0; version && i < ARRAY_SIZE(driver_names); i++)
      found |= !strcmp(version->name, driver_names[i]);
   drmFreeVersion(version);
   return found;
}

static bool
node_number(const drmDevice *device, int type, dev_t *number)
{
   struct stat st;

   if (!(device->available_nodes & (1 << type)) || stat(device->nodes[type], &st))
      return false;
   *number = st.st_rdev;
   return true;
}

static bool
probe_device(struct lvp_instance *instance, const drmDevice *device)
{
   bool found;

   if (!node_number(device, DRM_NODE_RENDER, &instance->drm_render))
      return false;

   int fd = open(device->nodes[DRM_NODE_RENDER], O_RDWR | O_CLOEXEC);
   if (fd < 0)
      return false;
   found = is_memory_driver(fd) && pipe_loader_drm_probe_fd(&instance->devs, fd, false);
   close(fd);
   if (found)
      instance->has_drm_primary = node_number(device, DRM_NODE_PRIMARY, &instance->drm_primary);
   return found;
}

bool
lvp_probe_drm(struct lvp_instance *instance)
{
   /* as many as libdrm finds */
   drmDevicePtr devices[256];
   int count = drmGetDevices2(0, devices, ARRAY_SIZE(devices));
   bool found = false;

   for (int i = 0; i < count && !found; i++)
      found = probe_device(instance, devices[i]);
   if (count > 0)
      drmFreeDevices(devices, count);
   return found;
}

void
lvp_get_drm_properties(struct lvp_physical_device *device, struct vk_properties *p)
{
   const struct lvp_instance *instance =
      container_of(device->vk.instance, const struct lvp_instance, vk);

   p->drmHasRender = true;
   p->drmRenderMajor = major(instance->drm_render);
   p->drmRenderMinor = minor(instance->drm_render);
   p->drmHasPrimary = instance->has_drm_primary;
   if (instance->has_drm_primary) {
      p->drmPrimaryMajor = major(instance->drm_primary);
      p->drmPrimaryMinor = minor(instance->drm_primary);
   }
}
