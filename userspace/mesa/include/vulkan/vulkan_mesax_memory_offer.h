/* SPDX-License-Identifier: MIT */
#ifndef VULKAN_MESAX_MEMORY_OFFER_H_
#define VULKAN_MESAX_MEMORY_OFFER_H_ 1

#include <vulkan/vulkan_core.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * VK_MESAX_memory_offer: device memory whose content an application does not
 * need for now, and that the kernel may discard until the application
 * reclaims it.
 *
 * The extension is not registered with Khronos: get the commands by
 * vkGetDeviceProcAddr(), the loader exports none of them.
 */
#define VK_MESAX_memory_offer 1
#define VK_MESAX_MEMORY_OFFER_SPEC_VERSION 1
#define VK_MESAX_MEMORY_OFFER_EXTENSION_NAME "VK_MESAX_memory_offer"

#define VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_OFFER_FEATURES_MESAX ((VkStructureType)1009000000)
#define VK_STRUCTURE_TYPE_MEMORY_OFFER_INFO_MESAX                     ((VkStructureType)1009000001)
#define VK_STRUCTURE_TYPE_MEMORY_RECLAIM_INFO_MESAX                   ((VkStructureType)1009000002)
#define VK_STRUCTURE_TYPE_DEVICE_TRIM_INFO_MESAX                      ((VkStructureType)1009000003)

typedef enum VkMemoryOfferFlagBitsMESAX {
    VK_MEMORY_OFFER_ALLOW_DECOMMIT_BIT_MESAX = 0x00000001,
    VK_MEMORY_OFFER_FLAG_BITS_MAX_ENUM_MESAX = 0x7FFFFFFF
} VkMemoryOfferFlagBitsMESAX;
typedef VkFlags VkMemoryOfferFlagsMESAX;

typedef enum VkMemoryOfferPriorityMESAX {
    VK_MEMORY_OFFER_PRIORITY_LOW_MESAX = 0,
    VK_MEMORY_OFFER_PRIORITY_NORMAL_MESAX = 1,
    VK_MEMORY_OFFER_PRIORITY_HIGH_MESAX = 2,
    VK_MEMORY_OFFER_PRIORITY_MAX_ENUM_MESAX = 0x7FFFFFFF
} VkMemoryOfferPriorityMESAX;

typedef enum VkMemoryReclaimResultMESAX {
    VK_MEMORY_RECLAIM_RESULT_FAILED_MESAX = 0,
    VK_MEMORY_RECLAIM_RESULT_OK_MESAX = 1,
    VK_MEMORY_RECLAIM_RESULT_DISCARDED_MESAX = 2,
    VK_MEMORY_RECLAIM_RESULT_NOT_COMMITTED_MESAX = 3,
    VK_MEMORY_RECLAIM_RESULT_MAX_ENUM_MESAX = 0x7FFFFFFF
} VkMemoryReclaimResultMESAX;

typedef struct VkPhysicalDeviceMemoryOfferFeaturesMESAX {
    VkStructureType    sType;
    void*              pNext;
    VkBool32           memoryOffer;
    VkBool32           memoryOfferDecommit;
} VkPhysicalDeviceMemoryOfferFeaturesMESAX;

typedef struct VkMemoryOfferMESAX {
    VkDeviceMemory                memory;
    VkMemoryOfferPriorityMESAX    priority;
} VkMemoryOfferMESAX;

typedef struct VkMemoryOfferInfoMESAX {
    VkStructureType              sType;
    const void*                  pNext;
    VkMemoryOfferFlagsMESAX      flags;
    uint32_t                     offerCount;
    const VkMemoryOfferMESAX*    pOffers;
} VkMemoryOfferInfoMESAX;

typedef struct VkMemoryReclaimInfoMESAX {
    VkStructureType          sType;
    const void*              pNext;
    uint32_t                 memoryCount;
    const VkDeviceMemory*    pMemories;
    VkSemaphore              semaphore;
    uint64_t                 value;
} VkMemoryReclaimInfoMESAX;

typedef struct VkDeviceTrimInfoMESAX {
    VkStructureType    sType;
    void*              pNext;
    VkDeviceSize       bytesBefore;
    VkDeviceSize       bytesAfter;
} VkDeviceTrimInfoMESAX;

typedef VkResult (VKAPI_PTR *PFN_vkOfferDeviceMemoryMESAX)(VkDevice device, const VkMemoryOfferInfoMESAX* pOfferInfo);
typedef VkResult (VKAPI_PTR *PFN_vkQueueOfferDeviceMemoryMESAX)(VkQueue queue, const VkMemoryOfferInfoMESAX* pOfferInfo);
typedef VkResult (VKAPI_PTR *PFN_vkReclaimDeviceMemoryMESAX)(VkDevice device, const VkMemoryReclaimInfoMESAX* pReclaimInfo, VkMemoryReclaimResultMESAX* pResults);
typedef VkResult (VKAPI_PTR *PFN_vkTrimDeviceMESAX)(VkDevice device, VkDeviceTrimInfoMESAX* pTrimInfo);

#ifdef __cplusplus
}
#endif

#endif /* VULKAN_MESAX_MEMORY_OFFER_H_ */
