/* SPDX-License-Identifier: Apache-2.0 */
/* grant: what who authorises said of one who asks */
#pragma once

#include <stdbool.h>

enum { GRANT_TEXT_MAX = 256, GRANT_GATEWAY_MAX = 128 };

struct grant {
	bool is_allowed;
	char gateway_app_id[GRANT_GATEWAY_MAX]; /* "" if there is none; printable ASCII */
	char reason[GRANT_TEXT_MAX];		/* why not, or by which rule; escaped */
};
