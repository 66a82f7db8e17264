// SPDX-License-Identifier: MIT
#include "igt.h"
#include "igt_tide_set.h"

void tide_set_open(struct tide_set *set, uint64_t size)
{
	*set = (struct tide_set){ .fd = tide_open_render(), .size = size };
	set->queue = tide_queue_create(set->fd);
}

void tide_set_add(struct tide_set *set, uint32_t count, uint32_t seed)
{
	igt_assert_lte(set->count + count, TIDE_SET_MAX_BOS);
	while (count--) {
		uint32_t bo = tide_bo_create(set->fd, set->size);

		tide_bo_pattern(set->fd, bo, set->size, seed++);
		set->bos[set->count++] = bo;
	}
}

void tide_set_check(const struct tide_set *set, uint32_t first, uint32_t count, uint32_t seed)
{
	for (uint32_t i = first; i < first + count; i++)
		tide_bo_check(set->fd, set->bos[i], set->size, seed + i - first);
}

void tide_set_make_resident(struct tide_set *set, uint32_t first, uint32_t count)
{
	tide_queue_wait(set->fd, &set->queue,
			tide_make_resident(set->fd, set->queue.id, &set->bos[first], count));
}

void tide_set_job(const struct tide_set *set, uint32_t first, uint32_t count)
{
	struct tide_job job = {};

	for (uint32_t i = first; i < first + count; i++)
		tide_job_bo(&job, set->bos[i], TIDE_READ);
	tide_submit_wait(set->fd, &job);
}

uint32_t tide_set_residents(const struct tide_set *set, uint32_t first, uint32_t count)
{
	uint32_t residents = 0;

	for (uint32_t i = first; i < first + count; i++)
		residents += !!(tide_bo_flags(set->fd, set->bos[i]) & DRM_TIDE_BO_RESIDENT);
	return residents;
}
