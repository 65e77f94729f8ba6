/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/credentials.h"

#include <stdbool.h>
#include <string.h>

#include "base/base64.h"
#include "base/str.h"

static const char bearer[] = "Bearer ", basic[] = "Basic ", token_key[] = "token";

void credentials_deinit(struct credentials *c)
{
	explicit_bzero(c, sizeof(*c));
}

static void set(struct credentials *c, enum credentials_kind kind)
{
	credentials_deinit(c);
	c->kind = kind;
}

/* Printable, as tokens and passwords are; what is not cannot be one. */
static bool is_text(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			return false;
	}
	return n <= CREDENTIALS_MAX;
}

static void take_token(struct credentials *c, const char *s, size_t n)
{
	set(c, CREDENTIALS_BAD);
	if (n == 0 || !is_text(s, n))
		return;
	c->kind = CREDENTIALS_TOKEN;
	memcpy(c->secret, s, n);
}

/* Without white space around it. */
static void take_trimmed(struct credentials *c, const char *s)
{
	size_t n;

	s += strspn(s, " \t");
	n = strlen(s);
	while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\t'))
		n--;
	take_token(c, s, n);
}

static void take_basic(struct credentials *c, const char *s)
{
	uint8_t text[CREDENTIALS_MAX + 1];
	size_t n = strlen(s);
	const uint8_t *colon;
	ssize_t got;

	set(c, CREDENTIALS_BAD);
	if (base64_room(n) > CREDENTIALS_MAX)
		return;
	got = base64_decode(text, s, n);
	colon = got > 0 ? memchr(text, ':', (size_t)got) : NULL;
	if (colon && is_text((const char *)text, (size_t)got)) {
		c->kind = CREDENTIALS_PASSWORD;
		memcpy(c->user, text, (size_t)(colon - text));
		memcpy(c->secret, colon + 1, (size_t)(text + got - colon - 1));
	}
	explicit_bzero(text, sizeof(text));
}

void credentials_from_header(struct credentials *c, const char *value)
{
	set(c, CREDENTIALS_NONE);
	if (!value)
		return;
	if (str_starts(value, bearer))
		take_trimmed(c, value + strlen(bearer));
	else if (str_starts(value, basic))
		take_basic(c, value + strlen(basic));
}

void credentials_from_token(struct credentials *c, const char *token)
{
	set(c, CREDENTIALS_NONE);
	if (token)
		take_token(c, token, strlen(token));
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Percent-decode @n bytes into @ret of CREDENTIALS_MAX.  Return: how many, or -1. */
static ssize_t decode(char *ret, const char *s, size_t n)
{
	size_t i, got = 0;
	int high, low;

	for (i = 0; i < n; i++) {
		if (got == CREDENTIALS_MAX)
			return -1;
		ret[got] = s[i] == '+' ? ' ' : s[i];
		if (s[i] == '%') {
			high = i + 2 < n ? hex_digit(s[i + 1]) : -1;
			low = i + 2 < n ? hex_digit(s[i + 2]) : -1;
			if (high < 0 || low < 0)
				return -1;
			ret[got] = (char)(high << 4 | low);
			i += 2;
		}
		got++;
	}
	return (ssize_t)got;
}

/* Is the pair at @s, up to @n bytes, a token?  Then @ret_value is where its value begins. */
static bool is_token_pair(const char *s, size_t n, size_t *ret_value)
{
	char name[CREDENTIALS_MAX];
	const char *equals = memchr(s, '=', n);
	size_t n_name = equals ? (size_t)(equals - s) : n;
	ssize_t got = decode(name, s, n_name);

	*ret_value = equals ? n_name + 1 : n;
	return got == (ssize_t)strlen(token_key) && memcmp(name, token_key, (size_t)got) == 0;
}

void credentials_from_query(struct credentials *c, const char *query)
{
	char value[CREDENTIALS_MAX];
	size_t n, at;
	ssize_t got;

	set(c, CREDENTIALS_NONE);
	for (; query && *query; query += n + (query[n] == '&')) {
		n = strcspn(query, "&");
		if (!is_token_pair(query, n, &at))
			continue;
		got = decode(value, query + at, n - at);
		take_token(c, value, got > 0 ? (size_t)got : 0);
		explicit_bzero(value, sizeof(value));
		return;
	}
}

void credentials_strip_query(char *query)
{
	char *from = query, *to = query;
	size_t n, at;
	bool more;

	while (*from) {
		n = strcspn(from, "&");
		more = from[n] == '&';
		if (!is_token_pair(from, n, &at)) {
			memmove(to, from, n + more);
			to += n + more;
		}
		from += n + more;
	}
	if (to > query && to[-1] == '&' && to != from)
		to--;
	explicit_bzero(to, (size_t)(from - to));
}
