// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "igt_tide_model.h"
#include "tide_drm.h"

static struct model_share *share_of(struct model *m, const struct model_call *call, uint32_t i)
{
	return &m->slots[call->slots[i]].shares[call->client];
}

/* Each entry of the list is a handle of the client's. */
static int check_list(struct model *m, struct model_call *call)
{
	call->bad_index = DRM_TIDE_NO_INDEX;
	call->value = 0;
	for (uint32_t i = 0; i < call->count; i++) {
		if (call->slots[i] == MODEL_NO_SLOT || !share_of(m, call, i)->open) {
			call->bad_index = i;
			return -ENOENT;
		}
	}
	return 0;
}

static void drop_share(struct model_share *share)
{
	memset(share, 0, sizeof(*share));
}

void model_create(struct model *m, uint32_t client, uint32_t slot, uint32_t pages)
{
	struct model_slot *s = &m->slots[slot];

	memset(s, 0, sizeof(*s));
	s->exists = true;
	s->pages = pages;
	s->shares[client].open = true;
}

bool model_close(struct model *m, uint32_t client, uint32_t slot)
{
	struct model_slot *s = &m->slots[slot];

	drop_share(&s->shares[client]);
	for (int i = 0; i < MODEL_CLIENTS; i++)
		if (s->shares[i].open)
			return false;
	memset(s, 0, sizeof(*s));
	return true;
}

int model_export(struct model *m, uint32_t client, uint32_t slot)
{
	struct model_slot *s = &m->slots[slot];

	if (!s->shares[client].open)
		return -ENOENT;
	if (s->shares[client].offered)
		return -EBUSY;
	s->exported = true;
	return 0;
}

void model_import(struct model *m, uint32_t client, uint32_t slot)
{
	struct model_share *share = &m->slots[slot].shares[client];

	if (share->open)
		return;
	share->open = true;
	share->told = m->slots[slot].discards;
}

int model_offer(struct model *m, struct model_call *call, uint32_t priority)
{
	int ret = check_list(m, call);

	for (uint32_t i = 0; !ret && i < call->count; i++) {
		struct model_slot *s = &m->slots[call->slots[i]];

		share_of(m, call, i)->offered = priority;
		if (s->exported || s->discarded)
			continue;
		s->discardable = true;
		s->priority = priority;
		s->offered_at = ++m->offers;
	}
	return ret;
}

/* What is to be paged in gets a new value, all else the last one. */
static void push(struct model *m, struct model_call *call, uint32_t count)
{
	uint64_t *last = &m->queues[call->client][call->queue];
	bool work = false;

	for (uint32_t i = 0; i < count; i++) {
		struct model_slot *s = &m->slots[call->slots[i]];

		if (!share_of(m, call, i)->residency || s->resident || s->discardable ||
		    s->discarded)
			continue;
		s->resident = true;
		s->present = true;
		work = true;
	}
	call->value = work ? ++*last : *last;
}

int model_reclaim(struct model *m, struct model_call *call, bool delivered)
{
	int ret = check_list(m, call);

	if (!ret && !m->queues[call->client][call->queue])
		ret = -ENOENT;
	if (ret)
		return ret;

	for (uint32_t i = 0; i < call->count; i++) {
		struct model_slot *s = &m->slots[call->slots[i]];
		struct model_share *share = share_of(m, call, i);

		if (share->offered) {
			s->discardable = false;
			s->discarded = false;
		}
		share->offered = 0;
		call->results[i] = share->told == s->discards ? DRM_TIDE_RECLAIM_OK :
								DRM_TIDE_RECLAIM_DISCARDED;
		share->told = s->discards;
	}
	push(m, call, call->count);
	if (delivered)
		return 0;

	/* To be told again */
	for (uint32_t i = 0; i < call->count; i++)
		if (call->results[i] == DRM_TIDE_RECLAIM_DISCARDED)
			share_of(m, call, i)->told = m->slots[call->slots[i]].discards - 1;
	return -EFAULT;
}

int model_make_resident(struct model *m, struct model_call *call)
{
	int ret = check_list(m, call);

	if (!ret && !m->queues[call->client][call->queue])
		ret = -ENOENT;
	if (ret)
		return ret;

	for (uint32_t i = 0; i < call->count; i++)
		share_of(m, call, i)->residency++;
	push(m, call, call->count);
	return 0;
}

int model_evict(struct model *m, struct model_call *call)
{
	int ret = check_list(m, call);

	for (uint32_t i = 0; !ret && i < call->count; i++) {
		if (share_of(m, call, i)->residency) {
			share_of(m, call, i)->residency--;
			continue;
		}
		call->bad_index = i;
		ret = -ERANGE;
		while (i--)
			share_of(m, call, i)->residency++;
		break;
	}
	return ret;
}

int model_submit(struct model *m, struct model_call *call)
{
	int ret = check_list(m, call);

	if (ret)
		return ret;

	for (uint32_t i = 1; i < call->count; i++) {
		for (uint32_t j = 0; j < i; j++) {
			if (call->slots[i] != call->slots[j])
				continue;
			call->bad_index = i;
			return -EEXIST;
		}
	}
	for (uint32_t i = 0; i < call->count; i++) {
		const struct model_share *share = share_of(m, call, i);

		call->bad_index = i;
		if (!share->residency)
			return -ENXIO;
		if (share->offered)
			return -ENODATA;
	}
	call->bad_index = DRM_TIDE_NO_INDEX;
	for (uint32_t i = 0; i < call->count; i++) {
		m->slots[call->slots[i]].resident = true;
		m->slots[call->slots[i]].present = true;
	}
	return 0;
}

static struct model_slot *first_to_discard(struct model *m)
{
	struct model_slot *first = NULL;

	for (struct model_slot *s = m->slots; s < m->slots + MODEL_SLOTS; s++) {
		if (!s->discardable)
			continue;
		if (!first || s->priority < first->priority ||
		    (s->priority == first->priority && s->offered_at < first->offered_at))
			first = s;
	}
	return first;
}

void model_shrink(struct model *m, uint64_t pages)
{
	uint64_t scanned = 0;
	struct model_slot *s;

	while (scanned < pages && (s = first_to_discard(m))) {
		/* An empty one counts as one. */
		scanned += s->present ? s->pages : 1;
		s->discardable = false;
		s->discarded = true;
		s->discards++;
		s->present = false;
		s->resident = false;
		s->content = MODEL_ZEROS;
	}
}

void model_write(struct model_slot *s, enum model_content content, uint32_t seed)
{
	s->content = content;
	s->seed = seed;
	s->present = true;
}

void model_read(struct model_slot *s)
{
	s->present = true;
}

bool model_faults(const struct model_slot *s)
{
	return s->discardable || s->discarded;
}

uint32_t model_flags(const struct model *m, uint32_t client, uint32_t slot)
{
	const struct model_slot *s = &m->slots[slot];
	const struct model_share *share = &s->shares[client];
	uint32_t flags = 0;

	if (share->offered)
		flags |= DRM_TIDE_BO_OFFERED;
	if (s->discarded)
		flags |= DRM_TIDE_BO_DISCARDED;
	else if (share->told != s->discards)
		flags |= DRM_TIDE_BO_DISCARD_UNTOLD;
	if (s->resident)
		flags |= DRM_TIDE_BO_RESIDENT;
	if (s->exported)
		flags |= DRM_TIDE_BO_EXPORTED;
	return flags;
}

uint64_t model_usage(const struct model *m, uint32_t client)
{
	uint64_t pages = 0;

	for (const struct model_slot *s = m->slots; s < m->slots + MODEL_SLOTS; s++)
		if (s->shares[client].residency && !s->shares[client].offered)
			pages += s->pages;
	return pages;
}
