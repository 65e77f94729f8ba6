/* SPDX-License-Identifier: Apache-2.0 */
#include "base/num.h"

#include <errno.h>
#include <string.h>

/* Read digits up to @end.  Return: 0, -EINVAL, -ERANGE. */
static int digits(const char *s, const char *end, uint64_t *ret)
{
	uint64_t v = 0;

	if (s == end)
		return -EINVAL;
	for (; s < end; s++) {
		if (*s < '0' || *s > '9')
			return -EINVAL;
		if (!num_mul(v, (uint64_t)10, &v) || !num_add(v, (uint64_t)(*s - '0'), &v))
			return -ERANGE;
	}
	*ret = v;
	return 0;
}

static int within(uint64_t v, uint64_t min, uint64_t max, uint64_t *ret)
{
	if (v < min || v > max)
		return -ERANGE;
	*ret = v;
	return 0;
}

int num_parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t v;
	int rc = digits(s, s + strlen(s), &v);

	return rc < 0 ? rc : within(v, min, max, ret);
}

int num_parse_u32(const char *s, uint32_t min, uint32_t max, uint32_t *ret)
{
	uint64_t v;
	int rc = num_parse_u64(s, min, max, &v);

	if (rc < 0)
		return rc;
	*ret = (uint32_t)v;
	return 0;
}

int num_parse_size(const char *s, uint64_t min, uint64_t max, uint64_t *ret)
{
	static const char units[] = "KkMmGgTt";
	size_t n = strlen(s);
	unsigned int shift = 0;
	const char *unit;
	uint64_t v;
	int rc;

	if (n > 0 && (unit = strchr(units, s[n - 1])) != NULL) {
		shift = 10 * ((unsigned int)(unit - units) / 2 + 1);
		n--;
	}
	rc = digits(s, s + n, &v);
	if (rc < 0)
		return rc;
	if (!num_mul(v, (uint64_t)1 << shift, &v))
		return -ERANGE;
	return within(v, min, max, ret);
}
