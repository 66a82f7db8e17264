// SPDX-License-Identifier: GPL-2.0 OR MIT
/**
 * DOC: Sharing
 *
 * Once an allocation has left its client by a dma-buf or a flink name, no
 * client's offer can speak for the others: it is never discarded again. An
 * allocation that its client has offered cannot be exported.
 *
 * The export is counted before it happens, under the lock under which offers
 * are made: an offer either comes before and the export is refused, or it comes
 * after and is only recorded.
 */
#include <linux/dma-buf.h>
#include <linux/file.h>
#include <linux/uaccess.h>

#include <drm/drm_drv.h>
#include <drm/drm_ioctl.h>
#include <drm/drm_prime.h>

#include "tide_drv.h"
#include "tide_gem.h"

static int tide_export_begin(struct tide_bo *bo, struct tide_client *client)
{
	struct tide_bo_client *bc;

	guard(spinlock)(&bo->lock);
	bc = tide_bo_find_client(bo, client);
	if (!bc)
		return -ENOENT;
	if (bo->state == TIDE_BO_LOST)
		return -ESTALE;
	if (bc->offered)
		return -EBUSY;
	bo->exports++;
	return 0;
}

static void tide_export_end(struct tide_bo *bo, bool exported)
{
	guard(spinlock)(&bo->lock);
	bo->exported |= exported;
	bo->exports--;
}

/* Consumes the dma-buf. */
static int tide_export_install(struct tide_bo *bo, struct dma_buf *dmabuf, u32 flags, int *fd)
{
	int ret = get_unused_fd_flags(flags);

	if (ret < 0)
		goto err_put;

	/* Meanwhile the handle may have been closed, and be another allocation's. */
	if (dmabuf->priv != &bo->base) {
		put_unused_fd(ret);
		ret = -ENOENT;
		goto err_put;
	}

	fd_install(ret, dmabuf->file);
	*fd = ret;
	return 0;

err_put:
	dma_buf_put(dmabuf);
	return ret;
}

/**
 * tide_prime_handle_to_fd - export as dma-buf
 * @drm: device
 * @file: client
 * @handle: allocation
 * @flags: DRM_CLOEXEC, DRM_RDWR
 * @prime_fd: out
 *
 * Return: 0, -EBUSY if the client has offered the allocation, or another error.
 */
int tide_prime_handle_to_fd(struct drm_device *drm, struct drm_file *file, u32 handle, u32 flags,
			    int *prime_fd)
{
	struct tide_bo *bo __free(tide_bo) = tide_bo_lookup(file, handle);
	struct dma_buf *dmabuf;
	int ret;

	if (!bo)
		return -ENOENT;

	ret = tide_export_begin(bo, file->driver_priv);
	if (ret)
		return ret;

	dmabuf = drm_gem_prime_handle_to_dmabuf(drm, file, handle, flags);
	ret = PTR_ERR_OR_ZERO(dmabuf);
	if (!ret)
		ret = tide_export_install(bo, dmabuf, flags, prime_fd);
	tide_export_end(bo, !ret);
	return ret;
}

/* As the DRM core names an object, which does so without asking the driver */
static int tide_flink_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_gem_flink *args = data;
	struct tide_bo *bo __free(tide_bo) = tide_bo_lookup(file, args->handle);
	int ret;

	if (!bo)
		return -ENOENT;

	ret = tide_export_begin(bo, file->driver_priv);
	if (ret)
		return ret;

	mutex_lock(&drm->object_name_lock);
	if (!bo->base.handle_count) {
		/* Closed since: nobody would take the name away again. */
		ret = -ENOENT;
	} else if (!bo->base.name) {
		ret = idr_alloc(&drm->object_name_idr, &bo->base, 1, 0, GFP_KERNEL);
		if (ret > 0) {
			bo->base.name = ret;
			ret = 0;
		}
	}
	args->name = bo->base.name;
	mutex_unlock(&drm->object_name_lock);

	/* From here on the object's name tells, see tide_bo_is_exported(). */
	tide_export_end(bo, false);
	return ret;
}

/*
 * Instead of the core's ioctl, not before it: what was checked would be read
 * from the client a second time.
 */
static long tide_flink(struct file *filp, unsigned int cmd, unsigned long arg)
{
	void __user *user = (void __user *)arg;
	struct drm_gem_flink args = {};
	size_t size = min(_IOC_SIZE(cmd), sizeof(args));
	long ret;

	if ((cmd & IOC_IN) && copy_from_user(&args, user, size))
		return -EFAULT;

	ret = drm_ioctl_kernel(filp, tide_flink_ioctl, &args, DRM_AUTH);

	if ((cmd & IOC_OUT) && copy_to_user(user, &args, size))
		return -EFAULT;
	return ret;
}

/* Structs may be longer or shorter than ours: it is the number that counts. */
static bool tide_is_flink(unsigned int cmd)
{
	return DRM_IOCTL_NR(cmd) == DRM_IOCTL_NR(DRM_IOCTL_GEM_FLINK);
}

/**
 * tide_ioctl - ioctl() on the device node
 * @filp: open file of the node
 * @cmd: request
 * @arg: argument
 *
 * Return: what drm_ioctl() returns.
 */
long tide_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	if (tide_is_flink(cmd))
		return tide_flink(filp, cmd, arg);
	return drm_ioctl(filp, cmd, arg);
}

#ifdef CONFIG_COMPAT
/**
 * tide_compat_ioctl - ioctl() of a 32-bit client
 * @filp: open file of the node
 * @cmd: request
 * @arg: argument
 *
 * Return: what drm_compat_ioctl() returns.
 */
long tide_compat_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	if (tide_is_flink(cmd))
		return tide_flink(filp, cmd, arg);
	return drm_compat_ioctl(filp, cmd, arg);
}
#endif
