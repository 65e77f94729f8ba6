/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/gist.h"

#include <string.h>

#include "base/str.h"

#define CHILD  "Child process (" /* all of its environment and arguments follow */
#define EXIT   ") unexpected "
#define SCHEMA "XML document failed to validate"

/* The last line of the @n bytes at @s that is not empty. */
static const char *last_line(const char *s, size_t *n)
{
	size_t end = *n, from;

	while (end > 0 && strchr("\r\n ", s[end - 1]))
		end--;
	for (from = end; from > 0 && s[from - 1] != '\n'; from--)
		;
	*n = end - from;
	return s + from;
}

/* Past "2026-11-21T04:06:27.453069Z ", if that is what it begins with. */
static const char *skip_time(const char *s, size_t *n)
{
	size_t i = strspn(s, "0123456789-T:.");

	if (i < 10 || i + 2 > *n || s[i] != 'Z' || s[i + 1] != ' ')
		return s;
	*n -= i + 2;
	return s + i + 2;
}

static const char *skip(const char *s, size_t *n, const char *prefix)
{
	size_t m = strlen(prefix);

	if (m > *n || memcmp(s, prefix, m) != 0)
		return s;
	*n -= m;
	return s + m;
}

/* All lines but the first, joined: libxml2 says the cause before the consequence. */
static const char *schema_gist(const char *said, char ret[static GIST_SIZE])
{
	char joined[GIST_SIZE - 8];
	size_t n = 0;

	for (said = strchr(said, '\n'); said && *said && n + 3 < sizeof(joined); said++) {
		if (*said != '\n') {
			joined[n++] = *said;
		} else if (n > 0 && said[1] && said[1] != '\n') {
			joined[n++] = ';';
			joined[n++] = ' ';
		}
	}
	return str_escape(ret, GIST_SIZE, joined, n);
}

const char *gist_of(const char *said, char ret[static GIST_SIZE])
{
	size_t n = strlen(said), room = GIST_SIZE / 4 - 8; /* a byte may become four */
	const char *at = said, *cut = strstr(said, CHILD), *to = cut ? strstr(cut, EXIT) : NULL;

	if (str_starts(said, SCHEMA) && strchr(said, '\n'))
		return schema_gist(said, ret);
	if (to) {
		at = to + 2;
		n -= (size_t)(at - said);
	}
	at = last_line(at, &n);
	at = skip_time(at, &n);
	at = skip(at, &n, "qemu-system-x86_64: ");
	at = skip(at, &n, "internal error: ");
	if (str_is_utf8(at, n))
		room = GIST_SIZE - 8;
	if (n <= room)
		return str_escape(ret, GIST_SIZE, at, n);
	ret[0] = ret[1] = ret[2] = '.';
	(void)str_escape(ret + 3, GIST_SIZE - 3, at + n - (room - 3), room - 3);
	return ret;
}
