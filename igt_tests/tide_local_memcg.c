// SPDX-License-Identifier: MIT
/**
 * TEST: tide local memcg
 * Description: Memory cgroups of clients whose memory is in the local segment.
 *
 * Local memory itself is not charged. What is charged is the system memory that
 * waits for the copy back, wherever the content is.
 */

#include "igt.h"
#include "igt_tide.h"

IGT_TEST_DESCRIPTION("Local memory and memory cgroups");

#define LOCAL	  DRM_TIDE_SEGMENT_LOCAL
#define LOCAL_MIB 32u
#define SIZE	  TIDE_MIB(1)
#define COUNT	  8u
#define MIB	  COUNT /* that it makes */

struct client {
	int fd;
	struct tide_queue queue;
};

static struct client client_open(void)
{
	struct client c = { .fd = tide_open_render() };

	c.queue = tide_queue_create(c.fd);
	return c;
}

static uint64_t shmem_mib(const struct tide_cgroup *cg)
{
	return tide_cgroup_key(cg, "memory.stat", "shmem") >> 20;
}

static void create(const struct client *c, uint32_t *bos, uint32_t seed)
{
	for (uint32_t i = 0; i < COUNT; i++) {
		bos[i] = tide_bo_create(c->fd, SIZE);
		tide_bo_pattern(c->fd, bos[i], SIZE, seed + i);
	}
}

static void bring_in(const struct client *c, const uint32_t *bos)
{
	tide_queue_wait(c->fd, &c->queue, tide_make_resident(c->fd, c->queue.id, bos, COUNT));
	for (uint32_t i = 0; i < COUNT; i++) {
		struct drm_tide_bo_info info = tide_bo_info(c->fd, bos[i]);

		igt_assert_eq_u32(info.segment, LOCAL);
		igt_assert(info.flags & DRM_TIDE_BO_RESIDENT);
	}
}

static void wait_out(const struct client *c, const uint32_t *bos)
{
	int64_t end = tide_deadline(TIDE_LIVENESS_S * NSEC_PER_SEC);

	tide_evict(c->fd, bos, COUNT);
	for (uint32_t i = 0; i < COUNT; i++)
		while (tide_bo_flags(c->fd, bos[i]) & DRM_TIDE_BO_RESIDENT) {
			igt_assert_f(tide_deadline(0) < end, "it stays in local memory\n");
			usleep(1000);
		}
}

static void check(const struct client *c, const uint32_t *bos, uint32_t seed)
{
	for (uint32_t i = 0; i < COUNT; i++)
		tide_bo_check(c->fd, bos[i], SIZE, seed + i);
}

/* The charge of what is in local memory, and comes and goes, stays where it was made. */
static void test_moved(void)
{
	struct tide_cgroup first, second;
	uint32_t before[COUNT], later[COUNT];
	struct client c;

	tide_cgroup_create(&first, "tide-local-first");
	tide_cgroup_create(&second, "tide-local-second");
	tide_cgroup_enter(&first);
	c = client_open();
	create(&c, before, 1);
	bring_in(&c, before);
	igt_assert_eq_u64(shmem_mib(&first), MIB);

	tide_cgroup_enter(&second);
	create(&c, later, 100);
	bring_in(&c, later);
	wait_out(&c, before);
	bring_in(&c, before);
	for (uint32_t i = 0; i < COUNT; i++)
		tide_gpu_copy(c.fd, before[i], 0, later[i], 0, SIZE);
	wait_out(&c, before);
	check(&c, before, 100);
	igt_assert_eq_u64(shmem_mib(&first), MIB);
	igt_assert_eq_u64(shmem_mib(&second), MIB);

	tide_cgroup_enter(NULL);
	close(c.fd);
	tide_cgroup_destroy(&first);
	tide_cgroup_destroy(&second);
}

static uint64_t discarded_local(const struct client *c)
{
	return tide_stat(c->fd, "discarded_local_pages");
}

/* A cgroup goes while its allocations are in local memory, required and offered. */
static void test_removed(void)
{
	struct tide_cgroup outer, inner;
	uint32_t kept[COUNT], offered[COUNT], results[COUNT], others[LOCAL_MIB];
	struct client c, other;
	uint64_t discarded, value;

	tide_cgroup_create(&outer, "tide-local-outer");
	tide_cgroup_create_in(&inner, &outer, "inner");
	tide_cgroup_enter(&inner);
	c = client_open();
	create(&c, kept, 1);
	create(&c, offered, 100);
	bring_in(&c, kept);
	bring_in(&c, offered);
	tide_offer(c.fd, offered, COUNT, DRM_TIDE_PRIORITY_NORMAL);
	tide_cgroup_enter(NULL);
	tide_cgroup_destroy(&inner);
	/* It is the parent's now. */
	igt_assert_eq_u64(shmem_mib(&outer), 2 * MIB);

	/* Another one wants all of local memory: offers go, and the rest is copied back. */
	other = client_open();
	discarded = discarded_local(&c);
	for (uint32_t i = 0; i < LOCAL_MIB; i++)
		others[i] = tide_bo_create(other.fd, SIZE);
	tide_queue_wait(other.fd, &other.queue,
			tide_make_resident(other.fd, other.queue.id, others, LOCAL_MIB));
	igt_assert_eq_u64(discarded_local(&c) - discarded, COUNT * SIZE / TIDE_PAGE);
	close(other.fd);

	check(&c, kept, 1);
	value = tide_reclaim(c.fd, c.queue.id, offered, results, COUNT);
	tide_queue_wait(c.fd, &c.queue, value);
	for (uint32_t i = 0; i < COUNT; i++) {
		igt_assert_eq_u32(results[i], DRM_TIDE_RECLAIM_DISCARDED);
		tide_bo_check_zero(c.fd, offered[i], SIZE);
		/* and goes on, on the GPU, too */
		tide_gpu_copy(c.fd, offered[i], 0, kept[i], 0, SIZE);
	}
	check(&c, offered, 1);
	igt_assert_eq_u64(shmem_mib(&outer), 2 * MIB);

	close(c.fd);
	igt_assert_eq_u64(shmem_mib(&outer), 0);
	tide_cgroup_destroy(&outer);
}

igt_main {
	igt_fixture {
		char parameters[32];

		snprintf(parameters, sizeof(parameters), "local_mib=%u", LOCAL_MIB);
		tide_reload(parameters);
	}

	igt_describe("A client that moves to another cgroup leaves the charge of its local memory behind");
	igt_subtest("h2-charge-stays")
		test_moved();

	igt_describe("A nested cgroup is removed while its allocations are in local memory");
	igt_subtest("h2-h3-cgroup-removed")
		test_removed();
}
