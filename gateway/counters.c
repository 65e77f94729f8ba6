/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/counters.h"

#include <assert.h>

const char *gw_end_name(enum gw_end end)
{
	static const char *const names[GW_END_COUNT] = {
#define X(name, text) [GW_END_##name] = (text),
		GW_ENDS(X)
#undef X
	};

	assert(end < GW_END_COUNT);
	return names[end];
}

const uint32_t gw_time_limits[GW_TIMES] = { 1,	 2,   5,    10,	  25,	50,	   100,
					    250, 500, 1000, 2500, 5000, UINT32_MAX };
