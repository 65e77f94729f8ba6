/* SPDX-License-Identifier: Apache-2.0 */
#include "pccs/pccs_cut.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

struct scan {
	const char *p, *end;
};

struct span {
	const char *p;
	size_t n;
};

static void skip_space(struct scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || (*s->p >= '\t' && *s->p <= '\r')))
		s->p++;
}

static bool take(struct scan *s, char c)
{
	skip_space(s);
	if (s->p == s->end || *s->p != c)
		return false;
	s->p++;
	return true;
}

/* A string, its quotation marks not counted in @ret. */
static bool take_string(struct scan *s, struct span *ret)
{
	const char *from;

	if (!take(s, '"'))
		return false;
	for (from = s->p; s->p < s->end && *s->p != '"'; s->p++) {
		if (*s->p == '\\' && ++s->p == s->end)
			return false;
	}
	if (s->p == s->end)
		return false;
	*ret = (struct span){ from, (size_t)(s->p - from) };
	s->p++;
	return true;
}

/* From a bracket to the one that closes it. */
static bool skip_brackets(struct scan *s)
{
	struct span unused;
	int depth = 0;

	while (s->p < s->end) {
		if (*s->p == '"') {
			if (!take_string(s, &unused))
				return false;
			continue;
		}
		if (*s->p == '{' || *s->p == '[')
			depth++;
		else if (*s->p == '}' || *s->p == ']')
			depth--;
		s->p++;
		if (depth == 0)
			return true;
		if (depth > PCCS_CUT_DEPTH_MAX)
			return false;
	}
	return false;
}

/* Any value, with its quotation marks or brackets. */
static bool take_value(struct scan *s, struct span *ret)
{
	struct span unused;
	const char *from;
	bool is_good = true;

	skip_space(s);
	from = s->p;
	if (s->p == s->end)
		return false;
	if (*s->p == '"') {
		is_good = take_string(s, &unused);
	} else if (*s->p == '{' || *s->p == '[') {
		is_good = skip_brackets(s);
	} else {
		while (s->p < s->end && !strchr(",}] \t\r\n", *s->p))
			s->p++;
	}
	*ret = (struct span){ from, (size_t)(s->p - from) };
	return is_good && ret->n > 0;
}

static bool is_called(const struct span *key, const char *name)
{
	return key->n == strlen(name) && memcmp(key->p, name, key->n) == 0;
}

static bool take_member(struct scan *s, const char *name, struct pccs_cut *c)
{
	struct span key, value;

	if (!take_string(s, &key) || !take(s, ':') || !take_value(s, &value))
		return false;
	if (is_called(&key, name)) {
		if (c->text || *value.p != '{')
			return false;
		c->text = value.p;
		c->n_text = value.n;
	} else if (is_called(&key, "signature")) {
		if (c->signature || *value.p != '"')
			return false;
		c->signature = value.p + 1;
		c->n_signature = value.n - 2;
	}
	return true;
}

int pccs_cut(const char *p, size_t n, const char *name, struct pccs_cut *ret)
{
	struct scan s = { p, p + n };
	struct pccs_cut c = { .text = NULL };

	if (!take(&s, '{'))
		return -EINVAL;
	do {
		if (!take_member(&s, name, &c))
			return -EINVAL;
	} while (take(&s, ','));
	if (!take(&s, '}'))
		return -EINVAL;
	skip_space(&s);
	if (s.p != s.end || !c.text || !c.signature)
		return -EINVAL;
	*ret = c;
	return 0;
}
