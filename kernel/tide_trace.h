/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM tide

#if !defined(_TIDE_TRACE_H_) || defined(TRACE_HEADER_MULTI_READ)
#define _TIDE_TRACE_H_

#include <linux/tracepoint.h>

#include "tide_gem.h"

/* An allocation is named by its fake mmap offset, which user space knows. */

TRACE_EVENT(tide_offer,
	    TP_PROTO(struct tide_bo *bo, u32 priority),
	    TP_ARGS(bo, priority),
	    TP_STRUCT__entry(__field(u64, bo)
			     __field(u64, size)
			     __field(u32, priority)),
	    TP_fast_assign(__entry->bo = drm_vma_node_offset_addr(&bo->base.vma_node);
			   __entry->size = bo->base.size;
			   __entry->priority = priority;),
	    TP_printk("bo=0x%llx size=%llu priority=%u", __entry->bo, __entry->size,
		      __entry->priority)
);

TRACE_EVENT(tide_reclaim,
	    TP_PROTO(struct tide_bo *bo, u32 result),
	    TP_ARGS(bo, result),
	    TP_STRUCT__entry(__field(u64, bo)
			     __field(u64, size)
			     __field(u32, result)),
	    TP_fast_assign(__entry->bo = drm_vma_node_offset_addr(&bo->base.vma_node);
			   __entry->size = bo->base.size;
			   __entry->result = result;),
	    TP_printk("bo=0x%llx size=%llu result=%u", __entry->bo, __entry->size,
		      __entry->result)
);

TRACE_EVENT(tide_discard,
	    TP_PROTO(struct tide_bo *bo, unsigned long pages),
	    TP_ARGS(bo, pages),
	    TP_STRUCT__entry(__field(u64, bo)
			     __field(u64, size)
			     __field(unsigned long, pages)),
	    TP_fast_assign(__entry->bo = drm_vma_node_offset_addr(&bo->base.vma_node);
			   __entry->size = bo->base.size;
			   __entry->pages = pages;),
	    TP_printk("bo=0x%llx size=%llu pages=%lu", __entry->bo, __entry->size,
		      __entry->pages)
);

TRACE_EVENT(tide_page_in_begin,
	    TP_PROTO(struct tide_bo *bo),
	    TP_ARGS(bo),
	    TP_STRUCT__entry(__field(u64, bo)
			     __field(u64, size)),
	    TP_fast_assign(__entry->bo = drm_vma_node_offset_addr(&bo->base.vma_node);
			   __entry->size = bo->base.size;),
	    TP_printk("bo=0x%llx size=%llu", __entry->bo, __entry->size)
);

TRACE_EVENT(tide_page_in_end,
	    TP_PROTO(struct tide_bo *bo, int error),
	    TP_ARGS(bo, error),
	    TP_STRUCT__entry(__field(u64, bo)
			     __field(u64, size)
			     __field(int, error)),
	    TP_fast_assign(__entry->bo = drm_vma_node_offset_addr(&bo->base.vma_node);
			   __entry->size = bo->base.size;
			   __entry->error = error;),
	    TP_printk("bo=0x%llx size=%llu error=%d", __entry->bo, __entry->size,
		      __entry->error)
);

TRACE_EVENT(tide_copy,
	    TP_PROTO(struct tide_bo *bo, bool in),
	    TP_ARGS(bo, in),
	    TP_STRUCT__entry(__field(u64, bo)
			     __field(u64, size)
			     __field(bool, in)),
	    TP_fast_assign(__entry->bo = drm_vma_node_offset_addr(&bo->base.vma_node);
			   __entry->size = bo->base.size;
			   __entry->in = in;),
	    TP_printk("bo=0x%llx size=%llu to=%s", __entry->bo, __entry->size,
		      __entry->in ? "local" : "system")
);

TRACE_EVENT(tide_shrink,
	    TP_PROTO(int nid, bool discard, unsigned long asked, unsigned long taken),
	    TP_ARGS(nid, discard, asked, taken),
	    TP_STRUCT__entry(__field(int, nid)
			     __field(bool, discard)
			     __field(unsigned long, asked)
			     __field(unsigned long, taken)),
	    TP_fast_assign(__entry->nid = nid;
			   __entry->discard = discard;
			   __entry->asked = asked;
			   __entry->taken = taken;),
	    TP_printk("nid=%d %s asked=%lu taken=%lu", __entry->nid,
		      __entry->discard ? "discard" : "evict", __entry->asked, __entry->taken)
);

#endif /* _TIDE_TRACE_H_ */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE tide_trace
#include <trace/define_trace.h>
