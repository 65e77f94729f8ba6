/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/lines.h"

#include <string.h>

bool line_next(struct line_reader *r, const char **ret, size_t *ret_n)
{
	const char *newline;
	size_t n;

	while (r->at < r->end) {
		*ret = r->at;
		newline = memchr(r->at, '\n', (size_t)(r->end - r->at));
		n = newline ? (size_t)(newline - r->at) : (size_t)(r->end - r->at);
		r->at += n + (newline != NULL);
		r->number++;
		if (n > 0 && (*ret)[n - 1] == '\r')
			n--;
		*ret_n = n;
		if (n > 0 && **ret != '#')
			return true;
	}
	return false;
}

bool line_is_word(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (s[i] <= ' ' || s[i] > '~')
			return false;
	}
	return n > 0;
}
