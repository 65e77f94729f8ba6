/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/semver.h"

#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "base/num.h"
#include "base/str.h"

#define DIGITS	  "0123456789"
#define PRE_CHARS DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-."
#define WILDCARDS "*xX"

enum op { OP_EXACT, OP_GREATER, OP_GREATER_EQ, OP_LESS, OP_LESS_EQ, OP_TILDE, OP_CARET };

struct version {
	uint64_t v[3];
	unsigned int n; /* how many of them were written */
	char pre[SEMVER_TEXT_MAX];
};

struct comparator {
	enum op op;
	struct version to;
};

/* Cut a number off the front of *@s: digits, no leading zero. */
static bool take_number(const char **s, uint64_t *ret)
{
	size_t n = strspn(*s, DIGITS);
	char text[24];

	if (n == 0 || (n > 1 && **s == '0') ||
	    str_format(text, sizeof(text), "%.*s", (int)(n < 24 ? n : 24), *s) < 0 ||
	    num_parse_u64(text, 0, UINT64_MAX, ret) < 0)
		return false;
	*s += n;
	return true;
}

/* An empty identifier, or a number with a leading zero, is none. */
static bool are_identifiers(const char *s, bool zeros_are_fine)
{
	size_t n;

	for (;; s += n + 1) {
		n = strcspn(s, ".");
		if (n == 0)
			return false;
		if (!zeros_are_fine && n > 1 && *s == '0' && strspn(s, DIGITS) >= n)
			return false;
		if (s[n] == 0)
			return true;
	}
}

/* "-pre" and "+build" behind three numbers; build means nothing. */
static bool take_suffix(const char **s, struct version *v)
{
	char build[SEMVER_TEXT_MAX];
	size_t n;

	if (**s == '-') {
		n = strspn(*s + 1, PRE_CHARS);
		(void)str_format(v->pre, sizeof(v->pre), "%.*s", (int)n, *s + 1);
		if (!are_identifiers(v->pre, false))
			return false;
		*s += 1 + n;
	}
	if (**s == '+') {
		n = strspn(*s + 1, PRE_CHARS);
		(void)str_format(build, sizeof(build), "%.*s", (int)n, *s + 1);
		if (!are_identifiers(build, true))
			return false;
		*s += 1 + n;
	}
	return true;
}

/* One to three numbers; after a wildcard only wildcards. */
static bool take_partial(const char **s, struct version *v, bool *has_wildcard)
{
	unsigned int i;

	*has_wildcard = false;
	for (i = 0; i < 3; i++) {
		if (i > 0 && *(*s)++ != '.')
			return false;
		if (**s && strchr(WILDCARDS, **s)) {
			(*s)++;
			*has_wildcard = true;
		} else if (*has_wildcard || !take_number(s, &v->v[v->n++])) {
			return false;
		}
		if (**s != '.')
			break;
	}
	return v->n < 3 || take_suffix(s, v);
}

static const char *skip_blanks(const char *s)
{
	return s + strspn(s, " ");
}

static bool take_comparator(const char **s, struct comparator *c)
{
	static const struct {
		const char *text;
		enum op op;
	} ops[] = {
		{ ">=", OP_GREATER_EQ }, { "<=", OP_LESS_EQ }, { ">", OP_GREATER },
		{ "<", OP_LESS },	 { "=", OP_EXACT },    { "~", OP_TILDE },
		{ "^", OP_CARET },
	};
	bool has_wildcard, has_op = false;
	size_t i;

	*c = (struct comparator){ .op = OP_CARET };
	*s = skip_blanks(*s);
	for (i = 0; !has_op && i < sizeof(ops) / sizeof(ops[0]); i++) {
		if (str_starts(*s, ops[i].text)) {
			c->op = ops[i].op;
			*s += strlen(ops[i].text);
			has_op = true;
		}
	}
	*s = skip_blanks(*s);
	if (!take_partial(s, &c->to, &has_wildcard))
		return false;
	if (has_wildcard && !has_op)
		c->op = OP_EXACT; /* 1.* is any 1 */
	*s = skip_blanks(*s);
	return c->to.n > 0 || !has_op;
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

/* Identifiers as section 11 of the specification orders them: numbers by value and below text. */
static int compare_identifiers(const char *a, size_t n_a, const char *b, size_t n_b)
{
	bool a_is_number = strspn(a, DIGITS) >= n_a, b_is_number = strspn(b, DIGITS) >= n_b;
	int r;

	if (a_is_number != b_is_number)
		return a_is_number ? -1 : 1;
	if (a_is_number && n_a != n_b)
		return n_a < n_b ? -1 : 1; /* no leading zeros: the longer is the larger */
	r = strncmp(a, b, n_a < n_b ? n_a : n_b);
	return r ? r : compare_numbers(n_a, n_b);
}

static int compare_pre(const char *a, const char *b)
{
	size_t n_a, n_b;
	int r;

	if (*a == 0 || *b == 0)
		return (*a == 0) - (*b == 0); /* a release is above its pre-releases */
	while (*a && *b) {
		n_a = strcspn(a, ".");
		n_b = strcspn(b, ".");
		r = compare_identifiers(a, n_a, b, n_b);
		if (r != 0)
			return r;
		a += n_a + (a[n_a] == '.');
		b += n_b + (b[n_b] == '.');
	}
	return (*a != 0) - (*b != 0);
}

/* Compare the parts that were written; 0 with fewer than three says nothing of the rest. */
static int compare(const struct version *v, const struct version *to)
{
	unsigned int i;
	int r = 0;

	for (i = 0; r == 0 && i < to->n; i++)
		r = compare_numbers(v->v[i], to->v[i]);
	return r || to->n < 3 ? r : compare_pre(v->pre, to->pre);
}

/* How many leading numbers must be equal so that ^ holds. */
static unsigned int caret_parts(const struct version *to)
{
	unsigned int i;

	for (i = 0; i + 1 < to->n && to->v[i] == 0; i++)
		;
	return i + 1;
}

static bool is_at_least(const struct version *v, const struct version *to, unsigned int n_equal)
{
	unsigned int i;

	for (i = 0; i < n_equal && i < to->n; i++) {
		if (v->v[i] != to->v[i])
			return false;
	}
	return compare(v, to) >= 0;
}

static bool holds(const struct version *v, const struct comparator *c)
{
	switch (c->op) {
	case OP_EXACT:
		return compare(v, &c->to) == 0;
	case OP_GREATER:
		return compare(v, &c->to) > 0;
	case OP_GREATER_EQ:
		return compare(v, &c->to) >= 0;
	case OP_LESS:
		return compare(v, &c->to) < 0;
	case OP_LESS_EQ:
		return compare(v, &c->to) <= 0;
	case OP_TILDE:
		return is_at_least(v, &c->to, 2);
	case OP_CARET:
		return c->to.n == 0 || is_at_least(v, &c->to, caret_parts(&c->to));
	}
	return false;
}

static bool names_pre_release(const struct version *v, const struct comparator *c)
{
	return c->to.n == 3 && c->to.pre[0] != 0 && memcmp(v->v, c->to.v, sizeof(v->v)) == 0;
}

/* Return: 0 and whether all comparators hold, or -1. */
static int evaluate(const struct version *v, const char *s, bool *ret)
{
	bool all = true, named = v->pre[0] == 0;
	struct comparator c;
	unsigned int i;

	for (i = 0; i < SEMVER_COMPARATORS_MAX; i++) {
		if (!take_comparator(&s, &c))
			return -1;
		all = all && holds(v, &c);
		named = named || names_pre_release(v, &c);
		if (*s == 0) {
			*ret = all && named;
			return 0;
		}
		if (*s++ != ',')
			return -1;
	}
	return -1;
}

int semver_meets(const char *version, const char *requirement, bool *ret, struct err *e)
{
	struct version v = { 0 };
	const char *s = version;
	bool has_wildcard;
	char shown[96];

	if (strlen(version) >= SEMVER_TEXT_MAX || !take_partial(&s, &v, &has_wildcard) || *s ||
	    has_wildcard || v.n != 3)
		return err_set(e, ERR_INPUT, "\"%s\" is not a version",
			       str_escape(shown, sizeof(shown), version, strlen(version)));
	if (strlen(requirement) >= SEMVER_TEXT_MAX || evaluate(&v, requirement, ret) < 0)
		return err_set(e, ERR_INPUT, "\"%s\" is not a requirement; >=0.5.0, <1 is one",
			       str_escape(shown, sizeof(shown), requirement, strlen(requirement)));
	return 0;
}
