/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/host_label.h"

#include <assert.h>
#include <string.h>

const char *host_label_verdict_text(enum host_label_verdict v)
{
	static const char *const texts[HOST_LABEL_VERDICT_COUNT] = {
		[HOST_LABEL_OK] = "it is right",
		[HOST_LABEL_NO_ID] = "it has no id of letters and digits",
		[HOST_LABEL_TOO_MANY] = "it has more than one hyphen",
		[HOST_LABEL_BAD_PORT] = "its port is not a number from 1 to 65535",
		[HOST_LABEL_S_AND_G] = "it asks for passthrough and for HTTP/2",
	};

	assert(v < HOST_LABEL_VERDICT_COUNT);
	return texts[v];
}

/* Copy an id in lower case.  Return: is it one? */
static bool copy_id(char dst[static HOST_LABEL_ID_MAX + 1], const char *p, size_t n)
{
	size_t i;

	if (n == 0 || n > HOST_LABEL_ID_MAX)
		return false;
	for (i = 0; i < n; i++) {
		char c = p[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'))
			return false;
		dst[i] = c;
	}
	dst[n] = 0;
	return true;
}

/* Leading zeros are fine, as they are for dstack; a port of 0 is nobody's. */
static bool read_port(const char *p, size_t n, uint16_t *ret)
{
	uint32_t v = 0;
	size_t i;

	if (n == 0)
		return false;
	for (i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
		v = v * 10 + (uint32_t)(p[i] - '0');
		if (v > UINT16_MAX)
			return false;
	}
	*ret = (uint16_t)v;
	return v > 0;
}

/* What is behind the hyphen.  One g is taken off the end, then one s: "80gs" is thus a bad port. */
static enum host_label_verdict read_rest(const char *p, size_t n, struct host_label *ret)
{
	if (n > 0 && p[n - 1] == 'g') {
		ret->is_h2 = true;
		n--;
	}
	if (n > 0 && p[n - 1] == 's') {
		ret->is_passthrough = true;
		n--;
	}
	if (ret->is_h2 && ret->is_passthrough)
		return HOST_LABEL_S_AND_G;
	if (n > 0)
		return read_port(p, n, &ret->port) ? HOST_LABEL_OK : HOST_LABEL_BAD_PORT;
	if (ret->is_passthrough)
		ret->port = 443;
	return HOST_LABEL_OK;
}

enum host_label_verdict host_label_parse(const char *p, size_t n, struct host_label *ret)
{
	const char *hyphen = n ? memchr(p, '-', n) : NULL;
	size_t n_id = hyphen ? (size_t)(hyphen - p) : n, n_rest = hyphen ? n - n_id - 1 : 0;
	struct host_label l = { .port = 80 };
	enum host_label_verdict v = HOST_LABEL_OK;

	if (hyphen && n_rest > 0 && memchr(hyphen + 1, '-', n_rest))
		return HOST_LABEL_TOO_MANY;
	if (!copy_id(l.id, p, n_id))
		return HOST_LABEL_NO_ID;
	if (hyphen)
		v = read_rest(hyphen + 1, n_rest, &l);
	if (v == HOST_LABEL_OK)
		*ret = l;
	return v;
}

enum host_label_verdict host_label_parse_txt(const void *p, size_t n, struct host_label *ret)
{
	const char *text = p, *colon = n ? memchr(text, ':', n) : NULL;
	struct host_label l = { .is_passthrough = true };
	size_t n_id = colon ? (size_t)(colon - text) : n;

	if (!copy_id(l.id, text, n_id))
		return HOST_LABEL_NO_ID;
	if (!colon || !read_port(colon + 1, n - n_id - 1, &l.port))
		return HOST_LABEL_BAD_PORT;
	*ret = l;
	return HOST_LABEL_OK;
}
