/* SPDX-License-Identifier: Apache-2.0 */
#include "data/env_text.h"

#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "data/env_plain.h"

/* What was read is never behind what is written: decoding makes nothing longer. */
struct scan {
	char *p, *end; /* *end is a 0 of ours */
	unsigned int line;
	struct err *e;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void skip_blanks(struct scan *s)
{
	while (s->p < s->end && is_blank(*s->p))
		s->p++;
}

/* To the end of the line, which stays. */
static void skip_line(struct scan *s)
{
	char *nl = memchr(s->p, '\n', (size_t)(s->end - s->p));

	s->p = nl ? nl : s->end;
}

static int wrong(const struct scan *s, unsigned int line, const char *what)
{
	return err_set(s->e, ERR_INPUT, "%u: %s", line, what);
}

/* To the next line that is neither empty nor a comment. */
static void next_line(struct scan *s)
{
	for (;;) {
		skip_blanks(s);
		if (s->p < s->end && *s->p == '#')
			skip_line(s);
		if (s->p == s->end || *s->p != '\n')
			return;
		s->p++;
		s->line++;
	}
}

/* What ends a value: only a comment may follow it.  @at is behind the closing quote. */
static int check_rest(struct scan *s)
{
	bool is_apart;
	char *at = s->p;

	skip_blanks(s);
	is_apart = s->p > at;
	if (s->p < s->end && *s->p == '#' && is_apart)
		skip_line(s);
	if (s->p < s->end && *s->p != '\n')
		return wrong(s, s->line,
			     "something follows the closing quote; put the whole value in quotes");
	return 0;
}

static int read_single(struct scan *s, struct env_var *v)
{
	unsigned int begun = s->line;
	char *from = ++s->p;

	for (; s->p < s->end && *s->p != '\''; s->p++)
		s->line += *s->p == '\n';
	if (s->p == s->end)
		return wrong(s, begun,
			     "the quote ' does not end; write another one behind the value");
	v->value = from;
	v->n_value = (size_t)(s->p - from);
	*s->p++ = 0;
	return check_rest(s);
}

/* The byte that a backslash and @c stand for; 0: none. */
static char escaped(char c)
{
	static const char from[] = "nrt\"\\$`", to[] = "\n\r\t\"\\$`";
	const char *at = c ? strchr(from, c) : NULL;

	return at ? to[at - from] : 0;
}

static int read_double(struct scan *s, struct env_var *v)
{
	unsigned int begun = s->line;
	char *to = ++s->p;

	v->value = to;
	for (; s->p < s->end && *s->p != '"'; s->p++) {
		s->line += *s->p == '\n';
		if (*s->p == '\\' && s->p + 1 < s->end) {
			s->p++;
			*to = escaped(*s->p);
			if (!*to++) {
				return wrong(s, s->line,
					     "no such escape; write \\\\ for a backslash, or use "
					     "single quotes");
			}
			continue;
		}
		*to++ = *s->p;
	}
	if (s->p == s->end)
		return wrong(s, begun,
			     "the quote \" does not end; write another one behind the value");
	v->n_value = (size_t)(to - v->value);
	s->p++; /* before the 0, which may be where it stands */
	*to = 0;
	return check_rest(s);
}

/* Its end is the line's, or a comment's. */
static void read_plain(struct scan *s, struct env_var *v)
{
	char *from = s->p, *end;

	skip_line(s);
	for (end = from; end < s->p; end++) {
		if (*end == '#' && (end == from || is_blank(end[-1])))
			break;
	}
	while (end > from && is_blank(end[-1]))
		end--;
	v->value = from;
	v->n_value = (size_t)(end - from);
}

static int read_name(struct scan *s, struct env_var *v)
{
	static const char prefix[] = "export";
	size_t n = sizeof(prefix) - 1;
	enum env_name verdict;
	char *from;

	if ((size_t)(s->end - s->p) > n && memcmp(s->p, prefix, n) == 0 && is_blank(s->p[n])) {
		s->p += n;
		skip_blanks(s);
	}
	from = s->p;
	while (s->p < s->end && *s->p != '=' && *s->p != '\n')
		s->p++;
	v->line = s->line;
	if (s->p == s->end || *s->p != '=') {
		return wrong(s, s->line,
			     "no variable; write NAME=value, and quotes around a value "
			     "of several lines");
	}
	v->name = from;
	v->n_name = (size_t)(s->p - from);
	verdict = env_name_check(v->name, v->n_name);
	if (verdict == ENV_NAME_FORBIDDEN)
		return err_set(s->e, ERR_INPUT, "%u: %.*s %s", s->line, (int)v->n_name, v->name,
			       env_name_text(verdict));
	if (verdict != ENV_NAME_OK)
		return err_set(s->e, ERR_INPUT, "%u: what stands before = %s", s->line,
			       env_name_text(verdict));
	*s->p++ = 0;
	return 0;
}

static int read_value(struct scan *s, struct env_var *v)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t'))
		s->p++;
	if (s->p < s->end && *s->p == '\'')
		return read_single(s, v);
	if (s->p < s->end && *s->p == '"')
		return read_double(s, v);
	read_plain(s, v);
	return 0;
}

static int check_new(const struct scan *s, const struct env_text *t, const struct env_var *v)
{
	size_t i;

	for (i = 0; i < t->n; i++) {
		if (t->vars[i].n_name == v->n_name &&
		    memcmp(t->vars[i].name, v->name, v->n_name) == 0) {
			return err_set(s->e, ERR_INPUT,
				       "%u: %s is there twice, first in line %u; remove one",
				       v->line, v->name, t->vars[i].line);
		}
	}
	if (v->n_name + 1 + v->n_value > ENV_PLAIN_PAIR_MAX) {
		return err_set(s->e, ERR_INPUT,
			       "%u: %s and its value have %zu bytes, and a program can be given %d",
			       v->line, v->name, v->n_name + 1 + v->n_value, ENV_PLAIN_PAIR_MAX);
	}
	return 0;
}

static int read_all(struct scan *s, struct env_text *ret)
{
	size_t total = 0;
	struct env_var v;
	int rc;

	for (next_line(s); s->p < s->end; next_line(s)) {
		v = (struct env_var){ .name = NULL };
		if (ret->n == ENV_VARS_MAX)
			return err_set(s->e, ERR_INPUT, "%u: more than %d variables", s->line,
				       ENV_VARS_MAX);
		rc = read_name(s, &v);
		if (rc == 0)
			rc = read_value(s, &v);
		if (rc == 0)
			rc = check_new(s, ret, &v);
		if (rc < 0)
			return rc;
		total += v.n_name + v.n_value;
		if (total > ENV_TOTAL_MAX) {
			return err_set(s->e, ERR_INPUT,
				       "%u: names and values together are over %d KiB", v.line,
				       ENV_TOTAL_MAX >> 10);
		}
		ret->vars[ret->n++] = v;
	}
	return 0;
}

static unsigned int lines_before(const char *p, const char *end)
{
	unsigned int n = 1;

	for (; p < end; p++)
		n += *p == '\n';
	return n;
}

/* UTF-8 has no state over lines, so the line of the first fault is the first that is not. */
static unsigned int first_bad_line(const char *p, const char *end)
{
	unsigned int line = 1;
	const char *nl;

	for (; p < end; p = nl + 1, line++) {
		nl = memchr(p, '\n', (size_t)(end - p));
		nl = nl ? nl : end;
		if (!str_is_utf8(p, (size_t)(nl - p)))
			break;
	}
	return line;
}

/* Ends each value: an end that a comment or a line's end was.  Not before all was read: lines are counted by them. */
static void terminate(char *text, struct env_text *t)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		text[(size_t)(t->vars[i].value - text) + t->vars[i].n_value] = 0;
}

int env_text_parse(char *text, size_t n, struct env_text *ret, struct err *e)
{
	static const char mark[] = "\xef\xbb\xbf"; /* of editors that say so: this is UTF-8 */
	struct scan s = { .p = text, .end = text + n, .line = 1, .e = e };
	const char *nul = memchr(text, 0, n);
	int rc;

	ret->n = 0;
	if (n > ENV_TEXT_MAX)
		return err_set(e, ERR_INPUT, "1: more than %d MiB", ENV_TEXT_MAX >> 20);
	if (nul)
		return err_set(e, ERR_INPUT, "%u: holds a NUL byte, which no variable can have",
			       lines_before(text, nul));
	if (!str_is_utf8(text, n))
		return err_set(e, ERR_INPUT, "%u: not text (UTF-8); encode the value",
			       first_bad_line(text, s.end));
	if (n >= sizeof(mark) - 1 && memcmp(text, mark, sizeof(mark) - 1) == 0)
		s.p += sizeof(mark) - 1;
	rc = read_all(&s, ret);
	if (rc < 0) {
		ret->n = 0;
		return rc;
	}
	terminate(text, ret);
	return 0;
}

/* ---- what is sealed ---- */

#define HEAD	  "{\"env\":["
#define TAIL	  "]}"
#define ITEM_KEY  "{\"key\":\""
#define ITEM_MID  "\",\"value\":\""
#define ITEM_TAIL "\"}"

size_t env_text_json_size(const struct env_text *t)
{
	size_t n = sizeof(HEAD) + sizeof(TAIL), i;

	for (i = 0; i < t->n; i++)
		n += sizeof(ITEM_KEY) + sizeof(ITEM_MID) + sizeof(ITEM_TAIL) + 1 +
		     t->vars[i].n_name + 6 * t->vars[i].n_value;
	return n;
}

static int add_text(struct buf *b, const char *p, size_t n)
{
	static const char named[] = "\b\f\n\r\t\"\\", names[] = "bfnrt\"\\";
	const char *at;
	size_t i;
	int rc = 0;

	for (i = 0; i < n && rc == 0; i++) {
		at = memchr(named, p[i], sizeof(named) - 1);
		if (at)
			rc = buf_add(b, (char[]){ '\\', names[at - named] }, 2);
		else if ((unsigned char)p[i] < 0x20)
			rc = buf_addf(b, "\\u%04x", (unsigned int)p[i]);
		else
			rc = buf_add(b, &p[i], 1);
	}
	return rc;
}

static int add_item(struct buf *b, const struct env_var *v, bool is_first)
{
	int rc = is_first ? 0 : buf_add_str(b, ",");

	if (rc == 0)
		rc = buf_add_str(b, ITEM_KEY);
	if (rc == 0)
		rc = add_text(b, v->name, v->n_name);
	if (rc == 0)
		rc = buf_add_str(b, ITEM_MID);
	if (rc == 0)
		rc = add_text(b, v->value, v->n_value);
	return rc == 0 ? buf_add_str(b, ITEM_TAIL) : rc;
}

int env_text_json(const struct env_text *t, struct buf *ret)
{
	int rc = buf_add_str(ret, HEAD);
	size_t i;

	for (i = 0; i < t->n && rc == 0; i++)
		rc = add_item(ret, &t->vars[i], i == 0);
	return rc == 0 ? buf_add_str(ret, TAIL) : rc;
}
