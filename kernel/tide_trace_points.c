// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <drm/drm_vma_manager.h>

#define CREATE_TRACE_POINTS
#include "tide_trace.h"
