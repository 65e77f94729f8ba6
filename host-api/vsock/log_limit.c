/* SPDX-License-Identifier: Apache-2.0 */
#include "vsockdev/log_limit.h"

bool log_limit_take(struct log_limit *l, uint64_t now_ms, uint32_t *ret_suppressed)
{
	uint64_t earned = (now_ms - l->last_ms) / LOG_LIMIT_MS;

	if (earned > 0) {
		l->used = earned < l->used ? l->used - (uint32_t)earned : 0;
		l->last_ms = now_ms;
	}
	if (l->used >= LOG_LIMIT_BURST) {
		l->suppressed++;
		return false;
	}
	l->used++;
	*ret_suppressed = l->suppressed;
	l->suppressed = 0;
	return true;
}
