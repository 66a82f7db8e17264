// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * What tests have instead of a device.
 */
#include <drm/drm_drv.h>

#include "tide_test_device.h"

static const struct drm_driver tide_test_driver = {};

static void tide_test_lru_destroy(void *lru)
{
	list_lru_destroy(lru);
}

struct tide_device *tide_test_device(struct kunit *test, u64 system_pages, u64 local_pages)
{
	struct tide_device *tdev = kunit_kzalloc(test, sizeof(*tdev), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, tdev);
	tdev->drm.driver = &tide_test_driver;
	tide_segment_init(&tdev->segments[DRM_TIDE_SEGMENT_SYSTEM], DRM_TIDE_SEGMENT_SYSTEM,
			  system_pages << PAGE_SHIFT);
	tide_segment_init(&tdev->segments[DRM_TIDE_SEGMENT_LOCAL], DRM_TIDE_SEGMENT_LOCAL,
			  local_pages << PAGE_SHIFT);
	tdev->segment_count = 2;
	for (int i = 0; i < ARRAY_SIZE(tdev->offered); i++) {
		KUNIT_ASSERT_EQ(test, list_lru_init(&tdev->offered[i]), 0);
		KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, tide_test_lru_destroy,
								&tdev->offered[i]), 0);
	}
	return tdev;
}

struct tide_client *tide_test_client(struct kunit *test, struct tide_device *tdev, u64 opened)
{
	struct tide_client *client = kunit_kzalloc(test, sizeof(*client), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, client);
	client->tdev = tdev;
	client->opened = opened;
	mutex_init(&client->lock);
	return client;
}

struct tide_bo *tide_test_bo(struct kunit *test, struct tide_segment *segment, u64 pages)
{
	struct tide_device *tdev = container_of(segment, struct tide_device,
						segments[segment->index]);
	struct tide_bo *bo = kunit_kzalloc(test, sizeof(*bo), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, bo);
	drm_gem_private_object_init(&tdev->drm, &bo->base, pages << PAGE_SHIFT);
	bo->segment = segment;
	spin_lock_init(&bo->lock);
	INIT_LIST_HEAD(&bo->segment_link);
	INIT_LIST_HEAD(&bo->offered_link);
	INIT_LIST_HEAD(&bo->evictable_link);
	return bo;
}

struct tide_bo_client *tide_test_open(struct kunit *test, struct tide_bo *bo,
				      struct tide_client *client)
{
	struct rb_node **link = &bo->clients.rb_node, *parent = NULL;
	struct tide_bo_client *bc = kunit_kzalloc(test, sizeof(*bc), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, bc);
	bc->client = client;
	bc->handles = 1;
	while (*link) {
		parent = *link;
		link = client < rb_entry(parent, struct tide_bo_client, node)->client ?
		       &parent->rb_left : &parent->rb_right;
	}
	rb_link_node(&bc->node, parent, link);
	rb_insert_color(&bc->node, &bo->clients);
	return bc;
}
