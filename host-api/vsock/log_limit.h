/* SPDX-License-Identifier: Apache-2.0 */
/* log_limit: how many lines a guest can make us write; the rest is counted */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { LOG_LIMIT_BURST = 10, LOG_LIMIT_MS = 1000 };

struct log_limit {
	uint64_t last_ms;
	uint32_t used, suppressed;
};

/**
 * log_limit_take() - may a line be written at @now_ms?
 * @ret_suppressed: how many were not, since the last one that was
 *
 * A burst of LOG_LIMIT_BURST, then one per LOG_LIMIT_MS.
 */
bool log_limit_take(struct log_limit *l, uint64_t now_ms, uint32_t *ret_suppressed);
