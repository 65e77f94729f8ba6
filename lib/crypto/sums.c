/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/sums.h"

#include <stdbool.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

enum { HEX_DIGITS = 64, PREFIX = HEX_DIGITS + 2 };

static bool is_name(const uint8_t *p, size_t n)
{
	size_t i;

	if (n < 1 || n > SUMS_NAME_MAX || (p[0] == '.' && (n == 1 || (n == 2 && p[1] == '.'))))
		return false;
	for (i = 0; i < n; i++) {
		if (p[i] <= 0x20 || p[i] >= 0x7f || p[i] == '/' || p[i] == '\\')
			return false;
	}
	return true;
}

int sums_next(struct rd *r, struct sum *ret, struct err *e)
{
	const uint8_t *line = r->p, *end;
	char hex[HEX_DIGITS + 1];
	size_t n;

	if (rd_left(r) == 0)
		return 0;
	end = memchr(line, '\n', rd_left(r));
	n = end ? (size_t)(end - line) : 0;
	if (n <= PREFIX || line[HEX_DIGITS] != ' ' ||
	    (line[HEX_DIGITS + 1] != ' ' && line[HEX_DIGITS + 1] != '*') ||
	    !is_name(line + PREFIX, n - PREFIX))
		return err_set(e, ERR_CORRUPT,
			       "sha256sum.txt has a line that is not \"<sha256>  <file>\"");
	memcpy(hex, line, HEX_DIGITS);
	hex[HEX_DIGITS] = 0;
	if (str_unhex(ret->digest.b, sizeof(ret->digest.b), hex) != 0)
		return err_set(e, ERR_CORRUPT,
			       "sha256sum.txt has a line that does not begin with a SHA-256");
	memcpy(ret->name, line + PREFIX, n - PREFIX);
	ret->name[n - PREFIX] = 0;
	r->p = end + 1;
	return 1;
}

int sums_find(const void *p, size_t n, const char *name, struct sum *ret, struct err *e)
{
	struct rd r = rd_over(p, n);
	size_t n_lines = 0;
	struct sum s;
	int found = 0, rc;

	while ((rc = sums_next(&r, &s, e)) > 0) {
		if (++n_lines > SUMS_LINES_MAX)
			return err_set(e, ERR_CORRUPT, "sha256sum.txt has more than %d lines",
				       SUMS_LINES_MAX);
		if (!str_equal(s.name, name))
			continue;
		if (found)
			return err_set(e, ERR_CORRUPT, "sha256sum.txt lists %s twice", name);
		found = 1;
		*ret = s;
	}
	return rc < 0 ? rc : found;
}
