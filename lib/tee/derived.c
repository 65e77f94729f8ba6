/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/derived.h"

#include <stdbool.h>
#include <string.h>

enum { SIZE = sizeof(struct digest384) };

static const uint8_t zeros[SIZE];

static const uint8_t *or_zeros(const uint8_t *p)
{
	return p ? p : zeros;
}

static bool is_zero(const uint8_t *p)
{
	return memcmp(p, zeros, SIZE) == 0;
}

struct digest256 derived_aggregated(const struct derived_registers *r)
{
	const struct digest_part parts[] = {
		{ r->mrtd, SIZE },
		{ r->rtmr[0], SIZE },
		{ r->rtmr[1], SIZE },
		{ r->rtmr[2], SIZE },
		{ r->rtmr[3], SIZE },
		{ or_zeros(r->mr_config_id), SIZE },
		{ or_zeros(r->mr_owner), SIZE },
		{ or_zeros(r->mr_owner_config), SIZE },
	};
	bool is_plain = is_zero(parts[5].p) && is_zero(parts[6].p) && is_zero(parts[7].p);

	return digest256_of(parts, is_plain ? 5 : 8);
}

struct digest256 derived_system(const struct derived_registers *r, const void *info, size_t n)
{
	const struct digest256 none = { { 0 } };
	const struct digest256 provider = n ? digest256_bytes(info, n) : none;
	const struct digest_part parts[] = {
		{ r->mrtd, SIZE },
		{ r->rtmr[0], SIZE },
		{ r->rtmr[1], SIZE },
		{ r->rtmr[2], SIZE },
		{ provider.b, sizeof(provider.b) },
	};

	return digest256_of(parts, 5);
}
