// SPDX-License-Identifier: MIT
/* Jobs for tide's engine, and what keeps them from finishing. */

#include "igt.h"
#include "igt_syncobj.h"
#include "igt_tide.h"
#include "igt_vgem.h"

#include <linux/dma-buf.h>
#include <linux/sync_file.h>

uint32_t tide_job_bo(struct tide_job *job, uint32_t handle, uint32_t flags)
{
	igt_assert_lt(job->bo_count, TIDE_JOB_MAX);
	job->bos[job->bo_count] = (struct drm_tide_submit_bo){ handle, flags };
	return job->bo_count++;
}

static struct drm_tide_command *new_command(struct tide_job *job, uint32_t op)
{
	struct drm_tide_command *command = &job->commands[job->command_count];

	igt_assert_lt(job->command_count++, TIDE_JOB_MAX);
	*command = (struct drm_tide_command){ .op = op };
	return command;
}

void tide_job_fill(struct tide_job *job, uint32_t dst, uint64_t offset, uint64_t length,
		   uint32_t pattern)
{
	struct drm_tide_command *command = new_command(job, DRM_TIDE_CMD_FILL);

	command->pattern = pattern;
	command->dst = dst;
	command->dst_offset = offset;
	command->length = length;
}

void tide_job_copy(struct tide_job *job, uint32_t dst, uint64_t dst_offset, uint32_t src,
		   uint64_t src_offset, uint64_t length)
{
	struct drm_tide_command *command = new_command(job, DRM_TIDE_CMD_COPY);

	command->dst = dst;
	command->src = src;
	command->dst_offset = dst_offset;
	command->src_offset = src_offset;
	command->length = length;
}

void tide_job_delay(struct tide_job *job, uint64_t ns)
{
	new_command(job, DRM_TIDE_CMD_DELAY)->length = ns;
}

void tide_job_wait(struct tide_job *job, uint32_t syncobj, uint64_t point)
{
	igt_assert_lt(job->wait_count, TIDE_JOB_MAX);
	job->waits[job->wait_count++] = (struct drm_tide_sync){ syncobj, 0, point };
}

void tide_job_signal(struct tide_job *job, uint32_t syncobj, uint64_t point)
{
	igt_assert_lt(job->signal_count, TIDE_JOB_MAX);
	job->signals[job->signal_count++] = (struct drm_tide_sync){ syncobj, 0, point };
}

int __tide_submit_raw(int fd, struct drm_tide_submit *submit)
{
	return __tide_ioctl(fd, DRM_IOCTL_TIDE_SUBMIT, submit);
}

int __tide_submit(int fd, struct tide_job *job)
{
	struct drm_tide_submit submit = {
		.bos = (uintptr_t)job->bos,
		.commands = (uintptr_t)job->commands,
		.waits = (uintptr_t)job->waits,
		.signals = (uintptr_t)job->signals,
		.bo_count = job->bo_count,
		.command_count = job->command_count,
		.wait_count = job->wait_count,
		.signal_count = job->signal_count,
	};
	int ret = __tide_submit_raw(fd, &submit);

	job->bad_list = submit.bad_list;
	job->bad_index = submit.bad_index;
	return ret;
}

void tide_submit(int fd, struct tide_job *job)
{
	int ret = __tide_submit(fd, job);

	igt_assert_f(!ret, "submit: %s, list %u, index %u\n", strerror(-ret), job->bad_list,
		     job->bad_index);
}

void tide_submit_wait(int fd, struct tide_job *job)
{
	uint32_t done = syncobj_create(fd, 0);

	tide_job_signal(job, done, 0);
	tide_submit(fd, job);
	job->signal_count--;
	igt_assert(syncobj_wait(fd, &done, 1, tide_deadline(TIDE_LIVENESS_S * NSEC_PER_SEC), 0,
				NULL));
	syncobj_destroy(fd, done);
}

int tide_job_status(int fd, uint32_t syncobj)
{
	struct sync_file_info info = {};
	int file = syncobj_handle_to_fd(fd, syncobj,
					DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE);

	do_or_die(ioctl(file, SYNC_IOC_FILE_INFO, &info));
	close(file);
	igt_assert_neq(info.status, 0);
	return info.status < 0 ? info.status : 0;
}

void tide_gpu_fill(int fd, uint32_t handle, uint64_t offset, uint64_t length, uint32_t pattern)
{
	struct tide_job job = {};

	tide_job_fill(&job, tide_job_bo(&job, handle, TIDE_WRITE), offset, length, pattern);
	tide_submit_wait(fd, &job);
}

void tide_gpu_copy(int fd, uint32_t dst, uint64_t dst_offset, uint32_t src, uint64_t src_offset,
		   uint64_t length)
{
	struct tide_job job = {};

	if (dst == src) {
		tide_job_bo(&job, dst, TIDE_READ | TIDE_WRITE);
		tide_job_copy(&job, 0, dst_offset, 0, src_offset, length);
	} else {
		tide_job_bo(&job, dst, TIDE_WRITE);
		tide_job_bo(&job, src, TIDE_READ);
		tide_job_copy(&job, 0, dst_offset, 1, src_offset, length);
	}
	tide_submit_wait(fd, &job);
}

/* Cork */

static int open_vgem(void)
{
	int fd = __drm_open_driver(DRIVER_VGEM);

	igt_require_f(fd >= 0, "no vgem\n");
	return fd;
}

uint32_t tide_cork_plug(struct tide_cork *cork, int fd)
{
	struct vgem_bo bo = { .width = 64, .height = 16, .bpp = 32 };
	struct dma_buf_export_sync_file file = { .flags = DMA_BUF_SYNC_RW, .fd = -1 };
	int dmabuf;

	cork->vgem_fd = open_vgem();
	vgem_create(cork->vgem_fd, &bo);
	cork->fence = vgem_fence_attach(cork->vgem_fd, &bo, VGEM_FENCE_WRITE);
	dmabuf = prime_handle_to_fd(cork->vgem_fd, bo.handle);
	do_or_die(ioctl(dmabuf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &file));
	cork->syncobj = syncobj_create(fd, 0);
	syncobj_import_sync_file(fd, cork->syncobj, file.fd);
	close(file.fd);
	close(dmabuf);
	gem_close(cork->vgem_fd, bo.handle);
	return cork->syncobj;
}

void tide_cork_unplug(struct tide_cork *cork)
{
	int ret = __vgem_fence_signal(cork->vgem_fd, cork->fence);

	igt_assert_f(ret != -ETIMEDOUT, "something waited for the cork, for 10 s\n");
	igt_assert_eq(ret, 0);
	drm_close_driver(cork->vgem_fd);
	cork->vgem_fd = -1;
}

void tide_cork_fini(struct tide_cork *cork, int fd)
{
	if (cork->vgem_fd >= 0)
		tide_cork_unplug(cork);
	syncobj_destroy(fd, cork->syncobj);
}

void tide_keep_busy(int fd, const struct tide_cork *cork, uint32_t handle, uint32_t flags)
{
	struct tide_job job = {};

	tide_job_bo(&job, handle, flags);
	tide_job_wait(&job, cork->syncobj, 0);
	tide_submit(fd, &job);
}
