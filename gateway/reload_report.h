/* SPDX-License-Identifier: Apache-2.0 */
/* reload_report: what came of reading everything again */
#pragma once

#include <stdbool.h>

#include "gateway/config_change.h"

struct reload_report {
	bool is_refused; /* nothing is as it was asked for: the first of @problems says why */
	struct words changed, needs_restart; /* keys of the configuration */
	struct words problems;		     /* what stays as it was, and why */
};

static inline void reload_report_deinit(struct reload_report *r)
{
	words_deinit(&r->changed);
	words_deinit(&r->needs_restart);
	words_deinit(&r->problems);
}
